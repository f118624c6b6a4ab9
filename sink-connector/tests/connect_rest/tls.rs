//! https of the REST API and of the admin listener: certificates of clients, and new ones of the server without a restart.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use openssl::ssl::{SslConnector, SslMethod};
use sluiceway_sink::worker::Worker;

use crate::certs::Issued;
use crate::stage::{PATIENCE, Stage};

/// Whom a caller trusts, and the certificate that it shows.
#[derive(Clone, Copy)]
struct Caller<'a> {
    trusts: &'a Issued,
    shows: Option<&'a Issued>,
}

impl Caller<'_> {
    /// The answer, whole; none where the two do not get on.
    fn ask(&self, address: SocketAddr, method: &str, path: &str, body: &str) -> Option<String> {
        let mut builder = SslConnector::builder(SslMethod::tls()).unwrap();
        let trusted = self.trusts.certificate.clone();
        builder.cert_store_mut().add_cert(trusted).unwrap();
        if let Some(own) = self.shows {
            builder.set_certificate(&own.certificate).unwrap();
            builder.set_private_key(&own.key).unwrap();
        }
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut stream = builder.build().connect("localhost", stream).ok()?;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        // TLS 1.3 tells of a refused certificate here.
        let _ended = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        answer.starts_with("HTTP/1.1 ").then_some(answer)
    }

    fn status(&self, address: SocketAddr, method: &str, path: &str) -> Option<String> {
        let body = if method == "PUT" { "loud" } else { "" };
        let answer = self.ask(address, method, path, body)?;
        Some(answer[9..12].to_owned())
    }
}

/// Both listeners with https, and these settings of TLS.
async fn worker(stage: &Stage, keystore: &Path, settings: &str) -> Worker {
    let extra = format!(
        "listeners=https://127.0.0.1:0\nsluiceway.admin.listeners=https://127.0.0.1:0\n\
         ssl.keystore.type=PEM\nssl.keystore.location={}\n{settings}",
        keystore.display()
    );
    stage.worker_with(&extra, Vec::new()).await
}

/// Where the two listen, and a path of each that is there.
fn doors(worker: &Worker) -> [(SocketAddr, &'static str); 2] {
    [
        (worker.rest_addresses()[0], "/connectors"),
        (worker.admin_addresses()[0], "/metrics"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_clients() {
    let stage = Stage::new().await;
    let folder = stage.dir.path();
    let (authority, stranger) = (
        Issued::authority("authority"),
        Issued::authority("stranger"),
    );
    let keystore = authority.issue("server").pem(folder, "server.pem");
    let trust = authority.trusted(folder, "trust.pem");
    let ours = authority.issue("ops");
    let (theirs, old) = (stranger.issue("ops"), authority.issue_for("ops", (-10, -1)));
    let showing = |shows| Caller {
        trusts: &authority,
        shows,
    };
    let settings = format!(
        "ssl.truststore.type=PEM\nssl.truststore.location={}\n",
        trust.display()
    );
    let required = format!("{settings}ssl.client.auth=required\n");
    let running = worker(&stage, &keystore, &required).await;
    for (address, path) in doors(&running) {
        let known = showing(Some(&ours)).status(address, "GET", path);
        assert_eq!(known.as_deref(), Some("200"), "{path}");
        for caller in [None, Some(&theirs), Some(&old)] {
            let refused = showing(caller).status(address, "GET", path);
            assert_eq!(refused, None, "{path}");
        }
        let mistaken = Caller {
            trusts: &stranger,
            shows: Some(&ours),
        };
        assert_eq!(mistaken.status(address, "GET", path), None);
        let mut plain = TcpStream::connect(address).unwrap();
        plain.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        plain.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ended = plain.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/"), "{path} without TLS");
    }
    running.stop().await;
    // Asked for only: whoever shows none is let in, but changes no log levels once the API has users. (Those of this process
    // cannot be changed: 400 is past the gate.)
    std::fs::write(folder.join("users"), "alice: s3cret\n").unwrap();
    let requested = format!(
        "{settings}ssl.client.auth=requested\n\
         rest.extension.classes=org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension\n\
         sluiceway.rest.authentication.password.file={}\n",
        folder.join("users").display()
    );
    let running = worker(&stage, &keystore, &requested).await;
    let [(rest, connectors), (admin, metrics)] = doors(&running);
    for (caller, changes) in [(None, "403"), (Some(&ours), "400")] {
        let caller = showing(caller);
        let status = |address, method, path| caller.status(address, method, path);
        assert_eq!(status(rest, "GET", connectors).as_deref(), Some("401"));
        assert_eq!(status(admin, "GET", metrics).as_deref(), Some("200"));
        assert_eq!(
            status(admin, "PUT", "/log-levels").as_deref(),
            Some(changes)
        );
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_certificates_are_used_without_a_restart() {
    let stage = Stage::new().await;
    let folder = stage.dir.path();
    let (old, new) = (Issued::authority("old"), Issued::authority("new"));
    let keystore = old.issue("server").pem(folder, "server.pem");
    let reload = "ssl.keystore.reload=true\nsluiceway.ssl.reload.interval.ms=100\n";
    let running = worker(&stage, &keystore, reload).await;
    let trusting = |trusts| Caller {
        trusts,
        shows: None,
    };
    let answered = |caller: Caller<'_>, (address, path)| {
        caller.status(address, "GET", path).as_deref() == Some("200")
    };
    for door in doors(&running) {
        assert!(answered(trusting(&old), door) && !answered(trusting(&new), door));
    }
    // What cannot be used changes nothing.
    std::fs::write(&keystore, "nonsense").unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    for door in doors(&running) {
        assert!(answered(trusting(&old), door));
    }
    new.issue("server").pem(folder, "server.pem");
    let deadline = Instant::now() + PATIENCE;
    for door in doors(&running) {
        while !answered(trusting(&new), door) {
            assert!(Instant::now() < deadline, "the old certificate stays");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(!answered(trusting(&old), door));
    }
    running.stop().await;
}
