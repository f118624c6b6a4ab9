//! The plan: the offsets at which a topic-partition's files will be closed, as it lies in commit metadata.
//!
//! In: boundaries in rising order. Out: a short text for the metadata of an offset commit, and back. Metadata that
//! another program wrote is no plan and no error. Runs of equal steps are written as one item, so that a small
//! `flush.size` fits hundreds of boundaries into the broker's `offset.metadata.max.bytes` (4,096 by default):
//! `sluiceway:1 3+3*100,310` are the boundaries 3, 6, …, 300 and 310.

/// What marks our metadata, with the version of the form.
const MARK: &str = "sluiceway:1 ";
/// Metadata bytes used at most; the broker's default limit is 4,096.
pub const MAX_METADATA_BYTES: usize = 4_000;
/// Boundaries read at most from one plan, whatever the text says.
const MAX_BOUNDARIES: i64 = 1_000_000;

/// A run of boundaries: `first`, `first + step`, … (`count` of them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: i64,
    step: i64,
    count: i64,
}

impl Run {
    fn text(self) -> String {
        match self.count {
            1 => self.first.to_string(),
            _ => format!("{}+{}*{}", self.first, self.step, self.count),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let Some((first, rest)) = text.split_once('+') else {
            return Some(Self {
                first: text.parse().ok()?,
                step: 0,
                count: 1,
            });
        };
        let (step, count) = rest.split_once('*')?;
        let run = Self {
            first: first.parse().ok()?,
            step: step.parse().ok()?,
            count: count.parse().ok()?,
        };
        (run.step > 0 && (1..=MAX_BOUNDARIES).contains(&run.count)).then_some(run)
    }

    fn boundaries(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |index| self.first.saturating_add(index.saturating_mul(self.step)))
    }
}

/// Writes as many of `boundaries` (rising) as fit into `max_bytes`, and says how many those are. No boundaries are
/// the empty text.
pub fn encode(boundaries: &[i64], max_bytes: usize) -> (String, usize) {
    let mut text = String::new();
    let mut written = 0;
    let mut rest = boundaries;
    while let Some(run) = leading_run(rest) {
        let item = run.text();
        let separator = if text.is_empty() { MARK } else { "," };
        if text.len() + separator.len() + item.len() > max_bytes {
            break;
        }
        text.push_str(separator);
        text.push_str(&item);
        let count = usize::try_from(run.count).unwrap_or(1);
        written += count;
        rest = &rest[count..];
    }
    (text, written)
}

/// The longest run of equal steps at the start; two boundaries make a run only when a third goes on with it.
fn leading_run(boundaries: &[i64]) -> Option<Run> {
    let first = *boundaries.first()?;
    let step = boundaries.get(1).map_or(0, |second| second - first);
    let equal_steps = boundaries
        .windows(2)
        .take_while(|pair| pair[1] - pair[0] == step)
        .count();
    let count = if step > 0 && equal_steps >= 2 {
        equal_steps as i64 + 1
    } else {
        1
    };
    Some(Run { first, step, count })
}

/// Reads metadata. `None` when it is not ours; boundaries that do not rise end the plan.
pub fn decode(metadata: &str) -> Option<Vec<i64>> {
    let items = metadata.strip_prefix(MARK)?;
    let runs: Option<Vec<Run>> = items.split(',').map(Run::parse).collect();
    let mut boundaries: Vec<i64> = Vec::new();
    for boundary in runs?.into_iter().flat_map(Run::boundaries) {
        if boundaries.last().is_some_and(|last| boundary <= *last)
            || boundaries.len() as i64 >= MAX_BOUNDARIES
        {
            return None;
        }
        boundaries.push(boundary);
    }
    Some(boundaries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_come_back() {
        for boundaries in [
            vec![5],
            vec![3, 6, 9],
            vec![3, 4],
            vec![1, 2, 3, 10, 20, 30, 31],
            vec![0, 7, 9, 11, i64::MAX],
            (1..=500).map(|n| n * 1000).collect(),
        ] {
            let (text, written) = encode(&boundaries, MAX_METADATA_BYTES);
            assert_eq!(
                (decode(&text), written),
                (Some(boundaries.clone()), boundaries.len()),
                "{text}"
            );
        }
        assert_eq!(encode(&[3, 6, 9, 12], 100).0, "sluiceway:1 3+3*4");
        assert_eq!(encode(&[], 100), (String::new(), 0));
    }

    #[test]
    fn what_does_not_fit_is_left_for_the_next_commit() {
        let scattered: Vec<i64> = (0..5000).map(|n| n * n).collect();
        let (text, written) = encode(&scattered, MAX_METADATA_BYTES);
        assert!(
            text.len() <= MAX_METADATA_BYTES && written > 300 && written < 5000,
            "{written}"
        );
        assert_eq!(decode(&text), Some(scattered[..written].to_vec()));
    }

    #[test]
    fn metadata_of_other_programs_is_no_plan() {
        for text in [
            "",
            "x",
            "sluiceway:2 3",
            "sluiceway:1 ",
            "sluiceway:1 3,3",
            "sluiceway:1 9+0*5",
            "sluiceway:1 3+1*99999999",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
