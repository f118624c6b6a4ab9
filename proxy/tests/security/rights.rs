//! Users, roles, and rights by topic.

use http::Method;
use serde_json::json;

use crate::callers::{RECORD, RULES, basic, get, post, send, users};
use crate::support::{Answer, JSON, Running, V2, eventually, kafka, start};

#[tokio::test(flavor = "multi_thread")]
async fn users_roles_and_rights() {
    let folder = tempfile::tempdir().unwrap();
    let kafka = kafka(false).await;
    for topic in ["orders.eu", "orders.us", "secret"] {
        kafka.create(topic, 1).await;
    }
    let settings = users(folder.path()) + RULES + "consumer.session.timeout.ms=6000\n";
    let proxy = start(&kafka.bootstrap(), &settings).await;
    let (alice, bob) = (basic("alice", "s3cret-alice"), basic("bob", "secret"));
    let carol = basic("carol", "secret");

    let nobody = proxy.get("/topics").await;
    assert_eq!(nobody.status, 401);
    assert_eq!(
        nobody.header("www-authenticate"),
        Some("Basic realm=\"KafkaRest\"")
    );
    assert_eq!(
        nobody.json(),
        json!({"error_code": 401, "message": "Unauthorized"})
    );
    for wrong in [
        basic("alice", "wrong"),
        basic("mallory", "s3cret-alice"),
        basic("alice", ""),
        ("authorization", "Bearer x".to_owned()),
        ("authorization", "Basic %%%".to_owned()),
    ] {
        assert_eq!(get(&proxy, "/topics", &wrong).await.status, 401);
    }
    // Lists show what may be seen.
    let topics = |answer: Answer| answer.json();
    assert_eq!(
        topics(get(&proxy, "/topics", &alice).await),
        json!(["orders.eu", "orders.us"])
    );
    assert_eq!(
        topics(get(&proxy, "/topics", &bob).await),
        json!(["orders.eu"])
    );
    let dave = basic("dave", "s3cret-dave");
    assert_eq!(topics(get(&proxy, "/topics", &dave).await), json!([]));

    assert_eq!(
        post(&proxy, "/topics/orders.eu", &alice, RECORD)
            .await
            .status,
        200
    );
    for (who, topic) in [
        (&alice, "secret"),
        (&bob, "orders.eu"),
        (&dave, "orders.eu"),
    ] {
        let refused = post(&proxy, &format!("/topics/{topic}"), who, RECORD).await;
        assert_eq!(refused.status, 403);
        assert_eq!(refused.json()["error_code"], 40301);
    }
    assert_eq!(get(&proxy, "/topics/secret", &alice).await.status, 403);
    assert_eq!(get(&proxy, "/topics/orders.us", &alice).await.status, 200);
    // What stands in bodies is checked, too.
    let cluster = get(&proxy, "/v3/clusters", &carol).await.json();
    let cluster = cluster["data"][0]["cluster_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let v3 = |who: &(&'static str, String), name: &str| {
        let headers = [
            (who.0, who.1.clone()),
            ("content-type", "application/json".to_owned()),
        ];
        let (path, body) = (
            format!("/v3/clusters/{cluster}/topics"),
            format!(r#"{{"topic_name":"{name}"}}"#),
        );
        let proxy = &proxy;
        async move {
            send(proxy, Method::POST, &path, &headers, &body)
                .await
                .status
        }
    };
    assert_eq!(v3(&alice, "orders.new").await, 403);
    assert_eq!(v3(&carol, "orders.new").await, 201);
    consumers_belong_to_whoever_made_them(&proxy, &alice, &bob, &carol).await;
}

async fn consumers_belong_to_whoever_made_them(
    proxy: &Running,
    alice: &(&'static str, String),
    bob: &(&'static str, String),
    carol: &(&'static str, String),
) {
    let body = r#"{"name":"i","format":"json","auto.offset.reset":"earliest"}"#;
    let call = async |who: &(&'static str, String), path: &str, body: &str| {
        let headers = [(who.0, who.1.clone()), ("content-type", V2.to_owned())];
        send(proxy, Method::POST, path, &headers, body).await.status
    };
    assert_eq!(call(alice, "/consumers/g", body).await, 403);
    assert_eq!(call(bob, "/consumers/g", body).await, 200);
    let base = "/consumers/g/instances/i";
    let subscription = format!("{base}/subscription");
    for topics in [
        r#"{"topics":["orders.us"]}"#,
        r#"{"topic_pattern":"orders.*"}"#,
    ] {
        assert_eq!(call(bob, &subscription, topics).await, 403);
    }
    let assigned = r#"{"partitions":[{"topic":"secret","partition":0}]}"#;
    assert_eq!(
        call(bob, &format!("{base}/assignments"), assigned).await,
        403
    );
    let committed = r#"{"offsets":[{"topic":"secret","partition":0,"offset":1}]}"#;
    assert_eq!(call(bob, &format!("{base}/offsets"), committed).await, 403);
    assert_eq!(
        call(bob, &subscription, r#"{"topics":["orders.eu"]}"#).await,
        204
    );
    // Not even an administrator sees it.
    assert_eq!(
        call(carol, &subscription, r#"{"topics":["orders.eu"]}"#).await,
        404
    );
    let headers = [(bob.0, bob.1.clone()), ("accept", JSON.to_owned())];
    let path = format!("{base}/records?timeout=5000");
    eventually("bob reads what alice wrote", async || {
        let answer = send(proxy, Method::GET, &path, &headers, "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json().as_array().unwrap().len() == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_decide_without_rules() {
    let folder = tempfile::tempdir().unwrap();
    let settings = users(folder.path());
    for (roles, alice, dave) in [("*", 404, 403), ("**", 404, 404), ("admins", 403, 403)] {
        let proxy = start(
            "127.0.0.1:1",
            &format!("{settings}authentication.roles={roles}\n"),
        )
        .await;
        for (name, password, expected) in [
            ("alice", "s3cret-alice", alice),
            ("dave", "s3cret-dave", dave),
        ] {
            let answer = get(&proxy, "/nowhere", &basic(name, password)).await;
            assert_eq!(answer.status, expected, "{name} with {roles}");
        }
        drop(proxy);
    }
}
