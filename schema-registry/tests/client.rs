//! The client against a small HTTP server that answers what the test says.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sluiceway_common::props::Properties;
use sluiceway_schemas::{
    Parsed, Reference, Registry, RegistryConfig, RegistryError, SchemaError, SchemaText,
    SchemaType, Versions,
};
use tokio::net::TcpListener;

type Handler = dyn Fn(&str, &str, &str) -> (u16, String) + Send + Sync;

/// A registry on a free port; `answer` gets "METHOD path", the authorization and the body.
struct Stage {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Stage {
    async fn new(
        delay: Duration,
        answer: impl Fn(&str, &str, &str) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let answer: Arc<Handler> = Arc::new(answer);
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (answer, counter) = (Arc::clone(&answer), Arc::clone(&counter));
                let service = service_fn(move |request| {
                    respond(request, Arc::clone(&answer), Arc::clone(&counter), delay)
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service),
                );
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    fn registry(&self, settings: &[(&str, &str)]) -> Registry {
        registry(&self.url, settings)
    }
}

async fn respond(
    request: Request<Incoming>,
    answer: Arc<Handler>,
    counter: Arc<AtomicUsize>,
    delay: Duration,
) -> Result<Response<Full<Bytes>>, Infallible> {
    counter.fetch_add(1, SeqCst);
    tokio::time::sleep(delay).await;
    let line = format!("{} {}", request.method(), request.uri());
    let auth = request
        .headers()
        .get("authorization")
        .map_or(String::new(), |value| value.to_str().unwrap().to_owned());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let (status, body) = answer(&line, &auth, &String::from_utf8_lossy(&body));
    Ok(Response::builder()
        .status(status)
        .body(Full::new(Bytes::from(body)))
        .unwrap())
}

fn registry(url: &str, settings: &[(&str, &str)]) -> Registry {
    let mut properties = Properties::from([("schema.registry.url".to_owned(), url.to_owned())]);
    for (key, value) in settings {
        properties.insert((*key).to_owned(), (*value).to_owned());
    }
    Registry::new(RegistryConfig::from_properties(&properties, "").unwrap()).unwrap()
}

fn not_found() -> (u16, String) {
    let body = r#"{"error_code":40403,"message":"Schema 9 not found"}"#;
    (404, body.to_owned())
}

fn int_schema() -> (u16, String) {
    (200, r#"{"schema":"\"int\""}"#.to_owned())
}

#[tokio::test]
async fn a_schema_is_asked_for_once() {
    let stage = Stage::new(Duration::from_millis(30), |line, _, _| {
        assert_eq!(line, "GET /schemas/ids/1");
        int_schema()
    })
    .await;
    let registry = stage.registry(&[]);
    let asked = (0..20).map(|_| registry.schema_by_id(1));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.unwrap().schema_type(), SchemaType::Avro);
    }
    registry.schema_by_id(1).await.unwrap();
    assert_eq!(stage.asked(), 1);
    assert_eq!(registry.counters().requests(), 1);
}

#[tokio::test]
async fn a_schema_that_is_missing_is_believed_for_a_while() {
    let stage = Stage::new(Duration::ZERO, |_, _, _| not_found()).await;
    let registry = stage.registry(&[("missing.id.cache.ttl.sec", "60")]);
    for _ in 0..3 {
        let error = registry.schema_by_id(9).await.unwrap_err();
        assert_eq!(error.to_string(), "Schema 9 not found; error code: 40403");
        assert_eq!(
            (error.error_code(), error.is_not_found()),
            (Some(40403), true)
        );
    }
    assert_eq!(stage.asked(), 1);
    let registry = stage.registry(&[("missing.id.cache.ttl.sec", "0")]);
    for _ in 0..2 {
        registry.schema_by_id(9).await.unwrap_err();
    }
    assert_eq!(stage.asked(), 3);
}

#[tokio::test]
async fn the_next_url_is_taken_when_one_is_dead_or_failing() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead_url = format!("http://{}", dead.local_addr().unwrap());
    drop(dead);
    let failing = Stage::new(Duration::ZERO, |_, _, _| (500, "no".to_owned())).await;
    let good = Stage::new(Duration::ZERO, |_, _, _| int_schema()).await;
    let all = registry(&format!("{dead_url},{},{}", failing.url, good.url), &[]);
    all.schema_by_id(1).await.unwrap();
    assert_eq!(all.counters().fail_overs(), 2);
    // The one that answered is asked first from then on.
    all.schema_by_id(2).await.unwrap();
    assert_eq!((failing.asked(), good.asked()), (1, 2));

