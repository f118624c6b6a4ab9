//! `TopicNameMatches`: the whole name of the record's topic matches a pattern.

use sluiceway_common::config_def::{Importance, Kind};

use super::Predicate;
use crate::config::java_regex::JavaRegex;
use crate::error::{CONFIG_EXCEPTION, Exception};
use crate::record::SinkRecord;
use crate::transform::settings::{Options, Setting, non_empty, regex};

pub(crate) fn settings() -> Vec<Setting> {
    vec![
        Setting::required(
            "pattern",
            Kind::String,
            "Java regular expression for the whole name.",
        )
        .importance(Importance::Medium)
        .check(|name, value| non_empty(name, value).and_then(|()| regex(name, value))),
    ]
}

struct TopicNameMatches(JavaRegex);

pub(crate) fn new(options: &Options<'_>) -> Result<Box<dyn Predicate>, Exception> {
    let regex = JavaRegex::new(&options.string("pattern"))
        .map_err(|message| Exception::new(CONFIG_EXCEPTION, message))?;
    Ok(Box::new(TopicNameMatches(regex)))
}

impl Predicate for TopicNameMatches {
    fn test(&self, record: &SinkRecord<'_>) -> bool {
        self.0.matches(&record.topic)
    }
}
