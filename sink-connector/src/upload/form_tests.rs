//! What is put by the form beside what the client library puts: the same request, but for the library's own counting of tries.
#![allow(clippy::unwrap_used)]

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;

use super::error::S3Error;
use super::store_for_tests::{Answering, Asked, config};
use super::*;
use crate::rotate::CloseReason;

/// Headers of the library alone; the time and what depends on it.
const OWN: [&str; 4] = [
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "authorization",
    "x-amz-date",
];

const KEYS: [&str; 5] = [
    "topics/t/partition=0/t+0+0000000000.json",
    "a b/c+d/é€\u{1f600}/100%25/%/\\x.json",
    "t",
    "//./../[{(<'\"!@#$^&*?=:;,~`|)}]-_./",
    "PutObject?x-id=PutObject",
];

fn object(key: &str, offset: i64) -> ClosedObject {
    ClosedObject {
        key: key.into(),
        first_offset: offset,
        last_offset: offset,
        records: 1,
        bytes: 1,
        reason: CloseReason::FlushSize,
        sidecar: false,
    }
}

fn uploader(client: Client, properties: &str) -> Arc<Uploader> {
    let metrics = SinkMetrics::register(&prometheus::Registry::new()).unwrap();
    let runtime = tokio::runtime::Handle::current();
    let events = mpsc::channel().0;
    Uploader::new(
        client,
        &config(properties),
        runtime,
        Arc::new(metrics),
        events,
    )
}

async fn uploader_to(answering: &Answering, properties: &str) -> Arc<Uploader> {
    let client = answering.client(&config(properties)).await;
    uploader(client, properties)
}

async fn put(
    uploader: &Uploader,
    key: &str,
    offset: i64,
    body: &'static str,
) -> Result<(), S3Error> {
    let body = Bytes::from_static(body.as_bytes());
    let put = uploader.put_object(&object(key, offset), &body).await;
    put.map_err(|error| S3Error::new("PutObject", &error))
}

fn is_of_the_library(asked: &Asked) -> bool {
    asked.headers.contains_key("amz-sdk-invocation-id")
}

fn compared(mut asked: Asked) -> Asked {
    asked
        .headers
        .retain(|name, _| !OWN.contains(&name.as_str()));
    asked
}

/// The scope of a signature, and the headers that it covers without the library's own.
fn signed(asked: &Asked) -> (String, Vec<String>) {
    let authorization = asked.header("authorization");
    let (scope, rest) = authorization.split_once(", SignedHeaders=").unwrap();
    let (headers, signature) = rest.split_once(", Signature=").unwrap();
    assert_eq!(signature.len(), 64, "{authorization}");
    let headers = headers.split(';').filter(|name| !OWN[..2].contains(name));
    (scope.to_owned(), headers.map(str::to_owned).collect())
}

#[tokio::test]
async fn both_put_the_same() {
    for properties in [
        "store.url=http://store.invalid:9000",
        "store.url=http://store.invalid\ns3.path.style.access.enabled=false",
        "store.url=https://store.invalid/behind/a/path/",
        "s3.region=eu-west-1",
        "s3.region=eu-west-1\ns3.wan.mode=true\ns3.path.style.access.enabled=false",
        "s3.region=eu-west-1\ns3.ssea.name=aws:kms\ns3.sse.kms.key.id=id\ns3.acl.canned=private",
        "store.url=http://store.invalid\ns3.object.metadata=true",
    ] {
        let answering = Answering::default();
        let by_library = uploader_to(&answering, properties).await;
        let by_form = uploader_to(&answering, properties).await;
        put(&by_form, "first", 7, "first").await.unwrap();
        for key in KEYS {
            for (offset, body) in [(0, "{}\n"), (1 << 40, "{\"a\":\"é\"}\n")] {
                answering.asked.lock().clear();
                by_library.form.set(None).ok();
                put(&by_library, key, offset, body).await.unwrap();
                put(&by_form, key, offset, body).await.unwrap();
                let asked = answering.asked.lock().clone();
                let [library, form] = asked.try_into().unwrap();
                assert!(is_of_the_library(&library) && !is_of_the_library(&form));
                assert_eq!(signed(&form), signed(&library), "{properties}");
                assert_eq!(compared(form), compared(library), "{properties}");
            }
        }
    }
}

#[tokio::test]
async fn credentials_of_a_session_are_those_of_now() {
    let answering = Answering::default();
    let session = |token: &str| {
        let key = Credentials::new("k", "s", Some(token.to_owned()), None, "test");
        SharedCredentialsProvider::new(key)
    };
    let properties = "store.url=http://store.invalid";
    let client = answering.client(&config(properties)).await;
    let config = client.config().to_builder();
    let client = Client::from_conf(config.credentials_provider(session("token")).build());
    let uploader = uploader(client, properties);
    for _ in 0..2 {
        put(&uploader, "k", 0, "x").await.unwrap();
    }
    let asked = answering.asked.lock().clone();
    assert!(!is_of_the_library(&asked[1]));
    for asked in asked {
        assert_eq!(asked.header("x-amz-security-token"), "token");
        assert!(
            signed(&asked)
                .1
                .contains(&"x-amz-security-token".to_owned())
        );
    }
}

#[tokio::test]
async fn what_fails_by_the_form_is_put_by_the_library() {
    let answering = Answering::default();
    let uploader = uploader_to(
        &answering,
        "store.url=http://store.invalid\ns3.retry.backoff.ms=1",
    )
    .await;
    let by = |from: usize| -> Vec<bool> {
        let asked = answering.asked.lock();
        asked[from..].iter().map(is_of_the_library).collect()
    };
    // No form is taken from what was refused.
    answering.statuses.lock().push(403);
    assert!(put(&uploader, "k", 0, "x").await.is_err());
    put(&uploader, "k", 0, "x").await.unwrap();
    assert_eq!(by(0), [true, true]);
    put(&uploader, "k", 0, "x").await.unwrap();
    assert_eq!(by(2), [false]);
    // Busy once: again, and done.
    answering.statuses.lock().push(503);
    put(&uploader, "k", 0, "x").await.unwrap();
    assert_eq!(by(3), [false, true]);
    // Refused: the library says how.
    answering.statuses.lock().extend([403, 403]);
    let error = put(&uploader, "k", 0, "x").await.unwrap_err();
    assert_eq!((error.status, by(5)), (Some(403), vec![false, true]));
}
