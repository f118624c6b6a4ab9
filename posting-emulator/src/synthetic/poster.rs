//! Who published the pinned picture: a name and a follower count as the site shows it.

use super::{names, words};
use crate::draw::{Draw, Stream};

const POSTERS: u64 = 3072;

/// An account whose pictures are pinned, often in several rows.
#[derive(Debug)]
pub(super) struct Poster {
    pub(super) name: String,
    /// `"0"`, `"942"`, `"124k"`, `"5M"`.
    pub(super) followers: String,
}

// === impl Poster ===

impl Poster {
    pub(super) fn draw(seed: u64, lot: &mut Draw) -> Self {
        let mut draw = Draw::new(seed, Stream::Poster, lot.below(POSTERS));
        Self {
            name: name(&mut draw),
            followers: followers(&mut draw),
        }
    }
}

fn name(draw: &mut Draw) -> String {
    let first = draw.pick(&names::FIRST_NAMES);
    let last = draw.pick(&names::LAST_NAMES);
    let theme = draw.pick(&words::BLOG_THEMES);
    match draw.below(8) {
        0 => format!("{first} {last}"),
        1 => format!("{first} {last} | {theme}"),
        2 => format!("The {theme} Journal"),
        3 => format!("{theme} by {first}"),
        4 => format!("{first}'s {theme} Corner"),
        5 => format!("{last} & Daughters"),
        6 => format!("{first} {last} {}", draw.pick(&words::EMOJI)),
        _ => draw.pick(&words::WORLD_POSTERS).to_owned(),
    }
}

/// Below a thousand as they are, then in thousands, then in millions.
fn followers(draw: &mut Draw) -> String {
    match draw.below(100) {
        0..=1 => "0".to_owned(),
        2..=19 => draw.between(1, 999).to_string(),
        20..=49 => format!("{}k", draw.between(1, 99)),
        50..=84 => format!("{}k", draw.between(100, 999)),
        _ => format!("{}M", draw.between(1, 9)),
    }
}
