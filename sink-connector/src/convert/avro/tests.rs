#![allow(clippy::unwrap_used)]
use super::read::ReadError;
use super::*;
use crate::config::RegistryConverter;
use crate::convert::Converter as _;
use crate::value::{Schema as Connect, Struct, Type, Value, logical};
use sluiceway_schemas::{RegistryConfig, SubjectNameStrategy, avro};

fn config() -> AvroConverterConfig {
    AvroConverterConfig {
        common: RegistryConverter {
            registry: RegistryConfig::new("http://127.0.0.1:1"),
            subject_name_strategy: SubjectNameStrategy::TopicName,
            cache_size: 10,
            generalized_sum_types: false,
            flatten_singleton_unions: true,
            scrub_invalid_names: false,
        },
        enhanced: false,
        meta_data: true,
        discard_type_doc_default: false,
    }
}

fn translated(text: &str) -> Result<Translation, Exception> {
    let schema = avro::Schema::parse(text, &[]).unwrap();
    translate::translate(&schema, Some(3), &config())
}

/// Schema and value of JSON in Avro's form.
fn converted(text: &str, json: &str) -> (Connect, Value) {
    let schema = avro::Schema::parse(text, &[]).unwrap();
    let translation = translate::translate(&schema, Some(3), &config()).unwrap();
    let mut bytes = Vec::new();
    schema.json_to_binary(json.as_bytes(), &mut bytes).unwrap();
    let value = match read::value(&schema, &translation, &bytes) {
        Ok(value) => value,
        Err(ReadError::Data(error)) => unreachable!("{error}"),
        Err(ReadError::Exception(error)) => unreachable!("{error}"),
    };
    ((*translation.schema).clone(), value)
}

fn members(value: Value) -> Struct {
    match value {
        Value::Struct(members) => members,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn names_versions_and_docs_are_kept() {
    let text = r#"{"type":"record","name":"R","namespace":"a","doc":"rd","fields":[{"name":"s","type":"string","doc":"fd","default":"x"},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"f","type":{"type":"fixed","name":"F","size":2}}]}"#;
    let (schema, value) = converted(text, r#"{"s":"v","e":"B","f":"ab"}"#);
    assert_eq!(
        (
            schema.name.as_deref(),
            schema.version,
            schema.doc.as_deref()
        ),
        (Some("a.R"), Some(3), None)
    );
    let parameters: Vec<_> = schema
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        parameters,
        [
            "io.confluent.connect.avro.record.doc=rd",
            "io.confluent.connect.avro.field.doc.s=fd"
        ]
    );
    let [s, e, f] = [0, 1, 2].map(|at| &schema.fields[at].schema);
    assert_eq!(
        (s.doc.as_deref(), &s.default),
        (None, &Some(Value::String("x".to_owned())))
    );
    assert_eq!(
        e.parameters.get("io.confluent.connect.avro.Enum").unwrap(),
        "a.E"
    );
    assert_eq!(
        e.parameters
            .get("io.confluent.connect.avro.Enum.B")
            .unwrap(),
        "B"
    );
    assert_eq!(f.parameters.get("connect.fixed.size").unwrap(), "2");
    assert_eq!(
        members(value).values,
        [
            Value::String("v".to_owned()),
            Value::String("B".to_owned()),
            Value::Bytes(b"ab".to_vec())
        ]
    );
}

/// The schema of the field `name` of a translated record.
fn field(translation: &Translation, name: &str) -> Connect {
    let at = translation.schema.field_index(name).unwrap();
    (*translation.schema.fields[at].schema).clone()
}

#[test]
fn a_default_that_does_not_fit_is_passed_over() {
    let schema = translated(
        r#"{"type":"record","name":"R","fields":[{"name":"i","type":"int","default":"0"},
        {"name":"n","type":"string","default":null},{"name":"l","type":{"type":"long","connect.default":7},"default":7}]}"#,
    )
    .unwrap();
    assert_eq!(field(&schema, "i").default, None);
    assert_eq!(field(&schema, "n").default, None);
    let both = field(&schema, "l");
    assert_eq!(both.default, Some(Value::Int64(7)));
    // Files then keep it where the schema had it: at the type as well.
    assert!(both.parameters.is_empty());
}

#[test]
fn a_union_of_several_has_the_default_of_its_first_branch() {
    let schema = translated(
        r#"{"type":"record","name":"R","fields":[{"name":"s","type":["string","int"],"default":"x"},
        {"name":"n","type":["null","int","string"],"default":null},
        {"name":"r","type":[{"type":"record","name":"A","fields":[]},"int"],"default":{}}]}"#,
    )
    .unwrap();
    let default = members(field(&schema, "s").default.unwrap());
    assert_eq!(default.values, [Value::String("x".to_owned()), Value::Null]);
    assert_eq!(field(&schema, "n").default, None);
    // The original does not find the branch of a record that is no Avro record yet.
    assert_eq!(field(&schema, "r").default, None);
}

