//! Usage plans of API keys, as AWS API Gateway has them: rate, burst and a quota for a day, a week or a month.
//!
//! Tokens come back at the rate, up to the burst. The quota begins anew at midnight UTC (of Mondays, of firsts). Both
//! count in this process only and begin anew with it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// What a plan allows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanLimits {
    /// Requests a second; `None`: no limit.
    pub rate: Option<f64>,
    /// Requests at once above the rate.
    pub burst: f64,
    /// Requests in a period.
    pub quota: Option<u64>,
    /// That period.
    pub period: Period,
}

/// The period of a quota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Period {
    /// A day.
    #[default]
    Day,
    /// A week, from Monday on.
    Week,
    /// A calendar month.
    Month,
}

/// A key's use of its plan.
#[derive(Debug)]
pub struct UsagePlan {
    limits: PlanLimits,
    used: Mutex<Used>,
}

#[derive(Debug)]
struct Used {
    tokens: f64,
    at: Instant,
    period: i64,
    requests: u64,
}

/// Why a plan says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// Rate and burst.
    Rate,
    /// The quota.
    Quota,
}

impl UsagePlan {
    /// Nothing used yet.
    #[must_use]
    pub fn new(limits: PlanLimits) -> Self {
        let used = Used {
            tokens: limits.burst.max(1.0),
            at: Instant::now(),
            period: i64::MIN,
            requests: 0,
        };
        Self {
            limits,
            used: Mutex::new(used),
        }
    }

    /// What it allows.
    #[must_use]
    pub fn limits(&self) -> &PlanLimits {
        &self.limits
    }

    /// Takes one request.
    ///
    /// # Errors
    /// There is none left.
    pub fn take(&self) -> Result<(), Exceeded> {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        self.take_at(Instant::now(), seconds)
    }

    fn take_at(&self, now: Instant, seconds: i64) -> Result<(), Exceeded> {
        let mut used = self.used.lock();
        let period = self.limits.period.number(seconds);
        if period != used.period {
            (used.period, used.requests) = (period, 0);
        }
        if self
            .limits
            .quota
            .is_some_and(|quota| used.requests >= quota)
        {
            return Err(Exceeded::Quota);
        }
        if let Some(rate) = self.limits.rate {
            let back = now.saturating_duration_since(used.at).as_secs_f64() * rate;
            used.tokens = (used.tokens + back).min(self.limits.burst.max(1.0));
            used.at = now;
            if used.tokens < 1.0 {
                return Err(Exceeded::Rate);
            }
            used.tokens -= 1.0;
        }
        used.requests += 1;
        Ok(())
    }
}

impl Period {
    /// A number that changes when a period ends.
    fn number(self, seconds: i64) -> i64 {
        let days = seconds.div_euclid(86_400);
        match self {
            Self::Day => days,
            // 1970 began on a Thursday.
            Self::Week => (days + 3).div_euclid(7),
            Self::Month => {
                let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
                let date = at.to_zoned(jiff::tz::TimeZone::UTC);
                i64::from(date.year()) * 12 + i64::from(date.month())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn bursts_then_the_rate_then_the_quota() {
        let plan = UsagePlan::new(PlanLimits {
            rate: Some(10.0),
            burst: 3.0,
            quota: Some(5),
            period: Period::Day,
        });
        let start = Instant::now();
        let took = (0..10).filter(|_| plan.take_at(start, 0).is_ok()).count();
        assert_eq!(took, 3);
        assert_eq!(plan.take_at(start, 0), Err(Exceeded::Rate));
        let later = start + Duration::from_secs(1);
        assert!(plan.take_at(later, 1).is_ok() && plan.take_at(later, 1).is_ok());
        assert_eq!(plan.take_at(later, 1), Err(Exceeded::Quota));
        assert!(plan.take_at(later, 86_400).is_ok(), "the next day");
    }

    #[test]
    fn periods() {
        let day = 86_400;
        assert_ne!(Period::Day.number(day - 1), Period::Day.number(day));
        // 1970-01-05 was a Monday.
        assert_ne!(
            Period::Week.number(4 * day - 1),
            Period::Week.number(4 * day)
        );
        assert_eq!(
            Period::Week.number(4 * day),
            Period::Week.number(11 * day - 1)
        );
        assert_ne!(
            Period::Month.number(31 * day - 1),
            Period::Month.number(31 * day)
        );
    }
}
