//! Tests of gzip.
#![allow(clippy::unwrap_used)]

use std::io::Read as _;

use super::*;
use crate::config::{Compression, FormatConfig};
use crate::record::Payload;

fn record(value: &[u8]) -> Datum<'_> {
    Datum {
        schema: None,
        payload: Payload::Bytes(value),
    }
}

fn format(level: u32) -> Arc<dyn Format> {
    let plain = FormatConfig::ByteArray {
        extension: ".bin".into(),
        separator: b"\n".to_vec(),
    };
    crate::encode::format(&plain, Compression::Gzip { level })
}

fn file(format: &Arc<dyn Format>, values: &[&[u8]]) -> Vec<u8> {
    let (mut encoder, mut out) = (format.encoder("t.bin.gz"), Vec::new());
    for value in values {
        encoder.write(&record(value), &mut out).unwrap();
    }
    encoder.finish(&mut out).unwrap();
    assert_eq!(encoder.buffered_bytes(), 0);
    out
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // Not a MultiGzDecoder: the file is one member.
    flate2::read::GzDecoder::new(bytes)
        .read_to_end(&mut out)
        .unwrap();
    out
}

#[test]
fn a_file_of_many_blocks_is_one_member_and_always_the_same() {
    let lines: Vec<Vec<u8>> = (0..40_000u32)
        .map(|n| format!("line {n} {}", n.wrapping_mul(2_654_435_761)).into())
        .collect();
    let values: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let expected = [lines.join(&b'\n'), b"\n".to_vec()].concat();
    assert!(expected.len() > 3 * BLOCK);
    for level in [0, 1, 6, 9] {
        let format = format(level);
        let first = file(&format, &values);
        assert_eq!(gunzip(&first), expected, "level {level}");
        assert_eq!(first, file(&format, &values), "level {level}");
        assert_eq!(first[..10], HEADER);
    }
}

#[test]
fn an_incompressible_block_and_an_empty_file_are_whole() {
    use rand::{RngCore as _, SeedableRng as _};
    let mut noise = vec![0; BLOCK * 2 + 17];
    rand::rngs::SmallRng::seed_from_u64(1).fill_bytes(&mut noise);
    let format = format(6);
    let mut expected = noise.clone();
    expected.push(b'\n');
    assert_eq!(gunzip(&file(&format, &[&noise])), expected);
    assert_eq!(gunzip(&file(&format, &[])), b"");
    assert_eq!(format.extension(), ".bin.gz");
}

#[test]
fn what_is_kept_back_is_counted_and_a_refused_record_leaves_no_trace() {
    let format = format(6);
    let (mut encoder, mut out) = (format.encoder("t.bin.gz"), Vec::new());
    encoder.write(&record(b"abc"), &mut out).unwrap();
    assert!((4..1000).contains(&encoder.buffered_bytes()) && out.is_empty());
    let text = Datum {
        schema: None,
        payload: Payload::Json(b"{}"),
    };
    assert!(encoder.write(&text, &mut out).is_err());
    encoder.finish(&mut out).unwrap();
    assert_eq!(gunzip(&out), b"abc\n");
}

#[test]
fn blocks_cost_little_space() {
    let lines: Vec<Vec<u8>> = (0..60_000u32)
        .map(|n| format!(r#"{{"index":{n},"title":"Super Fun Crafts {}"}}"#, n % 97).into())
        .collect();
    let values: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let blocks = file(&format(6), &values).len();
    let mut whole = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    for line in &lines {
        std::io::Write::write_all(&mut whole, line).unwrap();
        std::io::Write::write_all(&mut whole, b"\n").unwrap();
    }
    let whole = whole.finish().unwrap().len();
    assert!(blocks < whole + whole / 50, "{blocks} against {whole}");
}
