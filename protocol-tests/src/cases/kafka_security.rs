//! Both programs on a Kafka that keeps strangers out, with the properties that Java clients have: SSL, PLAIN, SCRAM, access rules,
//! tokens that end. One broker for all of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{SINK_LIMIT, V2, V2_JSON, expect_status, produce, wait_for_objects};
use super::{kafka_callers, kafka_plain, kafka_tokens};
use crate::connector::Connector;
use crate::exposition::Scrape;
use crate::http::{Client, Request, Response};
use crate::kafka::Kafka;
use crate::secured_broker::SecuredBroker;
use crate::target::{Proxy, SinkFiles};
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! kafka_security_cases {
    ($kind:ident) => {
        $crate::tests!($kind kafka_security kafka_that_keeps_strangers_out);
    };
}

/// How long an outcome may take that comes after some reconnecting.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// SCRAM with rules, a wrong password, unsecured tokens, AWS IAM, an identity provider, PLAIN, SSL alone, callers
/// whom Kafka knows; at the same time, on one broker.
///
/// # Errors
/// The case fails.
pub async fn kafka_that_keeps_strangers_out(session: &Session) -> Result<()> {
    let mut broker = SecuredBroker::start(session).await?;
    let kafka = Kafka::new(&broker.open)?;
    for topic in [
        "allowed",
        "forbidden",
        "tokens",
        "iam",
        "oidc",
        "callers",
        "letters",
        "plain",
        "ssl",
    ] {
        kafka.create_topic(topic, 1, &[]).await?;
    }
    let all = async {
        tokio::try_join!(
            async { scram(session, &broker, &kafka).await.context("SCRAM") },
            async {
                kafka_tokens::unsecured(session, &broker)
                    .await
                    .context("unsecured tokens")
            },
            async {
                let iam = kafka_tokens::iam(session, &broker, &kafka);
                iam.await.context("AWS IAM")
            },
            async {
                let oidc = kafka_tokens::oidc(session, &broker);
                oidc.await.context("OIDC")
            },
            async {
                let plain = kafka_plain::plain(session, &broker);
                plain.await.context("PLAIN")
            },
            async {
                let callers = kafka_plain::callers(session, &broker);
                callers.await.context("callers by PLAIN")
            },
            async {
                let ssl = kafka_plain::ssl(session, &broker);
                ssl.await.context("SSL without SASL")
            },
            async {
                let users = kafka_callers::users(session, &broker);
                users.await.context("callers by password")
            },
            async {
                let tokens = kafka_callers::tokens(session, &broker);
                tokens.await.context("callers by token")
            },
        )
    };
    all.await?;
    let refused = broker.log().matches("token refused").count();
    ensure!(refused == 0, "the broker refused {refused} signed tokens");
    broker.stop().await
}

// === SCRAM ===

/// The properties of a user, with a prefix before each.
pub(super) fn user(
    broker: &SecuredBroker,
    prefix: &str,
    name: &str,
    password: &str,
) -> Vec<(String, String)> {
    let mechanism = match name {
        "admin" | "alice" | "proxy" | "late" => "SCRAM-SHA-512",
        _ => "SCRAM-SHA-256",
    };
    let jaas = format!(
        "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"{name}\" password=\"{password}\";"
    );
    let authority = broker.certificates.authority.display().to_string();
    [
        ("security.protocol", "SASL_SSL".to_owned()),
        ("sasl.mechanism", mechanism.to_owned()),
        ("sasl.jaas.config", jaas),
        ("ssl.truststore.type", "PEM".to_owned()),
        ("ssl.truststore.location", authority),
    ]
    .map(|(key, value)| (format!("{prefix}{key}"), value))
    .to_vec()
}

pub(super) fn borrowed(lines: &[(String, String)]) -> Vec<(&str, &str)> {
    lines
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect()
}

async fn proxy_of(session: &Session, broker: &SecuredBroker, name: &str) -> Result<Proxy> {
    let lines = user(broker, "client.", name, &format!("{name}-secret"));
    Proxy::start_on(session, &broker.scram, &borrowed(&lines)).await
}

async fn scram(session: &Session, broker: &SecuredBroker, kafka: &Kafka) -> Result<()> {
    let admin = proxy_of(session, broker, "admin").await?;
    let alice = proxy_of(session, broker, "alice").await?;
    let bob = proxy_of(session, broker, "bob").await?;
    let cluster = cluster(&admin.http).await?;
    for (principal, kind, name, operation) in [
        ("alice", "TOPIC", "allowed", "WRITE"),
        ("bob", "TOPIC", "allowed", "READ"),
        ("bob", "GROUP", "bobs", "READ"),
        ("sink", "TOPIC", "allowed", "READ"),
        ("sink", "GROUP", "connect", "READ"),
        ("sink", "TOPIC", "letters", "WRITE"),
    ] {
        let rule = json!({
            "resource_type": kind, "resource_name": name, "operation": operation, "permission": "ALLOW", "host": "*",
            "pattern_type": if name == "connect" { "PREFIXED" } else { "LITERAL" }, "principal": format!("User:{principal}"),
        });
        let made = post_v3(&admin.http, &format!("{cluster}/acls"), &rule).await?;
        expect_status(&made, 201).with_context(|| rule.to_string())?;
    }
    writers(&alice.http, &cluster).await?;
    wrote_batches(&alice).await?;
    readers(&bob.http).await?;
    sinks(session, broker, kafka).await?;
    wrong_password(session, broker).await
}

