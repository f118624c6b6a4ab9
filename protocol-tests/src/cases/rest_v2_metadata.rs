//! `GET /`, `/brokers`, `/topics` and what is below.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{V2, expect_status, produce_ok};
use crate::Session;
use crate::http::Request;
use crate::kafka::Record;
use crate::target::Proxy;

/// The list of these cases.
#[macro_export]
macro_rules! rest_v2_metadata_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_v2_metadata
            the_root_answers brokers_are_listed topics_are_listed a_topic_is_described partitions_are_described
            offsets_follow_what_is_written other_methods_are_refused);
    };
}

/// Fields of a partition as they have to come, in their order.
const PARTITION: [&str; 3] = ["partition", "leader", "replicas"];

async fn get(proxy: &Proxy, path: &str) -> Result<Value> {
    let answer = proxy.http.get(path, Some(V2)).await?;
    expect_status(&answer, 200).with_context(|| path.to_owned())?;
    ensure!(
        answer.header("content-type") == Some(V2),
        "{path}: {:?}",
        answer.headers
    );
    answer.json()
}

fn members(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .map(|object| object.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// GET, HEAD, POST.
///
/// # Errors
/// The case fails.
pub async fn the_root_answers(session: &Session) -> Result<()> {
    let proxy = Proxy::start(session, &[]).await?;
    ensure!(get(&proxy, "/").await? == json!({}), "not empty");
    let head = proxy.http.call(&Request::new("HEAD", "/")).await?;
    expect_status(&head, 200)?;
    let post = Request::new("POST", "/")
        .header("Content-Type", V2)
        .body("{}");
    let post = proxy.http.call(&post).await?;
    expect_status(&post, 200)?;
    ensure!(post.json()? == json!({}), "not empty");
    Ok(())
}

/// Ids as the cluster tells them.
///
/// # Errors
/// The case fails.
pub async fn brokers_are_listed(session: &Session) -> Result<()> {
    let proxy = Proxy::start(session, &[]).await?;
    ensure!(
        get(&proxy, "/brokers").await? == json!({"brokers": session.kafka.broker_ids()?}),
        "other brokers"
    );
    Ok(())
}

/// New ones appear, deleted ones go.
///
/// # Errors
/// The case fails.
pub async fn topics_are_listed(session: &Session) -> Result<()> {
    let proxy = Proxy::start(session, &[]).await?;
    let listed = async |topic: &str| {
        let list = get(&proxy, "/topics").await?;
        let list = list.as_array().context("no list")?;
        anyhow::Ok(list.iter().filter(|name| *name == topic).count())
    };
    let topic = session.topic("listed", 1).await?;
    ensure!(listed(&topic).await? == 1, "{topic} is not listed once");
    ensure!(
        listed("__consumer_offsets").await? == 0,
        "an internal topic is listed"
    );
    session.kafka.delete_topic(&topic).await?;
    crate::eventually(
        "waiting for the topic to go",
        super::SINK_LIMIT,
        async || Ok((listed(&topic).await? == 0).then_some(())),
    )
    .await
}

/// Name, effective configuration as strings, partitions.
///
/// # Errors
/// The case fails.
pub async fn a_topic_is_described(session: &Session) -> Result<()> {
    let topic = session.name("described");
    session
        .kafka
        .create_topic(
            &topic,
            2,
            &[("retention.ms", "123456"), ("cleanup.policy", "compact")],
        )
        .await?;
    let proxy = Proxy::start(session, &[]).await?;
    let found = get(&proxy, &format!("/topics/{topic}")).await?;
    ensure!(
        members(&found) == ["name", "configs", "partitions"],
        "{found}"
    );
    ensure!(found["name"] == topic.as_str(), "{found}");
    ensure!(
        found["configs"]["retention.ms"] == "123456"
            && found["configs"]["cleanup.policy"] == "compact",
        "{found}"
    );
    let strings = found["configs"].as_object().context("no configs")?.values();
    ensure!(
        strings
            .clone()
            .all(|value| value.is_string() || value.is_null()),
        "{found}"
    );
    ensure!(
        found["partitions"].as_array().map(Vec::len) == Some(2),
        "{found}"
    );
    Ok(())
}

/// As a list and one by one.
///
/// # Errors
/// The case fails.
pub async fn partitions_are_described(session: &Session) -> Result<()> {
    let topic = session.topic("partitions", 3).await?;
    let brokers = session.kafka.broker_ids()?;
    let proxy = Proxy::start(session, &[]).await?;
    let list = get(&proxy, &format!("/topics/{topic}/partitions")).await?;
    let list = list.as_array().context("no list")?;
    ensure!(
        list.iter()
            .map(|one| one["partition"].as_i64())
            .eq([Some(0), Some(1), Some(2)]),
        "{list:?}"
    );
    for one in list {
        ensure!(members(one) == PARTITION, "{one}");
        let leader = i32::try_from(one["leader"].as_i64().context("no leader")?)?;
        ensure!(brokers.contains(&leader), "{one}");
        ensure!(
            one["replicas"] == json!([{"broker": leader, "leader": true, "in_sync": true}]),
            "{one}"
        );
        let single = get(
            &proxy,
            &format!("/topics/{topic}/partitions/{}", one["partition"]),
        )
        .await?;
        ensure!(&single == one, "{single} instead of {one}");
    }
    Ok(())
}

/// Beginning and end of a partition.
///
/// # Errors
/// The case fails.
pub async fn offsets_follow_what_is_written(session: &Session) -> Result<()> {
    let topic = session.topic("offsets", 2).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let path = format!("/topics/{topic}/partitions/1/offsets");
    ensure!(
        get(&proxy, &path).await? == json!({"beginning_offset": 0, "end_offset": 0}),
        "not empty"
    );
    session
        .kafka
        .write(&topic, &[Record::value(1, "1"), Record::value(1, "2")])
        .await?;
    produce_ok(
        &proxy.http,
        &format!("/topics/{topic}/partitions/1"),
        &json!({"records": [{"value": 3}]}),
    )
    .await?;
    ensure!(
        get(&proxy, &path).await? == json!({"beginning_offset": 0, "end_offset": 3}),
        "not 3"
    );
    Ok(())
}

/// 405 with a body and no type; OPTIONS tells what is allowed.
///
/// # Errors
/// The case fails.
pub async fn other_methods_are_refused(session: &Session) -> Result<()> {
    let proxy = Proxy::start(session, &[]).await?;
    for (method, path) in [
        ("POST", "/topics"),
        ("DELETE", "/topics"),
        ("DELETE", "/brokers"),
        ("PUT", "/topics/x"),
    ] {
        let answer = proxy
            .http
            .call(&Request::new(method, path).header("Accept", V2))
            .await?;
        expect_status(&answer, 405).with_context(|| format!("{method} {path}"))?;
        let expected = json!({"error_code": 405, "message": "HTTP 405 Method Not Allowed"});
        ensure!(
            answer.json()? == expected,
            "{method} {path}: {:?}",
            answer.text()
        );
    }
    let options = proxy
        .http
        .call(&Request::new("OPTIONS", "/topics").header("Accept", V2))
        .await?;
    expect_status(&options, 200)?;
    let allowed = options.header("allow").context("no Allow")?;
    ensure!(
        ["GET", "HEAD", "OPTIONS"]
            .iter()
            .all(|method| allowed.contains(method)),
        "{allowed}"
    );
    Ok(())
}
