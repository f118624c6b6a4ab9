//! The command line.

use std::{num::NonZeroUsize, time::Duration};

use clap::{Parser, ValueEnum};
use posting_emulator::{DatetimeFormat, Options, OptionsError, Pace, ProxyTarget, Target};

/// Emulates users who post pins: takes rows of three tables at random and prints them, or posts
/// them to a Kafka REST proxy.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Post to this proxy or gateway stage (http://host:8082, http://host/test). Without it, the
    /// three dictionaries are printed.
    #[arg(long, value_name = "URL")]
    proxy_url: Option<String>,

    /// The user whose topics `<user>.pin`, `<user>.geo` and `<user>.user` are posted to.
    #[arg(long, default_value = "0a1b2c3d4e5f", value_name = "12 HEX DIGITS")]
    user: String,

    /// Same seed, same rows in the same order.
    #[arg(long, default_value_t = 100)]
    seed: u64,

    /// Rows in each table.
    #[arg(long, default_value_t = 11_001)]
    rows: u64,

    /// Stop after this many posts. Without it: until Ctrl-C.
    #[arg(long, value_name = "N")]
    posts: Option<u64>,

    /// Posts per second, 0 for as fast as answers come. Without it: a pause of 0 or 1 s before
    /// each post, as the original script.
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    rate: Option<f64>,

    /// Posts in flight at a time.
    #[arg(long, default_value = "1", value_name = "N")]
    workers: NonZeroUsize,

    /// How datetimes are spelled in the posted JSON: `2018-08-28 03:52:47` or `2018-08-28T03:52:47`.
    #[arg(long, value_enum, default_value_t = Datetime::Space)]
    datetime_format: Datetime,

    /// Longest wait for a connection, in milliseconds.
    #[arg(long, default_value_t = 5_000, value_name = "MS")]
    connect_timeout_ms: u64,

    /// Longest wait for an answer, in milliseconds, per attempt.
    #[arg(long, default_value_t = 30_000, value_name = "MS")]
    request_timeout_ms: u64,

    /// Attempts after a failed first one.
    #[arg(long, default_value_t = 7, value_name = "N")]
    retries: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Datetime {
    /// `%Y-%m-%d %H:%M:%S`
    Space,
    /// ISO 8601
    Iso,
}

// === impl Args ===

impl Args {
    /// The run's settings.
    pub(crate) fn options(self) -> Result<Options, OptionsError> {
        let target = match &self.proxy_url {
            None => Target::Console,
            Some(url) => Target::Proxy(self.proxy_target(url)?),
        };
        Ok(Options {
            seed: self.seed,
            rows: self.rows,
            user: self.user,
            pace: match self.rate {
                None => Pace::Original,
                Some(0.0) => Pace::Unlimited,
                Some(rate) => Pace::PerSecond(rate),
            },
            posts: self.posts,
            workers: self.workers,
            datetime_format: match self.datetime_format {
                Datetime::Space => DatetimeFormat::Space,
                Datetime::Iso => DatetimeFormat::Iso,
            },
            target,
        })
    }

    fn proxy_target(&self, url: &str) -> Result<ProxyTarget, OptionsError> {
        let mut target = ProxyTarget::new(url)?;
        target.connect_timeout = Duration::from_millis(self.connect_timeout_ms);
        target.request_timeout = Duration::from_millis(self.request_timeout_ms);
        target.retry.retries = self.retries;
        Ok(target)
    }
}
