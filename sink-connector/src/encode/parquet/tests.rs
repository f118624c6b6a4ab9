//! Tests of Parquet files: the recorded schemas, and random data read back by the library's record reader.
#![allow(clippy::unwrap_used, clippy::panic)]

use bytes::Bytes;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row, RowAccessor as _};
use parquet::schema::printer::print_schema;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::random_data::{random_schema, random_value};
use crate::value::{Schema, SchemaRef, Struct, Type, Value};

const OPTIONS: AvroOptions = AvroOptions {
    enhanced: true,
    connect_meta_data: true,
    optional_map_keys: false,
};

fn datum(schema: &SchemaRef, value: Value) -> Datum<'static> {
    Datum {
        schema: Some(Arc::clone(schema)),
        payload: Payload::Tree(value),
    }
}

fn file(codec: ParquetCodec, data: &[Datum<'_>]) -> Vec<u8> {
    let mut encoder = ParquetFormat::new(codec, OPTIONS).encoder("t.parquet");
    let mut out = Vec::new();
    for datum in data {
        encoder.check(datum).unwrap();
        encoder.write(datum, &mut out).unwrap();
    }
    encoder.finish(&mut out).unwrap();
    out
}

fn schema_text(schema: &SchemaRef) -> String {
    let avro = Schemas::new(OPTIONS).of(Some(schema)).unwrap();
    let layout = Layout::new(schema, &avro).unwrap_or_else(|error| panic!("{error}"));
    let mut out = Vec::new();
    print_schema(&mut out, &layout.schema);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_recorded_schemas() {
    let text = || Schema::of(Type::String);
    let union = Schema::of(Type::Struct)
        .named("io.confluent.connect.avro.Union")
        .field("int", Schema::of(Type::Int32).optional())
        .field("array", Schema::array(Schema::of(Type::Int32)).optional());
    let schema = Schema::of(Type::Struct)
        .named("Js")
        .field("a", Schema::array(text()))
        .field("m", Schema::map(text(), Schema::of(Type::Int64)))
        .field("on", text().optional())
        .field(
            "ts",
            Schema::of(Type::Int64).named(crate::value::logical::TIMESTAMP),
        )
        .field("u", union.optional());
    let expected = "message Js {
  REQUIRED group a (LIST) {
    REPEATED BYTE_ARRAY array (STRING);
  }
  REQUIRED group m (MAP) {
    REPEATED group key_value (MAP_KEY_VALUE) {
      REQUIRED BYTE_ARRAY key (STRING);
      REQUIRED INT64 value;
    }
  }
  OPTIONAL BYTE_ARRAY on (STRING);
  REQUIRED INT64 ts (TIMESTAMP(MILLIS,true));
  OPTIONAL group u {
    OPTIONAL INT32 member0;
    OPTIONAL group member1 (LIST) {
      REPEATED INT32 array;
    }
  }
}
";
    assert_eq!(schema_text(&schema.clone().build()), expected);
    let with_optional_items = schema.field("o", Schema::array(text().optional()).optional());
    let three_levels = schema_text(&with_optional_items.build());
    for part in [
        "REPEATED group list {\n      REQUIRED BYTE_ARRAY element (STRING);",
        "OPTIONAL group o (LIST) {\n    REPEATED group list {\n      OPTIONAL BYTE_ARRAY element (STRING);",
    ] {
        assert!(three_levels.contains(part), "{three_levels}");
    }
}

#[test]
fn random_data_is_read_back_under_every_codec() {
    let codecs = [
        ParquetCodec::None,
        ParquetCodec::Snappy,
        ParquetCodec::Gzip,
        ParquetCodec::Lz4,
        ParquetCodec::Lz4Raw,
        ParquetCodec::Zstd,
    ];
    for seed in 0..200 {
        let mut random = rand::rngs::SmallRng::seed_from_u64(seed);
        let schema = random_schema(&mut random);
        let count = random.random_range(1..20);
        let values: Vec<Value> = (0..count)
            .map(|_| random_value(&mut random, &schema))
            .collect();
        let data: Vec<Datum<'_>> = values
            .iter()
            .map(|value| datum(&schema, value.clone()))
            .collect();
        if has_lists_of_maps(&schema) {
            // The reader takes their entries for maps; other libraries read them.
            continue;
        }
        let codec = codecs[usize::try_from(seed).unwrap() % codecs.len()];
        let bytes = file(codec, &data);
        assert_eq!(bytes, file(codec, &data), "seed {seed}");
        let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        let rows: Vec<Row> = reader
            .get_row_iter(None)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(rows.len(), values.len(), "seed {seed}");
        let two = !layout::has_lists_of_optional_items(&schema);
        for (value, row) in values.iter().zip(rows) {
            let read = Field::Group(row);
            assert!(
                same(&schema, value, &read, two),
                "seed {seed}: {value:?}\n{read}"
            );
        }
    }
}

fn has_lists_of_maps(schema: &Schema) -> bool {
    let parts = [schema.key.as_ref(), schema.element.as_ref()];
    let parts = parts.into_iter().flatten();
    let below = |part: &SchemaRef| {
        (schema.kind == Type::Array && part.kind == Type::Map) || has_lists_of_maps(part)
    };
    let mut fields = schema.fields.iter().map(|field| &field.schema);
    parts.into_iter().any(below) || fields.any(|field| has_lists_of_maps(field))
}

/// The items of a list. The reader makes a list of one list of each two-level list.
fn items(list: &parquet::record::List, two_levels: bool) -> &parquet::record::List {
    match list.elements() {
        [Field::ListInternal(inner)] if two_levels => inner,
        _ => list,
    }
}

fn same(schema: &Schema, value: &Value, read: &Field, two: bool) -> bool {
    let element = schema.element.as_ref();
    match (value, read) {
        (Value::Null, Field::Null) => true,
        (Value::Null, _) => {
            let default = schema.default.as_ref();
            default.is_some_and(|default| same(schema, default, read, two))
        }
        (Value::Int8(a), Field::Int(b)) => i32::from(*a) == *b,
        (Value::Int16(a), Field::Int(b)) => i32::from(*a) == *b,
        (Value::Int32(a), Field::Int(b))
        | (Value::Date(a), Field::Date(b))
        | (Value::Time(a), Field::TimeMillis(b)) => a == b,
        (Value::Int64(a), Field::Long(b)) | (Value::Timestamp(a), Field::TimestampMillis(b)) => {
            a == b
        }
        (Value::Float32(a), Field::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Float64(a), Field::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::Boolean(a), Field::Bool(b)) => a == b,
        (Value::String(a), Field::Str(b)) => a == b,
        (Value::Bytes(a), Field::Bytes(b)) => a == b.data(),
        (Value::Decimal(a), Field::Decimal(b)) => a.unscaled() == b.data(),
        (Value::Array(a), Field::ListInternal(b)) => {
            let b = items(b, two);
            let pairs = a.iter().zip(b.elements());
            a.len() == b.len()
                && pairs
                    .into_iter()
                    .all(|(a, b)| same(element.unwrap(), a, b, two))
        }
        (Value::Map(a), Field::ListInternal(b)) => {
            let entry = |((key, item), read): (&(Value, Value), &Field)| {
                let Field::Group(row) = read else {
                    return false;
                };
                let mut fields = row.get_column_iter().map(|(_, field)| field);
                same(
                    schema.key.as_ref().unwrap(),
                    key,
                    fields.next().unwrap(),
                    two,
                ) && same(element.unwrap(), item, fields.next().unwrap(), two)
            };
            let b = items(b, two);
            a.len() == b.len() && a.iter().zip(b.elements()).all(entry)
        }
        (Value::Map(a), Field::MapInternal(b)) => {
            let entry = |((key, item), (read_key, read)): (&(Value, Value), &(Field, Field))| {
                same(schema.key.as_ref().unwrap(), key, read_key, two)
                    && same(element.unwrap(), item, read, two)
            };
            a.len() == b.len() && a.iter().zip(b.entries()).all(entry)
        }
        (Value::Struct(a), Field::Group(b)) => {
            a.values.len() == b.len()
                && a.iter()
                    .zip(b.get_column_iter())
                    .all(|((field, item), (name, read))| {
                        field.name == *name && same(&field.schema, item, read, two)
                    })
        }
        _ => false,
    }
}

fn long(at: usize) -> String {
    format!("{at:050000}").repeat(4)
}

#[test]
fn row_groups_go_out_while_the_file_is_open() {
    let schema = Schema::of(Type::Struct)
        .named("r")
        .field("a", Schema::of(Type::String))
        .build();
    let row = |at: usize| {
        let values = vec![Value::String(long(at))];
        datum(
            &schema,
            Value::Struct(Struct {
                schema: Arc::clone(&schema),
                values,
            }),
        )
    };
    let mut encoder = ParquetFormat::new(ParquetCodec::Snappy, OPTIONS).encoder("k");
    let mut parts = Vec::new();
    let mut out = Vec::new();
    for at in 0..400 {
        encoder.write(&row(at), &mut out).unwrap();
        assert!(encoder.buffered_bytes() < ROW_GROUP);
        if !out.is_empty() {
            parts.push(std::mem::take(&mut out));
        }
    }
    encoder.finish(&mut out).unwrap();
    parts.push(out);
    assert_eq!(parts.len(), 3, "two full row groups and the rest");
    let reader = SerializedFileReader::new(Bytes::from(parts.concat())).unwrap();
    assert_eq!(reader.metadata().num_row_groups(), 3);
    let meta = reader.metadata().file_metadata();
    let entries = meta.key_value_metadata().unwrap();
    assert!(
        entries
            .iter()
            .any(|entry| entry.key == "parquet.avro.schema")
    );
    for (at, read) in reader.get_row_iter(None).unwrap().enumerate() {
        assert_eq!(read.unwrap().get_string(0).unwrap(), &long(at));
    }
}

#[test]
fn a_refused_record_leaves_no_trace() {
    let schema = Schema::of(Type::Struct)
        .named("r")
        .field("a", Schema::array(Schema::of(Type::Int32)))
        .field("b", Schema::of(Type::String))
        .build();
    let row = |b: Value| {
        let a = Value::Array(vec![Value::Int32(1), Value::Int32(2)]);
        let values = vec![a, b];
        datum(
            &schema,
            Value::Struct(Struct {
                schema: Arc::clone(&schema),
                values,
            }),
        )
    };
    let mut encoder = ParquetFormat::new(ParquetCodec::None, OPTIONS).encoder("k");
    let mut out = Vec::new();
    let good = || row(Value::String("x".into()));
    for bad in [Value::Null, Value::Int32(1)] {
        assert!(encoder.write(&row(bad.clone()), &mut out).is_err());
        encoder.write(&good(), &mut out).unwrap();
        assert!(encoder.write(&row(bad), &mut out).is_err());
    }
    encoder.finish(&mut out).unwrap();
    let reader = SerializedFileReader::new(Bytes::from(out)).unwrap();
    let rows: Vec<String> = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| row.unwrap().to_string())
        .collect();
    assert_eq!(rows, ["{a: [[1, 2]], b: \"x\"}", "{a: [[1, 2]], b: \"x\"}"]);
}

