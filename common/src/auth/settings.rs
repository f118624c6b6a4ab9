//! Settings of how callers prove who they are, the same for both programs.
//!
//! In: values. Out: [`AuthSettings`]; what can be wrong without looking at files is an error when settings are read, the files
//! are read when the program starts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(feature = "tls")]
use std::time::Duration;

use super::api_key::ApiKeys;
use super::basic::BasicAuth;
#[cfg(feature = "tls")]
use super::jwks::Jwks;
#[cfg(feature = "tls")]
use super::jwt::TokenRules;
use super::login_file;
use super::method::Method;
use super::password_file::PasswordFile;
use super::verifier::Verifier;
use crate::config_def::{ConfigError, ConfigErrors, Key, Kind, Values};

/// The key that names the methods.
pub const METHOD: &str = "authentication.method";
/// The key of the password file.
pub const PASSWORD_FILE: &str = "sluiceway.authentication.password.file";
/// The property that may name the login file besides the JVM's option of that name.
pub const LOGIN_FILE: &str = "java.security.auth.login.config";

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct AuthSettings {
    /// `authentication.method`; empty: nobody has to say who they are.
    pub methods: Vec<Method>,
    /// The section of the login file.
    pub section: String,
    /// The password file itself; it goes before the login file.
    pub password_file: Option<PathBuf>,
    /// The JAAS login configuration that names one.
    pub login_file: Option<PathBuf>,
    api_keys: Option<PathBuf>,
    #[cfg(feature = "tls")]
    tokens: TokenSettings,
}

#[cfg(feature = "tls")]
#[derive(Debug, Clone, Default)]
struct TokenSettings {
    url: String,
    issuer: String,
    audiences: Vec<String>,
    algorithms: Vec<String>,
    name_claim: String,
    roles_claim: String,
    skew: Duration,
    refresh: Duration,
}

impl AuthSettings {
    /// Reads the settings; `known` are the program's methods.
    pub fn read(values: &Values, known: &[Method], errors: &mut ConfigErrors) -> Self {
        Self {
            methods: methods(values, known, errors),
            section: values.text("authentication.realm").to_owned(),
            password_file: path(values, PASSWORD_FILE),
            login_file: path(values, LOGIN_FILE),
            api_keys: path(values, "sluiceway.api.keys.file"),
            #[cfg(feature = "tls")]
            tokens: TokenSettings::read(values),
        }
    }

    /// Whether a method is on.
    #[must_use]
    pub fn uses(&self, method: Method) -> bool {
        self.methods.contains(&method)
    }

    /// What a method needs and has not; `options` is the environment variable in which the JVM's options stand.
    pub fn check(&self, options: &str, errors: &mut ConfigErrors) {
        let mut missing = |key: &str, why: &str| {
            let text = format!("{key} is not set: {why}");
            errors.0.push(ConfigError::other(key, text));
        };
        if self.uses(Method::Basic) && self.password_file.is_none() && self.login_file.is_none() {
            let why = format!(
                "BASIC needs a password file, or a JAAS login configuration in {LOGIN_FILE} (also as -D… in {options}) whose section authentication.realm names one"
            );
            missing(PASSWORD_FILE, &why);
        }
        if self.uses(Method::ApiKey) && self.api_keys.is_none() {
            missing("sluiceway.api.keys.file", "API_KEY needs the file of keys");
        }
        #[cfg(feature = "tls")]
        if self.uses(Method::Bearer) {
            for (key, value) in [
                ("oauthbearer.jwks.endpoint.url", &self.tokens.url),
                ("oauthbearer.expected.issuer", &self.tokens.issuer),
                (
                    "oauthbearer.expected.audience",
                    &self.tokens.audiences.join(","),
                ),
            ] {
                if value.is_empty() {
                    missing(key, "BEARER needs it");
                }
            }
        }
    }

    /// What checks credentials by these settings; it knows nobody when no method is on.
    ///
    /// # Errors
    /// Which file is wrong, and how.
    pub fn verifier(&self) -> Result<Verifier, String> {
        let mut verifier = Verifier::default();
        if self.uses(Method::Basic) {
            verifier.basic = Some(Arc::new(self.basic()?));
        }
        let api_keys = self.api_keys.as_ref();
        if let Some(file) = api_keys.filter(|_| self.uses(Method::ApiKey)) {
            let keys = ApiKeys::open(file).map_err(|error| error.to_string())?;
            verifier.api_keys = Some(keys);
        }
        verifier.certificates = self.uses(Method::Mtls);
        #[cfg(feature = "tls")]
        if self.uses(Method::Bearer) {
            verifier.tokens = Some(self.tokens.make()?);
        }
        Ok(verifier)
    }

    /// Users and passwords.
    fn basic(&self) -> Result<BasicAuth, String> {
        let file = match (&self.password_file, &self.login_file) {
            (Some(file), _) => file.clone(),
            (None, Some(login)) => self.file_of_section(login)?,
            (None, None) => return Err("BASIC needs a password file".to_owned()),
        };
        let file = PasswordFile::open(&file).map_err(|error| error.to_string())?;
        Ok(BasicAuth::new(file))
    }

