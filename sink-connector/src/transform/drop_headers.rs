//! `DropHeaders`: removes headers by name.

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, non_empty_list};
use super::{Transform, Verdict};
use crate::error::Exception;
use crate::record::SinkRecord;

pub(super) fn settings() -> Vec<Setting> {
    vec![
        Setting::required("headers", Kind::List, "Names of the headers to remove.")
            .importance(Importance::High)
            .check(non_empty_list),
    ]
}

struct DropHeaders(Vec<String>);

pub(super) fn new(options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    Ok(Box::new(DropHeaders(options.list("headers"))))
}

impl Transform for DropHeaders {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        record
            .headers
            .retain(|header| !self.0.contains(&header.key));
        Ok(Verdict::Keep)
    }
}
