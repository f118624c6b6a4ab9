//! Delivery of one request's records: a slot per record, a counter, and one waiting task.
//!
//! ```text
//! produce ── register ──▶ Deliveries (id → Tracker) ◀── delivery report (id, index) ── producer's polling thread
//!    └── await Tracker ◀────────────────────── last slot filled: wake ──────────────────────────┘
//! ```
//!
//! A record's opaque is its request's id and its index packed into one word, so nothing is allocated per record, and
//! reports of one request, which mostly come together, find their tracker without looking it up.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use rdkafka::types::RDKafkaErrorCode;

use crate::admission::Permit;
use crate::produce::turn::Turn;

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It lies in Kafka.
    Stored {
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// When the broker appended it, in epoch milliseconds, if its topic keeps that time instead of the record's.
        appended: Option<i64>,
    },
    /// It failed.
    Failed(RDKafkaErrorCode),
    /// Nothing is known yet.
    Pending,
}

const PENDING: i32 = -1;
const FAILED: i32 = -2;

#[derive(Debug)]
struct Slot {
    /// The partition, or one of the marks above.
    partition: AtomicI32,
    /// The offset, or where in the list of failures its error is.
    number: AtomicI64,
}

/// What a request holds until the last of its records has a result.
#[derive(Debug)]
struct Held {
    permit: Permit,
    turn: Option<Arc<Turn>>,
}

/// The last of a request's records has its result. When this is dropped it may hand over the records of other requests:
/// no lock may be held then.
#[derive(Debug)]
struct Done {
    _turn: Option<Arc<Turn>>,
}

/// The records of one request.
#[derive(Debug)]
pub struct Tracker {
    slots: Box<[Slot]>,
    /// Records without a result, and one more until all were handed over.
    pending: AtomicUsize,
    /// Errors of the records that failed: seldom any.
    failures: Mutex<Vec<RDKafkaErrorCode>>,
    waker: AtomicWaker,
    held: Mutex<Option<Held>>,
    /// Whether every result wakes the task, or only the last.
    eager: AtomicBool,
    /// Times of the broker, by record; only for topics that keep them.
    appended: OnceLock<Box<[AtomicI64]>>,
}

impl Tracker {
    fn new(records: usize, permit: Permit, eager: bool) -> Self {
        let slot = || Slot {
            partition: AtomicI32::new(PENDING),
            number: AtomicI64::new(0),
        };
        Self {
            slots: std::iter::repeat_with(slot).take(records).collect(),
            pending: AtomicUsize::new(records + 1),
            failures: Mutex::default(),
            waker: AtomicWaker::new(),
            held: Mutex::new(Some(Held { permit, turn: None })),
            eager: AtomicBool::new(eager),
            appended: OnceLock::new(),
        }
    }

    /// What became of a record.
    #[must_use]
    pub fn get(&self, index: usize) -> Delivery {
        let Some(slot) = self.slots.get(index) else {
            return Delivery::Pending;
        };
        // The mark first: what belongs to it was stored before it.
        let mark = slot.partition.load(Ordering::Acquire);
        let number = slot.number.load(Ordering::Relaxed);
        match mark {
            PENDING => Delivery::Pending,
            FAILED => self
                .failure(number)
                .map_or(Delivery::Pending, Delivery::Failed),
            partition => Delivery::Stored {
                partition,
                offset: number,
                appended: self.appended_at(index),
            },
        }
    }

    fn appended_at(&self, index: usize) -> Option<i64> {
        let time = self.appended.get()?.get(index)?.load(Ordering::Relaxed);
        Some(time).filter(|time| *time != i64::MIN)
    }

    fn append_at(&self, index: usize, time: i64) {
        let none = || std::iter::repeat_with(|| AtomicI64::new(i64::MIN));
        let times = self
            .appended
            .get_or_init(|| none().take(self.slots.len()).collect());
        if let Some(place) = times.get(index) {
            place.store(time, Ordering::Relaxed);
        }
    }

    fn failure(&self, number: i64) -> Option<RDKafkaErrorCode> {
        self.failures
            .lock()
            .get(usize::try_from(number).ok()?)
            .copied()
    }

    fn is_done(&self) -> bool {
        self.pending.load(Ordering::Acquire) == 0
    }

    /// Whether a record lies in Kafka.
    #[must_use]
    pub fn is_stored(&self, index: usize) -> bool {
        matches!(self.get(index), Delivery::Stored { .. })
    }

    /// Whether all of them do.
    #[must_use]
    pub fn are_stored(&self) -> bool {
        self.is_done() && self.failures.lock().is_empty()
    }

