//! One recorded record against one that lies in Kafka now. What differs goes into the findings of its place.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::golden::Findings;
use crate::golden::words::Words;
use crate::json;
use crate::kafka::Record;

/// When the recording was made. Another time of a record is one that its request had asked for.
const RECORDED_MS: RangeInclusive<i64> = 1_795_357_300_000..=1_795_357_600_000;

/// Compares key, value, headers, and the time if the request named it. `words` knows the ids of schemas.
pub(super) fn compare_record(
    recorded: &Value,
    now: &Record,
    words: &Words,
    findings: &mut Findings,
) {
    for (fact, now) in [("key", &now.key), ("value", &now.value)] {
        let recorded = &recorded[fact];
        if !same_bytes(recorded, now.as_deref(), words) {
            findings.add(fact, recorded, shown(now.as_deref()));
        }
    }
    let headers = recorded["headers"].as_array().cloned().unwrap_or_default();
    let same = |(recorded, (name, value)): (&Value, &(String, Option<Vec<u8>>))| {
        recorded[0] == **name && same_bytes(&recorded[1], value.as_deref(), words)
    };
    if headers.len() != now.headers.len() || !headers.iter().zip(&now.headers).all(same) {
        findings.add(
            "headers",
            Value::Array(headers),
            format!("{:?}", now.headers),
        );
    }
    let time = recorded["timestamp"].as_i64();
    if time.is_some_and(|time| !RECORDED_MS.contains(&time)) {
        findings.compare("timestamp", &time, &now.timestamp);
    }
}

fn shown(bytes: Option<&[u8]>) -> String {
    let text = bytes.map(String::from_utf8_lossy);
    text.as_deref()
        .unwrap_or("null")
        .chars()
        .take(200)
        .collect()
}

/// Recorded bytes: null, text, base64, or only their length.
fn same_bytes(recorded: &Value, now: Option<&[u8]>, words: &Words) -> bool {
    match (recorded, now) {
        (Value::Null, None) => true,
        (Value::String(recorded), Some(now)) => same_content(recorded.as_bytes(), now, words),
        (Value::Object(recorded), Some(now)) => {
            match recorded.get("base64").and_then(Value::as_str) {
                Some(base64) => STANDARD
                    .decode(base64)
                    .is_ok_and(|recorded| same_content(&recorded, now, words)),
                None => recorded["length"].as_u64() == u64::try_from(now.len()).ok(),
            }
        }
        _ => false,
    }
}

/// The same bytes, the same JSON, or either behind the id of the same schema.
fn same_content(recorded: &[u8], now: &[u8], words: &Words) -> bool {
    let plain = |recorded: &[u8], now: &[u8]| {
        let texts = (std::str::from_utf8(recorded), std::str::from_utf8(now));
        recorded == now || matches!(texts, (Ok(a), Ok(b)) if json::same_text(a, b))
    };
    match (framed(recorded), framed(now)) {
        (Some((recorded_id, recorded)), Some((id, now))) => {
            let known = words.schema(recorded_id);
            known.is_none_or(|known| known == id) && plain(recorded, now)
        }
        _ => plain(recorded, now),
    }
}

/// The id of a schema, and what stands behind it, of bytes in the registry's wire format.
fn framed(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<5>()?;
    let [0, id @ ..] = head else {
        return None;
    };
    Some((u64::from(u32::from_be_bytes(*id)), rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(recorded: &Value, change: impl Fn(&mut Record)) -> Vec<String> {
        let mut record = Record {
            key: Some(b"\0\0\0\0\x01{\"a\": 1}".to_vec()),
            timestamp: Some(5),
            headers: vec![("h".into(), Some(b"v".to_vec())), ("n".into(), None)],
            ..Record::value(0, "1.0")
        };
        change(&mut record);
        let mut words = Words::default();
        words.learn(&json!({"schema_id": 7}), &json!({"schema_id": 1}));
        let mut findings = Findings::new("f", "a");
        compare_record(recorded, &record, &words, &mut findings);
        findings.list.into_iter().map(|one| one.fact).collect()
    }

    #[test]
    fn every_fact_counts() {
        let recorded = json!({"key": "\0\0\0\0\x07{\"a\":1}", "value": "1", "headers": [["h", "v"], ["n", null]], "timestamp": 5});
        assert_eq!(facts(&recorded, |_| {}), [""; 0]);
        assert_eq!(
            facts(&recorded, |record| record
                .key
                .as_mut()
                .into_iter()
                .for_each(|key| key[4] = 2)),
            ["key"]
        );
        assert_eq!(facts(&recorded, |record| record.value = None), ["value"]);
        assert_eq!(
            facts(&recorded, |record| record.headers.swap(0, 1)),
            ["headers"]
        );
        assert_eq!(
            facts(&recorded, |record| record.timestamp = Some(6)),
            ["timestamp"]
        );
    }
}
