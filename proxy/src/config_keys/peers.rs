//! Keys of the replicas that serve consumer instances together.

use sluiceway_common::config_def::{Key, Kind};

use crate::admin_client::check_topic_name;
use crate::peers::config::{MIN_SECRET, parse_place};

/// The declared keys.
pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::with("sluiceway.peers", Kind::List, "", "Where all replicas of this proxy listen, this one included: `host:port`, several with commas. A name with several addresses (a headless service) stands for all of them and is looked up again and again. Then a consumer instance works through any replica. Empty: only through the one that made it.").check(places),
        Key::with("sluiceway.peers.secret", Kind::Password, "", "What replicas prove to one another with that they are replicas, the same for all of them: at least 16 visible characters. Needed with `sluiceway.peers`.").check(secret),
        Key::with("sluiceway.peers.topic", Kind::String, "_sluiceway_consumer_instances", "The compacted topic in which replicas write down their consumer instances; it is created when it is missing.").check(topic),
        Key::with("sluiceway.peers.topic.replication.factor", Kind::Short, "-1", "Copies of that topic when it is created; -1: the broker's default.").between(-1, 32_767),
        Key::with("sluiceway.peers.refresh.ms", Kind::Long, "5000", "Milliseconds after which the names in `sluiceway.peers` are looked up again.").at_least(100),
        Key::with("sluiceway.peers.probe.interval.ms", Kind::Long, "1000", "Milliseconds between two questions to each replica whether it lives.").at_least(50),
        Key::with("sluiceway.peers.probe.timeout.ms", Kind::Long, "1000", "Milliseconds that its answer may take.").at_least(50),
        Key::with("sluiceway.peers.probe.failures", Kind::Int, "2", "Questions without an answer, one after the other, from which on a replica counts as dead. One whose port is closed does at once.").between(1, 100),
        Key::with("sluiceway.peers.connect.timeout.ms", Kind::Long, "1000", "Milliseconds that a connection to another replica may take.").at_least(50),
        Key::with("sluiceway.peers.response.timeout.ms", Kind::Long, "60000", "Milliseconds after which a forwarded request that the other replica does not begin to answer is given up with 503. Longer than any read waits.").at_least(1000),
        Key::with("sluiceway.peers.takeover.timeout.ms", Kind::Long, "10000", "Milliseconds that a request waits at most while its consumer instance moves to another replica; then 503 with `Retry-After`.").at_least(100),
    ]
}

fn places(text: &str) -> Result<(), String> {
    let items = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    items.map(parse_place).try_for_each(|place| place.map(drop))
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

fn topic(text: &str) -> Result<(), String> {
    check_topic_name(text).map_err(|_| "it is no topic's name".to_owned())
}
