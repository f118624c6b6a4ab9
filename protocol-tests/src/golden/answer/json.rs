//! The JSON of an answer beside the recorded one: members in their order, lists and values, each by its rule.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Context;
use crate::golden::Findings;
use crate::golden::places::produce_target;
use crate::http::Request;
use crate::parts::Kind;

/// Settings of topics that the test brokers set in their own way.
const BROKER_SETTINGS: [&str; 1] = ["retention.ms"];

/// Beginnings of texts that come from the Java program's JSON parser. What is wrong with a text is said in other
/// words by another parser; status and error code are the contract.
const PARSER_TEXTS: [&str; 9] = [
    "Cannot construct instance",
    "Cannot deserialize",
    "Document nesting depth",
    "Illegal",
    "Invalid UTF-8",
    "Non-standard token",
    "Unexpected character",
    "Unexpected end-of-input",
    "Unrecognized token",
];

/// Members that count what other calls wrote.
const COUNTED: [&str; 7] = [
    "log_start_offset",
    "log_end_offset",
    "current_offset",
    "lag",
    "max_lag",
    // Of partitions that lag alike, any.
    "max_lag_partition_id",
    "total_lag",
];

/// A setting whose value is the broker's own affair.
fn is_broker_setting(members: &Map<String, Value>) -> bool {
    let name = members.get("name").and_then(Value::as_str);
    let kind = members.get("kind").and_then(Value::as_str);
    kind == Some("KafkaBrokerConfig")
        || kind == Some("KafkaTopicConfig")
            && name.is_some_and(|name| BROKER_SETTINGS.contains(&name))
}

fn is_v3_list(items: &[Value]) -> bool {
    items
        .iter()
        .any(|item| item["metadata"]["self"].is_string())
}

fn is_v3_record(members: &Map<String, Value>) -> bool {
    members.contains_key("cluster_id")
        && members.contains_key("offset")
        && !members.contains_key("kind")
}

/// Compares the JSON of one answer.
pub(super) struct Comparison<'a> {
    pub(super) context: &'a Context,
    pub(super) findings: &'a mut Findings,
}