#[test]
fn what_the_original_refuses_ends_the_task() {
    let refused = |codec, datum: &Datum<'_>| {
        let mut encoder = ParquetFormat::new(codec, OPTIONS).encoder("k");
        let error = encoder.write(datum, &mut Vec::new()).unwrap_err();
        assert!(!error.reportable);
        error.exception.stacktrace()
    };
    let record = Schema::of(Type::Struct)
        .named("r")
        .field("a", Schema::of(Type::Int32))
        .build();
    let row = datum(
        &record,
        Value::Struct(Struct {
            schema: Arc::clone(&record),
            values: vec![Value::Int32(1)],
        }),
    );
    assert_eq!(
        refused(ParquetCodec::Brotli, &row),
        "org.apache.parquet.hadoop.BadConfigurationException: Class org.apache.hadoop.io.compress.BrotliCodec was not found\n\
         Caused by: java.lang.ClassNotFoundException: org.apache.hadoop.io.compress.BrotliCodec"
    );
    let text = Schema::of(Type::String).build();
    assert_eq!(
        refused(ParquetCodec::None, &datum(&text, Value::String("x".into()))),
        "java.lang.IllegalArgumentException: Avro schema must be a record."
    );
    let none = Datum {
        schema: None,
        payload: Payload::Tree(Value::Boolean(true)),
    };
    assert!(
        refused(ParquetCodec::None, &none)
            .starts_with("java.lang.NullPointerException: Cannot invoke")
    );
}

