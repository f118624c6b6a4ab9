//! A group's rules, driven with a clock of its own. The error codes are those that Kafka's coordinator gives.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;

use bytes::Bytes;
use kafka_protocol::messages::{JoinGroupResponse, SyncGroupRequest, SyncGroupResponse};
use tokio::sync::oneshot;

use super::super::member::Join;
use super::*;

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(60);

type Joining = oneshot::Receiver<JoinGroupResponse>;

struct Bench {
    group: Group,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self {
            group: Group::new(Duration::ZERO),
            now: Instant::now(),
        }
    }

    fn request(member_id: &str, protocols: &[(&'static str, &'static str)]) -> Join {
        Join {
            member_id: StrBytes::from_string(member_id.to_owned()),
            instance_id: None,
            protocol_type: "consumer".into(),
            protocols: protocols
                .iter()
                .map(|(name, data)| ((*name).into(), (*data).into()))
                .collect(),
            session_timeout: SESSION,
            rebalance_timeout: REBALANCE,
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            id_first: true,
            can_skip_assignment: true,
        }
    }

    fn join(&mut self, member_id: &str) -> Joining {
        self.group
            .join(Self::request(member_id, &[("range", "s")]), self.now)
    }

    /// A fresh member id.
    fn new_id(&mut self) -> String {
        let refused = self.join("").try_recv().unwrap();
        assert_eq!(refused.error_code, ResponseError::MemberIdRequired.code());
        refused.member_id.to_string()
    }

    fn sync(
        &mut self,
        id: &str,
        generation: i32,
        all: &[&str],
    ) -> oneshot::Receiver<SyncGroupResponse> {
        let assignments = all.iter().map(|member| {
            SyncGroupRequestAssignment::default()
                .with_member_id(StrBytes::from_string((*member).to_owned()))
                .with_assignment(Bytes::copy_from_slice(format!("for {member}").as_bytes()))
        });
        let request = SyncGroupRequest::default()
            .with_member_id(StrBytes::from_string(id.to_owned()))
            .with_generation_id(generation)
            .with_assignments(assignments.collect());
        self.group.sync(&request, self.now)
    }

    fn heartbeat(&mut self, id: &str, generation: i32) -> Result<(), ResponseError> {
        let id = StrBytes::from_string(id.to_owned());
        self.group.heartbeat(
            Claim {
                member_id: &id,
                instance_id: None,
                generation,
            },
            self.now,
        )
    }

    fn commit(&mut self, id: &str, generation: i32) -> Result<(), ResponseError> {
        let id = StrBytes::from_string(id.to_owned());
        self.group.check_commit(
            Claim {
                member_id: &id,
                instance_id: None,
                generation,
            },
            self.now,
        )
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.group.expire(self.now);
    }

    /// A stable group with one member, in generation 1.
    fn with_one_member() -> (Self, String) {
        let mut bench = Self::new();
        let id = bench.new_id();
        let joined = bench.join(&id).try_recv().unwrap();
        assert_eq!((joined.error_code, joined.generation_id), (0, 1));
        assert_eq!(joined.leader, joined.member_id);
        let synced = bench.sync(&id, 1, &[&id]).try_recv().unwrap();
        assert_eq!(synced.assignment, format!("for {id}").as_bytes());
        (bench, id)
    }

    /// A stable group with two members, in generation 2.
    fn with_two_members() -> (Self, String, String) {
        let (mut bench, one) = Self::with_one_member();
        let two = bench.new_id();
        let mut second = bench.join(&two);
        assert!(second.try_recv().is_err(), "waits for the first member");
        assert_eq!(
            bench.heartbeat(&one, 1),
            Err(ResponseError::RebalanceInProgress)
        );
        let first = bench.join(&one).try_recv().unwrap();
        let second = second.try_recv().unwrap();
        assert_eq!((first.generation_id, second.generation_id), (2, 2));
        assert_eq!((first.members.len(), second.members.len()), (2, 0));
        let mut waiting = bench.sync(&two, 2, &[]);
        assert!(waiting.try_recv().is_err(), "waits for the leader");
        bench.sync(&one, 2, &[&one, &two]).try_recv().unwrap();
        assert_eq!(
            waiting.try_recv().unwrap().assignment,
            format!("for {two}").as_bytes()
        );
        assert_eq!(bench.group.phase, Phase::Stable);
        (bench, one, two)
    }
}

