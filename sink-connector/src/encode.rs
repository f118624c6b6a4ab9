//! Formats and encoders: converted records → the bytes of an object.
//!
//! In: the values (or keys, or headers) of the records of one open file, in offset order. Out: bytes appended to the
//! file's buffer; what is appended is final, so parts may be uploaded before the file is finished. Fails with a [`RecordError`] of stage `TASK_PUT`
//! when a record is not one that the format can hold; nothing was appended then.
//!
//! The bytes of a file are a function of its records and its key alone: writing the same file again gives the same bytes.

mod avro;
mod bytes;
mod gzip;
pub(crate) mod json;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(not(feature = "parquet"))]
#[path = "encode/no_parquet.rs"]
mod parquet;
mod view;

pub use view::View;

use std::sync::Arc;

use crate::config::{Compression, FormatConfig};
use crate::error::RecordError;
use crate::record::Datum;

/// `format.class` with its options: makes encoders and knows the extension.
pub trait Format: Send + Sync {
    /// Ending of the object's name, with its dot if it has one (`.json`, `.bin.gz`).
    fn extension(&self) -> &str;

    /// An encoder for the new object `key`. What schema it has is seen at the first record.
    fn encoder(&self, key: &str) -> Box<dyn Encoder>;

    /// Whether keys and headers are wrapped into a record of one field (`{"headers":[…]}`) in this format.
    fn encloses(&self, _: View) -> bool {
        false
    }
}

/// Writes one file.
pub trait Encoder: Send {
    /// Whether [`Encoder::write`] would take `datum`. Files that are written side by side ask all encoders first.
    ///
    /// # Errors
    /// As [`Encoder::write`].
    fn check(&mut self, datum: &Datum<'_>) -> Result<(), RecordError>;

    /// Appends `datum` to `out`. A stateful encoder may keep it back until later calls or [`Encoder::finish`].
    ///
    /// # Errors
    /// It cannot be written in this format. `out` and the encoder are as before.
    fn write(&mut self, datum: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), RecordError>;

    /// What [`Encoder::write`] would append, where it is two runs of bytes that are there already: they need not be copied
    /// twice. The encoder is as before, and `write` is not called for `datum`.
    fn ready<'a>(&'a self, _datum: &'a Datum<'_>) -> Option<[&'a [u8]; 2]> {
        None
    }

    /// Appends what is still kept back and the format's end of file. The last call on an encoder.
    ///
    /// # Errors
    /// What is kept back cannot be written.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RecordError>;

    /// Bytes the encoder keeps back: they count against the byte budget.
    fn buffered_bytes(&self) -> usize;
}

/// The format of a configuration.
pub fn format(config: &FormatConfig, compression: Compression) -> Arc<dyn Format> {
    let plain: Box<dyn Format> = match config {
        FormatConfig::Json { decimals } => Box::new(json::JsonFormat::new(*decimals)),
        FormatConfig::Avro { codec, options } => Box::new(avro::AvroFormat::new(*codec, *options)),
        FormatConfig::Parquet { codec, options } => {
            Box::new(parquet::ParquetFormat::new(*codec, *options))
        }
        FormatConfig::ByteArray {
            extension,
            separator,
        } => Box::new(bytes::ByteArrayFormat::new(
            extension.clone(),
            separator.clone(),
        )),
    };
    match compression {
        Compression::None => plain.into(),
        Compression::Gzip { level } => Arc::new(gzip::GzipFormat::new(plain, level)),
    }
}
