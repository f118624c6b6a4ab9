//! API keys with their plans, and tokens of an identity provider.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::callers::{get, send};
use crate::provider::Provider;
use crate::support::{Answer, Running, kafka, start};

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

/// Settings for tokens of a provider.
fn bearer(provider: &Provider, further: &str) -> String {
    format!(
        "authentication.method=BEARER\noauthbearer.jwks.endpoint.url={}\n\
         oauthbearer.expected.issuer=https://issuer.example\noauthbearer.expected.audience=rest\n\
         sluiceway.authorization.rules=role/writers: produce=*\n\
         sluiceway.authentication.failures.per.minute=0\n{further}\n",
        provider.url()
    )
}

/// What whoever shows a token is answered: 404 is past the gate.
async fn status(proxy: &Running, token: &str) -> u16 {
    let bearer = ("authorization", format!("Bearer {token}"));
    get(proxy, "/nowhere", &bearer).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_an_identity_provider() {
    let provider = Provider::start("one").await;
    let proxy = start("127.0.0.1:1", &bearer(&provider, "")).await;
    let status = async |token: &str| status(&proxy, token).await;
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
    assert_eq!(status(&provider.confused()).await, 401);
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

/// Each algorithm is taken when the settings name it, and else not, whoever has signed.
#[tokio::test(flavor = "multi_thread")]
async fn algorithms_of_tokens() {
    const ALL: [&str; 9] = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
    ];
    let (provider, kafka) = (Provider::start("one").await, kafka(false).await);
    for algorithm in ALL {
        provider.sign_by("one", algorithm);
        let others: Vec<&str> = ALL.into_iter().filter(|one| *one != algorithm).collect();
        let naming = |names: &str| format!("sluiceway.jwt.algorithms={names}");
        for (names, expected) in [(algorithm.to_owned(), 404), (others.join(","), 401)] {
            let settings = bearer(&provider, &naming(&names));
            let proxy = start(&kafka.bootstrap(), &settings).await;
            let found = status(&proxy, &provider.token(&Value::Null)).await;
            assert_eq!(found, expected, "{algorithm} where {names} are taken");
        }
        let by_default = start(&kafka.bootstrap(), &bearer(&provider, "")).await;
        let found = status(&by_default, &provider.token(&Value::Null)).await;
        let taken = ["RS256", "ES256"].contains(&algorithm);
        assert_eq!(found == 404, taken, "{algorithm} by default");
    }
    // All are taken, and the signature is right; but the provider says what its key is for.
    provider.sign_by("one", "RS256");
    let settings = bearer(
        &provider,
        &format!("sluiceway.jwt.algorithms={}", ALL.join(",")),
    );
    let proxy = start(&kafka.bootstrap(), &settings).await;
    for (algorithm, expected) in [("RS256", 404), ("PS256", 401), ("RS512", 401)] {
        let token = provider.token_by(algorithm, &Value::Null);
        assert_eq!(status(&proxy, &token).await, expected, "{algorithm}");
    }
}

/// A provider that changes its key and keeps the key's name: nothing but time tells of that.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_again_in_time() {
    let (provider, kafka) = (Provider::start("one").await, kafka(false).await);
    let settings = bearer(&provider, "sluiceway.jwks.refresh.ms=1000");
    let proxy = start(&kafka.bootstrap(), &settings).await;
    let old = provider.token(&json!({"exp": 99_999_999_999_i64}));
    assert_eq!(status(&proxy, &old).await, 404);
    provider.rotate("one");
    let started = Instant::now();
    while status(&proxy, &provider.token(&Value::Null)).await != 404 {
        let waited = started.elapsed();
        assert!(
            waited < Duration::from_secs(60),
            "the new key is never fetched"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(status(&proxy, &old).await, 401, "the old key is gone");
    let fetches = u64::try_from(provider.fetches()).unwrap();
    let most = 2 + started.elapsed().as_secs() / 10;
    assert!((2..=most).contains(&fetches), "{fetches} fetches");
}
