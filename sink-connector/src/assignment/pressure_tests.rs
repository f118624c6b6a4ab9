//! What a task does as the byte budget fills: parts early, files closed, partitions paused and resumed. Objects are
//! completed as soon as their plan is acknowledged, which here is a word of the test.
#![allow(clippy::unwrap_used)]

use std::sync::mpsc;

use prometheus::Registry;
use rdkafka::TopicPartitionList;
use sluiceway_common::traces::Traces;
use tokio::runtime::Runtime;

use super::*;
use crate::budget::{Budget, Pressure};
use crate::config::ConnectorConfig;
use crate::events::ClosedObject;
use crate::metrics::SinkMetrics;
use crate::record::RawRecord;
use crate::upload::Uploader;

const MIB: usize = 1 << 20;
/// Soft mark 9.6 MiB, hard mark 13.6 MiB.
const BUDGET: usize = 16 * MIB;
const RECORD_BYTES: usize = 64 * 1024;

struct Scene {
    assignment: Assignment,
    tools: Arc<Tools>,
    /// The next offset of each partition.
    next: Vec<i64>,
    objects: mpsc::Receiver<ClosedObject>,
    _runtime: Runtime,
}

impl Scene {
    /// A task with so many partitions, of a connector that closes files after so many records only.
    fn new(partitions: i32, flush_size: u32) -> Self {
        let text = format!(
            "name=n\nconnector.class=S3Sink\ntopics=t\ns3.bucket.name=b\nflush.size={flush_size}\n\
             storage.class=S3Storage\nformat.class=JsonFormat\nkey.converter=StringConverter\n\
             value.converter=StringConverter\ns3.part.size=26214400\n"
        );
        let properties = sluiceway_common::props::parse(&text).unwrap();
        let config = Arc::new(ConnectorConfig::parse(&properties, &Default::default()).unwrap());
        let runtime = Runtime::new().unwrap();
        let pipeline = Pipeline::new(&config).unwrap();
        let metrics = Arc::new(SinkMetrics::register(&Registry::new()).unwrap());
        let (events, uploads) = mpsc::channel();
        let (listing, objects) = mpsc::channel();
        let handle = runtime.handle().clone();
        let uploader = Uploader::listing(&config, handle, Arc::clone(&metrics), events, listing);
        let tools = Arc::new(Tools {
            stored: pipeline.stored().clone(),
            budget: Budget::new(BUDGET),
            config,
            metrics,
            uploader,
            dead_letters: None,
            traces: Traces::default(),
        });
        let mut assignment = Assignment::new(Arc::clone(&tools), pipeline, uploads);
        let all = 0..partitions;
        all.for_each(|partition| assignment.add("t", partition, None, ""));
        Self {
            next: vec![0; assignment.len()],
            assignment,
            tools,
            objects,
            _runtime: runtime,
        }
    }

    fn take(&mut self, partition: usize) {
        let record = RawRecord {
            topic: "t",
            partition: i32::try_from(partition).unwrap(),
            offset: self.next[partition],
            timestamp: Some(0),
            key: None,
            value: Some(&[b'x'; RECORD_BYTES]),
            headers: None,
        };
        self.next[partition] += 1;
        let taken = self.assignment.take(&record).unwrap();
        assert!(matches!(taken, Taken::Written), "{taken:?}");
    }

    /// Takes records of a partition until its open files hold so much.
    fn fill(&mut self, partition: usize, bytes: usize) {
        while self.held(partition) < bytes {
            self.take(partition);
        }
    }

    /// Takes records of a partition until the pressure is this.
    fn fill_until(&mut self, partition: usize, pressure: Pressure) {
        while self.pressure() != pressure {
            self.take(partition);
        }
    }

    fn state(&self, partition: usize) -> &TopicPartition {
        let states = self.assignment.slots.iter().flatten();
        let mut own = states.filter(|state| state.partition as usize == partition);
        own.next().unwrap()
    }

    /// Bytes in open files of a partition.
    fn held(&self, partition: usize) -> usize {
        self.state(partition).held_bytes()
    }

    fn pressure(&self) -> Pressure {
        self.tools.budget.pressure()
    }

    fn closed(&self, reason: &str) -> u64 {
        let closed = &self.tools.metrics.files_closed;
        closed.with_label_values(&["n", reason]).get()
    }

    fn early_parts(&self) -> u64 {
        self.tools
            .metrics
            .early_parts
            .with_label_values(&["n"])
            .get()
    }

    /// What the consumer is told; `held_back` is what it was told of the whole task before. Then whether it is now.
    fn fetching(&mut self, held_back: bool) -> (bool, Vec<i32>, Vec<i32>) {
        let hold = self.assignment.hold_back(held_back);
        let Fetching { pause, resume } = self.assignment.fetching(false, hold, false);
        (hold, partitions(&pause), partitions(&resume))
    }

