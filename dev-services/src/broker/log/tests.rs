//! A partition's log on real files: offsets, reads, recovery, times, retention, deletion.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::OpenOptions;
use std::io::Write;

use super::super::batch::tests::{idempotent_batch, producer_batch};
use super::super::clock::now_ms;
use super::*;

const RULES: AppendRules = AppendRules {
    append_time: None,
    segment_bytes: 1 << 20,
};
/// So small that every batch starts a segment.
const TINY: AppendRules = AppendRules {
    append_time: None,
    segment_bytes: 1,
};

fn append(log: &Log, batch: &[u8], rules: AppendRules) -> Result<Appended, ResponseError> {
    log.append(batch, &BatchHeader::from_producer(batch).unwrap(), rules)
}

/// The values that a read from `offset` returns, as a consumer sees them.
fn values(log: &Log, offset: i64, max_bytes: usize) -> Vec<String> {
    let mut records = log.read(offset, max_bytes, true).unwrap().records;
    RecordBatchDecoder::decode_all(&mut records)
        .unwrap()
        .into_iter()
        .flat_map(|set| set.records)
        .filter(|record| record.offset >= offset)
        .map(|record| String::from_utf8(record.value.unwrap().to_vec()).unwrap())
        .collect()
}

/// The segment files of a log, oldest first.
fn segment_files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|it| it == "log"))
        .collect();
    files.sort();
    files
}

#[test]
fn offsets_go_on_from_batch_to_batch_and_over_a_restart() {
    for rules in [RULES, TINY] {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path().to_owned()).unwrap();
        assert_eq!(
            append(&log, &producer_batch(&["a", "b"], 0), rules)
                .unwrap()
                .base_offset,
            0
        );
        assert_eq!(
            append(&log, &producer_batch(&["c"], 0), rules)
                .unwrap()
                .base_offset,
            2
        );
        drop(log);
        let log = Log::open(dir.path().to_owned()).unwrap();
        assert_eq!(log.offsets(), (0, 3));
        assert_eq!(
            append(&log, &producer_batch(&["d"], 0), rules)
                .unwrap()
                .base_offset,
            3
        );
        let mut seen = Vec::new();
        while (seen.len() as i64) < log.offsets().1 {
            seen.extend(values(&log, seen.len() as i64, 1 << 20));
        }
        assert_eq!(seen, ["a", "b", "c", "d"]);
        assert_eq!(values(&log, 1, 1 << 20)[0], "b");
    }
}

#[test]
fn reads_stay_within_the_limit_but_never_get_stuck() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path().to_owned()).unwrap();
    let large = "x".repeat(10_000);
    for value in ["a", "b", &large, "c"] {
        append(&log, &producer_batch(&[value], 0), RULES).unwrap();
    }
    let one = producer_batch(&["a"], 0).len();
    assert_eq!(values(&log, 0, one), ["a"]);
    assert_eq!(values(&log, 0, 2 * one + 1), ["a", "b"]);
    assert_eq!(values(&log, 2, 1), std::slice::from_ref(&large));
    assert!(log.read(2, 1, false).unwrap().records.is_empty());
    assert_eq!(values(&log, 3, 1 << 20), ["c"]);
    assert!(log.read(4, 1 << 20, true).unwrap().records.is_empty());
    for outside in [-1, 5] {
        assert_eq!(
            log.read(outside, 1, true).unwrap_err(),
            ResponseError::OffsetOutOfRange
        );
    }
}

#[test]
fn every_offset_of_a_long_log_is_found_by_the_sparse_index() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path().to_owned()).unwrap();
    for start in 0..400 {
        let values: Vec<String> = (0..3)
            .map(|index| format!("{}", start * 3 + index))
            .collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        append(
            &log,
            &producer_batch(&values, start),
            AppendRules {
                segment_bytes: 20_000,
                ..RULES
            },
        )
        .unwrap();
    }
    let reopened = Log::open(dir.path().to_owned()).unwrap();
    assert!(segment_files(dir.path()).len() > 1);
    for offset in 0..1_200 {
        let expected = offset.to_string();
        assert_eq!(values(&log, offset, 300)[0], expected);
        assert_eq!(values(&reopened, offset, 300)[0], expected);
    }
}

#[test]
fn a_torn_batch_at_the_end_is_cut_off_and_the_rest_is_kept() {
    let batch = producer_batch(&["torn"], 0);
    let mut broken = batch.clone();
    *broken.last_mut().unwrap() ^= 1;
    let zeros = vec![0; 4_096];
    for tail in [&batch[..20], &batch[..batch.len() - 1], &broken, &zeros] {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path().to_owned()).unwrap();
        append(&log, &producer_batch(&["a", "b"], 0), RULES).unwrap();
        drop(log);
        let file = segment_files(dir.path()).remove(0);
        let mut tail = tail.to_vec();
        if tail.len() >= 61 && tail[16] == 2 {
            batch::assign_offset(&mut tail, 2);
        }
        OpenOptions::new()
            .append(true)
            .open(file)
            .unwrap()
            .write_all(&tail)
            .unwrap();
        let log = Log::open(dir.path().to_owned()).unwrap();
        assert_eq!(log.offsets(), (0, 2));
        assert_eq!(
            append(&log, &producer_batch(&["c"], 0), RULES)
                .unwrap()
                .base_offset,
            2
        );
        assert_eq!(values(&log, 0, 1 << 20), ["a", "b", "c"]);
    }
}

