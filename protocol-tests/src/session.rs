//! The surroundings of one test: parts, names nobody else uses, a folder, and the logs of every program that was
//! started, which are shown when the test fails.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::kafka::Kafka;
use crate::parts::{Kind, Parts};
use crate::program::tail;
use crate::s3::Bucket;

/// What a case gets.
pub struct Session {
    /// The parts.
    pub parts: Parts,
    /// Access to the broker.
    pub kafka: Kafka,
    run: String,
    folder: TempDir,
    logs: Mutex<Vec<PathBuf>>,
    files: AtomicU32,
}

impl Session {
    /// # Errors
    /// The parts can't be started or reached.
    pub async fn new(kind: Kind) -> Result<Self> {
        let parts = Parts::of(kind).await?;
        Ok(Self {
            kafka: Kafka::new(&parts.kafka)?,
            parts,
            run: format!("{:08x}", rand::random::<u32>()),
            folder: TempDir::with_prefix("protocol-tests-")?,
            logs: Mutex::default(),
            files: AtomicU32::new(0),
        })
    }

    /// A session on the three brokers of `cluster`, for a case that kills them.
    ///
    /// # Errors
    /// See [`Session::new`].
    pub async fn on(cluster: &Cluster) -> Result<Self> {
        let mut session = Self::new(Kind::Real).await?;
        session.parts.kafka.clone_from(&cluster.bootstrap);
        session.kafka = Kafka::new(&cluster.bootstrap)?.with_replicas(3);
        Ok(session)
    }

    /// Eight hexadecimal digits of this session.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// A name that no other session uses: `<base>-<run>`. Fit for topics, connectors, buckets.
    #[must_use]
    pub fn name(&self, base: &str) -> String {
        format!("{base}-{}", self.run)
    }

    /// Creates a topic of its own.
    ///
    /// # Errors
    /// The broker refuses or does not answer.
    pub async fn topic(&self, base: &str, partitions: i32) -> Result<String> {
        let name = self.name(base);
        self.kafka.create_topic(&name, partitions, &[]).await?;
        Ok(name)
    }

    /// Creates a bucket of its own.
    ///
    /// # Errors
    /// The store refuses or does not answer.
    pub async fn bucket(&self, base: &str) -> Result<Bucket> {
        let bucket = Bucket::new(&self.parts.s3, &self.name(base));
        bucket.create().await?;
        Ok(bucket)
    }

    /// A new file name in the session's folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("{number}-{name}"))
    }

    /// A new log file, shown if the test fails.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        let log = self.file(&format!("{name}.log"));
        if let Ok(mut logs) = self.logs.lock() {
            logs.push(log.clone());
        }
        log
    }

    fn show_logs(&self) {
        for log in self.logs.lock().iter().flat_map(|logs| logs.iter()) {
            eprintln!("{}", tail(Path::new(log)));
        }
    }
}

/// Shows the logs unless told that all is well, also when a case panics.
struct Witness<'a>(&'a Session, bool);

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.show_logs();
        }
    }
}

/// Runs one case on a session of its own. The test fails with the case's error and the programs' logs.
///
/// # Panics
/// The case failed.
pub fn run<F>(kind: Kind, name: &str, case: F)
where
    F: AsyncFnOnce(&Session) -> Result<()>,
{
    let outcome = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let mut session = Session::new(kind).await?;
            let result = {
                let mut witness = Witness(&session, false);
                let result = case(&session).await;
                witness.1 = result.is_ok();
                result
            };
            session.parts.stop().await;
            result
        })
    });
    if let Err(error) = outcome {
        panic!("{name}: {error:?}");
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?)
}
