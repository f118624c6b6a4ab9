//! Whether the slot topic has been read up to the present, by this worker's own signs of life.
//!
//! In: its signs that Kafka acknowledged, with the time at which they were sent, and those that were read back. Out: whether they are
//! missing. A worker that was cut off or slept reads what it missed all at once; no time that stands in a record tells how old
//! that is, because clocks differ. What stands before a new sign of its own may be old.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Signs that may be acknowledged and not read back yet; of more the oldest are forgotten.
const MOST: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct OwnSigns {
    /// Acknowledged and not read back: offset, time of sending.
    unread: VecDeque<(i64, Instant)>,
    /// Offset of the last one that was read back.
    read: Option<i64>,
    /// When the last one of both was sent.
    latest: Option<Instant>,
}

impl OwnSigns {
    /// Kafka has taken one.
    pub(super) fn acknowledged(&mut self, offset: i64, sent: Instant) {
        if self.unread.len() >= MOST {
            self.unread.pop_front();
        }
        self.unread.push_back((offset, sent));
        self.meet();
    }

    /// One was read back.
    pub(super) fn read(&mut self, offset: i64) {
        self.read = Some(offset);
        self.meet();
    }

    fn meet(&mut self) {
        while let Some((offset, sent)) = self.unread.front().copied()
            && self.read.is_some_and(|read| offset <= read)
        {
            self.unread.pop_front();
            self.latest = self.latest.max(Some(sent));
        }
    }

    /// Whether there was one, and none for `silence`.
    pub(super) fn are_missing(&self, now: Instant, silence: Duration) -> bool {
        self.latest
            .is_some_and(|sent| now.saturating_duration_since(sent) >= silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_counts_when_it_is_acknowledged_and_read() {
        let began = Instant::now();
        let later = |seconds| began + Duration::from_secs(seconds);
        let silence = Duration::from_secs(2);
        let mut signs = OwnSigns::default();
        assert!(!signs.are_missing(later(60), silence));
        signs.acknowledged(5, began);
        signs.read(5);
        assert!(!signs.are_missing(later(1), silence));
        assert!(signs.are_missing(later(2), silence));
        // Acknowledged, and much lies before it that has not been read.
        signs.acknowledged(90, later(10));
        signs.read(7);
        assert!(signs.are_missing(later(10), silence));
        signs.read(90);
        assert!(!signs.are_missing(later(10), silence));
        // Read before the word came that it is there.
        signs.read(91);
        signs.acknowledged(91, later(12));
        assert!(!signs.are_missing(later(13), silence));
    }
}
