//! Stages, the admin listener, and what is told at start.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use crate::callers::{RECORD, basic, get, users};
use crate::support::{self, Answer, Running, V2, eventually, kafka, start};

#[tokio::test(flavor = "multi_thread")]
async fn stages_are_part_of_links_only() {
    let kafka = kafka(false).await;
    kafka.create("t", 1).await;
    let proxy = start(&kafka.bootstrap(), "sluiceway.stages=test,prod\n").await;
    assert_eq!(proxy.post("/test/topics/t", RECORD).await.status, 200);
    assert_eq!(proxy.post("/topics/t", RECORD).await.status, 200);
    assert_eq!(proxy.get("/prod/topics").await.json(), json!(["t"]));
    assert_eq!(proxy.get("/other/topics").await.status, 404);
    for stage in ["", "/test"] {
        let clusters = proxy.get(&format!("{stage}/v3/clusters")).await.json();
        let link = clusters["data"][0]["metadata"]["self"]
            .as_str()
            .unwrap()
            .to_owned();
        let start = proxy.url(&format!("{stage}/v3/clusters/"));
        assert!(link.starts_with(&start), "{link}");
        let path = link.strip_prefix(&proxy.url("")).unwrap();
        assert_eq!(proxy.get(path).await.status, 200);
    }
    let made = proxy
        .call(
            Method::POST,
            "/prod/consumers/g",
            Some(V2),
            b"{\"name\":\"i\"}",
        )
        .await;
    let base = made.json()["base_uri"].as_str().unwrap().to_owned();
    assert_eq!(base, proxy.url("/prod/consumers/g/instances/i"));
}

/// Asks the admin listener; a PUT has a directive that is none, so that no test changes the log.
async fn admin(
    proxy: &Running,
    method: &Method,
    path: &str,
    authorization: Option<String>,
) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let address = proxy.proxy.admin_addresses()[0];
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"));
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let request = request.body(Full::from("loud")).unwrap();
    support::read(client.request(request).await.unwrap()).await
}

/// Once the API asks for credentials, nobody unknown changes anything; what only looks stays open for Prometheus and probes.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_unknown_changes_log_levels() {
    let folder = tempfile::tempdir().unwrap();
    let alice = Some(basic("alice", "s3cret-alice").1);
    let with_users = users(folder.path());
    let asking = format!("{with_users}sluiceway.admin.authentication.enable=true\n");
    // Levels cannot be changed in this process (its log is not started): 400 is past the gate.
    for (settings, changing, known) in [
        ("", 400, 400),
        (with_users.as_str(), 403, 403),
        (asking.as_str(), 401, 400),
    ] {
        let proxy = start("127.0.0.1:1", settings).await;
        for method in [Method::PUT, Method::DELETE] {
            let refused = admin(&proxy, &method, "/log-levels", None).await;
            assert_eq!(refused.status, changing, "{method}: {settings}");
            let told = String::from_utf8_lossy(&refused.body).into_owned();
            let names = told.contains("sluiceway.admin.authentication.enable=true");
            assert_eq!(names, changing == 403, "{told}");
            let answer = admin(&proxy, &method, "/log-levels", alice.clone()).await;
            assert_eq!(answer.status, known, "{method}: {settings}");
        }
        let open = changing != 401;
        let metrics = admin(&proxy, &Method::GET, "/metrics", None).await.status;
        assert_eq!(metrics == 200, open, "{settings}");
        for probe in ["/livez", "/readyz"] {
            let status = admin(&proxy, &Method::GET, probe, None).await.status;
            assert!([200, 503].contains(&status), "{probe}: {settings}");
        }
        drop(proxy);
    }
}

/// What an admin listener has, and ways to write it differently: all of it is for users, but for probes.
#[tokio::test(flavor = "multi_thread")]
async fn the_admin_listener_can_be_closed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = users(folder.path())
        + "sluiceway.admin.authentication.enable=true\nsluiceway.authentication.failures.per.minute=0\n";
    let proxy = start("127.0.0.1:1", &settings).await;
    let wrong = Some(basic("alice", "no").1);
    for path in [
        "/metrics",
        "/metrics/",
        "//metrics",
        "/%6detrics",
        "/log-levels",
        "/log-levels/",
        "/console",
        "/console/",
        "/console/info",
        "/console/live",
        "/console/console.js",
        "/console/api/proxy/topics",
        "/nowhere",
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            for credentials in [None, Some("Bearer x".to_owned()), wrong.clone()] {
                let status = admin(&proxy, &method, path, credentials).await.status;
                assert!((400..500).contains(&status), "{method} {path}: {status}");
            }
        }
    }
}

