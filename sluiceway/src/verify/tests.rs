//! Every way a record can be lost, doubled or changed must be found.

use serde_json::json;

use super::*;

fn at() -> TopicPartition {
    TopicPartition {
        topic: "u.pin".to_owned(),
        partition: 0,
    }
}

type Acknowledged = Vec<(i64, Value)>;

/// Records whose value is their offset.
fn acknowledged(offsets: impl IntoIterator<Item = i64>) -> Acknowledged {
    offsets
        .into_iter()
        .map(|offset| (offset, json!({ "n": offset })))
        .collect()
}

fn object(start: i64, numbers: impl IntoIterator<Item = i64>) -> Object {
    let lines: Vec<String> = numbers
        .into_iter()
        .map(|n| format!("{{\"n\":{n}}}\n"))
        .collect();
    Object::read(&format!("o{start}"), start, lines.concat().as_bytes())
}

fn check(mut records: Acknowledged, mut objects: Vec<Object>) -> Vec<String> {
    records.sort_by_key(|(offset, _)| *offset);
    objects.sort_by_key(|object| object.start);
    let starts: Vec<i64> = objects.iter().map(|object| object.start).collect();
    let (below, shares) = share_out(&records, &starts, |(offset, _)| *offset);
    let mut verifier = Verifier::new(at());
    verifier.offsets(records.iter().map(|(offset, _)| *offset));
    below.iter().for_each(|(offset, _)| verifier.below(*offset));
    for (object, share) in objects.iter().zip(shares) {
        verifier.object(object, share);
    }
    let problems = verifier.finish();
    assert_eq!(problems.count, problems.first.len() as u64);
    problems.first.iter().map(Problem::to_string).collect()
}

#[test]
fn whole_objects_in_any_order_are_fine() {
    let objects = vec![object(5, 5..9), object(0, 0..5)];
    let mut records = acknowledged(0..9);
    records.reverse();
    assert_eq!(check(records, objects), [""; 0]);
}

#[test]
fn records_of_others_between_the_acknowledged_ones_are_fine() {
    assert_eq!(check(acknowledged([1, 4]), vec![object(0, 0..5)]), [""; 0]);
}

#[test]
fn spelling_does_not_matter() {
    let records = vec![(0, json!({"a": 1.5, "b": "é"}))];
    let object = Object::read("o", 0, br#"{"b": "\u00e9", "a": 15e-1}"#);
    assert_eq!(check(records, vec![object]), [""; 0]);
}

#[test]
fn nothing_acknowledged_and_nothing_stored_is_fine() {
    assert_eq!(check(acknowledged([]), vec![]), [""; 0]);
}

#[test]
fn a_record_without_an_object_is_missing() {
    let missing = |offset| format!("u.pin-0 offset {offset}: in no object");
    assert_eq!(check(acknowledged([0]), vec![]), [missing(0)]);
    assert_eq!(
        check(acknowledged(0..4), vec![object(0, 0..3)]),
        [missing(3)]
    );
    assert_eq!(
        check(acknowledged(0..3), vec![object(1, 1..3)]),
        [missing(0)]
    );
    let gap = vec![object(0, 0..2), object(3, 3..5)];
    assert_eq!(check(acknowledged(0..5), gap), [missing(2)]);
}

#[test]
fn overlapping_objects_hold_records_twice() {
    let objects = vec![object(0, 0..3), object(2, 2..4)];
    let expected = ["u.pin-0 offset 2: in o0 and o2"];
    assert_eq!(check(acknowledged(0..4), objects), expected);
    // Also when a third object lies between.
    let objects = vec![object(0, 0..6), object(2, 2..3), object(4, 4..6)];
    let expected = [
        "u.pin-0 offset 2: in o0 and o2",
        "u.pin-0 offset 4: in o0 and o4",
        "u.pin-0 offset 5: in o0 and o4",
    ];
    let found = check(acknowledged([0, 1, 2, 4, 5]), objects);
    assert_eq!(found, expected);
}

#[test]
fn another_value_is_found() {
    let objects = vec![object(0, [0, 7, 2])];
    let expected = ["u.pin-0 offset 1: o0 holds another value there"];
    assert_eq!(check(acknowledged(0..3), objects), expected);
    let broken = Object::read("o0", 0, b"{\"n\":0}\n{\"n\":\n{\"n\":2}\n");
    assert_eq!(check(acknowledged(0..3), vec![broken]), expected);
}

#[test]
fn skipped_records_move_the_lines_up() {
    // Offsets 1 and 3 were tombstones.
    let objects = vec![object(0, [0, 2, 4, 5]), object(6, 6..8)];
    assert_eq!(check(acknowledged([0, 2, 4, 5, 6, 7]), objects), [""; 0]);
}

#[test]
fn a_lost_record_is_no_skipped_record() {
    let objects = vec![object(0, [0, 1, 3]), object(4, 4..6)];
    let found = check(acknowledged(0..6), objects);
    assert_eq!(found, ["u.pin-0 offset 2: o0 holds another value there"]);
}

#[test]
fn lines_in_another_order_are_found() {
    assert!(!check(acknowledged(0..3), vec![object(0, [1, 0, 2])]).is_empty());
}

#[test]
fn one_offset_for_two_records_is_found() {
    let found = check(acknowledged([0, 1, 1]), vec![object(0, 0..2)]);
    assert_eq!(found[0], "u.pin-0 offset 1: acknowledged for two records");
}

#[test]
fn names_give_the_first_offset() {
    let key = "topics/0a1b2c3d4e5f.pin/partition=0/0a1b2c3d4e5f.pin+0+0000000042.json";
    assert_eq!(start_of(key), Some(42));
    for other in ["topics/x/", "topics/x/readme.txt", "x+0+a.json", ""] {
        assert_eq!(start_of(other), None, "{other}");
    }
}

#[test]
fn problems_are_counted_beyond_those_listed() {
    let mut verifier = Verifier::new(at());
    (0..50).for_each(|offset| verifier.below(offset));
    let mut problems = Problems::default();
    problems.extend(verifier.finish());
    assert_eq!((problems.count, problems.first.len()), (50, 20));
}
