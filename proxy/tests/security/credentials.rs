//! API keys with their plans, and tokens of an identity provider.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::callers::{get, send};
use crate::provider::Provider;
use crate::support::{Answer, start};

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_and_usage_plans_answer_as_api_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.properties");
    std::fs::write(
        &file,
        "plan.slow.rate=0.001\nplan.slow.burst=3\nplan.small.quota=2\n\
         key.course.value=planted-key-of-the-course\nkey.course.plan=slow\n\
         key.small.value=planted-key-that-is-small\nkey.small.plan=small\n",
    )
    .unwrap();
    let settings = format!(
        "authentication.method=API_KEY\nsluiceway.api.keys.file={}\n\
         sluiceway.authorization.rules=*: produce=*\n",
        file.display()
    );
    let proxy = start("127.0.0.1:1", &settings).await;
    let call = async |key: &str| {
        let headers = [("x-api-key", key.to_owned())];
        send(&proxy, Method::GET, "/nowhere", &headers, "").await
    };
    let refusal = |answer: &Answer, status: u16, message: &str, kind: &str| {
        assert_eq!(answer.status, status);
        assert_eq!(answer.json(), json!({ "message": message }));
        assert_eq!(answer.header("x-amzn-errortype"), Some(kind));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    };
    refusal(
        &proxy.get("/topics").await,
        403,
        "Forbidden",
        "ForbiddenException",
    );
    refusal(
        &call("unknown").await,
        403,
        "Forbidden",
        "ForbiddenException",
    );
    for _ in 0..3 {
        assert_eq!(call("planted-key-of-the-course").await.status, 404);
    }
    let throttled = call("planted-key-of-the-course").await;
    refusal(
        &throttled,
        429,
        "Too Many Requests",
        "TooManyRequestsException",
    );
    for _ in 0..2 {
        assert_eq!(call("planted-key-that-is-small").await.status, 404);
    }
    let exceeded = call("planted-key-that-is-small").await;
    refusal(&exceeded, 429, "Limit Exceeded", "LimitExceededException");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_an_identity_provider() {
    let provider = Provider::start("one").await;
    let settings = format!(
        "authentication.method=BEARER\noauthbearer.jwks.endpoint.url={}\n\
         oauthbearer.expected.issuer=https://issuer.example\noauthbearer.expected.audience=rest\n\
         sluiceway.authorization.rules=role/writers: produce=*\n\
         sluiceway.authentication.failures.per.minute=0\n",
        provider.url()
    );
    let proxy = start("127.0.0.1:1", &settings).await;
    let status = async |token: &str| {
        let bearer = ("authorization", format!("Bearer {token}"));
        get(&proxy, "/nowhere", &bearer).await.status
    };
    let unknown = proxy.get("/topics").await;
    assert_eq!(
        (unknown.status, unknown.header("www-authenticate")),
        (401, Some("Bearer"))
    );
    let first = provider.token(&Value::Null);
    assert_eq!(status(&first).await, 404);
    for change in [
        json!({"aud": "else"}),
        json!({"iss": "https://evil.example"}),
        json!({"exp": 1}),
        json!({"nbf": 99_999_999_999_i64}),
    ] {
        assert_eq!(status(&provider.token(&change)).await, 401, "{change}");
    }
    assert_eq!(status("nonsense").await, 401);
    assert_eq!(status(&provider.unsigned()).await, 401);
    let other = provider.token(&json!({"groups": ["readers"]}));
    let bearer = ("authorization", format!("Bearer {other}"));
    assert_eq!(get(&proxy, "/topics/x", &bearer).await.status, 403);
    let fetched = provider.fetches();
    assert_eq!(fetched, 1, "keys are kept");
    // A key that nobody knows leads to one fetch in ten seconds, not to one a token.
    provider.rotate("two");
    for _ in 0..5 {
        status(&provider.token(&Value::Null)).await;
    }
    assert_eq!(provider.fetches(), fetched);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(
        status(&provider.token(&Value::Null)).await,
        404,
        "the new key"
    );
    assert_eq!(status(&first).await, 401, "the old key is gone");
}
