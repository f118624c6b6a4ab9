//! The console of a proxy that has users: it lets in whom the API lets in, and shows them what the API does.

use http::Request;
use serde_json::json;

use crate::callers::{RULES, basic, users};
use crate::support::{Answer, Running, kafka, start};

/// A request to the admin listener, by somebody or by nobody.
async fn admin(proxy: &Running, path: &str, credentials: Option<&(&str, String)>) -> Answer {
    let address = proxy.proxy.admin_addresses()[0];
    let mut request = Request::builder().uri(format!("http://{address}{path}"));
    if let Some((name, value)) = credentials {
        request = request.header(*name, value);
    }
    proxy.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_lets_in_whom_the_api_lets_in() {
    let folder = tempfile::tempdir().unwrap();
    let kafka = kafka(false).await;
    for topic in ["orders.eu", "secret"] {
        kafka.create(topic, 1).await;
    }
    let settings = users(folder.path()) + RULES;
    let proxy = start(&kafka.bootstrap(), &settings).await;
    let alice = basic("alice", "s3cret-alice");
    let wrong = basic("alice", "wrong");
    for path in ["/console", "/console/info", "/console/api/proxy/topics"] {
        for refused in [None, Some(&wrong)] {
            let answer = admin(&proxy, path, refused).await;
            assert_eq!(answer.status, 401, "{path}");
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, Some("Basic realm=\"KafkaRest\""), "{path}");
        }
        let answer = admin(&proxy, path, Some(&alice)).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    // No rights of its own: the list is what she may see, and what she may not read is refused.
    let topics = admin(&proxy, "/console/api/proxy/topics", Some(&alice)).await;
    assert_eq!(topics.json(), json!(["orders.eu"]));
    let secret = admin(&proxy, "/console/api/proxy/topics/secret", Some(&alice)).await;
    assert_eq!(secret.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_is_switched_off_is_not_there() {
    let proxy = start("127.0.0.1:1", "sluiceway.console.enable=false\n").await;
    for path in ["/console", "/console/live", "/console/api/proxy/topics"] {
        assert_eq!(admin(&proxy, path, None).await.status, 404, "{path}");
    }
    assert_eq!(admin(&proxy, "/livez", None).await.status, 200);
}
