//! The program with every log line there is: none holds a planted password, key or token.
#![allow(clippy::unwrap_used)]

#[path = "support/certs.rs"]
mod certs;
#[path = "support/provider.rs"]
mod provider;
mod support;

use std::io::Read as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs::Issued;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use provider::Provider;
use serde_json::Value;
use support::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_the_log_holds_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let provider = Provider::start("one").await;
    let authority = Issued::authority("authority");
    let store =
        authority
            .issue("server")
            .pkcs12(folder.path(), "server.p12", "planted-store-password");
    std::fs::write(
        path("users"),
        "alice: planted-password-of-alice,admins\nbob: MD5:5ebe2294ecd0e0f08eab7690d2a6ee69,admins\n",
    )
    .unwrap();
    std::fs::write(
        path("keys"),
        "key.k.value=planted-key-of-the-course\nkey.k.roles=admins\n",
    )
    .unwrap();
    let properties = format!(
        "bootstrap.servers=127.0.0.1:1\nclient.security.protocol=SASL_PLAINTEXT\nclient.sasl.mechanism=SCRAM-SHA-256\n\
         client.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"planted-kafka-password\";\n\
         listeners=http://127.0.0.1:0,https://127.0.0.1:0\nsluiceway.admin.listeners=http://127.0.0.1:0\n\
         ssl.keystore.location={}\nssl.keystore.password=planted-store-password\n\
         authentication.method=BASIC,API_KEY,BEARER\nauthentication.realm=r\n\
         sluiceway.authentication.password.file={}\nsluiceway.api.keys.file={}\n\
         oauthbearer.jwks.endpoint.url={}\noauthbearer.expected.issuer=https://issuer.example\noauthbearer.expected.audience=rest\n\
         schema.registry.basic.auth.credentials.source=USER_INFO\nschema.registry.basic.auth.user.info=u:planted-registry-password\n\
         sluiceway.audit.log=ALL\nsluiceway.authorization.rules=role/admins: admin=* produce=* consume=*; role/writers: produce=*\n",
        store.display(),
        path("users").display(),
        path("keys").display(),
        provider.url()
    );
    std::fs::write(path("proxy.properties"), properties).unwrap();
    let output = std::fs::File::create(path("log")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sluiceway-proxy"))
        .arg(path("proxy.properties"))
        .env("RUST_LOG", "trace")
        .stdout(Stdio::from(output.try_clone().unwrap()))
        .stderr(Stdio::from(output))
        .spawn()
        .unwrap();
    let log = || {
        let mut text = String::new();
        std::fs::File::open(path("log"))
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    };
    let listening = || {
        let text = log();
        let line = text
            .lines()
            .find(|line| line.contains("the REST proxy listens"))?;
        let port = line.split("127.0.0.1:").nth(1)?;
        let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u16>().ok()
    };
    eventually("the proxy listens", async || listening().is_some()).await;
    let base = format!("http://127.0.0.1:{}", listening().unwrap());
    let token = provider.token(&Value::Null);
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let sent = [
        ("authorization", basic("alice:planted-password-of-alice")),
        ("authorization", basic("alice:planted-wrong-password")),
        ("authorization", basic("bob:secret-of-md5")),
        ("authorization", "Basic planted-malformed".to_owned()),
        ("authorization", "Digest planted-scheme".to_owned()),
        ("x-api-key", "planted-key-of-the-course".to_owned()),
        ("x-api-key", "planted-wrong-key".to_owned()),
        ("authorization", format!("Bearer {token}")),
        ("authorization", format!("Bearer {}", provider.unsigned())),
    ];
    let http1 = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let http2 = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<Full<Bytes>>();
    let mut statuses = Vec::new();
    for (name, value) in &sent {
        for client in [&http1, &http2] {
            let request = Request::post(format!("{base}/topics/t/nowhere")).header(*name, value);
            let request = request.body(Full::from("{}")).unwrap();
            statuses.push(client.request(request).await.unwrap().status().as_u16());
        }
    }
    assert_eq!(
        statuses,
        [
            404, 404, 401, 401, 401, 401, 401, 401, 401, 401, 404, 404, 403, 403, 404, 404, 401,
            401
        ]
    );
    assert!(
        terminate(child.id()),
        "the program could not be told to stop"
    );
    child.wait().unwrap();
    let text = log();
    assert!(
        text.contains("sluiceway_proxy::audit"),
        "there is an audit log"
    );
    assert!(
        text.contains("credentials were refused"),
        "and one of refusals"
    );
    let encoded = [
        STANDARD.encode("alice:planted-password-of-alice"),
        STANDARD.encode("alice:planted-wrong-password"),
        token.rsplit('.').next().unwrap().to_owned(),
        "5ebe2294ecd0e0f08eab7690d2a6ee69".to_owned(),
        "planted-".to_owned(),
    ];
    for secret in encoded {
        let found = text.lines().find(|line| line.contains(&secret));
        assert_eq!(found, None, "{secret}");
    }
}

/// SIGTERM, by the system's own command.
fn terminate(id: u32) -> bool {
    let status = Command::new("kill").arg(id.to_string()).status();
    status.is_ok_and(|status| status.success())
}