/// The proxy's own connections to Kafka log in as its clients do: it has written batches itself.
pub(super) async fn wrote_batches(proxy: &Proxy) -> Result<()> {
    let admin = proxy.admin.as_ref().context("no admin listener")?;
    let text = admin.get("/metrics", None).await?.text()?;
    let landed =
        Scrape::parse(&text)?.sum("sluiceway_proxy_batches_total", &[("result", "landed")]);
    ensure!(landed > Some(0.0), "librdkafka has written all: {landed:?}");
    Ok(())
}

/// `/v3/clusters/<id>`, once the proxy has reached Kafka.
pub(super) async fn cluster(http: &Client) -> Result<String> {
    eventually("waiting for the cluster", LIMIT, async || {
        let answer = http.get("/v3/clusters", None).await?;
        let id = (answer.status == 200).then(|| answer.json()).transpose()?;
        let id = id.and_then(|body| body["data"][0]["cluster_id"].as_str().map(str::to_owned));
        Ok(id.map(|id| format!("/v3/clusters/{id}")))
    })
    .await
}

pub(super) async fn post_v3(http: &Client, path: &str, body: &Value) -> Result<Response> {
    let request = Request::new("POST", path).header("Content-Type", "application/json");
    http.call(&request.body(body.to_string())).await
}

/// Who may write one topic may not write another, nor make one.
async fn writers(http: &Client, cluster: &str) -> Result<()> {
    let records = json!({"records": [{"value": {"n": 1}}, {"value": {"n": 2}}]});
    // The broker takes a moment to hear of new rules.
    eventually("waiting for alice's right", LIMIT, async || {
        let answer = http.call(&produce("/topics/allowed", &records)).await?;
        Ok((answer.json()?["offsets"][0]["error_code"].is_null()).then_some(()))
    })
    .await?;
    let refused = http.call(&produce("/topics/forbidden", &records)).await?;
    let body = refused.json()?;
    let codes: BTreeSet<String> = (0..2)
        .map(|n| body["offsets"][n]["error_code"].to_string())
        .collect();
    ensure!(
        refused.status == 403 && codes == BTreeSet::from(["40301".to_owned()]),
        "{} {body}",
        refused.status
    );
    let text = body["offsets"][0]["error"].as_str().unwrap_or_default();
    ensure!(
        text == "Not authorized to access topics: [forbidden]",
        "{text}"
    );
    let made = post_v3(
        http,
        &format!("{cluster}/topics"),
        &json!({"topic_name": "another", "partitions_count": 1}),
    )
    .await?;
    expect_status(&made, 403)?;
    ensure!(made.json()?["error_code"] == 40301, "{}", made.text()?);
    let deleted = http
        .call(&Request::new(
            "DELETE",
            &format!("{cluster}/topics/allowed"),
        ))
        .await?;
    expect_status(&deleted, 403)
}

/// Who may read one topic in one group may not read another, nor in another group.
async fn readers(http: &Client) -> Result<()> {
    let values = read(http, "bobs", "allowed", 2).await?;
    ensure!(values == [json!({"n": 1}), json!({"n": 2})], "{values:?}");
    for (group, topic) in [("bobs", "forbidden"), ("others", "allowed")] {
        let refused = open_and_read(http, group, topic, async |answer| {
            Ok((answer.status != 200).then(|| answer.json()))
        });
        let refused = refused
            .await
            .with_context(|| format!("{topic} in {group}"))??;
        ensure!(
            refused["error_code"] == 40301,
            "{topic} in {group}: {refused}"
        );
    }
    Ok(())
}

pub(super) async fn read(
    http: &Client,
    group: &str,
    topic: &str,
    count: usize,
) -> Result<Vec<Value>> {
    let mut values = Vec::new();
    open_and_read(http, group, topic, async |answer| {
        expect_status(&answer, 200)?;
        let found = answer.json()?;
        let found = found.as_array().into_iter().flatten();
        values.extend(found.map(|record| record["value"].clone()));
        Ok((values.len() >= count).then_some(()))
    })
    .await?;
    Ok(values)
}

