//! A time-based partition's length: times → the start of the partition they fall into.

use crate::joda::Zone;

/// Partitions of one length, counted in local time.
#[derive(Debug)]
pub(super) struct Buckets {
    pub(super) duration_ms: i64,
}

impl Buckets {
    /// The number of the bucket of `millis` in `zone`. Local times before 1970 are rounded toward it, as in the original.
    pub(super) fn number(&self, millis: i64, zone: &Zone) -> i64 {
        millis.saturating_add(zone.offset(millis)) / self.duration_ms
    }

    /// Where the bucket begins, in milliseconds of the epoch.
    pub(super) fn start(&self, number: i64, zone: &Zone) -> i64 {
        zone.to_utc(number.saturating_mul(self.duration_ms))
    }
}
