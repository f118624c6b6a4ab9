//! When a broker is asked about credentials: once at a time for the same ones, and not again for a moment once it refused them.
//!
//! So a flood of requests with one wrong password is one login a moment, and a flood with many different ones a few at once.
//! In: a digest of credentials, and how to check them. Out: what the check said. What fails: the check did, or there was no turn
//! for it in time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

use super::credentials::Digest;
use crate::auth::authenticate::Failure;

/// Logins at brokers at once; further ones wait.
const AT_ONCE: usize = 8;
/// Refused credentials that are remembered at once; more are not, and cost a login each.
const REMEMBERED: usize = 4096;

type Outcome<T> = Result<T, Failure>;

/// See the module.
pub(super) struct Checks<T> {
    turns: Semaphore,
    under_way: Mutex<HashMap<Digest, watch::Receiver<Option<Outcome<T>>>>>,
    refused: Mutex<HashMap<Digest, (Instant, Failure)>>,
    moment: Duration,
}

impl<T: Clone + Send + Sync + 'static> Checks<T> {
    /// None under way. `moment`: how long refusals are remembered.
    pub(super) fn new(moment: Duration) -> Arc<Self> {
        Arc::new(Self {
            turns: Semaphore::new(AT_ONCE),
            under_way: Mutex::default(),
            refused: Mutex::default(),
            moment,
        })
    }

    /// What `check` says of these credentials, or what the same check says that is under way, or said not long ago.
    ///
    /// # Errors
    /// What the check fails with.
    pub(super) async fn run(
        self: &Arc<Self>,
        of: Digest,
        check: impl Future<Output = Outcome<T>> + Send + 'static,
    ) -> Outcome<T> {
        if let Some((at, failure)) = self.refused.lock().get(&of)
            && at.elapsed() < self.moment
        {
            return Err(failure.clone());
        }
        let mut told = self.begin(of, check);
        let outcome = told.wait_for(Option::is_some).await;
        let outcome = outcome.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| Err(Failure::KafkaAway("the check failed".to_owned())))
    }

    /// In a task of its own: a client that goes away does not end what others wait for.
    fn begin(
        self: &Arc<Self>,
        of: Digest,
        check: impl Future<Output = Outcome<T>> + Send + 'static,
    ) -> watch::Receiver<Option<Outcome<T>>> {
        let mut under_way = self.under_way.lock();
        if let Some(told) = under_way.get(&of)
            && told.has_changed().is_ok()
        {
            return told.clone();
        }
        let (tell, told) = watch::channel(None);
        under_way.insert(of, told.clone());
        drop(under_way);
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = check.await;
            if let Err(failure @ Failure::Wrong(..)) = &outcome {
                this.remember(of, failure);
            }
            this.under_way.lock().remove(&of);
            tell.send_replace(Some(outcome));
        });
        told
    }

    fn remember(&self, of: Digest, failure: &Failure) {
        let mut refused = self.refused.lock();
        if refused.len() >= REMEMBERED {
            refused.retain(|_, (at, _)| at.elapsed() < self.moment);
        }
        if refused.len() < REMEMBERED {
            refused.insert(of, (Instant::now(), failure.clone()));
        }
    }

    /// A turn to log in at a broker.
    ///
    /// # Errors
    /// There is none in that time.
    pub(super) async fn turn(&self, wait: Duration) -> Result<SemaphorePermit<'_>, Failure> {
        let turn = tokio::time::timeout(wait, self.turns.acquire()).await;
        let turn = turn.ok().and_then(Result::ok);
        turn.ok_or_else(|| Failure::KafkaAway("too many logins at Kafka wait".to_owned()))
    }

    /// Forgets refusals of more than a moment ago.
    pub(super) fn forget(&self) {
        let mut refused = self.refused.lock();
        refused.retain(|_, (at, _)| at.elapsed() < self.moment);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;
    use crate::auth::principal::Method;

    const LONG: Duration = Duration::from_secs(3600);

    fn wrong() -> Failure {
        Failure::Wrong(Method::Kafka, "no".to_owned())
    }

    fn counted(
        count: &Arc<AtomicUsize>,
        outcome: Outcome<u8>,
    ) -> impl Future<Output = Outcome<u8>> + Send + 'static {
        let count = Arc::clone(count);
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            count.fetch_add(1, SeqCst);
            outcome
        }
    }

    #[tokio::test]
    async fn many_with_the_same_credentials_are_one_login() {
        let (checks, count) = (Checks::new(LONG), Arc::new(AtomicUsize::new(0)));
        let many = (0..50).map(|_| checks.run([1; 32], counted(&count, Ok(7))));
        assert!(futures_all(many).await.iter().all(|one| *one == Ok(7)));
        assert_eq!(count.load(SeqCst), 1);
        // What was right is asked again when somebody wants to know.
        assert_eq!(checks.run([1; 32], counted(&count, Ok(7))).await, Ok(7));
        assert_eq!(count.load(SeqCst), 2);
    }

    #[tokio::test]
    async fn what_was_refused_is_not_asked_again_for_a_moment() {
        let (checks, count) = (Checks::new(LONG), Arc::new(AtomicUsize::new(0)));
        for _ in 0..3 {
            let outcome = checks.run([1; 32], counted(&count, Err(wrong()))).await;
            assert_eq!(outcome, Err(wrong()));
        }
        assert_eq!(count.load(SeqCst), 1);
        assert_eq!(checks.run([2; 32], counted(&count, Ok(1))).await, Ok(1));
        // That Kafka is away is no refusal; and a moment ends.
        let away = || Err(Failure::KafkaAway(String::new()));
        let brief = Checks::new(Duration::ZERO);
        for outcome in [away(), away(), Err(wrong()), Err(wrong())] {
            let told = brief.run([1; 32], counted(&count, outcome.clone())).await;
            assert_eq!(told, outcome);
        }
        assert_eq!(count.load(SeqCst), 6);
        brief.forget();
        assert!(brief.refused.lock().is_empty());
    }

    #[tokio::test]
    async fn a_check_that_panics_is_made_again() {
        let (checks, count) = (Checks::new(LONG), Arc::new(AtomicUsize::new(0)));
        let panics = async { panic!("on purpose") };
        let told = checks.run([1; 32], panics).await;
        assert!(matches!(told, Err(Failure::KafkaAway(_))));
        assert_eq!(checks.run([1; 32], counted(&count, Ok(3))).await, Ok(3));
    }

    async fn futures_all<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
        futures_util::future::join_all(all).await
    }
}
