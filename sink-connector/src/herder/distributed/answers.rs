//! The distributed herder's answers to the REST API.

use futures_util::future::BoxFuture;
use sluiceway_common::props::Properties;

use super::DistributedHerder;
use super::config_record::ConfigRecord;
use super::status_record::StatusRecord;
use crate::config::ConnectorConfig;
use crate::connector::RestartRequest;
use crate::herder::checks::{group, infos, tracking, typed};
use crate::herder::offsets::{Group, GroupOffset, OffsetChange};
use crate::herder::secrets::mask_config;
use crate::herder::{
    Answer, Concern, ConfigInfos, ConfigPatch, ConnectorInfo, Herder, HerderError, LocalStatus,
    OtherWorker, Put, TASK_CLASS, TaskId, TaskInfo,
};
use crate::status::{ConnectorStatus, State, TargetState, TaskStatus};
use crate::worker::ConnectorRequest;

impl DistributedHerder {
    /// A connector as it is shown; secrets are masked.
    pub(super) fn shown(&self, name: &str) -> Result<ConnectorInfo, HerderError> {
        let entry = self.cluster.look(|view| view.configs.entry(name));
        let entry = entry.ok_or_else(|| HerderError::no_connector(name))?;
        let tasks = (0..).take(entry.tasks.len()).map(|task| TaskId {
            connector: name.to_owned(),
            task,
        });
        Ok(ConnectorInfo {
            name: name.to_owned(),
            tasks: tasks.collect(),
            kind: super::cluster::kind(entry.config.get("connector.class")),
            config: mask_config(&entry.config, &self.host.worker.providers),
        })
    }

    fn known(&self, name: &str, missing: fn(&str) -> HerderError) -> Result<(), HerderError> {
        if self.cluster.look(|view| view.configs.contains(name)) {
            Ok(())
        } else {
            Err(missing(name))
        }
    }

    fn status_of(&self, name: &str) -> Result<ConnectorStatus, HerderError> {
        let status = self.cluster.status(name);
        status.ok_or_else(|| HerderError::no_status(name))
    }

    fn group_of(&self, name: &str) -> Result<Group, HerderError> {
        let config = self
            .cluster
            .look(|view| view.configs.config(name).cloned())
            .ok_or_else(|| HerderError::no_connector(name))?;
        group(&self.host, name, &config)
    }

    /// The group of a connector that is stopped: nobody else changes its offsets.
    fn stopped_group(&self, name: &str) -> Result<Group, HerderError> {
        let group = self.group_of(name)?;
        let stopped = self.cluster.look(|view| view.configs.target(name)) == TargetState::Stopped;
        let status = self.status_of(name)?;
        if stopped && status.connector.state == State::Stopped && status.tasks.is_empty() {
            Ok(group)
        } else {
            Err(HerderError::not_stopped(name))
        }
    }

    async fn restart_now(
        &self,
        name: &str,
        request: RestartRequest,
    ) -> Result<ConnectorStatus, HerderError> {
        self.wait_until_loaded().await?;
        self.known(name, HerderError::unknown_connector)?;
        let mut status = self.status_of(name)?;
        if request.is_plain() {
            // Handed on to its holder; here when there is none, and then there is nothing to restart.
            if !self.work.restart_instance(name).await {
                return Err(HerderError::rebalancing());
            }
            return Ok(status);
        }
        let _changes = self.begin_change().await?;
        let record = ConfigRecord::Restart(name.to_owned(), request).write();
        let plan = request.plan(&status);
        self.write(&[record]).await?;
        plan.show_in(&mut status);
        Ok(status)
    }

