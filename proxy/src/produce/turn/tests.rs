//! Whose turn it is, with parcels that only note when they were handed over.
#![allow(clippy::unwrap_used)]
use rdkafka::types::RDKafkaErrorCode;

use super::queue::SHARE_BYTES;
use super::*;
use crate::produce::batch::format::RecordBatch;

type Log = Arc<Mutex<Vec<Handed>>>;

/// What was handed over: name, partition, and the turn while it is not dropped.
struct Handed(&'static str, Option<i32>, Option<Arc<Turn>>);

struct Named(&'static str, usize, Log);

impl Parcel for Named {
    fn bytes(&self) -> usize {
        self.1
    }

    fn records(&self) -> usize {
        1
    }

    fn write(&self, _: &mut RecordBatch) {}

    fn landed(self: Box<Self>, _: i32, _: i64, _: Option<i64>) {}

    fn failed(self: Box<Self>, _: RDKafkaErrorCode) {}

    fn hand_over(self: Box<Self>, partition: Option<i32>, turn: Option<Arc<Turn>>) {
        self.2.lock().push(Handed(self.0, partition, turn));
    }
}

struct Test {
    turns: Arc<Turns>,
    log: Log,
}

impl Test {
    fn new(wait_ms: u64) -> Self {
        Self {
            turns: Turns::new(Duration::from_millis(wait_ms), None),
            log: Log::default(),
        }
    }

    fn submit(&self, partitions: usize, name: &'static str, bytes: usize) {
        let parcel = Box::new(Named(name, bytes, Arc::clone(&self.log)));
        self.turns.submit("t", partitions, parcel);
    }

    fn handed(&self) -> Vec<(&'static str, Option<i32>)> {
        self.log.lock().iter().map(|one| (one.0, one.1)).collect()
    }

    /// Reports every record of those that were handed over under this name.
    fn report(&self, name: &str) {
        let at = self.log.lock().iter().position(|one| one.0 == name);
        let turn = self.log.lock()[at.unwrap()].2.take();
        drop(turn);
    }
}

#[tokio::test]
async fn free_partitions_in_turn_and_then_all_that_wait_to_the_first_that_is_free_again() {
    let test = Test::new(3_600_000);
    for name in ["a", "b", "c", "d", "e"] {
        test.submit(2, name, 10);
    }
    assert_eq!(test.handed(), [("a", Some(0)), ("b", Some(1))]);
    test.report("b");
    let together = [("c", Some(1)), ("d", Some(1)), ("e", Some(1))];
    assert_eq!(test.handed()[2..], together);
    test.submit(2, "f", 10);
    test.report("c");
    test.report("d");
    assert_eq!(test.handed().len(), 5, "one of the group is on its way");
    test.report("e");
    assert_eq!(test.handed()[5..], [("f", Some(1))]);
    test.report("a");
    test.submit(2, "g", 10);
    assert_eq!(test.handed()[6..], [("g", Some(0))]);
}

#[tokio::test]
async fn small_batches_go_to_two_partitions_at_once_and_more_when_a_share_waits() {
    let test = Test::new(3_600_000);
    for name in ["a", "b", "c"] {
        test.submit(4, name, 10);
    }
    assert_eq!(test.handed(), [("a", Some(0)), ("b", Some(1))]);
    test.submit(4, "d", SHARE_BYTES);
    assert_eq!(test.handed()[2..], [("c", Some(2)), ("d", Some(2))]);
    test.submit(4, "e", 10);
    test.report("a");
    assert_eq!(test.handed().len(), 4, "two others are on their way");
    test.report("b");
    assert_eq!(
        test.handed()[4..],
        [("e", Some(3))],
        "partitions follow each other"
    );
}

#[tokio::test]
async fn a_group_is_a_batch_at_most() {
    let test = Test::new(3_600_000);
    for name in ["a", "b", "c"] {
        test.submit(1, name, GROUP_BYTES / 2 + 1);
    }
    test.report("a");
    assert_eq!(test.handed(), [("a", Some(0)), ("b", Some(0))]);
    test.submit(1, "large", 10 * GROUP_BYTES);
    test.report("b");
    test.report("c");
    assert_eq!(test.handed()[2..], [("c", Some(0)), ("large", Some(0))]);
    test.report("large");
}

#[tokio::test]
async fn nobody_waits_for_ever_and_nothing_is_kept() {
    let test = Test::new(5);
    test.submit(1, "stuck", 10);
    test.submit(1, "late", 10);
    let limit = Instant::now() + Duration::from_secs(30);
    while test.handed().len() < 2 && Instant::now() < limit {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(test.handed(), [("stuck", Some(0)), ("late", None)]);
    test.report("stuck");
    while !test.turns.topics.lock().is_empty() && Instant::now() < limit {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(test.turns.topics.lock().is_empty());
}

#[tokio::test]
async fn fewer_partitions_than_before() {
    let test = Test::new(3_600_000);
    for name in ["a", "b", "c"] {
        test.submit(3, name, SHARE_BYTES);
    }
    test.report("b");
    test.report("c");
    test.submit(1, "d", 10);
    assert_eq!(test.handed().len(), 3, "the only one is busy");
    test.report("a");
    assert_eq!(test.handed()[3..], [("d", Some(0))]);
}
