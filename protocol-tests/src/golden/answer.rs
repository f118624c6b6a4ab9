//! Compares one answer of a REST proxy with the recorded one: status, the headers a client can see the difference of,
//! and the JSON with its order of members. What can't be the same (offsets, broker ids, a Java parser's wording) is
//! compared by its rule (in [`json`]).

mod json;

use std::collections::BTreeSet;

use serde_json::Value;

use super::Findings;
use super::places::{Places, produce_target};
use super::stream;
use crate::http::{Framing, Request, Response};
use crate::parts::Kind;
use json::Comparison;

/// What a comparison has to know beside the two answers.
pub struct Context {
    /// Which parts; the development broker has fewer topic settings.
    pub kind: Kind,
    /// Ids of the brokers.
    pub brokers: Vec<i64>,
    /// Topics that existed before the first call.
    pub topics: BTreeSet<String>,
    /// Ends of the partitions as the answers tell them.
    pub places: Places,
    /// What the names of the run's topics and groups contain.
    pub prefix: String,
}

/// Compares, and counts acknowledged records.
pub fn compare(
    request: &Request,
    recorded: &Value,
    found: &Response,
    context: &mut Context,
    findings: &mut Findings,
) {
    let status = recorded["status"].as_u64().unwrap_or_default();
    findings.compare("status", &status, &u64::from(found.status));
    headers(recorded, found, findings);
    let Some(json) = recorded.get("json") else {
        let body = recorded["body"].as_str().unwrap_or_default();
        let text = found.text().unwrap_or_else(|error| error.to_string());
        let (several, ours) = (stream::objects(body), stream::objects(&text));
        if !several.is_empty() {
            return objects("", &several, &ours, context, findings);
        }
        findings.compare("body", &body, &text.as_str());
        acknowledge(request, found, context, findings);
        return;
    };
    match found.json() {
        Ok(found_json) => {
            let mut comparison = Comparison { context, findings };
            comparison.top(request, json, &found_json);
        }
        Err(error) => findings.add("json", json, error),
    }
    acknowledge(request, found, context, findings);
}

/// Compares objects that came one after the other.
pub fn objects(
    path: &str,
    recorded: &[Value],
    found: &[Value],
    context: &Context,
    findings: &mut Findings,
) {
    findings.compare(
        format!("json:{path} objects"),
        &recorded.len(),
        &found.len(),
    );
    let mut comparison = Comparison { context, findings };
    for (number, (recorded, found)) in recorded.iter().zip(found).enumerate() {
        comparison.value(&format!("{path}/{number}"), recorded, found);
    }
}

/// Counts the records that an answer acknowledges, recorded or not.
pub fn acknowledge(
    request: &Request,
    found: &Response,
    context: &mut Context,
    findings: &mut Findings,
) {
    let Some((topic, _)) = produce_target(&request.path) else {
        return;
    };
    let json = found.json().unwrap_or_default();
    for (index, entry) in json["offsets"].as_array().into_iter().flatten().enumerate() {
        if let (Some(partition), Some(offset)) =
            (entry["partition"].as_i64(), entry["offset"].as_i64())
            && let Some(expected) = context.places.acknowledge(&topic, partition, offset)
        {
            findings.add(format!("json:/offsets/{index}/offset"), expected, offset);
        }
    }
}

fn headers(recorded: &Value, found: &Response, findings: &mut Findings) {
    let header = |name: &str| {
        let headers = recorded["headers"].as_array().into_iter().flatten();
        let mut named = headers.filter(|header| {
            header[0]
                .as_str()
                .is_some_and(|given| given.eq_ignore_ascii_case(name))
        });
        named.next().and_then(|header| header[1].as_str())
    };
    for name in ["content-type", "vary", "cache-control", "content-encoding"] {
        let plain = |value: Option<&str>| {
            value.map_or_else(|| "absent".to_owned(), |value| value.replace("; ", ";"))
        };
        findings.compare(name, &plain(header(name)), &plain(found.header(name)));
    }
    let methods = |value: Option<&str>| -> BTreeSet<String> {
        value
            .into_iter()
            .flat_map(|value| value.split(','))
            .map(|method| method.trim().to_owned())
            .collect()
    };
    findings.compare(
        "allow",
        &methods(header("allow")),
        &methods(found.header("allow")),
    );
    let framing = match (header("transfer-encoding"), header("content-length")) {
        (Some(encoding), _) => encoding,
        (None, Some(_)) => "length",
        (None, None) => "none",
    };
    let found_framing = match found.framing {
        Framing::Chunked(_) => "chunked",
        Framing::Length(_) => "length",
        Framing::None | Framing::Close => "none",
    };
    findings.compare("framing", &framing, &found_framing);
}
