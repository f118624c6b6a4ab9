//! The recordings of the REST proxy: sections of calls that are sent again in their order. Calls whose answer was not
//! recorded are sent, too, because they change what follows.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::answer::{Context, acknowledge, compare, objects};
use super::places::produce_target;
use super::stream::{self, Exchange};
use super::words::Words;
use super::{Findings, Mismatch, load};
use crate::http::{Client, Request, Response};
use crate::openapi::Description;

/// One recorded call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its id in the section.
    pub id: String,
    /// As it was sent.
    pub request: Request,
    /// As it was answered, unless that was left out of the recording.
    pub response: Option<Value>,
    /// Chunks of a streamed call with their answers.
    pub exchanges: Vec<Exchange>,
}

/// One file of calls.
#[derive(Debug, Clone)]
pub struct Section {
    /// File below `golden/`.
    pub file: String,
    /// In their order.
    pub calls: Vec<Call>,
    /// `vars` of the recording.
    pub vars: Value,
}

/// Places of acknowledged records, recorded and found: (topic, recorded partition and offset) → found ones.
pub type Moves = BTreeMap<(String, i64, i64), (i64, i64)>;

impl Section {
    /// Reads a section. `replace` changes words of the recorded run (its prefix, its base URL) into those of this one.
    ///
    /// # Errors
    /// There is no such section.
    pub fn load(file: &str, replace: &[(&str, &str)]) -> Result<Self> {
        let section = load(file, replace)?;
        let calls = section["calls"].as_array().context("no calls")?;
        Ok(Self {
            file: file.to_owned(),
            calls: calls.iter().map(read_call).collect::<Result<_>>()?,
            vars: section["vars"].clone(),
        })
    }

    /// Sends every call and compares what comes back. `moves` collects where records landed, `words` what is called
    /// otherwise in this run.
    ///
    /// # Errors
    /// The proxy can't be called.
    pub async fn replay(
        &self,
        client: &Client,
        context: &mut Context,
        moves: &mut Moves,
        words: &mut Words,
    ) -> Result<Vec<Mismatch>> {
        let mut all = Vec::new();
        let description = Description::fetch(client).await?;
        for call in &self.calls {
            if let Some(recorded) = &call.response {
                words.note_schema(&call.request, &recorded["json"]);
            }
        }
        for call in &self.calls {
            let mut findings = Findings::new(&self.file, &call.id);
            let outcome = call
                .replay(
                    client,
                    context,
                    moves,
                    words,
                    &mut findings,
                    description.as_ref(),
                )
                .await;
            outcome.with_context(|| format!("{} {}", self.file, call.id))?;
            all.extend(findings.list);
        }
        Ok(all)
    }

    /// Takes the calls from one of an id on into a section of their own.
    #[must_use]
    pub fn split_off(&mut self, id: &str) -> Option<Self> {
        let at = self.calls.iter().position(|call| call.id == id)?;
        Some(Self {
            file: self.file.clone(),
            calls: self.calls.split_off(at),
            vars: self.vars.clone(),
        })
    }

    /// Whether each call is equal but for explained differences, by `<file> <call>`; calls without a recorded answer
    /// are left out.
    pub fn results(&self, unexplained: &[&Mismatch]) -> BTreeMap<String, bool> {
        let recorded = self.calls.iter().filter(|call| call.response.is_some());
        let result = |call: &Call| {
            let differs = unexplained
                .iter()
                .any(|one| one.file == self.file && one.at == call.id);
            (format!("{} {}", self.file, call.id), differs)
        };
        recorded.map(result).collect()
    }
}

impl Call {
    async fn replay(
        &self,
        client: &Client,
        context: &mut Context,
        moves: &mut Moves,
        words: &mut Words,
        findings: &mut Findings,
        description: Option<&Description>,
    ) -> Result<()> {
        let request = words.request(&self.request);
        if !self.exchanges.is_empty() {
            return self
                .replay_stream(client, &request, context, words, findings)
                .await;
        }
        let found = client.call(&request).await?;
        if let Some(Err(error)) = description.map(|one| one.check(&request, &found)) {
            findings.add("openapi.json", "as described", error);
        }
        match &self.response {
            Some(recorded) => {
                words.learn(&recorded["json"], &found.json().unwrap_or_default());
                let recorded = words.answer(recorded);
                note_moves(self, &recorded, &found, moves);
                compare(&request, &recorded, &found, context, findings);
            }
            None => {
                show(&self.id, &request, &found);
                words.learn_unrecorded(&self.request, &found.json().unwrap_or_default());
                acknowledge(&request, &found, context, findings);
            }
        }
        Ok(())
    }

