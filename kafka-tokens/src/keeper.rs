//! The token of one identity, kept and renewed in the background.
//!
//! Clients ask on threads of their own, a producer on the one that also hands out delivery reports: it must not wait for AWS or an
//! identity provider. So each identity has a keeper: a thread that gets the next token when 60 % of the last one's life are
//! over (librdkafka asks for the next at 80 %). Whoever asks gets the kept token at once; only before the first one it waits.
//! A keeper whom nobody has asked for two lives of a token ends, and begins anew when it is asked.
//!
//! In: an [`Identity`]. Out: tokens. What fails: credentials, region, the provider; tried again every few seconds, told once a
//! reason.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};

use crate::identity::{Identity, Source};
use crate::{Token, TokenError};

/// A token is renewed when so much of its life is over, in percent.
const RENEW_AT: u32 = 60;
/// A token is given out until so much of its life is over.
const GIVE_UNTIL: u32 = 95;
/// Longest wait of a client for the first token.
const WAIT: Duration = Duration::from_secs(15);
/// Longest time that getting a token may take.
const FETCH: Duration = Duration::from_secs(30);
/// Pause after a failure.
const PAUSE: Duration = Duration::from_secs(5);
/// Shortest pause between two tokens, for credentials whose life is very short.
const LEAST_PAUSE: Duration = Duration::from_millis(500);
/// A keeper ends when nobody has asked it for so long, and for two lives of its token.
const IDLE: Duration = Duration::from_secs(1800);

/// See the module.
pub struct Keeper {
    identity: Identity,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    token: Option<Token>,
    /// Why the last try failed.
    failure: Option<TokenError>,
    asked: Instant,
    running: bool,
}

impl State {
    /// How long nobody has to ask for the keeper to end.
    fn idle(&self) -> Duration {
        let life = self.token.as_ref().map(|token| token.life);
        let life = life.and_then(|(made, ends)| ends.duration_since(made).ok());
        IDLE.max(life.unwrap_or_default().saturating_mul(2))
    }
}

/// All keepers of the process: clients of the same identity share one, however many there are.
static KEEPERS: LazyLock<Mutex<HashMap<String, Arc<Keeper>>>> = LazyLock::new(Mutex::default);

impl Keeper {
    /// The keeper of an identity.
    #[must_use]
    pub fn of(identity: &Identity) -> Arc<Self> {
        let mut keepers = KEEPERS.lock();
        // Those that have ended, and that nobody is about to ask, are made again when they are wanted.
        keepers.retain(|_, keeper| Arc::strong_count(keeper) > 1 || keeper.state.lock().running);
        let keeper = keepers.entry(identity.to_text());
        let new = || Arc::new(Self::new(identity.clone()));
        Arc::clone(keeper.or_insert_with(new))
    }

