//! One recorded case of the sink: its records written, its connector created over REST as in the recording, and what
//! became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::outcome::{self, Outcome};
use super::schemas::Ids;
use super::{Findings, Mismatch, load};
use crate::Session;
use crate::connector::Connector;
use crate::http::Request;
use crate::kafka::Record;
use crate::parts::Kind;
use crate::s3::{Bucket, Object};
use crate::target::Sink;

/// What the store of the recordings gives to an object without a type.
const RECORDED_DEFAULT_TYPE: &str = "binary/octet-stream";

/// Where the store of the recorded cases "store_down" was not.
const RECORDED_CLOSED: &str = "127.0.0.1:19999";

/// Where the registry of the recordings was, and where the one that does not answer was not.
const RECORDED_REGISTRY: &str = "http://127.0.0.1:18081";
const RECORDED_DEAD_REGISTRY: &str = "127.0.0.1:18082";

/// Between two records of a case whose second part comes "later".
const LATER: Duration = Duration::from_secs(6);

/// Addresses that cases need beside the parts.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// `host:port` where nobody listens.
    pub closed: String,
    /// URL of the development registry.
    pub registry: String,
}

/// One case under way. Topics, connector and bucket have the recorded names: whatever an earlier run left is removed.
pub struct Case {
    file: String,
    recorded: Value,
    topics: BTreeSet<String>,
    connector: Connector,
    bucket: Bucket,
    created: (u16, String),
    ids: Ids,
}

impl Case {
    /// Reads the case, creates topics and bucket, registers its schemas, writes the records, creates the connector.
    ///
    /// # Errors
    /// The parts or the worker don't answer, or the recording is none.
    pub async fn begin(
        session: &Session,
        sink: &Sink,
        file: &str,
        addresses: &Addresses,
    ) -> Result<Self> {
        let entries = load(file, &[])?["registry"].take();
        let mut registry = &session.parts.registry;
        let ids = match Ids::register(registry, &entries).await {
            Ok(ids) => ids,
            // The real registry does not take every schema that Confluent's takes.
            Err(_) => {
                registry = &addresses.registry;
                Ids::register(registry, &entries).await?
            }
        };
        let closed = addresses.closed.as_str();
        let replace = [
            (RECORDED_CLOSED, closed),
            (RECORDED_DEAD_REGISTRY, closed),
            (RECORDED_REGISTRY, registry),
        ];
        let recorded = load(file, &replace)?;
        let bucket = recorded["config"]["s3.bucket.name"]
            .as_str()
            .unwrap_or("none");
        let bucket = Bucket::new(&session.parts.s3, bucket);
        let mut case = Self {
            connector: connector(session, &recorded, &bucket, closed)?,
            topics: topics(&recorded),
            created: Default::default(),
            ids,
            bucket,
            recorded,
            file: file.to_owned(),
        };
        case.prepare(session).await?;
        case.created = create(sink, &case.connector).await?;
        Ok(case)
    }

    async fn prepare(&self, session: &Session) -> Result<()> {
        if session.parts.kind == Kind::Real {
            self.clean(session).await?;
        }
        if !self.is("bucket_missing") {
            self.bucket.create().await?;
        }
        let partitions = self.recorded["partitions"]
            .as_i64()
            .context("no partitions")?;
        for topic in &self.topics {
            session
                .kafka
                .create_topic(topic, i32::try_from(partitions)?, &[])
                .await?;
        }
        self.write(session, "input").await
    }

    /// Removes what an earlier run of the same recordings left on parts that are kept.
    async fn clean(&self, session: &Session) -> Result<()> {
        for topic in self.topics.iter().chain(self.dead_letter_topic().as_ref()) {
            if !session.kafka.partitions(topic)?.is_empty() {
                session.kafka.delete_topic(topic).await?;
            }
        }
        if self.bucket.exists().await? {
            self.bucket.delete().await?;
        }
        Ok(())
    }

    fn dead_letter_topic(&self) -> Option<String> {
        let name = self.recorded["config"]["errors.deadletterqueue.topic.name"].as_str();
        name.filter(|name| !name.is_empty()).map(str::to_owned)
    }

    /// The recording's file below `golden/`.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The recording, with this session's addresses.
    #[must_use]
    pub fn recorded(&self) -> &Value {
        &self.recorded
    }

    fn is(&self, name: &str) -> bool {
        self.recorded["case"] == name
    }

    async fn write(&self, session: &Session, list: &str) -> Result<()> {
        let input = self.recorded[list].as_array().context("no input")?;
        for topic in &self.topics {
            let ours = input
                .iter()
                .filter(|record| record["topic"] == topic.as_str());
            let records = ours.map(|one| record(one, &self.ids));
            let records = records.collect::<Result<Vec<_>>>()?;
            session.kafka.write(topic, &records).await?;
        }
        Ok(())
    }

