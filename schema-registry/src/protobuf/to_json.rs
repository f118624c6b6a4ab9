//! Message → JSON, by Protobuf's JSON mapping, as Java's `JsonFormat` prints it.
//!
//! In: a message of a twin type. Out: its JSON form, fields by number, entries of maps in the message's order. What
//! fails: a well-known message that holds what it may not, an `Any` of an unknown type.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DynamicMessage, Kind, ReflectMessage, SerializeOptions, Value};
use serde::Serialize;
use serde::ser::{Error, SerializeMap, Serializer};

use super::defaults;
use super::types::{Entry, Types};

/// Package of the messages with a JSON form of their own.
const WELL_KNOWN: &str = "google.protobuf.";

/// A message to be printed.
pub(super) struct Printed<'a> {
    pub(super) message: &'a DynamicMessage,
    pub(super) types: &'a Types,
}

/// A value of a kind to be printed.
struct Of<'a> {
    value: &'a Value,
    kind: &'a Kind,
    types: &'a Types,
}

impl Serialize for Printed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = self.message.descriptor();
        match of.full_name().strip_prefix(WELL_KNOWN) {
            Some("Struct" | "ListValue") => self.only_field(serializer),
            Some("Value") => self.one_of_fields(serializer),
            Some("Any") => self.any(serializer),
            Some(
                "Timestamp" | "Duration" | "FieldMask" | "Empty" | "DoubleValue" | "FloatValue"
                | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value" | "BoolValue"
                | "StringValue" | "BytesValue",
            ) => {
                let options = SerializeOptions::new().stringify_64_bit_integers(true);
                self.message.serialize_with_options(serializer, &options)
            }
            _ => {
                let mut map = serializer.serialize_map(None)?;
                self.fields(&mut map)?;
                map.end()
            }
        }
    }
}

impl Printed<'_> {
    /// All fields that have a value, or a default that is told.
    fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for field in self.message.descriptor().fields() {
            if field.supports_presence() && !self.message.has_field(&field) {
                continue;
            }
            let value = self.message.get_field(&field);
            match (self.types.entry(&field), value.as_ref()) {
                (Some(entry), Value::List(entries)) => {
                    let entries = self.entries(&entry, entries);
                    map.serialize_entry(field.json_name(), &entries)?;
                }
                (_, value) => {
                    let kind = &field.kind();
                    map.serialize_entry(field.json_name(), &self.of(value, kind))?;
                }
            }
        }
        Ok(())
    }

    fn of<'b>(&'b self, value: &'b Value, kind: &'b Kind) -> Of<'b> {
        Of {
            value,
            kind,
            types: self.types,
        }
    }

    fn entries<'b>(&'b self, entry: &'b Entry, entries: &'b [Value]) -> Entries<'b> {
        Entries {
            entry,
            entries,
            types: self.types,
        }
    }

    /// `Struct` and `ListValue` are what their field holds.
    fn only_field<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let field = self.message.descriptor().get_field(1);
        let field = field.ok_or_else(|| Error::custom("a message without its field"))?;
        let value = self.message.get_field(&field);
        match (self.types.entry(&field), value.as_ref()) {
            (Some(entry), Value::List(entries)) => {
                self.entries(&entry, entries).serialize(serializer)
            }
            (_, value) => self.of(value, &field.kind()).serialize(serializer),
        }
    }

    /// A `Value` is whichever member is set.
    fn one_of_fields<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.message.fields().next() {
            Some((field, value)) => self.of(value, &field.kind()).serialize(serializer),
            None => serializer.serialize_none(),
        }
    }

    /// An `Any` says what it holds, and then the fields of that, or its own JSON form.
    fn any<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let field = |number| self.message.get_field_by_number(number);
        let (url, bytes) = (field(1), field(2));
        let url = url.as_deref().and_then(Value::as_str).unwrap_or_default();
        let mut map = serializer.serialize_map(None)?;
        if url.is_empty() {
            return map.end();
        }
        let name = url.rsplit('/').next().unwrap_or_default();
        let of = self.types.plain(name);
        let of = of.ok_or_else(|| Error::custom(format!("message '{name}' not found")))?;
        let bytes = bytes.as_deref().and_then(Value::as_bytes);
        let bytes = bytes.map(|bytes| &bytes[..]).unwrap_or_default();
        let mut message =
            DynamicMessage::decode(self.types.listed(&of), bytes).map_err(Error::custom)?;
        defaults::fill(&mut message);
        let held = Printed {
            message: &message,
            types: self.types,
        };
        map.serialize_entry("@type", url)?;
        match name.starts_with(WELL_KNOWN) {
            true => map.serialize_entry("value", &held)?,
            false => held.fields(&mut map)?,
        }
        map.end()
    }
}

/// The entries of a map.
struct Entries<'a> {
    entry: &'a Entry,
    entries: &'a [Value],
    types: &'a Types,
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len()))?;
        for entry in self.entries.iter().filter_map(Value::as_message) {
            let (key, value) = (
                entry.get_field(&self.entry.key),
                entry.get_field(&self.entry.value),
            );
            let kind = &self.entry.value.kind();
            let value = Of {
                value: value.as_ref(),
                kind,
                types: self.types,
            };
            map.serialize_entry(&key_text(&key), &value)?;
        }
        map.end()
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::Bool(key) => key.to_string(),
        Value::I32(key) => key.to_string(),
        Value::I64(key) => key.to_string(),
        Value::U32(key) => key.to_string(),
        Value::U64(key) => key.to_string(),
        Value::String(key) => key.clone(),
        _ => String::new(),
    }
}

impl Serialize for Of<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I32(value) => serializer.serialize_i32(*value),
            Value::U32(value) => serializer.serialize_u32(*value),
            Value::I64(value) => serializer.collect_str(value),
            Value::U64(value) => serializer.collect_str(value),
            Value::F32(value) if value.is_finite() => serializer.serialize_f32(*value),
            Value::F32(value) => serializer.serialize_str(not_finite((*value).into())),
            Value::F64(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::F64(value) => serializer.serialize_str(not_finite(*value)),
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.serialize_str(&STANDARD.encode(value)),
            Value::EnumNumber(number) => self.symbol(*number, serializer),
            Value::Message(message) => Printed {
                message,
                types: self.types,
            }
            .serialize(serializer),
            Value::List(items) => serializer.collect_seq(items.iter().map(|value| Of {
                value,
                kind: self.kind,
                types: self.types,
            })),
            Value::Map(_) => Err(Error::custom("a map that is no list of entries")),
        }
    }
}

impl Of<'_> {
    /// An enum's name, or the number that has none.
    fn symbol<S: Serializer>(&self, number: i32, serializer: S) -> Result<S::Ok, S::Error> {
        match self.kind {
            Kind::Enum(of) if of.full_name() == "google.protobuf.NullValue" => {
                serializer.serialize_none()
            }
            Kind::Enum(of) => match of.get_value(number) {
                Some(symbol) => serializer.serialize_str(symbol.name()),
                None => serializer.serialize_i32(number),
            },
            _ => serializer.serialize_i32(number),
        }
    }
}

fn not_finite(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    }
}
