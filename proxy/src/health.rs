//! Whether Kafka can be reached, for `/readyz` and for answers that need not wait.
//!
//! Fed by the clients' error callbacks and by the outcome of look-ups. A change is logged and counted once.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::IntGauge;

use crate::kafka_error::{FaultClass, KafkaFault};

/// What is known of the way to Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Starting,
    Up,
    Down(String),
    /// The brokers refuse the proxy's credentials.
    Refused(String),
    /// The proxy has ended: what happens to connections that are left says nothing.
    Ended,
}

/// The state of the way to Kafka.
#[derive(Debug)]
pub struct Health {
    state: Mutex<State>,
    up: Option<IntGauge>,
    /// Whose way it is, if not the proxy's own.
    caller: Option<Arc<str>>,
}

impl Health {
    /// Nothing known yet.
    #[must_use]
    pub fn new(up: IntGauge) -> Self {
        up.set(0);
        Self {
            state: Mutex::new(State::Starting),
            up: Some(up),
            caller: None,
        }
    }

    /// The way of a caller with Kafka clients of its own: it is not the proxy's readiness, and not an operator's concern.
    #[must_use]
    pub fn of_caller(name: &Arc<str>) -> Self {
        Self {
            state: Mutex::new(State::Starting),
            up: None,
            caller: Some(Arc::clone(name)),
        }
    }

    /// Kafka answered.
    pub fn up(&self) {
        if self.change(State::Up) {
            match &self.caller {
                Some(caller) => tracing::debug!(%caller, "Kafka is reachable"),
                None => tracing::info!("Kafka is reachable"),
            }
        }
    }

    /// No broker answers. (Where credentials are refused, that is the better thing to know.)
    pub fn down(&self, reason: &str) {
        if self.hopeless().is_none() && self.change(State::Down(reason.to_owned())) {
            match &self.caller {
                Some(caller) => tracing::debug!(%caller, reason, "Kafka is not reachable"),
                None => tracing::warn!(reason, "Kafka is not reachable"),
            }
        }
    }

    /// The brokers refuse the proxy's credentials.
    pub fn refused(&self, reason: &str) {
        if self.change(State::Refused(reason.to_owned())) {
            match &self.caller {
                Some(caller) => tracing::warn!(%caller, reason, "Kafka refuses a caller"),
                None => tracing::error!(reason, "Kafka refuses the proxy's credentials"),
            }
        }
    }

    /// The proxy has ended. Nothing that comes later counts.
    pub fn end(&self) {
        self.change(State::Ended);
    }

    /// Whether the proxy has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        *self.state.lock() == State::Ended
    }

    /// `Err` says why Kafka cannot be reached.
    ///
    /// # Errors
    /// It cannot, or was not tried yet.
    pub fn check(&self) -> Result<(), String> {
        match &*self.state.lock() {
            State::Up => Ok(()),
            State::Starting => Err("Kafka was not reached yet".to_owned()),
            State::Down(reason) => Err(format!("Kafka is not reachable: {reason}")),
            State::Refused(reason) => {
                Err(format!("Kafka refuses the proxy's credentials: {reason}"))
            }
            State::Ended => Err("the proxy has ended".to_owned()),
        }
    }

    /// Why no broker answers, while that is so. (Before the first attempt nobody knows.)
    #[must_use]
    pub fn unreachable(&self) -> Option<String> {
        match &*self.state.lock() {
            State::Down(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// The fault to answer with when waiting for Kafka is of no use.
    #[must_use]
    pub fn hopeless(&self) -> Option<KafkaFault> {
        match &*self.state.lock() {
            State::Refused(reason) => {
                Some(KafkaFault::new(FaultClass::Authentication, reason.clone()))
            }
            _ => None,
        }
    }

    /// `true` when the kind of state changed.
    fn change(&self, next: State) -> bool {
        let mut state = self.state.lock();
        let differs = std::mem::discriminant(&*state) != std::mem::discriminant(&next);
        let changed = differs && *state != State::Ended;
        if changed {
            if let Some(gauge) = &self.up {
                gauge.set(i64::from(next == State::Up));
            }
            *state = next;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn states_follow_one_another() {
        let gauge = IntGauge::new("up", "Whether.").unwrap();
        let health = Health::new(gauge.clone());
        assert!(health.check().unwrap_err().contains("not reached yet"));
        health.up();
        assert_eq!((health.check(), gauge.get()), (Ok(()), 1));
        health.down("3/3 brokers are down");
        assert!(health.check().unwrap_err().contains("3/3 brokers"));
        assert_eq!((health.hopeless(), gauge.get()), (None, 0));
        health.refused("bad password");
        assert_eq!(health.hopeless().unwrap().code().number, 40101);
        health.down("3/3 brokers are down");
        assert!(health.hopeless().is_some());
        health.up();
        assert_eq!(health.hopeless(), None);
    }

    #[test]
    fn an_end_is_the_last_state() {
        let gauge = IntGauge::new("up", "Whether.").unwrap();
        let health = Health::new(gauge.clone());
        health.up();
        health.end();
        health.down("1/1 brokers are down");
        assert_eq!(
            (health.check(), gauge.get()),
            (Err("the proxy has ended".to_owned()), 0)
        );
        assert!(health.has_ended());
    }
}