    async fn replay_stream(
        &self,
        client: &Client,
        request: &Request,
        context: &Context,
        words: &Words,
        findings: &mut Findings,
    ) -> Result<()> {
        let found = stream::converse(client, request, &self.exchanges).await?;
        for (number, (exchange, found)) in self.exchanges.iter().zip(&found).enumerate() {
            let recorded = stream::objects(&words.text(&exchange.received));
            objects(
                &format!("/{number}"),
                &recorded,
                &stream::objects(found),
                context,
                findings,
            );
        }
        Ok(())
    }
}

/// With `SLUICEWAY_SHOW_UNRECORDED` set: prints the answer to a call whose own answer was left out of the recording, so
/// that it can be read against the specification.
fn show(id: &str, request: &Request, found: &Response) {
    if std::env::var_os("SLUICEWAY_SHOW_UNRECORDED").is_none() {
        return;
    }
    let body = String::from_utf8_lossy(&found.body);
    let cut: String = body.chars().take(700).collect();
    println!(
        "UNRECORDED {id}: {} {}\n  {} {:?} {:?}\n  {cut}",
        request.method, request.path, found.status, found.headers, found.framing
    );
}

fn note_moves(call: &Call, recorded: &Value, found: &Response, moves: &mut Moves) {
    let Some((topic, _)) = produce_target(&call.request.path) else {
        return;
    };
    let place = |entry: &Value| Some((entry["partition"].as_i64()?, entry["offset"].as_i64()?));
    let found = found.json().unwrap_or_default();
    let found = found["offsets"].as_array().cloned().unwrap_or_default();
    let recorded = recorded["json"]["offsets"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for (recorded, found) in recorded.iter().zip(&found) {
        if let (Some((partition, offset)), Some(found)) = (place(recorded), place(found)) {
            moves.insert((topic.clone(), partition, offset), found);
        }
    }
}

fn read_call(call: &Value) -> Result<Call> {
    let id = call["id"].as_str().context("a call without id")?;
    let request = &call["request"];
    let text = |name: &str| {
        request[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("{id}: no {name}"))
    };
    let headers = request["headers"]
        .as_object()
        .with_context(|| format!("{id}: no headers"))?;
    let header = |(name, value): (&String, &Value)| {
        (name.clone(), value.as_str().unwrap_or_default().to_owned())
    };
    Ok(Call {
        id: id.to_owned(),
        request: Request {
            method: text("method")?,
            path: text("path")?,
            headers: headers.iter().map(header).collect(),
            body: read_body(&request["body"]).with_context(|| id.to_owned())?,
        },
        response: call.get("response").cloned(),
        exchanges: stream::exchanges(&call["events"]),
    })
}

/// A body: text, base64 bytes, or the beginning of a text that was too long to keep.
fn read_body(body: &Value) -> Result<Option<Vec<u8>>> {
    match body {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone().into_bytes())),
        Value::Object(long) => {
            if let Some(bytes) = long.get("base64").and_then(Value::as_str) {
                return Ok(Some(STANDARD.decode(bytes)?));
            }
            let prefix = long["text_prefix"].as_str().context("no text_prefix")?;
            let length = usize::try_from(long["length"].as_u64().context("no length")?)?;
            grow(prefix, length).map(Some)
        }
        other => bail!("a body of another kind: {other}"),
    }
}

/// The long bodies of the recordings are envelopes around strings of one repeated character. Which ones follows from
/// the beginning and the length.
fn grow(prefix: &str, length: usize) -> Result<Vec<u8>> {
    let string =
        |character: &str, count: usize| format!("{{\"value\":\"{}\"}}", character.repeat(count));
    let envelope = |records: &[String]| format!("{{\"records\":[{}]}}", records.join(","));
    let bodies = [
        envelope(&[string("x", 1_200_000)]),
        envelope(&[
            string("small", 1),
            string("x", 1_200_000),
            string("small2", 1),
        ]),
        envelope(&[
            string("y", 900_000),
            string("y", 900_000),
            string("y", 900_000),
        ]),
    ];
    let record = format!(
        "{{\"value\":{{\"type\":\"STRING\",\"data\":\"{}\"}}}}",
        "x".repeat(1_200_000)
    );
    let body = bodies
        .into_iter()
        .chain([record])
        .find(|body| body.len() == length && body.starts_with(prefix));
    Ok(body
        .with_context(|| format!("a body of {length} bytes that begins with {prefix}"))?
        .into_bytes())
}

#[cfg(test)]
mod tests;
