//! Producing: `POST /topics/{topic}` and `POST /topics/{topic}/partitions/{partition}`.
//!
//! ```text
//! body ─▶ envelope ─▶ format ─▶ produce ─▶ {"offsets":[…],"key_schema_id":null,"value_schema_id":null}
//! ```

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hyper::body::Incoming;

use super::offsets::{SchemaIds, render};
use crate::api::Request;
use crate::app::App;
use crate::envelope::{self, Envelope, Schemas};
use crate::error::Error;
use crate::format::binary::Binary;
use crate::format::schema::WithSchemas;
use crate::format::{Batch, Format, Side};
use crate::idempotency::{self, Done, Hand, Work};
use crate::media::MediaType;
use crate::prefer;
use crate::produce::{Produced, produce, produce_in};
use crate::respond::{self, Response};
use crate::schemas::{self, Asked, Found, Place, SchemaFault};
use crate::trace_context::TraceContext;
use sluiceway_common::meters::Account;

/// `POST /topics/{topic}`
///
/// # Errors
/// The request as a whole is refused; a record's failure is its own result.
pub async fn to_topic(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let topic = request.topic()?;
    write(request, &topic, None, body).await
}

/// `POST /topics/{topic}/partitions/{partition}`: a record's own partition still wins.
///
/// # Errors
/// As [`to_topic`].
pub async fn to_partition(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (topic, partition) = (request.topic()?, request.partition()?);
    write(request, &topic, Some(partition), body).await
}

async fn write(
    request: &Request<'_>,
    topic: &str,
    partition: Option<i32>,
    body: Incoming,
) -> Result<Response, Error> {
    let media = request.media.unwrap_or(MediaType::V2Json);
    let format = Format::of_media(media).ok_or(Error::UnsupportedMediaType)?;
    let strict = prefer::strict(request.headers);
    if strict {
        check_reachable(request.app)?;
    }
    let (body, permit) = request.body(body).await?;
    if let Some(key) = idempotency::key_of(request)? {
        let keyed = Keyed {
            topic: topic.to_owned(),
            partition,
            format,
            body: body.clone(),
            strict,
            account: request.caller.account.cloned(),
            trace: TraceContext::of(request),
        };
        let once = idempotency::once(request, key, ("", &body), keyed);
        let mut response = Box::pin(once).await?;
        if strict {
            prefer::follow(&mut response, request.app.admission.retry_after());
        }
        return Ok(response);
    }
    let (mut batch, ids) = decode(request.app, topic, &body, format).await?;
    drop(body);
    let sending = TraceContext::of(request).sending(topic);
    sending.add_to_all(&mut batch);
    request.charge(0, batch.records.len());
    let produced = produce(request.app, topic, partition, format, batch, permit).await?;
    sending.delivered(produced.records, || produced.outcome());
    let answer = render(&produced, ids, strict);
    let mut response = respond::bytes(answer.status, request.negotiated, answer.body);
    if strict {
        let wait = request.app.admission.retry_after();
        answer.outcome.apply(&mut response, wait);
    }
    Ok(response)
}

/// Kafka is known to be away: who prefers a strict status need not wait to hear it.
pub(crate) fn check_reachable(app: &App) -> Result<(), Error> {
    app.health.unreachable().map_or(Ok(()), |reason| {
        Err(Error::Unavailable {
            reason,
            retry_after: app.admission.retry_after(),
        })
    })
}

/// A request with an `Idempotency-Key`.
struct Keyed {
    topic: String,
    partition: Option<i32>,
    format: Format,
    body: Bytes,
    /// Whether the status and the records' codes are strict.
    strict: bool,
    /// Whom the records are charged to, when they are limited.
    account: Option<Arc<Account>>,
    trace: TraceContext,
}

#[async_trait]
impl Work for Keyed {
    async fn write(&self, app: &App, hand: Hand<'_>) -> Result<Done, Error> {
        let (topic, format) = (&self.topic, self.format);
        let (mut batch, ids) = decode(app, topic, &self.body, format).await?;
        let sending = self.trace.sending(topic);
        sending.add_to_all(&mut batch);
        if let Some(account) = &self.account {
            account.charge(0, batch.records.len());
        }
        let produced = produce_in(app, topic, self.partition, format, &batch, hand).await?;
        sending.delivered(produced.records, || produced.outcome());
        Ok(done(&produced, ids, self.strict))
    }
}

/// What came of a request's records in a transaction.
pub(crate) fn done(produced: &Produced, ids: SchemaIds, strict: bool) -> Done {
    let answer = render(produced, ids, strict);
    let (stored, lost) = produced.outcome();
    let status = if strict {
        answer.outcome.status()
    } else {
        answer.status
    };
    Done {
        status,
        body: answer.body,
        stored,
        lost,
    }
}

async fn decode(
    app: &App,
    topic: &str,
    body: &[u8],
    format: Format,
) -> Result<(Batch, SchemaIds), Error> {
    let extended = app.config.v2_extras;
    let envelope = envelope::decode_extended(body, format.produce_method(), extended)?;
    let batch = match format {
        Format::Json => Batch::of_json(envelope),
        Format::Binary => Batch::serialize(&envelope, &Binary)?,
        Format::Avro | Format::JsonSchema | Format::Protobuf => {
            return Box::pin(with_schemas(app, topic, &envelope, format)).await;
        }
        Format::String => return Err(Error::UnsupportedMediaType),
    };
    Ok((batch, SchemaIds::default()))
}

/// Records of a format with schemas that name none, nulls among them, when `schema.registry.url` is empty.
const NO_REGISTRY: &str =
    "Schema Registry not defined, no Schema Registry client available to serialize message.";

async fn with_schemas(
    app: &App,
    topic: &str,
    envelope: &Envelope,
    format: Format,
) -> Result<(Batch, SchemaIds), Error> {
    let Schemas {
        key,
        key_id,
        value,
        value_id,
    } = &envelope.schemas;
    let schemas = WithSchemas {
        key: schema(app, topic, Side::Key, format, key.as_deref(), *key_id).await?,
        value: schema(app, topic, Side::Value, format, value.as_deref(), *value_id).await?,
    };
    if app.schemas.is_none() {
        return Err(SchemaFault::Registry(NO_REGISTRY.to_owned()).into());
    }
    schemas.check(envelope)?;
    let ids = SchemaIds {
        key: schemas.key.as_ref().map(|found| found.id),
        value: schemas.value.as_ref().map(|found| found.id),
    };
    Ok((Batch::serialize(envelope, &schemas)?, ids))
}

async fn schema(
    app: &App,
    topic: &str,
    side: Side,
    format: Format,
    text: Option<&str>,
    id: Option<i32>,
) -> Result<Option<Found>, SchemaFault> {
    let asked = match (text, id) {
        (None, None) => return Ok(None),
        _ if app.schemas.is_none() => return Err(SchemaFault::NotConfigured),
        (Some(_), Some(_)) => return Err(SchemaFault::Internal),
        (Some(text), None) => Asked::Text(format, text),
        (None, Some(id)) => Asked::Id(id),
    };
    let place = Place {
        topic,
        side,
        subject: None,
        strategy: None,
    };
    let found = schemas::find(app, place, asked).await?;
    if found.format() != format {
        return Err(SchemaFault::Internal);
    }
    Ok(Some(found))
}
