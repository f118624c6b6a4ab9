//! Settings of the REST API.
//!
//! In: the worker's values. Out: [`RestConfig`]; anything that would leave the API less protected than the user asked
//! for (TLS, extensions) is an error rather than left out.

use std::collections::HashMap;
use std::time::Duration;

use sluiceway_common::auth::method::Method;
use sluiceway_common::auth::settings::{AuthSettings, LOGIN_FILE, METHOD, path};
use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};
use sluiceway_common::listener::ListenerSpec;
use sluiceway_common::meters::{MeterConfig, Rates};
use sluiceway_common::props::Properties;
use sluiceway_common::secret::Secret;
use sluiceway_common::tls::settings::TlsSettings;

use super::config::{millis, non_empty};
use super::headers::ResponseHeader;
use super::rights::Rules;
use super::workers_tls::WorkersTls;

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

/// What the audit log of the REST API tells of, once its callers have to be known.
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
    /// `rest.advertised.listener`: whether others reach this worker over TLS; `None`: as its listeners say.
    pub advertised_tls: Option<bool>,
    /// Whom this worker trusts among the others that are reached over TLS, and what it shows them.
    pub workers_tls: WorkersTls,
    /// How callers prove who they are; no method: anybody is let in.
    pub auth: AuthSettings,
    /// Whether the original's extension is on: BASIC, and its refusals.
    pub extension: bool,
    /// Who may do what; empty: whoever is let in may do everything.
    pub rules: Rules,
    /// Wrong credentials that an address may show in a minute; 0: any number.
    pub failures_per_minute: f64,
    /// Requests a second of all, of an address, of a principal.
    pub meters: MeterConfig,
    /// What workers prove with to one another that they are workers.
    pub workers_secret: Option<Secret>,
    /// What the audit log tells of.
    pub audit: Audit,
    /// Whether `/metrics` and `/log-levels` ask for these callers, too.
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
    let (auth, extension) = auth(values, errors);
    RestConfig {
        rules: rules(values, &auth, errors),
        auth,
        extension,
        meters: meters(values),
        workers_secret: workers_secret(values),
        tls: tls(&listeners, "listeners.https.", properties, errors),
        admin_tls: tls(own, "admin.listeners.https.", properties, errors),
        failures_per_minute: failures(values, properties),
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
        advertised_tls: values
            .text_opt("rest.advertised.listener")
            .filter(|scheme| !scheme.is_empty())
            .map(|scheme| scheme.eq_ignore_ascii_case("https")),
        workers_tls: WorkersTls::read(properties),
        allow_origin: values.text("access.control.allow.origin").to_owned(),
        allow_methods: values.text("access.control.allow.methods").to_owned(),
        response_headers: response_headers(values, errors),
        request_timeout: millis(values, "sluiceway.rest.request.timeout.ms"),
        max_body_bytes: values.size("sluiceway.rest.max.body.bytes"),
        max_connections: values.size("sluiceway.rest.max.connections"),
    }
}

/// What `authentication.method` may name.
const METHODS: [Method; 4] = [Method::Basic, Method::Bearer, Method::ApiKey, Method::Mtls];
const EXTENSIONS: &str = "rest.extension.classes";
/// The name of the one extension that is known.
const BASIC_AUTH: &str = "BasicAuthSecurityRestExtension";
const RULES: &str = "sluiceway.authorization.rules";
const WORKERS_SECRET: &str = "sluiceway.rest.workers.secret";

impl RestConfig {
    /// Whether other workers reach this one over TLS. As in Connect, plain HTTP goes first where nothing is said.
    pub fn advertises_https(&self) -> bool {
        let secured = |listener: &ListenerSpec| listener.scheme == "https";
        let all = || !self.listeners.is_empty() && self.listeners.iter().all(secured);
        self.advertised_tls.unwrap_or_else(all)
    }

    /// Which of the listeners other workers reach; the first, where none speaks what is advertised.
    pub(super) fn advertised_place(&self) -> usize {
        let https = self.advertises_https();
        let fits = |listener: &ListenerSpec| (listener.scheme == "https") == https;
        self.listeners.iter().position(fits).unwrap_or_default()
    }

