#![allow(clippy::unwrap_used)]
use super::*;
use crate::config::RegistryConverter;
use crate::value::{SchemaRef, Struct, Type, Value, logical};
use sluiceway_schemas::{RegistryConfig, SubjectNameStrategy, json_schema, schema::Resolved};

fn config() -> JsonSchemaConverterConfig {
    JsonSchemaConverterConfig {
        common: RegistryConverter {
            registry: RegistryConfig::new("http://127.0.0.1:1"),
            subject_name_strategy: SubjectNameStrategy::TopicName,
            cache_size: 10,
            generalized_sum_types: false,
            flatten_singleton_unions: false,
            scrub_invalid_names: false,
        },
        optional_for_nonrequired: false,
        fail_invalid_schema: false,
    }
}

fn convert(text: &str, json: &str) -> Result<Struct, Exception> {
    let reference = Resolved {
        name: "other.json".to_owned(),
        text: r#"{"definitions":{"day":{"type":"integer","connect.type":"int32","title":"org.apache.kafka.connect.data.Date"}}}"#.to_owned(),
    };
    let schema = json_schema::Schema::parse(text, &[reference]).unwrap();
    let mut options = config();
    options.common.generalized_sum_types = text.contains("general");
    options.optional_for_nonrequired = text.contains("required");
    let translation = translate::translate(&schema, Some(2), &options)?;
    match read::root(
        &translation,
        node::parse_as(json.as_bytes(), 0, &Options::NON_NUMBERS).unwrap(),
    )? {
        Value::Struct(members) => Ok(members),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn types_names_and_versions() {
    let text = r##"{"type":"object","title":"T","required":["i"],"properties":{"i":{"type":"integer"},"s":{"type":"integer","connect.type":"int8"},
        "e":{"type":"string","enum":["A"]},"d":{"type":"integer","default":7},"o":{"oneOf":[{"type":"null"},{"type":"string"}]},
        "t":{"type":["null","number"]},"r":{"$ref":"#/definitions/x"},"day":{"$ref":"other.json#/definitions/day"}},
        "definitions":{"x":{"type":"boolean"}}}"##;
    let all = convert(
        text,
        r#"{"i":5,"s":300,"e":"A","o":"x","t":null,"r":true,"day":3,"more":1}"#,
    )
    .unwrap();
    assert_eq!(
        (all.schema.name.as_deref(), all.schema.version),
        (Some("T"), Some(2))
    );
    let kind = |name: &str| {
        let field = &all.schema.fields[all.schema.field_index(name).unwrap()];
        (field.schema.kind, field.schema.optional)
    };
    assert_eq!(kind("i"), (Type::Int64, false));
    assert_eq!(kind("s"), (Type::Int8, true));
    assert_eq!(kind("o"), (Type::String, true));
    assert_eq!(kind("t"), (Type::Float64, true));
    assert_eq!(all.get("s"), Some(&Value::Int8(44)));
    assert_eq!(all.get("d"), Some(&Value::Int64(7)));
    assert_eq!(all.get("r"), Some(&Value::Boolean(true)));
    assert_eq!(all.get("day"), Some(&Value::Date(3)));
    let day = all.schema.field_index("day").unwrap();
    assert!(all.schema.fields[day].schema.is_logical(logical::DATE));
    let enumeration = all.schema.field_index("e").unwrap();
    let parameters = &all.schema.fields[enumeration].schema.parameters;
    assert_eq!(
        parameters.get("io.confluent.connect.json.Enum.A").unwrap(),
        "A"
    );
}

