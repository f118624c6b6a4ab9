//! The herder of one worker by itself: connectors live in memory and are gone when it ends, except those that are
//! given to it again at its next start. Committed offsets stay in Kafka.

mod answers;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use sluiceway_common::config_def::ConfigErrors;
use sluiceway_common::kafka_config::{KafkaConfig, Role};
use sluiceway_common::props::Properties;
use tokio::sync::MutexGuard;

use super::checks::{check, group};
use super::cluster::ClusterId;
use super::offsets::Group;
use super::secrets::{mask_config, unmask_config};
use super::{ConnectorInfo, HerderError, Put, TaskId};
use crate::connector::{Connector, Host, View};
use crate::error::{CONFIG_EXCEPTION, Exception};
use crate::status::{ConnectorStatus, State, TargetState};
use crate::worker::{ConnectorFile, ConnectorRequest};

/// All connectors of a standalone worker.
pub(crate) struct StandaloneHerder {
    host: Arc<Host>,
    connectors: RwLock<BTreeMap<String, Arc<Connector>>>,
    /// Held while a connector is created, configured or deleted, so that these happen one after the other.
    changes: tokio::sync::Mutex<()>,
    cluster_id: ClusterId,
}

impl StandaloneHerder {
    /// A herder without connectors.
    ///
    /// # Errors
    /// When the worker's own client settings cannot be used.
    pub(crate) fn new(host: Arc<Host>) -> Result<Self, ConfigErrors> {
        let client = KafkaConfig::translate(Role::Admin, &host.worker.own_client_settings())?
            .client_config();
        let cluster_id = ClusterId::start(client, host.worker.kafka_timeout);
        Ok(Self {
            connectors: RwLock::default(),
            changes: tokio::sync::Mutex::default(),
            cluster_id,
            host,
        })
    }

    /// Starts the connector of a file. A file that cannot be used is logged, and its connector is shown `FAILED`,
    /// unless its name is taken. True when the connector is there as the file asks for it.
    pub(crate) async fn start_file(&self, file: ConnectorFile) -> bool {
        let name = file.name();
        let (config, error) = match file.content {
            Ok(request) => {
                let config = request.config.clone();
                match self.put_now(request, false).await {
                    Ok(_) => return true,
                    Err(error) => (config, error.to_string()),
                }
            }
            Err(error) => (Properties::new(), error),
        };
        tracing::error!(
            file = file.source,
            connector = name,
            error,
            "the connector of this file is not running; the worker goes on without it"
        );
        let trace =
            Exception::new(CONFIG_EXCEPTION, format!("{}: {error}", file.source)).stacktrace();
        let mut connectors = self.connectors.write();
        connectors.entry(name.clone()).or_insert_with(|| {
            Arc::new(Connector::broken(
                Arc::clone(&self.host),
                &name,
                config,
                trace,
            ))
        });
        false
    }

    /// Ends all tasks of all connectors, at the same time.
    pub(crate) async fn end_all(&self) {
        let _changes = self.changes.lock().await;
        let all: Vec<Arc<Connector>> = self.connectors.read().values().cloned().collect();
        futures_util::future::join_all(all.iter().map(|connector| connector.shut_down())).await;
    }

    /// Status of every connector.
    pub(crate) fn statuses(&self) -> Vec<ConnectorStatus> {
        self.connectors
            .read()
            .values()
            .map(|connector| connector.status())
            .collect()
    }

    fn find(
        &self,
        name: &str,
        missing: fn(&str) -> HerderError,
    ) -> Result<Arc<Connector>, HerderError> {
        self.connectors
            .read()
            .get(name)
            .cloned()
            .ok_or_else(|| missing(name))
    }

    fn show(&self, connector: &Connector) -> ConnectorInfo {
        connector.look(|view| ConnectorInfo {
            name: view.name.clone(),
            config: mask_config(&view.config, &self.host.worker.providers),
            tasks: task_ids(view),
            kind: view.kind(),
        })
    }

    async fn put_now(&self, request: ConnectorRequest, replace: bool) -> Result<Put, HerderError> {
        let changes = self.changes.lock().await;
        self.put_locked(request, replace, &changes).await
    }

    async fn put_locked(
        &self,
        request: ConnectorRequest,
        replace: bool,
        _changes: &MutexGuard<'_, ()>,
    ) -> Result<Put, HerderError> {
        let existing = self.connectors.read().get(&request.name).cloned();
        let old = existing
            .as_ref()
            .map(|connector| connector.look(|view| view.config.clone()));
        let config = unmask_config(request.config, old.as_ref(), &self.host.worker.providers)
            .map_err(|errors| HerderError::invalid_config(&errors))?;
        check(&self.host, &config, &request.nulls)?;
        match existing {
            Some(_) if !replace => Err(HerderError::AlreadyExists(request.name)),
            Some(connector) => {
                connector.configure(config).await;
                Ok(Put {
                    created: false,
                    info: self.show(&connector),
                })
            }
            None => {
                let connector = self.add(&request.name, config, request.initial_state)?;
                connector.start().await;
                Ok(Put {
                    created: true,
                    info: self.show(&connector),
                })
            }
        }
    }

    fn add(
        &self,
        name: &str,
        config: Properties,
        initial_state: Option<TargetState>,
    ) -> Result<Arc<Connector>, HerderError> {
        let mut connectors = self.connectors.write();
        let limit = self.host.worker.max_connectors;
        if connectors.len() >= limit {
            let message = format!(
                "This worker has its limit of {limit} connectors already (sluiceway.max.connectors)"
            );
            return Err(HerderError::Conflict(message));
        }
        let target = initial_state.unwrap_or(TargetState::Started);
        let connector = Arc::new(Connector::new(Arc::clone(&self.host), name, config, target));
        connectors.insert(name.to_owned(), Arc::clone(&connector));
        Ok(connector)
    }

    /// The consumer group of a connector's tasks.
    fn group(&self, connector: &Connector) -> Result<Group, HerderError> {
        let (name, config) = connector.look(|view| (view.name.clone(), view.config.clone()));
        group(&self.host, &name, &config)
    }

    /// The group of a connector that is stopped: nobody else changes its offsets.
    fn stopped_group(&self, name: &str) -> Result<Group, HerderError> {
        let connector = self.find(name, HerderError::no_connector)?;
        let stopped = connector
            .look(|view| view.target == TargetState::Stopped && view.instance.0 == State::Stopped);
        if stopped {
            self.group(&connector)
        } else {
            Err(HerderError::not_stopped(name))
        }
    }
}

fn task_ids(view: &View) -> Vec<TaskId> {
    (0..)
        .zip(&view.tasks)
        .map(|(task, _)| TaskId {
            connector: view.name.clone(),
            task,
        })
        .collect()
}
