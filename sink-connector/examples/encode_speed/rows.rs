//! The records that are written, in every form.

use std::sync::Arc;

use apache_avro::types::Value as Avro;
use sluiceway_sink::record::{Datum, Payload};
use sluiceway_sink::value::{Schema, SchemaRef, Struct, Type, Value};

/// Names of the fields with text.
pub(super) const TEXTS: [&str; 6] = [
    "title",
    "description",
    "poster",
    "tags",
    "image",
    "category",
];

/// One record in every form.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) index: i32,
    pub(super) texts: [String; 6],
}

pub(super) fn rows(count: usize) -> Vec<Row> {
    let row = |number: usize| Row {
        id: number as i64 * 7_919,
        index: (number % 11_000) as i32,
        texts: [
            format!("A title that names {number} things"),
            format!(
                "{} and what else there is to say of {number}, at some length so that it fills its line",
                number * 31
            ),
            format!("poster {}", number % 997),
            "one,two,three,four,five,six".to_owned(),
            format!("https://images.invalid/{:x}/{number}.jpg", number * 65_537),
            ["art", "beauty", "travel", "finance"][number % 4].to_owned(),
        ],
    };
    (0..count).map(row).collect()
}

impl Row {
    pub(super) fn json(&self) -> Vec<u8> {
        let mut members = vec![
            format!("\"id\":{}", self.id),
            format!("\"index\":{}", self.index),
        ];
        members.extend(
            TEXTS
                .iter()
                .zip(&self.texts)
                .map(|(name, text)| format!("\"{name}\":\"{text}\"")),
        );
        format!("{{{}}}", members.join(",")).into_bytes()
    }

    pub(super) fn datum(&self, schema: &SchemaRef) -> Datum<'static> {
        let mut values = vec![Value::Int64(self.id), Value::Int32(self.index)];
        values.extend(self.texts.iter().cloned().map(Value::String));
        let value = Value::Struct(Struct {
            schema: Arc::clone(schema),
            values,
        });
        Datum {
            schema: Some(Arc::clone(schema)),
            payload: Payload::Tree(value),
        }
    }

    pub(super) fn avro(&self) -> Avro {
        let mut fields = vec![
            ("id".to_owned(), Avro::Long(self.id)),
            ("index".to_owned(), Avro::Int(self.index)),
        ];
        let texts = TEXTS.iter().zip(&self.texts);
        fields.extend(texts.map(|(name, text)| ((*name).to_owned(), Avro::String(text.clone()))));
        Avro::Record(fields)
    }
}

pub(super) fn schema() -> SchemaRef {
    let start = Schema::of(Type::Struct)
        .named("Row")
        .field("id", Schema::of(Type::Int64))
        .field("index", Schema::of(Type::Int32));
    TEXTS
        .iter()
        .fold(start, |schema, name| {
            schema.field(*name, Schema::of(Type::String))
        })
        .build()
}
