//! Tests of the JSON converter.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::value::{Schema, Type};

fn converter(schemas: bool, shape: Shape) -> JsonConverter {
    let options = JsonOptions {
        schemas,
        cache_size: 2,
        replace_null_with_default: true,
    };
    JsonConverter::new(options, Stage::ValueConverter, shape)
}

pub(super) fn text(input: &[u8]) -> Result<Option<String>, String> {
    let mut converter = converter(false, Shape::Text);
    let checked = converter
        .check("t", Some(input))
        .map_err(|error| error.to_string());
    let result = match converter.convert("t", Some(input)) {
        Ok(Datum {
            payload: Payload::Null,
            schema: None,
        }) => Ok(None),
        Ok(Datum {
            payload: Payload::Json(text),
            schema: None,
        }) => Ok(Some(String::from_utf8(text.to_vec()).unwrap())),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.exception.stacktrace()),
    };
    // Checking a key finds what converting it finds.
    assert_eq!(
        checked.is_ok(),
        result.is_ok(),
        "{}",
        String::from_utf8_lossy(input)
    );
    result
}

pub(super) fn tree(input: &[u8]) -> Value {
    match converter(false, Shape::Tree)
        .convert("t", Some(input))
        .unwrap()
        .payload
    {
        Payload::Null => Value::Null,
        Payload::Tree(value) => value,
        other => panic!("{other:?}"),
    }
}

fn enveloped(schema: &str, payload: &str) -> Result<Value, String> {
    let input = format!(r#"{{"schema":{schema},"payload":{payload}}}"#);
    match converter(true, Shape::Text).convert("t", Some(input.as_bytes())) {
        Ok(Datum {
            payload: Payload::Null,
            ..
        }) => Ok(Value::Null),
        Ok(Datum {
            payload: Payload::Tree(value),
            ..
        }) => Ok(value),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.exception.message),
    }
}

