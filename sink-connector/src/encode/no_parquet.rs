//! A build without the feature `parquet`: `format.class=ParquetFormat` is refused with the configuration, see
//! [`crate::config`], so that no file of the format is ever opened.

use super::{Encoder, Format};
use crate::config::{AvroOptions, NO_PARQUET, ParquetCodec};
use crate::error::{CONNECT_EXCEPTION, Exception, RecordError};
use crate::record::Datum;

/// The format that is not there.
pub(super) struct ParquetFormat;

impl ParquetFormat {
    pub(super) fn new(_: ParquetCodec, _: AvroOptions) -> Self {
        Self
    }
}

impl Format for ParquetFormat {
    fn extension(&self) -> &'static str {
        ".parquet"
    }

    fn encoder(&self, _: &str) -> Box<dyn Encoder> {
        Box::new(Refuses)
    }
}

struct Refuses;

impl Encoder for Refuses {
    fn check(&mut self, _: &Datum<'_>) -> Result<(), RecordError> {
        Err(RecordError::put(Exception::new(
            CONNECT_EXCEPTION,
            NO_PARQUET,
        )))
    }

    fn write(&mut self, datum: &Datum<'_>, _: &mut Vec<u8>) -> Result<(), RecordError> {
        self.check(datum)
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), RecordError> {
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        0
    }
}
