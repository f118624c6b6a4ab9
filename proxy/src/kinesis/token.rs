//! Shard iterators and the tokens of lists: all that they stand for is in them, sealed, so that nothing has to be kept.
//!
//! ```text
//! base64( kind │ expires at │ what it stands for │ HMAC-SHA256, 16 bytes )
//! ```
//!
//! In: where reading goes on. Out: text; and the same back. What fails: text that this front has not made, of another
//! kind, or too old. With a secret in the settings every replica takes what another one made.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sluiceway_common::secret::Secret;

/// Bytes of the seal.
const SEAL: usize = 16;
/// Kind and time.
const HEAD: usize = 1 + 8;
/// Characters that a token may have: Kinesis' limit.
const MAX_TOKEN: usize = 512;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A shard iterator.
    Iterator,
    /// `NextToken` of ListStreams.
    Streams,
    /// `NextToken` of ListShards.
    Shards,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Iterator => b'i',
            Self::Streams => b's',
            Self::Shards => b'h',
        }
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is not one of ours.
    Garbled,
    /// It expired at this time (epoch milliseconds).
    Expired(i64),
}

/// What tokens are sealed with.
#[derive(Clone)]
pub(crate) struct Seals {
    mac: Hmac<Sha256>,
}

impl Seals {
    /// With a secret of the settings, or with one that nobody knows.
    pub(crate) fn new(secret: Option<&Secret>) -> Option<Self> {
        let random = || {
            let (first, second) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
            [first.into_bytes(), second.into_bytes()].concat()
        };
        let key = secret.map_or_else(random, |secret| {
            [b"sluiceway shard iterators: ", secret.expose().as_bytes()].concat()
        });
        let mac = Hmac::new_from_slice(&key).ok()?;
        Some(Self { mac })
    }

    /// Seals what a token stands for, until a time in epoch milliseconds.
    pub(crate) fn seal(&self, kind: Kind, expires: i64, meaning: &[u8]) -> String {
        let mut bytes = Vec::with_capacity(HEAD + meaning.len() + SEAL);
        bytes.push(kind.byte());
        bytes.extend_from_slice(&expires.to_be_bytes());
        bytes.extend_from_slice(meaning);
        let mut mac = self.mac.clone();
        mac.update(&bytes);
        let seal = mac.finalize().into_bytes();
        bytes.extend_from_slice(seal.get(..SEAL).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a token stands for.
    ///
    /// # Errors
    /// See [`Refused`].
    pub(crate) fn open(&self, kind: Kind, token: &str, now: i64) -> Result<Vec<u8>, Refused> {
        if token.len() > MAX_TOKEN {
            return Err(Refused::Garbled);
        }
        let mut bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| Refused::Garbled)?;
        let sealed = bytes.len().checked_sub(SEAL).filter(|end| *end >= HEAD);
        let seal = bytes.split_off(sealed.ok_or(Refused::Garbled)?);
        let mut mac = self.mac.clone();
        mac.update(&bytes);
        mac.verify_truncated_left(&seal)
            .map_err(|_| Refused::Garbled)?;
        let meaning = bytes.split_off(HEAD);
        let (found, expires) = bytes.split_first().ok_or(Refused::Garbled)?;
        let expires = expires.try_into().map_or(0, i64::from_be_bytes);
        if *found != kind.byte() {
            return Err(Refused::Garbled);
        }
        if expires < now {
            return Err(Refused::Expired(expires));
        }
        Ok(meaning)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_by_whoever_has_the_secret() {
        let secret = Secret::new("0123456789abcdef");
        let (one, other) = (
            Seals::new(Some(&secret)).unwrap(),
            Seals::new(Some(&secret)).unwrap(),
        );
        let token = one.seal(Kind::Iterator, 1000, b"here");
        assert_eq!(
            other.open(Kind::Iterator, &token, 1000),
            Ok(b"here".to_vec())
        );
        assert_eq!(
            other.open(Kind::Iterator, &token, 1001),
            Err(Refused::Expired(1000))
        );
        assert_eq!(other.open(Kind::Streams, &token, 0), Err(Refused::Garbled));
        let stranger = Seals::new(None).unwrap();
        assert_eq!(
            stranger.open(Kind::Iterator, &token, 0),
            Err(Refused::Garbled)
        );
    }

    #[test]
    fn no_bit_of_a_token_can_be_changed() {
        let seals = Seals::new(None).unwrap();
        let token = seals.seal(Kind::Iterator, i64::MAX, b"topic");
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[at / 8] ^= 1 << (at % 8);
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(
                seals.open(Kind::Iterator, &changed, 0),
                Err(Refused::Garbled),
                "bit {at}"
            );
        }
        for garbled in ["", "AAAA", "not base64!", &token[1..], &"A".repeat(600)] {
            assert_eq!(
                seals.open(Kind::Iterator, garbled, 0),
                Err(Refused::Garbled)
            );
        }
    }
}
