//! https listeners: stores of all kinds, ALPN, certificates of clients, renewal without a restart, what is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/certs.rs"]
mod certs;
mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use certs::Issued;
use prometheus::Registry;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sluiceway_common::props;
use sluiceway_proxy::{Config, Proxy};
use support::eventually;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

async fn proxy(properties: &str) -> Result<Proxy, String> {
    let text = format!(
        "bootstrap.servers=127.0.0.1:1\nlisteners=https://127.0.0.1:0\n\
         sluiceway.admin.listeners=https://127.0.0.1:0\n{properties}"
    );
    let config = Config::parse(&props::parse(&text).unwrap()).map_err(|error| error.to_string())?;
    Proxy::start(config, Registry::new())
        .await
        .map_err(|error| error.to_string())
}

struct Caller {
    trusted: RootCertStore,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    alpn: Vec<Vec<u8>>,
}

impl Caller {
    fn new(authority: &Issued) -> Self {
        let mut trusted = RootCertStore::empty();
        let der = authority.certificate.to_der().unwrap();
        trusted.add(CertificateDer::from(der)).unwrap();
        Self {
            trusted,
            identity: None,
            alpn: Vec::new(),
        }
    }

    fn showing(mut self, issued: &Issued) -> Self {
        let key = issued.key.private_key_to_pem_pkcs8().unwrap();
        let key = PrivateKeyDer::from_pem_slice(&key).unwrap();
        let certificate = CertificateDer::from(issued.certificate.to_der().unwrap());
        self.identity = Some((vec![certificate], key));
        self
    }

