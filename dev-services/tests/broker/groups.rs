//! Consumer groups: sharing, rebalancing, commits with metadata, and what a member that was left behind may do.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    DescribeGroupsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, ListGroupsRequest, OffsetCommitRequest, OffsetDeleteRequest,
    OffsetFetchRequest, SyncGroupRequest, TopicName,
};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::wire::Wire;
use super::{Bench, SOON, consumer, numbered, produce};

fn partitions(consumer: &BaseConsumer) -> BTreeSet<i32> {
    consumer
        .assignment()
        .unwrap()
        .elements()
        .iter()
        .map(|element| element.partition())
        .collect()
}

/// Polls until what the consumers are assigned is as wanted.
fn settle(consumers: &[&BaseConsumer], wanted: impl Fn(&[BTreeSet<i32>]) -> bool) {
    let until = Instant::now() + SOON;
    loop {
        for consumer in consumers {
            if let Some(record) = consumer.poll(Duration::from_millis(20)) {
                record.unwrap();
            }
        }
        let shares: Vec<_> = consumers
            .iter()
            .map(|consumer| partitions(consumer))
            .collect();
        if wanted(&shares) {
            return;
        }
        assert!(Instant::now() < until, "{shares:?}");
    }
}

#[tokio::test]
async fn two_members_share_a_topic_and_one_takes_over() {
    let bench = Bench::start_with(|options| options.default_partitions = 4).await;
    produce(&bench.bootstrap(), "t", &numbered(10), &[]);
    let one = consumer(&bench.bootstrap(), "g");
    one.subscribe(&["t"]).unwrap();
    settle(&[&one], |shares| shares[0].len() == 4);
    let two = consumer(&bench.bootstrap(), "g");
    two.subscribe(&["t"]).unwrap();
    settle(&[&one, &two], |shares| {
        shares[0].len() == 2 && shares[1].len() == 2 && shares[0] != shares[1]
    });
    drop(one);
    settle(&[&two], |shares| shares[0].len() == 4);
}

#[tokio::test]
async fn offsets_and_metadata_are_read_back_and_survive_a_restart() {
    let bench = Bench::start().await;
    produce(&bench.bootstrap(), "t", &numbered(10), &[]);
    let commit = |bench: &Bench, metadata: &str| {
        let consumer = consumer(&bench.bootstrap(), "g");
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset("t", 0, Offset::Offset(7))
            .unwrap();
        offsets
            .find_partition("t", 0)
            .unwrap()
            .set_metadata(metadata);
        consumer.commit(&offsets, CommitMode::Sync)
    };
    commit(&bench, &"x".repeat(4_096)).unwrap();
    let refused = commit(&bench, &"x".repeat(4_097)).unwrap_err();
    assert!(
        refused.to_string().contains("OffsetMetadataTooLarge"),
        "{refused}"
    );
    commit(&bench, "plan {\"a\": 1}\n").unwrap();
    let bench = bench.restart().await;
    let consumer = consumer(&bench.bootstrap(), "g");
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition("t", 0);
    let committed = consumer.committed_offsets(wanted, SOON).unwrap();
    let committed = committed.find_partition("t", 0).unwrap();
    assert_eq!(
        (committed.offset(), committed.metadata()),
        (Offset::Offset(7), "plan {\"a\": 1}\n")
    );
}

/// A member that speaks the protocol itself.
struct Member {
    wire: Wire,
    id: String,
    generation: i32,
}

impl Member {
    fn connect(bench: &Bench) -> Self {
        Self {
            wire: Wire::connect(&bench.bootstrap()),
            id: String::new(),
            generation: -1,
        }
    }

    fn join(&mut self, session_ms: i32) -> JoinGroupResponse {
        let protocol = JoinGroupRequestProtocol::default().with_name("range".into());
        let request = |id: &str| {
            JoinGroupRequest::default()
                .with_group_id(GroupId("g".into()))
                .with_session_timeout_ms(session_ms)
                .with_rebalance_timeout_ms(session_ms)
                .with_protocol_type("consumer".into())
                .with_protocols(vec![protocol.clone()])
                .with_member_id(id.to_owned().into())
        };
        let mut joined = self.wire.call(9, &request(&self.id));
        if joined.error_code == 79 {
            joined = self.wire.call(9, &request(&joined.member_id));
        }
        if joined.error_code == 0 {
            (self.id, self.generation) = (joined.member_id.to_string(), joined.generation_id);
        }
        joined
    }

    fn sync(&mut self) -> i16 {
        let request = SyncGroupRequest::default()
            .with_group_id(GroupId("g".into()))
            .with_member_id(self.id.clone().into())
            .with_generation_id(self.generation);
        self.wire.call(3, &request).error_code
    }

    fn heartbeat(&mut self) -> i16 {
        let request = HeartbeatRequest::default()
            .with_group_id(GroupId("g".into()))
            .with_member_id(self.id.clone().into())
            .with_generation_id(self.generation);
        self.wire.call(4, &request).error_code
    }

    fn commit(&mut self) -> i16 {
        let partition = OffsetCommitRequestPartition::default().with_committed_offset(1);
        let topic = OffsetCommitRequestTopic::default()
            .with_name(TopicName("t".into()))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId("g".into()))
            .with_member_id(self.id.clone().into())
            .with_generation_id_or_member_epoch(self.generation)
            .with_topics(vec![topic]);
        self.wire.call(8, &request).topics[0].partitions[0].error_code
    }
}

