//! The standalone herder's answers to the REST API.

use super::StandaloneHerder;
use crate::config::ConnectorConfig;
use crate::connector::RestartRequest;
use crate::herder::LocalStatus;
use crate::herder::checks::{infos, tracking, typed};
use crate::herder::offsets::{GroupOffset, OffsetChange};
use crate::herder::patch::patched;
use crate::herder::{
    Answer, ConfigInfos, ConfigPatch, ConnectorInfo, Herder, HerderError, Put, TASK_CLASS, TaskInfo,
};
use crate::status::{ConnectorStatus, TargetState, TaskStatus};
use crate::value::java_hash;
use crate::worker::ConnectorRequest;
use futures_util::future::BoxFuture;
use sluiceway_common::props::Properties;

impl Herder for StandaloneHerder {
    fn local_statuses(&self) -> Vec<LocalStatus> {
        let whole = |status| LocalStatus {
            status,
            instance: true,
        };
        self.statuses().into_iter().map(whole).collect()
    }

    fn shut_down(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end_all())
    }

    fn connectors(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async { Ok(self.connectors.read().keys().cloned().collect()) })
    }

    fn info<'a>(&'a self, name: &'a str) -> Answer<'a, ConnectorInfo> {
        Box::pin(async { Ok(self.show(&*self.find(name, HerderError::no_connector)?)) })
    }

    fn put(&self, request: ConnectorRequest, replace: bool) -> Answer<'_, Put> {
        Box::pin(self.put_now(request, replace))
    }

    fn patch<'a>(&'a self, name: &'a str, patch: ConfigPatch) -> Answer<'a, ConnectorInfo> {
        Box::pin(async move {
            let changes = self.changes.lock().await;
            let connector = self.find(name, HerderError::no_connector)?;
            let config = connector.look(|view| view.config.clone());
            let request = ConnectorRequest {
                name: name.to_owned(),
                config: patched(name, config, patch)?,
                nulls: Vec::new(),
                initial_state: None,
            };
            Ok(self.put_locked(request, true, &changes).await?.info)
        })
    }

    fn delete<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let _changes = self.changes.lock().await;
            let connector = self.find(name, HerderError::no_connector)?;
            self.connectors.write().remove(name);
            connector.shut_down().await;
            Ok(())
        })
    }

    fn status<'a>(&'a self, name: &'a str) -> Answer<'a, ConnectorStatus> {
        Box::pin(async { Ok(self.find(name, HerderError::no_status)?.status()) })
    }

    fn task_status<'a>(&'a self, name: &'a str, task: u32) -> Answer<'a, TaskStatus> {
        Box::pin(async move {
            let missing = || HerderError::no_task_status(name, task);
            let connector = self
                .find(name, HerderError::no_status)
                .map_err(|_| missing())?;
            connector
                .status()
                .tasks
                .into_iter()
                .find(|status| status.id == task)
                .ok_or_else(missing)
        })
    }

    fn tasks<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<TaskInfo>> {
        Box::pin(async {
            let info = self.show(&*self.find(name, HerderError::no_connector)?);
            let mut config = info.config;
            let copied = config.len();
            config.insert("task.class".into(), TASK_CLASS.into());
            java_hash::order_copy(&mut config, copied);
            Ok(info
                .tasks
                .into_iter()
                .map(|id| TaskInfo {
                    id,
                    config: config.clone(),
                })
                .collect())
        })
    }

    fn set_target<'a>(&'a self, name: &'a str, target: TargetState) -> Answer<'a, ()> {
        let missing = match target {
            TargetState::Stopped => HerderError::unknown_connector,
            TargetState::Started | TargetState::Paused => HerderError::unknown_connector_to_pause,
        };
        Box::pin(async move {
            self.find(name, missing)?.set_target(target).await;
            Ok(())
        })
    }

    fn restart<'a>(
        &'a self,
        name: &'a str,
        request: RestartRequest,
    ) -> Answer<'a, ConnectorStatus> {
        Box::pin(async move {
            let connector = self.find(name, HerderError::unknown_connector)?;
            if request.is_plain() {
                connector.restart_instance().await;
                return Ok(connector.status());
            }
            let status = connector.mark_restarting(&request);
            tokio::spawn(async move { connector.restart_marked().await });
            Ok(status)
        })
    }

    fn restart_task<'a>(&'a self, name: &'a str, task: u32) -> Answer<'a, ()> {
        Box::pin(async move {
            let connector = self.find(name, HerderError::unknown_connector)?;
            let known = connector.restart_task(task).await;
            if known {
                Ok(())
            } else {
                Err(HerderError::unknown_task(name, task))
            }
        })
    }

    fn topics<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async {
            tracking(&self.host, false)?;
            // As in the original, an unknown connector has read no topics.
            let connector = self.connectors.read().get(name).cloned();
            Ok(connector.map_or_else(Vec::new, |found| {
                found.look(|view| view.topics.iter().cloned().collect())
            }))
        })
    }

    fn reset_topics<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async {
            tracking(&self.host, true)?;
            if let Some(connector) = self.connectors.read().get(name) {
                connector.reset_topics();
            }
            Ok(())
        })
    }

    fn offsets<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<GroupOffset>> {
        Box::pin(async {
            let connector = self.find(name, HerderError::no_connector)?;
            self.group(&connector)?.list().await
        })
    }

    fn alter_offsets<'a>(
        &'a self,
        name: &'a str,
        changes: Result<Vec<OffsetChange>, HerderError>,
    ) -> Answer<'a, ()> {
        Box::pin(async move { self.stopped_group(name)?.alter(changes?).await })
    }

    fn reset_offsets<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async { self.stopped_group(name)?.reset().await })
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
            let connector = self.find(name, HerderError::no_connector)?;
            let config = connector.look(|view| view.config.clone());
            typed(&self.host, config.clone(), Some(&config))
        })
    }

    fn typed_draft(&self, config: Properties) -> Answer<'_, ConnectorConfig> {
        Box::pin(async move {
            let named = config.get("name").map_or("", String::as_str);
            let old = self.find(named, HerderError::no_connector).ok();
            let old = old.map(|connector| connector.look(|view| view.config.clone()));
            typed(&self.host, config, old.as_ref())
        })
    }

    fn kafka_cluster_id(&self) -> Answer<'_, Option<String>> {
        Box::pin(async { Ok(self.cluster_id.get().await) })
    }
}