    /// Waits until every record has a result.
    pub async fn done(&self) {
        poll_fn(|context| {
            if self.is_done() {
                return Poll::Ready(());
            }
            self.waker.register(context.waker());
            if self.is_done() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Waits until the record has a result: of trackers that were registered [eagerly](Deliveries::register_eager) not
    /// longer, of others until all have one.
    pub async fn record(&self, index: usize) {
        let known = || self.get(index) != Delivery::Pending;
        poll_fn(|context| {
            if known() {
                return Poll::Ready(());
            }
            self.waker.register(context.waker());
            if known() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn fill(&self, index: usize, delivery: Delivery) {
        let Some(slot) = self.slots.get(index) else {
            return;
        };
        let (partition, number) = match delivery {
            Delivery::Stored {
                partition,
                offset,
                appended,
            } => {
                if let Some(time) = appended {
                    self.append_at(index, time);
                }
                (partition, offset)
            }
            Delivery::Failed(code) => {
                let mut failures = self.failures.lock();
                failures.push(code);
                (
                    FAILED,
                    i64::try_from(failures.len() - 1).unwrap_or(i64::MAX),
                )
            }
            Delivery::Pending => return,
        };
        slot.number.store(number, Ordering::Relaxed);
        slot.partition.store(partition, Ordering::Release);
        if self.eager.load(Ordering::Relaxed) {
            self.waker.wake();
        }
    }

    /// Has every result wake the task from now on. To be called before records are handed over.
    pub fn wake_with_each(&self) {
        self.eager.store(true, Ordering::Relaxed);
    }

    /// Keeps a partition's turn until every record has a result. To be called before they are handed over.
    pub fn hold(&self, turn: Arc<Turn>) {
        if let Some(held) = self.held.lock().as_mut() {
            held.turn = Some(turn);
        }
    }

    /// Counts one off. The last gives the bytes back and wakes the task.
    fn count_off(&self) -> Option<Done> {
        self.count_off_many(1)
    }

    fn count_off_many(&self, count: usize) -> Option<Done> {
        let last = self.pending.fetch_sub(count, Ordering::AcqRel) == count;
        if !last {
            return None;
        }
        let held = self.held.lock().take();
        let turn = held.and_then(|Held { permit, turn }| {
            drop(permit);
            turn
        });
        self.waker.wake();
        Some(Done { _turn: turn })
    }
}

/// The requests whose records are on their way.
#[derive(Debug, Default)]
pub struct Deliveries {
    table: Mutex<Table>,
    /// The tracker of the report before. Only the polling thread takes this lock.
    last: Mutex<Option<(u32, Arc<Tracker>)>>,
}

#[derive(Debug, Default)]
struct Table {
    trackers: Vec<Option<Arc<Tracker>>>,
    free: Vec<u32>,
}

/// A registered request whose records are being handed over.
#[derive(Debug)]
pub struct Registered {
    /// Its tracker.
    pub tracker: Arc<Tracker>,
    id: u32,
}

impl Registered {
    /// The opaque of a record.
    #[must_use]
    pub fn opaque(&self, index: usize) -> usize {
        (self.id as usize) << 32 | index & 0xFFFF_FFFF
    }
}

impl Deliveries {
    /// Registers a request of so many records. Its permit is given back when all have a result.
    #[must_use]
    pub fn register(&self, records: usize, permit: Permit) -> Registered {
        self.add(Tracker::new(records, permit, false))
    }

    /// The same, for one that waits for [each record](Tracker::record) and not for all.
    #[must_use]
    pub fn register_eager(&self, records: usize, permit: Permit) -> Registered {
        self.add(Tracker::new(records, permit, true))
    }

    fn add(&self, tracker: Tracker) -> Registered {
        let tracker = Arc::new(tracker);
        let mut table = self.table.lock();
        let id = table.free.pop().unwrap_or_else(|| {
            table.trackers.push(None);
            u32::try_from(table.trackers.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(place) = table.trackers.get_mut(id as usize) {
            *place = Some(Arc::clone(&tracker));
        }
        Registered { tracker, id }
    }

    /// Says that all records were handed over or have [failed](Deliveries::refuse).
    pub fn handed_over(&self, registered: &Registered) {
        if let Some(done) = registered.tracker.count_off() {
            self.forget(registered.id);
            drop(done);
        }
    }

    /// Says that a record was not taken by the client.
    pub fn refuse(&self, registered: &Registered, index: usize, code: RDKafkaErrorCode) {
        registered.tracker.fill(index, Delivery::Failed(code));
        drop(registered.tracker.count_off());
    }

    /// Records of these indexes lie one behind the other, the first at `first`, and no others are left to be handed over.
    pub fn landed(
        &self,
        registered: &Registered,
        indexes: impl Iterator<Item = usize>,
        first: Delivery,
    ) {
        let Delivery::Stored {
            partition,
            offset,
            appended,
        } = first
        else {
            return;
        };
        let mut count = 0;
        for (index, offset) in indexes.zip(offset..) {
            let stored = Delivery::Stored {
                partition,
                offset,
                appended,
            };
            registered.tracker.fill(index, stored);
            count += 1;
        }
        if let Some(done) = registered.tracker.count_off_many(count + 1) {
            self.forget(registered.id);
            drop(done);
        }
    }

    /// Takes a delivery report.
    pub fn report(&self, opaque: usize, delivery: Delivery) {
        let (id, index) = ((opaque >> 32) as u32, opaque & 0xFFFF_FFFF);
        let mut last = self.last.lock();
        // A tracker that is done may have been forgotten elsewhere, and its id given to another.
        let current = |(known, tracker): &(u32, Arc<Tracker>)| *known == id && !tracker.is_done();
        if !last.as_ref().is_some_and(current) {
            *last = self.find(id).map(|tracker| (id, tracker));
        }
        let Some((_, tracker)) = last.as_ref() else {
            return;
        };
        tracker.fill(index, delivery);
        if let Some(done) = tracker.count_off() {
            *last = None;
            drop(last);
            self.forget(id);
            drop(done);
        }
    }

    /// Requests on their way.
    #[must_use]
    pub fn requests(&self) -> usize {
        let table = self.table.lock();
        table.trackers.len() - table.free.len()
    }

    fn find(&self, id: u32) -> Option<Arc<Tracker>> {
        self.table
            .lock()
            .trackers
            .get(id as usize)
            .cloned()
            .flatten()
    }

    fn forget(&self, id: u32) {
        let mut table = self.table.lock();
        if let Some(place) = table.trackers.get_mut(id as usize)
            && place.take().is_some()
        {
            table.free.push(id);
        }
    }
}

#[cfg(test)]
#[path = "tracker_tests.rs"]
mod tests;
