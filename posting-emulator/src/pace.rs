//! When the next post is due, and which row it takes. Post number *n* of a seed always takes the
//! same row and the same pause, whichever worker makes it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::draw::{Draw, Stream};

/// How posts follow one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// The original loop: each worker pauses 0 or 1 s before a post.
    Original,
    /// So many posts a second, all workers together.
    PerSecond(f64),
    /// As fast as the answers come.
    Unlimited,
}

/// How far behind its schedule a paced run may be before it forgets the posts it owes. Without
/// this bound an outage would be followed by a burst.
const MAX_DEBT: Duration = Duration::from_secs(1);

/// Hands out the posts' numbers in order, and says when each is due.
#[derive(Debug)]
pub(crate) struct Schedule {
    pace: Pace,
    seed: u64,
    posts: Option<u64>,
    next: AtomicU64,
    due: std::sync::Mutex<Option<Instant>>,
}

/// The row of post `post`: drawn from all rows, with replacement, so that duplicates are normal.
pub(crate) fn row_of_post(seed: u64, post: u64, rows: u64) -> u64 {
    Draw::new(seed, Stream::Choice, post).below(rows)
}

// === impl Schedule ===

impl Schedule {
    pub(crate) fn new(pace: Pace, seed: u64, posts: Option<u64>) -> Self {
        Self {
            pace,
            seed,
            posts,
            next: AtomicU64::new(0),
            due: std::sync::Mutex::new(None),
        }
    }

    /// The number of the next post, or none when all are made.
    pub(crate) fn take(&self) -> Option<u64> {
        let below_end = |next| self.posts.is_none_or(|posts| next < posts);
        let step = |next| below_end(next).then_some(next + 1);
        self.next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .ok()
    }

    /// How long to wait from `now` before post `post`.
    pub(crate) fn pause(&self, post: u64, now: Instant) -> Duration {
        match self.pace {
            Pace::Unlimited => Duration::ZERO,
            Pace::Original => {
                Duration::from_secs(Draw::new(self.seed, Stream::Pause, post).below(2))
            }
            Pace::PerSecond(rate) => self.until_due(now, Duration::from_secs_f64(1.0 / rate)),
        }
    }

    fn until_due(&self, now: Instant, interval: Duration) -> Duration {
        let mut due = self
            .due
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let earliest = now.checked_sub(MAX_DEBT).unwrap_or(now);
        let this = due.unwrap_or(now).max(earliest);
        *due = Some(this + interval);
        this.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_are_numbered_once_and_end() {
        let schedule = Schedule::new(Pace::Unlimited, 1, Some(3));
        let taken: Vec<_> = std::iter::from_fn(|| schedule.take()).collect();
        assert_eq!(taken, [0, 1, 2]);
        assert_eq!(schedule.take(), None);
    }

    #[test]
    fn rows_are_drawn_with_replacement_from_the_whole_table() {
        let rows: Vec<u64> = (0..40_000)
            .map(|post| row_of_post(100, post, 11_001))
            .collect();
        let distinct: std::collections::HashSet<_> = rows.iter().collect();
        assert!(distinct.len() < 11_001 && distinct.len() > 10_000);
        assert!(rows.iter().all(|row| *row < 11_001));
        assert_eq!(rows.iter().max(), Some(&11_000));
    }

    #[test]
    fn the_original_loop_pauses_nought_or_one_second() {
        let schedule = Schedule::new(Pace::Original, 100, None);
        let now = Instant::now();
        let mut pauses: Vec<u128> = (0..100)
            .map(|post| schedule.pause(post, now).as_millis())
            .collect();
        pauses.sort_unstable();
        pauses.dedup();
        assert_eq!(pauses, [0, 1000]);
    }

    #[test]
    fn a_rate_spaces_posts_evenly_and_forgets_old_debts() {
        let schedule = Schedule::new(Pace::PerSecond(10.0), 1, None);
        let now = Instant::now();
        let pauses: Vec<u128> = (0..3)
            .map(|post| schedule.pause(post, now).as_millis())
            .collect();
        assert_eq!(pauses, [0, 100, 200]);
        let later = now + Duration::from_secs(3600);
        let at_once = (0..)
            .take_while(|post| schedule.pause(*post, later).is_zero())
            .count();
        assert!(
            (10..=11).contains(&at_once),
            "{at_once} at once after an hour"
        );
    }
}
