//! A v3 record → the bytes of its key, value and headers.
//!
//! In: a [`RecordRequest`] whose data are spans of a buffer. Out: a [`Prepared`] record, its bytes in the same buffer
//! (JSON stays where it is). What fails: the record alone, with the error that is its answer.

use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};

use crate::app::App;
use crate::envelope::{Record, Span};
use crate::error::codes;
use crate::format::binary::Binary;
use crate::format::string::Text;
use crate::format::{Format, SerializeError, Serializer, Side, Written};
use crate::produce::answer::{Shown, ShownSchema};
use crate::produce::{RecordError, varint_len};
use crate::record_request::{Data, Header, NamedSchema, RecordRequest};
use crate::schemas::{self, Asked, Place, SchemaFault};

/// A record whose bytes are known.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Its key, value and partition.
    pub(crate) record: Record,
    /// Its headers.
    pub(crate) headers: Option<OwnedHeaders>,
    /// Bytes that the headers take in a batch.
    pub(crate) header_bytes: usize,
    /// Epoch milliseconds.
    pub(crate) timestamp: i64,
    /// What the answer tells of the key.
    pub(crate) key: Option<Shown>,
    /// What the answer tells of the value.
    pub(crate) value: Option<Shown>,
}

impl Prepared {
    /// Whether it may go to any partition.
    pub(crate) fn is_loose(&self) -> bool {
        self.record.key.is_none() && self.record.partition.is_none()
    }

    /// The side whose format it is counted for.
    pub(crate) fn counted(&self) -> Option<&Shown> {
        self.value.as_ref().or(self.key.as_ref())
    }
}

/// Prepares a record. `now` is its time if it has none.
pub(crate) async fn prepare(
    app: &App,
    topic: &str,
    request: &RecordRequest,
    bytes: &mut Vec<u8>,
    now: i64,
) -> Result<Prepared, RecordError> {
    match is_plain(request) {
        true => plain(request, bytes, now),
        false => Box::pin(registered(app, topic, request, bytes, now)).await,
    }
}

/// Whether a record needs no schema, as most.
pub(crate) fn is_plain(request: &RecordRequest) -> bool {
    let needs = |data: &Option<Data>| data.as_ref().is_some_and(needs_schema);
    !needs(&request.key) && !needs(&request.value)
}

/// Prepares a record that [needs no schema](is_plain).
// Inlined: what is stored in halves and then copied as a whole waits for everything that was stored before.
#[inline(always)]
pub(crate) fn plain(
    request: &RecordRequest,
    bytes: &mut Vec<u8>,
    now: i64,
) -> Result<Prepared, RecordError> {
    let own = Own::of(request, now)?;
    let key = written(request.key.as_ref(), Side::Key, bytes)?;
    let value = written(request.value.as_ref(), Side::Value, bytes)?;
    Ok(own.with(key, value))
}

/// Prepares a record that needs a schema.
async fn registered(
    app: &App,
    topic: &str,
    request: &RecordRequest,
    bytes: &mut Vec<u8>,
    now: i64,
) -> Result<Prepared, RecordError> {
    let own = Own::of(request, now)?;
    let key = with_schema(app, topic, Side::Key, request.key.as_ref(), bytes).await?;
    let value = with_schema(app, topic, Side::Value, request.value.as_ref(), bytes).await?;
    Ok(own.with(key, value))
}

/// What a record has beside its key and value.
struct Own {
    partition: Option<i32>,
    timestamp: i64,
    headers: (Option<OwnedHeaders>, usize),
}

impl Own {
    #[inline]
    fn of(request: &RecordRequest, now: i64) -> Result<Self, RecordError> {
        if request.partition.is_some_and(i32::is_negative) {
            return Err(RecordError::new(
                codes::PARTITION_NOT_FOUND,
                "Partition not found.",
            ));
        }
        Ok(Self {
            partition: request.partition,
            timestamp: timestamp(request.timestamp, now)?,
            headers: headers(&request.headers),
        })
    }

    #[inline]
    fn with(self, (key, key_shown): Found, (value, value_shown): Found) -> Prepared {
        let (headers, header_bytes) = self.headers;
        Prepared {
            record: Record {
                key,
                value,
                partition: self.partition,
            },
            headers,
            header_bytes,
            timestamp: self.timestamp,
            key: key_shown,
            value: value_shown,
        }
    }
}

