//! `TimestampConverter`: timestamps between texts, numbers and Connect's Date, Time and Timestamp.

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, one_of, replace_null};
use super::support::{
    SchemaCache, add_field, basics, build, member, read, require_fields, require_map,
    require_struct, set_member,
};
use super::{Side, Transform, Verdict};
use crate::date_format::DateFormat;
use crate::error::{CONFIG_EXCEPTION, CONNECT_EXCEPTION, Exception};
use crate::record::SinkRecord;
use crate::value::{Schema, SchemaRef, Struct, Type, Value, logical};

const PURPOSE: &str = "converting timestamp formats";
const DAY: i64 = 86_400_000;
const TARGETS: [&str; 5] = ["string", "unix", "Date", "Time", "Timestamp"];
const PRECISIONS: [&str; 4] = ["nanoseconds", "microseconds", "milliseconds", "seconds"];

pub(super) fn settings() -> Vec<Setting> {
    vec![
        Setting::with(
            "field",
            Kind::String,
            "",
            "The field; empty for the whole key or value.",
        )
        .importance(Importance::High),
        Setting::required(
            "target.type",
            Kind::String,
            "`string`, `unix`, `Date`, `Time` or `Timestamp`.",
        )
        .importance(Importance::High)
        .check(|name, value| one_of(name, value, &TARGETS)),
        Setting::with(
            "format",
            Kind::String,
            "",
            "SimpleDateFormat pattern of texts, in UTC.",
        )
        .importance(Importance::Medium),
        Setting::with(
            "unix.precision",
            Kind::String,
            "milliseconds",
            "Unit of numbers: `seconds`, `milliseconds`, `microseconds` or `nanoseconds`.",
        )
        .importance(Importance::Low)
        .check(|name, value| one_of(name, value, &PRECISIONS)),
        replace_null(),
    ]
}

/// How a timestamp is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kinds {
    Text,
    Unix,
    Date,
    Time,
    Timestamp,
}

impl Kinds {
    fn schema(self, optional: bool) -> Schema {
        let logical = |kind, name: &str| Schema {
            version: Some(1),
            ..Schema::of(kind).named(name)
        };
        let schema = match self {
            Self::Text => Schema::of(Type::String),
            Self::Unix => Schema::of(Type::Int64),
            Self::Date => logical(Type::Int32, logical::DATE),
            Self::Time => logical(Type::Int32, logical::TIME),
            Self::Timestamp => logical(Type::Int64, logical::TIMESTAMP),
        };
        Schema { optional, ..schema }
    }

    fn of_schema(schema: &Schema) -> Result<Self, Exception> {
        Ok(match (schema.name.as_deref(), schema.kind) {
            (Some(logical::TIMESTAMP), _) => Self::Timestamp,
            (Some(logical::DATE), _) => Self::Date,
            (Some(logical::TIME), _) => Self::Time,
            (_, Type::String) => Self::Text,
            (_, Type::Int64) => Self::Unix,
            (name, kind) => {
                let shown = match name {
                    Some(name) => format!("{name}:{kind}"),
                    None => kind.to_string(),
                };
                return Err(Exception::new(
                    CONNECT_EXCEPTION,
                    format!(
                        "Schema Schema{{{shown}}} does not correspond to a known timestamp type format"
                    ),
                ));
            }
        })
    }

    fn of_value(value: &Value) -> Result<Self, Exception> {
        Ok(match value {
            Value::Date(_) | Value::Time(_) | Value::Timestamp(_) => Self::Timestamp,
            Value::Int64(_) => Self::Unix,
            Value::Number(number) if number.is_integer() => Self::Unix,
            Value::String(_) => Self::Text,
            value => {
                return Err(Exception::data(format!(
                    "TimestampConverter does not support class {} objects as timestamps",
                    value.java_class()
                )));
            }
        })
    }
}

/// Milliseconds in a unit, or units in a millisecond.
#[derive(Clone, Copy, Debug)]
enum Precision {
    Seconds,
    Millis,
    Finer(i64),
}

struct TimestampConverter {
    side: Side,
    field: String,
    conversion: Conversion,
    replace_null: bool,
    schemas: SchemaCache,
}

struct Conversion {
    target: Kinds,
    format: Option<DateFormat>,
    precision: Precision,
}

pub(super) fn new(side: Side, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    let config_error = |message: String| Exception::new(CONFIG_EXCEPTION, message);
    let target = match options.text("target.type") {
        Some("string") => Kinds::Text,
        Some("unix") => Kinds::Unix,
        Some("Date") => Kinds::Date,
        Some("Time") => Kinds::Time,
        _ => Kinds::Timestamp,
    };
    let pattern = options.string("format");
    if target == Kinds::Text && pattern.trim().is_empty() {
        let message = "TimestampConverter requires format option to be specified when using string timestamps";
        return Err(config_error(message.to_owned()));
    }
    let format = match pattern.trim() {
        "" => None,
        _ => Some(DateFormat::new(&pattern).map_err(|message| {
            config_error(format!(
                "Invalid value java.lang.IllegalArgumentException: {message} for configuration TimestampConverter \
                 requires a SimpleDateFormat-compatible pattern for string timestamps: {pattern}"
            ))
        })?),
    };
    let precision = match options.text("unix.precision") {
        Some("seconds") => Precision::Seconds,
        Some("microseconds") => Precision::Finer(1000),
        Some("nanoseconds") => Precision::Finer(1_000_000),
        _ => Precision::Millis,
    };
    Ok(Box::new(TimestampConverter {
        side,
        field: options.string("field"),
        conversion: Conversion {
            target,
            format,
            precision,
        },
        replace_null: options.replaces_null(),
        schemas: SchemaCache::default(),
    }))
}

