//! Kafka client settings in a worker file.

use sluiceway_common::config_def::{ConfigError, ConfigErrors};
use sluiceway_common::kafka_config::{KafkaConfig, Role};
use sluiceway_common::props::{Properties, with_prefix};

/// `consumer.`, `producer.` or `admin.`.
pub fn role_prefix(role: Role) -> &'static str {
    match role {
        Role::Consumer => "consumer.",
        Role::Producer => "producer.",
        Role::Admin => "admin.",
    }
}

/// What the worker's own clients take of the worker's properties.
pub(super) fn own_client_settings(properties: &Properties, bootstrap_servers: &str) -> Properties {
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

/// Client settings that cannot be honoured are errors of the worker file, not of the first connector.
pub(super) fn check_clients(properties: &Properties, errors: &mut ConfigErrors) {
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
