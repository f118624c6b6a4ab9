//! The worker's configuration, checked and typed.
//!
//! In: a worker properties file (with the `CONNECT_…` environment laid over it by the program). Out: [`WorkerConfig`],
//! or every error of it at once. References to config providers are resolved here, for the worker's own keys.

use std::time::Duration;

use sluiceway_common::config_def::{ConfigError, ConfigErrors, UnknownKey, Values};
use sluiceway_common::kafka_config::{KafkaConfig, Role};
use sluiceway_common::listener::ListenerSpec;
use sluiceway_common::props::{Properties, with_prefix};

use super::headers::ResponseHeader;
use super::keys;
use super::providers::Providers;

/// Which client settings a connector may override.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverridePolicy {
    /// Any.
    All,
    /// None.
    None,
    /// Only those that say who the client is.
    Principal,
}

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

/// Settings of the REST API.
#[derive(Clone, Debug)]
pub struct RestConfig {
    /// Where it listens.
    pub listeners: Vec<ListenerSpec>,
    /// The setting that an error about a taken port names.
    pub listeners_option: String,
    /// Where its admin part listens.
    pub admin: AdminApi,
    /// Host by which others know this worker; `None` takes the listener's, else the machine's name.
    pub advertised_host: Option<String>,
    /// Port by which others know this worker; `None` takes the listener's.
    pub advertised_port: Option<u16>,
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

/// A validated worker configuration. `Debug` leaves the properties themselves out, for they hold secrets.
#[derive(Clone)]
pub struct WorkerConfig {
    /// Brokers, as the user wrote them.
    pub bootstrap_servers: String,
    /// `key.converter`, `value.converter`, `header.converter` and their options, for connectors that name none.
    pub converters: Properties,
    /// How often a task commits at the latest.
    pub offset_flush_interval: Duration,
    /// How long a task waits for one commit.
    pub offset_flush_timeout: Duration,
    /// How long a connector's tasks may take to end.
    pub task_shutdown_timeout: Duration,
    /// Which client settings a connector may override.
    pub override_policy: OverridePolicy,
    /// Whether the topics a connector reads are remembered.
    pub topic_tracking: bool,
    /// Whether they may be forgotten by request.
    pub topic_tracking_reset: bool,
    /// The REST API's settings.
    pub rest: RestConfig,
    /// Where metrics and health listen.
    pub admin_listeners: Vec<String>,
    /// The setting that an error about a taken port names.
    pub admin_listeners_option: String,
    /// Byte budget of all tasks together; 0 lets the program choose.
    pub memory_budget_bytes: u64,
    /// How long a REST request waits for Kafka.
    pub kafka_timeout: Duration,
    /// Connectors taken at most.
    pub max_connectors: usize,
    /// Tasks run at most.
    pub max_tasks: usize,
    /// Where `${…}` references lead.
    pub providers: Providers,
    /// All properties, references resolved.
    properties: Properties,
}

impl std::fmt::Debug for WorkerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerConfig")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("rest", &self.rest)
            .field("admin_listeners", &self.admin_listeners)
            .finish_non_exhaustive()
    }
}

impl WorkerConfig {
    /// Checks `properties`.
    ///
    /// # Errors
    /// Every bad or missing key at once.
    pub fn parse(properties: &Properties) -> Result<Self, ConfigErrors> {
        let mut errors = ConfigErrors::default();
        let providers = Providers::from_worker(properties, &mut errors);
        let properties = providers.resolve(properties, &mut errors);
        let (values, mut found) = keys::definition().parse_all(&properties);
        errors.0.append(&mut found.0);
        let rest = rest_config(&values, &properties, &mut errors);
        let override_policy = override_policy(&values, &mut errors);
        check_clients(&properties, &mut errors);
        let config = Self::assemble(&values, rest, override_policy, providers, properties);
        errors.into_result().map(|()| config)
    }

    fn assemble(
        values: &Values,
        rest: RestConfig,
        override_policy: OverridePolicy,
        providers: Providers,
        properties: Properties,
    ) -> Self {
        Self {
            bootstrap_servers: values.list("bootstrap.servers").join(","),
            converters: converters(values, &properties),
            offset_flush_interval: millis(values, "offset.flush.interval.ms"),
            offset_flush_timeout: millis(values, "offset.flush.timeout.ms"),
            task_shutdown_timeout: millis(values, "task.shutdown.graceful.timeout.ms"),
            override_policy,
            topic_tracking: values.boolean("topic.tracking.enable"),
            topic_tracking_reset: values.boolean("topic.tracking.allow.reset"),
            rest,
            admin_listeners: non_empty(values.list("sluiceway.admin.listeners")),
            admin_listeners_option: "sluiceway.admin.listeners".to_owned(),
            memory_budget_bytes: u64::try_from(values.number("sluiceway.memory.budget.bytes"))
                .unwrap_or(0),
            kafka_timeout: millis(values, "sluiceway.kafka.timeout.ms"),
            max_connectors: values.size("sluiceway.max.connectors"),
            max_tasks: values.size("sluiceway.max.tasks"),
            providers,
            properties,
        }
    }

    /// Whether the file is one of a distributed worker.
    pub fn is_distributed(&self) -> bool {
        ["group.id", "config.storage.topic"]
            .iter()
            .all(|key| self.properties.contains_key(*key))
    }

