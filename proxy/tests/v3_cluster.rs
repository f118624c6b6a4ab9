//! v3: clusters, brokers, their settings, access rules, and what is common to all of v3.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use http::Method;
use serde_json::{Value, json};
use support::{Answer, Kafka, Running, kafka, start};

const JSON: Option<&str> = Some("application/json");

async fn running() -> (Kafka, Running, String) {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    // Not before every client is connected: a look-up under way at the end would hold the test up.
    proxy.get("/brokers").await;
    let clusters = proxy.get("/v3/clusters").await.json();
    let cluster = clusters["data"][0]["metadata"]["self"].as_str().unwrap();
    let base = proxy.url("");
    let cluster = cluster.strip_prefix(&base).unwrap().to_owned();
    (kafka, proxy, cluster)
}

fn refusal(answer: &Answer) -> (u16, u64, String) {
    let json = answer.json();
    let text = json["message"].as_str().unwrap().to_owned();
    (answer.status, json["error_code"].as_u64().unwrap(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_and_its_brokers() {
    let (_kafka, proxy, cluster) = running().await;
    let url = |tail: &str| format!("{}{tail}", proxy.url(&cluster));
    let id = cluster.rsplit('/').next().unwrap();
    let answer = proxy.get(&cluster).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = json!({
        "kind": "KafkaCluster",
        "metadata": {"self": url(""), "resource_name": format!("crn:///kafka={id}")},
        "cluster_id": id,
        "controller": {"related": url("/brokers/1")},
        "acls": {"related": url("/acls")},
        "brokers": {"related": url("/brokers")},
        "broker_configs": {"related": url("/broker-configs")},
        "consumer_groups": {"related": url("/consumer-groups")},
        "topics": {"related": url("/topics")},
        "partition_reassignments": {"related": url("/topics/-/partitions/-/reassignment")},
    });
    assert_eq!(answer.json(), expected);
    let brokers = proxy.get(&format!("{cluster}/brokers")).await.json();
    let broker = proxy.get(&format!("{cluster}/brokers/1")).await.json();
    assert_eq!(brokers["data"], json!([broker]));
    assert_eq!(broker["host"], "127.0.0.1");
    assert_eq!(broker["rack"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there() {
    let (_kafka, proxy, cluster) = running().await;
    let none = (404, 404, "HTTP 404 Not Found".to_owned());
    for tail in [
        "/brokers/9",
        "/brokers/x",
        "/broker-configs/bogus",
        "/brokers/1/configs/bogus",
    ] {
        let answer = proxy.get(&format!("{cluster}{tail}")).await;
        assert_eq!(refusal(&answer), none, "{tail}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    for tail in ["", "/zzz", "/brokers/1/tasks"] {
        let answer = proxy.get(&format!("/v3{tail}")).await;
        assert_eq!(refusal(&answer), none, "{tail}");
        assert_eq!(answer.header("content-type"), None);
    }
    assert_eq!(refusal(&proxy.get("/v3/clusters/bogus").await), none);
    for (tail, words) in [
        ("topics", "cannot"),
        ("brokers", "cannot"),
        ("consumer-groups", "could not"),
    ] {
        let answer = proxy.get(&format!("/v3/clusters/bogus/{tail}")).await;
        let text = format!("Cluster bogus {words} be found.");
        assert_eq!(refusal(&answer), (404, 404, text));
    }
    let no_type = "The valid values for Type do not include 'topic'".to_owned();
    for (method, tail) in [
        (Method::GET, "topic-configs"),
        (Method::GET, "topic-configs/x"),
        (Method::PUT, "topic-configs/x"),
        (Method::DELETE, "topic-configs/x"),
        (Method::POST, "topic-configs:alter"),
    ] {
        let path = format!("/v3/clusters/bogus/{tail}");
        let answer = proxy.call(method, &path, JSON, b"").await;
        assert_eq!(refusal(&answer), (404, 404, no_type.clone()), "{tail}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let path = format!("{cluster}/topic-configs");
    let answer = proxy.call(Method::DELETE, &path, None, b"").await;
    assert_eq!(refusal(&answer).0, 405);
    let answer = proxy.get(&format!("{cluster}/brokers/9/configs")).await;
    assert_eq!(refusal(&answer).1, 50003);
    let answer = proxy
        .get(&format!("{cluster}/brokers/9/partition-replicas"))
        .await;
    assert_eq!(refusal(&answer).2, "Broker 9 cannot be found.");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_brokers() {
    let (_kafka, proxy, cluster) = running().await;
    let all = proxy
        .get(&format!("{cluster}/brokers/-/configs"))
        .await
        .json();
    let one = proxy
        .get(&format!("{cluster}/brokers/1/configs"))
        .await
        .json();
    assert_eq!(all["data"], one["data"]);
    let names: Vec<&str> = one["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert!(
        names.is_sorted() && names.contains(&"log.cleaner.threads"),
        "{names:?}"
    );
    let path = format!("{cluster}/brokers/1/configs/log.cleaner.threads");
    let set = proxy
        .call(Method::PUT, &path, JSON, br#"{"value":"1"}"#)
        .await;
    assert_eq!((set.status, set.body.len()), (204, 0), "{set:?}");
    let config = proxy.get(&path).await.json();
    assert_eq!(
        (&config["value"], &config["broker_id"]),
        (&json!("1"), &json!(1))
    );
    assert_eq!(config["source"], "DYNAMIC_BROKER_CONFIG");
    assert_eq!(
        proxy.call(Method::DELETE, &path, None, b"").await.status,
        204
    );
    assert_eq!(proxy.get(&path).await.json()["is_default"], true);
    for owner in ["brokers/1/configs", "broker-configs"] {
        let all = format!("{cluster}/{owner}");
        let before = proxy.get(&all).await.json();
        let dry = br#"{"data":[{"name":"log.cleaner.threads","value":"2"}],"validate_only":true}"#;
        let alter = format!("{all}:alter");
        let checked = proxy.call(Method::POST, &alter, JSON, dry).await;
        assert_eq!(checked.status, 204, "{checked:?}");
        assert_eq!(proxy.get(&all).await.json(), before);
        let refused = proxy.call(Method::POST, &alter, JSON, b"null").await;
        let text = "Payload error. Null input provided. Data is required.";
        assert_eq!(refusal(&refused), (422, 42206, text.to_owned()));
    }
    let unknown = format!("{cluster}/brokers/1/configs/bogus");
    let refused = proxy.call(Method::DELETE, &unknown, None, b"").await;
    let id = cluster.rsplit('/').next().unwrap();
    let text = format!("Config bogus cannot be found for BROKER 1 in cluster {id}.");
    assert_eq!(refusal(&refused), (404, 404, text));
}

#[tokio::test(flavor = "multi_thread")]
async fn access_rules_without_an_authorizer() {
    let (_kafka, proxy, cluster) = running().await;
    let acls = format!("{cluster}/acls");
    assert_eq!(refusal(&proxy.get(&acls).await).1, 40002);
    let rule = br#"{"resource_type":"TOPIC","resource_name":"t","pattern_type":"LITERAL","principal":"User:a","host":"*","operation":"READ","permission":"ALLOW"}"#;
    let refused = proxy.call(Method::POST, &acls, JSON, rule).await;
    assert_eq!(refusal(&refused).1, 40002);
    let refused = proxy.get(&format!("{acls}?resource_type=BOGUS")).await;
    let text = "The valid values for ResourceType do not include 'BOGUS'".to_owned();
    assert_eq!(refusal(&refused), (404, 404, text));
    let refused = proxy.call(Method::DELETE, &acls, None, b"").await;
    let text = "resource_type cannot be unspecified or UNKNOWN".to_owned();
    assert_eq!(refusal(&refused), (400, 400, text));
    let every = format!("{acls}?resource_type=any&pattern_type=any&operation=any&permission=any");
    assert_eq!(
        refusal(&proxy.call(Method::DELETE, &every, None, b"").await).1,
        40002
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn v3_can_be_switched_off() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "api.v3.enable=false\n").await;
    proxy.get("/brokers").await;
    assert_eq!(proxy.get("/v3/clusters").await.status, 404);
    assert_eq!(proxy.get("/topics").await.status, 200);
    let properties = "api.endpoints.blocklist=api.v3.clusters.list\n";
    let proxy = start(&kafka.bootstrap(), properties).await;
    proxy.get("/brokers").await;
    assert_eq!(proxy.get("/v3/clusters").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_is_away() {
    let proxy = start("127.0.0.1:1", "sluiceway.metadata.timeout.ms=300\n").await;
    let answer = proxy.get("/v3/clusters").await;
    assert_eq!(refusal(&answer).1, 50003, "{answer:?}");
}
