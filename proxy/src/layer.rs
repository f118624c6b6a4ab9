//! The layers of [`crate::stack`], and what passes through them.
//!
//! They are tower services of a [`Call`]; their futures are named, so that a layer costs a comparison or two and no
//! allocation. The only boxed future is the handler's, at the bottom.

pub mod catch_panic;
pub mod compress;
pub mod cors;
pub mod deadline;
pub mod guard;
pub mod headers;
pub mod observe;
pub mod shed;
pub mod size_limit;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;

use futures_util::future::Either;
use http::Request;
use hyper::body::Incoming;
use sluiceway_common::traces::TraceParent;

use crate::auth::principal::Principal;
use crate::connections::Active;
use crate::respond::Response;
use crate::router::Matched;
use crate::server::Peer;
use sluiceway_common::meters::Account;

/// A request on its way down.
pub struct Call {
    /// As it came.
    pub request: Request<Incoming>,
    /// What the router made of its method and path.
    pub matched: Matched,
    /// Who sent it.
    pub peer: Arc<Peer>,
    /// Marks its connection as in use until the handler is done.
    pub active: Active,
    /// Who sent it, when that has to be known.
    pub principal: Option<Arc<Principal>>,
    /// Whom its bytes and records are charged to, when they are limited.
    pub account: Option<Arc<Account>>,
    /// The span that it is.
    pub trace: Option<TraceParent>,
    /// The stage in front of its path.
    pub stage: Option<Box<str>>,
    /// Holds its place among the requests served at once.
    pub place: Option<shed::Place>,
}

/// What a layer's future gives.
pub type Answer = Result<Response, Infallible>;

/// A future that is either an answer already, or what is below.
pub type AnsweredOr<F> = Either<Ready<Answer>, F>;

/// Answers without going further down.
fn answered<F>(response: Response) -> AnsweredOr<F> {
    Either::Left(ready(Ok(response)))
}
