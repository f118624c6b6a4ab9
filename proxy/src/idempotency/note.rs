//! A note: what stands in Kafka about one key. Which request it came with, and what that was answered.

use md5::{Digest, Md5};
use rdkafka::message::{BorrowedMessage, Message};
use serde::{Deserialize, Serialize};

/// Bytes that a note takes in memory besides its texts, roughly.
const OVERHEAD: usize = 200;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The fingerprint of the request.
    pub(super) request: String,
    pub(super) status: u16,
    /// `Content-Type` of the answer.
    pub(super) media: String,
    pub(super) body: String,
    /// Epoch milliseconds; the record's own time.
    #[serde(skip)]
    pub(super) time: i64,
}

impl Note {
    /// Reads a record: key and note.
    pub(super) fn read(message: &BorrowedMessage<'_>) -> Option<(String, Self)> {
        let key = std::str::from_utf8(message.key()?).ok()?.to_owned();
        let mut note: Self = serde_json::from_slice(message.payload()?)
            .inspect_err(|error| {
                let offset = message.offset();
                tracing::warn!(offset, %error, "a record of the topic of idempotency keys is no note");
            })
            .ok()?;
        note.time = message.timestamp().to_millis()?;
        Some((key, note))
    }

    /// Bytes in memory, roughly.
    pub(super) fn size(&self, key: &str) -> usize {
        // The key is held twice.
        2 * key.len() + self.request.len() + self.media.len() + self.body.len() + OVERHEAD
    }
}

/// What tells one request from another: its path, the type of its body, and the body.
pub(super) fn fingerprint(words: &[&str], body: &[u8]) -> String {
    let mut digest = Md5::new();
    for word in words {
        digest.update((word.len() as u64).to_le_bytes());
        digest.update(word.as_bytes());
    }
    digest.update(body);
    let mut text = String::with_capacity(32);
    for byte in digest.finalize() {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let one = fingerprint(&["/topics/a", "json"], b"{}");
        assert_eq!(one.len(), 32);
        assert_eq!(one, fingerprint(&["/topics/a", "json"], b"{}"));
        for (words, body) in [
            (["/topics/b", "json"], &b"{}"[..]),
            (["/topics/aj", "son"], b"{}"),
            (["/topics/a", "json"], b"{} "),
        ] {
            assert_ne!(one, fingerprint(&words, body));
        }
    }
}
