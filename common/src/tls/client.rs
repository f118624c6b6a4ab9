//! What HTTP clients connect with: TLS by rustls, and without it for addresses that are not https.
//!
//! In: whose certificates are trusted, and an own one. Out: a connector. What fails: certificates that are none, or none at all.

use std::error::Error;
use std::sync::Arc;

use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use super::store::Identity;

/// What HTTP clients of programs with TLS connect with.
pub type Connector = HttpsConnector<HttpConnector>;

/// Whose certificates are trusted.
pub enum Trust {
    /// The system's.
    System,
    /// These authorities'.
    These(Vec<CertificateDer<'static>>),
    /// Nobody's: for addresses that are not https; no certificates are read for them.
    Nobody,
}

/// Why there is no connector.
#[derive(Debug, Error)]
pub enum ClientTlsError {
    /// The system's certificates cannot be read.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// A trusted certificate is none.
    #[error(transparent)]
    Trust(rustls::Error),
    /// The own certificate and its key do not fit.
    #[error(transparent)]
    Identity(rustls::Error),
    /// rustls has none of the versions of TLS that it should have.
    #[error(transparent)]
    Versions(rustls::Error),
}

/// Connections by HTTP/1.1, over TLS 1.2 or 1.3 where an address is https.
///
/// # Errors
/// See [`ClientTlsError`].
pub fn connector(
    mut http: HttpConnector,
    trust: Trust,
    identity: Option<Identity>,
) -> Result<Connector, ClientTlsError> {
    http.enforce_http(false);
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .map_err(ClientTlsError::Versions)?;
    let builder = match trust {
        Trust::System => builder.with_native_roots()?,
        Trust::These(authorities) => builder.with_root_certificates(roots(authorities)?),
        Trust::Nobody => builder.with_root_certificates(RootCertStore::empty()),
    };
    let config = match identity {
        Some(Identity { chain, key }) => builder
            .with_client_auth_cert(chain, key)
            .map_err(ClientTlsError::Identity)?,
        None => builder.with_no_client_auth(),
    };
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http))
}

/// Whether a request failed by TLS, not by the network: one side does not trust the other's certificate, or there is no TLS on the
/// other side. The same request fails again.
#[must_use]
pub fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An I/O error does not count what it wraps among its causes; there may be several inside one another.
        cause = match error.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    false
}

fn roots(authorities: Vec<CertificateDer<'static>>) -> Result<RootCertStore, ClientTlsError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(ClientTlsError::Trust)?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_said() {
        let none = Trust::These(vec![CertificateDer::from(vec![1, 2, 3])]);
        let failed = connector(HttpConnector::new(), none, None).err();
        assert!(matches!(failed, Some(ClientTlsError::Trust(_))));
        assert!(connector(HttpConnector::new(), Trust::Nobody, None).is_ok());
    }

    #[test]
    fn failures_of_tls_are_told_from_others() {
        let io = |inner: rustls::Error| std::io::Error::other(inner);
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(is_of_tls(&unknown));
        assert!(is_of_tls(&io(unknown.clone())));
        assert!(is_of_tls(&std::io::Error::other(io(unknown))));
        let alert = rustls::AlertDescription::CertificateRequired;
        assert!(is_of_tls(&io(rustls::Error::AlertReceived(alert))));
        assert!(!is_of_tls(&std::io::Error::other("reset")));
    }
}
