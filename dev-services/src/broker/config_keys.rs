//! The topic and broker settings of Kafka 3.9: names, defaults, types, bounds and error texts, and the few that
//! this broker acts on. In: names and values from requests; out: a verdict in Kafka's words, effective settings.
//! Settings without an effect here (flush, tiered storage, throttles, …) are stored and shown all the same.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use super::error::ApiError;

/// The type of a setting; the numbers are those of `DescribeConfigs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

/// What values are allowed beyond the type.
#[derive(Debug, Clone, Copy)]
enum Bounds {
    Any,
    Min(i64),
    Range(i64, i64),
    /// -1 or a level from 1 to 9.
    GzipLevel,
    /// A share between 0 and 1.
    Share,
    OneOf(&'static [&'static str]),
}

/// A setting.
#[derive(Debug)]
pub(crate) struct ConfigKey {
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    pub(crate) kind: Kind,
    bounds: Bounds,
    /// The broker setting that a topic setting falls back to, where `DescribeConfigs` names one.
    pub(crate) synonym: Option<&'static str>,
}

const fn key(
    name: &'static str,
    default: &'static str,
    kind: Kind,
    bounds: Bounds,
    synonym: &'static str,
) -> ConfigKey {
    let synonym = if synonym.is_empty() {
        None
    } else {
        Some(synonym)
    };
    ConfigKey {
        name,
        default,
        kind,
        bounds,
        synonym,
    }
}

const FOREVER: &str = "9223372036854775807";
const CODECS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
const TIMESTAMP_TYPES: &[&str] = &["CreateTime", "LogAppendTime"];
const POLICIES: &[&str] = &["compact", "delete"];

use Bounds::{Any, GzipLevel, Min, OneOf, Range, Share};

/// The topic settings.
#[rustfmt::skip]
pub(crate) const TOPIC_KEYS: &[ConfigKey] = &[
    key("cleanup.policy", "delete", Kind::List, OneOf(POLICIES), "log.cleanup.policy"),
    key("compression.gzip.level", "-1", Kind::Int, GzipLevel, "compression.gzip.level"),
    key("compression.lz4.level", "9", Kind::Int, Range(1, 17), "compression.lz4.level"),
    key("compression.type", "producer", Kind::String, OneOf(CODECS), "compression.type"),
    key("compression.zstd.level", "3", Kind::Int, Range(-131_072, 22), "compression.zstd.level"),
    key("delete.retention.ms", "86400000", Kind::Long, Min(0), "log.cleaner.delete.retention.ms"),
    key("file.delete.delay.ms", "60000", Kind::Long, Min(0), "log.segment.delete.delay.ms"),
    key("flush.messages", FOREVER, Kind::Long, Min(1), "log.flush.interval.messages"),
    key("flush.ms", FOREVER, Kind::Long, Min(0), ""),
    key("follower.replication.throttled.replicas", "", Kind::List, Any, ""),
    key("index.interval.bytes", "4096", Kind::Int, Min(0), "log.index.interval.bytes"),
    key("leader.replication.throttled.replicas", "", Kind::List, Any, ""),
    key("local.retention.bytes", "-2", Kind::Long, Min(-2), "log.local.retention.bytes"),
    key("local.retention.ms", "-2", Kind::Long, Min(-2), "log.local.retention.ms"),
    key("max.compaction.lag.ms", FOREVER, Kind::Long, Min(1), "log.cleaner.max.compaction.lag.ms"),
    key("max.message.bytes", "1048588", Kind::Int, Min(0), "message.max.bytes"),
    key("message.downconversion.enable", "true", Kind::Boolean, Any, "log.message.downconversion.enable"),
    key("message.format.version", "3.0-IV1", Kind::String, Any, "log.message.format.version"),
    key("message.timestamp.after.max.ms", FOREVER, Kind::Long, Min(0), "log.message.timestamp.after.max.ms"),
    key("message.timestamp.before.max.ms", FOREVER, Kind::Long, Min(0), "log.message.timestamp.before.max.ms"),
    key("message.timestamp.difference.max.ms", FOREVER, Kind::Long, Min(0), "log.message.timestamp.difference.max.ms"),
    key("message.timestamp.type", "CreateTime", Kind::String, OneOf(TIMESTAMP_TYPES), "log.message.timestamp.type"),
    key("min.cleanable.dirty.ratio", "0.5", Kind::Double, Share, "log.cleaner.min.cleanable.ratio"),
    key("min.compaction.lag.ms", "0", Kind::Long, Min(0), "log.cleaner.min.compaction.lag.ms"),
    key("min.insync.replicas", "1", Kind::Int, Min(1), "min.insync.replicas"),
    key("preallocate", "false", Kind::Boolean, Any, "log.preallocate"),
    key("remote.log.copy.disable", "false", Kind::Boolean, Any, ""),
    key("remote.log.delete.on.disable", "false", Kind::Boolean, Any, ""),
    key("remote.storage.enable", "false", Kind::Boolean, Any, ""),
    key("retention.bytes", "-1", Kind::Long, Any, "log.retention.bytes"),
    key("retention.ms", "604800000", Kind::Long, Min(-1), ""),
    key("segment.bytes", "1073741824", Kind::Int, Min(14), "log.segment.bytes"),
    key("segment.index.bytes", "10485760", Kind::Int, Min(4), "log.index.size.max.bytes"),
    key("segment.jitter.ms", "0", Kind::Long, Min(0), ""),
    key("segment.ms", "604800000", Kind::Long, Min(1), ""),
    key("unclean.leader.election.enable", "false", Kind::Boolean, Any, "unclean.leader.election.enable"),
];

