//! Logs: text when standard error is a terminal, one JSON object a line otherwise.
//!
//! `RUST_LOG` chooses levels (default `info`), `SLUICEWAY_LOG_FORMAT=text|json` overrides the form.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For collectors.
    Json,
}

impl Format {
    /// From `SLUICEWAY_LOG_FORMAT`, else by whether standard error is a terminal.
    pub fn detect() -> Self {
        match std::env::var("SLUICEWAY_LOG_FORMAT").as_deref() {
            Ok("text") => Self::Text,
            Ok("json") => Self::Json,
            _ if std::io::stderr().is_terminal() => Self::Text,
            _ => Self::Json,
        }
    }
}

/// Sends `tracing` events of the whole process to standard error. A second call changes nothing.
///
/// `default_directives` is used when `RUST_LOG` is not set, e.g. `info,rdkafka=warn`.
pub fn init(format: Format, default_directives: &str) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_directives));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _already_set = match format {
        Format::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init(),
        Format::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
    };
}
