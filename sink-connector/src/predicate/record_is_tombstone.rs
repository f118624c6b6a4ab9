//! `RecordIsTombstone`: the record's value is null.

use super::Predicate;
use crate::error::Exception;
use crate::record::SinkRecord;
use crate::transform::settings::{Options, Setting};

pub(crate) fn settings() -> Vec<Setting> {
    Vec::new()
}

struct RecordIsTombstone;

pub(crate) fn new(_: &Options<'_>) -> Result<Box<dyn Predicate>, Exception> {
    Ok(Box::new(RecordIsTombstone))
}

impl Predicate for RecordIsTombstone {
    fn test(&self, record: &SinkRecord<'_>) -> bool {
        record.value.payload.is_null()
    }
}
