//! Rows made up from a seed: what each column holds follows the original tables, dirt included.
//!
//! A row depends on (seed, table, row number) and on nothing else; row *n* of the three tables
//! has the same `index`/`ind`, which is *n*.

mod countries;
mod geo;
mod member;
mod names;
mod pin;
mod poster;
mod words;

use crate::{row::Row, source::SourceError, table::Table};

/// The generator of one seed.
#[derive(Debug, Clone)]
pub struct Synthetic {
    seed: u64,
    rows: u64,
}

// === impl Synthetic ===

impl Synthetic {
    pub(crate) fn new(seed: u64, rows: u64) -> Self {
        Self { seed, rows }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn row(&self, table: Table, number: u64) -> Result<Row, SourceError> {
        if number >= self.rows {
            return Err(SourceError::NoSuchRow {
                table: table.name(),
                number,
                rows: self.rows,
            });
        }
        let cells = match table {
            Table::Pin => pin::cells(self.seed, number),
            Table::Geo => geo::cells(self.seed, number),
            Table::User => member::cells(self.seed, number),
        };
        Ok(Row::new(table.columns(), cells))
    }
}

#[cfg(test)]
mod tests;
