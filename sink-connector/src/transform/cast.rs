//! `Cast`: fields, or the whole key or value, to another type.

use indexmap::IndexMap;
use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, list, replace_null, shown_list};
use super::support::{
    SchemaCache, add_field, basics, build, member, read, require_fields, require_map,
    require_struct, set_member,
};
use super::{Side, Transform, Verdict};
use crate::error::Exception;
use crate::record::SinkRecord;
use crate::value::{Schema, SchemaRef, Type, Value, java_hash, number_from_text, text};

const PURPOSE: &str = "cast types";
const NUMBER_FORMAT: &str = "java.lang.NumberFormatException";
const OUTPUTS: [Type; 8] = [
    Type::Int8,
    Type::Int16,
    Type::Int32,
    Type::Int64,
    Type::Float32,
    Type::Float64,
    Type::Boolean,
    Type::String,
];

pub(super) fn settings() -> Vec<Setting> {
    vec![
        Setting::required(
            "spec",
            Kind::List,
            "`field:type` pairs, or one type for the whole key or value.",
        )
        .importance(Importance::High)
        .check(check_spec),
        replace_null(),
    ]
}

fn check_spec(_: &str, value: Option<&str>) -> Result<(), String> {
    let mappings = list(value.unwrap_or_default());
    if mappings.is_empty() {
        return Err("Must specify at least one field to cast.".to_owned());
    }
    Spec::parse(&mappings).map(drop)
}

/// What is cast to what.
enum Spec {
    Whole(Type),
    Fields(IndexMap<String, Type>),
}

impl Spec {
    fn parse(mappings: &[String]) -> Result<Self, String> {
        let mut fields = IndexMap::new();
        let mut whole = None;
        for mapping in mappings {
            // Java's split leaves empty parts at the end out.
            let parts: Vec<&str> = mapping.trim_end_matches(':').split(':').collect();
            match parts[..] {
                [kind] => whole = Some(output(kind)?),
                [field, kind] => drop(fields.insert(field.trim().to_owned(), output(kind)?)),
                _ => {
                    let shown = shown_list(mappings);
                    return Err(format!(
                        "Invalid value {shown} for configuration renames: Invalid rename mapping: {mapping}"
                    ));
                }
            }
        }
        match whole {
            Some(_) if mappings.len() > 1 => Err(
                "Cast transformations that specify a type to cast the entire value to may ony specify a single cast \
                 in their spec"
                    .to_owned(),
            ),
            Some(kind) => Ok(Self::Whole(kind)),
            None => {
                // Which of several bad members is told of first.
                let buckets = java_hash::buckets(fields.len());
                fields.sort_by_cached_key(|name, _| java_hash::bucket(name, buckets));
                Ok(Self::Fields(fields))
            }
        }
    }
}

fn output(name: &str) -> Result<Type, String> {
    let name = name.trim();
    let upper = name.to_uppercase();
    let Some(kind) = Type::ALL.into_iter().find(|kind| kind.name() == upper) else {
        let unknown = format!("No enum constant org.apache.kafka.connect.data.Schema.Type.{upper}");
        return Err(format!(
            "Invalid value java.lang.IllegalArgumentException: {unknown} for configuration Invalid type found in casting \
             spec: {name}"
        ));
    };
    if OUTPUTS.contains(&kind) {
        return Ok(kind);
    }
    Err(format!(
        "Cast transformation does not support casting to {kind}; supported types are [{}]",
        names(&OUTPUTS)
    ))
}

fn names(kinds: &[Type]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    names.join(", ")
}

pub(super) struct Cast {
    side: Side,
    spec: Spec,
    replace_null: bool,
    schemas: SchemaCache,
}

pub(super) fn new(side: Side, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    let spec = Spec::parse(&options.list("spec"))
        .map_err(|message| Exception::new(crate::error::CONFIG_EXCEPTION, message))?;
    Ok(Box::new(Cast {
        side,
        spec,
        replace_null: options.replaces_null(),
        schemas: SchemaCache::default(),
    }))
}

impl Transform for Cast {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let datum = self.side.of(record);
        if datum.payload.is_null() {
            return Ok(Verdict::Keep);
        }
        let value = datum.take();
        let (schema, value) = match datum.schema.take() {
            None => (None, self.schemaless(value)?),
            Some(schema) => {
                let updated = self.schema(&schema)?;
                let value = self.typed(&schema, &updated, value)?;
                (Some(updated), value)
            }
        };
        datum.put(schema, value);
        Ok(Verdict::Keep)
    }
}