    /// The second part of cases that have one: its records come after the first object, or some seconds later. In two
    /// of them the bucket disappears in between.
    ///
    /// # Errors
    /// The first object does not come, or the parts don't answer.
    pub async fn go_on(&self, session: &Session) -> Result<()> {
        if self.recorded.get("input_later").is_none() || self.created.0 != 201 {
            return Ok(());
        }
        tokio::time::sleep(LATER).await;
        if self.recorded["timeline"]
            .to_string()
            .contains("bucket deleted")
        {
            crate::eventually(
                "waiting for the first object",
                Duration::from_secs(60),
                async || Ok((!self.bucket.keys("").await?.is_empty()).then_some(())),
            )
            .await?;
            self.bucket.delete().await?;
        }
        self.write(session, "input_later").await
    }

    /// How long nothing may change before an outcome that is equal to the recorded one counts as final: where nothing
    /// is to happen, or something may still happen by the clock, that takes longer.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let config = self.recorded["config"].to_string();
        let interval = self.recorded["config"]["rotate.schedule.interval.ms"].as_str();
        let interval = interval.and_then(|interval| interval.parse().ok());
        let interval = Duration::from_millis(interval.unwrap_or_default());
        let objects = self.recorded["objects"].as_array().map_or(0, Vec::len);
        let failed = self.recorded["task_states"].to_string().contains("FAILED");
        match () {
            // The tail of a file comes with the clock.
            () if !interval.is_zero() => interval + Duration::from_secs(2),
            () if config.contains("rotate.interval") => Duration::from_secs(6),
            () if self.recorded["create_status"] != 201 => Duration::from_millis(300),
            () if objects == 0 && !failed => Duration::from_secs(4),
            () => Duration::from_millis(1200),
        }
    }

    /// How long nothing may change before an outcome that differs counts as final: a task may fail after many retries, and a
    /// machine may be busy. Nothing but a difference waits so long.
    #[must_use]
    pub fn quiet(&self) -> Duration {
        Duration::from_secs(20).max(self.patience())
    }

    /// Whether it was created, or refused, as in the recording. Otherwise there is nothing to wait for.
    #[must_use]
    pub fn begins_equal(&self) -> bool {
        self.recorded["create_status"] == self.created.0
    }

    /// Ends the connector; what it did stays.
    ///
    /// # Errors
    /// The worker does not answer.
    pub async fn end(&self, sink: &Sink) -> Result<()> {
        let path = format!("/connectors/{}", self.connector.name);
        sink.http.call(&Request::new("DELETE", &path)).await?;
        Ok(())
    }

    /// What differs from the recording now.
    ///
    /// # Errors
    /// The parts or the worker don't answer.
    pub async fn findings(&self, session: &Session, sink: &Sink) -> Result<Vec<Mismatch>> {
        let found = self.outcome(session, sink).await?;
        let mut findings = Findings::new(&self.file, "case");
        outcome::compare(&self.recorded, &self.ids, &found, &mut findings);
        Ok(findings.list)
    }

    /// Everything that may still change, as text.
    ///
    /// # Errors
    /// The parts or the worker don't answer.
    pub async fn summary(&self, session: &Session, sink: &Sink) -> Result<String> {
        let keys = self.bucket.keys("").await?;
        let states = sink.task_states(&self.connector).await?;
        let committed = self.committed(session)?;
        Ok(format!("{keys:?} {states:?} {committed:?}"))
    }

    fn committed(&self, session: &Session) -> Result<BTreeMap<(String, i64), i64>> {
        let mut all = BTreeMap::new();
        for topic in &self.topics {
            for (partition, committed) in session.kafka.committed(&self.connector.group(), topic)? {
                all.insert((topic.clone(), i64::from(partition)), committed.offset);
            }
        }
        Ok(all)
    }

    /// What became of it.
    ///
    /// # Errors
    /// The parts or the worker don't answer.
    pub async fn outcome(&self, session: &Session, sink: &Sink) -> Result<Outcome> {
        let status = sink.status(&self.connector).await?.unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let task = |task: &Value| (text(&task["state"]), text(&task["trace"]));
        let tasks = status["tasks"].as_array().into_iter().flatten();
        let objects = self.objects().await?;
        let (mut parts, mut tags) = (BTreeMap::new(), BTreeMap::new());
        for object in &objects {
            if self.recorded.get("parts").is_some()
                && let Some(sizes) = self.bucket.part_sizes(&object.key).await?
            {
                parts.insert(object.key.clone(), sizes);
            }
            if self.file.contains("/tag") {
                let found = self.bucket.tags(&object.key).await?;
                tags.insert(object.key.clone(), found);
            }
        }
        let gone = self.recorded.get("input_later").is_some() || self.is("bucket_missing");
        let uploads = if gone {
            None
        } else {
            self.bucket.open_uploads().await?
        };
        Ok(Outcome {
            status: self.created.0,
            message: self.created.1.clone(),
            committed: self.committed(session)?,
            tasks: tasks.map(task).collect(),
            open_uploads: uploads.map(|uploads| uploads.len()),
            rest_offsets: self.rest_offsets(sink).await?,
            dead_letters: self.dead_letters(session)?,
            objects,
            parts,
            tags,
        })
    }

    async fn rest_offsets(&self, sink: &Sink) -> Result<Value> {
        if self.created.0 != 201 {
            return Ok(Value::Null);
        }
        let path = format!("/connectors/{}/offsets", self.connector.name);
        let answer = sink.http.get(&path, None).await?;
        Ok(answer.json().unwrap_or_else(|_| answer.status.into()))
    }

    fn dead_letters(&self, session: &Session) -> Result<Vec<Record>> {
        match self.dead_letter_topic() {
            Some(topic) if !session.kafka.partitions(&topic)?.is_empty() => {
                session.kafka.read_all(&topic)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The objects. The store of the recordings gives another default type to what has none: what counts is that the
    /// sink sent none, or the very type that S3 itself gives.
    async fn objects(&self) -> Result<Vec<Object>> {
        let mut objects = self.bucket.objects("").await?;
        if !objects.is_empty() {
            let untyped = self.bucket.default_type().await?;
            for object in objects
                .iter_mut()
                .filter(|object| object.content_type == untyped)
            {
                object.content_type = Some(RECORDED_DEFAULT_TYPE.to_owned());
            }
        }
        Ok(objects)
    }
}

/// `POST /connectors`: status, and the message if it was refused.
async fn create(sink: &Sink, connector: &Connector) -> Result<(u16, String)> {
    let body = json!({"name": connector.name, "config": connector.properties}).to_string();
    let request = Request::new("POST", "/connectors")
        .header("Content-Type", "application/json")
        .body(body);
    let answer = sink.http.call(&request).await?;
    let message = answer.json()?["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    Ok((answer.status, message))
}

fn topics(case: &Value) -> BTreeSet<String> {
    let inputs = ["input", "input_later"]
        .into_iter()
        .filter_map(|list| case[list].as_array())
        .flatten();
    inputs
        .filter_map(|record| record["topic"].as_str())
        .map(str::to_owned)
        .collect()
}

/// The recorded properties with this session's store and keys.
fn connector(
    session: &Session,
    recorded: &Value,
    bucket: &Bucket,
    closed: &str,
) -> Result<Connector> {
    let case = recorded["case"].as_str().context("no case")?;
    let config = recorded["config"].as_object().context("no config")?;
    let text = |(key, value): (&String, &Value)| {
        (key.clone(), value.as_str().unwrap_or_default().to_owned())
    };
    let connector = Connector {
        name: case.to_owned(),
        properties: config.iter().map(text).collect(),
    }
    .store(&session.parts.s3, bucket.name());
    let connector = match case {
        "store_down" | "retry_timeout_store_down" => {
            connector.set("store.url", &format!("http://{closed}"))
        }
        "cred_wrong_key" => connector.set("aws.access.key.id", "nobody"),
        "cred_wrong_dlq" => connector.set("aws.secret.access.key", "wrong"),
        "cred_from_env" => connector
            .unset("aws.access.key.id")
            .unset("aws.secret.access.key"),
        _ => connector,
    };
    let region = config
        .get("s3.region")
        .and_then(Value::as_str)
        .context("no region")?;
    Ok(connector.set("s3.region", region))
}

/// A recorded input record.
pub(crate) fn record(input: &Value, ids: &Ids) -> Result<Record> {
    let offset = input["offset"].as_i64().context("no offset")?;
    let headers = input["headers"].as_array().into_iter().flatten();
    let header = |header: &Value| {
        Ok((
            header[0].as_str().context("no header name")?.to_owned(),
            bytes(&header[1], offset)?,
        ))
    };
    Ok(Record {
        partition: i32::try_from(input["partition"].as_i64().context("no partition")?)?,
        offset,
        timestamp: input["timestamp"].as_i64(),
        key: exact(input, "key", ids)?,
        value: exact(input, "value", ids)?,
        headers: headers.map(header).collect::<Result<_>>()?,
    })
}

/// Key or value of a record: its exact bytes if they were recorded, with the ids of this registry.
fn exact(input: &Value, name: &str, ids: &Ids) -> Result<Option<Vec<u8>>> {
    let base64 = input[format!("{name}_base64")].as_str();
    let found = match base64 {
        Some(base64) => Some(STANDARD.decode(base64)?),
        None => bytes(&input[name], input["offset"].as_i64().unwrap_or_default())?,
    };
    Ok(found.map(|bytes| ids.patched(bytes)))
}

/// Recorded bytes: null, text, base64, or a long value made by a rule that the recording tells.
pub(super) fn bytes(value: &Value, offset: i64) -> Result<Option<Vec<u8>>> {
    if value.is_null() {
        return Ok(None);
    }
    if let Some(text) = value["utf8"].as_str() {
        return Ok(Some(text.as_bytes().to_vec()));
    }
    if let Some(base64) = value["base64"].as_str() {
        return Ok(Some(STANDARD.decode(base64)?));
    }
    let length = usize::try_from(
        value["bytes"]
            .as_u64()
            .context("bytes of an unknown kind")?,
    )?;
    let empty = format!("{{\"i\":{offset},\"p\":\"\"}}").len();
    let filling = "x".repeat(length.checked_sub(empty).context("too short")?);
    Ok(Some(
        format!("{{\"i\":{offset},\"p\":\"{filling}\"}}").into_bytes(),
    ))
}
