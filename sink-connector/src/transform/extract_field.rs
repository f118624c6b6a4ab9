//! `ExtractField`: the key or value becomes one of its fields.

use sluiceway_common::config_def::{Importance, Kind};

use super::field_path::{FieldPath, syntax_setting};
use super::settings::{Options, Setting, replace_null};
use super::support::{require_map, require_struct};
use super::{Side, Transform, Verdict};
use crate::error::Exception;
use crate::record::SinkRecord;
use crate::value::Value;

const PURPOSE: &str = "field extraction";

pub(super) fn settings() -> Vec<Setting> {
    vec![
        Setting::required("field", Kind::String, "The field.").importance(Importance::Medium),
        replace_null(),
        syntax_setting(),
    ]
}

struct ExtractField {
    side: Side,
    path: FieldPath,
    replace_null: bool,
}

pub(super) fn new(side: Side, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    Ok(Box::new(ExtractField {
        side,
        path: FieldPath::from_options(options)?,
        replace_null: options.replaces_null(),
    }))
}

impl Transform for ExtractField {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let datum = self.side.of(record);
        let value = datum.take();
        let (schema, value) = match datum.schema.take() {
            None if value.is_null() => (None, value),
            None => {
                let members = require_map(value, PURPOSE)?;
                (None, self.path.value(Value::Map(members), false)?)
            }
            Some(schema) => {
                let value = match value {
                    Value::Null => value,
                    value => Value::Struct(require_struct(value, PURPOSE)?),
                };
                let field = self.path.schema(&schema)?.ok_or_else(|| {
                    let message = format!("Unknown field: {}", self.path.text());
                    Exception::new("java.lang.IllegalArgumentException", message)
                })?;
                (Some(field), self.path.value(value, self.replace_null)?)
            }
        };
        datum.put(schema, value);
        Ok(Verdict::Keep)
    }
}
