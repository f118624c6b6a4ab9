//! The connections that are open: how many there may be, which of them are idle, and which one goes when there is no room.
//!
//! In: the wish for a place. Out: a [`Place`], held as long as its connection. When none is left, connections that have been idle
//! for a second or more are told to go, the longest idle first; one with a request under way never is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// A connection that was used this lately does not have to go.
const SPARED: Duration = Duration::from_secs(1);
/// How often room is looked for while there is none.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often a new connection is looked at that is to bring its first request.
const FIRST_REQUEST: Duration = Duration::from_millis(5);
/// This part of all connections goes at once, so that not every new one has to look through all.
const PART: usize = 128;

/// All connections of a server.
#[derive(Debug)]
pub(crate) struct Connections {
    limit: usize,
    room: Arc<Semaphore>,
    open: Mutex<HashMap<u64, Arc<Activity>>>,
    next: AtomicU64,
}

/// The place of one connection.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Arc<Connections>,
    number: u64,
    activity: Arc<Activity>,
    _room: OwnedSemaphorePermit,
}

impl Connections {
    /// Room for `limit` of them.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            room: Arc::new(Semaphore::new(limit)),
            open: Mutex::default(),
            next: AtomicU64::new(0),
        })
    }

    /// A place, as soon as there is one. `None` never comes: the server does not take room away.
    pub(crate) async fn enter(self: &Arc<Self>) -> Option<Place> {
        let room = loop {
            if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
                break room;
            }
            self.make_room();
            let room = Arc::clone(&self.room).acquire_owned();
            if let Ok(room) = tokio::time::timeout(LOOK_AGAIN, room).await {
                break room.ok()?;
            }
        };
        Some(self.place(room))
    }

    /// A place, if there is one.
    pub(crate) fn enter_now(self: &Arc<Self>) -> Option<Place> {
        let room = Arc::clone(&self.room).try_acquire_owned();
        Some(self.place(room.ok()?))
    }

    fn place(self: &Arc<Self>, room: OwnedSemaphorePermit) -> Place {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let activity = Arc::<Activity>::default();
        self.open().insert(number, Arc::clone(&activity));
        Place {
            connections: Arc::clone(self),
            number,
            activity,
            _room: room,
        }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Activity>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those that have been idle for longest to go.
    fn make_room(&self) {
        let spared = now().saturating_sub(u64::try_from(SPARED.as_millis()).unwrap_or(u64::MAX));
        let open = self.open();
        let mut idle: Vec<(u64, &Arc<Activity>)> = open
            .values()
            .filter_map(|activity| Some((activity.idle_since()?, activity)))
            .filter(|(since, _)| *since <= spared)
            .collect();
        let going = (self.limit / PART).max(1).min(idle.len());
        if going < idle.len() {
            idle.select_nth_unstable_by_key(going, |(since, _)| *since);
        }
        for (_, activity) in &idle[..going] {
            activity.evict.notify_one();
        }
    }
}

impl Place {
    /// What its connection does.
    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(&self.number);
    }
}

// === impl Activity ===

/// Whether a connection has requests under way, and since when it has not.
#[derive(Debug)]
pub(crate) struct Activity {
    requests: AtomicU32,
    /// Whether there ever was one.
    used: AtomicBool,
    /// Milliseconds from [`START`].
    idle_since: AtomicU64,
    evict: Notify,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            requests: AtomicU32::new(0),
            used: AtomicBool::new(false),
            idle_since: AtomicU64::new(now()),
            evict: Notify::new(),
        }
    }
}

impl Activity {
    /// Ends when its place is wanted for another.
    pub(crate) async fn evicted(&self) {
        self.evict.notified().await;
    }

    /// Ends with its first request, or when that has not come for so long.
    pub(crate) async fn used(&self, limit: Duration) {
        let asked = Instant::now();
        while !self.used.load(Ordering::Relaxed) && asked.elapsed() < limit {
            tokio::time::sleep(FIRST_REQUEST).await;
        }
    }

    /// Since when it has had no request, in milliseconds from [`START`]; `None` while it has.
    fn idle_since(&self) -> Option<u64> {
        let idle = self.requests.load(Ordering::Relaxed) == 0;
        idle.then(|| self.idle_since.load(Ordering::Relaxed))
    }

    /// Ends when there was no request for so long.
    pub(crate) async fn idle(&self, limit: Duration) {
        loop {
            let idle = Duration::from_millis(
                now().saturating_sub(self.idle_since.load(Ordering::Relaxed)),
            );
            let idle = if self.requests.load(Ordering::Relaxed) > 0 {
                Duration::ZERO
            } else {
                idle
            };
            if idle >= limit {
                return;
            }
            tokio::time::sleep(limit - idle).await;
        }
    }
}

/// A request under way.
#[derive(Debug)]
pub struct Active(Arc<Activity>);

impl Active {
    pub(crate) fn new(activity: &Arc<Activity>) -> Self {
        activity.requests.fetch_add(1, Ordering::Relaxed);
        activity.used.store(true, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.idle_since.store(now(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_longest_idle_one_goes_when_there_is_no_room() {
        let connections = Connections::new(2);
        let (Some(idle), Some(busy)) = (connections.enter().await, connections.enter().await)
        else {
            panic!("no room for two");
        };
        let _request = Active::new(busy.activity());
        let goes = async {
            idle.activity().evicted().await;
            drop(idle);
        };
        let stays = async {
            busy.activity().evicted().await;
            panic!("a busy one has to go");
        };
        let third = async { tokio::join!(connections.enter(), goes).0 };
        let wait = Duration::from_secs(10);
        tokio::select! {
            third = tokio::time::timeout(wait, third) => {
                assert!(third.is_ok_and(|place| place.is_some()), "no room is made");
            }
            () = stays => {}
        }
        assert_eq!(
            connections.open().len(),
            1,
            "the third has gone, the busy one is there"
        );
    }

    #[tokio::test]
    async fn a_connection_is_idle_only_without_requests() {
        let activity = Arc::new(Activity::default());
        let limit = Duration::from_millis(40);
        let request = Active::new(&activity);
        let early = tokio::time::timeout(Duration::from_millis(150), activity.idle(limit)).await;
        assert!(early.is_err(), "idle with a request under way");
        drop(request);
        let late = tokio::time::timeout(Duration::from_secs(5), activity.idle(limit)).await;
        assert!(late.is_ok(), "never idle");
    }
}
