#![allow(clippy::unwrap_used)]
use std::borrow::Cow;

use super::*;
use crate::config::{ConnectorConfig, PartitionerClass, SchemaAffix};
use crate::record::{Datum, Header};
use crate::value::{Number, Schema, Struct, logical};

fn config(fields: &[&str], extended: bool) -> PartitionerConfig {
    PartitionerConfig {
        class: PartitionerClass::Field,
        delim: "/".into(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        extended,
        duration_ms: -1,
        path_format: String::new(),
        locale: String::new(),
        timezone_id: String::new(),
        timezone: None,
        extractor: "Wallclock".into(),
        timestamp_field: String::new(),
        affix: SchemaAffix::None,
    }
}

fn record(key: Payload<'static>, value: Payload<'static>) -> SinkRecord<'static> {
    let datum = |payload| Datum {
        schema: None,
        payload,
    };
    let header = |key: &str, value: &str| Header {
        key: key.into(),
        schema: None,
        value: Value::String(value.into()),
    };
    SinkRecord {
        topic: Cow::Borrowed("t"),
        source_topic: "t",
        partition: 0,
        offset: 0,
        timestamp: None,
        key: datum(key),
        value: datum(value),
        headers: vec![header("tenant", "a"), header("tenant", "b")],
        time: None,
        encoded_partition: "",
    }
}

fn encode(fields: &[&str], extended: bool, record: &SinkRecord<'_>) -> Result<String, RecordError> {
    let mut out = String::new();
    let mut partitioner = FieldPartitioner::new(&config(fields, extended));
    partitioner.encode(record, &mut out).map(|()| out)
}

fn user() -> Payload<'static> {
    let inner = Schema::of(Type::Struct).field("geo", Schema::of(Type::String).optional());
    let schema = Schema::of(Type::Struct)
        .field("u", inner.clone())
        .field("id", Schema::of(Type::Int64))
        .field("f", Schema::of(Type::Float64))
        .field("d", Schema::of(Type::Int32).named(logical::DATE))
        .field(
            "no",
            Schema::of(Type::Int32).named(logical::DATE).optional(),
        )
        .build();
    let mut nested = Struct::new(&inner.build());
    nested.values[0] = Value::String("fr/IT".into());
    let mut value = Struct::new(&schema);
    value.values = vec![
        Value::Struct(nested),
        Value::Int64(7),
        Value::Float64(1.5),
        Value::Date(1),
        Value::Null,
    ];
    Payload::Tree(Value::Struct(value))
}

#[test]
fn nested_names_keep_their_dots_and_values_their_slashes() {
    let record = record(Payload::Null, user());
    assert_eq!(
        encode(&["u.geo", "id", "no"], false, &record).unwrap(),
        "u.geo=fr/IT/id=7/no=null"
    );
}

#[test]
fn what_has_no_place_in_a_path_is_refused_as_recorded() {
    let record_ = record(Payload::Null, user());
    for (field, class, reportable) in [
        ("f", "PartitionException", true),
        ("d", "ClassCastException", false),
        ("nope", "DataException", false),
        ("u.nope", "DataException", false),
    ] {
        let error = encode(&[field], false, &record_).unwrap_err();
        assert!(error.exception.class.ends_with(class), "{field}: {error}");
        assert_eq!(error.reportable, reportable, "{field}");
    }
    let map = record(Payload::Null, Payload::Tree(Value::Map(Vec::new())));
    assert!(encode(&["a"], false, &map).unwrap_err().reportable);
}

#[test]
fn extended_names_lead_into_maps_keys_and_headers() {
    let entry = |name: &str, value| (Value::String(name.into()), value);
    let inner = Value::Map(vec![entry("b", Value::Number(Number::new("12")))]);
    let value = Value::Map(vec![entry("a", inner), entry("t", Value::Boolean(true))]);
    let record = record(Payload::Text("k1".into()), Payload::Tree(value));
    let fields = ["a.b", "t", "x", "header:tenant", "header:no", "key:"];
    assert_eq!(
        encode(&fields, true, &record).unwrap(),
        "a.b=12/t=true/x=null/tenant=b/no=null/key=k1"
    );
    assert!(encode(&["a"], true, &record).is_err(), "a map is no name");
}

#[test]
fn a_field_partitioner_needs_a_field() {
    let properties = sluiceway_common::props::parse(
        "name=n\nconnector.class=S3Sink\ntopics=t\ns3.bucket.name=b\nflush.size=1\nstorage.class=S3Storage\n\
         format.class=JsonFormat\npartitioner.class=FieldPartitioner\nkey.converter=StringConverter\n\
         value.converter=JsonConverter\n",
    )
    .unwrap();
    let errors = ConnectorConfig::parse(&properties, &Default::default()).unwrap_err();
    assert_eq!(
        errors.0[0].message,
        "Partition field name cannot be null or empty when using FieldPartitioner."
    );
    assert_eq!(errors.0.len(), 1);
}
