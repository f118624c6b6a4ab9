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
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{Section, compare};
    use crate::golden::Findings;
    use crate::golden::answer::Context;
    use crate::golden::places::{Places, produce_target};
    use crate::http::{Framing, Response};
    use crate::parts::Kind;

    const SECTIONS: [&str; 8] = [
        "rest/01-root-and-http.json",
        "rest/02-accept.json",
        "rest/03-metadata.json",
        "rest/04-produce-json.json",
        "rest/05-produce-binary.json",
        "rest/06-content-type.json",
        "rest/13-noauto-unknown-topic.json",
        "rest/14-extras.json",
    ];

    fn context() -> Context {
        let mut places = Places::default();
        places.topic("gt-cfa-json", 1);
        places.forget("gt-cfa-json");
        places.forget("gt-cfa-multi");
        places.forget("gt-cfa-bin");
        places.forget("gt-cfd-multi");
        let topics = ["gt-cfa-json", "gt-cfa-multi"].map(str::to_owned);
        Context {
            kind: Kind::Real,
            brokers: vec![1],
            topics: BTreeSet::from(topics),
            places,
            prefix: "gt-cfa".into(),
        }
    }

    /// The recorded answer as if it had just come in; a list that was cut is filled up.
    fn replayed(recorded: &Value) -> Response {
        let headers: Vec<(String, String)> =
            serde_json::from_value(recorded["headers"].clone()).unwrap();
        let has = |wanted: &str| headers.iter().any(|(name, _)| name == wanted);
        let framing = match (has("Transfer-Encoding"), has("Content-Length")) {
            (true, _) => Framing::Chunked(vec![]),
            (_, true) => Framing::Length(0),
            _ => Framing::None,
        };
        let headers = headers
            .into_iter()
            .filter(|(name, _)| name != "Content-Encoding")
            .collect();
        let mut json = recorded.get("json").cloned();
        let list = json.as_mut().and_then(|json| json.get_mut("offsets"));
        if let Some(list) = list.and_then(Value::as_array_mut)
            && list.last().is_some_and(Value::is_string)
        {
            let entry = list[0].clone();
            list.pop();
            list.resize(1000, entry);
        }
        let text = json.map_or_else(
            || recorded["body"].as_str().unwrap_or_default().to_owned(),
            |json| json.to_string(),
        );
        Response {
            status: u16::try_from(recorded["status"].as_u64().unwrap()).unwrap(),
            headers,
            framing,
            body: text.into_bytes(),
            informational: 0,
        }
    }

    /// Facts that differ when every recorded answer of a section is changed by `change` before it is compared.
    fn facts(file: &str, change: impl Fn(&mut Response)) -> Vec<(String, String)> {
        let section = Section::load(file, &[]).unwrap();
        let mut context = context();
        let mut facts = Vec::new();
        for call in &section.calls {
            let Some(recorded) = &call.response else {
                continue;
            };
            if !call.exchanges.is_empty() {
                continue;
            }
            let mut found = replayed(recorded);
            change(&mut found);
            let mut findings = Findings::new(file, &call.id);
            compare(&call.request, recorded, &found, &mut context, &mut findings);
            // A gzip answer can't be made up again from its recording.
            findings.list.retain(|one| one.fact != "content-encoding");
            facts.extend(findings.list.into_iter().map(|one| (one.at, one.fact)));
        }
        facts
    }

    fn change_json(found: &mut Response, change: impl Fn(&mut Value)) {
        if let Ok(mut json) = found.json() {
            change(&mut json);
            found.body = json.to_string().into_bytes();
        }
    }

    #[test]
    fn a_recording_is_equal_to_itself() {
        for file in SECTIONS {
            assert_eq!(facts(file, |_| {}), [], "{file}");
        }
    }

    #[test]
    fn every_recorded_answer_is_compared() {
        for file in SECTIONS {
            let calls = Section::load(file, &[]).unwrap().calls;
            let recorded: Vec<_> = calls
                .iter()
                .filter(|call| call.response.is_some())
                .map(|call| &call.id)
                .collect();
            let changed = facts(file, |found| found.status += 1);
            let changed: Vec<_> = changed
                .iter()
                .filter(|(_, fact)| fact == "status")
                .map(|(at, _)| at)
                .collect();
            assert_eq!(changed, recorded, "{file}");
            let framed = facts(file, |found| found.framing = Framing::None);
            assert!(framed.len() >= recorded.len() - 1, "{file}: {framed:?}");
        }
    }

    #[test]
    fn a_changed_error_is_found() {
        let file = "rest/03-metadata.json";
        let codes = facts(file, |found| {
            change_json(found, |json| {
                if json.get("error_code").is_some() {
                    json["error_code"] = json!(1)
                }
            })
        });
        assert!(
            codes.len() > 5 && codes.iter().all(|(_, fact)| fact == "json:/error_code"),
            "{codes:?}"
        );
        let texts = facts(file, |found| {
            change_json(found, |json| {
                if json.get("message").is_some() {
                    json["message"] = json!("no")
                }
            })
        });
        assert_eq!(texts.len(), codes.len());
        let order = facts(file, |found| {
            change_json(found, |json| {
                if let Some(code) = json
                    .as_object_mut()
                    .and_then(|members| members.shift_remove("error_code"))
                {
                    json["error_code"] = code;
                }
            })
        });
        assert_eq!(order.len(), codes.len(), "{order:?}");
    }

    #[test]
    fn a_changed_type_is_found() {
        let changed = facts("rest/02-accept.json", |found| {
            found.headers.retain(|(name, _)| name != "Content-Type");
        });
        assert!(
            changed.len() > 10 && changed.iter().all(|(_, fact)| fact == "content-type"),
            "{changed:?}"
        );
    }

    #[test]
    fn a_changed_result_of_a_record_is_found() {
        for (name, value) in [
            ("partition", json!(null)),
            ("offset", json!(null)),
            ("error_code", json!(1)),
            ("error", json!("no")),
        ] {
            let changed = facts("rest/04-produce-json.json", |found| {
                change_json(found, |json| {
                    if json.get("offsets").is_some() {
                        json["offsets"][0][name] = value.clone()
                    }
                })
            });
            assert!(changed.len() > 15, "{name}: {changed:?}");
        }
    }

    #[test]
    fn a_parser_may_use_its_own_words_but_no_other_code() {
        let own = facts("rest/04-produce-json.json", |found| {
            change_json(found, |json| {
                if json["error_code"] == 400 {
                    json["message"] = json!("expected a comma")
                }
            })
        });
        assert_eq!(own, []);
        let none = facts("rest/04-produce-json.json", |found| {
            change_json(found, |json| {
                if json["error_code"] == 400 {
                    json["message"] = json!("")
                }
            })
        });
        assert!(none.len() > 5, "{none:?}");
    }

    #[test]
    fn long_bodies_are_whole_again() {
        let section = Section::load("rest/04-produce-json.json", &[]).unwrap();
        let long: Vec<usize> = section
            .calls
            .iter()
            .filter_map(|call| call.request.body.as_ref())
            .map(Vec::len)
            .collect();
        for length in [1_200_026, 1_200_063, 2_700_052] {
            assert!(long.contains(&length));
        }
        assert!(section.calls.iter().all(|call| produce_target(&call.request.path).is_some() || call.response.is_some()));
    }
}
