//! `ValueToKey`: some fields of the value become the key.

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, non_empty_list, replace_null};
use super::support::{SchemaCache, add_field, build, member, read, set_member};
use super::{Transform, Verdict};
use crate::error::Exception;
use crate::record::SinkRecord;
use crate::value::{Schema, SchemaRef, Type, Value};

const PURPOSE: &str = "copying fields from value to key";

pub(super) fn settings() -> Vec<Setting> {
    vec![
        Setting::required("fields", Kind::List, "The fields.")
            .importance(Importance::High)
            .check(non_empty_list),
        replace_null(),
    ]
}

struct ValueToKey {
    fields: Vec<String>,
    replace_null: bool,
    schemas: SchemaCache,
}

pub(super) fn new(options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    Ok(Box::new(ValueToKey {
        fields: options.list("fields"),
        replace_null: options.replaces_null(),
        schemas: SchemaCache::default(),
    }))
}

impl Transform for ValueToKey {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let value = record.value.take();
        let schema = record.value.schema.take();
        let key = match &schema {
            None => (None, self.schemaless(&value)?),
            Some(schema) => {
                let (schema, key) = self.typed(schema, &value)?;
                (Some(schema), key)
            }
        };
        record.value.put(schema, value);
        record.key.put(key.0, key.1);
        Ok(Verdict::Keep)
    }
}

impl ValueToKey {
    fn schemaless(&self, value: &Value) -> Result<Value, Exception> {
        let Value::Map(members) = value else {
            return Err(Exception::data(format!(
                "Only Map objects supported in absence of schema for [{PURPOSE}], found: {}",
                value.java_class()
            )));
        };
        let mut key = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            set_member(&mut key, field, member(members, field).clone());
        }
        Ok(Value::Map(key))
    }

    fn typed(
        &mut self,
        schema: &SchemaRef,
        value: &Value,
    ) -> Result<(SchemaRef, Value), Exception> {
        let Value::Struct(value) = value else {
            return Err(Exception::data(format!(
                "Only Struct objects supported for [{PURPOSE}], found: {}",
                value.java_class()
            )));
        };
        let fields = &self.fields;
        let updated = self
            .schemas
            .get(schema, |schema| key_schema(schema, fields))?;
        let values = fields.iter().map(|name| {
            let at = schema.field_index(name);
            let at = at.ok_or_else(|| no_field(name))?;
            let value = value.values.get(at).cloned().unwrap_or(Value::Null);
            Ok(read(&schema.fields[at].schema, value, self.replace_null))
        });
        let values = values.collect::<Result<_, Exception>>()?;
        let key = build(&updated, values)?;
        Ok((updated, Value::Struct(key)))
    }
}

fn key_schema(schema: &Schema, fields: &[String]) -> Result<Schema, Exception> {
    let mut key = Schema::of(Type::Struct);
    for name in fields {
        let at = schema.field_index(name).ok_or_else(|| no_field(name))?;
        add_field(&mut key, name, schema.fields[at].schema.clone())?;
    }
    Ok(key)
}

fn no_field(name: &str) -> Exception {
    Exception::data(format!("Field does not exist: {name}"))
}
