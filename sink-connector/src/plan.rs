//! The plan: the offsets at which a topic-partition's files will be closed, as it lies in commit metadata.
//!
//! In: boundaries in rising order, and the steps of the clock where it decides encoded partitions. Out: a short text for the metadata of an offset commit, and back. Metadata that
//! another program wrote is no plan and no error. Runs of equal steps are written as one item, so that a small
//! `flush.size` fits hundreds of boundaries into the broker's `offset.metadata.max.bytes` (4,096 by default):
//! `sluiceway:1 3+3*100,310` are the boundaries 3, 6, …, 300 and 310. Steps of the clock follow as `offset:time`, then the distances to each next one:
//! `sluiceway:1 100,200 @0:1700000000000,120:3600000`.

/// What marks our metadata, with the version of the form.
const MARK: &str = "sluiceway:1 ";
/// What marks the steps of the clock in it.
const CLOCK_MARK: char = '@';
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

/// What a plan says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Offsets at which files are closed, rising.
    pub boundaries: Vec<i64>,
    /// With partitions by the wall clock: from which offset on it showed which time, offsets rising.
    pub clock: Vec<ClockStep>,
}

/// From this offset on, records have this time (milliseconds of the epoch) for their encoded partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep {
    /// Offset of the first such record.
    pub offset: i64,
    /// The time.
    pub time_ms: i64,
}

/// Writes as many boundaries of `plan` as fit into `max_bytes`, each with the clock's steps before it, and says how many
/// those are. No boundaries are the empty text.
pub fn encode(plan: &Plan, max_bytes: usize) -> (String, usize) {
    let mut items = String::new();
    let mut clock = Clock::new(&plan.clock);
    let mut written = 0;
    while let Some(mut run) = leading_run(&plan.boundaries[written..]) {
        // A run whose clock steps do not fit as a whole may fit in part.
        let fitting = loop {
            let last = written + usize::try_from(run.count).unwrap_or(1) - 1;
            let separator = if items.is_empty() { MARK } else { "," };
            let item = run.text();
            let steps = clock.text_before(plan.boundaries[last]);
            let length = items.len() + separator.len() + item.len() + steps.text.len();
            if length <= max_bytes {
                break Some((separator, item, steps, last + 1));
            }
            if run.count == 1 {
                break None;
            }
            run.count /= 2;
        };
        let Some((separator, item, steps, count)) = fitting else {
            break;
        };
        items.push_str(separator);
        items.push_str(&item);
        clock = steps;
        written = count;
    }
    items.push_str(&clock.text);
    (items, written)
}

/// The clock's steps on their way into text: ` @offset:time`, then the distances to each next one.
#[derive(Clone)]
struct Clock<'a> {
    text: String,
    last: Option<ClockStep>,
    rest: &'a [ClockStep],
}

impl<'a> Clock<'a> {
    fn new(steps: &'a [ClockStep]) -> Self {
        Self {
            text: String::new(),
            last: None,
            rest: steps,
        }
    }

