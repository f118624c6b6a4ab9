//! `errors.*`: what a bad record does to its task.

use std::time::Duration;

use sluiceway_common::config_def::{Importance, Key, Kind, Values};

use crate::error::{RecordError, Stage};

/// `errors.tolerance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// A bad record fails the task.
    None,
    /// A bad record is passed over.
    All,
}

/// `errors.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorsConfig {
    /// Whether bad records fail the task.
    pub tolerance: Tolerance,
    /// `errors.log.enable`: a log line for each bad record.
    pub log_enable: bool,
    /// `errors.log.include.messages`: topic, partition, offset and timestamp in that line.
    pub log_include_messages: bool,
    /// `errors.deadletterqueue.*`, when there is one.
    pub dead_letters: Option<DeadLetterConfig>,
    /// `report.null.values.to.dlq`: null values that are ignored are reported like bad records.
    pub report_null_values: bool,
    /// `errors.retry.timeout`: how long an operation that failed with a retriable error is tried again; `None` for ever.
    pub retry_timeout: Option<Duration>,
    /// `errors.retry.delay.max.ms`: longest wait between such attempts.
    pub retry_delay_max: Duration,
}

/// `errors.deadletterqueue.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterConfig {
    /// The topic.
    pub topic: String,
    /// Its replicas, when it has to be made.
    pub replication_factor: i16,
    /// Whether headers say what happened.
    pub context_headers: bool,
}

impl ErrorsConfig {
    /// Whether the sink's own errors are reported somewhere: in a dead-letter topic or the log.
    pub fn has_reporter(&self) -> bool {
        self.dead_letters.is_some() || self.log_enable
    }

    /// Whether the record is passed over instead of failing the task. Converters and transforms: with
    /// `errors.tolerance=all`. The sink's own errors: only when they are also reported somewhere.
    pub fn tolerates(&self, error: &RecordError) -> bool {
        let reported = error.stage != Stage::TaskPut || self.has_reporter();
        self.tolerance == Tolerance::All && error.reportable && reported
    }
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::with(
            "errors.retry.timeout",
            Kind::Long,
            "0",
            "Milliseconds for which a retriable error is retried; -1 for ever.",
        ),
        Key::with(
            "errors.retry.delay.max.ms",
            Kind::Long,
            "60000",
            "Longest wait between such attempts.",
        ),
        Key::with(
            "errors.tolerance",
            Kind::String,
            "none",
            "`none`: a bad record fails the task. `all`: it is passed over.",
        )
        .one_of(&["none", "all"], false),
        Key::with(
            "errors.log.enable",
            Kind::Boolean,
            "false",
            "Whether each bad record is logged.",
        ),
        Key::with(
            "errors.log.include.messages",
            Kind::Boolean,
            "false",
            "Whether that log line has topic, partition, offset and timestamp.",
        ),
        Key::with(
            "errors.deadletterqueue.topic.name",
            Kind::String,
            "",
            "Topic for bad records; empty for none. Made with one partition where it is missing.",
        ),
        Key::with(
            "errors.deadletterqueue.topic.replication.factor",
            Kind::Short,
            "3",
            "Replicas of the dead-letter topic when it is made.",
        ),
        Key::with(
            "errors.deadletterqueue.context.headers.enable",
            Kind::Boolean,
            "false",
            "Whether dead letters carry headers that say what happened.",
        ),
    ]
    .into_iter()
    .map(|key| key.importance(Importance::Medium))
    .collect()
}

pub(super) fn read(values: &Values) -> ErrorsConfig {
    let all = values.text("errors.tolerance").eq_ignore_ascii_case("all");
    ErrorsConfig {
        tolerance: if all { Tolerance::All } else { Tolerance::None },
        log_enable: values.boolean("errors.log.enable"),
        log_include_messages: values.boolean("errors.log.include.messages"),
        dead_letters: dead_letters(values),
        report_null_values: values.boolean("report.null.values.to.dlq"),
        retry_timeout: values.millis("errors.retry.timeout"),
        retry_delay_max: values
            .millis("errors.retry.delay.max.ms")
            .unwrap_or_default(),
    }
}

fn dead_letters(values: &Values) -> Option<DeadLetterConfig> {
    let prefix = "errors.deadletterqueue";
    let topic = values.text("errors.deadletterqueue.topic.name").to_owned();
    let replicas = values.number(&format!("{prefix}.topic.replication.factor"));
    (!topic.is_empty()).then(|| DeadLetterConfig {
        topic,
        replication_factor: i16::try_from(replicas).unwrap_or(-1),
        context_headers: values.boolean(&format!("{prefix}.context.headers.enable")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exception;

    #[test]
    fn only_what_connect_tolerates_is_tolerated() {
        let converter = RecordError::new(Stage::ValueConverter, "c", Exception::data("x"));
        let put = RecordError::put(Exception::data("x"));
        let null = RecordError::fatal(Exception::data("x"));
        let config = |tolerance, log_enable| ErrorsConfig {
            tolerance,
            log_enable,
            log_include_messages: false,
            dead_letters: None,
            report_null_values: true,
            retry_timeout: None,
            retry_delay_max: Duration::ZERO,
        };
        let verdicts =
            |config: ErrorsConfig| [&converter, &put, &null].map(|error| config.tolerates(error));
        assert_eq!(
            verdicts(config(Tolerance::None, true)),
            [false, false, false]
        );
        assert_eq!(
            verdicts(config(Tolerance::All, false)),
            [true, false, false]
        );
        assert_eq!(verdicts(config(Tolerance::All, true)), [true, true, false]);
    }
}