/// Makes an instance, subscribes it, and reads until what is read is enough; then removes it.
async fn open_and_read<T>(
    http: &Client,
    group: &str,
    topic: &str,
    mut enough: impl AsyncFnMut(Response) -> Result<Option<T>>,
) -> Result<T> {
    let call = async |method: &str, path: &str, body: Option<Value>| {
        let mut request = Request::new(method, path).header("Accept", V2_JSON);
        if let Some(body) = body {
            request = request.header("Content-Type", V2).body(body.to_string());
        }
        http.call(&request).await
    };
    let settings = json!({"name": "one", "format": "json", "auto.offset.reset": "earliest"});
    let made = Request::new("POST", &format!("/consumers/{group}"))
        .header("Content-Type", V2)
        .header("Accept", V2)
        .body(settings.to_string());
    expect_status(&http.call(&made).await?, 200)?;
    let instance = format!("/consumers/{group}/instances/one");
    let topics = json!({"topics": [topic]});
    let subscribed = call("POST", &format!("{instance}/subscription"), Some(topics)).await?;
    expect_status(&subscribed, 204)?;
    let found = eventually("reading", LIMIT, async || {
        enough(call("GET", &format!("{instance}/records?timeout=1000"), None).await?).await
    })
    .await;
    let removed = Request::new("DELETE", &instance).header("Accept", V2);
    http.call(&removed).await?;
    found
}

/// A sink writes what it may read; without the right its task says what it may not; bad records go to the dead letters.
async fn sinks(session: &Session, broker: &SecuredBroker, kafka: &Kafka) -> Result<()> {
    let bucket = session.bucket("scram").await?;
    kafka
        .write("allowed", &[crate::kafka::Record::value(0, "no JSON")])
        .await?;
    let connector = Connector::json(session, "connect-allowed", "allowed", &bucket)
        .set("flush.size", "2")
        .set("errors.tolerance", "all")
        .set("errors.deadletterqueue.topic.name", "letters")
        .set("errors.deadletterqueue.topic.replication.factor", "1");
    let refused = Connector::json(session, "connect-forbidden", "forbidden", &bucket);
    let mut lines = Vec::new();
    for prefix in ["", "consumer.", "producer.", "admin."] {
        lines.extend(user(broker, prefix, "sink", "sink-secret"));
    }
    lines.push(("bootstrap.servers".to_owned(), broker.scram.clone()));
    let files = SinkFiles::write(session, &borrowed(&lines), &[connector, refused.clone()])?;
    let mut sink = files.start().await?;
    wait_for_objects(&bucket, 1).await?;
    eventually("waiting for the dead letter", SINK_LIMIT, async || {
        Ok((kafka.read_all("letters")?.len() == 1).then_some(()))
    })
    .await?;
    eventually("waiting for the refusal", SINK_LIMIT, async || {
        let status = sink.status(&refused).await?.unwrap_or_default();
        let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
        Ok(trace.to_lowercase().contains("authoriz").then_some(()))
    })
    .await?;
    let about = sink.http.get("/", None).await?.json()?;
    ensure!(about["kafka_cluster_id"].is_string(), "{about}");
    sink.stop().await
}

/// A wrong password is answered soon, told clearly, and told seldom; once Kafka takes it, the proxy works.
async fn wrong_password(session: &Session, broker: &SecuredBroker) -> Result<()> {
    let lines = user(broker, "client.", "late", "planted-password");
    let mut proxy = Proxy::start_on(session, &broker.scram, &borrowed(&lines)).await?;
    let started = Instant::now();
    let answer = proxy
        .http
        .call(&produce(
            "/topics/allowed",
            &json!({"records": [{"value": 1}]}),
        ))
        .await?;
    ensure!(answer.status == 401, "{} {}", answer.status, answer.text()?);
    let entry = answer.json()?["offsets"][0].clone();
    ensure!(entry["error_code"] == 40101, "{entry}");
    ensure!(started.elapsed() < LIMIT, "after {:?}", started.elapsed());
    let v3 = proxy.http.get("/v3/clusters", None).await?;
    ensure!(v3.json()?["error_code"] == 40101, "{}", v3.text()?);
    let admin = proxy.admin.as_ref().context("no admin listener")?;
    let ready = admin.get("/readyz", None).await?;
    ensure!(
        ready.status == 503 && ready.text()?.contains("refuses the proxy's credentials"),
        "{} {}",
        ready.status,
        ready.text()?
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    let log = proxy
        .program
        .as_ref()
        .map(crate::program::Program::log)
        .unwrap_or_default();
    let told = log.matches("Kafka refuses the proxy's credentials").count();
    ensure!(told == 1, "told {told} times");
    ensure!(
        log.lines().count() < 60,
        "{} lines of log",
        log.lines().count()
    );
    ensure!(
        !log.contains("planted-password"),
        "the password is in the log"
    );
    broker.add_user("late", "planted-password")?;
    eventually(
        "waiting for Kafka to take the password",
        LIMIT,
        async || Ok((admin.get("/readyz", None).await?.status == 200).then_some(())),
    )
    .await?;
    let answer = proxy
        .http
        .call(&produce(
            "/topics/allowed",
            &json!({"records": [{"value": 1}]}),
        ))
        .await?;
    ensure!(
        answer.json()?["offsets"][0]["error_code"] == 40301,
        "{}",
        answer.text()?
    );
    proxy.stop().await
}
