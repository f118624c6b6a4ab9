//! Cells of MySQL → cells of a [`Row`].

use std::borrow::Cow;

use jiff::civil::DateTime;
use mysql_async::Value;

use crate::{
    row::{Cell, Row},
    table::Table,
};

/// The row, with all columns that the table has, in its order.
pub(super) fn row(table: Table, row: mysql_async::Row) -> Row {
    let columns = row.columns();
    let names = columns.iter().map(|column| {
        let name = column.name_str();
        let known = table.columns().iter().find(|known| **known == name);
        known.map_or_else(
            || Cow::Owned(name.into_owned()),
            |known| Cow::Borrowed(*known),
        )
    });
    let names: Vec<_> = names.collect();
    let cells = row.unwrap_raw().into_iter();
    let cells = cells.map(|value| value.map_or(Cell::Null, cell));
    Row {
        cells: names.into_iter().zip(cells).collect(),
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::NULL => Cell::Null,
        Value::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Cell::Text(text),
            Err(error) => Cell::Text(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        },
        Value::Int(number) => Cell::Int(number),
        Value::UInt(number) => {
            i64::try_from(number).map_or_else(|_| Cell::Text(number.to_string()), Cell::Int)
        }
        Value::Float(number) => Cell::Float(f64::from(number)),
        Value::Double(number) => Cell::Float(number),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            date(year, [month, day, hour, minute, second], micros)
        }
        // No column of the three tables is one.
        time @ Value::Time(..) => Cell::Text(time.as_sql(true).trim_matches('\'').to_owned()),
    }
}

/// A date; `0000-00-00` and the like, which MySQL can hold, are none.
fn date(year: u16, parts: [u8; 5], micros: u32) -> Cell {
    let made = || {
        let year = i16::try_from(year).ok()?;
        let [month, day, hour, minute, second] = parts.map(i8::try_from);
        let nanos = i32::try_from(micros).ok()?.checked_mul(1000)?;
        DateTime::new(
            year,
            month.ok()?,
            day.ok()?,
            hour.ok()?,
            minute.ok()?,
            second.ok()?,
            nanos,
        )
        .ok()
    };
    made().map_or(Cell::Null, Cell::Datetime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        assert_eq!(cell(Value::NULL), Cell::Null);
        assert_eq!(cell(Value::Bytes("é🎄".into())), Cell::Text("é🎄".into()));
        assert_eq!(cell(Value::Int(-5)), Cell::Int(-5));
        assert_eq!(
            cell(Value::UInt(u64::MAX)),
            Cell::Text(u64::MAX.to_string())
        );
        let date = Value::Date(2018, 8, 28, 3, 52, 47, 0);
        assert_eq!(
            cell(date),
            Cell::Datetime(DateTime::constant(2018, 8, 28, 3, 52, 47, 0))
        );
        assert_eq!(cell(Value::Date(0, 0, 0, 0, 0, 0, 0)), Cell::Null);
        assert_eq!(
            cell(Value::Bytes(vec![0xff])),
            Cell::Text("\u{fffd}".into())
        );
    }
}
