//! `HoistField`: the key or value becomes the one field of a new map or struct.

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting};
use super::support::{SchemaCache, build};
use super::{Side, Transform, Verdict};
use crate::error::Exception;
use crate::record::SinkRecord;
use crate::value::{Field, Schema, Type, Value};

pub(super) fn settings() -> Vec<Setting> {
    vec![
        Setting::required("field", Kind::String, "The new field's name.")
            .importance(Importance::Medium),
    ]
}

struct HoistField {
    side: Side,
    field: String,
    schemas: SchemaCache,
}

pub(super) fn new(side: Side, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    Ok(Box::new(HoistField {
        side,
        field: options.string("field"),
        schemas: SchemaCache::default(),
    }))
}

impl Transform for HoistField {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let datum = self.side.of(record);
        let value = datum.take();
        let (schema, value) = match datum.schema.take() {
            None => {
                let key = Value::String(self.field.clone());
                (None, Value::Map(vec![(key, value)]))
            }
            Some(schema) => {
                let updated = self.schemas.get(&schema, |_| {
                    Ok(Schema {
                        fields: vec![Field {
                            name: self.field.clone(),
                            schema: schema.clone(),
                        }],
                        ..Schema::of(Type::Struct)
                    })
                })?;
                let value = build(&updated, vec![value])?;
                (Some(updated), Value::Struct(value))
            }
        };
        datum.put(schema, value);
        Ok(Verdict::Keep)
    }
}
