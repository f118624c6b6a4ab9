//! What a person sees while it runs: one line on standard error, written over on a terminal, and notes.

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
    time::{Duration, Instant},
};

use posting_emulator::{Counts, Stats};
use tokio::time::sleep;

/// Between two lines: on a terminal, and elsewhere.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Shows how far it is, until it is dropped.
pub(crate) async fn show(stats: Arc<Stats>) {
    let terminal = std::io::stderr().is_terminal();
    let pause = if terminal { PAUSES.0 } else { PAUSES.1 };
    let (mut before, mut at) = (Counts::default(), Instant::now());
    loop {
        sleep(pause).await;
        let counts = stats.counts();
        let mut text = String::new();
        for note in stats.take_notes() {
            text.push_str(&format!(
                "{}{note}\n",
                if terminal { "\r\x1b[K" } else { "" }
            ));
        }
        let line = line(&counts, &before, at.elapsed());
        (before, at) = (counts, Instant::now());
        if terminal {
            text.push_str(&format!("\r\x1b[K{line}"));
        } else {
            text.push_str(&format!("{line}\n"));
        }
        // Nobody may be there to read it.
        let _closed = std::io::stderr().write_all(text.as_bytes());
    }
}

/// `posts 1,001 (50/s) | topics 3,003 | streams 3,003 | retried 2 | errors 2`
fn line(counts: &Counts, before: &Counts, elapsed: Duration) -> String {
    let made = counts.posts.saturating_sub(before.posts) as f64;
    let rate = made / elapsed.as_secs_f64().max(0.001);
    format!(
        "posts {} ({rate:.0}/s) | topics {} | streams {} | retried {} | errors {}",
        counts.posts,
        counts.records(),
        counts.streamed(),
        counts.retries,
        counts.failures(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_rates_of_the_last_moment() {
        let before = Counts {
            posts: 100,
            ..Counts::default()
        };
        let now = Counts {
            posts: 150,
            acknowledged: [150, 150, 149],
            streamed: [1, 0, 0],
            ..Counts::default()
        };
        assert_eq!(
            line(&now, &before, Duration::from_millis(500)),
            "posts 150 (100/s) | topics 449 | streams 1 | retried 0 | errors 0"
        );
    }
}
