//! `pinterest_data`: the pinned picture or video. A part of the rows is broken in the ways the
//! original's scraper left them: placeholder texts in place of what could not be read.

use super::{poster::Poster, words};
use crate::{
    draw::{Draw, Stream},
    row::Cell,
};

const NO_TITLE: &str = "No Title Data Available";
const NO_DESCRIPTION: &str = "No description available";
const NO_STORY: &str = "No description available Story format";
const NO_USER: &str = "User Info Error";
/// The text "No Tags Available", joined letter by letter.
const NO_TAGS: &str = "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e";
const NO_IMAGE: &str = "Image src error.";
const STORY: &str = "multi-video(story page format)";

/// What the scraper managed to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// Nothing but the category.
    Broken,
    /// A story: no description, no tags.
    Story,
    /// A picture or a video.
    Whole,
}

pub(super) fn cells(seed: u64, number: u64) -> Vec<Cell> {
    let mut draw = Draw::new(seed, Stream::Pin, number);
    let page = match draw.below(1000) {
        0..=59 => Page::Broken,
        60..=159 => Page::Story,
        _ => Page::Whole,
    };
    let category = &words::CATEGORIES[draw.below(words::CATEGORIES.len() as u64) as usize];
    let unique_id = uuid(&mut draw);
    let (poster_name, follower_count) = poster(seed, page, &mut draw);
    let image_src = image_src(page, &mut draw);
    let downloaded = i64::from(image_src != NO_IMAGE);
    vec![
        Cell::Int(number as i64),
        unique_id.into(),
        title(category, page, &mut draw).into(),
        description(category, page, &mut draw).into(),
        poster_name.into(),
        follower_count.into(),
        tag_list(category, page, &mut draw).into(),
        kind(page, &mut draw).into(),
        image_src.into(),
        downloaded.into(),
        format!("Local save in /data/{}", category.name).into(),
        category.name.into(),
    ]
}

/// A random UUID in its text form.
fn uuid(draw: &mut Draw) -> String {
    let high = (draw.word() & !0xf000) | 0x4000;
    let low = (draw.word() & !(0b11 << 62)) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

fn poster(seed: u64, page: Page, draw: &mut Draw) -> (String, String) {
    let poster = Poster::draw(seed, draw);
    if page == Page::Broken || draw.chance(15) {
        return (NO_USER.to_owned(), NO_USER.to_owned());
    }
    (poster.name, poster.followers)
}

fn title(category: &words::Category, page: Page, draw: &mut Draw) -> String {
    let subject = draw.pick(category.subjects);
    let pattern = draw.pick(&words::TITLES);
    let number = draw.between(3, 101).to_string();
    if page == Page::Broken || draw.chance(25) {
        return NO_TITLE.to_owned();
    }
    pattern.replace("{s}", subject).replace("{n}", &number)
}

fn description(category: &words::Category, page: Page, draw: &mut Draw) -> String {
    let subject = draw.pick(category.subjects);
    let sentences: Vec<&str> = (0..draw.between(1, 4))
        .map(|_| draw.pick(&words::SENTENCES))
        .collect();
    let joint = draw.pick(&words::JOINTS);
    match (page, draw.below(1000)) {
        (Page::Broken, _) => NO_DESCRIPTION.to_owned(),
        (Page::Story, _) => NO_STORY.to_owned(),
        (Page::Whole, 0..=49) => NO_DESCRIPTION.to_owned(),
        (Page::Whole, 50..=54) => "Untitled".to_owned(),
        (Page::Whole, _) => sentences.join(joint).replace("{s}", subject),
    }
}

fn tag_list(category: &words::Category, page: Page, draw: &mut Draw) -> String {
    let first = draw.below(category.tags.len() as u64) as usize;
    let count = draw.between(2, category.tags.len() as i64) as usize;
    if page != Page::Whole || draw.chance(20) {
        return NO_TAGS.to_owned();
    }
    let tags = category.tags.iter().cycle().skip(first).take(count);
    tags.copied().collect::<Vec<_>>().join(",")
}

fn kind(page: Page, draw: &mut Draw) -> &'static str {
    match (page, draw.below(10)) {
        (Page::Broken | Page::Story, _) => STORY,
        (Page::Whole, 0..=1) => "video",
        (Page::Whole, _) => "image",
    }
}

fn image_src(page: Page, draw: &mut Draw) -> String {
    let (high, low) = (draw.word(), draw.word());
    if page == Page::Broken || draw.chance(10) {
        return NO_IMAGE.to_owned();
    }
    let [a, b, c, ..] = high.to_be_bytes();
    format!(
        "https://images.example.com/originals/{a:02x}/{b:02x}/{c:02x}/{high:016x}{low:016x}.jpg"
    )
}