fn simple(kind: &str, payload: &str) -> Value {
    enveloped(&format!(r#"{{"type":"{kind}","optional":true}}"#), payload).unwrap()
}

#[test]
fn leniencies_are_those_recorded() {
    for (input, output) in [
        (&b"{\"a\":01}"[..], r#"{"a":1}"#),
        (b"{\"a\":1} trailing", r#"{"a":1}"#),
        (b"{\"a\":1}{\"b\":2}", r#"{"a":1}"#),
        (b"\xef\xbb\xbf{\"a\":1}", r#"{"a":1}"#),
        (b"  {\"a\" : [ 1 , 2 ] }  ", r#"{"a":[1,2]}"#),
        (b"\"\"", "\"\""),
        (b"42", "42"),
        (b"{\"dup\":1,\"dup\":2}", r#"{"dup":1,"dup":2}"#),
    ] {
        assert_eq!(text(input).unwrap().unwrap(), output);
    }
    for null in [
        &b""[..],
        b" ",
        b"\t\r\n",
        b"null",
        b" null ",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf null",
    ] {
        assert_eq!(text(null), Ok(None), "{null:?}");
    }
}

#[test]
fn what_is_refused_is_refused_with_jacksons_exception() {
    let refused: [(&[u8], &str); 17] = [
        (b"{\"index\":1", "JsonEOFException"),
        (b"not json", "JsonParseException"),
        (b"{\"a\":NaN}", "JsonParseException"),
        (b"{'a':1}", "JsonParseException"),
        (b"{\"a\":1,}", "JsonParseException"),
        (b"[1,2", "JsonEOFException"),
        (b"\"\x01\"", "JsonParseException"),
        (b"nul", "JsonParseException"),
        (b"\xff\xfe{\"a\":1}", "JsonParseException"),
        (b"tru", "JsonParseException"),
        (b"{\"a\":Infinity}", "JsonParseException"),
        (b"{\"a\":+1}", "JsonParseException"),
        (b"{\"a\":.5}", "JsonParseException"),
        (b"{\"a\":1.}", "JsonParseException"),
        (b"{\"a\":\"\xe9\"}", "JsonParseException"),
        (b"[", "JsonEOFException"),
        (b"\"abc", "JsonEOFException"),
    ];
    for (input, class) in refused {
        let error = text(input).unwrap_err();
        let lines: Vec<&str> = error
            .lines()
            .filter(|line| !line.starts_with(" at "))
            .collect();
        let [data, serialization, jackson] = lines[..] else {
            panic!("{error}")
        };
        assert!(data.starts_with(crate::error::DATA_EXCEPTION), "{data}");
        assert!(
            serialization.contains(class) && jackson.contains(class),
            "{error}"
        );
    }
}

#[test]
fn a_tree_keeps_number_texts_and_the_last_of_equal_names() {
    let value = tree(br#"{"b":1.10,"a":[true,null,"x\n"],"b":1e2}"#);
    let expected = Value::Map(vec![
        (
            Value::String("b".into()),
            Value::Number(crate::value::Number::new("1e2")),
        ),
        (
            Value::String("a".into()),
            Value::Array(vec![
                Value::Boolean(true),
                Value::Null,
                Value::String("x\n".into()),
            ]),
        ),
    ]);
    assert_eq!(value, expected);
    assert_eq!(tree(b"null"), Value::Null);
}

#[test]
fn an_envelope_has_exactly_its_two_fields() {
    for input in [
        &b"{\"a\":1}"[..],
        b"{\"schema\":null}",
        b"{\"schema\":null,\"payload\":1,\"x\":2}",
        b"42",
        b"null",
        b"",
        b"[]",
    ] {
        let error = converter(true, Shape::Text)
            .convert("t", Some(input))
            .unwrap_err();
        assert!(
            error
                .exception
                .message
                .starts_with("JsonConverter with schemas.enable requires"),
            "{input:?}"
        );
    }
    assert_eq!(
        converter(true, Shape::Text).convert("t", None),
        Ok(Datum::NULL)
    );
    let mut converter = converter(true, Shape::Text);
    let datum = converter
        .convert("t", Some(b" {\"payload\" : [1] , \"schema\" : null} x"))
        .unwrap();
    assert_eq!(datum.schema, None);
    assert!(matches!(datum.payload, Payload::Tree(Value::Array(_))));
}

#[test]
fn one_text_gives_one_schema() {
    let input = br#"{"schema":{"type":"int32"},"payload":1}"#;
    let mut converter = converter(true, Shape::Text);
    let first = converter.convert("t", Some(input)).unwrap().schema.unwrap();
    let second = converter.convert("t", Some(input)).unwrap().schema.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    assert_eq!(*first, Schema::of(Type::Int32));
}

#[test]
fn a_schema_has_all_of_its_properties() {
    let input = br#"{"schema":{"type":"struct","name":"N","version":3,"doc":"d","optional":true,"parameters":{"k":"v"},
        "fields":[{"field":"m","type":"map","keys":{"type":"int8"},"values":{"type":"string","optional":true}},
                  {"field":"d","type":"int32","default":5}]},"payload":{"m":[]}}"#;
    let mut converter = converter(true, Shape::Text);
    let schema = converter.convert("t", Some(input)).unwrap().schema.unwrap();
    let mut expected = Schema::of(Type::Struct)
        .named("N")
        .optional()
        .field(
            "m",
            Schema::map(Schema::of(Type::Int8), Schema::of(Type::String).optional()),
        )
        .field("d", Schema::of(Type::Int32).with_default(Value::Int32(5)));
    expected.version = Some(3);
    expected.doc = Some("d".into());
    expected.parameters.insert("k".into(), "v".into());
    assert_eq!(*schema, expected);
}

#[test]
fn bad_schemas_are_refused_in_connects_words() {
    for (schema, message) in [
        ("{}", "Schema must contain 'type' field"),
        (r#"{"type":1}"#, "Schema must contain 'type' field"),
        (r#"{"type":"int"}"#, "Unknown schema type: int"),
        (
            r#"{"type":"array"}"#,
            "Array schema did not specify the element type",
        ),
        (
            r#"{"type":"map","values":{"type":"int8"}}"#,
            "Map schema did not specify the key type",
        ),
        (
            r#"{"type":"map","keys":{"type":"int8"}}"#,
            "Map schema did not specify the value type",
        ),
        (
            r#"{"type":"struct"}"#,
            "Struct schema's \"fields\" argument is not an array.",
        ),
        (
            r#"{"type":"struct","fields":[{"type":"int8"}]}"#,
            "Struct schema's field name not specified properly",
        ),
        (
            r#"{"type":"int8","parameters":{"a":1}}"#,
            "Schema parameters must have string values.",
        ),
    ] {
        assert_eq!(enveloped(schema, "1"), Err(message.into()), "{schema}");
    }
}

#[test]
fn defaults_are_values_of_their_schema() {
    let invalid = Err("Invalid default value".to_owned());
    for (schema, payload, expected) in [
        (r#"{"type":"int8","default":7}"#, "null", Ok(Value::Int8(7))),
        (r#"{"type":"string","default":1}"#, "\"s\"", invalid.clone()),
        (
            r#"{"type":"string","optional":true,"default":1}"#,
            "null",
            Ok(Value::Null),
        ),
        // Never the same as the schema that is being built.
        (
            r#"{"type":"struct","fields":[],"default":{}}"#,
            "{}",
            invalid.clone(),
        ),
        (
            r#"{"type":"array","items":{"type":"bytes"},"default":[1]}"#,
            "[]",
            invalid,
        ),
    ] {
        assert_eq!(enveloped(schema, payload), expected, "{schema}");
    }
}

/// What Kafka's own classes say, schema, payload and trace a row.
#[test]
fn faults_are_told_in_the_words_of_kafkas_converter() {
    let logical = |name: &str, more: &str| {
        format!(r#"{{"name":"org.apache.kafka.connect.data.{name}","type":"bytes"{more}}}"#)
    };
    let scale = |scale: &str| logical("Decimal", &format!(r#","parameters":{{{scale}}}"#));
    let list = r#"{"type":"array","items":{"type":"bytes"}}"#;
    let holder = format!(
        r#"{{"type":"struct","fields":[{{"field":"b",{}]}}"#,
        &list[1..]
    );
    for (schema, payload, expected) in [
        (
            logical("Date", ""),
            "1.5",
            "DataException: Invalid type for Date, underlying representation should be integer but was NUMBER",
        ),
        (
            logical("Timestamp", ""),
            "\"1\"",
            "DataException: Invalid type for Timestamp, underlying representation should be integral but was STRING",
        ),
        (
            logical("Decimal", ""),
            "true",
            "DataException: Invalid type for Decimal, underlying representation should be numeric or bytes but was BOOLEAN",
        ),
        (
            scale(""),
            "\"\"",
            "DataException: Invalid bytes for Decimal field\nCaused by: java.lang.NumberFormatException: Zero length BigInteger",
        ),
        (
            scale(""),
            "\"AQ==\"",
            "DataException: Invalid bytes for Decimal field\nCaused by: java.lang.NullPointerException: Cannot invoke \
             \"java.util.Map.get(Object)\" because the return value of \"Schema.parameters()\" is null",
        ),
        (
            scale(r#""p":"q""#),
            "\"AQ==\"",
            "DataException: Invalid bytes for Decimal field\nCaused by: DataException: Invalid Decimal schema: scale \
             parameter not found.",
        ),
        (
            scale(r#""scale":"x""#),
            "\"AQ==\"",
            "DataException: Invalid bytes for Decimal field\nCaused by: DataException: Invalid scale parameter found in \
             Decimal schema: \nCaused by: java.lang.NumberFormatException: For input string: \"x\"",
        ),
        (
            r#"{"type":"bytes"}"#.to_owned(),
            "\"2024-01-01\"",
            "DataException: Invalid bytes field\nCaused by: com.fasterxml.jackson.databind.exc.InvalidFormatException: \
             Cannot access contents of TextNode as binary due to broken Base64 encoding: Illegal character '-' (code \
             0x2d) in base64 content",
        ),
        (
            holder,
            r#"{"b":["AQ==",1]}"#,
            "DataException: Invalid value: null used for required element of array field: \"b\", schema type: BYTES",
        ),
        (
            r#"{"type":"string","default":1}"#.to_owned(),
            "\"s\"",
            "SchemaBuilderException: Invalid default value\nCaused by: DataException: Invalid value: null used for \
             required value, schema type: STRING",
        ),
        (
            r#"{"type":"struct","fields":[],"default":{}}"#.to_owned(),
            "{}",
            "SchemaBuilderException: Invalid default value\nCaused by: DataException: Struct schemas do not match.",
        ),
    ] {
        let text = format!(r#"{{"schema":{schema},"payload":{payload}}}"#);
        let mut converter = converter(true, Shape::Tree);
        let error = converter.convert("t", Some(text.as_bytes())).unwrap_err();
        let trace = error.exception.stacktrace();
        let trace = trace
            .replace("org.apache.kafka.connect.errors.", "")
            .replace("org.apache.kafka.connect.data.", "");
        assert_eq!(trace, expected, "{text}");
    }
}

#[test]
fn scalars_are_as_lenient_as_jackson() {
    for (kind, payload, value) in [
        ("int8", "300", Value::Int8(44)),
        ("int16", "70000", Value::Int16(4464)),
        ("int32", "4294967297", Value::Int32(1)),
        ("int32", "\"x\"", Value::Int32(0)),
        ("int64", "9223372036854775808", Value::Int64(i64::MIN)),
        ("int64", "2.9", Value::Int64(2)),
        ("float", "0.1", Value::Float32(0.1)),
        ("double", "1e400", Value::Float64(f64::INFINITY)),
        ("double", "-0.0", Value::Float64(0.0)),
        ("double", "true", Value::Float64(0.0)),
        ("boolean", "1", Value::Boolean(false)),
        ("boolean", "true", Value::Boolean(true)),
        ("string", "\"s\"", Value::String("s".into())),
        ("string", "1", Value::Null),
        ("bytes", "\"AAH/\"", Value::Bytes(vec![0, 1, 0xff])),
        ("bytes", "\"AAH/ AQ==\"", Value::Bytes(vec![0, 1, 0xff, 1])),
        ("bytes", "1", Value::Null),
        ("int32", "null", Value::Null),
    ] {
        assert_eq!(simple(kind, payload), value, "{kind} {payload}");
    }
    assert_eq!(
        enveloped(r#"{"type":"bytes"}"#, "\"A\""),
        Err("Invalid bytes field".into())
    );
    assert_eq!(
        enveloped(r#"{"type":"int8"}"#, "null"),
        Err("Invalid null value for required INT8 field".into())
    );
    assert_eq!(
        enveloped(r#"{"type":"int8","default":7}"#, "null"),
        Ok(Value::Int8(7))
    );
}

#[test]
fn logical_types_are_checked() {
    let logical = |name: &str, kind: &str, payload: &str| {
        let schema = format!(
            r#"{{"type":"{kind}","name":"org.apache.kafka.connect.data.{name}","parameters":{{"scale":"2"}}}}"#
        );
        enveloped(&schema, payload)
    };
    assert_eq!(logical("Date", "int32", "19675"), Ok(Value::Date(19675)));
    assert_eq!(
        logical("Time", "int32", "86400000"),
        Ok(Value::Time(86_400_000))
    );
    assert!(logical("Time", "int32", "86400001").is_err());
    assert_eq!(
        logical("Timestamp", "int64", "1700000000123"),
        Ok(Value::Timestamp(1_700_000_000_123))
    );
    assert!(logical("Timestamp", "int64", "1.5").is_err());
    assert!(logical("Date", "int32", "\"2024-01-01\"").is_err());
    let decimal = |value: Result<Value, String>| match value {
        Ok(Value::Decimal(decimal)) => decimal.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(decimal(logical("Decimal", "bytes", "\"BNI=\"")), "12.34");
    assert_eq!(decimal(logical("Decimal", "bytes", "1.5")), "1.5");
    assert!(logical("Decimal", "bytes", "true").is_err());
}

#[test]
fn containers_follow_their_schema() {
    let array = r#"{"type":"array","items":{"type":"int32"}}"#;
    assert_eq!(
        enveloped(array, "[1,2]"),
        Ok(Value::Array(vec![Value::Int32(1), Value::Int32(2)]))
    );
    assert_eq!(
        enveloped(array, "[null]"),
        Err("Invalid null value for required INT32 field".into())
    );
    let pairs = r#"{"type":"map","keys":{"type":"int32"},"values":{"type":"string"}}"#;
    assert_eq!(
        enveloped(pairs, r#"[[5,"a"],[5,"b"]]"#),
        Ok(Value::Map(vec![(
            Value::Int32(5),
            Value::String("b".into())
        )]))
    );
    for (payload, message) in [
        (
            "{}",
            "Maps with non-string fields should be encoded as JSON array of tuples, but found OBJECT",
        ),
        (
            "[1]",
            "Found invalid map entry instead of array tuple: NUMBER",
        ),
        (
            "[[1]]",
            "Found invalid map entry, expected length 2 but found :1",
        ),
    ] {
        assert_eq!(enveloped(pairs, payload), Err(message.into()));
    }
    let object = r#"{"type":"map","keys":{"type":"string"},"values":{"type":"int8"}}"#;
    assert_eq!(
        enveloped(object, "[]"),
        Err("Maps with string fields should be encoded as JSON objects, but found ARRAY".into())
    );
    let record = r#"{"type":"struct","fields":[{"field":"s","type":"string"}]}"#;
    for (payload, message) in [
        ("{}", "Invalid null value for required STRING field"),
        (
            r#"{"s":1}"#,
            "Invalid value: null used for required field: \"s\", schema type: STRING",
        ),
        (
            "3",
            "Structs should be encoded as JSON objects, but found NUMBER",
        ),
    ] {
        assert_eq!(enveloped(record, payload), Err(message.into()));
    }
}
