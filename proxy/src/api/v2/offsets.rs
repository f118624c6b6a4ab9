//! The answer to a produce request: `{"offsets":[…],"key_schema_id":null,"value_schema_id":null}`, an entry a record.

use http::StatusCode;

use crate::decimal::append as decimal;
use crate::error::codes;
use crate::prefer::Outcome;
use crate::produce::{Produced, RecordError};

/// Bytes of an entry, roughly.
const ENTRY_BYTES: usize = 72;

/// The ids of the schemas that keys and values were written with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SchemaIds {
    pub(super) key: Option<u32>,
    pub(super) value: Option<u32>,
}

/// An answer to a produce request.
pub(crate) struct Rendered {
    /// 401 or 403 when a record was refused for who the proxy is, else 200.
    pub(crate) status: StatusCode,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// What a strict status tells.
    pub(crate) outcome: Outcome,
}

/// The answer. `strict`: failures have the codes of their kinds.
pub(crate) fn render(produced: &Produced, ids: SchemaIds, strict: bool) -> Rendered {
    let mut offsets = Offsets::new(strict, produced.records);
    offsets.add(produced);
    offsets.finish(ids)
}

/// An answer that is being written.
pub(super) struct Offsets {
    out: Vec<u8>,
    strict: bool,
    status: StatusCode,
    outcome: Outcome,
    empty: bool,
}

impl Offsets {
    /// Without an entry yet; so many are expected.
    pub(super) fn new(strict: bool, expected: usize) -> Self {
        let mut out = Vec::with_capacity(64 + expected * ENTRY_BYTES);
        out.extend_from_slice(b"{\"offsets\":[");
        Self {
            out,
            strict,
            status: StatusCode::OK,
            outcome: Outcome::default(),
            empty: true,
        }
    }

    /// Adds the results of these records.
    pub(super) fn add(&mut self, produced: &Produced) {
        for result in produced.results() {
            match result {
                Ok((partition, offset)) => {
                    self.separate();
                    self.outcome.stored();
                    stored(&mut self.out, partition, offset);
                }
                Err(error) => self.fail(error),
            }
        }
    }

    /// Adds a failure.
    pub(super) fn fail(&mut self, mut error: RecordError) {
        self.separate();
        self.outcome.failed(error.strict);
        if self.strict {
            error.code = error.strict;
        }
        let refused = matches!(
            error.code,
            codes::KAFKA_AUTHENTICATION | codes::KAFKA_AUTHORIZATION
        );
        if refused && self.status == StatusCode::OK {
            self.status = error.code.status;
        }
        failed(&mut self.out, &error);
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// The whole answer.
    pub(super) fn finish(self, ids: SchemaIds) -> Rendered {
        let mut out = self.out;
        out.extend_from_slice(b"],\"key_schema_id\":");
        id(&mut out, ids.key);
        out.extend_from_slice(b",\"value_schema_id\":");
        id(&mut out, ids.value);
        out.push(b'}');
        Rendered {
            status: self.status,
            body: out,
            outcome: self.outcome,
        }
    }
}

fn id(out: &mut Vec<u8>, id: Option<u32>) {
    match id {
        Some(id) => decimal(out, id.into()),
        None => out.extend_from_slice(b"null"),
    }
}

fn stored(out: &mut Vec<u8>, partition: i32, offset: i64) {
    out.extend_from_slice(b"{\"partition\":");
    decimal(out, i64::from(partition));
    out.extend_from_slice(b",\"offset\":");
    decimal(out, offset);
    out.extend_from_slice(b",\"error_code\":null,\"error\":null}");
}

fn failed(out: &mut Vec<u8>, error: &RecordError) {
    out.extend_from_slice(b"{\"partition\":null,\"offset\":null,\"error_code\":");
    decimal(out, i64::from(error.code.number));
    out.extend_from_slice(b",\"error\":");
    out.extend_from_slice(
        serde_json::to_string(&error.message)
            .unwrap_or_default()
            .as_bytes(),
    );
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn entries() {
        let mut out = Vec::new();
        stored(&mut out, 3, 12);
        assert_eq!(
            out,
            br#"{"partition":3,"offset":12,"error_code":null,"error":null}"#
        );
        out.clear();
        failed(&mut out, &RecordError::new(codes::KAFKA, "a \"b\""));
        assert_eq!(
            out,
            br#"{"partition":null,"offset":null,"error_code":50002,"error":"a \"b\""}"#
        );
    }
}
