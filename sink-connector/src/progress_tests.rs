//! Tests of `progress.rs`.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::plan::MAX_METADATA_BYTES as MAX;

/// Passes the records `from..to` as a task would.
fn pass(progress: &mut Progress, from: i64, to: i64) {
    for offset in from..to {
        assert_eq!(progress.accept(offset), Arrival::Next);
        progress.pass(offset);
    }
}

#[test]
fn an_object_completes_only_after_its_plan_was_acknowledged() {
    let mut progress = Progress::recover(None, "");
    pass(&mut progress, 0, 3);
    assert_eq!(progress.next_commit(MAX), None);
    progress.add_closing(1, 3, 1);
    assert!(!progress.may_complete(1));
    let commit = progress.next_commit(MAX).unwrap();
    assert_eq!(
        (commit.offset, commit.metadata.as_str()),
        (0, "sluiceway:1 3")
    );
    assert_eq!(progress.acknowledged(commit), [1]);
    assert!(progress.may_complete(1));
    assert_eq!(progress.next_commit(MAX), None);
    assert!(progress.file_done(1));
    let commit = progress.next_commit(MAX).unwrap();
    assert_eq!((commit.offset, commit.metadata.as_str()), (3, ""));
    assert!(progress.acknowledged(commit).is_empty());
    assert_eq!(
        (progress.committed(), progress.next_commit(MAX)),
        (Some(3), None)
    );
}

#[test]
fn the_offset_moves_over_the_completed_prefix_only() {
    let mut progress = Progress::recover(Some(0), "");
    pass(&mut progress, 0, 9);
    for (id, boundary) in [(1, 3), (2, 6), (3, 9)] {
        progress.add_closing(id, boundary, 2);
    }
    let commit = progress.next_commit(MAX).unwrap();
    assert_eq!(commit.metadata, "sluiceway:1 3+3*3");
    assert_eq!(progress.acknowledged(commit), [1, 2, 3]);
    for id in [2, 2, 3, 1] {
        progress.file_done(id);
    }
    assert_eq!(progress.next_commit(MAX), None);
    progress.file_done(1);
    let commit = progress.next_commit(MAX).unwrap();
    assert_eq!(
        (commit.offset, commit.metadata.as_str()),
        (6, "sluiceway:1 9")
    );
}

#[test]
fn a_recovered_plan_is_kept_to_and_kept_in_the_metadata() {
    let mut progress = Progress::recover(Some(10), "sluiceway:1 5,13,20");
    assert_eq!(progress.replay_boundary(), Some(13));
    pass(&mut progress, 10, 13);
    progress.add_closing(1, 13, 1);
    // Its boundary already stands in the acknowledged plan.
    assert!(progress.may_complete(1));
    assert_eq!(
        (progress.next_commit(MAX), progress.replay_boundary()),
        (None, Some(20))
    );
    progress.file_done(1);
    let commit = progress.next_commit(MAX).unwrap();
    assert_eq!(
        (commit.offset, commit.metadata.as_str()),
        (13, "sluiceway:1 20")
    );
    progress.acknowledged(commit);
    pass(&mut progress, 13, 20);
    progress.add_closing(2, 20, 1);
    assert_eq!(progress.replay_boundary(), None);
}

#[test]
fn records_that_were_passed_before_are_left_out() {
    let mut progress = Progress::recover(Some(5), "metadata of another program");
    assert_eq!(progress.accept(4), Arrival::Behind);
    assert_eq!(progress.accept(7), Arrival::Next);
    progress.pass(7);
    assert_eq!(progress.accept(7), Arrival::Seen);
    assert_eq!(progress.accept(5), Arrival::Seen);
}

#[test]
fn a_client_that_reads_what_was_completed_is_waited_for() {
    let mut progress = Progress::recover(Some(5), "");
    assert_eq!(progress.accept(2), Arrival::Behind);
    progress.is_behind();
    for offset in [2, 3, 4] {
        assert_eq!(progress.accept(offset), Arrival::Seen);
    }
    assert_eq!(progress.accept(5), Arrival::Next);
    progress.pass(5);
    // Once it has come there, the next time is another matter.
    assert_eq!(progress.accept(3), Arrival::Behind);
    assert_eq!(progress.next_commit(MAX), None);
}

#[test]
fn skipped_records_move_the_offset_when_nothing_earlier_is_open() {
    let mut progress = Progress::recover(Some(0), "");
    pass(&mut progress, 0, 4);
    assert!(!progress.settle_skipped(1));
    assert!(progress.settle_skipped(0));
    assert_eq!(progress.next_commit(MAX).unwrap().offset, 4);
    let mut progress = Progress::recover(Some(0), "");
    pass(&mut progress, 0, 4);
    progress.add_closing(1, 4, 1);
    assert!(!progress.settle_skipped(0));
}

#[test]
fn a_plan_too_long_for_the_metadata_goes_out_in_pieces() {
    let mut progress = Progress::recover(Some(0), "");
    for (id, boundary) in [(1, 5), (2, 7), (3, 100)] {
        let from = progress.position().unwrap();
        pass(&mut progress, from, boundary);
        progress.add_closing(id, boundary, 1);
    }
    let commit = progress.next_commit("sluiceway:1 5,7".len()).unwrap();
    assert_eq!(progress.acknowledged(commit), [1, 2]);
    assert!(!progress.may_complete(3));
    progress.file_done(1);
    let commit = progress.next_commit("sluiceway:1 7,100".len()).unwrap();
    assert_eq!(progress.acknowledged(commit), [3]);
}
