//! The consumer groups by id, and the clock that ends sessions and rebalances.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;
use parking_lot::Mutex;

use super::group::{Group, Phase};

/// How precisely time-outs are kept.
const TICK: Duration = Duration::from_millis(50);

/// A group that handlers of several connections work on.
pub(crate) type SharedGroup = Arc<Mutex<Group>>;

/// All groups. A group exists from its first member or commit on, until it is deleted.
#[derive(Debug)]
pub(crate) struct Groups {
    initial_delay: Duration,
    by_id: Mutex<BTreeMap<String, SharedGroup>>,
}

impl Groups {
    /// No groups; the first rebalance of each takes at least `initial_delay`.
    pub(crate) fn new(initial_delay: Duration) -> Self {
        Self {
            initial_delay,
            by_id: Mutex::default(),
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<SharedGroup> {
        self.by_id.lock().get(id).map(Arc::clone)
    }

    pub(crate) fn get_or_create(&self, id: &str) -> SharedGroup {
        let mut by_id = self.by_id.lock();
        let group = by_id
            .entry(id.to_owned())
            .or_insert_with(|| Arc::new(Mutex::new(Group::new(self.initial_delay))));
        Arc::clone(group)
    }

    /// All groups with their ids.
    pub(crate) fn all(&self) -> Vec<(String, SharedGroup)> {
        self.by_id
            .lock()
            .iter()
            .map(|(id, group)| (id.clone(), Arc::clone(group)))
            .collect()
    }

    /// Deletes a group without members.
    ///
    /// # Errors
    /// `GROUP_ID_NOT_FOUND`, `NON_EMPTY_GROUP`.
    pub(crate) fn delete(&self, id: &str) -> Result<(), ResponseError> {
        let mut by_id = self.by_id.lock();
        let group = by_id.get(id).ok_or(ResponseError::GroupIdNotFound)?;
        let mut state = group.lock();
        if state.phase != Phase::Empty {
            return Err(ResponseError::NonEmptyGroup);
        }
        state.kill();
        drop(state);
        by_id.remove(id);
        Ok(())
    }

    /// Ends what has timed out, for ever.
    pub(crate) async fn keep_time(&self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            for (_, group) in self.all() {
                group.lock().expire(Instant::now());
            }
        }
    }
}
