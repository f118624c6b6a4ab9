//! The slots that this worker holds.
//!
//! In: what the group gives and takes, and the claims that were acknowledged. Out: the slots whose tasks may run here,
//! each with its generation. A slot counts once its claim is acknowledged, and none counts while the worker is
//! *fenced*: out of touch with Kafka, so that others may be about to take its slots.

use std::collections::BTreeMap;
use std::time::Instant;

use parking_lot::Mutex;

/// Slots with their generations.
pub(super) type Held = BTreeMap<u32, i64>;

/// Tells one possession of a slot from the next one.
pub(super) type Ticket = u64;

/// The slots of this worker.
#[derive(Debug, Default)]
pub(super) struct Slots(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    owned: BTreeMap<u32, Owned>,
    tickets: Ticket,
    joined: bool,
    fenced: bool,
    /// When the last sign of life that was acknowledged was sent.
    signed: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Owned {
    ticket: Ticket,
    generation: Option<i64>,
}

impl Slots {
    /// The group gives these slots; with none, the worker is a member without work.
    pub(super) fn gain(&self, slots: &[u32]) {
        let mut inner = self.0.lock();
        inner.joined = true;
        for slot in slots {
            inner.tickets += 1;
            let ticket = inner.tickets;
            inner.owned.insert(
                *slot,
                Owned {
                    ticket,
                    generation: None,
                },
            );
        }
    }

    /// The group takes these slots. Out: which of them this worker had claimed.
    pub(super) fn lose(&self, slots: &[u32]) -> Held {
        let mut inner = self.0.lock();
        let lost = slots.iter().filter_map(|slot| {
            let owned = inner.owned.remove(slot)?;
            Some((*slot, owned.generation?))
        });
        lost.collect()
    }

    /// The worker is no member any more.
    pub(super) fn left(&self) {
        self.0.lock().joined = false;
    }

    /// A claim was acknowledged. False when the slot is not this worker's any more.
    pub(super) fn claimed(&self, slot: u32, ticket: Ticket, generation: i64) -> bool {
        let mut inner = self.0.lock();
        match inner.owned.get_mut(&slot) {
            Some(owned) if owned.ticket == ticket => {
                owned.generation = Some(generation);
                true
            }
            _ => false,
        }
    }

    /// Slots that are still to be claimed.
    pub(super) fn unclaimed(&self) -> Vec<(u32, Ticket)> {
        let inner = self.0.lock();
        let unclaimed = inner
            .owned
            .iter()
            .filter(|(_, owned)| owned.generation.is_none());
        unclaimed
            .map(|(slot, owned)| (*slot, owned.ticket))
            .collect()
    }

    /// Somebody else has claimed a slot that the group gave to this worker: it is to be claimed anew.
    pub(super) fn dispute(&self, slot: u32, generation: i64) {
        if let Some(owned) = self.0.lock().owned.get_mut(&slot)
            && owned.generation == Some(generation)
        {
            owned.generation = None;
        }
    }

    /// The slots whose tasks may run here now.
    pub(super) fn held(&self) -> Held {
        let inner = self.0.lock();
        if inner.fenced {
            return Held::new();
        }
        let held = inner.owned.iter();
        held.filter_map(|(slot, owned)| Some((*slot, owned.generation?)))
            .collect()
    }

    /// How many slots the group has given to this worker.
    pub(super) fn count(&self) -> usize {
        self.0.lock().owned.len()
    }

    /// Sets or ends the fence; true when that is a change.
    pub(super) fn fence(&self, fenced: bool) -> bool {
        std::mem::replace(&mut self.0.lock().fenced, fenced) != fenced
    }

    pub(super) fn is_fenced(&self) -> bool {
        self.0.lock().fenced
    }

    /// A sign of life that was sent then has been acknowledged.
    pub(super) fn signed(&self, sent: Instant) {
        self.0.lock().signed = Some(sent);
    }

    /// When the last sign of life that was acknowledged was sent.
    pub(super) fn last_sign(&self) -> Option<Instant> {
        self.0.lock().signed
    }

    pub(super) fn has_joined(&self) -> bool {
        self.0.lock().joined
    }

    /// Whether the worker is a member in touch with Kafka.
    pub(super) fn is_member(&self) -> bool {
        let inner = self.0.lock();
        inner.joined && !inner.fenced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_counts_from_its_claim_to_its_loss() {
        let slots = Slots::default();
        assert!(!slots.is_member());
        slots.gain(&[1, 2]);
        assert!(slots.is_member() && slots.held().is_empty());
        let unclaimed = slots.unclaimed();
        assert_eq!(unclaimed.len(), 2);
        for (slot, ticket) in unclaimed {
            assert!(slots.claimed(slot, ticket, 10 + i64::from(slot)));
        }
        assert_eq!(slots.held(), Held::from([(1, 11), (2, 12)]));
        assert_eq!(slots.lose(&[1, 7]), Held::from([(1, 11)]));
        assert_eq!(slots.held(), Held::from([(2, 12)]));
    }

    #[test]
    fn a_late_claim_of_a_slot_that_went_and_came_does_not_count() {
        let slots = Slots::default();
        slots.gain(&[1]);
        let (_, old) = slots.unclaimed()[0];
        slots.lose(&[1]);
        slots.gain(&[1]);
        assert!(!slots.claimed(1, old, 5));
        assert!(slots.held().is_empty());
    }

    #[test]
    fn a_fenced_worker_holds_nothing_and_a_disputed_slot_is_claimed_again() {
        let slots = Slots::default();
        slots.gain(&[1]);
        let (slot, ticket) = slots.unclaimed()[0];
        slots.claimed(slot, ticket, 5);
        assert!(slots.fence(true) && !slots.fence(true));
        assert!(slots.held().is_empty() && !slots.is_member());
        slots.fence(false);
        assert_eq!(slots.held(), Held::from([(1, 5)]));
        slots.dispute(1, 4);
        assert!(slots.unclaimed().is_empty());
        slots.dispute(1, 5);
        assert_eq!(slots.unclaimed(), [(1, ticket)]);
    }
}
