//! Logs: text when standard error is a terminal, one JSON object a line otherwise.
//!
//! `RUST_LOG` chooses levels (default `info`), `SLUICEWAY_LOG_FORMAT=text|json` overrides the form.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

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

/// How the levels of the running process are changed, and those it was started with; set by the first [`init`].
static RELOAD: OnceLock<(reload::Handle<EnvFilter, Registry>, String)> = OnceLock::new();

/// Sends `tracing` events of the whole process to standard error. A second call changes nothing.
///
/// `default_directives` is used when `RUST_LOG` is not set, e.g. `info,rdkafka=warn`; or when it is malformed, which a line tells.
pub fn init(format: Format, default_directives: &str) {
    let asked = std::env::var_os(EnvFilter::DEFAULT_ENV);
    let asked = asked.as_ref().map(|text| text.to_string_lossy());
    let (filter, malformed) = filter(asked.as_deref(), default_directives);
    let started_with = filter.to_string();
    let (filter, handle) = reload::Layer::new(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let installed = match format {
        Format::Text => {
            let lines = lines.with_ansi(std::io::stderr().is_terminal());
            registry
                .with(lines.with_filter(filter_fn(keeps_secrets)))
                .try_init()
        }
        Format::Json => {
            let lines = lines.json().flatten_event(true);
            let lines = lines.with_current_span(false).with_span_list(false);
            registry
                .with(lines.with_filter(filter_fn(keeps_secrets)))
                .try_init()
        }
    };
    if installed.is_ok() {
        // Only the call that installed the subscriber comes here.
        let _first = RELOAD.set((handle, started_with));
    }
    if let Some(error) = malformed {
        tracing::warn!(%error, instead = default_directives, "RUST_LOG is malformed and not used; it is like info,rdkafka=debug");
    }
}

/// The levels that are asked for, or the default ones and what is wrong.
fn filter(asked: Option<&str>, default_directives: &str) -> (EnvFilter, Option<String>) {
    let default = || EnvFilter::new(default_directives);
    match asked.filter(|text| !text.trim().is_empty()) {
        None => (default(), None),
        Some(text) => match EnvFilter::try_new(text) {
            Ok(filter) => (filter, None),
            Err(error) => (default(), Some(error.to_string())),
        },
    }
}

/// Whatever the levels: what the AWS SDK says of each request at `trace` has the session token and the signature in it.
fn keeps_secrets(line: &Metadata<'_>) -> bool {
    *line.level() != Level::TRACE || !line.target().starts_with("aws_")
}

/// Changes the levels of the running process, e.g. to `info,rdkafka=debug`.
///
/// # Errors
/// When the directives are malformed, or [`init`] has not been called.
pub fn set_levels(directives: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(directives).map_err(|error| error.to_string())?;
    let (handle, _) = RELOAD.get().ok_or(NOT_SET_UP)?;
    handle.reload(filter).map_err(|error| error.to_string())
}

/// Goes back to the levels that the process was started with.
///
/// # Errors
/// As [`set_levels`].
pub fn reset_levels() -> Result<(), String> {
    let (_, started_with) = RELOAD.get().ok_or(NOT_SET_UP)?;
    set_levels(started_with)
}

/// The directives in force.
///
/// # Errors
/// [`init`] has not been called.
pub fn levels() -> Result<String, String> {
    let (handle, _) = RELOAD.get().ok_or(NOT_SET_UP)?;
    handle
        .with_current(ToString::to_string)
        .map_err(|error| error.to_string())
}

const NOT_SET_UP: &str = "the log was not set up by this program";

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn malformed_levels_are_told_and_not_used() {
        let of = |asked| {
            let (levels, malformed) = filter(asked, "info,rdkafka=warn");
            let levels = levels.to_string();
            (levels.contains("rdkafka=warn"), malformed.is_some())
        };
        assert_eq!(of(None), (true, false));
        assert_eq!(of(Some(" ")), (true, false), "as if it were not set");
        assert_eq!(of(Some("debug")), (false, false));
        assert_eq!(of(Some("info,sluiceway_proxy=loud")), (true, true));
    }
}