    fn new(identity: Identity) -> Self {
        Self {
            identity,
            state: Mutex::new(State {
                token: None,
                failure: None,
                asked: Instant::now(),
                running: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// The kept token; waits for the first one.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn token(self: &Arc<Self>) -> Result<Token, TokenError> {
        let until = Instant::now() + WAIT;
        let mut state = self.state.lock();
        state.asked = Instant::now();
        if !state.running {
            self.run().map_err(TokenError::NoThread)?;
            state.running = true;
            state.failure = None;
        }
        loop {
            let now = SystemTime::now();
            let kept = state.token.as_ref();
            if let Some(token) = kept.filter(|token| token.is_younger_than(GIVE_UNTIL, now)) {
                return Ok(token.clone());
            }
            if let Some(failure) = &state.failure {
                return Err(failure.clone());
            }
            if self.changed.wait_until(&mut state, until).timed_out() {
                return Err(self.too_slow(WAIT));
            }
        }
    }

    fn run(self: &Arc<Self>) -> Result<(), String> {
        let keeper = Arc::clone(self);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let thread = std::thread::Builder::new().name("kafka-tokens".to_owned());
        let started = thread.spawn(move || runtime.block_on(keeper.keep()));
        started.map(drop).map_err(|error| error.to_string())
    }

    /// Renews the token until nobody asks any more.
    async fn keep(&self) {
        let mut source = None;
        loop {
            let renewed = tokio::time::timeout(FETCH, self.renew(&mut source)).await;
            let pause = self.publish(renewed.unwrap_or(Err(self.too_slow(FETCH))));
            tokio::time::sleep(pause).await;
            let mut state = self.state.lock();
            if state.asked.elapsed() > state.idle() {
                state.running = false;
                return;
            }
        }
    }

    async fn renew(&self, source: &mut Option<Source>) -> Result<Token, TokenError> {
        let source = match source {
            Some(source) => source,
            None => source.insert(Source::open(&self.identity).await?),
        };
        source.token().await
    }

    fn too_slow(&self, limit: Duration) -> TokenError {
        TokenError::TooSlow(self.identity.kind(), limit)
    }

    /// Keeps a token, or why there is none; returns how long to pause.
    fn publish(&self, renewed: Result<Token, TokenError>) -> Duration {
        let mut state = self.state.lock();
        let pause = match renewed {
            Ok(token) => {
                let kind = self.identity.kind();
                tracing::debug!(kind, ends = ?token.life.1, "there is a new token for Kafka");
                let due = token.at(RENEW_AT).duration_since(SystemTime::now());
                state.failure = None;
                state.token = Some(token);
                due.unwrap_or_default().max(LEAST_PAUSE)
            }
            Err(error) => {
                if state.failure.as_ref() != Some(&error) {
                    tracing::warn!(%error, "no token for Kafka; it is tried again");
                }
                state.failure = Some(error);
                PAUSE
            }
        };
        self.changed.notify_all();
        pause
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    use sluiceway_common::kafka_config::IamSettings;

    fn keeper() -> Keeper {
        Keeper::new(Identity::Iam(IamSettings::default()))
    }

    fn token(life: Duration) -> Token {
        let now = SystemTime::now();
        Token {
            text: sluiceway_common::secret::Secret::new("t"),
            life: (now, now + life),
        }
    }

    #[test]
    fn a_token_is_renewed_long_before_it_ends() {
        let pause = keeper().publish(Ok(token(Duration::from_secs(900))));
        assert!((530..=540).contains(&pause.as_secs()), "{pause:?}");
        let pause = keeper().publish(Ok(token(Duration::from_millis(10))));
        assert_eq!(pause, LEAST_PAUSE);
    }

    /// Clients of a token of a day ask once in twenty hours.
    #[test]
    fn a_keeper_waits_for_two_lives_of_its_token() {
        let keeper = keeper();
        assert_eq!(keeper.state.lock().idle(), IDLE);
        keeper.publish(Ok(token(Duration::from_secs(86_400))));
        assert_eq!(keeper.state.lock().idle().as_secs(), 2 * 86_400);
    }

    #[test]
    fn a_failure_is_told_at_once_unless_a_token_is_left() {
        let keeper = Arc::new(keeper());
        keeper.state.lock().running = true;
        assert_eq!(keeper.publish(Err(TokenError::NoRegion)), PAUSE);
        assert_eq!(keeper.token().unwrap_err(), TokenError::NoRegion);
        keeper.publish(Ok(token(Duration::from_secs(900))));
        keeper.publish(Err(TokenError::NoRegion));
        assert_eq!(keeper.token().unwrap().text.expose(), "t");
    }

    #[test]
    fn clients_of_one_identity_share_a_keeper() {
        let identity = Identity::Iam(IamSettings {
            profile: Some("shared".to_owned()),
            ..IamSettings::default()
        });
        let first = Keeper::of(&identity);
        first.state.lock().running = true;
        assert!(Arc::ptr_eq(&first, &Keeper::of(&identity)));
        let other = Keeper::of(&Identity::Iam(IamSettings::default()));
        assert!(!Arc::ptr_eq(&first, &other));
    }
}