/// Kafka's times are not negative, and its client takes 0 for none.
#[inline]
fn timestamp(asked: Option<i64>, now: i64) -> Result<i64, RecordError> {
    match asked {
        None => Ok(now),
        Some(time @ 0..) => Ok(time.max(1)),
        Some(time) => Err(RecordError::new(
            codes::BAD_REQUEST,
            format!(
                "Bad Request: Invalid timestamp: {time}. Timestamp should always be non-negative or null."
            ),
        )),
    }
}

/// The bytes of a key or value, and what the answer tells of it.
type Found = (Option<Span>, Option<Shown>);

fn needs_schema(data: &Data) -> bool {
    data.format.is_none_or(Format::requires_schema)
}

/// Writes data that need no schema.
#[inline]
fn written(data: Option<&Data>, side: Side, bytes: &mut Vec<u8>) -> Result<Found, SerializeError> {
    let Some((data, format)) = data.and_then(|data| Some((data, data.format?))) else {
        return Ok((None, None));
    };
    let span = match format {
        Format::Binary => serialized(&Binary, side, data.json, bytes)?,
        Format::String => serialized(&Text, side, data.json, bytes)?,
        // It stays where it is.
        _ => data.json,
    };
    let shown = Shown {
        format,
        size: size(span),
        schema: None,
    };
    Ok((span, Some(shown)))
}

fn serialized(
    serializer: &dyn Serializer,
    side: Side,
    json: Option<Span>,
    bytes: &mut Vec<u8>,
) -> Result<Option<Span>, SerializeError> {
    let Some(json) = json else {
        return Ok(None);
    };
    let mut out = Vec::with_capacity(json.len());
    let written = serializer.serialize(side, Some(json.of(bytes)), &mut out)?;
    let start = bytes.len();
    bytes.extend_from_slice(&out);
    Ok((written == Written::Bytes).then(|| Span::since(start, bytes)))
}

/// The size that an answer tells.
fn size(span: Option<Span>) -> i64 {
    span.map_or(-1, |span| i64::try_from(span.len()).unwrap_or(i64::MAX))
}

/// Writes data that may need a schema.
async fn with_schema(
    app: &App,
    topic: &str,
    side: Side,
    data: Option<&Data>,
    bytes: &mut Vec<u8>,
) -> Result<Found, RecordError> {
    let data = match data {
        Some(data) if needs_schema(data) => data,
        plain => return Ok(written(plain, side, bytes)?),
    };
    let unnamed = NamedSchema::default();
    let named = data.named.as_deref().unwrap_or(&unnamed);
    let asked = match (&named.text, data.format, named.id, named.version) {
        (Some(text), Some(format), ..) => Asked::Text(format, text),
        _ if app.schemas.is_none() => return Err(SchemaFault::NotConfigured.into()),
        (Some(_), None, ..) => return Err(SchemaFault::Internal.into()),
        (None, _, Some(id), _) => Asked::Id(id),
        (None, _, None, Some(version)) => Asked::Version(version),
        (None, _, None, None) => Asked::Latest,
    };
    let place = Place {
        topic,
        side,
        subject: named.subject.as_deref(),
        strategy: named.strategy,
    };
    let found = schemas::find(app, place, asked).await?;
    let span = match data.json {
        None => None,
        Some(json) => {
            let mut out = Vec::with_capacity(json.len());
            found.write(json.of(bytes), &mut out)?;
            let start = bytes.len();
            bytes.extend_from_slice(&out);
            Some(Span::since(start, bytes))
        }
    };
    let shown = Shown {
        format: found.format(),
        size: size(span),
        schema: Some(Box::new(ShownSchema {
            subject: found.subject,
            id: found.id,
            version: found.version,
        })),
    };
    Ok((span, Some(shown)))
}

impl From<SerializeError> for RecordError {
    fn from(error: SerializeError) -> Self {
        Self::new(codes::BAD_REQUEST, error.to_string())
    }
}

/// The headers as the client takes them, and the bytes they take in a batch, their number included.
pub(crate) fn headers(headers: &[Header]) -> (Option<OwnedHeaders>, usize) {
    let mut bytes = varint_len(headers.len());
    if headers.is_empty() {
        return (None, bytes);
    }
    let mut owned = OwnedHeaders::new_with_capacity(headers.len());
    for Header { name, value } in headers {
        let value = value.as_deref();
        bytes += varint_len(name.len()) + name.len();
        bytes += value.map_or(1, |value| varint_len(value.len()) + value.len());
        owned = owned.insert(KafkaHeader { key: name, value });
    }
    (Some(owned), bytes)
}
