//! The Kinesis front: Kinesis Data Streams for AWS SDKs, and API Gateway's Kinesis proxy, on Kafka's topics. Off unless
//! `sluiceway.kinesis.enable` is set.
//!
//! ```text
//! POST / with X-Amz-Target ─▶ call ── signature ─┐                   ┌─▶ streams  make, remove, list, describe
//!                                                ├─▶ front ─ rights ─┼─▶ put ─▶ shard ─▶ produce ─▶ Kafka
//! /streams… ────────────────▶ gateway ───────────┘                   └─▶ get ─▶ token ─▶ a read without a group
//! ```
//!
//! A stream is a topic of the same name, a shard is a partition, the partition key is the record's key, a sequence number
//! tells shard and offset. So what comes in here is read by Kafka's clients and the S3 sink, and the other way round.
//! Errors have Kinesis' names ([`fault`]); [`crate::respond`] makes answers of them.

mod access_keys;
mod call;
pub mod config;
pub(crate) mod fault;
mod front;
mod gateway;
mod get;
pub(crate) mod put;
mod shard;
mod shards;
pub(crate) mod signature;
mod streams;
mod token;
mod which;

use std::sync::Arc;

use http::{Method, Request as HttpRequest, StatusCode};
use hyper::body::Incoming;

use crate::api::{Asked, Caller};
use crate::app::App;
use crate::auth::authenticate::Roles;
use crate::auth::principal::{Method as AuthMethod, Principal};
use crate::auth::rights::Rights;
use crate::error::Error;
use crate::events;
use crate::media::{MediaType, Negotiated};
use crate::respond::{self, Response};
use crate::router::{Endpoint, Kinesis as Resource, Matched, Router};

use access_keys::{AccessKey, AccessKeys};
use config::KinesisConfig;
use fault::Fault;
use token::Seals;

pub use access_keys::AccessKeysError;

/// The header that names an operation.
pub(crate) const TARGET: &str = "x-amz-target";
/// The media type of SDKs.
const AMZ_JSON: &str = "application/x-amz-json-1.1";

/// The front, made at start.
pub struct Kinesis {
    config: KinesisConfig,
    keys: Option<AccessKeys>,
    seals: Seals,
    /// The route of SDKs' calls; `None`: it is not served.
    route: Option<usize>,
}

/// Why there is no front.
#[derive(Debug, thiserror::Error)]
pub enum KinesisError {
    /// The file of keys cannot be used.
    #[error(transparent)]
    Keys(#[from] AccessKeysError),
    /// The system gives no key for iterators.
    #[error("shard iterators cannot be sealed")]
    Seals,
}

impl Kinesis {
    /// The front of these settings.
    ///
    /// # Errors
    /// The file of keys cannot be used.
    pub fn new(config: KinesisConfig, router: &Router) -> Result<Self, KinesisError> {
        let keys = config.keys_file.as_deref().map(AccessKeys::open);
        let seals = Seals::new(config.iterator_secret.as_ref()).ok_or(KinesisError::Seals)?;
        Ok(Self {
            keys: keys.transpose()?,
            seals,
            route: router.route_of(Endpoint::Kinesis(Resource::Call)),
            config,
        })
    }

    /// What a call of an SDK is matched with; `None`: it is none.
    #[must_use]
    pub fn matched<B>(&self, request: &HttpRequest<B>) -> Option<Matched> {
        let call = request.method() == Method::POST
            && request.uri().path() == "/"
            && request.headers().contains_key(TARGET);
        self.route.filter(|_| call).map(Matched::route)
    }

    /// Who a key's owner is, and what they may do.
    fn principal(&self, app: &App, key: &AccessKey) -> Result<Principal, Fault> {
        let security = &app.config.security;
        let rights = if security.rules.is_empty() {
            let roles = Roles::read(&security.roles);
            if !security.auth.methods.is_empty() && !roles.allow(&key.roles) {
                let message = format!("{} has none of the roles that are let in", key.name);
                return Err(Error::Forbidden(message).into());
            }
            Rights::All
        } else {
            security.rules.rights(&key.name, &key.roles)
        };
        Ok(Principal {
            name: Arc::clone(&key.name),
            roles: key.roles.clone(),
            method: AuthMethod::Signature,
            rights,
            plan: None,
            own: None,
        })
    }
}

/// Answers a request of the front.
pub(crate) async fn answer(
    app: &Arc<App>,
    resource: Resource,
    matched: Matched,
    caller: Caller<'_>,
    request: HttpRequest<Incoming>,
) -> Response {
    let Some(kinesis) = &app.kinesis else {
        return respond::error(&Error::NoSuchPath, None);
    };
    let (parts, body) = request.into_parts();
    let negotiated = Negotiated::plain(MediaType::Json);
    let asked = Asked {
        endpoint: Endpoint::Kinesis(resource),
        matched,
        parts: &parts,
        media: None,
        negotiated: &negotiated,
        caller,
    };
    let request = asked.request(app);
    let (media, result) = match resource {
        Resource::Call => (
            AMZ_JSON,
            call::answer(kinesis, &request, &parts, body).await,
        ),
        _ => (
            "application/json",
            gateway::answer(kinesis, resource, &request, body).await,
        ),
    };
    match result {
        Ok(body) => respond::amazon(StatusCode::OK, media, body),
        Err(fault) => refused(app, &fault, media),
    }
}

fn refused(app: &App, fault: &Fault, media: &'static str) -> Response {
    events::kinesis_refused(&app.metrics, fault.name, &fault.message);
    respond::kinesis(fault, media)
}

/// A call of an SDK that the gate does not let pass, in the words of Kinesis.
pub(crate) fn denied(error: &Error) -> Response {
    respond::kinesis(&Fault::from(error), AMZ_JSON)
}
