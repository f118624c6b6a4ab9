//! A handler that panics costs its own request a 500, and nothing else.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{CatchUnwind, Map};
use tower::{Layer, Service};

use super::{Answer, Call};
use crate::error::Error;
use crate::respond::{self, Response};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CatchPanic { inner }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct CatchPanic<S> {
    inner: S,
}

type Caught = Result<Answer, Box<dyn Any + Send>>;

impl<S> Service<Call> for CatchPanic<S>
where
    S: Service<Call, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Map<CatchUnwind<AssertUnwindSafe<S::Future>>, fn(Caught) -> Answer>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        AssertUnwindSafe(self.inner.call(call))
            .catch_unwind()
            .map(answer)
    }
}

fn answer(caught: Caught) -> Answer {
    caught.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        tracing::error!(panic = text, "a handler panicked");
        Ok(respond::error(&Error::Internal, None))
    })
}
