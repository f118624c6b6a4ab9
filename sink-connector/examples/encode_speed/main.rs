//! What the sink's encoders cost beside the libraries they stand on, on one core and without Kafka or S3:
//! `cargo run --release -p sluiceway-sink --example encode_speed [records] [name]`, the latter for those lines only whose name
//! begins so.
//!
//! Each line: the bare library over data that is ready for it, then the sink's encoder over converted records (for JSON and
//! gzip with the converter before it), and the ratio of the two speeds. Both sides run in turn.

mod bare;
mod ours;
mod rows;

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use parquet::basic::Compression as ParquetCompression;
use sluiceway_sink::config::{AvroCodec, AvroOptions, FormatConfig, ParquetCodec};

use rows::Row;

/// Rounds; the best of each side counts.
const ROUNDS: usize = 7;
/// Bytes after which the output is thrown away, as a part that goes out.
const PART: usize = 25 * 1024 * 1024;
const OPTIONS: AvroOptions = AvroOptions {
    enhanced: true,
    connect_meta_data: true,
    optional_map_keys: false,
};

/// What is compared.
struct Comparison {
    records: usize,
    /// Beginning of the names of the lines that are wanted.
    wanted: String,
}

impl Comparison {
    /// Prints a line: the best round of each side.
    fn line(
        &self,
        name: &str,
        mut bare: impl FnMut() -> Result<()>,
        mut ours: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        if !name.starts_with(&self.wanted) {
            return Ok(());
        }
        let (mut best_bare, mut best_ours) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            best_bare = best_bare.min(self.micros(&mut bare)?);
            best_ours = best_ours.min(self.micros(&mut ours)?);
        }
        println!(
            "{name:<28} bare {best_bare:>6.3} µs  sink {best_ours:>6.3} µs a record  {:>5.1} % of the bare speed",
            100.0 * best_bare / best_ours
        );
        Ok(())
    }

    /// Microseconds a record of one run.
    fn micros(&self, run: &mut impl FnMut() -> Result<()>) -> Result<f64> {
        let start = Instant::now();
        run()?;
        Ok(start.elapsed().as_nanos() as f64 / 1000.0 / self.records as f64)
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let comparison = Comparison {
        records: arguments
            .next()
            .map_or(Ok(200_000), |number| number.parse())?,
        wanted: arguments.next().unwrap_or_default(),
    };
    let rows = rows::rows(comparison.records);
    json(&comparison, &rows)?;
    avro(&comparison, &rows)?;
    parquet(&comparison, &rows)
}

fn json(comparison: &Comparison, rows: &[Row]) -> Result<()> {
    let lines: Vec<Vec<u8>> = rows.iter().map(Row::json).collect();
    let bytes: usize = lines.iter().map(Vec::len).sum();
    println!(
        "{} records of {} B of JSON, one core, best of {ROUNDS}",
        lines.len(),
        bytes / lines.len().max(1)
    );
    comparison.line(
        "JSON (copy of the bytes)",
        || bare::copied(&lines),
        || ours::piped(&lines, ""),
    )?;
    for level in [1, 6] {
        let options = format!("s3.compression.type=gzip\ns3.compression.level={level}\n");
        comparison.line(
            &format!("JSON and gzip {level}"),
            || bare::zipped(&lines, level),
            || ours::piped(&lines, &options),
        )?;
    }
    Ok(())
}

fn avro(comparison: &Comparison, rows: &[Row]) -> Result<()> {
    let schema = rows::schema();
    let data: Vec<_> = rows.iter().map(|row| row.datum(&schema)).collect();
    let values: Vec<_> = rows.iter().map(Row::avro).collect();
    let deflate = apache_avro::Codec::Deflate(apache_avro::DeflateSettings::default());
    for (name, codec, library) in [
        ("Avro", AvroCodec::Null, apache_avro::Codec::Null),
        ("Avro and deflate", AvroCodec::Deflate, deflate),
    ] {
        let format = FormatConfig::Avro {
            codec,
            options: OPTIONS,
        };
        comparison.line(
            name,
            || bare::avro(&values, library),
            || ours::encoded(&data, &format),
        )?;
    }
    Ok(())
}

fn parquet(comparison: &Comparison, rows: &[Row]) -> Result<()> {
    let schema = rows::schema();
    let data: Vec<_> = rows.iter().map(|row| row.datum(&schema)).collect();
    let (none, zstd) = (
        ParquetCompression::UNCOMPRESSED,
        ParquetCompression::ZSTD(Default::default()),
    );
    for (name, codec, library) in [
        ("Parquet", ParquetCodec::None, none),
        (
            "Parquet and snappy",
            ParquetCodec::Snappy,
            ParquetCompression::SNAPPY,
        ),
        ("Parquet and zstd", ParquetCodec::Zstd, zstd),
    ] {
        let format = FormatConfig::Parquet {
            codec,
            options: OPTIONS,
        };
        comparison.line(
            name,
            || bare::parquet(rows, library),
            || ours::encoded(&data, &format),
        )?;
    }
    Ok(())
}

/// What a file does with what it holds: full parts go.
fn take_part(out: &mut Vec<u8>) {
    if out.len() >= PART {
        black_box(&out);
        out.clear();
    }
}
