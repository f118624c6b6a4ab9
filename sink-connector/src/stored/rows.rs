//! The first rows of an object, as JSON.
//!
//! | what the key ends in | how it is read |
//! |---|---|
//! | `.json` | a row a line, as it stands there |
//! | `.avro` | a row a datum, in Avro's JSON form, by the schema in the file |
//! | `.parquet` | a row a record |
//! | anything else | lines, where it is text; else bytes in base64 |
//!
//! With `.gz` behind it is decompressed. Only the first megabytes of an object are fetched; Parquet's index is at its end, so
//! such an object is fetched whole, up to a limit.

use std::io::Read as _;

use aws_sdk_s3::Client;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{StoredError, avro, format_name, parquet};
use crate::config::ConnectorConfig;
use crate::upload::{RequestOptions, S3Error};

/// Bytes fetched of an object whose rows lie one behind the other.
const HEAD: usize = 4 << 20;
/// Bytes of a Parquet object at most.
const WHOLE: usize = 64 << 20;
/// Bytes that are decompressed at most.
const EXPANDED: u64 = 16 << 20;
/// Bytes that are shown of what is no text.
const BYTES: usize = 4096;
/// Rows at most.
pub(super) const MOST: usize = 500;

/// Rows of an object.
#[derive(Debug, Serialize)]
pub(crate) struct Preview {
    key: String,
    format: &'static str,
    /// Bytes of the object, as it is stored.
    bytes: u64,
    rows: Vec<Box<RawValue>>,
    /// Whether the object has further rows.
    more: bool,
    /// Rows of the whole object, where it tells.
    records: Option<u64>,
}

/// Rows, and whether there are more.
pub(super) struct Rows {
    pub(super) rows: Vec<Box<RawValue>>,
    pub(super) more: bool,
    pub(super) records: Option<u64>,
}

pub(super) async fn preview(
    client: &Client,
    config: &ConnectorConfig,
    key: &str,
    rows: usize,
) -> Result<Preview, StoredError> {
    let rows = rows.clamp(1, MOST);
    let (plain, gzip) = match key.strip_suffix(".gz") {
        Some(plain) => (plain, true),
        None => (key, false),
    };
    let format = match plain.rsplit('.').next() {
        Some("json") => "json",
        Some("avro") => "avro",
        Some("parquet") => "parquet",
        _ => format_name(&config.format),
    };
    let limit = if format == "parquet" { WHOLE } else { HEAD };
    let (bytes, size) = fetch(client, config, key, limit).await?;
    let whole = bytes.len() as u64 == size;
    if format == "parquet" && !whole {
        let reason = format!(
            "the object has {size} bytes; Parquet objects above {WHOLE} are not shown: use a link"
        );
        return Err(StoredError::Unreadable(reason));
    }
    let read = move || {
        let (bytes, whole) = if gzip {
            expand(&bytes, whole)?
        } else {
            (bytes, whole)
        };
        match format {
            "avro" => avro::rows(&bytes, whole, rows),
            "parquet" => parquet::rows(bytes, rows),
            _ => Ok(lines(&bytes, whole, rows)),
        }
    };
    let read = tokio::task::spawn_blocking(read).await;
    let read = read.unwrap_or_else(|error| Err(format!("reading it failed: {error}")));
    let Rows {
        rows,
        more,
        records,
    } = read.map_err(StoredError::Unreadable)?;
    Ok(Preview {
        key: key.to_owned(),
        format,
        bytes: size,
        rows,
        more,
        records,
    })
}

