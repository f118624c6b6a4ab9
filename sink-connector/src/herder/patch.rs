//! `PATCH /connectors/{name}/config`: some keys of a configuration changed.

use sluiceway_common::props::Properties;

use super::{ConfigPatch, HerderError};
use crate::value::java_hash;

/// The configuration `config` of the connector `name` with a patch on it, its members in the order in which Connect then
/// shows them.
///
/// # Errors
/// Another name; the original takes it, and has a connector whose configuration names another.
pub(super) fn patched(
    name: &str,
    mut config: Properties,
    patch: ConfigPatch,
) -> Result<Properties, HerderError> {
    if let Some(Some(other)) = patch.get("name")
        && other != name
    {
        let message = "The name of a connector cannot be changed";
        return Err(HerderError::BadRequest(message.into()));
    }
    let copied = config.len();
    for (key, value) in patch {
        match value {
            Some(value) => drop(config.insert(key, value)),
            None => drop(config.shift_remove(&key)),
        }
    }
    java_hash::order_copy(&mut config, copied);
    Ok(config)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn change(key: &str, value: Option<&str>) -> ConfigPatch {
        ConfigPatch::from([(key.to_owned(), value.map(str::to_owned))])
    }

    #[test]
    fn keys_are_set_and_taken_out_and_the_name_stays() {
        let config = Properties::from([
            ("flush.size".to_owned(), "1".to_owned()),
            ("topics".to_owned(), "t".to_owned()),
            ("name".to_owned(), "n".to_owned()),
        ]);
        let changed = |patch| patched("n", config.clone(), patch);
        let set = changed(change("flush.size", Some("2"))).unwrap();
        let keys: Vec<&String> = set.keys().collect();
        assert_eq!(keys, ["name", "flush.size", "topics"]);
        assert_eq!(set["flush.size"], "2");
        assert!(
            !changed(change("topics", None))
                .unwrap()
                .contains_key("topics")
        );
        assert!(changed(change("name", Some("n"))).is_ok());
        assert!(changed(change("name", Some("m"))).is_err());
        // What is wrong with a configuration without a name is told with its other errors.
        assert!(!changed(change("name", None)).unwrap().contains_key("name"));
    }
}
