//! Ranges of numbers: Java takes values that librdkafka refuses.
//!
//! In: a Java setting and its value. Out: the value, or the nearest that librdkafka takes. What Java refuses, too, stays
//! as it is: librdkafka tells what is wrong with it.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::Role;

/// Java's largest `int`, which often stands for "never".
const INT: i64 = i32::MAX as i64;

/// `value` of the setting `key`, moved into librdkafka's range.
pub(super) fn nearest<'v>(role: Role, key: &str, value: &'v str) -> Cow<'v, str> {
    let Some((least, range)) = ranges(role, key) else {
        return Cow::Borrowed(value);
    };
    match value.parse::<i64>() {
        Ok(number) if number >= least && !range.contains(&number) => {
            let nearest = number.clamp(*range.start(), *range.end());
            Cow::Owned(nearest.to_string())
        }
        _ => Cow::Borrowed(value),
    }
}

/// Java's least value of `key`, and librdkafka's range.
fn ranges(role: Role, key: &str) -> Option<(i64, RangeInclusive<i64>)> {
    Some(match (role, key) {
        // -1 is "never" in Java, 0 in librdkafka.
        (_, "connections.max.idle.ms") => (-1, 0..=INT),
        (_, "metadata.max.age.ms") => (0, 1..=86_400_000),
        (_, "retry.backoff.ms" | "retry.backoff.max.ms") => (0, 1..=300_000),
        (_, "reconnect.backoff.ms" | "reconnect.backoff.max.ms") => (0, 0..=3_600_000),
        (Role::Producer, "batch.size") => (0, 1..=INT),
        (Role::Producer, "linger.ms") => (0, 0..=900_000),
        (Role::Producer, "max.request.size") => (0, 1000..=1_000_000_000),
        (Role::Producer, "max.in.flight.requests.per.connection") => (1, 1..=1_000_000),
        (Role::Producer, "request.timeout.ms") => (0, 1..=900_000),
        (_, "request.timeout.ms") => (0, 10..=300_000),
        (Role::Consumer, "max.poll.interval.ms") => (1, 1..=86_400_000),
        (Role::Consumer, "session.timeout.ms" | "heartbeat.interval.ms") => (0, 1..=3_600_000),
        (Role::Consumer, "auto.commit.interval.ms") => (0, 0..=86_400_000),
        (Role::Consumer, "fetch.min.bytes") => (0, 1..=100_000_000),
        (Role::Consumer, "fetch.max.bytes") => (0, 1000..=2_147_483_135),
        (Role::Consumer, "max.partition.fetch.bytes") => (0, 1..=1_000_000_000),
        (Role::Consumer, "fetch.max.wait.ms") => (0, 0..=300_000),
        _ => return None,
    })
}
