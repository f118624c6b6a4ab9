//! Lines of `AWS_MSK_IAM` and of OAUTHBEARER that cannot work: what a user is told, and where. No broker is needed for that.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{expect_status, produce};
use crate::program::Program;
use crate::target::{Proxy, SinkFiles, free_listener};
use crate::token_endpoint::{Mood, TokenEndpoint};
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! kafka_login_cases {
    ($kind:ident) => {
        $crate::tests!($kind kafka_login iam_says_what_it_lacks a_refused_client_says_so wrong_lines_end_the_start);
    };
}

const LIMIT: Duration = Duration::from_secs(60);

/// No credentials anywhere, and nobody asked outside of this machine.
const NOTHING: [(&str, &str); 5] = [
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_CONFIG_FILE", "/nonexistent/config"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials"),
    ("AWS_PROFILE", "default"),
    ("AWS_REGION", "us-east-1"),
];

const JAAS: &str = "software.amazon.msk.auth.iam.IAMLoginModule required;";

/// Without credentials no token can be signed: clients of the proxy are told at once, probes too, and the sink's log says it.
///
/// # Errors
/// The case fails.
pub async fn iam_says_what_it_lacks(session: &Session) -> Result<()> {
    let nowhere = "127.0.0.1:1";
    let lines = [
        ("client.security.protocol", "SASL_SSL"),
        ("client.sasl.mechanism", "AWS_MSK_IAM"),
        ("client.sasl.jaas.config", JAAS),
        ("producer.max.block.ms", "300"),
    ];
    let mut proxy = Proxy::start_in(session, nowhere, &lines, &NOTHING).await?;
    let record = produce("/topics/t", &json!({"records": [{"value": 1}]}));
    eventually("waiting to be told", LIMIT, async || {
        let answer = proxy.http.call(&record).await?;
        let entry = answer.json()?["offsets"][0].clone();
        let text = entry["error"].as_str().unwrap_or_default().to_owned();
        let told = answer.status == 401 && entry["error_code"] == 40101;
        Ok((told && text.contains("AWS_MSK_IAM: no credentials")).then_some(()))
    })
    .await?;
    let v3 = proxy.http.get("/v3/clusters", None).await?;
    ensure!(v3.json()?["error_code"] == 40101, "{}", v3.text()?);
    let ready = proxy
        .admin
        .as_ref()
        .context("no admin listener")?
        .get("/readyz", None)
        .await?;
    expect_status(&ready, 503)?;
    proxy.stop().await?;

    let worker = [
        ("bootstrap.servers", nowhere),
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "AWS_MSK_IAM"),
        ("sasl.jaas.config", JAAS),
        ("sluiceway.kafka.timeout.ms", "500"),
    ];
    let mut files = SinkFiles::write(session, &worker, &[])?;
    for (name, value) in NOTHING {
        files = files.environment(name, value);
    }
    let sink = files.spawn()?;
    eventually("waiting for the sink's log", LIMIT, async || {
        Ok(sink
            .log()
            .contains("AWS_MSK_IAM: no credentials")
            .then_some(()))
    })
    .await
}

/// An identity provider that refuses: clients of the proxy and probes are told its words, and the log has them once, without
/// the secret; the sink's log likewise.
///
/// # Errors
/// The case fails.
pub async fn a_refused_client_says_so(session: &Session) -> Result<()> {
    let endpoint = TokenEndpoint::start(LIMIT, Mood::Well).await?;
    let told = format!(
        "OAUTHBEARER: no token from {}: it refuses with 401 Unauthorized, invalid_client: by the stand-in; look at clientId and \
         clientSecret",
        endpoint.url()
    );
    let nowhere = "127.0.0.1:1";
    let lines = endpoint.lines("client.", "planted-and-wrong");
    let mut lines: Vec<(&str, &str)> = lines
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    lines.push(("producer.max.block.ms", "300"));
    let mut proxy = Proxy::start_on(session, nowhere, &lines).await?;
    let admin = proxy.admin.as_ref().context("no admin listener")?;
    eventually("waiting for the probe's reason", LIMIT, async || {
        let ready = admin.get("/readyz", None).await?;
        Ok((ready.status == 503 && ready.text()?.contains(&told)).then_some(()))
    })
    .await?;
    let record = produce("/topics/t", &json!({"records": [{"value": 1}]}));
    let entry = proxy.http.call(&record).await?.json()?["offsets"][0].clone();
    ensure!(entry["error_code"] == 40101, "{entry}");
    let v3 = proxy.http.get("/v3/clusters", None).await?;
    ensure!(v3.json()?["error_code"] == 40101, "{}", v3.text()?);
    let log = proxy.program.as_ref().map(Program::log).unwrap_or_default();
    let line = "no token for Kafka; it is tried again";
    ensure!(
        log.matches(line).count() == 1 && log.contains(&told),
        "{log}"
    );
    ensure!(!log.contains("planted"), "the secret is in {log}");
    proxy.stop().await?;

    let worker = endpoint.lines("", "planted-and-wrong");
    let mut worker: Vec<(&str, &str)> = worker
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    worker.extend([
        ("bootstrap.servers", nowhere),
        ("sluiceway.kafka.timeout.ms", "500"),
    ]);
    let sink = SinkFiles::write(session, &worker, &[])?.spawn()?;
    eventually("waiting for the sink's log", LIMIT, async || {
        Ok(sink.log().contains(&told).then_some(()))
    })
    .await?;
    ensure!(
        !sink.log().contains("planted"),
        "the secret is in {}",
        sink.log()
    );
    Ok(())
}

/// Each wrong line ends the start, with its key and what to write instead.
///
/// # Errors
/// The case fails.
pub async fn wrong_lines_end_the_start(session: &Session) -> Result<()> {
    for (protocol, jaas, told) in [
        (
            "SASL_SSL",
            "software.amazon.msk.auth.iam.IAMLoginModule required awsRoleArn=writer;",
            "awsRoleArn=\"arn:aws:iam::<account>:role/<name>\"",
        ),
        ("PLAINTEXT", JAAS, "set security.protocol=SASL_SSL"),
        (
            "SASL_SSL",
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=u password=planted;",
            "software.amazon.msk.auth.iam.IAMLoginModule required;",
        ),
    ] {
        let lines = format!(
            "bootstrap.servers=127.0.0.1:1\nlisteners={}\nsluiceway.admin.listeners=\nclient.security.protocol={protocol}\n\
             client.sasl.mechanism=AWS_MSK_IAM\nclient.sasl.jaas.config={jaas}\n",
            free_listener()?
        );
        let file = session.file("kafka-rest.properties");
        std::fs::write(&file, lines)?;
        let log = session.log("sluiceway-proxy");
        let mut proxy = Program::start("sluiceway-proxy", &[Path::new(&file)], &NOTHING, &log)?;
        let status = eventually("waiting for the end", LIMIT, async || proxy.exited()).await?;
        ensure!(!status.success(), "{jaas}: {status}");
        let text = proxy.log();
        ensure!(text.contains(told), "{told} is not in {text}");
        ensure!(!text.contains("planted"), "a password is in {text}");
    }
    Ok(())
}
