//! `listeners`, `listener.protocol.map`, `ssl.*` and `listener.name.<name>.ssl.*`: where the proxy listens, and how.

use std::collections::HashMap;

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};
use sluiceway_common::listener::ListenerSpec;
use sluiceway_common::props::Properties;
use sluiceway_common::tls::settings::TlsSettings;

/// The listeners, and TLS of those that speak it by their names.
pub(super) fn read(
    properties: &Properties,
    values: &Values,
    errors: &mut ConfigErrors,
) -> (Vec<ListenerSpec>, HashMap<String, TlsSettings>) {
    let listed = values.list("listeners");
    let default = [format!("http://0.0.0.0:{}", values.number("port"))];
    let texts = if listed.is_empty() {
        &default[..]
    } else {
        listed
    };
    let protocols = protocols(values, errors);
    let (mut specs, mut tls) = (Vec::new(), HashMap::new());
    for text in texts {
        if let Some(spec) = parse("listeners", text, errors) {
            secure("listeners", &spec, &protocols, properties, &mut tls, errors);
            specs.push(spec);
        }
    }
    for text in values.list(ADMIN) {
        if let Some(spec) = parse(ADMIN, text, errors) {
            secure(ADMIN, &spec, &protocols, properties, &mut tls, errors);
        }
    }
    (specs, tls)
}

const ADMIN: &str = "sluiceway.admin.listeners";

fn parse(key: &str, text: &str, errors: &mut ConfigErrors) -> Option<ListenerSpec> {
    ListenerSpec::parse(text)
        .map_err(|error| errors.0.push(ConfigError::invalid(key, text, error)))
        .ok()
}

/// `NAME:https,OTHER:http`: listeners may have names instead of protocols.
fn protocols(values: &Values, errors: &mut ConfigErrors) -> HashMap<String, String> {
    const KEY: &str = "listener.protocol.map";
    let mut map = HashMap::new();
    for item in values.list(KEY) {
        match item.split_once(':') {
            Some((name, protocol)) => {
                let lower = |text: &str| text.trim().to_ascii_lowercase();
                map.insert(lower(name), lower(protocol));
            }
            None => errors.0.push(ConfigError::invalid(
                KEY,
                item,
                "write NAME:http or NAME:https",
            )),
        }
    }
    map
}

fn secure(
    key: &str,
    spec: &ListenerSpec,
    protocols: &HashMap<String, String>,
    properties: &Properties,
    tls: &mut HashMap<String, TlsSettings>,
    errors: &mut ConfigErrors,
) {
    let name = &spec.scheme;
    match protocols.get(name).unwrap_or(name).as_str() {
        "http" => {}
        "https" => {
            let own = format!("listener.name.{name}.");
            match TlsSettings::read(properties, &[&own, ""]) {
                Ok(settings) => drop(tls.insert(name.clone(), settings)),
                Err((key, reason)) => {
                    let error = ConfigError::other(&key, format!("{key}: {reason}"));
                    if !errors.0.contains(&error) {
                        errors.0.push(error);
                    }
                }
            }
        }
        other => errors.0.push(ConfigError::invalid(
            key,
            &spec.to_string(),
            format!("{other} is not spoken; use http or https, or name its protocol in listener.protocol.map"),
        )),
    }
}
