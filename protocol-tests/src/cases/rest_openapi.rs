//! `/openapi.json` against answers: every operation that is described is called and answered as described, and well unless
//! [`REFUSED`] says why not; and an answer that is not as described is noticed. (The replay of the recordings holds every answer
//! against it as well.)

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{V2, V2_JSON, expect_status};
use crate::Session;
use crate::http::{Client, Request, Response};
use crate::openapi::Description;
use crate::target::Proxy;

/// The list of these cases.
#[macro_export]
macro_rules! rest_openapi_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_openapi what_is_described_is_answered);
    };
}

const JSON: &str = "application/json";
const REASSIGNMENT: &str =
    "/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/reassignment";

/// What is called here and refused, as described.
const REFUSED: [(&str, &str); 5] = [
    // A partition that does not move has none, and with one broker none can move.
    ("GET", REASSIGNMENT),
    // They want a broker with an authorizer; the replay of the recordings has one, lists all rules, and would see these.
    ("GET", "/v3/clusters/{cluster}/acls"),
    ("POST", "/v3/clusters/{cluster}/acls"),
    ("DELETE", "/v3/clusters/{cluster}/acls"),
    ("POST", "/v3/clusters/{cluster}/acls:batch"),
];

/// A described operation.
type Operation = (String, String);

/// Calls operations, and keeps with which statuses they were answered.
struct Walk<'a> {
    description: &'a Description,
    answered: BTreeMap<Operation, BTreeSet<u16>>,
}

impl Walk<'_> {
    /// Calls; the answer has to be as described.
    async fn call(&mut self, http: &Client, request: Request) -> Result<Response> {
        let answer = http.call(&request).await?;
        let checked = self.description.check(&request, &answer);
        checked.map_err(anyhow::Error::msg)?;
        let template = self.description.template(&request.path);
        let template = template.with_context(|| format!("{} is not described", request.path))?;
        let operation = (request.method.clone(), template.to_owned());
        self.answered
            .entry(operation)
            .or_default()
            .insert(answer.status);
        Ok(answer)
    }

    /// Calls a path without a body.
    async fn bare(&mut self, http: &Client, method: &str, path: &str) -> Result<Response> {
        self.call(http, Request::new(method, path)).await
    }

    /// Calls with a body of this media type.
    async fn send(
        &mut self,
        http: &Client,
        (method, path): (&str, &str),
        (media, body): (&str, &Value),
    ) -> Result<Response> {
        let request = Request::new(method, path).header("Content-Type", media);
        self.call(http, request.body(body.to_string())).await
    }

    /// What of the description was not answered as [`REFUSED`] says.
    fn wrong(&self) -> Vec<String> {
        let wrong = self.description.operations().into_iter().filter_map(|one| {
            let refused = REFUSED.contains(&(&*one.0, &*one.1));
            let statuses = self.answered.get(&one);
            let well = statuses.map(|all| all.iter().any(|status| *status < 300));
            (well != Some(!refused)).then(|| format!("{} {}: {statuses:?}", one.0, one.1))
        });
        wrong.collect()
    }
}

