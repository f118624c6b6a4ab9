//! The registry's client.
//!
//! In: ids, subjects, texts. Out: schemas, parsed once and kept; "not found" is kept for a short while. The same
//! question asked by several at once goes out once. What fails: [`RegistryError`].

mod references;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::Method;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::config::{ConfigProblem, RegistryConfig};
use crate::error::{RegistryError, SchemaError};
use crate::events::Counters;
use crate::schema::{Reference, Schema, SchemaText, SchemaType};
use crate::transport::Transport;

/// Bytes of schema text that the cache holds at most.
const MAX_CACHED_TEXT: usize = 64 << 20;

/// A schema as a version of a subject.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The subject.
    pub subject: String,
    /// The schema's id.
    pub id: u32,
    /// Its version in the subject.
    pub version: i32,
    /// The schema.
    pub schema: Arc<Schema>,
}

/// The client; clones share connections and caches.
#[derive(Clone, Debug)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    transport: Transport,
    cached: Mutex<Cached>,
    under_way: Mutex<HashMap<Question, Flight>>,
}

type Answer = Result<Found, RegistryError>;
type Flight = Shared<BoxFuture<'static, Answer>>;

/// Which versions of a subject a look-up sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Versions {
    /// Those that are in use.
    Live,
    /// Also those that were deleted but not for good: their records can still be read.
    All,
}

/// What can be asked and kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Question {
    Id(u32),
    Version(String, i32),
    Latest(String),
    LookUp(String, Arc<SchemaText>, Versions),
    Parse(Arc<SchemaText>),
}

#[derive(Clone, Debug)]
struct Found {
    schema: Arc<Schema>,
    subject: String,
    id: u32,
    version: i32,
}

#[derive(Debug)]
struct Cached {
    found: Cache<Question, Found>,
    latest: Cache<Question, Found>,
    missing: Cache<Question, RegistryError>,
}

/// A schema as the registry answers it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SchemaBody {
    schema: Option<String>,
    schema_type: Option<String>,
    #[serde(default)]
    references: Option<Vec<Reference>>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    version: i32,
    #[serde(default)]
    id: u32,
}

