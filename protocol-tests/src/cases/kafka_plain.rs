//! The plainer ways into Kafka: PLAIN, with and without TLS, and TLS alone, with and without a certificate of the client. Part of
//! `kafka_security`, whose broker it shares.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::kafka_callers::{Caller, denied, has, metric, rules, unknown};
use super::kafka_security::{LIMIT, borrowed, cluster, post_v3, read, wrote_batches};
use super::{SINK_LIMIT, expect_status, produce_ok, wait_for_objects};
use crate::certificates::CLIENT;
use crate::connector::Connector;
use crate::http::Client;
use crate::program::Program;
use crate::secured_broker::SecuredBroker;
use crate::target::{Proxy, Sink, SinkFiles};
use crate::{Session, eventually};

/// What a worker has its Kafka properties behind.
const WORKER: [&str; 4] = ["", "consumer.", "producer.", "admin."];

type Lines = Vec<(String, String)>;

/// The properties of a user of PLAIN.
fn user(broker: &SecuredBroker, prefix: &str, protocol: &str, name: &str) -> Lines {
    let jaas = format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{name}\" password=\"{name}-secret\";"
    );
    let login = [
        ("security.protocol", protocol),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", &jaas),
    ];
    let mut lines = prefixed(prefix, &login);
    if protocol.ends_with("SSL") {
        lines.extend(trust(broker, prefix));
    }
    lines
}

fn trust(broker: &SecuredBroker, prefix: &str) -> Lines {
    let authority = broker.certificates.authority.display().to_string();
    let store = [
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.location", &authority),
    ];
    prefixed(prefix, &store)
}

fn prefixed(prefix: &str, lines: &[(&str, &str)]) -> Lines {
    let line = |(key, value): &(&str, &str)| (format!("{prefix}{key}"), (*value).to_owned());
    lines.iter().map(line).collect()
}

async fn sink(
    session: &Session,
    bootstrap: &str,
    mut worker: Lines,
    connectors: &[Connector],
) -> Result<Sink> {
    worker.push(("bootstrap.servers".to_owned(), bootstrap.to_owned()));
    let files = SinkFiles::write(session, &borrowed(&worker), connectors)?;
    files.start().await
}

/// Writes two records through a proxy, reads them, and asks its v3 API, which has a connection of its own.
async fn use_proxy(http: &Client, topic: &str) -> Result<()> {
    let cluster = cluster(http).await?;
    let records = json!({"records": [{"value": {"n": 1}}, {"value": {"n": 2}}]});
    produce_ok(http, &format!("/topics/{topic}"), &records).await?;
    let values = read(http, topic, topic, 2).await?;
    ensure!(values == [json!({"n": 1}), json!({"n": 2})], "{values:?}");
    let configs = format!("{cluster}/topics/{topic}/configs");
    expect_status(&http.get(&configs, None).await?, 200)
}

/// PLAIN: the proxy without TLS, the sink with it.
///
/// # Errors
/// The case fails.
pub(super) async fn plain(session: &Session, broker: &SecuredBroker) -> Result<()> {
    let lines = user(broker, "client.", "SASL_PLAINTEXT", "admin");
    let mut proxy = Proxy::start_on(session, &broker.plain, &borrowed(&lines)).await?;
    use_proxy(&proxy.http, "plain").await?;
    wrote_batches(&proxy).await?;

    let bucket = session.bucket("plain").await?;
    let connector =
        Connector::json(session, "connect-plain", "plain", &bucket).set("flush.size", "2");
    let of = |prefix| user(broker, prefix, "SASL_SSL", "admin");
    let worker = WORKER.into_iter().flat_map(of).collect();
    let mut sink = sink(session, &broker.scram, worker, &[connector]).await?;
    wait_for_objects(&bucket, 1).await?;
    let about = sink.http.get("/", None).await?.json()?;
    ensure!(about["kafka_cluster_id"].is_string(), "{about}");
    let log = proxy.program.as_ref().map(Program::log);
    for log in [log.unwrap_or_default(), sink.program.log()] {
        ensure!(!log.contains("admin-secret"), "the password is in the log");
    }
    sink.stop().await?;
    proxy.stop().await
}

