//! Requests that one worker passes on to another, where callers have to be known.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use serde_json::{Value, json};
use sluiceway_sink::worker::Worker;

use crate::certs::Issued;
use crate::stage::{PATIENCE, Stage, send};

const LISTENER: &str = "listeners.https.ssl.";
const SECRET: &str = "sluiceway.rest.workers.secret=planted-secret-of-workers\n";
// alice:s3cret
const ALICE: (&str, &str) = ("authorization", "Basic YWxpY2U6czNjcmV0");

async fn two_workers(stage: &Stage, extra: &str) -> [Worker; 2] {
    let first = stage.try_shared_worker(extra).await.unwrap();
    [first, stage.try_shared_worker(extra).await.unwrap()]
}

/// Sends until the answer is `wanted`: workers that join or leave answer 409 meanwhile.
async fn until_status(at: SocketAddr, (method, path): (&str, &str), wanted: u16, body: &Value) {
    let headers = [ALICE, ("content-type", "application/json")];
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reply = send(at, method, path, &headers, &body).await;
        if reply.status == wanted {
            return;
        }
        let waits = [404, 409, 500, 503].contains(&reply.status);
        assert!(
            waits && Instant::now() < deadline,
            "{method} {path}: {}",
            reply.text
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Both workers carry out what either is asked for, so one of them passes it on.
#[tokio::test(flavor = "multi_thread")]
async fn callers_are_known_to_the_worker_that_acts() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let users = stage.file("users", "alice: s3cret\nbob: s3cret\n");
    let callers = format!(
        "authentication.method=BASIC\nsluiceway.authentication.password.file={}\n\
         sluiceway.authorization.rules=alice: write=n\n",
        users.display()
    );
    // By the caller's own credentials, then by the workers' signature.
    for (round, extra) in [callers.clone(), format!("{callers}{SECRET}")]
        .iter()
        .enumerate()
    {
        let workers = two_workers(&stage, extra).await;
        let addresses = [
            workers[0].rest_addresses()[0],
            workers[1].rest_addresses()[0],
        ];
        for address in addresses {
            until_status(address, ("GET", "/health"), 200, &Value::Null).await;
        }
        if round == 0 {
            let body = json!({"name": "n", "config": stage.connector("t")});
            until_status(addresses[0], ("POST", "/connectors"), 201, &body).await;
        }
        for address in addresses {
            for path in ["/connectors/n/pause", "/connectors/n/resume"] {
                until_status(address, ("PUT", path), 202, &Value::Null).await;
            }
            nobody_is_taken_for_a_worker(address).await;
        }
        for worker in workers {
            worker.stop().await;
        }
    }
}

async fn nobody_is_taken_for_a_worker(address: SocketAddr) {
    let told = json!({"name": "alice", "roles": [], "method": "Basic", "at": 1, "body": ""});
    let told = STANDARD.encode(told.to_string());
    let bob = ("authorization", "Basic Ym9iOnMzY3JldA==");
    let forged = [
        ("sluiceway-caller", told.as_str()),
        ("sluiceway-signature", "AAAA"),
    ];
    let path = "/connectors/n/pause?forward=false";
    assert_eq!(send(address, "PUT", path, &forged, "").await.status, 401);
    let with_bob = [bob, forged[0], forged[1]];
    assert_eq!(send(address, "PUT", path, &with_bob, "").await.status, 403);
    assert_eq!(
        send(address, "PUT", "/connectors/n/pause", &[bob], "")
            .await
            .status,
        403
    );
}

/// A certificate cannot be shown to another worker: the signature says whose request it is.
#[tokio::test(flavor = "multi_thread")]
async fn callers_by_certificate_are_passed_on() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let folder = stage.dir.path();
    let authority = Issued::authority("the authority");
    let own = authority.issue("worker").pem(folder, "worker.pem");
    let trusted = authority.trusted(folder, "trusted.pem");
    let users = stage.file("users", "alice: s3cret\n");
    let extra = format!(
        "listeners=http://127.0.0.1:0,https://127.0.0.1:0\nauthentication.method=MTLS,BASIC\n\
         sluiceway.authentication.password.file={}\n{SECRET}\
         sluiceway.authorization.rules=ops: write=n; alice: write=n\n\
         {LISTENER}keystore.type=PEM\n{LISTENER}keystore.location={}\n\
         {LISTENER}truststore.type=PEM\n{LISTENER}truststore.location={}\n\
         {LISTENER}client.authentication=REQUESTED\n{LISTENER}principal.mapping.rules=RULE:CN=(.*?)[,].*/$1/,DEFAULT\n",
        users.display(),
        own.display(),
        trusted.display()
    );
    let workers = two_workers(&stage, &extra).await;
    for worker in &workers {
        until_status(
            worker.rest_addresses()[0],
            ("GET", "/health"),
            200,
            &Value::Null,
        )
        .await;
    }
    let body = json!({"name": "n", "config": stage.connector("t")});
    until_status(
        workers[0].rest_addresses()[0],
        ("POST", "/connectors"),
        201,
        &body,
    )
    .await;
    let (ops, other) = (authority.issue("ops"), authority.issue("other"));
    for worker in &workers {
        let address = worker.rest_addresses()[1];
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = by_certificate(address, Some(&ops)).await;
            if status == 202 {
                break;
            }
            assert!(
                [404, 409, 500].contains(&status) && Instant::now() < deadline,
                "{status}"
            );
        }
        assert_eq!(by_certificate(address, Some(&other)).await, 403);
        assert_eq!(by_certificate(address, None).await, 401);
    }
    for worker in workers {
        worker.stop().await;
    }
}

/// The status of `PUT /connectors/n/pause`.
async fn by_certificate(address: SocketAddr, shown: Option<&Issued>) -> u16 {
    let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    if let Some(shown) = shown {
        connector.set_private_key(&shown.key).unwrap();
        connector.set_certificate(&shown.certificate).unwrap();
    }
    let connector = connector.build();
    let asking = tokio::task::spawn_blocking(move || {
        let stream = TcpStream::connect(address).unwrap();
        let mut stream = connector.connect("localhost", stream).unwrap();
        let request = "PUT /connectors/n/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // However the connection ends.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    });
    let answer = asking.await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
