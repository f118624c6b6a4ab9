//! Whether the workers' group is in reach: when its coordinator last answered, and the fence that follows from it.
//!
//! In: what the group's client tells of its connection, rebalances that begin and end, signs of life that were
//! acknowledged. Out: the fence of [`Slots`]. A worker that has not heard of the coordinator for half the session is
//! *fenced* and ends its tasks before others may start them. The watch has a thread of its own, because the group's
//! waits in a rebalance until tasks have ended, and they end slowly just when Kafka is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::membership::Duties;
use super::slots::Slots;
use crate::events;
use crate::metrics::SinkMetrics;
use crate::worker::DistributedConfig;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(50);

/// When the coordinator last answered.
pub(super) struct Contact {
    slots: Arc<Slots>,
    /// Before the client was made: its statistics tell their time from there.
    made: Instant,
    heard: Mutex<Heard>,
}

struct Heard {
    answered: Instant,
    /// When the client last told its state, and whether a join was under way then.
    told: Instant,
    joining: bool,
    /// The client waits for the end of tasks and tells nothing.
    rebalancing: bool,
}

/// Lasts as long as the group's client is busy with a rebalance.
pub(super) struct Rebalancing<'c>(&'c Contact);

impl Contact {
    /// Of a client that is made now.
    pub(super) fn new(slots: Arc<Slots>) -> Self {
        let now = Instant::now();
        let heard = Heard {
            answered: now,
            told: now,
            joining: true,
            rebalancing: false,
        };
        Self {
            slots,
            made: now,
            heard: Mutex::new(heard),
        }
    }

    /// The client tells whether it is joining, and, of a coordinator that it is connected to, how long after the client was
    /// made that answered: then, not now; what is told may have waited, as after SIGSTOP.
    pub(super) fn told(&self, joining: bool, answered: Option<Duration>) {
        let mut heard = self.heard.lock();
        (heard.told, heard.joining) = (Instant::now(), joining);
        let Some(answered) = answered else { return };
        if joining {
            // The coordinator answers when all have joined, and keeps who waits.
            self.count_sign(&mut heard);
        } else {
            heard.answered = heard.answered.max(self.made + answered);
        }
    }

    /// The coordinator has given slots.
    pub(super) fn assigned(&self) {
        self.heard.lock().answered = Instant::now();
    }

    /// A rebalance begins.
    pub(super) fn rebalancing(&self) -> Rebalancing<'_> {
        self.heard.lock().rebalancing = true;
        Rebalancing(self)
    }

    /// Whether a join is under way, or it has not been told since then.
    pub(super) fn may_be_joining(&self, since: Instant) -> bool {
        let heard = self.heard.lock();
        heard.joining || heard.told < since
    }

    /// When the coordinator was last heard of.
    fn last(&self) -> Instant {
        let mut heard = self.heard.lock();
        if heard.rebalancing {
            self.count_sign(&mut heard);
        }
        heard.answered
    }

    /// In place of an answer it counts that Kafka takes what this worker writes.
    fn count_sign(&self, heard: &mut Heard) {
        if let Some(sign) = self.slots.last_sign() {
            heard.answered = heard.answered.max(sign);
        }
    }
}

impl Drop for Rebalancing<'_> {
    fn drop(&mut self) {
        let mut heard = self.0.heard.lock();
        heard.rebalancing = false;
        self.0.count_sign(&mut heard);
    }
}

/// Sets and ends the fence.
pub(super) struct Watch {
    contact: Arc<Contact>,
    duties: Arc<dyn Duties>,
    metrics: Arc<SinkMetrics>,
    fence_after: Duration,
    /// How long the coordinator must have answered again before the fence ends: a lost membership shows by then.
    settle: Duration,
    fenced_at: Instant,
}

impl Watch {
    /// Watches `contact` for a worker of this configuration.
    pub(super) fn new(
        contact: Arc<Contact>,
        config: &DistributedConfig,
        duties: Arc<dyn Duties>,
        metrics: Arc<SinkMetrics>,
    ) -> Self {
        Self {
            contact,
            duties,
            metrics,
            fence_after: config.session_timeout / 2,
            settle: config.heartbeat_interval * 2,
            fenced_at: Instant::now(),
        }
    }

    /// Starts the thread. It ends when `stop` is set.
    pub(super) fn start(mut self, stop: Arc<AtomicBool>) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name("workers-fence".to_owned());
        thread
            .spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    self.look();
                    std::thread::sleep(LOOK);
                }
            })
            .map(drop)
    }

    fn look(&mut self) {
        let slots = &self.contact.slots;
        if !slots.has_joined() {
            return;
        }
        let last = self.contact.last();
        let now = Instant::now();
        let silent = now.saturating_duration_since(last);
        let fenced = if silent > self.fence_after {
            self.fenced_at = now;
            true
        } else if now.saturating_duration_since(self.fenced_at) > self.settle {
            false
        } else {
            return;
        };
        if slots.fence(fenced) {
            events::fenced(&self.metrics, fenced, silent);
            self.duties.slots_changed();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::slots::Held;
    use super::*;

    struct Idle;

    impl Duties for Idle {
        fn slots_changed(&self) {}
        fn end_tasks(&self, _slots: &[u32]) {}
        fn released(&self, _slots: &Held) {}
    }

    fn member() -> (Arc<Slots>, Arc<Contact>) {
        let slots = Arc::new(Slots::default());
        slots.gain(&[0]);
        let contact = Arc::new(Contact::new(Arc::clone(&slots)));
        (slots, contact)
    }

    fn watch(contact: &Arc<Contact>) -> Arc<AtomicBool> {
        let metrics = SinkMetrics::register(&prometheus::Registry::new()).unwrap();
        let watch = Watch {
            contact: Arc::clone(contact),
            duties: Arc::new(Idle),
            metrics: Arc::new(metrics),
            fence_after: Duration::from_millis(300),
            settle: Duration::from_millis(100),
            fenced_at: Instant::now(),
        };
        let stop = Arc::default();
        watch.start(Arc::clone(&stop)).unwrap();
        stop
    }

    fn until(what: impl Fn() -> bool) {
        let by = Instant::now() + Duration::from_secs(20);
        while !what() {
            assert!(Instant::now() < by);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_worker_is_fenced_in_the_middle_of_a_rebalance() {
        let (slots, contact) = member();
        let stop = watch(&contact);
        // As long as its tasks take to end.
        let rebalancing = contact.rebalancing();
        until(|| slots.is_fenced());
        drop(rebalancing);
        let answers = || contact.told(false, Some(contact.made.elapsed()));
        until(|| {
            answers();
            !slots.is_fenced()
        });
        stop.store(true, Ordering::Relaxed);
    }

    #[test]
    fn signs_of_life_stand_for_answers_that_a_rebalance_holds_up() {
        let (slots, contact) = member();
        let later = contact.made + Duration::from_secs(7);
        slots.signed(later);
        contact.told(false, Some(Duration::from_secs(1)));
        let told = contact.made + Duration::from_secs(1);
        assert_eq!(contact.last(), told);
        // Without a connection to the coordinator nothing counts.
        contact.told(true, None);
        assert_eq!(contact.last(), told);
        let rebalancing = contact.rebalancing();
        assert_eq!(contact.last(), later);
        drop(rebalancing);
        assert_eq!(contact.last(), later);
        contact.told(true, Some(Duration::from_secs(2)));
        assert_eq!(contact.last(), later);
        assert!(contact.may_be_joining(contact.made));
    }
}
