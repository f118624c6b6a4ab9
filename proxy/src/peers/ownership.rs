//! Who has an instance: finding out, taking over, writing down, handing over.

use std::time::Duration;

use futures_util::future::join_all;

use super::Peers;
use super::claim::{Author, Claim, Key};
use super::membership::{Chosen, Replica};
use crate::consumer::options::Options;
use crate::consumer::{ConsumerError, Instance};
use crate::error::Error;
use crate::events;
use crate::kafka_error::KafkaFault;

/// How long a taken-over instance waits for its group. A static member is given its partitions at once.
const JOIN: Duration = Duration::from_secs(3);

/// Where an instance is.
#[derive(Debug)]
pub(super) enum Place {
    /// With us.
    Here,
    /// With another replica.
    There(Replica),
    /// On its way: ask again soon.
    Moving,
    /// There is none.
    Nowhere,
}

impl Peers {
    /// Finds an instance. One whose owner is dead or has handed it over is taken, if it belongs here, or if whoever
    /// asks is a replica (`marked`), which says that it does.
    pub(super) async fn place(&self, key: &Key, marked: bool) -> Result<Place, Error> {
        if self.consumers.contains(&key.0, &key.1) {
            return Ok(Place::Here);
        }
        self.membership.known(self.config.takeover_timeout).await;
        let claim = match self.claims.get(key) {
            Some(claim) => claim,
            None => {
                self.claims.sync().await?;
                match self.claims.get(key) {
                    Some(claim) => claim,
                    None => return Ok(Place::Nowhere),
                }
            }
        };
        if let Some(replica) = self.living_owner(&claim) {
            return Ok(Place::There(replica));
        }
        let ours = claim.owner.as_deref() == Some(&*self.membership.own);
        let draining = self.membership.is_draining();
        match self.membership.choose(&parts(key)) {
            // While we drain, what is still ours is about to be handed over.
            _ if ours && draining => Ok(Place::Moving),
            // Also for a replica that does not know yet that we drain: it is told so.
            Chosen::There(replica) if (!marked || draining) && !ours => Ok(Place::There(replica)),
            _ if draining => Err(Error::Unreachable("this replica is stopping".into())),
            _ => self.take_over(key).await,
        }
    }

    fn living_owner(&self, claim: &Claim) -> Option<Replica> {
        self.membership.find(claim.owner.as_deref()?)
    }

    async fn take_over(&self, key: &Key) -> Result<Place, Error> {
        let _turn = self.turn(key).await;
        if self.consumers.contains(&key.0, &key.1) {
            return Ok(Place::Here);
        }
        self.claims.sync().await?;
        let Some(claim) = self.claims.get(key) else {
            return Ok(Place::Nowhere);
        };
        if let Some(replica) = self.living_owner(&claim) {
            return Ok(Place::There(replica));
        }
        let options = claim.options(&key.1).ok_or(Error::Internal)?;
        let mut next = claim.taken_by(&self.membership.own);
        next.positions.clear();
        if !self.claims.write(key, &next).await? {
            return Ok(Place::Moving);
        }
        let restored = claim.restored();
        let adopted = self
            .consumers
            .adopt(&key.0, &key.1, &options, restored, JOIN);
        if let Err(error) = adopted.await {
            self.consumers.abandon(&key.0, &key.1).await;
            // As it was, so that another replica can try, or we again.
            let given_back = Claim {
                owner: None,
                positions: claim.positions,
                ..next
            };
            let _written = self.claims.write(key, &given_back).await;
            return Err(error.into());
        }
        events::instance_taken_over(&self.metrics, &key.0, &key.1);
        Ok(Place::Here)
    }

