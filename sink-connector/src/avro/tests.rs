//! Tests of schemas: names, references, unions, as the recordings have them.
#![allow(clippy::unwrap_used)]

use super::*;

const OPTIONS: AvroOptions = AvroOptions {
    enhanced: true,
    connect_meta_data: true,
    optional_map_keys: false,
};

fn text(schema: Schema, options: AvroOptions) -> Result<String, String> {
    let made = from_connect::schema(Some(&schema.build()), options);
    made.map(|avro| avro.text)
        .map_err(|error| error.to_string())
}

fn with(mut schema: Schema, parameters: &[(&str, &str)]) -> Schema {
    for (name, value) in parameters {
        schema
            .parameters
            .insert((*name).to_owned(), (*value).to_owned());
    }
    schema
}

fn color() -> Schema {
    let parameters = [
        ("io.confluent.connect.avro.Enum", "lab.t.Color"),
        ("io.confluent.connect.avro.Enum.RED", "RED"),
        ("io.confluent.connect.avro.Enum.GREEN", "GREEN"),
    ];
    with(Schema::of(Type::String).named("lab.t.Color"), &parameters)
}

const COLOR_PARAMETERS: &str = r#""connect.parameters":{"io.confluent.connect.avro.Enum":"lab.t.Color","io.confluent.connect.avro.Enum.RED":"RED","io.confluent.connect.avro.Enum.GREEN":"GREEN"}"#;

#[test]
fn a_named_type_is_written_once_and_its_parameters_stand_where_it_is_referred_to() {
    let inner = || {
        Schema::of(Type::Struct)
            .named("lab.t.Inner")
            .field("x", Schema::of(Type::Int32))
    };
    let schema = Schema::of(Type::Struct)
        .named("lab.t.All")
        .field("en", color())
        .field("nested", inner())
        .field("recs", Schema::array(inner()))
        .field("oen", color().optional());
    let expected = format!(
        r#"{{"type":"record","name":"All","namespace":"lab.t","fields":[{{"name":"en","type":{{"type":"enum","name":"Color","symbols":["RED","GREEN"],{COLOR_PARAMETERS},"connect.name":"lab.t.Color"}}}},{{"name":"nested","type":{{"type":"record","name":"Inner","fields":[{{"name":"x","type":"int"}}],"connect.name":"lab.t.Inner"}}}},{{"name":"recs","type":{{"type":"array","items":"Inner"}}}},{{"name":"oen","type":["null","Color"],"default":null,{COLOR_PARAMETERS}}}],"connect.name":"lab.t.All"}}"#
    );
    assert_eq!(text(schema, OPTIONS).unwrap(), expected);
}

#[test]
fn entries_of_a_map_are_records_of_its_name() {
    let tag =
        |schema: Schema, tag: &str| with(schema, &[("io.confluent.connect.protobuf.Tag", tag)]);
    let key = tag(Schema::of(Type::String).optional(), "1");
    let value = tag(Schema::of(Type::Int64).optional(), "2");
    let map = tag(Schema::map(key, value).named("mp").optional(), "20");
    let schema = Schema::of(Type::Struct).named("All").field("mp", map);
    let expected = r#"{"type":"record","name":"All","fields":[{"name":"mp","type":["null",{"type":"array","items":{"type":"record","name":"mp","fields":[{"name":"key","type":["null",{"type":"string","connect.parameters":{"io.confluent.connect.protobuf.Tag":"1"}}],"default":null},{"name":"value","type":["null",{"type":"long","connect.parameters":{"io.confluent.connect.protobuf.Tag":"2"}}],"default":null}],"connect.internal.type":"MapEntry"},"connect.parameters":{"io.confluent.connect.protobuf.Tag":"20"},"connect.name":"mp"}],"default":null}],"connect.name":"All"}"#;
    assert_eq!(text(schema.clone(), OPTIONS).unwrap(), expected);
    let plain = AvroOptions {
        optional_map_keys: true,
        ..OPTIONS
    };
    assert!(
        text(schema, plain)
            .unwrap()
            .contains(r#""type":"map","values":["null""#)
    );
}

#[test]
fn unions_defaults_and_fixed_types() {
    let union = Schema::of(Type::Struct)
        .named(UNION)
        .field("int", Schema::of(Type::Int32).optional())
        .field("string", Schema::of(Type::String).optional());
    let fixed = with(
        Schema::of(Type::Bytes).named("lab.t.Four"),
        &[(FIXED_SIZE, "4")],
    );
    let text_default = Schema::of(Type::String)
        .optional()
        .with_default(Value::String("u".into()));
    let own = with(
        Schema::of(Type::Int32).with_default(Value::Int32(7)),
        &[("io.confluent.connect.avro.field.default", "true")],
    );
    let schema = Schema::of(Type::Struct)
        .field("m", union.clone().optional())
        .field("nn", union)
        .field("fx", fixed)
        .field("d", text_default)
        .field("di", own)
        .field(
            "in",
            Schema::of(Type::Struct).field("a", Schema::of(Type::Float64)),
        );
    let expected = r#"{"type":"record","name":"ConnectDefault","namespace":"io.confluent.connect.avro","fields":[{"name":"m","type":["null","int","string"],"default":null},{"name":"nn","type":["int","string"]},{"name":"fx","type":{"type":"fixed","name":"Four","namespace":"lab.t","size":4,"connect.parameters":{"connect.fixed.size":"4"},"connect.name":"lab.t.Four"}},{"name":"d","type":[{"type":"string","connect.default":"u"},"null"],"default":"u"},{"name":"di","type":"int","default":7},{"name":"in","type":{"type":"record","name":"ConnectDefault2","fields":[{"name":"a","type":"double"}]}}]}"#;
    assert_eq!(text(schema, OPTIONS).unwrap(), expected);
}

#[test]
fn options_leave_enums_and_properties_out() {
    let options = AvroOptions {
        enhanced: false,
        connect_meta_data: false,
        ..OPTIONS
    };
    let schema = Schema {
        version: Some(3),
        ..Schema::of(Type::Struct).named("a.B")
    }
    .field("en", color())
    .field("d", Schema::decimal(2));
    let expected = r#"{"type":"record","name":"B","namespace":"a","fields":[{"name":"en","type":"string"},{"name":"d","type":{"type":"bytes","scale":2,"precision":64,"logicalType":"decimal"}}]}"#;
    assert_eq!(text(schema, options).unwrap(), expected);
}

#[test]
fn names_that_avro_refuses() {
    let refused = |name: &str| {
        text(
            Schema::of(Type::Struct)
                .named("r")
                .field(name, Schema::of(Type::Int32)),
            OPTIONS,
        )
        .unwrap_err()
    };
    assert_eq!(
        refused("nested.a"),
        format!("{SCHEMA_PARSE_EXCEPTION}: Illegal character in: nested.a")
    );
    assert_eq!(
        refused("1a"),
        format!("{SCHEMA_PARSE_EXCEPTION}: Illegal initial character: 1a")
    );
    assert_eq!(refused(""), format!("{SCHEMA_PARSE_EXCEPTION}: Empty name"));
    let twice = Schema::of(Type::Struct)
        .named("r")
        .field(
            "a",
            Schema::of(Type::Struct)
                .named("x")
                .field("a", Schema::of(Type::Int32)),
        )
        .field(
            "b",
            Schema::of(Type::Struct)
                .named("x")
                .field("b", Schema::of(Type::Int32)),
        );
    assert_eq!(
        text(twice, OPTIONS).unwrap_err(),
        format!("{SCHEMA_PARSE_EXCEPTION}: Can't redefine: x")
    );
}
