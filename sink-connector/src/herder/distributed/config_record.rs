//! Records of the config topic, in Connect's form: key names, and values as its JsonConverter writes them without
//! schemas.
//!
//! In: a record's key and value. Out: a [`ConfigRecord`], or `None` for what is not Connect's or cannot be read; the
//! other way round for writing. A value that an old worker wrote with its schema (`{"schema":…,"payload":…}`) is read
//! too. Whatever this program does not know stays in the topic as it is.

use serde_json::{Map, Value, json};
use sluiceway_common::props::Properties;

use crate::connector::RestartRequest;
use crate::status::TargetState;

/// One entry of the config topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ConfigRecord {
    /// `connector-<name>`: a configuration; `None` when the connector was deleted.
    Connector(String, Option<Properties>),
    /// `target-state-<name>`; `None` when the connector was deleted.
    Target(String, Option<TargetState>),
    /// `task-<name>-<n>`: counts once a `commit-<name>` follows.
    Task(String, u32, Properties),
    /// `commit-<name>`: how many tasks there are.
    Commit(String, u32),
    /// `restart-connector-<name>`.
    Restart(String, RestartRequest),
    /// `logger-cluster-<namespace>`: a log level for all workers.
    Logger(String, String),
}

/// A key and a value as they are written; no value is a tombstone.
pub(super) type Written = (String, Option<String>);

impl ConfigRecord {
    /// Reads a record.
    pub(super) fn read(key: &[u8], value: Option<&[u8]>) -> Option<Self> {
        let key = std::str::from_utf8(key).ok()?;
        let value = payload(value)?;
        if let Some(name) = key.strip_prefix("restart-connector-") {
            let flag = |field: &str| value.as_ref()?.get(field)?.as_bool();
            let request = RestartRequest {
                include_tasks: flag("include-tasks")?,
                only_failed: flag("only-failed")?,
            };
            return Some(Self::Restart(name.to_owned(), request));
        }
        if let Some(name) = key.strip_prefix("connector-") {
            return match value {
                None => Some(Self::Connector(name.to_owned(), None)),
                Some(value) => Some(Self::Connector(name.to_owned(), Some(properties(&value)?))),
            };
        }
        if let Some(name) = key.strip_prefix("target-state-") {
            return match value {
                None => Some(Self::Target(name.to_owned(), None)),
                Some(value) => Some(Self::Target(name.to_owned(), Some(target(&value)?))),
            };
        }
        if let Some(name) = key.strip_prefix("commit-") {
            let tasks = value?.get("tasks")?.as_u64()?;
            return Some(Self::Commit(name.to_owned(), u32::try_from(tasks).ok()?));
        }
        if let Some(namespace) = key.strip_prefix("logger-cluster-") {
            let level = value?.get("level")?.as_str()?.to_owned();
            return Some(Self::Logger(namespace.to_owned(), level));
        }
        if let Some(rest) = key.strip_prefix("task-") {
            let (name, number) = rest.rsplit_once('-')?;
            let properties = properties(&value?)?;
            return Some(Self::Task(
                name.to_owned(),
                number.parse().ok()?,
                properties,
            ));
        }
        None
    }

    /// How the record is written.
    pub(super) fn write(&self) -> Written {
        let text = |value: Value| Some(value.to_string());
        match self {
            Self::Connector(name, config) => {
                let value = config
                    .as_ref()
                    .map(|config| json!({ "properties": object(config) }).to_string());
                (format!("connector-{name}"), value)
            }
            Self::Target(name, target) => {
                let value = target.map(|target| target_value(target).to_string());
                (format!("target-state-{name}"), value)
            }
            Self::Task(name, number, config) => (
                format!("task-{name}-{number}"),
                text(json!({ "properties": object(config) })),
            ),
            Self::Commit(name, tasks) => {
                (format!("commit-{name}"), text(json!({ "tasks": tasks })))
            }
            Self::Restart(name, request) => (
                format!("restart-connector-{name}"),
                text(json!({
                    "only-failed": request.only_failed,
                    "include-tasks": request.include_tasks,
                })),
            ),
            Self::Logger(namespace, level) => (
                format!("logger-cluster-{namespace}"),
                text(json!({ "level": level })),
            ),
        }
    }
}

