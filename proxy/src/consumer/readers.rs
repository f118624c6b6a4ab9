//! What makes readers: a client's settings of an instance's options, tried out once for each kind of options.
//!
//! In: a group and the options of an instance. Out: a [`Reader`], whose client is made when it first reads. What fails:
//! settings that contradict one another, and formats that need a schema registry where there is none.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::IntGauge;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use sluiceway_common::kafka_config::KafkaConfig;

use super::client::Recipe;
use super::error::ConsumerError;
use super::options::Options;
use super::partition_read::{self, Wanted};
use super::reader::Reader;
use crate::admin_client::AdminClient;
use crate::client_context::Context;
use crate::format::Format;
use crate::format::deserialize::{Deserializer, without_schemas};

/// What of an instance's options is in its client's settings: `auto.offset.reset`, `enable.auto.commit`.
type Kind = (Option<String>, Option<bool>);

/// Makes the deserializer of a format with schemas.
pub type SchemaFormats = Box<dyn Fn(Format) -> Option<Arc<dyn Deserializer>> + Send + Sync>;

/// See the module.
pub struct Readers {
    kafka: KafkaConfig,
    context: Context,
    admin: Arc<AdminClient>,
    schemas: SchemaFormats,
    /// Counts the clients that there are.
    clients: IntGauge,
    /// Kinds of options of which a client has been made: the others of the kind are as good.
    tried: Mutex<HashSet<Kind>>,
}

impl Readers {
    /// Clients of `kafka`'s settings, counted in `clients`.
    #[must_use]
    pub fn new(
        kafka: KafkaConfig,
        context: Context,
        admin: Arc<AdminClient>,
        schemas: SchemaFormats,
        clients: IntGauge,
    ) -> Self {
        Self {
            kafka,
            context,
            admin,
            schemas,
            clients,
            tried: Mutex::default(),
        }
    }

    /// A reader in a group; `member` is its name as a static member.
    ///
    /// # Errors
    /// The client refuses its settings, or the format needs a registry.
    pub(super) async fn make(
        &self,
        group: &str,
        member: Option<String>,
        options: &Options,
    ) -> Result<Reader, ConsumerError> {
        if let Some(refusal) = &options.refusal {
            return Err(refusal.clone());
        }
        let mut config = self.client_config(group, options);
        if let Some(member) = member {
            config.set("group.instance.id", member);
        }
        let reader = self.reader_with(config.clone(), options)?;
        self.try_out(config, options).await?;
        Ok(reader)
    }

    /// A reader of partitions without a group.
    ///
    /// # Errors
    /// The format needs a registry.
    pub(super) fn of_a_partition(&self, wanted: &Wanted) -> Result<Reader, ConsumerError> {
        let options = Options {
            name: None,
            format: wanted.format,
            offset_reset: Some("none".to_owned()),
            auto_commit: Some(false),
            min_bytes: None,
            wait_millis: None,
            principal: None,
            include: wanted.include,
            refusal: None,
        };
        let mut config = self.client_config(partition_read::GROUP, &options);
        // It is kept for the next read, and would bring the topic back when it was removed meanwhile.
        config.set("allow.auto.create.topics", "false");
        self.reader_with(config, &options)
    }

    /// What makes values of records.
    ///
    /// # Errors
    /// The format needs a schema registry, and there is none.
    pub(super) fn deserializer(
        &self,
        format: Format,
    ) -> Result<Arc<dyn Deserializer>, ConsumerError> {
        without_schemas(format)
            .or_else(|| (self.schemas)(format))
            .ok_or(ConsumerError::Unforeseen(
                "schema.registry.url is not set, which this format needs",
            ))
    }

    fn reader_with(
        &self,
        config: ClientConfig,
        options: &Options,
    ) -> Result<Reader, ConsumerError> {
        let deserializer = self.deserializer(options.format)?;
        let (recipe, admin) = (self.recipe(config), Arc::clone(&self.admin));
        Ok(Reader::new(recipe, deserializer, admin, options.include))
    }

    fn recipe(&self, config: ClientConfig) -> Recipe {
        Recipe {
            config,
            context: self.context.clone(),
            clients: self.clients.clone(),
        }
    }

    /// Settings that contradict one another are told when the instance is made, not with its first read: a client of each
    /// kind of options is made once.
    async fn try_out(&self, config: ClientConfig, options: &Options) -> Result<(), ConsumerError> {
        let kind: Kind = (options.offset_reset.clone(), options.auto_commit);
        if self.tried.lock().contains(&kind) {
            return Ok(());
        }
        let recipe = self.recipe(config);
        let make = move || recipe.make(Arc::default(), Arc::default());
        let made = tokio::task::spawn_blocking(make).await;
        let client = made.map_err(|_| ConsumerError::Unforeseen("making a client panicked"))??;
        // Closing it takes longer than making it.
        drop(tokio::task::spawn_blocking(move || drop(client)));
        self.tried.lock().insert(kind);
        Ok(())
    }

    fn client_config(&self, group: &str, options: &Options) -> ClientConfig {
        let mut config = self.kafka.client_config();
        config.set("group.id", group);
        if let Some(reset) = options.offset_reset.as_deref() {
            config.set(
                "auto.offset.reset",
                if reset == "none" { "error" } else { reset },
            );
        }
        if let Some(auto_commit) = options.auto_commit {
            config.set("enable.auto.commit", auto_commit.to_string());
        }
        // Its log lines wait in its queue, which only reads empty.
        config.set_log_level(RDKafkaLogLevel::Error);
        config
    }
}
