//! Accepts connections, and runs what happens by the clock: session time-outs and retention.

use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::clock::now_ms;
use super::connection;
use super::node::Node;

/// How often retention is applied.
const RETENTION_INTERVAL: Duration = Duration::from_secs(30);
/// Pause after a failed accept (no free file descriptor, for instance).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `shutdown`; then drops all connections.
pub(crate) async fn run(listener: StdListener, node: Node, shutdown: CancellationToken) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the development broker cannot listen"),
    };
    let node = Arc::new(node);
    let mut connections = JoinSet::new();
    let serving = async {
        tokio::join!(
            accept(&listener, &node, &mut connections),
            node.groups.keep_time(),
            retain(&node)
        );
    };
    tokio::select! {
        () = serving => {}
        () = shutdown.cancelled() => {}
    }
    connections.shutdown().await;
    tracing::info!("development broker stopped");
}

async fn accept(listener: &TcpListener, node: &Arc<Node>, connections: &mut JoinSet<()>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => drop(connections.spawn(converse(Arc::clone(node), stream, peer))),
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn converse(node: Arc<Node>, stream: TcpStream, peer: std::net::SocketAddr) {
    if let Err(error) = connection::serve(&node, stream, peer).await {
        tracing::debug!(%peer, %error, "connection closed");
    }
}

async fn retain(node: &Node) {
    let mut tick = tokio::time::interval(RETENTION_INTERVAL);
    loop {
        tick.tick().await;
        for topic in node.topics.all() {
            let settings = topic.settings();
            for log in topic.logs() {
                log.apply_retention(settings.retention_bytes, settings.retention_ms, now_ms());
            }
        }
    }
}
