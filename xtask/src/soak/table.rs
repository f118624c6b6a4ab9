//! What came of the faults: a table in Markdown, as `docs/operations.md` has it.
//!
//! In: the rows that the cases print. Out: those rows, one of a case that failed with the figures it still told, the sums.

use std::fmt;

use crate::bench::statistics::grouped;

/// Columns of figures, behind the fault and before the note.
const FIGURES: usize = 6;
const HEAD: &str = "| fault | times | records | objects | lost | duplicated | uploads left open | |\n|---|---|---|---|---|---|---|---|";

/// The rows so far.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    fault: String,
    /// Times, records, objects, lost, duplicated, uploads left open; what nobody told is left out.
    figures: [Option<u64>; FIGURES],
    note: String,
}

impl Table {
    /// Takes a case's line `fault | times | records | … | note`; false when it is none.
    pub(super) fn add(&mut self, line: &str) -> bool {
        let cells: Vec<&str> = line.splitn(FIGURES + 2, '|').map(str::trim).collect();
        let [fault, figures @ .., note] = cells.as_slice() else {
            return false;
        };
        let Ok(figures) = <[&str; FIGURES]>::try_from(figures) else {
            return false;
        };
        self.rows.push(Row {
            fault: (*fault).to_owned(),
            figures: figures.map(|figure| figure.parse().ok()),
            note: (*note).to_owned(),
        });
        true
    }

    /// A case that failed; `wrong` is what it counted, if it came to that: `records | objects | …`.
    pub(super) fn add_failed(&mut self, name: &str, wrong: Option<&str>, error: &str) {
        let mut figures = [None; FIGURES];
        let counted = wrong.into_iter().flat_map(|line| line.split('|'));
        for (figure, cell) in figures.iter_mut().skip(1).zip(counted) {
            *figure = cell.trim().parse().ok();
        }
        self.rows.push(Row {
            fault: name.to_owned(),
            figures,
            note: format!("**failed**: {error}"),
        });
    }

    /// The row that was added last.
    pub(super) fn last(&self) -> String {
        self.rows.last().map(Row::to_string).unwrap_or_default()
    }

    fn sum(&self, name: &str, concerns: impl Fn(&Row) -> bool) -> Row {
        let mut sums = [0; FIGURES];
        for row in self.rows.iter().filter(|row| concerns(row)) {
            for (sum, figure) in sums.iter_mut().zip(row.figures) {
                *sum += figure.unwrap_or_default();
            }
        }
        Row {
            fault: name.to_owned(),
            figures: sums.map(Some),
            note: String::new(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        let kills = |row: &Row| row.fault.starts_with("kill -9");
        if self.rows.iter().any(kills) {
            writeln!(f, "{}", self.sum("all `kill -9`", kills))?;
        }
        writeln!(f, "{}", self.sum("all", |_| true))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {}", self.fault)?;
        for figure in self.figures {
            match figure {
                Some(figure) => write!(f, " | {}", grouped(figure as f64))?,
                None => write!(f, " | –")?,
            }
        }
        write!(f, " | {} |", self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_summed_and_kills_once_more() {
        let mut table = Table::default();
        assert!(table.add("kill -9, sched | 40 | 95840 | 709 | 0 | 0 | 0 | 3 left a plan behind"));
        assert!(table.add("S3 says no | 40 | 1124236 | 969 | 0 | 1 | 0 | "));
        assert!(table.add("broker killed: proxy | 2 | 500 | 0 | 0 | 0 | 0 | refused {503: 1}"));
        assert!(!table.add("no row"));
        table.add_failed("kills_x", Some("7 | 1 | 2 | 0 | 1"), "the test ended");
        table.add_failed("kills_y", None, "no time");
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| kill -9, sched | 40 | 95,840 | 709 | 0 | 0 | 0 | 3 left a plan behind |",
                "| S3 says no | 40 | 1,124,236 | 969 | 0 | 1 | 0 |  |",
                "| broker killed: proxy | 2 | 500 | 0 | 0 | 0 | 0 | refused {503: 1} |",
                "| kills_x | – | 7 | 1 | 2 | 0 | 1 | **failed**: the test ended |",
                "| kills_y | – | – | – | – | – | – | **failed**: no time |",
                "| all `kill -9` | 40 | 95,840 | 709 | 0 | 0 | 0 |  |",
                "| all | 82 | 1,220,583 | 1,679 | 2 | 1 | 1 |  |",
            ]
        );
        let columns = |line: &str| line.matches('|').count();
        assert!(lines.iter().all(|line| columns(line) == columns(HEAD) / 2));
    }
}
