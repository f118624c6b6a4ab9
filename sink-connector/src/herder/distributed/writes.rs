//! Changes of connectors, written into the config topic.
//!
//! A change is checked against what this worker has read, written, and read back. The topic's order decides: a change
//! that comes later stands. Normally there is one writer a connector (the holder of its slot, to whom other workers
//! hand requests on, and who makes its changes one after the other). When that worker is gone, whoever is asked
//! writes; then, and when two take themselves for the holder, a write can come between the look and the write. The
//! writer sees it when it reads back, because every record of the connector has its offset:
//! - who creates a connector and finds that another did so a moment before writes the other's configuration back and
//!   answers that it exists already;
//! - who changes some keys of a configuration makes the change anew on what came between;
//! - a whole new configuration simply stands.

use std::time::{Duration, Instant};

use sluiceway_common::props::Properties;

use super::DistributedHerder;
use super::config_record::{ConfigRecord, Written};
use crate::herder::checks::check;
use crate::herder::patch::patched;
use crate::herder::secrets::unmask_config;
use crate::herder::{ConfigPatch, ConnectorInfo, HerderError, Put};
use crate::status::{State, TargetState};
use crate::worker::ConnectorRequest;

/// How often a change of some keys is made anew.
const TRIES: usize = 5;
/// Pause between two looks whether a connector has stopped, and what that may take beyond the tasks' own time.
const STOP_LOOK: Duration = Duration::from_millis(10);
const STOP_MARGIN: Duration = Duration::from_secs(1);

/// What was known of a connector before a write.
struct Base {
    config: Option<Properties>,
    /// Offset of the last write of its configuration.
    offset: i64,
}

impl DistributedHerder {
    pub(super) async fn put_now(
        &self,
        request: ConnectorRequest,
        replace: bool,
    ) -> Result<Put, HerderError> {
        let _changes = self.begin_change().await?;
        let ConnectorRequest {
            name,
            config,
            nulls,
            initial_state,
        } = request;
        let base = self.base(&name);
        let config = unmask_config(config, base.config.as_ref(), &self.host.worker.providers)
            .map_err(|errors| HerderError::invalid_config(&errors))?;
        check(&self.host, &config, &nulls)?;
        let created = base.config.is_none();
        if !created && !replace {
            return Err(HerderError::AlreadyExists(name));
        }
        let mut records = Vec::new();
        if created {
            self.check_limit()?;
            if let Some(target) = initial_state {
                records.push(ConfigRecord::Target(name.clone(), Some(target)).write());
            }
        }
        records.push(ConfigRecord::Connector(name.clone(), Some(config)).write());
        let offset = self.write(&records).await?;
        if created && let Some(theirs) = self.intervening(&name, base.offset, offset) {
            let back = ConfigRecord::Connector(name.clone(), Some(theirs)).write();
            self.write(&[back]).await?;
            return Err(HerderError::AlreadyExists(name));
        }
        Ok(Put {
            created,
            info: self.shown(&name)?,
        })
    }

    pub(super) async fn patch_now(
        &self,
        name: &str,
        patch: ConfigPatch,
    ) -> Result<ConnectorInfo, HerderError> {
        let _changes = self.begin_change().await?;
        for _ in 0..TRIES {
            let base = self.base(name);
            let Some(old) = base.config else {
                return Err(HerderError::no_connector(name));
            };
            let config = patched(name, old.clone(), patch.clone())?;
            let config = unmask_config(config, Some(&old), &self.host.worker.providers)
                .map_err(|errors| HerderError::invalid_config(&errors))?;
            check(&self.host, &config, &[])?;
            let record = ConfigRecord::Connector(name.to_owned(), Some(config)).write();
            let offset = self.write(&[record]).await?;
            match self.intervening(name, base.offset, offset) {
                None => return self.shown(name),
                // What came between is the new base; ours was written over it, so it is put back first.
                Some(theirs) => {
                    let back = ConfigRecord::Connector(name.to_owned(), Some(theirs)).write();
                    self.write(&[back]).await?;
                }
            }
        }
        Err(HerderError::Conflict(format!(
            "Connector {name} is being changed by others again and again; try again"
        )))
    }