impl SchemaBody {
    fn into_text(self) -> Result<SchemaText, SchemaError> {
        let schema_type = self.schema_type.as_deref().unwrap_or("AVRO");
        Ok(SchemaText {
            schema_type: SchemaType::from_name(schema_type)?,
            text: self.schema.unwrap_or_default(),
            references: self.references.unwrap_or_default(),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SchemaRequest<'a> {
    schema: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_type: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    references: &'a [Reference],
}

#[derive(Deserialize)]
struct IdBody {
    id: u32,
}

impl Registry {
    /// A client of the registry that `config` names. Nothing is asked yet.
    ///
    /// # Errors
    /// When a trust or key store cannot be read.
    pub fn new(config: RegistryConfig) -> Result<Self, ConfigProblem> {
        let for_latest = Some(config.latest_time_to_live).filter(|ttl| *ttl > Duration::ZERO);
        let cached = Cached {
            found: Cache::new(config.cache_size, MAX_CACHED_TEXT, None),
            latest: Cache::new(
                for_latest.map_or(0, |_| config.cache_size),
                MAX_CACHED_TEXT,
                for_latest,
            ),
            missing: Cache::new(
                config.missing_cache_size,
                MAX_CACHED_TEXT,
                Some(config.missing_time_to_live),
            ),
        };
        let inner = Inner {
            transport: Transport::new(config)?,
            cached: Mutex::new(cached),
            under_way: Mutex::new(HashMap::new()),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// What the client has done so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.inner.transport.counters
    }

    /// The schema of `id`.
    ///
    /// # Errors
    /// 40403 when there is none; everything of [`RegistryError`].
    pub async fn schema_by_id(&self, id: u32) -> Result<Arc<Schema>, RegistryError> {
        Ok(self.find(Question::Id(id)).await?.schema)
    }

    /// The latest version of `subject`.
    ///
    /// # Errors
    /// 40401 when there is no such subject; everything of [`RegistryError`].
    pub async fn latest(&self, subject: &str) -> Result<Registered, RegistryError> {
        let found = self.find(Question::Latest(subject.to_owned())).await?;
        Ok(found.into())
    }

    /// The schema of `subject` with `version`.
    ///
    /// # Errors
    /// 40401, 40402 when there is none; everything of [`RegistryError`].
    pub async fn by_version(
        &self,
        subject: &str,
        version: i32,
    ) -> Result<Registered, RegistryError> {
        let found = self
            .find(Question::Version(subject.to_owned(), version))
            .await?;
        Ok(found.into())
    }

    /// The id and version under which `text` is registered in `subject`.
    ///
    /// # Errors
    /// 40401, 40403 when it is not; everything of [`RegistryError`].
    pub async fn look_up(
        &self,
        subject: &str,
        text: &SchemaText,
        among: Versions,
    ) -> Result<Registered, RegistryError> {
        let question = Question::LookUp(subject.to_owned(), Arc::new(text.clone()), among);
        Ok(self.find(question).await?.into())
    }

    /// The version that the schema of `id` has in `subject`.
    ///
    /// # Errors
    /// 40403 when it is not registered there; everything of [`RegistryError`].
    pub async fn version_of(&self, subject: &str, id: u32) -> Result<i32, RegistryError> {
        let schema = self.schema_by_id(id).await?;
        let found = self.look_up(subject, schema.schema_text(), Versions::All);
        Ok(found.await?.version)
    }

    /// Registers `text` in `subject` and returns its id.
    ///
    /// # Errors
    /// 409 when it is incompatible, 42201 when it is no schema; everything of [`RegistryError`].
    pub async fn register(&self, subject: &str, text: &SchemaText) -> Result<u32, RegistryError> {
        let path = format!("/subjects/{}/versions", encoded(subject));
        let answer: IdBody = self
            .inner
            .transport
            .ask(Method::POST, &path, Some(request_body(text)))
            .await?;
        // What was missing a moment ago need not be any more.
        let mut cached = self.inner.cached.lock();
        cached.missing.clear();
        cached.latest.clear();
        Ok(answer.id)
    }

    /// Parses `text` with the schemas it references, without registering it.
    ///
    /// # Errors
    /// [`RegistryError::Schema`] when it is no schema; a reference that cannot be had.
    pub async fn parse(&self, text: &SchemaText) -> Result<Arc<Schema>, RegistryError> {
        let question = Question::Parse(Arc::new(text.clone()));
        Ok(self.find(question).await?.schema)
    }

    /// The cached answer, or the one of the request under way, or that of a new request.
    async fn find(&self, question: Question) -> Answer {
        if let Some(answer) = self.cached(&question) {
            self.counters().hit();
            return answer;
        }
        let flight = {
            let mut under_way = self.inner.under_way.lock();
            match under_way.get(&question) {
                Some(flight) => flight.clone(),
                None => {
                    let flight = fly(Arc::clone(&self.inner), question.clone());
                    under_way.insert(question, flight.clone());
                    flight
                }
            }
        };
        flight.await
    }

    fn cached(&self, question: &Question) -> Option<Answer> {
        let cached = self.inner.cached.lock();
        let of = match question {
            Question::Latest(_) => &cached.latest,
            _ => &cached.found,
        };
        of.get(question)
            .map(Ok)
            .or_else(|| cached.missing.get(question).map(Err))
    }
}

impl From<Found> for Registered {
    fn from(found: Found) -> Self {
        Self {
            subject: found.subject,
            id: found.id,
            version: found.version,
            schema: found.schema,
        }
    }
}

/// The request for `question`. It ends by keeping its answer, whoever is still waiting for it.
fn fly(inner: Arc<Inner>, question: Question) -> Flight {
    async move {
        let answer = inner.ask(&question).await;
        inner.keep(&question, &answer);
        inner.under_way.lock().remove(&question);
        answer
    }
    .boxed()
    .shared()
}

impl Inner {
    async fn ask(&self, question: &Question) -> Answer {
        let body: SchemaBody = match question {
            Question::Parse(text) => {
                let schema = self.schema((**text).clone()).await?;
                return Ok(Found {
                    schema,
                    subject: String::new(),
                    id: 0,
                    version: 0,
                });
            }
            Question::Id(id) => self.get(&format!("/schemas/ids/{id}")).await?,
            Question::Version(subject, version) => {
                self.get(&version_path(subject, version)).await?
            }
            Question::Latest(subject) => self.get(&version_path(subject, &"latest")).await?,
            Question::LookUp(subject, text, among) => {
                let deleted = *among == Versions::All;
                let path = format!("/subjects/{}?deleted={deleted}", encoded(subject));
                let mut found: SchemaBody = self
                    .transport
                    .ask(Method::POST, &path, Some(request_body(text)))
                    .await?;
                // Apicurio leaves the type out, whatever it is; Confluent's only when it is Avro.
                let sent = text.schema_type.name();
                found.schema_type.get_or_insert_with(|| sent.to_owned());
                found
            }
        };
        let (subject, id, version) = (body.subject.clone(), body.id, body.version);
        Ok(Found {
            schema: self.schema(body.into_text()?).await?,
            subject,
            id,
            version,
        })
    }

    async fn get(&self, path: &str) -> Result<SchemaBody, RegistryError> {
        self.transport.ask(Method::GET, path, None).await
    }

    async fn schema(&self, text: SchemaText) -> Result<Arc<Schema>, RegistryError> {
        let resolved = references::resolve(&self.transport, &text.references).await?;
        Ok(Arc::new(Schema::parse(text, resolved)?))
    }

    fn keep(&self, question: &Question, answer: &Answer) {
        let mut cached = self.cached.lock();
        match answer {
            Ok(found) => {
                let weight = found.schema.text().len();
                match question {
                    Question::Latest(_) => {
                        cached
                            .latest
                            .insert(question.clone(), found.clone(), weight)
                    }
                    _ => cached.found.insert(question.clone(), found.clone(), weight),
                }
            }
            Err(error) if !error.is_transient() => {
                let weight = match question {
                    Question::LookUp(_, text, _) | Question::Parse(text) => text.text.len(),
                    _ => 64,
                };
                cached
                    .missing
                    .insert(question.clone(), error.clone(), weight);
            }
            Err(_) => {}
        }
    }
}

fn request_body(text: &SchemaText) -> Vec<u8> {
    let body = SchemaRequest {
        schema: &text.text,
        schema_type: (text.schema_type != SchemaType::Avro).then(|| text.schema_type.name()),
        references: &text.references,
    };
    // Strings and numbers only: this cannot fail.
    serde_json::to_vec(&body).unwrap_or_default()
}

fn version_path(subject: &str, version: &dyn std::fmt::Display) -> String {
    format!("/subjects/{}/versions/{version}", encoded(subject))
}

/// A path segment: everything but RFC 3986's unreserved characters is escaped.
fn encoded(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_escaped_in_paths() {
        assert_eq!(encoded("a b/c-é"), "a%20b%2Fc-%C3%A9");
        assert_eq!(version_path("t-value", &3), "/subjects/t-value/versions/3");
    }

    #[test]
    fn avro_is_not_named_in_requests() {
        let text = SchemaText::new(SchemaType::Avro, "\"int\"");
        assert_eq!(request_body(&text), br#"{"schema":"\"int\""}"#);
        let text = SchemaText::new(SchemaType::Json, "{}");
        assert_eq!(
            request_body(&text),
            br#"{"schema":"{}","schemaType":"JSON"}"#
        );
    }
}
