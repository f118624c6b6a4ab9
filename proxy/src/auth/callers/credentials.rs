//! What a caller shows: user and password (HTTP Basic), or a token (Bearer), for Kafka to judge.
//!
//! In: the `Authorization` header. Out: who they say they are, and the settings of Kafka clients that log in with them. What
//! fails: headers of other schemes, texts that no client could send.
//!
//! Of a JSON Web Token only its claims are read, and nothing in them is believed before a broker has taken it. They tell which
//! tokens are of one identity: those that differ in nothing but times and numbers. A caller that renews its token keeps its
//! consumer instances so. A token that is none (its brokers know how to read it) is an identity of its own.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use sluiceway_common::auth::basic::UserPassword;
use sluiceway_common::kafka_config::KafkaConfig;
use sluiceway_common::secret::Secret;
use sluiceway_kafka_tokens::{Given, Token};

use crate::auth::authenticate::Failure;
use crate::auth::principal::Method;
use crate::config::Config;
use crate::kafka_clients::Login;

/// How user and password may be shown to brokers.
pub(crate) const MECHANISMS: [&str; 3] = ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"];
/// Longest token that is looked at.
const MAX_TOKEN: usize = 16 * 1024;
/// How long a token is used, from the time when it was shown last, that does not tell its end.
const LIFE: Duration = Duration::from_secs(3600);
/// Claims in which the tokens of one identity differ: the standard's, then those of some identity providers.
const PASSING: [&str; 12] = [
    "exp",
    "iat",
    "nbf",
    "jti",
    "auth_time",
    "at_hash",
    "nonce",
    "sid",
    "session_state",
    "uti",
    "aio",
    "rh",
];

/// See the module.
pub(crate) enum Credentials {
    Password(UserPassword),
    Bearer(Bearer),
}

/// A token, and what it says.
pub(crate) struct Bearer {
    text: Secret,
    name: String,
    /// When it says it ends.
    ends: Option<SystemTime>,
    /// What it says, but for what passes; `None`: nothing that can be read here.
    lasting: Option<String>,
}

impl Credentials {
    /// Reads a header; `name_claim`: which claim of a token tells whose it is.
    ///
    /// # Errors
    /// It is of another scheme, or malformed.
    pub(crate) fn read(header: &str, name_claim: &str) -> Result<Self, Failure> {
        let wrong = |reason: &str| Failure::Wrong(Method::Kafka, reason.to_owned());
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            let bearer = Bearer::read(rest.trim(), name_claim);
            return bearer.map(Self::Bearer).map_err(wrong);
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(wrong("the scheme of Authorization is not accepted"));
        }
        let given = UserPassword::read(header).ok_or_else(|| wrong("the header is malformed"))?;
        match sound(&given.name) && sound(given.password.expose()) {
            true => Ok(Self::Password(given)),
            false => Err(wrong("the header is malformed")),
        }
    }

    /// The name in them.
    pub(crate) fn name(&self) -> Arc<str> {
        match self {
            Self::Password(given) => given.name.as_str().into(),
            Self::Bearer(bearer) => bearer.name.as_str().into(),
        }
    }

    /// Whether they say themselves that they are over.
    pub(crate) fn have_ended(&self, now: SystemTime) -> bool {
        matches!(self, Self::Bearer(bearer) if bearer.ends.is_some_and(|ends| ends <= now))
    }

    /// The token, if they are one.
    pub(crate) fn token(&self) -> Option<Token> {
        match self {
            Self::Password(_) => None,
            Self::Bearer(bearer) => {
                let now = SystemTime::now();
                Some(Token {
                    text: bearer.text.clone(),
                    life: (now, bearer.ends.unwrap_or(now + LIFE)),
                })
            }
        }
    }

    /// The proxy's settings of Kafka clients, with these credentials for its own.
    pub(crate) fn login(&self, config: &Config, mechanism: &str) -> Login {
        let of = |config: &KafkaConfig| {
            let mut config = config.clone();
            for own in [
                "sasl.mechanism",
                "sasl.username",
                "sasl.password",
                "sasl.oauthbearer.config",
                "enable.sasl.oauthbearer.unsecure.jwt",
            ] {
                config.settings.shift_remove(own);
            }
            (config.iam, config.oidc) = (None, None);
            match self {
                Self::Password(given) => {
                    config.force("sasl.mechanisms", mechanism);
                    config.force("sasl.username", &given.name);
                    config.force("sasl.password", given.password.expose());
                }
                Self::Bearer(_) => config.force("sasl.mechanisms", "OAUTHBEARER"),
            }
            config
        };
        Login {
            producer: of(&config.producer),
            consumer: of(&config.consumer),
            admin: of(&config.admin),
            token: self.token().map(|token| Given::new(&self.name(), token)),
        }
    }
}

