//! What settings of topics, brokers and the whole cluster have in common.

use crate::api::Request;
use crate::cluster_admin::{Config, ConfigChange, ConfigOperation, ConfigResource};
use crate::entity::v3::Resource;
use crate::entity::v3::config::{self, Owner, Synonym};
use crate::error::Error;

use super::links::Links;
use super::scope::settle;

/// Settings of one resource, by name.
pub(super) async fn describe(
    request: &Request<'_>,
    resource: &ConfigResource,
) -> Result<Vec<Config>, Error> {
    let mut found = request.app.cluster.configs(vec![resource.clone()]).await?;
    let mut configs = found.pop().unwrap_or_default();
    configs.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(configs)
}

/// One setting of a resource.
pub(super) async fn find(
    request: &Request<'_>,
    resource: &ConfigResource,
    name: &str,
) -> Result<Config, Error> {
    let configs = describe(request, resource).await?;
    let mut configs = configs.into_iter();
    configs
        .find(|config| config.name == name)
        .ok_or(Error::NotFound)
}

/// Changes one setting that has to be there.
pub(super) async fn change_existing(
    request: &Request<'_>,
    cluster: &str,
    resource: ConfigResource,
    change: ConfigChange,
) -> Result<(), Error> {
    let configs = describe(request, &resource).await?;
    if configs.iter().all(|config| config.name != change.name) {
        let (kind, owner) = match &resource {
            ConfigResource::Topic(name) => ("TOPIC", name.clone()),
            ConfigResource::Broker(id) => ("BROKER", id.to_string()),
            ConfigResource::AllBrokers => ("BROKER", String::new()),
        };
        let name = change.name;
        let message =
            format!("Config {name} cannot be found for {kind} {owner} in cluster {cluster}.");
        return Err(Error::NotFoundAs(message));
    }
    alter(request, resource, vec![change], false).await
}

/// Changes settings that all have to be there.
pub(super) async fn change_all_existing(
    request: &Request<'_>,
    resource: ConfigResource,
    changes: Vec<ConfigChange>,
    validate_only: bool,
) -> Result<(), Error> {
    let configs = describe(request, &resource).await?;
    let known = |change: &ConfigChange| configs.iter().any(|config| config.name == change.name);
    if !changes.iter().all(known) {
        return Err(Error::NotFound);
    }
    alter(request, resource, changes, validate_only).await
}

/// Changes settings, and waits a moment until the change can be seen.
pub(super) async fn alter(
    request: &Request<'_>,
    resource: ConfigResource,
    changes: Vec<ConfigChange>,
    validate_only: bool,
) -> Result<(), Error> {
    let admin = &request.app.cluster;
    admin
        .alter_configs(resource.clone(), changes.clone(), validate_only)
        .await?;
    if !validate_only {
        settle(|| async {
            let configs = describe(request, &resource).await.unwrap_or_default();
            let mut changes = changes.iter();
            changes.all(|change| is_seen(change, &configs, &resource))
        })
        .await;
    }
    Ok(())
}

fn is_seen(change: &ConfigChange, configs: &[Config], resource: &ConfigResource) -> bool {
    let own = match resource {
        ConfigResource::Topic(_) => "DYNAMIC_TOPIC_CONFIG",
        ConfigResource::Broker(_) => "DYNAMIC_BROKER_CONFIG",
        ConfigResource::AllBrokers => "DYNAMIC_DEFAULT_BROKER_CONFIG",
    };
    let found = configs.iter().find(|config| config.name == change.name);
    match (&change.operation, found) {
        (ConfigOperation::Set(_), None) => false,
        (ConfigOperation::Set(value), Some(config)) => {
            config.is_sensitive || config.value == *value
        }
        (ConfigOperation::Reset, found) => found.is_none_or(|config| config.source != own),
    }
}

/// The body of one setting. `tail` and `name` are those of the resource that has it.
pub(super) fn resource(
    links: &Links,
    kind: &'static str,
    tail: &str,
    name: &str,
    owner: Owner,
    config: Config,
) -> Resource<config::Config> {
    let tail = format!("{tail}/{}", config.name);
    let name = format!("{name}={}", config.name);
    let is_default = config.is_default();
    let synonym = |(name, value, source)| Synonym {
        name,
        value,
        source,
    };
    let fields = config::Config {
        cluster_id: links.cluster.clone(),
        name: config.name,
        value: config.value,
        is_read_only: config.is_read_only,
        is_sensitive: config.is_sensitive,
        source: config.source,
        synonyms: config.synonyms.into_iter().map(synonym).collect(),
        owner,
        is_default,
    };
    links.resource(kind, &tail, &name, fields)
}
