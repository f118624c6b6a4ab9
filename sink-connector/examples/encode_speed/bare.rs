//! The bare libraries over data that is ready for them.

use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use apache_avro::types::Value as Avro;
use flate2::write::GzEncoder;
use parquet::basic::Compression as ParquetCompression;
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::rows::{Row, TEXTS};
use super::take_part;

pub(super) fn copied(lines: &[Vec<u8>]) -> Result<()> {
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(line);
        out.push(b'\n');
        take_part(&mut out);
    }
    black_box(out);
    Ok(())
}

pub(super) fn zipped(lines: &[Vec<u8>], level: u32) -> Result<()> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    for line in lines {
        encoder.write_all(line)?;
        encoder.write_all(b"\n")?;
    }
    black_box(encoder.finish()?);
    Ok(())
}

pub(super) fn avro(data: &[Avro], codec: apache_avro::Codec) -> Result<()> {
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

pub(super) fn parquet(rows: &[Row], compression: ParquetCompression) -> Result<()> {
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
