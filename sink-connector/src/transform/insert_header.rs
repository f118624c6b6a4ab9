//! `InsertHeader`: adds a header with a fixed value, read as header texts are.

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, non_null};
use super::{Transform, Verdict};
use crate::error::Exception;
use crate::record::{Header, SinkRecord};
use crate::value::Value;
use crate::value::parse::parse_text;

pub(super) fn settings() -> Vec<Setting> {
    let text = |name, doc| {
        Setting::required(name, Kind::String, doc)
            .importance(Importance::High)
            .check(non_null)
    };
    vec![
        text("header", "The header's name."),
        text(
            "value.literal",
            "Its value: a number, date, list … or text.",
        ),
    ]
}

struct InsertHeader(Header);

pub(super) fn new(options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    let (schema, value) = match parse_text(&options.string("value.literal")) {
        Some((schema, value)) => (Some(schema), value),
        None => (None, Value::Null),
    };
    Ok(Box::new(InsertHeader(Header {
        key: options.string("header"),
        schema,
        value,
    })))
}

impl Transform for InsertHeader {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        record.headers.push(self.0.clone());
        Ok(Verdict::Keep)
    }
}
