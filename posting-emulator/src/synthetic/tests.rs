#![allow(clippy::unwrap_used, clippy::expect_used)]
//! What the rows of the three tables look like, over the whole default size.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::*;
use crate::row::Cell;

const ROWS: u64 = 11_001;

fn rows(table: Table) -> Vec<Row> {
    let synthetic = Synthetic::new(100, ROWS);
    (0..ROWS)
        .map(|number| synthetic.row(table, number).unwrap())
        .collect()
}

fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    match row.get(column) {
        Some(Cell::Text(text)) => text,
        other => panic!("{column}: {other:?}"),
    }
}

fn int(row: &Row, column: &str) -> i64 {
    match row.get(column) {
        Some(Cell::Int(number)) => *number,
        other => panic!("{column}: {other:?}"),
    }
}

fn datetime(row: &Row, column: &str) -> jiff::civil::DateTime {
    match row.get(column) {
        Some(Cell::Datetime(datetime)) => *datetime,
        other => panic!("{column}: {other:?}"),
    }
}

fn float(row: &Row, column: &str) -> f64 {
    match row.get(column) {
        Some(Cell::Float(number)) => *number,
        other => panic!("{column}: {other:?}"),
    }
}

#[test]
fn a_row_is_reproducible_without_those_before_it() {
    for table in Table::ALL {
        let one = Synthetic::new(100, ROWS).row(table, 7528).unwrap();
        let small = Synthetic::new(100, 7529).row(table, 7528).unwrap();
        assert_eq!(one, small, "the size of the table changes no row");
        assert_eq!(one, rows(table)[7528]);
        let other = Synthetic::new(101, ROWS).row(table, 7528).unwrap();
        assert_ne!(one, other, "the seed does");
    }
}

#[test]
fn a_row_past_the_end_is_an_error() {
    let error = Synthetic::new(100, 5).row(Table::Geo, 5).unwrap_err();
    assert_eq!(error.to_string(), "geolocation_data has no row 5: it has 5");
}

#[test]
fn index_and_ind_join_the_tables() {
    let synthetic = Synthetic::new(100, ROWS);
    for number in [0, 1, 7528, 11_000] {
        let key = |table, column| int(&synthetic.row(table, number).unwrap(), column);
        assert_eq!(key(Table::Pin, "index"), number as i64);
        assert_eq!(key(Table::Geo, "ind"), number as i64);
        assert_eq!(key(Table::User, "ind"), number as i64);
    }
}

#[test]
fn rows_have_their_tables_columns_in_order() {
    for table in Table::ALL {
        let row = Synthetic::new(1, 1).row(table, 0).unwrap();
        let names: Vec<&str> = row.cells.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, table.columns());
    }
}

#[test]
fn every_placeholder_of_the_original_occurs() {
    let pins = rows(Table::Pin);
    let expected = [
        ("title", "No Title Data Available"),
        ("description", "No description available"),
        ("description", "No description available Story format"),
        ("description", "Untitled"),
        ("poster_name", "User Info Error"),
        ("follower_count", "User Info Error"),
        ("tag_list", "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e"),
        ("image_src", "Image src error."),
    ];
    for (column, placeholder) in expected {
        let share = pins
            .iter()
            .filter(|row| text(row, column) == placeholder)
            .count();
        let most = ROWS as usize / 4;
        assert!(
            (1..most).contains(&share),
            "{column} {placeholder}: {share}"
        );
    }
}

#[test]
fn categories_are_named_in_the_save_location_too() {
    let mut seen = BTreeSet::new();
    for row in rows(Table::Pin) {
        let category = text(&row, "category").to_owned();
        assert_eq!(
            text(&row, "save_location"),
            format!("Local save in /data/{category}")
        );
        seen.insert(category);
    }
    let all = "art beauty christmas diy-and-crafts education event-planning finance home-decor \
               mens-fashion quotes tattoos travel vehicles";
    assert_eq!(seen, all.split(' ').map(str::to_owned).collect());
}