/// The first bytes of an object, and how many it has.
async fn fetch(
    client: &Client,
    config: &ConnectorConfig,
    key: &str,
    limit: usize,
) -> Result<(Vec<u8>, u64), StoredError> {
    let request = client.get_object().bucket(&config.s3.bucket).key(key);
    let request = RequestOptions::new(&config.s3.objects).get(request);
    let range = format!("bytes=0-{}", limit - 1);
    let mut object = match request.range(range).send().await {
        Ok(object) => object,
        Err(error) => {
            let error = S3Error::new("GetObject", &error);
            return match error.status {
                Some(404) => Err(StoredError::NotFound(key.to_owned())),
                // An empty object has no first byte.
                Some(416) => Ok((Vec::new(), 0)),
                _ => Err(error.into()),
            };
        }
    };
    let told = object
        .content_range()
        .and_then(|range| range.rsplit('/').next()?.parse().ok());
    let mut bytes = Vec::new();
    loop {
        match object.body.try_next().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= limit => {
                bytes.extend_from_slice(&chunk)
            }
            Ok(Some(chunk)) => {
                // The store took no notice of the range.
                bytes.extend_from_slice(&chunk[..limit - bytes.len()]);
                break;
            }
            Ok(None) => break,
            Err(error) => {
                return Err(StoredError::Unreadable(format!(
                    "the object broke off: {error}"
                )));
            }
        }
    }
    let size = told.unwrap_or(bytes.len() as u64);
    Ok((bytes, size))
}

fn expand(bytes: &[u8], whole: bool) -> Result<(Vec<u8>, bool), String> {
    let mut expanded = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(EXPANDED);
    match reader.read_to_end(&mut expanded) {
        Ok(read) => Ok((expanded, whole && (read as u64) < EXPANDED)),
        // Of an object that was cut, what came before the cut is good.
        Err(_) if !whole && !expanded.is_empty() => Ok((expanded, false)),
        Err(error) => Err(format!("it cannot be decompressed: {error}")),
    }
}

fn lines(bytes: &[u8], whole: bool, most: usize) -> Rows {
    let Some(text) = text(bytes, whole) else {
        let shown = &bytes[..bytes.len().min(BYTES)];
        return Rows {
            rows: vec![string(&STANDARD.encode(shown))],
            more: shown.len() < bytes.len() || !whole,
            records: None,
        };
    };
    let mut lines = text.lines();
    let rows: Vec<_> = lines.by_ref().take(most).map(row).collect();
    let left = lines.next().is_some();
    let records = (whole && !left).then_some(rows.len() as u64);
    Rows {
        rows,
        more: left || !whole,
        records,
    }
}

/// Whole lines of text; of an object that was cut the last one is not whole.
fn text(bytes: &[u8], whole: bool) -> Option<&str> {
    let bytes = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(end) if !whole => &bytes[..end],
        _ => bytes,
    };
    std::str::from_utf8(bytes).ok()
}

/// A line as it stands there, if it is JSON; else as a string.
fn row(line: &str) -> Box<RawValue> {
    RawValue::from_string(line.to_owned()).unwrap_or_else(|_| string(line))
}

pub(super) fn string(text: &str) -> Box<RawValue> {
    let quoted = serde_json::Value::from(text).to_string();
    RawValue::from_string(quoted).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn texts(rows: &Rows) -> Vec<&str> {
        rows.rows.iter().map(|row| row.get()).collect()
    }

    #[test]
    fn lines_stand_as_they_are() {
        let all = lines(b"{\"a\": 1.10}\nnot json\n12345678901234567890\n", true, 10);
        assert_eq!(
            texts(&all),
            ["{\"a\": 1.10}", "\"not json\"", "12345678901234567890"]
        );
        assert_eq!((all.more, all.records), (false, Some(3)));
        let some = lines(b"1\n2\n3", true, 2);
        assert_eq!(
            (texts(&some).len(), some.more, some.records),
            (2, true, None)
        );
        let cut = lines(b"1\n2\n{\"a", false, 10);
        assert_eq!(texts(&cut), ["1", "2"]);
        assert!(cut.more);
        let bytes = lines(&[0xff, 0], true, 10);
        assert_eq!(texts(&bytes), ["\"/wA=\""]);
    }

    #[test]
    fn what_was_cut_is_decompressed_as_far_as_it_goes() {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for number in 0..20_000 {
            writeln!(encoder, "{{\"n\":{number}}}").unwrap();
        }
        let bytes = encoder.finish().unwrap();
        let (all, whole) = expand(&bytes, true).unwrap();
        assert!(whole && all.ends_with(b"{\"n\":19999}\n"));
        let (some, whole) = expand(&bytes[..bytes.len() / 2], false).unwrap();
        assert!(!whole && some.starts_with(b"{\"n\":0}\n"));
        assert!(expand(b"no gzip", true).is_err());
    }
}
