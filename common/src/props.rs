//! Java `.properties` files as both originals read them, and the environment variables of their Docker images.
//!
//! In: text with `key=value`, `key: value` or `key value` lines, `#` and `!` comments, `\` continuations and
//! escapes, spaces round the separator. Out: the keys in file order, the last of a repeated key winning.
//! A file that is not UTF-8 is read as ISO-8859-1, as Java does.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use thiserror::Error;

/// Keys and values of a configuration, in the order in which they were written.
pub type Properties = IndexMap<String, String>;

/// Why a properties file could not be read.
#[derive(Debug, Error)]
pub enum PropsError {
    /// The file is missing or unreadable.
    #[error("cannot read the properties file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A `\u` escape that is not four hexadecimal digits.
    #[error("line {line}: malformed \\uxxxx escape in \"{text}\"")]
    BadEscape {
        /// Line number, from 1.
        line: usize,
        /// The offending piece of text.
        text: String,
    },
    /// A properties error inside a named file.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<PropsError>,
    },
}

/// Reads the file at `path`.
pub fn read_file(path: impl AsRef<Path>) -> Result<Properties, PropsError> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| PropsError::Read {
        path: path.into(),
        source,
    })?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => error
            .into_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect(),
    };
    parse(&text).map_err(|source| PropsError::InFile {
        path: path.into(),
        source: Box::new(source),
    })
}

/// Parses the text of a properties file.
pub fn parse(text: &str) -> Result<Properties, PropsError> {
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n");
    let mut properties = Properties::new();
    let mut lines = text.split(['\n', '\r']).enumerate();
    while let Some((number, line)) = lines.next() {
        let mut logical = line.trim_start_matches(is_blank).to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while ends_in_continuation(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start_matches(is_blank));
        }
        let (key, value) = split_entry(&logical);
        properties.insert(unescape(key, number + 1)?, unescape(value, number + 1)?);
    }
    Ok(properties)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

fn ends_in_continuation(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// The key ends at the first `=`, `:` or blank that is not escaped; blanks round the separator are dropped.
fn split_entry(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line
        .char_indices()
        .find(|(_, c)| {
            let stop = !escaped && (is_blank(*c) || matches!(c, '=' | ':'));
            escaped = *c == '\\' && !escaped;
            stop
        })
        .map_or(line.len(), |(at, _)| at);
    let rest = line[end..].trim_start_matches(is_blank);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (&line[..end], value.trim_start_matches(is_blank))
}

fn unescape(text: &str, line: usize) -> Result<String, PropsError> {
    if !text.contains('\\') {
        return Ok(text.to_owned());
    }
    let mut units = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            push_char(&mut units, c);
            continue;
        }
        match chars.next() {
            Some('t') => units.push(u16::from(b'\t')),
            Some('n') => units.push(u16::from(b'\n')),
            Some('r') => units.push(u16::from(b'\r')),
            Some('f') => units.push(0x0c),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let unit = u16::from_str_radix(&digits, 16)
                    .ok()
                    .filter(|_| digits.len() == 4);
                units.push(unit.ok_or_else(|| PropsError::BadEscape {
                    line,
                    text: format!("\\u{digits}"),
                })?);
            }
            Some(other) => push_char(&mut units, other),
            None => {}
        }
    }
    Ok(String::from_utf16_lossy(&units))
}

fn push_char(units: &mut Vec<u16>, c: char) {
    let mut buffer = [0; 2];
    units.extend_from_slice(c.encode_utf16(&mut buffer));
}

/// The settings that the Docker images of the originals take from the environment: `PREFIX_BOOTSTRAP_SERVERS`
/// is `bootstrap.servers`, `__` stands for `_` and `___` for `-`. Variables that configure the JVM, not the
/// program, are left out.
pub fn env_overlay(
    prefix: &str,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Properties {
    variables
        .into_iter()
        .filter_map(|(name, value)| {
            let rest = name.strip_prefix(prefix)?;
            (!rest.is_empty() && !is_jvm_variable(rest)).then(|| (env_key(rest), value))
        })
        .collect()
}

fn is_jvm_variable(rest: &str) -> bool {
    const JVM: [&str; 12] = [
        "HEAP_OPTS",
        "OPTS",
        "JVM_PERFORMANCE_OPTS",
        "GC_LOG_OPTS",
        "LOG_DIR",
        "CLASSPATH",
        "DEBUG",
        "GC_ENABLED",
        "HOME",
        "CUB_KAFKA_TIMEOUT",
        "CUB_KAFKA_MIN_BROKERS",
        "USER",
    ];
    JVM.contains(&rest)
        || ["JMX_", "LOG4J", "CUB_"]
            .iter()
            .any(|start| rest.starts_with(start))
}

fn env_key(rest: &str) -> String {
    rest.to_ascii_lowercase()
        .replace("___", "-")
        .replace("__", "\u{1}")
        .replace('_', ".")
        .replace('\u{1}', "_")
}

/// The entries whose key starts with `prefix`, with the prefix cut off.
pub fn with_prefix(properties: &Properties, prefix: &str) -> Properties {
    properties
        .iter()
        .filter_map(|(key, value)| {
            key.strip_prefix(prefix)
                .filter(|rest| !rest.is_empty())
                .map(|rest| (rest.to_owned(), value.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn get(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.into(), value.into())
    }

    #[test]
    fn separators_comments_and_blanks() {
        let text =
            "# c\n! c\n\n a = b c \nx:y\nk v\nclient.security.protocol = SASL_SSL\nempty=\nlone\n";
        let expected = [
            pair("a", "b c "),
            pair("x", "y"),
            pair("k", "v"),
            pair("client.security.protocol", "SASL_SSL"),
            pair("empty", ""),
            pair("lone", ""),
        ];
        assert_eq!(get(text), expected);
    }

    #[test]
    fn continuations_and_escapes() {
        assert_eq!(
            get("a=1,\\\n   2,\\\r\n  3\nb=x"),
            [pair("a", "1,2,3"), pair("b", "x")]
        );
        assert_eq!(
            get("a\\=b\\ c = \\u00e9\\t\\\\ \\uD83D\\uDE00"),
            [pair("a=b c", "é\t\\ 😀")]
        );
        assert!(matches!(
            parse("ok=1\na=\\u12"),
            Err(PropsError::BadEscape { line: 2, .. })
        ));
    }

    #[test]
    fn the_last_of_a_repeated_key_wins_and_values_keep_their_equals_signs() {
        assert_eq!(get("a=1\na=user=\"x\";"), [pair("a", "user=\"x\";")]);
    }

    #[test]
    fn docker_variables_become_keys() {
        let variables = [
            ("KAFKA_REST_BOOTSTRAP_SERVERS", "k:9092"),
            ("KAFKA_REST_A__B___C", "1"),
            ("KAFKA_REST_HEAP_OPTS", "-Xmx1g"),
            ("KAFKA_REST_LOG4J_ROOT_LOGLEVEL", "INFO"),
            ("OTHER", "x"),
        ];
        let found = env_overlay(
            "KAFKA_REST_",
            variables.map(|(k, v)| (k.to_owned(), v.to_owned())),
        );
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [pair("bootstrap.servers", "k:9092"), pair("a_b-c", "1")]
        );
    }

    #[test]
    fn a_file_that_is_not_utf8_is_latin_1() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.properties");
        std::fs::write(&path, b"a=\xe9\n").unwrap();
        assert_eq!(read_file(&path).unwrap()["a"], "é");
        assert!(
            read_file(dir.path().join("none"))
                .unwrap_err()
                .to_string()
                .contains("none")
        );
    }
}
