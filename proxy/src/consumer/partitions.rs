//! The partitions an instance reads: which are assigned, how far each was answered, which are known to be at their end.
//!
//! In: assignments, records and ends as the client tells them. Out: their order, positions, and whether there may be
//! more to read. The client names the partition of an end without its topic, so with several topics ends are counted
//! per partition number: everything is at its end when as many ends came as there are partitions of each number.

use std::collections::HashMap;

use rdkafka::Offset;

use super::java_order::TopicPartition;

/// What is known of the end of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing was heard yet.
    Unknown,
    /// Records came.
    Open,
    /// Its end was reached during this read.
    End,
    /// Its end was reached before this read; there may be more by now.
    EndBefore,
}

/// One partition.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// `{"topic":"…","key":`, with which its records' JSON begins.
    pub(crate) prefix: Vec<u8>,
    /// Its place among those assigned; `None`: it is not assigned any longer.
    pub(crate) rank: Option<usize>,
    pub(crate) mark: Mark,
    /// The offset of the first record that was not answered yet, if known.
    pub(crate) position: Option<i64>,
    /// Where reading begins, when it was said before the client reads it.
    pub(crate) start: Option<Offset>,
}

/// All partitions an instance has had.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    parts: Vec<Part>,
    by_name: HashMap<String, HashMap<i32, usize>>,
    /// Those assigned, in order.
    assigned: Vec<usize>,
    last: usize,
}

impl Partitions {
    /// Takes a new assignment, in its order. What is no longer assigned is forgotten.
    pub(crate) fn assign(&mut self, list: &[TopicPartition]) {
        let assigned: Vec<usize> = list
            .iter()
            .map(|(topic, partition)| self.index(topic, *partition))
            .collect();
        for part in &mut self.parts {
            part.rank = None;
        }
        for (rank, index) in assigned.iter().enumerate() {
            if let Some(part) = self.parts.get_mut(*index) {
                part.rank = Some(rank);
            }
        }
        for part in self.parts.iter_mut().filter(|part| part.rank.is_none()) {
            part.mark = Mark::Unknown;
            part.position = None;
            part.start = None;
        }
        self.assigned = assigned;
    }

    /// The index of a partition, a new one if it has none.
    pub(crate) fn index(&mut self, topic: &str, partition: i32) -> usize {
        let same = |part: &Part| part.partition == partition && part.topic == topic;
        if self.parts.get(self.last).is_some_and(same) {
            return self.last;
        }
        let found = self.find(topic, partition);
        self.last = found.unwrap_or_else(|| self.add(topic, partition));
        self.last
    }

    /// The index of a partition that is known.
    pub(crate) fn find(&self, topic: &str, partition: i32) -> Option<usize> {
        self.by_name.get(topic)?.get(&partition).copied()
    }

    fn add(&mut self, topic: &str, partition: i32) -> usize {
        let name = serde_json::to_string(topic).unwrap_or_default();
        self.parts.push(Part {
            topic: topic.to_owned(),
            partition,
            prefix: format!("{{\"topic\":{name},\"key\":").into_bytes(),
            rank: None,
            mark: Mark::Unknown,
            position: None,
            start: None,
        });
        let index = self.parts.len() - 1;
        let numbers = self.by_name.entry(topic.to_owned()).or_default();
        numbers.insert(partition, index);
        index
    }

    /// A partition.
    pub(crate) fn get(&self, index: usize) -> Option<&Part> {
        self.parts.get(index)
    }

    /// A partition, to change it.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Part> {
        self.parts.get_mut(index)
    }

    /// The assigned partition of this name.
    pub(crate) fn assigned_mut(&mut self, topic: &str, partition: i32) -> Option<&mut Part> {
        let index = self.find(topic, partition)?;
        self.parts.get_mut(index).filter(|part| part.rank.is_some())
    }

    /// Those assigned, in order.
    pub(crate) fn assigned(&self) -> impl Iterator<Item = &Part> {
        self.assigned
            .iter()
            .filter_map(|index| self.parts.get(*index))
    }

    /// A read begins: ends that were reached before may have moved.
    pub(crate) fn begin_read(&mut self) {
        for part in &mut self.parts {
            if part.mark == Mark::End {
                part.mark = Mark::EndBefore;
            }
        }
    }

    /// All partitions are read anew.
    pub(crate) fn forget_marks(&mut self) {
        for part in &mut self.parts {
            part.mark = Mark::Unknown;
        }
    }

    /// The end of a partition of this number was reached: of one that gave records, else of one that said nothing yet.
    pub(crate) fn end(&mut self, partition: i32) {
        let best = self
            .parts
            .iter_mut()
            .filter(|part| part.rank.is_some() && part.partition == partition)
            .min_by_key(|part| match part.mark {
                Mark::Open => 0,
                Mark::Unknown => 1,
                Mark::EndBefore => 2,
                Mark::End => 3,
            });
        if let Some(part) = best {
            part.mark = Mark::End;
        }
    }

    /// What is known of the ends of all assigned partitions together: the least certain mark.
    pub(crate) fn ends(&self) -> Mark {
        let mut all = Mark::End;
        for part in self.assigned() {
            match part.mark {
                Mark::Unknown => return Mark::Unknown,
                Mark::Open => all = Mark::Open,
                Mark::EndBefore if all == Mark::End => all = Mark::EndBefore,
                Mark::EndBefore | Mark::End => {}
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(list: &[(&str, i32)]) -> Partitions {
        let mut parts = Partitions::default();
        let list: Vec<_> = list.iter().map(|(t, p)| ((*t).to_owned(), *p)).collect();
        parts.assign(&list);
        parts
    }

    #[test]
    fn everything_is_at_its_end_when_every_end_came() {
        let mut parts = of(&[("a", 0), ("b", 0), ("a", 1)]);
        assert_eq!(parts.ends(), Mark::Unknown);
        let first = parts.index("a", 0);
        parts.get_mut(first).unwrap().mark = Mark::Open;
        parts.end(0);
        parts.end(1);
        assert_eq!(parts.ends(), Mark::Unknown, "b-0 said nothing yet");
        parts.end(0);
        assert_eq!(parts.ends(), Mark::End);
        parts.begin_read();
        assert_eq!(parts.ends(), Mark::EndBefore);
        parts.get_mut(first).unwrap().mark = Mark::Open;
        assert_eq!(parts.ends(), Mark::Open);
        parts.end(0);
        assert_eq!(parts.ends(), Mark::EndBefore);
    }

    #[test]
    fn what_is_assigned_no_longer_is_forgotten() {
        let mut parts = of(&[("a", 0), ("a", 1)]);
        parts.assigned_mut("a", 1).unwrap().position = Some(7);
        parts.assign(&[("a".to_owned(), 0)]);
        assert!(parts.assigned_mut("a", 1).is_none());
        parts.assign(&[("a".to_owned(), 1), ("a".to_owned(), 0)]);
        assert_eq!(parts.assigned_mut("a", 1).unwrap().position, None);
        let order: Vec<_> = parts.assigned().map(|part| part.partition).collect();
        assert_eq!(order, [1, 0]);
    }
}
