//! Who may do what, through the whole stack: users, keys, tokens, rights, limits, and ways round them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/provider.rs"]
mod provider;
mod support;

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use provider::Provider;
use serde_json::{Value, json};
use sluiceway_proxy::router::Router;
use support::{Answer, JSON, Running, V2, eventually, kafka, start};

const USERS: &str = "alice: s3cret-alice,writers\nbob: MD5:5ebe2294ecd0e0f08eab7690d2a6ee69,readers\n\
                     carol: CRYPT:abNANd1rDfiNc,admins\ndave: s3cret-dave\n";
const RULES: &str = "sluiceway.authorization.rules=role/writers: produce=orders.* ; role/readers: consume=orders.eu ; \
                     role/admins: admin=* produce=* consume=*\n";

fn users(folder: &Path) -> String {
    let file = folder.join("password.properties");
    std::fs::write(&file, USERS).unwrap();
    let login = folder.join("jaas.conf");
    let text = format!(
        "KafkaRest {{ org.eclipse.jetty.jaas.spi.PropertyFileLoginModule required file=\"{}\"; }};",
        file.display()
    );
    std::fs::write(&login, text).unwrap();
    format!(
        "authentication.method=BASIC\nauthentication.realm=KafkaRest\njava.security.auth.login.config={}\n",
        login.display()
    )
}

fn basic(name: &str, password: &str) -> (&'static str, String) {
    let text = STANDARD.encode(format!("{name}:{password}"));
    ("authorization", format!("Basic {text}"))
}

/// A request with further headers.
async fn send(
    proxy: &Running,
    method: Method,
    path: &str,
    headers: &[(&str, String)],
    body: &str,
) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::builder().method(method).uri(proxy.url(path));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    support::read(client.request(request.body(body).unwrap()).await.unwrap()).await
}

async fn get(proxy: &Running, path: &str, credentials: &(&str, String)) -> Answer {
    let headers = [(credentials.0, credentials.1.clone())];
    send(proxy, Method::GET, path, &headers, "").await
}

async fn post(proxy: &Running, path: &str, credentials: &(&str, String), body: &str) -> Answer {
    let headers = [
        (credentials.0, credentials.1.clone()),
        ("content-type", JSON.to_owned()),
    ];
    send(proxy, Method::POST, path, &headers, body).await
}

const RECORD: &str = r#"{"records":[{"value":1}]}"#;

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

/// Every row of the router's table, and every way to write its path differently.
#[tokio::test(flavor = "multi_thread")]
async fn no_route_is_open_to_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("{}{RULES}sluiceway.stages=test\n", users(folder.path()));
    let settings = settings + "sluiceway.authentication.failures.per.minute=0\n";
    let proxy = start("127.0.0.1:1", &settings).await;
    let defaults = sluiceway_common::props::parse("bootstrap.servers=a:1").unwrap();
    let defaults = sluiceway_proxy::Config::parse(&defaults).unwrap();
    let router = Router::new(&defaults.endpoints, defaults.http.media).unwrap();
    assert!(router.routes().len() > 60, "{}", router.routes().len());
    let dave = basic("dave", "s3cret-dave");
    let (mut tried, mut open) = (0, Vec::new());
    for route in router.routes() {
        let path: String = route
            .template
            .split('/')
            .map(|part| {
                if part.starts_with('{') {
                    part.replace(['{', '}'], "")
                } else {
                    part.to_owned()
                }
            })
            .collect::<Vec<_>>()
            .join("/");
        let ways = [
            path.clone(),
            format!("{path}/"),
            format!("/test{path}"),
            format!("/{path}"),
            path.to_uppercase(),
            format!("{path}."),
            format!("{path}%2f"),
            format!("/./{}", path.trim_start_matches('/')),
            format!("/x/%2e%2e{path}"),
            format!("{path};a=b"),
            format!("{path}?a=b"),
            path.replacen("/topics", "/%74opics", 1),
        ];
        for way in ways {
            let answer = send(&proxy, route.method.clone(), &way, &[], "").await;
            tried += 1;
            if answer.status != 401 {
                open.push(format!("{} {way}: {}", route.method, answer.status));
            }
        }
        // Known, but without any right: nothing but lists of what may be seen, which are empty, and how to ask.
        let mine = [(dave.0, dave.1.clone())];
        let status = send(&proxy, route.method.clone(), &path, &mine, "")
            .await
            .status;
        let listed = ["/", "/brokers", "/topics", "/v3/clusters"].contains(&route.template)
            || ["/openapi.json", "/docs"].contains(&route.template)
            || route.template.starts_with("/v3/clusters/{cluster}/brokers")
            || ["/v3/clusters/{cluster}", "/v3/clusters/{cluster}/topics"]
                .contains(&route.template);
        if status != 403 && !listed {
            open.push(format!("{} {path} of dave: {status}", route.method));
        }
    }
    assert!(open.is_empty(), "open: {open:#?}");
    assert!(tried > 700, "{tried}");
    for method in [
        Method::OPTIONS,
        Method::HEAD,
        Method::TRACE,
        Method::CONNECT,
    ] {
        if method != Method::CONNECT {
            let answer = send(&proxy, method, "/topics", &[], "").await;
            assert_eq!(answer.status, 401);
        }
    }
}

