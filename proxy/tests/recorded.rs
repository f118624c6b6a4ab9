//! Recorded produce requests with schemas and of v3, replayed against the development broker and registry: status and
//! body of each, times and offsets aside.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::HashMap;
use std::path::Path;

use dev_services::registry::{Registry, RegistryOptions};
use http::Method;
use serde_json::{Value, json};
use support::{Running, kafka, start};

fn calls(file: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol-tests/golden/rest");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let section: Value = serde_json::from_str(&text).unwrap();
    section["calls"].as_array().unwrap().clone()
}

/// Ids of schemas as recorded, and as this registry gave them.
#[derive(Default)]
struct Ids(HashMap<i64, i64>);

const ID_FIELDS: [&str; 3] = ["key_schema_id", "value_schema_id", "schema_id"];

impl Ids {
    /// A recorded body with this registry's ids.
    fn translate(&self, body: &str) -> String {
        let mut body = body.to_owned();
        for field in ID_FIELDS {
            let mut known: Vec<_> = self.0.iter().collect();
            known.sort();
            for (recorded, found) in known {
                for end in [',', '}'] {
                    let from = format!("\"{field}\":{recorded}{end}");
                    if body.contains(&from) {
                        body = body.replace(&from, &format!("\"{field}\":{found}{end}"));
                        return body;
                    }
                }
            }
        }
        body
    }

    /// Takes ids out of two answers, and remembers that they mean the same.
    fn learn(&mut self, recorded: &mut Value, found: &mut Value) {
        for field in ID_FIELDS {
            let pair = (recorded.get(field), found.get(field));
            if let (Some(Value::Number(old)), Some(Value::Number(new))) = pair {
                let known = self.0.insert(old.as_i64().unwrap(), new.as_i64().unwrap());
                assert!(
                    known.is_none() || known == new.as_i64(),
                    "{recorded} {found}"
                );
                recorded[field] = Value::Null;
                found[field] = Value::Null;
            }
        }
        for side in ["key", "value"] {
            if let (Some(recorded), Some(found)) = (recorded.get_mut(side), found.get_mut(side)) {
                self.learn(recorded, found);
            }
        }
    }
}

/// A body without what differs from run to run: times, offsets, and the partitions of records without a key.
fn plain(text: &str, keyed: bool) -> Vec<Value> {
    let objects = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let clean = |object: Result<Value, _>| {
        let mut object: Value = object.unwrap();
        let varying = ["timestamp", "offset", "partition_id"];
        let varying = &varying[..if keyed { 2 } else { 3 }];
        let forget = |entry: &mut Value| {
            for field in varying {
                if entry.get(field).is_some_and(|value| !value.is_null()) {
                    entry[field] = Value::from("varies");
                }
            }
        };
        forget(&mut object);
        for list in ["offsets", "successes"] {
            let entries = object.get_mut(list).and_then(Value::as_array_mut);
            entries.into_iter().flatten().for_each(forget);
        }
        object
    };
    objects.map(clean).collect()
}

/// Replays a call; what differs, if anything does.
async fn replay(proxy: &Running, call: &Value, ids: &mut Ids) -> Option<String> {
    let (request, recorded) = (&call["request"], &call["response"]);
    let headers = &request["headers"];
    let accepted = headers["Accept"].as_str().unwrap_or("application/json");
    // Streams, and what the client of these tests cannot say, are replayed elsewhere.
    if request["stream"] == true || !(accepted == "application/json" || accepted == support::V2) {
        return None;
    }
    let path = request["path"].as_str()?;
    if accepted == support::V2 && path.starts_with("/v3") {
        return None;
    }
    let body = match &request["body"] {
        Value::String(text) => ids.translate(text),
        Value::Null => String::new(),
        _ => return None,
    };
    let method: Method = request["method"].as_str()?.parse().ok()?;
    let media = headers["Content-Type"].as_str();
    let answer = proxy.call(method, path, media, body.as_bytes()).await;
    if recorded.is_null() {
        // Its answer is missing, but what was stored shows the id.
        if call["id"] == "jsonschema-value" {
            ids.learn(&mut json!({"value_schema_id": 7}), &mut answer.json());
        }
        return None;
    }
    let expected = match &recorded["json"] {
        Value::Null => recorded["body"].as_str().unwrap_or_default().to_owned(),
        json => json.to_string(),
    };
    let found = String::from_utf8_lossy(&answer.body).into_owned();
    let keyed = body.contains("\"key\"");
    let (mut want, mut have) = (plain(&expected, keyed), plain(&found, keyed));
    for (want, have) in want.iter_mut().zip(&mut have) {
        ids.learn(want, have);
    }
    let same = answer.status == recorded["status"] && want == have;
    (!same).then(|| {
        let (id, status) = (&call["id"], &recorded["status"]);
        format!(
            "{id}\n  found    {} {found}\n  recorded {status} {expected}",
            answer.status
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_as_recorded() {
    let kafka = kafka(true).await;
    kafka.create("gt-cfa-multi", 3).await;
    let registry = Registry::start(RegistryOptions::default()).await.unwrap();
    let settings = format!(
        "schema.registry.url={}\nproducer.max.block.ms=4000\n",
        registry.url()
    );
    let proxy = start(&kafka.bootstrap(), &settings).await;
    let (mut differences, mut ids) = (Vec::new(), Ids::default());
    for file in ["07-produce-schemas.json", "11-v3-records.json"] {
        for call in calls(file) {
            differences.extend(replay(&proxy, &call, &mut ids).await);
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
