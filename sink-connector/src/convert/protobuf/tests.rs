#![allow(clippy::unwrap_used)]
use super::*;
use crate::config::RegistryConverter;
use crate::convert::Converter;
use crate::value::{SchemaRef, Struct, Type, Value, logical};
use sluiceway_schemas::{RegistryConfig, SubjectNameStrategy, protobuf};

const TEXT: &str = r#"syntax = "proto3"; package lab;
import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
message All { uint64 u = 1; Color c = 2; oneof choice { string s = 3; int32 i = 4; } optional string o = 5;
  google.protobuf.Timestamp at = 6; google.protobuf.StringValue w = 7; map<int32, Inner> m = 8; repeated Inner r = 9; Inner in = 10; }
message Inner { int32 x = 1; Inner next = 2; }
enum Color { RED = 0; BLUE = 1; }"#;

fn config() -> ProtobufConverterConfig {
    ProtobufConverterConfig {
        common: RegistryConverter {
            registry: RegistryConfig::new("http://127.0.0.1:1"),
            subject_name_strategy: SubjectNameStrategy::TopicName,
            cache_size: 10,
            generalized_sum_types: false,
            flatten_singleton_unions: false,
            scrub_invalid_names: false,
        },
        enhanced: false,
        int_for_enums: false,
        optional_for_nullables: false,
        optional_for_proto2: true,
        struct_for_nulls: false,
        wrapper_for_nullables: false,
        wrapper_for_raw_primitives: true,
        generate_index_for_unions: true,
        flatten_unions: false,
    }
}

const PROTO2: &str = r#"syntax = "proto2"; package lab;
message Two { optional int32 n = 1 [default = 7]; required string r = 2; optional Part part = 3;
  oneof choice { string s = 4; int32 i = 5; } repeated int32 many = 6; }
message Part { optional string p = 1; }"#;

fn convert(config: &ProtobufConverterConfig, json: &str) -> Result<Struct, Exception> {
    convert_as(TEXT, config, json)
}

fn convert_as(
    text: &str,
    config: &ProtobufConverterConfig,
    json: &str,
) -> Result<Struct, Exception> {
    let file = protobuf::Schema::parse(text, &[]).unwrap();
    let mut bytes = Vec::new();
    file.json_to_binary(json.as_bytes(), &mut bytes).unwrap();
    match read_first(&file, config, &bytes[1..])?.1 {
        Value::Struct(members) => Ok(members),
        other => unreachable!("{other:?}"),
    }
}

/// A message of the file's first type, with its schema.
fn read_first(
    file: &protobuf::Schema,
    config: &ProtobufConverterConfig,
    bytes: &[u8],
) -> Result<(SchemaRef, Value), Exception> {
    let translation = translate::translate(file, file.message(), Some(1), config)?;
    let message = translation.decode(bytes).unwrap();
    let value = read::root(&translation, &message)?;
    Ok((translation.schema, value))
}

#[test]
fn oneofs_come_first_and_every_field_is_optional() {
    let all = convert(&config(), "{}").unwrap();
    let names: Vec<_> = all
        .schema
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["choice_0", "u", "c", "o", "at", "w", "m", "r", "in"]
    );
    assert!(all.schema.fields.iter().all(|field| field.schema.optional));
    assert_eq!(
        (all.schema.name.as_deref(), all.schema.version),
        (Some("All"), Some(1))
    );
    let choice = &all.schema.fields[0].schema;
    assert_eq!(
        choice.name.as_deref(),
        Some("io.confluent.connect.protobuf.Union.choice")
    );
    let color = &all.schema.fields[2].schema;
    let parameters: Vec<_> = color
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let prefix = "io.confluent.connect.protobuf";
    assert_eq!(
        parameters,
        [
            format!("{prefix}.Enum=Color"),
            format!("{prefix}.Enum.RED=0"),
            format!("{prefix}.Enum.BLUE=1"),
            format!("{prefix}.Tag=2")
        ]
    );
    let nulls: Vec<_> = all.values.iter().map(Value::is_null).collect();
    assert_eq!(
        nulls,
        [true, false, false, true, true, true, false, false, true]
    );
}

