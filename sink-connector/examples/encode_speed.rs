//! What the sink's encoders cost beside the libraries they stand on, on one core and without Kafka or S3:
//! `cargo run --release -p sluiceway-sink --example encode_speed [records]`.
//!
//! Each line: the bare library over data that is ready for it, then the sink's encoder over converted records (for JSON and
//! gzip with the converter before it), and the ratio of the two speeds.

use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use apache_avro::types::Value as Avro;
use flate2::write::GzEncoder;
use parquet::basic::Compression as ParquetCompression;
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use sluiceway_common::props::{self, Properties};
use sluiceway_sink::config::{
    AvroCodec, AvroOptions, Compression, ConnectorConfig, FormatConfig, ParquetCodec,
};
use sluiceway_sink::encode;
use sluiceway_sink::pipeline::{Outcome, Pipeline};
use sluiceway_sink::record::{Datum, Payload, RawRecord};
use sluiceway_sink::value::{Schema, SchemaRef, Struct, Type, Value};

/// Rounds; the best of each side counts.
const ROUNDS: usize = 5;
/// Bytes after which the output is thrown away, as a part that goes out.
const PART: usize = 25 * 1024 * 1024;
const TEXTS: [&str; 6] = [
    "title",
    "description",
    "poster",
    "tags",
    "image",
    "category",
];
const OPTIONS: AvroOptions = AvroOptions {
    enhanced: true,
    connect_meta_data: true,
    optional_map_keys: false,
};

/// One record in every form.
struct Row {
    id: i64,
    index: i32,
    texts: [String; 6],
}

fn rows(count: usize) -> Vec<Row> {
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
    fn json(&self) -> Vec<u8> {
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

    fn datum(&self, schema: &SchemaRef) -> Datum<'static> {
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

    fn avro(&self) -> Avro {
        let mut fields = vec![
            ("id".to_owned(), Avro::Long(self.id)),
            ("index".to_owned(), Avro::Int(self.index)),
        ];
        let texts = TEXTS.iter().zip(&self.texts);
        fields.extend(texts.map(|(name, text)| ((*name).to_owned(), Avro::String(text.clone()))));
        Avro::Record(fields)
    }
}

fn schema() -> SchemaRef {
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

/// Nanoseconds a record, the best of all rounds.
fn best(count: usize, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_nanos() as f64 / count as f64);
    }
    Ok(best)
}

fn line(name: &str, bare: f64, ours: f64) {
    println!(
        "{name:<28} bare {:>6.2} µs  sink {:>6.2} µs a record  {:>5.1} % of the bare speed",
        bare / 1000.0,
        ours / 1000.0,
        100.0 * bare / ours
    );
}

fn main() -> Result<()> {
    let count = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(200_000);
    let rows = rows(count);
    let lines: Vec<Vec<u8>> = rows.iter().map(Row::json).collect();
    let bytes: usize = lines.iter().map(Vec::len).sum();
    println!(
        "{count} records of {} B of JSON, one core, best of {ROUNDS}",
        bytes / count
    );
    line(
        "JSON (copy of the bytes)",
        best(count, || copied(&lines))?,
        best(count, || piped(&lines, ""))?,
    );
    for level in [1, 6] {
        let options = format!("s3.compression.type=gzip\ns3.compression.level={level}\n");
        line(
            &format!("JSON and gzip {level}"),
            best(count, || zipped(&lines, level))?,
            best(count, || piped(&lines, &options))?,
        );
    }
    let schema = schema();
    let data: Vec<_> = rows.iter().map(|row| row.datum(&schema)).collect();
    let avro: Vec<_> = rows.iter().map(Row::avro).collect();
    for (name, codec, bare) in [
        ("Avro", AvroCodec::Null, apache_avro::Codec::Null),
        (
            "Avro and deflate",
            AvroCodec::Deflate,
            apache_avro::Codec::Deflate(apache_avro::DeflateSettings::default()),
        ),
    ] {
        let format = FormatConfig::Avro {
            codec,
            options: OPTIONS,
        };
        line(
            name,
            best(count, || written_by_library(&avro, bare))?,
            best(count, || encoded(&data, &format))?,
        );
    }
    for (name, codec, bare) in [
        (
            "Parquet",
            ParquetCodec::None,
            ParquetCompression::UNCOMPRESSED,
        ),
        (
            "Parquet and snappy",
            ParquetCodec::Snappy,
            ParquetCompression::SNAPPY,
        ),
        (
            "Parquet and zstd",
            ParquetCodec::Zstd,
            ParquetCompression::ZSTD(Default::default()),
        ),
    ] {
        let format = FormatConfig::Parquet {
            codec,
            options: OPTIONS,
        };
        line(
            name,
            best(count, || columns(&rows, bare))?,
            best(count, || encoded(&data, &format))?,
        );
    }
    Ok(())
}