/// The value itself, also of one that carries its schema; `Some(None)` for a tombstone and JSON's null, `None` for
/// what is no JSON.
pub(super) fn payload(bytes: Option<&[u8]>) -> Option<Option<Value>> {
    let Some(bytes) = bytes else {
        return Some(None);
    };
    let mut value: Value = serde_json::from_slice(bytes).ok()?;
    if let Value::Object(map) = &mut value
        && map.len() == 2
        && map.contains_key("schema")
    {
        value = map.shift_remove("payload")?;
    }
    Some(Some(value).filter(|value| !value.is_null()))
}

fn properties(value: &Value) -> Option<Properties> {
    let Value::Object(map) = value.get("properties")? else {
        return None;
    };
    let given = map.iter().filter(|(_, value)| !value.is_null());
    given
        .map(|(key, value)| Some((key.clone(), scalar(value)?)))
        .collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn object(config: &Properties) -> Map<String, Value> {
    config
        .iter()
        .map(|(key, value)| (key.clone(), Value::String(value.clone())))
        .collect()
}

/// `state.v2` came with STOPPED, which earlier workers are to take for PAUSED.
fn target(value: &Value) -> Option<TargetState> {
    let field = |name: &str| value.get(name).and_then(Value::as_str);
    match field("state.v2").or_else(|| field("state"))? {
        "STARTED" => Some(TargetState::Started),
        "PAUSED" => Some(TargetState::Paused),
        "STOPPED" => Some(TargetState::Stopped),
        _ => None,
    }
}

fn target_value(target: TargetState) -> Value {
    let (old, new) = match target {
        TargetState::Started => ("STARTED", "STARTED"),
        TargetState::Paused => ("PAUSED", "PAUSED"),
        TargetState::Stopped => ("PAUSED", "STOPPED"),
    };
    json!({ "state": old, "state.v2": new })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn config() -> Properties {
        [("name", "n"), ("topics", "t")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into_iter()
            .collect()
    }

    fn read(key: &str, value: &str) -> Option<ConfigRecord> {
        ConfigRecord::read(key.as_bytes(), Some(value.as_bytes()))
    }

    #[test]
    fn what_is_written_is_read_again() {
        let restart = RestartRequest {
            include_tasks: true,
            only_failed: false,
        };
        let records = [
            ConfigRecord::Connector("a-b-0".into(), Some(config())),
            ConfigRecord::Connector("n".into(), None),
            ConfigRecord::Target("n".into(), Some(TargetState::Stopped)),
            ConfigRecord::Target("n".into(), None),
            ConfigRecord::Task("a-b-0".into(), 12, config()),
            ConfigRecord::Commit("n".into(), 3),
            ConfigRecord::Restart("n".into(), restart),
            ConfigRecord::Logger("root".into(), "DEBUG".into()),
        ];
        for record in records {
            let (key, value) = record.write();
            let again = ConfigRecord::read(key.as_bytes(), value.as_deref().map(str::as_bytes));
            assert_eq!(again, Some(record), "{key}");
        }
    }

    #[test]
    fn connects_own_values_are_read() {
        assert_eq!(
            read("target-state-n", r#"{"state":"PAUSED"}"#),
            Some(ConfigRecord::Target("n".into(), Some(TargetState::Paused)))
        );
        assert_eq!(
            read(
                "target-state-n",
                r#"{"state":"PAUSED","state.v2":"STOPPED"}"#
            ),
            Some(ConfigRecord::Target("n".into(), Some(TargetState::Stopped)))
        );
        assert_eq!(
            read(
                "connector-n",
                r#"{"schema":{"type":"struct"},"payload":{"properties":{"name":"n","topics":"t"}}}"#
            ),
            Some(ConfigRecord::Connector("n".into(), Some(config())))
        );
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let foreign = [
            (
                "session-key",
                r#"{"key":"x","algorithm":"y","creation-timestamp":1}"#,
            ),
            ("tasks-fencing-n", r#"{"tasks":1}"#),
            ("connector-n", "no json"),
            ("connector-n", r#"{"properties":{"a":{}}}"#),
            ("task-n", r#"{"properties":{}}"#),
            ("commit-n", r#"{"tasks":-1}"#),
            ("target-state-n", r#"{"state":"ASLEEP"}"#),
        ];
        for (key, value) in foreign {
            assert_eq!(read(key, value), None, "{key} {value}");
        }
    }
}