#[test]
fn values_are_connects() {
    let json = r#"{"u":"18446744073709551615","c":9,"i":5,"at":"2024-01-01T00:00:00.1239Z","w":"x","m":{"7":{"x":1}},"in":{"x":1,"next":{"x":2}}}"#;
    let all = convert(&config(), json).unwrap();
    let Value::Struct(choice) = &all.values[0] else {
        unreachable!("a struct")
    };
    assert_eq!(choice.values, [Value::Null, Value::Int32(5)]);
    assert_eq!(all.values[1], Value::Int64(-1));
    assert_eq!(
        all.values[2],
        Value::String("UNKNOWN_ENUM_VALUE_Color_9".to_owned())
    );
    assert_eq!(all.values[4], Value::Timestamp(1_704_067_200_123));
    assert!(all.schema.fields[4].schema.is_logical(logical::TIMESTAMP));
    assert_eq!(all.values[5], Value::String("x".to_owned()));
    let Value::Map(entries) = &all.values[6] else {
        unreachable!("a map")
    };
    assert_eq!(entries[0].0, Value::Int32(7));
    let Value::Struct(inner) = &all.values[8] else {
        unreachable!("a struct")
    };
    assert!(matches!(&inner.values[1], Value::Struct(next) if next.values[0] == Value::Int32(2)));
}

#[test]
fn lists_of_declared_entries_are_maps() {
    let text = r#"syntax = "proto3"; package lab; message All { repeated ByUserEntry users = 1; repeated PairEntry pairs = 2;
        repeated Other others = 3; message ByUserEntry { string key = 1; Inner value = 2; } }
        message PairEntry { string value = 1; string key = 2; } message Other { string key = 1; string value = 2; }
        message Inner { int32 x = 1; }"#;
    let json = r#"{"users":[{"key":"b","value":{"x":1}},{"key":"a"},{"key":"b","value":{"x":2}}],
        "pairs":[{"key":"k"}],"others":[{"key":"k"}]}"#;
    let all = convert_as(text, &config(), json).unwrap();
    let schema = &all.schema.fields[0].schema;
    assert_eq!(schema.name.as_deref(), Some("by_user"));
    let Value::Map(entries) = &all.values[0] else {
        unreachable!("a map")
    };
    let numbers = entries.iter().map(|(key, value)| match (key, value) {
        (Value::String(key), Value::Struct(inner)) => (key.as_str(), inner.values[0].clone()),
        other => unreachable!("{other:?}"),
    });
    let numbers: Vec<_> = numbers.collect();
    assert_eq!(numbers, [("b", Value::Int32(2)), ("a", Value::Int32(0))]);
    assert!(matches!(
        &all.values[1..],
        [Value::Array(_), Value::Array(_)]
    ));
    let mut options = config();
    options.enhanced = true;
    let all = convert_as(text, &options, "{}").unwrap();
    let name = all.schema.fields[0].schema.name.as_deref();
    assert_eq!(name, Some("lab.All.by_user"));
}

#[test]
fn numbers_of_32_bits_may_have_been_smaller() {
    let text = r#"syntax = "proto3"; import "confluent/meta.proto"; message All {
        int32 a = 1 [(confluent.field_meta) = { params: [{ key: "connect.type", value: "int8" }] }];
        sint32 b = 2 [(confluent.field_meta) = { params: [{ key: "connect.type", value: "int16" }] }];
        sfixed32 c = 3 [(confluent.field_meta) = { params: [{ key: "connect.type", value: "int8" }] }]; sint32 d = 4; }"#;
    let all = convert_as(text, &config(), r#"{"a":1,"b":2,"c":-3,"d":4}"#).unwrap();
    assert_eq!(
        all.values,
        [
            Value::Int8(1),
            Value::Int16(2),
            Value::Int8(-3),
            Value::Int32(4)
        ]
    );
    let wire = |at: usize| {
        let parameters = &all.schema.fields[at].schema.parameters;
        parameters
            .get("io.confluent.connect.protobuf.Type")
            .cloned()
    };
    assert_eq!((wire(1), wire(2)), (None, None));
    assert_eq!(wire(3).as_deref(), Some("sint32"));
}

