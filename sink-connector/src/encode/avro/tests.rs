//! Tests of container files: the recorded ones byte for byte, and random data read back by another library.
#![allow(clippy::unwrap_used, clippy::panic)]

use apache_avro::types::Value as Read;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value as Json;

use super::*;
use crate::config::{ConverterConfig, Encoding};
use crate::convert::{self, Shape};
use crate::error::Stage;
use crate::random_data::{random_schema, random_value};
use crate::value::{Schema, Struct};

const RECORDED: &str = include_str!("../../../tests/data/recorded-avro.json");

const OPTIONS: AvroOptions = AvroOptions {
    enhanced: true,
    connect_meta_data: true,
    optional_map_keys: false,
};

fn envelopes() -> Box<dyn convert::Converter> {
    let config = ConverterConfig::Json {
        schemas: true,
        cache_size: 10,
        replace_null_with_default: true,
    };
    convert::new(&config, Stage::ValueConverter, Shape::Tree).unwrap()
}

fn recorded() -> Vec<Json> {
    serde_json::from_str(RECORDED).unwrap()
}

fn converter(value: &str) -> Box<dyn convert::Converter> {
    match value.starts_with('{') {
        true => envelopes(),
        false => convert::new(
            &ConverterConfig::String(Encoding::Utf8),
            Stage::ValueConverter,
            Shape::Tree,
        )
        .unwrap(),
    }
}

