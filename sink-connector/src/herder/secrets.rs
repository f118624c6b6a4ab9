//! Secrets in configurations: masked on the way out, put back when a masked configuration comes in.
//!
//! A key is secret when its definition says `PASSWORD` or its name says so; a password inside a URL is one too. A
//! value that is only a reference to a config provider is no secret. The original shows all of them.

use std::borrow::Cow;

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Kind};
use sluiceway_common::props::Properties;
use sluiceway_common::secret::{MASK, is_secret_name};

use crate::config::definition;
use crate::worker::Providers;

/// `config` as answers show it.
pub(crate) fn mask_config(config: &Properties, providers: &Providers) -> Properties {
    config
        .iter()
        .map(|(key, value)| (key.clone(), mask(key, value, providers).into_owned()))
        .collect()
}

/// A configuration that comes in, with each masked value replaced by what it masks in `old`.
///
/// # Errors
/// A mask of a secret that this connector does not have.
pub(crate) fn unmask_config(
    config: Properties,
    old: Option<&Properties>,
    providers: &Providers,
) -> Result<Properties, ConfigErrors> {
    let mut errors = ConfigErrors::default();
    let unmasked = config
        .into_iter()
        .map(|(key, value)| {
            let kept = old.and_then(|old| old.get(&key));
            let value = match kept {
                Some(secret) if mask(&key, secret, providers) == value => secret.clone(),
                _ => value,
            };
            if value == MASK && is_secret(&key) && kept.is_none_or(|kept| kept != MASK) {
                let reason = "this is the mask of a secret, and no value is known for it: send the secret itself";
                errors.0.push(ConfigError::invalid(&key, MASK, reason));
            }
            (key, value)
        })
        .collect();
    errors.into_result().map(|()| unmasked)
}

/// The part of AWS credentials that is shown in every signed request is no secret.
fn is_secret(key: &str) -> bool {
    let declared = definition()
        .get(key)
        .is_some_and(|known| known.kind == Kind::Password);
    declared || (is_secret_name(key) && !key.ends_with("access.key.id"))
}

fn mask<'a>(key: &str, value: &'a str, providers: &Providers) -> Cow<'a, str> {
    if value.is_empty() || providers.is_reference(value) {
        return Cow::Borrowed(value);
    }
    if is_secret(key) {
        return Cow::Borrowed(MASK);
    }
    mask_urls(value)
}

/// `scheme://user:password@host` → `scheme://user:********@host`, in each item of a list.
fn mask_urls(value: &str) -> Cow<'_, str> {
    if !value.contains("://") || !value.contains('@') {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.split(',').map(mask_url).collect::<Vec<_>>().join(","))
}

fn mask_url(url: &str) -> String {
    let masked = || {
        let (scheme, rest) = url.split_once("://")?;
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let at = rest[..authority_end].rfind('@')?;
        let (user, _) = rest[..at].split_once(':')?;
        Some(format!("{scheme}://{user}:{MASK}{}", &rest[at..]))
    };
    masked().unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sluiceway_common::props::parse;

    fn config(text: &str) -> Properties {
        parse(text).unwrap()
    }

    fn providers() -> Providers {
        let text = "config.providers=env\n\
            config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\n";
        Providers::from_worker(&config(text), &mut ConfigErrors::default())
    }

    #[test]
    fn secrets_are_masked_and_nothing_else() {
        let shown = mask_config(
            &config(
                "name=n\naws.access.key.id=dev\naws.secret.access.key=devsecret\ns3.sse.customer.key=k\n\
                 consumer.override.sasl.jaas.config=login\ns3.proxy.url=https://u:p@proxy:1/x\n\
                 value.converter.schema.registry.url=http://a:b@r1:1,http://r2:1\n\
                 value.converter.basic.auth.user.info=${env:AUTH}\ns3.proxy.password=\n",
            ),
            &providers(),
        );
        let expected = config(
            "name=n\naws.access.key.id=dev\naws.secret.access.key=********\ns3.sse.customer.key=********\n\
             consumer.override.sasl.jaas.config=********\ns3.proxy.url=https://u:********@proxy:1/x\n\
             value.converter.schema.registry.url=http://a:********@r1:1,http://r2:1\n\
             value.converter.basic.auth.user.info=${env:AUTH}\ns3.proxy.password=\n",
        );
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_mask_that_comes_back_keeps_the_old_value() {
        let old =
            config("aws.secret.access.key=devsecret\ns3.proxy.url=http://u:p@h:1\nflush.size=1\n");
        let sent = config(
            "aws.secret.access.key=********\ns3.proxy.url=http://u:********@h:1\nflush.size=2\n",
        );
        let got = unmask_config(sent, Some(&old), &providers()).unwrap();
        assert_eq!(
            got,
            config("aws.secret.access.key=devsecret\ns3.proxy.url=http://u:p@h:1\nflush.size=2\n")
        );
    }

    #[test]
    fn a_new_secret_replaces_the_old_one_and_a_mask_of_nothing_is_refused() {
        let old = config("aws.secret.access.key=devsecret\n");
        let got = unmask_config(
            config("aws.secret.access.key=other\n"),
            Some(&old),
            &providers(),
        )
        .unwrap();
        assert_eq!(got["aws.secret.access.key"], "other");
        let errors = unmask_config(
            config("aws.secret.access.key=********\n"),
            None,
            &providers(),
        )
        .unwrap_err();
        assert!(errors.0[0].message.contains("send the secret itself"));
    }
}
