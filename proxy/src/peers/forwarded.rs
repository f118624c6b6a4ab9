//! The body of another replica's answer, as it comes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::connections::Active;
use crate::layer::shed;

/// The body of another replica's answer.
#[derive(Debug)]
pub struct Forwarded {
    incoming: Incoming,
    /// What ends it before it has ended by itself.
    ends: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// What marks the request as under way.
    kept: Option<(Active, Option<shed::Place>)>,
}

impl Forwarded {
    pub(super) fn new(incoming: Incoming, ends: Option<WaitForCancellationFutureOwned>) -> Self {
        Self {
            incoming,
            ends: ends.map(Box::pin),
            kept: None,
        }
    }

    /// Keeps what marks the request as under way until the answer ends.
    pub fn keep(&mut self, marks: (Active, Option<shed::Place>)) {
        self.kept = Some(marks);
    }

    /// The next piece. An answer that breaks off breaks ours off, too, so that nobody takes it for whole.
    pub(crate) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let ends = self.ends.as_mut().map(|ends| ends.as_mut().poll(context));
        let frame = match ends {
            Some(Poll::Ready(())) => None,
            _ => ready!(Pin::new(&mut self.incoming).poll_frame(context)),
        };
        if frame.is_none() {
            self.kept = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }
}