#[test]
fn docs_of_types_may_take_the_place_of_connects() {
    let text = r#"{"type":"record","name":"R","doc":"rd","fields":[{"name":"s","type":"string","doc":"fd","default":"x"},
        {"name":"e","type":{"type":"enum","name":"E","doc":"ed","symbols":["A"],"default":"A"}},
        {"name":"c","type":{"type":"int","connect.doc":"cd"}}]}"#;
    let avro = avro::Schema::parse(text, &[]).unwrap();
    let config = AvroConverterConfig {
        discard_type_doc_default: true,
        ..config()
    };
    let schema = translate::translate(&avro, None, &config).unwrap();
    let docs = ["s", "e", "c"].map(|name| field(&schema, name).doc);
    assert_eq!(docs, ["fd", "ed", "cd"].map(|doc| Some(doc.to_owned())));
    assert_eq!(schema.schema.doc.as_deref(), Some("rd"));
    let names = |schema: &Connect| -> Vec<String> {
        let names = schema.parameters.iter().map(|(name, _)| name.clone());
        names.collect()
    };
    assert_eq!(names(&schema.schema), ["connect.record.doc"]);
    assert_eq!(
        names(&field(&schema, "e")),
        [
            "connect.enum.doc",
            "io.confluent.connect.avro.Enum",
            "io.confluent.connect.avro.Enum.A",
            "connect.record.doc"
        ]
    );
    assert!(field(&schema, "s").parameters.is_empty());
}

#[test]
fn logical_types_are_known_in_any_case() {
    let schema = translated(
        r#"{"type":"record","name":"R","fields":[{"name":"d","type":{"type":"int","logicalType":"DATE"}},
        {"name":"t","type":{"type":"long","logicalType":"Timestamp-Millis"}}]}"#,
    )
    .unwrap();
    assert!(field(&schema, "d").is_logical(logical::DATE));
    assert!(field(&schema, "t").is_logical(logical::TIMESTAMP));
}

#[test]
fn unions_of_null_are_optional_and_others_are_structs() {
    let text = r#"{"type":"record","name":"R","fields":[{"name":"o","type":["null","int"],"default":null},
        {"name":"one","type":["string"]},{"name":"m","type":["null","int",{"type":"record","name":"a.X","fields":[]}]}]}"#;
    let (schema, value) = converted(text, r#"{"o":null,"one":{"string":"s"},"m":{"a.X":{}}}"#);
    assert!(schema.fields[0].schema.optional && schema.fields[0].schema.kind == Type::Int32);
    assert_eq!(schema.fields[1].schema.kind, Type::String);
    let union = &schema.fields[2].schema;
    assert_eq!(
        union.name.as_deref(),
        Some("io.confluent.connect.avro.Union")
    );
    assert_eq!(
        union
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect::<Vec<_>>(),
        ["int", "X"]
    );
    let value = members(value);
    let union = members(value.values[2].clone());
    assert!(union.values[0].is_null() && !union.values[1].is_null());
}

#[test]
fn logical_types_become_connects() {
    let text = r#"{"type":"record","name":"R","fields":[
        {"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}},
        {"name":"day","type":{"type":"int","logicalType":"date"}},{"name":"us","type":{"type":"long","logicalType":"timestamp-micros"}},
        {"name":"i8","type":{"type":"int","connect.type":"int8"}}]}"#;
    let (schema, value) = converted(text, r#"{"d":"\u0001\u0000","day":3,"us":5,"i8":300}"#);
    let decimal = &schema.fields[0].schema;
    assert!(decimal.is_logical(logical::DECIMAL) && decimal.version == Some(1));
    assert_eq!(
        decimal.parameters.get("connect.decimal.precision").unwrap(),
        "4"
    );
    let values = members(value).values;
    assert_eq!(
        &values[1..],
        [Value::Date(3), Value::Int64(5), Value::Int8(44)]
    );
    let fixed =
        r#"{"type":"fixed","name":"a.F","size":4,"logicalType":"decimal","precision":4,"scale":2}"#;
    let schema = avro::Schema::parse(fixed, &[]).unwrap();
    let translation = translate::translate(&schema, Some(1), &config());
    assert_eq!(
        translation.err().unwrap().message,
        "Mismatched names: name already added to SchemaBuilder (org.apache.kafka.connect.data.Decimal) differs from name in source schema (a.F)"
    );
}