/// # Errors
/// The case fails.
pub async fn what_is_described_is_answered(session: &Session) -> Result<()> {
    let topic = session.topic("described", 1).await?;
    let settings = [
        ("sluiceway.kinesis.enable", "true"),
        ("sluiceway.kinesis.signature.check", "false"),
        ("sluiceway.consumer.join.wait.ms", "60000"),
    ];
    let proxy = Proxy::start(session, &settings).await?;
    let http = &proxy.http;
    let description = Description::fetch(http).await?;
    let description = description.context("no description")?;
    let mut walk = Walk {
        description: &description,
        answered: BTreeMap::new(),
    };
    records(&mut walk, http, &topic).await?;
    let cluster = format!("/v3/clusters/{}", session.kafka.cluster_id()?);
    let group = session.name("describers");
    consumers(&mut walk, http, &cluster, (&group, &topic)).await?;
    topics(&mut walk, http, &cluster, &session.name("made")).await?;
    let broker = session.kafka.broker_ids()?[0];
    places(&mut walk, http, &cluster, (&topic, broker)).await?;
    rules(&mut walk, http, &cluster, &topic).await?;
    streams(&mut walk, http, &session.name("stream")).await?;
    // Settings of brokers that others compare with recordings at the same time are let alone.
    let other = Proxy::start_on(session, &session.parts.kafka_noauto, &settings).await?;
    brokers(&mut walk, &other.http).await?;
    let wrong = walk.wrong();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(
        walk.answered.len() == description.operations().len(),
        "{} of {}",
        walk.answered.len(),
        description.operations().len()
    );
    lies_are_noticed(&description, http, &topic).await
}

/// v2, records of v3, and what is ours.
async fn records(walk: &mut Walk<'_>, http: &Client, topic: &str) -> Result<()> {
    let body = json!({"records": [{"value": 1}]});
    let path = format!("/topics/{topic}");
    let partition = format!("{path}/partitions/0");
    for path in [&path, &partition] {
        let sent = walk.send(http, ("POST", path), (V2_JSON, &body)).await?;
        expect_status(&sent, 200)?;
    }
    walk.send(http, ("POST", "/"), (V2, &json!({}))).await?;
    for path in [
        "/",
        "/brokers",
        "/topics",
        &path,
        &format!("{path}/partitions"),
        &partition,
        &format!("{partition}/offsets"),
        &format!("{partition}/records"),
        "/sluiceway/topics",
        "/sluiceway/consumers",
        "/openapi.json",
        "/docs",
    ] {
        walk.bare(http, "GET", path).await?;
    }
    let clusters = walk.bare(http, "GET", "/v3/clusters").await?.json()?;
    let id = clusters["data"][0]["cluster_id"].as_str().unwrap_or("none");
    let path = format!("/v3/clusters/{id}/topics/{topic}/records");
    let value = |kind: &str| json!({"value": {"type": kind, "data": 1}});
    for kind in ["JSON", "NONE"] {
        let body = value(kind);
        walk.send(http, ("POST", &path), (JSON, &body)).await?;
    }
    let entries = json!({"entries": [{"id": "1", "value": {"type": "JSON", "data": 1}}, {"id": "2", "partition_id": 9}]});
    let path = format!("{path}:batch");
    walk.send(http, ("POST", &path), (JSON, &entries)).await?;
    Ok(())
}

/// The life of an instance, and what v3 tells of its group meanwhile.
async fn consumers(
    walk: &mut Walk<'_>,
    http: &Client,
    cluster: &str,
    (group, topic): (&str, &str),
) -> Result<()> {
    let partitions = json!({"partitions": [{"topic": topic, "partition": 0}]});
    let offsets = json!({"offsets": [{"topic": topic, "partition": 0, "offset": 0}]});
    let made = json!({"name": "one", "format": "binary", "auto.offset.reset": "earliest"});
    let path = format!("/consumers/{group}");
    walk.send(http, ("POST", &path), (V2, &made)).await?;
    let instance = format!("{path}/instances/one");
    let at = |tail: &str| format!("{instance}/{tail}");
    let topics = json!({"topics": [topic]});
    let path = at("subscription");
    walk.send(http, ("POST", &path), (V2, &topics)).await?;
    walk.bare(http, "GET", &path).await?;
    walk.bare(http, "GET", &at("records")).await?;
    walk.bare(http, "GET", &at("assignments")).await?;
    let committed = at("offsets");
    for (method, body) in [("POST", &offsets), ("GET", &partitions)] {
        let call = (method, &*committed);
        walk.send(http, call, (V2, body)).await?;
    }
    a_group(walk, http, cluster, (group, topic)).await?;
    walk.bare(http, "DELETE", &path).await?;
    for (tail, body) in [
        ("assignments", &partitions),
        ("positions/beginning", &partitions),
        ("positions/end", &partitions),
        ("positions", &offsets),
    ] {
        walk.send(http, ("POST", &at(tail)), (V2, body)).await?;
    }
    walk.bare(http, "DELETE", &instance).await?;
    Ok(())
}

