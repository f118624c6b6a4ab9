//! What the consumer is to fetch nothing of for now, because memory or uploads are behind.

use rdkafka::TopicPartitionList;

use super::Assignment;
use crate::budget::Pressure;
use crate::upload::TpId;

/// Closings of a task above which its topic-partitions are held back, each above its share; and the least share.
const CLOSINGS: usize = 4_000;
const LEAST_CLOSINGS: usize = 16;
/// The part of its limits below which a topic-partition that was held back goes on, as a divisor.
const GO_ON: usize = 4;

/// What the consumer is to be told about fetching.
pub(crate) struct Fetching {
    /// Fetch nothing of these for now.
    pub(crate) pause: TopicPartitionList,
    /// Fetch these again.
    pub(crate) resume: TopicPartitionList,
}

impl Assignment {
    /// Whether the task should take no more records for now, for want of memory; `held` is what it was told last.
    pub(crate) fn hold_back(&self, held: bool) -> bool {
        let pressure = self.tools.budget.pressure();
        pressure == Pressure::Hard || (held && pressure >= Pressure::Soft)
    }

    /// What the consumer is to be told. `paused`: fetch nothing at all. `held_back`: nothing for want of memory, but for one
    /// topic-partition that has to reach the boundary of a recovered plan: its files may not be closed before, so their memory
    /// comes back in no other way. Otherwise nothing of each topic-partition that is too far ahead of its own uploads, so that
    /// one which is hot, or whose objects are slow, does not stall the others. `anew`: the assignment has changed, so that the
    /// consumer may have forgotten.
    pub(crate) fn fetching(&mut self, paused: bool, held_back: bool, anew: bool) -> Fetching {
        let held = self.len().max(1);
        let closings = (CLOSINGS / held).max(LEAST_CLOSINGS);
        let pressure = self.tools.budget.pressure();
        let bytes = match pressure {
            Pressure::None => usize::MAX,
            _ => self.tools.budget.share(held),
        };
        let onward = self.heaviest_replay();
        let (mut pause, mut resume) = (TopicPartitionList::new(), TopicPartitionList::new());
        for state in self.slots.iter_mut().flatten() {
            let part = if state.paused { GO_ON } else { 1 };
            let ahead = state.progress.closings_under_way() > closings / part
                || state.bytes_on_their_way() > bytes / part;
            let no_memory = held_back && onward != Some(state.id);
            let wanted = paused || no_memory || ahead;
            if wanted && (anew || !state.paused) {
                pause.add_partition(&state.topic, state.partition);
            } else if !wanted && state.paused {
                resume.add_partition(&state.topic, state.partition);
            }
            state.paused = wanted;
        }
        Fetching { pause, resume }
    }

    /// Of those that have to reach the boundary of a recovered plan, the one whose open files hold most bytes. It holds more
    /// with each record, so it stays the one until it is there.
    fn heaviest_replay(&self) -> Option<TpId> {
        let replays = self
            .slots
            .iter()
            .flatten()
            .filter(|state| state.progress.replay_boundary().is_some());
        let heaviest = replays.max_by_key(|state| state.held_bytes());
        heaviest.map(|state| state.id)
    }
}
