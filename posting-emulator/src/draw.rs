//! Drawing lots: a small generator whose sequence never changes.
//!
//! Rows must be the same on every machine and with every version of every crate, which the
//! generators of the `rand` crate do not promise. This one is SplitMix64, keyed by (seed, stream,
//! number): each row has a sequence of its own and needs none of the rows before it.

/// What a sequence is for. The numbers are part of the data: changing one changes every row.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(crate) enum Stream {
    Pin = 1,
    Geo = 2,
    Member = 4,
    MemberOfRow = 5,
    Poster = 6,
    Choice = 7,
    Pause = 8,
    Backoff = 9,
}

/// One sequence of lots.
#[derive(Debug, Clone)]
pub(crate) struct Draw {
    state: u64,
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

// === impl Draw ===

impl Draw {
    pub(crate) fn new(seed: u64, stream: Stream, number: u64) -> Self {
        let keyed = mix(seed.wrapping_add(GAMMA)) ^ (stream as u64).wrapping_mul(GAMMA);
        Self {
            state: mix(keyed).wrapping_add(mix(number.wrapping_add(GAMMA))),
        }
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// A number from 0 to `end - 1`; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included. `low` must not exceed `high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.wrapping_sub(low) as u64;
        low.wrapping_add(self.below(width.wrapping_add(1)) as i64)
    }

    /// True in `permille` of 1000 cases.
    pub(crate) fn chance(&mut self, permille: u64) -> bool {
        self.below(1000) < permille
    }

    /// One of `items`; the lists here are constants and never empty.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_fixed_for_ever() {
        let mut draw = Draw::new(100, Stream::Pin, 7528);
        let words = [draw.word(), draw.word(), draw.word()];
        let mut again = Draw::new(100, Stream::Pin, 7528);
        assert_eq!(words, [again.word(), again.word(), again.word()]);
        assert_eq!(words[0], FIRST_WORD);
    }
    const FIRST_WORD: u64 = 8_998_575_854_568_772_046;

    #[test]
    fn seeds_streams_and_numbers_all_matter() {
        let first = |seed, stream, number| Draw::new(seed, stream, number).word();
        let word = first(1, Stream::Pin, 1);
        assert_ne!(word, first(2, Stream::Pin, 1));
        assert_ne!(word, first(1, Stream::Geo, 1));
        assert_ne!(word, first(1, Stream::Pin, 2));
    }

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_them() {
        let mut draw = Draw::new(1, Stream::Choice, 0);
        let drawn: Vec<i64> = (0..2000).map(|_| draw.between(-3, 3)).collect();
        assert_eq!(drawn.iter().min(), Some(&-3));
        assert_eq!(drawn.iter().max(), Some(&3));
        assert_eq!(draw.below(0), 0);
        assert_eq!(draw.below(1), 0);
    }

    #[test]
    fn chance_is_in_thousandths() {
        let mut draw = Draw::new(3, Stream::Choice, 0);
        let hits = (0..100_000).filter(|_| draw.chance(50)).count();
        assert!((4500..5500).contains(&hits), "{hits}");
        assert!(!draw.chance(0));
        assert!(draw.chance(1000));
    }
}
