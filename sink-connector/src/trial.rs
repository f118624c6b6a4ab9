//! `sluiceway-sink trial`: posts a record through a REST proxy and finds it in S3; what `helm test` runs.
//!
//! ```text
//!   topic made (v3) ─▶ connector of the trial applied ─▶ record posted (v2) ─▶ its object read from S3 ─▶ connector deleted
//! ```
//!
//! In: the proxy's URL, and a connector file of one topic that writes one JSON record an object; with the Connect REST API's URL the
//! way to S3 is tried, too. Out: a line for each step. The credentials for S3 are those of a connector. The connector is
//! deleted whatever happens; the topic stays, and the object when it may not be deleted.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::runtime::{Handle, Runtime};

use crate::apply::{Apply, ApplyError, Deadline, of};
use crate::config::{ConnectorConfig, TopicSelector};
use crate::rest_client::{CallError, RestClient};
use crate::validate::{FileError, validate};
use crate::worker::ConnectorFile;

const V2_JSON: &str = "application/vnd.kafka.json.v2+json";

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub struct TrialArgs {
    /// The trial's connector: one topic, `flush.size=1`, JSON.
    connector: PathBuf,
    /// The REST proxy.
    #[arg(long, value_name = "URL")]
    proxy: String,
    /// The Connect REST API. Without it the trial ends with the acknowledgement of the record.
    #[arg(long, value_name = "URL")]
    connect: Option<String>,
    /// The worker's properties, for references to its config providers.
    #[arg(long)]
    worker: Option<PathBuf>,
    /// Seconds for everything together.
    #[arg(long, default_value_t = 120)]
    timeout: u64,
}

/// Why a record does not arrive.
#[derive(Debug, Error)]
pub enum TrialError {
    /// The connector's file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A connector that is not one of a trial.
    #[error("the trial's connector: {0}")]
    Unfit(String),
    /// The proxy's answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A connector that cannot be made, or time that is up.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A record that Kafka did not take.
    #[error("the record was not written: {0}")]
    NotWritten(Value),
    /// An object that cannot be read.
    #[error("s3://{bucket}/{key}: {reason}")]
    Object {
        /// The bucket.
        bucket: String,
        /// The object.
        key: String,
        /// What S3 said.
        reason: String,
    },
}

/// Where a record lies in Kafka.
struct Written {
    partition: i64,
    offset: i64,
}

/// Carries out the command on `runtime`; each step goes to `report`.
///
/// # Errors
/// As [`TrialError`] says.
pub fn run(
    args: &TrialArgs,
    runtime: &Runtime,
    report: &mut dyn FnMut(&str),
) -> Result<(), TrialError> {
    runtime.block_on(carry_out(args, runtime.handle(), report))
}

async fn carry_out(
    args: &TrialArgs,
    runtime: &Handle,
    report: &mut dyn FnMut(&str),
) -> Result<(), TrialError> {
    let proxy = RestClient::new(&args.proxy, "SLUICEWAY_PROXY")?;
    let deadline = Deadline::after(args.timeout);
    let marker = marker();
    let Some(connect) = &args.connect else {
        let topic = topic_of_file(args)?;
        make_topic(&proxy, &topic, deadline, report).await?;
        post(&proxy, &topic, &marker, deadline, report).await?;
        return Ok(());
    };
    let config = config(args, runtime)?;
    let topic = only_topic(&config.topics)?;
    make_topic(&proxy, &topic, deadline, report).await?;
    let apply = Apply {
        client: RestClient::new(connect, "SLUICEWAY_CONNECT")?,
        deadline,
    };
    let trial = Trial {
        config: &config,
        topic: &topic,
        marker: &marker,
        deadline,
    };
    let outcome = trial.through(&apply, &proxy, args, report).await;
    let deleted = apply
        .send(Method::DELETE, &of(&config.name, ""), None)
        .await;
    // Its own error says more than that of the connector which was never made.
    outcome?;
    deleted?;
    report(&format!("connector {}: deleted", config.name));
    Ok(())
}

struct Trial<'a> {
    config: &'a ConnectorConfig,
    topic: &'a str,
    marker: &'a str,
    deadline: Deadline,
}

impl Trial<'_> {
    async fn through(
        &self,
        apply: &Apply,
        proxy: &RestClient,
        args: &TrialArgs,
        report: &mut dyn FnMut(&str),
    ) -> Result<(), TrialError> {
        apply.wait_for_worker().await?;
        let file = ConnectorFile::read(&args.connector).content;
        let change = apply.change(&file.map_err(TrialError::Unfit)?).await?;
        report(&format!("connector {}: {change}", self.config.name));
        let written = post(proxy, self.topic, self.marker, self.deadline, report).await?;
        self.find(&written, report).await
    }

    /// Waits for the record's object, and compares what it holds.
    async fn find(
        &self,
        written: &Written,
        report: &mut dyn FnMut(&str),
    ) -> Result<(), TrialError> {
        let client = crate::upload::connect(&self.config.s3).await;
        let (bucket, key) = (&self.config.s3.bucket, self.key(written));
        let body = loop {
            match read(&client, bucket, &key).await? {
                Some(body) => break body,
                None => {
                    let last = format!("s3://{bucket}/{key} is not there yet");
                    self.deadline.pause(last).await?;
                }
            }
        };
        let lines: Vec<Value> = body
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        if lines != [record(self.marker)] {
            return Err(TrialError::Object {
                bucket: bucket.clone(),
                key,
                reason: format!("does not hold the record, but {body:.200}"),
            });
        }
        report(&format!("s3://{bucket}/{key}: holds the record"));
        // A role that may not delete is as it should be.
        let _ = client.delete_object().bucket(bucket).key(&key).send().await;
        Ok(())
    }

    /// The name of the object that begins with the record.
    fn key(&self, written: &Written) -> String {
        let (topic, Written { partition, offset }) = (self.topic, written);
        let folder = &self.config.path.topics_dir;
        format!("{folder}/{topic}/partition={partition}/{topic}+{partition}+{offset:010}.json")
    }
}

