//! How large a record is to the Java client, which refuses those above `max.request.size` before a broker can.

use super::produced::RecordError;
use crate::envelope::{Record, Span};
use crate::error::codes;

/// A record that is larger than the limit, by the Java client's upper bound of its size in a batch of its own.
pub(super) fn too_large(record: &Record, limit: usize) -> Option<RecordError> {
    oversize(record, varint_len(0), limit)
}

const BATCH_OVERHEAD: usize = 61;
const MAX_RECORD_OVERHEAD: usize = 21;
/// What a record takes at most beside the bytes of its key, its value and its headers.
pub(super) const MAX_OVERHEAD: usize = BATCH_OVERHEAD + MAX_RECORD_OVERHEAD + 2 * 5;

/// The same for a record with headers of so many bytes, their number included.
pub(super) fn oversize(record: &Record, headers: usize, limit: usize) -> Option<RecordError> {
    let field = |span: Option<Span>| span.map_or(1, |span| varint_len(span.len()) + span.len());
    let size =
        BATCH_OVERHEAD + MAX_RECORD_OVERHEAD + field(record.key) + field(record.value) + headers;
    (size > limit).then(|| RecordError {
        code: codes::KAFKA,
        strict: codes::PAYLOAD_TOO_LARGE,
        message: format!(
            "The message is {size} bytes when serialized which is larger than {limit}, which is the value of the \
             max.request.size configuration."
        )
        .into(),
    })
}

/// Bytes of a length as Kafka writes it: zigzag, seven bits a byte.
pub(crate) fn varint_len(length: usize) -> usize {
    let bits = usize::BITS - (length << 1).leading_zeros();
    (bits.max(1) as usize).div_ceil(7)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn record(value: usize) -> Record {
        Record {
            value: Some(Span::since(0, &vec![0; value])),
            ..Record::default()
        }
    }

    #[test]
    fn sizes_are_those_of_the_java_client() {
        let error = too_large(&record(1_200_002), 1_048_576).unwrap();
        assert!(
            error
                .message
                .starts_with("The message is 1200090 bytes when serialized"),
            "{}",
            error.message
        );
        assert_eq!(error.code.number, 50002);
        let overhead = 61 + 21 + 1 + 3 + 1;
        assert!(too_large(&record(1_048_576 - overhead - 1), 1_048_576).is_none());
        assert!(too_large(&record(1_048_576 - overhead + 1), 1_048_576).is_some());
    }

    #[test]
    fn lengths_of_varints() {
        for (length, bytes) in [
            (0, 1),
            (63, 1),
            (64, 2),
            (8191, 2),
            (8192, 3),
            (1_048_575, 3),
            (1_048_576, 4),
        ] {
            assert_eq!(varint_len(length), bytes, "{length}");
        }
    }
}
