//! `GET /consumers/{group}/instances/{instance}/records`

use http::StatusCode;

use super::consumers::instance;
use crate::api::Request;
use crate::error::Error;
use crate::format::Format;
use crate::media::MediaType;
use crate::respond::{self, Response};
use crate::sse::{self, Positions, Source};

/// Reads records in the format that was negotiated: the plain types stand for `binary`, but `application/json` (of older
/// clients) for the instance's own.
///
/// # Errors
/// No such instance, another format, a parameter that is no number, a record that cannot be decoded.
pub async fn read(request: &Request<'_>) -> Result<Response, Error> {
    let media = request.negotiated.media;
    let format = match media {
        MediaType::V2 => Format::Binary,
        MediaType::Json => instance(request)?.format,
        media => Format::of_media(media).ok_or(Error::NotAcceptable)?,
    };
    if !request.app.config.endpoints.serves(endpoint(format)) {
        return Err(Error::NoSuchPath);
    }
    let (timeout, max_bytes) = (number(request, "timeout")?, number(request, "max_bytes")?);
    let instance = instance(request)?;
    instance.check_format(format)?;
    let consumers = &request.app.consumers;
    let taken = instance
        .read(consumers.want(&instance, timeout, max_bytes))
        .await;
    let counted = taken
        .as_ref()
        .ok()
        .map(|taken| (taken.records, taken.bytes));
    consumers.metrics.read(instance.format, counted);
    Ok(respond::bytes(
        StatusCode::OK,
        request.negotiated,
        taken?.body,
    ))
}

/// The same as events, in the instance's own format, from the `Last-Event-ID` on if there is one.
///
/// # Errors
/// No such instance, an id that is none, too many streams, or Kafka refuses.
pub(crate) async fn events(request: &Request<'_>) -> Result<Response, Error> {
    let instance = instance(request)?;
    if !request
        .app
        .config
        .endpoints
        .serves(endpoint(instance.format))
    {
        return Err(Error::NoSuchPath);
    }
    let positions = last_event(request)?;
    let place = request.app.streams.enter()?;
    sse::resume(&instance, &positions).await?;
    let source = Source::Instance(instance);
    Ok(sse::start(request.app, source, positions, place))
}

/// The positions of the event that the client saw last.
///
/// # Errors
/// The id is none of ours.
pub(super) fn last_event(request: &Request<'_>) -> Result<Positions, Error> {
    let id = request.headers.get("last-event-id");
    let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    Positions::parse(id)
}

/// A parameter as Java's `long`; -1 if it is not there, or blank.
fn number(request: &Request<'_>, name: &str) -> Result<i64, Error> {
    match request.query(name).filter(|text| !text.trim().is_empty()) {
        None => Ok(-1),
        Some(text) => text.parse().map_err(|_| Error::PathParameter),
    }
}

fn endpoint(format: Format) -> &'static str {
    match format {
        Format::Json => "api.v2.consumers.consume-json",
        Format::Avro => "api.v2.consumers.consume-avro",
        Format::JsonSchema => "api.v2.consumers.consume-json-schema",
        Format::Protobuf => "api.v2.consumers.consume-protobuf",
        Format::Binary | Format::String => "api.v2.consumers.consume-binary",
    }
}
