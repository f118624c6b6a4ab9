//! Formats and encoders: converted records → the bytes of an object.
//!
//! In: [`SinkRecord`]s of one open file, in offset order. Out: bytes appended to the file's buffer; what is appended
//! is final, so parts may be uploaded before the file is finished. Fails with a [`RecordError`] of stage `TASK_PUT`
//! when a record is not one that the format can hold; nothing was appended then.
//!
//! The bytes of a file are a function of its records alone: writing the same file again gives the same bytes.

mod bytes;
mod gzip;
mod json;

use std::sync::Arc;

use crate::config::{Compression, FormatConfig};
use crate::error::RecordError;
use crate::record::SinkRecord;
use crate::value::SchemaRef;

/// `format.class` with its options: makes encoders and knows the extension.
pub trait Format: Send + Sync {
    /// Ending of the object's name, with its dot if it has one (`.json`, `.bin.gz`).
    fn extension(&self) -> &str;

    /// An encoder for one new file. `schema` is that of the file's first record.
    fn encoder(&self, schema: Option<&SchemaRef>) -> Box<dyn Encoder>;
}

/// Writes one file.
pub trait Encoder: Send {
    /// Appends `record` to `out`. A stateful encoder may keep it back until later calls or [`Encoder::finish`].
    ///
    /// # Errors
    /// The record cannot be written in this format. `out` and the encoder are as before.
    fn write(&mut self, record: &SinkRecord<'_>, out: &mut Vec<u8>) -> Result<(), RecordError>;

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
