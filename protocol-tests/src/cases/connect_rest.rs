//! What the worker tells about its connectors over Connect's REST API, good and bad ones.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{SINK_LIMIT, numbered, wait_for_objects};
use crate::connector::Connector;
use crate::target::Sink;
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! connect_rest_cases {
    ($kind:ident) => {
        $crate::tests!($kind connect_rest
            rest_tells_connectors_and_hides_secrets a_bad_connector_file_does_not_stop_the_others);
    };
}

/// GET `/`, `/connectors`, `/connectors/{name}` and its config, status, tasks.
///
/// # Errors
/// The case fails.
pub async fn rest_tells_connectors_and_hides_secrets(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("told", 1).await?,
        session.bucket("told").await?,
    );
    let connector = Connector::json(session, "told", &topic, &bucket);
    let sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    let name = connector.name.as_str();
    eventually("waiting for the task", SINK_LIMIT, async || {
        Ok((sink.task_states(&connector).await? == ["RUNNING"]).then_some(()))
    })
    .await?;
    let get = async |path: String| {
        let answer = sink.http.get(&path, None).await?;
        super::expect_status(&answer, 200).with_context(|| path.clone())?;
        ensure!(
            answer.header("content-type") == Some("application/json"),
            "{path}: {:?}",
            answer.headers
        );
        let text = answer.text()?;
        ensure!(
            !text.contains(&session.parts.s3.secret),
            "{path} shows the secret"
        );
        answer.json()
    };
    ensure!(
        get("/".into()).await?["kafka_cluster_id"].is_string(),
        "no cluster id"
    );
    ensure!(
        get("/connectors".into()).await? == json!([name]),
        "another list"
    );
    let whole = get(format!("/connectors/{name}")).await?;
    ensure!(whole["name"] == name && whole["type"] == "sink", "{whole}");
    ensure!(
        whole["tasks"] == json!([{"connector": name, "task": 0}]),
        "{whole}"
    );
    let config = get(format!("/connectors/{name}/config")).await?;
    ensure!(
        config == whole["config"] && config["name"] == name && config["flush.size"] == "3",
        "{config}"
    );
    let status = get(format!("/connectors/{name}/status")).await?;
    ensure!(
        status["connector"]["state"] == "RUNNING" && status["tasks"][0]["state"] == "RUNNING",
        "{status}"
    );
    ensure!(
        status["type"] == "sink"
            && status["tasks"][0]["worker_id"] == status["connector"]["worker_id"],
        "{status}"
    );
    let tasks = get(format!("/connectors/{name}/tasks")).await?;
    ensure!(
        tasks[0]["id"] == json!({"connector": name, "task": 0}),
        "{tasks}"
    );
    for path in [
        "/connectors/nope",
        "/connectors/nope/config",
        "/connectors/nope/status",
        "/connectors/nope/tasks",
        "/nope",
    ] {
        let answer = sink.http.get(path, None).await?;
        super::expect_status(&answer, 404).with_context(|| path.to_owned())?;
        ensure!(
            answer.json()?["error_code"] == 404,
            "{path}: {:?}",
            answer.text()
        );
    }
    Ok(())
}

/// The good connector runs; why the bad one does not stands in the log, without its secret.
///
/// # Errors
/// The case fails.
pub async fn a_bad_connector_file_does_not_stop_the_others(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("good", 1).await?,
        session.bucket("good").await?,
    );
    session.kafka.write(&topic, &numbered(0, 0..3)).await?;
    let good = Connector::json(session, "good", &topic, &bucket);
    let bad = Connector::json(session, "bad", &topic, &bucket)
        .set("flush.size", "many")
        .set("s3.part.size", "1");
    let sink = Sink::start(session, &[bad.clone(), good]).await?;
    wait_for_objects(&bucket, 1).await?;
    let log = sink.program.log();
    for word in [bad.name.as_str(), "flush.size", "many", "s3.part.size"] {
        ensure!(log.contains(word), "the log does not name {word}");
    }
    ensure!(
        !log.contains(&session.parts.s3.secret),
        "the log shows the secret"
    );
    ensure!(sink.task_states(&bad).await?.is_empty(), "it has tasks");
    Ok(())
}
