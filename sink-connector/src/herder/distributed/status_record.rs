//! Records of the status topic, in Connect's form.
//!
//! In: a record's key and value. Out: a [`StatusRecord`], or `None` for what is not Connect's; the other way round for
//! writing. Keys: `status-connector-<name>`, `status-task-<name>-<n>`, `status-topic-<topic>:connector-<name>`.

use serde_json::json;

use super::config_record::{Written, payload};
use crate::status::State;

/// A connector itself, or one of its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Item {
    pub(super) connector: String,
    /// `None`: the connector itself.
    pub(super) task: Option<u32>,
}

/// What a worker said of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) state: State,
    pub(super) trace: Option<String>,
    pub(super) worker_id: String,
    /// The claim of the item's slot under which the worker spoke.
    pub(super) generation: i64,
}

/// One entry of the status topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StatusRecord {
    /// The state of an item; `None` when the item is gone.
    State(Item, Option<Said>),
    /// A topic that a connector has read; `None` when it was forgotten.
    Topic {
        connector: String,
        topic: String,
        seen: Option<Seen>,
    },
}

/// Who found a topic, and when (milliseconds since 1970).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) task: u32,
    pub(super) at: i64,
}

impl StatusRecord {
    /// Reads a record.
    pub(super) fn read(key: &[u8], value: Option<&[u8]>) -> Option<Self> {
        let key = std::str::from_utf8(key).ok()?;
        let value = payload(value)?;
        if let Some(rest) = key.strip_prefix("status-topic-") {
            let (topic, connector) = rest.split_once(":connector-")?;
            let seen = match value {
                None => None,
                Some(value) => {
                    let topic = value.get("topic")?;
                    Some(Seen {
                        task: u32::try_from(topic.get("task")?.as_u64()?).ok()?,
                        at: topic.get("discoverTimestamp")?.as_i64()?,
                    })
                }
            };
            return Some(Self::Topic {
                connector: connector.to_owned(),
                topic: topic.to_owned(),
                seen,
            });
        }
        let item = Item::read(key)?;
        let Some(value) = value else {
            return Some(Self::State(item, None));
        };
        let text = |field: &str| value.get(field).and_then(|value| value.as_str());
        let state = match text("state")? {
            // The item was taken away; a tombstone follows.
            "DESTROYED" => return Some(Self::State(item, None)),
            name => State::ALL
                .into_iter()
                .find(|state| state.label().eq_ignore_ascii_case(name))?,
        };
        let said = Said {
            state,
            trace: text("trace").map(str::to_owned),
            worker_id: text("worker_id")?.to_owned(),
            generation: value.get("generation")?.as_i64()?,
        };
        Some(Self::State(item, Some(said)))
    }

    /// How the record is written.
    pub(super) fn write(&self) -> Written {
        match self {
            Self::State(item, said) => {
                let value = said.as_ref().map(|said| {
                    json!({
                        "state": said.state,
                        "trace": said.trace,
                        "worker_id": said.worker_id,
                        "generation": said.generation,
                    })
                    .to_string()
                });
                (item.key(), value)
            }
            Self::Topic {
                connector,
                topic,
                seen,
            } => {
                let value = seen.map(|seen| {
                    json!({ "topic": {
                        "name": topic,
                        "connector": connector,
                        "task": seen.task,
                        "discoverTimestamp": seen.at,
                    }})
                    .to_string()
                });
                (format!("status-topic-{topic}:connector-{connector}"), value)
            }
        }
    }
}

impl Item {
    fn read(key: &str) -> Option<Self> {
        if let Some(name) = key.strip_prefix("status-connector-") {
            return Some(Self {
                connector: name.to_owned(),
                task: None,
            });
        }
        let (name, number) = key.strip_prefix("status-task-")?.rsplit_once('-')?;
        Some(Self {
            connector: name.to_owned(),
            task: Some(number.parse().ok()?),
        })
    }

    fn key(&self) -> String {
        match self.task {
            None => format!("status-connector-{}", self.connector),
            Some(number) => format!("status-task-{}-{number}", self.connector),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let item = |task| Item {
            connector: "a-1".into(),
            task,
        };
        let said = Said {
            state: State::Failed,
            trace: Some("E\n\tat x".into()),
            worker_id: "h:8083".into(),
            generation: 7,
        };
        let records = [
            StatusRecord::State(item(None), Some(said.clone())),
            StatusRecord::State(
                item(Some(12)),
                Some(Said {
                    trace: None,
                    ..said
                }),
            ),
            StatusRecord::State(item(Some(0)), None),
            StatusRecord::Topic {
                connector: "a-1".into(),
                topic: "t.x".into(),
                seen: Some(Seen { task: 2, at: 1 }),
            },
            StatusRecord::Topic {
                connector: "a-1".into(),
                topic: "t".into(),
                seen: None,
            },
        ];
        for record in records {
            let (key, value) = record.write();
            let again = StatusRecord::read(key.as_bytes(), value.as_deref().map(str::as_bytes));
            assert_eq!(again, Some(record), "{key}");
        }
    }

    #[test]
    fn connects_own_values_are_read() {
        let read =
            |key: &str, value: &str| StatusRecord::read(key.as_bytes(), Some(value.as_bytes()));
        let item = Item {
            connector: "n".into(),
            task: Some(0),
        };
        assert_eq!(
            read(
                "status-task-n-0",
                r#"{"state":"RUNNING","trace":null,"worker_id":"127.0.0.1:18093","generation":4}"#
            ),
            Some(StatusRecord::State(
                item.clone(),
                Some(Said {
                    state: State::Running,
                    trace: None,
                    worker_id: "127.0.0.1:18093".into(),
                    generation: 4,
                })
            ))
        );
        assert_eq!(
            read(
                "status-task-n-0",
                r#"{"state":"DESTROYED","trace":null,"worker_id":"w","generation":4}"#
            ),
            Some(StatusRecord::State(item, None))
        );
        assert_eq!(read("status-task-n", "{}"), None);
        assert_eq!(read("other", "{}"), None);
    }
}
