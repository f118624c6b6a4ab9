//! What a connector has done, compared with what the recorded one did: objects (keys, bodies, types, parts), committed
//! offsets, states.

use std::collections::BTreeMap;

use serde_json::Value;

use super::schemas::Ids;
use super::{Findings, dead_letters, objects};
use crate::kafka::Record;
use crate::s3::Object;

/// What became of one connector.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Status of its creation.
    pub status: u16,
    /// The message, if it was refused.
    pub message: String,
    /// Its objects.
    pub objects: Vec<Object>,
    /// Sizes of the parts of each object, where the store can tell.
    pub parts: BTreeMap<String, Vec<i64>>,
    /// Committed offset by topic and partition.
    pub committed: BTreeMap<(String, i64), i64>,
    /// State and trace of each task.
    pub tasks: Vec<(String, String)>,
    /// Uploads still open, where the store can tell.
    pub open_uploads: Option<usize>,
    /// Tags by key, where they are compared.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// The answer of `GET /connectors/<name>/offsets`.
    pub rest_offsets: Value,
    /// What lies in the dead-letter topic.
    pub dead_letters: Vec<Record>,
}

/// Compares an outcome with a recorded case.
pub fn compare(recorded: &Value, ids: &Ids, found: &Outcome, findings: &mut Findings) {
    let status = recorded["create_status"].as_u64().unwrap_or_default();
    findings.compare("status of creation", &status, &u64::from(found.status));
    let message = recorded["create_response"]["message"]
        .as_str()
        .unwrap_or_default();
    findings.compare("message of creation", &message, &found.message.as_str());
    if status != 201 || found.status != 201 {
        return;
    }
    objects::compare(recorded, found, findings);
    committed(recorded, found, findings);
    let offsets = |answer: &Value| rest_offsets(answer);
    findings.compare(
        "offsets over REST",
        &offsets(&recorded["rest_offsets"]),
        &offsets(&found.rest_offsets),
    );
    tasks(recorded, ids, found, findings);
    let case = recorded["case"].as_str().unwrap_or_default();
    if let Err(error) =
        dead_letters::compare(&recorded["dlq"], case, ids, &found.dead_letters, findings)
    {
        findings.add("dead letters", &recorded["dlq"], error);
    }
    if let Some(open) = found.open_uploads {
        let recorded = recorded["open_multipart_uploads"]
            .as_u64()
            .unwrap_or_default();
        findings.compare("open uploads", &recorded, &(open as u64));
    }
}

fn committed(recorded: &Value, found: &Outcome, findings: &mut Findings) {
    let mut expected = BTreeMap::new();
    for entry in recorded["committed_offsets"]
        .as_array()
        .into_iter()
        .flatten()
    {
        if let (Some(topic), Some(partition), Some(offset)) =
            (entry[0].as_str(), entry[1].as_i64(), entry[2].as_i64())
        {
            expected.insert((topic.to_owned(), partition), offset);
        }
    }
    // "Nothing committed" and "committed where it began" are the same to whoever reads on.
    let moved = found
        .committed
        .iter()
        .filter(|(place, offset)| **offset > 0 || expected.contains_key(*place));
    let moved: BTreeMap<_, _> = moved
        .map(|(place, offset)| (place.clone(), *offset))
        .collect();
    findings.compare("committed", &expected, &moved);
}

/// `topic partition` → offset. Where nothing was committed and where reading began are the same.
fn rest_offsets(answer: &Value) -> Option<BTreeMap<String, i64>> {
    let entries = answer["offsets"].as_array()?;
    let entry = |entry: &Value| {
        let partition = &entry["partition"];
        let place = format!(
            "{} {}",
            partition["kafka_topic"], partition["kafka_partition"]
        );
        (
            place,
            entry["offset"]["kafka_offset"].as_i64().unwrap_or(-1),
        )
    };
    Some(
        entries
            .iter()
            .map(entry)
            .filter(|(_, offset)| *offset != 0)
            .collect(),
    )
}

/// States, the first line of the trace, and the causes in it.
fn tasks(recorded: &Value, ids: &Ids, found: &Outcome, findings: &mut Findings) {
    let recorded = recorded["task_states"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    findings.compare("tasks", &recorded.len(), &found.tasks.len());
    for (recorded, (state, trace)) in recorded.iter().zip(&found.tasks) {
        let id = &recorded["id"];
        findings.compare(
            format!("task {id} state"),
            &recorded["state"].as_str(),
            &Some(state.as_str()),
        );
        let errors = recorded["errors"].as_array().cloned().unwrap_or_default();
        let mut lines = errors
            .iter()
            .filter_map(Value::as_str)
            .map(|line| ids.worded(line));
        let first = lines.next().unwrap_or_default();
        findings.compare(
            format!("task {id} error"),
            &request_free(&first),
            &request_free(trace.lines().next().unwrap_or_default()),
        );
        if let Some(cause) = lines.find(|line| line.starts_with("Caused by: "))
            && !trace
                .lines()
                .any(|line| request_free(line) == request_free(&cause))
        {
            findings.add(format!("task {id} cause"), cause, trace);
        }
    }
}

/// Whether two JSON values have the same members in the same order with values of the same types. Versions and ids are
/// the program's and the cluster's own.
#[must_use]
pub fn same_shape(recorded: &Value, found: &Value) -> bool {
    match (recorded, found) {
        (Value::Object(recorded), Value::Object(found)) => {
            recorded.keys().eq(found.keys())
                && recorded
                    .values()
                    .zip(found.values())
                    .all(|(l, r)| same_shape(l, r))
        }
        (Value::Array(recorded), Value::Array(found)) => {
            recorded.len() == found.len()
                && recorded.iter().zip(found).all(|(l, r)| same_shape(l, r))
        }
        _ => std::mem::discriminant(recorded) == std::mem::discriminant(found),
    }
}

/// A store's error text without the ids of the request and its last full stop.
fn request_free(line: &str) -> &str {
    let text = line.split(" (Service: S3").next().unwrap_or(line);
    text.trim_end_matches('.')
}

#[cfg(test)]
mod tests;