    fn file_of_section(&self, login: &Path) -> Result<PathBuf, String> {
        let text = std::fs::read_to_string(login)
            .map_err(|error| format!("{LOGIN_FILE}: cannot read {}: {error}", login.display()))?;
        login_file::password_file(&text, &self.section)
            .map_err(|error| format!("{LOGIN_FILE}: {}: {error}", login.display()))
    }
}

#[cfg(feature = "tls")]
impl TokenSettings {
    fn read(values: &Values) -> Self {
        let text = |name: &str| values.text(name).trim().to_owned();
        let millis = |name: &str| values.millis(name).unwrap_or_default();
        Self {
            url: text("oauthbearer.jwks.endpoint.url"),
            issuer: text("oauthbearer.expected.issuer"),
            audiences: values.list("oauthbearer.expected.audience").to_vec(),
            algorithms: values.list("sluiceway.jwt.algorithms").to_vec(),
            name_claim: text("oauthbearer.sub.claim.name"),
            roles_claim: text("oauthbearer.groups.claim.name"),
            skew: millis("sluiceway.jwt.clock.skew.ms"),
            refresh: millis("sluiceway.jwks.refresh.ms"),
        }
    }

    fn make(&self) -> Result<(TokenRules, Arc<Jwks>), String> {
        let keys = Jwks::new(&self.url, self.refresh).map_err(|error| error.to_string())?;
        let rules = TokenRules {
            issuer: self.issuer.clone(),
            audiences: self.audiences.clone(),
            algorithms: self.algorithms.clone(),
            name_claim: self.name_claim.clone(),
            roles_claim: self.roles_claim.clone(),
            skew: i64::try_from(self.skew.as_secs()).unwrap_or(0),
        };
        Ok((rules, Arc::new(keys)))
    }
}

/// The path that a key names, unless it is empty.
#[must_use]
pub fn path(values: &Values, name: &str) -> Option<PathBuf> {
    let text = values.text(name).trim();
    (!text.is_empty()).then(|| PathBuf::from(text))
}

fn methods(values: &Values, known: &[Method], errors: &mut ConfigErrors) -> Vec<Method> {
    let mut methods = Vec::new();
    for name in values.list(METHOD) {
        let upper = name.to_ascii_uppercase();
        let found = known.iter().find(|method| method.name() == upper);
        match found {
            _ if upper == "NONE" || upper.is_empty() => {}
            // Signatures are checked by the same library.
            Some(Method::Bearer) if cfg!(not(feature = "tls")) => {
                let reason = "this program was built without TLS, and so cannot check tokens";
                errors.0.push(ConfigError::invalid(METHOD, name, reason));
            }
            Some(method) => methods.push(*method),
            None => errors
                .0
                .push(ConfigError::invalid(METHOD, name, expected(known))),
        }
    }
    methods
}

fn expected(known: &[Method]) -> String {
    let alone = if known.contains(&Method::Kafka) {
        "NONE, KAFKA"
    } else {
        "NONE"
    };
    let names = known.iter().filter(|method| **method != Method::Kafka);
    let names: Vec<&str> = names.map(|method| method.name()).collect();
    format!(
        "it must be {alone}, or some of {} with commas between them",
        names.join(", ")
    )
}

/// Keys of API keys and tokens.
#[must_use]
pub fn keys() -> Vec<Key> {
    vec![
        Key::with("sluiceway.api.keys.file", Kind::String, "", "API keys (`x-api-key`) and their usage plans; see docs/security.md. A changed file is read again."),
        Key::with("oauthbearer.jwks.endpoint.url", Kind::String, "", "Where the identity provider's public keys are (JSON Web Key Set): https, or http on this machine."),
        Key::with("oauthbearer.expected.issuer", Kind::String, "", "`iss` of tokens."),
        Key::with("oauthbearer.expected.audience", Kind::List, "", "`aud` of tokens: one of these."),
        Key::with("oauthbearer.sub.claim.name", Kind::String, "sub", "The claim that names the principal."),
        Key::with("oauthbearer.groups.claim.name", Kind::String, "groups", "The claim that lists its roles."),
        Key::with("sluiceway.jwt.algorithms", Kind::List, "RS256,ES256", "Signatures of tokens that are taken: of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA.").check(jwt_algorithms),
        Key::with("sluiceway.jwt.clock.skew.ms", Kind::Long, "30000", "Milliseconds that the provider's clock may differ.").between(0, 600_000),
        Key::with("sluiceway.jwks.refresh.ms", Kind::Long, "300000", "Milliseconds after which the provider's keys are fetched again. An unknown key is asked for at once, but not more often than every 10 s.").at_least(1000),
    ]
}

fn jwt_algorithms(text: &str) -> Result<(), String> {
    const KNOWN: [&str; 9] = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
    ];
    let unknown = text
        .split(',')
        .map(str::trim)
        .find(|name| !KNOWN.contains(name));
    unknown.map_or(Ok(()), |name| {
        Err(format!("\"{name}\" is not one of {}", KNOWN.join(", ")))
    })
}
