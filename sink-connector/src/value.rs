//! Connect's data model: schemas and values.
//!
//! In: what converters and transforms make of a record. Out: what partitioners and encoders read. A [`Value`] carries
//! its own type; a [`Schema`] beside it says what Connect would say (name, optional, default …). Schemaless JSON is a
//! [`Value`] without a schema, its numbers kept as written.

mod decimal;
pub(crate) mod java_float;
pub(crate) mod java_hash;
mod number;
mod parameters;
pub(crate) mod parse;
mod schema;
pub mod text;

pub use decimal::Decimal;
pub use number::{Number, number_from_text};
pub use parameters::Parameters;
pub use schema::{Field, Schema, SchemaRef, Type, logical, same_schema};

use std::sync::Arc;

/// A value of Connect's data model.
///
/// Equality is Java's for the classes behind it: floats compare by bits (`NaN` equals itself, `0.0` is not `-0.0`),
/// maps without regard to order.
#[derive(Clone, Debug)]
pub enum Value {
    /// Java's `null`.
    Null,
    /// `byte`.
    Int8(i8),
    /// `short`.
    Int16(i16),
    /// `int`.
    Int32(i32),
    /// `long`.
    Int64(i64),
    /// `float`.
    Float32(f32),
    /// `double`.
    Float64(f64),
    /// `boolean`.
    Boolean(bool),
    /// `String`. A lone surrogate, which Rust's strings cannot hold, has become U+FFFD.
    String(String),
    /// `byte[]`.
    Bytes(Vec<u8>),
    /// `List`.
    Array(Vec<Value>),
    /// `Map`, in the order of first insertion, each key once.
    Map(Vec<(Value, Value)>),
    /// `Struct`.
    Struct(Struct),
    /// `BigDecimal`: logical type Decimal.
    Decimal(Decimal),
    /// Logical type Date: days since 1970-01-01.
    Date(i32),
    /// Logical type Time: milliseconds since midnight.
    Time(i32),
    /// Logical type Timestamp: milliseconds since 1970-01-01 UTC.
    Timestamp(i64),
    /// A number of schemaless JSON, its text kept.
    Number(Number),
}

impl Value {
    /// Whether it is Java's `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Connect's type of a value of this kind; `None` for null and for what only a schema tells (dates, decimals).
    pub fn kind(&self) -> Option<Type> {
        Some(match self {
            Self::Int8(_) => Type::Int8,
            Self::Int16(_) => Type::Int16,
            Self::Int32(_) => Type::Int32,
            Self::Int64(_) => Type::Int64,
            Self::Float32(_) => Type::Float32,
            Self::Float64(_) => Type::Float64,
            Self::Boolean(_) => Type::Boolean,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::Array(_) => Type::Array,
            Self::Map(_) => Type::Map,
            Self::Struct(_) => Type::Struct,
            Self::Number(number) if number.is_integer() => Type::Int64,
            Self::Number(_) => Type::Float64,
            Self::Null | Self::Decimal(_) | Self::Date(_) | Self::Time(_) | Self::Timestamp(_) => {
                return None;
            }
        })
    }

    /// The Java class a value of this kind has in Connect, as error texts name it.
    pub fn java_class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int8(_) => "java.lang.Byte",
            Self::Int16(_) => "java.lang.Short",
            Self::Int32(_) => "java.lang.Integer",
            Self::Int64(_) => "java.lang.Long",
            Self::Float32(_) => "java.lang.Float",
            Self::Float64(_) => "java.lang.Double",
            Self::Boolean(_) => "java.lang.Boolean",
            Self::String(_) => "java.lang.String",
            Self::Bytes(_) => "[B",
            Self::Array(_) => "java.util.ArrayList",
            Self::Map(_) => "java.util.HashMap",
            Self::Struct(_) => "org.apache.kafka.connect.data.Struct",
            Self::Decimal(_) => "java.math.BigDecimal",
            Self::Date(_) | Self::Time(_) | Self::Timestamp(_) => "java.util.Date",
            Self::Number(number) if number.is_integer() => "java.lang.Long",
            Self::Number(_) => "java.lang.Double",
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Int8(a), Self::Int8(b)) => a == b,
            (Self::Int16(a), Self::Int16(b)) => a == b,
            (Self::Int32(a), Self::Int32(b))
            | (Self::Date(a), Self::Date(b))
            | (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Int64(a), Self::Int64(b)) | (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Float32(a), Self::Float32(b)) => a.to_bits() == b.to_bits(),
            (Self::Float64(a), Self::Float64(b)) => a.to_bits() == b.to_bits(),
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len() && a.iter().all(|entry| b.contains(entry))
            }
            (Self::Struct(a), Self::Struct(b)) => a == b,
            (Self::Decimal(a), Self::Decimal(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

/// A value of a STRUCT schema: one value a field, in the schema's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struct {
    /// The STRUCT schema.
    pub schema: SchemaRef,
    /// As many values as the schema has fields.
    pub values: Vec<Value>,
}

impl Struct {
    /// A struct of `schema` with every field null.
    pub fn new(schema: &SchemaRef) -> Self {
        Self {
            schema: Arc::clone(schema),
            values: vec![Value::Null; schema.fields.len()],
        }
    }

    /// The value of the field `name`; `None` when the schema has no such field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.schema
            .field_index(name)
            .and_then(|index| self.values.get(index))
    }

    /// Fields with their values, in the schema's order.
    pub fn iter(&self) -> impl Iterator<Item = (&Field, &Value)> {
        self.schema.fields.iter().zip(&self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_equal_whatever_their_order_and_floats_by_bits() {
        let entry = |k: &str, v| (Value::String(k.into()), Value::Int32(v));
        assert_eq!(
            Value::Map(vec![entry("a", 1), entry("b", 2)]),
            Value::Map(vec![entry("b", 2), entry("a", 1)])
        );
        assert_eq!(Value::Float64(f64::NAN), Value::Float64(f64::NAN));
        assert_ne!(Value::Float64(0.0), Value::Float64(-0.0));
        assert_ne!(Value::Int32(1), Value::Int64(1));
    }

    #[test]
    fn a_struct_is_read_by_field_name() {
        let schema = Schema::of(Type::Struct)
            .field("a", Schema::of(Type::Int32))
            .field("b", Schema::of(Type::String))
            .build();
        let mut value = Struct::new(&schema);
        value.values[0] = Value::Int32(7);
        assert_eq!(value.get("a"), Some(&Value::Int32(7)));
        assert_eq!(value.get("b"), Some(&Value::Null));
        assert_eq!(value.get("c"), None);
    }
}