/// Files for other readers: `SLUICEWAY_WRITE_FILES=<folder>` writes some.
#[test]
fn files_for_other_readers() {
    let Some(folder) = std::env::var_os("SLUICEWAY_WRITE_FILES") else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    let codecs = [
        ParquetCodec::None,
        ParquetCodec::Snappy,
        ParquetCodec::Gzip,
        ParquetCodec::Lz4,
        ParquetCodec::Lz4Raw,
        ParquetCodec::Zstd,
    ];
    for seed in 0..60 {
        let mut random = rand::rngs::SmallRng::seed_from_u64(seed);
        let schema = random_schema(&mut random);
        let data: Vec<Datum<'_>> = (0..7)
            .map(|_| datum(&schema, random_value(&mut random, &schema)))
            .collect();
        let codec = codecs[usize::try_from(seed).unwrap() % codecs.len()];
        std::fs::write(folder.join(format!("{seed}.parquet")), file(codec, &data)).unwrap();
        let avro = crate::config::FormatConfig::Avro {
            codec: [
                crate::config::AvroCodec::Null,
                crate::config::AvroCodec::Deflate,
                crate::config::AvroCodec::Snappy,
                crate::config::AvroCodec::Bzip2,
            ][usize::try_from(seed % 4).unwrap()],
            options: OPTIONS,
        };
        let mut encoder =
            crate::encode::format(&avro, crate::config::Compression::None).encoder("k");
        let mut out = Vec::new();
        for datum in &data {
            encoder.write(datum, &mut out).unwrap();
        }
        encoder.finish(&mut out).unwrap();
        std::fs::write(folder.join(format!("{seed}.avro")), out).unwrap();
    }
}
