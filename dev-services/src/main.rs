//! The development servers as programs of their own: `dev-services broker`, `dev-services s3` and
//! `dev-services registry`. The address is
//! printed on one line of standard output when clients can connect; the log goes to standard error. Ends on
//! SIGTERM and Ctrl-C.
#![forbid(unsafe_code)]

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use dev_services::broker::{Broker, BrokerOptions};
use dev_services::registry::{Registry, RegistryOptions};
use dev_services::s3::{S3, S3Options};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A Kafka broker, an S3 server and a schema registry for development. Not for production: one node, no replication.
#[derive(Debug, Parser)]
#[command(version)]
struct Command {
    #[command(subcommand)]
    service: Service,
}

#[derive(Debug, Subcommand)]
enum Service {
    /// A Kafka broker; prints its bootstrap address.
    Broker(BrokerArgs),
    /// An S3 server; prints its endpoint URL.
    S3(S3Args),
    /// A schema registry; prints its URL.
    Registry(RegistryArgs),
}

#[derive(Debug, Args)]
struct RegistryArgs {
    /// Folder in which schemas survive a restart; without it they are kept in memory.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8081)]
    port: u16,
}

#[derive(Debug, Args)]
struct BrokerArgs {
    /// Folder for topics and offsets; created when missing.
    #[arg(long)]
    data_dir: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 9092)]
    port: u16,
    /// Partitions of topics that are created without a count.
    #[arg(long, default_value_t = 1)]
    partitions: i32,
    /// Do not create a topic when a client asks for one that does not exist.
    #[arg(long)]
    no_auto_create: bool,
}

#[derive(Debug, Args)]
struct S3Args {
    /// Folder of the buckets; created when missing.
    #[arg(long)]
    root: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 9000)]
    port: u16,
    /// A bucket to create; may be given more than once.
    #[arg(long)]
    bucket: Vec<String>,
    /// The one access key.
    #[arg(long, default_value = "dev")]
    access_key: String,
    /// Its secret.
    #[arg(long, default_value = "devsecret", hide_default_value = true)]
    secret_key: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let command = Command::parse();
    // Before the address is printed: who has read it may send a signal.
    let end = Signals::listen()?;
    match command.service {
        Service::Broker(args) => broker(args, end).await,
        Service::S3(args) => s3(args, end).await,
        Service::Registry(args) => registry(args, end).await,
    }
}

async fn broker(args: BrokerArgs, end: Signals) -> anyhow::Result<()> {
    let options = BrokerOptions {
        port: args.port,
        default_partitions: args.partitions,
        auto_create_topics: !args.no_auto_create,
        ..BrokerOptions::new(args.data_dir)
    };
    let broker = Broker::start(options).await?;
    println!("{}", broker.bootstrap());
    end.wait().await;
    broker.stop().await;
    Ok(())
}

async fn s3(args: S3Args, end: Signals) -> anyhow::Result<()> {
    let S3Args {
        root,
        port,
        bucket,
        access_key,
        secret_key,
    } = args;
    let s3 = S3::start(S3Options {
        root,
        port,
        access_key,
        secret_key,
    })
    .await?;
    for name in bucket {
        s3.create_bucket(&name).await?;
    }
    println!("{}", s3.endpoint());
    end.wait().await;
    s3.stop().await;
    Ok(())
}

async fn registry(args: RegistryArgs, end: Signals) -> anyhow::Result<()> {
    let RegistryArgs { data_dir, port } = args;
    let registry = Registry::start(RegistryOptions {
        folder: data_dir,
        port,
    })
    .await?;
    println!("{}", registry.url());
    end.wait().await;
    registry.stop().await;
    Ok(())
}

/// SIGINT and SIGTERM, caught from [`Signals::listen`] on.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?,
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
        })
    }

    /// Returns with the first of them.
    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
