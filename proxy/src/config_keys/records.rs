//! Keys of v3's streamed and batched records.

use sluiceway_common::config_def::{Key, Kind};

/// Java's largest int, which bounds the original's rates.
const MAX: i64 = 2_147_483_647;

pub(super) fn keys() -> Vec<Key> {
    let rate = |name: &'static str, default: &'static str, doc: &'static str| {
        Key::with(name, Kind::Int, default, doc).between(1, MAX)
    };
    vec![
        Key::with("api.v3.produce.batch.maximum.entries", Kind::Int, "10", "Entries that `records:batch` may have; above: 422.").between(1, 50),
        Key::with("api.v3.produce.request.size.limit.max.bytes", Kind::Long, "0", "Bytes that a streamed record's JSON may have; above, the stream ends with a 400. 0: as many as `sluiceway.request.max.bytes`, above which it ends with a 413.").at_least(0),
        Key::with("streaming.connection.max.duration.ms", Kind::Long, "86400000", "Milliseconds after which the records of a stream are refused with 408.").at_least(1),
        Key::with("streaming.connection.max.duration.grace.period.ms", Kind::Long, "500", "Milliseconds from the first of them until the stream is closed.").at_least(1),
        Key::with("api.v3.produce.rate.limit.enabled", Kind::Boolean, "false", "Whether the five limits below hold; a record beyond them is answered with 429 and not written."),
        rate("api.v3.produce.rate.limit.max.requests.per.sec", "10000", "Records a second for each cluster id of a path."),
        rate("api.v3.produce.rate.limit.max.requests.global.per.sec", "10000", "Records a second altogether."),
        rate("api.v3.produce.rate.limit.max.bytes.per.sec", "10000000", "Bytes of records' JSON a second for each cluster id of a path."),
        rate("api.v3.produce.rate.limit.max.bytes.global.per.sec", "10000000", "Bytes of records' JSON a second altogether."),
        Key::with("api.v3.produce.rate.limit.cache.expiry.ms", Kind::Int, "3600000", "Milliseconds after which a cluster id that is not written to is forgotten, when very many are in use.").at_least(1),
    ]
}
