#![allow(clippy::unwrap_used)]
use std::borrow::Cow;

use super::*;
use crate::record::Datum;
use crate::value::{Number, Schema, Struct};

fn record(payload: Payload<'_>) -> SinkRecord<'_> {
    SinkRecord {
        topic: Cow::Borrowed("t"),
        source_topic: "t",
        partition: 0,
        offset: 7,
        timestamp: Some(5),
        key: Datum::NULL,
        value: Datum {
            schema: None,
            payload,
        },
        headers: Vec::new(),
        time: None,
        encoded_partition: "",
    }
}

fn map(value: Value) -> Payload<'static> {
    Payload::Tree(Value::Map(vec![(Value::String("ts".into()), value)]))
}

fn of_field(payload: Payload<'_>) -> Result<Option<i64>, String> {
    let extractor = Extractor::RecordField(FieldPath::new("ts"));
    let result = extractor.extract(&record(payload), 1);
    result.map_err(|error| {
        assert!(!error.reportable, "ends the task in any case");
        error.exception.class.rsplit('.').next().unwrap().to_owned()
    })
}

#[test]
fn the_clock_and_the_records_own_time() {
    let record = record(Payload::Null);
    assert_eq!(Extractor::Wallclock.extract(&record, 9), Ok(Some(9)));
    assert_eq!(Extractor::Record.extract(&record, 9), Ok(Some(5)));
}

#[test]
fn a_field_of_a_map_may_be_many_things() {
    let number = |text: &str| Value::Number(Number::new(text));
    for (value, millis) in [
        (number("1704067200000"), 1_704_067_200_000),
        (number("1704067200000.9"), 1_704_067_200_000),
        (Value::String("1704067200000".into()), 1_704_067_200_000),
        (Value::String("2024".into()), 2_024),
        (Value::String("-5".into()), -5),
        (
            Value::String("2024-01-01T00:00:00Z".into()),
            1_704_067_200_000,
        ),
        (Value::Date(1), 86_400_000),
        (Value::Timestamp(3), 3),
        (Value::Float64(1.9), 1),
    ] {
        assert_eq!(of_field(map(value.clone())), Ok(Some(millis)), "{value:?}");
    }
    for (value, class) in [
        (Value::Null, "DataException"),
        (Value::Boolean(true), "PartitionException"),
        (Value::String("rubbish".into()), "IllegalArgumentException"),
    ] {
        assert_eq!(of_field(map(value)), Err(class.to_owned()));
    }
    let other = Payload::Tree(Value::Map(Vec::new()));
    assert_eq!(of_field(other), Err("DataException".into()));
    assert_eq!(
        of_field(Payload::Text("x".into())),
        Err("PartitionException".into())
    );
}

#[test]
fn a_date_of_a_struct_is_no_number_in_java() {
    let with = |schema: Schema, value| {
        let schema = Schema::of(Type::Struct).field("ts", schema).build();
        let mut value_of = Struct::new(&schema);
        value_of.values[0] = value;
        of_field(Payload::Tree(Value::Struct(value_of)))
    };
    let date = Schema::of(Type::Int32).named(logical::DATE);
    assert_eq!(with(date, Value::Date(3)), Err("ClassCastException".into()));
    assert_eq!(with(Schema::of(Type::Int64), Value::Int64(4)), Ok(Some(4)));
    assert_eq!(
        with(Schema::of(Type::Float64), Value::Float64(4.0)),
        Err("PartitionException".into())
    );
}
