//! Errors as Kafka Connect shows them: stage, Java exception class, message and causes.
//!
//! In: what a converter, partitioner or encoder found wrong with a record. Out: the trace of a `FAILED` task and the
//! parts of a dead letter's context headers. Nothing here decides what happens to the record; see
//! [`crate::config::ErrorsConfig::tolerates`].

use std::fmt::{self, Write as _};

/// `ConnectException`, the base class of Connect's own errors.
pub const CONNECT_EXCEPTION: &str = "org.apache.kafka.connect.errors.ConnectException";
/// `DataException`: a record's schema or value is not what a stage needs.
pub const DATA_EXCEPTION: &str = "org.apache.kafka.connect.errors.DataException";
/// `SchemaBuilderException`: a schema cannot be made as told.
pub const SCHEMA_BUILDER_EXCEPTION: &str = "org.apache.kafka.connect.errors.SchemaBuilderException";
/// `SerializationException` of Kafka's (de)serializers, usually the cause of a [`DATA_EXCEPTION`].
pub const SERIALIZATION_EXCEPTION: &str = "org.apache.kafka.common.errors.SerializationException";
/// `PartitionException`: a partitioner cannot encode a record.
pub const PARTITION_EXCEPTION: &str = "io.confluent.connect.storage.errors.PartitionException";
/// `ConfigException`: a property is missing or wrong.
pub const CONFIG_EXCEPTION: &str = "org.apache.kafka.common.config.ConfigException";
/// Class that stands for the sink itself in a dead letter's context headers.
pub const SINK_TASK: &str = "org.apache.kafka.connect.sink.SinkTask";

/// What the sink wraps once more when it ends the task, because a dead-letter queue would have taken it.
const WRAPPED: [&str; 3] = [
    DATA_EXCEPTION,
    SCHEMA_BUILDER_EXCEPTION,
    crate::avro::SCHEMA_PARSE_EXCEPTION,
];

/// Where a record failed, in the order in which a record passes (`__connect.errors.stage`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// `key.converter`.
    KeyConverter,
    /// `value.converter`.
    ValueConverter,
    /// `header.converter`.
    HeaderConverter,
    /// A transform or its predicate.
    Transformation,
    /// The sink: null handling, partitioner, encoder.
    TaskPut,
}

impl Stage {
    /// Connect's name of the stage.
    pub fn name(self) -> &'static str {
        match self {
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::Transformation => "TRANSFORMATION",
            Self::TaskPut => "TASK_PUT",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Java exception without its stack frames: class, message, cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Full class name.
    pub class: &'static str,
    /// Message; empty when the exception has none.
    pub message: String,
    /// The exception that led to this one.
    pub cause: Option<Box<Exception>>,
}

impl Exception {
    /// An exception without a cause.
    pub fn new(class: &'static str, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            cause: None,
        }
    }

    /// A [`DATA_EXCEPTION`] without a cause.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(DATA_EXCEPTION, message)
    }

    /// The same exception with `cause` beneath it.
    #[must_use]
    pub fn caused_by(mut self, cause: Exception) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// `new ConnectException(this)`: its message is this exception's text.
    #[must_use]
    pub fn wrapped(self) -> Self {
        Self::new(CONNECT_EXCEPTION, self.to_string()).caused_by(self)
    }

    /// The lines Java prints for it, stack frames left out: `class: message`, then `Caused by: …` for each cause.
    pub fn stacktrace(&self) -> String {
        let mut text = self.to_string();
        let mut next = self.cause.as_deref();
        while let Some(cause) = next {
            // Writing to a String does not fail.
            let _ = write!(text, "\nCaused by: {cause}");
            next = cause.cause.as_deref();
        }
        text
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => f.write_str(self.class),
            message => write!(f, "{}: {message}", self.class),
        }
    }
}

