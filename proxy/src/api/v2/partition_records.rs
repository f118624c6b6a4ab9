//! `GET /topics/{topic}/partitions/{partition}/records`: reading without a group. Not in the original.
//!
//! | parameter | what it is |
//! |---|---|
//! | `offset` | where to begin: a number, `earliest` (the default), `latest`, or `-n` for the last n |
//! | `timestamp` | instead: the first record of this time or later; epoch milliseconds or an instant |
//! | `count` | records at most (100) |
//! | `max_bytes` | bytes of keys and values at most |
//! | `timeout` | milliseconds to wait for records that are not there yet |
//! | `include` | `headers`, `timestamp` |

use std::time::Duration;

use http::StatusCode;

use super::consumer_records::last_event;
use crate::api::Request;
use crate::consumer::include::Include;
use crate::consumer::partition_read::{Start, Wanted};
use crate::consumer::read::Want;
use crate::envelope::extras::time_of_text;
use crate::error::Error;
use crate::format::Format;
use crate::media::MediaType;
use crate::respond::{self, Response};
use crate::sse::{self, Source};

/// Records of a read that does not say how many.
const COUNT: usize = 100;
/// Time for records that are known to be there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads records in the format that was negotiated: the plain type stands for `binary`.
///
/// # Errors
/// No such partition, an offset out of range, a parameter that is none, a record that cannot be decoded.
pub async fn read(request: &Request<'_>) -> Result<Response, Error> {
    let media = request.negotiated.media;
    let format = match media {
        MediaType::V2 => Format::Binary,
        // Of older clients, when they are taken.
        MediaType::Json => Format::Json,
        media => Format::of_media(media).ok_or(Error::NotAcceptable)?,
    };
    let begin = begin(request, format, None).await?;
    let want = want(request, begin.is_at_end)?;
    let consumers = &request.app.consumers;
    let mut reader = consumers.read_partition(begin.wanted).await?;
    let taken = reader.read(want).await;
    let counted = taken
        .as_ref()
        .ok()
        .map(|taken| (taken.records, taken.bytes));
    consumers.metrics.read(format, counted);
    Ok(respond::bytes(
        StatusCode::OK,
        request.negotiated,
        taken?.body,
    ))
}

/// The same as events, for as long as the client likes; the format is that of `format` in the query, `binary` if there is
/// none.
///
/// # Errors
/// As [`read`], and too many streams.
pub(crate) async fn events(request: &Request<'_>) -> Result<Response, Error> {
    let format = match request.query("format") {
        None => Format::Binary,
        Some(name) => Format::from_name(&name)
            .filter(|format| *format != Format::String)
            .ok_or_else(|| {
                parameter("format", &name, "json, binary, avro, jsonschema, protobuf")
            })?,
    };
    let positions = last_event(request)?;
    let place = request.app.streams.enter()?;
    let (topic, partition) = (request.topic()?, request.partition()?);
    let seen = positions
        .list()
        .iter()
        .find(|(known, number, _)| *number == partition && *known == topic)
        .map(|(.., offset)| offset + 1);
    let begin = begin(request, format, seen).await?;
    let reader = request.app.consumers.read_partition(begin.wanted).await?;
    Ok(sse::start(
        request.app,
        Source::Partition(Box::new(reader)),
        positions,
        place,
    ))
}

struct Begin {
    wanted: Wanted,
    /// Nothing is there to be read yet.
    is_at_end: bool,
}

async fn begin(request: &Request<'_>, format: Format, seen: Option<i64>) -> Result<Begin, Error> {
    let name = match format {
        Format::JsonSchema => "json-schema",
        other => other.name(),
    };
    let endpoint = format!("api.v2.partitions.consume-{name}");
    if !request.app.config.endpoints.serves(&endpoint) {
        return Err(Error::NoSuchPath);
    }
    let include = request.query("include").unwrap_or_default();
    let include = Include::parse(&include).map_err(Error::BadRequest)?;
    let (topic, partition) = (request.topic()?, request.partition()?);
    let admin = &request.app.admin;
    let partitions = admin.partitions(&topic).await?;
    if !partitions.iter().any(|known| known.id == partition) {
        return Err(Error::PartitionNotFound);
    }
    let (beginning, end) = admin.offsets(&topic, partition).await?;
    let start = match seen {
        Some(offset) => Start::Offset(offset),
        None => start(request, (beginning, end))?,
    };
    if let Start::Offset(offset) = start
        && !(beginning..=end).contains(&offset)
    {
        return Err(Error::OffsetOutOfRange {
            topic,
            partition,
            offset,
            beginning,
            end,
        });
    }
    let wanted = Wanted {
        topic,
        partition,
        start,
        format,
        include,
    };
    Ok(Begin {
        wanted,
        is_at_end: start == Start::Offset(end),
    })
}

/// Where the query asks to begin.
fn start(request: &Request<'_>, (beginning, end): (i64, i64)) -> Result<Start, Error> {
    let (offset, timestamp) = (request.query("offset"), request.query("timestamp"));
    match (offset.as_deref(), timestamp) {
        (Some(_), Some(_)) => Err(Error::BadRequest(
            "Only one of offset and timestamp can be used.".to_owned(),
        )),
        (None | Some("earliest"), None) => Ok(Start::Offset(beginning)),
        (Some("latest"), None) => Ok(Start::Offset(end)),
        (Some(text), None) => match text.parse::<i64>() {
            Ok(number) if text.starts_with('-') => {
                let last = end.saturating_add(number).max(beginning);
                Ok(Start::Offset(last))
            }
            Ok(number) => Ok(Start::Offset(number)),
            Err(_) => Err(parameter("offset", text, "a number, earliest, latest")),
        },
        (None, Some(text)) => time_of_text(&text)
            .map(Start::Time)
            .map_err(Error::BadRequest),
    }
}

fn want(request: &Request<'_>, is_at_end: bool) -> Result<Want, Error> {
    let config = &request.app.config.consumers;
    let timeout = number(request, "timeout")?;
    let wait = timeout.map_or(config.request_timeout, |millis| {
        Duration::from_millis(millis).min(PATIENCE)
    });
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let count = number(request, "count")?.map_or(COUNT, size);
    if count == 0 {
        return Err(parameter("count", "0", "1 and more"));
    }
    let max_bytes = number(request, "max_bytes")?.map_or(config.max_bytes, size);
    Ok(Want {
        wait: if is_at_end { wait } else { wait.max(PATIENCE) },
        max_bytes: max_bytes.clamp(1, config.max_bytes),
        max_records: count.min(config.max_partition_records),
        min_bytes: None,
        linger: config.linger,
        join: Duration::ZERO,
        until_end: !is_at_end || timeout.is_none(),
        events: false,
    })
}

fn number(request: &Request<'_>, name: &'static str) -> Result<Option<u64>, Error> {
    let text = request.query(name);
    let parse = |text: String| {
        let number = text.parse().ok();
        number.ok_or_else(|| parameter(name, &text, "a number"))
    };
    text.map(parse).transpose()
}

fn parameter(name: &str, text: &str, wanted: &str) -> Error {
    let shown: String = text.chars().take(64).collect();
    Error::BadRequest(format!("{name} \"{shown}\" is none of: {wanted}."))
}