/// A group with a member that reads.
async fn a_group(
    walk: &mut Walk<'_>,
    http: &Client,
    cluster: &str,
    (group, topic): (&str, &str),
) -> Result<()> {
    let groups = format!("{cluster}/consumer-groups");
    let path = format!("{groups}/{group}");
    let members = walk.bare(http, "GET", &format!("{path}/consumers")).await?;
    let members = members.json()?;
    let member = members["data"][0]["consumer_id"].as_str();
    let member = format!("{path}/consumers/{}", member.context("no member")?);
    let place = format!("{topic}/partitions/0");
    for path in [
        &groups,
        &path,
        &member,
        &format!("{member}/assignments"),
        &format!("{member}/assignments/{place}"),
        &format!("{path}/lag-summary"),
        &format!("{path}/lags"),
        &format!("{path}/lags/{place}"),
    ] {
        walk.bare(http, "GET", path).await?;
    }
    Ok(())
}

/// The life of a topic and its settings.
async fn topics(walk: &mut Walk<'_>, http: &Client, cluster: &str, name: &str) -> Result<()> {
    let all = format!("{cluster}/topics");
    let made = json!({"topic_name": name, "partitions_count": 1, "replication_factor": 1});
    walk.send(http, ("POST", &all), (JSON, &made)).await?;
    let path = format!("{all}/{name}");
    let grown = json!({"partitions_count": 2});
    walk.send(http, ("PATCH", &path), (JSON, &grown)).await?;
    let change = json!([{"name": "retention.ms", "value": "86400000"}]);
    let many = json!({"data": [{"topic_name": name, "configs": change}]});
    let some = json!({ "data": change });
    let value = json!({"value": "86400000"});
    let (configs, setting) = (
        format!("{path}/configs"),
        format!("{path}/configs/retention.ms"),
    );
    for (method, path, body) in [
        ("POST", &format!("{all}/-/configs:alter"), &many),
        ("POST", &format!("{configs}:alter"), &some),
        ("PUT", &setting, &value),
    ] {
        walk.send(http, (method, path), (JSON, body)).await?;
    }
    for path in [&all, &path, &format!("{all}/-/configs"), &configs, &setting] {
        walk.bare(http, "GET", path).await?;
    }
    for path in [&setting, &path] {
        walk.bare(http, "DELETE", path).await?;
    }
    Ok(())
}

/// Where partitions lie.
async fn places(
    walk: &mut Walk<'_>,
    http: &Client,
    cluster: &str,
    (topic, broker): (&str, i32),
) -> Result<()> {
    let path = format!("{cluster}/topics/{topic}/partitions");
    for path in [
        path.clone(),
        format!("{path}/0"),
        format!("{path}/0/offset"),
        format!("{path}/0/replicas"),
        format!("{path}/0/replicas/{broker}"),
        format!("{path}/0/reassignment"),
        format!("{path}/-/reassignment"),
        format!("{cluster}/topics/-/partitions/-/reassignment"),
        format!("{cluster}/brokers/{broker}/partition-replicas"),
    ] {
        walk.bare(http, "GET", &path).await?;
    }
    Ok(())
}

