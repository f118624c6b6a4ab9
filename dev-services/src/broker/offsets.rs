//! Committed offsets with their metadata, by group. In memory, and in a log of JSON lines: each commit appends what
//! it changes before it is answered. The log is rewritten with what is left of it at start and whenever it has
//! grown far beyond that. A torn last line (the process was killed while it wrote) is dropped.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::files;

/// The log is rewritten when it has grown by this many bytes and is mostly history.
const REWRITE_AFTER: u64 = 16 * 1024 * 1024;

/// A topic and partition.
pub(crate) type Partition = (String, i32);

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

/// A line of the log. Without an offset: the partition's is removed; without a topic: the group is.
#[derive(Debug, Serialize, Deserialize)]
struct Line<'a> {
    group: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    partition: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    #[serde(default)]
    epoch: i32,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    metadata: std::borrow::Cow<'a, str>,
}

type ByGroup = BTreeMap<String, BTreeMap<Partition, Committed>>;

/// All committed offsets.
#[derive(Debug)]
pub(crate) struct Offsets {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    path: PathBuf,
    file: File,
    size: u64,
    /// Size after the last rewrite.
    base_size: u64,
    groups: ByGroup,
}

impl Offsets {
    /// Reads the log, and rewrites it with what it amounts to.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let content = files::read(&path)?.unwrap_or_default();
        let mut groups = ByGroup::new();
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            match serde_json::from_slice::<Line<'_>>(line) {
                Ok(line) => line.apply(&mut groups),
                Err(error) => {
                    tracing::warn!(%error, "dropped an incomplete line of committed offsets")
                }
            }
        }
        let (file, size) = rewrite(&path, &groups)?;
        Ok(Self {
            state: Mutex::new(State {
                path,
                file,
                size,
                base_size: size,
                groups,
            }),
        })
    }

    /// Groups with committed offsets.
    pub(crate) fn groups(&self) -> Vec<String> {
        self.state.lock().groups.keys().cloned().collect()
    }

    /// Stores the offsets of one commit; after an error none of them counts.
    pub(crate) fn commit(
        &self,
        group: &str,
        offsets: Vec<(Partition, Committed)>,
    ) -> io::Result<()> {
        let mut lines = Vec::new();
        for (partition, committed) in &offsets {
            Line::new(group, partition, Some(committed)).write(&mut lines)?;
        }
        let mut state = self.state.lock();
        state.append(&lines)?;
        state
            .groups
            .entry(group.to_owned())
            .or_default()
            .extend(offsets);
        Ok(())
    }

    /// The offset committed for a partition.
    pub(crate) fn get(&self, group: &str, partition: &Partition) -> Option<Committed> {
        self.state.lock().groups.get(group)?.get(partition).cloned()
    }

    /// All offsets of a group.
    pub(crate) fn all(&self, group: &str) -> BTreeMap<Partition, Committed> {
        self.state
            .lock()
            .groups
            .get(group)
            .cloned()
            .unwrap_or_default()
    }

    /// Forgets the offset of a partition.
    pub(crate) fn remove(&self, group: &str, partition: &Partition) -> io::Result<()> {
        let mut lines = Vec::new();
        Line::new(group, partition, None).write(&mut lines)?;
        let mut state = self.state.lock();
        state.append(&lines)?;
        if let Some(offsets) = state.groups.get_mut(group) {
            offsets.remove(partition);
        }
        Ok(())
    }

    /// Forgets a group.
    pub(crate) fn remove_group(&self, group: &str) -> io::Result<()> {
        let mut lines = Vec::new();
        Line::of_group(group).write(&mut lines)?;
        let mut state = self.state.lock();
        state.append(&lines)?;
        state.groups.remove(group);
        Ok(())
    }

    /// Forgets the offsets of a deleted topic.
    pub(crate) fn remove_topic(&self, topic: &str) -> io::Result<()> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let mut lines = Vec::new();
        for (group, offsets) in &state.groups {
            for partition in offsets.keys().filter(|(name, _)| name == topic) {
                Line::new(group, partition, None).write(&mut lines)?;
            }
        }
        state.append(&lines)?;
        for offsets in state.groups.values_mut() {
            offsets.retain(|(name, _), _| name != topic);
        }
        Ok(())
    }
}