#[test]
fn unions_are_structs_of_their_branches() {
    let text = r#"{"type":"object","properties":{"u":{"oneOf":[{"type":"integer"},{"type":"string"},
        {"type":"object","properties":{"a":{"type":"string"}}},{"type":"object","properties":{"b":{"type":"string"}}}]}}}"#;
    for (json, place) in [
        ("4", 0),
        ("\"x\"", 1),
        (r#"{"a":"1"}"#, 2),
        (r#"{"b":"1"}"#, 3),
    ] {
        let all = convert(text, &format!("{{\"u\":{json}}}")).unwrap();
        let Value::Struct(union) = &all.values[0] else {
            unreachable!("a struct")
        };
        let set: Vec<_> = (0..4).filter(|at| !union.values[*at].is_null()).collect();
        assert_eq!(set, [place], "{json}");
        assert_eq!(
            union.schema.fields[0].name,
            "io.confluent.connect.json.OneOf.field.0"
        );
    }
    let error = convert(text, r#"{"u":true}"#).unwrap_err();
    assert_eq!(error.message, "Did not find matching oneof field for data");
}

#[test]
fn maps_arrays_and_objects_that_use_themselves() {
    let text = r##"{"type":"object","title":"N","properties":{"m":{"type":"object","connect.type":"map","additionalProperties":{"type":"integer"}},
        "p":{"type":"array","connect.type":"map","items":{"type":"object","properties":{"key":{"type":"integer"},"value":{"type":"string"}}}},
        "next":{"oneOf":[{"type":"null"},{"$ref":"#"}]}}}"##;
    let all = convert(
        text,
        r#"{"m":{"a":1},"p":[{"key":1,"value":"x"}],"next":{"next":null}}"#,
    )
    .unwrap();
    assert_eq!(
        all.get("m"),
        Some(&Value::Map(vec![(
            Value::String("a".to_owned()),
            Value::Int64(1)
        )]))
    );
    assert_eq!(
        all.get("p"),
        Some(&Value::Map(vec![(
            Value::Int64(1),
            Value::String("x".to_owned())
        )]))
    );
    let Some(Value::Struct(next)) = all.get("next") else {
        unreachable!("a struct")
    };
    assert_eq!(next.schema.fields.len(), 3);
}

