//! Keys of the Kinesis front.

use sluiceway_common::config_def::{Key, Kind};

use crate::kinesis::config::MIN_SECRET;

/// The declared keys.
pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::with("sluiceway.kinesis.enable", Kind::Boolean, "false", "Whether AWS SDKs (`endpoint_url` or the like set to this proxy) find Kinesis Data Streams here, with topics for streams and partitions for shards, and clients of API Gateway's Kinesis proxy its resources `/streams…`."),
        Key::with("sluiceway.kinesis.streams", Kind::List, "*", "Topics that are streams: names with commas between them, `*` for any characters. Topics whose names begin with `__` never are."),
        Key::with("sluiceway.kinesis.signature.check", Kind::Boolean, "true", "Whether SDK calls have to be signed (Signature Version 4) with a key of `sluiceway.kinesis.keys.file`. A call that `authentication.method` lets in by other credentials needs no signature. `false`: signatures are not looked at."),
        Key::with("sluiceway.kinesis.keys.file", Kind::String, "", "A properties file of access keys: `key.<name>.id`, `key.<name>.secret`, and `key.<name>.roles` if need be. Needed while signatures are checked; read again when it changes."),
        Key::with("sluiceway.kinesis.clock.skew.ms", Kind::Long, "300000", "Milliseconds that the date of a signed call may lie before or behind this machine's clock.").between(1000, 3_600_000),
        Key::with("sluiceway.kinesis.region", Kind::String, "us-east-1", "The region in the names (ARNs) of streams. Calls may be signed for any region."),
        Key::with("sluiceway.kinesis.account", Kind::String, "000000000000", "The account in the names (ARNs) of streams, 12 digits.").check(account),
        Key::with("sluiceway.kinesis.iterator.expiry.ms", Kind::Long, "300000", "Milliseconds after which a shard iterator, or the token of a list, is no longer taken.").between(1000, 86_400_000),
        Key::with("sluiceway.kinesis.iterator.secret", Kind::Password, "", "What shard iterators are sealed with: at least 16 visible characters, the same in all replicas. Empty: something new with each start, so that iterators work with this process only.").check(secret),
        Key::with("sluiceway.kinesis.shards.max", Kind::Int, "500", "Shards that CreateStream may make a stream with.").between(1, 10_000),
        Key::with("sluiceway.kinesis.on.demand.shards", Kind::Int, "4", "Shards of a stream whose maker does not say how many.").between(1, 10_000),
        Key::with("sluiceway.kinesis.replication.factor", Kind::Short, "-1", "Copies of a stream that is made here; -1: the broker's default.").between(-1, 32_767),
    ]
}

fn account(text: &str) -> Result<(), String> {
    let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits {
        Ok(())
    } else {
        Err("it must have 12 digits".to_owned())
    }
}

fn secret(text: &str) -> Result<(), String> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    match text.len() {
        0 => Ok(()),
        MIN_SECRET.. if visible => Ok(()),
        _ => Err(format!(
            "it must have at least {MIN_SECRET} visible characters without blanks"
        )),
    }
}