    /// With the steps before `boundary` added.
    fn text_before(&self, boundary: i64) -> Self {
        let mut longer = self.clone();
        while let Some((step, rest)) = longer.rest.split_first()
            && step.offset < boundary
        {
            let (mark, from) = match longer.last {
                Some(last) => (',', last),
                None => (
                    CLOCK_MARK,
                    ClockStep {
                        offset: 0,
                        time_ms: 0,
                    },
                ),
            };
            let (offset, time) = (step.offset - from.offset, step.time_ms - from.time_ms);
            if longer.last.is_none() {
                longer.text.push(' ');
            }
            longer.text.push_str(&format!("{mark}{offset}:{time}"));
            longer.last = Some(*step);
            longer.rest = rest;
        }
        longer
    }
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

/// Reads metadata. `None` when it is not ours; boundaries and steps have to rise.
pub fn decode(metadata: &str) -> Option<Plan> {
    let text = metadata.strip_prefix(MARK)?;
    let (items, clock) = match text.split_once(" @") {
        Some((items, clock)) => (items, decode_clock(clock)?),
        None => (text, Vec::new()),
    };
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
    Some(Plan { boundaries, clock })
}

fn decode_clock(text: &str) -> Option<Vec<ClockStep>> {
    let mut steps: Vec<ClockStep> = Vec::new();
    for item in text.split(',') {
        let (offset, time) = item.split_once(':')?;
        let (mut offset, mut time_ms): (i64, i64) = (offset.parse().ok()?, time.parse().ok()?);
        if let Some(last) = steps.last() {
            if offset <= 0 {
                return None;
            }
            offset = last.offset.checked_add(offset)?;
            time_ms = last.time_ms.checked_add(time_ms)?;
        }
        steps.push(ClockStep { offset, time_ms });
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(boundaries: &[i64], steps: &[(i64, i64)]) -> Plan {
        let step = |(offset, time_ms): &(i64, i64)| ClockStep {
            offset: *offset,
            time_ms: *time_ms,
        };
        Plan {
            boundaries: boundaries.to_vec(),
            clock: steps.iter().map(step).collect(),
        }
    }

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
            let plan = plan(&boundaries, &[]);
            let (text, written) = encode(&plan, MAX_METADATA_BYTES);
            assert_eq!(
                (decode(&text), written),
                (Some(plan), boundaries.len()),
                "{text}"
            );
        }
        assert_eq!(
            encode(&plan(&[3, 6, 9, 12], &[]), 100).0,
            "sluiceway:1 3+3*4"
        );
        assert_eq!(encode(&plan(&[], &[(1, 2)]), 100), (String::new(), 0));
    }

    #[test]
    fn steps_of_the_clock_come_back() {
        let steps = [
            (0, 1_700_000_000_000),
            (120, 1_700_003_600_000),
            (150, 1_700_003_599_000),
        ];
        let plan = plan(&[100, 200], &steps);
        let (text, written) = encode(&plan, MAX_METADATA_BYTES);
        assert_eq!(
            text,
            "sluiceway:1 100,200 @0:1700000000000,120:3600000,30:-1000"
        );
        assert_eq!((decode(&text), written), (Some(plan.clone()), 2));
        // What stands beyond the last boundary that fits is left out.
        let (text, written) = encode(&plan, 40);
        assert_eq!(
            (text.as_str(), written),
            ("sluiceway:1 100 @0:1700000000000", 1)
        );
    }

    #[test]
    fn a_run_fits_in_part_when_its_steps_do_not_fit_as_a_whole() {
        let boundaries: Vec<i64> = (1..=300).map(|n| n * 3).collect();
        let steps: Vec<(i64, i64)> = (0..900).map(|n| (n, 1_700_000_000_000 + n * 7)).collect();
        let plan = plan(&boundaries, &steps);
        let mut left = plan.clone();
        while !left.boundaries.is_empty() {
            let (text, written) = encode(&left, 600);
            assert!(written > 0 && text.len() <= 600, "{text}");
            let read = decode(&text).unwrap_or_default();
            assert_eq!(read.boundaries, left.boundaries[..written]);
            let last = left.boundaries[written - 1];
            let expected: Vec<ClockStep> = left
                .clock
                .iter()
                .copied()
                .filter(|step| step.offset < last)
                .collect();
            assert_eq!(read.clock, expected);
            left.boundaries.drain(..written);
            left.clock.retain(|step| step.offset >= last);
        }
    }

    #[test]
    fn what_does_not_fit_is_left_for_the_next_commit() {
        let scattered: Vec<i64> = (0..5000).map(|n| n * n).collect();
        let (text, written) = encode(&plan(&scattered, &[]), MAX_METADATA_BYTES);
        assert!(
            text.len() <= MAX_METADATA_BYTES && written > 300 && written < 5000,
            "{written}"
        );
        assert_eq!(decode(&text), Some(plan(&scattered[..written], &[])));
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
            "sluiceway:1 3 @",
            "sluiceway:1 3 @0",
            "sluiceway:1 3 @5:1,0:1",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
