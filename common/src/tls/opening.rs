//! How the connections of one listener are opened: as they are, or with a TLS handshake.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::server::ServerTls;
use super::settings::TlsSettings;
use super::stream::{Client, Stream};
use crate::listener::ListenerError;

/// See the module.
#[derive(Clone, Default)]
pub struct Opening(Option<Arc<ServerTls>>);

impl Opening {
    /// Reads the certificates of a listener; without settings it has none. `spec` is the listener in an error,
    /// `alpn` what HTTP may be spoken, the most wanted first.
    ///
    /// # Errors
    /// [`ListenerError::Tls`].
    pub fn load(
        settings: Option<&TlsSettings>,
        alpn: &[&str],
        spec: &str,
    ) -> Result<Self, ListenerError> {
        let tls = settings.map(|settings| ServerTls::load(settings.clone(), alpn));
        let tls = tls.transpose().map_err(|error| ListenerError::Tls {
            spec: spec.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self(tls))
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.is_some()
    }

    /// Reads changed certificates again until `stop`, when the settings ask for it. Call it on the runtime.
    pub fn watch(&self, stop: &CancellationToken) {
        if let Some(tls) = &self.0 {
            let (tls, stop) = (Arc::clone(tls), stop.clone());
            tokio::spawn(async move { stop.run_until_cancelled(tls.watch()).await });
        }
    }

    /// Opens a connection within `limit`.
    ///
    /// # Errors
    /// The handshake failed.
    pub async fn open(&self, tcp: TcpStream, limit: Duration) -> std::io::Result<(Stream, Client)> {
        match &self.0 {
            None => Ok((Stream::Plain(tcp), Client::default())),
            Some(tls) => tls.accept(tcp, limit).await,
        }
    }
}
