//! Where the rows come from: the synthetic generator, or a database that answers
//! `SELECT * FROM <table> LIMIT <number>, 1` (with the feature `mysql`).

use tokio_util::sync::CancellationToken;

#[cfg(feature = "mysql")]
use crate::database::Database;
use crate::{row::Row, stats::Stats, synthetic::Synthetic, table::Table};

/// Gives rows by table and number.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// Rows made up from a seed.
    Synthetic(Synthetic),
    /// Rows of a real database.
    #[cfg(feature = "mysql")]
    Database(Database),
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
    /// The database refuses: a table is missing, empty or not to be read.
    #[error("the database: {0}")]
    Database(String),
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
            #[cfg(feature = "mysql")]
            Source::Database(database) => database.rows(),
        }
    }

    /// Row `number` (from 0) of `table`.
    ///
    /// # Errors
    /// [`SourceError::NoSuchRow`] past the end of the table.
    pub async fn row(&self, table: Table, number: u64) -> Result<Row, SourceError> {
        match self {
            Source::Synthetic(synthetic) => synthetic.row(table, number),
            #[cfg(feature = "mysql")]
            Source::Database(database) => {
                let (stop, stats) = (CancellationToken::new(), Stats::new());
                let row = database.row(table, number, &stop, &stats).await?;
                row.ok_or_else(|| SourceError::Database("it did not answer".to_owned()))
            }
        }
    }

    /// The same for the loop: a database that is away is waited for, and counted. None: the run was stopped meanwhile.
    pub(crate) async fn row_until(
        &self,
        table: Table,
        number: u64,
        stop: &CancellationToken,
        stats: &Stats,
    ) -> Result<Option<Row>, SourceError> {
        match self {
            Source::Synthetic(synthetic) => {
                let _nothing_to_wait_for = (stop, stats);
                synthetic.row(table, number).map(Some)
            }
            #[cfg(feature = "mysql")]
            Source::Database(database) => database.row(table, number, stop, stats).await,
        }
    }
}
