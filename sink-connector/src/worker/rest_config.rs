//! Settings of the REST API.
//!
//! In: the worker's values. Out: [`RestConfig`]; anything that would leave the API less protected than the user asked
//! for (TLS, extensions) is an error rather than left out.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use sluiceway_common::auth::basic::BasicAuth;
use sluiceway_common::auth::login_file;
use sluiceway_common::auth::password_file::PasswordFile;
use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};
use sluiceway_common::listener::ListenerSpec;
use sluiceway_common::props::Properties;
use sluiceway_common::tls::settings::TlsSettings;

use super::config::{millis, non_empty};
use super::headers::ResponseHeader;

/// Where `/admin/loggers` is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminApi {
    /// With the rest of the API.
    OnListeners,
    /// Nowhere.
    Off,
    /// On listeners of its own.
    On(Vec<ListenerSpec>),
}

/// What the audit log of the REST API tells of, once that has users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Audit {
    /// Nothing.
    None,
    /// Requests that were not let in.
    Denied,
    /// These, and whatever changes connectors, offsets and log levels.
    Admin,
    /// Every request.
    All,
}

/// Settings of the REST API.
#[derive(Clone, Debug)]
pub struct RestConfig {
    /// Where it listens.
    pub listeners: Vec<ListenerSpec>,
    /// TLS of its https listeners: `listeners.https.ssl.*`, else `ssl.*`.
    pub tls: Option<TlsSettings>,
    /// TLS of https listeners of its admin part: `admin.listeners.https.ssl.*`, else `ssl.*`.
    pub admin_tls: Option<TlsSettings>,
    /// The setting that an error about a taken port names.
    pub listeners_option: String,
    /// Where its admin part listens.
    pub admin: AdminApi,
    /// Host by which others know this worker; `None` takes the listener's, else the machine's name.
    pub advertised_host: Option<String>,
    /// Port by which others know this worker; `None` takes the listener's.
    pub advertised_port: Option<u16>,
    /// Where the users are whom the REST API lets in; `None`: anybody.
    pub users: Option<UsersFile>,
    /// Wrong passwords that an address may show in a minute; 0: any number.
    pub failures_per_minute: u32,
    /// What the audit log tells of.
    pub audit: Audit,
    /// Whether `/metrics` asks for them, too.
    pub metrics_users: bool,
    /// Origins that browsers may call from; empty for none.
    pub allow_origin: String,
    /// Methods allowed to those origins.
    pub allow_methods: String,
    /// Headers of every answer.
    pub response_headers: Vec<ResponseHeader>,
    /// After this long a request is answered with 500.
    pub request_timeout: Duration,
    /// Largest request body.
    pub max_body_bytes: usize,
    /// Connections served at once.
    pub max_connections: usize,
}

/// Reads the REST API's keys.
pub(super) fn read(
    values: &Values,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> RestConfig {
    let listeners = listeners(values, properties, errors);
    let admin = admin_api(values, properties, errors);
    let own = match &admin {
        AdminApi::On(own) => &own[..],
        AdminApi::OnListeners | AdminApi::Off => &[],
    };
    RestConfig {
        tls: tls(&listeners, "listeners.https.", properties, errors),
        admin_tls: tls(own, "admin.listeners.https.", properties, errors),
        users: users(values, errors),
        failures_per_minute: u32::try_from(values.number(FAILURES)).unwrap_or(u32::MAX),
        audit: match &*values.text("sluiceway.audit.log").to_ascii_uppercase() {
            "NONE" => Audit::None,
            "DENIED" => Audit::Denied,
            "ALL" => Audit::All,
            _ => Audit::Admin,
        },
        metrics_users: values.boolean("sluiceway.admin.authentication.enable"),
        listeners,
        listeners_option: "listeners".to_owned(),
        admin,
        advertised_host: values
            .text_opt("rest.advertised.host.name")
            .map(str::to_owned),
        advertised_port: u16::try_from(values.number("rest.advertised.port"))
            .ok()
            .filter(|port| *port != 0),
        allow_origin: values.text("access.control.allow.origin").to_owned(),
        allow_methods: values.text("access.control.allow.methods").to_owned(),
        response_headers: response_headers(values, errors),
        request_timeout: millis(values, "sluiceway.rest.request.timeout.ms"),
        max_body_bytes: values.size("sluiceway.rest.max.body.bytes"),
        max_connections: values.size("sluiceway.rest.max.connections"),
    }
}

/// Where users and passwords are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsersFile {
    /// The password file itself.
    Passwords(PathBuf),
    /// A JAAS login configuration whose section `KafkaConnect` names one.
    Login(PathBuf),
}

const FAILURES: &str = "sluiceway.rest.authentication.failures.per.minute";
const EXTENSIONS: &str = "rest.extension.classes";
/// The name of the one extension that is known.
const BASIC_AUTH: &str = "BasicAuthSecurityRestExtension";
/// The section of the login configuration.
const SECTION: &str = "KafkaConnect";
/// The property that may name the login file besides the JVM's option of that name.
pub const LOGIN_FILE: &str = "java.security.auth.login.config";

