//! In a build without TLS no listener speaks it, and a setting that asks for it fails the start.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpStream;

use super::settings::TlsSettings;
use super::stream::{Client, Stream};

/// Why a listener cannot speak TLS.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The build lacks it.
    #[error("this build has no TLS (feature `tls`): https listeners are not available")]
    NotBuilt,
}

/// There is none of this kind.
pub enum ServerTls {}

impl ServerTls {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn load(_: TlsSettings, _: &[&str]) -> Result<Arc<Self>, TlsError> {
        Err(TlsError::NotBuilt)
    }

    /// Cannot be called.
    pub async fn watch(self: Arc<Self>) {
        match *self {}
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub async fn accept(&self, _: TcpStream, _: Duration) -> std::io::Result<(Stream, Client)> {
        match *self {}
    }
}
