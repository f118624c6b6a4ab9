//! An embedded schema registry **for development only**: subjects, versions and ids of Avro, JSON Schema and Protobuf
//! schemas, with references, compatibility levels, modes, soft and hard deletion, and the error codes that clients of
//! Confluent's registry know.
//!
//! ```text
//! connection ─▶ server ─▶ routes (method, path) ─▶ subjects (what is registered; kept as one JSON file)
//!                                                     ├─▶ schema ─▶ avro | protobuf   (canonical text, errors)
//!                                                     └─▶ compatibility ─▶ avro | json_schema | protobuf
//! ```
//!
//! Not known: contexts other than the default one, metadata, rule sets, exporters, access control.

mod answer;
mod avro;
mod avro_compatibility;
mod compatibility;
mod json_compatibility;
mod protobuf;
mod protobuf_compatibility;
mod protobuf_text;
mod routes;
mod schema;
mod server;
mod state;
mod subjects;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::service_thread::ServiceThread;
use routes::Routes;
use subjects::Subjects;

/// What an embedded registry is started with.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// Folder in which schemas survive a restart; created when missing. None keeps them in memory.
    pub folder: Option<PathBuf>,
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
}

/// Why a registry did not start.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The port is taken, or may not be used.
    #[error("the development schema registry cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The folder cannot be read or written, or what lies there is no registry's.
    #[error("folder {}: {source}", .path.display())]
    Folder {
        /// The folder or the file in it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No thread could be started.
    #[error("cannot start the schema registry's threads: {0}")]
    Thread(io::Error),
}

/// A running registry. Stops when dropped.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    thread: ServiceThread,
}

impl Registry {
    /// Reads what was registered earlier and listens. Returns when clients can connect.
    ///
    /// # Errors
    /// A taken port, a folder that cannot be used: see [`RegistryError`].
    // The work is in a plain function: it is compiled here, once, and not by each program that waits for it.
    pub async fn start(options: RegistryOptions) -> Result<Self, RegistryError> {
        Self::listen(options)
    }

    fn listen(options: RegistryOptions) -> Result<Self, RegistryError> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let failed = |source| RegistryError::Listen {
            address: wanted,
            source,
        };
        let listener = std::net::TcpListener::bind(wanted).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let routes = Arc::new(Routes::new(Subjects::open(options.folder)?));
        tracing::info!(%address, "development schema registry started; it is not meant for production");
        let thread = ServiceThread::spawn("dev-registry", move |shutdown| {
            server::run(listener, routes, shutdown)
        })
        .map_err(RegistryError::Thread)?;
        Ok(Self { address, thread })
    }

    /// The URL for `schema.registry.url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening and drops all connections.
    pub async fn stop(&self) {
        self.thread.stop().await;
    }
}