/// Broker settings that may be altered while it runs (and, here, then have no effect).
#[rustfmt::skip]
pub(crate) const DYNAMIC_BROKER_KEYS: &[ConfigKey] = &[
    key("background.threads", "10", Kind::Int, Min(1), ""),
    key("compression.type", "producer", Kind::String, OneOf(CODECS), ""),
    key("log.cleaner.threads", "1", Kind::Int, Min(0), ""),
    key("log.cleanup.policy", "delete", Kind::List, OneOf(POLICIES), ""),
    key("log.message.timestamp.type", "CreateTime", Kind::String, OneOf(TIMESTAMP_TYPES), ""),
    key("log.retention.bytes", "-1", Kind::Long, Any, ""),
    key("log.segment.bytes", "1073741824", Kind::Int, Min(14), ""),
    key("message.max.bytes", "1048588", Kind::Int, Min(0), ""),
    key("min.insync.replicas", "1", Kind::Int, Min(1), ""),
    key("num.io.threads", "8", Kind::Int, Min(1), ""),
    key("num.network.threads", "3", Kind::Int, Min(1), ""),
    key("unclean.leader.election.enable", "false", Kind::Boolean, Any, ""),
];

impl ConfigKey {
    /// Checks a value.
    ///
    /// # Errors
    /// `INVALID_CONFIG` with the sentence that Kafka gives.
    pub(crate) fn check(&self, value: &str) -> Result<(), ApiError> {
        self.verdict(value).map_err(|reason| {
            // Kafka prints what it has parsed.
            let parsed = value
                .parse::<f64>()
                .ok()
                .filter(|_| self.kind == Kind::Double);
            let shown = parsed.map_or_else(|| value.to_owned(), |number| format!("{number:?}"));
            let message = format!(
                "Invalid value {shown} for configuration {}: {reason}",
                self.name
            );
            ApiError::new(ResponseError::InvalidConfig, message)
        })
    }

    fn verdict(&self, value: &str) -> Result<(), String> {
        match self.kind {
            Kind::Boolean => match value.to_ascii_lowercase().as_str() {
                "true" | "false" => Ok(()),
                _ => Err("Expected value to be either true or false".to_owned()),
            },
            Kind::Int => self.bounded(
                value
                    .trim()
                    .parse::<i32>()
                    .map(f64::from)
                    .map_err(|_| "INT"),
            ),
            Kind::Long => self.bounded(
                value
                    .trim()
                    .parse::<i64>()
                    .map(|n| n as f64)
                    .map_err(|_| "LONG"),
            ),
            Kind::Double => self.bounded(value.trim().parse::<f64>().map_err(|_| "DOUBLE")),
            Kind::String | Kind::List => self.listed(value),
        }
    }

    fn bounded(&self, number: Result<f64, &str>) -> Result<(), String> {
        let number = number.map_err(|kind| format!("Not a number of type {kind}"))?;
        let (min, max) = match self.bounds {
            Min(min) => (min as f64, f64::INFINITY),
            Range(min, max) => (min as f64, max as f64),
            Share => (0.0, 1.0),
            GzipLevel if number != -1.0 && !(1.0..=9.0).contains(&number) => {
                return Err("Value must be between 1 and 9 or equal to -1".to_owned());
            }
            _ => return Ok(()),
        };
        if number < min {
            return Err(format!("Value must be at least {min}"));
        }
        if number > max {
            Err(format!("Value must be no more than {max}"))
        } else {
            Ok(())
        }
    }

    fn listed(&self, value: &str) -> Result<(), String> {
        let OneOf(allowed) = self.bounds else {
            return Ok(());
        };
        let known = |item: &str| allowed.contains(&item);
        let fine = match self.kind {
            Kind::List => value.split(',').all(|item| known(item.trim())),
            _ => known(value),
        };
        if fine {
            Ok(())
        } else {
            Err(format!("String must be one of: {}", allowed.join(", ")))
        }
    }
}

