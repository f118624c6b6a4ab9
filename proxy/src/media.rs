//! `Content-Type` and `Accept` → media types, by the matching rules of JAX-RS as the original applies them.
//!
//! In: header values and what a route reads ([`content_type`]) or offers ([`accept`]). Out: the media type read, the
//! media type to answer in. What fails: nothing fits (415, 406), or a value that is no media type (an empty 400).
//! Compared exactly on the way in, as recorded; without regard to case on the way out, as HTTP says.

mod accept;
mod offer;

use http::HeaderValue;

use crate::error::Error;

pub use accept::accept;
pub(crate) use offer::PRODUCED;
pub use offer::{Offer, Offers};

/// The media types of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `application/vnd.kafka.v2+json`
    V2,
    /// `application/vnd.kafka.binary.v2+json`
    V2Binary,
    /// `application/vnd.kafka.json.v2+json`
    V2Json,
    /// `application/vnd.kafka.avro.v2+json`
    V2Avro,
    /// `application/vnd.kafka.jsonschema.v2+json`
    V2JsonSchema,
    /// `application/vnd.kafka.protobuf.v2+json`
    V2Protobuf,
    /// `application/json`, the type of v3
    Json,
    /// `application/vnd.kafka.v1+json`, and so on: the types of older clients, see [`offer`]
    V1,
    /// `application/vnd.kafka.binary.v1+json`
    V1Binary,
    /// `application/vnd.kafka.json.v1+json`
    V1Json,
    /// `application/vnd.kafka.avro.v1+json`
    V1Avro,
    /// `application/vnd.kafka+json`
    Unversioned,
    /// `application/octet-stream`
    Bytes,
}

impl MediaType {
    const ALL: [Self; 13] = [
        Self::V2,
        Self::V2Binary,
        Self::V2Json,
        Self::V2Avro,
        Self::V2JsonSchema,
        Self::V2Protobuf,
        Self::Json,
        Self::V1,
        Self::V1Binary,
        Self::V1Json,
        Self::V1Avro,
        Self::Unversioned,
        Self::Bytes,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2 => "application/vnd.kafka.v2+json",
            Self::V2Binary => "application/vnd.kafka.binary.v2+json",
            Self::V2Json => "application/vnd.kafka.json.v2+json",
            Self::V2Avro => "application/vnd.kafka.avro.v2+json",
            Self::V2JsonSchema => "application/vnd.kafka.jsonschema.v2+json",
            Self::V2Protobuf => "application/vnd.kafka.protobuf.v2+json",
            Self::Json => "application/json",
            Self::V1 => "application/vnd.kafka.v1+json",
            Self::V1Binary => "application/vnd.kafka.binary.v1+json",
            Self::V1Json => "application/vnd.kafka.json.v1+json",
            Self::V1Avro => "application/vnd.kafka.avro.v1+json",
            Self::Unversioned => "application/vnd.kafka+json",
            Self::Bytes => "application/octet-stream",
        }
    }

    /// The media type of exactly this name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|media| media.as_str().as_bytes() == name)
    }

    /// As a header value.
    #[must_use]
    pub fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.as_str())
    }
}

/// The media type of an answer: the offered one, or the accepted one with its parameters (`;charset=utf-8`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// Which of the offers it is.
    pub media: MediaType,
    parameters: Option<HeaderValue>,
}

impl Negotiated {
    /// The plain offer.
    #[must_use]
    pub fn plain(media: MediaType) -> Self {
        Self {
            media,
            parameters: None,
        }
    }

    /// The `Content-Type` of the answer.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.parameters
            .clone()
            .unwrap_or_else(|| self.media.header())
    }
}

/// The media type of a body that a route reads; `None` when the request does not say.
///
/// # Errors
/// [`Error::UnsupportedMediaType`] when it is none of `consumes`, [`Error::MalformedMediaType`] when it is no media
/// type at all.
pub fn content_type(
    header: Option<&HeaderValue>,
    consumes: &[MediaType],
) -> Result<Option<MediaType>, Error> {
    let Some(value) = header
        .map(HeaderValue::as_bytes)
        .filter(|value| !value.is_empty())
    else {
        return Ok(None);
    };
    let name = value
        .split(|&b| b == b';')
        .next()
        .unwrap_or(value)
        .trim_ascii();
    if let Some(media) = MediaType::from_name(name) {
        return if consumes.contains(&media) {
            Ok(Some(media))
        } else {
            Err(Error::UnsupportedMediaType)
        };
    }
    match name.iter().position(|&b| b == b'/') {
        Some(slash) if token(&name[..slash]) && token(&name[slash + 1..]) => {
            Err(Error::UnsupportedMediaType)
        }
        _ => Err(Error::MalformedMediaType),
    }
}

/// A parameter of a header like `multipart/form-data; boundary="a;b"`.
pub(crate) fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text.split_once(';')?.1;
    loop {
        let (name, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => {
                let end = value.find(';').unwrap_or(value.len());
                value.split_at(end)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value.trim_end().to_owned());
        }
        rest = behind.split_once(';')?.1;
    }
}

pub(super) fn token(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|&b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&b))
}

/// The first acceptable media type as it is written, `*/*` when none is: what `OPTIONS` answers in.
#[must_use]
pub fn first_accepted(header: Option<&HeaderValue>) -> &[u8] {
    let value = header.map_or(&b""[..], HeaderValue::as_bytes);
    match split(value, b',')
        .map(<[u8]>::trim_ascii)
        .find(|range| !range.is_empty())
    {
        Some(range) => split(range, b';').next().map_or(range, <[u8]>::trim_ascii),
        None => b"*/*",
    }
}

/// The media type of a 415 body: what is acceptable by name, else JSON (such a request is past negotiation).
#[must_use]
pub fn for_unsupported<'h>(headers: impl IntoIterator<Item = &'h HeaderValue>) -> MediaType {
    headers
        .into_iter()
        .flat_map(|header| split(header.as_bytes(), b','))
        .filter_map(|range| MediaType::from_name(range.trim_ascii()))
        .find(|media| matches!(media, MediaType::Json | MediaType::V2))
        .unwrap_or(MediaType::Json)
}

/// Splits at `separator` outside of quoted strings.
fn split(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    value.split(move |&byte| {
        quoted ^= byte == b'"';
        byte == separator && !quoted
    })
}

#[cfg(test)]
#[path = "media_tests.rs"]
mod tests;