    async fn restart_task_now(&self, name: &str, task: u32) -> Result<(), HerderError> {
        self.wait_until_loaded().await?;
        self.known(name, HerderError::unknown_connector)?;
        let status = self.status_of(name)?;
        if !status.tasks.iter().any(|known| known.id == task) {
            return Err(HerderError::unknown_task(name, task));
        }
        let slot = self.cluster.slot(name, task);
        let local = self.work.local(name).filter(|local| local.has_slot(slot));
        match local {
            Some(local) if local.connector.restart_task(task).await => Ok(()),
            Some(_) => Err(HerderError::unknown_task(name, task)),
            // It will be started anyhow by whoever gets its slot.
            None => Err(HerderError::rebalancing()),
        }
    }

    async fn forget_topics(&self, name: &str) -> Result<(), HerderError> {
        self.wait_until_loaded().await?;
        let topics = self.cluster.look(|view| view.statuses.topics(name));
        let forget = |topic: String| {
            StatusRecord::Topic {
                connector: name.to_owned(),
                topic,
                seen: None,
            }
            .write()
        };
        let records: Vec<_> = topics.into_iter().map(forget).collect();
        if records.is_empty() {
            return Ok(());
        }
        let topic = &self.config.status_topic.name;
        self.appender.append(topic, None, &records).await.map(drop)
    }
}