    pub(super) async fn turn(&self, key: &Key) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        match self.lock(key) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }

    /// Makes an instance here.
    pub(super) async fn make(
        &self,
        group: &str,
        options: Options,
    ) -> Result<std::sync::Arc<Instance>, Error> {
        let claim = Claim::first(&self.membership.own, &options);
        let instance = self.consumers.create(group, options).await?;
        let key = (group.to_owned(), instance.name.clone());
        let held = match self.claims.write(&key, &claim).await {
            Ok(true) => return Ok(instance),
            Ok(false) => Error::from(ConsumerError::AlreadyExists),
            Err(fault) => fault.into(),
        };
        self.consumers.abandon(&key.0, &key.1).await;
        Err(held)
    }

    /// Writes down what an instance of ours reads, if that has changed.
    pub(super) async fn note(&self, key: &Key) -> Result<(), Error> {
        let _turn = self.turn(key).await;
        let Ok(instance) = self.consumers.find(&key.0, &key.1) else {
            return Ok(());
        };
        let choice = instance.look(|reader| reader.choice()).await?;
        let Some(claim) = self.own_claim(key) else {
            return Err(Error::Consumer(ConsumerError::Fenced));
        };
        if choice == claim.selection {
            return Ok(());
        }
        let left = claim.selection.is_subscription() && !choice.is_subscription();
        let next = Claim {
            selection: choice,
            ..claim
        };
        if !self.claims.write(key, &next).await? {
            return Err(Error::Consumer(ConsumerError::Fenced));
        }
        if left {
            self.consumers.leave(&key.0, &key.1).await;
        }
        Ok(())
    }

    pub(super) fn own_claim(&self, key: &Key) -> Option<Claim> {
        let claim = self.claims.get(key)?;
        (claim.owner.as_deref() == Some(&*self.membership.own)).then_some(claim)
    }

    /// Writes down that an instance of ours is gone.
    pub(super) async fn erase(&self, key: &Key) -> Result<(), KafkaFault> {
        match self.own_claim(key) {
            Some(claim) => self.claims.erase(key, &claim.author()).await.map(drop),
            None => Ok(()),
        }
    }

    /// Claims of the dead that belong to us.
    pub(super) fn orphans(&self) -> Vec<(Key, Claim)> {
        let ownerless = |_: &Key, claim: &Claim| {
            let owner = claim.owner.as_deref();
            owner != Some(&*self.membership.own) && self.living_owner(claim).is_none()
        };
        let mut orphans = self.claims.filter(ownerless);
        orphans.retain(|(key, _)| matches!(self.membership.choose(&parts(key)), Chosen::Here));
        orphans
    }

    /// Writes down that an instance of the dead is gone.
    pub(super) async fn bury(&self, key: &Key, claim: &Claim) {
        let author = Author {
            owner: Some(self.membership.own.clone()),
            generation: claim.generation + 1,
        };
        if self
            .claims
            .erase(key, &author)
            .await
            .is_ok_and(|erased| erased)
        {
            self.consumers.leave(&key.0, &key.1).await;
            events::orphan_expired(&key.0, &key.1);
        }
    }

    /// Hands all instances over: others go on with them at the positions that were reached here.
    pub(crate) async fn drain(&self, grace: Duration) {
        self.membership.drain();
        let all = self.consumers.names();
        let handed_over = join_all(all.iter().map(|key| self.hand_over(key)));
        if tokio::time::timeout(grace, handed_over).await.is_err() {
            tracing::warn!("not all consumer instances could be handed over in time");
        }
    }

    async fn hand_over(&self, key: &Key) {
        let _turn = self.turn(key).await;
        let Some(restored) = self.consumers.hand_over(&key.0, &key.1).await else {
            return;
        };
        let Some(claim) = self.own_claim(key) else {
            return;
        };
        let next = Claim {
            owner: None,
            selection: restored.choice,
            positions: restored.positions,
            ..claim
        };
        match self.claims.write(key, &next).await {
            Ok(_) => events::instance_handed_over(&self.metrics, &key.0, &key.1),
            // Others take it over when they see that we are gone.
            Err(fault) => tracing::warn!(%fault, "a consumer instance could not be handed over"),
        }
    }
}

/// A key as rendezvous hashing takes it.
pub(super) fn parts((group, name): &Key) -> [&[u8]; 2] {
    [group.as_bytes(), name.as_bytes()]
}
