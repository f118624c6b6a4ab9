//! The live line: how many posts, where their records are, what failed. On a terminal one line
//! that is written over; otherwise a line every few seconds.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// How often the line is written over on a terminal.
const ON_TERMINAL: Duration = Duration::from_millis(500);
/// How often a line is written elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(5);
/// Rates are those of at least so long a time: objects come in bursts.
const WINDOW: Duration = Duration::from_secs(5);

/// What the line shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Posts made in this run.
    pub(crate) posts: u64,
    /// Records in Kafka, earlier runs' included.
    pub(crate) in_kafka: u64,
    /// Records in S3, earlier runs' included.
    pub(crate) in_s3: u64,
    /// Objects completed in this run.
    pub(crate) objects: u64,
    /// Failed attempts of the emulator and failed uploads in this run.
    pub(crate) errors: u64,
}

/// Writes the line.
#[derive(Debug)]
pub(crate) struct Live {
    terminal: bool,
    began: Instant,
    shown: Option<Instant>,
    /// What was shown within the window, and the last before it.
    past: VecDeque<(Instant, Figures)>,
}

// === impl Live ===

impl Live {
    /// `earlier` is what lies in Kafka and S3 before the run: rates count from there.
    pub(crate) fn new(earlier: Figures) -> Self {
        let began = Instant::now();
        Self {
            terminal: io::stdout().is_terminal(),
            began,
            shown: None,
            past: [(began, earlier)].into(),
        }
    }

    /// True when the next line is due: twice a second on a terminal, every five seconds elsewhere.
    pub(crate) fn is_due(&self) -> bool {
        let interval = if self.terminal {
            ON_TERMINAL
        } else {
            ELSEWHERE
        };
        self.shown.unwrap_or(self.began).elapsed() >= interval
    }

    /// Writes the line. A closed standard output is no reason to stop.
    pub(crate) fn show(&mut self, figures: Figures) {
        let now = Instant::now();
        let (since, before) = self.since(now);
        let line = line(figures, before, now - since, now - self.began);
        let end = if self.terminal { "" } else { "\n" };
        let start = if self.terminal { "\r\x1b[2K" } else { "" };
        let mut out = io::stdout().lock();
        let _ = write!(out, "{start}{line}{end}").and_then(|()| out.flush());
        self.past.push_back((now, figures));
        self.shown = Some(now);
    }

    /// What the rates count from: the latest figures that are a window old, else the first.
    fn since(&mut self, now: Instant) -> (Instant, Figures) {
        while self.past.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
            self.past.pop_front();
        }
        let first = self.past.front().copied();
        first.unwrap_or((self.began, Figures::default()))
    }

    /// Leaves the line as it is and begins another.
    pub(crate) fn end(&mut self) {
        if self.terminal && self.shown.is_some() {
            let _ = writeln!(io::stdout());
        }
    }
}

fn line(figures: Figures, before: Figures, elapsed: Duration, running: Duration) -> String {
    let rate = |now: u64, before: u64| {
        let seconds = elapsed.as_secs_f64().max(0.001);
        format!("{:.0}/s", now.saturating_sub(before) as f64 / seconds)
    };
    format!(
        "{} | posts {} ({}) | in Kafka {} records ({}) | in S3 {} ({}) | {} objects | {} errors",
        clock(running),
        grouped(figures.posts),
        rate(figures.posts, before.posts),
        grouped(figures.in_kafka),
        rate(figures.in_kafka, before.in_kafka),
        grouped(figures.in_s3),
        rate(figures.in_s3, before.in_s3),
        grouped(figures.objects),
        grouped(figures.errors),
    )
}

/// `m:ss`, with hours when there are any.
fn clock(running: Duration) -> String {
    let seconds = running.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match hours {
        0 => format!("{minutes}:{:02}", seconds % 60),
        _ => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
    }
}

/// `1,234,567`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_totals_and_rates() {
        let figures = Figures {
            posts: 1200,
            in_kafka: 3600,
            in_s3: 3450,
            objects: 36,
            errors: 0,
        };
        let before = Figures {
            posts: 1100,
            in_kafka: 3300,
            in_s3: 3300,
            ..figures
        };
        let line = line(
            figures,
            before,
            Duration::from_secs(2),
            Duration::from_secs(75),
        );
        let expected = "1:15 | posts 1,200 (50/s) | in Kafka 3,600 records (150/s) | \
                        in S3 3,450 (75/s) | 36 objects | 0 errors";
        assert_eq!(line, expected);
    }

    #[test]
    fn rates_count_from_a_window_ago() {
        let mut live = Live::new(Figures::default());
        let at = |seconds| live.began + Duration::from_secs(seconds);
        let shown = [at(2), at(4), at(6), at(8)];
        live.past.extend(shown.map(|at| (at, Figures::default())));
        assert_eq!(live.since(shown[0]).0, live.began);
        assert_eq!(live.since(shown[3]).0, shown[0], "six seconds");
        assert_eq!(live.past.len(), 4);
    }

    #[test]
    fn numbers_are_grouped() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ];
        for (number, expected) in cases {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn the_clock_grows_hours() {
        assert_eq!(clock(Duration::from_secs(9)), "0:09");
        assert_eq!(clock(Duration::from_secs(3599)), "59:59");
        assert_eq!(clock(Duration::from_secs(3661)), "1:01:01");
    }
}