/// The object's text; `None`: there is no such object yet.
async fn read(client: &Client, bucket: &str, key: &str) -> Result<Option<String>, TrialError> {
    let failed = |reason: String| TrialError::Object {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        reason,
    };
    match client.get_object().bucket(bucket).key(key).send().await {
        Ok(object) => {
            let bytes = object.body.collect().await;
            let bytes = bytes.map_err(|error| failed(error.to_string()))?;
            Ok(Some(
                String::from_utf8_lossy(&bytes.into_bytes()).into_owned(),
            ))
        }
        Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
        Err(error) => Err(failed(format!(
            "{} (the trial needs s3:GetObject and s3:ListBucket)",
            DisplayErrorContext(&error)
        ))),
    }
}

fn config(args: &TrialArgs, runtime: &Handle) -> Result<ConnectorConfig, TrialError> {
    let verdict = validate(&args.connector, args.worker.as_deref(), runtime)?;
    match verdict.config {
        Ok(config) => Ok(*config),
        Err(errors) => Err(TrialError::Unfit(errors.to_string())),
    }
}

/// The topic of a file whose connector may lack everything else.
fn topic_of_file(args: &TrialArgs) -> Result<String, TrialError> {
    let (properties, _) =
        ConnectorFile::configuration(&args.connector).map_err(TrialError::Unfit)?;
    let topic = properties
        .get("topics")
        .map(|topic| topic.trim().to_owned());
    topic.ok_or_else(|| TrialError::Unfit("topics names the one topic to post to".to_owned()))
}

fn only_topic(topics: &TopicSelector) -> Result<String, TrialError> {
    match topics {
        TopicSelector::List(topics) if topics.len() == 1 => Ok(topics[0].clone()),
        _ => Err(TrialError::Unfit("topics has to be one topic".to_owned())),
    }
}

/// Makes the topic where brokers do not make it on first use; that it is there is fine. Whether it can be written to, the post
/// shows.
async fn make_topic(
    proxy: &RestClient,
    topic: &str,
    deadline: Deadline,
    report: &mut dyn FnMut(&str),
) -> Result<(), TrialError> {
    let clusters = loop {
        match proxy.get("/v3/clusters").await {
            Err(error) if error.is_transient() => deadline.pause(&error).await?,
            // v3 is switched off, or not for this user.
            Err(error) if error.status().is_some() => return Ok(()),
            answer => break answer?,
        }
    };
    let Some(cluster) = clusters["data"][0]["cluster_id"].as_str() else {
        return Ok(());
    };
    let body = json!({"topic_name": topic, "partitions_count": 1});
    let path = format!("/v3/clusters/{cluster}/topics");
    match proxy.call(Method::POST, &path, Some(&body)).await {
        Ok(_) => report(&format!("topic {topic}: created")),
        Err(error) if error.status() == Some(StatusCode::BAD_REQUEST) => {}
        Err(error) => report(&format!("topic {topic}: not created here ({error})")),
    }
    Ok(())
}

/// Posts the record until Kafka has taken it.
async fn post(
    proxy: &RestClient,
    topic: &str,
    marker: &str,
    deadline: Deadline,
    report: &mut dyn FnMut(&str),
) -> Result<Written, TrialError> {
    let body = json!({"records": [{"value": record(marker)}]});
    let path = format!("/topics/{topic}");
    loop {
        let posted = proxy.call_as(Method::POST, &path, V2_JSON, Some(&body));
        let answer = match posted.await {
            Err(error) if error.is_transient() => {
                deadline.pause(&error).await?;
                continue;
            }
            answer => answer?,
        };
        let first = &answer["offsets"][0];
        let (partition, offset) = (first["partition"].as_i64(), first["offset"].as_i64());
        if let (Some(partition), Some(offset)) = (partition, offset) {
            report(&format!(
                "topic {topic}: partition {partition}, offset {offset}"
            ));
            return Ok(Written { partition, offset });
        }
        deadline
            .pause(TrialError::NotWritten(first.clone()))
            .await?;
    }
}

fn record(marker: &str) -> Value {
    json!({"trial": marker})
}

/// Something that no other trial posts.
fn marker() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    format!(
        "{:x}-{:x}",
        now.unwrap_or_default().as_nanos(),
        std::process::id()
    )
}
