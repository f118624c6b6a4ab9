//! The REST API and the admin listener against callers that mean harm: requests hidden in others, headers without end, slow senders,
//! odd spellings of paths.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dev_services::raw_http;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{Stage, call, rest, send};

/// More connections than the admin listener serves at once.
const MANY: usize = 70;
/// A listener's patience with headers and bodies is ten seconds; a loaded machine adds some.
const CLOSED_WITHIN: Duration = Duration::from_secs(60);
const ALICE: &str = "Basic YWxpY2U6czNjcmV0";

/// What comes back for these bytes.
async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    raw_http::exchange(address, bytes).await.unwrap()
}

/// A worker with alice for a user, of the admin listener, too.
fn users(stage: &Stage) -> String {
    let file = stage.file("users", "alice: s3cret\n");
    format!(
        "rest.extension.classes=org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension\n\
         sluiceway.rest.authentication.password.file={}\nsluiceway.admin.authentication.enable=true\n\
         sluiceway.rest.authentication.failures.per.minute=0\n",
        file.display()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn smuggled_requests_do_not_arrive() {
    let stage = Stage::new().await;
    let worker = stage.worker_with(&users(&stage), Vec::new()).await;
    for (address, path) in [
        (rest(&worker), "/connectors"),
        (worker.admin_addresses()[0], "/metrics"),
    ] {
        let arrived = raw_http::smuggle(address, path, ALICE).await.unwrap();
        assert!(arrived.is_empty(), "{arrived:#?}");
        let honest = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {ALICE}\r\n\r\n");
        let answer = raw(address, honest.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_end() {
    let stage = Stage::new().await;
    let worker = stage.worker().await;
    for (address, path) in [
        (rest(&worker), "/connectors"),
        (worker.admin_addresses()[0], "/metrics"),
    ] {
        let request = |headers: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        let long = request(&format!("X-A: {}\r\n", "a".repeat(4_000_000)));
        let many = request(&"X-A: a\r\n".repeat(10_000));
        let path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(4_000_000));
        for (what, text) in [("long", long), ("many", many), ("a path", path)] {
            let answer = raw(address, text.as_bytes()).await;
            let refused = ["HTTP/1.1 431 ", "HTTP/1.1 414 ", "HTTP/1.1 400 "];
            // A connection that is closed while much is on its way may lose the answer.
            let fine = answer.is_empty() || refused.iter().any(|begin| answer.starts_with(begin));
            assert!(fine, "{what}: {}", answer.get(..200).unwrap_or(&answer));
        }
        let answer = raw(address, request("X-A: a\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    worker.stop().await;
}

/// Connections that send nothing, half a header, half a body: they are closed, and meanwhile others are answered.
#[tokio::test(flavor = "multi_thread")]
async fn slow_senders() {
    let stage = Stage::new().await;
    let worker = stage.worker().await;
    let (rest, admin) = (rest(&worker), worker.admin_addresses()[0]);
    let half = "PUT /log-levels HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ninf";
    let mut held = Vec::new();
    for number in 0..MANY {
        for (address, text) in [
            (rest, ["", "GET / HTTP/1.1\r\nHos"][number % 2]),
            (admin, ["", "GET /livez HTTP/1.1\r\nHos", half][number % 3]),
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            held.push(stream);
        }
    }
    let started = Instant::now();
    for (address, path) in [(rest, "/connectors"), (admin, "/livez")] {
        let text = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let answer = raw_http::read(&mut stream, CLOSED_WITHIN).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    }
    for mut stream in held {
        let left = CLOSED_WITHIN.saturating_sub(started.elapsed());
        let closing = async {
            let mut buffer = [0; 1024];
            while let Ok(1..) = stream.read(&mut buffer).await {}
        };
        let closed = tokio::time::timeout(left, closing).await;
        assert!(closed.is_ok(), "a slow sender is still there");
    }
    worker.stop().await;
}

/// `/admin/loggers` is elsewhere: no spelling finds it on the main listener, and none makes a connector of a path.
#[tokio::test(flavor = "multi_thread")]
async fn odd_spellings() {
    let stage = Stage::new().await;
    let elsewhere = "admin.listeners=http://127.0.0.1:0\n";
    let worker = stage.worker_with(elsewhere, Vec::new()).await;
    let at = rest(&worker);
    for path in [
        "/admin/loggers",
        "//admin/loggers",
        "/admin//loggers",
        "/admin/./loggers",
        "/x/../admin/loggers",
        "/x/%2e%2e/admin/loggers",
        "/connectors/../admin/loggers",
        "/admin/%6coggers",
        "/%61dmin/loggers",
        "/admin%2floggers",
        "/ADMIN/loggers",
        "/admin/loggers/",
        "/admin/loggers.",
        "/admin;x/loggers",
        "/admin/loggers;x=y",
        "/admin/loggers/root",
    ] {
        for method in ["GET", "PUT"] {
            let headers = [("content-type", "application/json")];
            let body = ["", r#"{"level":"DEBUG"}"#][usize::from(method == "PUT")];
            let status = send(at, method, path, &headers, body).await.status;
            assert!([404, 405].contains(&status), "{method} {path}: {status}");
        }
    }
    for name in [
        "%2e%2e",
        "a%2f..%2fb",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "%ff",
    ] {
        for rest_of in ["", "/config", "/status", "/objects"] {
            let path = format!("/connectors/{name}{rest_of}");
            let status = call(at, "GET", &path, None).await.status;
            assert!([400, 404].contains(&status), "{path}: {status}");
        }
    }
    let listed = call(at, "GET", "/connectors", None).await;
    assert_eq!(listed.text, "[]");
    worker.stop().await;
}
