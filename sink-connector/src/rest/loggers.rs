//! `/admin/loggers`: levels of the log, changed while the worker runs.
//!
//! Loggers have Java's names. `root`, `org.apache.kafka.connect`, `io.confluent.connect.s3` and
//! `org.apache.kafka.clients` set the level of the matching part of this program; a name with `::` is one of its
//! modules; any other is kept and shown, and changes nothing. Levels hold until the worker ends.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde::Serialize;

use super::call::Call;
use super::respond::{self, ApiError, Reply};
use super::router::query_values;
use super::{Api, body};

const ROOT: &str = "root";
const LEVELS: [&str; 8] = [
    "ALL", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF",
];
/// Java packages and the parts of this program that do their work.
const PARTS: [(&str, &str); 4] = [
    ("org.apache.kafka.connect", "sluiceway_sink"),
    ("io.confluent.connect.s3", "sluiceway_sink"),
    ("org.apache.kafka.clients", "librdkafka"),
    ("software.amazon.awssdk", "aws_config"),
];

/// How levels are put into effect: takes directives such as `info,librdkafka=warn`.
pub(crate) type Apply = Box<dyn Fn(&str) + Send + Sync>;

/// Levels by logger.
pub(crate) struct Loggers {
    levels: Mutex<BTreeMap<String, Level>>,
    apply: Apply,
}

/// A logger's level and when it was set, in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Level {
    level: &'static str,
    last_modified: Option<u64>,
}

impl Loggers {
    /// The root logger at INFO; `apply` is called with each change.
    pub(crate) fn new(apply: Apply) -> Self {
        let root = (
            ROOT.to_owned(),
            Level {
                level: "INFO",
                last_modified: None,
            },
        );
        Self {
            levels: Mutex::new(BTreeMap::from([root])),
            apply,
        }
    }

    /// Sets `name` to a level of this name; unknown levels are left alone.
    pub(crate) fn set_by_name(&self, name: &str, level: &str) {
        let known = LEVELS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(level));
        match known {
            Some(level) => drop(self.set(name, level)),
            None => tracing::warn!(logger = name, level, "no log level of this name is known"),
        }
    }

    /// Sets `name` and every logger below it, and says which those are.
    fn set(&self, name: &str, level: &'static str) -> Vec<String> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let last_modified = u64::try_from(since.as_millis()).ok();
        let mut levels = self.levels.lock();
        let below = |known: &str| {
            name == ROOT
                || known
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(['.', ':']))
        };
        let mut changed: Vec<String> = levels
            .keys()
            .filter(|known| below(known))
            .cloned()
            .collect();
        if !changed.iter().any(|known| known == name) {
            changed.push(name.to_owned());
        }
        changed.sort();
        for logger in &changed {
            levels.insert(
                logger.clone(),
                Level {
                    level,
                    last_modified,
                },
            );
        }
        (self.apply)(&directives(&levels));
        changed
    }
}

/// The levels as directives of the log's filter.
fn directives(levels: &BTreeMap<String, Level>) -> String {
    let part = |name: &str| {
        let known = PARTS
            .iter()
            .find(|(package, _)| *package == name)
            .map(|(_, part)| (*part).to_owned());
        known.or_else(|| name.contains("::").then(|| name.to_owned()))
    };
    let mut directives =
        vec![filter_level(levels.get(ROOT).map_or("INFO", |root| root.level)).to_owned()];
    directives.extend(levels.iter().filter_map(|(name, level)| {
        Some(format!("{}={}", part(name)?, filter_level(level.level)))
    }));
    directives.join(",")
}

fn filter_level(level: &str) -> &'static str {
    match level {
        "ALL" | "TRACE" => "trace",
        "DEBUG" => "debug",
        "WARN" => "warn",
        "ERROR" | "FATAL" => "error",
        "OFF" => "off",
        _ => "info",
    }
}

/// All loggers that have a level of their own.
pub(super) fn all(api: &Api) -> Reply {
    respond::ok(&*api.loggers.levels.lock())
}

/// GET or PUT of one logger.
pub(super) async fn one(api: &Api, name: &str, call: &Call) -> Result<Reply, ApiError> {
    if call.method == Method::PUT {
        return put(api, name, call).await;
    }
    let level = api.loggers.levels.lock().get(name).cloned();
    level
        .map(|level| respond::ok(&level))
        .ok_or_else(|| ApiError::not_found(format!("Logger {name} not found.")))
}

async fn put(api: &Api, name: &str, call: &Call) -> Result<Reply, ApiError> {
    let mut members = body::members(&call.body)?;
    let Some(text) = body::text(&mut members, "level")? else {
        return Err(ApiError::bad_request(
            "Desired 'level' parameter was not specified in request.",
        ));
    };
    let known = LEVELS
        .into_iter()
        .find(|level| level.eq_ignore_ascii_case(text.trim()));
    let level = known.ok_or_else(|| ApiError::not_found(format!("invalid log level '{text}'.")))?;
    let scope = query_values(call.query.as_deref(), "scope");
    let cluster = scope
        .first()
        .is_some_and(|scope| scope.eq_ignore_ascii_case("cluster"));
    if !cluster {
        return Ok(respond::ok(&api.loggers.set(name, level)));
    }
    // It comes back to every worker by way of the config topic; a worker by itself is its own cluster.
    if !api.herder.set_log_level(name, level).await? {
        api.loggers.set(name, level);
    }
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn loggers() -> (Loggers, Arc<Mutex<String>>) {
        let applied = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&applied);
        (
            Loggers::new(Box::new(move |directives| {
                *seen.lock() = directives.to_owned()
            })),
            applied,
        )
    }

    #[test]
    fn a_level_reaches_the_matching_part() {
        let (loggers, applied) = loggers();
        assert_eq!(
            loggers.set("org.apache.kafka.clients", "ERROR"),
            ["org.apache.kafka.clients"]
        );
        assert_eq!(*applied.lock(), "info,librdkafka=error");
        loggers.set("sluiceway_sink::rest", "ALL");
        assert_eq!(
            *applied.lock(),
            "info,librdkafka=error,sluiceway_sink::rest=trace"
        );
        loggers.set("com.example.Nothing", "OFF");
        assert_eq!(
            *applied.lock(),
            "info,librdkafka=error,sluiceway_sink::rest=trace"
        );
    }

    #[test]
    fn loggers_below_are_changed_too() {
        let (loggers, applied) = loggers();
        loggers.set("a.b.c", "DEBUG");
        loggers.set("a.bc", "DEBUG");
        assert_eq!(loggers.set("a.b", "WARN"), ["a.b", "a.b.c"]);
        assert_eq!(loggers.set(ROOT, "WARN"), ["a.b", "a.b.c", "a.bc", ROOT]);
        assert_eq!(*applied.lock(), "warn");
    }
}
