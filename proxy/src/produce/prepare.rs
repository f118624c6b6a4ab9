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

/// Records of a request or of a piece of a stream: prepared, or what each failed for.
pub(crate) type Records = Vec<Result<Prepared, RecordError>>;

impl Prepared {
    /// Whether it may go to any partition.
    pub(crate) fn is_loose(&self) -> bool {
        self.record.key.is_none() && self.record.partition.is_none()
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
    if request.partition.is_some_and(i32::is_negative) {
        return Err(RecordError::new(
            codes::PARTITION_NOT_FOUND,
            "Partition not found.",
        ));
    }
    let timestamp = timestamp(request.timestamp, now)?;
    let (key, key_shown) = side(app, topic, Side::Key, request.key.as_ref(), bytes).await?;
    let (value, value_shown) = side(app, topic, Side::Value, request.value.as_ref(), bytes).await?;
    let (headers, header_bytes) = headers(&request.headers);
    Ok(Prepared {
        record: Record {
            key,
            value,
            partition: request.partition,
        },
        headers,
        header_bytes,
        timestamp,
        key: key_shown,
        value: value_shown,
    })
}

/// Kafka's times are not negative, and its client takes 0 for none.
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

async fn side(
    app: &App,
    topic: &str,
    side: Side,
    data: Option<&Data>,
    bytes: &mut Vec<u8>,
) -> Result<(Option<Span>, Option<Shown>), RecordError> {
    let Some(data) = data else {
        return Ok((None, None));
    };
    let plain = data.format.filter(|format| !format.requires_schema());
    let Some(format) = plain else {
        return Box::pin(with_schema(app, topic, side, data, bytes)).await;
    };
    let span = write(format, side, data.json, bytes)?;
    let size = span.map_or(-1, |span| i64::try_from(span.len()).unwrap_or(i64::MAX));
    let shown = Shown {
        format,
        size,
        schema: None,
    };
    Ok((span, Some(shown)))
}

/// Writes data that need no schema. JSON is left where it is.
fn write(
    format: Format,
    side: Side,
    json: Option<Span>,
    bytes: &mut Vec<u8>,
) -> Result<Option<Span>, SerializeError> {
    let serializer: &dyn Serializer = match format {
        Format::Binary => &Binary,
        Format::String => &Text,
        _ => return Ok(json),
    };
    let Some(json) = json else {
        return Ok(None);
    };
    let mut out = Vec::with_capacity(json.len());
    let written = serializer.serialize(side, Some(json.of(bytes)), &mut out)?;
    let start = bytes.len();
    bytes.extend_from_slice(&out);
    Ok((written == Written::Bytes).then(|| Span::since(start, bytes)))
}

async fn with_schema(
    app: &App,
    topic: &str,
    side: Side,
    data: &Data,
    bytes: &mut Vec<u8>,
) -> Result<(Option<Span>, Option<Shown>), RecordError> {
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
    let mut size = -1;
    let span = match data.json {
        None => None,
        Some(json) => {
            let mut out = Vec::with_capacity(json.len());
            found.write(json.of(bytes), &mut out)?;
            let start = bytes.len();
            bytes.extend_from_slice(&out);
            size = i64::try_from(out.len()).unwrap_or(i64::MAX);
            Some(Span::since(start, bytes))
        }
    };
    let shown = Shown {
        format: found.format(),
        size,
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
