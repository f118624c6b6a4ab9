//! `RegexRouter`: another topic name, where the whole name matches a pattern.
//!
//! The genuine sink cannot write a record whose topic was changed; here the object's folder goes by the new name, file
//! names and offsets by the topic that was read.

use std::borrow::Cow;

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, regex};
use super::{Transform, Verdict};
use crate::config::java_regex::JavaRegex;
use crate::error::{CONFIG_EXCEPTION, Exception};
use crate::record::SinkRecord;

pub(super) fn settings() -> Vec<Setting> {
    vec![
        Setting::required(
            "regex",
            Kind::String,
            "Java regular expression for the whole name.",
        )
        .importance(Importance::High)
        .check(regex),
        Setting::required(
            "replacement",
            Kind::String,
            "The new name; `$1` is the first group.",
        )
        .importance(Importance::High),
    ]
}

struct RegexRouter {
    regex: JavaRegex,
    replacement: String,
    last: Option<(String, String)>,
}

pub(super) fn new(options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    let regex = JavaRegex::new(&options.string("regex"))
        .map_err(|message| Exception::new(CONFIG_EXCEPTION, message))?;
    Ok(Box::new(RegexRouter {
        regex,
        replacement: options.string("replacement"),
        last: None,
    }))
}

impl Transform for RegexRouter {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        if let Some((from, to)) = &self.last
            && *from == record.topic
        {
            record.topic = Cow::Owned(to.clone());
            return Ok(Verdict::Keep);
        }
        if self.regex.matches(&record.topic) {
            let topic = self.regex.replace_first(&record.topic, &self.replacement)?;
            self.last = Some((record.topic.to_string(), topic.clone()));
            record.topic = Cow::Owned(topic);
        }
        Ok(Verdict::Keep)
    }
}