/// Names and passwords have no control characters (RFC 7617): a zero byte separates the fields of PLAIN and ends the texts of
/// librdkafka, a line break begins a line of a log.
fn sound(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

impl Bearer {
    fn read(text: &str, name_claim: &str) -> Result<Self, &'static str> {
        // What RFC 6750 lets a token be, and Kafka's brokers read.
        let good = |c: u8| c.is_ascii_alphanumeric() || b"-._~+/=".contains(&c);
        if text.is_empty() || text.len() > MAX_TOKEN || !text.bytes().all(good) {
            return Err("the token: it is malformed");
        }
        let Some(mut claims) = claims(text) else {
            return Ok(Self::opaque(text));
        };
        let ends = claims.get("exp").and_then(Value::as_f64);
        let ends = ends.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let ends = ends.and_then(|since| UNIX_EPOCH.checked_add(since));
        let name = claims.get(name_claim).and_then(Value::as_str);
        let name = name.filter(|name| sound(name));
        let name = name.ok_or("the token: it names nobody")?.to_owned();
        for passing in PASSING {
            claims.shift_remove(passing);
        }
        let mut lasting = Value::Object(claims);
        lasting.sort_all_objects();
        Ok(Self {
            text: Secret::new(text),
            name,
            ends: Some(ends.ok_or("the token: it tells no end")?),
            lasting: Some(lasting.to_string()),
        })
    }

    /// Who it is of is known to brokers only; logs and limits have some digits to tell it from others.
    fn opaque(text: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(text).into();
        let shown: String = digest[..4].iter().map(|b| format!("{b:02x}")).collect();
        Self {
            text: Secret::new(text),
            name: format!("token-{shown}"),
            ends: None,
            lasting: None,
        }
    }
}

