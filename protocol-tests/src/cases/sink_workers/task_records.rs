//! The tasks that a connector has are in the config topic: `GET /connectors/<name>` tells of them, and the other workers read them.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::scene::{Scene, Shape};
use crate::cases::{SINK_LIMIT, expect_status};
use crate::http::Request;
use crate::target::Sink;
use crate::{Session, eventually};

/// A connector for whose tasks there was no room, restarted when there is.
///
/// # Errors
/// The case fails.
pub async fn tasks_of_a_restarted_connector_are_told(session: &Session) -> Result<()> {
    let shape = Shape {
        workers: 1,
        partitions: 1,
        tasks: 2,
        session: Duration::from_secs(8),
    };
    let scene = Scene::new(session, shape).await?;
    scene.set(0, "sluiceway.max.tasks", "2")?;
    let mut worker = scene.start(0).await?;
    scene.create(&worker).await?;
    scene.until_run(&[&worker]).await?;

    let second = format!("{}-2", scene.connector.name);
    scene.create_as(&worker, &second).await?;
    until_it_is(&worker, &second, "FAILED").await?;
    ensure!(tasks(&worker, &second).await? == 0, "there is no room");
    scene.delete(&worker).await?;
    let restart = format!("/connectors/{second}/restart");
    let restarted = worker.http.call(&Request::new("POST", &restart)).await?;
    expect_status(&restarted, 204)?;
    until_it_is(&worker, &second, "RUNNING").await?;
    eventually("waiting for its tasks", SINK_LIMIT, async || {
        Ok((tasks(&worker, &second).await? == 2).then_some(()))
    })
    .await?;
    worker.stop().await
}

async fn until_it_is(worker: &Sink, name: &str, state: &str) -> Result<()> {
    let path = format!("/connectors/{name}/status");
    let what = format!("waiting for {name} to be {state}");
    eventually(&what, SINK_LIMIT, async || {
        let status = worker.http.get(&path, None).await?.json()?;
        Ok((status["connector"]["state"] == state).then_some(()))
    })
    .await
}

/// How many tasks a connector is said to have.
async fn tasks(worker: &Sink, name: &str) -> Result<usize> {
    let path = format!("/connectors/{name}");
    let told = worker.http.get(&path, None).await?.json()?;
    Ok(told["tasks"].as_array().map_or(0, Vec::len))
}
