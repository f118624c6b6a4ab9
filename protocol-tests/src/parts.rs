//! The parts that the programs work on: a broker (two, if topics must not appear by themselves) and a store.
//! Embedded ones live and die with the value; real ones are told by the environment and only borrowed.

use std::time::Duration;

use anyhow::{Context, Result};
use dev_services::broker::{Broker, BrokerOptions};
use dev_services::registry::{Registry, RegistryOptions};
use dev_services::s3::{S3, S3Options};
use tempfile::TempDir;

use crate::s3::Place;

/// Which parts a case runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Started here, in this process, from the crate dev-services.
    Embedded,
    /// Started by `cargo xtask verify`, named by `SLUICEWAY_TEST_*`.
    Real,
}

/// Addresses of the parts; dropping ends embedded ones.
pub struct Parts {
    /// Which ones.
    pub kind: Kind,
    /// Bootstrap servers of the broker that creates topics when they are written to.
    pub kafka: String,
    /// Bootstrap servers of the broker that does not.
    pub kafka_noauto: String,
    /// The store.
    pub s3: Place,
    /// URL of the schema registry.
    pub registry: String,
    embedded: Option<Embedded>,
}

impl Parts {
    /// # Errors
    /// See [`Parts::embedded`] and [`Parts::real`].
    pub async fn of(kind: Kind) -> Result<Self> {
        match kind {
            Kind::Embedded => Self::embedded().await,
            Kind::Real => Self::real(),
        }
    }

    /// The real parts, from `SLUICEWAY_TEST_KAFKA`, `SLUICEWAY_TEST_KAFKA_NOAUTO`, `SLUICEWAY_TEST_S3`,
    /// `SLUICEWAY_TEST_S3_KEY`, `SLUICEWAY_TEST_S3_SECRET`, `SLUICEWAY_TEST_REGISTRY`.
    ///
    /// # Errors
    /// A variable is missing: real parts that are not there are a failure, nothing to skip.
    pub fn real() -> Result<Self> {
        let variable = |name: &str| {
            let value = std::env::var(name);
            value.with_context(|| {
                format!("{name} is not set; `cargo xtask verify` starts the real parts and sets it")
            })
        };
        Ok(Self {
            kind: Kind::Real,
            kafka: variable("SLUICEWAY_TEST_KAFKA")?,
            kafka_noauto: variable("SLUICEWAY_TEST_KAFKA_NOAUTO")?,
            s3: Place {
                endpoint: variable("SLUICEWAY_TEST_S3")?,
                key: variable("SLUICEWAY_TEST_S3_KEY")?,
                secret: variable("SLUICEWAY_TEST_S3_SECRET")?,
            },
            registry: variable("SLUICEWAY_TEST_REGISTRY")?,
            embedded: None,
        })
    }

    /// Ends embedded parts in order; real ones stay.
    pub async fn stop(&mut self) {
        if let Some(embedded) = self.embedded.take() {
            embedded.stop().await;
        }
    }
}

// === embedded ===

/// Starts what is embedded; the folder goes last.
struct Embedded {
    kafka: Broker,
    kafka_noauto: Broker,
    s3: S3,
    registry: Registry,
    _folder: TempDir,
}

/// Tests wait for sessions to expire: the shortest is shorter than Kafka's 6 s.
const SHORTEST_SESSION: Duration = Duration::from_millis(500);

impl Parts {
    /// Two brokers, a store and a registry in this process, with data in a temporary folder.
    ///
    /// # Errors
    /// No free port, no disk.
    pub async fn embedded() -> Result<Self> {
        let folder = TempDir::with_prefix("protocol-tests-parts-")?;
        let broker = |name: &str, auto_create_topics: bool| {
            Broker::start(BrokerOptions {
                auto_create_topics,
                group_min_session_timeout: SHORTEST_SESSION,
                ..BrokerOptions::new(folder.path().join(name))
            })
        };
        let kafka = broker("kafka", true).await?;
        let kafka_noauto = broker("kafka-noauto", false).await?;
        let options = S3Options::new(folder.path().join("s3"));
        let (key, secret) = (options.access_key.clone(), options.secret_key.clone());
        let s3 = S3::start(options).await?;
        let registry = Registry::start(RegistryOptions::default()).await?;
        Ok(Self {
            kind: Kind::Embedded,
            kafka: kafka.bootstrap(),
            kafka_noauto: kafka_noauto.bootstrap(),
            s3: Place {
                endpoint: s3.endpoint(),
                key,
                secret,
            },
            registry: registry.url(),
            embedded: Some(Embedded {
                registry,
                kafka,
                kafka_noauto,
                s3,
                _folder: folder,
            }),
        })
    }
}

impl Embedded {
    async fn stop(self) {
        self.registry.stop().await;
        self.s3.stop().await;
        self.kafka_noauto.stop().await;
        self.kafka.stop().await;
    }
}
