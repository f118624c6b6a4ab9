//! One recorded case of the sink: its records written, its connector created over REST as in the recording, and what
//! became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::load;
use super::outcome::Outcome;
use crate::Session;
use crate::connector::Connector;
use crate::http::Request;
use crate::kafka::Record;
use crate::s3::{Bucket, Object};
use crate::target::Sink;

/// What the store of the recordings gives to an object without a type.
const RECORDED_DEFAULT_TYPE: &str = "binary/octet-stream";

/// Where the store of the recorded cases "store_down" was not.
const RECORDED_CLOSED: &str = "127.0.0.1:19999";

/// One case under way.
pub struct Case {
    file: &'static str,
    recorded: Value,
    topics: BTreeSet<String>,
    connector: Connector,
    bucket: Bucket,
    created: (u16, String),
}

impl Case {
    /// Reads the case with this session's names in it, creates topics and bucket, writes the records, creates the
    /// connector. `closed` is an address where nobody listens.
    ///
    /// # Errors
    /// The parts or the worker don't answer, or the recording is none.
    pub async fn begin(
        session: &Session,
        sink: &Sink,
        file: &'static str,
        closed: &str,
    ) -> Result<Self> {
        let plain = load(file, &[])?;
        let recorded_bucket = plain["config"]["s3.bucket.name"].as_str().unwrap_or("none");
        let bucket = Bucket::new(&session.parts.s3, &session.name(recorded_bucket));
        let renamed: Vec<_> = topics(&plain)
            .into_iter()
            .map(|name| (session.name(&name), name))
            .collect();
        let mut replace: Vec<_> = renamed
            .iter()
            .map(|(to, from)| (from.as_str(), to.as_str()))
            .collect();
        replace.extend([(recorded_bucket, bucket.name()), (RECORDED_CLOSED, closed)]);
        let recorded = load(file, &replace)?;
        let mut case = Self {
            connector: connector(session, &recorded, &bucket, closed)?,
            topics: topics(&recorded),
            created: Default::default(),
            bucket,
            recorded,
            file,
        };
        case.prepare(session).await?;
        case.created = create(sink, &case.connector).await?;
        Ok(case)
    }

    async fn prepare(&self, session: &Session) -> Result<()> {
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

    /// The recording's file below `golden/`.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// The recording, with this session's names.
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
            let records = ours.map(record).collect::<Result<Vec<_>>>()?;
            session.kafka.write(topic, &records).await?;
        }
        Ok(())
    }

    /// The case in which the bucket disappears while the connector runs.
    ///
    /// # Errors
    /// The first object does not come, or the parts don't answer.
    pub async fn go_on(&self, session: &Session) -> Result<()> {
        if self.recorded.get("input_later").is_none() {
            return Ok(());
        }
        crate::eventually(
            "waiting for the first object",
            Duration::from_secs(60),
            async || Ok((!self.bucket.keys("").await?.is_empty()).then_some(())),
        )
        .await?;
        self.bucket.delete().await?;
        self.write(session, "input_later").await
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
        let mut parts = BTreeMap::new();
        for object in objects
            .iter()
            .filter(|_| self.recorded.get("parts").is_some())
        {
            if let Some(sizes) = self.bucket.part_sizes(&object.key).await? {
                parts.insert(object.key.clone(), sizes);
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
            objects,
            parts,
        })
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

/// The recorded properties with this session's store, bucket and keys.
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
    let mut connector = Connector {
        name: session.name(case),
        properties: config.iter().map(text).collect(),
    }
    .store(&session.parts.s3, bucket.name());
    if let Some(regex) = config.get("topics.regex").and_then(Value::as_str) {
        connector = connector.set("topics.regex", &session.name(regex));
    }
    connector = match case {
        "store_down" | "retry_timeout_store_down" => {
            connector.set("store.url", &format!("http://{closed}"))
        }
        "cred_wrong_key" => connector.set("aws.access.key.id", "nobody"),
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
fn record(input: &Value) -> Result<Record> {
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
        key: bytes(&input["key"], offset)?,
        value: bytes(&input["value"], offset)?,
        headers: headers.map(header).collect::<Result<_>>()?,
    })
}

/// Recorded bytes: null, text, base64, or a long value made by a rule that the recording tells.
fn bytes(value: &Value, offset: i64) -> Result<Option<Vec<u8>>> {
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
