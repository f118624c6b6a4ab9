//! Prints rows as the original does: three dictionaries, one a line.

use std::io::{self, Write};

use crate::row::Row;

/// Writes the rows of one post to standard output, together, so that workers don't interleave.
pub(crate) fn print(rows: &[Row]) -> io::Result<()> {
    let mut text = String::new();
    for row in rows {
        text.push_str(&row.to_python());
        text.push('\n');
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
