//! The notes of one partition in memory, oldest first out.
//!
//! In: notes as they are read or written. Out: the note of a key, while it counts. Bytes are counted over all
//! partitions of the proxy.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::note::Note;
use crate::stream::now;

/// See the module.
#[derive(Debug)]
pub(super) struct Notes {
    by_key: HashMap<String, Note>,
    /// Times and keys, in order of arrival.
    order: VecDeque<(i64, String)>,
    retention: i64,
    held: Arc<AtomicUsize>,
    own: usize,
}

impl Notes {
    pub(super) fn new(retention: Duration, held: Arc<AtomicUsize>) -> Self {
        Self {
            by_key: HashMap::new(),
            order: VecDeque::new(),
            retention: i64::try_from(retention.as_millis()).unwrap_or(i64::MAX),
            held,
            own: 0,
        }
    }

    /// The note of a key, if it still counts.
    pub(super) fn get(&self, key: &str) -> Option<&Note> {
        self.by_key.get(key).filter(|note| self.counts(note.time))
    }

    fn counts(&self, time: i64) -> bool {
        now().saturating_sub(time) < self.retention
    }

    /// Time after which the oldest note is forgotten; none without one.
    pub(super) fn next_end(&self) -> Duration {
        let oldest = self.order.front().map_or(0, |(time, _)| *time);
        let left = oldest.saturating_add(self.retention).saturating_sub(now());
        Duration::from_millis(u64::try_from(left).unwrap_or_default())
    }

    /// Takes a note, unless it is too old. Forgets those that have become so.
    pub(super) fn put(&mut self, key: String, note: Note) {
        self.forget();
        if !self.counts(note.time) {
            return;
        }
        let size = note.size(&key);
        self.own += size;
        self.held.fetch_add(size, Ordering::Relaxed);
        self.order.push_back((note.time, key.clone()));
        if let Some(before) = self.by_key.insert(key.clone(), note) {
            self.give_back(before.size(&key));
        }
    }

    /// Forgets what is too old.
    pub(super) fn forget(&mut self) {
        while let Some((time, _)) = self.order.front()
            && !self.counts(*time)
        {
            let Some((time, key)) = self.order.pop_front() else {
                return;
            };
            if self.by_key.get(&key).is_some_and(|note| note.time == time)
                && let Some(note) = self.by_key.remove(&key)
            {
                self.give_back(note.size(&key));
            }
        }
    }

    fn give_back(&mut self, size: usize) {
        self.own = self.own.saturating_sub(size);
        self.held.fetch_sub(size, Ordering::Relaxed);
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        self.held.fetch_sub(self.own, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(time: i64) -> Note {
        Note {
            request: "r".into(),
            status: 200,
            media: "m".into(),
            body: "b".into(),
            time,
        }
    }

    #[test]
    fn old_notes_are_forgotten_and_their_bytes_given_back() {
        let held = Arc::new(AtomicUsize::new(0));
        let mut notes = Notes::new(Duration::from_secs(3600), Arc::clone(&held));
        notes.put("old".into(), note(now() - 3_600_001));
        assert_eq!((notes.get("old"), held.load(Ordering::Relaxed)), (None, 0));
        notes.put("a".into(), note(now()));
        let one = held.load(Ordering::Relaxed);
        notes.put("a".into(), note(now()));
        assert_eq!(
            held.load(Ordering::Relaxed),
            one,
            "the same key counts once"
        );
        assert!(notes.get("a").is_some() && one > 200);
        let end = notes.next_end();
        assert!(end > Duration::from_secs(3590) && end <= Duration::from_secs(3600));
        notes.retention = 0;
        notes.forget();
        assert!(notes.get("a").is_none());
        assert_eq!(held.load(Ordering::Relaxed), 0);
    }
}
