//! Tokens and API keys at the REST API and at the admin listener, and rights by connector.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sluiceway_sink::worker::WorkerConfig;

use crate::provider::Provider;
use crate::stage::{Reply, Stage, send};

const RULES: &str = "alice: read=a-* write=a-1; role/ops: write=*; reader: read=*";

/// Someone who asks.
struct Asking {
    address: SocketAddr,
    header: (&'static str, String),
}

impl Asking {
    fn token(address: SocketAddr, token: &str) -> Self {
        let header = ("authorization", format!("Bearer {token}"));
        Self { address, header }
    }

    fn key(address: SocketAddr, key: &str) -> Self {
        let header = ("x-api-key", key.to_owned());
        Self { address, header }
    }

    async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let own = (self.header.0, self.header.1.as_str());
        let headers = [own, ("content-type", "application/json")];
        let body = body.map(Value::to_string).unwrap_or_default();
        send(self.address, method, path, &headers, &body).await
    }

    async fn status(&self, method: &str, path: &str) -> u16 {
        self.call(method, path, None).await.status
    }
}

fn settings(stage: &Stage, provider: &Provider) -> String {
    let keys = stage.file(
        "keys.properties",
        "plan.few.quota=2\nkey.reader.value=planted-key-of-the-reader\n\
         key.few.value=planted-key-with-a-plan\nkey.few.plan=few\n",
    );
    format!(
        "authentication.method=BEARER,API_KEY\noauthbearer.jwks.endpoint.url={}\n\
         oauthbearer.expected.issuer=https://issuer.example\noauthbearer.expected.audience=rest\n\
         sluiceway.api.keys.file={}\nsluiceway.authorization.rules={RULES}\n\
         sluiceway.admin.authentication.enable=true\nsluiceway.authentication.failures.per.minute=0\n",
        provider.url(),
        keys.display()
    )
}