impl Cast {
    fn schemaless(&self, value: Value) -> Result<Value, Exception> {
        let fields = match &self.spec {
            Spec::Whole(kind) => return cast(None, value, *kind),
            Spec::Fields(fields) => fields,
        };
        let mut members = require_map(value, PURPOSE)?;
        for (name, kind) in fields {
            let value = member(&members, name).clone();
            set_member(&mut members, name, cast(None, value, *kind)?);
        }
        Ok(Value::Map(members))
    }

    fn typed(
        &self,
        schema: &SchemaRef,
        updated: &SchemaRef,
        value: Value,
    ) -> Result<Value, Exception> {
        let fields = match &self.spec {
            Spec::Whole(kind) => return cast(Some(schema), value, *kind),
            Spec::Fields(fields) => fields,
        };
        let value = require_struct(value, PURPOSE)?;
        let source = value.schema.fields.iter().zip(value.values);
        let values = source.map(|(field, value)| {
            let value = read(&field.schema, value, self.replace_null);
            match fields.get(&field.name) {
                Some(kind) => cast(Some(&field.schema), value, *kind),
                None => Ok(value),
            }
        });
        let values = values.collect::<Result<_, _>>()?;
        build(updated, values).map(Value::Struct)
    }

    fn schema(&mut self, schema: &SchemaRef) -> Result<SchemaRef, Exception> {
        let spec = &self.spec;
        self.schemas.get(schema, |schema| match spec {
            Spec::Whole(kind) => whole_schema(schema, *kind),
            Spec::Fields(fields) => struct_schema(schema, fields),
        })
    }
}

fn whole_schema(schema: &Schema, kind: Type) -> Result<Schema, Exception> {
    let default = schema.default.clone();
    let default = default.map(|default| cast(Some(schema), default, kind));
    Ok(Schema {
        kind,
        optional: schema.optional,
        default: default.transpose()?,
        ..basics(schema)
    })
}

fn struct_schema(schema: &Schema, fields: &IndexMap<String, Type>) -> Result<Schema, Exception> {
    require_fields(schema)?;
    let mut updated = basics(schema);
    updated.optional = schema.optional;
    for field in &schema.fields {
        let field_schema = match fields.get(&field.name) {
            None => field.schema.clone(),
            Some(kind) => {
                let default = field.schema.default.clone();
                let default = default.map(|default| cast(Some(&field.schema), default, *kind));
                Schema {
                    optional: field.schema.optional,
                    default: default.transpose()?,
                    ..Schema::of(*kind)
                }
                .build()
            }
        };
        add_field(&mut updated, &field.name, field_schema)?;
    }
    Ok(updated)
}

fn cast(schema: Option<&Schema>, value: Value, target: Type) -> Result<Value, Exception> {
    if value.is_null() {
        return Ok(value);
    }
    let kind = schema.map(|schema| schema.kind).or_else(|| value.kind());
    let kind = kind.ok_or_else(|| {
        Exception::data(format!(
            "Cast transformation was passed a value of type class {} which is not supported by Connect's data API",
            value.java_class()
        ))
    })?;
    if !OUTPUTS.contains(&kind) && kind != Type::Bytes {
        return Err(Exception::data(format!(
            "Cast transformation does not support casting from {kind}; supported types are [{}, BYTES]",
            names(&OUTPUTS)
        )));
    }
    match target {
        Type::Boolean => boolean(&value).map(Value::Boolean),
        Type::String => string(value),
        Type::Float32 => float(&value, target).map(|value| match value {
            Value::Float64(value) => Value::Float32(value as f32),
            value => value,
        }),
        Type::Float64 => float(&value, target),
        _ => integer(&value, target),
    }
}

/// Numbers as Java's `Number` gives them.
enum Numeric {
    Whole(i64),
    Fraction(f64),
}

