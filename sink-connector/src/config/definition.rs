//! Every property a connector has: [`definition`].
//!
//! Order, headings, types and defaults are those of the genuine connector's `/connector-plugins/…/config`, plus the
//! keys that it knows but does not list.

use std::sync::LazyLock;

use sluiceway_common::config_def::ConfigDef;

use super::{connector, errors, format, partitioner, rotation, s3, transforms, unsupported};

/// The headings of the framework's own properties.
pub(crate) const FRAMEWORK: [&str; 4] = ["Common", "Transforms", "Predicates", "Error Handling"];

/// The definition of a sink connector's properties: the framework's, the connector's, and the prefixes whose keys are
/// checked elsewhere.
pub fn definition() -> &'static ConfigDef {
    static DEFINITION: LazyLock<ConfigDef> = LazyLock::new(build);
    &DEFINITION
}

fn build() -> ConfigDef {
    let prefixes = [
        "key.converter.",
        "value.converter.",
        "header.converter.",
        "transforms.",
        "predicates.",
        "consumer.override.",
        "producer.override.",
        "admin.override.",
        "s3.credentials.provider.",
    ];
    let definition = ConfigDef::new()
        .keys("Common", connector::common_keys())
        .keys("Transforms", transforms::transform_keys())
        .keys("Predicates", transforms::predicate_keys())
        .keys("Error Handling", errors::keys())
        .keys("Connector", rotation::keys())
        .keys("Connector", format::connector_keys())
        .keys("Schema", rotation::schema_keys())
        .keys("S3", s3::keys())
        .keys("S3", format::s3_keys())
        .keys("S3", connector::null_keys())
        .keys("Keys and Headers", unsupported::key_and_header_keys())
        .keys("Storage", connector::storage_keys())
        .keys("Partitioner", partitioner::keys());
    prefixes.into_iter().fold(definition, ConfigDef::prefix)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Name, type, default of the properties that the genuine connector lists.
    const RECORDED: &str = include_str!("../../tests/data/connector-definition.tsv");

    #[test]
    fn types_and_defaults_are_those_of_the_genuine_connector() {
        use sluiceway_common::config_def::DefaultValue;
        for line in RECORDED.lines() {
            let [name, kind, default, importance] =
                line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let key = definition()
                .get(name)
                .unwrap_or_else(|| panic!("{name} is not declared"));
            assert_eq!(key.kind.name(), kind, "{name}");
            assert_eq!(key.importance.name(), importance, "{name}");
            let ours = match key.default {
                DefaultValue::Required => "required",
                DefaultValue::Null => "null",
                DefaultValue::Text(text) => text,
            };
            let theirs = default.trim_matches('"');
            // An unset password is shown as hidden.
            assert!(
                ours == theirs || (theirs == "[hidden]" && ours == "null"),
                "{name}: {ours} is not {theirs}"
            );
        }
    }

    #[test]
    fn every_key_is_documented() {
        for key in definition().iter() {
            assert!(key.doc.len() > 10 && key.doc.ends_with('.'), "{}", key.name);
            assert!(!key.group.is_empty(), "{}", key.name);
        }
    }

    /// Run with `SLUICEWAY_WRITE_DOCS=1` to write the tables anew.
    #[test]
    fn the_documentation_has_every_key() {
        const BEGIN: &str = "<!-- generated from the definition: begin -->\n";
        const END: &str = "<!-- generated from the definition: end -->";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration-sink.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (head, rest) = text.split_once(BEGIN).unwrap();
        let (tables, tail) = rest.split_once(END).unwrap();
        let expected = definition().to_markdown();
        if std::env::var_os("SLUICEWAY_WRITE_DOCS").is_some() {
            std::fs::write(path, format!("{head}{BEGIN}{expected}{END}{tail}")).unwrap();
            return;
        }
        assert!(
            tables == expected,
            "docs/configuration-sink.md is behind the definition"
        );
    }
}