#[test]
fn what_cannot_be_translated_or_read() {
    for text in [
        r#"{"type":"object","properties":{"x":{"type":"null"}}}"#,
        r#"{"type":"object","properties":{"x":{"type":"array"}}}"#,
        r#"{"type":"object","properties":{"x":{"type":"integer","connect.type":"x"}}}"#,
        r#"{"type":"object","properties":{"x":{}}}"#,
    ] {
        assert!(convert(text, "{}").is_err(), "{text}");
    }
    let text = r#"{"type":"object","properties":{"x":{"type":"integer"}}}"#;
    assert!(convert(text, "{}").unwrap().values[0].is_null());
    assert_eq!(
        convert(text, r#"{"x":null}"#).unwrap_err().message,
        "Invalid null value for required INT64 field"
    );
}

/// The schema of the only property.
fn property(text: &str) -> SchemaRef {
    let whole = format!(r#"{{"type":"object","properties":{{"x":{text}}}}}"#);
    let all = convert(&whole, "{}").unwrap();
    Arc::clone(&all.schema.fields[0].schema)
}

#[test]
fn every_union_is_a_one_of_whatever_its_title() {
    for text in [
        r#"{"title":"U","oneOf":[{"type":"integer"},{"type":"string"}]}"#,
        r#"{"anyOf":[{"type":"integer"},{"type":"string"}]}"#,
        r#"{"type":["integer","string"],"title":"U"}"#,
        r#"{"type":"object","oneOf":[{"type":"integer"},{"type":"string"}]}"#,
    ] {
        let schema = property(text);
        assert_eq!(
            schema.name.as_deref(),
            Some("io.confluent.connect.json.OneOf"),
            "{text}"
        );
        let whole = format!(r#"{{"type":"object","properties":{{"x":{text}}}}}"#);
        let all = convert(&whole, r#"{"x":4}"#).unwrap();
        let Value::Struct(union) = &all.values[0] else {
            unreachable!("a struct")
        };
        let first = "io.confluent.connect.json.OneOf.field.0";
        assert_eq!(union.get(first), Some(&Value::Int64(4)), "{text}");
    }
}

#[test]
fn unions_of_general_names_are_numbered() {
    let text = r#"{"type":"object","title":"general","properties":{"a":{"oneOf":[{"type":"integer"},{"type":"string"}]},
        "b":{"anyOf":[{"type":"integer"},{"type":"boolean"}]}}}"#;
    let all = convert(text, r#"{"a":"x","b":true}"#).unwrap();
    for (name, place) in [("a", 0), ("b", 1)] {
        let Some(Value::Struct(union)) = all.get(name) else {
            unreachable!("a struct")
        };
        let expected = format!("connect_union_{place}");
        assert_eq!(union.schema.name.as_deref(), Some(expected.as_str()));
        let parameter = union.schema.parameters.get(crate::avro::GENERAL_UNION);
        assert_eq!(parameter, Some(&expected));
        assert!(!union.get("connect_union_field_1").unwrap().is_null());
    }
}

#[test]
fn what_stands_beside_a_restriction_is_passed_over() {
    let of = |text: &str| {
        let schema = property(text);
        (schema.kind, schema.name.is_some(), schema.default.is_some())
    };
    let dressed = r#""title":"T","default":"#;
    let plain = |kind| (kind, false, false);
    let cases = [
        (r#""type":"integer","enum":[1,2]"#, "1", plain(Type::Int64)),
        (r#""type":"number","const":1"#, "1", plain(Type::Float64)),
        (
            r#""type":"integer","format":"int32","connect.type":"int32""#,
            "1",
            plain(Type::Int64),
        ),
        (
            r#""type":"string","enum":["A"]"#,
            "\"A\"",
            plain(Type::String),
        ),
        (r#""type":["null","string"]"#, "\"d\"", plain(Type::String)),
        (
            r#""type":["string","null"],"enum":["A",null]"#,
            "\"A\"",
            plain(Type::String),
        ),
        (
            r#""oneOf":[{"type":"null"},{"type":"string"}]"#,
            "\"d\"",
            plain(Type::String),
        ),
        (
            r#""allOf":[{"minLength":1},{"type":"string"}]"#,
            "\"d\"",
            plain(Type::String),
        ),
        // Alone, they count.
        (r#""enum":["A"]"#, "\"A\"", (Type::String, true, true)),
        (
            r#""type":"string","format":"date""#,
            "\"d\"",
            (Type::String, true, true),
        ),
    ];
    for (text, default, expected) in cases {
        let text = format!("{{{text},{dressed}{default}}}");
        assert_eq!(of(&text), expected, "{text}");
    }
}

#[test]
fn objects_side_by_side_are_one_without_a_name() {
    let text = r##"{"title":"T","definitions":{"base":{"type":"object","title":"Base","properties":{"a":{"type":"integer"},"z":{"type":"string"}}}},
        "properties":{"b":{"type":"boolean"},"z":{"type":"integer"}},"required":["z"],
        "allOf":[{"$ref":"#/definitions/base"},{"properties":{"c":{"type":"string"}},"oneOf":[{"required":["c"]},{"required":["a"]}]}]}"##;
    let all = convert(text, r#"{"a":1,"b":true,"c":"x","z":3}"#).unwrap();
    assert_eq!(
        (all.schema.name.as_deref(), all.schema.version),
        (None, None)
    );
    let fields: Vec<_> = all
        .schema
        .fields
        .iter()
        .map(|field| {
            (
                field.name.as_str(),
                field.schema.kind,
                field.schema.optional,
            )
        })
        .collect();
    assert_eq!(
        fields,
        [
            ("c", Type::String, true),
            ("a", Type::Int64, true),
            ("z", Type::Int64, false),
            ("b", Type::Boolean, true),
        ]
    );
    assert_eq!(all.get("z"), Some(&Value::Int64(3)));
}

#[test]
fn what_is_no_number_is_read_nevertheless() {
    let text = r#"{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"integer"},"c":{"type":"number"}}}"#;
    let all = convert(text, r#"{"a":-INF,"b":Infinity,"c":NaN}"#).unwrap();
    let number = |name: &str| match all.get(name) {
        Some(Value::Float64(number)) => *number,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(number("a"), f64::NEG_INFINITY);
    assert!(number("c").is_nan());
    assert_eq!(all.get("b"), Some(&Value::Int64(0)));
}
