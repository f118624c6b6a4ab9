//! Where the rows come from. Today: the synthetic generator. A database is another variant that
//! answers `SELECT * FROM <table> LIMIT <number>, 1`.

use crate::{row::Row, synthetic::Synthetic, table::Table};

/// Gives rows by table and number.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// Rows made up from a seed.
    Synthetic(Synthetic),
}

/// A row could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The table has fewer rows.
    #[error("{table} has no row {number}: it has {rows}")]
    NoSuchRow {
        /// The table's name in the database.
        table: &'static str,
        /// The row asked for, from 0.
        number: u64,
        /// How many rows there are.
        rows: u64,
    },
}

// === impl Source ===

impl Source {
    /// The synthetic rows of `seed`; each table has `rows` of them.
    pub fn synthetic(seed: u64, rows: u64) -> Self {
        Source::Synthetic(Synthetic::new(seed, rows))
    }

    /// How many rows each table has.
    pub fn rows(&self) -> u64 {
        match self {
            Source::Synthetic(synthetic) => synthetic.rows(),
        }
    }

    /// Row `number` (from 0) of `table`.
    ///
    /// # Errors
    /// [`SourceError::NoSuchRow`] past the end of the table.
    pub async fn row(&self, table: Table, number: u64) -> Result<Row, SourceError> {
        match self {
            Source::Synthetic(synthetic) => synthetic.row(table, number),
        }
    }
}