impl UsersFile {
    /// Reads the users.
    ///
    /// # Errors
    /// Which file is wrong, and how.
    pub fn open(&self) -> Result<BasicAuth, ConfigErrors> {
        let wrong = |message: String| ConfigErrors(vec![ConfigError::other(EXTENSIONS, message)]);
        let passwords = match self {
            Self::Passwords(file) => file.clone(),
            Self::Login(file) => {
                let told = |error: &dyn std::fmt::Display| {
                    wrong(format!("{LOGIN_FILE}: {}: {error}", file.display()))
                };
                let text = std::fs::read_to_string(file).map_err(|error| told(&error))?;
                login_file::password_file(&text, SECTION).map_err(|error| told(&error))?
            }
        };
        let file = PasswordFile::open(&passwords).map_err(|error| wrong(error.to_string()))?;
        Ok(BasicAuth::new(file))
    }
}

fn users(values: &Values, errors: &mut ConfigErrors) -> Option<UsersFile> {
    let classes = non_empty(values.list(EXTENSIONS));
    let known = |class: &String| class.rsplit('.').next() == Some(BASIC_AUTH);
    if let Some(other) = classes.iter().find(|class| !known(class)) {
        let reason = format!(
            "only {BASIC_AUTH} is built in; other REST extensions are Java classes and cannot be loaded"
        );
        errors
            .0
            .push(ConfigError::invalid(EXTENSIONS, other, reason));
        return None;
    }
    if classes.is_empty() {
        return None;
    }
    let path = |name: &str| {
        let text = values.text(name).trim();
        (!text.is_empty()).then(|| PathBuf::from(text))
    };
    let found = path("sluiceway.rest.authentication.password.file")
        .map(UsersFile::Passwords)
        .or_else(|| path(LOGIN_FILE).map(UsersFile::Login));
    if found.is_none() {
        let message = format!(
            "{EXTENSIONS}: {BASIC_AUTH} needs a JAAS login configuration with a section {SECTION} in {LOGIN_FILE} (also as -D… in KAFKA_OPTS), or sluiceway.rest.authentication.password.file"
        );
        errors.0.push(ConfigError::other(EXTENSIONS, message));
    }
    found
}

fn response_headers(values: &Values, errors: &mut ConfigErrors) -> Vec<ResponseHeader> {
    const KEY: &str = "response.http.headers.config";
    let text = values.text(KEY);
    ResponseHeader::parse_list(text).unwrap_or_else(|reason| {
        errors.0.push(ConfigError::invalid(KEY, text, reason));
        Vec::new()
    })
}

fn listeners(
    values: &Values,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> Vec<ListenerSpec> {
    let legacy = properties.contains_key("rest.port") || properties.contains_key("rest.host.name");
    if !properties.contains_key("listeners") && legacy {
        let port = if properties.contains_key("rest.port") {
            values.number("rest.port")
        } else {
            8083
        };
        let host = values.text("rest.host.name").to_owned();
        return vec![ListenerSpec {
            scheme: "http".into(),
            host,
            port: u16::try_from(port).unwrap_or(8083),
        }];
    }
    parse_listeners("listeners", values.list("listeners"), errors)
}

fn admin_api(values: &Values, properties: &Properties, errors: &mut ConfigErrors) -> AdminApi {
    const KEY: &str = "admin.listeners";
    if !properties.contains_key(KEY) {
        return AdminApi::OnListeners;
    }
    match non_empty(values.list(KEY)) {
        items if items.is_empty() => AdminApi::Off,
        items => AdminApi::On(parse_listeners(KEY, &items, errors)),
    }
}

/// TLS for the https listeners among `specs`. As in Connect: settings with the prefix count only together.
fn tls(
    specs: &[ListenerSpec],
    prefix: &str,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> Option<TlsSettings> {
    if specs.iter().all(|spec| spec.scheme != "https") {
        return None;
    }
    let own = format!("{prefix}ssl.");
    let prefixed = properties.keys().any(|key| key.starts_with(&own));
    let prefix = if prefixed { prefix } else { "" };
    TlsSettings::read(properties, &[prefix])
        .map_err(|(key, reason)| {
            let message = format!("{key}: {reason}");
            errors.0.push(ConfigError::other(&key, message));
        })
        .ok()
}

/// TLS of `sluiceway.admin.listeners`, which takes that of `listeners`.
pub(super) fn metrics_tls(
    values: &Values,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> HashMap<String, TlsSettings> {
    const KEY: &str = "sluiceway.admin.listeners";
    let items = non_empty(values.list(KEY));
    if items.is_empty() {
        return HashMap::new();
    }
    let specs = parse_listeners(KEY, &items, errors);
    tls(&specs, "listeners.https.", properties, errors)
        .map(|settings| ("https".to_owned(), settings))
        .into_iter()
        .collect()
}

fn parse_listeners(key: &str, items: &[String], errors: &mut ConfigErrors) -> Vec<ListenerSpec> {
    let mut specs = Vec::new();
    for item in items {
        match ListenerSpec::parse(item) {
            Ok(spec) if matches!(spec.scheme.as_str(), "http" | "https") => specs.push(spec),
            Ok(spec) => {
                let reason = format!("{} is not spoken; use http or https", spec.scheme);
                errors.0.push(ConfigError::invalid(key, item, reason));
            }
            Err(error) => errors.0.push(ConfigError::invalid(key, item, error)),
        }
    }
    if items.is_empty() {
        errors.0.push(ConfigError::invalid(
            key,
            "",
            "at least one listener is needed, e.g. http://0.0.0.0:8083",
        ));
    }
    specs
}
