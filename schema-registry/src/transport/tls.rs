//! TLS towards the registry: trust and key stores in PEM, PKCS#12 and JKS.
//!
//! In: `ssl.*` settings. Out: the connector. What fails: a store that cannot be read, told without its content.

use hyper_util::client::legacy::connect::HttpConnector;
use sluiceway_common::tls::client::{self, ClientTlsError, Connector, Trust};
use sluiceway_common::tls::settings::StoreSettings;
use sluiceway_common::tls::store::{Store, StoreError};

use crate::config::{ConfigProblem, TlsStores};

const TRUST: &str = "ssl.truststore";
const IDENTITY: &str = "ssl.keystore";

/// The connector; without a trust store the system's certificates are trusted, which are read only when `https` is asked.
pub(super) fn connector(
    http: HttpConnector,
    stores: &TlsStores,
    https: bool,
) -> Result<Connector, ConfigProblem> {
    let trust = match &stores.trust {
        Some(trust) => {
            let trusted = Store::from(trust).trusted();
            Trust::These(trusted.map_err(|error| refused(stores, TRUST, trust, &error))?)
        }
        None if https => Trust::System,
        None => Trust::Nobody,
    };
    let identity = stores.identity.as_ref().map(|settings| {
        let identity = Store::from(settings).identity();
        identity.map_err(|error| refused(stores, IDENTITY, settings, &error))
    });
    client::connector(http, trust, identity.transpose()?).map_err(|error| {
        let key = match error {
            ClientTlsError::System(_) | ClientTlsError::Trust(_) => "ssl.truststore.location",
            ClientTlsError::Identity(_) => "ssl.keystore.location",
            ClientTlsError::Versions(_) => "ssl.protocol",
        };
        invalid(stores, key, error)
    })
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
