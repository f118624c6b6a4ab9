//! Topics that were removed stay away, on a broker that creates topics on first use, until somebody writes to them again. Whoever
//! removed them: the proxy, or another program behind its back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{V2_BINARY, expect_status, produce, produce_ok};
use crate::http::{Request, Response};
use crate::target::Proxy;
use crate::{Session, eventually};

/// The list of these cases. Keys need transactions, which the embedded broker does not have.
#[macro_export]
macro_rules! deleted_topics_cases {
    (real) => {
        $crate::tests!(real deleted_topics
            a_deleted_topic_stays_away_until_somebody_writes a_topic_may_go_unseen
            requests_with_keys_bring_no_topic_back);
    };
    (embedded) => {
        $crate::tests!(embedded deleted_topics
            a_deleted_topic_stays_away_until_somebody_writes a_topic_may_go_unseen);
    };
}

/// How often the proxy's producers look at the topics that they know: far more often than anybody would set.
const REFRESH: (&str, &str) = ("producer.topic.metadata.refresh.interval.ms", "300");
/// How long a topic has to stay away: a producer that may create it brings it back within a second.
const WATCHED: Duration = Duration::from_secs(3);
/// What Kafka may take to remove a topic.
const GONE_LIMIT: Duration = Duration::from_secs(30);
/// What a record may take whose topic has gone unseen.
const RECORD_LIMIT: Duration = Duration::from_secs(30);

fn body() -> Value {
    json!({"records": [{"value": 1}]})
}

async fn remove(session: &Session, proxy: &Proxy, topic: &str) -> Result<()> {
    let cluster = session.kafka.cluster_id()?;
    let path = format!("/v3/clusters/{cluster}/topics/{topic}");
    let answer = proxy.http.call(&Request::new("DELETE", &path)).await?;
    expect_status(&answer, 204)
}

/// Fails unless the topics go and then stay away.
async fn stay_away(session: &Session, topics: &[&str]) -> Result<()> {
    let there = |topic: &&&str| {
        let partitions = session.kafka.partitions(topic);
        partitions.map_or(true, |partitions| !partitions.is_empty())
    };
    eventually("waiting for topics to go", GONE_LIMIT, async || {
        Ok((!topics.iter().any(|topic| there(&topic))).then_some(()))
    })
    .await?;
    let since = Instant::now();
    while since.elapsed() < WATCHED {
        let back: Vec<_> = topics.iter().filter(there).collect();
        ensure!(back.is_empty(), "{back:?} after {:?}", since.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// v2 and v3: created by the first record, removed by the proxy or by somebody else, away, created by the next record, which is the
/// first one of the new topic.
///
/// # Errors
/// The case fails.
pub async fn a_deleted_topic_stays_away_until_somebody_writes(session: &Session) -> Result<()> {
    // What the proxy knows it looks at again before the next record, as it would after a longer while.
    let proxy = Proxy::start(session, &[REFRESH, ("sluiceway.metadata.ttl.ms", "100")]).await?;
    let names = ["removed", "removed-elsewhere", "removed-v3"].map(|base| session.name(base));
    let [removed, elsewhere, by_v3] = &names;
    for round in 0..2 {
        for topic in [removed, elsewhere] {
            let places = produce_ok(&proxy.http, &format!("/topics/{topic}"), &body()).await?;
            ensure!(places == [(0, 0)], "round {round}: {places:?} in {topic}");
        }
        let answer = v3_record(session, &proxy, by_v3).await?;
        expect_status(&answer, 200)?;
        ensure!(answer.json()?["offset"] == 0, "{}", answer.text()?);
        if round == 0 {
            // Whoever reads without a group has a client of the proxy's, too, which is kept for the next read.
            for topic in &names {
                let path = format!("/topics/{topic}/partitions/0/records?offset=0");
                expect_status(&proxy.http.get(&path, Some(V2_BINARY)).await?, 200)?;
            }
            remove(session, &proxy, removed).await?;
            remove(session, &proxy, by_v3).await?;
            session.kafka.delete_topic(elsewhere).await?;
            stay_away(session, &[removed, elsewhere, by_v3]).await?;
        }
    }
    // What is there now was made by the second round: nothing had the records of the first.
    for topic in &names {
        let stored = session.kafka.read_all(topic)?.len();
        ensure!(stored == 1, "{stored} records in {topic}");
    }
    Ok(())
}

async fn v3_record(session: &Session, proxy: &Proxy, topic: &str) -> Result<Response> {
    let cluster = session.kafka.cluster_id()?;
    let path = format!("/v3/clusters/{cluster}/topics/{topic}/records");
    let request = Request::new("POST", &path).header("Content-Type", "application/json");
    let value = json!({"value": {"type": "STRING", "data": "x"}});
    proxy.http.call(&request.body(value.to_string())).await
}

/// A topic goes while the proxy has reason to believe in it. A record is told soon that it may be tried again, or written, to a new topic.
///
/// # Errors
/// The case fails.
pub async fn a_topic_may_go_unseen(session: &Session) -> Result<()> {
    let proxy = Proxy::start(session, &[("sluiceway.metadata.ttl.ms", "600000")]).await?;
    let path = format!("/topics/{}", session.name("unseen"));
    let topic = path.trim_start_matches("/topics/");
    produce_ok(&proxy.http, &path, &body()).await?;
    session.kafka.delete_topic(topic).await?;
    eventually("waiting for the topic to go", GONE_LIMIT, async || {
        Ok(session.kafka.partitions(topic)?.is_empty().then_some(()))
    })
    .await?;
    let written = eventually("writing to the topic", RECORD_LIMIT, async || {
        let started = Instant::now();
        let answer = proxy.http.call(&produce(&path, &body())).await?;
        expect_status(&answer, 200)?;
        let entry = answer.json()?["offsets"][0].clone();
        println!("{entry} after {:?}", started.elapsed());
        let code = entry["error_code"].as_i64().unwrap_or_default();
        ensure!(code == 0 || code == 50003, "{entry}");
        Ok((code == 0).then_some(entry))
    })
    .await?;
    ensure!(written["offset"] == 0, "{written}");
    Ok(())
}

/// The producers of transactions do not bring topics back either, and write to what was made anew.
///
/// # Errors
/// The case fails.
pub async fn requests_with_keys_bring_no_topic_back(session: &Session) -> Result<()> {
    let (keys, topic) = (session.name("keys"), session.name("keyed"));
    let properties = [
        REFRESH,
        ("sluiceway.idempotency.enable", "true"),
        ("sluiceway.idempotency.topic", &*keys),
        ("sluiceway.idempotency.topic.partitions", "1"),
    ];
    let proxy = Proxy::start(session, &properties).await?;
    for key in ["first", "second"] {
        let request = produce(&format!("/topics/{topic}"), &body());
        let answer = proxy
            .http
            .call(&request.header("Idempotency-Key", key))
            .await?;
        expect_status(&answer, 200)?;
        let answer = answer.json()?;
        let entry = answer["offsets"].get(0).context("no entry")?;
        ensure!(entry["offset"] == 0, "the {key} record: {entry}");
        if key == "first" {
            remove(session, &proxy, &topic).await?;
            stay_away(session, &[&topic]).await?;
        }
    }
    Ok(())
}