impl State {
    /// Appends lines; what could only be written in part is taken back.
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.size - self.base_size > REWRITE_AFTER.max(self.base_size) {
            (self.file, self.size) = rewrite(&self.path, &self.groups)?;
            self.base_size = self.size;
        }
        if let Err(error) = self.file.write_all(lines) {
            self.file.set_len(self.size)?;
            return Err(error);
        }
        self.size += lines.len() as u64;
        Ok(())
    }
}

impl<'a> Line<'a> {
    fn of_group(group: &'a str) -> Self {
        let metadata = "".into();
        Self {
            group: group.into(),
            topic: None,
            partition: 0,
            offset: None,
            epoch: 0,
            metadata,
        }
    }

    fn new(group: &'a str, partition: &'a Partition, committed: Option<&'a Committed>) -> Self {
        Self {
            topic: Some(partition.0.as_str().into()),
            partition: partition.1,
            offset: committed.map(|committed| committed.offset),
            epoch: committed.map_or(0, |committed| committed.leader_epoch),
            metadata: committed.map_or("", |committed| &committed.metadata).into(),
            ..Self::of_group(group)
        }
    }

    fn write(&self, out: &mut Vec<u8>) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.push(b'\n');
        Ok(())
    }

    fn apply(self, groups: &mut ByGroup) {
        let Some(topic) = self.topic else {
            groups.remove(self.group.as_ref());
            return;
        };
        let offsets = groups.entry(self.group.into_owned()).or_default();
        let partition = (topic.into_owned(), self.partition);
        match self.offset {
            Some(offset) => {
                let metadata = self.metadata.into_owned();
                offsets.insert(
                    partition,
                    Committed {
                        offset,
                        leader_epoch: self.epoch,
                        metadata,
                    },
                );
            }
            None => drop(offsets.remove(&partition)),
        }
    }
}

/// Replaces the log by the lines for `groups`, and opens it for appending.
fn rewrite(path: &std::path::Path, groups: &ByGroup) -> io::Result<(File, u64)> {
    let mut lines = Vec::new();
    for (group, offsets) in groups {
        for (partition, committed) in offsets {
            Line::new(group, partition, Some(committed)).write(&mut lines)?;
        }
    }
    files::replace(path, &lines)?;
    let file = OpenOptions::new().append(true).open(path)?;
    Ok((file, lines.len() as u64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn committed(offset: i64, metadata: &str) -> Committed {
        Committed {
            offset,
            leader_epoch: 0,
            metadata: metadata.to_owned(),
        }
    }

    fn partition(topic: &str, index: i32) -> Partition {
        (topic.to_owned(), index)
    }

    #[test]
    fn commits_survive_and_a_torn_line_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("offsets.log");
        let offsets = Offsets::open(path.clone()).unwrap();
        offsets
            .commit("g", vec![(partition("t", 0), committed(5, "plan \"x\"\n"))])
            .unwrap();
        offsets
            .commit(
                "g",
                vec![
                    (partition("t", 0), committed(7, "")),
                    (partition("t", 1), committed(1, "m")),
                ],
            )
            .unwrap();
        offsets
            .commit("other", vec![(partition("t", 0), committed(9, ""))])
            .unwrap();
        offsets.remove("other", &partition("t", 0)).unwrap();
        drop(offsets);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"group\":\"g\",\"topic\":\"t\",\"partition\":0,\"off")
            .unwrap();
        let again = Offsets::open(path).unwrap();
        assert_eq!(again.get("g", &partition("t", 0)), Some(committed(7, "")));
        assert_eq!(again.get("g", &partition("t", 1)), Some(committed(1, "m")));
        assert_eq!(again.get("other", &partition("t", 0)), None);
    }

    #[test]
    fn deleted_groups_and_topics_stay_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("offsets.log");
        let offsets = Offsets::open(path.clone()).unwrap();
        let both = vec![
            (partition("a", 0), committed(1, "")),
            (partition("b", 0), committed(2, "")),
        ];
        offsets.commit("g", both.clone()).unwrap();
        offsets.commit("gone", both).unwrap();
        offsets.remove_group("gone").unwrap();
        offsets.remove_topic("a").unwrap();
        let again = Offsets::open(path).unwrap();
        assert_eq!(again.groups(), ["g"]);
        assert_eq!(
            again.all("g").into_keys().collect::<Vec<_>>(),
            [partition("b", 0)]
        );
    }
}
