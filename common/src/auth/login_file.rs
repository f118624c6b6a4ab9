//! The file that Java's `java.security.auth.login.config` names: sections of login modules.
//!
//! ```text
//! KafkaRest {
//!     org.eclipse.jetty.jaas.spi.PropertyFileLoginModule required
//!     file="/etc/kafka-rest/password.properties";
//! };
//! ```
//!
//! In: the file's text and the section's name. Out: where the password file is.

use std::path::PathBuf;

use thiserror::Error;

use crate::jaas::JaasConfig;

/// Why no password file is found.
#[derive(Debug, Error)]
pub enum LoginFileError {
    /// No section of this name.
    #[error("it has no section {wanted}; it has {}", known.join(", "))]
    NoSection {
        /// The name.
        wanted: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// It cannot be read as a login configuration.
    #[error("it is not a JAAS login configuration: {0}")]
    Malformed(String),
    /// The section names no module that reads a password file.
    #[error(
        "the section {0} has no PropertyFileLoginModule with the option file; other login modules are Java classes and cannot run here"
    )]
    NoModule(String),
}

/// The password file of the section.
///
/// # Errors
/// See [`LoginFileError`].
pub fn password_file(text: &str, section: &str) -> Result<PathBuf, LoginFileError> {
    let sections = sections(text)?;
    let entries = sections.iter().find(|(name, _)| name == section);
    let Some((_, entries)) = entries else {
        return Err(LoginFileError::NoSection {
            wanted: section.to_owned(),
            known: sections.into_iter().map(|(name, _)| name).collect(),
        });
    };
    let file = entries
        .iter()
        .find(|entry| entry.module_name() == "PropertyFileLoginModule")
        .and_then(|entry| entry.option("file"));
    file.map(PathBuf::from)
        .ok_or_else(|| LoginFileError::NoModule(section.to_owned()))
}

/// The file that options of the JVM name: `-Djava.security.auth.login.config=…`, as in `KAFKAREST_OPTS`.
#[must_use]
pub fn named_by_options(options: &str) -> Option<String> {
    let name = "-Djava.security.auth.login.config=";
    let value = options
        .split_whitespace()
        .find_map(|word| word.trim_matches(['"', '\'']).strip_prefix(name))?;
    let value = value.trim_matches(['"', '\'']);
    Some(value.trim_start_matches("file:").to_owned())
}

fn sections(text: &str) -> Result<Vec<(String, Vec<JaasConfig>)>, LoginFileError> {
    let malformed = |reason: &str| LoginFileError::Malformed(reason.to_owned());
    let text = without_comments(text);
    let mut sections = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest
            .split_once('{')
            .ok_or_else(|| malformed("a section has no {"))?;
        let end = outside_quotes(after, '}').ok_or_else(|| malformed("a section has no }"))?;
        let mut entries = Vec::new();
        let mut body = after[..end].trim();
        while !body.is_empty() {
            let stop = outside_quotes(body, ';').unwrap_or(body.len());
            let entry = JaasConfig::parse(&body[..stop])
                .map_err(|error| LoginFileError::Malformed(error.to_string()))?;
            entries.push(entry);
            body = body.get(stop + 1..).unwrap_or_default().trim();
        }
        let name = name.trim().trim_matches('"').to_owned();
        sections.push((name, entries));
        rest = after[end + 1..].trim_start();
        rest = rest.strip_prefix(';').unwrap_or(rest).trim_start();
    }
    Ok(sections)
}

fn outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    text.find(|c: char| {
        quoted ^= c == '"';
        c == wanted && !quoted
    })
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut quoted) = (text, false);
    while let Some(c) = rest.chars().next() {
        if !quoted && rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, after)| after);
            continue;
        }
        if !quoted && (rest.starts_with("//") || c == '#') {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
            continue;
        }
        quoted ^= c == '"';
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FILE: &str = "// users\nOther { com.example.X optional; };\n\
        KafkaRest {\n  /* Jetty's */\n  org.eclipse.jetty.jaas.spi.PropertyFileLoginModule required\n\
          debug=\"true\"\n  file=\"/etc/rest//{a};b.properties\";\n};\n";

    #[test]
    fn the_file_of_a_section() {
        let found = password_file(FILE, "KafkaRest").unwrap();
        assert_eq!(found, PathBuf::from("/etc/rest//{a};b.properties"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = password_file(FILE, "Nope").unwrap_err().to_string();
        assert!(error.contains("Other, KafkaRest"), "{error}");
        assert!(matches!(
            password_file(FILE, "Other"),
            Err(LoginFileError::NoModule(_))
        ));
        assert!(password_file("KafkaRest { x", "KafkaRest").is_err());
    }

    #[test]
    fn options_of_the_jvm() {
        let options = "-Xmx1g -Djava.security.auth.login.config=/etc/jaas.conf -Dx=y";
        assert_eq!(named_by_options(options).unwrap(), "/etc/jaas.conf");
        assert_eq!(named_by_options("-Xmx1g"), None);
    }
}
