//! `Content-Type` and `Accept` → media types, by the matching rules of JAX-RS as the original applies them.
//!
//! In: header values and what a route reads ([`content_type`]) or offers ([`accept`]). Out: the media type read, the
//! media type to answer in. What fails: nothing fits (415, 406), or a value that is no media type (an empty 400).
//! Compared exactly on the way in, as recorded; without regard to case on the way out, as HTTP says.

use http::HeaderValue;

use crate::error::Error;

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
}

impl MediaType {
    const ALL: [Self; 7] = [
        Self::V2,
        Self::V2Binary,
        Self::V2Json,
        Self::V2Avro,
        Self::V2JsonSchema,
        Self::V2Protobuf,
        Self::Json,
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

/// A media type that a route can answer in, and how gladly: JAX-RS's `qs`, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// The media type.
    pub media: MediaType,
    /// The server's own quality, 0 to 1000.
    pub quality: u16,
}

/// What all plain v2 resources answer in.
pub const OFFER_V2: &[Offer] = &[Offer {
    media: MediaType::V2,
    quality: 900,
}];

/// What the resources of consumers answer in.
pub const OFFER_CONSUMERS: &[Offer] = &[
    offer(MediaType::V2, 900),
    offer(MediaType::V2Binary, 100),
    offer(MediaType::V2Json, 100),
    offer(MediaType::V2Avro, 100),
    offer(MediaType::V2JsonSchema, 100),
    offer(MediaType::V2Protobuf, 100),
];

/// What records are answered in.
pub const OFFER_RECORDS: &[Offer] = &[
    offer(MediaType::V2Binary, 1000),
    offer(MediaType::V2, 900),
    offer(MediaType::V2Json, 100),
    offer(MediaType::V2Avro, 100),
    offer(MediaType::V2JsonSchema, 100),
    offer(MediaType::V2Protobuf, 100),
];

const fn offer(media: MediaType, quality: u16) -> Offer {
    Offer { media, quality }
}

/// What all of v3 answers in.
pub const OFFER_JSON: &[Offer] = &[Offer {
    media: MediaType::Json,
    quality: 1000,
}];

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

fn token(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|&b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&b))
}

/// Chooses among `offers` what the `Accept` headers ask for.
///
/// # Errors
/// [`Error::NotAcceptable`] or [`Error::MalformedMediaType`].
pub fn accept<'h>(
    headers: impl IntoIterator<Item = &'h HeaderValue>,
    offers: &[Offer],
) -> Result<Negotiated, Error> {
    let mut headers = headers.into_iter().peekable();
    let best_offer = || {
        let best = offers
            .iter()
            .max_by_key(|offer| offer.quality)
            .ok_or(Error::NotAcceptable)?;
        Ok(Negotiated::plain(best.media))
    };
    let (mut best, mut asked): (Option<Candidate<'_>>, bool) = (None, false);
    for header in &mut headers {
        let value = header.as_bytes();
        if let [only] = offers
            && only.media.as_str().as_bytes() == value
        {
            return Ok(Negotiated::plain(only.media));
        }
        for range in split(value, b',')
            .map(<[u8]>::trim_ascii)
            .filter(|range| !range.is_empty())
        {
            asked = true;
            let range = Range::parse(range)?;
            let candidates = offers
                .iter()
                .filter(|offer| range.admits(offer.media))
                .map(|offer| Candidate {
                    quality: range.quality,
                    offer: *offer,
                    range,
                });
            for candidate in candidates {
                if best
                    .as_ref()
                    .is_none_or(|best| candidate.rank() > best.rank())
                {
                    best = Some(candidate);
                }
            }
        }
    }
    match best {
        Some(candidate) if candidate.quality > 0 => Ok(candidate.negotiated()),
        _ if asked => Err(Error::NotAcceptable),
        _ => best_offer(),
    }
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

/// One item of an `Accept` header.
#[derive(Debug, Clone, Copy)]
struct Range<'h> {
    kind: &'h [u8],
    subtype: &'h [u8],
    quality: u16,
    text: &'h [u8],
}

#[derive(Debug)]
struct Candidate<'h> {
    quality: u16,
    offer: Offer,
    range: Range<'h>,
}

impl Candidate<'_> {
    /// The client's wish, then the server's, then how exactly the client named the type.
    fn rank(&self) -> (u16, u16, u8) {
        (self.quality, self.offer.quality, self.range.exactness())
    }

    /// A type that was named is answered as it was named, parameters (but not `q`) included.
    fn negotiated(&self) -> Negotiated {
        let media = self.offer.media;
        let mut named = media.as_str().as_bytes().to_vec();
        for parameter in split(self.range.text, b';').skip(1).map(<[u8]>::trim_ascii) {
            let is_quality = split(parameter, b'=')
                .next()
                .is_some_and(|name| matches!(name.trim_ascii(), b"q" | b"qs"));
            if !is_quality && !parameter.is_empty() && self.range.exactness() == 2 {
                named.push(b';');
                named.extend_from_slice(parameter);
            }
        }
        if named.len() == media.as_str().len() {
            return Negotiated::plain(media);
        }
        Negotiated {
            media,
            parameters: HeaderValue::from_bytes(&named).ok(),
        }
    }
}

impl<'h> Range<'h> {
    fn parse(text: &'h [u8]) -> Result<Self, Error> {
        let mut parts = split(text, b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        // Some clients write `*` for `*/*`; a lone type stands for all its subtypes.
        let (kind, subtype) = match name.iter().position(|&b| b == b'/') {
            Some(slash) => (&name[..slash], &name[slash + 1..]),
            None => (name, &b"*"[..]),
        };
        if !token(kind) || !token(subtype) {
            return Err(Error::MalformedMediaType);
        }
        let mut quality = 1000;
        for parameter in parts {
            let mut sides = split(parameter, b'=').map(<[u8]>::trim_ascii);
            if sides.next() == Some(b"q") {
                quality = permille(sides.next().unwrap_or_default())?;
            }
        }
        Ok(Self {
            kind,
            subtype,
            quality,
            text,
        })
    }

    fn admits(&self, media: MediaType) -> bool {
        let Some((kind, subtype)) = media.as_str().split_once('/') else {
            return false;
        };
        (self.kind == b"*" || self.kind.eq_ignore_ascii_case(kind.as_bytes()))
            && (self.subtype == b"*" || self.subtype.eq_ignore_ascii_case(subtype.as_bytes()))
    }

    fn exactness(&self) -> u8 {
        u8::from(self.kind != b"*") + u8::from(self.subtype != b"*")
    }
}

/// `0.25` → 250.
fn permille(text: &[u8]) -> Result<u16, Error> {
    let number: f64 = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(Error::MalformedMediaType)?;
    if !(0.0..=1.0).contains(&number) {
        return Err(Error::MalformedMediaType);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Ok((number * 1000.0).round() as u16)
}

#[cfg(test)]
#[path = "media_tests.rs"]
mod tests;
