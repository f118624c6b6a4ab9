//! Posting to a proxy: the exact requests, and what happens when answers fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    missing_docs
)]

mod server;

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use posting_emulator::{
    Counts, DatetimeFormat, Emulator, ErrorKind, KinesisTarget, Options, Pace, Protocol,
    ProxyTarget, SdkKeys, Stats, Table, Target,
};
use server::{Answer, Server};
use tokio_util::sync::CancellationToken;

fn options(url: &str, posts: u64) -> Options {
    let mut target = ProxyTarget::new(url).unwrap();
    target.request_timeout = Duration::from_millis(500);
    target.retry.backoff = Duration::from_millis(5);
    target.retry.retries = 3;
    Options {
        posts: Some(posts),
        pace: Pace::Unlimited,
        target: Target::Proxy(target),
        ..Options::default()
    }
}

async fn run(options: Options) -> (Counts, Arc<Stats>, Emulator) {
    let emulator = Emulator::new(options).unwrap();
    let stats = Arc::new(Stats::with_acknowledgements());
    let run = emulator.run(CancellationToken::new(), Arc::clone(&stats));
    run.await.unwrap();
    (stats.counts(), stats, emulator)
}

/// Stores everything but the requests named, which get the other answer.
fn all_but(numbers: &'static [usize], answer: Answer) -> impl Fn(usize) -> Answer {
    move |number| match numbers.contains(&number) {
        true => answer.clone(),
        false => Answer::Store,
    }
}

#[tokio::test]
async fn a_post_is_three_requests_as_the_original_sends_them() {
    let server = Server::start(|_| Answer::Store).await;
    let (counts, _, emulator) = run(options(&server.url("/test"), 1)).await;
    assert_eq!((counts.posts, counts.requests, counts.records()), (1, 3, 3));
    let seen = server.seen();
    let paths: Vec<&str> = seen.iter().map(|request| request.path.as_str()).collect();
    let expected = ["pin", "geo", "user"].map(|table| format!("/test/topics/0a1b2c3d4e5f.{table}"));
    assert_eq!(paths, expected);
    for (request, table) in seen.iter().zip(Table::ALL) {
        assert_eq!(request.method, "POST");
        let kind = request.headers.get_all("content-type").iter();
        assert_eq!(
            kind.collect::<Vec<_>>(),
            ["application/vnd.kafka.json.v2+json"]
        );
        for absent in ["accept", "authorization", "accept-encoding"] {
            assert!(!request.headers.contains_key(absent), "{absent}");
        }
        let length = request.headers["content-length"].to_str().unwrap();
        assert_eq!(length, request.body.len().to_string());
        let sent: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        let number = &sent["records"][0]["value"][table.columns()[0]];
        let row = emulator.source().row(table, number.as_u64().unwrap()).await;
        let row = row.unwrap().to_json(DatetimeFormat::Space);
        assert_eq!(
            request.body,
            format!("{{\"records\": [{{\"value\": {row}}}]}}")
        );
    }
}

#[tokio::test]
async fn acknowledgements_name_topic_offset_and_row() {
    let server = Server::start(|_| Answer::Store).await;
    let (counts, stats, emulator) = run(options(&server.url(""), 5)).await;
    assert_eq!(counts.acknowledged, [5, 5, 5]);
    let mut acknowledged = stats.acknowledgements();
    acknowledged.sort_unstable();
    let seen = server.seen();
    for (index, record) in acknowledged.iter().enumerate() {
        assert_eq!((record.partition, record.offset), (0, index as i64 % 5));
        let post = record.offset as usize;
        let position = Table::ALL
            .iter()
            .position(|table| *table == record.table)
            .unwrap();
        let row = emulator
            .source()
            .row(record.table, record.row)
            .await
            .unwrap();
        let body = &seen[post * 3 + position].body;
        assert!(
            body.contains(&row.to_json(DatetimeFormat::Space)),
            "{record:?}"
        );
    }
}

