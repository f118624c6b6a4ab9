//! When a failed request is sent again: bounded attempts, growing pauses with jitter, and never
//! sooner than `Retry-After` asks.

use std::time::Duration;

use http::{HeaderMap, header::RETRY_AFTER};

use crate::draw::{Draw, Stream};

/// How often and how patiently a request is repeated.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Attempts after the first one. Default 7.
    pub retries: u32,
    /// Pause before the first retry; doubled for each further one. Default 100 ms.
    pub backoff: Duration,
    /// The longest pause, also when `Retry-After` asks for more. Default 10 s.
    pub max_backoff: Duration,
}

// === impl RetryPolicy ===

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 7,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// The pause before retry number `retry` (from 0). Between half and all of the doubled
    /// backoff, so that many clients that failed together don't come back together.
    pub(crate) fn pause(&self, retry: u32, asked: Option<Duration>, salt: u64) -> Duration {
        let doubled = self
            .backoff
            .saturating_mul(1_u32.checked_shl(retry).unwrap_or(u32::MAX));
        let longest = doubled.min(self.max_backoff);
        let jitter = Draw::new(salt, Stream::Backoff, u64::from(retry)).below(1001);
        let pause = longest.mul_f64(0.5 + jitter as f64 / 2000.0);
        pause.max(asked.unwrap_or_default()).min(self.max_backoff)
    }
}

/// The pause that `Retry-After` asks for: whole seconds, or until a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: jiff::Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Duration::try_from(date.duration_since(now)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_bound() {
        let policy = RetryPolicy::default();
        for (retry, most) in [(0, 100), (1, 200), (3, 800), (10, 10_000), (40, 10_000)] {
            let pause = policy.pause(retry, None, 9).as_millis();
            assert!(pause >= most / 2 && pause <= most, "{retry}: {pause} ms");
        }
    }

    #[test]
    fn retry_after_is_honoured_within_the_bound() {
        let policy = RetryPolicy::default();
        let asked = |seconds| {
            policy
                .pause(0, Some(Duration::from_secs(seconds)), 9)
                .as_secs()
        };
        assert_eq!(asked(3), 3);
        assert_eq!(asked(3600), 10);
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, http::HeaderValue::from_static(value));
            let now = jiff::Timestamp::constant(784_111_777, 0); // Sun, 06 Nov 1994 08:49:37 GMT
            retry_after(&headers, now)
        };
        assert_eq!(read("2"), Some(Duration::from_secs(2)));
        assert_eq!(
            read("Sun, 06 Nov 1994 08:49:42 GMT"),
            Some(Duration::from_secs(5))
        );
        assert_eq!(read("Sun, 06 Nov 1994 08:49:00 GMT"), None, "past");
        assert_eq!(read("soon"), None);
    }
}
