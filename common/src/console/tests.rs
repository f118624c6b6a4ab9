//! The console of an admin listener whose program is a small server made here.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus::{IntCounter, Registry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::admin::{AdminServer, Guard};

/// Answers with what it was asked; lets in whoever has credentials, if `guarded`.
fn program(guarded: bool) -> Entrance {
    Arc::new(move |visitor: Visitor| {
        let service = service_fn(move |request: Request<Incoming>| async move {
            let known = request.headers().contains_key(header::AUTHORIZATION);
            let mut response = Response::new(Full::<Bytes>::default());
            if guarded && !known {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
                let challenge = HeaderValue::from_static("Basic realm=\"x\"");
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, challenge);
                return Ok::<_, std::convert::Infallible>(response);
            }
            let head = format!("{} {} ", request.method(), request.uri());
            let body = request.into_body().collect().await.unwrap().to_bytes();
            *response.body_mut() = Full::new([head.as_bytes(), &body].concat().into());
            Ok(response)
        });
        tokio::spawn(async move {
            let http = hyper::server::conn::http1::Builder::new();
            let _ended = http
                .serve_connection(TokioIo::new(visitor.stream), service)
                .await;
        });
    })
}

async fn server(guarded: bool) -> AdminServer {
    let registry = Registry::new();
    let counter = IntCounter::new("sluiceway_test_total", "A test.").unwrap();
    registry.register(Box::new(counter.clone())).unwrap();
    counter.inc();
    let config = ConsoleConfig {
        enable: true,
        other: None,
    };
    let console = Console::start(&config, PROXY, registry.clone());
    let console = console.unwrap();
    console.open([(PROXY, program(guarded))]);
    let guard = Guard {
        console: Some(console),
        ..Guard::default()
    };
    let listeners = ["http://127.0.0.1:0".to_owned()];
    let ready = Arc::new(|| Ok(()));
    AdminServer::start_guarded(&listeners, "admin", guard, registry, ready)
        .await
        .unwrap()
}

async fn ask(server: &AdminServer, request: &str) -> String {
    let mut stream = TcpStream::connect(server.addresses()[0]).await.unwrap();
    let request = request.replacen('\n', " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n", 1);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_page_has_its_policy() {
    let server = server(false).await;
    let page = ask(&server, "GET /console\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    let lower = page.to_ascii_lowercase();
    assert!(lower.contains("content-security-policy: default-src 'self';"));
    assert!(lower.contains("x-content-type-options: nosniff"));
    assert!(page.contains("/console/console.js"));
    assert!(
        ask(&server, "GET /console/x\n\r\n")
            .await
            .starts_with("HTTP/1.1 404")
    );
    assert!(
        ask(&server, "POST /console\n\r\n")
            .await
            .starts_with("HTTP/1.1 405")
    );
}

#[tokio::test]
async fn requests_are_passed_on_and_other_sites_pages_refused() {
    let server = server(false).await;
    let post = |more: &str| {
        format!("POST /console/api/proxy/topics/a%2Fb?c=d\nContent-Length: 2\r\n{more}\r\nhi")
    };
    let passed = ask(&server, &post("")).await;
    assert!(passed.ends_with("POST /topics/a%2Fb?c=d hi"), "{passed}");
    assert!(
        ask(&server, &post("Origin: http://h\r\n"))
            .await
            .contains(" hi")
    );
    for foreign in [
        "Origin: http://evil\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Origin: null\r\n",
    ] {
        let refused = ask(&server, &post(foreign)).await;
        assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    }
    let missing = ask(&server, "GET /console/api/sink/connectors\n\r\n").await;
    assert!(missing.starts_with("HTTP/1.1 404") && missing.contains("sluiceway.console.other.url"));
}

#[tokio::test]
async fn whom_the_api_refuses_sees_nothing() {
    let server = server(true).await;
    for path in [
        "/console",
        "/console/console.js",
        "/console/info",
        "/console/live",
    ] {
        let refused = ask(&server, &format!("GET {path}\n\r\n")).await;
        assert!(refused.starts_with("HTTP/1.1 401"), "{path}: {refused}");
        assert!(
            refused
                .to_ascii_lowercase()
                .contains("www-authenticate: basic")
        );
    }
    let known = ask(
        &server,
        "GET /console/info\nAuthorization: Basic eDp5\r\n\r\n",
    )
    .await;
    assert!(known.contains("\"api\":\"/console/api/proxy\""), "{known}");
}

#[tokio::test]
async fn figures_come_as_events() {
    let server = server(false).await;
    let mut stream = TcpStream::connect(server.addresses()[0]).await.unwrap();
    let request = "GET /console/live HTTP/1.1\r\nHost: h\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("event: figures") || !seen.contains("\"sluiceway_test_total\":1.0}") {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert!(seen.contains("event: history"), "{seen}");
    assert!(seen.contains("retry: 1000"), "{seen}");
}

#[tokio::test]
async fn the_other_programs_console_is_passed_on_to() {
    let far = server(false).await;
    let url = format!("http://{}", far.addresses()[0]);
    let config = ConsoleConfig {
        enable: true,
        other: Other::parse(&url).unwrap(),
    };
    let registry = Registry::new();
    let console = Console::start(&config, SINK, registry.clone());
    let guard = Guard {
        console,
        ..Guard::default()
    };
    let listeners = ["http://127.0.0.1:0".to_owned()];
    let near =
        AdminServer::start_guarded(&listeners, "admin", guard, registry, Arc::new(|| Ok(())))
            .await
            .unwrap();
    let passed = ask(&near, "GET /console/api/proxy/topics?x\n\r\n").await;
    assert!(passed.ends_with("GET /topics?x "), "{passed}");
    drop(far);
    let gone = ask(&near, "GET /console/api/proxy/topics\n\r\n").await;
    assert!(
        gone.starts_with("HTTP/1.1 502") && gone.contains("not reached"),
        "{gone}"
    );
}

#[tokio::test]
async fn there_is_none_where_it_is_switched_off() {
    let config = ConsoleConfig::default();
    assert!(!config.enable);
    let console = Console::start(&config, PROXY, Registry::new());
    assert!(console.is_none());
    let guard = Guard::default();
    let listeners = ["http://127.0.0.1:0".to_owned()];
    let ready = Arc::new(|| Ok(()));
    let server = AdminServer::start_guarded(&listeners, "admin", guard, Registry::new(), ready)
        .await
        .unwrap();
    for path in [
        "/console",
        "/console/console.js",
        "/console/info",
        "/console/live",
        "/console/api/proxy/topics",
    ] {
        let answer = ask(&server, &format!("GET {path}\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}
