//! `Accept` → the media type to answer in: JAX-RS's choice between what the client asks for and what a route offers.

use http::HeaderValue;

use super::{MediaType, Negotiated, Offer, split, token};
use crate::error::Error;

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