    /// The setting by which callers have to be known.
    pub fn users_key(&self) -> &'static str {
        match self.extension {
            true => EXTENSIONS,
            false => METHOD,
        }
    }

    /// What does not go together in a worker that passes requests on to others.
    pub(super) fn check_shared(&self, errors: &mut ConfigErrors) {
        if self.auth.uses(Method::Mtls) && self.workers_secret.is_none() {
            let message = format!(
                "{WORKERS_SECRET} is not set: with MTLS a worker has no credentials of its caller that it could show another one; give all workers the same secret"
            );
            errors.0.push(ConfigError::other(WORKERS_SECRET, message));
        }
    }
}

/// How callers prove who they are, and whether the extension asks for that.
fn auth(values: &Values, errors: &mut ConfigErrors) -> (AuthSettings, bool) {
    let mut auth = AuthSettings::read(values, &METHODS, errors);
    // Connect's own name for it goes first.
    auth.password_file =
        path(values, "sluiceway.rest.authentication.password.file").or(auth.password_file);
    let extension = extension(values, errors);
    let no_users = auth.password_file.is_none() && auth.login_file.is_none();
    if extension && no_users {
        let message = format!(
            "{EXTENSIONS}: {BASIC_AUTH} needs a JAAS login configuration with a section {} in {LOGIN_FILE} (also as -D… in KAFKA_OPTS), or sluiceway.rest.authentication.password.file",
            auth.section
        );
        errors.0.push(ConfigError::other(EXTENSIONS, message));
    }
    // Once: what the extension has not got, BASIC has not either.
    if extension {
        auth.methods.retain(|method| *method != Method::Basic);
    }
    auth.check("KAFKA_OPTS", errors);
    if extension {
        auth.methods.push(Method::Basic);
    }
    (auth, extension)
}

fn extension(values: &Values, errors: &mut ConfigErrors) -> bool {
    let classes = non_empty(values.list(EXTENSIONS));
    let known = |class: &String| class.rsplit('.').next() == Some(BASIC_AUTH);
    if let Some(other) = classes.iter().find(|class| !known(class)) {
        let reason = format!(
            "only {BASIC_AUTH} is built in; other REST extensions are Java classes and cannot be loaded"
        );
        errors
            .0
            .push(ConfigError::invalid(EXTENSIONS, other, reason));
        return false;
    }
    !classes.is_empty()
}

fn rules(values: &Values, auth: &AuthSettings, errors: &mut ConfigErrors) -> Rules {
    let rules = Rules::parse(values.text(RULES)).unwrap_or_else(|reason| {
        let text = format!("{RULES}: {reason}");
        errors.0.push(ConfigError::other(RULES, text));
        Rules::default()
    });
    if !rules.is_empty() && auth.methods.is_empty() {
        let text =
            format!("{RULES} needs {METHOD} or {EXTENSIONS}: without them nobody has a name");
        errors.0.push(ConfigError::other(RULES, text));
    }
    rules
}

/// By the proxy's name for it, else by the worker's own.
#[allow(clippy::cast_precision_loss)]
fn failures(values: &Values, properties: &Properties) -> f64 {
    const OWN: &str = "sluiceway.rest.authentication.failures.per.minute";
    const SHARED: &str = "sluiceway.authentication.failures.per.minute";
    let key = match properties.contains_key(SHARED) {
        true => SHARED,
        false => OWN,
    };
    values.number(key) as f64
}

#[allow(clippy::cast_precision_loss)]
fn meters(values: &Values) -> MeterConfig {
    let rates = |scope: &str| {
        let value = values.number(&format!("sluiceway.limit.{scope}.requests.per.sec")) as f64;
        Rates {
            requests: (value > 0.0).then_some(value),
            ..Rates::default()
        }
    };
    MeterConfig {
        global: rates("global"),
        address: rates("address"),
        principal: rates("principal"),
        burst_seconds: values.number("sluiceway.limit.burst.ms") as f64 / 1000.0,
    }
}

fn workers_secret(values: &Values) -> Option<Secret> {
    let secret = values.secret(WORKERS_SECRET);
    secret.filter(|secret| !secret.is_empty()).cloned()
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

/// Where the settings of TLS stand: those with the prefix, if there are any, else the bare ones.
pub(super) fn in_use<'a>(prefix: &'a str, properties: &Properties) -> &'a str {
    let own = format!("{prefix}ssl.");
    match properties.keys().any(|key| key.starts_with(&own)) {
        true => prefix,
        false => "",
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
    let prefix = in_use(prefix, properties);
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
