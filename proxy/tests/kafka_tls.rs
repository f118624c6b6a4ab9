//! Kafka over TLS with certificates of both sides: stores of all kinds for librdkafka's clients, for v3's own connection,
//! and for the schema registry; what is wrong with them.
#![allow(clippy::unwrap_used)]

#[path = "support/certs.rs"]
mod certs;
mod support;

use std::path::Path;
use std::sync::Arc;

use certs::Issued;
use dev_services::broker::{Broker, BrokerOptions};
use dev_services::registry::{Registry, RegistryOptions};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use sluiceway_common::props;
use sluiceway_proxy::{Config, Proxy};
use support::{JSON, start};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The server's side of TLS, for clients that show a certificate of the authority.
fn acceptor(authority: &Issued) -> TlsAcceptor {
    let server = authority.issue("broker");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    let der = |issued: &Issued| CertificateDer::from(issued.certificate.to_der().unwrap());
    roots.add(der(authority)).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let key = server.key.private_key_to_pem_pkcs8().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![der(&server)],
            PrivateKeyDer::from_pem_slice(&key).unwrap(),
        );
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

/// Takes TLS off what comes in, and hands it on to `target`.
async fn unwrap_tls(listener: TcpListener, acceptor: TlsAcceptor, target: String) {
    while let Ok((tcp, _)) = listener.accept().await {
        let (acceptor, target) = (acceptor.clone(), target.clone());
        tokio::spawn(async move {
            let mut outside = acceptor.accept(tcp).await.ok()?;
            let mut inside = TcpStream::connect(target).await.ok()?;
            tokio::io::copy_bidirectional(&mut outside, &mut inside)
                .await
                .ok()
        });
    }
}