    async fn connect(&self, proxy: &Proxy, admin: bool) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.trusted.clone());
        let mut config = match &self.identity {
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.clone();
        let address = if admin {
            proxy.admin_addresses()[0]
        } else {
            proxy.addresses()[0]
        };
        let tcp = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
    }

    /// The answer to a GET, whole.
    async fn get(&self, proxy: &Proxy, admin: bool, path: &str) -> std::io::Result<String> {
        let mut stream = self.connect(proxy, admin).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x:1\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

fn keystore(path: &Path, rest: &str) -> String {
    format!("ssl.keystore.location={}\n{rest}", path.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_store_serves_both_listeners() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Issued::authority("authority");
    let server = authority.issue("server");
    let caller = Caller::new(&authority);
    let stores = [
        keystore(
            &server.pem(folder.path(), "a.pem"),
            "ssl.keystore.type=PEM\n",
        ),
        // Java's default type is JKS; the bytes decide.
        keystore(
            &server.pkcs12(folder.path(), "b.p12", "s3cret"),
            "ssl.keystore.password=s3cret\n",
        ),
        keystore(
            &server.encrypted_pem(folder.path(), "c.pem", "s3cret"),
            "ssl.keystore.type=PEM\nssl.key.password=s3cret\nssl.enabled.protocols=TLSv1.3\n",
        ),
    ];
    for store in stores {
        let proxy = proxy(&store).await.unwrap();
        let answer = caller.get(&proxy, false, "/nowhere").await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        let answer = caller.get(&proxy, true, "/livez").await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        drop(proxy);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_chosen_by_alpn() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Issued::authority("authority");
    let store = authority.issue("server").pem(folder.path(), "a.pem");
    let mut caller = Caller::new(&authority);
    for (settings, asked, chosen) in [
        ("", vec!["h2", "http/1.1"], Some("h2")),
        ("", vec!["http/1.1"], Some("http/1.1")),
        (
            "http2.enabled=false\n",
            vec!["h2", "http/1.1"],
            Some("http/1.1"),
        ),
        ("", vec![], None),
    ] {
        let proxy = proxy(&keystore(&store, settings)).await.unwrap();
        caller.alpn = asked.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = caller.connect(&proxy, false).await.unwrap();
        let found = stream.get_ref().1.alpn_protocol();
        assert_eq!(found, chosen.map(str::as_bytes));
        drop(proxy);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_clients_name_principals() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Issued::authority("authority");
    let stranger = Issued::authority("stranger");
    let store = authority.issue("server").pem(folder.path(), "a.pem");
    let trust = authority.trusted(folder.path(), "trust.pem");
    let settings = format!(
        "ssl.truststore.location={}\nssl.truststore.type=PEM\nssl.client.authentication=REQUESTED\n\
         ssl.principal.mapping.rules=RULE:^CN=(.*?),O=Tests.*$/$1/L\nauthentication.method=MTLS\n\
         sluiceway.authorization.rules=alice: produce=*\n",
        trust.display()
    );
    let proxy = proxy(&keystore(&store, &settings)).await.unwrap();
    let status = async |caller: Caller| {
        let answer = caller.get(&proxy, false, "/nowhere").await?;
        Ok::<_, std::io::Error>(answer.get(9..12).unwrap_or_default().to_owned())
    };
    let calling = || Caller::new(&authority);
    assert_eq!(status(calling()).await.unwrap(), "401");
    assert_eq!(
        status(calling().showing(&authority.issue("Alice")))
            .await
            .unwrap(),
        "404"
    );
    // Known authority, but nobody's rights: an unknown path is still only a 404.
    let bob = calling().showing(&authority.issue("bob"));
    let answer = bob.get(&proxy, false, "/topics/x").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    for wrong in [
        stranger.issue("alice"),
        authority.issue_for("alice", (-10, -1)),
    ] {
        assert!(status(calling().showing(&wrong)).await.is_err());
    }
    drop(proxy);
    // Where they are required, nobody else learns of anything at either listener, probes included.
    let settings = settings.replace("=REQUESTED", "=REQUIRED");
    let proxy = self::proxy(&keystore(&store, &settings)).await.unwrap();
    for (admin, path) in [(false, "/nowhere"), (true, "/livez"), (true, "/metrics")] {
        let known = calling().showing(&authority.issue("Alice"));
        let answer = known.get(&proxy, admin, path).await.unwrap();
        let passed = ["HTTP/1.1 200", "HTTP/1.1 404"].map(|begin| answer.starts_with(begin));
        assert!(passed.contains(&true), "{path}: {answer}");
        for caller in [
            calling(),
            calling().showing(&stranger.issue("alice")),
            calling().showing(&authority.issue_for("alice", (-10, -1))),
        ] {
            let refused = caller.get(&proxy, admin, path).await;
            assert!(refused.is_err(), "{path}: {refused:?}");
        }
    }
    drop(proxy);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_certificates_are_used_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Issued::authority("old"), Issued::authority("new"));
    let store = old.issue("server").pem(folder.path(), "a.pem");
    let settings = "ssl.keystore.reload=true\nsluiceway.ssl.reload.interval.ms=100\n";
    let proxy = proxy(&keystore(&store, settings)).await.unwrap();
    let (before, after) = (Caller::new(&old), Caller::new(&new));
    let open = before.connect(&proxy, false).await.unwrap();
    // What cannot be used changes nothing.
    std::fs::write(folder.path().join("a.pem"), "nonsense").unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    before.connect(&proxy, false).await.unwrap();
    new.issue("server").pem(folder.path(), "a.pem");
    for admin in [false, true] {
        eventually("the new certificate", async || {
            after.connect(&proxy, admin).await.is_ok()
        })
        .await;
        assert!(before.connect(&proxy, admin).await.is_err());
    }
    drop(open);
    drop(proxy);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Issued::authority("authority");
    let (one, two) = (authority.issue("one"), authority.issue("two"));
    let good = one.pem(folder.path(), "good.pem");
    let expired = authority
        .issue_for("expired", (-9, -2))
        .pem(folder.path(), "expired.pem");
    let early = authority
        .issue_for("early", (2, 9))
        .pem(folder.path(), "early.pem");
    let p12 = one.pkcs12(folder.path(), "a.p12", "planted-secret");
    let locked = one.encrypted_pem(folder.path(), "locked.pem", "planted-secret");
    let other = one.key.private_key_to_pem_pkcs8().unwrap();
    let mixed = folder.path().join("mixed.pem");
    std::fs::write(&mixed, [other, two.certificate_pem()].concat()).unwrap();
    let nothing = folder.path().join("nothing.pem");
    std::fs::write(&nothing, "nothing").unwrap();
    let gone = folder.path().join("gone.pem");
    for (store, rest, told) in [
        (None, "", "ssl.keystore.location"),
        (Some(&gone), "", "cannot read"),
        (Some(&expired), "", "expired at"),
        (Some(&early), "", "not valid yet"),
        (Some(&mixed), "", "mixed.pem"),
        (Some(&nothing), "keystore.type=PEM", "holds no PEM"),
        (Some(&nothing), "", "neither PEM nor PKCS#12 nor JKS"),
        (
            Some(&p12),
            "keystore.password=wrong-secret",
            "missing or wrong",
        ),
        (Some(&locked), "", "set ssl.key.password"),
        (
            Some(&locked),
            "key.password=wrong-secret",
            "ssl.key.password is wrong",
        ),
        (Some(&good), "client.auth=true", "ssl.truststore.location"),
        (
            Some(&good),
            "client.authentication=MAYBE",
            "NONE, REQUESTED or REQUIRED",
        ),
        (
            Some(&good),
            "enabled.protocols=TLSv1.1",
            "ssl.enabled.protocols",
        ),
        (
            Some(&good),
            "cipher.suites=TLS_RSA_WITH_RC4_128_MD5",
            "ssl.cipher.suites",
        ),
        (
            Some(&good),
            "principal.mapping.rules=RULE:x",
            "ssl.principal.mapping.rules",
        ),
    ] {
        let mut settings = String::new();
        if !rest.is_empty() {
            settings = format!("ssl.{rest}\n");
        }
        if let Some(store) = store {
            settings = keystore(store, &settings);
        }
        let error = match proxy(&settings).await {
            Ok(_) => panic!("started with {settings}"),
            Err(error) => error,
        };
        assert!(error.contains(told), "{settings}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
