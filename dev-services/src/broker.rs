//! An embedded Kafka broker **for development only**: one node, plain text, no transactions, no replication.
//!
//! What it does is Kafka's: clients find with `ApiVersions` which requests it answers (listed in `dispatch.rs`),
//! and each is answered with Kafka's rules and error codes: produce with every codec, idempotent producers, long
//! polling fetches, offsets by time, classic consumer groups with generation fencing, committed offsets with
//! metadata, topics, partitions and configs. Record batches are kept as they arrive, in segment files.
//!
//! What lies in the data folder (survives a restart, also after `kill -9`: a request is answered after its
//! `write`; nothing is fsynced, so a power cut may lose the last seconds):
//!
//! ```text
//! cluster.json                      cluster id
//! producer-ids                      next unused producer id
//! broker-configs.json               altered broker configs
//! offsets.log                       committed offsets, one JSON line each; compacted at start
//! topics/<topic>/topic.json         id, partition count, altered configs
//! topics/<topic>/<partition>/<base offset>.log, start-offset
//! lock                              held while a broker uses the folder
//! ```
//!
//! What is missing against Kafka, on purpose: transactions, log compaction (`cleanup.policy=compact` is stored and
//! nothing is removed), quotas, ACLs, TLS and SASL, group membership across a restart (members join again), expiry
//! of committed offsets, the new consumer group protocol (KIP-848), incremental fetch sessions.
//! Retention removes whole closed segments.

mod batch;
mod broker_configs;
mod clock;
mod commits;
mod config_keys;
mod configs;
mod connection;
mod dispatch;
mod error;
mod fetch;
mod files;
mod group;
mod group_admin;
mod groups;
mod list_offsets;
mod log;
mod member;
mod membership;
mod metadata;
mod node;
mod offsets;
mod produce;
mod producer_ids;
mod producers;
mod segment;
mod server;
mod topic;
mod topic_admin;
mod topics;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::service_thread::ServiceThread;
use node::Node;

/// What an embedded broker is started with. Fill in what differs: `BrokerOptions { port: 9092,
/// ..BrokerOptions::new(dir) }`.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// Where everything is kept; created when missing.
    pub data_dir: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one. Default 0.
    pub port: u16,
    /// Port on 127.0.0.1 that clients are told, for a broker behind something that forwards to it (TLS, faults).
    /// Default: the one it listens on.
    pub advertised_port: Option<u16>,
    /// Whether a metadata request that allows it creates a missing topic (`auto.create.topics.enable`). Default true.
    pub auto_create_topics: bool,
    /// Partitions of topics that are created without a count (`num.partitions`). Default 1.
    pub default_partitions: i32,
    /// Largest record batch in bytes, unless the topic says otherwise (`message.max.bytes`). Default 1,048,588.
    pub message_max_bytes: i32,
    /// Largest request in bytes; a larger one closes its connection (`socket.request.max.bytes`). Default 100 MiB.
    pub request_max_bytes: usize,
    /// Most bytes of records in one fetch answer (`fetch.max.bytes`). Default 55 MiB.
    pub fetch_max_bytes: i32,
    /// Longest metadata string of a committed offset in bytes (`offset.metadata.max.bytes`). Default 4,096.
    pub offset_metadata_max_bytes: usize,
    /// How long a group's first rebalance waits for more members (`group.initial.rebalance.delay.ms`). Default 0.
    pub group_initial_rebalance_delay: Duration,
    /// Shortest session time-out that a member may ask for (`group.min.session.timeout.ms`). Default 6 s.
    pub group_min_session_timeout: Duration,
    /// Longest session time-out that a member may ask for (`group.max.session.timeout.ms`). Default 30 min.
    pub group_max_session_timeout: Duration,
}

impl BrokerOptions {
    /// The defaults, with this data folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            port: 0,
            advertised_port: None,
            auto_create_topics: true,
            default_partitions: 1,
            message_max_bytes: 1_048_588,
            request_max_bytes: 100 * 1024 * 1024,
            fetch_max_bytes: 55 * 1024 * 1024,
            offset_metadata_max_bytes: 4_096,
            group_initial_rebalance_delay: Duration::ZERO,
            group_min_session_timeout: Duration::from_secs(6),
            group_max_session_timeout: Duration::from_secs(30 * 60),
        }
    }
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The port is taken, or may not be used.
    #[error("the development broker cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Another broker works in the data folder.
    #[error("data folder {} is in use by another broker", .0.display())]
    DataDirInUse(PathBuf),
    /// The data folder cannot be read or written, or holds something that this broker did not write.
    #[error("data folder {}: {source}", .path.display())]
    DataDir {
        /// The file or folder that failed.
        path: PathBuf,
        /// What the system said, or what is wrong with the content.
        source: io::Error,
    },
    /// No thread could be started.
    #[error("cannot start the broker's threads: {0}")]
    Thread(io::Error),
}

impl BrokerError {
    fn data_dir(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::DataDir { path, source }
    }
}

/// A running broker. Stops when dropped.
#[derive(Debug)]
pub struct Broker {
    address: SocketAddr,
    thread: ServiceThread,
}

impl Broker {
    /// Recovers what the data folder holds and listens. Returns when clients can connect.
    ///
    /// # Errors
    /// A taken port, a data folder that is in use, unreadable or not a broker's: see [`BrokerError`].
    // The work is in a plain function: it is compiled here, once, and not by each program that waits for it.
    pub async fn start(options: BrokerOptions) -> Result<Self, BrokerError> {
        Self::listen(options)
    }

    fn listen(options: BrokerOptions) -> Result<Self, BrokerError> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = std::net::TcpListener::bind(wanted)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|source| BrokerError::Listen {
                address: wanted,
                source,
            })?;
        let address = listener
            .local_addr()
            .map_err(|source| BrokerError::Listen {
                address: wanted,
                source,
            })?;
        let advertised = options.advertised_port.unwrap_or(address.port());
        let node = Node::open(options, advertised)?;
        tracing::info!(%address, "development broker started; it is not meant for production");
        let thread = ServiceThread::spawn("dev-broker", move |shutdown| {
            server::run(listener, node, shutdown)
        })
        .map_err(BrokerError::Thread)?;
        Ok(Self { address, thread })
    }

    /// `host:port` for a client's `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        self.address.to_string()
    }

    /// Stops listening, drops all connections, and waits until the data folder is free again.
    pub async fn stop(&self) {
        self.thread.stop().await;
    }
}
