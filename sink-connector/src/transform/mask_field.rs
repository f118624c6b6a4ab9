//! `MaskField`: fields become empty or zero, or a fixed text or number.

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, non_empty, non_empty_list, replace_null};
use super::support::{build, is, read, require_map, require_struct, set_member};
use super::{Side, Transform, Verdict};
use crate::error::Exception;
use crate::record::SinkRecord;
use crate::value::{Decimal, Value, java_hash, number_from_text};

const PURPOSE: &str = "mask fields";

pub(super) fn settings() -> Vec<Setting> {
    vec![
        Setting::required("fields", Kind::List, "The fields.")
            .importance(Importance::High)
            .check(non_empty_list),
        Setting::optional(
            "replacement",
            Kind::String,
            "What stands in text and number fields; empty or zero when unset.",
        )
        .importance(Importance::Low)
        .check(non_empty),
        replace_null(),
    ]
}

struct MaskField {
    side: Side,
    fields: Vec<String>,
    replacement: Option<String>,
    replace_null: bool,
}

pub(super) fn new(side: Side, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    Ok(Box::new(MaskField {
        side,
        fields: as_set(options.list("fields")),
        replacement: options.text("replacement").map(str::to_owned),
        replace_null: options.replaces_null(),
    }))
}

/// The fields in the order of a Java set: which of several bad members is told of first.
fn as_set(mut fields: Vec<String>) -> Vec<String> {
    // It is made large enough at once.
    let buckets = (fields.len() * 4 / 3 + 1).max(16).next_power_of_two();
    fields.sort_by_cached_key(|field| java_hash::bucket(field, buckets));
    fields
}

impl Transform for MaskField {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let datum = self.side.of(record);
        let value = datum.take();
        let value = match &datum.schema {
            None => {
                let mut members = require_map(value, PURPOSE)?;
                for field in &self.fields {
                    let at = members.iter().position(|(key, _)| is(key, field));
                    let value = at.map(|at| std::mem::replace(&mut members[at].1, Value::Null));
                    let masked = self.mask(value.unwrap_or(Value::Null))?;
                    set_member(&mut members, field, masked);
                }
                Value::Map(members)
            }
            Some(_) => {
                let value = require_struct(value, PURPOSE)?;
                let fields = value.schema.fields.iter().zip(value.values);
                let values = fields.map(|(field, value)| {
                    let value = read(&field.schema, value, self.replace_null);
                    match self.fields.contains(&field.name) {
                        true => self.mask(value),
                        false => Ok(value),
                    }
                });
                let values = values.collect::<Result<_, _>>()?;
                Value::Struct(build(&value.schema, values)?)
            }
        };
        let schema = datum.schema.take();
        datum.put(schema, value);
        Ok(Verdict::Keep)
    }
}

impl MaskField {
    fn mask(&self, value: Value) -> Result<Value, Exception> {
        match &self.replacement {
            _ if value.is_null() => Ok(value),
            Some(text) => replaced(&value, text),
            None => emptied(&value),
        }
    }
}

fn emptied(value: &Value) -> Result<Value, Exception> {
    Ok(match value {
        Value::Int8(_) => Value::Int8(0),
        Value::Int16(_) => Value::Int16(0),
        Value::Int32(_) => Value::Int32(0),
        Value::Int64(_) => Value::Int64(0),
        Value::Float32(_) => Value::Float32(0.0),
        Value::Float64(_) => Value::Float64(0.0),
        Value::Boolean(_) => Value::Boolean(false),
        Value::String(_) => Value::String(String::new()),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Map(_) => Value::Map(Vec::new()),
        Value::Decimal(_) => Value::Decimal(Decimal::new([0], 0)),
        Value::Date(_) => Value::Date(0),
        Value::Time(_) => Value::Time(0),
        Value::Timestamp(_) => Value::Timestamp(0),
        Value::Number(number) if number.is_integer() => Value::Int64(0),
        Value::Number(_) => Value::Float64(0.0),
        Value::Null | Value::Bytes(_) | Value::Struct(_) => {
            return Err(Exception::data(format!(
                "Cannot mask value of type: class {}",
                value.java_class()
            )));
        }
    })
}

fn replaced(value: &Value, text: &str) -> Result<Value, Exception> {
    let whole = || whole(text);
    Ok(match value {
        Value::Int8(_) => Value::Int8(whole()? as i8),
        Value::Int16(_) => Value::Int16(whole()? as i16),
        Value::Int32(_) => Value::Int32(whole()? as i32),
        Value::Int64(_) => Value::Int64(whole()?),
        Value::Float32(_) => Value::Float32(fraction(text)? as f32),
        Value::Float64(_) => Value::Float64(fraction(text)?),
        Value::Number(number) if number.is_integer() => Value::Int64(whole()?),
        Value::Number(_) => Value::Float64(fraction(text)?),
        Value::Decimal(_) => Value::Decimal(decimal(text, "number")?),
        Value::String(_) => Value::String(text.to_owned()),
        value => {
            return Err(Exception::data(format!(
                "Cannot mask value of type class {} with custom replacement.",
                value.java_class()
            )));
        }
    })
}

/// The number that `text` writes; `wanted` is what the error calls it.
fn decimal(text: &str, wanted: &str) -> Result<Decimal, Exception> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    Decimal::parse(unsigned).ok_or_else(|| no_number(text, wanted))
}

/// The low 64 bits of the whole part.
fn whole(text: &str) -> Result<i64, Exception> {
    decimal(text, "a number").map(|decimal| decimal.low_64_bits())
}

fn fraction(text: &str) -> Result<f64, Exception> {
    decimal(text, "a number")?;
    number_from_text::<f64>(text).map_err(|_| no_number(text, "a number"))
}

fn no_number(text: &str, wanted: &str) -> Exception {
    let reason = match text
        .chars()
        .find(|c| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
    {
        Some(c) => format!(
            "Character {c} is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark."
        ),
        None => String::new(),
    };
    let cause = Exception::new("java.lang.NumberFormatException", reason);
    Exception::data(format!(
        "Unable to convert {text} (class java.lang.String) to {wanted}"
    ))
    .caused_by(cause)
}
