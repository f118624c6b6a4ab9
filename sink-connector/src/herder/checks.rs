//! What every herder asks of a configuration: whether it can be taken, and which consumer group it means.

use sluiceway_common::config_def::ConfigErrors;
use sluiceway_common::kafka_config::{KafkaConfig, Role};
use sluiceway_common::props::{Properties, with_prefix};

use super::HerderError;
use super::offsets::Group;
use super::secrets::{mask_config, unmask_config};
use super::validate::ConfigInfos;
use crate::config::ConnectorConfig;
use crate::connector::Host;
use crate::plugins;
use crate::value::java_hash;

/// The checks of a configuration before anything is changed; `nulls` are keys that it gives as null.
pub(super) fn check(host: &Host, config: &Properties, nulls: &[String]) -> Result<(), HerderError> {
    class(host, config)?;
    host.validator
        .check(config, nulls)
        .map_err(|errors| HerderError::invalid_config(&errors))?;
    Ok(())
}

/// The connector class of a configuration, as it is written there.
fn class<'a>(host: &Host, config: &'a Properties) -> Result<&'a str, HerderError> {
    let class = config.get("connector.class").map_or("", String::as_str);
    if class.trim().is_empty() {
        return Err(no_class(host, config));
    }
    match plugins::find_connector(class.trim()) {
        Some(_) => Ok(class),
        None => Err(HerderError::BadRequest(plugins::unknown_connector_text(
            class.trim(),
        ))),
    }
}

/// The original shows the configuration as a Java map prints itself.
fn no_class(host: &Host, config: &Properties) -> HerderError {
    let mut shown = mask_config(config, &host.worker.providers);
    let copied = shown.len();
    java_hash::order_copy(&mut shown, copied);
    let shown: Vec<String> = shown
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    HerderError::BadRequest(format!(
        "Connector config {{{}}} contains no connector type",
        shown.join(", ")
    ))
}

/// A configuration, ready to be used; `old` is the one of the same connector whose secrets it may mask.
pub(super) fn typed(
    host: &Host,
    config: Properties,
    old: Option<&Properties>,
) -> Result<ConnectorConfig, HerderError> {
    let config = unmask_config(config, old, &host.worker.providers);
    let checked = config.and_then(|config| host.validator.check(&config, &[]));
    checked.map_err(|errors| HerderError::invalid_config(&errors))
}

/// Every key of a configuration with its value and errors; `nulls` are keys that it gives as null.
pub(super) fn infos(
    host: &Host,
    config: &Properties,
    nulls: &[String],
) -> Result<ConfigInfos, HerderError> {
    let class = class(host, config)?;
    Ok(host.validator.infos(class, config, nulls))
}

/// The consumer group of a connector's tasks, reached as they reach it.
pub(super) fn group(host: &Host, name: &str, config: &Properties) -> Result<Group, HerderError> {
    let mut errors = ConfigErrors::default();
    let config = host.worker.providers.resolve(config, &mut errors);
    let mut settings = host.worker.client_settings(Role::Consumer);
    settings.extend(with_prefix(&config, "consumer.override."));
    let translated = errors
        .into_result()
        .and_then(|()| KafkaConfig::translate(Role::Consumer, &settings));
    let client = translated
        .map_err(|errors| HerderError::invalid_config(&errors))?
        .client_config();
    let id = config
        .get("consumer.override.group.id")
        .cloned()
        .unwrap_or_else(|| format!("connect-{name}"));
    Ok(Group {
        connector: name.to_owned(),
        id,
        client,
        timeout: host.worker.kafka_timeout,
    })
}

/// Why topic tracking is refused, if it is.
pub(super) fn tracking(host: &Host, reset: bool) -> Result<(), HerderError> {
    if !host.worker.topic_tracking {
        return Err(HerderError::Forbidden("Topic tracking is disabled.".into()));
    }
    if reset && !host.worker.topic_tracking_reset {
        return Err(HerderError::Forbidden(
            "Topic tracking reset is disabled.".into(),
        ));
    }
    Ok(())
}
