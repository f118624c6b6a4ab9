//! Keys of consumer instances, and of the URLs that lead to them.

use sluiceway_common::config_def::{Key, Kind};

/// The declared keys.
pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::with("consumer.request.timeout.ms", Kind::Int, "1000", "Milliseconds that a read of records waits at most, unless the instance was made with its own; `timeout` of a read can only shorten it.").at_least(0),
        Key::with("consumer.request.max.bytes", Kind::Long, "67108864", "Bytes of keys and values that one read returns at most; `max_bytes` of a read can only lower it.").at_least(1),
        Key::with("fetch.min.bytes", Kind::Int, "-1", "Bytes above which a read answers at once, unless the instance was made with its own; -1: when all partitions are read to their end.").between(-1, 10_000_000),
        Key::with("consumer.instance.timeout.ms", Kind::Int, "300000", "Milliseconds without a request after which a consumer instance is closed.").at_least(1),
        Key::with("consumer.threads", Kind::Int, "50", "Calls to Kafka at once on behalf of consumer instances (commits, seeks, closings); further ones wait. Reads need no thread while they wait. Negative: no limit."),
        Key::with("sluiceway.consumer.instances.max", Kind::Int, "1000", "Consumer instances at once; above: 429. Each that reads has librdkafka's threads: two, and one a broker.").at_least(1),
        Key::with("sluiceway.consumer.prefetch.bytes", Kind::Int, "4194304", "Bytes that an instance fetches ahead of its reads, about. `consumer.queued.max.messages.kbytes` goes before it.").between(65_536, 2_000_000_000),
        Key::with("sluiceway.consumer.linger.ms", Kind::Int, "100", "Milliseconds of silence after which a read that has records answers, once every partition was heard of; sooner when all are known to be at their end.").between(0, 10_000),
        Key::with("sluiceway.consumer.join.wait.ms", Kind::Long, "0", "Milliseconds from the beginning of the first read of a subscription that the group has to say what the instance reads; only then the read begins to wait for records, so that it is not answered with `[]` because of the join. 0: the join is part of the read's wait, as in the original.").between(0, 600_000),
        Key::with("host.name", Kind::String, "", "Host in absolute URLs of answers; empty: the one that the request asked for."),
        Key::with("advertised.listeners", Kind::List, "", "`http://host:port` for absolute URLs of answers, goes before `host.name`; empty: none."),
        Key::with("sluiceway.public.url", Kind::String, "", "Where clients find this proxy behind whatever stands in front of it, a path included (`https://api.example/kafka`): the beginning of all absolute URLs in answers. Empty: as the request says.").check(public_url),
        Key::with("sluiceway.forwarded.headers.enable", Kind::Boolean, "false", "Whether absolute URLs in answers follow `Forwarded` and `X-Forwarded-Proto`, `-Host`, `-Port` and `-Prefix`. Only for proxies that can be reached through the front server alone."),
    ]
}

fn public_url(text: &str) -> Result<(), String> {
    let authority = text
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
    match authority {
        _ if text.is_empty() => Ok(()),
        Some((_, rest)) if !rest.is_empty() && !rest.starts_with('/') => Ok(()),
        _ => Err("write http://host:port or https://host, with a path if there is one".into()),
    }
}
