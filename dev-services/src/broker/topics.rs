//! The topics by name and by id, and the rules for making them. In: names, counts and settings from requests; out:
//! topics or Kafka's refusals. A topic is visible once all of its folder is written.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kafka_protocol::ResponseError;
use parking_lot::RwLock;
use uuid::Uuid;

use super::config_keys::topic_key;
use super::error::ApiError;
use super::topic::{Topic, TopicRecord};

/// Longest topic name, as in Kafka.
const MAX_NAME: usize = 249;
/// Most partitions of one topic: each has an open file.
const MAX_PARTITIONS: i32 = 10_000;

/// All topics.
#[derive(Debug)]
pub(crate) struct Topics {
    dir: PathBuf,
    message_max_bytes: i32,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_name: BTreeMap<String, Arc<Topic>>,
    by_id: HashMap<Uuid, Arc<Topic>>,
}

/// A topic that is asked for.
#[derive(Debug)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    pub(crate) partitions: i32,
    pub(crate) configs: BTreeMap<String, String>,
}

impl Topics {
    /// Opens every topic in `dir`, which is created when missing; removes what a crash left half made or deleted.
    pub(crate) fn open(dir: PathBuf, message_max_bytes: i32) -> io::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        let mut known = Known::default();
        for entry in std::fs::read_dir(&dir)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name.starts_with('~') {
                std::fs::remove_dir_all(&path)?;
            } else {
                known.insert(&name, Topic::open(&name, path, message_max_bytes)?);
            }
        }
        Ok(Self {
            dir,
            message_max_bytes,
            known: RwLock::new(known),
        })
    }

    /// The topic of this name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.known.read().by_name.get(name).map(Arc::clone)
    }

    /// The topic of this id.
    pub(crate) fn get_by_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        self.known.read().by_id.get(&id).map(Arc::clone)
    }

    /// All topics by name.
    pub(crate) fn all(&self) -> Vec<Arc<Topic>> {
        self.known.read().by_name.values().map(Arc::clone).collect()
    }

    /// Checks what [`Topics::create`] would refuse, and makes nothing.
    ///
    /// # Errors
    /// As for [`Topics::create`].
    pub(crate) fn check(&self, new: &NewTopic) -> Result<(), ApiError> {
        check_name(&new.name)?;
        self.known.read().check_free(&new.name)?;
        check_partitions(new.partitions)?;
        new.configs
            .iter()
            .try_for_each(|(name, value)| topic_key(name)?.check(value))
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// `INVALID_TOPIC_EXCEPTION`, `TOPIC_ALREADY_EXISTS`, `INVALID_PARTITIONS`, `INVALID_CONFIG`;
    /// `KAFKA_STORAGE_ERROR` when the folder cannot be written.
    pub(crate) fn create(&self, new: &NewTopic) -> Result<Arc<Topic>, ApiError> {
        self.check(new)?;
        let mut known = self.known.write();
        known.check_free(&new.name)?;
        let topic = self
            .write(new)
            .map_err(|error| storage_error(&self.dir, &error))?;
        tracing::info!(
            topic = new.name,
            partitions = new.partitions,
            "topic created"
        );
        Ok(known.insert(&new.name, topic))
    }

    fn write(&self, new: &NewTopic) -> io::Result<Topic> {
        let id = Uuid::new_v4();
        let partitions = usize::try_from(new.partitions).unwrap_or(1);
        let fresh = self.dir.join(format!("~{id}"));
        Topic::write(
            &fresh,
            &TopicRecord {
                id: id.to_string(),
                partitions,
                configs: new.configs.clone(),
            },
        )?;
        let dir = self.dir.join(&new.name);
        std::fs::rename(fresh, &dir)?;
        Topic::open(&new.name, dir, self.message_max_bytes)
    }

    /// Adds partitions to a topic.
    ///
    /// # Errors
    /// `INVALID_PARTITIONS` unless there are more than now.
    pub(crate) fn grow(&self, topic: &Topic, count: i32, only_check: bool) -> Result<(), ApiError> {
        let now = topic.partitions();
        let wanted = usize::try_from(count).unwrap_or(0);
        if wanted <= now {
            let name = &topic.name.0;
            let message = if wanted == now {
                format!("Topic already has {now} partition(s).")
            } else {
                format!(
                    "The topic {name} currently has {now} partition(s); {count} would not be an increase."
                )
            };
            return Err(ApiError::new(ResponseError::InvalidPartitions, message));
        }
        check_partitions(count)?;
        if only_check {
            return Ok(());
        }
        topic
            .grow(wanted)
            .map_err(|error| storage_error(&self.dir, &error))
    }

    /// Removes a topic and its records.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`, or `KAFKA_STORAGE_ERROR` when the folder cannot be removed.
    pub(crate) fn delete(&self, name: &str) -> Result<(), ApiError> {
        let topic = self
            .known
            .write()
            .remove(name)
            .ok_or(ResponseError::UnknownTopicOrPartition)?;
        topic
            .remove()
            .map_err(|error| storage_error(&self.dir, &error))?;
        tracing::info!(topic = name, "topic deleted");
        Ok(())
    }
}

