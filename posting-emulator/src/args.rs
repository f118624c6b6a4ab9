//! The command line.

use std::{num::NonZeroUsize, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};
use posting_emulator::{
    DatetimeFormat, KinesisTarget, Options, OptionsError, Pace, Protocol, ProxyTarget, SdkKeys,
    Target,
};

/// Emulates users who post pins: takes rows of three tables at random and prints them, posts them to a Kafka REST
/// proxy, puts them into Kinesis streams, or both. The tables are made up, or those of a real database.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) args: Args,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create the three tables in a database and fill them with synthetic rows
    #[cfg(feature = "mysql")]
    Load(LoadArgs),
}

/// Where the database is.
#[cfg(feature = "mysql")]
#[derive(Debug, clap::Args)]
pub(crate) struct DatabaseArgs {
    /// Read rows from this database: mysql://user:password@host:3306/database. The password can be seen in the list
    /// of processes: the variable POSTING_EMULATOR_DATABASE_URL or a file keeps it out of there.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,

    /// The same from a YAML file with HOST, USER, PASSWORD, DATABASE and PORT.
    #[arg(long, value_name = "FILE", conflicts_with = "database_url")]
    database_file: Option<std::path::PathBuf>,
}

/// What to load.
#[cfg(feature = "mysql")]
#[derive(Debug, clap::Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,

    /// Rows of each table.
    #[arg(long, default_value_t = 11_001, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rows: u64,

    /// Same seed, same rows.
    #[arg(long, default_value_t = 100)]
    pub(crate) seed: u64,

    /// Rows of one INSERT.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=2000))]
    pub(crate) batch: u64,

    /// Remove tables of these names first.
    #[arg(long)]
    pub(crate) replace: bool,
}

/// The run's options.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[cfg(feature = "mysql")]
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,

    /// Post to this proxy or gateway stage (http://host:8082, http://host/test). Without it and without
    /// --kinesis-url, the three dictionaries are printed.
    #[arg(long, value_name = "URL")]
    proxy_url: Option<String>,

    /// Put into Kinesis streams `streaming-<user>-pin`, `-geo` and `-user` there (http://host:8082, http://host/test); with
    /// --proxy-url besides that.
    #[arg(long, value_name = "URL")]
    kinesis_url: Option<String>,

    /// How Kinesis is spoken to. `sdk` takes AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION from the environment.
    #[arg(long, value_enum, default_value_t = KinesisProtocol::Resource)]
    kinesis_protocol: KinesisProtocol,

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
enum KinesisProtocol {
    /// PUT /streams/<name>/record, as behind API Gateway
    Resource,
    /// PutRecord as AWS SDKs send it, signed
    Sdk,
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
        let proxy = self.proxy_url.as_deref();
        let proxy = proxy.map(|url| self.proxy_target(url)).transpose()?;
        let streams = self.kinesis_url.as_deref();
        let streams = streams.map(|url| self.kinesis_target(url)).transpose()?;
        let target = match (proxy, streams) {
            (None, None) => Target::Console,
            (Some(proxy), None) => Target::Proxy(proxy),
            (None, Some(streams)) => Target::Streams(streams),
            (Some(proxy), Some(streams)) => Target::Both(proxy, streams),
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

    fn kinesis_target(&self, url: &str) -> Result<KinesisTarget, OptionsError> {
        let protocol = match self.kinesis_protocol {
            KinesisProtocol::Resource => Protocol::Resource,
            KinesisProtocol::Sdk => {
                let variable = |name: &'static str| {
                    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
                    value.ok_or(OptionsError::Variable(name))
                };
                let region = variable("AWS_REGION").or_else(|_| variable("AWS_DEFAULT_REGION"));
                Protocol::Sdk(SdkKeys::new(
                    &variable("AWS_ACCESS_KEY_ID")?,
                    &variable("AWS_SECRET_ACCESS_KEY")?,
                    &region.unwrap_or_else(|_| "us-east-1".to_owned()),
                ))
            }
        };
        let mut endpoint = self.proxy_target(url)?;
        if matches!(protocol, Protocol::Sdk(_)) {
            // The signature is the credential; no SDK sends another one.
            endpoint.api_key = None;
        }
        Ok(KinesisTarget { endpoint, protocol })
    }

    fn proxy_target(&self, url: &str) -> Result<ProxyTarget, OptionsError> {
        const API_KEY: &str = "POSTING_EMULATOR_API_KEY";
        let mut target = ProxyTarget::new(url)?;
        if let Some(key) = std::env::var(API_KEY).ok().filter(|key| !key.is_empty()) {
            target = target.with_api_key(&key)?;
        }
        target.connect_timeout = Duration::from_millis(self.connect_timeout_ms);
        target.request_timeout = Duration::from_millis(self.request_timeout_ms);
        target.retry.retries = self.retries;
        Ok(target)
    }
}

// === impl DatabaseArgs ===

#[cfg(feature = "mysql")]
impl DatabaseArgs {
    /// Where the database is, if one is named.
    pub(crate) fn credentials(
        &self,
    ) -> Result<
        Option<posting_emulator::database::Credentials>,
        posting_emulator::database::CredentialsError,
    > {
        use posting_emulator::database::Credentials;
        const VARIABLE: &str = "POSTING_EMULATOR_DATABASE_URL";
        if let Some(file) = &self.database_file {
            return Credentials::from_file(file).map(Some);
        }
        let url = self.database_url.clone();
        let url = url.or_else(|| std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()));
        url.map(|url| Credentials::from_url(&url)).transpose()
    }
}
