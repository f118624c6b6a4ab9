//! Consumer instances that replicas share: their owner is killed, stopped, drained.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::rest_streams::{events, follow};
use super::{V2, V2_JSON, expect_status, numbered};
use crate::http::{Client, Connection, Request, Response};
use crate::kafka::Record;
use crate::replicas::Replicas;
use crate::target::Proxy;
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! peers_cases {
    ($kind:ident) => {
        $crate::tests!($kind peers
            an_instance_outlives_its_owner draining_hands_over_without_a_gap
            draining_hands_over_what_has_read_nothing
            a_replica_that_was_away_gives_its_instances_up only_replicas_can_say_that_they_are_replicas
            the_first_read_waits_for_the_join events_come_through_any_replica);
    };
}

/// What a request may take while an instance moves: far less than a group's session (45 s), which would have to end if
/// Kafka took the next owner for another member.
const MOVE_LIMIT: Duration = Duration::from_secs(15);

/// One consumer instance, called through the balancer.
pub(super) struct Consumer {
    pub(super) http: Client,
    pub(super) base: String,
}

impl Consumer {
    pub(super) async fn create(http: Client, group: &str, name: &str) -> Result<Self> {
        let options = json!({"name": name, "format": "json", "auto.offset.reset": "earliest", "auto.commit.enable": "false"});
        let base = format!("/consumers/{group}");
        let answer = post(&http, &base, &options).await?;
        expect_status(&answer, 200)?;
        let uri = answer.json()?["base_uri"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        ensure!(
            uri.starts_with(&http.base()),
            "base_uri is {uri}, not the address that was asked"
        );
        let base = format!("{base}/instances/{name}");
        ensure!(uri.ends_with(&base), "{uri}");
        Ok(Self { http, base })
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Response> {
        post(&self.http, &format!("{}{path}", self.base), body).await
    }

    pub(super) async fn get(&self, path: &str, accept: &str) -> Result<Value> {
        let answer = self
            .http
            .get(&format!("{}{path}", self.base), Some(accept))
            .await?;
        expect_status(&answer, 200)?;
        answer.json()
    }

    pub(super) async fn subscribe(&self, topic: &str) -> Result<()> {
        let answer = self
            .post("/subscription", &json!({"topics": [topic]}))
            .await?;
        expect_status(&answer, 204)
    }

    /// Offsets that one read answers with.
    async fn read(&self, max_bytes: usize) -> Result<Vec<i64>> {
        let path = format!("/records?timeout=1000&max_bytes={max_bytes}");
        let records = self.get(&path, V2_JSON).await?;
        let records = records.as_array().context("no list")?.clone();
        records
            .iter()
            .map(|record| record["offset"].as_i64().context("no offset"))
            .collect()
    }

    /// Reads until there are records.
    pub(super) async fn read_some(&self, max_bytes: usize) -> Result<Vec<i64>> {
        eventually("waiting for records", MOVE_LIMIT, async || {
            let offsets = self.read(max_bytes).await?;
            Ok((!offsets.is_empty()).then_some(offsets))
        })
        .await
    }

    /// Reads the rest, which has to be these offsets.
    pub(super) async fn read_rest(&self, expected: std::ops::Range<i64>) -> Result<()> {
        let (mut found, wanted) = (Vec::new(), expected.clone().count());
        while found.len() < wanted {
            found.extend(self.read_some(100_000).await?);
        }
        let expected: Vec<i64> = expected.collect();
        ensure!(found == expected, "{found:?} instead of {expected:?}");
        Ok(())
    }
}

async fn post(http: &Client, path: &str, body: &Value) -> Result<Response> {
    let request = Request::new("POST", path)
        .header("Content-Type", V2)
        .header("Accept", V2)
        .body(body.to_string());
    http.call(&request).await
}

/// Three replicas, a topic of 60 records, and an instance that has read some of them: the next offset.
async fn reading(session: &Session, base: &str) -> Result<(Replicas, Consumer, usize, i64)> {
    let topic = session.topic(base, 1).await?;
    session.kafka.write(&topic, &numbered(0, 0..60)).await?;
    let replicas = Replicas::start(session, 3, &[]).await?;
    let group = session.name("group");
    let consumer = Consumer::create(replicas.client()?, &group, "it").await?;
    let named = json!({"name": "it"});
    let again = post(&consumer.http, &format!("/consumers/{group}"), &named).await?;
    expect_status(&again, 409)?;
    consumer.subscribe(&topic).await?;
    let read = consumer.read_some(200).await?;
    ensure!(read.len() < 60, "everything came at once");
    let next = read.last().context("nothing read")? + 1;
    let owner = replicas.owner(&[0, 1, 2]).await?;
    Ok((replicas, consumer, owner, next))
}

/// `kill -9` of the owner: the next request is answered by another replica, with the subscription, from the committed
/// offset on.
///
/// # Errors
/// The case fails.
pub async fn an_instance_outlives_its_owner(session: &Session) -> Result<()> {
    let (mut replicas, consumer, owner, next) = reading(session, "killed").await?;
    // Committed: what was read so far. Not committed: what is read now.
    expect_status(&consumer.post("/offsets", &json!(null)).await?, 200)?;
    ensure!(!consumer.read_some(100).await?.is_empty(), "nothing left");
    let program = replicas.proxies[owner]
        .program
        .as_mut()
        .context("not ours")?;
    program.kill()?;
    let killed = Instant::now();
    let subscription = consumer.get("/subscription", V2).await?;
    println!(
        "the next request was answered {:?} after the kill",
        killed.elapsed()
    );
    ensure!(
        subscription["topics"]
            .as_array()
            .is_some_and(|topics| topics.len() == 1),
        "{subscription}"
    );
    consumer.read_rest(next..60).await?;
    println!("the rest was read {:?} after the kill", killed.elapsed());
    ensure!(killed.elapsed() < MOVE_LIMIT, "{:?}", killed.elapsed());
    let others: Vec<usize> = (0..3).filter(|number| *number != owner).collect();
    let heir = replicas.owner(&others).await?;
    ensure!(
        replicas
            .metric(heir, "sluiceway_proxy_peers_instances_taken_over_total")
            .await?
            == 1.0
    );
    let deleted = consumer
        .http
        .call(&Request::new("DELETE", &consumer.base))
        .await?;
    expect_status(&deleted, 204)?;
    let gone = consumer
        .http
        .get(&format!("{}/subscription", consumer.base), Some(V2))
        .await?;
    expect_status(&gone, 404)
}

/// SIGTERM of the owner: no request fails, and reading goes on behind what was answered, committed or not.
///
/// # Errors
/// The case fails.
pub async fn draining_hands_over_without_a_gap(session: &Session) -> Result<()> {
    let (mut replicas, consumer, owner, next) = reading(session, "drained").await?;
    let proxy = &mut replicas.proxies[owner];
    let stop = proxy.stop();
    // Requests go on all the time.
    let reading = async {
        let (mut found, mut reads) = (Vec::new(), 0);
        while found.len() < usize::try_from(60 - next)? && reads < 100 {
            found.extend(consumer.read(100).await?);
            reads += 1;
        }
        anyhow::Ok(found)
    };
    let (stopped, found) = tokio::join!(stop, reading);
    stopped?;
    let expected: Vec<i64> = (next..60).collect();
    let found = found?;
    ensure!(found == expected, "{found:?} instead of {expected:?}");
    // Also when it ended before the last read.
    ensure!(consumer.read(100_000).await?.is_empty(), "there were 60");
    Ok(())
}

/// SIGTERM of the owner of an instance that reads from the end and has found nothing yet: what comes before the next
/// owner begins is read there.
///
/// # Errors
/// The case fails.
pub async fn draining_hands_over_what_has_read_nothing(session: &Session) -> Result<()> {
    let topic = session.topic("idle", 2).await?;
    session.kafka.write(&topic, &numbered(0, 0..3)).await?;
    let settings = [("sluiceway.consumer.join.wait.ms", "60000")];
    let mut replicas = Replicas::start(session, 2, &settings).await?;
    let (http, group) = (replicas.client()?, session.name("group"));
    let options = json!({"name": "it", "format": "json", "auto.offset.reset": "latest"});
    expect_status(
        &post(&http, &format!("/consumers/{group}"), &options).await?,
        200,
    )?;
    let base = format!("/consumers/{group}/instances/it");
    let consumer = Consumer { http, base };
    consumer.subscribe(&topic).await?;
    ensure!(
        consumer.read(100_000).await?.is_empty(),
        "it begins at the end"
    );
    let owner = replicas.owner(&[0, 1]).await?;
    replicas.proxies[owner].stop().await?;
    session.kafka.write(&topic, &numbered(0, 3..5)).await?;
    session.kafka.write(&topic, &numbered(1, 0..1)).await?;
    let mut found = Vec::new();
    while found.len() < 3 {
        found.extend(consumer.read_some(100_000).await?);
    }
    found.sort_unstable();
    ensure!(found == [0, 3, 4], "{found:?}");
    Ok(())
}

/// SIGSTOP of the owner until another has taken the instance; awake again it gives it up, and passes requests on.
///
/// # Errors
/// The case fails.
pub async fn a_replica_that_was_away_gives_its_instances_up(session: &Session) -> Result<()> {
    let (mut replicas, consumer, owner, next) = reading(session, "away").await?;
    expect_status(&consumer.post("/offsets", &json!(null)).await?, 200)?;
    let program = replicas.proxies[owner]
        .program
        .as_mut()
        .context("not ours")?;
    program.signal("STOP")?;
    // Some systems stop a process only a little later.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let other = Client::new(&replicas.proxies[(owner + 1) % 3].http.base())?;
    let there = Consumer {
        http: other,
        base: consumer.base.clone(),
    };
    let first = there.read_some(200).await?;
    ensure!(first.first() == Some(&next), "{first:?} instead of {next}…");
    let program = replicas.proxies[owner]
        .program
        .as_mut()
        .context("not ours")?;
    program.signal("CONT")?;
    // Through the one that was away.
    let back = Consumer {
        http: Client::new(&replicas.proxies[owner].http.base())?,
        base: consumer.base.clone(),
    };
    eventually("the one that was away gives up", MOVE_LIMIT, async || {
        let given_up = "sluiceway_proxy_peers_instances_given_up_total";
        Ok((replicas.metric(owner, given_up).await? > 0.0).then_some(()))
    })
    .await?;
    let next = first.last().context("nothing read")? + 1;
    back.read_rest(next..60).await?;
    ensure!(
        replicas
            .metric(owner, "sluiceway_proxy_consumer_instances")
            .await?
            == 0.0
    );
    Ok(())
}

/// A client that pretends to be a replica gets 403, and what only replicas ask is no path for others.
///
/// # Errors
/// The case fails.
pub async fn only_replicas_can_say_that_they_are_replicas(session: &Session) -> Result<()> {
    let replicas = Replicas::start(session, 2, &[]).await?;
    let http = &replicas.proxies[0].http;
    let probe = Request::new("GET", "/sluiceway/peer");
    expect_status(&http.call(&probe).await?, 404)?;
    let secret = crate::replicas::SECRET;
    for forged in ["x", "", &secret[1..], &format!("{secret}x")] {
        let answer = http
            .call(&probe.clone().header("Sluiceway-Peer", forged))
            .await?;
        expect_status(&answer, 403)?;
        let topics = Request::new("GET", "/topics").header("Sluiceway-Peer", forged);
        expect_status(&http.call(&topics).await?, 403)?;
    }
    let answer = http.call(&probe.header("Sluiceway-Peer", secret)).await?;
    expect_status(&answer, 200)?;
    ensure!(answer.json()?["draining"] == false);
    let unknown = http
        .get("/consumers/g/instances/nobody/subscription", Some(V2))
        .await?;
    expect_status(&unknown, 404)?;
    ensure!(unknown.json()?["error_code"] == 40403);
    Ok(())
}

/// With `sluiceway.consumer.join.wait.ms`, the first read of a member that joins a group at work, which takes as long as
/// the others need to notice, is not empty because of that.
///
/// # Errors
/// The case fails.
pub async fn the_first_read_waits_for_the_join(session: &Session) -> Result<()> {
    let topic = session.topic("joined", 2).await?;
    for partition in 0..2 {
        session
            .kafka
            .write(&topic, &numbered(partition, 0..10))
            .await?;
    }
    let settings = [("sluiceway.consumer.join.wait.ms", "60000")];
    let proxy = Proxy::start(session, &settings).await?;
    let group = session.name("group");
    let first = Consumer::create(proxy.http.clone(), &group, "first").await?;
    first.subscribe(&topic).await?;
    ensure!(
        !first.read(100_000).await?.is_empty(),
        "the first read is empty"
    );
    let second = Consumer::create(proxy.http.clone(), &group, "second").await?;
    second.subscribe(&topic).await?;
    let at_work = async {
        loop {
            if let Err(error) = first.read(100_000).await {
                return error;
            }
        }
    };
    let read = tokio::select! {
        error = at_work => Err(error),
        read = second.read(100_000) => read,
    };
    ensure!(!read?.is_empty(), "the first read of the second is empty");
    Ok(())
}

/// Server-sent events of an instance through a replica that does not have it: they come as from the owner; they end with
/// the replica that passes them on, and break off with the owner; with the last id they go on through another one, without a
/// gap.
///
/// # Errors
/// The case fails.
pub async fn events_come_through_any_replica(session: &Session) -> Result<()> {
    let topic = session.topic("events", 1).await?;
    let write = async |numbers: std::ops::Range<i64>| {
        let records: Vec<Record> = numbers.map(|n| Record::value(0, n.to_string())).collect();
        session.kafka.write(&topic, &records).await
    };
    write(0..5).await?;
    let settings = [("sluiceway.sse.heartbeat.ms", "300")];
    let mut replicas = Replicas::start(session, 3, &settings).await?;
    let group = session.name("group");
    let consumer = Consumer::create(replicas.client()?, &group, "it").await?;
    consumer.subscribe(&topic).await?;
    let path = format!("{}/records", consumer.base);
    let owner = replicas.owner(&[0, 1, 2]).await?;
    let (first, second) = ((owner + 1) % 3, (owner + 2) % 3);

    let mut stream = follow(&replicas.proxies[first].http, &path, None).await?;
    let values = shown(&mut stream, 5).await?;
    ensure!(values == (0..5).collect::<Vec<_>>(), "{values:?}");
    stream
        .read_text(MOVE_LIMIT, |text| text.contains(": still here"))
        .await?;
    write(5..7).await?;
    let text = stream
        .read_text(MOVE_LIMIT, |text| events(text).len() >= 2)
        .await?;
    let (id, value) = events(&text).last().context("no event")?.clone();
    ensure!(value == 6, "{text}");

    // The end of the replica in between is the end of the stream, in good order and at once.
    let stopping = Instant::now();
    replicas.proxies[first].stop().await?;
    stream
        .read_text(MOVE_LIMIT, |text| text.ends_with("0\r\n\r\n"))
        .await?;
    ensure!(stopping.elapsed() < MOVE_LIMIT, "{:?}", stopping.elapsed());

    write(7..9).await?;
    let mut stream = follow(&replicas.proxies[second].http, &path, Some(&id)).await?;
    let values = shown(&mut stream, 2).await?;
    ensure!(values == [7, 8], "{values:?}");
    let program = replicas.proxies[owner]
        .program
        .as_mut()
        .context("not ours")?;
    program.kill()?;
    let broken = stream.read_text(MOVE_LIMIT, |_| false).await;
    let broken = broken
        .err()
        .context("a stream without its source goes on")?;
    ensure!(!broken.to_string().contains("0\r\n\r\n"), "{broken}");
    write(9..11).await?;
    // Only what came behind the id, although nothing was committed.
    let id = format!("{topic}:0:8");
    let mut stream = follow(&replicas.proxies[second].http, &path, Some(&id)).await?;
    let values = shown(&mut stream, 2).await?;
    ensure!(values == [9, 10], "{values:?}");
    Ok(())
}

/// The values of the next events, so many at least.
async fn shown(stream: &mut Connection, count: usize) -> Result<Vec<i64>> {
    let text = stream
        .read_text(MOVE_LIMIT, |text| events(text).len() >= count)
        .await?;
    Ok(events(&text).into_iter().map(|(_, value)| value).collect())
}