impl Known {
    fn insert(&mut self, name: &str, topic: Topic) -> Arc<Topic> {
        let topic = Arc::new(topic);
        self.by_name.insert(name.to_owned(), Arc::clone(&topic));
        self.by_id.insert(topic.id, Arc::clone(&topic));
        topic
    }

    fn remove(&mut self, name: &str) -> Option<Arc<Topic>> {
        let topic = self.by_name.remove(name)?;
        self.by_id.remove(&topic.id);
        Some(topic)
    }

    /// Whether a topic of this name may be made. Kafka's metrics mix up `.` and `_`, so names that differ only
    /// there collide.
    fn check_free(&self, name: &str) -> Result<(), ApiError> {
        if self.by_name.contains_key(name) {
            let message = format!("Topic '{name}' already exists.");
            return Err(ApiError::new(ResponseError::TopicAlreadyExists, message));
        }
        let unified = |name: &str| name.replace('.', "_");
        let wanted = unified(name);
        let collides = |other: &&String| wanted.contains('_') && unified(other) == wanted;
        self.by_name.keys().find(collides).map_or(Ok(()), |other| {
            let message = format!("Topic '{name}' collides with existing topic: {other}");
            Err(ApiError::new(ResponseError::InvalidTopicException, message))
        })
    }
}

/// Kafka's rules for topic names.
///
/// # Errors
/// `INVALID_TOPIC_EXCEPTION`, with the rule that is broken.
pub(crate) fn check_name(name: &str) -> Result<(), ApiError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let reason = match name {
        "" => "the empty string is not allowed".to_owned(),
        "." | ".." => format!("'{name}' is not allowed"),
        _ if name.len() > MAX_NAME => {
            format!("the length of '{name}' is longer than the max allowed length {MAX_NAME}")
        }
        _ if !name.chars().all(legal) => format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        ),
        _ => return Ok(()),
    };
    Err(ApiError::new(
        ResponseError::InvalidTopicException,
        format!("Topic name is invalid: {reason}"),
    ))
}

fn check_partitions(count: i32) -> Result<(), ApiError> {
    let message = match count {
        ..=0 => "Number of partitions was set to an invalid non-positive value.".to_owned(),
        1..=MAX_PARTITIONS => return Ok(()),
        _ => format!("The development broker allows {MAX_PARTITIONS} partitions a topic."),
    };
    Err(ApiError::new(ResponseError::InvalidPartitions, message))
}

fn storage_error(dir: &Path, error: &io::Error) -> ApiError {
    tracing::error!(dir = %dir.display(), %error, "topic folder failed");
    ApiError::new(ResponseError::KafkaStorageError, error.to_string())
}
