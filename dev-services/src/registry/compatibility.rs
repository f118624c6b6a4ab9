//! Whether a schema may follow those of its subject: which versions are compared, and in which direction.

use protox::file::File;
use serde_json::Value;

use super::answer::Refusal;
use super::schema::resolve;
use super::state::{Kind, Schema, State};
use super::subjects::Registered;
use super::{avro_compatibility, json_compatibility, protobuf, protobuf_compatibility};

/// A compatibility level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    word: &'static str,
    /// The new schema must read what the old one wrote.
    backward: bool,
    /// The old schema must read what the new one writes.
    forward: bool,
    /// Every version counts, not the last one only.
    transitive: bool,
}

const fn level(word: &'static str, backward: bool, forward: bool, transitive: bool) -> Level {
    Level {
        word,
        backward,
        forward,
        transitive,
    }
}

const LEVELS: [Level; 7] = [
    Level::BACKWARD,
    level("NONE", false, false, false),
    level("FORWARD", false, true, false),
    level("FULL", true, true, false),
    level("BACKWARD_TRANSITIVE", true, false, true),
    level("FORWARD_TRANSITIVE", false, true, true),
    level("FULL_TRANSITIVE", true, true, true),
];

impl Level {
    /// What counts unless another one is set.
    pub(super) const BACKWARD: Self = level("BACKWARD", true, false, false);

    /// The level of a word, in any case.
    pub(super) fn of(word: &str) -> Option<Self> {
        LEVELS
            .into_iter()
            .find(|level| level.word.eq_ignore_ascii_case(word))
    }

    /// Its word.
    pub(super) fn word(self) -> &'static str {
        self.word
    }
}

/// What stands in the way of a schema in a subject, or in the way of following one version; empty if nothing does.
pub(super) fn details(
    state: &State,
    subject: &str,
    schema: &Schema,
    level: Level,
    only: Option<u32>,
) -> Result<Vec<String>, Refusal> {
    let numbers = state.live(subject).unwrap_or_default();
    let mut numbers: Vec<u32> = numbers.iter().map(|version| version.number).collect();
    numbers.reverse();
    match only {
        Some(number) => numbers = vec![number],
        None if !level.transitive => numbers.truncate(1),
        None => {}
    }
    for number in numbers {
        let old = state.version(subject, super::subjects::Wanted::Number(number), false)?;
        let mut found = between(state, schema, &old, level);
        if !found.is_empty() {
            found.push(format!("{{oldSchemaVersion: {number}}}"));
            found.push(format!("{{oldSchema: '{}'}}", old.schema.text));
            found.push(format!(
                "{{validateFields: 'false', compatibility: '{}'}}",
                level.word
            ));
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

fn between(state: &State, new: &Schema, old: &Registered, level: Level) -> Vec<String> {
    if !level.backward && !level.forward {
        return Vec::new();
    }
    let old = &old.schema;
    if new.kind != old.kind {
        return vec!["Incompatible because of different schema type".to_owned()];
    }
    let mut found = Vec::new();
    if level.backward {
        found.extend(obstacles(state, new, old));
    }
    if level.forward {
        found.extend(obstacles(state, old, new));
    }
    found
}

/// What stands in the way of reading with one schema what the other one wrote.
fn obstacles(state: &State, reader: &Schema, writer: &Schema) -> Vec<String> {
    match reader.kind {
        Kind::Avro => avro_compatibility::obstacles(&trees(state, reader), &trees(state, writer)),
        Kind::Json => match (trees(state, reader).last(), trees(state, writer).last()) {
            (Some(new), Some(old)) => json_compatibility::obstacles(new, old),
            _ => Vec::new(),
        },
        Kind::Protobuf => match (compiled(state, reader), compiled(state, writer)) {
            (Ok(new), Ok(old)) => protobuf_compatibility::obstacles(
                new.file_descriptor_proto(),
                old.file_descriptor_proto(),
            ),
            (Err(error), _) | (_, Err(error)) => vec![error],
        },
    }
}

fn compiled(state: &State, schema: &Schema) -> Result<File, String> {
    let resolved = resolve(state, &schema.references)?;
    protobuf::compile(&schema.text, &resolved)
}

/// The schema as JSON, after those that it refers to.
fn trees(state: &State, schema: &Schema) -> Vec<Value> {
    let resolved = resolve(state, &schema.references).unwrap_or_default();
    let texts = resolved.iter().map(|(_, text)| text).chain([&schema.text]);
    texts
        .filter_map(|text| serde_json::from_str(text).ok())
        .collect()
}