/// The claims of a signed JSON Web Token; `None`: it is none.
fn claims(text: &str) -> Option<Map<String, Value>> {
    let mut parts = text.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// What is kept of a secret.
pub(super) type Digest = [u8; 32];

/// Makes digests with a key of this process: they can be compared, and nothing else.
pub(super) struct Digester([u8; 32]);

impl Digester {
    pub(super) fn new() -> Self {
        let mut key = [0; 32];
        for half in key.chunks_exact_mut(16) {
            half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        }
        Self(key)
    }

    /// Of the identity, and of what proves it. A password is a part of its identity: who comes with another one is somebody
    /// else until a broker has said otherwise.
    pub(super) fn of(&self, credentials: &Credentials) -> (Digest, Digest) {
        match credentials {
            Credentials::Password(given) => {
                let digest = self.digest(&["password", &given.name, given.password.expose()]);
                (digest, digest)
            }
            Credentials::Bearer(bearer) => {
                let token = self.digest(&["token", bearer.text.expose()]);
                let lasting = bearer.lasting.as_ref();
                let identity = lasting.map(|claims| self.digest(&["identity", claims]));
                (identity.unwrap_or(token), token)
            }
        }
    }

    fn digest(&self, parts: &[&str]) -> Digest {
        let mut hash = Sha256::new();
        hash.update(self.0);
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        // The key once more: nothing can be appended to what was hashed.
        hash.update(self.0);
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;
    use sluiceway_common::props::Properties;

    fn basic(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    fn token(claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("Bearer {}.{}.", part(&json!({"alg": "none"})), part(claims))
    }

    fn read(header: &str) -> Result<Credentials, Failure> {
        Credentials::read(header, "sub")
    }

    fn failure(header: &str) -> String {
        match read(header) {
            Err(Failure::Wrong(Method::Kafka, reason)) => reason,
            _ => "taken".to_owned(),
        }
    }

    #[test]
    fn headers_that_no_broker_need_see() {
        for (header, told) in [
            ("Digest abc".to_owned(), "the scheme"),
            ("Basic !".to_owned(), "the header is malformed"),
            (basic(":p"), "the header is malformed"),
            (basic("u:"), "the header is malformed"),
            (basic("u\0v:p"), "the header is malformed"),
            (basic("u:p\nq"), "the header is malformed"),
            (basic("u\u{85}:p"), "the header is malformed"),
            ("Bearer ".to_owned(), "the token: it is malformed"),
            ("Bearer a b".to_owned(), "the token: it is malformed"),
            ("Bearer a.!.c".to_owned(), "the token: it is malformed"),
            (
                format!("Bearer {}", "a".repeat(MAX_TOKEN + 1)),
                "the token: it is malformed",
            ),
            (
                token(&json!({"sub": "a\n", "exp": 1})),
                "the token: it names nobody",
            ),
            (token(&json!({"exp": 1})), "the token: it names nobody"),
            (token(&json!({"sub": "a"})), "the token: it tells no end"),
            (
                token(&json!({"sub": "a", "exp": 1e300})),
                "the token: it tells no end",
            ),
        ] {
            let found = failure(&header);
            assert!(found.starts_with(told), "{header}: {found}");
        }
        assert_eq!(failure(&basic("u:p:q")), "taken");
        assert_eq!(failure(&basic("ü:pä ß")), "taken");
    }

    #[test]
    fn tokens_of_one_identity_differ_only_in_what_passes() {
        let digester = Digester::new();
        let of = |header: &str| digester.of(&read(header).unwrap());
        let one = of(&token(
            &json!({"sub": "a", "exp": 10, "jti": "1", "scope": "x"}),
        ));
        let later = of(&token(
            &json!({"scope": "x", "sub": "a", "exp": 20, "jti": "2"}),
        ));
        let wider = of(&token(
            &json!({"sub": "a", "exp": 10, "jti": "1", "scope": "y"}),
        ));
        assert!(one.0 == later.0 && one.1 != later.1);
        assert!(one.0 != wider.0);
        let (first, second) = (of(&basic("ab:c")), of(&basic("a:bc")));
        assert!(first.0 != second.0 && first == of(&basic("ab:c")));
        assert!(first != Digester::new().of(&read(&basic("ab:c")).unwrap()));
    }

    #[test]
    fn tokens_that_only_brokers_can_read_are_identities_of_their_own() {
        let digester = Digester::new();
        let of = |text: &str| {
            let read = read(&format!("Bearer {text}")).unwrap();
            assert!(!read.have_ended(SystemTime::now()));
            assert!(read.token().unwrap().life.1 > SystemTime::now());
            (read.name(), digester.of(&read))
        };
        let (one, other) = (of("2YotnFZFEjr1zCsicMWpAA=="), of("a.b.c"));
        assert!(one.1.0 == one.1.1 && one.1.0 != other.1.0);
        assert!(one.0.starts_with("token-") && one.0 != other.0);
        assert_eq!(one.0.len(), "token-".len() + 8);
    }

    #[test]
    fn ended_tokens_say_so() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let bearer = read(&token(&json!({"sub": "a", "exp": 100}))).unwrap();
        assert!(bearer.have_ended(at(100)) && !bearer.have_ended(at(99)));
        assert!(!read(&basic("u:p")).unwrap().have_ended(at(100)));
    }

    #[test]
    fn clients_log_in_as_the_caller_and_never_as_the_proxy() {
        let lines = [
            ("bootstrap.servers", "127.0.0.1:1"),
            ("client.security.protocol", "SASL_PLAINTEXT"),
            ("client.sasl.mechanism", "PLAIN"),
            (
                "client.sasl.jaas.config",
                "org.apache.kafka.common.security.plain.PlainLoginModule required username=own password=planted;",
            ),
        ];
        let lines: Properties = lines
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let config = Config::parse(&lines).unwrap();
        let user = read(&basic("u:p")).unwrap();
        let login = user.login(&config, "PLAIN");
        let bearer = read(&token(&json!({"sub": "a", "exp": 4e9}))).unwrap();
        let by_token = bearer.login(&config, "PLAIN");
        assert_eq!(by_token.token.as_ref().unwrap().principal(), "a");
        for (user, token) in [
            (&login.producer, &by_token.producer),
            (&login.consumer, &by_token.consumer),
            (&login.admin, &by_token.admin),
        ] {
            let get = |config: &KafkaConfig, key: &str| config.settings.get(key).cloned();
            assert_eq!(get(user, "sasl.username").as_deref(), Some("u"));
            assert_eq!(get(user, "sasl.password").as_deref(), Some("p"));
            assert_eq!(get(token, "sasl.username"), None);
            assert_eq!(
                get(token, "sasl.mechanisms").as_deref(),
                Some("OAUTHBEARER")
            );
            for config in [user, token] {
                assert!(!config.settings.values().any(|value| value == "planted"));
            }
        }
    }
}
