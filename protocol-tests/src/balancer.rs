//! A plain round-robin balancer: each connection goes to the next backend; one that cannot be connected to is skipped.
//! It knows nothing of HTTP, so nothing can stick to anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running balancer; it ends when dropped.
#[derive(Debug)]
pub struct Balancer {
    authority: String,
    task: JoinHandle<()>,
}

impl Balancer {
    /// Listens on a free port in front of these backends (`host:port`).
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(backends: Vec<String>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let authority = listener.local_addr()?.to_string();
        let (backends, turn) = (Arc::new(backends), Arc::new(AtomicUsize::new(0)));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (backends, turn) = (Arc::clone(&backends), Arc::clone(&turn));
                tokio::spawn(async move {
                    // A connection without a backend is closed: the client sees it.
                    let _ended = forward(client, &backends, &turn).await;
                });
            }
        });
        Ok(Self { authority, task })
    }

    /// `http://host:port`
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}", self.authority)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(mut client: TcpStream, backends: &[String], turn: &AtomicUsize) -> Result<()> {
    let first = turn.fetch_add(1, Ordering::Relaxed);
    let mut server = None;
    for number in 0..backends.len() {
        let backend = &backends[(first + number) % backends.len()];
        if let Ok(stream) = TcpStream::connect(backend).await {
            server = Some(stream);
            break;
        }
    }
    let mut server = server.context("no backend")?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
