//! `user_data`: who posted. Members are fewer than rows, so the same person occurs in many rows,
//! as in the original table (counting rows is not counting users).

use jiff::civil::{Date, DateTime};

use super::names::{FIRST_NAMES, LAST_NAMES};
use crate::{
    draw::{Draw, Stream},
    row::Cell,
};

const MEMBERS: u64 = 4096;
const FIRST_JOINED: Date = Date::constant(2015, 10, 21);
/// 2015-10-21 to 2020-12-31.
const JOINING_SECONDS: i64 = 1898 * 86_400;
/// Lower and upper age, and how many of 16 members are in the group.
const AGES: [(i64, i64, u64); 4] = [(18, 24, 6), (25, 35, 5), (36, 50, 3), (51, 68, 2)];

/// A person who joined.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) age: i64,
    pub(super) joined: DateTime,
}

// === impl Member ===

impl Member {
    /// The member who made the post of row `number`.
    pub(super) fn of_row(seed: u64, number: u64) -> Self {
        let member = Draw::new(seed, Stream::MemberOfRow, number).below(MEMBERS);
        let mut draw = Draw::new(seed, Stream::Member, member);
        Self {
            first_name: draw.pick(&FIRST_NAMES),
            last_name: draw.pick(&LAST_NAMES),
            age: age(&mut draw),
            joined: seconds_after(FIRST_JOINED, draw.between(0, JOINING_SECONDS - 1)),
        }
    }
}

fn age(draw: &mut Draw) -> i64 {
    let mut lot = draw.below(16);
    for (low, high, share) in AGES {
        if lot < share {
            return draw.between(low, high);
        }
        lot -= share;
    }
    AGES[0].0
}

/// Midnight of `date` plus `seconds`; years here are far from the calendar's ends.
pub(super) fn seconds_after(date: Date, seconds: i64) -> DateTime {
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    midnight.saturating_add(jiff::SignedDuration::from_secs(seconds))
}

pub(super) fn cells(seed: u64, number: u64) -> Vec<Cell> {
    let member = Member::of_row(seed, number);
    vec![
        Cell::Int(number as i64),
        member.first_name.into(),
        member.last_name.into(),
        member.age.into(),
        Cell::Datetime(member.joined),
    ]
}
