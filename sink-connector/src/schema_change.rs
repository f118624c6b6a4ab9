//! What a record whose schema differs from its file's does to the file (`schema.compatibility`).
//!
//! In: a mode, the record's schema and the file's. Out: a [`Change`]: write as it is, project to the file's schema, or
//! close the files and begin new ones. Fails with a `SchemaProjectorException` where the original has no answer.

mod compatibility;
mod projector;

pub use projector::project;

use std::sync::Arc;

use crate::error::Exception;
use crate::value::SchemaRef;

/// `SchemaProjectorException`: schemas cannot be compared or a value not be projected.
pub const SCHEMA_PROJECTOR_EXCEPTION: &str =
    "org.apache.kafka.connect.errors.SchemaProjectorException";

/// `schema.compatibility`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaCompatibility {
    /// Every difference begins a new file.
    None,
    /// Records are projected to a newer schema; a newer record begins a new file.
    Backward,
    /// Records are projected to an older schema; an older record begins a new file.
    Forward,
    /// As `BACKWARD`.
    Full,
}

impl SchemaCompatibility {
    /// The mode of this name; an unknown one is `NONE`, as in the original.
    pub fn of(name: &str) -> Self {
        match name {
            "BACKWARD" => Self::Backward,
            "FORWARD" => Self::Forward,
            "FULL" => Self::Full,
            _ => Self::None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::Forward => "FORWARD",
            Self::Full => "FULL",
        }
    }

    /// What a record of schema `record` does to a file of schema `file`.
    ///
    /// # Errors
    /// Records with and without schema in one file; a schema without version where versions decide.
    pub fn change(
        self,
        record: Option<&SchemaRef>,
        file: Option<&SchemaRef>,
    ) -> Result<Change, Exception> {
        let (record, file) = match (record, file) {
            (None, None) => return Ok(Change::Same),
            (Some(_), None) => return Ok(Change::NewFile),
            (None, Some(_)) => {
                return Err(refused(
                    "Switch between schema-based and schema-less data is not supported",
                ));
            }
            (Some(record), Some(file)) => (record, file),
        };
        if Arc::ptr_eq(record, file) || record == file {
            return Ok(Change::Same);
        }
        if self == Self::None {
            return Ok(Change::NewFile);
        }
        let (Some(version), Some(current)) = (record.version, file.version) else {
            let name = self.name();
            return Err(refused(format!(
                "Schema version required for {name} compatibility"
            )));
        };
        let wrong_version = match self {
            Self::Forward => version < current,
            _ => version > current,
        };
        Ok(match wrong_version || !compatibility::fits(record, file) {
            true => Change::NewFile,
            false => Change::Project,
        })
    }
}

/// What is done with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is written as it is.
    Same,
    /// It is written as the file's schema wants it.
    Project,
    /// The open files are closed; it begins new ones.
    NewFile,
}

fn refused(message: impl Into<String>) -> Exception {
    Exception::new(SCHEMA_PROJECTOR_EXCEPTION, message)
}

#[cfg(test)]
#[path = "schema_change/tests.rs"]
mod tests;
