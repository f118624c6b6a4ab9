//! Configurations in JSON, of the REST API and of connector files.
//!
//! In: the members of a JSON object. Out: their texts. Numbers and booleans become the text that stands in the JSON
//! (`1.50`, `1e3`), as in the original.

use indexmap::IndexMap;
use serde_json::value::RawValue;
use sluiceway_common::props::Properties;
use thiserror::Error;

/// Members of a JSON object as they are written.
pub(crate) type Members = IndexMap<String, Box<RawValue>>;

/// A member that is neither text nor number, boolean or null.
#[derive(Debug, Error)]
#[error("The value of \"{0}\" must be a string, a number or a boolean")]
pub(crate) struct NotText(String);

/// The text of each member; null has none.
///
/// # Errors
/// An array or an object.
pub(crate) fn texts(members: Members) -> Result<IndexMap<String, Option<String>>, NotText> {
    members
        .into_iter()
        .map(|(key, value)| {
            let text = text(&key, &value)?;
            Ok((key, text))
        })
        .collect()
}

/// The members that have a text, and the keys of those that are null.
///
/// # Errors
/// An array or an object.
pub(crate) fn config(members: Members) -> Result<(Properties, Vec<String>), NotText> {
    let mut config = Properties::new();
    let mut nulls = Vec::new();
    for (key, text) in texts(members)? {
        match text {
            Some(text) => drop(config.insert(key, text)),
            None => nulls.push(key),
        }
    }
    Ok((config, nulls))
}

/// The text of the member `key`; null has none.
///
/// # Errors
/// An array or an object.
pub(crate) fn text(key: &str, value: &RawValue) -> Result<Option<String>, NotText> {
    let written = value.get();
    match written.as_bytes().first() {
        Some(b'"') => serde_json::from_str(written)
            .map(Some)
            .map_err(|_| NotText(key.to_owned())),
        Some(b'n') => Ok(None),
        Some(b'{' | b'[') | None => Err(NotText(key.to_owned())),
        Some(_) => Ok(Some(written.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_keep_their_text() {
        let json = r#"{"a": 1.50, "b":1e3 , "c": 123456789012345678901234567890, "d": true, "e": "\u0041\"", "f": null}"#;
        let members = || serde_json::from_str::<Members>(json).unwrap();
        let (config, nulls) = config(members()).unwrap();
        let texts: Vec<&str> = config.values().map(String::as_str).collect();
        let written = [
            "1.50",
            "1e3",
            "123456789012345678901234567890",
            "true",
            "A\"",
        ];
        assert_eq!(texts, written);
        assert_eq!(nulls, ["f"]);
        assert_eq!(super::texts(members()).unwrap()["f"], None);
    }

    #[test]
    fn arrays_and_objects_are_no_text() {
        for json in [r#"{"a": []}"#, r#"{"a": {"b": 1}}"#] {
            let error = config(serde_json::from_str(json).unwrap()).unwrap_err();
            assert!(error.to_string().contains("\"a\""), "{error}");
        }
    }
}
