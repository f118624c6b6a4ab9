//! Method and path → what is done. In: a request's parts. Out: an answer; every refusal becomes one here.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::compatibility::{self, Level};
use super::protobuf;
use super::schema::{self, resolve};
use super::state::{Kind, Reference, Schema};
use super::subjects::{Registered, Sent, Subjects, Wanted};

/// What is looked at of a request.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// The registry behind its paths.
#[derive(Debug)]
pub(super) struct Routes {
    subjects: Subjects,
}

type Done = Result<Answer, Refusal>;

impl Call<'_> {
    fn asked(&self, name: &str) -> Option<String> {
        let pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(key, _)| *key == name);
        values.next().map(|(_, value)| decoded(value))
    }

    fn flag(&self, name: &str) -> bool {
        self.asked(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn json(&self) -> Result<Value, Refusal> {
        let plain = self
            .content_type
            .map(|kind| kind.split(';').next().unwrap_or(kind).trim());
        let taken = ["application/json", "application/octet-stream"];
        if plain.is_some_and(|kind| {
            !taken.contains(&kind) && !kind.starts_with("application/vnd.schemaregistry")
        }) {
            return Err(Refusal::media_type());
        }
        serde_json::from_slice(self.body).map_err(|error| Refusal::bad_request(error.to_string()))
    }

    fn sent(&self) -> Result<Sent, Refusal> {
        let body = self.json()?;
        let kind = body["schemaType"].as_str().unwrap_or("AVRO");
        let kind = Kind::of(kind)
            .ok_or_else(|| Refusal::invalid_schema(format!("Invalid schema type {kind}")));
        let text = body["schema"].as_str().unwrap_or_default().to_owned();
        let references = body
            .get("references")
            .filter(|list| !list.is_null())
            .cloned();
        let references: Vec<Reference> =
            serde_json::from_value(references.unwrap_or_else(|| json!([])))
                .map_err(|error| Refusal::bad_request(error.to_string()))?;
        Ok(Sent {
            kind: kind?,
            text,
            references,
        })
    }
}

/// Undoes `%41`.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let digits = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        (rest, _) = match (first, byte) {
            (b'%', Some(byte)) => (&tail[2..], bytes.push(byte)),
            _ => (tail, bytes.push(*first)),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Routes {
    /// Answers from what is registered.
    pub(super) fn new(subjects: Subjects) -> Self {
        Self { subjects }
    }

    /// Answers a request.
    pub(super) fn answer(&self, call: &Call<'_>) -> Answer {
        let parts: Vec<String> = call
            .path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decoded)
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let done = match parts.first() {
            Some(&"subjects") => self.subjects_route(call, &parts[1..]),
            Some(&"schemas") => self.schemas_route(call, &parts[1..]),
            Some(&"compatibility") => self.compatibility_route(call, &parts[1..]),
            Some(&("config" | "mode")) => self.settings_route(call, &parts),
            _ => self.root_route(call, &parts),
        };
        done.unwrap_or_else(Answer::from)
    }

    fn root_route(&self, call: &Call<'_>, parts: &[&str]) -> Done {
        let scope = json!({"path": [], "clusters": {"kafka-cluster": "development", "schema-registry-cluster": "schema-registry"}});
        let value = match parts {
            [] => json!({}),
            ["contexts"] => json!(["."]),
            ["v1", "metadata", "id"] => json!({"scope": scope}),
            ["v1", "metadata", "version"] => {
                json!({"version": env!("CARGO_PKG_VERSION"), "commitId": ""})
            }
            _ => return Err(Refusal::no_route()),
        };
        only_get(call).map(|()| Answer::json(&value))
    }

    fn subjects_route(&self, call: &Call<'_>, parts: &[&str]) -> Done {
        match (call.method, parts) {
            ("GET", []) => Ok(self.list(call)),
            ("POST", [subject]) => {
                let found = self
                    .subjects
                    .look_up(subject, &call.sent()?, call.flag("deleted"))?;
                Ok(Answer::json(&shown(&found)))
            }
            ("DELETE", [subject]) => {
                let versions = self.subjects.delete(subject, call.flag("permanent"))?;
                Ok(Answer::json(&json!(versions)))
            }
            ("GET", [subject, "versions"]) => self.versions(call, subject),
            ("POST", [subject, "versions"]) => {
                let id = self.subjects.register(subject, &call.sent()?)?;
                Ok(Answer::json(&json!({"id": id})))
            }
            ("GET", [subject, "versions", version, rest @ ..]) => {
                let wanted = Wanted::of(version)?;
                let state = self.subjects.state();
                let found = state.version(subject, wanted, call.flag("deleted"))?;
                match rest {
                    [] => Ok(Answer::json(&shown(&found))),
                    ["schema"] => Ok(Answer::text(found.schema.text)),
                    ["referencedby"] => Ok(Answer::json(&json!(
                        state.referrers(subject, found.version.number)
                    ))),
                    _ => Err(Refusal::no_route()),
                }
            }
            ("DELETE", [subject, "versions", version]) => {
                let number = self.subjects.delete_version(
                    subject,
                    Wanted::of(version)?,
                    call.flag("permanent"),
                )?;
                Ok(Answer::json(&json!(number)))
            }
            (_, [] | [_] | [_, "versions"] | [_, "versions", _]) => Err(Refusal::no_method()),
            _ => Err(Refusal::no_route()),
        }
    }

    fn list(&self, call: &Call<'_>) -> Answer {
        let (deleted, only) = (call.flag("deleted"), call.flag("deletedOnly"));
        let prefix = call.asked("subjectPrefix").unwrap_or_default();
        let prefix = prefix.trim_start_matches(":*:").to_owned();
        let state = self.subjects.state();
        let named = state
            .subjects
            .iter()
            .filter(|(name, _)| name.starts_with(&prefix));
        let wanted = named.filter(|(_, versions)| {
            let live = versions.iter().any(|version| !version.deleted);
            if only { !live } else { live || deleted }
        });
        let names: Vec<_> = wanted.map(|(name, _)| name).collect();
        Answer::json(&json!(names))
    }

    fn versions(&self, call: &Call<'_>, subject: &str) -> Done {
        let state = self.subjects.state();
        let versions = match call.flag("deleted") {
            true => state.all(subject)?.to_vec(),
            false => state.live(subject)?,
        };
        let numbers: Vec<u32> = versions.iter().map(|version| version.number).collect();
        Ok(Answer::json(&json!(numbers)))
    }

    fn schemas_route(&self, call: &Call<'_>, parts: &[&str]) -> Done {
        only_get(call)?;
        match parts {
            [] => Ok(self.schemas(call)),
            ["types"] => Ok(Answer::json(&json!(["JSON", "PROTOBUF", "AVRO"]))),
            ["ids", id, rest @ ..] => self.by_id(call, id, rest),
            _ => Err(Refusal::no_route()),
        }
    }

    fn schemas(&self, call: &Call<'_>) -> Answer {
        let (deleted, latest) = (call.flag("deleted"), call.flag("latestOnly"));
        let prefix = call.asked("subjectPrefix").unwrap_or_default();
        let state = self.subjects.state();
        let mut all = Vec::new();
        for (subject, versions) in state
            .subjects
            .iter()
            .filter(|(name, _)| name.starts_with(&prefix))
        {
            let versions: Vec<_> = versions
                .iter()
                .filter(|version| deleted || !version.deleted)
                .collect();
            let from = if latest {
                versions.len().saturating_sub(1)
            } else {
                0
            };
            for version in &versions[from..] {
                if let Ok(found) = state.version(subject, Wanted::Number(version.number), true) {
                    all.push(shown(&found));
                }
            }
        }
        Answer::json(&Value::Array(all))
    }

    fn by_id(&self, call: &Call<'_>, id: &str, rest: &[&str]) -> Done {
        let state = self.subjects.state();
        let number = id.parse::<u32>().map_err(|_| Refusal::no_route())?;
        let schema = state
            .schemas
            .get(&number)
            .ok_or_else(|| Refusal::no_id(id))?;
        let deleted = call.flag("deleted");
        let all = state
            .subjects
            .iter()
            .flat_map(|(subject, versions)| versions.iter().map(move |version| (subject, version)));
        let users =
            all.filter(|(_, version)| version.id == number && (deleted || !version.deleted));
        match rest {
            [] => {
                let mut answer = parts_of(schema);
                if call.asked("format").as_deref() == Some("serialized")
                    && schema.kind == Kind::Protobuf
                {
                    let resolved =
                        resolve(&state, &schema.references).map_err(Refusal::invalid_schema)?;
                    answer["schema"] = protobuf::serialized(&schema.text, &resolved)
                        .map_err(Refusal::invalid_schema)?
                        .into();
                }
                Ok(Answer::json(&answer))
            }
            ["schema"] => Ok(Answer::text(schema.text.clone())),
            ["versions"] => {
                let versions: Vec<_> = users
                    .map(
                        |(subject, version)| json!({"subject": subject, "version": version.number}),
                    )
                    .collect();
                Ok(Answer::json(&Value::Array(versions)))
            }
            ["subjects"] => {
                let mut subjects: Vec<_> = users.map(|(subject, _)| subject.as_str()).collect();
                subjects.dedup();
                Ok(Answer::json(&json!(subjects)))
            }
            _ => Err(Refusal::no_route()),
        }
    }

    fn compatibility_route(&self, call: &Call<'_>, parts: &[&str]) -> Done {
        let (subject, version) = match parts {
            ["subjects", subject, "versions"] => (subject, None),
            ["subjects", subject, "versions", version] => (subject, Some(Wanted::of(version)?)),
            _ => return Err(Refusal::no_route()),
        };
        if call.method != "POST" {
            return Err(Refusal::no_method());
        }
        let sent = call.sent()?;
        let state = self.subjects.state();
        let new = schema::parse(&state, subject, &sent)?;
        let level = state.level(subject);
        let only = match version {
            Some(wanted) if state.live(subject).is_ok() => {
                Some(state.version(subject, wanted, false)?.version.number)
            }
            Some(Wanted::Number(_)) => return Err(Refusal::no_subject(subject)),
            _ => None,
        };
        let details = compatibility::details(&state, subject, &new, level, only)?;
        let mut answer = json!({"is_compatible": details.is_empty()});
        if call.flag("verbose") {
            answer["messages"] = json!(details);
        }
        Ok(Answer::json(&answer))
    }

    /// `/config` and `/mode`, of one subject or of all others.
    fn settings_route(&self, call: &Call<'_>, parts: &[&str]) -> Done {
        let (mode, subject) = match parts {
            [root] => (*root == "mode", ""),
            [root, subject] => (*root == "mode", *subject),
            _ => return Err(Refusal::no_route()),
        };
        let (read, written) = if mode {
            ("mode", "mode")
        } else {
            ("compatibilityLevel", "compatibility")
        };
        match call.method {
            "GET" => self
                .setting(call, mode, subject)
                .map(|word| Answer::json(&json!({read: word}))),
            "PUT" => {
                let body = call.json()?;
                let word = body[written].as_str().unwrap_or_default();
                let word = if mode {
                    mode_word(word)?
                } else {
                    Level::of(word).ok_or_else(Refusal::invalid_level)?.word()
                };
                self.subjects.change(|state| {
                    let map = if mode {
                        &mut state.modes
                    } else {
                        &mut state.levels
                    };
                    map.insert(subject.to_owned(), word.to_owned());
                    Ok(())
                })?;
                Ok(Answer::json(&json!({written: word})))
            }
            "DELETE" => {
                let word = self.subjects.change(|state| {
                    let map = if mode {
                        &mut state.modes
                    } else {
                        &mut state.levels
                    };
                    map.remove(subject)
                        .ok_or_else(|| Refusal::no_subject(subject))
                })?;
                Ok(Answer::json(&json!({read: word})))
            }
            _ => Err(Refusal::no_method()),
        }
    }

    fn setting(&self, call: &Call<'_>, mode: bool, subject: &str) -> Result<String, Refusal> {
        let state = self.subjects.state();
        let own = if mode { &state.modes } else { &state.levels };
        if !subject.is_empty() && !own.contains_key(subject) && !call.flag("defaultToGlobal") {
            return Err(if mode {
                Refusal::no_mode(subject)
            } else {
                Refusal::no_level(subject)
            });
        }
        Ok(if mode {
            state.mode(subject).to_owned()
        } else {
            state.level(subject).word().to_owned()
        })
    }
}

fn mode_word(word: &str) -> Result<&'static str, Refusal> {
    let modes = ["READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT"];
    let found = modes
        .into_iter()
        .find(|mode| mode.eq_ignore_ascii_case(word));
    found.ok_or_else(Refusal::invalid_mode)
}

fn only_get(call: &Call<'_>) -> Result<(), Refusal> {
    match call.method {
        "GET" | "HEAD" => Ok(()),
        _ => Err(Refusal::no_method()),
    }
}

/// A version with its place.
fn shown(found: &Registered) -> Value {
    let mut value =
        json!({"subject": found.subject, "version": found.version.number, "id": found.version.id});
    if let (Value::Object(value), Value::Object(parts)) = (&mut value, parts_of(&found.schema)) {
        value.extend(parts);
    }
    value
}

/// Kind (unless Avro), references (unless none), text.
fn parts_of(schema: &Schema) -> Value {
    let mut value = json!({});
    if schema.kind != Kind::Avro {
        value["schemaType"] = schema.kind.word().into();
    }
    if !schema.references.is_empty() {
        value["references"] = json!(schema.references);
    }
    value["schema"] = schema.text.clone().into();
    value
}