#[tokio::test]
async fn a_member_that_was_left_behind_commits_nothing() {
    let bench =
        Bench::start_with(|options| options.group_min_session_timeout = Duration::from_millis(100))
            .await;
    produce(&bench.bootstrap(), "t", &numbered(1), &[]);
    let mut zombie = Member::connect(&bench);
    assert_eq!(
        (zombie.join(300).error_code, zombie.sync(), zombie.commit()),
        (0, 0, 0)
    );
    let old_id = zombie.id.clone();
    std::thread::sleep(Duration::from_millis(800)); // past its session time-out
    let mut heir = Member::connect(&bench);
    assert_eq!(
        (heir.join(20_000).error_code, heir.sync(), heir.commit()),
        (0, 0, 0)
    );
    assert_eq!(zombie.commit(), 25, "UNKNOWN_MEMBER_ID");
    assert_eq!(zombie.heartbeat(), 25);
    assert_eq!(zombie.join(300).error_code, 25);
    heir.generation -= 1;
    assert_eq!(heir.commit(), 22, "ILLEGAL_GENERATION");
    heir.generation += 1;
    assert_eq!(heir.commit(), 0);
    // Once it has joined again it is a member like any other.
    zombie.id = String::new();
    let joining = std::thread::spawn(move || {
        let joined = zombie.join(20_000).error_code;
        (joined, zombie)
    });
    while heir.heartbeat() != 27 {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(heir.join(20_000).error_code, 0);
    let (joined, mut zombie) = joining.join().unwrap();
    assert_eq!((joined, zombie.commit(), heir.sync()), (0, 27, 0));
    assert_eq!((zombie.sync(), zombie.commit()), (0, 0));
    assert_ne!(zombie.id, old_id);
}

#[tokio::test]
async fn session_time_outs_out_of_bounds_are_refused() {
    let bench = Bench::start().await;
    let mut member = Member::connect(&bench);
    assert_eq!(member.join(5_999).error_code, 26);
    assert_eq!(member.join(6_000).error_code, 0);
}

#[tokio::test]
async fn offsets_of_many_groups_are_fetched_at_once_and_deleted_by_topic() {
    let bench = Bench::start().await;
    produce(&bench.bootstrap(), "t", &numbered(3), &[]);
    produce(&bench.bootstrap(), "other", &numbered(3), &[]);
    let commit = |group: &str, topic: &str| {
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(topic, 0, Offset::Offset(2))
            .unwrap();
        consumer(&bench.bootstrap(), group)
            .commit(&offsets, CommitMode::Sync)
            .unwrap();
    };
    commit("a", "t");
    commit("a", "other");
    commit("b", "t");
    let mut wire = Wire::connect(&bench.bootstrap());
    let group = |id: &'static str| {
        OffsetFetchRequestGroup::default()
            .with_group_id(GroupId(id.into()))
            .with_topics(None)
    };
    let fetch =
        OffsetFetchRequest::default().with_groups(vec![group("a"), group("b"), group("none")]);
    let topics = |wire: &mut Wire| -> Vec<usize> {
        wire.call(8, &fetch)
            .groups
            .iter()
            .map(|group| group.topics.len())
            .collect()
    };
    assert_eq!(topics(&mut wire), [2, 1, 0]);
    let delete = OffsetDeleteRequest::default()
        .with_group_id(GroupId("a".into()))
        .with_topics(vec![
            OffsetDeleteRequestTopic::default()
                .with_name(TopicName("t".into()))
                .with_partitions(vec![OffsetDeleteRequestPartition::default()]),
        ]);
    assert_eq!(wire.call(0, &delete).topics[0].partitions[0].error_code, 0);
    assert_eq!(topics(&mut wire), [1, 1, 0]);
    let unknown = delete.with_group_id(GroupId("none".into()));
    assert_eq!(wire.call(0, &unknown).error_code, 69);
}

#[tokio::test]
async fn groups_are_found_listed_and_described() {
    let bench = Bench::start().await;
    produce(&bench.bootstrap(), "t", &numbered(1), &[]);
    let member = consumer(&bench.bootstrap(), "busy");
    member.subscribe(&["t"]).unwrap();
    settle(&[&member], |shares| shares[0].len() == 1);
    let mut wire = Wire::connect(&bench.bootstrap());
    let find =
        FindCoordinatorRequest::default().with_coordinator_keys(vec!["x".into(), "y".into()]);
    let found = wire.call(4, &find).coordinators;
    assert!(found.len() == 2 && found.iter().all(|it| it.error_code == 0 && it.port > 0));
    let list = |wire: &mut Wire, state: &'static str| {
        wire.call(
            4,
            &ListGroupsRequest::default().with_states_filter(vec![state.into()]),
        )
        .groups
        .len()
    };
    assert_eq!(
        (list(&mut wire, "Stable"), list(&mut wire, "Empty")),
        (1, 0)
    );
    let groups = vec![GroupId("busy".into()), GroupId("none".into())];
    let described = wire
        .call(5, &DescribeGroupsRequest::default().with_groups(groups))
        .groups;
    assert_eq!(
        (&*described[0].group_state, &*described[1].group_state),
        ("Stable", "Dead")
    );
    assert_eq!(
        (
            &*described[0].members[0].client_host,
            described[0].members.len()
        ),
        ("/127.0.0.1", 1)
    );
    assert!(!described[0].members[0].member_assignment.is_empty());
}
