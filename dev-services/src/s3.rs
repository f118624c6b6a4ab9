//! An embedded S3 server **for development only**: path-style requests with signatures checked, and every object a
//! plain file, at `<root>/<bucket>/<key>`.
//!
//! It knows buckets, objects (put, get with ranges, head, copy, delete one or many), conditional writes
//! (`If-None-Match: *`, `If-Match`), checksums (CRC32, CRC32C, CRC64NVME, SHA-1, SHA-256; also as trailers),
//! listing (versions 1 and 2, delimiters, pages), and multipart uploads with the listings of uploads and parts.
//! It knows no versioning, ACLs, policies, lifecycles, tags or encryption.
//!
//! What lies in the root:
//!
//! ```text
//! <bucket>/<key>                the object, nothing else; put in place by a rename
//! .dev-s3/attributes/<bucket>/  ETag, content type, user metadata and checksums of each object
//! .dev-s3/uploads/<upload id>/  parts of multipart uploads that are not complete
//! .dev-s3/incoming/             bodies that are being received; emptied at start
//! ```
//!
//! Files that are put into a bucket's folder by hand are objects too. A key cannot be both an object and a
//! "folder" of others (`a` and `a/b`); a segment that is empty, `.` or `..` is stored as `%empty` (at the end `%self`), `%dot`, `%dotdot`.

mod attributes;
mod body;
mod keys;
mod list;
mod listing;
mod multipart;
mod names;
mod objects;
mod server;
mod service;
mod store;
mod tagging;
mod uploads;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::service_thread::ServiceThread;
use store::Store;

/// What an embedded S3 server is started with. Fill in what differs: `S3Options { port: 9000,
/// ..S3Options::new(root) }`.
#[derive(Clone)]
pub struct S3Options {
    /// Folder of the buckets; created when missing.
    pub root: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one. Default 0.
    pub port: u16,
    /// The one access key. Default `dev`.
    pub access_key: String,
    /// Its secret. Default `devsecret`.
    pub secret_key: String,
}

impl S3Options {
    /// The defaults, with this root folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            port: 0,
            access_key: "dev".to_owned(),
            secret_key: "devsecret".to_owned(),
        }
    }
}

impl std::fmt::Debug for S3Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            root,
            port,
            access_key,
            secret_key: _,
        } = self;
        f.debug_struct("S3Options")
            .field("root", root)
            .field("port", port)
            .field("access_key", access_key)
            .finish_non_exhaustive()
    }
}

/// Why an S3 server did not start, or a bucket was not made.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// The port is taken, or may not be used.
    #[error("the development S3 server cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The root folder, or a bucket's, cannot be read or written.
    #[error("folder {}: {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another S3 server works in the root folder.
    #[error("folder {} is in use by another S3 server", .0.display())]
    RootInUse(PathBuf),
    /// A bucket name that S3 does not allow.
    #[error("{0:?} is not a valid bucket name")]
    BucketName(String),
    /// No thread could be started.
    #[error("cannot start the S3 server's threads: {0}")]
    Thread(io::Error),
}

/// A running S3 server. Stops when dropped.
#[derive(Debug)]
pub struct S3 {
    address: SocketAddr,
    store: Arc<Store>,
    thread: ServiceThread,
}

impl S3 {
    /// Opens the root folder and listens. Returns when clients can connect.
    ///
    /// # Errors
    /// A taken port, a root folder that is in use or cannot be written: see [`S3Error`].
    // The work is in a plain function: it is compiled here, once, and not by each program that waits for it.
    pub async fn start(options: S3Options) -> Result<Self, S3Error> {
        Self::listen(options)
    }

    fn listen(options: S3Options) -> Result<Self, S3Error> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let failed = |source| S3Error::Listen {
            address: wanted,
            source,
        };
        let listener = std::net::TcpListener::bind(wanted).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (store, lock) = Store::open(&options.root)?;
        let store = Arc::new(store);
        let service = service::build(Arc::clone(&store), &options);
        tracing::info!(%address, "development S3 server started; it is not meant for production");
        let thread = ServiceThread::spawn("dev-s3", move |shutdown| async move {
            server::run(listener, service, shutdown).await;
            drop(lock);
        })
        .map_err(S3Error::Thread)?;
        Ok(Self {
            address,
            store,
            thread,
        })
    }

    /// The URL for a client's endpoint setting; buckets are in the path.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a bucket unless it exists.
    ///
    /// # Errors
    /// A name that S3 does not allow, or a folder that cannot be made.
    pub async fn create_bucket(&self, name: &str) -> Result<(), S3Error> {
        self.store.create_bucket(name)
    }

    /// Stops listening, drops all connections, and waits until the root folder is free again.
    pub async fn stop(&self) {
        self.thread.stop().await;
    }
}
