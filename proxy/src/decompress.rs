//! Compressed request bodies: gzip and zstd, where `sluiceway.request.decompression.enable` is set. The original takes them
//! as they are, which is a 400 soon after.
//!
//! In: a whole body, its `Content-Encoding`, a limit. Out: the plain body. What fails: an encoding that is not known (415,
//! with those that are), damaged data (400), more than the limit (413). Nothing is believed of sizes that a body tells of
//! itself: it is undone step by step, each step is counted against what may be on its way, and the first byte beyond the
//! limit ends it.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http::{HeaderMap, header};

use crate::admission::Permit;
use crate::error::Error;

/// What is accepted, as a 415 says it.
#[cfg(feature = "zstd")]
pub const ACCEPTED: &str = "gzip, zstd, identity";
/// What is accepted, as a 415 says it.
#[cfg(not(feature = "zstd"))]
pub const ACCEPTED: &str = "gzip, identity";
/// Bytes of a step.
const STEP: usize = 64 * 1024;
/// Compressed bytes from which the work is done off the runtime.
const MUCH: usize = 16 * 1024;
/// The largest window of zstd: 8 MiB, as RFC 8878 asks of those who speak to strangers.
#[cfg(feature = "zstd")]
const WINDOW_LOG_MAX: u32 = 23;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `gzip`
    Gzip,
    /// `zstd`
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Encoding {
    /// The encoding that a request names; `None`: it is plain.
    ///
    /// # Errors
    /// It is none that is known, or there are several.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Error> {
        let mut named = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(first) = named.next() else {
            return Ok(None);
        };
        let name = first.to_str().unwrap_or_default().trim();
        let known = match name.to_ascii_lowercase().as_str() {
            "" | "identity" => Some(None),
            "gzip" | "x-gzip" => Some(Some(Self::Gzip)),
            #[cfg(feature = "zstd")]
            "zstd" => Some(Some(Self::Zstd)),
            _ => None,
        };
        let only = named.next().is_none();
        known.filter(|_| only).ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            Error::UnsupportedEncoding(shown)
        })
    }

    /// Undoes it. `permit` grows with what comes out.
    ///
    /// # Errors
    /// See the module.
    pub async fn decode(
        self,
        body: Bytes,
        max_bytes: usize,
        permit: Permit,
    ) -> Result<(Bytes, Permit), Error> {
        if body.len() < MUCH {
            return self.undo(&body, max_bytes, permit);
        }
        let undo = move || self.undo(&body, max_bytes, permit);
        let undone = tokio::task::spawn_blocking(undo).await;
        undone.unwrap_or(Err(Error::Internal))
    }

    fn undo(self, body: &[u8], max_bytes: usize, permit: Permit) -> Result<(Bytes, Permit), Error> {
        match self {
            Self::Gzip => read(MultiGzDecoder::new(body), max_bytes, permit),
            #[cfg(feature = "zstd")]
            Self::Zstd => {
                use zstd::stream::read::Decoder;
                let mut decoder = Decoder::with_buffer(body).map_err(|error| damaged(&error))?;
                let bounded = decoder.window_log_max(WINDOW_LOG_MAX);
                bounded.map_err(|error| damaged(&error))?;
                read(decoder, max_bytes, permit)
            }
        }
    }
}

fn read(
    mut decoder: impl Read,
    max_bytes: usize,
    mut permit: Permit,
) -> Result<(Bytes, Permit), Error> {
    let (compressed, mut plain) = (permit.bytes(), Vec::new());
    loop {
        let start = plain.len();
        // One byte beyond the limit is enough to know.
        let step = STEP.min(max_bytes + 1 - start.min(max_bytes));
        plain.resize(start + step, 0);
        let buffer = plain.get_mut(start..).unwrap_or_default();
        let count = decoder.read(buffer).map_err(|error| damaged(&error))?;
        plain.truncate(start + count);
        if count == 0 {
            return Ok((plain.into(), permit));
        }
        if plain.len() > max_bytes {
            return Err(Error::BodyTooLarge(max_bytes));
        }
        if !permit.resize(compressed + plain.capacity()) {
            return Err(permit.refused());
        }
    }
}

fn damaged(error: &std::io::Error) -> Error {
    Error::BadRequest(format!(
        "The body cannot be decompressed as its Content-Encoding says: {error}."
    ))
}

#[cfg(test)]
#[cfg(feature = "zstd")]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::admission::Admission;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;
    use std::io::Write;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn compressed(encoding: Encoding, plain: &[u8]) -> Vec<u8> {
        match encoding {
            Encoding::Gzip => gzip(plain),
            Encoding::Zstd => zstd::encode_all(plain, 3).unwrap(),
        }
    }

    async fn decode(encoding: Encoding, body: Vec<u8>, max: usize) -> Result<Bytes, Error> {
        let permit = Admission::new(usize::MAX).empty();
        let decoded = encoding.decode(body.into(), max, permit).await;
        decoded.map(|(plain, _)| plain)
    }

    #[tokio::test]
    async fn what_was_compressed_comes_back() {
        let mut large = vec![b'x'; 300_000];
        large.extend((0..300_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]));
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            for plain in [&b""[..], b"{\"records\":[]}", &large] {
                let body = compressed(encoding, plain);
                let back = decode(encoding, body, large.len()).await.unwrap();
                assert_eq!(back, plain);
            }
        }
        let mut two = gzip(b"a");
        two.extend(gzip(b"b"));
        assert_eq!(decode(Encoding::Gzip, two, 10).await.unwrap(), "ab");
    }

    #[tokio::test]
    async fn bombs_end_at_the_limit() {
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            let bomb = compressed(encoding, &vec![0; 20_000_000]);
            assert!(bomb.len() < 40_000, "{}", bomb.len());
            let admission = Admission::new(usize::MAX);
            let mut other = admission.empty();
            assert!(other.resize(1));
            let refused = encoding
                .decode(bomb.clone().into(), 1_000_000, admission.empty())
                .await;
            assert!(matches!(refused, Err(Error::BodyTooLarge(1_000_000))));
            assert_eq!(admission.used(), 1, "given back");
            let small = Admission::new(500_000);
            let mut other = small.empty();
            assert!(other.resize(1));
            let refused = encoding.decode(bomb.into(), 1_000_000, small.empty()).await;
            assert!(matches!(refused, Err(Error::Backpressure { .. })));
        }
    }

    #[tokio::test]
    async fn damaged_bodies_are_told() {
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            let mut cut = compressed(encoding, b"some text that is long enough");
            cut.truncate(cut.len() - 4);
            for body in [cut, b"plain".to_vec()] {
                let error = decode(encoding, body, 1000).await.unwrap_err();
                assert_eq!(error.code().number, 400, "{error}");
            }
        }
    }

    #[test]
    fn names() {
        let of = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            Encoding::of(&HeaderMap::from_iter([(header::CONTENT_ENCODING, value)]))
        };
        assert_eq!(of("GZIP").unwrap(), Some(Encoding::Gzip));
        assert_eq!(of("zstd").unwrap(), Some(Encoding::Zstd));
        assert_eq!(of("identity").unwrap(), None);
        assert_eq!(Encoding::of(&HeaderMap::new()).unwrap(), None);
        for unknown in ["br", "gzip, zstd"] {
            assert_eq!(of(unknown).unwrap_err().code().number, 415);
        }
    }
}
