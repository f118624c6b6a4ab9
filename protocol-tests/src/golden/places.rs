//! Where records land. Offsets of a recording can't be compared one to one (records without key go to any partition),
//! so the replay keeps its own count: every acknowledged record must lie exactly behind the one before it.

use std::collections::BTreeMap;

use serde_json::Value;

/// Topic and partition of a produce request's path, if it is one.
#[must_use]
pub fn produce_target(path: &str) -> Option<(String, Option<i64>)> {
    let path = path.split('?').next()?;
    let mut segments = path
        .strip_prefix("/topics/")?
        .trim_end_matches('/')
        .split('/');
    let topic = segments.next()?.to_owned();
    match (segments.next(), segments.next(), segments.next()) {
        (None, None, None) => Some((topic, None)),
        (Some("partitions"), Some(partition), None) => Some((topic, Some(partition.parse().ok()?))),
        _ => None,
    }
}

/// What is known about the ends of the partitions.
#[derive(Debug, Default)]
pub struct Places {
    partitions: BTreeMap<String, i64>,
    next: BTreeMap<(String, i64), i64>,
    unknown: Vec<String>,
}

impl Places {
    /// A topic with this many partitions, all empty.
    pub fn topic(&mut self, name: &str, partitions: i64) {
        self.partitions.insert(name.to_owned(), partitions);
    }

    /// From now on nothing is known about a topic's ends (a call was left out).
    pub fn forget(&mut self, topic: &str) {
        self.unknown.push(topic.to_owned());
    }

    /// Whether the partition of a record is decided by the request: it names one, has a key, or there is only one.
    #[must_use]
    pub fn is_placed(&self, topic: &str, partition: Option<i64>, record: Option<&Value>) -> bool {
        let has = |field: &str| {
            record
                .and_then(|record| record.get(field))
                .is_some_and(|value| !value.is_null())
        };
        partition.is_some() || self.is_single(topic) || has("partition") || has("key")
    }

    /// Whether every offset of a topic is decided by the sequence of requests.
    #[must_use]
    pub fn is_single(&self, topic: &str) -> bool {
        self.partitions.get(topic) == Some(&1)
    }

    /// Counts an acknowledged record; says which offset it should have had, if that is known and another one.
    pub fn acknowledge(&mut self, topic: &str, partition: i64, offset: i64) -> Option<i64> {
        let next = self.next.entry((topic.to_owned(), partition)).or_default();
        let expected = std::mem::replace(next, offset + 1);
        let known = !self.unknown.iter().any(|unknown| unknown == topic);
        (known && expected != offset).then_some(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::{Places, produce_target};
    use serde_json::json;

    #[test]
    fn a_produce_path_has_a_topic() {
        assert_eq!(produce_target("/topics/t"), Some(("t".into(), None)));
        assert_eq!(
            produce_target("/topics/t/?async=true"),
            Some(("t".into(), None))
        );
        assert_eq!(
            produce_target("/topics/t/partitions/1"),
            Some(("t".into(), Some(1)))
        );
        assert_eq!(produce_target("/topics/t/partitions/x"), None);
        assert_eq!(produce_target("/topics/t/partitions/1/offsets"), None);
        assert_eq!(produce_target("/brokers"), None);
    }

    #[test]
    fn records_follow_each_other() {
        let mut places = Places::default();
        places.topic("t", 2);
        assert_eq!(places.acknowledge("t", 0, 0), None);
        assert_eq!(places.acknowledge("t", 0, 1), None);
        assert_eq!(places.acknowledge("t", 1, 0), None);
        assert_eq!(places.acknowledge("t", 0, 3), Some(2));
        places.forget("t");
        assert_eq!(places.acknowledge("t", 0, 9), None);
    }

    #[test]
    fn only_a_record_without_key_floats() {
        let mut places = Places::default();
        places.topic("one", 1);
        places.topic("two", 2);
        assert!(places.is_placed("one", None, Some(&json!({"value": 1}))));
        assert!(!places.is_placed("two", None, Some(&json!({"value": 1, "partition": null}))));
        assert!(places.is_placed("two", None, Some(&json!({"key": "k"}))));
        assert!(places.is_placed("two", Some(1), None));
    }
}
