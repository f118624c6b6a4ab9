//! `DescribeConfigs`, `AlterConfigs` and `IncrementalAlterConfigs` for topics and the broker.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, alter_configs_response,
    incremental_alter_configs_response,
};
use kafka_protocol::protocol::StrBytes;

use super::broker_configs::{Altered, dynamic_key, fixed};
use super::config_keys::{ConfigKey, DYNAMIC_BROKER_KEYS, Kind, TOPIC_KEYS, topic_key};
use super::error::ApiError;
use super::node::Node;
use super::topic::Topic;
use super::topics::check_name;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Where a value comes from, as numbered in `DescribeConfigs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    DynamicTopic = 1,
    DynamicBroker = 2,
    DynamicDefaultBroker = 3,
    StaticBroker = 4,
    Default = 5,
}

/// A value to set, remove, or change as a list.
struct Change<'a> {
    name: &'a str,
    value: Option<&'a str>,
    operation: Operation,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Set,
    Delete,
    Append,
    Subtract,
}

/// What the requests are about.
enum Resource {
    Topic(Arc<Topic>),
    /// A node id, or `""` for all nodes.
    Broker(String),
}

impl Resource {
    fn find(node: &Node, kind: i8, name: &str) -> Result<Self, ApiError> {
        let invalid = |message: String| Err(ApiError::new(ResponseError::InvalidRequest, message));
        match (kind, name) {
            (TOPIC, _) => {
                check_name(name)?;
                let topic = node
                    .topics
                    .get(name)
                    .ok_or(ResponseError::UnknownTopicOrPartition)?;
                Ok(Self::Topic(topic))
            }
            (BROKER, "" | "1") => Ok(Self::Broker(name.to_owned())),
            (BROKER, _) if name.parse::<i32>().is_err() => {
                invalid(format!("Broker id must be an integer, but it is: {name}"))
            }
            (BROKER, _) => invalid(format!(
                "Unexpected broker id, expected 1 or empty string, but received {name}"
            )),
            _ => invalid(format!(
                "The development broker has no configs of resource type {kind}"
            )),
        }
    }

    fn altered(&self, node: &Node) -> Altered {
        match self {
            Self::Topic(topic) => topic.configs(),
            Self::Broker(name) => node.broker_configs.altered(name),
        }
    }

    fn store(&self, node: &Node, altered: Altered) -> Result<(), ApiError> {
        let stored = match self {
            Self::Topic(topic) => topic.set_configs(altered),
            Self::Broker(name) => node.broker_configs.set(name, altered),
        };
        stored.map_err(|error| ApiError::new(ResponseError::KafkaStorageError, error.to_string()))
    }

    /// Checks a value. Like Kafka, the broker takes settings that it does not know, for its plug-ins.
    fn check(&self, node: &Node, name: &str, value: &str) -> Result<(), ApiError> {
        if matches!(self, Self::Topic(_)) {
            return topic_key(name)?.check(value);
        }
        if fixed(node).iter().any(|(fixed, ..)| *fixed == name) {
            let message = format!("Cannot update these configs dynamically: Set({name})");
            return Err(ApiError::new(ResponseError::InvalidRequest, message));
        }
        let checked = dynamic_key(name).map_or(Ok(()), |key| key.check(value));
        checked.map_err(|error| ApiError {
            error: ResponseError::InvalidRequest,
            ..error
        })
    }

    fn key(&self, name: &str) -> Option<&'static ConfigKey> {
        match self {
            Self::Topic(_) => topic_key(name).ok(),
            Self::Broker(_) => dynamic_key(name),
        }
    }
}

/// Answers `DescribeConfigs`.
pub(crate) fn describe(node: &Node, request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
    let describe = |resource: &DescribeConfigsResource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match Resource::find(node, resource.resource_type, &resource.resource_name) {
            Ok(found) => {
                let asked = |entry: &DescribeConfigsResourceResult| {
                    resource
                        .configuration_keys
                        .as_ref()
                        .is_none_or(|keys| keys.contains(&entry.name))
                };
                let mut configs: Vec<_> = entries(node, &found).into_iter().filter(asked).collect();
                if !request.include_synonyms {
                    configs.iter_mut().for_each(|entry| entry.synonyms.clear());
                }
                result.with_configs(configs)
            }
            Err(error) => result
                .with_error_code(error.error.code())
                .with_error_message(error.text()),
        }
    };
    DescribeConfigsResponse::default()
        .with_results(request.resources.iter().map(describe).collect())
}

fn entries(node: &Node, resource: &Resource) -> Vec<DescribeConfigsResourceResult> {
    match resource {
        Resource::Topic(topic) => topic_entries(node, &topic.configs()),
        Resource::Broker(name) if name.is_empty() => {
            let source = Source::DynamicDefaultBroker;
            let entry = |(name, value): (String, String)| {
                let kind = dynamic_key(&name).map_or(Kind::String, |key| key.kind);
                entry(&name, kind, vec![synonym(&name, &value, source)])
            };
            node.broker_configs
                .altered("")
                .into_iter()
                .map(entry)
                .collect()
        }
        Resource::Broker(name) => broker_entries(node, name),
    }
}

/// All settings of a topic with these altered ones.
pub(crate) fn topic_entries(node: &Node, altered: &Altered) -> Vec<DescribeConfigsResourceResult> {
    let describe = |key: &ConfigKey| {
        let max_bytes = node.options.message_max_bytes.to_string();
        let default = if key.name == "max.message.bytes" {
            &max_bytes
        } else {
            key.default
        };
        let source = if default == key.default {
            Source::Default
        } else {
            Source::StaticBroker
        };
        let mut synonyms: Vec<_> = key
            .synonym
            .map(|name| synonym(name, default, source))
            .into_iter()
            .collect();
        if let Some(value) = altered.get(key.name) {
            synonyms.insert(0, synonym(key.name, value, Source::DynamicTopic));
        }
        let fallback = entry(
            key.name,
            key.kind,
            vec![synonym(key.name, default, Source::Default)],
        );
        if synonyms.is_empty() {
            fallback.with_synonyms(Vec::new())
        } else {
            entry(key.name, key.kind, synonyms)
        }
    };
    TOPIC_KEYS.iter().map(describe).collect()
}

fn broker_entries(node: &Node, name: &str) -> Vec<DescribeConfigsResourceResult> {
    let (own, of_all) = (
        node.broker_configs.altered(name),
        node.broker_configs.altered(""),
    );
    let dynamic = DYNAMIC_BROKER_KEYS.iter().map(|key| {
        let layers = [
            (own.get(key.name), Source::DynamicBroker),
            (of_all.get(key.name), Source::DynamicDefaultBroker),
        ];
        let mut synonyms: Vec<_> = layers
            .into_iter()
            .filter_map(|(value, source)| value.map(|value| synonym(key.name, value, source)))
            .collect();
        synonyms.push(synonym(key.name, key.default, Source::Default));
        entry(key.name, key.kind, synonyms)
    });
    let fixed = fixed(node)
        .into_iter()
        .map(|(name, value, kind, is_default)| {
            let source = if is_default {
                Source::Default
            } else {
                Source::StaticBroker
            };
            entry(name, kind, vec![synonym(name, &value, source)]).with_read_only(true)
        });
    dynamic.chain(fixed).collect()
}

/// An entry with the value and source of its first synonym.
fn entry(
    name: &str,
    kind: Kind,
    synonyms: Vec<DescribeConfigsSynonym>,
) -> DescribeConfigsResourceResult {
    let first = synonyms.first().cloned().unwrap_or_default();
    DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_string(name.to_owned()))
        .with_value(first.value)
        .with_config_source(first.source)
        .with_config_type(kind as i8)
        .with_synonyms(synonyms)
}

fn synonym(name: &str, value: &str, source: Source) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym::default()
        .with_name(StrBytes::from_string(name.to_owned()))
        .with_value(Some(StrBytes::from_string(value.to_owned())))
        .with_source(source as i8)
}

/// Answers `AlterConfigs`, which replaces all altered settings of a resource.
pub(crate) fn alter(node: &Node, request: &AlterConfigsRequest) -> AlterConfigsResponse {
    let responses = request.resources.iter().map(|resource| {
        let changes = resource.configs.iter().map(|config| Change {
            name: &config.name,
            value: config.value.as_deref(),
            operation: Operation::Set,
        });
        let target = target(node, resource.resource_type, &resource.resource_name);
        let altered = target.and_then(|target| {
            let altered = changed(node, &target, Altered::new(), changes)?;
            if request.validate_only {
                Ok(())
            } else {
                target.store(node, altered)
            }
        });
        let error = altered.err();
        alter_configs_response::AlterConfigsResourceResponse::default()
            .with_error_code(error.as_ref().map_or(0, |error| error.error.code()))
            .with_error_message(error.and_then(|error| error.text()))
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
    });
    AlterConfigsResponse::default().with_responses(responses.collect())
}

/// Answers `IncrementalAlterConfigs`.
pub(crate) fn alter_incrementally(
    node: &Node,
    request: &IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let responses = request.resources.iter().map(|resource| {
        let changes = resource.configs.iter().map(|config| Change {
            name: &config.name,
            value: config.value.as_deref(),
            operation: match config.config_operation {
                1 => Operation::Delete,
                2 => Operation::Append,
                3 => Operation::Subtract,
                _ => Operation::Set,
            },
        });
        let target = target(node, resource.resource_type, &resource.resource_name);
        let altered = target.and_then(|target| {
            let altered = changed(node, &target, target.altered(node), changes)?;
            if request.validate_only {
                Ok(())
            } else {
                target.store(node, altered)
            }
        });
        let error = altered.err();
        incremental_alter_configs_response::AlterConfigsResourceResponse::default()
            .with_error_code(error.as_ref().map_or(0, |error| error.error.code()))
            .with_error_message(error.and_then(|error| error.text()))
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
}

/// The resource to alter, with Kafka's sentence for a topic that is missing.
fn target(node: &Node, kind: i8, name: &str) -> Result<Resource, ApiError> {
    Resource::find(node, kind, name).map_err(|error| match error.error {
        ResponseError::UnknownTopicOrPartition => {
            ApiError::new(error.error, format!("The topic '{name}' does not exist."))
        }
        _ => error,
    })
}

/// The altered settings after these changes, checked.
fn changed<'a>(
    node: &Node,
    resource: &Resource,
    mut altered: Altered,
    changes: impl Iterator<Item = Change<'a>>,
) -> Result<Altered, ApiError> {
    for change in changes {
        if change.operation == Operation::Delete {
            altered.remove(change.name);
            continue;
        }
        let given = change.value.ok_or_else(|| {
            let message = format!("Null value not supported for : {}", change.name);
            ApiError::new(ResponseError::InvalidRequest, message)
        })?;
        let value = match change.operation {
            Operation::Append | Operation::Subtract => {
                let key = resource.key(change.name);
                let current = altered.get(change.name).map(String::as_str);
                let default = key.map_or("", |key| key.default);
                change_list(key, current.unwrap_or(default), given, &change)?
            }
            _ => given.to_owned(),
        };
        resource.check(node, change.name, &value)?;
        altered.insert(change.name.to_owned(), value);
    }
    Ok(altered)
}

fn change_list(
    key: Option<&ConfigKey>,
    current: &str,
    given: &str,
    change: &Change<'_>,
) -> Result<String, ApiError> {
    let appends = change.operation == Operation::Append;
    if key.is_none_or(|key| key.kind != Kind::List) {
        let (verb, name) = (if appends { "APPEND" } else { "SUBTRACT" }, change.name);
        let message = format!("Can't {verb} to key {name} because its type is not LIST.");
        return Err(ApiError::new(ResponseError::InvalidConfig, message));
    }
    let items = |list: &str| -> Vec<String> {
        list.split(',')
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()
    };
    let given: BTreeSet<String> = items(given).into_iter().collect();
    let mut list = items(current);
    list.retain(|item| !given.contains(item));
    if appends {
        list.extend(given);
    }
    Ok(list.join(","))
}
