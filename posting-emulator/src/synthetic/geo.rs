//! `geolocation_data`: when and where a post was made. Places are drawn on their own: a latitude
//! says nothing about the country, as in the original.

use jiff::civil::Date;

use super::{
    countries::COUNTRIES,
    member::{Member, seconds_after},
};
use crate::{
    draw::{Draw, Stream},
    row::Cell,
};

const FIRST_POST: Date = Date::constant(2017, 10, 19);
const LAST_POST: Date = Date::constant(2022, 11, 6);
const DAY: i64 = 86_400;

pub(super) fn cells(seed: u64, number: u64) -> Vec<Cell> {
    let mut draw = Draw::new(seed, Stream::Geo, number);
    let joined = Member::of_row(seed, number).joined;
    let first = FIRST_POST.max(joined.date());
    let days = (LAST_POST - first).get_days();
    // From the day after joining to the end of the last day.
    let after = draw.between(DAY, (i64::from(days) + 1) * DAY - 1);
    vec![
        Cell::Int(number as i64),
        Cell::Datetime(seconds_after(first, after)),
        Cell::Float(degrees(&mut draw, 90)),
        Cell::Float(degrees(&mut draw, 180)),
        draw.pick(&COUNTRIES).into(),
    ]
}

/// From `-limit` to `limit` degrees, in steps of a ten-thousandth.
fn degrees(draw: &mut Draw, limit: i64) -> f64 {
    draw.between(-limit * 10_000, limit * 10_000) as f64 / 10_000.0
}
