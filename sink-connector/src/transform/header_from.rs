//! `HeaderFrom`: fields of the key or value become headers, moved or copied.

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, non_empty_list, one_of, replace_null};
use super::support::{
    SchemaCache, add_field, basics, build, member, read, remove_member, require_map, require_struct,
};
use super::{Side, Transform, Verdict};
use crate::error::{CONFIG_EXCEPTION, Exception};
use crate::record::{Header, SinkRecord};
use crate::value::{Schema, SchemaRef, Struct, Value, java_hash};

pub(super) fn settings() -> Vec<Setting> {
    let list = |name, doc| {
        Setting::required(name, Kind::List, doc)
            .importance(Importance::High)
            .check(non_empty_list)
    };
    vec![
        list("fields", "The fields."),
        list("headers", "The headers' names, one for each field."),
        Setting::required("operation", Kind::String, "`move` or `copy`.")
            .importance(Importance::High)
            .check(|name, value| one_of(name, value, &["move", "copy"])),
        replace_null(),
    ]
}

struct HeaderFrom {
    side: Side,
    fields: Vec<String>,
    headers: Vec<String>,
    moves: bool,
    replace_null: bool,
    schemas: SchemaCache,
}

pub(super) fn new(side: Side, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    let (fields, headers) = (options.list("fields"), options.list("headers"));
    if fields.len() != headers.len() {
        let message = "'fields' config must have the same number of elements as 'headers' config.";
        return Err(Exception::new(CONFIG_EXCEPTION, message));
    }
    Ok(Box::new(HeaderFrom {
        side,
        fields,
        headers,
        moves: options.string("operation") == "move",
        replace_null: options.replaces_null(),
        schemas: SchemaCache::default(),
    }))
}

impl Transform for HeaderFrom {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let datum = self.side.of(record);
        let value = datum.take();
        let purpose = if self.moves {
            "header move"
        } else {
            "header copy"
        };
        let mut headers = Vec::with_capacity(self.fields.len());
        let (schema, value) = match datum.schema.take() {
            None => {
                let mut members = require_map(value, purpose)?;
                for (field, key) in self.fields.iter().zip(&self.headers) {
                    headers.push(header(key, None, member(&members, field).clone()));
                }
                if self.moves {
                    for field in &self.fields {
                        remove_member(&mut members, field);
                    }
                }
                (None, Value::Map(members))
            }
            Some(schema) => {
                let value = require_struct(value, purpose)?;
                self.read_fields(&value, &mut headers)?;
                let (schema, value) = self.without_fields(schema, value)?;
                (Some(schema), Value::Struct(value))
            }
        };
        datum.put(schema, value);
        record.headers.append(&mut headers);
        Ok(Verdict::Keep)
    }
}

/// Maps in headers become text, which shows the order of their entries.
fn header(key: &str, schema: Option<SchemaRef>, mut value: Value) -> Header {
    java_hash::reorder(&mut value);
    Header {
        key: key.to_owned(),
        schema,
        value,
    }
}

impl HeaderFrom {
    fn read_fields(&self, value: &Struct, headers: &mut Vec<Header>) -> Result<(), Exception> {
        for (field, key) in self.fields.iter().zip(&self.headers) {
            let at = value.schema.field_index(field).ok_or_else(no_field)?;
            let schema = &value.schema.fields[at].schema;
            let read = read(schema, value.values[at].clone(), self.replace_null);
            headers.push(header(key, Some(schema.clone()), read));
        }
        Ok(())
    }

    fn without_fields(
        &mut self,
        schema: SchemaRef,
        value: Struct,
    ) -> Result<(SchemaRef, Struct), Exception> {
        if !self.moves {
            return Ok((schema, value));
        }
        let fields = &self.fields;
        let updated = self.schemas.get(&schema, |schema| moved(schema, fields))?;
        let kept = value.schema.fields.iter().zip(value.values);
        let kept = kept.filter(|(field, _)| !fields.contains(&field.name));
        let values = kept.map(|(field, value)| read(&field.schema, value, self.replace_null));
        let value = build(&updated, values.collect())?;
        Ok((updated, value))
    }
}

fn moved(schema: &Schema, fields: &[String]) -> Result<Schema, Exception> {
    let mut updated = basics(schema);
    for field in &schema.fields {
        if !fields.contains(&field.name) {
            add_field(&mut updated, &field.name, field.schema.clone())?;
        }
    }
    Ok(updated)
}

/// What Java throws for a field that the schema has not.
fn no_field() -> Exception {
    Exception::new(
        "java.lang.NullPointerException",
        "Cannot invoke \"org.apache.kafka.connect.data.Field.schema()\" because the return value of \
         \"org.apache.kafka.connect.data.Schema.field(String)\" is null",
    )
}
