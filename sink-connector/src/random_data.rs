//! Random schemas and values of them, for tests that write files and read them back.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use rand::Rng;

use crate::value::{Decimal, Schema, SchemaRef, Struct, Type, Value, logical};

/// A struct of a few levels with every type that files know.
pub(crate) fn random_schema(random: &mut impl Rng) -> SchemaRef {
    let mut names = 0;
    record(random, 3, &mut names).build()
}

fn record(random: &mut impl Rng, depth: u32, names: &mut u32) -> Schema {
    let mut schema = Schema::of(Type::Struct);
    if random.random_bool(0.8) {
        *names += 1;
        schema = schema.named(format!("test.R{names}"));
    }
    for at in 0..random.random_range(1..6) {
        schema = schema.field(format!("f{at}"), any(random, depth - 1, names));
    }
    schema
}

fn any(random: &mut impl Rng, depth: u32, names: &mut u32) -> Schema {
    let kinds = if depth == 0 { 13 } else { 17 };
    let mut schema = match random.random_range(0..kinds) {
        0 => Schema::of(Type::Int8),
        1 => Schema::of(Type::Int16),
        2 => Schema::of(Type::Int32),
        3 => Schema::of(Type::Int64),
        4 => Schema::of(Type::Float32),
        5 => Schema::of(Type::Float64),
        6 => Schema::of(Type::Boolean),
        7 => Schema::of(Type::String),
        8 => Schema::of(Type::Bytes),
        9 => Schema::decimal(2),
        10 => Schema::of(Type::Int32).named(logical::DATE),
        11 => Schema::of(Type::Int32).named(logical::TIME),
        12 => Schema::of(Type::Int64).named(logical::TIMESTAMP),
        13 => Schema::array(any(random, depth - 1, names)),
        14 => Schema::map(Schema::of(Type::String), any(random, depth - 1, names)),
        15 => {
            *names += 1;
            let name = format!("test.M{names}");
            Schema::map(Schema::of(Type::Int32), any(random, depth - 1, names)).named(name)
        }
        _ => record(random, depth, names),
    };
    if random.random_bool(0.4) {
        schema = schema.optional();
    }
    if random.random_bool(0.1) && schema.kind != Type::Struct && schema.kind != Type::Map {
        let shared = Arc::new(Schema {
            optional: false,
            ..schema.clone()
        });
        let default = random_value(random, &shared);
        schema = schema.with_default(default);
    }
    schema
}

/// A value of `schema`.
pub(crate) fn random_value(random: &mut impl Rng, schema: &SchemaRef) -> Value {
    if schema.optional && random.random_bool(0.3) {
        return Value::Null;
    }
    let count = random.random_range(0..4);
    match (schema.kind, schema.name.as_deref()) {
        (_, Some(logical::DATE)) => Value::Date(random.random_range(-700_000..2_900_000)),
        (_, Some(logical::TIME)) => Value::Time(random.random_range(0..86_400_000)),
        (_, Some(logical::TIMESTAMP)) => {
            Value::Timestamp(random.random_range(-60_000_000_000_000..250_000_000_000_000))
        }
        (_, Some(logical::DECIMAL)) => {
            let number: i32 = random.random();
            Value::Decimal(Decimal::new(shortest(number), 2))
        }
        (Type::Int8, _) => Value::Int8(random.random()),
        (Type::Int16, _) => Value::Int16(random.random()),
        (Type::Int32, _) => Value::Int32(random.random()),
        (Type::Int64, _) => Value::Int64(random.random()),
        (Type::Float32, _) => Value::Float32(random.random()),
        (Type::Float64, _) => Value::Float64(random.random()),
        (Type::Boolean, _) => Value::Boolean(random.random()),
        (Type::String, _) => Value::String("é😀x".repeat(count)),
        (Type::Bytes, _) => Value::Bytes((0..count).map(|_| random.random()).collect()),
        (Type::Array, _) => {
            let element = schema.element.as_ref().unwrap();
            Value::Array((0..count).map(|_| random_value(random, element)).collect())
        }
        (Type::Map, _) => map(random, schema, count),
        (Type::Struct, _) => {
            let mut value = Struct::new(schema);
            for (field, place) in schema.fields.iter().zip(&mut value.values) {
                *place = random_value(random, &field.schema);
            }
            Value::Struct(value)
        }
    }
}

fn map(random: &mut impl Rng, schema: &Schema, count: usize) -> Value {
    let element = schema.element.as_ref().unwrap();
    let text = schema.key.as_ref().unwrap().kind == Type::String;
    let entries = (0..count).map(|at| {
        let key = match text {
            true => Value::String(format!("k{at}")),
            false => Value::Int32(i32::try_from(at).unwrap()),
        };
        (key, random_value(random, element))
    });
    Value::Map(entries.collect())
}

/// The shortest two's complement bytes, as `BigInteger.toByteArray` gives them.
fn shortest(number: i32) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    while bytes.len() > 1
        && ((bytes[0] == 0 && bytes[1] < 0x80) || (bytes[0] == 0xff && bytes[1] >= 0x80))
    {
        bytes.remove(0);
    }
    bytes
}
