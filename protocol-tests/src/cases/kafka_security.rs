//! Both programs on a Kafka that keeps strangers out, with the properties that Java clients have: SSL, PLAIN, SCRAM, access rules,
//! tokens that end. One broker for all of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{SINK_LIMIT, V2, V2_JSON, expect_status, produce, produce_ok, wait_for_objects};
use super::{kafka_callers, kafka_plain};
use crate::aws_stand_in::AwsStandIn;
use crate::connector::Connector;
use crate::http::{Client, Request, Response};
use crate::kafka::Kafka;
use crate::secured_broker::SecuredBroker;
use crate::target::{Proxy, SinkFiles};
use crate::token_endpoint::{self, Mood, TokenEndpoint};
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
/// How long short-lived tokens are used: several of their lives, and several of the broker's sessions.
const TOKENS: Duration = Duration::from_secs(20);

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
                unsecured(session, &broker)
                    .await
                    .context("unsecured tokens")
            },
            async { iam(session, &broker, &kafka).await.context("AWS IAM") },
            async { oidc(session, &broker).await.context("OIDC") },
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
    readers(&bob.http).await?;
    sinks(session, broker, kafka).await?;
    wrong_password(session, broker).await
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

// === tokens ===

/// Produces, reads and administers for a while; every answer is to be a good one.
async fn work(http: &Client, topic: &str) -> Result<i64> {
    let cluster = cluster(http).await?;
    let path = format!("/topics/{topic}");
    let until = Instant::now() + TOKENS;
    let mut written = 0;
    while Instant::now() < until {
        produce_ok(
            http,
            &path,
            &json!({"records": [{"value": {"n": written}}]}),
        )
        .await?;
        written += 1;
        for asked in [
            format!("{cluster}/topics/{topic}/configs"),
            format!("{cluster}/consumer-groups"),
            path.clone(),
        ] {
            let answer = http.get(&asked, None).await?;
            expect_status(&answer, 200).with_context(|| asked)?;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let values = read(http, topic, topic, usize::try_from(written)?).await?;
    let wanted: Vec<Value> = (0..written).map(|n| json!({"n": n})).collect();
    ensure!(values == wanted, "{values:?}");
    let new = json!({"topic_name": format!("{topic}-made"), "partitions_count": 1});
    let made = post_v3(http, &format!("{cluster}/topics"), &new).await?;
    expect_status(&made, 201)?;
    Ok(written)
}

/// Tokens of twelve seconds, and sessions of three: brokers refuse whoever logs in again within a second, so a token must be
/// replaced while more of it is left.
async fn unsecured(session: &Session, broker: &SecuredBroker) -> Result<()> {
    let lines = [
        ("client.security.protocol", "SASL_PLAINTEXT"),
        ("client.sasl.mechanism", "OAUTHBEARER"),
        ("client.enable.sasl.oauthbearer.unsecure.jwt", "true"),
        (
            "client.sasl.oauthbearer.config",
            "principal=machine lifeSeconds=12",
        ),
    ];
    let mut proxy = Proxy::start_on(session, &broker.unsecured, &lines).await?;
    work(&proxy.http, "tokens").await?;
    proxy.stop().await
}

/// The four lines, unchanged: a role that is taken over for twelve seconds at a time. The broker checks every signature.
async fn iam(session: &Session, broker: &SecuredBroker, kafka: &Kafka) -> Result<()> {
    let (aws, started) = (
        AwsStandIn::start(Duration::from_secs(12)).await?,
        Instant::now(),
    );
    let sts = aws.url();
    let authority = broker.certificates.authority.display().to_string();
    let jaas = "software.amazon.msk.auth.iam.IAMLoginModule required awsRoleArn=\"arn:aws:iam::1:role/writer\" awsRoleSessionName=\"both\";";
    let lines = |prefix: &str| {
        [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "AWS_MSK_IAM"),
            ("sasl.jaas.config", jaas),
            (
                "sasl.client.callback.handler.class",
                "software.amazon.msk.auth.iam.IAMClientCallbackHandler",
            ),
            ("ssl.truststore.type", "PEM"),
            ("ssl.truststore.location", &*authority),
        ]
        .map(|(key, value)| (format!("{prefix}{key}"), value.to_owned()))
    };
    let environment = [
        ("AWS_ENDPOINT_URL_STS", &*sts),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIABASE"),
        ("AWS_SECRET_ACCESS_KEY", "base-secret"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let client = lines("client.");
    let mut proxy = Proxy::start_in(session, &broker.iam, &borrowed(&client), &environment).await?;

    let bucket = session.bucket("iam").await?;
    let connector = Connector::json(session, "connect-iam", "iam", &bucket).set("flush.size", "5");
    let mut worker: Vec<_> = ["", "consumer.", "producer.", "admin."]
        .into_iter()
        .flat_map(lines)
        .collect();
    worker.push(("bootstrap.servers".to_owned(), broker.iam.clone()));
    let mut files = SinkFiles::write(
        session,
        &borrowed(&worker),
        std::slice::from_ref(&connector),
    )?;
    for (name, value) in environment {
        files = files.environment(name, value);
    }
    let mut sink = files.start().await?;
    let about = sink.http.get("/", None).await?.json()?;
    ensure!(about["kafka_cluster_id"].is_string(), "{about}");

    let written = work(&proxy.http, "iam").await?;
    wait_for_objects(&bucket, usize::try_from(written / 5)?).await?;
    eventually("waiting for the commit", SINK_LIMIT, async || {
        let committed = kafka.committed(&connector.group(), "iam")?;
        Ok(committed
            .get(&0)
            .is_some_and(|found| found.offset == written / 5 * 5)
            .then_some(()))
    })
    .await?;
    let offsets = sink
        .http
        .get(&format!("/connectors/{}/offsets", connector.name), None)
        .await?;
    expect_status(&offsets, 200)?;
    // One keeper a process, whatever number of clients: a new key every seven seconds.
    let (given, seconds) = (aws.given(), usize::try_from(started.elapsed().as_secs())?);
    let (least, most) = (4, 2 * (seconds / 7 + 2));
    ensure!(
        (least..=most).contains(&given.len()),
        "{} keys in {seconds} s",
        given.len()
    );
    for one in &given {
        ensure!(
            one.by == "role"
                && one.asked.contains("RoleSessionName=both")
                && one.signed_by.as_deref() == Some("AKIABASE"),
            "{one:?}"
        );
    }
    for log in [
        proxy
            .program
            .as_ref()
            .map(crate::program::Program::log)
            .unwrap_or_default(),
        sink.program.log(),
    ] {
        ensure!(
            !log.contains("secret-of-") && !log.contains("base-secret"),
            "a secret is in the log"
        );
    }
    sink.stop().await?;
    proxy.stop().await?;
    Ok(())
}

/// Tokens of an identity provider, by the lines that Java has. It is out of order when the programs start, which they say; once
/// it is not, they work, and renew tokens of twelve seconds before they end.
async fn oidc(session: &Session, broker: &SecuredBroker) -> Result<()> {
    let endpoint = TokenEndpoint::start(Duration::from_secs(12), Mood::Down).await?;
    let (_, secret) = token_endpoint::CLIENT;
    let client = endpoint.lines("client.", secret);
    let mut proxy = Proxy::start_on(session, &broker.unsecured, &borrowed(&client)).await?;
    let admin = proxy.admin.as_ref().context("no admin listener")?;
    eventually("waiting for the reason", LIMIT, async || {
        let ready = admin.get("/readyz", None).await?;
        let told = ready
            .text()?
            .contains("it refuses with 503 Service Unavailable");
        Ok((ready.status == 503 && told).then_some(()))
    })
    .await?;
    endpoint.be(Mood::Well);
    let started = Instant::now();
    let bucket = session.bucket("oidc").await?;
    let connector =
        Connector::json(session, "connect-oidc", "oidc", &bucket).set("flush.size", "5");
    let mut worker: Vec<_> = ["", "consumer.", "producer.", "admin."]
        .into_iter()
        .flat_map(|prefix| endpoint.lines(prefix, secret))
        .collect();
    worker.push(("bootstrap.servers".to_owned(), broker.unsecured.clone()));
    let mut sink = SinkFiles::write(session, &borrowed(&worker), &[connector])?
        .start()
        .await?;
    let written = work(&proxy.http, "oidc").await?;
    wait_for_objects(&bucket, usize::try_from(written / 5)?).await?;
    // One keeper a process, whatever number of clients: a new token every seven seconds.
    let (given, _) = endpoint.counts();
    let seconds = usize::try_from(started.elapsed().as_secs())?;
    let most = 2 * (seconds / 7 + 2);
    ensure!((4..=most).contains(&given), "{given} tokens in {seconds} s");
    let log = proxy.program.as_ref().map(crate::program::Program::log);
    for log in [log.unwrap_or_default(), sink.program.log()] {
        ensure!(!log.contains(secret), "the secret is in the log");
    }
    sink.stop().await?;
    proxy.stop().await
}
