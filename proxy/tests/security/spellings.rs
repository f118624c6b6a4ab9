//! Other spellings of a path give nobody more than the path itself: known callers, paths for everybody, blocked endpoints.

use http::Method;
use serde_json::json;

use crate::callers::{RECORD, RULES, basic, get, post, send, users};
use crate::support::{JSON, Running, kafka, start};

/// `SECRET` written in other ways, below `/topics`, in stages, or by way of what alice may see.
const SECRET: [&str; 24] = [
    "/topics/secret",
    "/topics/secret/",
    "/topics/%73ecret",
    "/topics/%73%65%63%72%65%74",
    "/topics/secret.",
    "/topics/secret%2f",
    "/topics/secret%00",
    "/topics/secret%20",
    "/topics/secret;a=orders.eu",
    "/topics/secret?topic=orders.eu",
    "/topics/secret/partitions",
    "/topics/secret/partitions/0",
    "/topics/%73ecret/partitions/0/offsets",
    "/topics/SECRET",
    "/Topics/secret",
    "/%74opics/secret",
    "/topics//secret",
    "//topics/secret",
    "/topics/./secret",
    "/topics/orders.eu/../secret",
    "/topics/orders.eu/%2e%2e/secret",
    "/test/topics/secret",
    "/test//topics/secret",
    "/test/test/topics/secret",
];

fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap()
}

/// Every way with every method, with and without a body: who gets through, as text.
async fn passing(proxy: &Running, who: &(&'static str, String), ways: &[String]) -> Vec<String> {
    let headers = [(who.0, who.1.clone()), ("content-type", JSON.to_owned())];
    let mut open = Vec::new();
    for way in ways {
        for name in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
            let body = if name == "POST" { RECORD } else { "" };
            let status = send(proxy, method(name), way, &headers, body).await.status;
            if !(400..500).contains(&status) {
                open.push(format!("{name} {way}: {status}"));
            }
        }
    }
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_caller_gets_no_further_by_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let kafka = kafka(false).await;
    kafka.create("orders.eu", 1).await;
    kafka.create("secret", 1).await;
    let settings = format!("{}{RULES}sluiceway.stages=test\n", users(folder.path()));
    let proxy = start(&kafka.bootstrap(), &settings).await;
    let (alice, dave) = (basic("alice", "s3cret-alice"), basic("dave", "s3cret-dave"));
    let carol = basic("carol", "secret");
    let clusters = get(&proxy, "/v3/clusters", &carol).await.json();
    let cluster = clusters["data"][0]["cluster_id"].as_str().unwrap();

    let v2 = SECRET.map(str::to_owned);
    let v3 = v2.clone().map(|way| {
        // A stage stands before the version.
        let (stage, way) = match way.strip_prefix("/test") {
            Some(rest) => ("/test", rest),
            None => ("", way.as_str()),
        };
        format!("{stage}/v3/clusters/{cluster}{way}")
    });
    assert_eq!(passing(&proxy, &alice, &v2).await, [""; 0]);
    assert_eq!(passing(&proxy, &alice, &v3).await, [""; 0]);
    // To dave alice's topic is what the secret is to her.
    let others = |ways: [String; 24]| ways.map(|way| way.replace("secret", "orders.eu"));
    assert_eq!(passing(&proxy, &dave, &others(v2)).await, [""; 0]);
    assert_eq!(passing(&proxy, &dave, &others(v3)).await, [""; 0]);

    // Her own rights are for names that begin so, which this is: it is one that no topic has.
    let dots = "/topics/orders.eu%2f..%2fsecret";
    assert!(get(&proxy, dots, &alice).await.status >= 400);
    post(&proxy, dots, &alice, RECORD).await;

    // Nothing was written, made or removed.
    let topics = get(&proxy, "/topics", &carol).await.json();
    assert_eq!(topics, json!(["orders.eu", "secret"]));
    for topic in ["orders.eu", "secret"] {
        let path = format!("/topics/{topic}/partitions/0/offsets");
        let offsets = get(&proxy, &path, &carol).await.json();
        assert_eq!(offsets["end_offset"], 0, "{topic}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_for_everybody_and_blocked_ones_are_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let kafka = kafka(false).await;
    kafka.create("public", 1).await;
    kafka.create("secret", 1).await;
    let free = format!(
        "{}{RULES}authentication.skip.paths=/topics/public/*\nsluiceway.stages=test\n",
        users(folder.path())
    );
    let proxy = start(&kafka.bootstrap(), &free).await;
    for path in ["/topics/public", "/topics/public/partitions"] {
        assert_eq!(proxy.get(path).await.status, 200, "{path}");
    }
    for path in SECRET {
        assert_eq!(proxy.get(path).await.status, 401, "{path}");
    }
    for path in [
        "/topics/public/../secret",
        "/topics/public/%2e%2e/secret",
        "/topics/public/..%2fsecret",
        "/topics/public%2f..%2fsecret",
        "/topics/public/../../topics/secret",
        "/topics/publicsecret",
        "/topics/public.",
        "/topics/Public",
        "//topics/public/partitions",
    ] {
        let status = proxy.get(path).await.status;
        assert!([401, 404].contains(&status), "{path}: {status}");
    }
    drop(proxy);

    let blocked =
        "api.endpoints.blocklist=api.v2.topics.get,api.v2.partitions.*\nsluiceway.stages=test\n";
    let proxy = start(&kafka.bootstrap(), blocked).await;
    assert_eq!(proxy.get("/topics").await.status, 200);
    for path in SECRET {
        for name in ["GET", "HEAD"] {
            let status = proxy.call(method(name), path, None, b"").await.status;
            assert!((400..500).contains(&status), "{name} {path}: {status}");
        }
    }
}
