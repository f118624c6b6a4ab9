//! Raw records: `POST /topics/{topic}` and `…/partitions/{partition}` with any other body than an envelope, where
//! `sluiceway.raw.topics` allows it (see [`crate::raw`]).
//!
//! Webhooks look at the status alone, so it is always [strict](crate::prefer); and since they seldom accept our own media
//! type, the answer is plain JSON unless that is asked for.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, Request as HttpRequest, header};
use hyper::body::Incoming;

use super::offsets::{SchemaIds, render};
use super::raw_lines::{self, Lines};
use super::records::{check_reachable, done};
use crate::api::Request;
use crate::app::App;
use crate::body::Limits;
use crate::error::Error;
use crate::format::{Batch, Format};
use crate::idempotency::{self, Done, Hand, Work};
use crate::media::{self, MediaType, Negotiated, Offer};
use crate::prefer;
use crate::produce::{produce, produce_in};
use crate::raw::{Kind, Meta, content_type};
use crate::respond::{self, Response};
use crate::router::{Endpoint, Matched, Route};
use crate::trace_context::TraceContext;
use sluiceway_common::glob;
use sluiceway_common::meters::Account;

/// Whether a request whose media type its route does not read is a raw one.
pub(crate) fn takes(
    app: &App,
    route: &Route,
    matched: &Matched,
    request: &HttpRequest<Incoming>,
) -> bool {
    let patterns = &app.config.raw.topics;
    if patterns.is_empty()
        || !matches!(
            route.endpoint,
            Endpoint::ProduceToTopic | Endpoint::ProduceToPartition
        )
    {
        return false;
    }
    let topic = matched.param(request.uri().path(), 0);
    let named = |topic: &String| patterns.iter().any(|pattern| glob::fits(pattern, topic));
    // An envelope of a format that is not served stays refused.
    let raw = || !matches!(Kind::of(content_type(request.headers())), Ok(None));
    topic.is_ok_and(|topic| named(&topic)) && raw()
}

/// The media type of the answer: ours where it is accepted, plain JSON for everybody else.
pub(crate) fn answered_in(headers: &HeaderMap) -> Negotiated {
    const OFFERS: &[Offer] = &[
        Offer {
            media: MediaType::Json,
            quality: 1000,
        },
        Offer {
            media: MediaType::V2,
            quality: 900,
        },
    ];
    media::accept(headers.get_all(header::ACCEPT).iter(), OFFERS)
        .unwrap_or_else(|_| Negotiated::plain(MediaType::Json))
}

/// Writes the records of a body.
///
/// # Errors
/// The request as a whole is refused; nothing is written then.
pub(crate) async fn write(
    request: &Request<'_>,
    partition: Option<i32>,
    body: Incoming,
) -> Result<Response, Error> {
    let (app, topic) = (request.app, request.topic()?);
    let kind = Kind::of(content_type(request.headers))?.ok_or(Error::UnsupportedMediaType)?;
    let forward = &app.config.raw.forward;
    let meta = Meta::read(request.headers, |name| request.query(name), forward)?;
    check_reachable(app)?;
    // With a key it is one transaction, and compressed it is undone as a whole: both need all of it.
    let whole = idempotency::key_of(request)?.is_some() || request.is_compressed()?;
    if kind.is_lines() && !whole {
        let lines = Lines {
            kind,
            meta,
            topic,
            partition,
        };
        return raw_lines::write(request, &lines, body).await;
    }
    let (limits, record) = (app.body_limits(), app.config.delivery.max_record_bytes);
    let read = if kind.is_one_record() && record < limits.max_bytes {
        let limits = Limits {
            max_bytes: record,
            ..limits
        };
        let read = request.body_within(body, limits).await;
        read.map_err(|error| match error {
            Error::BodyTooLarge(limit) => Error::RecordTooLarge(limit),
            other => other,
        })
    } else {
        request.body(body).await
    };
    let (body, permit) = read?;
    if let Some(key) = idempotency::key_of(request)? {
        let words = format!("{kind:?} {meta:?}");
        let keyed = Keyed {
            topic,
            partition,
            batch: kind.records(body.to_vec(), &meta)?,
            trace: TraceContext::of(request),
            account: request.caller.account.cloned(),
        };
        let once = idempotency::once(request, key, (&words, &body), keyed);
        let mut response = Box::pin(once).await?;
        prefer::follow(&mut response, app.admission.retry_after());
        return Ok(response);
    }
    let mut batch = kind.records(Vec::from(body), &meta)?;
    let sending = TraceContext::of(request).sending(&topic);
    sending.add_to_all(&mut batch);
    request.charge(0, batch.records.len());
    let produced = produce(app, &topic, partition, Format::Binary, batch, permit).await?;
    sending.delivered(produced.records, || produced.outcome());
    let answer = render(&produced, SchemaIds::default(), true);
    let mut response = respond::bytes(answer.status, request.negotiated, answer.body);
    let wait = app.admission.retry_after();
    answer.outcome.apply(&mut response, wait);
    Ok(response)
}

/// A request with an `Idempotency-Key`.
struct Keyed {
    topic: String,
    partition: Option<i32>,
    batch: Batch,
    trace: TraceContext,
    /// Whom the records are charged to, when they are limited.
    account: Option<Arc<Account>>,
}

#[async_trait]
impl Work for Keyed {
    async fn write(&self, app: &App, hand: Hand<'_>) -> Result<Done, Error> {
        if let Some(account) = &self.account {
            account.charge(0, self.batch.records.len());
        }
        let (topic, partition) = (&self.topic, self.partition);
        let mut batch = self.batch.clone();
        let sending = self.trace.sending(topic);
        sending.add_to_all(&mut batch);
        let produced = produce_in(app, topic, partition, Format::Binary, &batch, hand).await?;
        sending.delivered(produced.records, || produced.outcome());
        Ok(done(&produced, SchemaIds::default(), true))
    }
}
