//! Single message transforms: Kafka Connect's own, under their Java names.
//!
//! In: a converted [`SinkRecord`] and the options under `transforms.<alias>.`. Out: the record changed in place, or
//! the word that it is dropped. Fails with the exception that the Java class would throw; what was changed before is
//! of no use then. One file a class; what several need is in [`support`], the table of classes in [`classes`].

mod cast;
pub(crate) mod classes;
mod drop_headers;
mod extract_field;
mod field_path;
mod filter;
mod flatten;
mod header_from;
mod hoist_field;
mod insert_field;
mod insert_header;
mod mask_field;
mod regex_router;
mod replace_field;
mod set_schema_metadata;
pub(crate) mod settings;
mod support;
mod timestamp_converter;
mod timestamp_router;
mod value_to_key;

use crate::error::Exception;
use crate::record::{Datum, SinkRecord};

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on.
    Keep,
    /// It is passed over.
    Drop,
}

/// One transform with its options.
pub(crate) trait Transform: Send {
    /// Changes the record.
    ///
    /// # Errors
    /// What the Java class would throw.
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception>;
}

/// Which part of a record a transform works on (`$Key`, `$Value`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Key,
    Value,
}

impl Side {
    /// That part of a record.
    pub(crate) fn of<'r, 'a>(self, record: &'r mut SinkRecord<'a>) -> &'r mut Datum<'a> {
        match self {
            Self::Key => &mut record.key,
            Self::Value => &mut record.value,
        }
    }
}
