//! TLS towards the registry: trust and key stores in PEM.
//!
//! In: `ssl.*` settings. Out: the connector. What fails: a store that cannot be read, told without its content.

use std::sync::Arc;

use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::config::{ConfigProblem, TlsFiles};

const TRUST: &str = "schema.registry.ssl.truststore.location";
const IDENTITY: &str = "schema.registry.ssl.keystore.location";

/// The connector; without a trust store the system's certificates are trusted, which are read only when `https` is asked.
pub(super) fn connector(
    mut http: HttpConnector,
    files: &TlsFiles,
    https: bool,
) -> Result<HttpsConnector<HttpConnector>, ConfigProblem> {
    http.enforce_http(false);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid("schema.registry.ssl.protocol", error))?;
    let builder = match trust(files)? {
        Some(store) => builder.with_root_certificates(store),
        None if https => builder
            .with_native_roots()
            .map_err(|error| invalid(TRUST, error))?,
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    let config = match identity(files)? {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| invalid(IDENTITY, error))?,
        None => builder.with_no_client_auth(),
    };
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http))
}

fn invalid(key: &str, reason: impl std::fmt::Display) -> ConfigProblem {
    ConfigProblem::Invalid {
        key: key.to_owned(),
        reason: reason.to_string(),
    }
}

fn trust(files: &TlsFiles) -> Result<Option<RootCertStore>, ConfigProblem> {
    let pem = match (&files.trust_pem, &files.trust_file) {
        (Some(pem), _) => pem.as_bytes().to_vec(),
        (None, Some(path)) => read(TRUST, path)?,
        (None, None) => return Ok(None),
    };
    let mut store = RootCertStore::empty();
    for certificate in certificates(TRUST, &pem)? {
        store
            .add(certificate)
            .map_err(|error| invalid(TRUST, error))?;
    }
    Ok(Some(store))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(files: &TlsFiles) -> Result<Option<Identity>, ConfigProblem> {
    let (chain, key) = match (&files.chain_pem, &files.key_file) {
        (Some(chain), _) => (
            chain.as_bytes().to_vec(),
            files.key_pem.expose().as_bytes().to_vec(),
        ),
        (None, Some(path)) => {
            let bytes = read(IDENTITY, path)?;
            (bytes.clone(), bytes)
        }
        (None, None) => return Ok(None),
    };
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|_| invalid(IDENTITY, "there is no unencrypted PEM key in it"))?;
    Ok(Some((certificates(IDENTITY, &chain)?, key)))
}

fn certificates(key: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigProblem> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| invalid(key, "there is a malformed PEM certificate in it"))?;
    if found.is_empty() {
        return Err(invalid(key, "there is no PEM certificate in it"));
    }
    Ok(found)
}

/// Java's binary stores begin otherwise than PEM text does.
fn read(key: &str, path: &str) -> Result<Vec<u8>, ConfigProblem> {
    let bytes = std::fs::read(path).map_err(|error| invalid(key, format!("{path}: {error}")))?;
    match bytes.first() {
        Some(0x30 | 0xfe) => Err(invalid(
            key,
            format!("{path} is a PKCS#12 or Java keystore; convert it to PEM"),
        )),
        _ => Ok(bytes),
    }
}
