//! A server on a tokio runtime of its own, in its own thread: the owner's runtime may be single-threaded, blocked
//! or gone, and the server still answers and still ends. In: a name and the server's future; out: a handle that
//! stops it, at the latest when dropped.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

/// Worker threads of each server. Handlers are short; two let a long read pass by a small request.
const WORKERS: usize = 2;
/// How long blocking work may outlive the server's future before the threads are abandoned.
const GRACE: Duration = Duration::from_secs(2);

/// A running server thread. Dropping it stops the server and waits for its threads.
#[derive(Debug)]
pub(crate) struct ServiceThread {
    shutdown: CancellationToken,
    finished: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl ServiceThread {
    /// Runs the future that `server` makes until it ends; it should end when the token is cancelled.
    /// Everything that it has spawned is dropped afterwards.
    pub(crate) fn spawn<F, S>(name: &str, server: S) -> io::Result<Self>
    where
        S: FnOnce(CancellationToken) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name(name)
            .enable_all()
            .build()?;
        let (shutdown, finished) = (CancellationToken::new(), CancellationToken::new());
        let (token, done) = (shutdown.clone(), finished.clone().drop_guard());
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let _done = done;
                runtime.block_on(server(token));
                runtime.shutdown_timeout(GRACE);
            })?;
        Ok(Self {
            shutdown,
            finished,
            thread: Some(thread),
        })
    }

    /// Stops the server and waits until its threads are gone. May be called more than once.
    pub(crate) async fn stop(&self) {
        self.shutdown.cancel();
        self.finished.cancelled().await;
    }
}

impl Drop for ServiceThread {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of the server thread has been printed by the panic hook already.
            let _ = thread.join();
        }
    }
}
