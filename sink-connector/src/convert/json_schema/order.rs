//! The order of a STRUCT's fields: not that of the schema's text but that of a `java.util.HashMap` of the names, in which
//! the original keeps them. `connect.index` says another place.

use serde_json::{Map, Value as Json};

use crate::value::java_hash::{bucket, buckets};

/// Names and schemas of `properties` in the order of the map.
pub(super) fn hashed(properties: &Map<String, Json>) -> Vec<(&String, &Json)> {
    let buckets = buckets(properties.len());
    let mut found: Vec<_> = properties.iter().collect();
    found.sort_by_key(|(name, _)| bucket(name, buckets));
    found
}

/// Names and schemas of `properties` in the order of their fields.
pub(super) fn sorted(properties: &Map<String, Json>) -> Vec<(&String, &Json)> {
    let mut placed: Vec<(i64, (&String, &Json))> = Vec::with_capacity(properties.len());
    for (name, schema) in hashed(properties) {
        let index = schema.get("connect.index").and_then(Json::as_i64);
        let index = index.unwrap_or(placed.len() as i64);
        // As in a map by index, the later of two takes the place.
        placed.retain(|(other, _)| *other != index);
        placed.push((index, (name, schema)));
    }
    placed.sort_by_key(|(index, _)| *index);
    placed.into_iter().map(|(_, property)| property).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let json: Map<String, Json> = serde_json::from_str(text).unwrap();
        sorted(&json)
            .into_iter()
            .map(|(name, _)| name.clone())
            .collect()
    }

    #[test]
    fn fields_stand_as_in_a_hash_map() {
        // Twelve names fit sixteen buckets, thirteen need thirty-two.
        let twelve = r#"{"s":{},"i":{},"i8":{},"n":{},"b":{},"a":{},"o":{},"e":{},"on":{},"d":{},"m":{},"ts":{}}"#;
        assert_eq!(
            names(twelve),
            [
                "a", "b", "s", "d", "e", "i", "m", "n", "i8", "o", "on", "ts"
            ]
        );
        let thirteen = twelve.replace(r#""d":{}"#, r#""u":{},"d":{}"#);
        assert_eq!(
            names(&thirteen),
            [
                "a", "b", "d", "e", "i", "m", "n", "i8", "o", "s", "u", "on", "ts"
            ]
        );
    }

    #[test]
    fn an_index_says_the_place() {
        assert_eq!(
            names(r#"{"a":{"connect.index":1},"b":{"connect.index":0}}"#),
            ["b", "a"]
        );
    }
}
