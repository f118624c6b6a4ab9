//! Boundaries of a recovered plan whose records are gone.

use super::{Assignment, Failure};
use crate::events;
use crate::gap::Gap;
use crate::rotate::CloseReason;

/// How long a topic-partition that waits for a planned boundary gets no record before its log is looked at, in milliseconds.
const GAP_WAIT_MS: i64 = 3_000;

impl Assignment {
    /// A topic-partition that waits for the boundary of a recovered plan, without a record for so long that there may be none
    /// any more below it.
    pub(crate) fn gap(&mut self) -> Option<Gap> {
        let now = self.now_ms;
        for state in self.slots.iter_mut().flatten() {
            let Some(boundary) = state.progress.replay_boundary() else {
                continue;
            };
            // A clock that was set back begins anew.
            if state.active_ms == 0 || state.active_ms > now || state.paused {
                state.active_ms = now;
            }
            if now - state.active_ms >= GAP_WAIT_MS
                && let Some(from) = state.progress.position()
            {
                state.active_ms = now;
                return Some(Gap {
                    tp: state.id,
                    topic: state.topic.clone(),
                    partition: state.partition,
                    from,
                    boundary,
                });
            }
        }
        None
    }

    /// Nothing lies in `gap`: what came before the boundary is complete.
    ///
    /// # Errors
    /// A format cannot be ended.
    pub(crate) fn pass_gap(&mut self, gap: &Gap) -> Result<(), Failure> {
        let Some(slot) = self.by_id.get(&gap.tp).copied() else {
            return Ok(());
        };
        if let Some(state) = self.slots[slot].as_mut()
            && state.progress.position() == Some(gap.from)
            && state.progress.replay_boundary() == Some(gap.boundary)
        {
            events::gap_passed(
                &self.tools.config.name,
                &gap.topic,
                gap.partition,
                gap.from,
                gap.boundary,
            );
            state.close_at(gap.boundary, CloseReason::Plan)?;
            state.active_ms = 0;
            self.dirty.insert(slot);
        }
        Ok(())
    }
}
