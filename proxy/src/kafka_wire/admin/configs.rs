//! Settings of topics and brokers.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};

use super::{NEWEST, WireAdmin, incomplete, text};
use crate::cluster_admin::{Config, ConfigChange, ConfigOperation, ConfigResource};
use crate::kafka_error::KafkaFault;
use crate::kafka_wire::fault::{check, check_moved};
use crate::kafka_wire::pool::To;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const SET: i8 = 0;
const DELETE: i8 = 1;

impl WireAdmin {
    pub(super) async fn describe_configs(
        &self,
        resources: Vec<ConfigResource>,
    ) -> Result<Vec<Vec<Config>>, KafkaFault> {
        // A broker only knows its own settings; everything else can be asked of any.
        let mut found: Vec<Option<Vec<Config>>> = resources.iter().map(|_| None).collect();
        let elsewhere: Vec<usize> = (0..resources.len())
            .filter(|at| !matches!(resources[*at], ConfigResource::Broker(_)))
            .collect();
        if !elsewhere.is_empty() {
            let asked: Vec<&ConfigResource> = elsewhere.iter().map(|at| &resources[*at]).collect();
            let answers = self.describe_at(To::Any, &asked).await?;
            for (at, configs) in elsewhere.into_iter().zip(answers) {
                found[at] = Some(configs);
            }
        }
        for (at, resource) in resources.iter().enumerate() {
            if let ConfigResource::Broker(id) = resource {
                found[at] = self.describe_at(To::Broker(*id), &[resource]).await?.pop();
            }
        }
        found
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(incomplete)
    }

    async fn describe_at(
        &self,
        to: To<'_>,
        resources: &[&ConfigResource],
    ) -> Result<Vec<Vec<Config>>, KafkaFault> {
        let wanted = |resource: &&ConfigResource| {
            let (kind, name) = named(resource);
            DescribeConfigsResource::default()
                .with_resource_type(kind)
                .with_resource_name(text(&name))
                .with_configuration_keys(None)
        };
        let request = DescribeConfigsRequest::default()
            .with_resources(resources.iter().map(wanted).collect())
            .with_include_synonyms(true);
        let check_all = |answer: &kafka_protocol::messages::DescribeConfigsResponse| {
            let mut results = answer.results.iter();
            results.try_for_each(|one| check_moved(one.error_code, one.error_message.as_ref()))
        };
        let answer = self
            .call(to, &request, NEWEST, "describeConfigs", check_all)
            .await?;
        let of = |resource: &&ConfigResource| {
            let (kind, name) = named(resource);
            let mut results = answer.results.iter();
            results
                .find(|one| one.resource_type == kind && *one.resource_name == *name)
                .map(read)
                .ok_or_else(incomplete)
        };
        resources.iter().map(of).collect()
    }

    pub(super) async fn change_configs(
        &self,
        resource: ConfigResource,
        changes: Vec<ConfigChange>,
        validate_only: bool,
    ) -> Result<(), KafkaFault> {
        let (kind, name) = named(&resource);
        let changed = AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(&name))
            .with_configs(changes.iter().map(alterable).collect());
        let request = IncrementalAlterConfigsRequest::default()
            .with_resources(vec![changed])
            .with_validate_only(validate_only);
        let to = match resource {
            ConfigResource::Broker(id) => To::Broker(id),
            _ => To::Any,
        };
        let answer = self
            .call(to, &request, NEWEST, "incrementalAlterConfigs", |answer| {
                answer
                    .responses
                    .iter()
                    .try_for_each(|one| check_moved(one.error_code, one.error_message.as_ref()))
            })
            .await?;
        let one = answer.responses.first().ok_or_else(incomplete)?;
        check(one.error_code, one.error_message.as_ref())
    }
}

fn named(resource: &ConfigResource) -> (i8, String) {
    match resource {
        ConfigResource::Topic(name) => (TOPIC, name.clone()),
        ConfigResource::Broker(id) => (BROKER, id.to_string()),
        ConfigResource::AllBrokers => (BROKER, String::new()),
    }
}

fn alterable(change: &ConfigChange) -> AlterableConfig {
    let config = AlterableConfig::default().with_name(text(&change.name));
    match &change.operation {
        ConfigOperation::Set(value) => config
            .with_config_operation(SET)
            .with_value(value.as_deref().map(text)),
        ConfigOperation::Reset => config.with_config_operation(DELETE).with_value(None),
    }
}

fn read(result: &DescribeConfigsResult) -> Vec<Config> {
    result.configs.iter().map(read_one).collect()
}

fn read_one(config: &DescribeConfigsResourceResult) -> Config {
    let shown = |value: &Option<kafka_protocol::protocol::StrBytes>| {
        value.as_ref().map(ToString::to_string)
    };
    let synonyms = config
        .synonyms
        .iter()
        .map(|one| (one.name.to_string(), shown(&one.value), source(one.source)));
    Config {
        name: config.name.to_string(),
        value: shown(&config.value),
        is_read_only: config.read_only,
        is_sensitive: config.is_sensitive,
        source: source(config.config_source),
        synonyms: synonyms.collect(),
    }
}

/// Where a value comes from; the names are those of the REST API.
fn source(code: i8) -> &'static str {
    match code {
        1 => "DYNAMIC_TOPIC_CONFIG",
        2 => "DYNAMIC_BROKER_CONFIG",
        3 => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        4 => "STATIC_BROKER_CONFIG",
        5 => "DEFAULT_CONFIG",
        6 => "DYNAMIC_BROKER_LOGGER_CONFIG",
        8 => "DYNAMIC_GROUP_CONFIG",
        _ => "UNKNOWN",
    }
}
