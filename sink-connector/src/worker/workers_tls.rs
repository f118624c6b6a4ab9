//! TLS among distributed workers: whom one trusts that passes a request on, and the certificate that it shows.
//!
//! In: `listeners.https.ssl.*`, and without any of these `ssl.*`: the settings of the listeners themselves, as in Connect.

use sluiceway_common::props::Properties;
use sluiceway_common::tls::settings::StoreSettings;

use super::rest_config::in_use;

/// Stores of keys and certificates as the settings name them.
#[derive(Clone, Debug, Default)]
pub struct WorkersTls {
    /// What stands before the names of the settings.
    pub prefix: &'static str,
    /// `ssl.truststore.*`. `None`: the key store's certificates are trusted, and without one the system's.
    pub trust: Option<StoreSettings>,
    /// `ssl.keystore.*`: shown where the other worker asks for a certificate.
    pub identity: Option<StoreSettings>,
    /// `ssl.keystore.reload`: whether files are read anew for each request.
    pub reload: bool,
}

impl WorkersTls {
    pub(super) fn read(properties: &Properties) -> Self {
        let prefix = in_use("listeners.https.", properties);
        let text = |name: &str| {
            let value = properties.get(&format!("{prefix}{name}"))?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let reload = text("ssl.keystore.reload");
        Self {
            prefix,
            trust: StoreSettings::truststore(&text),
            identity: StoreSettings::keystore(&text),
            reload: reload.is_some_and(|value| value.eq_ignore_ascii_case("true")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sluiceway_common::props::parse;

    #[test]
    fn settings_with_the_prefix_count_only_together() {
        let read = |text: &str| WorkersTls::read(&parse(text).unwrap());
        let bare = "ssl.truststore.location=/kafka.jks\nssl.keystore.location=/key.pem\n";
        let found = read(bare);
        let location = |store: Option<StoreSettings>| store.unwrap().location.unwrap();
        assert_eq!(location(found.trust), "/kafka.jks");
        assert_eq!(
            (location(found.identity), found.prefix),
            ("/key.pem".into(), "")
        );
        let own = format!("{bare}listeners.https.ssl.keystore.location=/own.pem\n");
        let found = read(&own);
        assert!(found.trust.is_none());
        assert_eq!(location(found.identity), "/own.pem");
        assert_eq!((found.prefix, found.reload), ("listeners.https.", false));
    }
}