    /// Kafka acknowledges all plans, and S3 has the objects.
    fn acknowledge(&mut self) {
        while self.assignment.unfinished() {
            for commit in self.assignment.commits_due() {
                self.assignment.acknowledged(commit);
            }
            self.assignment.absorb_uploads(Default::default()).unwrap();
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    let elements = list.elements();
    elements.iter().map(|element| element.partition()).collect()
}

#[test]
fn above_the_soft_mark_parts_go_out_early_and_their_files_stay_open() {
    let mut scene = Scene::new(2, 1_000_000);
    scene.fill(0, 6 * MIB);
    scene.assignment.on_pressure().unwrap();
    assert_eq!((scene.pressure(), scene.early_parts()), (Pressure::None, 0));
    // Less than S3 takes as a part.
    scene.fill_until(1, Pressure::Soft);
    assert!(scene.held(1) < 5 * MIB, "{}", scene.held(1));
    let before = scene.held(1);
    scene.assignment.on_pressure().unwrap();
    assert_eq!((scene.pressure(), scene.early_parts()), (Pressure::None, 1));
    assert!(scene.held(0) < MIB, "{}", scene.held(0));
    assert_eq!(scene.held(1), before);
    assert_eq!(
        (scene.state(0).open_files(), scene.closed("memory")),
        (1, 0)
    );
    assert_eq!(scene.fetching(false), (false, vec![], vec![]));

    // The file that was sent in part goes on, and is one object in the end.
    scene.take(0);
    let slot = scene.assignment.slot("t", 0).unwrap();
    let state = scene.assignment.slots[slot].as_mut().unwrap();
    state.close(crate::rotate::CloseReason::Idle).unwrap();
    scene.assignment.dirty.insert(slot);
    scene.acknowledge();
    let object = scene.objects.try_recv().unwrap();
    let last = scene.next[0] - 1;
    assert_eq!((object.first_offset, object.last_offset), (0, last));
    assert!(object.bytes > 6 * MIB as u64 - MIB as u64 / 2, "{object:?}");
}

#[test]
fn above_the_hard_mark_what_holds_most_is_closed_then_all_is_paused_until_memory_comes_back() {
    let mut scene = Scene::new(4, 1_000_000);
    for (partition, bytes) in [(0, 42), (1, 36), (2, 32)] {
        scene.fill(partition, bytes * MIB / 10);
    }
    scene.fill_until(3, Pressure::Hard);
    assert!(scene.held(3) < scene.held(2));
    scene.assignment.on_pressure().unwrap();
    // Nothing was large enough for a part; those that hold most are closed, down to 30 % of the budget.
    assert_eq!((scene.early_parts(), scene.closed("memory")), (0, 3));
    let open = |partition: usize| scene.state(partition).open_files();
    assert_eq!([0, 1, 2, 3].map(open), [0, 0, 0, 1]);

    // What is closed waits for its plan, and more comes in: closing more would not help.
    scene.fill_until(3, Pressure::Hard);
    scene.assignment.on_pressure().unwrap();
    assert_eq!(scene.closed("memory"), 3);
    assert_eq!(scene.fetching(false), (true, vec![0, 1, 2, 3], vec![]));
    // Told once.
    assert_eq!(scene.fetching(true), (true, vec![], vec![]));

    scene.acknowledge();
    assert_eq!(scene.pressure(), Pressure::None);
    assert_eq!(scene.fetching(true), (false, vec![], vec![0, 1, 2, 3]));
    let objects: Vec<ClosedObject> = scene.objects.try_iter().collect();
    assert_eq!(objects.len(), 3);
    for object in &objects {
        assert_eq!(object.reason, crate::rotate::CloseReason::Memory);
    }
    assert!(scene.held(3) > 0, "what held least stays open");
}

#[test]
fn a_task_that_was_held_back_goes_on_below_the_soft_mark_only() {
    let scene = Scene::new(1, 1_000_000);
    let other = scene.tools.budget.account();
    let mut elsewhere = other.reserve();
    let mut hold = |bytes: usize, held: bool| {
        elsewhere.set(bytes);
        scene.assignment.hold_back(held)
    };
    assert!(!hold(BUDGET * 80 / 100, false), "not before the hard mark");
    assert!(hold(BUDGET * 90 / 100, false));
    assert!(
        hold(BUDGET * 80 / 100, true),
        "not before the soft mark is met"
    );
    assert!(!hold(BUDGET * 50 / 100, true));
}

#[test]
fn a_hot_partition_is_paused_alone() {
    let mut scene = Scene::new(4, 40);
    // Objects of 2.5 MiB, whose plan Kafka has not acknowledged yet.
    while scene.pressure() == Pressure::None {
        scene.take(0);
        scene.assignment.on_pressure().unwrap();
    }
    assert_eq!(scene.fetching(false), (false, vec![0], vec![]));
    // The others are taken and closed as ever.
    for partition in [1, 2, 3] {
        scene.take(partition);
        assert_eq!(scene.state(partition).open_records(), 1);
    }
    assert_eq!(scene.fetching(false), (false, vec![], vec![]));
    assert_eq!(scene.closed("memory"), 0);
    scene.acknowledge();
    assert_eq!(scene.fetching(false), (false, vec![], vec![0]));
    assert!(scene.closed("flush_size") >= 3);
}