#[test]
fn options_change_names_and_types() {
    let mut options = config();
    options.enhanced = true;
    options.int_for_enums = true;
    options.flatten_unions = true;
    options.wrapper_for_raw_primitives = false;
    let all = convert(&options, r#"{"s":"t","w":"x"}"#).unwrap();
    assert_eq!(all.schema.name.as_deref(), Some("lab.All"));
    assert_eq!(all.values[0], Value::String("t".to_owned()));
    assert_eq!(all.get("c"), Some(&Value::Int32(0)));
    assert!(
        matches!(all.get("w"), Some(Value::Struct(wrapper)) if wrapper.schema.fields[0].schema.kind == Type::String)
    );
}

#[test]
fn what_is_not_nullable_must_be_set() {
    let mut options = config();
    options.optional_for_nullables = true;
    let error = convert(&options, r#"{"i":5}"#).unwrap_err();
    assert_eq!(
        error.message,
        "Invalid value: null used for required field: \"s\", schema type: STRING"
    );
    assert!(convert(&options, "{}").unwrap().get("o").unwrap().is_null());
}

#[test]
fn proto2_knows_what_is_not_set() {
    let two =
        |options: &ProtobufConverterConfig| convert_as(PROTO2, options, r#"{"r":"x"}"#).unwrap();
    let found = two(&config());
    assert_eq!(found.get("n"), Some(&Value::Null));
    assert_eq!(found.get("many"), Some(&Value::Array(Vec::new())));
    let mut options = config();
    options.optional_for_proto2 = false;
    let found = two(&options);
    assert_eq!(found.get("n"), Some(&Value::Int32(7)));
    assert!(found.get("part").unwrap().is_null() && found.get("choice_0").unwrap().is_null());
    let mut options = config();
    options.optional_for_nullables = true;
    let optional: Vec<bool> = two(&options)
        .schema
        .fields
        .iter()
        .map(|field| field.schema.optional)
        .collect();
    assert_eq!(optional, [true, true, false, true, true]);
}

#[test]
fn messages_that_are_not_set_can_be_made_up() {
    let mut options = config();
    options.struct_for_nulls = true;
    let found = convert_as(PROTO2, &options, r#"{"r":"x"}"#).unwrap();
    assert_eq!(found.get("n"), Some(&Value::Int32(7)));
    let Some(Value::Struct(part)) = found.get("part") else {
        unreachable!("a struct")
    };
    assert_eq!(part.values, [Value::String(String::new())]);
    assert!(found.get("choice_0").unwrap().is_null());
    // A type that holds itself has no end, in the original neither.
    let error = convert(&options, "{}").unwrap_err();
    assert_eq!(error.class, "java.lang.StackOverflowError");
}

#[test]
fn a_wrapper_that_is_the_whole_message_is_its_value() {
    let text =
        r#"syntax = "proto3"; package google.protobuf; message StringValue { string value = 1; }"#;
    let file = protobuf::Schema::parse(text, &[]).unwrap();
    let read = |config: &ProtobufConverterConfig| read_first(&file, config, b"\x0a\x01x").unwrap();
    let (schema, value) = read(&config());
    assert_eq!(
        (schema.kind, schema.optional, schema.version),
        (Type::String, false, Some(1))
    );
    assert_eq!(value, Value::String("x".to_owned()));
    let mut options = config();
    options.wrapper_for_raw_primitives = false;
    let (schema, value) = read(&options);
    assert_eq!(schema.name.as_deref(), Some("StringValue"));
    assert!(matches!(value, Value::Struct(wrapper) if wrapper.get("value").is_some()));
}

#[test]
fn oneofs_enums_and_maps_have_the_names_of_the_options() {
    const NAMES: &str = r#"syntax = "proto3"; package lab; message All { oneof choice { string s = 2; int32 i = 1; }
      Color c = 3; map<string, int32> userIds = 4; } enum Color { RED = 0; }"#;
    let named = |options: &ProtobufConverterConfig| {
        let all = convert_as(NAMES, options, r#"{"i":5}"#).unwrap();
        let Some(Value::Struct(choice)) = all.get("choice_0") else {
            unreachable!("a struct")
        };
        assert_eq!(choice.values, [Value::Null, Value::Int32(5)]);
        let name = |at: usize| all.schema.fields[at].schema.name.clone().unwrap();
        (all.schema.clone(), [name(0), name(1), name(2)])
    };
    let prefix = "io.confluent.connect.protobuf";
    let (_, names) = named(&config());
    assert_eq!(
        names,
        [
            format!("{prefix}.Union.choice"),
            "Color".into(),
            "user_ids".into()
        ]
    );
    let mut options = config();
    options.enhanced = true;
    let (schema, names) = named(&options);
    let union = format!("{prefix}.Union.lab.All.choice");
    assert_eq!(
        names,
        [union, "lab.Color".into(), "lab.All.user_ids".into()]
    );
    let color = &schema.fields[1].schema.parameters;
    assert_eq!(
        color.get(&format!("{prefix}.Enum")).map(String::as_str),
        Some("Color")
    );
    options.common.generalized_sum_types = true;
    let (schema, names) = named(&options);
    assert_eq!(names[0], "choice");
    let parameter = schema.fields[0]
        .schema
        .parameters
        .get("org.apache.kafka.connect.data.Union");
    assert_eq!(parameter.map(String::as_str), Some("choice"));
}

#[test]
fn enums_are_optional_and_the_word_optional_comes_before_wrappers() {
    let mut options = config();
    options.optional_for_nullables = true;
    options.wrapper_for_nullables = true;
    let schema = convert(&options, "{}").unwrap().schema;
    let optional = |name: &str| {
        schema.fields[schema.field_index(name).unwrap()]
            .schema
            .optional
    };
    assert_eq!(
        ["u", "c", "o", "w"].map(optional),
        [false, true, true, true]
    );
}

#[test]
fn a_decimal_has_the_scale_of_its_message() {
    const DECIMALS: &str = r#"syntax = "proto3"; import "confluent/type/decimal.proto"; message All { confluent.type.Decimal d = 1; }"#;
    let found = convert_as(
        DECIMALS,
        &config(),
        r#"{"d":{"value":"MDk=","precision":5,"scale":2}}"#,
    );
    let found = found.unwrap();
    let Some(Value::Decimal(decimal)) = found.get("d") else {
        unreachable!("a decimal")
    };
    assert_eq!((decimal.scale(), decimal.unscaled()), (2, &b"09"[..]));
    assert_eq!(found.schema.fields[0].schema.scale(), Some(0));
    let error = convert_as(DECIMALS, &config(), r#"{"d":{}}"#).unwrap_err();
    assert_eq!(error.class, "java.lang.NumberFormatException");
}

#[test]
fn a_time_that_no_day_has_is_refused() {
    const TIMES: &str = r#"syntax = "proto3"; import "google/type/timeofday.proto"; message All { google.type.TimeOfDay t = 1; }"#;
    let time = |json: &str| convert_as(TIMES, &config(), json);
    let found = time(r#"{"t":{"hours":23,"seconds":1,"nanos":5999999}}"#).unwrap();
    assert_eq!(found.get("t"), Some(&Value::Time(82_801_005)));
    let error = time(r#"{"t":{"hours":24}}"#).unwrap_err();
    assert_eq!(error.class, "java.time.DateTimeException");
    assert_eq!(
        error.message,
        "Invalid value for HourOfDay (valid values 0 - 23): 24"
    );
}

#[test]
fn bytes_that_are_no_message_are_told_in_javas_words() {
    let schema = sluiceway_schemas::SchemaText::new(SchemaType::Protobuf, TEXT);
    let schema = Schema::parse(schema, Vec::new()).unwrap();
    let mut converter = ProtobufConverter::new(&config(), Stage::ValueConverter).unwrap();
    converter.learn("t", 7, Arc::new(schema)).unwrap();
    let mut causes = |body: &[u8]| {
        let bytes = [&[0, 0, 0, 0, 7][..], body].concat();
        let error = converter.convert("t", Some(&bytes)).unwrap_err();
        let trace = error.exception.stacktrace();
        trace.lines().nth(2).unwrap().to_owned()
    };
    let invalid = "Caused by: com.google.protobuf.InvalidProtocolBufferException";
    for (body, cause) in [
        (
            &[][..],
            "Caused by: java.nio.BufferUnderflowException".to_owned(),
        ),
        (
            &[2],
            "Caused by: java.nio.BufferUnderflowException".to_owned(),
        ),
        (
            &[0, 0x2a, 9, b'x'],
            format!("{invalid}: While parsing a protocol message, the input ended"),
        ),
        (
            &[0, 0x08, 0x80],
            format!("{invalid}: While parsing a protocol message, the input ended"),
        ),
        (
            &[0, 0x00],
            format!("{invalid}: Protocol message contained an invalid tag (zero)."),
        ),
        (
            &[0, 0x0c],
            format!("{invalid}: Protocol message end-group tag did not match expected tag."),
        ),
        (
            &[0, 0x64],
            format!("{invalid}: Protocol message end-group tag did not match expected tag."),
        ),
        (
            &[0, 0x2a, 1, 0xff],
            format!("{invalid}: Protocol message had invalid UTF-8."),
        ),
        (
            &[0, 0x0f],
            format!("{invalid}$InvalidWireTypeException: Protocol message tag had"),
        ),
        (
            &[2, 18],
            "Caused by: java.lang.IllegalArgumentException: Invalid message indexes: [9]"
                .to_owned(),
        ),
    ] {
        let found = causes(body);
        assert!(found.starts_with(&cause), "{body:?}: {found}");
    }
}
