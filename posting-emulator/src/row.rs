//! A row: column names and typed cells, in the order of the table.

use std::borrow::Cow;

use jiff::civil::DateTime;

/// The value of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// An integer of any width.
    Int(i64),
    /// A double.
    Float(f64),
    /// Text.
    Text(String),
    /// A date and time without a zone.
    Datetime(DateTime),
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Column name and value, in the table's order.
    pub cells: Vec<(Cow<'static, str>, Cell)>,
}

/// How a datetime becomes a JSON string. Both spellings occur among the emulator's ancestors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DatetimeFormat {
    /// `2018-08-28 03:52:47`
    #[default]
    Space,
    /// `2018-08-28T03:52:47`
    Iso,
}

// === impl Row ===

impl Row {
    /// Pairs `columns` with `cells`; both come from the same table and have the same length.
    pub(crate) fn new(columns: &[&'static str], cells: Vec<Cell>) -> Self {
        debug_assert_eq!(columns.len(), cells.len());
        Self {
            cells: columns
                .iter()
                .map(|name| Cow::Borrowed(*name))
                .zip(cells)
                .collect(),
        }
    }

    /// The cell of a column.
    pub fn get(&self, column: &str) -> Option<&Cell> {
        let found = self.cells.iter().find(|(name, _)| *name == column);
        found.map(|(_, cell)| cell)
    }

    /// The row as the JSON object that is posted as the record's value, spelled as Python's
    /// `json.dumps` spells it: `, ` and `: ` between members, everything but ASCII escaped.
    pub fn to_json(&self, format: DatetimeFormat) -> String {
        crate::python::dumps(self, format)
    }

    /// The row as Python prints a dictionary.
    pub fn to_python(&self) -> String {
        crate::python::repr(self)
    }
}

// === impl DatetimeFormat ===

impl DatetimeFormat {
    pub(crate) fn format(self, datetime: DateTime) -> String {
        let between = match self {
            DatetimeFormat::Space => ' ',
            DatetimeFormat::Iso => 'T',
        };
        format!(
            "{:04}-{:02}-{:02}{between}{:02}:{:02}:{:02}",
            datetime.year(),
            datetime.month(),
            datetime.day(),
            datetime.hour(),
            datetime.minute(),
            datetime.second()
        )
    }
}

// === impl Cell ===

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Cell::Int(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datetimes_are_spelled_both_ways() {
        let datetime = DateTime::constant(2018, 8, 28, 3, 5, 7, 0);
        assert_eq!(
            DatetimeFormat::Space.format(datetime),
            "2018-08-28 03:05:07"
        );
        assert_eq!(DatetimeFormat::Iso.format(datetime), "2018-08-28T03:05:07");
    }
}
