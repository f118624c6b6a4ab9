//! Whose request to S3 is next: a bounded number runs at once, and no topic-partition gets more than its share of them, so that
//! one whose objects are slow does not keep the others from theirs.
//!
//! In: a wish for a turn. Out: a [`Turn`], which lasts until it is dropped. Lanes (topic-partitions) that wait take turns.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::TpId;

/// Requests of one task that run at once.
const MAX_REQUESTS: usize = 64;
/// Topic-partitions between which they are divided at most: a share is an eighth or more.
const MAX_SHARES: usize = 8;

/// Hands out turns.
#[derive(Debug, Default)]
pub(super) struct Turns {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    /// Topic-partitions that may ask.
    askers: usize,
    lanes: HashMap<TpId, Lane>,
    /// Lanes that wait, in the order of their turns.
    order: VecDeque<TpId>,
}

#[derive(Debug, Default)]
struct Lane {
    running: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// Leave to send one request.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    tp: TpId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.end(self.tp);
    }
}

impl Turns {
    /// So many topic-partitions share the turns from now on.
    pub(super) fn divide(&self, askers: usize) {
        self.state.lock().askers = askers;
    }

    /// Waits for a turn of `tp`.
    pub(super) async fn turn(self: &Arc<Self>, tp: TpId) -> Turn {
        let waiting = {
            let mut state = self.state.lock();
            if state.has_room(tp) {
                state.begin(tp);
                None
            } else {
                let (grant, granted) = oneshot::channel();
                let lane = state.lanes.entry(tp).or_default();
                lane.waiting.push_back(grant);
                if lane.waiting.len() == 1 {
                    state.order.push_back(tp);
                }
                Some(granted)
            }
        };
        let turns = Arc::clone(self);
        match waiting {
            None => Turn { turns, tp },
            // The sender is never dropped unsent while the lane is there; if it were, one request more would run.
            Some(granted) => granted.await.unwrap_or_else(|_| {
                self.state.lock().begin(tp);
                Turn { turns, tp }
            }),
        }
    }

    /// A turn is over: the next one that waits has it.
    fn end(self: &Arc<Self>, tp: TpId) {
        let mut granted = Vec::new();
        {
            let mut state = self.state.lock();
            state.finish(tp);
            while let Some((next, grant)) = state.next() {
                state.begin(next);
                granted.push((next, grant));
            }
        }
        for (tp, grant) in granted {
            let turns = Arc::clone(self);
            // Nobody waits for it any more: dropping it is its end.
            drop(grant.send(Turn { turns, tp }));
        }
    }
}

impl State {
    fn share(&self) -> usize {
        MAX_REQUESTS / self.askers.clamp(1, MAX_SHARES)
    }

    fn has_room(&self, tp: TpId) -> bool {
        let own = self.lanes.get(&tp).map_or(0, |lane| lane.running);
        self.running < MAX_REQUESTS && own < self.share()
    }

    fn begin(&mut self, tp: TpId) {
        self.running += 1;
        self.lanes.entry(tp).or_default().running += 1;
    }

    fn finish(&mut self, tp: TpId) {
        self.running = self.running.saturating_sub(1);
        if let Some(lane) = self.lanes.get_mut(&tp) {
            lane.running = lane.running.saturating_sub(1);
            if lane.running == 0 && lane.waiting.is_empty() {
                self.lanes.remove(&tp);
            }
        }
    }

    /// The next lane that waits and has room in its share.
    fn next(&mut self) -> Option<(TpId, oneshot::Sender<Turn>)> {
        for _ in 0..self.order.len() {
            let tp = self.order.pop_front()?;
            let room = self.has_room(tp);
            let Some(lane) = self.lanes.get_mut(&tp) else {
                continue;
            };
            if !room {
                self.order.push_back(tp);
                continue;
            }
            let grant = lane.waiting.pop_front();
            if !lane.waiting.is_empty() {
                self.order.push_back(tp);
            }
            if let Some(grant) = grant {
                return Some((tp, grant));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn at_once(turns: &Arc<Turns>, tp: TpId) -> Option<Turn> {
        let wait = Duration::from_millis(20);
        tokio::time::timeout(wait, turns.turn(tp)).await.ok()
    }

    #[tokio::test]
    async fn a_slow_one_has_no_more_than_its_share() {
        let turns = Arc::<Turns>::default();
        turns.divide(4);
        let mut slow = Vec::new();
        for _ in 0..MAX_REQUESTS / 4 {
            slow.extend(at_once(&turns, 1).await);
        }
        assert_eq!(slow.len(), MAX_REQUESTS / 4);
        assert!(at_once(&turns, 1).await.is_none(), "more than its share");
        assert!(at_once(&turns, 2).await.is_some(), "another is kept out");
        slow.pop();
        assert!(at_once(&turns, 1).await.is_some(), "its own turn is over");
    }

    #[tokio::test]
    async fn all_wait_when_all_turns_are_taken_and_each_comes_on() {
        let turns = Arc::<Turns>::default();
        turns.divide(1);
        let mut held = Vec::new();
        for _ in 0..MAX_REQUESTS {
            held.push(turns.turn(1).await);
        }
        turns.divide(2);
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        for tp in [2, 3, 2, 3] {
            let (turns, told) = (Arc::clone(&turns), told.clone());
            tokio::spawn(async move {
                let _turn = turns.turn(tp).await;
                let _ = told.send(tp);
                std::future::pending::<()>().await;
            });
            tokio::task::yield_now().await;
        }
        assert!(order.try_recv().is_err());
        held.truncate(MAX_REQUESTS - 4);
        let mut came = Vec::new();
        for _ in 0..4 {
            came.extend(order.recv().await);
        }
        assert_eq!(came, [2, 3, 2, 3]);
    }
}
