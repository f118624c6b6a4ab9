//! v3: topics, their settings, partitions, replicas, and partitions that are moving.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use http::Method;
use serde_json::{Value, json};
use support::{Answer, Kafka, Running, kafka, start};

const JSON: Option<&str> = Some("application/json");

struct Cluster {
    _kafka: Kafka,
    proxy: Running,
    path: String,
}

impl Cluster {
    async fn start() -> Self {
        let kafka = kafka(false).await;
        let proxy = start(&kafka.bootstrap(), "").await;
        // Not before every client is connected: a look-up under way at the end would hold the test up.
        proxy.get("/brokers").await;
        let clusters = proxy.get("/v3/clusters").await.json();
        let id = clusters["data"][0]["cluster_id"].as_str().unwrap();
        let path = format!("/v3/clusters/{id}");
        Self {
            _kafka: kafka,
            proxy,
            path,
        }
    }

    async fn get(&self, tail: &str) -> Answer {
        self.proxy.get(&format!("{}{tail}", self.path)).await
    }

    async fn send(&self, method: Method, tail: &str, body: &str) -> Answer {
        let path = format!("{}{tail}", self.path);
        let media = if body.is_empty() { None } else { JSON };
        self.proxy.call(method, &path, media, body.as_bytes()).await
    }

    fn url(&self, tail: &str) -> String {
        self.proxy.url(&format!("{}{tail}", self.path))
    }
}

fn refusal(answer: &Answer) -> (u16, u64, String) {
    let json = answer.json();
    let text = json["message"].as_str().unwrap().to_owned();
    (answer.status, json["error_code"].as_u64().unwrap(), text)
}