#[tokio::test]
async fn the_same_seed_posts_the_same_rows_in_the_same_order() {
    let mut bodies = Vec::new();
    for seed in [100, 100, 7] {
        let server = Server::start(|_| Answer::Store).await;
        let mut options = options(&server.url(""), 4);
        options.seed = seed;
        run(options).await;
        bodies.push(
            server
                .seen()
                .into_iter()
                .map(|seen| seen.body)
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_ne!(bodies[0], bodies[2]);
}

#[tokio::test]
async fn throttled_and_unavailable_requests_are_sent_again_when_asked() {
    let later = Answer::Status(429, vec![("retry-after", "1")]);
    let server = Server::start(all_but(&[1], later)).await;
    let began = Instant::now();
    let (counts, ..) = run(options(&server.url(""), 1)).await;
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    assert_eq!((counts.posts, counts.retries, counts.requests), (1, 1, 4));
    assert_eq!(counts.errors, [(ErrorKind::Throttled, 1)].into());
    let seen = server.seen();
    assert_eq!(
        (&seen[1].path, &seen[1].body),
        (&seen[2].path, &seen[2].body)
    );
}

#[tokio::test]
async fn a_broken_connection_is_made_anew() {
    let server = Server::start(all_but(&[0, 2], Answer::Drop)).await;
    let (counts, ..) = run(options(&server.url(""), 2)).await;
    assert_eq!((counts.posts, counts.given_up), (2, 0));
    assert_eq!(counts.errors, [(ErrorKind::Connection, 2)].into());
    assert_eq!(counts.records(), 6);
}

#[tokio::test]
async fn attempts_are_bounded() {
    let server = Server::start(all_but(&[0, 1, 2, 3], Answer::Status(503, vec![]))).await;
    let (counts, ..) = run(options(&server.url(""), 2)).await;
    assert_eq!(
        (counts.posts, counts.posts_failed, counts.given_up),
        (1, 1, 1)
    );
    assert_eq!(counts.acknowledged, [1, 2, 2]);
    assert_eq!(counts.errors, [(ErrorKind::Unavailable, 4)].into());
    assert_eq!(counts.retries, 3);
}

#[tokio::test]
async fn an_error_of_the_record_inside_a_200_is_not_success() {
    let script = |number| match number {
        0 => Answer::RecordError(50002),
        2 => Answer::RecordError(50003),
        5 => Answer::Body("{}"),
        _ => Answer::Store,
    };
    let server = Server::start(script).await;
    let (counts, ..) = run(options(&server.url(""), 2)).await;
    let expected = [
        (ErrorKind::Record(50002), 1),
        (ErrorKind::Record(50003), 1),
        (ErrorKind::Malformed, 1),
    ];
    assert_eq!(counts.errors, expected.into());
    assert_eq!((counts.posts, counts.posts_failed), (0, 2));
    assert_eq!(
        (counts.retries, counts.given_up),
        (1, 2),
        "only 50003 is tried again"
    );
}

#[tokio::test]
async fn a_refused_request_is_not_repeated() {
    let server = Server::start(all_but(&[1], Answer::Status(415, vec![]))).await;
    let (counts, ..) = run(options(&server.url(""), 1)).await;
    assert_eq!(
        (counts.requests, counts.retries, counts.given_up),
        (3, 0, 1)
    );
    assert_eq!(counts.errors, [(ErrorKind::Status(415), 1)].into());
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_waited_for_no_longer_than_set() {
    let server = Server::start(all_but(&[0], Answer::Stall)).await;
    let began = Instant::now();
    let (counts, ..) = run(options(&server.url(""), 1)).await;
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(counts.errors, [(ErrorKind::Timeout, 1)].into());
    assert_eq!((counts.posts, counts.retries), (1, 1));
}

#[tokio::test]
async fn workers_share_the_posts_and_keep_their_connections() {
    let server = Server::start(|_| Answer::Store).await;
    let mut options = options(&server.url(""), 100);
    options.workers = NonZeroUsize::new(4).unwrap();
    let (counts, stats, _) = run(options).await;
    assert_eq!((counts.posts, counts.acknowledged), (100, [100, 100, 100]));
    assert!(
        server.connections() <= 4,
        "{} connections",
        server.connections()
    );
    let mut offsets: Vec<i64> = stats
        .acknowledgements()
        .iter()
        .filter(|record| record.table == Table::Pin)
        .map(|record| record.offset)
        .collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn stopping_ends_a_run_that_waits() {
    let server = Server::start(|_| Answer::Status(503, vec![("retry-after", "60")])).await;
    let mut options = options(&server.url(""), u64::MAX);
    if let Target::Proxy(target) = &mut options.target {
        target.retry.max_backoff = Duration::from_secs(60);
    }
    let emulator = Emulator::new(options).unwrap();
    let (stop, stats) = (CancellationToken::new(), Arc::new(Stats::new()));
    let began = Instant::now();
    let canceller = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        canceller.cancel();
    });
    emulator.run(stop, Arc::clone(&stats)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
    let counts = stats.counts();
    assert_eq!(
        (counts.posts_failed, counts.given_up, counts.retries),
        (1, 3, 0)
    );
}

const PUT: &str = r#"{"SequenceNumber":"49","ShardId":"shardId-000000000000"}"#;

#[tokio::test]
async fn streams_get_what_the_second_script_sends_and_topics_what_the_first_does() {
    let server = Server::start(|number| match number % 6 {
        0..3 => Answer::Store,
        _ => Answer::Body(PUT),
    })
    .await;
    let mut options = options(&server.url("/test"), 2);
    let Target::Proxy(proxy) = options.target.clone() else {
        panic!("a proxy")
    };
    let proxy = proxy.with_api_key("the-key").unwrap();
    let streams = KinesisTarget {
        endpoint: proxy.clone(),
        protocol: Protocol::Resource,
    };
    options.target = Target::Both(proxy, streams);
    let (counts, _, _) = run(options).await;
    assert_eq!(
        (counts.posts, counts.records(), counts.streamed()),
        (2, 6, 6)
    );
    let seen = server.seen();
    assert_eq!(seen[3].method, "PUT");
    assert_eq!(
        seen[3].path,
        "/test/streams/streaming-0a1b2c3d4e5f-pin/record"
    );
    assert_eq!(seen[3].headers["content-type"], "application/json");
    assert!(
        seen.iter()
            .all(|request| request.headers["x-api-key"] == "the-key")
    );
    let (topic, stream): (serde_json::Value, serde_json::Value) = (
        serde_json::from_str(&seen[0].body).unwrap(),
        serde_json::from_str(&seen[3].body).unwrap(),
    );
    assert_eq!(topic["records"][0]["value"], stream["Data"]);
    assert_eq!(stream["StreamName"], "streaming-0a1b2c3d4e5f-pin");
    assert_eq!(stream["PartitionKey"], stream["Data"]["index"].to_string());
}

#[tokio::test]
async fn what_kinesis_refuses_is_tried_again_where_that_helps() {
    const FULL: &str = r#"{"__type":"ProvisionedThroughputExceededException","message":"x"}"#;
    let server = Server::start(|number| match number {
        0 => Answer::Refusal(400, FULL),
        1 => Answer::Refusal(500, "{}"),
        2 => Answer::Drop,
        4 => Answer::Refusal(400, r#"{"__type":"ResourceNotFoundException"}"#),
        5 => Answer::Body("{}"),
        _ => Answer::Body(PUT),
    })
    .await;
    let mut options = options(&server.url(""), 1);
    let Target::Proxy(endpoint) = options.target.clone() else {
        panic!("a proxy")
    };
    let keys = SdkKeys::new(
        "AKIAIOSFODNN7EXAMPLE",
        "a-secret-of-no-consequence",
        "us-east-1",
    );
    let protocol = Protocol::Sdk(keys);
    options.target = Target::Streams(KinesisTarget { endpoint, protocol });
    let (counts, _, _) = run(options).await;
    assert_eq!(
        (counts.streamed, counts.given_up, counts.retries),
        ([1, 0, 0], 2, 3)
    );
    let missing = ErrorKind::Stream("ResourceNotFoundException");
    for kind in [
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::Connection,
        missing,
        ErrorKind::Malformed,
    ] {
        assert_eq!(counts.errors.get(&kind), Some(&1), "{kind}");
    }
    let seen = server.seen();
    assert_eq!(
        seen[0].headers["x-amz-target"],
        "Kinesis_20131202.PutRecord"
    );
    assert!(
        seen[0].headers["authorization"]
            .to_str()
            .unwrap()
            .starts_with("AWS4-HMAC-SHA256 ")
    );
    assert!(
        !seen
            .iter()
            .any(|request| format!("{request:?}").contains("no-consequence"))
    );
}
