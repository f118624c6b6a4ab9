//! What closes files beside records: the clock, silence, memory.

use super::{Assignment, Failure};
use crate::budget::Pressure;
use crate::rotate::{CloseReason, next_scheduled};
use crate::topic_partition::TopicPartition;

/// Share of the byte budget that open files may hold under pressure, and what is left after closing some, percent.
/// Both lie below the soft mark, so that a task that was held back always goes on.
const OPEN_FILES_HIGH_PERCENT: usize = 50;
const OPEN_FILES_LOW_PERCENT: usize = 30;

/// How often idle files are looked for, in milliseconds.
const IDLE_CHECK_MS: i64 = 50;

impl Assignment {
    /// Closes what has had no record for long, and what the schedule wants closed by now (milliseconds since 1970).
    ///
    /// # Errors
    /// A format cannot be ended.
    pub(crate) fn on_clock(&mut self, now_ms: i64) -> Result<(), Failure> {
        self.now_ms = now_ms;
        self.close_idle(now_ms)?;
        let Some(schedule) = &self.tools.config.rotation.schedule else {
            return Ok(());
        };
        match self.next_schedule {
            Some(next) if now_ms < next => return Ok(()),
            Some(_) => {
                for (slot, state) in self.slots.iter_mut().enumerate() {
                    let Some(state) = state else { continue };
                    if state.open_records() > 0 && state.progress.replay_boundary().is_none() {
                        state.close(CloseReason::Schedule)?;
                        self.dirty.insert(slot);
                    }
                }
            }
            None => {}
        }
        self.next_schedule = Some(next_scheduled(schedule, now_ms));
        Ok(())
    }

    fn close_idle(&mut self, now_ms: i64) -> Result<(), Failure> {
        if self.tools.config.rotation.idle_ms.is_none() || now_ms < self.next_idle_ms {
            return Ok(());
        }
        self.next_idle_ms = now_ms + IDLE_CHECK_MS;
        for (slot, state) in self.slots.iter_mut().enumerate() {
            let Some(state) = state else { continue };
            if state.close_idle(now_ms)? {
                self.dirty.insert(slot);
            }
        }
        Ok(())
    }

    /// Eases the byte budget: full enough parts go out early. Above the hard mark, when the open files themselves
    /// (not uploads on their way) hold most of it, those that hold most are closed.
    ///
    /// # Errors
    /// A format cannot be ended.
    pub(crate) fn on_pressure(&mut self) -> Result<(), Failure> {
        let pressure = self.tools.budget.pressure();
        if pressure == Pressure::None {
            return Ok(());
        }
        self.slots
            .iter_mut()
            .flatten()
            .for_each(TopicPartition::send_early);
        if pressure == Pressure::Soft {
            return Ok(());
        }
        let percent = self.tools.budget.total() / 100;
        let mut held: usize = self.slots.iter().flatten().map(|tp| tp.held_bytes()).sum();
        if held < percent * OPEN_FILES_HIGH_PERCENT {
            return Ok(());
        }
        while held > percent * OPEN_FILES_LOW_PERCENT
            && let Some((bytes, slot)) = self.heaviest()
        {
            held = held.saturating_sub(bytes);
            if let Some(state) = self.slots[slot].as_mut() {
                state.close(CloseReason::Memory)?;
                self.dirty.insert(slot);
            }
        }
        Ok(())
    }

    /// The topic-partition whose open files hold most bytes and may be closed.
    fn heaviest(&self) -> Option<(usize, usize)> {
        let slots = self.slots.iter().enumerate();
        let closable = slots.filter_map(|(slot, state)| {
            let state = state.as_ref()?;
            let free = state.open_records() > 0 && state.progress.replay_boundary().is_none();
            free.then(|| (state.held_bytes(), slot))
        });
        closable.max()
    }
}