/// The topic setting of this name.
///
/// # Errors
/// `INVALID_CONFIG` for a name that Kafka does not know.
pub(crate) fn topic_key(name: &str) -> Result<&'static ConfigKey, ApiError> {
    let unknown = || {
        ApiError::new(
            ResponseError::InvalidConfig,
            format!("Unknown topic config name: {name}"),
        )
    };
    TOPIC_KEYS
        .iter()
        .find(|key| key.name == name)
        .ok_or_else(unknown)
}

/// The settings of a topic that the broker acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicSettings {
    pub(crate) max_message_bytes: usize,
    pub(crate) append_time: bool,
    /// Whether records must have keys.
    pub(crate) compacted: bool,
    pub(crate) segment_bytes: u64,
    /// -1 when nothing is removed for its size.
    pub(crate) retention_bytes: i64,
    /// -1 when nothing is removed for its age.
    pub(crate) retention_ms: i64,
}

/// Segments are closed at this size even where `segment.bytes` allows more: retention removes closed segments
/// only, and recovery verifies the last one.
const LARGEST_SEGMENT: u64 = 64 * 1024 * 1024;

impl TopicSettings {
    /// The effective settings of a topic with these altered ones, which have been checked.
    pub(crate) fn new(altered: &BTreeMap<String, String>, message_max_bytes: i32) -> Self {
        let text = |name: &str| altered.get(name).map(|value| value.trim());
        let number = |name: &str, default: i64| {
            text(name)
                .and_then(|value| value.parse::<i64>().ok())
                .unwrap_or(default)
        };
        let policy = text("cleanup.policy").unwrap_or("delete");
        let deletes = policy.contains("delete");
        let max = number("max.message.bytes", i64::from(message_max_bytes));
        Self {
            max_message_bytes: usize::try_from(max).unwrap_or(0),
            append_time: text("message.timestamp.type") == Some("LogAppendTime"),
            compacted: policy.contains("compact"),
            segment_bytes: (number("segment.bytes", i64::MAX) as u64).min(LARGEST_SEGMENT),
            retention_bytes: if deletes {
                number("retention.bytes", -1)
            } else {
                -1
            },
            retention_ms: if deletes {
                number("retention.ms", 604_800_000)
            } else {
                -1
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn refusal(name: &str, value: &str) -> String {
        topic_key(name)
            .and_then(|key| key.check(value))
            .unwrap_err()
            .message
            .unwrap()
    }

    #[test]
    fn refusals_are_worded_as_kafkas() {
        assert_eq!(refusal("bogus", "1"), "Unknown topic config name: bogus");
        let start = "Invalid value abc for configuration retention.ms: ";
        assert_eq!(
            refusal("retention.ms", "abc"),
            format!("{start}Not a number of type LONG")
        );
        assert!(refusal("retention.ms", "-2").ends_with(": Value must be at least -1"));
        assert!(
            refusal("preallocate", "yes").ends_with(": Expected value to be either true or false")
        );
        let ratio = refusal("min.cleanable.dirty.ratio", "2");
        assert!(
            ratio.contains(" value 2.0 ") && ratio.ends_with(": Value must be no more than 1"),
            "{ratio}"
        );
        let level = refusal("compression.gzip.level", "77");
        assert!(
            level.ends_with(": Value must be between 1 and 9 or equal to -1"),
            "{level}"
        );
        let policy = refusal("cleanup.policy", "keep");
        assert!(
            policy.ends_with(": String must be one of: compact, delete"),
            "{policy}"
        );
        topic_key("cleanup.policy")
            .unwrap()
            .check("compact,delete")
            .unwrap();
    }

    #[test]
    fn every_default_is_valid() {
        for key in TOPIC_KEYS.iter().chain(DYNAMIC_BROKER_KEYS) {
            key.check(key.default).unwrap();
        }
    }

    #[test]
    fn settings_follow_what_was_altered() {
        let altered = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let plain = TopicSettings::new(&altered(&[]), 1_000);
        assert_eq!(
            (plain.max_message_bytes, plain.retention_ms),
            (1_000, 604_800_000)
        );
        let all = [
            ("max.message.bytes", "5"),
            ("cleanup.policy", "compact"),
            ("segment.bytes", "99"),
        ];
        let changed = TopicSettings::new(&altered(&all), 1_000);
        assert_eq!((changed.max_message_bytes, changed.segment_bytes), (5, 99));
        assert!(changed.compacted && changed.retention_ms == -1);
    }
}
