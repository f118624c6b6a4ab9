//! The server's side of TLS: certificates into a configuration, handshakes, and new certificates without a restart.
//!
//! In: [`TlsSettings`]. Out: [`ServerTls`], whose [`ServerTls::accept`] turns a connection into a [`Stream`] and says
//! who the client is. A key store that is missing, wrong or expired fails the start; one that goes bad later leaves
//! the certificate in use as it is, and is logged.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::RwLock;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::certificate::Facts;
use super::settings::{ClientAuth, TlsSettings};
use super::store::{Identity, Store, StoreError};
use super::stream::{Client, Stream};

/// Certificates that end sooner are warned about.
const SOON: i64 = 14 * 86_400;

/// Why a listener cannot speak TLS.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store holds cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// Protocols and ciphers.
    #[error("{0}")]
    Settings(String),
}

/// A listener's TLS.
pub struct ServerTls {
    settings: TlsSettings,
    alpn: Vec<Vec<u8>>,
    current: RwLock<Arc<ServerConfig>>,
}

impl ServerTls {
    /// Reads the stores. `alpn` are the protocols that are offered, the most wanted first (`h2`, `http/1.1`).
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn load(settings: TlsSettings, alpn: &[&str]) -> Result<Arc<Self>, TlsError> {
        let alpn: Vec<Vec<u8>> = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let config = Arc::new(server_config(&settings, &alpn)?);
        Ok(Arc::new(Self {
            settings,
            alpn,
            current: RwLock::new(config),
        }))
    }

    /// Reads the stores again. Connections that are made from now on have what they hold.
    ///
    /// # Errors
    /// They are not usable; what was used until now stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = server_config(&self.settings, &self.alpn)?;
        *self.current.write() = Arc::new(config);
        Ok(())
    }

    /// Looks at the files from time to time, when `ssl.keystore.reload` is on, and reads them again when they change.
    pub async fn watch(self: Arc<Self>) {
        let Some(interval) = self.settings.reload else {
            return;
        };
        let mut seen = self.changed();
        loop {
            tokio::time::sleep(interval).await;
            let now = self.changed();
            if now == seen {
                continue;
            }
            let tls = Arc::clone(&self);
            let reloaded = tokio::task::spawn_blocking(move || tls.reload()).await;
            match reloaded {
                Ok(Ok(())) => {
                    seen = now;
                    tracing::info!("the certificates of the https listener were read again");
                }
                // Perhaps it is being written: it is tried again with the next look.
                Ok(Err(error)) => {
                    tracing::error!(%error, "new certificates cannot be used; the listener keeps the ones it has");
                }
                Err(error) => tracing::error!(%error, "certificates could not be read"),
            }
        }
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// The handshake failed or took too long, in rustls' words.
    pub async fn accept(
        &self,
        tcp: TcpStream,
        limit: Duration,
    ) -> std::io::Result<(Stream, Client)> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.current.read()));
        let shaken = tokio::time::timeout(limit, acceptor.accept(tcp)).await;
        let stream = shaken.map_err(|_| {
            std::io::Error::new(
                std::io::ErrorKind::TimedOut,
                "the handshake took longer than it may",
            )
        })??;
        let (_, session) = stream.get_ref();
        let leaf = session.peer_certificates().and_then(<[_]>::first);
        let subject = leaf.and_then(|leaf| Facts::read(leaf)).map(|f| f.subject);
        let principal = subject
            .as_deref()
            .and_then(|subject| self.settings.mapping.apply(subject));
        let client = Client {
            secure: true,
            principal: principal.map(Into::into),
        };
        Ok((Stream::Tls(Box::new(stream)), client))
    }

    /// Times of change of the files.
    fn changed(&self) -> Vec<Option<SystemTime>> {
        let stores = [&self.settings.keystore, &self.settings.truststore];
        let files = stores
            .into_iter()
            .flatten()
            .filter_map(|store| store.location.as_ref());
        files
            .map(|file| {
                std::fs::metadata(file)
                    .and_then(|data| data.modified())
                    .ok()
            })
            .collect()
    }
}

