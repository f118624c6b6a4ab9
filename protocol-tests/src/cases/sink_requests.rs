//! What the sink asks of S3 and STS, where a store cannot show it afterwards: the requests themselves, seen by a
//! stand-in.

use anyhow::{Context, Result, ensure};

use super::{SINK_LIMIT, numbered};
use crate::connector::Connector;
use crate::kafka::Record;
use crate::s3::{Bucket, Place};
use crate::store_stand_in::{ROLE_CREDENTIALS, Seen, StoreStandIn};
use crate::target::SinkFiles;
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! sink_requests_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_requests options_reach_the_store);
    };
}

/// A customer's key: base64 of 32 zeros, and of its MD5.
const CUSTOMER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Encryption, rights, tags and metadata of objects of one and of several parts; a role with its external id; an HTTP
/// proxy with user and password; a customer's key that would travel in clear text.
///
/// # Errors
/// The case fails.
pub async fn options_reach_the_store(session: &Session) -> Result<()> {
    let store = StoreStandIn::start().await?;
    let large = format!("\"{}\"", "x".repeat(900_000));
    let mut connectors = Vec::new();
    for name in ["kms", "parts", "role", "proxied", "clear"] {
        let topic = session.topic(name, 1).await?;
        let records = match name {
            "parts" => (0..6).map(|_| Record::value(0, large.clone())).collect(),
            _ => numbered(0, 0..3),
        };
        session.kafka.write(&topic, &records).await?;
        connectors.push(connector(session, &store, name, &topic));
    }
    let files = SinkFiles::write(session, &[], &connectors)?
        .environment("AWS_ENDPOINT_URL_STS", &store.url());
    let mut sink = files.start().await?;

    in_one_request(&store, &session.name("kms")).await?;
    in_parts(&store, &session.name("parts")).await?;
    by_role(&store, &session.name("role")).await?;
    proxied(&store, &session.name("proxied")).await?;
    let clear = &connectors[4];
    eventually("waiting for the refusal", SINK_LIMIT, async || {
        let status = sink.status(clear).await?.unwrap_or_default();
        let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
        Ok(trace
            .contains("must be made over a secure connection")
            .then_some(()))
    })
    .await?;
    let keys = store.seen(&session.name("clear"));
    ensure!(
        keys.iter()
            .all(|seen| !format!("{seen:?}").contains(CUSTOMER_KEY)),
        "the customer's key was sent in clear text"
    );
    sink.stop().await
}

fn connector(session: &Session, store: &StoreStandIn, name: &str, topic: &str) -> Connector {
    let place = Place {
        endpoint: store.url(),
        key: "AKIABASE".into(),
        secret: "base-secret".into(),
    };
    let bucket = Bucket::new(&place, topic);
    let connector = Connector::json(session, name, topic, &bucket).store(&place, bucket.name());
    match name {
        "kms" | "parts" => connector
            .set("s3.ssea.name", "aws:kms")
            .set("s3.sse.kms.key.id", "key-7")
            .set("s3.acl.canned", "bucket-owner-full-control")
            .set("s3.object.tagging", "true")
            .set("s3.object.tagging.key.value.pairs", "team:data")
            .set("s3.object.metadata", "true")
            .set("flush.size", if name == "kms" { "3" } else { "6" }),
        "role" => connector
            .set(
                "s3.credentials.provider.class",
                "io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider",
            )
            .set(
                "s3.credentials.provider.sts.role.arn",
                "arn:aws:iam::1:role/writer",
            )
            .set("s3.credentials.provider.sts.role.session.name", "sink-7")
            .set("s3.credentials.provider.sts.role.external.id", "outside-7"),
        "proxied" => connector
            .set("store.url", "http://s3.nowhere.invalid:9000")
            .set("s3.proxy.url", &store.url())
            .set("s3.proxy.user", "user")
            .set("s3.proxy.password", "pass"),
        _ => connector
            .set("s3.ssea.name", "AES256")
            .set("s3.sse.customer.key", CUSTOMER_KEY),
    }
}

