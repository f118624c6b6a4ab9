//! A map bounded by count and by weight, whose entries may go out of date.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// The newest entries; the oldest goes first.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    entries: HashMap<K, Entry<V>>,
    order: VecDeque<K>,
    weight: usize,
    capacity: usize,
    max_weight: usize,
    time_to_live: Option<Duration>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    since: Instant,
    weight: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// An empty cache for `capacity` entries of `max_weight` together. Without `time_to_live` entries stay until they
    /// are pushed out.
    pub(crate) fn new(capacity: usize, max_weight: usize, time_to_live: Option<Duration>) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            weight: 0,
            capacity,
            max_weight,
            time_to_live,
        }
    }

    /// The entry of `key`, unless it is out of date.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = self.entries.get(key)?;
        let fresh = self
            .time_to_live
            .is_none_or(|ttl| entry.since.elapsed() < ttl);
        fresh.then(|| entry.value.clone())
    }

    /// Puts an entry in, over an older one of the same key. One that alone is too heavy is not kept.
    pub(crate) fn insert(&mut self, key: K, value: V, weight: usize) {
        if self.capacity == 0 || weight > self.max_weight {
            return;
        }
        let entry = Entry {
            value,
            since: Instant::now(),
            weight,
        };
        self.weight += weight;
        match self.entries.insert(key.clone(), entry) {
            Some(older) => self.weight -= older.weight,
            None => self.order.push_back(key),
        }
        while self.entries.len() > self.capacity || self.weight > self.max_weight {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.weight -= entry.weight;
            }
        }
    }

    /// Forgets all entries.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
        self.weight = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first() {
        let mut cache = Cache::new(2, 100, None);
        for n in 0..3 {
            cache.insert(n, n * 10, 1);
        }
        cache.insert(2, 21, 1);
        assert_eq!(
            (cache.get(&0), cache.get(&1), cache.get(&2)),
            (None, Some(10), Some(21))
        );
        cache.clear();
        assert_eq!(cache.get(&2), None);
    }

    #[test]
    fn the_weight_is_bounded() {
        let mut cache = Cache::new(10, 5, None);
        cache.insert(1, (), 3);
        cache.insert(2, (), 3);
        cache.insert(3, (), 6);
        assert_eq!(
            [1, 2, 3].map(|key| cache.get(&key).is_some()),
            [false, true, false]
        );
    }

    #[test]
    fn entries_go_out_of_date() {
        let mut cache = Cache::new(2, 100, Some(Duration::ZERO));
        cache.insert("a".to_owned(), 1, 1);
        assert_eq!(cache.get("a"), None);
    }
}
