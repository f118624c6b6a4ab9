//! The order in which Java's hash sets and maps hold topics and partitions: the order of the original's answers.

/// A topic and the number of one of its partitions.
pub type TopicPartition = (String, i32);

/// `String.hashCode`
fn hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// `TopicPartition.hashCode`
fn hash_of_partition((topic, partition): &TopicPartition) -> i32 {
    31_i32
        .wrapping_add(*partition)
        .wrapping_mul(31)
        .wrapping_add(hash(topic))
}

/// The slots of a hash table that was made for `capacity` entries and has grown to hold `len`.
fn slots(capacity: usize, len: usize) -> usize {
    let mut slots = capacity.max(1).next_power_of_two();
    while len * 4 > slots * 3 {
        slots *= 2;
    }
    slots
}

#[allow(clippy::cast_sign_loss)]
fn slot(hash: i32, slots: usize) -> usize {
    let hash = hash as u32;
    (hash ^ hash >> 16) as usize & (slots - 1)
}

/// Topics as `new HashSet<>(topics)` holds them.
#[must_use]
pub fn topics(mut topics: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    topics.retain(|topic| seen.insert(topic.clone()));
    let slots = slots((topics.len() * 4 / 3 + 1).max(16), topics.len());
    topics.sort_by_key(|topic| slot(hash(topic), slots));
    topics
}

/// Partitions that a user assigned, or the group did: topics by slot, as Java holds them; those of one topic by number,
/// which is an order that clients can count on.
#[must_use]
pub fn partitions(mut list: Vec<TopicPartition>, by_group: bool) -> Vec<TopicPartition> {
    let mut seen = std::collections::HashSet::new();
    list.retain(|one| seen.insert(one.clone()));
    let capacity = if by_group { list.len() } else { 16 };
    let slots = slots(capacity, list.len());
    list.sort_by_key(|one| slot(hash_of_partition(one), slots));
    let mut grouped: indexmap::IndexMap<String, Vec<i32>> = indexmap::IndexMap::new();
    for (topic, partition) in list {
        grouped.entry(topic).or_default().push(partition);
    }
    let flat = |(topic, mut numbers): (String, Vec<i32>)| {
        numbers.sort_unstable();
        numbers
            .into_iter()
            .map(move |number| (topic.clone(), number))
    };
    grouped.into_iter().flat_map(flat).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_javas() {
        assert_eq!(hash(""), 0);
        assert_eq!(hash("hello"), 99_162_322);
        assert_eq!(hash("gt-cfa-cons-long-enough-to-overflow"), {
            let mut expected = 0_i64;
            for unit in "gt-cfa-cons-long-enough-to-overflow".bytes() {
                expected = (expected * 31 + i64::from(unit)) & 0xffff_ffff;
            }
            u32::try_from(expected).map_or(0, |bits| bits as i32)
        });
    }

    #[test]
    fn the_recorded_order() {
        let cons = |partition| ("gt-cfa-cons".to_owned(), partition);
        for by_group in [false, true] {
            assert_eq!(
                partitions(vec![cons(1), cons(0), cons(1)], by_group),
                [cons(0), cons(1)]
            );
        }
        let pattern = |number: i32| (format!("gt-cfa-pat{number}"), 0);
        assert_eq!(
            partitions(vec![pattern(1), pattern(2)], true),
            [pattern(2), pattern(1)]
        );
        assert_eq!(topics(vec!["b".into(), "a".into(), "b".into()]), ["a", "b"]);
    }

    #[test]
    fn tables_grow_at_three_quarters() {
        assert_eq!(
            (slots(16, 12), slots(16, 13), slots(2, 2), slots(0, 0)),
            (16, 32, 4, 1)
        );
    }
}