impl Transform for TimestampConverter {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let datum = self.side.of(record);
        let value = datum.take();
        let (schema, value) = match datum.schema.take() {
            None => (None, self.schemaless(value)?),
            Some(schema) if self.field.is_empty() => {
                let from = Kinds::of_schema(&schema)?;
                let target = self.conversion.target.schema(schema.optional);
                (Some(target.build()), self.conversion.convert(value, from)?)
            }
            Some(schema) => self.field_of(schema, value)?,
        };
        datum.put(schema, value);
        Ok(Verdict::Keep)
    }
}

impl TimestampConverter {
    fn schemaless(&self, value: Value) -> Result<Value, Exception> {
        if value.is_null() {
            return Ok(value);
        }
        if self.field.is_empty() {
            let from = Kinds::of_value(&value)?;
            return self.conversion.convert(value, from);
        }
        let mut members = require_map(value, PURPOSE)?;
        let value = member(&members, &self.field).clone();
        let value = match value {
            Value::Null => Value::Null,
            value => {
                let from = Kinds::of_value(&value)?;
                self.conversion.convert(value, from)?
            }
        };
        set_member(&mut members, &self.field, value);
        Ok(Value::Map(members))
    }

    fn field_of(
        &mut self,
        schema: SchemaRef,
        value: Value,
    ) -> Result<(Option<SchemaRef>, Value), Exception> {
        let (conversion, name, replace) = (&self.conversion, &self.field, self.replace_null);
        let value = match value {
            Value::Null => None,
            value => Some(require_struct(value, PURPOSE)?),
        };
        let updated = self.schemas.get(&schema, |schema| {
            require_fields(schema)?;
            let mut updated = basics(schema);
            updated.optional = schema.optional;
            for field in &schema.fields {
                let field_schema = match field.name == *name {
                    true => conversion.target.schema(field.schema.optional).build(),
                    false => field.schema.clone(),
                };
                add_field(&mut updated, &field.name, field_schema)?;
            }
            if let Some(Value::Struct(default)) = &schema.default {
                let of = updated.clone().build();
                let default = conversion.convert_field(default.clone(), &of, name, replace)?;
                updated.default = Some(Value::Struct(default));
            }
            Ok(updated)
        })?;
        let value = match value {
            None => Value::Null,
            Some(value) => Value::Struct(conversion.convert_field(value, &updated, name, replace)?),
        };
        Ok((Some(updated), value))
    }
}

impl Conversion {
    fn convert_field(
        &self,
        value: Struct,
        updated: &SchemaRef,
        name: &str,
        replace_null: bool,
    ) -> Result<Struct, Exception> {
        let fields = value.schema.fields.iter().zip(value.values);
        let values = fields.map(|(field, value)| {
            let value = read(&field.schema, value, replace_null);
            if field.name != name {
                return Ok(value);
            }
            let from = Kinds::of_schema(&field.schema)?;
            self.convert(value, from)
        });
        let values = values.collect::<Result<_, Exception>>()?;
        build(updated, values)
    }

    fn convert(&self, value: Value, from: Kinds) -> Result<Value, Exception> {
        if value.is_null() {
            return Ok(value);
        }
        let millis = self.millis(&value, from)?;
        Ok(match self.target {
            Kinds::Text => {
                let format = self.format.as_ref();
                Value::String(format.map_or_else(String::new, |format| format.format(millis)))
            }
            Kinds::Unix => Value::Int64(match self.precision {
                Precision::Seconds => millis / 1000,
                Precision::Millis => millis,
                Precision::Finer(units) => millis.saturating_mul(units),
            }),
            Kinds::Date => Value::Date(millis.div_euclid(DAY) as i32),
            Kinds::Time => Value::Time(millis.rem_euclid(DAY) as i32),
            Kinds::Timestamp => Value::Timestamp(millis),
        })
    }

    fn millis(&self, value: &Value, from: Kinds) -> Result<i64, Exception> {
        let found = format!("class {}", value.java_class());
        match (from, value) {
            (Kinds::Text, Value::String(text)) => self.parse(text),
            (Kinds::Text, _) => Err(Exception::data(format!(
                "Expected string timestamp to be a String, but found {found}"
            ))),
            (Kinds::Unix, Value::Int64(units)) => Ok(self.unix_millis(*units)),
            (Kinds::Unix, Value::Number(number)) => Ok(self.unix_millis(number.as_i64())),
            (Kinds::Unix, _) => Err(Exception::data(format!(
                "Expected Unix timestamp to be a Long, but found {found}"
            ))),
            (_, Value::Date(days)) => Ok(i64::from(*days) * DAY),
            (_, Value::Time(millis)) => Ok((*millis).into()),
            (_, Value::Timestamp(millis)) => Ok(*millis),
            (kind, _) => Err(Exception::data(format!(
                "Expected {kind:?} to be a java.util.Date, but found {found}"
            ))),
        }
    }

    fn unix_millis(&self, units: i64) -> i64 {
        match self.precision {
            Precision::Seconds => units.saturating_mul(1000),
            Precision::Millis => units,
            Precision::Finer(per_milli) => units / per_milli,
        }
    }

    fn parse(&self, text: &str) -> Result<i64, Exception> {
        let Some(format) = &self.format else {
            return Err(Exception::new(
                "java.lang.NullPointerException",
                "Cannot invoke \"java.text.SimpleDateFormat.parse(String)\" because \"config.format\" is null",
            ));
        };
        format.parse(text).ok_or_else(|| {
            let pattern = format.pattern();
            let cause = Exception::new(
                "java.text.ParseException",
                format!("Unparseable date: \"{text}\""),
            );
            Exception::data(format!(
                "Could not parse timestamp: value ({text}) does not match pattern ({pattern})"
            ))
            .caused_by(cause)
        })
    }
}
