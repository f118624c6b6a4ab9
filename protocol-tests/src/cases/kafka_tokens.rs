//! Tokens that end while both programs work: unsecured ones, those of AWS IAM, and of an identity provider. Part of
//! `kafka_security`, whose broker it shares.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::kafka_security::{LIMIT, borrowed, cluster, post_v3, read, wrote_batches};
use super::{SINK_LIMIT, expect_status, produce_ok, wait_for_objects};
use crate::aws_stand_in::AwsStandIn;
use crate::connector::Connector;
use crate::http::Client;
use crate::kafka::Kafka;
use crate::secured_broker::SecuredBroker;
use crate::target::{Proxy, SinkFiles};
use crate::token_endpoint::{self, Mood, TokenEndpoint};
use crate::{Session, eventually};

/// How long short-lived tokens are used: several of their lives, and several of the broker's sessions.
const TOKENS: Duration = Duration::from_secs(20);

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
pub(super) async fn unsecured(session: &Session, broker: &SecuredBroker) -> Result<()> {
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
    wrote_batches(&proxy).await?;
    proxy.stop().await
}

/// The four lines, unchanged: a role that is taken over for twelve seconds at a time. The broker checks every signature.
pub(super) async fn iam(session: &Session, broker: &SecuredBroker, kafka: &Kafka) -> Result<()> {
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
    wrote_batches(&proxy).await?;
    proxy.stop().await?;
    Ok(())
}

/// Tokens of an identity provider, by the lines that Java has. It is out of order when the programs start, which they say; once
/// it is not, they work, and renew tokens of twelve seconds before they end.
pub(super) async fn oidc(session: &Session, broker: &SecuredBroker) -> Result<()> {
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
    wrote_batches(&proxy).await?;
    proxy.stop().await
}