/// A store's keys, for a prefix.
fn store(prefix: &str, name: &str, path: &Path, rest: &[(&str, &str)]) -> String {
    let mut lines = format!("{prefix}ssl.{name}.location={}\n", path.display());
    for (key, value) in rest {
        lines.push_str(&format!("{prefix}ssl.{key}={value}\n"));
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_of_every_kind_reach_kafka() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let (authority, data) = (Issued::authority("authority"), tempfile::tempdir().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = BrokerOptions {
        advertised_port: Some(port),
        ..BrokerOptions::new(data.path())
    };
    let broker = Broker::start(options).await.unwrap();
    tokio::spawn(unwrap_tls(
        listener,
        acceptor(&authority),
        broker.bootstrap(),
    ));
    let client = authority.issue("client");
    let trust_jks = authority.trusted_jks(dir, "trust.jks", "of-trust");
    let key_jks = client.jks(dir, "key.jks", ("of-store", "of-key"));
    let trust_p12 = authority.trusted_pkcs12(dir, "trust.p12", "of-trust");
    let key_p12 = client.pkcs12(dir, "key.p12", "of-store");
    let trust_pem = authority.trusted(dir, "trust.pem");
    let key_pem = client.encrypted_pem(dir, "key.pem", "of-key");
    let of_trust = ("truststore.password", "of-trust");
    let of_store = ("keystore.password", "of-store");
    let of_key = ("key.password", "of-key");
    let jks = store("client.", "truststore", &trust_jks, &[of_trust])
        + &store("client.", "keystore", &key_jks, &[of_store, of_key]);
    let pkcs12 = store(
        "client.",
        "truststore",
        &trust_p12,
        &[of_trust, ("truststore.type", "PKCS12")],
    ) + &store(
        "client.",
        "keystore",
        &key_p12,
        &[of_store, ("keystore.type", "PKCS12")],
    );
    let pem = store(
        "client.",
        "truststore",
        &trust_pem,
        &[("truststore.type", "PEM")],
    ) + &store(
        "client.",
        "keystore",
        &key_pem,
        &[of_key, ("keystore.type", "PEM")],
    );
    // Each kind of client has stores of its own.
    let mixed = jks.replace("client.", "producer.")
        + &pkcs12.replace("client.", "consumer.")
        + &pem.replace("client.", "admin.");
    for (number, stores) in [jks, pkcs12, pem, mixed].iter().enumerate() {
        let settings = format!("client.security.protocol=SSL\n{stores}");
        let proxy = start(&format!("127.0.0.1:{port}"), &settings).await;
        // The producer's client.
        let topic = format!("t{number}");
        proxy
            .produce(&format!("/topics/{topic}"), r#"{"records":[{"value":1}]}"#)
            .await;
        // The consumers'.
        let options = br#"{"name":"i","format":"json","auto.offset.reset":"earliest","consumer.request.timeout.ms":"20000"}"#;
        let group = format!("/consumers/g{number}");
        let media = Some(support::V2);
        let post = hyper::Method::POST;
        let made = proxy.call(post.clone(), &group, media, options).await;
        assert_eq!(made.status, 200, "{made:?}");
        let assignment = json!({"partitions": [{"topic": topic, "partition": 0}]});
        let instance = format!("{group}/instances/i");
        let path = format!("{instance}/assignments");
        let body = assignment.to_string();
        let answer = proxy.call(post, &path, media, body.as_bytes()).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        let path = format!("{instance}/records");
        let records = proxy.accepting(&path, JSON).await;
        assert_eq!(records.json()[0]["value"], 1, "{stores}");
        // v3's own connection.
        let clusters = proxy.get("/v3/clusters").await.json();
        let cluster = clusters["data"][0]["cluster_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let groups = proxy
            .get(&format!("/v3/clusters/{cluster}/consumer-groups"))
            .await;
        assert_eq!(groups.status, 200, "{groups:?}");
        proxy.proxy.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_store_is_told_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let authority = Issued::authority("authority");
    let client = authority.issue("client");
    let jks = client.jks(dir, "key.jks", ("planted-store", "planted-key"));
    let p12 = client.pkcs12(dir, "key.p12", "planted-store");
    let locked = client.encrypted_pem(dir, "locked.pem", "planted-key");
    let trust = authority.trusted_jks(dir, "trust.jks", "planted-trust");
    let (gone, nothing) = (dir.join("gone.jks"), dir.join("nothing.jks"));
    std::fs::write(&nothing, "nothing").unwrap();
    let wrong = ("keystore.password", "planted-wrong");
    let right = ("keystore.password", "planted-store");
    for (prefix, name, path, rest, told) in [
        ("client.", "keystore", &gone, vec![], "cannot read"),
        (
            "client.",
            "keystore",
            &gone,
            vec![],
            "the file must be there",
        ),
        (
            "producer.",
            "keystore",
            &jks,
            vec![wrong],
            "password is wrong",
        ),
        (
            "consumer.",
            "keystore",
            &jks,
            vec![right],
            "the key's password is wrong",
        ),
        ("client.", "keystore", &jks, vec![], "password is needed"),
        ("admin.", "keystore", &p12, vec![wrong], "missing or wrong"),
        ("client.", "keystore", &p12, vec![], "missing or wrong"),
        (
            "client.",
            "keystore",
            &jks,
            vec![("keystore.type", "PEM"), right],
            "holds no PEM",
        ),
        (
            "client.",
            "keystore",
            &jks,
            vec![("keystore.type", "BCFKS")],
            "PEM, PKCS12 or JKS",
        ),
        (
            "client.",
            "keystore",
            &nothing,
            vec![right],
            "neither PEM nor PKCS#12 nor JKS",
        ),
        (
            "client.",
            "keystore",
            &trust,
            vec![("keystore.password", "planted-trust")],
            "no private key",
        ),
        (
            "client.",
            "keystore",
            &locked,
            vec![],
            "set ssl.key.password",
        ),
        (
            "client.",
            "truststore",
            &trust,
            vec![("truststore.password", "planted-wrong")],
            "password is wrong",
        ),
        ("client.", "truststore", &gone, vec![], "cannot read"),
        (
            "schema.registry.",
            "keystore",
            &jks,
            vec![wrong],
            "password is wrong",
        ),
        (
            "schema.registry.",
            "truststore",
            &gone,
            vec![],
            "cannot read",
        ),
        (
            "schema.registry.",
            "truststore",
            &p12,
            vec![("truststore.password", "planted-wrong")],
            "missing or wrong",
        ),
    ] {
        let text = format!(
            "bootstrap.servers=127.0.0.1:1\nlisteners=http://127.0.0.1:0\nsluiceway.admin.listeners=http://127.0.0.1:0\n\
             client.security.protocol=SSL\nschema.registry.url=https://localhost:1\n{}",
            store(prefix, name, path, &rest)
        );
        let error = refusal(&text).await;
        let key = format!("{prefix}ssl.{name}.location");
        for part in [told, key.as_str(), &path.display().to_string()] {
            assert!(error.contains(part), "{part} is missing: {error}");
        }
        assert_eq!(
            error.matches(told).count(),
            1,
            "told more than once: {error}"
        );
        assert!(!error.contains("planted"), "{error}");
    }
}

/// Why a proxy with these properties does not start.
async fn refusal(text: &str) -> String {
    let config = match Config::parse(&props::parse(text).unwrap()) {
        Ok(config) => config,
        Err(errors) => return errors.to_string(),
    };
    match Proxy::start(config, prometheus::Registry::new()).await {
        Ok(_) => panic!("it started with {text}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_of_every_kind_reach_the_registry() {
    const AVRO: &str = "application/vnd.kafka.avro.v2+json";
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let authority = Issued::authority("authority");
    let registry = Registry::start(RegistryOptions::default()).await.unwrap();
    let target = registry.url().trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(unwrap_tls(listener, acceptor(&authority), target));
    let kafka = support::kafka(true).await;
    let client = authority.issue("client");
    let jks = (
        authority.trusted_jks(dir, "trust.jks", "of-trust"),
        client.jks(dir, "key.jks", ("of-store", "of-key")),
    );
    let pkcs12 = (
        authority.trusted_pkcs12(dir, "trust.p12", "of-trust"),
        client.pkcs12(dir, "key.p12", "of-store"),
    );
    for (trust, key) in [jks, pkcs12] {
        let trust = store(
            "schema.registry.",
            "truststore",
            &trust,
            &[("truststore.password", "of-trust")],
        );
        let key = store(
            "schema.registry.",
            "keystore",
            &key,
            &[
                ("keystore.password", "of-store"),
                ("key.password", "of-key"),
            ],
        );
        let settings = format!("schema.registry.url={url}\n{trust}{key}");
        let proxy = start(&kafka.bootstrap(), &settings).await;
        let body = r#"{"value_schema":"\"string\"","records":[{"value":"a"}]}"#;
        let answer = proxy
            .call(
                hyper::Method::POST,
                "/topics/a",
                Some(AVRO),
                body.as_bytes(),
            )
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.json()["value_schema_id"].is_i64(), "{answer:?}");
        proxy.proxy.drain().await;
    }
}

/// As in Java: stores that are not used are not read.
#[test]
fn without_tls_stores_have_no_effect() {
    let text = "bootstrap.servers=127.0.0.1:1\nclient.ssl.truststore.location=/nowhere/trust.jks\n\
                client.ssl.truststore.password=planted-password";
    let config = Config::parse(&props::parse(text).unwrap()).unwrap();
    let dropped = &config.producer.dropped;
    assert_eq!(dropped.len(), 1, "{dropped:?}");
    assert_eq!(dropped[0].key, "ssl.truststore.location");
    assert!(!format!("{config:?}").contains("planted"));
}
