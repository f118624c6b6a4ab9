//! Confluent's wire format: `00`, the schema id as four bytes (big endian), then the datum. Protobuf puts the path of
//! the message inside its file between them.
//!
//! In: a record's key or value. Out: the id and the rest. What fails: another first byte, or fewer than five bytes.

use thiserror::Error;

/// First byte of every framed datum.
pub const MAGIC: u8 = 0;
/// Bytes before the datum: magic byte and id.
pub const HEADER_LEN: usize = 5;
/// Longest path of message indexes that is read.
pub const MAX_INDEXES: usize = 64;

/// Why bytes are not in the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Fewer bytes than magic byte and id take (Java's `BufferUnderflowException`).
    #[error("{0} bytes are too few for a magic byte and a schema id")]
    TooShort(usize),
    /// Another first byte.
    #[error("Unknown magic byte!")]
    UnknownMagic(u8),
    /// Bytes that end within the message indexes (Java's `BufferUnderflowException`).
    #[error("the bytes end within the Protobuf message indexes")]
    IndexesEnd,
    /// Message indexes that cannot be.
    #[error("malformed Protobuf message indexes")]
    BadIndexes,
}

/// The id and the bytes behind it.
///
/// # Errors
/// [`WireError::TooShort`] or [`WireError::UnknownMagic`]. As in the original, an empty value and one that begins with
/// the magic byte but ends before the id are too short; the magic byte is looked at first.
pub fn parse(bytes: &[u8]) -> Result<(u32, &[u8]), WireError> {
    match bytes {
        [] => Err(WireError::TooShort(0)),
        [MAGIC, a, b, c, d, rest @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), rest)),
        [MAGIC, ..] => Err(WireError::TooShort(bytes.len())),
        [other, ..] => Err(WireError::UnknownMagic(*other)),
    }
}

/// Appends magic byte and `id`.
pub fn write(id: u32, out: &mut Vec<u8>) {
    out.push(MAGIC);
    out.extend_from_slice(&id.to_be_bytes());
}

/// The message indexes at the front of `bytes` and what follows them. The first message of a file, `[0]`, is written
/// as the single byte 0.
///
/// # Errors
/// [`WireError::IndexesEnd`], [`WireError::BadIndexes`].
pub fn parse_indexes(bytes: &[u8]) -> Result<(Vec<usize>, &[u8]), WireError> {
    let (count, mut rest) = index(bytes)?;
    if count == 0 {
        return Ok((vec![0], rest));
    }
    if count > MAX_INDEXES {
        return Err(WireError::BadIndexes);
    }
    let mut indexes = Vec::with_capacity(count);
    for _ in 0..count {
        let (value, behind) = index(rest)?;
        indexes.push(value);
        rest = behind;
    }
    Ok((indexes, rest))
}

/// Appends message indexes, `[0]` in its short form.
pub fn write_indexes(indexes: &[usize], out: &mut Vec<u8>) {
    if indexes == [0] {
        out.push(0);
        return;
    }
    for value in std::iter::once(indexes.len()).chain(indexes.iter().copied()) {
        let mut zigzag = (value as u64) << 1;
        while zigzag >= 0x80 {
            out.push(zigzag as u8 | 0x80);
            zigzag >>= 7;
        }
        out.push(zigzag as u8);
    }
}

/// One zigzag number that must not be negative.
fn index(bytes: &[u8]) -> Result<(usize, &[u8]), WireError> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            if value & 1 == 1 {
                return Err(WireError::BadIndexes);
            }
            let number = usize::try_from(value >> 1).map_err(|_| WireError::BadIndexes)?;
            return Ok((number, &bytes[at + 1..]));
        }
    }
    Err(match bytes.len() {
        0..=4 => WireError::IndexesEnd,
        _ => WireError::BadIndexes,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_header_goes_both_ways() {
        let mut bytes = Vec::new();
        write(258, &mut bytes);
        bytes.extend_from_slice(b"x");
        assert_eq!(bytes, [0, 0, 0, 1, 2, b'x']);
        assert_eq!(parse(&bytes), Ok((258, &b"x"[..])));
    }

    #[test]
    fn what_is_not_framed() {
        assert_eq!(parse(b""), Err(WireError::TooShort(0)));
        assert_eq!(parse(&[0, 1]), Err(WireError::TooShort(2)));
        assert_eq!(parse(b"{}"), Err(WireError::UnknownMagic(b'{')));
    }

    #[test]
    fn indexes_go_both_ways() {
        for (indexes, bytes) in [
            (vec![0], &[0][..]),
            (vec![1], &[2, 2]),
            (vec![1, 0, 200], &[6, 2, 0, 0x90, 3]),
        ] {
            let mut out = Vec::new();
            write_indexes(&indexes, &mut out);
            assert_eq!(out, bytes);
            assert_eq!(parse_indexes(&out).unwrap(), (indexes, &[][..]));
        }
        for bad in [&[1][..], &[0xff, 0xff, 0xff, 0xff, 0xff, 1]] {
            assert_eq!(parse_indexes(bad), Err(WireError::BadIndexes));
        }
        for short in [&[][..], &[2], &[0x80, 0x80]] {
            assert_eq!(parse_indexes(short), Err(WireError::IndexesEnd));
        }
    }
}