#[test]
fn follower_counts_are_text_in_the_sites_spelling() {
    let mut shapes = BTreeMap::new();
    for row in rows(Table::Pin) {
        let count = text(&row, "follower_count");
        let shape = match count.strip_suffix(['k', 'M']) {
            _ if count == "User Info Error" => "error",
            Some(digits) => {
                assert!(
                    digits.parse::<u32>().is_ok_and(|n| (1..1000).contains(&n)),
                    "{count}"
                );
                &count[digits.len()..]
            }
            None if count == "0" => "zero",
            None => {
                assert!(count.parse::<u32>().is_ok_and(|n| n < 1000), "{count}");
                "plain"
            }
        };
        *shapes.entry(shape.to_owned()).or_insert(0) += 1;
    }
    let shapes: Vec<&str> = shapes.keys().map(String::as_str).collect();
    assert_eq!(shapes, ["M", "error", "k", "plain", "zero"]);
}

#[test]
fn kinds_downloads_and_identifiers_are_consistent() {
    let mut kinds = BTreeSet::new();
    let mut identifiers = HashSet::new();
    for row in rows(Table::Pin) {
        kinds.insert(text(&row, "is_image_or_video").to_owned());
        let missing = text(&row, "image_src") == "Image src error.";
        assert_eq!(int(&row, "downloaded"), i64::from(!missing));
        let id = text(&row, "unique_id").to_owned();
        assert_eq!((id.len(), &id[14..15]), (36, "4"), "{id}");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        assert!(identifiers.insert(id));
    }
    let expected = ["image", "multi-video(story page format)", "video"];
    assert_eq!(kinds, expected.map(str::to_owned).into());
}

#[test]
fn titles_and_descriptions_hold_what_breaks_naive_readers() {
    let pins = rows(Table::Pin);
    let texts: Vec<&str> = pins
        .iter()
        .flat_map(|row| [text(row, "title"), text(row, "description")])
        .collect();
    let wanted = [
        '\n', '\r', '\t', '"', '\'', '\\', 'é', '\u{301}', '\u{a0}', '\u{200d}', '簡', 'أ', '🎄',
        '𝑎',
    ];
    for wanted in wanted {
        let count = texts.iter().filter(|text| text.contains(wanted)).count();
        assert!(count > 10, "{wanted:?} occurs {count} times");
    }
}

#[test]
fn places_cover_the_globe_and_the_whole_list_of_countries() {
    let mut seen = BTreeSet::new();
    for row in rows(Table::Geo) {
        assert!(float(&row, "latitude").abs() <= 90.0);
        assert!(float(&row, "longitude").abs() <= 180.0);
        seen.insert(text(&row, "country").to_owned());
    }
    assert_eq!(seen.len(), countries::COUNTRIES.len());
    let distinct: BTreeSet<&str> = countries::COUNTRIES.into();
    assert_eq!(distinct.len(), countries::COUNTRIES.len());
}

#[test]
fn users_are_adults_who_joined_before_they_posted() {
    let synthetic = Synthetic::new(100, ROWS);
    let (mut joined_years, mut post_years) = (BTreeSet::new(), BTreeSet::new());
    let mut people = HashSet::new();
    for number in 0..ROWS {
        let user = synthetic.row(Table::User, number).unwrap();
        let geo = synthetic.row(Table::Geo, number).unwrap();
        let (joined, posted) = (datetime(&user, "date_joined"), datetime(&geo, "timestamp"));
        assert!(joined < posted, "row {number}: {joined} {posted}");
        assert!((18..=68).contains(&int(&user, "age")));
        joined_years.insert(joined.year());
        post_years.insert(posted.year());
        people.insert((
            text(&user, "first_name").to_owned(),
            text(&user, "last_name").to_owned(),
            joined,
        ));
    }
    assert_eq!(joined_years, (2015..=2020).collect());
    assert_eq!(post_years, (2017..=2022).collect());
    assert!(
        people.len() < ROWS as usize / 2,
        "users come back: {}",
        people.len()
    );
}

/// Stored answers elsewhere rest on these rows. A change here is a change of the data set.
#[test]
fn the_data_set_of_the_default_seed_does_not_change() {
    let digest = Table::ALL.map(|table| {
        let mut digest: u64 = 0xcbf2_9ce4_8422_2325;
        for row in rows(table) {
            for byte in row.to_json(crate::row::DatetimeFormat::Space).bytes() {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        digest
    });
    let expected = [
        1_510_475_593_885_382_494,
        14_046_275_247_774_750_992,
        8_023_294_794_126_427_316,
    ];
    assert_eq!(digest, expected);
}