/// Callers whose passwords are shown to Kafka by PLAIN. The proxy's own identity may do nothing.
///
/// # Errors
/// The case fails.
pub(super) async fn callers(session: &Session, broker: &SecuredBroker) -> Result<()> {
    let mut lines = user(broker, "client.", "SASL_SSL", "peter");
    let asked = [
        ("authentication.method", "KAFKA"),
        ("sluiceway.authentication.kafka.mechanism", "PLAIN"),
    ];
    lines.extend(prefixed("", &asked));
    let mut proxy = Proxy::start_on(session, &broker.scram, &borrowed(&lines)).await?;
    let caller =
        |name: &str, password: &str| Caller::user(&proxy.http, name, password).in_group("plains");
    let (admin, paula) = (
        caller("admin", "admin-secret"),
        caller("paula", "paula-secret"),
    );
    eventually("waiting for Kafka's first answer", LIMIT, async || {
        Ok((admin.write("by admin").await?.status == 200).then_some(()))
    })
    .await?;
    for (name, password) in [("paula", "wrong"), ("nobody", "nobody-secret")] {
        unknown(&caller(name, password).write("no").await?).context(name)?;
    }
    // A user of SCRAM, to whom the broker listens on the same listener: not by PLAIN.
    unknown(&caller("alice", "alice-secret").write("no").await?)?;
    denied(&paula.write("too early").await?)?;
    rules(&admin, "paula").await?;
    eventually("waiting for paula's right", LIMIT, async || {
        Ok((paula.write("by paula").await?.status == 200).then_some(()))
    })
    .await?;
    denied(&caller("peter", "peter-secret").write("by peter").await?)?;
    paula.subscribe().await?;
    paula.read(has("by paula")).await?;
    paula.unsubscribe().await?;
    let made = metric(&proxy, "callers_admitted_total").await?;
    ensure!(made == 3.0, "{made} principals have clients");
    proxy.stop().await
}

/// TLS alone: a proxy without a certificate, whom the broker takes for anonymous, and a sink that is who its certificate says.
///
/// # Errors
/// The case fails.
pub(super) async fn ssl(session: &Session, broker: &SecuredBroker) -> Result<()> {
    let mut lines = prefixed("client.", &[("security.protocol", "SSL")]);
    lines.extend(trust(broker, "client."));
    let mut proxy = Proxy::start_on(session, &broker.ssl, &borrowed(&lines)).await?;
    // First, so that the broker has heard of the rules when the sink comes.
    let cluster = cluster(&proxy.http).await?;
    for (kind, name, pattern) in [
        ("TOPIC", "ssl", "LITERAL"),
        ("GROUP", "connect", "PREFIXED"),
    ] {
        let rule = json!({
            "resource_type": kind, "resource_name": name, "operation": "READ", "permission": "ALLOW", "host": "*",
            "pattern_type": pattern, "principal": CLIENT,
        });
        let made = post_v3(&proxy.http, &format!("{cluster}/acls"), &rule).await?;
        expect_status(&made, 201).with_context(|| rule.to_string())?;
    }
    use_proxy(&proxy.http, "ssl").await?;
    wrote_batches(&proxy).await?;

    let bucket = session.bucket("ssl").await?;
    let allowed = Connector::json(session, "connect-ssl", "ssl", &bucket).set("flush.size", "2");
    // The anonymous may read it.
    let refused = Connector::json(session, "connect-ssl-forbidden", "forbidden", &bucket);
    let certificate = broker.certificates.client.display().to_string();
    let own = [
        ("security.protocol", "SSL"),
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.location", &certificate),
    ];
    let of = |prefix| [prefixed(prefix, &own), trust(broker, prefix)].concat();
    let worker = WORKER.into_iter().flat_map(of).collect();
    let connectors = [allowed, refused.clone()];
    let mut sink = sink(session, &broker.ssl, worker, &connectors).await?;
    wait_for_objects(&bucket, 1).await?;
    eventually("waiting for the refusal", SINK_LIMIT, async || {
        let status = sink.status(&refused).await?.unwrap_or_default();
        Ok(trace_of(&status).contains("authoriz").then_some(()))
    })
    .await?;
    sink.stop().await?;
    proxy.stop().await
}

/// Why the first task has failed.
fn trace_of(status: &Value) -> String {
    let trace = status["tasks"][0]["trace"].as_str();
    trace.unwrap_or_default().to_lowercase()
}
