//! Predicates: which records a transform is applied to.

pub(crate) mod has_header_key;
pub(crate) mod record_is_tombstone;
pub(crate) mod topic_name_matches;

use crate::record::SinkRecord;

/// One predicate with its options.
pub(crate) trait Predicate: Send {
    /// Whether it holds for the record.
    fn test(&self, record: &SinkRecord<'_>) -> bool;
}
