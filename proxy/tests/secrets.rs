//! The program with every log line there is: none holds a planted password, key or token.
#![allow(clippy::unwrap_used)]

#[path = "support/certs.rs"]
mod certs;
#[path = "support/provider.rs"]
mod provider;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs::Issued;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use provider::Provider;
use serde_json::Value;
use support::eventually;

/// The program at trace level, with its output in a file; it ends with the test.
struct Program {
    child: Child,
    log: PathBuf,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Program {
    async fn start(folder: &Path, properties: &str, environment: &[(&str, &str)]) -> Self {
        let (file, log) = (folder.join("proxy.properties"), folder.join("log"));
        std::fs::write(&file, properties).unwrap();
        let output = std::fs::File::create(&log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_sluiceway-proxy"))
            .arg(file)
            .env("RUST_LOG", "trace")
            .envs(environment.iter().copied())
            .stdout(Stdio::from(output.try_clone().unwrap()))
            .stderr(Stdio::from(output))
            .spawn()
            .unwrap();
        let mut program = Self {
            child,
            log,
            client: Client::builder(TokioExecutor::new()).build_http(),
        };
        eventually("the proxy listens", async || {
            let ended = program.child.try_wait().unwrap();
            assert_eq!(ended, None, "{}", program.text());
            program.port().is_some()
        })
        .await;
        program
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    fn port(&self) -> Option<u16> {
        let text = self.text();
        let line = text
            .lines()
            .find(|line| line.contains("the REST proxy listens"))?;
        let port = line.split("127.0.0.1:").nth(1)?;
        let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    }

    fn request(&self, path: &str) -> http::request::Builder {
        Request::post(format!("http://127.0.0.1:{}{path}", self.port().unwrap()))
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let mut request = self.request(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let answer = self.client.request(request).await.unwrap();
        answer.status().as_u16()
    }

    /// Ends it as a supervisor does; all that it has said.
    fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        let told = Command::new("kill").arg(id).status().unwrap();
        assert!(told.success(), "the program could not be told to stop");
        self.child.wait().unwrap();
        let text = self.text();
        let fine = text.contains("TRACE") || text.contains("DEBUG");
        assert!(fine, "the log has every line: {text}");
        text
    }
}

fn nothing_of(secrets: &[String], text: &str) {
    for secret in secrets {
        let found = text.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
}

/// Stores of all kinds, each with passwords of its own: of the server, of a listener with a name, of the clients of Kafka and of the
/// registry.
fn stores(folder: &Path, authority: &Issued) -> String {
    let (server, client) = (authority.issue("server"), authority.issue("client"));
    let trust = |file: &str, password: &str| authority.trusted_pkcs12(folder, file, password);
    let server_p12 = server.pkcs12(folder, "server.p12", "planted-store-password");
    let inner = server.encrypted_pem(folder, "inner.pem", "planted-key-password");
    let clients = trust("clients.p12", "planted-trust-password");
    let kafka = authority.trusted_jks(folder, "kafka.jks", "planted-kafka-trust-password");
    let passwords = (
        "planted-client-store-password",
        "planted-client-key-password",
    );
    let own = client.jks(folder, "client.jks", passwords);
    let registry = trust("registry.p12", "planted-registry-trust-password");
    let of_registry = client.pkcs12(
        folder,
        "registry-own.p12",
        "planted-registry-store-password",
    );
    format!(
        "ssl.keystore.location={}\nssl.keystore.password=planted-store-password\n\
         ssl.truststore.location={}\nssl.truststore.password=planted-trust-password\nssl.client.authentication=REQUESTED\n\
         listener.protocol.map=INNER:https\nlistener.name.inner.ssl.keystore.location={}\n\
         listener.name.inner.ssl.keystore.type=PEM\nlistener.name.inner.ssl.key.password=planted-key-password\n\
         client.ssl.truststore.location={}\nclient.ssl.truststore.password=planted-kafka-trust-password\n\
         client.ssl.keystore.location={}\nclient.ssl.keystore.password=planted-client-store-password\n\
         client.ssl.key.password=planted-client-key-password\n\
         schema.registry.ssl.truststore.location={}\nschema.registry.ssl.truststore.type=PKCS12\n\
         schema.registry.ssl.truststore.password=planted-registry-trust-password\n\
         schema.registry.ssl.keystore.location={}\nschema.registry.ssl.keystore.type=PKCS12\n\
         schema.registry.ssl.keystore.password=planted-registry-store-password\n",
        server_p12.display(),
        clients.display(),
        inner.display(),
        kafka.display(),
        own.display(),
        registry.display(),
        of_registry.display(),
    )
}

/// Users, keys of two kinds, tokens, replicas, collectors.
fn identities(folder: &Path, provider: &Provider) -> String {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let users = file(
        "users",
        "alice: planted-password-of-alice,admins\nbob: MD5:5ebe2294ecd0e0f08eab7690d2a6ee69,admins\n",
    );
    let keys = file(
        "keys",
        "key.k.value=planted-key-of-the-course\nkey.k.roles=admins\n",
    );
    let access = file(
        "access",
        "key.k.id=AKIAIOSFODNN7EXAMPLE\nkey.k.secret=planted-secret-of-an-access-key\nkey.k.roles=admins\n",
    );
    format!(
        "authentication.method=BASIC,API_KEY,BEARER\nauthentication.realm=r\n\
         sluiceway.authentication.password.file={users}\nsluiceway.api.keys.file={keys}\n\
         oauthbearer.jwks.endpoint.url={}\noauthbearer.expected.issuer=https://issuer.example\noauthbearer.expected.audience=rest\n\
         sluiceway.audit.log=ALL\nsluiceway.authorization.rules=role/admins: admin=* produce=* consume=*; role/writers: produce=*\n\
         sluiceway.kinesis.enable=true\nsluiceway.kinesis.keys.file={access}\n\
         sluiceway.kinesis.iterator.secret=planted-iterator-secret\n\
         sluiceway.peers=127.0.0.1:1\nsluiceway.peers.secret=planted-peers-secret\n\
         sluiceway.trace.otlp.endpoint=http://127.0.0.1:1\nsluiceway.trace.otlp.headers=authorization=planted-otlp-header\n",
        provider.url()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_the_log_holds_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::start("one").await;
    let authority = Issued::authority("authority");
    let properties = format!(
        "bootstrap.servers=127.0.0.1:1\nproducer.max.block.ms=1000\nclient.security.protocol=SASL_SSL\nclient.sasl.mechanism=SCRAM-SHA-256\n\
         client.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"planted-kafka-password\";\n\
         listeners=http://127.0.0.1:0,https://127.0.0.1:0,INNER://127.0.0.1:0\nsluiceway.admin.listeners=http://127.0.0.1:0\n\
         schema.registry.url=https://127.0.0.1:1\n\
         schema.registry.basic.auth.credentials.source=USER_INFO\nschema.registry.basic.auth.user.info=u:planted-registry-password\n\
         {}{}",
        stores(folder.path(), &authority),
        identities(folder.path(), &provider),
    );
    let program = Program::start(folder.path(), &properties, &[]).await;
    let token = provider.token(&Value::Null);
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let alice = basic("alice:planted-password-of-alice");
    let sent = [
        ("authorization", alice.clone()),
        ("authorization", basic("alice:planted-wrong-password")),
        ("authorization", basic("bob:secret-of-md5")),
        ("authorization", "Basic planted-malformed".to_owned()),
        ("authorization", "Digest planted-scheme".to_owned()),
        ("x-api-key", "planted-key-of-the-course".to_owned()),
        ("x-api-key", "planted-wrong-key".to_owned()),
        ("authorization", format!("Bearer {token}")),
        ("authorization", format!("Bearer {}", provider.unsigned())),
        ("sluiceway-peer", "planted-peers-secret".to_owned()),
    ];
    let http2 = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<Full<Bytes>>();
    let mut statuses = Vec::new();
    for (name, value) in &sent {
        for client in [&program.client, &http2] {
            let request = program.request("/topics/t/nowhere").header(*name, value);
            let request = request.body(Full::from("{}")).unwrap();
            statuses.push(client.request(request).await.unwrap().status().as_u16());
        }
    }
    assert_eq!(
        statuses[..18],
        [
            404, 404, 401, 401, 401, 401, 401, 401, 401, 401, 404, 404, 403, 403, 404, 404, 401,
            401
        ]
    );
    assert!(statuses[18..].iter().all(|status| *status >= 400));
    // The registry is asked with its password and its certificate.
    let avro = [
        ("authorization", &*alice),
        ("content-type", "application/vnd.kafka.avro.v2+json"),
    ];
    let record = r#"{"value_schema":"\"int\"","records":[{"value":1}]}"#;
    assert!(program.post("/topics/t", &avro, record).await >= 400);
    // A call that an SDK has signed with another secret.
    let now = jiff::Timestamp::now()
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string();
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{}/us-east-1/kinesis/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}",
        &now[..8],
        "0".repeat(64)
    );
    let call = [
        ("authorization", &*signed),
        ("x-amz-date", &*now),
        ("x-amz-target", "Kinesis_20131202.ListStreams"),
        ("content-type", "application/x-amz-json-1.1"),
    ];
    assert_eq!(program.post("/", &call, "{}").await, 400);
    let text = program.stop();
    assert!(
        text.contains("sluiceway_proxy::audit"),
        "there is an audit log"
    );
    assert!(
        text.contains("credentials were refused"),
        "and one of refusals"
    );
    let secrets = [
        STANDARD.encode("alice:planted-password-of-alice"),
        STANDARD.encode("alice:planted-wrong-password"),
        STANDARD.encode("u:planted-registry-password"),
        token.rsplit('.').next().unwrap().to_owned(),
        "5ebe2294ecd0e0f08eab7690d2a6ee69".to_owned(),
        "planted-".to_owned(),
    ];
    nothing_of(&secrets, &text);
}

/// A client's secret at an identity provider, a registry's password in its address, a key that stands in the settings.
#[tokio::test(flavor = "multi_thread")]
async fn nor_one_towards_kafka_by_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Issued::authority("authority");
    let client = authority.issue("client");
    let pem = client.key.private_key_to_pem_pkcs8().unwrap();
    let pem = String::from_utf8(pem).unwrap();
    let middle = pem.lines().nth(1).unwrap().to_owned();
    let certificate = String::from_utf8(client.certificate_pem()).unwrap();
    let lines = |text: &str| text.trim().replace('\n', "\\n");
    let properties = format!(
        "bootstrap.servers=127.0.0.1:1\nproducer.max.block.ms=1000\nlisteners=http://127.0.0.1:0\nsluiceway.admin.listeners=http://127.0.0.1:0\n\
         client.security.protocol=SASL_SSL\nclient.sasl.mechanism=OAUTHBEARER\n\
         client.sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler\n\
         client.sasl.oauthbearer.token.endpoint.url=http://127.0.0.1:1/token\n\
         client.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"c\" clientSecret=\"planted-client-secret\";\n\
         client.ssl.keystore.type=PEM\nclient.ssl.keystore.key={}\nclient.ssl.keystore.certificate.chain={}\n\
         schema.registry.url=http://u:planted-registry-password@127.0.0.1:1\n\
         schema.registry.basic.auth.credentials.source=URL\n",
        lines(&pem),
        lines(&certificate),
    );
    let program = Program::start(folder.path(), &properties, &[]).await;
    let avro = [("content-type", "application/vnd.kafka.avro.v2+json")];
    let record = r#"{"value_schema":"\"int\"","records":[{"value":1}]}"#;
    assert!(program.post("/topics/t", &avro, record).await >= 400);
    let json = [("content-type", support::JSON)];
    assert!(
        program
            .post("/topics/t", &json, r#"{"records":[{"value":1}]}"#)
            .await
            >= 400
    );
    let text = program.stop();
    let secrets = [
        STANDARD.encode("c:planted-client-secret"),
        STANDARD.encode("u:planted-registry-password"),
        middle,
        "planted-".to_owned(),
    ];
    nothing_of(&secrets, &text);
}

/// Keys of AWS, which sign tokens for Kafka.
#[tokio::test(flavor = "multi_thread")]
async fn nor_one_of_aws() {
    let folder = tempfile::tempdir().unwrap();
    let properties = "bootstrap.servers=127.0.0.1:1\nproducer.max.block.ms=1000\nlisteners=http://127.0.0.1:0\nsluiceway.admin.listeners=http://127.0.0.1:0\n\
         client.security.protocol=SASL_SSL\nclient.sasl.mechanism=AWS_MSK_IAM\n\
         client.sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;\n\
         client.sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler\n";
    let environment = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "planted-aws-secret"),
        ("AWS_SESSION_TOKEN", "planted-session-token"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let program = Program::start(folder.path(), properties, &environment).await;
    let json = [("content-type", support::JSON)];
    program
        .post("/topics/t", &json, r#"{"records":[{"value":1}]}"#)
        .await;
    let text = program.stop();
    nothing_of(
        &["planted-".to_owned(), "X-Amz-Signature=".to_owned()],
        &text,
    );
}
