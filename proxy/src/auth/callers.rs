//! Callers whom Kafka itself knows: their credentials are Kafka's, and Kafka's own access rules decide
//! (`authentication.method=KAFKA`).
//!
//! ```text
//! Authorization ─▶ Credentials ─▶ known, and believed not long ago? ─── yes ──▶ the App with that one's own Kafka clients
//!                                      └─ no ─▶ log in at a broker (a connection, no client yet) ─▶ taken: clients are made
//!                                                                                               └▶ refused: 401
//! ```
//!
//! Nobody who was not let in by a broker costs more than a connection, and those few at once ([`checks`]); whoever was has a
//! producer, a client for look-ups, and consumers as they are made, which nobody else gets hold of. There are at most `max`
//! such principals: for one more, the one goes that has been idle longest
//! and has no consumer instance. Who has been idle for long goes anyway. What is kept of passwords and tokens is their digest
//! under a key of this process, besides what the Kafka clients hold.
//!
//! In: a header. Out: who that is, and an [`App`]. What fails: [`Failure`].

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use sluiceway_kafka_tokens::Given;

mod checks;
mod credentials;

pub(crate) use credentials::{Credentials, MECHANISMS};

use self::checks::Checks;
use self::credentials::{Digest, Digester};
use super::authenticate::Failure;
use super::principal::Method;
use crate::app::App;
use crate::events;
use crate::health::Health;
use crate::kafka_error::FaultClass;
use crate::kafka_wire;
use crate::metrics::Metrics;

/// How often idle ones are looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// How often requests are looked for that still use clients which are to end.
const LEAVING: Duration = Duration::from_millis(50);

/// Settings of callers whom Kafka knows.
#[derive(Debug, Clone)]
pub struct CallersConfig {
    /// How user and password are shown to brokers: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`.
    pub mechanism: String,
    /// Principals that have clients at once.
    pub max: usize,
    /// Time without a request after which one's clients end.
    pub idle: Duration,
    /// Time after which credentials are shown to a broker again.
    pub recheck: Duration,
    /// Time for which refused credentials are refused without asking again.
    pub refused: Duration,
    /// The claim that names who a token is of.
    pub name_claim: String,
}

/// See the module.
pub struct Callers {
    config: CallersConfig,
    metrics: Arc<Metrics>,
    digester: Digester,
    /// The proxy, of which each caller's is a variant.
    proxy: OnceLock<Weak<App>>,
    known: Mutex<HashMap<Digest, Arc<Known>>>,
    checks: Arc<Checks<Arc<Known>>>,
    /// Held while clients are made: two requests of one principal make them once.
    making: tokio::sync::Mutex<()>,
}

/// A principal with Kafka clients of its own.
struct Known {
    app: Arc<App>,
    name: Arc<str>,
    /// The token of those who came with one.
    token: Option<Given>,
    state: Mutex<State>,
}

struct State {
    /// Of the password or token that a broker took last.
    secret: Digest,
    checked: Instant,
    used: Instant,
}

/// A caller that was let in.
#[derive(Clone)]
pub(crate) struct Admitted {
    pub(crate) name: Arc<str>,
    pub(crate) app: Arc<App>,
}