    /// Keys of `properties` that nobody knows, with the nearest known one.
    pub fn unknown_keys(properties: &Properties) -> Vec<UnknownKey> {
        keys::definition().unknown_keys(properties)
    }

    /// Java client settings that every task's client of this role starts from: the worker's brokers and what stands
    /// under `consumer.`, `producer.` or `admin.`. As in Kafka Connect, the worker's own security settings are not
    /// among them.
    pub fn client_settings(&self, role: Role) -> Properties {
        let mut settings = Properties::new();
        settings.insert("bootstrap.servers".into(), self.bootstrap_servers.clone());
        settings.extend(with_prefix(&self.properties, role_prefix(role)));
        settings
    }

    /// Java client settings of the worker's own clients, which answer REST requests about the cluster.
    pub fn own_client_settings(&self) -> Properties {
        own_client_settings(&self.properties, &self.bootstrap_servers)
    }
}

/// `consumer.`, `producer.` or `admin.`.
pub fn role_prefix(role: Role) -> &'static str {
    match role {
        Role::Consumer => "consumer.",
        Role::Producer => "producer.",
        Role::Admin => "admin.",
    }
}

fn own_client_settings(properties: &Properties, bootstrap_servers: &str) -> Properties {
    let own = |key: &str| {
        ["sasl.", "ssl."]
            .iter()
            .any(|prefix| key.starts_with(prefix))
            || [
                "security.protocol",
                "client.id",
                "client.dns.lookup",
                "request.timeout.ms",
            ]
            .contains(&key)
    };
    let mut settings: Properties = properties
        .iter()
        .filter(|(key, value)| own(key) && !value.is_empty())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    settings.insert("bootstrap.servers".into(), bootstrap_servers.to_owned());
    settings
}

fn millis(values: &Values, key: &str) -> Duration {
    values.millis(key).unwrap_or_default()
}

fn non_empty(items: &[String]) -> Vec<String> {
    items
        .iter()
        .filter(|item| !item.is_empty())
        .cloned()
        .collect()
}

fn converters(values: &Values, properties: &Properties) -> Properties {
    const NAMES: [&str; 3] = ["key.converter", "value.converter", "header.converter"];
    let mut found: Properties = NAMES
        .iter()
        .map(|name| ((*name).to_owned(), values.text(name).to_owned()))
        .collect();
    let option = |key: &str| {
        NAMES.iter().any(|name| {
            key.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
        })
    };
    found.extend(
        properties
            .iter()
            .filter(|(key, _)| option(key))
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    found
}

fn override_policy(values: &Values, errors: &mut ConfigErrors) -> OverridePolicy {
    const KEY: &str = "connector.client.config.override.policy";
    let text = values.text(KEY);
    // The original takes a short name or the policy's class.
    let name = text.rsplit('.').next().unwrap_or(text);
    match name
        .strip_suffix("ConnectorClientConfigOverridePolicy")
        .unwrap_or(name)
    {
        "All" | "" => OverridePolicy::All,
        "None" => OverridePolicy::None,
        "Principal" => OverridePolicy::Principal,
        _ => {
            errors.0.push(ConfigError::invalid(
                KEY,
                text,
                "valid are All, None, Principal",
            ));
            OverridePolicy::None
        }
    }
}

fn rest_config(values: &Values, properties: &Properties, errors: &mut ConfigErrors) -> RestConfig {
    if !non_empty(values.list("rest.extension.classes")).is_empty() {
        let classes = values.list("rest.extension.classes").join(",");
        let reason = "REST extensions are Java classes and cannot be loaded; put an authenticating proxy in front and remove the key";
        errors.0.push(ConfigError::invalid(
            "rest.extension.classes",
            &classes,
            reason,
        ));
    }
    RestConfig {
        listeners: listeners(values, properties, errors),
        listeners_option: "listeners".to_owned(),
        admin: admin_api(values, properties, errors),
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

fn parse_listeners(key: &str, items: &[String], errors: &mut ConfigErrors) -> Vec<ListenerSpec> {
    let mut specs = Vec::new();
    for item in items {
        match ListenerSpec::parse(item) {
            Ok(spec) if spec.scheme == "http" => specs.push(spec),
            Ok(spec) => {
                let reason = format!(
                    "only http listeners are served, not {}; end TLS in a proxy in front",
                    spec.scheme
                );
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

/// Client settings that cannot be honoured are errors of the worker file, not of the first connector.
fn check_clients(properties: &Properties, errors: &mut ConfigErrors) {
    for role in [Role::Consumer, Role::Producer, Role::Admin] {
        let prefix = role_prefix(role);
        let settings = with_prefix(properties, prefix);
        if let Err(found) = KafkaConfig::translate(role, &settings) {
            let renamed = |error: ConfigError| {
                ConfigError::other(
                    &format!("{prefix}{}", error.key),
                    format!("{prefix}*: {}", error.message),
                )
            };
            errors.0.extend(found.0.into_iter().map(renamed));
        }
    }
    let own = own_client_settings(
        properties,
        properties
            .get("bootstrap.servers")
            .map_or("localhost:9092", String::as_str),
    );
    if let Err(found) = KafkaConfig::translate(Role::Admin, &own) {
        errors.0.extend(found.0);
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
