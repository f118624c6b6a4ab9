//! The values of a row group, column by column, until they are encoded.

use bytes::Bytes;
use parquet::basic::Type as Physical;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedRowGroupWriter;

use super::layout::Column;
use crate::scratch;

/// What a value costs besides its own bytes: its two levels.
const LEVELS: usize = 4;

/// All columns of a row group.
pub(super) struct Columns {
    columns: Vec<Buffer>,
    /// How far each column was before the last record, and the bytes then.
    marks: Vec<(usize, usize)>,
    mark_bytes: usize,
    bytes: usize,
    rows: usize,
}

struct Buffer {
    values: Values,
    defined: Option<Vec<i16>>,
    repeated: Option<Vec<i16>>,
    levels: usize,
}

enum Values {
    Boolean(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Strings),
    Fixed(Strings),
}

/// Byte strings one behind the other: one piece of memory for all of a column.
#[derive(Default)]
struct Strings {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Strings {
    /// Appends one. Answers the bytes it takes.
    fn push(&mut self, value: &[u8]) -> usize {
        scratch::append(&mut self.bytes, value);
        self.ends.push(self.bytes.len());
        value.len() + size_of::<usize>()
    }

    fn truncate(&mut self, length: usize) {
        self.ends.truncate(length);
        self.bytes
            .truncate(self.ends.last().copied().unwrap_or_default());
    }

    /// All of them, as the library takes them; none is left.
    fn take(&mut self) -> Vec<ByteArray> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let mut start = 0;
        let slice = |end| bytes.slice(std::mem::replace(&mut start, end)..end).into();
        self.ends.drain(..).map(slice).collect()
    }
}

/// One value of a column.
pub(super) enum Scalar<'v> {
    Boolean(bool),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Bytes(&'v [u8]),
}

impl Columns {
    pub(super) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.iter().map(Buffer::new).collect(),
            marks: Vec::new(),
            mark_bytes: 0,
            bytes: 0,
            rows: 0,
        }
    }

    /// A record begins.
    pub(super) fn begin(&mut self) {
        self.marks.clear();
        self.marks
            .extend(self.columns.iter().map(|c| (c.values.len(), c.levels)));
        self.mark_bytes = self.bytes;
        self.rows += 1;
    }

    /// Takes the last record back.
    pub(super) fn take_back(&mut self) {
        for (column, (values, levels)) in self.columns.iter_mut().zip(&self.marks) {
            column.values.truncate(*values);
            column.levels = *levels;
            let cut = |kept: &mut Option<Vec<i16>>| {
                if let Some(kept) = kept {
                    kept.truncate(*levels);
                }
            };
            cut(&mut column.defined);
            cut(&mut column.repeated);
        }
        self.bytes = self.mark_bytes;
        self.rows = self.rows.saturating_sub(1);
    }

    /// Appends a value. False when it is none of the column.
    pub(super) fn value(
        &mut self,
        at: usize,
        scalar: &Scalar<'_>,
        defined: i16,
        repeated: i16,
    ) -> bool {
        let column = &mut self.columns[at];
        column.level(defined, repeated);
        let Some(bytes) = column.values.push(scalar) else {
            return false;
        };
        self.bytes += bytes + LEVELS;
        true
    }

    /// Appends nothing at this level.
    pub(super) fn nothing(&mut self, at: usize, defined: i16, repeated: i16) {
        self.columns[at].level(defined, repeated);
        self.bytes += LEVELS;
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Encodes everything into `group` and is empty then.
    pub(super) fn write(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    ) -> Result<()> {
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column()? else {
                return Err(ParquetError::General("a column is missing".to_owned()));
            };
            column.write(writer.untyped())?;
            writer.close()?;
            column.clear();
        }
        (self.bytes, self.rows) = (0, 0);
        Ok(())
    }
}

impl Buffer {
    fn new(column: &Column) -> Self {
        Self {
            values: Values::new(column.physical),
            defined: column.defined.then(Vec::new),
            repeated: column.repeated.then(Vec::new),
            levels: 0,
        }
    }

