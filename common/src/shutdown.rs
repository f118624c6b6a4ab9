//! From a signal to an orderly end: SIGINT or SIGTERM asks for a drain; a second one ends it at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Which signal asked for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// `kill`.
    Terminate,
}

impl Signal {
    /// The exit status a shell expects of a program that this signal ended.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Waits for SIGINT or SIGTERM.
///
/// # Errors
/// When the system refuses to install the handlers.
pub async fn wait_for_signal() -> std::io::Result<Signal> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => Ok(Signal::Interrupt),
        _ = terminate.recv() => Ok(Signal::Terminate),
    }
}

/// A token that is cancelled by the first SIGINT or SIGTERM; the second ends the process with its exit status.
///
/// # Errors
/// When the system refuses to install the handlers.
pub fn token_on_signal() -> std::io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => Signal::Interrupt,
                _ = terminate.recv() => Signal::Terminate,
            }
        };
        let first = next().await;
        tracing::info!(signal = ?first, "stopping: draining what is under way (once more ends at once)");
        stop.cancel();
        let second = next().await;
        tracing::warn!(signal = ?second, "ending at once");
        std::process::exit(second.exit_code());
    });
    Ok(token)
}
