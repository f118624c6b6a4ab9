//! One consumer instance: its format, its limits, and its reader behind a lock of its own.
//!
//! Requests for the same instance wait for one another, requests for others do not. What blocks runs on the runtime's
//! blocking threads, a bounded number at once over all instances.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex as Quick;
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};
use tokio_util::sync::CancellationToken;

use super::error::ConsumerError;
use super::options::Options;
use super::pending::Taken;
use super::read::Want;
use super::reader::Reader;
use super::restore::Restored;
use crate::format::Format;

/// A consumer instance.
pub struct Instance {
    /// Its group.
    pub group: String,
    /// Its name in the group.
    pub name: String,
    /// The format of its records.
    pub format: Format,
    /// Who made it, when that is known: only that one may use it.
    pub principal: Option<Arc<str>>,
    pub(super) wait: Duration,
    pub(super) min_bytes: Option<usize>,
    pub(super) reader: Arc<Mutex<Option<Reader>>>,
    pub(super) gone: CancellationToken,
    calls: Option<Arc<Semaphore>>,
    used: Quick<Instant>,
}

impl Instance {
    pub(super) fn new(
        (group, name): (&str, &str),
        options: &Options,
        wait: Duration,
        min_bytes: Option<usize>,
        calls: Option<Arc<Semaphore>>,
    ) -> Self {
        Self {
            group: group.to_owned(),
            name: name.to_owned(),
            format: options.format,
            principal: options.principal.clone(),
            wait,
            min_bytes,
            reader: Arc::default(),
            gone: CancellationToken::new(),
            calls,
            used: Quick::new(Instant::now()),
        }
    }

    /// Whether records are asked for in the instance's format. Formats with schemas are not told apart, as in the
    /// original.
    ///
    /// # Errors
    /// They are not.
    pub fn check_format(&self, asked: Format) -> Result<(), ConsumerError> {
        let both = self.format.requires_schema() && asked.requires_schema();
        if both || self.format == asked {
            Ok(())
        } else {
            Err(ConsumerError::FormatMismatch)
        }
    }

    /// Puts its end off.
    pub(super) fn touch(&self) {
        *self.used.lock() = Instant::now();
    }

    /// Time since it was last used.
    pub(super) fn idle(&self) -> Duration {
        self.used.lock().elapsed()
    }

    /// Time after which it has not been used for `timeout`, if nobody uses it.
    pub(super) fn ends_in(&self, timeout: Duration) -> Duration {
        timeout.saturating_sub(self.used.lock().elapsed())
    }

    /// Whether nobody has used it for so long, or uses it now.
    pub(super) fn is_idle(&self, timeout: Duration) -> bool {
        self.used.lock().elapsed() >= timeout && self.reader.try_lock().is_ok()
    }

    /// Runs something quick with the reader.
    pub(crate) async fn look<T>(
        &self,
        look: impl FnOnce(&mut Reader) -> T,
    ) -> Result<T, ConsumerError> {
        let mut guard = self.reader.lock().await;
        let result = guard.as_mut().map(look).ok_or(ConsumerError::NotFound);
        self.touch();
        result
    }

    /// Runs something that blocks with the reader. It goes on to its end when the client goes away.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Reader) -> Result<T, ConsumerError> + Send + 'static,
    ) -> Result<T, ConsumerError> {
        let mut guard = Arc::clone(&self.reader).lock_owned().await;
        let result = self
            .blocking(move || match guard.as_mut() {
                Some(reader) => call(reader),
                None => Err(ConsumerError::NotFound),
            })
            .await;
        self.touch();
        result.unwrap_or(Err(ConsumerError::Unforeseen(
            "a call on a consumer panicked",
        )))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _place = match &self.calls {
            Some(calls) => Some(Arc::clone(calls).acquire_owned().await.ok()?),
            None => None,
        };
        tokio::task::spawn_blocking(run).await.ok()
    }

    /// Reads records.
    pub(crate) async fn read(&self, want: Want) -> Result<Taken, ConsumerError> {
        let mut guard = self.reader.lock().await;
        let reader = guard.as_mut().ok_or(ConsumerError::NotFound)?;
        let result = tokio::select! {
            result = reader.read(want) => result,
            () = self.gone.cancelled() => Err(ConsumerError::NotFound),
        };
        let leaves_more = result.is_ok() && reader.ahead.is_some();
        drop(guard);
        self.touch();
        if leaves_more {
            tokio::spawn(read_ahead(Arc::clone(&self.reader), self.gone.clone()));
        }
        result
    }

    /// Waits until the group has said what is read, at most for so long.
    pub(crate) async fn join(&self, limit: Duration) -> Result<(), ConsumerError> {
        let mut guard = self.reader.lock().await;
        let reader = guard.as_mut().ok_or(ConsumerError::NotFound)?;
        reader.join(limit).await
    }

    /// Closes the client, and tells what is needed to go on elsewhere.
    pub(super) async fn hand_over(&self) -> Restored {
        // A read under way ends without having taken anything.
        self.gone.cancel();
        let mut guard: OwnedMutexGuard<Option<Reader>> =
            Arc::clone(&self.reader).lock_owned().await;
        let reader = guard.take();
        drop(guard);
        let closed = self.blocking(move || {
            let reader = reader?;
            Some(reader.farewell())
        });
        closed.await.flatten().unwrap_or_default()
    }

    /// Closes the client: commits what is stored, leaves the group. A read under way ends. It takes none of the places for
    /// blocking calls: many that leave one group slowly must not hold up the others.
    pub(super) async fn close(&self) {
        self.gone.cancel();
        let mut guard: OwnedMutexGuard<Option<Reader>> =
            Arc::clone(&self.reader).lock_owned().await;
        let reader = guard.take();
        drop(guard);
        let _closed = tokio::task::spawn_blocking(move || drop(reader)).await;
    }
}

/// Makes the next read ready, until a request wants the reader: that one goes on by itself.
async fn read_ahead(reader: Arc<Mutex<Option<Reader>>>, gone: CancellationToken) {
    while !gone.is_cancelled() {
        let goes_on = match reader.try_lock().as_deref_mut() {
            Ok(Some(reader)) => reader.step_ahead(),
            _ => false,
        };
        if !goes_on {
            return;
        }
        tokio::task::yield_now().await;
    }
}
