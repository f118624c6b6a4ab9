//! A genuine Kafka Connect cluster is taken over and given back: the same group, the same topics.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{expect_status, numbered, wait_for_objects};
use crate::connect_worker::ConnectWorker;
use crate::connector::Connector;
use crate::http::{Client, Request, Response};
use crate::target::SinkFiles;
use crate::{Session, eventually};

/// The list of these cases; real parts only.
#[macro_export]
macro_rules! connect_takeover_cases {
    ($kind:ident) => {
        $crate::tests!($kind connect_takeover a_connect_cluster_is_taken_over_and_given_back);
    };
}

/// Rebalances of two programs under load.
const LIMIT: Duration = Duration::from_secs(90);

/// Connect's worker makes three connectors; ours takes them over, changes them, and Connect's finds the changes.
///
/// # Errors
/// The case fails.
pub async fn a_connect_cluster_is_taken_over_and_given_back(session: &Session) -> Result<()> {
    let topic = session.topic("takeover", 2).await?;
    let bucket = session.bucket("takeover").await?;
    let cluster = session.name("connect-cluster");
    let topics = ["config", "offset", "status"].map(|kind| format!("{cluster}-{kind}"));
    let properties = [
        ("group.id", &*cluster),
        ("config.storage.topic", &topics[0]),
        ("config.storage.replication.factor", "1"),
        ("offset.storage.topic", &topics[1]),
        ("offset.storage.replication.factor", "1"),
        ("status.storage.topic", &topics[2]),
        ("status.storage.replication.factor", "1"),
    ];
    let connector =
        |name: &str| Connector::json(session, name, &topic, &bucket).set("tasks.max", "2");
    let [runs, paused, stopped] = ["runs", "paused", "stopped"].map(connector);

    let mut connect = ConnectWorker::start(session, &properties).await?;
    for connector in [&runs, &paused, &stopped] {
        create(&connect.http, connector).await?;
        until(&connect.http, connector, "RUNNING", 2).await?;
    }
    put(&connect.http, &paused, "pause", 202).await?;
    put(&connect.http, &stopped, "stop", 204).await?;
    until(&connect.http, &paused, "PAUSED", 2).await?;
    until(&connect.http, &stopped, "STOPPED", 0).await?;

    // Beside it ours looks on: Kafka does not let it in.
    let ours = SinkFiles::write(session, &properties, &[])?.distributed();
    let mut sink = ours.start().await?;
    let before = names(&sink.http).await?;
    let mut wanted = [&runs, &paused, &stopped].map(|connector| connector.name.clone());
    wanted.sort();
    ensure!(before == json!(wanted), "{before}");
    eventually("waiting for the warning", LIMIT, async || {
        let log = sink.program.log();
        Ok(log.contains("members of another kind").then_some(()))
    })
    .await?;
    put(&sink.http, &runs, "pause", 409).await?;
    let health = sink.http.get("/health", None).await?;
    expect_status(&health, 503)?;

    connect.stop().await?;
    until(&sink.http, &runs, "RUNNING", 2).await?;
    until(&sink.http, &paused, "PAUSED", 2).await?;
    until(&sink.http, &stopped, "STOPPED", 0).await?;
    for partition in 0..2 {
        session
            .kafka
            .write(&topic, &numbered(partition, 0..3))
            .await?;
    }
    wait_for_objects(&bucket, 2).await?;

    let fresh = connector("fresh");
    create(&sink.http, &fresh).await?;
    until(&sink.http, &fresh, "RUNNING", 2).await?;
    put(&sink.http, &runs, "pause", 202).await?;
    put(&sink.http, &paused, "resume", 202).await?;
    until(&sink.http, &runs, "PAUSED", 2).await?;
    until(&sink.http, &paused, "RUNNING", 2).await?;
    patch(&sink.http, &paused, &json!({"tasks.max": "1"})).await?;
    until(&sink.http, &paused, "RUNNING", 1).await?;
    let path = format!("/connectors/{}", stopped.name);
    expect_status(&sink.http.call(&Request::new("DELETE", &path)).await?, 204)?;
    let left = names(&sink.http).await?;
    let config = config_of(&sink.http, &paused).await?;
    sink.stop().await?;

    let mut connect = ConnectWorker::start(session, &properties).await?;
    let found = names(&connect.http).await?;
    ensure!(sorted(&found) == sorted(&left), "{found} instead of {left}");
    until(&connect.http, &runs, "PAUSED", 2).await?;
    until(&connect.http, &fresh, "RUNNING", 2).await?;
    until(&connect.http, &paused, "RUNNING", 1).await?;
    let theirs = config_of(&connect.http, &paused).await?;
    // Connect shows secrets, ours does not.
    let same = config
        .as_object()
        .into_iter()
        .flatten()
        .all(|(key, value)| key == "aws.secret.access.key" || theirs[key] == *value);
    ensure!(same, "{theirs} instead of {config}");
    for connector in [&runs, &fresh, &paused] {
        let path = format!("/connectors/{}", connector.name);
        expect_status(
            &connect.http.call(&Request::new("DELETE", &path)).await?,
            204,
        )?;
    }
    connect.stop().await
}

