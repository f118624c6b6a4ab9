//! `InsertField`: adds topic, partition, offset, timestamp or a fixed text as fields.

use std::sync::Arc;

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, replace_null};
use super::support::{
    SchemaCache, add_field, basics, check, read, require_map, require_struct, set_member,
};
use super::{Side, Transform, Verdict};
use crate::error::{CONFIG_EXCEPTION, Exception};
use crate::record::SinkRecord;
use crate::value::{Schema, Struct, Type, Value, logical};

const PURPOSE: &str = "field insertion";

pub(super) fn settings() -> Vec<Setting> {
    let text =
        |name, doc| Setting::optional(name, Kind::String, doc).importance(Importance::Medium);
    vec![
        text(
            "topic.field",
            "Field for the topic. `!` behind a name makes the field required.",
        ),
        text("partition.field", "Field for the partition."),
        text("offset.field", "Field for the offset."),
        text("timestamp.field", "Field for the record's timestamp."),
        text("static.field", "Field for the text of `static.value`."),
        text("static.value", "The text of `static.field`."),
        replace_null(),
    ]
}

/// What a new field holds.
#[derive(Clone, Debug)]
enum Source {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static(String),
}

impl Source {
    /// The value; with a schema a time is a Timestamp, without one it is a number.
    fn value(&self, record: &SinkRecord<'_>, with_schema: bool) -> Value {
        match self {
            Self::Topic => Value::String(record.topic.to_string()),
            Self::Partition => Value::Int32(record.partition),
            Self::Offset => Value::Int64(record.offset),
            Self::Timestamp if with_schema => {
                record.timestamp.map_or(Value::Null, Value::Timestamp)
            }
            Self::Timestamp => record.timestamp.map_or(Value::Null, Value::Int64),
            Self::Static(text) => Value::String(text.clone()),
        }
    }

    fn schema(&self) -> Schema {
        match self {
            Self::Topic | Self::Static(_) => Schema::of(Type::String),
            Self::Partition => Schema::of(Type::Int32),
            Self::Offset => Schema::of(Type::Int64),
            Self::Timestamp => Schema {
                version: Some(1),
                ..Schema::of(Type::Int64).named(logical::TIMESTAMP)
            },
        }
    }
}

struct Insertion {
    name: String,
    optional: bool,
    source: Source,
}

impl Insertion {
    fn new(text: &str, source: Source) -> Self {
        let (name, optional) = match text.strip_suffix('!') {
            Some(name) => (name, false),
            None => (text.strip_suffix('?').unwrap_or(text), true),
        };
        Self {
            name: name.to_owned(),
            optional,
            source,
        }
    }
}

struct InsertField {
    side: Side,
    insertions: Vec<Insertion>,
    replace_null: bool,
    schemas: SchemaCache,
}

pub(super) fn new(side: Side, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    let config_error = |message| Err(Exception::new(CONFIG_EXCEPTION, message));
    let statics = (options.text("static.field"), options.text("static.value"));
    let sources = [
        ("topic.field", Source::Topic),
        ("partition.field", Source::Partition),
        ("offset.field", Source::Offset),
        ("timestamp.field", Source::Timestamp),
    ];
    let mut insertions: Vec<Insertion> = sources
        .into_iter()
        .filter_map(|(name, source)| Some(Insertion::new(options.text(name)?, source)))
        .collect();
    match statics {
        (Some(_), None) => {
            return config_error(
                "Invalid value null for configuration static.value: No value specified for static field: static.field",
            );
        }
        (Some(field), Some(value)) => {
            insertions.push(Insertion::new(field, Source::Static(value.to_owned())));
        }
        (None, _) => {}
    }
    if insertions.is_empty() {
        return config_error("No field insertion configured");
    }
    Ok(Box::new(InsertField {
        side,
        insertions,
        replace_null: options.replaces_null(),
        schemas: SchemaCache::default(),
    }))
}

impl Transform for InsertField {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let datum = self.side.of(record);
        if datum.payload.is_null() {
            return Ok(Verdict::Keep);
        }
        let with_schema = datum.schema.is_some();
        let inserted = self.insertions.iter();
        let mut inserted: Vec<Value> = inserted
            .map(|one| one.source.value(record, with_schema))
            .collect();
        let datum = self.side.of(record);
        let value = datum.take();
        let (schema, value) = match datum.schema.take() {
            None => {
                let mut members = require_map(value, PURPOSE)?;
                for (insertion, value) in self.insertions.iter().zip(inserted) {
                    // A record without a timestamp gets no such field.
                    if !value.is_null() {
                        set_member(&mut members, &insertion.name, value);
                    }
                }
                (None, Value::Map(members))
            }
            Some(schema) => {
                let value = require_struct(value, PURPOSE)?;
                let insertions = &self.insertions;
                let updated = self
                    .schemas
                    .get(&schema, |schema| widened(schema, insertions))?;
                let fields = value.schema.fields.iter().zip(value.values);
                let mut values: Vec<Value> = fields
                    .map(|(field, value)| read(&field.schema, value, self.replace_null))
                    .collect();
                let own = values.len();
                values.append(&mut inserted);
                let fields = updated.fields.iter().zip(values).enumerate();
                let values = fields.map(|(at, (field, value))| match value {
                    // A record without a timestamp gets none, not even where one is required.
                    Value::Null if at >= own => Ok(value),
                    value => check(field, value),
                });
                let value = Struct {
                    schema: Arc::clone(&updated),
                    values: values.collect::<Result<_, _>>()?,
                };
                (Some(updated), Value::Struct(value))
            }
        };
        datum.put(schema, value);
        Ok(Verdict::Keep)
    }
}

fn widened(schema: &Schema, insertions: &[Insertion]) -> Result<Schema, Exception> {
    let mut updated = basics(schema);
    for field in &schema.fields {
        add_field(&mut updated, &field.name, field.schema.clone())?;
    }
    for insertion in insertions {
        let mut field = insertion.source.schema();
        field.optional = insertion.optional;
        add_field(&mut updated, &insertion.name, field.build())?;
    }
    Ok(updated)
}