impl Herder for DistributedHerder {
    fn connectors(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async {
            self.wait_until_loaded().await?;
            Ok(self.cluster.look(|view| view.configs.names()))
        })
    }

    fn info<'a>(&'a self, name: &'a str) -> Answer<'a, ConnectorInfo> {
        Box::pin(async {
            self.wait_until_loaded().await?;
            self.shown(name)
        })
    }

    fn put(&self, request: ConnectorRequest, replace: bool) -> Answer<'_, Put> {
        Box::pin(self.put_now(request, replace))
    }

    fn patch<'a>(&'a self, name: &'a str, patch: ConfigPatch) -> Answer<'a, ConnectorInfo> {
        Box::pin(self.patch_now(name, patch))
    }

    fn delete<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(self.delete_now(name))
    }

    fn status<'a>(&'a self, name: &'a str) -> Answer<'a, ConnectorStatus> {
        Box::pin(async {
            self.wait_until_loaded().await?;
            self.status_of(name)
        })
    }

    fn task_status<'a>(&'a self, name: &'a str, task: u32) -> Answer<'a, TaskStatus> {
        Box::pin(async move {
            self.wait_until_loaded().await?;
            let status = self.cluster.status(name);
            let tasks = status.into_iter().flat_map(|status| status.tasks);
            tasks
                .into_iter()
                .find(|status| status.id == task)
                .ok_or_else(|| HerderError::no_task_status(name, task))
        })
    }

    fn tasks<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<TaskInfo>> {
        Box::pin(async {
            self.wait_until_loaded().await?;
            let entry = self.cluster.look(|view| view.configs.entry(name));
            let entry = entry.ok_or_else(|| HerderError::no_connector(name))?;
            let tasks = (0..).zip(entry.tasks).map(|(task, config)| {
                let mut config = mask_config(&config, &self.host.worker.providers);
                config
                    .entry("task.class".into())
                    .or_insert_with(|| TASK_CLASS.into());
                TaskInfo {
                    id: TaskId {
                        connector: name.to_owned(),
                        task,
                    },
                    config,
                }
            });
            Ok(tasks.collect())
        })
    }

    fn set_target<'a>(&'a self, name: &'a str, target: TargetState) -> Answer<'a, ()> {
        let missing = match target {
            TargetState::Stopped => HerderError::unknown_connector,
            TargetState::Started | TargetState::Paused => HerderError::unknown_connector_to_pause,
        };
        Box::pin(self.set_target_now(name, target, missing))
    }

    fn restart<'a>(
        &'a self,
        name: &'a str,
        request: RestartRequest,
    ) -> Answer<'a, ConnectorStatus> {
        Box::pin(self.restart_now(name, request))
    }

    fn restart_task<'a>(&'a self, name: &'a str, task: u32) -> Answer<'a, ()> {
        Box::pin(self.restart_task_now(name, task))
    }

    fn topics<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async {
            tracking(&self.host, false)?;
            self.wait_until_loaded().await?;
            Ok(self.cluster.look(|view| view.statuses.topics(name)))
        })
    }

    fn reset_topics<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async {
            tracking(&self.host, true)?;
            self.forget_topics(name).await
        })
    }

    fn offsets<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<GroupOffset>> {
        Box::pin(async {
            self.wait_until_loaded().await?;
            self.group_of(name)?.list().await
        })
    }

    fn alter_offsets<'a>(
        &'a self,
        name: &'a str,
        changes: Result<Vec<OffsetChange>, HerderError>,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let _changes = self.begin_change().await?;
            self.stopped_group(name)?.alter(changes?).await
        })
    }

    fn reset_offsets<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async {
            let _changes = self.begin_change().await?;
            self.stopped_group(name)?.reset().await
        })
    }

    fn validate<'a>(
        &'a self,
        config: &'a Properties,
        nulls: &'a [String],
    ) -> Answer<'a, ConfigInfos> {
        Box::pin(async { infos(&self.host, config, nulls) })
    }

    fn typed<'a>(&'a self, name: &'a str) -> Answer<'a, ConnectorConfig> {
        Box::pin(async {
            self.wait_until_loaded().await?;
            let entry = self.cluster.look(|view| view.configs.entry(name));
            let config = entry.ok_or_else(|| HerderError::no_connector(name))?.config;
            typed(&self.host, config.clone(), Some(&config))
        })
    }

    fn typed_draft(&self, config: Properties) -> Answer<'_, ConnectorConfig> {
        Box::pin(async move {
            self.wait_until_loaded().await?;
            let named = config.get("name").map_or("", String::as_str);
            let entry = self.cluster.look(|view| view.configs.entry(named));
            let old = entry.map(|entry| entry.config);
            typed(&self.host, config, old.as_ref())
        })
    }

    fn kafka_cluster_id(&self) -> Answer<'_, Option<String>> {
        Box::pin(async { Ok(self.cluster_id.get().await) })
    }

    fn local_statuses(&self) -> Vec<LocalStatus> {
        let local = |local: std::sync::Arc<super::work::Local>| {
            let mut status = local.connector.status();
            let has = |task| local.has_slot(self.cluster.slot(&status.name, task));
            let instance = has(0);
            let here: Vec<bool> = status.tasks.iter().map(|task| has(task.id)).collect();
            let mut here = here.into_iter();
            status.tasks.retain(|_| here.next() == Some(true));
            LocalStatus { status, instance }
        };
        self.work.locals().into_iter().map(local).collect()
    }

    fn shut_down(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end())
    }

    fn elsewhere(&self, concern: Concern<'_>) -> Option<OtherWorker> {
        let (name, task) = match concern {
            Concern::Connector(name) => (name, 0),
            Concern::Task(name, task) => (name, task),
        };
        let claim = self.cluster.holder(name, task)?;
        (claim.by != self.cluster.me).then_some(OtherWorker {
            id: claim.by.worker_id,
            https: claim.by.https,
        })
    }

    fn position(&self) -> Option<i64> {
        Some(self.cluster.config_end())
    }

    fn reaches(&self, position: i64) -> BoxFuture<'_, ()> {
        let timeout = self.host.worker.kafka_timeout;
        Box::pin(async move {
            // Late or not, the other worker's answer stands.
            let _ = self.cluster.reaches(position - 1, timeout).await;
        })
    }

    fn set_log_level<'a>(&'a self, logger: &'a str, level: &'a str) -> Answer<'a, bool> {
        Box::pin(async move {
            let _changes = self.begin_change().await?;
            let record = ConfigRecord::Logger(logger.to_owned(), level.to_owned()).write();
            self.write(&[record]).await?;
            Ok(true)
        })
    }

    fn is_ready(&self) -> bool {
        self.cluster.is_loaded() && self.slots.has_joined()
    }
}
