//! The wall clock in Kafka's unit: milliseconds since 1970.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now.
pub(crate) fn now_ms() -> i64 {
    epoch_ms(SystemTime::now())
}

/// A time of the file system; times before 1970 count as 0.
pub(crate) fn epoch_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