    pub(super) async fn delete_now(&self, name: &str) -> Result<(), HerderError> {
        let _changes = self.begin_change().await?;
        if self.base(name).config.is_none() {
            return Err(HerderError::no_connector(name));
        }
        let records = [
            ConfigRecord::Connector(name.to_owned(), None).write(),
            ConfigRecord::Target(name.to_owned(), None).write(),
        ];
        self.write(&records).await?;
        self.work.ends(name).await;
        Ok(())
    }

    pub(super) async fn set_target_now(
        &self,
        name: &str,
        target: TargetState,
        missing: fn(&str) -> HerderError,
    ) -> Result<(), HerderError> {
        let _changes = self.begin_change().await?;
        if self.base(name).config.is_none() {
            return Err(missing(name));
        }
        let record = ConfigRecord::Target(name.to_owned(), Some(target)).write();
        self.write(&[record]).await?;
        if target == TargetState::Stopped {
            self.until_stopped(name).await;
        }
        Ok(())
    }

    /// Waits until no task of a stopped connector is at work on any worker, for a bounded time, so that its offsets can
    /// be altered at once.
    async fn until_stopped(&self, name: &str) {
        let by = Instant::now() + self.host.worker.task_shutdown_timeout + STOP_MARGIN;
        let is_stopped = || {
            let status = self.cluster.status(name);
            status.is_none_or(|status| {
                status.connector.state == State::Stopped && status.tasks.is_empty()
            })
        };
        while !is_stopped() && Instant::now() < by {
            tokio::time::sleep(STOP_LOOK).await;
        }
    }

    /// Appends to the config topic and waits until this worker has taken it in.
    pub(super) async fn write(&self, records: &[Written]) -> Result<i64, HerderError> {
        let topic = &self.config.config_topic.name;
        let offset = self.appender.append(topic, Some(0), records).await?;
        let timeout = self.host.worker.kafka_timeout;
        if self.cluster.reaches(offset, timeout).await {
            Ok(offset)
        } else {
            Err(HerderError::Internal(format!(
                "The change is written (offset {offset} of {topic}) but this worker has not read it back within {} ms; \
                 it takes effect as soon as the topic can be read",
                timeout.as_millis()
            )))
        }
    }

    /// Only a worker in touch with the others may change anything.
    pub(super) async fn begin_change(
        &self,
    ) -> Result<tokio::sync::MutexGuard<'_, ()>, HerderError> {
        let changes = self.changes.lock().await;
        self.wait_until_loaded().await?;
        if self.slots.is_member() {
            Ok(changes)
        } else {
            Err(HerderError::rebalancing())
        }
    }

    /// Waits until the worker knows the cluster.
    pub(super) async fn wait_until_loaded(&self) -> Result<(), HerderError> {
        if self.cluster.loads(self.host.worker.kafka_timeout).await {
            Ok(())
        } else {
            Err(HerderError::rebalancing())
        }
    }

    fn base(&self, name: &str) -> Base {
        self.cluster.look(|view| Base {
            config: view.configs.config(name).cloned(),
            offset: view.configs.last_write(name),
        })
    }

    /// The configuration that another wrote after `base` and before our write at `offset`.
    fn intervening(&self, name: &str, base: i64, offset: i64) -> Option<Properties> {
        self.cluster.look(|view| {
            let write = view.configs.intervening(name, base, offset)?;
            write.config.clone()
        })
    }

    fn check_limit(&self) -> Result<(), HerderError> {
        let limit = self.host.worker.max_connectors;
        if self.cluster.look(|view| view.configs.len()) < limit {
            return Ok(());
        }
        Err(HerderError::Conflict(format!(
            "The cluster has this worker's limit of {limit} connectors already (sluiceway.max.connectors)"
        )))
    }
}