fn is_refused(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert_eq!(reply.body["error_code"], status, "{}", reply.text);
    assert!(reply.body["message"].is_string(), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_keys_open_what_rules_say() {
    let (stage, provider) = (Stage::new().await, Provider::start("one").await);
    let worker = stage
        .worker_with(&settings(&stage, &provider), Vec::new())
        .await;
    let (rest, admin) = (worker.rest_addresses()[0], worker.admin_addresses()[0]);
    only_true_credentials_count(rest, &provider).await;

    let ops = Asking::token(
        rest,
        &provider.token(&json!({"sub": "o", "groups": ["ops"]})),
    );
    let alice = Asking::token(rest, &provider.token(&Value::Null));
    let reader = Asking::key(rest, "planted-key-of-the-reader");
    let nobody = Asking::token(rest, &provider.token(&json!({"sub": "eve", "groups": []})));
    for name in ["a-2", "b"] {
        let made = ops
            .call("POST", "/connectors", Some(&stopped(&stage, name)))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    // A name of the body is one as well.
    let made = alice
        .call("POST", "/connectors", Some(&stopped(&stage, "a-1")))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let refused = alice
        .call("POST", "/connectors", Some(&stopped(&stage, "b-2")))
        .await;
    is_refused(&refused, 403);
    assert_eq!(
        refused.body["message"],
        "alice is not allowed to write connector b-2"
    );
    rights_by_connector(&ops, &alice, &reader, &nobody).await;
    the_admin_listener_knows_them(admin, &provider).await;
    worker.stop().await;
}

fn stopped(stage: &Stage, name: &str) -> Value {
    let config = stage.connector("t");
    json!({"name": name, "config": config, "initial_state": "STOPPED"})
}

async fn only_true_credentials_count(rest: SocketAddr, provider: &Provider) {
    let anybody = send(rest, "GET", "/connectors", &[], "").await;
    is_refused(&anybody, 401);
    assert_eq!(anybody.headers["www-authenticate"], "Bearer");
    let good = provider.token(&Value::Null);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let mut wrong = vec![
        provider.unsigned(),
        provider.confused(),
        format!("{signed}."),
        "nonsense".to_owned(),
    ];
    for change in [
        json!({"aud": "else"}),
        json!({"iss": "https://evil.example"}),
        json!({"exp": 1}),
        json!({"nbf": 99_999_999_999_i64}),
        json!({"iat": 99_999_999_999_i64}),
        json!({"sub": ""}),
    ] {
        wrong.push(provider.token(&change));
    }
    for token in wrong {
        let reply = Asking::token(rest, &token)
            .call("GET", "/connectors", None)
            .await;
        is_refused(&reply, 401);
    }
    let reply = Asking::key(rest, "planted-key-of-nobody")
        .call("GET", "/", None)
        .await;
    is_refused(&reply, 403);
    // Wrong ones are not made up for by right ones beside them.
    let bearer = format!("Bearer {good}");
    let both = [("x-api-key", "wrong"), ("authorization", bearer.as_str())];
    is_refused(&send(rest, "GET", "/", &both, "").await, 403);
    let twice = [("authorization", bearer.as_str()); 2];
    is_refused(&send(rest, "GET", "/", &twice, "").await, 401);
    assert_eq!(Asking::token(rest, &good).status("GET", "/").await, 200);
    let few = Asking::key(rest, "planted-key-with-a-plan");
    for _ in 0..2 {
        assert_eq!(few.status("GET", "/").await, 200);
    }
    is_refused(&few.call("GET", "/", None).await, 429);
}

async fn rights_by_connector(ops: &Asking, alice: &Asking, reader: &Asking, nobody: &Asking) {
    let named = async |who: &Asking, path: &str| who.call("GET", path, None).await.body;
    assert_eq!(named(alice, "/connectors").await, json!(["a-1", "a-2"]));
    assert_eq!(named(nobody, "/connectors").await, json!([]));
    assert_eq!(
        named(reader, "/connectors").await,
        json!(["a-1", "a-2", "b"])
    );
    let expanded = named(alice, "/connectors?expand=info").await;
    let names: Vec<&String> = expanded.as_object().unwrap().keys().collect();
    assert_eq!(names, ["a-1", "a-2"]);
    for (method, path, of_alice, of_reader, of_nobody) in [
        ("GET", "/", 200, 200, 200),
        ("GET", "/connector-plugins", 200, 200, 200),
        ("GET", "/connectors/a-2/config", 200, 200, 403),
        ("HEAD", "/connectors/b/config", 403, 200, 403),
        ("GET", "/connectors/%62/status", 403, 200, 403),
        ("GET", "/connectors/b/objects", 403, 0, 403),
        ("PUT", "/connectors/a-1/stop", 204, 403, 403),
        ("PUT", "/connectors/a-2/stop", 403, 403, 403),
        ("POST", "/connectors/a-2/restart", 403, 403, 403),
        ("PUT", "/connectors/a-2/config", 403, 403, 403),
        ("PATCH", "/connectors/a-2/config", 403, 403, 403),
        ("DELETE", "/connectors/a-2/offsets", 403, 403, 403),
        ("DELETE", "/connectors/b", 403, 403, 403),
        ("PUT", "/connectors/c/config", 403, 403, 403),
        (
            "PUT",
            "/connector-plugins/S3SinkConnector/config/validate",
            400,
            403,
            403,
        ),
        ("GET", "/admin/loggers", 403, 200, 403),
        ("PUT", "/admin/loggers/x", 403, 403, 403),
        ("GET", "/nowhere", 404, 404, 404),
    ] {
        for (who, expected) in [(alice, of_alice), (reader, of_reader), (nobody, of_nobody)] {
            // 0: what S3 answers is no matter of rights.
            let status = who.status(method, path).await;
            assert!([0, status].contains(&expected), "{method} {path}: {status}");
            assert!(expected != 0 || status != 403, "{method} {path}: {status}");
        }
    }
    for name in ["a-2", "b"] {
        assert_eq!(
            ops.status("DELETE", &format!("/connectors/{name}")).await,
            204
        );
    }
    let level = json!({"level": "WARN"});
    let changed = ops
        .call("PUT", "/admin/loggers/com.example.X", Some(&level))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
}

/// 400: past the gate; a body that is no directive changes nothing.
async fn the_admin_listener_knows_them(admin: SocketAddr, provider: &Provider) {
    let ops = Asking::token(admin, &provider.token(&json!({"groups": ["ops"]})));
    let alice = Asking::token(admin, &provider.token(&Value::Null));
    let reader = Asking::key(admin, "planted-key-of-the-reader");
    let expired = Asking::token(admin, &provider.token(&json!({"exp": 1})));
    let confused = Asking::token(admin, &provider.confused());
    let wrong = Asking::key(admin, "planted-key-of-nobody");
    for (who, looks, changes) in [
        (&ops, 200, 400),
        (&alice, 200, 403),
        (&reader, 200, 403),
        (&expired, 401, 401),
        (&confused, 401, 401),
        (&wrong, 401, 401),
    ] {
        for path in ["/metrics", "/log-levels"] {
            let status = who.status("GET", path).await;
            // The log of this process is not started.
            assert!(
                status == looks || (looks == 200 && status == 400),
                "{path}: {status}"
            );
        }
        let put = who.call("PUT", "/log-levels", Some(&json!("loud"))).await;
        assert_eq!(put.status, changes, "{}", put.text);
    }
    let anybody = send(admin, "GET", "/metrics", &[], "").await;
    assert_eq!(anybody.status, 401);
    assert_eq!(anybody.headers["www-authenticate"], "Bearer");
    assert_eq!(send(admin, "GET", "/livez", &[], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_do_not_fit_are_told() {
    let stage = Stage::new().await;
    let told = |extra: &str| {
        let properties = stage.worker_properties(extra);
        assert!(
            WorkerConfig::unknown_keys(&properties).is_empty(),
            "{extra}"
        );
        match WorkerConfig::parse(&properties) {
            Ok(_) => String::new(),
            Err(errors) => errors.to_string(),
        }
    };
    for (extra, expected) in [
        (
            "authentication.method=MTLS,BASIC\nsluiceway.authentication.password.file=/x",
            "",
        ),
        (
            "authentication.method=KAFKA",
            "it must be NONE, or some of BASIC",
        ),
        ("authentication.method=BASIC", "BASIC needs a password file"),
        (
            "authentication.method=API_KEY",
            "API_KEY needs the file of keys",
        ),
        (
            "authentication.method=BEARER",
            "oauthbearer.jwks.endpoint.url is not set",
        ),
        (
            "sluiceway.authorization.rules=a: read=*",
            "without them nobody has a name",
        ),
        (
            "authentication.method=MTLS\nsluiceway.authorization.rules=a: produce=x",
            "no operation produce",
        ),
        (
            "sluiceway.rest.workers.secret=short",
            "at least 16 visible characters",
        ),
    ] {
        let told = told(extra);
        assert!(
            told.contains(expected) && told.is_empty() == expected.is_empty(),
            "{extra}: {told}"
        );
    }
}