impl Comparison<'_> {
    /// Compares the whole answer to `request`.
    pub(super) fn top(&mut self, request: &Request, recorded: &Value, found: &Value) {
        let path = request.path.split('?').next().unwrap_or_default();
        if request.method == "GET" && path.trim_end_matches('/') == "/topics" && recorded.is_array()
        {
            self.topics(recorded, found);
        } else if recorded.get("offsets").is_some() && produce_target(path).is_some() {
            self.produced(request, recorded, found);
        } else {
            self.value("", recorded, found);
        }
    }

    /// The recorded cluster had other topics: of the list only ours are compared.
    fn topics(&mut self, recorded: &Value, found: &Value) {
        let names = |value: &Value| -> Vec<String> {
            let items = value.as_array().into_iter().flatten();
            items
                .map(|item| item.as_str().unwrap_or("?").to_owned())
                .collect()
        };
        let found_names = names(found);
        let unique: BTreeSet<&String> = found_names.iter().collect();
        self.findings
            .compare("json:unique", &found_names.len(), &unique.len());
        for name in names(recorded)
            .iter()
            .filter(|name| self.context.topics.contains(*name))
        {
            if !unique.contains(name) {
                self.findings
                    .add(format!("json:{name}"), "listed", "not listed");
            }
        }
        if unique.contains(&"__consumer_offsets".to_owned()) {
            self.findings
                .add("json:__consumer_offsets", "not listed", "listed");
        }
    }

    fn produced(&mut self, request: &Request, recorded: &Value, found: &Value) {
        self.members("", recorded, found);
        for name in ["key_schema_id", "value_schema_id"] {
            self.value(&format!("/{name}"), &recorded[name], &found[name]);
        }
        let Some((topic, partition)) = produce_target(&request.path) else {
            return;
        };
        let body = request.body.as_deref().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some((recorded, count)) = uncut(&recorded["offsets"]) else {
            return self.value("/offsets", &recorded["offsets"], &found["offsets"]);
        };
        let found = found["offsets"].as_array().cloned().unwrap_or_default();
        self.findings
            .compare("json:/offsets count", &count, &found.len());
        for (index, (recorded, found)) in recorded.iter().zip(&found).enumerate() {
            let placed =
                self.context
                    .places
                    .is_placed(&topic, partition, body["records"].get(index));
            let counted = self.context.places.is_single(&topic);
            self.entry(
                &format!("/offsets/{index}"),
                recorded,
                found,
                placed,
                counted,
            );
        }
    }

    /// One record's result. `placed`: its partition is decided; `counted`: its offset, too.
    fn entry(&mut self, path: &str, recorded: &Value, found: &Value, placed: bool, counted: bool) {
        self.members(path, recorded, found);
        for (name, decided) in [
            ("partition", placed),
            ("offset", counted),
            ("error_code", true),
            ("error", true),
        ] {
            let path = format!("{path}/{name}");
            let (recorded, found) = (&recorded[name], &found[name]);
            if decided || recorded.is_null() != found.is_null() {
                self.value(&path, recorded, found);
            }
        }
    }

    /// Compares a value at `path`.
    pub(super) fn value(&mut self, path: &str, recorded: &Value, found: &Value) {
        let name = path.rsplit('/').next().unwrap_or_default();
        match (name, recorded, found) {
            ("data", Value::Array(recorded), Value::Array(found)) if is_v3_list(recorded) => {
                self.v3_list(path, recorded, found);
            }
            ("timestamp", Value::String(_), Value::String(found)) => self.timestamp(path, found),
            ("host", Value::String(recorded), Value::String(_)) if recorded != "*" => {}
            ("related", Value::String(recorded), Value::String(found))
                if path.ends_with("/max_lag_partition/related") =>
            {
                let folder = |url: &str| url.rsplit_once('/').map(|(url, _)| url.to_owned());
                self.findings
                    .compare(format!("json:{path}"), &folder(recorded), &folder(found));
            }
            ("port", Value::Number(_), Value::Number(_)) => {}
            (_, Value::Number(_), Value::Number(_)) if COUNTED.contains(&name) => {}
            (_, Value::Object(recorded_members), Value::Object(_))
                if is_v3_record(recorded_members) =>
            {
                self.v3_record(path, recorded, found);
            }
            ("configs", Value::Object(recorded), Value::Object(found))
                if !recorded.contains_key("related") =>
            {
                self.configs(recorded, found)
            }
            ("brokers", Value::Array(_), Value::Array(found)) => {
                let ids: Vec<i64> = found.iter().filter_map(Value::as_i64).collect();
                let brokers = self.context.brokers.clone();
                self.findings
                    .compare(format!("json:{path}"), &brokers, &ids);
            }
            ("leader" | "broker", Value::Number(_), Value::Number(found)) => {
                self.broker(path, found.as_i64())
            }
            ("message" | "error", Value::String(recorded), Value::String(found)) => {
                self.message(path, recorded, found)
            }
            (_, Value::Object(members), Value::Object(_)) if is_broker_setting(members) => {
                self.members(path, recorded, found);
            }
            (_, Value::Object(_), Value::Object(found_members)) => {
                self.members(path, recorded, found);
                for (name, value) in found_members {
                    if let Some(recorded) = recorded.get(name) {
                        self.value(&format!("{path}/{name}"), recorded, value);
                    }
                }
            }
            (_, Value::Array(recorded), Value::Array(found)) => {
                self.findings
                    .compare(format!("json:{path} count"), &recorded.len(), &found.len());
                for (index, (recorded, found)) in recorded.iter().zip(found).enumerate() {
                    self.value(&format!("{path}/{index}"), recorded, found);
                }
            }
            _ if recorded != found => self.findings.add(format!("json:{path}"), recorded, found),
            _ => {}
        }
    }

    /// Lists of API version 3: the recorded items must be there, found by their address; the clusters hold other things
    /// beside them. The development broker has fewer settings.
    fn v3_list(&mut self, path: &str, recorded: &[Value], found: &[Value]) {
        let address = |item: &Value| {
            item["metadata"]["self"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        for item in recorded.iter().filter(|item| item.is_object()) {
            let same = found.iter().find(|other| address(other) == address(item));
            let name = address(item)
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            let folder = address(item);
            let folder = folder.strip_suffix(&name).unwrap_or_default();
            let known = found.iter().any(|other| address(other).starts_with(folder));
            let setting = item["kind"]
                .as_str()
                .is_some_and(|kind| kind.ends_with("Config"));
            match same {
                Some(other) => self.value(&format!("{path}/{name}"), item, other),
                None if setting && (self.context.kind == Kind::Embedded || !known) => {}
                None if !address(item).contains(&self.context.prefix) && !setting => {}
                None => self
                    .findings
                    .add(format!("json:{path}/{name}"), "there", "missing"),
            }
        }
    }

    /// A written record: where it lies is decided by the run.
    fn v3_record(&mut self, path: &str, recorded: &Value, found: &Value) {
        self.members(path, recorded, found);
        let topic = recorded["topic_name"].as_str().unwrap_or_default();
        for (name, value) in recorded.as_object().into_iter().flatten() {
            let (path, found) = (format!("{path}/{name}"), &found[name]);
            let moves =
                name == "offset" || name == "partition_id" && !self.context.places.is_single(topic);
            match moves && value.is_number() && found.is_number() {
                true => {}
                false => self.value(&path, value, found),
            }
        }
    }

    fn timestamp(&mut self, path: &str, found: &str) {
        let shape: String = found
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        let plain = shape
            .split('.')
            .next()
            .unwrap_or_default()
            .trim_end_matches('Z');
        if plain != "0000-00-00T00:00:00" || !shape.ends_with('Z') {
            self.findings.add(format!("json:{path}"), "a time", found);
        }
    }

    /// The recorded cluster had other ids: ours has to be one of ours.
    fn broker(&mut self, path: &str, found: Option<i64>) {
        if !found.is_some_and(|id| self.context.brokers.contains(&id)) {
            self.findings.add(
                format!("json:{path}"),
                "a broker's id",
                format!("{found:?}"),
            );
        }
    }

    /// Members and their order.
    fn members(&mut self, path: &str, recorded: &Value, found: &Value) {
        let names = |value: &Value| -> Vec<String> {
            value
                .as_object()
                .map(|members| members.keys().cloned().collect())
                .unwrap_or_default()
        };
        self.findings.compare(
            format!("json:{path} members"),
            &names(recorded),
            &names(found),
        );
    }

    fn message(&mut self, path: &str, recorded: &str, found: &str) {
        if PARSER_TEXTS.iter().any(|text| recorded.starts_with(text)) {
            if found.trim().is_empty() {
                self.findings
                    .add(format!("json:{path}"), recorded, "an empty text");
            }
            return;
        }
        let (recorded, found) = (timeless(recorded), timeless(found));
        self.findings
            .compare(format!("json:{path}"), &recorded, &found);
    }

    /// Settings of a topic: on a real broker the same names and values, on the development broker those it has.
    fn configs(&mut self, recorded: &Map<String, Value>, found: &Map<String, Value>) {
        let real = self.context.kind == Kind::Real;
        for name in recorded
            .keys()
            .filter(|name| real && !found.contains_key(*name))
        {
            self.findings
                .add(format!("json:/configs/{name}"), "there", "missing");
        }
        if !found.contains_key("cleanup.policy") {
            self.findings
                .add("json:/configs/cleanup.policy", "there", "missing");
        }
        for (name, value) in found
            .iter()
            .filter(|(name, _)| !BROKER_SETTINGS.contains(&name.as_str()))
        {
            match recorded.get(name) {
                None if real => {
                    self.findings
                        .add(format!("json:/configs/{name}"), "missing", value)
                }
                Some(recorded) if recorded != value => {
                    self.findings
                        .add(format!("json:/configs/{name}"), recorded, value);
                }
                _ => {}
            }
        }
    }
}

/// `… after 4000 ms.` → `… after N ms.`: how long the recorded program waited was a setting.
fn timeless(text: &str) -> String {
    let Some((before, after)) = text.split_once(" after ") else {
        return text.to_owned();
    };
    let rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
    format!("{before} after N{rest}")
}

/// The recorded entries of a list, and how many there were before the list was cut
/// (`"... 997 more of this shape"`).
fn uncut(list: &Value) -> Option<(Vec<Value>, usize)> {
    let mut list = list.as_array()?.clone();
    let more = list
        .last()
        .and_then(Value::as_str)
        .and_then(|text| text.strip_prefix("... "));
    let Some(more) = more
        .and_then(|text| text.split(' ').next())
        .and_then(|count| count.parse::<usize>().ok())
    else {
        let count = list.len();
        return Some((list, count));
    };
    list.pop();
    let count = list.len() + more;
    Some((list, count))
}
