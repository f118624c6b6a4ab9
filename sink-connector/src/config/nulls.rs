//! What is said of null: of a value that is JSON's null, and of a number that could not be read.
//!
//! A number that is none is null to Connect, and a range complains of that: a second error. A value that is given as null
//! is refused, after the check of its key has complained of it. Of the connector's own properties this is not told in the
//! original (their validation comes after it and forgets it; what then happens is up to each); here they are taken as not
//! given.

use sluiceway_common::config_def::{ConfigError, ConfigErrors};

use super::is_of_framework;

/// What Connect says of a value that is given as null.
pub(crate) const GIVEN: &str = "Null value can not be supplied as the configuration value.";

/// Keys whose numbers have a range in the original, and what it says of null.
const RANGES: [(&str, &str); 7] = [
    ("tasks.max", NON_NULL),
    ("filename.offset.zero.pad.width", NON_NULL),
    ("s3.part.size", "Part size must be non-null"),
    ("s3.compression.level", NON_NULL),
    ("s3.part.retries", NON_NULL),
    ("s3.retry.backoff.ms", NON_NULL),
    ("s3.elastic.buffer.init.capacity", NON_NULL),
];
const NON_NULL: &str = "Value must be non-null";

/// Keys of the framework whose checks complain of null, and how.
const CHECKED: [(&str, &str); 5] = [
    ("tasks.max", NON_NULL),
    ("errors.tolerance", "String must be one of: none, all"),
    (
        "config.action.reload",
        "String must be one of: none, restart",
    ),
    ("transforms", "entry must be non null"),
    ("predicates", "entry must be non null"),
];

/// The errors of a configuration that gives `keys` as null.
pub(crate) fn refused(keys: &[String]) -> ConfigErrors {
    let keys = keys.iter().filter(|key| is_of_framework(key));
    let errors = keys.flat_map(|key| {
        let checked = CHECKED.iter().find(|(name, _)| name == key);
        checked
            .map(|(_, reason)| ConfigError::invalid(key, "null", reason))
            .into_iter()
            .chain([ConfigError::other(key, GIVEN)])
    });
    ConfigErrors(errors.collect())
}

/// Adds what ranges say of null.
pub(super) fn complain(errors: &mut ConfigErrors) {
    let found = std::mem::take(&mut errors.0);
    for error in found {
        let more = of_null(&error);
        errors.0.push(error);
        errors.0.extend(more);
    }
}

fn of_null(error: &ConfigError) -> Option<ConfigError> {
    let (key, reason) = RANGES.iter().find(|(key, _)| *key == error.key)?;
    let unreadable = error.message.contains(": Not a number of type ");
    unreadable.then(|| ConfigError::invalid(key, "null", reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_refused_but_for_the_connector_s_own_properties() {
        let keys = ["x", "flush.size", "tasks.max", "topics"].map(str::to_owned);
        let errors: Vec<(String, String)> = refused(&keys)
            .0
            .into_iter()
            .map(|error| (error.key, error.message))
            .collect();
        let range = "Invalid value null for configuration tasks.max: Value must be non-null";
        let expected = [
            ("x", GIVEN),
            ("tasks.max", range),
            ("tasks.max", GIVEN),
            ("topics", GIVEN),
        ];
        assert_eq!(
            errors,
            expected.map(|(key, message)| (key.to_owned(), message.to_owned()))
        );
    }

    #[test]
    fn a_range_complains_of_a_number_that_is_none() {
        let bad = |key| ConfigError::invalid(key, "x", "Not a number of type INT");
        let low = ConfigError::invalid("tasks.max", "0", "Value must be at least 1");
        let mut errors = ConfigErrors(vec![bad("tasks.max"), bad("flush.size"), low]);
        complain(&mut errors);
        let messages: Vec<&str> = errors
            .0
            .iter()
            .map(|error| error.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [
                "Invalid value x for configuration tasks.max: Not a number of type INT",
                "Invalid value null for configuration tasks.max: Value must be non-null",
                "Invalid value x for configuration flush.size: Not a number of type INT",
                "Invalid value 0 for configuration tasks.max: Value must be at least 1"
            ]
        );
    }
}
