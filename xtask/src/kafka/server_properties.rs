//! The `server.properties` of one node of a KRaft cluster on loopback.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::{Line, UpArgs};

/// Ports of one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// `node.id`, from 1.
    pub(crate) id: u32,
    /// Clients' port.
    pub(crate) port: u16,
    /// Controllers' port.
    pub(crate) controller_port: u16,
}

/// Renders the file for `node` of `nodes`; `--set` wins over everything.
pub(crate) fn render(args: &UpArgs, node: Node, nodes: &[Node], data: &Path) -> String {
    let mut settings = defaults(args, node, nodes, data);
    settings.extend(args.settings.iter().cloned());
    settings
        .iter()
        .fold(String::new(), |mut text, (key, value)| {
            let _ = writeln!(text, "{key}={value}");
            text
        })
}

fn defaults(args: &UpArgs, node: Node, nodes: &[Node], data: &Path) -> BTreeMap<String, String> {
    let voters: Vec<String> = nodes
        .iter()
        .map(|n| format!("{}@127.0.0.1:{}", n.id, n.controller_port))
        .collect();
    let replicas = nodes.len().min(3).to_string();
    let in_sync = if nodes.len() >= 3 { "2" } else { "1" };
    // Of the first broker: its clients are told of no other way to it.
    let line = args.line.filter(|_| node.id == 1);
    let listener = |port: fn(Line) -> u16| {
        line.map_or_else(String::new, |line| {
            format!(",LINE://127.0.0.1:{}", port(line))
        })
    };
    let pairs = [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", node.id.to_string()),
        ("controller.quorum.voters", voters.join(",")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        (
            "listeners",
            format!(
                "PLAINTEXT://127.0.0.1:{},CONTROLLER://127.0.0.1:{}{}",
                node.port,
                node.controller_port,
                listener(|line| line.end)
            ),
        ),
        (
            "advertised.listeners",
            format!(
                "PLAINTEXT://127.0.0.1:{}{}",
                node.port,
                listener(|line| line.advertised)
            ),
        ),
        ("inter.broker.listener.name", "PLAINTEXT".to_owned()),
        (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LINE:PLAINTEXT".to_owned(),
        ),
        ("log.dirs", data.display().to_string()),
        ("auto.create.topics.enable", args.auto_create.to_string()),
        ("num.partitions", "1".to_owned()),
        ("default.replication.factor", replicas.clone()),
        ("min.insync.replicas", in_sync.to_owned()),
        // Small internal topics: they are created at the first use, while a test waits.
        ("offsets.topic.num.partitions", "4".to_owned()),
        ("offsets.topic.replication.factor", replicas.clone()),
        ("transaction.state.log.num.partitions", "2".to_owned()),
        ("transaction.state.log.replication.factor", replicas),
        ("transaction.state.log.min.isr", in_sync.to_owned()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        // Tests post records with old timestamps; they must not be deleted under them.
        ("log.retention.ms", "-1".to_owned()),
        // The default takes 128 MB of the heap.
        ("log.cleaner.dedupe.buffer.size", "4194304".to_owned()),
        // A killed broker may register again only after its session: 9 s by default.
        ("broker.session.timeout.ms", "5000".to_owned()),
        ("broker.heartbeat.interval.ms", "500".to_owned()),
        ("num.network.threads", "2".to_owned()),
        ("num.io.threads", "4".to_owned()),
        ("num.recovery.threads.per.data.dir", "1".to_owned()),
    ];
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn args(brokers: u32, set: &[(&str, &str)]) -> UpArgs {
        UpArgs {
            name: "t".into(),
            brokers,
            auto_create: false,
            settings: set
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            heap: "512m".into(),
            line: None,
        }
    }

    fn nodes(count: u16) -> Vec<Node> {
        (1..=count)
            .map(|n| Node {
                id: n.into(),
                port: 9000 + n,
                controller_port: 9100 + n,
            })
            .collect()
    }

    #[test]
    fn three_brokers_replicate_everything_and_all_vote() {
        let nodes = nodes(3);
        let text = render(&args(3, &[]), nodes[1], &nodes, Path::new("/data"));
        let has = |line: &str| assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        has("node.id=2");
        has("controller.quorum.voters=1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103");
        has("listeners=PLAINTEXT://127.0.0.1:9002,CONTROLLER://127.0.0.1:9102");
        has("offsets.topic.replication.factor=3");
        has("min.insync.replicas=2");
        has("auto.create.topics.enable=false");
    }

    #[test]
    fn clients_of_the_line_are_told_to_connect_elsewhere() {
        let nodes = nodes(1);
        let line = Some(Line {
            advertised: 9201,
            end: 9202,
        });
        let args = UpArgs {
            line,
            ..args(1, &[])
        };
        let text = render(&args, nodes[0], &nodes, Path::new("/data"));
        let has = |line: &str| assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        has(
            "listeners=PLAINTEXT://127.0.0.1:9001,CONTROLLER://127.0.0.1:9101,LINE://127.0.0.1:9202",
        );
        has("advertised.listeners=PLAINTEXT://127.0.0.1:9001,LINE://127.0.0.1:9201");
    }

    #[test]
    fn set_wins_over_the_defaults() {
        let nodes = nodes(1);
        let text = render(
            &args(1, &[("num.partitions", "7")]),
            nodes[0],
            &nodes,
            Path::new("/data"),
        );
        assert!(text.contains("num.partitions=7\n"));
        assert!(!text.contains("num.partitions=1\n"));
        assert!(text.contains("offsets.topic.replication.factor=1\n"));
    }
}
