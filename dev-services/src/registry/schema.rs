//! Schemas as they are sent, turned into what is kept: canonical text, references checked. What is no schema is refused
//! in the words that clients of Confluent's registry know.

use serde_json::Value;

use super::answer::Refusal;
use super::state::{Kind, Reference, Schema, State};
use super::subjects::{Sent, Wanted};
use super::{avro, protobuf};

/// Texts of the schemas that one refers to, those of their references first.
pub(super) type Resolved = Vec<(Reference, String)>;

/// Parses a schema.
pub(super) fn parse(state: &State, subject: &str, sent: &Sent) -> Result<Schema, Refusal> {
    if sent.text.trim().is_empty() {
        return Err(Refusal::invalid_schema("Empty schema".to_owned()));
    }
    let invalid = |details: String| Refusal::invalid_schema(words(subject, sent, &details));
    let resolved = resolve(state, &sent.references).map_err(invalid)?;
    let text = match sent.kind {
        Kind::Avro => avro::canonical(&sent.text, &resolved),
        Kind::Json => json(&sent.text),
        Kind::Protobuf => protobuf::canonical(&sent.text, &resolved),
    };
    Ok(Schema {
        kind: sent.kind,
        text: text.map_err(invalid)?,
        references: sent.references.clone(),
    })
}

fn json(text: &str) -> Result<String, String> {
    let invalid = || format!("Invalid JSON {text}");
    let value: Value = serde_json::from_str(text).map_err(|_| invalid())?;
    match value {
        Value::Object(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(invalid()),
    }
}

/// Finds what a schema refers to, and what that refers to.
pub(super) fn resolve(state: &State, references: &[Reference]) -> Result<Resolved, String> {
    let mut resolved = Resolved::new();
    add(state, references, &mut resolved)?;
    Ok(resolved)
}

fn add(state: &State, references: &[Reference], resolved: &mut Resolved) -> Result<(), String> {
    for reference in references {
        let Reference {
            subject, version, ..
        } = reference;
        let wanted = Wanted::of(&version.to_string());
        let found = wanted.and_then(|wanted| state.version(subject, wanted, true));
        let found = found.map_err(|_| {
            format!("No schema reference found for subject \"{subject}\" and version {version}")
        })?;
        if resolved
            .iter()
            .any(|(known, _)| known.name == reference.name)
        {
            continue;
        }
        add(state, &found.schema.references, resolved)?;
        resolved.push((reference.clone(), found.schema.text));
    }
    Ok(())
}

fn words(subject: &str, sent: &Sent, details: &str) -> String {
    let reference = |one: &Reference| {
        let Reference {
            name,
            subject,
            version,
        } = one;
        format!("{{name='{name}', subject='{subject}', version={version}}}")
    };
    let references: Vec<_> = sent.references.iter().map(reference).collect();
    let (references, kind, text) = (references.join(", "), sent.kind.word(), &sent.text);
    format!(
        "Invalid schema {{subject={subject},version=0,id=-1,schemaType={kind},references=[{references}],\
         metadata=null,ruleSet=null,schema={text},schemaTags=null}} with refs [{references}] of type {kind}, \
         details: {details}"
    )
}
