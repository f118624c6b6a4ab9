//! Keys of `Idempotency-Key`.

use sluiceway_common::config_def::{Key, Kind};

use crate::admin_client::check_topic_name;

/// The declared keys.
pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::with("sluiceway.idempotency.enable", Kind::Boolean, "false", "Whether the header `Idempotency-Key` of requests that produce is honoured: the same key gets the first answer and writes nothing again. Needs transactions of Kafka. `false`: the header has no effect."),
        Key::with("sluiceway.idempotency.retention.ms", Kind::Long, "3600000", "Milliseconds for which a key and its answer are kept; all replicas must have the same.").at_least(1000),
        Key::with("sluiceway.idempotency.topic", Kind::String, "_sluiceway_idempotency", "The topic of keys and answers; it is created when it is missing, and also begins the names of the transactions (`<topic>-<partition>`).").check(topic),
        Key::with("sluiceway.idempotency.topic.partitions", Kind::Int, "8", "Partitions of that topic when it is created: as many requests with keys are written at once, each by a transactional producer of its own that is made when it is first needed.").between(1, 256),
        Key::with("sluiceway.idempotency.topic.replication.factor", Kind::Short, "-1", "Copies of that topic when it is created; -1: the broker's default.").between(-1, 32_767),
        Key::with("sluiceway.idempotency.timeout.ms", Kind::Long, "30000", "Milliseconds that a request with a key may take, waiting for others included; then 503: whether it was written is told when it is sent again. Also the time-out of its transaction.").between(1000, 900_000),
        Key::with("sluiceway.idempotency.memory.max.bytes", Kind::Long, "67108864", "Bytes of keys and answers held in memory; above, requests with a new key are answered with 429 until old ones expire.").at_least(65_536),
    ]
}

fn topic(text: &str) -> Result<(), String> {
    check_topic_name(text).map_err(|_| "it is no topic's name".to_owned())
}