    let error = registry(&dead_url, &[]).schema_by_id(1).await.unwrap_err();
    assert_eq!(error.to_string(), "Connection refused");
    assert!(error.is_transient());
    let error = failing.registry(&[]).schema_by_id(1).await.unwrap_err();
    assert!(matches!(
        error,
        RegistryError::Response {
            status: 500,
            error_code: 50005,
            ..
        }
    ));
    // What is no registry's answer is told as it is, with the code of Confluent's client.
    assert_eq!(error.to_string(), "no; error code: 50005");
}

#[tokio::test]
async fn a_slow_registry_is_given_up() {
    let stage = Stage::new(Duration::from_secs(30), |_, _, _| int_schema()).await;
    let registry = stage.registry(&[("http.read.timeout.ms", "100")]);
    let start = Instant::now();
    let error = registry.schema_by_id(1).await.unwrap_err();
    assert!(
        matches!(error, RegistryError::TimedOut { millis: 100, .. }),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let stage = Stage::new(Duration::ZERO, |_, auth, _| match auth {
        "Basic dTpw" | "Bearer tok" => int_schema(),
        _ => (
            401,
            r#"{"error_code":401,"message":"Unauthorized"}"#.to_owned(),
        ),
    })
    .await;
    let basic = [
        ("basic.auth.credentials.source", "USER_INFO"),
        ("basic.auth.user.info", "u:p"),
    ];
    let bearer = [
        ("bearer.auth.credentials.source", "STATIC_TOKEN"),
        ("bearer.auth.token", "tok"),
    ];
    for settings in [&basic[..], &bearer] {
        let registry = stage.registry(settings);
        registry.schema_by_id(1).await.unwrap();
        let shown = format!("{registry:?}");
        assert!(
            !shown.contains("u:p") && !shown.contains("\"tok\""),
            "{shown}"
        );
    }
    let in_url = stage.url.replace("http://", "http://u:p@");
    registry(&in_url, &[]).schema_by_id(1).await.unwrap();
    let error = stage.registry(&[]).schema_by_id(1).await.unwrap_err();
    assert_eq!(error.error_code(), Some(401));
}

#[tokio::test]
async fn tokens_of_an_identity_provider_are_kept() {
    let provider = Stage::new(Duration::ZERO, |line, auth, body| {
        let question = ("POST /token", "grant_type=client_credentials&scope=sr");
        assert_eq!((line, body), question);
        match auth {
            "Basic bWU6cGxhbnRlZA==" => (
                200,
                r#"{"access_token":"tok","expires_in":3600}"#.to_owned(),
            ),
            _ => (401, r#"{"error":"invalid_client"}"#.to_owned()),
        }
    })
    .await;
    let stage = Stage::new(Duration::ZERO, |_, auth, _| match auth {
        "Bearer tok" => int_schema(),
        _ => (401, "no".to_owned()),
    })
    .await;
    let endpoint = format!("{}/token", provider.url);
    let registry = |id, secret| {
        stage.registry(&[
            ("bearer.auth.credentials.source", "OAUTHBEARER"),
            ("bearer.auth.issuer.endpoint.url", endpoint.as_str()),
            ("bearer.auth.client.id", id),
            ("bearer.auth.client.secret", secret),
            ("bearer.auth.scope", "sr"),
        ])
    };
    let good = registry("me", "planted");
    let both = tokio::join!(good.schema_by_id(1), good.schema_by_id(2));
    assert!(both.0.is_ok() && both.1.is_ok());
    assert_eq!(provider.asked(), 1);
    assert!(!format!("{good:?}").contains("planted"));

    let error = registry("me", "wrong").schema_by_id(1).await.unwrap_err();
    let told = format!(
        "no token from {endpoint}: it refuses with 401 Unauthorized, invalid_client; look at clientId and clientSecret"
    );
    assert_eq!(error.to_string(), told);
    assert!(error.is_transient());
    assert_eq!(stage.asked(), 2);
}

#[tokio::test]
async fn versions_look_up_and_registering() {
    let stage = Stage::new(Duration::ZERO, |line, _, body| match line {
        "GET /subjects/t-value/versions/latest" | "GET /subjects/t-value/versions/2" => (
            200,
            r#"{"subject":"t-value","version":2,"id":7,"schema":"\"int\""}"#.to_owned(),
        ),
        "POST /subjects/t-value?deleted=true" => {
            assert_eq!(body, r#"{"schema":"\"int\""}"#);
            (
                200,
                r#"{"subject":"t-value","version":2,"id":7,"schema":"\"int\""}"#.to_owned(),
            )
        }
        "POST /subjects/t-value?deleted=false" => (
            404,
            r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned(),
        ),
        "POST /subjects/t-value/versions" => (200, r#"{"id":7}"#.to_owned()),
        "POST /subjects/x/versions" => (
            409,
            r#"{"error_code":409,"message":"Schema being registered is incompatible"}"#.to_owned(),
        ),
        "GET /schemas/ids/7" => int_schema(),
        other => (500, other.to_owned()),
    })
    .await;
    let registry = stage.registry(&[]);
    let text = SchemaText::new(SchemaType::Avro, "\"int\"");
    let latest = registry.latest("t-value").await.unwrap();
    assert_eq!((latest.id, latest.version), (7, 2));
    assert_eq!(registry.by_version("t-value", 2).await.unwrap().id, 7);
    let found = registry.look_up("t-value", &text, Versions::All).await;
    assert_eq!(found.unwrap().version, 2);
    let live = registry.look_up("t-value", &text, Versions::Live).await;
    assert!(live.unwrap_err().is_not_found());
    assert_eq!(registry.register("t-value", &text).await.unwrap(), 7);
    assert_eq!(registry.version_of("t-value", 7).await.unwrap(), 2);
    let error = registry.register("x", &text).await.unwrap_err();
    assert_eq!(error.error_code(), Some(409));
}

#[tokio::test]
async fn references_are_resolved_through_several_steps() {
    let stage = Stage::new(Duration::ZERO, |line, _, _| {
        let (schema, references) = match line {
            "GET /schemas/ids/1" => (
                r#"{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"b\",\"type\":\"B\"}]}"#,
                r#"[{"name":"B","subject":"b","version":1}]"#,
            ),
            "GET /subjects/b/versions/1?deleted=true" => (
                r#"{\"type\":\"record\",\"name\":\"B\",\"fields\":[{\"name\":\"c\",\"type\":\"C\"}]}"#,
                r#"[{"name":"C","subject":"c","version":3}]"#,
            ),
            "GET /subjects/c/versions/3?deleted=true" => (
                r#"{\"type\":\"enum\",\"name\":\"C\",\"symbols\":[\"X\"]}"#,
                "[]",
            ),
            "GET /schemas/ids/2" => (
                r#"\"int\""#,
                r#"[{"name":"N","subject":"none","version":1}]"#,
            ),
            "GET /schemas/ids/3" => ("broken", "[]"),
            _ => return (404, r#"{"error_code":40401,"message":"x"}"#.to_owned()),
        };
        (
            200,
            format!(r#"{{"schema":"{schema}","references":{references}}}"#),
        )
    })
    .await;
    let registry = stage.registry(&[]);
    let schema = registry.schema_by_id(1).await.unwrap();
    assert_eq!(
        schema.references(),
        [Reference {
            name: "B".to_owned(),
            subject: "b".to_owned(),
            version: 1
        }]
    );
    assert!(matches!(schema.parsed(), Parsed::Avro(_)));
    assert_eq!(schema.resolved().len(), 2);
    let error = registry.schema_by_id(2).await.unwrap_err();
    assert!(matches!(
        error,
        RegistryError::Schema(SchemaError::MissingReference { .. })
    ));
    let error = registry.schema_by_id(3).await.unwrap_err();
    assert!(matches!(
        error,
        RegistryError::Schema(SchemaError::Invalid(_))
    ));
}

#[tokio::test]
async fn answers_that_are_none() {
    let stage = Stage::new(Duration::ZERO, |_, _, _| (200, "<html>".to_owned())).await;
    let error = stage.registry(&[]).schema_by_id(1).await.unwrap_err();
    assert!(matches!(error, RegistryError::BadAnswer { .. }), "{error}");
}

#[tokio::test]
async fn a_large_schema_is_read_and_a_huge_one_refused() {
    let stage = Stage::new(Duration::ZERO, |line, _, _| {
        let len = if line.ends_with("/1") { 1 << 20 } else { 5 << 20 };
        let doc = "x".repeat(len);
        (
            200,
            format!(
                r#"{{"schema":"{{\"type\":\"record\",\"name\":\"A\",\"doc\":\"{doc}\",\"fields\":[]}}"}}"#
            ),
        )
    })
    .await;
    let registry = stage.registry(&[]);
    assert!(registry.schema_by_id(1).await.unwrap().text().len() > 1 << 20);
    let error = registry.schema_by_id(2).await.unwrap_err();
    assert!(matches!(
        error,
        RegistryError::Schema(SchemaError::TooLarge { .. })
    ));
}
