//! Task configurations in the config topic, as Connect has them there.
//!
//! In: the tasks that a connector was given, as its first slot's holder knows them. Out: their records, where the topic has others.
//! Tried until it is done, or the slot is another's: nothing else would come back to it, and `GET /connectors/<name>` would go on
//! telling of other tasks than there are.

use std::sync::Arc;
use std::time::Duration;

use super::{Local, Work};
use crate::herder::TASK_CLASS;
use crate::herder::distributed::config_record::{ConfigRecord, Written};
use crate::status::State;

/// Pause before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

impl Work {
    /// Writes the task configurations of a connector down, where the topic has others.
    pub(super) async fn write_tasks(&self, name: &str) {
        let Some(local) = self.local(name) else {
            return;
        };
        // Who comes second finds what changed meanwhile.
        let _writing = local.writing.lock().await;
        while let Some(records) = self.unwritten_tasks(name, &local) {
            if !self.written_and_read(name, &records).await {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn written_and_read(&self, name: &str, records: &[Written]) -> bool {
        let topic = &self.config_topic;
        match self.appender.append(topic, Some(0), records).await {
            // Read back, so that it is not written twice.
            Ok(offset) => {
                let timeout = self.host.worker.kafka_timeout;
                self.cluster.reaches(offset, timeout).await
            }
            Err(error) => {
                tracing::warn!(connector = name, %error, "its tasks are not written down, trying again");
                false
            }
        }
    }

    fn unwritten_tasks(&self, name: &str, local: &Arc<Local>) -> Option<Vec<Written>> {
        // One that has ended meanwhile has no tasks, whatever its successor has.
        self.local(name).filter(|now| Arc::ptr_eq(now, local))?;
        let first = self.cluster.slot(name, 0);
        if !local.has_slot(first) || !self.held().contains_key(&first) {
            return None;
        }
        let (state, count, mut config) = local
            .connector
            .look(|view| (view.instance.0, view.tasks.len(), view.config.clone()));
        let count = match state {
            State::Stopped => 0,
            State::Running | State::Paused => count,
            // Nobody knows how many.
            _ => return None,
        };
        config.insert("task.class".into(), TASK_CLASS.into());
        let entry = self.cluster.look(|view| view.configs.entry(name))?;
        if entry.tasks.len() == count && entry.tasks.iter().all(|written| *written == config) {
            return None;
        }
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let task = |task| ConfigRecord::Task(name.to_owned(), task, config.clone()).write();
        let mut records: Vec<Written> = (0..count).map(task).collect();
        records.push(ConfigRecord::Commit(name.to_owned(), count).write());
        Some(records)
    }
}
