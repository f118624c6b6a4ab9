//! Rows in Python's spelling: what `print(dict)` shows and what `json.dumps` sends, because the
//! emulator's ancestors are Python scripts and their output is what users compare with.

use std::borrow::Cow;
use std::fmt::Write;

use jiff::civil::DateTime;

use crate::row::{Cell, DatetimeFormat, Row};

/// The dictionary as `print` shows it: `{'ind': 7528, 'country': 'Albania', …}`.
pub(crate) fn repr(row: &Row) -> String {
    let member = |(name, cell): &(Cow<'static, str>, Cell)| {
        format!("{}: {}", repr_text(name), repr_cell(cell))
    };
    let members: Vec<String> = row.cells.iter().map(member).collect();
    format!("{{{}}}", members.join(", "))
}

fn repr_cell(cell: &Cell) -> String {
    match cell {
        Cell::Null => "None".to_owned(),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => repr_float(*number),
        Cell::Text(text) => repr_text(text),
        Cell::Datetime(datetime) => repr_datetime(*datetime),
    }
}

/// The shortest decimal that reads back as the same double; an exponent below 1e-4 and from 1e16.
fn repr_float(number: f64) -> String {
    if !number.is_finite() {
        return match number {
            _ if number.is_nan() => "nan".to_owned(),
            _ if number > 0.0 => "inf".to_owned(),
            _ => "-inf".to_owned(),
        };
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    if number.fract() == 0.0 {
        return format!("{number:.1}");
    }
    number.to_string()
}

/// `datetime.datetime(2018, 8, 28, 3, 52, 47)`; a second of 0 is left out.
fn repr_datetime(datetime: DateTime) -> String {
    let mut parts = vec![
        i32::from(datetime.year()),
        i32::from(datetime.month()),
        i32::from(datetime.day()),
        i32::from(datetime.hour()),
        i32::from(datetime.minute()),
    ];
    let micros = datetime.subsec_nanosecond() / 1000;
    if datetime.second() != 0 || micros != 0 {
        parts.push(i32::from(datetime.second()));
    }
    if micros != 0 {
        parts.push(micros);
    }
    let parts: Vec<String> = parts.iter().map(i32::to_string).collect();
    format!("datetime.datetime({})", parts.join(", "))
}

/// Single quotes, unless the text holds one and no double quote.
fn repr_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        push_repr(&mut out, c, quote);
    }
    out.push(quote);
    out
}

fn push_repr(out: &mut String, c: char, quote: char) {
    let code = u32::from(c);
    // Writing to a String cannot fail.
    let _ = match c {
        '\n' => write!(out, "\\n"),
        '\r' => write!(out, "\\r"),
        '\t' => write!(out, "\\t"),
        '\\' => write!(out, "\\\\"),
        _ if c == quote => write!(out, "\\{c}"),
        _ if is_printable(c) => write!(out, "{c}"),
        _ if code < 0x100 => write!(out, "\\x{code:02x}"),
        _ if code < 0x1_0000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// Python's `str.isprintable` for assigned characters: everything but controls, formats, private
/// use and spaces other than U+0020. (Unassigned characters are shown as they are.)
fn is_printable(c: char) -> bool {
    if c == ' ' {
        return true;
    }
    let format_or_private = matches!(u32::from(c),
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x180e
        | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb
        | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0001 | 0xe0020..=0xe007f | 0xe000..=0xf8ff | 0xf_0000..=0x10_ffff);
    !(c.is_control() || c.is_whitespace() || format_or_private)
}

/// The row as `json.dumps` writes a dictionary, datetimes turned into strings first.
pub(crate) fn dumps(row: &Row, format: DatetimeFormat) -> String {
    let mut out = String::with_capacity(768);
    out.push('{');
    for (index, (name, cell)) in row.cells.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        push_json_text(&mut out, name);
        out.push_str(": ");
        push_json_cell(&mut out, cell, format);
    }
    out.push('}');
    out
}

fn push_json_cell(out: &mut String, cell: &Cell, format: DatetimeFormat) {
    match cell {
        Cell::Float(number) if !number.is_finite() => out.push_str("null"),
        Cell::Null => out.push_str("null"),
        Cell::Int(number) => out.push_str(&number.to_string()),
        Cell::Float(number) => out.push_str(&repr_float(*number)),
        Cell::Text(text) => push_json_text(out, text),
        Cell::Datetime(datetime) => push_json_text(out, &format.format(*datetime)),
    }
}

/// ASCII only: everything else is `\uXXXX`, beyond the basic plane as a pair.
fn push_json_text(out: &mut String, text: &str) {
    out.push('"');
    let mut units = [0; 2];
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    fn row(cells: Vec<Cell>) -> Row {
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        Row::new(&NAMES[..cells.len()], cells)
    }

    #[test]
    fn a_dictionary_is_printed_as_python_prints_it() {
        let datetime = DateTime::constant(2018, 8, 28, 3, 52, 0, 0);
        let cells = vec![
            Cell::Int(7528),
            Cell::Float(-28.0),
            Cell::Null,
            Cell::Datetime(datetime),
        ];
        let expected =
            "{'a': 7528, 'b': -28.0, 'c': None, 'd': datetime.datetime(2018, 8, 28, 3, 52)}";
        assert_eq!(repr(&row(cells)), expected);
    }

    // Expected texts were printed by Python 3.
    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        let cases = [
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("say \"hi\"", "'say \"hi\"'"),
            ("it's \"both\"", "'it\\'s \"both\"'"),
            ("a\nb\r\tc\\d", "'a\\nb\\r\\tc\\\\d'"),
            (
                "nbsp\u{a0}zwj\u{200d}del\u{7f}",
                "'nbsp\\xa0zwj\\u200ddel\\x7f'",
            ),
            ("é 🎄 簡 e\u{301}", "'é 🎄 簡 e\u{301}'"),
            ("tag\u{e0001}", "'tag\\U000e0001'"),
        ];
        for (text, expected) in cases {
            assert_eq!(repr_text(text), expected);
        }
    }

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let cases = [
            (-89.9787, "-89.9787"),
            (5.0, "5.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e16, "1e+16"),
            (123456789012345.6, "123456789012345.6"),
        ];
        for (number, expected) in cases {
            assert_eq!(repr_float(number), expected);
        }
        assert_eq!(repr_float(f64::NAN), "nan");
    }

    #[test]
    fn json_has_pythons_separators_and_escapes() {
        let cells = vec![
            Cell::Int(1),
            "é🎄\n\"\\\u{7f}/".into(),
            Cell::Float(1.5),
            Cell::Datetime(DateTime::constant(2018, 8, 28, 3, 52, 47, 0)),
        ];
        assert_eq!(
            dumps(&row(cells), DatetimeFormat::Iso),
            r#"{"a": 1, "b": "\u00e9\ud83c\udf84\n\"\\\u007f/", "c": 1.5, "d": "2018-08-28T03:52:47"}"#
        );
    }

    #[test]
    fn json_reads_back_as_the_same_values() {
        let source = crate::synthetic::Synthetic::new(7, 3000);
        for number in 0..3000 {
            let row = source.row(crate::table::Table::Pin, number).expect("a row");
            let text = dumps(&row, DatetimeFormat::Space);
            assert!(text.is_ascii());
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            for (name, cell) in &row.cells {
                match cell {
                    Cell::Text(text) => assert_eq!(value[&**name], text.as_str()),
                    Cell::Int(number) => assert_eq!(value[&**name], *number),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}
