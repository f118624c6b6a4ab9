//! `HasHeaderKey`: the record has a header of this name.

use sluiceway_common::config_def::{Importance, Kind};

use super::Predicate;
use crate::error::Exception;
use crate::record::SinkRecord;
use crate::transform::settings::{Options, Setting, non_empty};

pub(crate) fn settings() -> Vec<Setting> {
    vec![
        Setting::required("name", Kind::String, "The header's name.")
            .importance(Importance::Medium)
            .check(non_empty),
    ]
}

struct HasHeaderKey(String);

pub(crate) fn new(options: &Options<'_>) -> Result<Box<dyn Predicate>, Exception> {
    Ok(Box::new(HasHeaderKey(options.string("name"))))
}

impl Predicate for HasHeaderKey {
    fn test(&self, record: &SinkRecord<'_>) -> bool {
        record.headers.iter().any(|header| header.key == self.0)
    }
}