const NO_TOPIC: (u16, u64, &str) = (
    404,
    40403,
    "This server does not host this topic-partition.",
);

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_topic() {
    let cluster = Cluster::start().await;
    let body = r#"{"topic_name":"t","partitions_count":2,"replication_factor":1,"configs":[{"name":"cleanup.policy","value":"compact"}]}"#;
    let made = cluster.send(Method::POST, "/topics", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        made.header("location"),
        Some(cluster.url("/topics/t").as_str())
    );
    let topic = cluster.get("/topics/t").await.json();
    assert_eq!(made.json(), topic);
    assert_eq!(
        (&topic["partitions_count"], &topic["replication_factor"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        topic["partitions"]["related"],
        cluster.url("/topics/t/partitions")
    );
    assert_eq!(cluster.get("/topics").await.json()["data"], json!([topic]));

    let again = refusal(&cluster.send(Method::POST, "/topics", body).await);
    assert_eq!(again, (400, 40002, "Topic 't' already exists.".to_owned()));
    let grown = cluster
        .send(Method::PATCH, "/topics/t", r#"{"partitions_count":4}"#)
        .await;
    assert_eq!(
        (grown.status, &grown.json()["partitions_count"]),
        (200, &json!(4))
    );
    let shrunk = cluster
        .send(Method::PATCH, "/topics/t", r#"{"partitions_count":1}"#)
        .await;
    assert_eq!(refusal(&shrunk).1, 40002);

    assert_eq!(
        cluster.send(Method::DELETE, "/topics/t", "").await.status,
        204
    );
    for (method, body) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::PATCH, r#"{"partitions_count":4}"#),
    ] {
        let (status, code, text) = refusal(&cluster.send(method, "/topics/t", body).await);
        assert_eq!((status, code, text.as_str()), NO_TOPIC);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_refused() {
    let cluster = Cluster::start().await;
    for (body, status, code) in [
        ("{", 400, 400),
        ("{}", 400, 400),
        ("null", 422, 42206),
        (r#"{"topic_name":"bad name"}"#, 422, 42206),
        (r#"{"topic_name":"t","zz":1}"#, 422, 422),
        (r#"{"topic_name":"t","partitions_count":0}"#, 400, 40002),
        (r#"{"topic_name":"t","replication_factor":5}"#, 400, 40002),
        (r#"{"topic_name":"t","replicas_assignments":[]}"#, 400, 400),
    ] {
        let (found, number, text) = refusal(&cluster.send(Method::POST, "/topics", body).await);
        assert_eq!((found, number), (status, code), "{body}: {text}");
    }
    let checked = r#"{"topic_name":"t","partitions_count":1,"validate_only":true}"#;
    let checked = cluster.send(Method::POST, "/topics", checked).await;
    assert_eq!(checked.status, 200, "{checked:?}");
    assert_eq!(cluster.get("/topics").await.json()["data"], json!([]));
    let path = format!("{}/topics", cluster.path);
    for media in ["application/vnd.kafka.v2+json", "text/plain"] {
        let answer = cluster
            .proxy
            .call(Method::POST, &path, Some(media), b"{}")
            .await;
        assert_eq!(answer.status, 415);
    }
    let whole = r#"{"topic_name":"t","partitions_count":1}"#;
    assert_eq!(
        cluster.send(Method::POST, "/topics", whole).await.status,
        201
    );
    let (elsewhere, more) = ("/v3/clusters/bogus/topics/t", br#"{"partitions_count":3}"#);
    let answer = cluster
        .proxy
        .call(Method::PATCH, elsewhere, JSON, more)
        .await;
    assert_eq!(refusal(&answer).2, "Cluster bogus cannot be found.");
    let topic = cluster.get("/topics/t").await.json();
    assert_eq!(topic["partitions_count"], 1);
    let elsewhere = "/v3/clusters/bogus/topics";
    let body = br#"{"topic_name":"t"}"#;
    let answer = cluster
        .proxy
        .call(Method::POST, elsewhere, JSON, body)
        .await;
    assert_eq!(refusal(&answer).2, "Cluster bogus cannot be found.");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_topics() {
    let cluster = Cluster::start().await;
    for name in ["a", "b"] {
        let body = format!(r#"{{"topic_name":"{name}"}}"#);
        assert_eq!(
            cluster.send(Method::POST, "/topics", &body).await.status,
            201
        );
    }
    let path = "/topics/a/configs/retention.ms";
    assert_eq!(
        cluster
            .send(Method::PUT, path, r#"{"value":5000}"#)
            .await
            .status,
        204
    );
    let config = cluster.get(path).await.json();
    assert_eq!(
        (&config["value"], &config["is_default"]),
        (&json!("5000"), &json!(false))
    );
    assert_eq!(config["topic_name"], "a");
    assert_eq!(config["metadata"]["self"], cluster.url(path));
    assert_eq!(
        refusal(&cluster.send(Method::PUT, path, r#"{"value":"abc"}"#).await).1,
        40002
    );
    assert_eq!(
        refusal(
            &cluster
                .send(Method::PUT, "/topics/a/configs/zz", r#"{"value":"1"}"#)
                .await
        )
        .1,
        404
    );
    assert_eq!(cluster.send(Method::DELETE, path, "").await.status, 204);
    assert_eq!(cluster.get(path).await.json()["is_default"], true);

    let batch = r#"{"data":[{"name":"retention.ms","value":"7000"},{"name":"cleanup.policy","operation":"DELETE"}]}"#;
    assert_eq!(
        cluster
            .send(Method::POST, "/topics/a/configs:alter", batch)
            .await
            .status,
        204
    );
    assert_eq!(cluster.get(path).await.json()["value"], "7000");
    let dry = r#"{"data":[{"name":"retention.ms","value":"9"}],"validate_only":true}"#;
    assert_eq!(
        cluster
            .send(Method::POST, "/topics/a/configs:alter", dry)
            .await
            .status,
        204
    );
    assert_eq!(cluster.get(path).await.json()["value"], "7000");

    let many = r#"{"data":[{"topic_name":"a","configs":[{"name":"retention.ms","value":"8000"}]},{"topic_name":"none","configs":[]}]}"#;
    let partly = cluster
        .send(Method::POST, "/topics/-/configs:alter", many)
        .await;
    assert_eq!(partly.status, 207, "{partly:?}");
    let failure = json!([{"topic_name": "none", "error_code": 40403, "message": NO_TOPIC.2}]);
    assert_eq!(partly.json()["failures"], failure);
    assert_eq!(cluster.get(path).await.json()["value"], "8000");
    let unknown = r#"{"data":[{"topic_name":"a","configs":[{"name":"zz","value":"1"}]}]}"#;
    let refused = cluster
        .send(Method::POST, "/topics/-/configs:alter", unknown)
        .await;
    assert_eq!(refused.status, 404);

    let all = cluster.get("/topics/-/configs").await.json();
    let (a, b) = (
        cluster.get("/topics/a/configs").await,
        cluster.get("/topics/b/configs").await,
    );
    let (a, b) = (a.json(), b.json());
    let both = [
        a["data"].as_array().unwrap().clone(),
        b["data"].as_array().unwrap().clone(),
    ];
    assert_eq!(all["data"], Value::Array(both.concat()));
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_and_replicas() {
    let cluster = Cluster::start().await;
    let body = r#"{"topic_name":"t","partitions_count":2}"#;
    assert_eq!(
        cluster.send(Method::POST, "/topics", body).await.status,
        201
    );
    let tail = "/topics/t/partitions";
    let list = cluster.get(tail).await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    let one = cluster.get("/topics/t/partitions/1").await.json();
    assert_eq!(list["data"][1], one);
    assert_eq!(
        one["leader"]["related"],
        cluster.url("/topics/t/partitions/1/replicas/1")
    );
    let replica = cluster
        .get("/topics/t/partitions/1/replicas/1")
        .await
        .json();
    assert_eq!(
        (&replica["is_leader"], &replica["is_in_sync"]),
        (&json!(true), &json!(true))
    );
    let replicas = cluster.get("/topics/t/partitions/1/replicas").await.json();
    assert_eq!(replicas["data"], json!([replica]));
    let held = cluster.get("/brokers/1/partition-replicas").await.json();
    assert!(held["data"].as_array().unwrap().contains(&replica));

    let records = r#"{"records":[{"value":1,"partition":1},{"value":2,"partition":1}]}"#;
    cluster.proxy.produce("/topics/t", records).await;
    let offsets = cluster.get("/topics/t/partitions/1/offset").await.json();
    assert_eq!(
        (&offsets["earliest_offset"], &offsets["latest_offset"]),
        (&json!(0), &json!(2))
    );
    let refused = cluster
        .get("/topics/t/partitions/1/offset?offset_type=zz")
        .await;
    assert_eq!(refusal(&refused).0, 400);
    assert_eq!(
        refusal(&cluster.get("/topics/t/partitions/9/offset").await).1,
        40402
    );

    for missing in ["9", "x", "0/replicas/9", "0/reassignment"] {
        let answer = cluster.get(&format!("{tail}/{missing}")).await;
        assert_eq!(refusal(&answer).1, 404, "{missing}");
    }
    assert_eq!(
        refusal(&cluster.get("/topics/none/partitions").await).1,
        40403
    );
    for topic in ["-", "t"] {
        let moving = cluster
            .get(&format!("/topics/{topic}/partitions/-/reassignment"))
            .await
            .json();
        assert_eq!(moving["data"], json!([]));
        let own = cluster.url(&format!("/topics/{topic}/partitions/-/reassignments"));
        assert_eq!(moving["metadata"]["self"], own);
    }
}
