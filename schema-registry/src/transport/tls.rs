//! TLS towards the registry: trust and key stores in PEM, PKCS#12 and JKS.
//!
//! In: `ssl.*` settings. Out: the connector. What fails: a store that cannot be read, told without its content.

use std::sync::Arc;

use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};
use sluiceway_common::tls::settings::StoreSettings;
use sluiceway_common::tls::store::{Identity, Store, StoreError};

use crate::config::{ConfigProblem, TlsStores};

const TRUST: &str = "ssl.truststore";
const IDENTITY: &str = "ssl.keystore";

/// The connector; without a trust store the system's certificates are trusted, which are read only when `https` is asked.
pub(super) fn connector(
    mut http: HttpConnector,
    stores: &TlsStores,
    https: bool,
) -> Result<HttpsConnector<HttpConnector>, ConfigProblem> {
    http.enforce_http(false);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(stores, "ssl.protocol", error))?;
    let location = |name: &str| format!("{name}.location");
    let builder = match &stores.trust {
        Some(trust) => builder.with_root_certificates(roots(stores, trust)?),
        None if https => builder
            .with_native_roots()
            .map_err(|error| invalid(stores, &location(TRUST), error))?,
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    let config = match &stores.identity {
        Some(identity) => {
            let store = Store::from(identity);
            let Identity { chain, key } = store
                .identity()
                .map_err(|error| refused(stores, IDENTITY, identity, &error))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| invalid(stores, &location(IDENTITY), error))?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http))
}

fn roots(stores: &TlsStores, trust: &StoreSettings) -> Result<RootCertStore, ConfigProblem> {
    let trusted = Store::from(trust).trusted();
    let trusted = trusted.map_err(|error| refused(stores, TRUST, trust, &error))?;
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots
            .add(certificate)
            .map_err(|error| invalid(stores, &format!("{TRUST}.location"), error))?;
    }
    Ok(roots)
}

fn refused(
    stores: &TlsStores,
    name: &str,
    settings: &StoreSettings,
    error: &StoreError,
) -> ConfigProblem {
    let last = match (&settings.location, name) {
        (Some(_), _) => "location",
        (None, TRUST) => "certificates",
        (None, _) => "key",
    };
    let advice = error.advice(&format!("{}{name}", stores.prefix));
    invalid(
        stores,
        &format!("{name}.{last}"),
        format!("{error}; {advice}"),
    )
}

fn invalid(stores: &TlsStores, key: &str, reason: impl std::fmt::Display) -> ConfigProblem {
    ConfigProblem::Invalid {
        key: format!("{}{key}", stores.prefix),
        reason: reason.to_string(),
    }
}
