//! Tests of schema changes: the recorded sequences v1 v2 v1 (`avc_ev_*`, `avc_evx_*`) and projection.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::value::{Schema, Struct, Type, Value};

fn record(version: i32) -> Schema {
    Schema {
        version: Some(version),
        ..Schema::of(Type::Struct).named("lab.t.Ev")
    }
}

/// How many files the sequence v1 v2 v1 makes.
fn files(mode: &str, v1: Schema, v2: Schema) -> usize {
    let mode = SchemaCompatibility::of(mode);
    let (v1, v2) = (v1.build(), v2.build());
    let mut file = Arc::clone(&v1);
    let mut count = 1;
    for next in [&v2, &v1] {
        if mode.change(Some(next), Some(&file)).unwrap() == Change::NewFile {
            count += 1;
            file = Arc::clone(next);
        }
    }
    count
}

fn counts(v1: &Schema, v2: &Schema) -> [usize; 4] {
    ["NONE", "BACKWARD", "FULL", "FORWARD"].map(|mode| files(mode, v1.clone(), v2.clone()))
}

#[test]
fn the_recorded_changes_make_the_recorded_number_of_files() {
    let int = || Schema::of(Type::Int32);
    let text = || Schema::of(Type::String);
    let v1 = record(1).field("a", int());
    let with = |schema: Schema| record(2).field("a", int()).field("b", schema);
    let default = text().with_default(Value::String("x".into()));
    assert_eq!(counts(&v1, &with(default)), [3, 2, 2, 1]);
    assert_eq!(counts(&v1, &with(text())), [3, 3, 3, 1], "no default");
    assert_eq!(counts(&v1, &with(text().optional())), [3, 2, 2, 1]);
    let long = record(2).field("a", Schema::of(Type::Int64));
    assert_eq!(counts(&v1, &long), [3, 2, 2, 3], "int to long");
    assert_eq!(counts(&v1, &record(2).field("a", text())), [3, 3, 3, 3]);
    let renamed = record(2).field("a", int()).named("lab.t.EvB");
    assert_eq!(counts(&v1, &renamed), [3, 3, 3, 3]);
    let optional = record(2).field("a", int().optional());
    assert_eq!(counts(&v1, &optional), [3, 2, 2, 3]);
}

#[test]
fn enums_grow_and_documentation_does_not_count() {
    let symbols = |version, names: &[&str]| {
        let mut schema = Schema::of(Type::String).named("lab.t.E");
        let name = |suffix: &str| format!("io.confluent.connect.avro.Enum{suffix}");
        schema.parameters.insert(name(""), "lab.t.E".into());
        for symbol in names {
            let parameter = name(&format!(".{symbol}"));
            schema.parameters.insert(parameter, (*symbol).into());
        }
        record(version).field("a", schema)
    };
    let (v1, v2) = (symbols(1, &["A", "B"]), symbols(2, &["A", "B", "C"]));
    assert_eq!(counts(&v1, &v2), [3, 2, 2, 3]);
    let plain = |version| record(version).field("a", Schema::of(Type::Int32));
    let mut documented = plain(2);
    let name = "io.confluent.connect.avro.field.doc.a".to_owned();
    documented.parameters.insert(name, "now documented".into());
    assert_eq!(counts(&plain(1), &documented), [3, 2, 2, 1]);
}

#[test]
fn versions_and_schemas_are_needed() {
    let schema = |name: &str| Schema::of(Type::Struct).named(name).build();
    let (a, b) = (schema("a"), schema("b"));
    let error = SchemaCompatibility::Backward.change(Some(&a), Some(&b));
    assert_eq!(
        error.unwrap_err().message,
        "Schema version required for BACKWARD compatibility"
    );
    assert!(SchemaCompatibility::None.change(None, Some(&b)).is_err());
    let change = SchemaCompatibility::Full.change(Some(&schema("a")), Some(&a));
    assert_eq!(change.unwrap(), Change::Same);
    assert_eq!(
        SchemaCompatibility::of("FULL_TRANSITIVE"),
        SchemaCompatibility::None
    );
}

#[test]
fn a_record_is_filled_widened_and_cut() {
    let source = record(1)
        .field("a", Schema::of(Type::Int32))
        .field("gone", Schema::of(Type::String))
        .build();
    let target = record(2)
        .field(
            "b",
            Schema::of(Type::String).with_default(Value::String("x".into())),
        )
        .field("c", Schema::of(Type::String).optional())
        .field("a", Schema::of(Type::Int64))
        .build();
    let value = Value::Struct(Struct {
        schema: Arc::clone(&source),
        values: vec![Value::Int32(7), Value::String("g".into())],
    });
    let Value::Struct(projected) = project(&source, &value, &target).unwrap() else {
        panic!("no struct");
    };
    let expected = [Value::String("x".into()), Value::Null, Value::Int64(7)];
    assert_eq!(projected.values, expected);
    let needy = record(2).field("z", Schema::of(Type::Int32)).build();
    let error = project(&source, &value, &needy).unwrap_err();
    assert_eq!(
        error.message,
        "Required field `z` is missing from source schema: Schema{lab.t.Ev:STRUCT}"
    );
}
