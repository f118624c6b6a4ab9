//! Connector files of the command line: `.properties`, or JSON as a flat map or as `{"name": …, "config": {…}}`.
//!
//! In: a path. Out: a [`ConnectorFile`], which says what is wrong with a file instead of failing, because one bad
//! file must not keep the worker from starting.

use std::path::Path;

use serde::Deserialize;
use sluiceway_common::props::{self, Properties};

use super::json_config::{self, Members};
use crate::status::TargetState;

/// A connector that the worker should start.
#[derive(Clone, Debug)]
pub struct ConnectorFile {
    /// Where it comes from, for messages.
    pub source: String,
    /// What it says, or why it cannot be read.
    pub content: Result<ConnectorRequest, String>,
}

/// A connector as somebody asks for it. `Debug` leaves the configuration's values out, for they hold secrets.
#[derive(Clone)]
pub struct ConnectorRequest {
    /// Its name.
    pub name: String,
    /// Its configuration as written.
    pub config: Properties,
    /// Keys that it gives as null. Connect refuses most of them.
    pub nulls: Vec<String>,
    /// The state it begins in.
    pub initial_state: Option<TargetState>,
}

impl std::fmt::Debug for ConnectorRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<&String> = self.config.keys().collect();
        f.debug_struct("ConnectorRequest")
            .field("name", &self.name)
            .field("keys", &keys)
            .field("initial_state", &self.initial_state)
            .finish()
    }
}

impl ConnectorFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Self {
        Self {
            source: path.display().to_string(),
            content: read(path),
        }
    }

    /// The configuration in the file at `path`, also where it lacks a name; and the keys that it gives as null.
    ///
    /// # Errors
    /// The file cannot be read, or holds no configuration.
    pub(crate) fn configuration(path: &Path) -> Result<(Properties, Vec<String>), String> {
        if is_json(path) {
            return read(path).map(|request| (request.config, request.nulls));
        }
        let config = props::read_file(path).map_err(|error| error.to_string())?;
        Ok((config, Vec::new()))
    }

    /// A connector that comes from the program itself; `config` holds its `name`.
    pub fn from_properties(source: &str, config: Properties) -> Self {
        Self {
            source: source.to_owned(),
            content: named(config, source),
        }
    }

    /// The name under which a bad file is shown: its own, when it has one, else the file's.
    pub(crate) fn name(&self) -> String {
        let stem = || {
            Path::new(&self.source)
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
        };
        match &self.content {
            Ok(request) => request.name.clone(),
            Err(_) => stem().unwrap_or_else(|| self.source.clone()),
        }
    }
}

fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn read(path: &Path) -> Result<ConnectorRequest, String> {
    if is_json(path) {
        let text = std::fs::read_to_string(path).map_err(|error| {
            format!("cannot read the connector file {}: {error}", path.display())
        })?;
        return from_json(&text, &path.display().to_string());
    }
    let config = props::read_file(path).map_err(|error| error.to_string())?;
    named(config, &path.display().to_string())
}

fn named(mut config: Properties, source: &str) -> Result<ConnectorRequest, String> {
    match config.get("name").map(|name| name.trim().to_owned()) {
        Some(name) if !name.is_empty() => {
            config.insert("name".into(), name.clone());
            Ok(ConnectorRequest {
                name,
                config,
                nulls: Vec::new(),
                initial_state: None,
            })
        }
        _ => Err(format!(
            "Connector configuration at '{source}' is missing the mandatory 'name' configuration"
        )),
    }
}

#[derive(Deserialize)]
struct Nested {
    name: String,
    config: Members,
    initial_state: Option<String>,
}

fn from_json(text: &str, source: &str) -> Result<ConnectorRequest, String> {
    let members: Members = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            format!("{source} is not a JSON object")
        } else {
            format!("{source} is not JSON: {error}")
        }
    })?;
    if members
        .get("config")
        .is_some_and(|config| config.get().starts_with('{'))
    {
        return nested(text, source);
    }
    let (config, nulls) = flat(members, source)?;
    Ok(ConnectorRequest {
        nulls,
        ..named(config, source)?
    })
}

fn nested(text: &str, source: &str) -> Result<ConnectorRequest, String> {
    let nested: Nested =
        serde_json::from_str(text).map_err(|error| format!("{source}: {error}"))?;
    let initial_state = nested.initial_state.as_deref().map(str::parse).transpose();
    let (mut config, mut nulls) = flat(nested.config, source)?;
    let name = nested.name.trim().to_owned();
    if config.get("name").is_some_and(|inner| inner.trim() != name) {
        return Err(format!(
            "{source}: the configuration's name differs from \"{name}\""
        ));
    }
    config.insert("name".into(), name);
    nulls.retain(|key| key != "name");
    Ok(ConnectorRequest {
        nulls,
        initial_state: initial_state
            .map_err(|error: crate::status::UnknownState| format!("{source}: {error}"))?,
        ..named(config, source)?
    })
}

fn flat(members: Members, source: &str) -> Result<(Properties, Vec<String>), String> {
    json_config::config(members).map_err(|error| format!("{source}: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(name: &str, text: &str) -> ConnectorFile {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        ConnectorFile::read(&path)
    }

    #[test]
    fn properties_flat_json_and_nested_json() {
        let texts = [
            ("a.properties", "name=n\nflush.size=3\n"),
            ("a.json", r#"{"name": "n", "flush.size": 3}"#),
            (
                "b.json",
                r#"{"name": " n ", "config": {"flush.size": "3"}}"#,
            ),
            ("c.json", r#"{"name": "n", "flush.size": 3, "x": null}"#),
        ];
        for (name, text) in texts {
            let request = file(name, text).content.unwrap();
            assert_eq!(request.nulls.is_empty(), !text.contains("null"), "{name}");
            assert_eq!(request.name, "n", "{name}");
            assert_eq!(request.config["flush.size"], "3", "{name}");
            assert_eq!(request.config["name"], "n", "{name}");
        }
    }

    #[test]
    fn the_initial_state_of_a_nested_file() {
        let request = file(
            "b.json",
            r#"{"name":"n","config":{},"initial_state":"paused"}"#,
        )
        .content
        .unwrap();
        assert_eq!(request.initial_state, Some(TargetState::Paused));
        assert!(
            file(
                "b.json",
                r#"{"name":"n","config":{},"initial_state":"asleep"}"#
            )
            .content
            .is_err()
        );
    }

    #[test]
    fn bad_files_say_why_and_keep_a_name() {
        let bad = [
            (
                "one.properties",
                "flush.size=3\n",
                "missing the mandatory 'name'",
            ),
            ("two.json", "{", "not JSON"),
            ("three.json", "[]", "not a JSON object"),
            ("four.json", r#"{"name":"n","a":{}}"#, "\"a\""),
            (
                "five.json",
                r#"{"name":"n","config":{"name":"m"}}"#,
                "differs",
            ),
        ];
        for (name, text, reason) in bad {
            let file = file(name, text);
            assert_eq!(file.name(), name.split('.').next().unwrap());
            let error = file.content.unwrap_err();
            assert!(error.contains(reason), "{name}: {error}");
        }
        let missing = ConnectorFile::read(Path::new("/nowhere/missing.properties"));
        assert_eq!(missing.name(), "missing");
        assert!(
            missing
                .content
                .unwrap_err()
                .contains("/nowhere/missing.properties")
        );
    }
}