fn sorted(names: &Value) -> Vec<String> {
    let names = names.as_array().into_iter().flatten();
    let mut names: Vec<String> = names.filter_map(Value::as_str).map(str::to_owned).collect();
    names.sort();
    names
}

async fn names(http: &Client) -> Result<Value> {
    eventually("waiting for the list", LIMIT, async || {
        let answer = http.get("/connectors", None).await?;
        Ok((answer.status == 200).then_some(answer))
    })
    .await?
    .json()
}

async fn config_of(http: &Client, connector: &Connector) -> Result<Value> {
    let path = format!("/connectors/{}/config", connector.name);
    http.get(&path, None).await?.json()
}

fn json_request(method: &str, path: &str, body: &Value) -> Request {
    Request::new(method, path)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

/// Sends a request again while it is refused because of a rebalance.
async fn insist(http: &Client, request: &Request) -> Result<Response> {
    eventually("waiting for the end of a rebalance", LIMIT, async || {
        let answer = http.call(request).await?;
        Ok((answer.status != 409).then_some(answer))
    })
    .await
}

async fn create(http: &Client, connector: &Connector) -> Result<()> {
    let body = json!({"name": connector.name, "config": connector.properties});
    let request = json_request("POST", "/connectors", &body);
    expect_status(&insist(http, &request).await?, 201)
}

async fn patch(http: &Client, connector: &Connector, body: &Value) -> Result<()> {
    let path = format!("/connectors/{}/config", connector.name);
    expect_status(
        &insist(http, &json_request("PATCH", &path, body)).await?,
        200,
    )
}

async fn put(http: &Client, connector: &Connector, verb: &str, status: u16) -> Result<()> {
    let request = Request::new("PUT", &format!("/connectors/{}/{verb}", connector.name));
    let answer = if status == 409 {
        http.call(&request).await?
    } else {
        insist(http, &request).await?
    };
    expect_status(&answer, status)
}

async fn until(http: &Client, connector: &Connector, state: &str, tasks: usize) -> Result<()> {
    let path = format!("/connectors/{}/status", connector.name);
    let what = format!("waiting for {state} of {}", connector.name);
    eventually(&what, LIMIT, async || {
        let answer = http.get(&path, None).await?;
        if answer.status != 200 {
            return Ok(None);
        }
        let status = answer.json()?;
        let all = status["tasks"].as_array().cloned().unwrap_or_default();
        let is = |item: &Value| item["state"] == state;
        let all_are = is(&status["connector"]) && all.iter().all(is) && all.len() == tasks;
        Ok(all_are.then_some(()))
    })
    .await
}
