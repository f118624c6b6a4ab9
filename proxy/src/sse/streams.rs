//! How many event streams there may be, and when the next of them ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::Error;

/// Places for streams.
#[derive(Debug)]
pub struct Streams {
    open: Mutex<Open>,
    limit: usize,
    /// How old a stream may become.
    lifetime: Duration,
}

#[derive(Debug, Default)]
struct Open {
    /// When each began, in that order.
    began: BTreeMap<u64, Instant>,
    next: u64,
}

impl Streams {
    /// So many, each of which ends after `lifetime` at the latest.
    #[must_use]
    pub fn new(limit: usize, lifetime: Duration) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            limit,
            lifetime,
        })
    }

    /// Streams at work.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.lock().began.len()
    }

    /// A place for one more.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<StreamPlace, Error> {
        let mut open = self.open.lock();
        if open.began.len() >= self.limit {
            let oldest = open.began.first_key_value();
            let age = oldest.map_or(Duration::ZERO, |(_, began)| began.elapsed());
            return Err(Error::TooManyStreams {
                limit: self.limit,
                next_end: self.lifetime.saturating_sub(age),
            });
        }
        let number = open.next;
        open.next += 1;
        open.began.insert(number, Instant::now());
        drop(open);
        Ok(StreamPlace {
            streams: Arc::clone(self),
            number,
        })
    }
}

/// A stream's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct StreamPlace {
    streams: Arc<Streams>,
    number: u64,
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.streams.open.lock().began.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn places_are_limited() {
        let streams = Streams::new(1, Duration::from_secs(30));
        let place = streams.enter().unwrap();
        assert_eq!(streams.open(), 1);
        let refused = streams.enter().unwrap_err();
        assert_eq!(refused.code().number, 429);
        assert!(matches!(refused.retry_after(), Some(29..=30)));
        drop(place);
        assert!(streams.enter().is_ok());
    }
}