    fn level(&mut self, defined: i16, repeated: i16) {
        self.levels += 1;
        if let Some(levels) = &mut self.defined {
            levels.push(defined);
        }
        if let Some(levels) = &mut self.repeated {
            levels.push(repeated);
        }
    }

    fn write(&mut self, writer: &mut ColumnWriter<'_>) -> Result<()> {
        let (defined, repeated) = (self.defined.as_deref(), self.repeated.as_deref());
        match (writer, &mut self.values) {
            (ColumnWriter::BoolColumnWriter(w), Values::Boolean(v)) => {
                w.write_batch(v, defined, repeated)
            }
            (ColumnWriter::Int32ColumnWriter(w), Values::Int32(v)) => {
                w.write_batch(v, defined, repeated)
            }
            (ColumnWriter::Int64ColumnWriter(w), Values::Int64(v)) => {
                w.write_batch(v, defined, repeated)
            }
            (ColumnWriter::FloatColumnWriter(w), Values::Float(v)) => {
                w.write_batch(v, defined, repeated)
            }
            (ColumnWriter::DoubleColumnWriter(w), Values::Double(v)) => {
                w.write_batch(v, defined, repeated)
            }
            (ColumnWriter::ByteArrayColumnWriter(w), Values::Bytes(v)) => {
                w.write_batch(&v.take(), defined, repeated)
            }
            (ColumnWriter::FixedLenByteArrayColumnWriter(w), Values::Fixed(v)) => {
                let values = v.take().into_iter().map(FixedLenByteArray::from);
                w.write_batch(&values.collect::<Vec<_>>(), defined, repeated)
            }
            _ => Err(ParquetError::General("a column of another type".to_owned())),
        }
        .map(drop)
    }

    fn clear(&mut self) {
        self.values.truncate(0);
        self.levels = 0;
        for levels in [&mut self.defined, &mut self.repeated]
            .into_iter()
            .flatten()
        {
            levels.clear();
        }
    }
}

impl Values {
    fn new(physical: Physical) -> Self {
        match physical {
            Physical::BOOLEAN => Self::Boolean(Vec::new()),
            Physical::INT32 => Self::Int32(Vec::new()),
            Physical::INT64 => Self::Int64(Vec::new()),
            Physical::FLOAT => Self::Float(Vec::new()),
            Physical::DOUBLE => Self::Double(Vec::new()),
            Physical::FIXED_LEN_BYTE_ARRAY => Self::Fixed(Strings::default()),
            Physical::BYTE_ARRAY | Physical::INT96 => Self::Bytes(Strings::default()),
        }
    }

    /// Appends a value. Answers the bytes it takes; `None` when it is of another type.
    fn push(&mut self, scalar: &Scalar<'_>) -> Option<usize> {
        match (self, scalar) {
            (Self::Boolean(values), Scalar::Boolean(value)) => {
                values.push(*value);
                Some(1)
            }
            (Self::Int32(values), Scalar::Int(value)) => {
                values.push(*value);
                Some(4)
            }
            (Self::Int64(values), Scalar::Long(value)) => {
                values.push(*value);
                Some(8)
            }
            (Self::Float(values), Scalar::Float(value)) => {
                values.push(*value);
                Some(4)
            }
            (Self::Double(values), Scalar::Double(value)) => {
                values.push(*value);
                Some(8)
            }
            (Self::Bytes(values) | Self::Fixed(values), Scalar::Bytes(value)) => {
                Some(values.push(value))
            }
            _ => None,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Boolean(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Bytes(values) | Self::Fixed(values) => values.ends.len(),
        }
    }

    fn truncate(&mut self, length: usize) {
        match self {
            Self::Boolean(values) => values.truncate(length),
            Self::Int32(values) => values.truncate(length),
            Self::Int64(values) => values.truncate(length),
            Self::Float(values) => values.truncate(length),
            Self::Double(values) => values.truncate(length),
            Self::Bytes(values) | Self::Fixed(values) => values.truncate(length),
        }
    }
}
