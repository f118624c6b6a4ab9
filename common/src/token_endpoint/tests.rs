//! The question, and an endpoint that is not there.
#![allow(clippy::unwrap_used)]

use super::*;
use std::time::Duration;

fn settings(endpoint: &str) -> OidcSettings {
    OidcSettings {
        endpoint: endpoint.to_owned(),
        client_id: "my id".to_owned(),
        client_secret: Secret::new("plan:ted%"),
        scope: Some("kafka write&more".to_owned()),
        encode_header: false,
        trust: None,
        connect_timeout: Duration::from_secs(1),
        read_timeout: Duration::from_secs(1),
    }
}

async fn asked(settings: &OidcSettings) -> (http::request::Parts, String, String) {
    let (head, body) = request(settings).unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let basic = head.headers[AUTHORIZATION].to_str().unwrap();
    let basic = STANDARD
        .decode(basic.strip_prefix("Basic ").unwrap())
        .unwrap();
    (
        head,
        String::from_utf8(basic).unwrap(),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn the_question_is_javas() {
    let mut settings = settings("https://id.example/oauth2/token?tenant=1");
    let (head, basic, body) = asked(&settings).await;
    assert_eq!(
        (head.method.as_str(), head.uri.to_string()),
        ("POST", settings.endpoint.clone())
    );
    assert_eq!(
        head.headers[CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    assert!(head.headers[AUTHORIZATION].is_sensitive());
    assert_eq!(basic, "my id:plan:ted%");
    assert_eq!(
        body,
        "grant_type=client_credentials&scope=kafka+write%26more"
    );
    settings.encode_header = true;
    settings.scope = None;
    let (_, basic, body) = asked(&settings).await;
    assert_eq!(basic, "my+id:plan%3Ated%25");
    assert_eq!(body, "grant_type=client_credentials");
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_told_without_its_query() {
    let settings = Arc::new(settings("http://127.0.0.1:1/token?key=planted"));
    let provider = TokenEndpoint::open(&settings).unwrap();
    let error = provider.token().await.unwrap_err().to_string();
    let begin = "no token from http://127.0.0.1:1/token: ";
    assert!(
        error.starts_with(begin) && error.contains("refused"),
        "{error}"
    );
    assert!(!error.contains("plan"), "{error}");
}

#[tokio::test]
async fn a_file_is_read_each_time() {
    let path = std::env::temp_dir().join(format!("sluiceway-token-{}", std::process::id()));
    let token = |exp: u64| {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        format!(
            "e30.{}.x\n",
            URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp}}}"))
        )
    };
    let settings = Arc::new(settings(&format!("file://{}", path.display())));
    let provider = TokenEndpoint::open(&settings).unwrap();
    let missing = provider.token().await.unwrap_err().to_string();
    for exp in [4_000_000_000, 4_000_000_001] {
        std::fs::write(&path, token(exp)).unwrap();
        let got = provider.token().await.unwrap();
        assert_eq!(got.text.expose(), token(exp).trim());
    }
    std::fs::remove_file(&path).unwrap();
    assert!(missing.contains("No such file"), "{missing}");
}

#[test]
fn which_addresses_are_of_this_machine() {
    for (rest, local) in [
        ("localhost:8080/token", true),
        ("127.0.0.1/token", true),
        ("[::1]:1", true),
        ("id.example:80/token", false),
        ("localhost.example/token", false),
    ] {
        assert_eq!(is_local(rest), local, "{rest}");
    }
}

#[test]
fn a_life_in_percent() {
    let made = std::time::UNIX_EPOCH + Duration::from_secs(1000);
    let token = Token {
        text: Secret::new("x"),
        life: (made, made + Duration::from_secs(100)),
    };
    assert!(token.is_younger_than(60, made + Duration::from_secs(59)));
    assert!(!token.is_younger_than(60, made + Duration::from_secs(60)));
}
