//! Rows of an Avro object container file: its schema, then blocks of data, each compressed by itself.

use std::collections::HashMap;
use std::io::Read as _;

use serde_json::value::RawValue;
use sluiceway_schemas::avro::{Reader, Schema};

use super::rows::Rows;

const MAGIC: &[u8] = b"Obj\x01";
const SYNC: usize = 16;
/// Bytes of a block, decompressed, at most.
const BLOCK: u64 = 16 << 20;

/// The first rows; `whole` says whether all of the file is there.
pub(super) fn rows(bytes: &[u8], whole: bool, most: usize) -> Result<Rows, String> {
    let wrong = |what: &str| format!("it is no Avro object container file: {what}");
    let body = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| wrong("it begins otherwise"))?;
    let mut reader = Reader::new(body);
    let meta = meta(&mut reader).ok_or_else(|| wrong("its header ends early"))?;
    let text = meta
        .get("avro.schema")
        .and_then(|schema| std::str::from_utf8(schema).ok());
    let text = text.ok_or_else(|| wrong("it has no schema"))?;
    let schema = Schema::parse(text, &[]).map_err(|error| error.to_string())?;
    let codec = meta.get("avro.codec").map_or(&b"null"[..], |codec| codec);
    reader
        .fixed(SYNC)
        .map_err(|_| wrong("its header ends early"))?;
    let mut rows = Vec::new();
    loop {
        if reader.rest().is_empty() {
            let records = whole.then_some(rows.len() as u64);
            return Ok(Rows {
                rows,
                more: !whole,
                records,
            });
        }
        let Some((count, block)) = block(&mut reader) else {
            return match whole {
                true => Err(wrong("its last block ends early")),
                false => Ok(cut(rows)),
            };
        };
        let data = expand(codec, block)?;
        let mut rest = &data[..];
        for left in (0..count).rev() {
            let mut json = Vec::new();
            let read = schema
                .next_to_json(rest, &mut json)
                .map_err(|error| error.to_string())?;
            rest = &rest[read..];
            let row = String::from_utf8(json)
                .ok()
                .and_then(|json| RawValue::from_string(json).ok());
            rows.push(row.ok_or_else(|| wrong("a row is no text"))?);
            if rows.len() == most && (left > 0 || !reader.rest().is_empty() || !whole) {
                return Ok(cut(rows));
            }
        }
    }
}

fn cut(rows: Vec<Box<RawValue>>) -> Rows {
    Rows {
        rows,
        more: true,
        records: None,
    }
}

fn meta<'a>(reader: &mut Reader<'a>) -> Option<HashMap<String, &'a [u8]>> {
    let mut meta = HashMap::new();
    loop {
        let items = reader.block().ok()?;
        if items == 0 {
            return Some(meta);
        }
        for _ in 0..items {
            let key = reader.string().ok()?.into_owned();
            meta.insert(key, reader.bytes().ok()?);
        }
    }
}

/// The next block: how many rows, and their bytes.
fn block<'a>(reader: &mut Reader<'a>) -> Option<(u64, &'a [u8])> {
    let count = u64::try_from(reader.long().ok()?).ok()?;
    let bytes = reader.bytes().ok()?;
    reader.fixed(SYNC).ok()?;
    Some((count, bytes))
}

fn expand(codec: &[u8], block: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let read = match codec {
        b"null" => return Ok(block.to_vec()),
        b"deflate" => flate2::read::DeflateDecoder::new(block)
            .take(BLOCK)
            .read_to_end(&mut out),
        b"bzip2" => bzip2::read::BzDecoder::new(block)
            .take(BLOCK)
            .read_to_end(&mut out),
        b"snappy" => {
            // Four bytes of checksum stand behind.
            let data = block
                .get(..block.len().saturating_sub(4))
                .unwrap_or_default();
            let size = snap::raw::decompress_len(data).map_err(|error| error.to_string())?;
            if size as u64 > BLOCK {
                return Err(format!("a block of {size} bytes is too large to be shown"));
            }
            return snap::raw::Decoder::new()
                .decompress_vec(data)
                .map_err(|error| error.to_string());
        }
        other => {
            return Err(format!(
                "its codec {} is not known",
                String::from_utf8_lossy(other)
            ));
        }
    };
    read.map(|_| out)
        .map_err(|error| format!("a block cannot be decompressed: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use apache_avro::types::Value;
    use apache_avro::{Codec, Schema as TheirSchema, Writer};

    use super::*;

    fn file(codec: Codec, rows: i32) -> Vec<u8> {
        let schema = r#"{"type":"record","name":"r","fields":[{"name":"n","type":"int"},{"name":"s","type":["null","string"]}]}"#;
        let schema = TheirSchema::parse_str(schema).unwrap();
        let mut writer = Writer::with_codec(&schema, Vec::new(), codec).unwrap();
        for n in 0..rows {
            let text = Value::Union(1, Box::new(Value::String("<b>".into())));
            writer
                .append_value(Value::Record(vec![
                    ("n".into(), Value::Int(n)),
                    ("s".into(), text),
                ]))
                .unwrap();
        }
        writer.into_inner().unwrap()
    }

    #[test]
    fn files_of_another_writer() {
        for codec in [Codec::Null, Codec::Deflate(Default::default())] {
            let bytes = file(codec, 5);
            let all = rows(&bytes, true, 10).unwrap();
            assert_eq!(all.rows[4].get(), r#"{"n":4,"s":{"string":"<b>"}}"#);
            assert_eq!((all.rows.len(), all.more, all.records), (5, false, Some(5)));
            let some = rows(&bytes, true, 2).unwrap();
            assert_eq!((some.rows.len(), some.more), (2, true));
            assert!(rows(&bytes[..bytes.len() - 20], true, 10).is_err());
            assert!(rows(&bytes[..bytes.len() - 20], false, 10).unwrap().more);
        }
        assert!(rows(b"PAR1", true, 1).is_err());
    }
}
