//! The program with every log line there is: none holds a planted password, key or token, and the audit log says who did what.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::stage::{Stage, send};

/// Everything at trace level takes its time.
const PATIENCE: Duration = Duration::from_secs(90);

/// The program, with its log in a file; it ends with the test.
struct Program {
    child: Child,
    log: PathBuf,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Program {
    fn start(stage: &Stage, extra: &str) -> Self {
        let properties = stage.worker_properties(extra);
        let lines = properties
            .iter()
            .map(|(key, value)| format!("{key}={value}\n"));
        let (file, log) = (
            stage.dir.path().join("worker"),
            stage.dir.path().join("log"),
        );
        std::fs::write(&file, lines.collect::<String>()).unwrap();
        let output = std::fs::File::create(&log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_sluiceway-sink"))
            .arg(file)
            .env("RUST_LOG", "trace")
            .env("SLUICEWAY_LOG_FORMAT", "text")
            .stdout(Stdio::from(output.try_clone().unwrap()))
            .stderr(Stdio::from(output))
            .spawn()
            .unwrap();
        Self { child, log }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// Where its REST API listens, once it does.
    fn address(&self) -> Option<SocketAddr> {
        let text = self.text();
        let line = text.lines().find(|line| line.contains("worker started"))?;
        let (_, rest) = line.split_once("listeners=[")?;
        rest.split_once(']')?.0.parse().ok()
    }
}

async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Two connectors: one writes, with a secret out of a file; the other has secrets that nobody takes.
fn connectors(stage: &Stage) -> [(&'static str, Map<String, Value>); 2] {
    let vault = stage.dir.path().join("vault.properties");
    std::fs::write(&vault, "secret=devsecret\n").unwrap();
    let mut writes = stage.connector("t");
    let reference = format!("${{file:{}:secret}}", vault.display());
    writes.insert("aws.secret.access.key".into(), reference.into());
    let mut fails = stage.connector("t");
    for (key, value) in [
        ("aws.secret.access.key", "planted-s3-secret"),
        ("consumer.override.security.protocol", "SASL_PLAINTEXT"),
        ("consumer.override.sasl.mechanism", "SCRAM-SHA-256"),
        (
            "consumer.override.sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"planted-kafka-password\";",
        ),
        ("value.converter", "io.confluent.connect.avro.AvroConverter"),
        ("value.converter.schema.registry.url", "http://127.0.0.1:1"),
        ("value.converter.basic.auth.credentials.source", "USER_INFO"),
        (
            "value.converter.basic.auth.user.info",
            "u:planted-registry-password",
        ),
    ] {
        fails.insert(key.into(), value.into());
    }
    [("writes", writes), ("fails", fails)]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_the_log_holds_a_secret() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    stage.produce("t", 0, 3).await;
    let users = stage.dir.path().join("users");
    std::fs::write(&users, "alice=planted-rest-password\n").unwrap();
    let extra = format!(
        "rest.extension.classes=org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension\n\
         sluiceway.rest.authentication.password.file={}\nsluiceway.audit.log=all\nconfig.providers=file\n\
         config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider\n\
         sluiceway.trace.otlp.endpoint=http://127.0.0.1:1\nsluiceway.trace.otlp.headers=authorization=planted-otlp-header\n",
        users.display()
    );
    let mut program = Program::start(&stage, &extra);
    let at = wait_for("the worker starts", || program.address()).await;
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let call = async |method: &str, path: &str, authorization: &str, body: &Value| {
        let headers = [
            ("authorization", authorization),
            ("content-type", "application/json"),
        ];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        send(at, method, path, &headers, &body).await
    };
    let alice = basic("alice:planted-rest-password");
    for (name, config) in connectors(&stage) {
        let body = json!({"name": name, "config": config});
        let made = call("POST", "/connectors", &alice, &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        // A mistake beside a secret, and a check of it.
        let mut wrong = config.clone();
        wrong.insert("flush.size".into(), "none".into());
        wrong.insert("name".into(), name.into());
        let path = format!("/connectors/{name}/config");
        let refused = call("PUT", &path, &alice, &json!(wrong)).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        let path = "/connector-plugins/S3SinkConnector/config/validate";
        let checked = call("PUT", path, &alice, &json!(config)).await;
        assert_eq!(checked.status, 200, "{}", checked.text);
    }
    for (who, expected) in [
        (&alice, 200),
        (&basic("alice:planted-wrong-password"), 401),
        (&"Basic planted-malformed".to_owned(), 401),
        (&"Bearer planted-token".to_owned(), 401),
    ] {
        for path in [
            "/connectors?expand=info&expand=status",
            "/connectors/writes/config",
        ] {
            let answer = call("GET", path, who, &Value::Null).await;
            assert_eq!(answer.status, expected, "{path}");
        }
    }
    wait_for("an object is written", || {
        stage.objects("bucket").pop().map(|_| ())
    })
    .await;
    let id = program.child.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    program.child.wait().unwrap();

    let text = program.text();
    assert!(text.contains("TRACE"), "the log has every line");
    let audited = |parts: &[&str]| {
        let mut lines = text
            .lines()
            .filter(|line| line.contains("sluiceway_sink::audit"));
        lines.any(|line| parts.iter().all(|part| line.contains(part)))
    };
    for parts in [
        ["done", "alice", "POST", "/connectors", "201"],
        ["done", "alice", "GET", "/connectors/writes/config", "200"],
        [
            "denied",
            "127.0.0.1:",
            "GET",
            "/connectors/writes/config",
            "401",
        ],
    ] {
        assert!(audited(&parts), "{parts:?}");
    }
    for secret in [
        "planted-rest",
        "planted-wrong",
        "planted-malformed",
        "planted-token",
        "planted-s3",
        "planted-kafka",
        "planted-registry",
        "planted-otlp",
        "devsecret",
        &STANDARD.encode("alice:planted-rest-password"),
        &STANDARD.encode("alice:planted-wrong-password"),
        &STANDARD.encode("u:planted-registry-password"),
    ] {
        let found = text.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
}
