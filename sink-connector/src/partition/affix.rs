//! `s3.schema.partition.affix.type`: the name of a record's schema as a level of its own. Records of two schema names
//! are in two open files side by side, as recorded.

use super::Partitioner;
use crate::config::SchemaAffix;
use crate::error::RecordError;
use crate::record::SinkRecord;

/// Another partitioner's folders with `schema_name=…` before or after them.
pub(super) struct AffixPartitioner {
    inner: Box<dyn Partitioner>,
    affix: SchemaAffix,
    delim: String,
}

impl AffixPartitioner {
    pub(super) fn new(inner: Box<dyn Partitioner>, affix: SchemaAffix, delim: &str) -> Self {
        Self {
            inner,
            affix,
            delim: delim.to_owned(),
        }
    }
}

fn level(record: &SinkRecord<'_>, out: &mut String) {
    let schema = record.value.schema.as_deref();
    out.push_str("schema_name=");
    out.push_str(
        schema
            .and_then(|schema| schema.name.as_deref())
            .unwrap_or("null"),
    );
}

impl Partitioner for AffixPartitioner {
    fn time(&mut self, record: &SinkRecord<'_>, clock_ms: i64) -> Result<Option<i64>, RecordError> {
        self.inner.time(record, clock_ms)
    }

    fn encode(&mut self, record: &SinkRecord<'_>, out: &mut String) -> Result<(), RecordError> {
        if self.affix == SchemaAffix::Prefix {
            level(record, out);
            out.push_str(&self.delim);
        }
        self.inner.encode(record, out)?;
        if self.affix == SchemaAffix::Suffix {
            out.push_str(&self.delim);
            level(record, out);
        }
        Ok(())
    }

    fn clock_bucket(&self, clock_ms: i64) -> Option<i64> {
        self.inner.clock_bucket(clock_ms)
    }
}