fn numeric(value: &Value) -> Option<Numeric> {
    Some(match value {
        Value::Int8(value) => Numeric::Whole((*value).into()),
        Value::Int16(value) => Numeric::Whole((*value).into()),
        Value::Int32(value) | Value::Date(value) | Value::Time(value) => {
            Numeric::Whole((*value).into())
        }
        Value::Int64(value) | Value::Timestamp(value) => Numeric::Whole(*value),
        Value::Float32(value) => Numeric::Fraction((*value).into()),
        Value::Float64(value) => Numeric::Fraction(*value),
        Value::Decimal(value) => Numeric::Whole(value.low_64_bits()),
        Value::Number(value) if value.is_integer() => Numeric::Whole(value.as_i64()),
        Value::Number(value) => Numeric::Fraction(value.as_f64()),
        _ => return None,
    })
}

fn integer(value: &Value, target: Type) -> Result<Value, Exception> {
    let whole = match (numeric(value), value) {
        (Some(Numeric::Whole(whole)), _) => whole,
        // A double becomes an int first, unless a long is wanted.
        (Some(Numeric::Fraction(fraction)), _) if target == Type::Int64 => fraction as i64,
        (Some(Numeric::Fraction(fraction)), _) => i64::from(fraction as i32),
        (None, Value::Boolean(value)) => i64::from(*value),
        (None, Value::String(text)) => parse_integer(text, target)?,
        (None, value) => return Err(unexpected(value)),
    };
    Ok(match target {
        Type::Int8 => Value::Int8(whole as i8),
        Type::Int16 => Value::Int16(whole as i16),
        Type::Int32 => Value::Int32(whole as i32),
        _ => Value::Int64(whole),
    })
}

fn float(value: &Value, target: Type) -> Result<Value, Exception> {
    let double = match (numeric(value), value) {
        (_, Value::Decimal(decimal)) => decimal.to_string().parse().unwrap_or(f64::NAN),
        (Some(Numeric::Whole(whole)), _) if target == Type::Float32 => {
            return Ok(Value::Float32(whole as f32));
        }
        (Some(Numeric::Whole(whole)), _) => whole as f64,
        (Some(Numeric::Fraction(fraction)), _) => fraction,
        (None, Value::Boolean(value)) => f64::from(u8::from(*value)),
        (None, Value::String(text)) if target == Type::Float32 => {
            let parsed = number_from_text::<f32>(text);
            return parsed
                .map(Value::Float32)
                .map_err(|message| bad(text, message));
        }
        (None, Value::String(text)) => {
            number_from_text::<f64>(text).map_err(|message| bad(text, message))?
        }
        (None, value) => return Err(unexpected(value)),
    };
    Ok(Value::Float64(double))
}

fn boolean(value: &Value) -> Result<bool, Exception> {
    match (numeric(value), value) {
        (Some(Numeric::Whole(whole)), _) => Ok(whole != 0),
        (Some(Numeric::Fraction(fraction)), _) => Ok(fraction as i64 != 0),
        (None, Value::Boolean(value)) => Ok(*value),
        (None, Value::String(text)) => Ok(text.eq_ignore_ascii_case("true")),
        (None, value) => Err(unexpected(value)),
    }
}

fn string(value: Value) -> Result<Value, Exception> {
    match value {
        Value::String(_) => Ok(value),
        value => Ok(Value::String(text::to_text(&value).unwrap_or_default())),
    }
}

fn parse_integer(text: &str, target: Type) -> Result<i64, Exception> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let number = text.strip_prefix('+').unwrap_or(text);
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let input = || bad(text, format!("For input string: \"{text}\""));
    let number: i64 = match number.parse() {
        Ok(number) if valid => number,
        _ => return Err(input()),
    };
    let range = match target {
        Type::Int8 => i64::from(i8::MIN)..=i64::from(i8::MAX),
        Type::Int16 => i64::from(i16::MIN)..=i64::from(i16::MAX),
        Type::Int32 => i64::from(i32::MIN)..=i64::from(i32::MAX),
        _ => return Ok(number),
    };
    let within_int = i32::try_from(number).is_ok();
    match range.contains(&number) {
        true => Ok(number),
        false if within_int => {
            let message = format!("Value out of range. Value:\"{text}\" Radix:10");
            Err(bad(text, message))
        }
        false => Err(input()),
    }
}

fn bad(text: &str, reason: String) -> Exception {
    Exception::data(format!(
        "Value ({text}) was out of range for requested data type"
    ))
    .caused_by(Exception::new(NUMBER_FORMAT, reason))
}

fn unexpected(value: &Value) -> Exception {
    Exception::data(format!(
        "Unexpected type in Cast transformation: class {}",
        value.java_class()
    ))
}