#[test]
fn two_members_share_and_commit() {
    let (mut bench, one, two) = Bench::with_two_members();
    assert_eq!(bench.commit(&one, 2), Ok(()));
    assert_eq!(bench.commit(&two, 2), Ok(()));
    assert_eq!(bench.commit(&one, 1), Err(ResponseError::IllegalGeneration));
    assert_eq!(
        bench.commit("stranger", 2),
        Err(ResponseError::UnknownMemberId)
    );
    assert_eq!(bench.commit("", -1), Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_member_that_falls_silent_is_fenced() {
    let (mut bench, one, two) = Bench::with_two_members();
    bench.pass(SESSION / 2);
    assert_eq!(bench.heartbeat(&two, 2), Ok(()));
    bench.pass(SESSION / 2);
    assert_eq!(bench.commit(&one, 2), Err(ResponseError::UnknownMemberId));
    assert_eq!(
        bench.heartbeat(&one, 2),
        Err(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        bench.heartbeat(&two, 2),
        Err(ResponseError::RebalanceInProgress)
    );
    let alone = bench.join(&two).try_recv().unwrap();
    assert_eq!((alone.generation_id, alone.leader.to_string()), (3, two));
    assert_eq!(
        bench.join(&one).try_recv().unwrap().error_code,
        ResponseError::UnknownMemberId.code()
    );
}

#[test]
fn the_last_members_zombie_is_fenced_too() {
    let (mut bench, one) = Bench::with_one_member();
    bench.pass(SESSION);
    assert_eq!(bench.group.phase, Phase::Empty);
    assert_eq!(bench.commit(&one, 1), Err(ResponseError::UnknownMemberId));
    assert_eq!(bench.commit("", -1), Ok(()));
}

#[test]
fn commits_are_allowed_while_members_are_awaited_but_not_before_the_assignment() {
    let (mut bench, one) = Bench::with_one_member();
    let two = bench.new_id();
    let _second = bench.join(&two);
    assert_eq!(bench.group.phase, Phase::PreparingRebalance);
    assert_eq!(bench.commit(&one, 1), Ok(()));
    bench.join(&one).try_recv().unwrap();
    assert_eq!(bench.group.phase, Phase::CompletingRebalance);
    assert_eq!(
        bench.commit(&one, 2),
        Err(ResponseError::RebalanceInProgress)
    );
    assert_eq!(bench.commit(&one, 1), Err(ResponseError::IllegalGeneration));
}

#[test]
fn the_rebalance_goes_on_without_those_who_do_not_join() {
    let (mut bench, one) = Bench::with_one_member();
    let two = bench.new_id();
    let mut second = bench.join(&two);
    for _ in 0..7 {
        bench.pass(REBALANCE / 8);
        let _ = bench.heartbeat(&one, 1); // alive, but does not join
    }
    assert!(second.try_recv().is_err());
    bench.pass(REBALANCE / 8);
    let joined = second.try_recv().unwrap();
    assert_eq!((joined.generation_id, joined.members.len()), (2, 1));
    assert_eq!(
        bench.heartbeat(&one, 1),
        Err(ResponseError::UnknownMemberId)
    );
}

#[test]
fn a_leader_that_does_not_assign_is_dropped() {
    let (mut bench, one) = Bench::with_one_member();
    let two = bench.new_id();
    let _second = bench.join(&two);
    bench.join(&one).try_recv().unwrap();
    let mut waiting = bench.sync(&two, 2, &[]);
    for _ in 0..8 {
        bench.pass(REBALANCE / 8);
        let _ = bench.heartbeat(&one, 2);
    }
    assert_eq!(
        waiting.try_recv().unwrap().error_code,
        ResponseError::RebalanceInProgress.code()
    );
    assert_eq!(
        bench.heartbeat(&one, 2),
        Err(ResponseError::UnknownMemberId)
    );
}

#[test]
fn leaving_rebalances_the_others() {
    let (mut bench, one, two) = Bench::with_two_members();
    let id = StrBytes::from_string(one.clone());
    assert_eq!(bench.group.leave(&id, None, bench.now), Ok(()));
    assert_eq!(
        bench.group.leave(&id, None, bench.now),
        Err(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        bench.heartbeat(&two, 2),
        Err(ResponseError::RebalanceInProgress)
    );
    let joined = bench.join(&two).try_recv().unwrap();
    assert_eq!(joined.members.len(), 1);
    bench
        .group
        .leave(&StrBytes::from_string(two), None, bench.now)
        .unwrap();
    assert_eq!(bench.group.phase, Phase::Empty);
}

#[test]
fn a_lost_answer_is_given_again_without_a_rebalance() {
    let (mut bench, _one, two) = Bench::with_two_members();
    let again = bench.join(&two).try_recv().unwrap();
    assert_eq!((again.error_code, again.generation_id), (0, 2));
    assert_eq!(bench.group.phase, Phase::Stable);
    let changed = bench.group.join(
        Bench::request(&two, &[("range", "other topics")]),
        bench.now,
    );
    drop(changed);
    assert_eq!(bench.group.phase, Phase::PreparingRebalance);
}

#[test]
fn members_without_a_shared_protocol_are_refused() {
    let (mut bench, _) = Bench::with_one_member();
    let other = bench
        .group
        .join(Bench::request("", &[("sticky", "")]), bench.now)
        .try_recv()
        .unwrap();
    assert_eq!(
        other.error_code,
        ResponseError::InconsistentGroupProtocol.code()
    );
    let mut connect = Bench::request("", &[("range", "")]);
    connect.protocol_type = "connect".into();
    let connect = bench.group.join(connect, bench.now).try_recv().unwrap();
    assert_eq!(
        connect.error_code,
        ResponseError::InconsistentGroupProtocol.code()
    );
}

#[test]
fn the_protocol_that_most_prefer_is_chosen() {
    let mut bench = Bench::new();
    let join = |group: &mut Group, protocols: &[(&'static str, &'static str)]| {
        let mut request = Bench::request("", protocols);
        request.id_first = false;
        group.join(request, bench.now)
    };
    let first = join(&mut bench.group, &[("a", ""), ("b", "")])
        .try_recv()
        .unwrap();
    let _second = join(&mut bench.group, &[("b", ""), ("a", "")]);
    let _third = join(&mut bench.group, &[("b", ""), ("a", ""), ("c", "")]);
    let again = Bench::request(&first.member_id, &[("a", ""), ("b", "")]);
    let joined = bench.group.join(again, bench.now).try_recv().unwrap();
    assert_eq!(joined.protocol_name.as_deref(), Some("b"));
}

#[test]
fn an_id_that_is_never_used_does_not_hold_up_the_others_for_long() {
    let (mut bench, one) = Bench::with_one_member();
    let _never = bench.new_id();
    let two = bench.new_id();
    let mut second = bench.join(&two);
    let mut first = bench.join(&one);
    assert!(
        first.try_recv().is_err() && second.try_recv().is_err(),
        "the third may still come"
    );
    bench.pass(SESSION);
    assert_eq!(
        first.try_recv().unwrap().members.len() + second.try_recv().unwrap().members.len(),
        2
    );
}

#[test]
fn the_first_rebalance_waits_for_more_members() {
    let mut bench = Bench::new();
    bench.group = Group::new(Duration::from_secs(3));
    let (one, two) = (bench.new_id(), bench.new_id());
    let mut first = bench.join(&one);
    bench.pass(Duration::from_secs(2));
    let mut second = bench.join(&two);
    assert!(first.try_recv().is_err());
    bench.pass(Duration::from_secs(1));
    assert_eq!(first.try_recv().unwrap().members.len(), 2);
    assert_eq!(second.try_recv().unwrap().generation_id, 1);
}

#[test]
fn a_static_member_comes_back_without_a_rebalance_and_fences_its_former_self() {
    let mut bench = Bench::new();
    let static_join = |bench: &mut Bench| {
        let mut request = Bench::request("", &[("range", "s")]);
        request.instance_id = Some("i".into());
        bench.group.join(request, bench.now).try_recv().unwrap()
    };
    let first = static_join(&mut bench);
    bench
        .sync(&first.member_id, 1, &[&first.member_id])
        .try_recv()
        .unwrap();
    let second = static_join(&mut bench);
    assert_ne!(second.member_id, first.member_id);
    assert_eq!((second.generation_id, second.skip_assignment), (1, true));
    assert_eq!(second.leader, second.member_id);
    let kept = bench.sync(&second.member_id, 1, &[]).try_recv().unwrap();
    assert_eq!(
        kept.assignment,
        format!("for {}", first.member_id).as_bytes()
    );
    let (id, instance) = (first.member_id, StrBytes::from_static_str("i"));
    let claim = Claim {
        member_id: &id,
        instance_id: Some(&instance),
        generation: 1,
    };
    assert_eq!(
        bench.group.check_commit(claim, bench.now),
        Err(ResponseError::FencedInstanceId)
    );
}

#[test]
fn nothing_can_be_done_with_a_deleted_group() {
    let mut bench = Bench::new();
    bench.group.kill();
    assert_eq!(
        bench.commit("", -1),
        Err(ResponseError::CoordinatorNotAvailable)
    );
    let refused = bench.join("").try_recv().unwrap();
    assert_eq!(
        refused.error_code,
        ResponseError::CoordinatorNotAvailable.code()
    );
}