#[test]
fn duplicates_are_known_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path().to_owned()).unwrap();
    append(&log, &producer_batch(&["other"], 0), RULES).unwrap();
    let first = append(&log, &idempotent_batch(&["a", "b"], 0, 5, 0, 0), RULES).unwrap();
    append(&log, &idempotent_batch(&["c"], 0, 5, 0, 2), RULES).unwrap();
    drop(log);
    let log = Log::open(dir.path().to_owned()).unwrap();
    assert_eq!(
        append(&log, &idempotent_batch(&["a", "b"], 0, 5, 0, 0), RULES).unwrap(),
        first
    );
    let gap = append(&log, &idempotent_batch(&["e"], 0, 5, 0, 9), RULES).unwrap_err();
    assert_eq!(gap, ResponseError::OutOfOrderSequenceNumber);
    assert_eq!(log.offsets(), (0, 4));
}

#[test]
fn times_lead_to_the_first_record_that_is_late_enough() {
    for rules in [RULES, TINY] {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path().to_owned()).unwrap();
        append(&log, &producer_batch(&["a", "b", "c"], 1_000), rules).unwrap();
        append(&log, &producer_batch(&["old"], 10), rules).unwrap();
        append(&log, &producer_batch(&["d", "e"], 2_000), rules).unwrap();
        let find = |time| log.offset_for_time(time).unwrap();
        assert_eq!(find(0), Some((0, 1_000)));
        assert_eq!(find(1_001), Some((1, 1_001)));
        assert_eq!(find(1_500), Some((4, 2_000)));
        assert_eq!(find(2_002), None);
        assert_eq!(log.offset_of_latest_time().unwrap(), Some((5, 2_001)));
        log.delete_before(2).unwrap();
        assert_eq!(find(0), Some((2, 1_002)));
    }
}

#[test]
fn append_time_is_told_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path().to_owned()).unwrap();
    let rules = AppendRules {
        append_time: Some(5_000),
        ..RULES
    };
    assert_eq!(
        append(&log, &producer_batch(&["a", "b"], 9), rules)
            .unwrap()
            .append_time,
        5_000
    );
    assert_eq!(log.offset_for_time(4_000).unwrap(), Some((0, 5_000)));
}

#[test]
fn deleted_records_stay_deleted_and_empty_segments_go() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path().to_owned()).unwrap();
    for value in ["a", "b", "c"] {
        append(&log, &producer_batch(&[value, value], 0), TINY).unwrap();
    }
    assert_eq!(
        log.delete_before(7).unwrap_err(),
        ResponseError::OffsetOutOfRange
    );
    assert_eq!(log.delete_before(3).unwrap(), 3);
    assert_eq!(log.delete_before(1).unwrap(), 3);
    assert_eq!(segment_files(dir.path()).len(), 2);
    assert_eq!(
        log.read(2, 100, true).unwrap_err(),
        ResponseError::OffsetOutOfRange
    );
    assert_eq!(values(&log, 3, 1 << 20), ["b"]);
    drop(log);
    let log = Log::open(dir.path().to_owned()).unwrap();
    assert_eq!(log.offsets(), (3, 6));
    assert_eq!(log.delete_before(-1).unwrap(), 6);
    assert_eq!(Log::open(dir.path().to_owned()).unwrap().offsets(), (6, 6));
}

#[test]
fn retention_removes_closed_segments_only() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path().to_owned()).unwrap();
    for value in ["a", "b", "c"] {
        append(&log, &producer_batch(&[value], 0), TINY).unwrap();
    }
    log.apply_retention(-1, 60_000, now_ms()); // the records are from 1970, but were written just now
    assert_eq!(log.offsets(), (0, 3));
    let one = std::fs::metadata(&segment_files(dir.path())[0])
        .unwrap()
        .len() as i64;
    log.apply_retention(2 * one, -1, now_ms());
    assert_eq!(log.offsets(), (1, 3));
    log.apply_retention(-1, 0, now_ms() + 60_000);
    assert_eq!(log.offsets(), (2, 3));
    assert_eq!(Log::open(dir.path().to_owned()).unwrap().offsets(), (2, 3));
}

#[test]
fn a_deleted_log_answers_nothing_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path().to_owned()).unwrap();
    log.mark_deleted();
    let unknown = ResponseError::UnknownTopicOrPartition;
    assert_eq!(
        append(&log, &producer_batch(&["a"], 0), RULES).unwrap_err(),
        unknown
    );
    assert_eq!(log.read(0, 1, true).unwrap_err(), unknown);
}