async fn wait_for(
    store: &StoreStandIn,
    part: &str,
    wanted: impl Fn(&Seen) -> bool,
) -> Result<Seen> {
    let what = format!("waiting for a request of {part}");
    let found = eventually(&what, SINK_LIMIT, async || {
        Ok(store.seen(part).into_iter().find(&wanted))
    });
    found.await.with_context(|| {
        let seen = store.seen(part).into_iter();
        let lines: Vec<_> = seen
            .map(|one| format!("{} {}", one.method, one.target))
            .collect();
        lines.join("\n")
    })
}

fn has(seen: &Seen, headers: &[(&str, &str)]) -> Result<()> {
    for (name, value) in headers {
        ensure!(
            seen.header(name) == Some(*value),
            "{} {}: {name} is {:?} instead of {value}",
            seen.method,
            seen.target,
            seen.header(name)
        );
    }
    Ok(())
}

/// What an object carries from its begin.
const OPTIONS: [(&str, &str); 4] = [
    ("x-amz-server-side-encryption", "aws:kms"),
    ("x-amz-server-side-encryption-aws-kms-key-id", "key-7"),
    ("x-amz-acl", "bucket-owner-full-control"),
    ("x-amz-meta-first-offset", "0"),
];

async fn in_one_request(store: &StoreStandIn, topic: &str) -> Result<()> {
    let put = wait_for(store, topic, |seen| {
        seen.method == "PUT" && !seen.asks("tagging")
    })
    .await?;
    has(&put, &OPTIONS)?;
    let end = [
        ("x-amz-meta-last-offset", "2"),
        ("x-amz-meta-record-count", "3"),
        ("x-amz-meta-close-reason", "flush_size"),
    ];
    has(&put, &end)?;
    tagged(store, topic, ["0", "2", "3"]).await
}

async fn in_parts(store: &StoreStandIn, topic: &str) -> Result<()> {
    let begun = wait_for(store, topic, |seen| {
        seen.method == "POST" && seen.asks("uploads")
    });
    has(&begun.await?, &OPTIONS)?;
    wait_for(store, topic, |seen| {
        seen.method == "POST" && seen.asks("uploadId")
    })
    .await?;
    let parts = store
        .seen(topic)
        .into_iter()
        .filter(|seen| seen.asks("partNumber"))
        .count();
    ensure!(parts == 2, "{parts} parts");
    tagged(store, topic, ["0", "5", "6"]).await
}

async fn tagged(store: &StoreStandIn, topic: &str, [start, end, count]: [&str; 3]) -> Result<()> {
    let tags = wait_for(store, topic, |seen| seen.asks("tagging"))
        .await?
        .text();
    for (key, value) in [
        ("startOffset", start),
        ("endOffset", end),
        ("recordCount", count),
        ("team", "data"),
    ] {
        let tag = format!("<Key>{key}</Key><Value>{value}</Value>");
        ensure!(tags.contains(&tag), "no {tag} in {tags}");
    }
    Ok(())
}

async fn by_role(store: &StoreStandIn, topic: &str) -> Result<()> {
    let taken = wait_for(store, "/", |seen| seen.text().contains("Action=AssumeRole")).await?;
    let form = taken.text();
    for part in [
        "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fwriter",
        "RoleSessionName=sink-7",
        "ExternalId=outside-7",
    ] {
        ensure!(form.contains(part), "no {part} in {form}");
    }
    let signed = taken.header("authorization").unwrap_or_default();
    ensure!(
        signed.contains("Credential=AKIABASE/"),
        "the role is taken by {signed}"
    );
    let put = wait_for(store, topic, |seen| seen.method == "PUT").await?;
    let [key, _, token] = ROLE_CREDENTIALS;
    has(&put, &[("x-amz-security-token", token)])?;
    let signed = put.header("authorization").unwrap_or_default();
    ensure!(
        signed.contains(&format!("Credential={key}/")),
        "signed by {signed}"
    );
    Ok(())
}

async fn proxied(store: &StoreStandIn, topic: &str) -> Result<()> {
    let put = wait_for(store, topic, |seen| seen.method == "PUT").await?;
    let host = put.target.authority().map(ToString::to_string);
    ensure!(
        host.as_deref() == Some("s3.nowhere.invalid:9000"),
        "asked for {} instead of the store's URL",
        put.target
    );
    // user:pass
    has(&put, &[("proxy-authorization", "Basic dXNlcjpwYXNz")])
}
