//! `/connectors/…`: connectors, their configurations, states and tasks.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sluiceway_common::props::Properties;

use super::call::Call;
use super::respond::{self, ApiError, Reply};
use super::router::{Route, query_flag, query_values};
use super::{Api, body};
use crate::herder::{HerderError, Put, RestartRequest, TaskId, as_object};
use crate::status::TargetState;

/// A configuration as a JSON object.
#[derive(Serialize)]
struct Object<'a>(#[serde(serialize_with = "as_object")] &'a Properties);

/// Answers a request for one of this file's resources.
pub(super) async fn serve(api: &Api, route: Route, call: &Call) -> Result<Reply, ApiError> {
    let herder = &api.herder;
    match route {
        Route::Connectors if call.method == Method::POST => create(api, call).await,
        Route::Connectors => list(api, call).await,
        Route::Connector(name) if call.method == Method::DELETE => {
            herder.delete(&name).await?;
            Ok(respond::empty(StatusCode::NO_CONTENT))
        }
        Route::Connector(name) => Ok(respond::ok(&herder.info(&name).await?)),
        Route::Config(name) => config(api, &name, call).await,
        Route::Status(name) => Ok(respond::ok(&herder.status(&name).await?)),
        Route::Tasks(name) => Ok(respond::ok(&herder.tasks(&name).await?)),
        Route::TasksConfig(name) => tasks_config(api, &name).await,
        Route::TaskStatus(name, task) => {
            let task = number(&task)?;
            Ok(respond::ok(&herder.task_status(&name, task).await?))
        }
        Route::TaskRestart(name, task) => {
            herder.restart_task(&name, number(&task)?).await?;
            Ok(respond::empty(StatusCode::NO_CONTENT))
        }
        Route::Restart(name) => restart(api, &name, call).await,
        Route::Pause(name) => target(api, &name, TargetState::Paused).await,
        Route::Resume(name) => target(api, &name, TargetState::Started).await,
        Route::Stop(name) => target(api, &name, TargetState::Stopped).await,
        Route::Topics(name) => {
            let topics = herder.topics(&name).await?;
            Ok(respond::ok(&json!({ name: { "topics": topics } })))
        }
        Route::TopicsReset(name) => {
            herder.reset_topics(&name).await?;
            Ok(respond::empty(StatusCode::ACCEPTED))
        }
        _ => Err(ApiError::plain(StatusCode::NOT_FOUND)),
    }
}

/// A task's number; like the original, anything else in its place is no resource.
fn number(text: &str) -> Result<u32, ApiError> {
    text.parse()
        .map_err(|_| ApiError::plain(StatusCode::NOT_FOUND))
}

/// Names that the caller may read, or with `expand` an object of them; a connector that disappears meanwhile is left out.
async fn list(api: &Api, call: &Call) -> Result<Reply, ApiError> {
    let expand = query_values(call.query.as_deref(), "expand");
    let mut names = api.herder.connectors().await?;
    names.retain(|name| call.may_read(name));
    if expand.is_empty() {
        return Ok(respond::ok(&names));
    }
    let mut expanded = Map::new();
    for name in names {
        if let Ok(parts) = expanded_parts(api, &name, &expand).await {
            expanded.insert(name, Value::Object(parts));
        }
    }
    Ok(respond::ok(&expanded))
}

async fn expanded_parts(
    api: &Api,
    name: &str,
    expand: &[String],
) -> Result<Map<String, Value>, HerderError> {
    let to_value = |part: serde_json::Result<Value>| {
        part.map_err(|error| HerderError::Internal(error.to_string()))
    };
    let mut parts = Map::new();
    for part in expand {
        let value = match part.as_str() {
            "status" => to_value(serde_json::to_value(api.herder.status(name).await?))?,
            "info" => to_value(serde_json::to_value(api.herder.info(name).await?))?,
            _ => continue,
        };
        parts.insert(part.clone(), value);
    }
    Ok(parts)
}

async fn create(api: &Api, call: &Call) -> Result<Reply, ApiError> {
    let request = body::create(&call.body)?;
    let put = api.herder.put(request, false).await?;
    Ok(put_reply(call, &put))
}

async fn config(api: &Api, name: &str, call: &Call) -> Result<Reply, ApiError> {
    match call.method {
        Method::PUT => {
            let request = body::named(body::config(body::members(&call.body)?)?, name)?;
            Ok(put_reply(call, &api.herder.put(request, true).await?))
        }
        Method::PATCH => {
            let patch = body::patch(body::members(&call.body)?)?;
            Ok(respond::ok(&api.herder.patch(name, patch).await?))
        }
        _ => Ok(respond::ok(&Object(&api.herder.info(name).await?.config))),
    }
}

fn put_reply(call: &Call, put: &Put) -> Reply {
    if !put.created {
        return respond::ok(&put.info);
    }
    let path = format!("/connectors/{}", respond::encode_segment(&put.info.name));
    respond::created(call.host(), &path, &put.info)
}

async fn tasks_config(api: &Api, name: &str) -> Result<Reply, ApiError> {
    let tasks = api.herder.tasks(name).await?;
    let key = |id: &TaskId| format!("{}-{}", id.connector, id.task);
    let configs: BTreeMap<String, Object<'_>> = tasks
        .iter()
        .map(|task| (key(&task.id), Object(&task.config)))
        .collect();
    Ok(respond::ok(&configs))
}

/// 204 when only the connector is restarted; else 202 with what is being restarted.
async fn restart(api: &Api, name: &str, call: &Call) -> Result<Reply, ApiError> {
    let flag = |parameter| query_flag(call.query.as_deref(), parameter).unwrap_or(false);
    let request = RestartRequest {
        include_tasks: flag("includeTasks"),
        only_failed: flag("onlyFailed"),
    };
    let status = api.herder.restart(name, request).await?;
    if request.is_plain() {
        return Ok(respond::empty(StatusCode::NO_CONTENT));
    }
    Ok(respond::json(StatusCode::ACCEPTED, &status))
}

async fn target(api: &Api, name: &str, target: TargetState) -> Result<Reply, ApiError> {
    api.herder.set_target(name, target).await?;
    let status = if target == TargetState::Stopped {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::ACCEPTED
    };
    Ok(respond::empty(status))
}
