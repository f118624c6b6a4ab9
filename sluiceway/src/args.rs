//! The command line, and what is checked before anything starts.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::Parser;
use posting_emulator::is_user_id;

/// Runs a Kafka broker, an S3 server, a schema registry, the REST proxy, the S3 sink and a stream of posts in one
/// process, and shows records on their way from HTTP to objects.
#[derive(Debug, Clone, Parser)]
#[command(version, args_override_self = true)]
pub(crate) struct Args {
    /// Stop after this many posts (three records each), wait for the sink and check that every
    /// acknowledged record lies in exactly one object. Without it: until Ctrl-C.
    #[arg(long, value_name = "N")]
    pub(crate) posts: Option<u64>,

    /// Posts per second; 0 for as fast as answers come.
    #[arg(long, default_value = "50", value_name = "R", value_parser = rate, allow_negative_numbers = true)]
    pub(crate) rate: f64,

    /// Posts in flight at a time.
    #[arg(long, default_value = "4", value_name = "N", value_parser = workers)]
    pub(crate) workers: NonZeroUsize,

    /// Same seed, same rows in the same order.
    #[arg(long, default_value_t = 100)]
    pub(crate) seed: u64,

    /// Whose posts: the topics are `<user>.pin`, `<user>.geo` and `<user>.user`.
    #[arg(long, default_value = "0a1b2c3d4e5f", value_name = "12 HEX DIGITS", value_parser = user_id)]
    pub(crate) user: String,

    /// Where the embedded parts keep their data. The next run with the same folder goes on.
    #[arg(long, default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,

    /// Settings of the REST proxy (docs/configuration-proxy.md). Where it listens, Kafka and the schema registry are
    /// those of this run, whatever the file says.
    #[arg(long, value_name = "FILE")]
    pub(crate) proxy_properties: Option<PathBuf>,

    /// Port of the REST proxy; 0 takes a free one.
    #[arg(long, default_value_t = 8082, value_name = "PORT")]
    pub(crate) proxy_port: u16,

    /// Port of the sink's Connect REST API; 0 takes a free one.
    #[arg(long, default_value_t = 8083, value_name = "PORT")]
    pub(crate) connect_port: u16,

    /// Port of the schema registry; 0 takes a free one.
    #[arg(long, default_value_t = 8081, value_name = "PORT")]
    pub(crate) registry_port: u16,

    /// Port of /metrics, /livez and /readyz; 0 takes a free one.
    #[arg(long, default_value_t = 9102, value_name = "PORT")]
    pub(crate) admin_port: u16,

    /// Port of the embedded broker; 0 takes a free one.
    #[arg(
        long,
        default_value_t = 0,
        value_name = "PORT",
        conflicts_with = "bootstrap_servers"
    )]
    pub(crate) kafka_port: u16,

    /// Port of the embedded S3; 0 takes a free one. Its keys are `dev` and `devsecret`.
    #[arg(
        long,
        default_value_t = 0,
        value_name = "PORT",
        conflicts_with = "s3_endpoint"
    )]
    pub(crate) s3_port: u16,

    /// A real Kafka instead of the embedded broker: host:port, comma separated.
    #[arg(long, value_name = "HOST:PORT,…")]
    pub(crate) bootstrap_servers: Option<String>,

    /// A real S3 instead of the embedded one, such as http://127.0.0.1:9000. Credentials and region
    /// come from the usual AWS variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION).
    #[arg(long, value_name = "URL")]
    pub(crate) s3_endpoint: Option<String>,

    /// The bucket. Default: user-<user>-bucket. On a real S3 it must exist.
    #[arg(long, value_name = "NAME")]
    pub(crate) s3_bucket: Option<String>,

    /// Longest wait at the end for acknowledged records to reach S3, in seconds.
    #[arg(long, default_value_t = 60, value_name = "S")]
    pub(crate) wait_seconds: u64,
}

fn user_id(text: &str) -> Result<String, String> {
    match is_user_id(text) {
        true => Ok(text.to_owned()),
        false => Err("must be 12 hexadecimal digits in lower case".to_owned()),
    }
}

fn workers(text: &str) -> Result<NonZeroUsize, String> {
    let workers = text.parse().ok();
    workers.ok_or_else(|| "must be a number from 1 on".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    rate.filter(|rate| (0.0..=1e6).contains(rate))
        .ok_or_else(|| "must be a number from 0 to 1000000".to_owned())
}

// === impl Args ===

impl Args {
    /// The bucket that objects go to.
    pub(crate) fn bucket(&self) -> String {
        let default = || format!("user-{}-bucket", self.user);
        self.s3_bucket.clone().unwrap_or_else(default)
    }

    /// Longest wait at the end.
    pub(crate) fn wait(&self) -> Duration {
        Duration::from_secs(self.wait_seconds)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory;

    use super::*;

    fn parse(args: &[&str]) -> Result<Args, String> {
        let args = ["sluiceway"].iter().chain(args);
        Args::try_parse_from(args).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_programs() {
        let args = parse(&[]).unwrap();
        let ports = (args.proxy_port, args.connect_port, args.admin_port);
        assert_eq!(ports, (8082, 8083, 9102));
        assert_eq!(args.registry_port, 8081);
        assert_eq!(args.bucket(), "user-0a1b2c3d4e5f-bucket");
        assert_eq!(args.data_dir, PathBuf::from("./data"));
        assert_eq!(args.posts, None);
    }

    #[test]
    fn a_bucket_may_be_named() {
        let args = parse(&["--s3-bucket", "mine", "--user", "ffffffffffff"]).unwrap();
        assert_eq!(args.bucket(), "mine");
    }

    #[test]
    fn rates_are_posts_per_second() {
        assert_eq!(parse(&["--rate", "0"]).unwrap().rate, 0.0);
        assert_eq!(parse(&["--rate", "0.5"]).unwrap().rate, 0.5);
        for bad in ["-1", "fast", "NaN", "inf"] {
            let message = parse(&["--rate", bad]).unwrap_err();
            assert!(message.contains("--rate"), "{message}");
        }
    }

    #[test]
    fn there_is_a_worker() {
        let message = parse(&["--workers", "0"]).unwrap_err();
        assert!(message.contains("a number from 1 on"), "{message}");
    }

    #[test]
    fn what_is_not_embedded_has_no_port() {
        assert_eq!(parse(&["--kafka-port", "9092"]).unwrap().kafka_port, 9092);
        for (port, real) in [
            ("--kafka-port=1", "--bootstrap-servers=a:1"),
            ("--s3-port=1", "--s3-endpoint=http://a"),
        ] {
            let message = parse(&[port, real]).unwrap_err();
            assert!(message.contains("cannot be used with"), "{message}");
            parse(&[real]).unwrap();
        }
    }

    #[test]
    fn a_user_that_is_no_user_id_is_refused() {
        let message = parse(&["--user", "me"]).unwrap_err();
        assert!(message.contains("--user"), "{message}");
        assert!(message.contains("12 hexadecimal digits"), "{message}");
    }
}