fn texts(json: &Json) -> Vec<String> {
    let values = json.as_array().unwrap().iter();
    values
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

fn file(codec: AvroCodec, data: &[Datum<'_>]) -> Vec<u8> {
    let mut encoder = AvroFormat::new(codec, OPTIONS).encoder("topics/t/t+0+0.avro");
    let mut out = Vec::new();
    for datum in data {
        encoder.check(datum).unwrap();
        encoder.write(datum, &mut out).unwrap();
    }
    encoder.finish(&mut out).unwrap();
    out
}

#[test]
fn recorded_files_are_the_same_but_for_their_marker() {
    for case in recorded() {
        let values = texts(&case["values"]);
        let mut converter = converter(&values[0]);
        let data: Vec<Datum<'static>> = values
            .iter()
            .map(|value| owned(converter.convert("t", Some(value.as_bytes())).unwrap()))
            .collect();
        let schema = Schemas::new(OPTIONS).of(data[0].schema.as_ref()).unwrap();
        assert_eq!(schema.text, case["schema"].as_str().unwrap());
        let Some(theirs) = case["file"].as_str() else {
            continue;
        };
        let (ours, theirs) = (
            file(AvroCodec::Null, &data),
            STANDARD.decode(theirs).unwrap(),
        );
        let (own, foreign) = (&ours[ours.len() - 16..], &theirs[theirs.len() - 16..]);
        let without = |file: &[u8], marker: &[u8]| {
            let at = |start: usize| file[start..].windows(16).position(|w| w == marker);
            let first = at(0).unwrap();
            [&file[..first], &file[first + 16..file.len() - 16]].concat()
        };
        assert_eq!(
            without(&ours, own),
            without(&theirs, foreign),
            "{}",
            case["case"]
        );
    }
}

fn owned(datum: Datum<'_>) -> Datum<'static> {
    let payload = match datum.payload {
        Payload::Text(text) => Payload::Text(text.into_owned().into()),
        Payload::Tree(value) => Payload::Tree(value),
        other => panic!("{other:?}"),
    };
    Datum {
        schema: datum.schema,
        payload,
    }
}

#[test]
fn random_data_is_read_back_under_every_codec() {
    let codecs = [
        AvroCodec::Null,
        AvroCodec::Deflate,
        AvroCodec::Snappy,
        AvroCodec::Bzip2,
    ];
    for seed in 0..200 {
        let mut random = rand::rngs::SmallRng::seed_from_u64(seed);
        let schema = random_schema(&mut random);
        let count = random.random_range(1..20);
        let data: Vec<Datum<'_>> = (0..count)
            .map(|_| Datum {
                schema: Some(Arc::clone(&schema)),
                payload: Payload::Tree(random_value(&mut random, &schema)),
            })
            .collect();
        let codec = codecs[usize::try_from(seed % 4).unwrap()];
        // The reader in use knows no bzip2 and no snappy: those are decoded by `codec`'s own libraries below.
        let bytes = match codec {
            AvroCodec::Null | AvroCodec::Deflate => file(codec, &data),
            _ => file(AvroCodec::Null, &data),
        };
        let reader = apache_avro::Reader::new(bytes.as_slice())
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let read: Vec<Read> = reader.map(|value| value.unwrap()).collect();
        assert_eq!(read.len(), data.len(), "seed {seed}");
        for (datum, read) in data.iter().zip(&read) {
            let Payload::Tree(value) = &datum.payload else {
                panic!()
            };
            assert!(
                same(&schema, value, read),
                "seed {seed}: {value:?}\n{read:?}"
            );
        }
        assert_eq!(file(codec, &data), file(codec, &data), "seed {seed}");
    }
}

/// Whether a value that was read back is the one that was written.
fn same(schema: &Schema, value: &Value, read: &Read) -> bool {
    let read = match read {
        Read::Union(_, inner) => inner.as_ref(),
        read => read,
    };
    match (value, read) {
        (Value::Null, Read::Null) => true,
        (Value::Null, _) => schema
            .default
            .as_ref()
            .is_some_and(|default| same(schema, default, read)),
        (Value::Int8(a), Read::Int(b)) => i32::from(*a) == *b,
        (Value::Int16(a), Read::Int(b)) => i32::from(*a) == *b,
        (Value::Int32(a), Read::Int(b))
        | (Value::Date(a), Read::Date(b))
        | (Value::Time(a), Read::TimeMillis(b)) => a == b,
        (Value::Int64(a), Read::Long(b)) | (Value::Timestamp(a), Read::TimestampMillis(b)) => {
            a == b
        }
        (Value::Float32(a), Read::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Float64(a), Read::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::Boolean(a), Read::Boolean(b)) => a == b,
        (Value::String(a), Read::String(b) | Read::Enum(_, b)) => a == b,
        (Value::Bytes(a), Read::Bytes(b) | Read::Fixed(_, b)) => a == b,
        (Value::Decimal(a), Read::Decimal(b)) => {
            let bytes: Vec<u8> = b.clone().try_into().unwrap();
            a.unscaled() == bytes || (a.unscaled().is_empty() && bytes == [0])
        }
        (Value::Array(a), Read::Array(b)) => {
            let element = schema.element.as_ref().unwrap();
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(element, a, b))
        }
        (Value::Map(a), Read::Map(b)) => {
            let element = schema.element.as_ref().unwrap();
            a.len() == b.len()
                && a.iter().all(|(key, item)| {
                    let Value::String(key) = key else {
                        return false;
                    };
                    b.get(key).is_some_and(|read| same(element, item, read))
                })
        }
        (Value::Map(a), Read::Array(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|((key, item), read)| {
                    let Read::Record(fields) = read else {
                        return false;
                    };
                    same(schema.key.as_ref().unwrap(), key, &fields[0].1)
                        && same(schema.element.as_ref().unwrap(), item, &fields[1].1)
                })
        }
        (Value::Struct(a), Read::Record(b)) => same_record(a, b),
        _ => false,
    }
}

fn same_record(a: &Struct, b: &[(String, Read)]) -> bool {
    a.values.len() == b.len()
        && a.iter().zip(b).all(|((field, item), (name, read))| {
            field.name == *name && same(&field.schema, item, read)
        })
}

#[test]
fn blocks_are_closed_and_compressed_one_by_one() {
    let schema = Schema::of(Type::Struct)
        .named("r")
        .field("a", Schema::of(Type::String))
        .build();
    let record = |n: usize| Datum {
        schema: Some(Arc::clone(&schema)),
        payload: Payload::Tree(Value::Struct(Struct {
            schema: Arc::clone(&schema),
            values: vec![Value::String(format!("{n:01000}"))],
        })),
    };
    let data: Vec<_> = (0..500).map(record).collect();
    for codec in [
        AvroCodec::Null,
        AvroCodec::Deflate,
        AvroCodec::Snappy,
        AvroCodec::Bzip2,
    ] {
        let bytes = file(codec, &data);
        let marker = &bytes[bytes.len() - 16..];
        let markers = bytes.windows(16).filter(|window| *window == marker).count();
        assert_eq!(markers, 9, "a header and eight blocks, {codec:?}");
    }
    let blocks = codec::compress(AvroCodec::Snappy, b"abcabcabc")
        .unwrap()
        .into_owned();
    let (plain, crc) = blocks.split_at(blocks.len() - 4);
    assert_eq!(
        snap::raw::Decoder::new().decompress_vec(plain).unwrap(),
        b"abcabcabc"
    );
    assert_eq!(crc.len(), 4);
    let packed = codec::compress(AvroCodec::Bzip2, b"abcabcabc")
        .unwrap()
        .into_owned();
    let mut out = Vec::new();
    std::io::Read::read_to_end(
        &mut bzip2::read::BzDecoder::new(packed.as_slice()),
        &mut out,
    )
    .unwrap();
    assert_eq!(out, b"abcabcabc");
}

#[test]
fn a_refused_record_leaves_no_trace() {
    let schema = Schema::of(Type::String).build();
    let datum = |value: Value| Datum {
        schema: Some(Arc::clone(&schema)),
        payload: Payload::Tree(value),
    };
    let mut encoder = AvroFormat::new(AvroCodec::Null, OPTIONS).encoder("k");
    let mut out = Vec::new();
    let error = encoder
        .write(&datum(Value::Int32(1)), &mut out)
        .unwrap_err();
    assert_eq!(
        error.exception.message,
        "Invalid type for STRING: class java.lang.Integer"
    );
    assert!(out.is_empty());
    encoder
        .write(&datum(Value::String("a".into())), &mut out)
        .unwrap();
    encoder.finish(&mut out).unwrap();
    let read: Vec<_> = apache_avro::Reader::new(out.as_slice())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(read, [Read::String("a".into())]);
}

#[test]
fn data_without_schema_becomes_anything() {
    let tree = Value::Map(vec![
        (
            Value::String("a".into()),
            Value::Array(vec![Value::Null, Value::Boolean(true)]),
        ),
        (
            Value::String("n".into()),
            Value::Number(crate::value::Number::new("7")),
        ),
    ]);
    let bytes = file(
        AvroCodec::Null,
        &[Datum {
            schema: None,
            payload: Payload::Tree(tree),
        }],
    );
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(r#"{"type":"record","name":"Anything","namespace":"io.confluent.connect.avro","fields":[{"name":"boolean","type":["null","boolean"],"default":null}"#));
    assert!(text.contains(r#""items":{"type":"record","name":"MapEntry","fields":[{"name":"key","type":"Anything"},{"name":"value","type":"Anything"}]}"#));
    let read = apache_avro::Reader::new(bytes.as_slice())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let Read::Record(fields) = read else { panic!() };
    let Read::Union(1, map) = &fields[8].1 else {
        panic!("{fields:?}")
    };
    let Read::Array(entries) = map.as_ref() else {
        panic!()
    };
    assert_eq!(entries.len(), 2);
}
