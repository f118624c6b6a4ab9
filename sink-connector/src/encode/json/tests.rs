//! Tests of the JSON format.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::error::Stage;
use crate::value::{Decimal, Number, Schema, SchemaRef, Struct, Type};

fn encode(
    schema: Option<&SchemaRef>,
    payload: Payload<'_>,
    decimals: DecimalFormat,
) -> Result<String, RecordError> {
    let datum = Datum {
        schema: schema.cloned(),
        payload,
    };
    let mut out = b"before".to_vec();
    let mut encoder = JsonFormat::new(decimals).encoder("t.json");
    let checked = encoder.check(&datum);
    let result = encoder.write(&datum, &mut out);
    assert_eq!(checked, result);
    let text = String::from_utf8(out).unwrap();
    // A refused record leaves nothing behind.
    assert_eq!(result.is_err(), text == "before");
    result.map(|()| text["before".len()..].to_owned())
}

fn line(payload: Payload<'_>) -> String {
    encode(None, payload, DecimalFormat::Base64).unwrap()
}

fn record(fields: Vec<(&str, Schema, Value)>) -> (SchemaRef, Payload<'static>) {
    let (mut schema, mut values) = (Schema::of(Type::Struct), Vec::new());
    for (name, field, value) in fields {
        schema = schema.field(name, field);
        values.push(value);
    }
    let schema = schema.build();
    (
        schema.clone(),
        Payload::Tree(Value::Struct(Struct { schema, values })),
    )
}

#[test]
fn untyped_payloads_are_a_line_each() {
    assert_eq!(line(Payload::Json(b"{\"a\":01}")), "{\"a\":01}\n");
    assert_eq!(line(Payload::Text("a\"b".into())), "\"a\\\"b\"\n");
    assert_eq!(line(Payload::Bytes(b"x")), "\"eA==\"\n");
    let map = Value::Map(vec![
        (Value::String("b".into()), Value::Number(Number::new("1e2"))),
        (
            Value::Int32(5),
            Value::Array(vec![Value::Null, Value::Boolean(true)]),
        ),
    ]);
    assert_eq!(line(Payload::Tree(map)), "{\"b\":1e2,\"5\":[null,true]}\n");
    assert_eq!(line(Payload::Tree(Value::Date(1))), "86400000\n");
    assert_eq!(
        line(Payload::Tree(Value::Decimal(Decimal::new([0x04, 0xd2], 2)))),
        "12.34\n"
    );
    assert_eq!(line(Payload::Tree(Value::Float64(f64::NAN))), "\"NaN\"\n");
}

#[test]
fn structs_keep_field_order_and_fill_defaults() {
    let (schema, payload) = record(vec![
        ("z", Schema::of(Type::Int8), Value::Int8(-1)),
        ("a", Schema::of(Type::String).optional(), Value::Null),
        (
            "d",
            Schema::of(Type::String).with_default(Value::String("dd".into())),
            Value::Null,
        ),
        ("f", Schema::of(Type::Float32), Value::Float32(0.1)),
        ("b", Schema::of(Type::Bytes), Value::Bytes(vec![0, 1, 0xff])),
        (
            "ts",
            Schema::of(Type::Int64).named(crate::value::logical::TIMESTAMP),
            Value::Timestamp(1),
        ),
        (
            "da",
            Schema::of(Type::Int32).named(crate::value::logical::DATE),
            Value::Date(19675),
        ),
    ]);
    assert_eq!(
        encode(Some(&schema), payload, DecimalFormat::Base64).unwrap(),
        "{\"z\":-1,\"a\":null,\"d\":\"dd\",\"f\":0.1,\"b\":\"AAH/\",\"ts\":1,\"da\":19675}\n"
    );
}

#[test]
fn decimals_are_base64_or_numbers() {
    let case = |scale, decimals| {
        let (schema, payload) = record(vec![(
            "d",
            Schema::decimal(scale),
            Value::Decimal(Decimal::new([0x04, 0xd2], 2)),
        )]);
        encode(Some(&schema), payload, decimals)
    };
    assert_eq!(
        case(2, DecimalFormat::Base64).unwrap(),
        "{\"d\":\"BNI=\"}\n"
    );
    assert_eq!(case(2, DecimalFormat::Numeric).unwrap(), "{\"d\":12.34}\n");
    let error = case(1, DecimalFormat::Base64).unwrap_err();
    assert_eq!(error.stage, Stage::TaskPut);
    assert_eq!(
        error.exception.message,
        "Decimal value has mismatching scale for given Decimal schema. Schema has scale 1, value has scale 2."
    );
}

#[test]
fn maps_are_objects_or_pairs() {
    let strings = Schema::map(Schema::of(Type::String), Schema::of(Type::Int32));
    let numbers = Schema::map(Schema::of(Type::Int32), Schema::of(Type::Int32).optional());
    let (schema, payload) = record(vec![
        (
            "s",
            strings,
            Value::Map(vec![(Value::String("k".into()), Value::Int32(1))]),
        ),
        (
            "n",
            numbers,
            Value::Map(vec![(Value::Int32(5), Value::Null)]),
        ),
    ]);
    assert_eq!(
        encode(Some(&schema), payload, DecimalFormat::Base64).unwrap(),
        "{\"s\":{\"k\":1},\"n\":[[5,null]]}\n"
    );
}

#[test]
fn a_required_null_and_a_struct_in_a_list_are_refused() {
    let (schema, payload) = record(vec![("a", Schema::of(Type::Int8), Value::Null)]);
    let error = encode(Some(&schema), payload.clone(), DecimalFormat::Base64).unwrap_err();
    assert_eq!(
        error.exception.message,
        "Conversion error: null value for field that is required and has no default value"
    );
    let Payload::Tree(inner) = payload else {
        unreachable!()
    };
    let in_list = Value::Map(vec![(Value::String("k".into()), Value::Array(vec![inner]))]);
    let error = encode(None, Payload::Tree(in_list), DecimalFormat::Base64).unwrap_err();
    let told = error.exception.message;
    assert!(
        told.ends_with(
            "FAIL_ON_EMPTY_BEANS) (through reference chain: java.util.HashMap[\"k\"]->java.util.ArrayList[0])"
        ),
        "{told}"
    );
    assert!(!error.reportable);
}