/// Two servers that see different requests in the same bytes let one hide in the other.
#[tokio::test(flavor = "multi_thread")]
async fn smuggled_requests_do_not_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = start("127.0.0.1:1", &users(folder.path())).await;
    let (_, alice) = basic("alice", "s3cret-alice");
    let hidden = "GET /topics HTTP/1.1\r\nHost: x\r\n\r\n";
    for headers in [
        format!("Content-Length: 4\r\nTransfer-Encoding: chunked\r\nAuthorization: {alice}"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: 4\r\nAuthorization: {alice}"),
        format!(
            "Transfer-Encoding: identity, chunked\r\nContent-Length: 4\r\nAuthorization: {alice}"
        ),
        format!("Transfer-Encoding: xchunked\r\nAuthorization: {alice}"),
        format!("Content-Length: 5\r\nContent-Length: 6\r\nAuthorization: {alice}"),
        format!("Content-Length : 5\r\nAuthorization: {alice}"),
        format!("Content-Length: +5\r\nAuthorization: {alice}"),
        format!("X: y\r\n Content-Length: 5\r\nAuthorization: {alice}"),
        format!("Authorization: {alice}\r\nAuthorization: Basic eDp5\r\nContent-Length: 0"),
    ] {
        let text =
            format!("POST /nowhere HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n0\r\n\r\n{hidden}");
        let answer = proxy.raw(text.as_bytes()).await;
        // The hidden request has no credentials: were it let through with those of the first, it would not be a 401.
        let answers: Vec<&str> = answer
            .lines()
            .filter_map(|line| line.strip_prefix("HTTP/1.1 "))
            .collect();
        let refused = |status: &&str| {
            status.starts_with("400") || status.starts_with("401") || status.starts_with("404")
        };
        assert!(
            !answers.is_empty() && answers.iter().all(refused),
            "{headers}: {answers:?}"
        );
        if let [_, second, ..] = answers[..] {
            assert!(
                second.starts_with("401") || second.starts_with("400"),
                "{headers}: {answers:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down() {
    let folder = tempfile::tempdir().unwrap();
    let settings = users(folder.path()) + "sluiceway.authentication.failures.per.minute=5\n";
    let proxy = start("127.0.0.1:1", &settings).await;
    let mut statuses = Vec::new();
    for guess in 0..8 {
        let answer = get(&proxy, "/topics", &basic("alice", &format!("guess{guess}"))).await;
        statuses.push(answer.status);
    }
    assert_eq!(statuses[..5], [401; 5]);
    assert_eq!(statuses[6..], [429; 2]);
    // Right ones wait as well: otherwise their answer would tell that they are.
    let right = get(&proxy, "/nowhere", &basic("alice", "s3cret-alice")).await;
    assert_eq!(right.status, 429);
    assert!(right.header("retry-after").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_and_usage_plans_answer_as_api_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.properties");
    std::fs::write(
        &file,
        "plan.slow.rate=0.001\nplan.slow.burst=3\nplan.small.quota=2\n\
         key.course.value=planted-key-of-the-course\nkey.course.plan=slow\n\
         key.small.value=planted-key-that-is-small\nkey.small.plan=small\n",
    )
    .unwrap();
    let settings = format!(
        "authentication.method=API_KEY\nsluiceway.api.keys.file={}\n\
         sluiceway.authorization.rules=*: produce=*\n",
        file.display()
    );
    let proxy = start("127.0.0.1:1", &settings).await;
    let call = async |key: &str| {
        let headers = [("x-api-key", key.to_owned())];
        send(&proxy, Method::GET, "/nowhere", &headers, "").await
    };
    let refusal = |answer: &Answer, status: u16, message: &str, kind: &str| {
        assert_eq!(answer.status, status);
        assert_eq!(answer.json(), json!({ "message": message }));
        assert_eq!(answer.header("x-amzn-errortype"), Some(kind));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    };
    refusal(
        &proxy.get("/topics").await,
        403,
        "Forbidden",
        "ForbiddenException",
    );
    refusal(
        &call("unknown").await,
        403,
        "Forbidden",
        "ForbiddenException",
    );
    for _ in 0..3 {
        assert_eq!(call("planted-key-of-the-course").await.status, 404);
    }
    let throttled = call("planted-key-of-the-course").await;
    refusal(
        &throttled,
        429,
        "Too Many Requests",
        "TooManyRequestsException",
    );
    for _ in 0..2 {
        assert_eq!(call("planted-key-that-is-small").await.status, 404);
    }
    let exceeded = call("planted-key-that-is-small").await;
    refusal(&exceeded, 429, "Limit Exceeded", "LimitExceededException");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_an_identity_provider() {
    let provider = Provider::start("one").await;
    let settings = format!(
        "authentication.method=BEARER\noauthbearer.jwks.endpoint.url={}\n\
         oauthbearer.expected.issuer=https://issuer.example\noauthbearer.expected.audience=rest\n\
         sluiceway.authorization.rules=role/writers: produce=*\n\
         sluiceway.authentication.failures.per.minute=0\n",
        provider.url()
    );
    let proxy = start("127.0.0.1:1", &settings).await;
    let status = async |token: &str| {
        let bearer = ("authorization", format!("Bearer {token}"));
        get(&proxy, "/nowhere", &bearer).await.status
    };
    let unknown = proxy.get("/topics").await;
    assert_eq!(
        (unknown.status, unknown.header("www-authenticate")),
        (401, Some("Bearer"))
    );
    let first = provider.token(&Value::Null);
    assert_eq!(status(&first).await, 404);
    for change in [
        json!({"aud": "else"}),
        json!({"iss": "https://evil.example"}),
        json!({"exp": 1}),
        json!({"nbf": 99_999_999_999_i64}),
    ] {
        assert_eq!(status(&provider.token(&change)).await, 401, "{change}");
    }
    assert_eq!(status("nonsense").await, 401);
    assert_eq!(status(&provider.unsigned()).await, 401);
    let other = provider.token(&json!({"groups": ["readers"]}));
    let bearer = ("authorization", format!("Bearer {other}"));
    assert_eq!(get(&proxy, "/topics/x", &bearer).await.status, 403);
    let fetched = provider.fetches();
    assert_eq!(fetched, 1, "keys are kept");
    // A key that nobody knows leads to one fetch in ten seconds, not to one a token.
    provider.rotate("two");
    for _ in 0..5 {
        status(&provider.token(&Value::Null)).await;
    }
    assert_eq!(provider.fetches(), fetched);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(
        status(&provider.token(&Value::Null)).await,
        404,
        "the new key"
    );
    assert_eq!(status(&first).await, 401, "the old key is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_limited() {
    let slow = "dos.filter.enabled=true\ndos.filter.delay.ms=-1\n\
                dos.filter.max.requests.per.connection.per.sec=3\ndos.filter.max.requests.per.sec=100\n";
    let permits =
        "rate.limit.enable=true\nrate.limit.permits.per.sec=4\nrate.limit.costs=api.v2.root.*=2\n";
    let address = "sluiceway.limit.address.requests.per.sec=1\nsluiceway.limit.burst.ms=2000\n";
    for (settings, path, passing) in [
        (slow, "/nowhere", 3),
        (permits, "/", 2),
        (address, "/nowhere", 2),
    ] {
        let proxy = start("127.0.0.1:1", settings).await;
        let mut passed = 0;
        for _ in 0..passing + 3 {
            let answer = proxy.get(path).await;
            if answer.status == 429 {
                assert_eq!(answer.json()["error_code"], 429);
                assert!(answer.header("retry-after").is_some());
            } else {
                passed += 1;
            }
        }
        assert!(
            (passing..=passing + 1).contains(&passed),
            "{passed}: {settings}"
        );
        drop(proxy);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_bytes_are_limited_by_debt() {
    let kafka = kafka(false).await;
    kafka.create("t", 1).await;
    for limit in ["records", "bytes"] {
        let settings = format!("sluiceway.limit.global.{limit}.per.sec=10\n");
        let proxy = start(&kafka.bootstrap(), &settings).await;
        let records: Vec<Value> = (0..100).map(|n| json!({ "value": n })).collect();
        let body = json!({ "records": records }).to_string();
        // The first passes whole; its debt keeps the next out.
        assert_eq!(proxy.post("/topics/t", &body).await.status, 200);
        assert_eq!(proxy.post("/topics/t", RECORD).await.status, 429);
        drop(proxy);
    }
}

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

#[tokio::test(flavor = "multi_thread")]
async fn metrics_may_ask_for_a_user() {
    let folder = tempfile::tempdir().unwrap();
    let settings = users(folder.path()) + "sluiceway.admin.authentication.enable=true\n";
    let proxy = start("127.0.0.1:1", &settings).await;
    let admin = proxy.proxy.admin_addresses()[0];
    let call = async |path: &str, authorization: Option<String>| {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut request = Request::builder().uri(format!("http://{admin}{path}"));
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let request = request.body(Full::default()).unwrap();
        support::read(client.request(request).await.unwrap())
            .await
            .status
    };
    assert_eq!(call("/metrics", None).await, 401);
    assert_eq!(call("/metrics", Some(basic("alice", "no").1)).await, 401);
    assert_eq!(
        call("/metrics", Some(basic("alice", "s3cret-alice").1)).await,
        200
    );
    assert_eq!(call("/livez", None).await, 200);
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