/// As at the API: an address that guesses waits, and probes do not.
#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_the_admin_listener_is_slowed_down() {
    let folder = tempfile::tempdir().unwrap();
    let settings = users(folder.path())
        + "sluiceway.admin.authentication.enable=true\nsluiceway.authentication.failures.per.minute=5\n";
    let proxy = start("127.0.0.1:1", &settings).await;
    let right = Some(basic("alice", "s3cret-alice").1);
    let call = async |path: &str, authorization: Option<String>| {
        admin(&proxy, &Method::GET, path, authorization).await
    };
    let guesses = async || {
        for guess in 0..10 {
            let wrong = basic("alice", &format!("guess{guess}")).1;
            if call("/metrics", Some(wrong)).await.status == 429 {
                return true;
            }
        }
        false
    };
    // Some time passes between two requests, and gives back a failure in twelve seconds.
    eventually("guessing is refused", guesses).await;
    eventually("right credentials wait as well", async || {
        guesses().await;
        let waiting = call("/metrics", right.clone()).await;
        waiting.status == 429 && waiting.header("retry-after").is_some()
    })
    .await;
    assert_eq!(call("/livez", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_may_ask_for_a_user() {
    let folder = tempfile::tempdir().unwrap();
    let settings = users(folder.path()) + "sluiceway.admin.authentication.enable=true\n";
    let proxy = start("127.0.0.1:1", &settings).await;
    let call = async |path: &str, authorization: Option<String>| {
        let answer = admin(&proxy, &Method::GET, path, authorization).await;
        answer.status
    };
    assert_eq!(call("/metrics", None).await, 401);
    assert_eq!(call("/metrics", Some(basic("alice", "no").1)).await, 401);
    assert_eq!(
        call("/metrics", Some(basic("alice", "s3cret-alice").1)).await,
        200
    );
    assert_eq!(call("/livez", None).await, 200);
}

/// Also of answers that are refusals.
#[tokio::test(flavor = "multi_thread")]
async fn headers_for_browsers_are_on_every_answer() {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        users(folder.path()) + "nosniff.prevention.enable=true\nhsts.header.enable=true\n";
    let proxy = start("127.0.0.1:1", &settings).await;
    let alice = basic("alice", "s3cret-alice");
    for (answer, status) in [
        (proxy.get("/nowhere").await, 401),
        (get(&proxy, "/nowhere", &alice).await, 404),
        (get(&proxy, "/", &alice).await, 200),
    ] {
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let strict = answer.header("strict-transport-security");
        assert!(strict.is_some_and(|value| value.starts_with("max-age=31536000")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_at_start() {
    for (settings, told) in [
        (
            "authentication.method=BASIC",
            "sluiceway.authentication.password.file",
        ),
        (
            "authentication.method=API_KEY\nsluiceway.api.keys.file=/x",
            "sluiceway.authorization.rules is empty",
        ),
        (
            "authentication.method=API_KEY\nsluiceway.authorization.rules=*: produce=*",
            "sluiceway.api.keys.file is not set",
        ),
        (
            "authentication.method=BEARER\nsluiceway.authorization.rules=*: produce=*",
            "oauthbearer.jwks.endpoint.url is not set",
        ),
        (
            "sluiceway.authorization.rules=a: produce=x",
            "needs authentication.method",
        ),
        ("authentication.method=BASIC,KERBEROS", "KERBEROS"),
        ("sluiceway.jwt.algorithms=HS256", "HS256"),
        ("sluiceway.stages=topics", "sluiceway.stages"),
        (
            "dos.filter.enabled=true\ndos.filter.ip.whitelist=here",
            "dos.filter.ip.whitelist",
        ),
        (
            "rate.limit.enable=true\nrate.limit.costs=x",
            "rate.limit.costs",
        ),
    ] {
        let text = format!("bootstrap.servers=a:1\n{settings}\n");
        let properties = sluiceway_common::props::parse(&text).unwrap();
        let error = sluiceway_proxy::Config::parse(&properties).unwrap_err();
        assert!(error.to_string().contains(told), "{settings}: {error}");
    }
}
