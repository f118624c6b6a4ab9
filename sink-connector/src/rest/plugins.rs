//! `/connector-plugins/…`: what classes there are, their properties, and the check of a configuration.

use super::call::Call;
use super::respond::{self, ApiError, Reply};
use super::router::query_flag;
use super::{Api, body};
use crate::plugins::{self, Plugin, PluginType};

/// All plugins, or unless `connectorsOnly=false` the connectors alone.
pub(super) fn list(call: &Call) -> Reply {
    let connectors_only = query_flag(call.query.as_deref(), "connectorsOnly").unwrap_or(true);
    let listed = |plugin: &Plugin| !connectors_only || plugin.kind == PluginType::Sink;
    respond::ok(&plugins::all().filter(listed).collect::<Vec<_>>())
}

/// The definitions of a plugin's properties.
pub(super) fn config(class: &str) -> Result<Reply, ApiError> {
    let plugin = plugins::find(class)
        .ok_or_else(|| ApiError::not_found(format!("Unknown plugin {class}.")))?;
    let keys = match plugin.kind {
        PluginType::Sink => {
            let mut keys = plugins::connector_keys();
            keys.append(&mut plugins::framework_keys());
            keys
        }
        PluginType::Converter | PluginType::HeaderConverter => {
            plugins::converter_keys(plugin.class)
        }
        PluginType::Transformation | PluginType::Predicate => plugins::transform_keys(plugin.class),
    };
    Ok(respond::ok(&keys))
}

/// Each property with its value and errors; 200 even when there are some.
pub(super) async fn validate(api: &Api, class: &str, call: &Call) -> Result<Reply, ApiError> {
    let (config, nulls) = body::config(body::members(&call.body)?)?;
    let own = config.get("connector.class").filter(|own| !own.is_empty());
    let same = |a: &str, b: &str| {
        a == b || plugins::find(a).is_some_and(|found| plugins::find(b) == Some(found))
    };
    if let Some(own) = own
        && !same(own, class)
    {
        return Err(ApiError::bad_request(format!(
            "Included connector type {own} does not match request type {class}"
        )));
    }
    Ok(respond::ok(&api.herder.validate(&config, &nulls).await?))
}
