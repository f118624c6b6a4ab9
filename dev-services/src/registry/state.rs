//! What a registry knows, as it is kept in a file: schemas by id, versions by subject, levels and modes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A language of schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Kind {
    /// Apache Avro; what a request without `schemaType` means.
    Avro,
    /// JSON Schema.
    Json,
    /// Protocol Buffers.
    Protobuf,
}

impl Kind {
    /// The word of `schemaType`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Json => "JSON",
            Self::Protobuf => "PROTOBUF",
        }
    }

    /// The kind of a word.
    pub(super) fn of(word: &str) -> Option<Self> {
        let all = [Self::Avro, Self::Json, Self::Protobuf];
        all.into_iter().find(|kind| kind.word() == word)
    }
}

/// Another schema that one refers to by a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reference {
    /// The name in the schema's text.
    pub(super) name: String,
    /// Where the other one is registered.
    pub(super) subject: String,
    /// Its version there.
    pub(super) version: i64,
}

/// A schema's text and everything that makes it another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schema {
    /// Its language.
    pub(super) kind: Kind,
    /// Canonical text.
    pub(super) text: String,
    /// In the order of registration.
    #[serde(default)]
    pub(super) references: Vec<Reference>,
}

/// A version of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    /// Counted from 1.
    pub(super) number: u32,
    /// Of its schema.
    pub(super) id: u32,
    /// Deleted for a while.
    #[serde(default)]
    pub(super) deleted: bool,
}

/// Everything.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// By id, counted from 1.
    pub(super) schemas: BTreeMap<u32, Schema>,
    /// By subject, in their order.
    pub(super) subjects: BTreeMap<String, Vec<Version>>,
    /// Compatibility levels of subjects; under the empty name the one of all others.
    pub(super) levels: BTreeMap<String, String>,
    /// Modes of subjects; under the empty name the one of all others.
    pub(super) modes: BTreeMap<String, String>,
    /// The highest id that was ever given.
    pub(super) last_id: u32,
}

const FILE: &str = "schemas.json";

impl State {
    /// Reads the state that lies in a folder; an empty one if there is none.
    ///
    /// # Errors
    /// The folder can't be made, the file can't be read or holds something else.
    pub(super) fn read(folder: &Path) -> Result<Self, (PathBuf, io::Error)> {
        let path = folder.join(FILE);
        let failed = |error| (path.clone(), error);
        std::fs::create_dir_all(folder).map_err(failed)?;
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Replaces the file in a folder: whoever reads it finds the old state or the new one.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let new = folder.join(format!("{FILE}.new"));
        let file = std::fs::File::create(&new)?;
        serde_json::to_writer(&file, self)?;
        file.sync_all()?;
        std::fs::rename(new, folder.join(FILE))
    }
}
