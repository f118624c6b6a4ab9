//! TLS to the brokers, with the certificates that the admin client's settings name.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
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
    match pem(settings.ca_file.as_deref(), settings.ca_pem.as_deref())? {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| error.to_string())?;
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

fn identity(settings: &TlsSettings) -> Result<Option<Identity>, String> {
    let certificate = (
        settings.certificate_file.as_deref(),
        settings.certificate_pem.as_deref(),
    );
    let key = (settings.key_file.as_deref(), settings.key_pem.as_deref());
    let (Some(certificate), Some(key)) = (pem(certificate.0, certificate.1)?, pem(key.0, key.1)?)
    else {
        return Ok(None);
    };
    let chain = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    // What is wrong with a key is not told in detail: parts of it must not get into messages.
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|_| "the client's private key cannot be read".to_owned())?;
    Ok(Some((chain, key)))
}

fn pem(file: Option<&str>, text: Option<&str>) -> Result<Option<Vec<u8>>, String> {
    match (text, file) {
        (Some(text), _) => Ok(Some(text.as_bytes().to_vec())),
        (None, Some(file)) => std::fs::read(file)
            .map(Some)
            .map_err(|error| format!("{file}: {error}")),
        (None, None) => Ok(None),
    }
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