fn server_config(settings: &TlsSettings, alpn: &[Vec<u8>]) -> Result<ServerConfig, TlsError> {
    let unusable = |reason: String| TlsError::Unusable(reason);
    let keystore = settings
        .keystore
        .as_ref()
        .map(Store::from)
        .ok_or_else(|| unusable("an https listener needs ssl.keystore.location".into()))?;
    let name = keystore.path().unwrap_or("the PEM text").to_owned();
    let Identity { chain, key } = keystore.identity()?;
    check_validity(&name, chain.first().map_or(&[][..], |leaf| leaf.as_ref()))?;
    let provider = Arc::new(provider(settings)?);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(settings)?)
        .map_err(|error| TlsError::Settings(format!("ssl.cipher.suites: {error}")))?;
    let builder = if settings.client_auth == ClientAuth::None {
        builder.with_no_client_auth()
    } else {
        let roots = Arc::new(roots(settings)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
        let verifier = match settings.client_auth {
            ClientAuth::Requested => verifier.allow_unauthenticated(),
            _ => verifier,
        };
        let verifier = verifier
            .build()
            .map_err(|error| unusable(format!("ssl.truststore.location: {error}")))?;
        builder.with_client_cert_verifier(verifier)
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| unusable(format!("{name}: {error}")))?;
    config.alpn_protocols = alpn.to_vec();
    Ok(config)
}

fn check_validity(store: &str, leaf: &[u8]) -> Result<(), TlsError> {
    let Some(facts) = Facts::read(leaf) else {
        return Err(TlsError::Unusable(format!(
            "{store}: its certificate cannot be read"
        )));
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    let (subject, until) = (&facts.subject, &facts.not_after_text);
    if now > facts.not_after {
        return Err(TlsError::Unusable(format!(
            "{store}: the certificate of {subject} expired at {until}; put a new one there"
        )));
    }
    if now < facts.not_before {
        return Err(TlsError::Unusable(format!(
            "{store}: the certificate of {subject} is not valid yet; see its dates and this machine's clock"
        )));
    }
    if facts.not_after - now < SOON {
        tracing::warn!(store, subject, until, "the certificate expires soon");
    }
    Ok(())
}

fn roots(settings: &TlsSettings) -> Result<RootCertStore, TlsError> {
    let truststore = settings.truststore.as_ref().ok_or_else(|| {
        TlsError::Settings(
            "ssl.client.authentication asks for certificates of clients; set ssl.truststore.location to the authorities that sign them".into(),
        )
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in Store::from(truststore).trusted()? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::Unusable(format!("ssl.truststore.location: {error}")))?;
    }
    Ok(roots)
}

fn versions(
    settings: &TlsSettings,
) -> Result<Vec<&'static rustls::SupportedProtocolVersion>, TlsError> {
    use rustls::version::{TLS12, TLS13};
    if settings.protocols.is_empty() {
        return Ok(vec![&TLS13, &TLS12]);
    }
    let mut versions = Vec::new();
    for name in &settings.protocols {
        match name.as_str() {
            "TLSv1.3" => versions.push(&TLS13),
            "TLSv1.2" => versions.push(&TLS12),
            old => tracing::warn!(
                protocol = old,
                "ssl.enabled.protocols: it is no longer safe and not offered"
            ),
        }
    }
    if versions.is_empty() {
        return Err(TlsError::Settings(
            "ssl.enabled.protocols: none of them is spoken; name TLSv1.3 or TLSv1.2".into(),
        ));
    }
    Ok(versions)
}

fn provider(settings: &TlsSettings) -> Result<rustls::crypto::CryptoProvider, TlsError> {
    let mut provider = rustls::crypto::ring::default_provider();
    if settings.cipher_suites.is_empty() {
        return Ok(provider);
    }
    let named = |suite: &rustls::SupportedCipherSuite| {
        let name = format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1);
        settings.cipher_suites.contains(&name)
    };
    let known: Vec<String> = provider
        .cipher_suites
        .iter()
        .map(|suite| format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1))
        .collect();
    for wanted in &settings.cipher_suites {
        if !known.contains(wanted) {
            tracing::warn!(suite = %wanted, "ssl.cipher.suites: it is not spoken here");
        }
    }
    provider.cipher_suites.retain(named);
    if provider.cipher_suites.is_empty() {
        return Err(TlsError::Settings(format!(
            "ssl.cipher.suites: none of them is spoken; there are {}",
            known.join(", ")
        )));
    }
    Ok(provider)
}