impl Callers {
    /// Nobody yet.
    pub(crate) fn new(config: CallersConfig, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            checks: Checks::new(config.refused),
            config,
            metrics,
            digester: Digester::new(),
            proxy: OnceLock::new(),
            known: Mutex::default(),
            making: tokio::sync::Mutex::default(),
        })
    }

    /// Begins to let callers in. Has to be called in a runtime.
    pub(crate) fn open(self: &Arc<Self>, proxy: &Arc<App>) {
        if self.proxy.set(Arc::downgrade(proxy)).is_ok() {
            tokio::spawn(Self::sweep(Arc::downgrade(self)));
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.known.lock().len()
    }

    /// The sum of something over all of them.
    pub(crate) fn total(&self, of: impl Fn(&App) -> usize) -> usize {
        self.known.lock().values().map(|known| of(&known.app)).sum()
    }

    /// Lets a caller in.
    ///
    /// # Errors
    /// The header has no credentials that Kafka takes, they are wrong, Kafka is away, or there are too many callers.
    pub(crate) async fn admit(self: &Arc<Self>, header: &str) -> Result<Admitted, Failure> {
        let credentials = Credentials::read(header, &self.config.name_claim)?;
        if credentials.have_ended(SystemTime::now()) {
            return Err(wrong("the token has expired".to_owned()));
        }
        let (key, secret) = self.digester.of(&credentials);
        let found = self.known.lock().get(&key).cloned();
        let known = match found {
            Some(known) if self.believes(&known, &secret) => known,
            found => {
                let this = Arc::clone(self);
                let check = async move {
                    let checked = this.check(&credentials).await;
                    let digests = (key, secret);
                    this.checked(&credentials, digests, found, checked).await
                };
                self.checks.run(secret, check).await?
            }
        };
        known.state.lock().used = Instant::now();
        Ok(Admitted {
            name: Arc::clone(&known.name),
            app: Arc::clone(&known.app),
        })
    }

    /// Whether a broker took these credentials not long ago, and none has refused them since. Of those who come when it is time
    /// for another look, one is sent to take it, and the others go on.
    fn believes(&self, known: &Known, secret: &Digest) -> bool {
        let mut state = known.state.lock();
        if state.secret != *secret || known.app.health.hopeless().is_some() {
            return false;
        }
        let fresh = state.checked.elapsed() < self.config.recheck;
        if !fresh {
            state.checked = Instant::now();
        }
        fresh
    }

    /// Logs in at a broker, on a connection for just that.
    async fn check(&self, credentials: &Credentials) -> Result<(), Failure> {
        let proxy = self.proxy()?;
        let login = credentials.login(&proxy.config, &self.config.mechanism);
        let timeout = proxy.config.delivery.metadata_timeout;
        let _turn = self.checks.turn(timeout).await?;
        let tried = kafka_wire::log_in(&login.admin, timeout, login.token.clone());
        tried.await.map_err(|fault| match fault.class {
            FaultClass::Authentication => wrong(format!("Kafka: {}", fault.message)),
            _ => Failure::KafkaAway(fault.message.into_owned()),
        })
    }

    /// What follows of a login: clients are made, kept, or ended.
    async fn checked(
        &self,
        credentials: &Credentials,
        (key, secret): (Digest, Digest),
        found: Option<Arc<Known>>,
        checked: Result<(), Failure>,
    ) -> Result<Arc<Known>, Failure> {
        let same = found.filter(|known| known.state.lock().secret == secret);
        match (checked, same) {
            (Ok(()), _) => {}
            // It was right before: Kafka's own answers tell that it is away.
            (Err(Failure::KafkaAway(_)), Some(known)) => return Ok(known),
            (Err(failure @ Failure::Wrong(..)), Some(known)) => {
                self.remove(&key, &known);
                return Err(failure);
            }
            (Err(failure), _) => return Err(failure),
        }
        let _one_at_a_time = self.making.lock().await;
        let known = self.known.lock().get(&key).cloned();
        if let Some(known) = known {
            known.renew(credentials, secret);
            return Ok(known);
        }
        self.make(credentials, (key, secret)).await
    }

    async fn make(
        &self,
        credentials: &Credentials,
        (key, secret): (Digest, Digest),
    ) -> Result<Arc<Known>, Failure> {
        self.make_room()?;
        let proxy = self.proxy()?;
        let name = credentials.name();
        let health = Arc::new(Health::of_caller(&name));
        let login = credentials.login(&proxy.config, &self.config.mechanism);
        let token = login.token.clone();
        let made = tokio::task::spawn_blocking(move || proxy.for_caller(login, health)).await;
        let unforeseen = |reason: String| {
            tracing::error!(reason, "a caller's Kafka clients cannot be made");
            Failure::KafkaAway("its clients cannot be made".to_owned())
        };
        let app = made
            .map_err(|error| unforeseen(error.to_string()))?
            .map_err(|error| unforeseen(error.to_string()))?;
        app.begin();
        app.health.up();
        let now = Instant::now();
        let known = Arc::new(Known {
            app,
            name,
            token,
            state: Mutex::new(State {
                secret,
                checked: now,
                used: now,
            }),
        });
        self.known.lock().insert(key, Arc::clone(&known));
        events::caller_came(&self.metrics, &known.name);
        Ok(known)
    }

    /// Ends the clients of whoever has been idle longest, if there are as many as there may be.
    fn make_room(&self) -> Result<(), Failure> {
        let mut known = self.known.lock();
        if known.len() < self.config.max {
            return Ok(());
        }
        let unused = known.iter().filter(|(_, one)| is_unused(one));
        let longest = unused.min_by_key(|(_, one)| one.state.lock().used);
        let key = *longest.ok_or(Failure::TooManyCallers(self.config.max))?.0;
        if let Some(one) = known.remove(&key) {
            self.end(one, "room");
        }
        Ok(())
    }

    /// Forgets one whose credentials are refused by now; its instances end.
    fn remove(&self, key: &Digest, refused: &Arc<Known>) {
        let mut known = self.known.lock();
        if known.get(key).is_some_and(|one| Arc::ptr_eq(one, refused)) {
            known.remove(key);
            drop(known);
            self.end(Arc::clone(refused), "refused");
        }
    }

    /// Ends the clients of those who have been idle for long, until the proxy ends.
    async fn sweep(callers: Weak<Self>) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let Some(callers) = callers.upgrade() else {
                return;
            };
            callers.checks.forget();
            let proxy = callers.proxy();
            let mut known = callers.known.lock();
            let idle = known
                .extract_if(|_, one| {
                    one.state.lock().used.elapsed() > callers.config.idle && is_unused(one)
                })
                .map(|(_, one)| one);
            idle.for_each(|one| callers.end(one, "idle"));
            // Nobody watches over a caller's way to Kafka; it is the proxy's.
            if proxy.is_ok_and(|proxy| proxy.health.check().is_ok()) {
                let down = known
                    .values()
                    .filter(|one| one.app.health.unreachable().is_some());
                down.for_each(|one| one.app.health.up());
            }
        }
    }

    /// Delivers what is on its way, and ends all clients.
    pub(crate) async fn drain(&self, grace: Duration) {
        let all: Vec<_> = self.known.lock().drain().map(|(_, one)| one).collect();
        let mut draining = tokio::task::JoinSet::new();
        for one in all {
            draining.spawn(async move {
                one.app.consumers.close_all(grace).await;
                one.app.turns.drained(grace).await;
                let end = move || {
                    one.app.producer.flush(grace);
                    drop(one);
                };
                tokio::task::spawn_blocking(end).await
            });
        }
        while draining.join_next().await.is_some() {}
    }

    /// Ends the clients of one.
    fn end(&self, one: Arc<Known>, reason: &'static str) {
        events::caller_went(&self.metrics, &one.name, reason);
        tokio::spawn(async move {
            let grace = one.app.config.http.shutdown_grace;
            one.app.stopping.cancel();
            one.app.consumers.close_all(grace).await;
            let asked = Instant::now();
            while Arc::strong_count(&one.app) > 1 && asked.elapsed() < grace {
                tokio::time::sleep(LEAVING).await;
            }
            // What a request that was under way has made meanwhile.
            one.app.consumers.close_all(grace).await;
            one.app.turns.drained(grace).await;
            // Dropping a client waits for its threads.
            let end = move || {
                one.app.producer.flush(grace);
                drop(one);
            };
            if let Err(error) = tokio::task::spawn_blocking(end).await {
                tracing::warn!(%error, "a caller's Kafka clients did not end well");
            }
        });
    }

    fn proxy(&self) -> Result<Arc<App>, Failure> {
        let proxy = self.proxy.get().and_then(Weak::upgrade);
        proxy.ok_or_else(|| Failure::KafkaAway("the proxy starts or ends".to_owned()))
    }
}

/// Nothing of it is in use: no request has it or is about to, no record is on its way, no instance would be lost. Whoever gets
/// hold of it does so under the lock of the table, in which it is counted once.
fn is_unused(known: &Arc<Known>) -> bool {
    Arc::strong_count(known) == 1
        && Arc::strong_count(&known.app) == 1
        && known.app.consumers.count() == 0
        && known.app.producer.queued() == 0
        && known.app.turns.records() == 0
}

impl Known {
    /// A broker took these credentials.
    fn renew(&self, credentials: &Credentials, secret: Digest) {
        if let (Some(place), Some(token)) = (&self.token, credentials.token()) {
            place.replace(token);
        }
        if self.app.health.hopeless().is_some() {
            self.app.health.up();
        }
        let mut state = self.state.lock();
        state.secret = secret;
        state.checked = Instant::now();
    }
}

fn wrong(reason: String) -> Failure {
    Failure::Wrong(Method::Kafka, reason)
}
