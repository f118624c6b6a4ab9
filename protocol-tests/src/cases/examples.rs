//! The files of `examples/` under the programs they are for. Where Kafka is, and which ports are free, comes from the environment,
//! as in the Docker images, so the files are taken as they stand; only the connector's store has another address.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::{SINK_LIMIT, expect_status, produce_ok, wait_for_objects};
use crate::http::{Client, Request};
use crate::program::Program;
use crate::s3::Bucket;
use crate::target::free_listener;
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! examples_cases {
    ($kind:ident) => {
        $crate::tests!($kind examples
            the_examples_of_proxy_and_worker_run the_example_of_distributed_workers_runs);
    };
}

/// The user of the examples.
const USER: &str = "0a1b2c3d4e5f";
/// `flush.size` of `s3-sink.properties`.
const RECORDS: i64 = 500;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(name)
}

/// Starts a program whose variables begin with `prefix`; its listener answers.
async fn start(
    session: &Session,
    (program, prefix): (&str, &str),
    arguments: &[&Path],
) -> Result<(Program, Client)> {
    let listener = free_listener()?;
    let variables = [
        ("BOOTSTRAP_SERVERS", session.parts.kafka.clone()),
        ("LISTENERS", listener.clone()),
        ("SLUICEWAY_ADMIN_LISTENERS", free_listener()?),
    ];
    let variables = variables.map(|(name, value)| (format!("{prefix}_{name}"), value));
    let mut environment: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    environment.extend([
        ("AWS_ACCESS_KEY_ID", &*session.parts.s3.key),
        ("AWS_SECRET_ACCESS_KEY", &*session.parts.s3.secret),
    ]);
    let log = session.log(program);
    let mut program = Program::start(program, arguments, &environment, &log)?;
    let http = Client::new(&listener)?;
    eventually("waiting for the first answer", SINK_LIMIT, async || {
        program.ensure_runs()?;
        let answer = http.get("/", None).await.ok();
        Ok(answer.filter(|answer| answer.status == 200))
    })
    .await?;
    Ok((program, http))
}

/// The example of a connector, with the session's store.
fn connector(session: &Session) -> Result<String> {
    let text = std::fs::read_to_string(file("s3-sink.properties"))?;
    let placed = text.replace("http://127.0.0.1:9000", &session.parts.s3.endpoint);
    ensure!(placed != text, "the example names no store");
    Ok(placed)
}

/// Posts as many records as make an object.
async fn post(proxy: &Client, topic: &str) -> Result<()> {
    let records: Vec<Value> = (0..RECORDS)
        .map(|n| json!({"value": {"index": n}}))
        .collect();
    let path = format!("/topics/{topic}");
    produce_ok(proxy, &path, &json!({ "records": records })).await?;
    Ok(())
}

/// The one object that the records of [`post`] make.
async fn expect_object(bucket: &Bucket, topic: &str) -> Result<()> {
    let keys = wait_for_objects(bucket, 1).await?;
    let key = format!("topics/{topic}/partition=0/{topic}+0+0000000000.json");
    ensure!(keys == [key.clone()], "{keys:?}");
    let lines = bucket.object(&key).await?.lines()?;
    ensure!(lines.len() as i64 == RECORDS, "{} lines", lines.len());
    ensure!(lines[0] == "{\"index\":0}", "{}", lines[0]);
    Ok(())
}

fn expect_no_warning(program: &Program) -> Result<()> {
    let log = program.log();
    let warning = log.lines().find(|line| line.contains("WARN"));
    ensure!(warning.is_none(), "{warning:?}");
    Ok(())
}

const PROXY: (&str, &str) = ("sluiceway-proxy", "KAFKA_REST");
const SINK: (&str, &str) = ("sluiceway-sink", "CONNECT");

/// `kafka-rest.properties`, and `worker.properties` with `s3-sink.properties`: what is posted to the one comes out of the other.
///
/// # Errors
/// The case fails.
pub async fn the_examples_of_proxy_and_worker_run(session: &Session) -> Result<()> {
    let bucket = Bucket::new(&session.parts.s3, &format!("user-{USER}-bucket"));
    bucket.create().await?;
    let topic = format!("{USER}.pin");
    let (proxy, http) = start(session, PROXY, &[&file("kafka-rest.properties")]).await?;
    post(&http, &topic).await?;
    let connector_file = session.file("s3-sink.properties");
    std::fs::write(&connector_file, connector(session)?)?;
    let files = [&*file("worker.properties"), &*connector_file];
    let (sink, _) = start(session, SINK, &files).await?;
    expect_object(&bucket, &topic).await?;
    expect_no_warning(&proxy)?;
    expect_no_warning(&sink)
}

/// `connect-distributed.properties`; the connector comes over REST, as the same keys and values.
///
/// # Errors
/// The case fails.
pub async fn the_example_of_distributed_workers_runs(session: &Session) -> Result<()> {
    let bucket = Bucket::new(&session.parts.s3, &format!("user-{USER}-bucket"));
    bucket.create().await?;
    let topic = format!("{USER}.geo");
    let (_proxy, http) = start(session, PROXY, &[&file("kafka-rest.properties")]).await?;
    post(&http, &topic).await?;
    let flag = Path::new("--distributed");
    let arguments = [flag, &*file("connect-distributed.properties")];
    let (_sink, connect) = start(session, SINK, &arguments).await?;
    let config = json_of(&connector(session)?)?;
    let put = Request::new("PUT", "/connectors/s3-sink/config")
        .header("Content-Type", "application/json")
        .body(Value::Object(config).to_string());
    // The worker takes changes once it has read its topics.
    eventually("waiting for the connector", SINK_LIMIT, async || {
        let answer = connect.call(&put).await?;
        if matches!(answer.status, 409 | 500 | 503) {
            return Ok(None);
        }
        expect_status(&answer, 201).map(Some)
    })
    .await?;
    expect_object(&bucket, &topic).await
}

/// Keys and values of a properties file without escapes.
fn json_of(text: &str) -> Result<Map<String, Value>> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| {
        let (key, value) = line.split_once('=').with_context(|| line.to_owned())?;
        Ok((key.to_owned(), value.into()))
    });
    pairs.collect()
}
