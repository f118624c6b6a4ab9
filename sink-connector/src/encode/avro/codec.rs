//! Compression of a container file's blocks.

use std::borrow::Cow;
use std::io::Write as _;

use crate::config::AvroCodec;
use crate::error::{CONNECT_EXCEPTION, Exception};

/// Avro's name of the codec.
pub(super) fn name(codec: AvroCodec) -> &'static str {
    match codec {
        AvroCodec::Null => "null",
        AvroCodec::Deflate => "deflate",
        AvroCodec::Snappy => "snappy",
        AvroCodec::Bzip2 => "bzip2",
    }
}

/// A block as it is stored.
///
/// # Errors
/// The library refuses, which it does not for blocks of a sane size.
pub(super) fn compress(codec: AvroCodec, block: &[u8]) -> Result<Cow<'_, [u8]>, Exception> {
    let compressed = match codec {
        AvroCodec::Null => return Ok(Cow::Borrowed(block)),
        AvroCodec::Deflate => deflate(block),
        AvroCodec::Snappy => snappy(block),
        AvroCodec::Bzip2 => bzip2(block),
    };
    compressed
        .map(Cow::Owned)
        .map_err(|error| Exception::new(CONNECT_EXCEPTION, format!("{}: {error}", name(codec))))
}

fn deflate(block: &[u8]) -> std::io::Result<Vec<u8>> {
    let level = flate2::Compression::default();
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
    encoder.write_all(block)?;
    encoder.finish()
}

/// Snappy's own format, and the CRC-32 of the plain block behind it.
fn snappy(block: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = snap::raw::Encoder::new().compress_vec(block)?;
    let mut crc = flate2::Crc::new();
    crc.update(block);
    out.extend_from_slice(&crc.sum().to_be_bytes());
    Ok(out)
}

fn bzip2(block: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(block)?;
    encoder.finish()
}