/// Brokers, and a setting that is set to what it is anyway, and back.
async fn brokers(walk: &mut Walk<'_>, http: &Client) -> Result<()> {
    let clusters = walk.bare(http, "GET", "/v3/clusters").await?.json()?;
    let id = clusters["data"][0]["cluster_id"].as_str();
    let cluster = format!("/v3/clusters/{}", id.context("no cluster")?);
    let all = format!("{cluster}/brokers");
    let found = walk.bare(http, "GET", &all).await?.json()?;
    let broker = format!("{all}/{}", found["data"][0]["broker_id"]);
    for path in [&cluster, &broker, &format!("{all}/-/configs")] {
        walk.bare(http, "GET", path).await?;
    }
    let (name, value) = ("compression.type", json!({"value": "producer"}));
    let some = json!({"data": [{"name": name, "value": "producer"}]});
    for settings in [
        format!("{broker}/configs"),
        format!("{cluster}/broker-configs"),
    ] {
        let (setting, alter) = (format!("{settings}/{name}"), format!("{settings}:alter"));
        walk.send(http, ("PUT", &setting), (JSON, &value)).await?;
        walk.send(http, ("POST", &alter), (JSON, &some)).await?;
        walk.bare(http, "GET", &settings).await?;
        walk.bare(http, "GET", &setting).await?;
        walk.bare(http, "DELETE", &setting).await?;
    }
    Ok(())
}

/// Access rules.
async fn rules(walk: &mut Walk<'_>, http: &Client, cluster: &str, topic: &str) -> Result<()> {
    let path = format!("{cluster}/acls");
    let rule = json!({"resource_type": "TOPIC", "resource_name": topic, "pattern_type": "LITERAL",
        "principal": "User:nobody", "host": "*", "operation": "READ", "permission": "ALLOW"});
    let many = json!({"data": [rule]});
    walk.send(http, ("POST", &path), (JSON, &rule)).await?;
    let batch = format!("{path}:batch");
    walk.send(http, ("POST", &batch), (JSON, &many)).await?;
    let these = format!("{path}?resource_type=TOPIC&resource_name={topic}&pattern_type=LITERAL");
    let these = format!("{these}&principal=User:nobody&host=*&operation=ANY&permission=ANY");
    for method in ["GET", "DELETE"] {
        walk.bare(http, method, &these).await?;
    }
    Ok(())
}

/// The resources of the Kinesis front.
async fn streams(walk: &mut Walk<'_>, http: &Client, name: &str) -> Result<()> {
    let path = format!("/streams/{name}");
    let made = json!({"ShardCount": 1});
    walk.send(http, ("POST", &path), (JSON, &made)).await?;
    for path in ["/streams", &path] {
        walk.bare(http, "GET", path).await?;
    }
    let record = json!({"StreamName": name, "Data": {"n": 1}, "PartitionKey": "k"});
    let many = json!({"records": [{"data": "x", "partition-key": "k"}]});
    for (tail, body) in [("record", &record), ("records", &many)] {
        let path = format!("{path}/{tail}");
        walk.send(http, ("PUT", &path), (JSON, body)).await?;
    }
    let first = format!("{path}/sharditerator?shard-id=shardId-000000000000");
    let iterator = walk.bare(http, "GET", &first).await?.json()?;
    let iterator = iterator["ShardIterator"].as_str().context("no iterator")?;
    let get = Request::new("GET", &format!("{path}/records"));
    walk.call(http, get.header("Shard-Iterator", iterator))
        .await?;
    walk.bare(http, "DELETE", &path).await?;
    Ok(())
}

/// A wrong type, and a status that nobody described.
async fn lies_are_noticed(description: &Description, http: &Client, topic: &str) -> Result<()> {
    let request = Request::new("GET", &format!("/topics/{topic}/partitions/0/offsets"));
    let mut answer = http.call(&request).await?;
    expect_status(&answer, 200)?;
    answer.body = b"{\"beginning_offset\":0,\"end_offset\":\"1\"}".to_vec();
    let wrong = description.check(&request, &answer);
    ensure!(wrong.is_err(), "a text was taken for a number");
    answer.status = 202;
    let unknown = description.check(&request, &answer);
    ensure!(unknown.is_err(), "a status that is not described was taken");
    Ok(())
}
