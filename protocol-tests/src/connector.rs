//! Properties of a connector as a user writes them, and the files they lie in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::Session;
use crate::s3::{Bucket, Place};

/// A connector's name and properties, in Java's own words.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Its name; the consumer group is `connect-<name>`.
    pub name: String,
    /// Everything but `name`.
    pub properties: BTreeMap<String, String>,
}

impl Connector {
    /// One task, String keys, JSON values without schema, JsonFormat, DefaultPartitioner, `flush.size` 3: what the
    /// recordings start from.
    #[must_use]
    pub fn json(session: &Session, name: &str, topics: &str, bucket: &Bucket) -> Self {
        let base = Self {
            name: session.name(name),
            properties: BTreeMap::new(),
        };
        base.set("connector.class", "io.confluent.connect.s3.S3SinkConnector")
            .set("tasks.max", "1")
            .set("topics", topics)
            .set("storage.class", "io.confluent.connect.s3.storage.S3Storage")
            .set(
                "format.class",
                "io.confluent.connect.s3.format.json.JsonFormat",
            )
            .set(
                "key.converter",
                "org.apache.kafka.connect.storage.StringConverter",
            )
            .set(
                "value.converter",
                "org.apache.kafka.connect.json.JsonConverter",
            )
            .set("value.converter.schemas.enable", "false")
            .set("flush.size", "3")
            .set("s3.part.size", "5242880")
            .store(&session.parts.s3, bucket.name())
    }

    /// Points it at a store and bucket.
    #[must_use]
    pub fn store(self, place: &Place, bucket: &str) -> Self {
        self.set("store.url", &place.endpoint)
            .set("s3.region", "us-east-1")
            .set("s3.bucket.name", bucket)
            .set("aws.access.key.id", &place.key)
            .set("aws.secret.access.key", &place.secret)
    }

    /// Sets a property.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.properties.insert(key.into(), value.into());
        self
    }

    /// Removes a property.
    #[must_use]
    pub fn unset(mut self, key: &str) -> Self {
        self.properties.remove(key);
        self
    }

    /// The consumer group of its tasks.
    #[must_use]
    pub fn group(&self) -> String {
        format!("connect-{}", self.name)
    }

    /// Writes it as a properties file.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write(&self, session: &Session) -> Result<PathBuf> {
        let file = session.file(&format!("{}.properties", self.name));
        let name = ("name".to_owned(), self.name.clone());
        let mut properties = vec![name];
        properties.extend(self.properties.clone());
        write_properties(&file, &properties)?;
        Ok(file)
    }
}

/// Writes a Java properties file.
///
/// # Errors
/// The file can't be written.
pub fn write_properties(file: &Path, properties: &[(String, String)]) -> Result<()> {
    let lines = properties
        .iter()
        .map(|(key, value)| format!("{}={}\n", escape(key, true), escape(value, false)));
    std::fs::write(file, lines.collect::<String>())?;
    Ok(())
}

/// Escapes as `java.util.Properties.store` does: blanks in keys and at the start of values, line ends, backslashes.
fn escape(text: &str, key: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (position, character) in text.chars().enumerate() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            ' ' if key || position == 0 => escaped.push_str("\\ "),
            '=' | ':' | '#' | '!' if key => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn values_survive_a_properties_file() {
        assert_eq!(escape(" \t|", false), "\\ \\t|");
        assert_eq!(escape("a=b:c #d\\", false), "a=b:c #d\\\\");
        assert_eq!(escape("a b=", true), "a\\ b\\=");
    }
}
