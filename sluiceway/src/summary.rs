//! What is printed at the end.

use std::{fmt, time::Duration};

use posting_emulator::Counts;

use crate::{live::grouped, verify::Problems};

/// The figures of a run.
#[derive(Debug)]
pub(crate) struct Summary {
    /// From the first post to the last.
    pub(crate) posted_in: Duration,
    /// From the first post to the end.
    pub(crate) elapsed: Duration,
    pub(crate) counts: Counts,
    pub(crate) in_kafka: u64,
    pub(crate) in_s3: u64,
    pub(crate) objects: u64,
    pub(crate) check: Option<Check>,
}

/// Outcome of the check of acknowledged records against objects.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) records: u64,
    pub(crate) problems: Problems,
}

// === impl Summary ===

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let mut line = |name: &str, value: u64| writeln!(f, "{name:<32}{:>12}", grouped(value));
        line("posts", counts.posts)?;
        line("posts not made whole", counts.posts_failed)?;
        line("records acknowledged", counts.records())?;
        line("requests, repeated ones included", counts.requests)?;
        for (kind, count) in &counts.errors {
            line(&format!("errors: {kind}"), *count)?;
        }
        line("objects written", self.objects)?;
        line("records in Kafka, all runs", self.in_kafka)?;
        line("records in S3, all runs", self.in_s3)?;
        let rate = counts.posts as f64 / self.posted_in.as_secs_f64().max(0.001);
        let seconds = self.elapsed.as_secs_f64();
        writeln!(f, "{:<32}{rate:>12.1}", "posts per second")?;
        writeln!(f, "{:<32}{seconds:>12.1}", "seconds")?;
        let waiting = self.in_kafka.saturating_sub(self.in_s3);
        if waiting > 0 {
            let waiting = grouped(waiting);
            writeln!(
                f,
                "\n{waiting} records wait in Kafka; the next run takes them to S3."
            )?;
        }
        match &self.check {
            None => Ok(()),
            Some(check) => check.fmt(f),
        }
    }
}

// === impl Check ===

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = grouped(self.records);
        if self.problems.count == 0 {
            return writeln!(
                f,
                "\nchecked: each of the {records} acknowledged records lies in exactly one object"
            );
        }
        let count = grouped(self.problems.count);
        writeln!(
            f,
            "\nCHECK FAILED: {count} problems among {records} acknowledged records"
        )?;
        for problem in &self.problems.first {
            writeln!(f, "  {problem}")?;
        }
        match self.problems.count - self.problems.first.len() as u64 {
            0 => Ok(()),
            more => writeln!(f, "  … and {} more", grouped(more)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{TopicPartition, Verifier};

    fn summary(problems: Option<i64>) -> Summary {
        let at = TopicPartition {
            topic: "u.pin".to_owned(),
            partition: 0,
        };
        let found = |count: i64| {
            let mut verifier = Verifier::new(at);
            (0..count).for_each(|offset| verifier.below(offset));
            verifier.finish()
        };
        Summary {
            posted_in: Duration::from_secs(10),
            elapsed: Duration::from_secs(12),
            counts: Counts {
                posts: 1000,
                acknowledged: [1000, 1000, 1000],
                ..Counts::default()
            },
            in_kafka: 3000,
            in_s3: 2990,
            objects: 30,
            check: problems.map(|count| Check {
                records: 3000,
                problems: found(count),
            }),
        }
    }

    #[test]
    fn figures_and_what_is_left_are_named() {
        let text = summary(None).to_string();
        assert!(
            text.contains("posts per second                       100.0\n"),
            "{text}"
        );
        assert!(text.contains("10 records wait in Kafka"), "{text}");
        assert!(!text.contains("checked"), "{text}");
    }

    #[test]
    fn the_check_says_what_it_found() {
        let text = summary(Some(0)).to_string();
        assert!(text.contains("each of the 3,000 acknowledged records lies in exactly one"));
        let text = summary(Some(25)).to_string();
        assert!(text.contains("CHECK FAILED: 25 problems"), "{text}");
        assert!(
            text.contains("  u.pin-0 offset 19: in no object\n  … and 5 more\n"),
            "{text}"
        );
    }
}
