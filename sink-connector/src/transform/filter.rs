//! `Filter`: drops every record that its predicate lets through to it.

use super::settings::{Options, Setting};
use super::{Transform, Verdict};
use crate::error::Exception;
use crate::record::SinkRecord;

pub(super) fn settings() -> Vec<Setting> {
    Vec::new()
}

struct Filter;

pub(super) fn new(_: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    Ok(Box::new(Filter))
}

impl Transform for Filter {
    fn apply(&mut self, _: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        Ok(Verdict::Drop)
    }
}
