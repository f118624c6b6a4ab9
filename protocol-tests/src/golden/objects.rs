//! Objects compared with the recorded ones: keys, attributes, parts, tags, bodies. JSON is compared line by line by its
//! meaning, Avro and Parquet by schema and rows, other bodies byte by byte.

use anyhow::{Context as _, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Findings;
use super::avro_file::AvroFile;
use super::outcome::Outcome;
use super::parquet_file::ParquetFile;
use crate::json;
use crate::s3::Object;

/// The first bytes of gzip as the recorded program writes it: no time, no flags, unknown system.
pub(super) const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Compares all objects of a case.
pub(super) fn compare(recorded: &Value, found: &Outcome, findings: &mut Findings) {
    let by_clock = encoded_by_clock(&recorded["config"]);
    let name = |key: &str| {
        if by_clock {
            without_time(key)
        } else {
            key.to_owned()
        }
    };
    let recorded_objects = recorded["objects"].as_array().cloned().unwrap_or_default();
    let key = |object: &Value| object["key"].as_str().unwrap_or_default().to_owned();
    for object in &found.objects {
        if !recorded_objects
            .iter()
            .any(|recorded| name(&key(recorded)) == name(&object.key))
        {
            findings.add(
                format!("object {}", short(&object.key)),
                "absent",
                format!("there: {}", object.key),
            );
        }
    }
    for recorded_object in &recorded_objects {
        let key = key(recorded_object);
        let Some(object) = found
            .objects
            .iter()
            .find(|object| name(&object.key) == name(&key))
        else {
            findings.add(
                format!("object {}", short(&key)),
                format!("there: {key}"),
                "absent",
            );
            continue;
        };
        attributes(recorded_object, object, findings);
        if let Err(error) = body(recorded_object, object, findings) {
            findings.add(
                format!("body {}", short(&key)),
                recorded_object,
                format!("{error:#}"),
            );
        }
        if let (Some(recorded), Some(found)) = (recorded["parts"].get(&key), found.parts.get(&key))
        {
            let recorded: Vec<i64> = serde_json::from_value(recorded.clone()).unwrap_or_default();
            findings.compare(format!("parts {}", short(&key)), &recorded, found);
        }
        if let (Some(tags), Some(found)) = (recorded_object.get("tags"), found.tags.get(&key)) {
            let recorded = serde_json::from_value(tags.clone()).unwrap_or_default();
            findings.compare(format!("tags {}", short(&key)), &recorded, found);
        }
    }
}

/// Whether object names carry the time at which the recording was made.
fn encoded_by_clock(config: &Value) -> bool {
    let text = |key: &str| config[key].as_str().unwrap_or_default();
    let partitioner = text("partitioner.class")
        .rsplit('.')
        .next()
        .unwrap_or_default();
    let by_time = [
        "TimeBasedPartitioner",
        "HourlyPartitioner",
        "DailyPartitioner",
    ]
    .contains(&partitioner);
    let extractor = text("timestamp.extractor")
        .rsplit('.')
        .next()
        .unwrap_or_default();
    by_time && matches!(extractor, "" | "Wallclock" | "WallclockTimestampExtractor")
}

/// A key with `#` for every digit of its folders.
fn without_time(key: &str) -> String {
    let (folders, file) = key.rsplit_once('/').unwrap_or(("", key));
    let masked: String = folders
        .chars()
        .map(|c| if c.is_ascii_digit() { '#' } else { c })
        .collect();
    format!("{masked}/{file}")
}

/// `+<partition>+<offset>…`, without the run's own topic before it, so that a difference can be listed. Another
/// file.delim is `-` in the recordings.
fn short(key: &str) -> &str {
    let name = key.rsplit('/').next().unwrap_or(key);
    let at = name
        .find('+')
        .or_else(|| name.rmatch_indices('-').nth(1).map(|(at, _)| at));
    &name[at.unwrap_or_default()..]
}

fn attributes(recorded: &Value, found: &Object, findings: &mut Findings) {
    let short = short(&found.key);
    let text = |name: &str| recorded[name].as_str().unwrap_or("absent").to_owned();
    let given = |value: &Option<String>| value.as_deref().unwrap_or("absent").to_owned();
    findings.compare(
        format!("type {short}"),
        &text("content_type"),
        &given(&found.content_type),
    );
    findings.compare(
        format!("encoding {short}"),
        &text("content_encoding"),
        &given(&found.content_encoding),
    );
    findings.compare(format!("metadata {short}"), &0, &found.metadata);
    let parts = |etag: &str| {
        etag.trim_matches('"')
            .split_once('-')
            .map(|(_, parts)| parts.to_owned())
    };
    let etag = recorded["etag"].as_str().unwrap_or_default();
    findings.compare(
        format!("uploaded in parts {short}"),
        &parts(etag),
        &parts(&found.etag),
    );
}

fn body(recorded: &Value, found: &Object, findings: &mut Findings) -> Result<()> {
    let fact = format!("body {}", short(&found.key));
    let zipped = found.key.ends_with(".gz");
    if zipped && !found.body.starts_with(&GZIP_HEAD) {
        findings.add(
            format!("gzip head {}", short(&found.key)),
            format!("{GZIP_HEAD:?}"),
            format!("{:?}", found.body.get(..10)),
        );
    }
    let Some(expected) = recorded_body(recorded, zipped)? else {
        let size = recorded["size"]
            .as_u64()
            .context("neither a body nor a size")?;
        findings.compare(fact, &size, &(found.body.len() as u64));
        return Ok(());
    };
    if found.key.ends_with(".avro") {
        return avro(&fact, &expected, &found.body, findings);
    }
    if found.key.ends_with(".parquet") {
        return parquet(&fact, &expected, &found.body, findings);
    }
    let plain = found.plain()?;
    let as_json = found.key.contains(".json");
    let same = if as_json {
        same_lines(&expected, &plain)
    } else {
        expected == plain
    };
    if !same {
        findings.add(
            fact,
            String::from_utf8_lossy(&expected),
            String::from_utf8_lossy(&plain),
        );
    }
    Ok(())
}

fn avro(fact: &str, recorded: &[u8], found: &[u8], findings: &mut Findings) -> Result<()> {
    let (recorded, found) = (
        AvroFile::read(recorded).context("as recorded")?,
        AvroFile::read(found)?,
    );
    if recorded.schema != found.schema {
        findings.add(format!("schema of {fact}"), &recorded.schema, &found.schema);
    }
    findings.compare(format!("codec of {fact}"), &recorded.codec, &found.codec);
    findings.compare(
        format!("metadata of {fact}"),
        &recorded.metadata,
        &found.metadata,
    );
    findings.compare(format!("rows of {fact}"), &recorded.rows, &found.rows);
    Ok(())
}

fn parquet(fact: &str, recorded: &[u8], found: &[u8], findings: &mut Findings) -> Result<()> {
    let (recorded, found) = (
        ParquetFile::read(recorded).context("as recorded")?,
        ParquetFile::read(found)?,
    );
    if recorded.schema != found.schema {
        findings.add(format!("schema of {fact}"), &recorded.schema, &found.schema);
    }
    if recorded.avro_schema != found.avro_schema {
        findings.add(
            format!("Avro schema of {fact}"),
            &recorded.avro_schema,
            &found.avro_schema,
        );
    }
    findings.compare(
        format!("compression of {fact}"),
        &recorded.compression,
        &found.compression,
    );
    findings.compare(
        format!("row groups of {fact}"),
        &recorded.groups,
        &found.groups,
    );
    findings.compare(
        format!("metadata of {fact}"),
        &recorded.metadata,
        &found.metadata,
    );
    findings.compare(format!("rows of {fact}"), &recorded.rows, &found.rows);
    Ok(())
}

/// The body as it was recorded, unzipped; none where only its size was.
pub(crate) fn recorded_body(recorded: &Value, zipped: bool) -> Result<Option<Vec<u8>>> {
    let (text, base64) = if zipped {
        (
            &recorded["gunzipped"]["utf8"],
            &recorded["gunzipped"]["base64"],
        )
    } else {
        (&recorded["body_utf8"], &recorded["body_base64"])
    };
    if let Some(base64) = base64.as_str() {
        return Ok(Some(STANDARD.decode(base64)?));
    }
    Ok(text.as_str().map(|text| text.as_bytes().to_vec()))
}

/// The same number of lines, each of the same meaning, each ended.
fn same_lines(recorded: &[u8], found: &[u8]) -> bool {
    let (Ok(recorded), Ok(found)) = (std::str::from_utf8(recorded), std::str::from_utf8(found))
    else {
        return false;
    };
    let (recorded, found): (Vec<_>, Vec<_>) =
        (recorded.split('\n').collect(), found.split('\n').collect());
    recorded.len() == found.len()
        && recorded
            .iter()
            .zip(&found)
            .all(|(recorded, found)| recorded == found || json::same_text(recorded, found))
}
