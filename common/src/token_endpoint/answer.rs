//! What a token endpoint answers (RFC 6749, 5.1 and 5.2).
//!
//! In: the body. Out: the token and when it ends: as `expires_in` says, or as the token itself does (`exp`, when it is a JSON
//! Web Token), whichever comes first. What fails: an answer without a token, a token without an end, or one that is over.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::Token;
use crate::secret::{MASK, Secret};

/// Tokens live no longer than ten years, whatever is said.
const LONGEST_LIFE: u64 = 315_360_000;
/// So much of a refusal is told.
const TOLD: usize = 300;

/// The token of a good answer.
pub(super) fn token(body: &[u8], now: SystemTime) -> Result<Token, String> {
    let json: Value = serde_json::from_slice(body)
        .map_err(|_| "its answer is no JSON; is this the address of the token endpoint?")?;
    let text = json["access_token"].as_str().unwrap_or_default().trim();
    if text.is_empty() {
        return Err("its answer has no access_token".to_owned());
    }
    let kind = json["token_type"].as_str().unwrap_or("Bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err("its token is of another type than Bearer".to_owned());
    }
    // Some providers write the number as a text.
    let seconds = match &json["expires_in"] {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    };
    bare(text, seconds, now)
}

/// A token as it is; `seconds`: how long it is said to last.
pub(super) fn bare(text: &str, seconds: Option<f64>, now: SystemTime) -> Result<Token, String> {
    let good = |c: u8| c.is_ascii_alphanumeric() || b"-._~+/=".contains(&c);
    if text.is_empty() || !text.bytes().all(good) {
        return Err("its token is none: it has characters that no token has".to_owned());
    }
    let ends = [
        seconds.map(|seconds| now + duration(seconds)),
        end(text).map(|seconds| UNIX_EPOCH + duration(seconds)),
    ];
    let ends = ends.into_iter().flatten().min().ok_or(
        "it does not say how long its token lasts: there is no expires_in, and the token is no JSON Web Token with an exp",
    )?;
    if ends <= now {
        let late = now.duration_since(ends).unwrap_or_default().as_secs();
        return Err(format!(
            "its token ended {late} s ago; compare the clocks of the provider and of this machine"
        ));
    }
    Ok(Token {
        text: Secret::new(text),
        life: (now, ends),
    })
}

/// The words of a refusal, ready to follow its status.
pub(super) fn refusal(body: &[u8], secret: &Secret) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let member = |name: &str| json[name].as_str().map(str::trim).unwrap_or_default();
    let (error, description) = (member("error"), member("error_description"));
    let text = match (error.is_empty(), description.is_empty()) {
        (false, false) => format!("{error}: {description}"),
        _ => format!("{error}{description}"),
    };
    let text = match secret.is_empty() {
        true => text,
        false => text.replace(secret.expose(), MASK),
    };
    let text: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(TOLD)
        .collect();
    let advice = match error {
        "invalid_client" | "unauthorized_client" => "; look at clientId and clientSecret",
        "invalid_scope" => "; look at scope",
        _ => "",
    };
    match text.is_empty() {
        true => String::new(),
        false => format!(", {text}{advice}"),
    }
}

fn duration(seconds: f64) -> Duration {
    // Too large, negative and no number alike.
    let most = LONGEST_LIFE as f64 * 10.0;
    Duration::try_from_secs_f64(seconds.clamp(0.0, most)).unwrap_or_default()
}

/// When a JSON Web Token ends, in seconds since 1970.
fn end(token: &str) -> Option<f64> {
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims["exp"].as_f64()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    fn jwt(claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.c2ln", part(&json!({"alg": "RS256"})), part(claims))
    }

    fn life(answer: &Value) -> Result<u64, String> {
        let token = token(answer.to_string().as_bytes(), now())?;
        assert_eq!(token.life.0, now());
        Ok(token.life.1.duration_since(now()).unwrap().as_secs())
    }

    #[test]
    fn a_token_ends_when_first_it_is_said_to() {
        let ends = |exp: u64| jwt(&json!({"sub": "me", "exp": exp}));
        for (answer, seconds) in [
            (json!({"access_token": "opaque", "expires_in": 300}), 300),
            (
                json!({"access_token": "opaque", "expires_in": "300", "token_type": "bearer"}),
                300,
            ),
            (json!({"access_token": ends(1_700_000_060)}), 60),
            (
                json!({"access_token": ends(1_700_000_060), "expires_in": 3600}),
                60,
            ),
            (
                json!({"access_token": ends(1_700_003_600), "expires_in": 30}),
                30,
            ),
        ] {
            assert_eq!(life(&answer), Ok(seconds), "{answer}");
        }
    }

    #[test]
    fn what_is_no_token_is_told() {
        for (answer, told) in [
            (json!("text"), "no access_token"),
            (json!({"token": "a"}), "no access_token"),
            (
                json!({"access_token": "a\u{1}b", "expires_in": 1}),
                "no token has",
            ),
            (
                json!({"access_token": "a", "token_type": "mac", "expires_in": 1}),
                "another type",
            ),
            (json!({"access_token": "a.b.c"}), "how long"),
            (
                json!({"access_token": "a", "expires_in": -5}),
                "ended 0 s ago",
            ),
            (
                json!({"access_token": jwt(&json!({"exp": 1_699_999_990}))}),
                "ended 10 s ago; compare the clocks",
            ),
        ] {
            let error = life(&answer).unwrap_err();
            assert!(error.contains(told), "{answer}: {error}");
        }
        let error = token(b"<html>", now()).unwrap_err();
        assert!(error.contains("no JSON"), "{error}");
    }

    #[test]
    fn a_refusal_is_told_in_its_own_words_without_the_secret() {
        let secret = Secret::new("planted");
        let body = br#"{"error": "invalid_client", "error_description": "me:planted\n is wrong"}"#;
        assert_eq!(
            refusal(body, &secret),
            format!(", invalid_client: me:{MASK} is wrong; look at clientId and clientSecret")
        );
        assert_eq!(refusal(b"<html>planted</html>", &secret), "");
        let long = json!({"error": "x".repeat(5000)}).to_string();
        assert_eq!(refusal(long.as_bytes(), &secret).len(), TOLD + 2);
    }
}
