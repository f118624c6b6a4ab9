//! Looking again while an instance moves, for a limited time.

use std::time::{Duration, Instant};

use crate::error::Error;

/// Pause before looking again.
const PAUSE: Duration = Duration::from_millis(50);

/// What has not worked so far, and for how long.
pub(super) struct Tries {
    since: Option<Instant>,
    limit: Duration,
}

impl Tries {
    /// None yet.
    pub(super) fn within(limit: Duration) -> Self {
        Self { since: None, limit }
    }

    /// Waits a little before the next try.
    pub(super) async fn again(&mut self, reason: &str) -> Result<(), Error> {
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.limit {
            return Err(Error::Unreachable(reason.to_owned()));
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}
