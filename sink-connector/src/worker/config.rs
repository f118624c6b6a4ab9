//! The worker's configuration, checked and typed.
//!
//! In: a worker properties file (with the `CONNECT_…` environment laid over it by the program). Out: [`WorkerConfig`],
//! or every error of it at once. References to config providers are resolved here, for the worker's own keys.

use std::collections::HashMap;
use std::time::Duration;

use sluiceway_common::config_def::{ConfigError, ConfigErrors, UnknownKey, Values};
use sluiceway_common::console::ConsoleConfig;
use sluiceway_common::kafka_config::Role;
use sluiceway_common::props::{Properties, with_prefix};
use sluiceway_common::tls::settings::TlsSettings;
use sluiceway_common::traces::TraceConfig;

use super::clients::{check_clients, own_client_settings, role_prefix};
use super::distributed_config::{self, DistributedConfig};
use super::providers::Providers;
use super::{RestConfig, keys, rest_config};

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

/// A validated worker configuration. `Debug` leaves the properties themselves out, for they hold secrets.
#[derive(Clone)]
pub struct WorkerConfig {
    /// Brokers, as the user wrote them.
    pub bootstrap_servers: String,
    /// `key.converter`, `value.converter`, `header.converter` and their options, for connectors that name none.
    pub converters: Properties,

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
    /// The page that they show.
    pub console: ConsoleConfig,
    /// Where spans go.
    pub traces: TraceConfig,
    /// TLS of those of them that speak it, by `https`.
    pub admin_tls: HashMap<String, TlsSettings>,
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
    /// How connectors are shared with other workers; `None` for a standalone worker.
    pub distributed: Option<DistributedConfig>,
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
    /// Checks the `properties` of a standalone worker.
    ///
    /// # Errors
    /// Every bad or missing key at once.
    pub fn parse(properties: &Properties) -> Result<Self, ConfigErrors> {
        Self::parse_as(properties, false)
    }

    /// Checks the `properties` of a worker that shares its connectors with others.
    ///
    /// # Errors
    /// Every bad or missing key at once, those of distributed mode among them.
    pub fn parse_distributed(properties: &Properties) -> Result<Self, ConfigErrors> {
        Self::parse_as(properties, true)
    }

    fn parse_as(properties: &Properties, distributed: bool) -> Result<Self, ConfigErrors> {
        let mut errors = ConfigErrors::default();
        let providers = Providers::from_worker(properties, &mut errors);
        let properties = providers.resolve(properties, &mut errors);
        let (values, mut found) = keys::definition().parse_all(&properties);
        errors.0.append(&mut found.0);
        let rest = rest_config::read(&values, &properties, &mut errors);
        let admin_tls = rest_config::metrics_tls(&values, &properties, &mut errors);
        let console = ConsoleConfig::read(&values, &mut errors);
        let traces = TraceConfig::read(&values, &mut errors);
        let override_policy = override_policy(&values, &mut errors);
        check_clients(&properties, &mut errors);
        let shared =
            distributed.then(|| distributed_config::read(&values, &properties, &mut errors));
        let mut config = Self::assemble(&values, rest, override_policy, providers, properties);
        config.distributed = shared;
        if distributed {
            config.rest.check_shared(&mut errors);
        }
        config.admin_tls = admin_tls;
        config.console = console;
        config.traces = traces;
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

            task_shutdown_timeout: millis(values, "task.shutdown.graceful.timeout.ms"),
            override_policy,
            topic_tracking: values.boolean("topic.tracking.enable"),
            topic_tracking_reset: values.boolean("topic.tracking.allow.reset"),
            rest,
            admin_listeners: non_empty(values.list("sluiceway.admin.listeners")),
            console: ConsoleConfig::default(),
            traces: TraceConfig::default(),
            admin_tls: HashMap::new(),
            admin_listeners_option: "sluiceway.admin.listeners".to_owned(),
            memory_budget_bytes: u64::try_from(values.number("sluiceway.memory.budget.bytes"))
                .unwrap_or(0),
            kafka_timeout: millis(values, "sluiceway.kafka.timeout.ms"),
            max_connectors: values.size("sluiceway.max.connectors"),
            max_tasks: values.size("sluiceway.max.tasks"),
            distributed: None,
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

pub(super) fn millis(values: &Values, key: &str) -> Duration {
    values.millis(key).unwrap_or_default()
}

pub(super) fn non_empty(items: &[String]) -> Vec<String> {
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

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