fn copied(lines: &[Vec<u8>]) -> Result<()> {
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(line);
        out.push(b'\n');
        take_part(&mut out);
    }
    black_box(out);
    Ok(())
}

/// What a file does with what it holds: full parts go.
fn take_part(out: &mut Vec<u8>) {
    if out.len() >= PART {
        black_box(&out);
        out.clear();
    }
}

fn zipped(lines: &[Vec<u8>], level: u32) -> Result<()> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    for line in lines {
        encoder.write_all(line)?;
        encoder.write_all(b"\n")?;
    }
    black_box(encoder.finish()?);
    Ok(())
}

/// Converter, partitioner and encoder of a connector.
fn piped(lines: &[Vec<u8>], more: &str) -> Result<()> {
    let text = format!(
        "name=c\nconnector.class=S3Sink\ntopics=t\ns3.bucket.name=b\nflush.size=1\nstorage.class=S3Storage\n\
         format.class=JsonFormat\nkey.converter=StringConverter\nvalue.converter=JsonConverter\n\
         value.converter.schemas.enable=false\n{more}"
    );
    let config = ConnectorConfig::parse(&props::parse(&text)?, &Properties::new())?;
    let mut pipeline = Pipeline::new(&config)?;
    let mut encoder = pipeline.format().encoder("k");
    let mut out = Vec::new();
    for (offset, line) in lines.iter().enumerate() {
        let raw = RawRecord {
            topic: "t",
            partition: 0,
            offset: offset as i64,
            timestamp: Some(0),
            key: None,
            value: Some(line),
            headers: None,
        };
        if let Outcome::Write(record) = pipeline.process(&raw)? {
            encoder.write(&record.value, &mut out)?;
        }
        take_part(&mut out);
    }
    encoder.finish(&mut out)?;
    black_box(out);
    Ok(())
}

fn encoded(data: &[Datum<'_>], format: &FormatConfig) -> Result<()> {
    let format = encode::format(format, Compression::None);
    let mut encoder = format.encoder("k");
    let mut out = Vec::new();
    for datum in data {
        encoder.write(datum, &mut out)?;
        take_part(&mut out);
    }
    encoder.finish(&mut out)?;
    black_box(out);
    Ok(())
}

fn written_by_library(data: &[Avro], codec: apache_avro::Codec) -> Result<()> {
    let texts: String = TEXTS
        .iter()
        .map(|name| format!(",{{\"name\":\"{name}\",\"type\":\"string\"}}"))
        .collect();
    let text = format!(
        "{{\"type\":\"record\",\"name\":\"Row\",\"fields\":[{{\"name\":\"id\",\"type\":\"long\"}},{{\"name\":\"index\",\"type\":\"int\"}}{texts}]}}"
    );
    let schema = apache_avro::Schema::parse_str(&text)?;
    let mut writer = apache_avro::Writer::with_codec(&schema, Vec::new(), codec)?;
    for value in data {
        writer.append_value_ref(value)?;
    }
    black_box(writer.into_inner()?);
    Ok(())
}

fn columns(rows: &[Row], compression: ParquetCompression) -> Result<()> {
    let texts: String = TEXTS
        .iter()
        .map(|name| format!("required binary {name} (UTF8);"))
        .collect();
    let schema = format!("message Row {{ required int64 id; required int32 index; {texts} }}");
    let schema = Arc::new(parse_message_type(&schema)?);
    let properties = Arc::new(
        WriterProperties::builder()
            .set_compression(compression)
            .build(),
    );
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties)?;
    for group in rows.chunks(50_000) {
        let mut out = writer.next_row_group()?;
        let ids: Vec<i64> = group.iter().map(|row| row.id).collect();
        let indexes: Vec<i32> = group.iter().map(|row| row.index).collect();
        let mut column = out.next_column()?.context("a column is missing")?;
        column.typed::<Int64Type>().write_batch(&ids, None, None)?;
        column.close()?;
        let mut column = out.next_column()?.context("a column is missing")?;
        column
            .typed::<Int32Type>()
            .write_batch(&indexes, None, None)?;
        column.close()?;
        for at in 0..TEXTS.len() {
            let values: Vec<ByteArray> = group
                .iter()
                .map(|row| row.texts[at].as_str().into())
                .collect();
            let mut column = out.next_column()?.context("a column is missing")?;
            column
                .typed::<ByteArrayType>()
                .write_batch(&values, None, None)?;
            column.close()?;
        }
        out.close()?;
    }
    black_box(writer.into_inner()?);
    Ok(())
}