#[test]
fn records_may_use_themselves() {
    let text = r#"{"type":"record","name":"N","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","N"],"default":null}]}"#;
    let (schema, value) = converted(text, r#"{"v":1,"next":{"N":{"v":2,"next":null}}}"#);
    assert_eq!(schema.fields[1].schema.name.as_deref(), Some("N"));
    let next = members(members(value).values[1].clone());
    assert_eq!(next.values, [Value::Int32(2), Value::Null]);
    assert_eq!(next.schema.fields.len(), 2);
}

#[test]
fn null_alone_cannot_be_told() {
    let error = translated(r#"{"type":"record","name":"R","fields":[{"name":"n","type":"null"}]}"#)
        .err()
        .unwrap();
    assert_eq!(
        error.message,
        "Standalone null schemas are not supported by this converter"
    );
}

#[test]
fn a_null_inside_the_frame_ends_the_task() {
    let mut converter = AvroConverter::new(&config(), Stage::ValueConverter).unwrap();
    let schema = sluiceway_schemas::SchemaText::new(SchemaType::Avro, r#"["null","string"]"#);
    let schema = Arc::new(sluiceway_schemas::Schema::parse(schema, Vec::new()).unwrap());
    converter.learn("t", 1, schema).unwrap();
    let error = converter
        .convert("t", Some(&[0, 0, 0, 0, 1, 0]))
        .unwrap_err();
    assert!(!error.reportable);
    assert!(
        error
            .task_trace()
            .starts_with("java.lang.NullPointerException: ")
    );
    assert!(
        converter
            .convert("t", Some(&[0, 0, 0, 0, 1, 2, 2, b'x']))
            .is_ok()
    );
}

#[test]
fn a_registry_that_is_down_or_not_named_is_told_as_connect_tells_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let mut converter = AvroConverter::new(&config(), Stage::ValueConverter).unwrap();
    let error = converter
        .convert("t", Some(&[0, 0, 0, 0, 1, 2]))
        .unwrap_err();
    assert_eq!(
        error.exception.stacktrace(),
        "org.apache.kafka.connect.errors.DataException: Failed to deserialize data for topic t to Avro: \n\
         Caused by: org.apache.kafka.common.errors.SerializationException: Error retrieving Avro value schema for id 1\n\
         Caused by: java.net.ConnectException: Connection refused"
    );
    assert!(converter.convert("t", None).unwrap().payload.is_null());
    let mut nameless = config();
    nameless.common.registry = Err(sluiceway_schemas::ConfigProblem::MissingUrl);
    let error = AvroConverter::new(&nameless, Stage::ValueConverter)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "org.apache.kafka.common.config.ConfigException: Missing required configuration \"schema.registry.url\" which has no default value."
    );
}

#[test]
fn unions_of_general_names_are_filled_unless_null_stands_before() {
    let of = |union: &str, json: &str| {
        let text =
            format!(r#"{{"type":"record","name":"R","fields":[{{"name":"u","type":{union}}}]}}"#);
        let mut config = config();
        config.common.generalized_sum_types = true;
        let schema = avro::Schema::parse(&text, &[]).unwrap();
        let translation = translate::translate(&schema, None, &config).unwrap();
        let mut bytes = Vec::new();
        schema.json_to_binary(json.as_bytes(), &mut bytes).unwrap();
        match read::value(&schema, &translation, &bytes) {
            Ok(value) => Ok(members(members(value).values.remove(0))),
            Err(ReadError::Exception(error)) => Err(error.message),
            Err(ReadError::Data(error)) => unreachable!("{error}"),
        }
    };
    for union in [r#"["int","string"]"#, r#"["int","string","null"]"#] {
        let union = of(union, r#"{"u":{"string":"x"}}"#).unwrap();
        let second = union.get("connect_union_field_1");
        assert_eq!(second, Some(&Value::String("x".to_owned())));
        let parameter = "org.apache.kafka.connect.data.Union";
        assert_eq!(union.schema.name.as_deref(), Some("connect_union_0"));
        assert_eq!(
            union.schema.parameters.get(parameter).unwrap(),
            "connect_union_0"
        );
    }
    assert_eq!(
        of(r#"["null","int","string"]"#, r#"{"u":{"int":1}}"#).unwrap_err(),
        "connect_union_field_0 is not a valid field name"
    );
    assert_eq!(
        of(r#"["int","null","string"]"#, r#"{"u":{"string":"x"}}"#).unwrap_err(),
        "connect_union_field_1 is not a valid field name"
    );
}

#[test]
fn records_that_connect_named_have_no_name() {
    let text = r#"{"type":"record","name":"ConnectDefault2","namespace":"io.confluent.connect.avro","fields":[]}"#;
    assert_eq!(converted(text, "{}").0.name, None);
}
