//! Options of converters and clients: what is validated by itself and told behind the connector's own properties.
//!
//! In: a property's prefix and the configuration. Out: the options that a converter lists there, in the original's order.
//! A converter that the worker names is not told of, nor are options of clients that are right.

use sluiceway_common::props::{Properties, with_prefix};

use crate::config::{converter_option_values, nulls};
use crate::plugins::{self, KeyInfo};
use crate::value::java_hash;

/// Prefixes of what is validated by itself, in the order in which it is told.
pub(super) const PREFIXES: [&str; 6] = [
    "producer.override.",
    "consumer.override.",
    "admin.override.",
    "header.converter.",
    "key.converter.",
    "value.converter.",
];

/// Which of [`PREFIXES`] an error belongs to. That a value is null is told of the connector's own keys alone.
pub(super) fn prefix_of(key: &str, message: &str) -> Option<usize> {
    let at = PREFIXES.iter().position(|prefix| key.starts_with(prefix));
    at.filter(|_| message != nulls::GIVEN)
}

/// The options of the converter under `prefix`, where the configuration names one; with the values of those that are right.
pub(super) fn of_converter(prefix: &str, config: &Properties) -> Vec<(KeyInfo, Option<String>)> {
    let property = prefix.trim_end_matches('.');
    let named = config.get(property);
    let Some(plugin) = named.and_then(|class| plugins::find(class.trim())) else {
        return Vec::new();
    };
    let (values, _) = converter_option_values(property, plugin.class, with_prefix(config, prefix));
    let mut keys = plugins::converter_keys(plugin.class);
    let buckets = java_hash::buckets(keys.len());
    keys.sort_by_cached_key(|key| java_hash::bucket(&key.name, buckets));
    keys.into_iter()
        .map(|key| {
            let value = values.shown(&key.name);
            (key.prefixed(prefix), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(prefix: &str, pairs: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
        let pairs = pairs.iter();
        let config = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        of_converter(prefix, &config.collect())
            .into_iter()
            .map(|(key, value)| (key.name.into_owned(), value))
            .collect()
    }

    #[test]
    fn options_of_a_converter_stand_in_the_order_of_a_java_table() {
        let json = [
            ("value.converter", "JsonConverter"),
            ("value.converter.schemas.enable", "FALSE"),
            ("value.converter.schemas.cache.size", "x"),
        ];
        let expected = [
            ("value.converter.decimal.format", Some("BASE64")),
            ("value.converter.converter.type", Some("value")),
            ("value.converter.schemas.cache.size", None),
            ("value.converter.replace.null.with.default", Some("true")),
            ("value.converter.schemas.enable", Some("false")),
        ];
        assert_eq!(
            shown("value.converter.", &json),
            expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
        );
        assert!(shown("key.converter.", &json).is_empty());
    }

    #[test]
    fn converters_with_a_registry_list_nothing() {
        for class in ["AvroConverter", "SimpleHeaderConverter", "no.Such"] {
            assert!(shown("key.converter.", &[("key.converter", class)]).is_empty());
        }
        let string = shown("key.converter.", &[("key.converter", "StringConverter")]);
        assert_eq!(string.len(), 2);
        assert_eq!(string[0].1.as_deref(), Some("key"));
    }
}