impl std::error::Error for Exception {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

const TOLERANCE_EXCEEDED: &str = "Tolerance exceeded in error handler";

/// What a task shows that ended while it ran.
pub(crate) fn unrecoverable(cause: Exception) -> Exception {
    Exception::new(
        CONNECT_EXCEPTION,
        "Exiting WorkerSinkTask due to unrecoverable exception.",
    )
    .caused_by(cause)
}

/// What ends a task under `errors.tolerance=none` when `cause` was handed to Connect's error handler.
pub(crate) fn tolerance_exceeded(cause: Exception) -> Exception {
    Exception::new(CONNECT_EXCEPTION, TOLERANCE_EXCEEDED).caused_by(cause)
}

/// A record that a stage refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stage} ({executor}): {exception}")]
pub struct RecordError {
    /// Where it failed.
    pub stage: Stage,
    /// Class of what was running there (`__connect.errors.class.name`).
    pub executor: &'static str,
    /// What went wrong (`__connect.errors.exception.*`).
    #[source]
    pub exception: Exception,
    /// Whether Connect may pass over the record (`errors.tolerance=all`). Errors of the sink itself are passed over
    /// only when they can be reported somewhere, and some (a null value under `fail`) never are.
    pub reportable: bool,
}

impl RecordError {
    /// An error of a converter or transform of class `executor`.
    pub fn new(stage: Stage, executor: &'static str, exception: Exception) -> Self {
        Self {
            stage,
            executor,
            exception,
            reportable: true,
        }
    }

    /// An error of the sink's own work on a record, which a dead-letter queue may take.
    pub fn put(exception: Exception) -> Self {
        Self::new(Stage::TaskPut, SINK_TASK, exception)
    }

    /// An error of the sink that ends the task whatever `errors.tolerance` says.
    pub fn fatal(exception: Exception) -> Self {
        Self {
            reportable: false,
            ..Self::put(exception)
        }
    }

    /// What the task's status shows as `trace` when this record ended it.
    pub fn task_trace(&self) -> String {
        if self.stage != Stage::TaskPut && !self.reportable {
            // Thrown outside the error handler: nothing wraps it.
            return self.exception.stacktrace();
        }
        let outer = match self.stage {
            Stage::TaskPut => "Exiting WorkerSinkTask due to unrecoverable exception.",
            _ => TOLERANCE_EXCEEDED,
        };
        let inner = match self.stage {
            // The writer wraps what a reporter would have taken; see the recordings of DataException in put().
            Stage::TaskPut if self.reportable && WRAPPED.contains(&self.exception.class) => {
                self.exception.clone().wrapped()
            }
            _ => self.exception.clone(),
        };
        Exception::new(CONNECT_EXCEPTION, outer)
            .caused_by(inner)
            .stacktrace()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_converter_error_reads_as_connect_shows_it() {
        let exception =
            Exception::data("outer ").caused_by(Exception::new(SERIALIZATION_EXCEPTION, "inner"));
        let error = RecordError::new(Stage::ValueConverter, "c", exception);
        assert_eq!(
            error.task_trace(),
            "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\
             Caused by: org.apache.kafka.connect.errors.DataException: outer \n\
             Caused by: org.apache.kafka.common.errors.SerializationException: inner"
        );
        assert_eq!(error.stage.to_string(), "VALUE_CONVERTER");
    }

    #[test]
    fn a_data_exception_while_writing_is_wrapped_once() {
        let error = RecordError::put(Exception::data("bad"));
        assert_eq!(
            error.task_trace(),
            "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.\n\
             Caused by: org.apache.kafka.connect.errors.ConnectException: org.apache.kafka.connect.errors.DataException: bad\n\
             Caused by: org.apache.kafka.connect.errors.DataException: bad"
        );
    }

    #[test]
    fn an_exception_without_message_is_its_class() {
        assert_eq!(
            Exception::new("java.nio.BufferUnderflowException", "").stacktrace(),
            "java.nio.BufferUnderflowException"
        );
    }
}
