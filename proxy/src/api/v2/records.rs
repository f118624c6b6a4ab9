//! Producing: `POST /topics/{topic}` and `POST /topics/{topic}/partitions/{partition}`.
//!
//! ```text
//! body ─▶ envelope ─▶ format ─▶ produce ─▶ {"offsets":[…],"key_schema_id":null,"value_schema_id":null}
//! ```

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use hyper::body::Incoming;

use crate::api::Request;
use crate::app::App;
use crate::decimal::append as decimal;
use crate::envelope::{self, Envelope, Schemas};
use crate::error::{Error, codes};
use crate::format::binary::Binary;
use crate::format::schema::WithSchemas;
use crate::format::{Batch, Format, Side};
use crate::idempotency::{self, Done, Hand, Work};
use crate::limit::meters::Account;
use crate::media::MediaType;
use crate::prefer::{self, Outcome};
use crate::produce::{Produced, RecordError, produce, produce_in};
use crate::respond::{self, Response};
use crate::schemas::{self, Asked, Found, Place, SchemaFault};

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
        };
        let once = idempotency::once(request, key, ("", &body), keyed);
        let mut response = Box::pin(once).await?;
        if strict {
            prefer::follow(&mut response, request.app.admission.retry_after());
        }
        return Ok(response);
    }
    let (batch, ids) = decode(request.app, topic, &body, format).await?;
    drop(body);
    request.charge(0, batch.records.len());
    let produced = produce(request.app, topic, partition, format, batch, permit).await?;
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
}

#[async_trait]
impl Work for Keyed {
    async fn write(&self, app: &App, hand: Hand<'_>) -> Result<Done, Error> {
        let (topic, format) = (&self.topic, self.format);
        let (batch, ids) = decode(app, topic, &self.body, format).await?;
        if let Some(account) = &self.account {
            account.charge(0, batch.records.len());
        }
        let produced = produce_in(app, topic, self.partition, format, &batch, hand).await?;
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

/// The ids of the schemas that keys and values were written with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SchemaIds {
    key: Option<u32>,
    value: Option<u32>,
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

/// An answer to a produce request.
pub(crate) struct Rendered {
    /// 401 or 403 when a record was refused for who the proxy is, else 200.
    pub(crate) status: StatusCode,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// What a strict status tells.
    pub(crate) outcome: Outcome,
}

/// The answer. `strict`: failures have the codes of their kinds.
pub(crate) fn render(produced: &Produced, ids: SchemaIds, strict: bool) -> Rendered {
    const ENTRY_BYTES: usize = 72;
    let mut out = Vec::with_capacity(64 + produced.records * ENTRY_BYTES);
    let (mut status, mut outcome) = (StatusCode::OK, Outcome::default());
    out.extend_from_slice(b"{\"offsets\":[");
    for (index, result) in produced.results().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match result {
            Ok((partition, offset)) => {
                outcome.stored();
                stored(&mut out, partition, offset);
            }
            Err(mut error) => {
                outcome.failed(error.strict);
                if strict {
                    error.code = error.strict;
                }
                let refused = matches!(
                    error.code,
                    codes::KAFKA_AUTHENTICATION | codes::KAFKA_AUTHORIZATION
                );
                if refused && status == StatusCode::OK {
                    status = error.code.status;
                }
                failed(&mut out, &error);
            }
        }
    }
    out.extend_from_slice(b"],\"key_schema_id\":");
    id(&mut out, ids.key);
    out.extend_from_slice(b",\"value_schema_id\":");
    id(&mut out, ids.value);
    out.push(b'}');
    Rendered {
        status,
        body: out,
        outcome,
    }
}

fn id(out: &mut Vec<u8>, id: Option<u32>) {
    match id {
        Some(id) => decimal(out, id.into()),
        None => out.extend_from_slice(b"null"),
    }
}

fn stored(out: &mut Vec<u8>, partition: i32, offset: i64) {
    out.extend_from_slice(b"{\"partition\":");
    decimal(out, i64::from(partition));
    out.extend_from_slice(b",\"offset\":");
    decimal(out, offset);
    out.extend_from_slice(b",\"error_code\":null,\"error\":null}");
}

fn failed(out: &mut Vec<u8>, error: &RecordError) {
    out.extend_from_slice(b"{\"partition\":null,\"offset\":null,\"error_code\":");
    decimal(out, i64::from(error.code.number));
    out.extend_from_slice(b",\"error\":");
    out.extend_from_slice(
        serde_json::to_string(&error.message)
            .unwrap_or_default()
            .as_bytes(),
    );
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn entries() {
        let mut out = Vec::new();
        stored(&mut out, 3, 12);
        assert_eq!(
            out,
            br#"{"partition":3,"offset":12,"error_code":null,"error":null}"#
        );
        out.clear();
        failed(&mut out, &RecordError::new(codes::KAFKA, "a \"b\""));
        assert_eq!(
            out,
            br#"{"partition":null,"offset":null,"error_code":50002,"error":"a \"b\""}"#
        );
    }
}
