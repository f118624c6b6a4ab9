//! Consumer instances of one group.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{V2, V2_JSON, expect_status, numbered};
use crate::Session;
use crate::http::Request;
use crate::target::Proxy;

/// The list of these cases.
#[macro_export]
macro_rules! rest_v2_groups_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_v2_groups a_member_leaves_while_others_do_not_join_again);
    };
}

/// Longest wait for a DELETE: far below the time that a group waits for members which do not join again (five minutes), and
/// below what clients and balancers wait for an answer.
const DELETE_LIMIT: Duration = Duration::from_secs(15);

/// An instance by its path.
struct Instance<'a> {
    proxy: &'a Proxy,
    path: String,
}

impl<'a> Instance<'a> {
    async fn subscribed(proxy: &'a Proxy, group: &str, name: &str, topic: &str) -> Result<Self> {
        let options = json!({"name": name, "format": "json", "auto.offset.reset": "earliest", "auto.commit.enable": "false"});
        let instance = Self {
            proxy,
            path: format!("/consumers/{group}/instances/{name}"),
        };
        let created = instance
            .post(&format!("/consumers/{group}"), &options)
            .await?;
        expect_status(&created, 200)?;
        let (path, topics) = (
            format!("{}/subscription", instance.path),
            json!({"topics": [topic]}),
        );
        expect_status(&instance.post(&path, &topics).await?, 204)?;
        Ok(instance)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<crate::http::Response> {
        let request = Request::new("POST", path).header("Content-Type", V2);
        self.proxy.http.call(&request.body(body.to_string())).await
    }

    async fn read(&self, millis: u64) -> Result<usize> {
        let path = format!("{}/records?timeout={millis}", self.path);
        let answer = self.proxy.http.get(&path, Some(V2_JSON)).await?;
        expect_status(&answer, 200)?;
        Ok(answer.json()?.as_array().context("no list")?.len())
    }

    async fn delete(&self) -> Result<()> {
        let request = Request::new("DELETE", &self.path);
        let answer = tokio::time::timeout(DELETE_LIMIT, self.proxy.http.call(&request));
        expect_status(&answer.await.context("DELETE is not answered")??, 204)
    }
}

/// The second member's request to join waits for the first, which does not read and so does not know of the rebalance. The
/// second can still be deleted, and the first goes on when it reads.
///
/// # Errors
/// The case fails.
pub async fn a_member_leaves_while_others_do_not_join_again(session: &Session) -> Result<()> {
    let topic = session.topic("leaving", 2).await?;
    session.kafka.write(&topic, &numbered(0, 0..3)).await?;
    session.kafka.write(&topic, &numbered(1, 0..3)).await?;
    let proxy = Proxy::start(session, &[("consumer.request.timeout.ms", "10000")]).await?;
    let group = session.name("leaving-group");
    let first = Instance::subscribed(&proxy, &group, "first", &topic).await?;
    let mut read = 0;
    while read < 6 {
        let more = first.read(10_000).await?;
        ensure!(more > 0, "{read} of 6 records came");
        read += more;
    }
    for round in 0..3 {
        let second = Instance::subscribed(&proxy, &group, "second", &topic).await?;
        second.read(1500).await?;
        second
            .delete()
            .await
            .with_context(|| format!("round {round}"))?;
        ensure!(
            second.read(100).await.is_err(),
            "the instance is still there"
        );
    }
    session.kafka.write(&topic, &numbered(0, 3..5)).await?;
    let what = "waiting for the first member to go on";
    crate::eventually(what, super::SINK_LIMIT, async || {
        Ok((first.read(2000).await? >= 2).then_some(()))
    })
    .await?;
    first.delete().await
}
