//! When what happened, by the logs of two workers: their lines have the times of one clock.

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde_json::Value;

use crate::target::Sink;

/// How a worker begins its line when the tasks of a connector have ended, and when some of them wait for Kafka's answer and
/// are left to end when it comes.
const ENDED: [&str; 2] = [
    "nothing of the connector runs here any more",
    "tasks had not ended in time",
];
const WRITTEN: &str = "object written";

/// What two workers say from a moment on.
pub(super) struct Evidence {
    /// That moment.
    pub(super) from: Timestamp,
    /// Of each, by its name, how much it had said before.
    said: [(String, usize); 2],
}

impl Evidence {
    /// What they say from now on.
    pub(super) fn from_now(one: &Sink, other: &Sink) -> Self {
        let said =
            [one, other].map(|sink| (sink.http.authority().to_owned(), sink.program.log().len()));
        let from = Timestamp::now();
        Self { from, said }
    }

    /// When every task of a connector had ended on a worker, or was left to end.
    pub(super) fn ended(&self, sink: &Sink, connector: &str) -> Result<Timestamp> {
        let ended = |line: &Value| {
            let message = line["message"].as_str().unwrap_or_default();
            line["connector"] == connector && ENDED.iter().any(|known| message.starts_with(known))
        };
        let first = self.times(sink, ended).min();
        first.context("its tasks have not ended")
    }

    /// When a worker completed its last object of a partition.
    pub(super) fn last_object(&self, sink: &Sink, partition: i32) -> Option<Timestamp> {
        self.times(sink, written(partition)).max()
    }

    /// When a worker completed its first object of a partition.
    pub(super) fn first_object(&self, sink: &Sink, partition: i32) -> Option<Timestamp> {
        self.times(sink, written(partition)).min()
    }

    /// The times of a worker's lines that are such.
    fn times(&self, sink: &Sink, such: impl Fn(&Value) -> bool) -> impl Iterator<Item = Timestamp> {
        let name = sink.http.authority();
        let known = self.said.iter().find(|(worker, _)| worker == name);
        let seen = known.map_or(0, |(_, seen)| *seen);
        let log = sink.program.log();
        let new = log.get(seen..).unwrap_or_default();
        let times: Vec<Timestamp> = new
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(such)
            .filter_map(|line| line["timestamp"].as_str()?.parse().ok())
            .collect();
        times.into_iter()
    }
}

fn written(partition: i32) -> impl Fn(&Value) -> bool {
    let folder = format!("/partition={partition}/");
    move |line| {
        let key = line["key"].as_str().unwrap_or_default();
        line["message"] == WRITTEN && key.contains(&folder)
    }
}
