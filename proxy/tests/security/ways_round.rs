//! Ways round it: other routes and methods, smuggled requests, guessing.

use std::time::Duration;

use dev_services::raw_http;
use http::Method;
use sluiceway_proxy::router::Router;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::callers::{RULES, basic, get, send, users};
use crate::provider::Provider;
use crate::support::{kafka, read_raw, start};

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
        for way in &ways {
            let answer = send(&proxy, route.method.clone(), way, &[], "").await;
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
        let listed = [
            "/",
            "/brokers",
            "/topics",
            "/sluiceway/topics",
            "/v3/clusters",
        ]
        .contains(&route.template)
            || ["/openapi.json", "/docs"].contains(&route.template)
            || route.template.starts_with("/v3/clusters/{cluster}/brokers")
            || ["/v3/clusters/{cluster}", "/v3/clusters/{cluster}/topics"]
                .contains(&route.template);
        if status != 403 && !listed {
            open.push(format!("{} {path} of dave: {status}", route.method));
        }
        for way in ways.iter().filter(|_| !listed) {
            let status = send(&proxy, route.method.clone(), way, &mine, "")
                .await
                .status;
            if ![403, 404, 405].contains(&status) {
                open.push(format!("{} {way} of dave: {status}", route.method));
            }
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
    let kafka = kafka(false).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = users(folder.path())
        + "sluiceway.admin.authentication.enable=true\nsluiceway.authentication.failures.per.minute=0\n";
    let proxy = start(&kafka.bootstrap(), &settings).await;
    let (_, alice) = basic("alice", "s3cret-alice");
    let listeners = [
        (proxy.address(), "/topics"),
        (proxy.proxy.admin_addresses()[0], "/metrics"),
    ];
    for (address, path) in listeners {
        let arrived = raw_http::smuggle(address, path, &alice).await.unwrap();
        assert!(arrived.is_empty(), "{arrived:#?}");
    }
}

/// The admin listener's connections are few: none is anybody's for long.
#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_at_the_admin_listener() {
    let kafka = kafka(false).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let address = proxy.proxy.admin_addresses()[0];
    let body = "PUT /log-levels HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ninf";
    let mut held = Vec::new();
    for text in ["", "GET /livez HTTP/1.1\r\nHos", body].repeat(25) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        held.push(stream);
    }
    // As many as it serves at once are there before it.
    let mut probe = TcpStream::connect(address).await.unwrap();
    let request = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    probe.write_all(request).await.unwrap();
    let answer = read_raw(&mut probe, Duration::from_secs(60)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let long = format!(
        "GET /livez HTTP/1.1\r\nX: {}\r\n\r\n",
        "a".repeat(1_000_000)
    );
    let answer = raw_http::exchange(address, long.as_bytes()).await.unwrap();
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
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

/// Keys and tokens as well as passwords; some time passes between two guesses, and gives back one in twelve seconds.
#[tokio::test(flavor = "multi_thread")]
async fn keys_and_tokens_are_not_guessed_either() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.properties");
    std::fs::write(&keys, "key.course.value=planted-key-of-the-course\n").unwrap();
    let provider = Provider::start("one").await;
    let by_key = format!(
        "authentication.method=API_KEY\nsluiceway.api.keys.file={}\n",
        keys.display()
    );
    let by_token = format!(
        "authentication.method=BEARER\noauthbearer.jwks.endpoint.url={}\n\
         oauthbearer.expected.issuer=https://issuer.example\noauthbearer.expected.audience=rest\n",
        provider.url()
    );
    for (settings, header, wrong) in [(by_key, "x-api-key", 403), (by_token, "authorization", 401)]
    {
        let settings = format!(
            "{settings}sluiceway.authorization.rules=*: produce=*\n\
             sluiceway.authentication.failures.per.minute=5\n"
        );
        let proxy = start("127.0.0.1:1", &settings).await;
        let mut statuses = Vec::new();
        while statuses.last() != Some(&429) {
            assert!(statuses.len() < 20, "guessing goes on and on: {statuses:?}");
            let guess = (header, format!("Bearer guess-number-{}", statuses.len()));
            statuses.push(get(&proxy, "/topics", &guess).await.status);
        }
        statuses.pop();
        assert!(statuses.len() >= 5, "{statuses:?}");
        assert!(
            statuses.iter().all(|status| *status == wrong),
            "{statuses:?}"
        );
    }
}
