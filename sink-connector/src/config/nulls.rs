//! What range checks say of a number that could not be read.
//!
//! In: the errors of a definition. Out: the same, with a second one behind each number of a key with a range that is no
//! number: to Connect it is null, and the range complains of that.

use sluiceway_common::config_def::{ConfigError, ConfigErrors};

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
