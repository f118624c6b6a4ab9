//! What goes on without requests: probes, reading claims, giving up what others took, forgetting what expired.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::claim::Key;
use super::claims::Event;
use super::{Peers, Told};
use crate::events;

/// How often instances of dead replicas are looked for.
const ORPHANS: Duration = Duration::from_secs(1);

impl Peers {
    /// Begins to ask and to read.
    pub(crate) fn start(self: &Arc<Self>) {
        let Some(told) = self.told.lock().take() else {
            return;
        };
        let Told {
            mut events,
            mut expired,
        } = told;
        let weak = || Arc::downgrade(self);
        let (on_event, on_expiry) = (weak(), weak());
        let tasks = [
            tokio::spawn(Arc::clone(&self.membership).watch()),
            tokio::spawn(Arc::clone(&self.claims).open(self.reader.clone())),
            tokio::spawn(async move {
                while let (Some(event), Some(peers)) = (events.recv().await, on_event.upgrade()) {
                    peers.on(event).await;
                }
            }),
            tokio::spawn(async move {
                while let (Some(key), Some(peers)) = (expired.recv().await, on_expiry.upgrade()) {
                    peers.expire(&key).await;
                }
            }),
            tokio::spawn(forget_orphans(weak())),
        ];
        let mut handles = self.tasks.lock();
        handles.extend(tasks.iter().map(tokio::task::JoinHandle::abort_handle));
    }

    async fn on(&self, event: Event) {
        match event {
            Event::Lost(key) => {
                if self.consumers.give_up(&key.0, &key.1) {
                    events::instance_given_up(&self.metrics, &key.0, &key.1);
                }
            }
            Event::Contested(key) => {
                if let Some(claim) = self.own_claim(&key) {
                    let _held = self.claims.write(&key, &claim).await;
                }
            }
        }
    }

    async fn expire(&self, key: &Key) {
        let _turn = self.turn(key).await;
        // Used again meanwhile.
        if self.consumers.contains(&key.0, &key.1) {
            return;
        }
        if let Err(fault) = self.erase(key).await {
            // It is forgotten as an orphan when we are gone; until then a request would revive it.
            tracing::warn!(%fault, "that a consumer instance expired could not be written down");
        }
    }
}

/// Instances of dead replicas that nobody asks for expire, too.
async fn forget_orphans(peers: Weak<Peers>) {
    let mut since: HashMap<Key, Instant> = HashMap::new();
    loop {
        tokio::time::sleep(ORPHANS).await;
        let Some(peers) = peers.upgrade() else {
            return;
        };
        let orphans: HashMap<_, _> = peers.orphans().into_iter().collect();
        since.retain(|key, _| orphans.contains_key(key));
        let timeout = peers.consumers.instance_timeout();
        for (key, claim) in &orphans {
            let since = since.entry(key.clone()).or_insert_with(Instant::now);
            if since.elapsed() >= timeout {
                peers.bury(key, claim).await;
            }
        }
    }
}
