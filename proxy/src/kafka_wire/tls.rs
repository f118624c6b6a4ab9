//! TLS to the brokers, with the certificates that the admin client's settings name.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use sluiceway_common::secret::Secret;
use sluiceway_common::tls::store::{Source, Store};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::connection::Stream;
use super::error::WireError;
use super::settings::TlsSettings;

/// Shakes hands over a connection to `host:port`. Certificates are read anew each time: renewed ones are used without
/// a restart.
pub(crate) async fn handshake(
    tcp: TcpStream,
    address: &str,
    settings: &TlsSettings,
) -> Result<Box<dyn Stream>, WireError> {
    let settings = settings.clone();
    let config = tokio::task::spawn_blocking(move || client_config(&settings)).await;
    let config = config
        .map_err(|error| error.to_string())
        .and_then(|config| config)
        .map_err(|reason| WireError::Authentication(format!("SSL handshake failed: {reason}")))?;
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| WireError::Authentication(format!("SSL handshake failed: {error}")))?;
    match TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
    {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error)
            if error
                .get_ref()
                .is_some_and(|inner| inner.is::<rustls::Error>()) =>
        {
            Err(WireError::Authentication(format!(
                "SSL handshake failed: {error}"
            )))
        }
        Err(error) => Err(WireError::io(address, &error)),
    }
}

fn client_config(settings: &TlsSettings) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = Arc::new(roots(settings)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| error.to_string())?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = if settings.check_name {
        builder.with_webpki_verifier(verifier)
    } else {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyName(verifier)))
    };
    match identity(settings)? {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| error.to_string()),
    }
}

fn roots(settings: &TlsSettings) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match store(
        settings.ca_file.as_deref(),
        settings.ca_pem.as_deref(),
        settings,
    ) {
        Some(store) => {
            for certificate in store.trusted().map_err(|error| error.to_string())? {
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("no trusted authority was found".to_owned());
    }
    Ok(roots)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Certificates and key may stand in two files, as librdkafka's names allow.
fn identity(settings: &TlsSettings) -> Result<Option<Identity>, String> {
    let certificate = store(
        settings.certificate_file.as_deref(),
        settings.certificate_pem.as_deref(),
        settings,
    );
    let key = store(
        settings.key_file.as_deref(),
        settings.key_pem.as_deref(),
        settings,
    );
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Ok(None);
    };
    let chain = certificate.trusted().map_err(|error| error.to_string())?;
    let key = key.private_key().map_err(|error| error.to_string())?;
    Ok(Some((chain, key)))
}

/// PEM, as text or in a file.
fn store(file: Option<&str>, text: Option<&str>, settings: &TlsSettings) -> Option<Store> {
    let source = match (text, file) {
        (Some(text), _) => Source::Text(Secret::new(text)),
        (None, Some(file)) => Source::File(file.to_owned()),
        (None, None) => return None,
    };
    Some(Store {
        source,
        kind: Some("PEM".to_owned()),
        password: None,
        key_password: settings.key_password.clone(),
    })
}

/// Trusts a certificate of a trusted authority whatever name it is for
/// (`ssl.endpoint.identification.algorithm` set empty).
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified =
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
