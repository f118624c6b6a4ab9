//! `sluiceway.kinesis…` → checked settings.
//!
//! In: parsed values. Out: [`KinesisConfig`], or `None` when the front is off. What fails: signatures that are to be
//! checked without a file of keys.

use std::path::PathBuf;
use std::time::Duration;

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};
use sluiceway_common::secret::Secret;

/// Characters that the secret must have.
pub(crate) const MIN_SECRET: usize = 16;

const KEYS: &str = "sluiceway.kinesis.keys.file";

/// Settings of the front.
#[derive(Debug, Clone)]
pub struct KinesisConfig {
    /// Patterns of the topics that are streams.
    pub streams: Vec<String>,
    /// The file of access keys; `None`: signatures are not looked at.
    pub keys_file: Option<PathBuf>,
    /// How far the date of a signed call may be off.
    pub clock_skew: Duration,
    /// The region in streams' names.
    pub region: String,
    /// The account in streams' names.
    pub account: String,
    /// How long an iterator is taken.
    pub iterator_expiry: Duration,
    /// What iterators are sealed with; `None`: something new with each start.
    pub iterator_secret: Option<Secret>,
    /// Shards that a new stream may have.
    pub max_shards: i32,
    /// Shards of a new stream whose maker does not say.
    pub on_demand_shards: i32,
    /// Copies of a new stream; `None`: the broker's default.
    pub replication_factor: Option<i16>,
}

impl KinesisConfig {
    /// Reads the settings.
    pub(crate) fn read(values: &Values, errors: &mut ConfigErrors) -> Option<Self> {
        if !values.boolean("sluiceway.kinesis.enable") {
            return None;
        }
        let file = values.text(KEYS).trim();
        let keys_file = if values.boolean("sluiceway.kinesis.signature.check") {
            if file.is_empty() {
                let reason = format!(
                    "{KEYS} is not set: with sluiceway.kinesis.signature.check=true the Kinesis front needs the keys that calls are signed with"
                );
                errors.0.push(ConfigError::other(KEYS, reason));
            }
            Some(PathBuf::from(file))
        } else {
            None
        };
        let millis = |name: &str| values.millis(name).unwrap_or_default();
        let count = |name: &str| i32::try_from(values.number(name)).unwrap_or(i32::MAX);
        let secret = values.secret("sluiceway.kinesis.iterator.secret");
        let factor = values.number("sluiceway.kinesis.replication.factor");
        Some(Self {
            streams: values.list("sluiceway.kinesis.streams").to_vec(),
            keys_file,
            clock_skew: millis("sluiceway.kinesis.clock.skew.ms"),
            region: values.text("sluiceway.kinesis.region").to_owned(),
            account: values.text("sluiceway.kinesis.account").to_owned(),
            iterator_expiry: millis("sluiceway.kinesis.iterator.expiry.ms"),
            iterator_secret: secret.filter(|secret| !secret.is_empty()).cloned(),
            max_shards: count("sluiceway.kinesis.shards.max"),
            on_demand_shards: count("sluiceway.kinesis.on.demand.shards"),
            replication_factor: i16::try_from(factor).ok().filter(|factor| *factor > 0),
        })
    }
}
