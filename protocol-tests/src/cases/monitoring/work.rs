//! Work of every kind that the dashboards show, so that there is something to be seen.

use anyhow::Result;
use serde_json::{Value, json};

use crate::cases::{
    SINK_LIMIT, V2, V2_JSON, expect_status, produce, produce_ok, wait_for_commit, wait_for_objects,
};
use crate::connector::Connector;
use crate::exposition::Scrape;
use crate::http::{Client, Request};
use crate::kafka::Record;
use crate::target::{Proxy, Sink};
use crate::{Session, eventually};

/// Both programs after some work of every kind that the dashboards show: records written, refused and read; objects, a bad
/// record and its letter, a commit.
pub(super) async fn at_work(session: &Session) -> Result<(Proxy, Sink)> {
    let topic = session.topic("watched", 1).await?;
    let bucket = session.bucket("watched").await?;
    let letters = session.topic("watched-letters", 1).await?;
    let records: Vec<Record> = (0..7).map(|n| Record::value(0, n.to_string())).collect();
    session.kafka.write(&topic, &records).await?;
    session
        .kafka
        .write(&topic, &[Record::value(0, "no JSON")])
        .await?;
    let connector = Connector::json(session, "watched", &topic, &bucket)
        .set("errors.tolerance", "all")
        .set("errors.deadletterqueue.topic.name", &letters)
        .set("errors.deadletterqueue.topic.replication.factor", "1");
    let sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    let proxy = Proxy::start(session, &[]).await?;
    wait_for_objects(&bucket, 2).await?;
    wait_for_commit(session, &connector, &topic, &[(0, 6)]).await?;
    more_work(&proxy.http, &topic).await?;
    read(session, &proxy.http, &topic).await?;
    eventually("waiting for the lag", SINK_LIMIT, async || {
        let scrape = scrape(&sink.admin).await?;
        Ok(scrape.sum("sluiceway_sink_lag_records", &[]).map(drop))
    })
    .await?;
    Ok((proxy, sink))
}

pub(super) async fn more_work(http: &Client, topic: &str) -> Result<()> {
    let path = format!("/topics/{topic}");
    produce_ok(
        http,
        &path,
        &json!({"records": [{"value": 8}, {"value": 9}]}),
    )
    .await?;
    let nowhere = json!({"records": [{"partition": 9, "value": 1}]});
    http.call(&produce(&path, &nowhere)).await.map(drop)
}

async fn read(session: &Session, http: &Client, topic: &str) -> Result<()> {
    let group = session.name("watchers");
    let call = async |method: &str, path: &str, body: Value| {
        let request = Request::new(method, path)
            .header("Content-Type", V2)
            .header("Accept", V2);
        http.call(&request.body(body.to_string())).await
    };
    let settings = json!({"name": "one", "format": "json", "auto.offset.reset": "earliest"});
    expect_status(
        &call("POST", &format!("/consumers/{group}"), settings).await?,
        200,
    )?;
    let instance = format!("/consumers/{group}/instances/one");
    // The record that is no JSON is none of the test's concern: the reader starts behind it.
    let assigned = json!({"partitions": [{"topic": topic, "partition": 0}]});
    expect_status(
        &call("POST", &format!("{instance}/assignments"), assigned).await?,
        204,
    )?;
    let behind = json!({"offsets": [{"topic": topic, "partition": 0, "offset": 8}]});
    expect_status(
        &call("POST", &format!("{instance}/positions"), behind).await?,
        204,
    )?;
    eventually("waiting for records", SINK_LIMIT, async || {
        let answer = http
            .get(&format!("{instance}/records?timeout=1000"), Some(V2_JSON))
            .await?;
        expect_status(&answer, 200)?;
        Ok(answer
            .json()?
            .as_array()
            .is_some_and(|found| !found.is_empty())
            .then_some(()))
    })
    .await
}

pub(super) async fn scrape(admin: &Client) -> Result<Scrape> {
    let answer = admin.get("/metrics", None).await?;
    expect_status(&answer, 200)?;
    Scrape::parse(&answer.text()?)
}
