//! A status tells the truth at every moment.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::herder::distributed::config_record::Written;
use crate::herder::distributed::status_record::Item;

const CONFIG: &str = r#"{"properties":{"name":"n","connector.class":"io.confluent.connect.s3.S3SinkConnector","tasks.max":"2"}}"#;

fn me() -> WorkerRun {
    WorkerRun {
        worker_id: "me:1".into(),
        run: "x".into(),
        https: false,
    }
}

fn other() -> WorkerRun {
    WorkerRun {
        worker_id: "other:1".into(),
        run: "y".into(),
        https: false,
    }
}

fn alive(worker: &WorkerRun) -> Written {
    let alive = MemberRecord::Alive {
        worker_id: worker.worker_id.clone(),
        run: Some(worker.clone()),
    };
    alive.write()
}

/// A cluster with one slot, so that everything belongs to its holder.
fn cluster(silence: Duration) -> (Cluster, mpsc::UnboundedReceiver<Request>) {
    let (requests, inbox) = mpsc::unbounded_channel();
    let cluster = Cluster::new(me(), silence, requests);
    cluster.begins(Topic::Slots, 1);
    (cluster, inbox)
}

fn feed(cluster: &Cluster, topic: Topic, offset: i64, written: Written) {
    feed_late(cluster, topic, offset, Duration::ZERO, written);
}

/// What was written so long ago.
fn feed_late(cluster: &Cluster, topic: Topic, offset: i64, age: Duration, (key, value): Written) {
    let at = SystemTime::UNIX_EPOCH.elapsed().unwrap() - age;
    cluster.take(
        topic,
        &LogRecord {
            offset,
            key: key.as_bytes(),
            value: value.as_deref().map(str::as_bytes),
            timestamp: i64::try_from(at.as_millis()).ok(),
        },
    );
}

fn configured(cluster: &Cluster) {
    let config = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
    feed(cluster, Topic::Configs, 0, config("connector-n", CONFIG));
    for (offset, task) in [(1, "task-n-0"), (2, "task-n-1")] {
        feed(cluster, Topic::Configs, offset, config(task, CONFIG));
    }
    feed(
        cluster,
        Topic::Configs,
        3,
        config("commit-n", r#"{"tasks":2}"#),
    );
}

fn claim(cluster: &Cluster, offset: i64, worker: &WorkerRun) {
    let claim = MemberRecord::Claim {
        slot: 0,
        by: Some(worker.clone()),
    };
    feed(cluster, Topic::Slots, offset, claim.write());
}

fn says(cluster: &Cluster, task: Option<u32>, state: State, worker: &str, generation: i64) {
    let item = Item {
        connector: "n".into(),
        task,
    };
    let said = Said {
        state,
        trace: None,
        worker_id: worker.into(),
        generation,
    };
    let record = StatusRecord::State(item, Some(said));
    feed(cluster, Topic::Statuses, 0, record.write());
}

fn states(cluster: &Cluster) -> Vec<(State, String)> {
    let status = cluster.status("n").unwrap();
    let tasks = status.tasks.into_iter().map(|task| task.instance);
    std::iter::once(status.connector)
        .chain(tasks)
        .map(|instance| (instance.state, instance.worker_id))
        .collect()
}

fn all(state: State, worker: &str) -> Vec<(State, String)> {
    vec![(state, worker.to_owned()); 3]
}

#[test]
fn a_state_counts_under_the_holders_present_claim_only() {
    let (cluster, _inbox) = cluster(Duration::from_secs(60));
    assert_eq!(cluster.status("n"), None);
    configured(&cluster);
    // A Connect worker said so, long ago.
    for task in [None, Some(0), Some(1)] {
        says(&cluster, task, State::Running, "java:8083", 4);
    }
    assert_eq!(states(&cluster), all(State::Unassigned, "java:8083"));
    claim(&cluster, 10, &me());
    assert_eq!(states(&cluster), all(State::Unassigned, "me:1"));
    for task in [None, Some(0), Some(1)] {
        says(&cluster, task, State::Running, "me:1", 10);
    }
    assert_eq!(states(&cluster), all(State::Running, "me:1"));
    // Another takes the slot; the former holder, stopped meanwhile, goes on saying that it runs.
    claim(&cluster, 11, &other());
    says(&cluster, Some(0), State::Running, "me:1", 10);
    assert_eq!(states(&cluster), all(State::Unassigned, "other:1"));
    says(&cluster, Some(0), State::Failed, "other:1", 11);
    assert_eq!(states(&cluster)[1].0, State::Failed);
}

#[test]
fn a_silent_worker_runs_nothing() {
    let silence = Duration::from_millis(30);
    let (cluster, _inbox) = cluster(silence);
    configured(&cluster);
    claim(&cluster, 10, &me());
    for task in [None, Some(0), Some(1)] {
        says(&cluster, task, State::Running, "me:1", 10);
    }
    std::thread::sleep(silence * 2);
    assert_eq!(states(&cluster), all(State::Unassigned, "me:1"));
    assert_eq!(cluster.holder("n", 0), None);
    feed(&cluster, Topic::Slots, 12, alive(&me()));
    assert_eq!(states(&cluster), all(State::Running, "me:1"));
}

#[test]
fn what_is_read_late_does_not_show_who_lives() {
    let silence = Duration::from_secs(60);
    let (cluster, _inbox) = cluster(silence);
    (0..TOPICS).for_each(|_| cluster.caught_up());
    configured(&cluster);
    // This worker was cut off when it had sent this.
    feed(&cluster, Topic::Slots, 9, alive(&me()));
    let now = Instant::now();
    cluster.signed(9, now.checked_sub(silence).unwrap());
    claim(&cluster, 10, &other());
    feed(&cluster, Topic::Slots, 11, alive(&other()));
    for task in [None, Some(0), Some(1)] {
        says(&cluster, task, State::Running, "other:1", 10);
    }
    assert_eq!(states(&cluster), all(State::Unassigned, "other:1"));
    // It writes again, and has not read all yet.
    cluster.signed(13, now);
    feed(&cluster, Topic::Slots, 12, alive(&other()));
    assert_eq!(states(&cluster), all(State::Unassigned, "other:1"));
    feed(&cluster, Topic::Slots, 13, alive(&me()));
    // Clocks differ: what is read while this worker reads its own signs is new.
    feed_late(&cluster, Topic::Slots, 14, silence * 2, alive(&other()));
    assert_eq!(states(&cluster), all(State::Running, "other:1"));
}

#[test]
fn the_last_word_of_a_former_holder_does_not_count() {
    let (cluster, _inbox) = cluster(Duration::from_secs(60));
    configured(&cluster);
    claim(&cluster, 10, &me());
    says(&cluster, Some(0), State::Running, "me:1", 10);
    claim(&cluster, 11, &other());
    for task in [None, Some(0), Some(1)] {
        says(&cluster, task, State::Running, "other:1", 11);
    }
    // It was cut off, and what it said then arrives now.
    says(&cluster, Some(0), State::Unassigned, "me:1", 10);
    assert_eq!(states(&cluster), all(State::Running, "other:1"));
    // Compaction would keep it: the holder has to say so again.
    let item = Item {
        connector: "n".into(),
        task: Some(0),
    };
    let last = |cluster: &Cluster| {
        cluster.look(|view| view.statuses.last_word(&item).map(|said| said.generation))
    };
    assert_eq!(last(&cluster), Some(10));
    says(&cluster, Some(0), State::Running, "other:1", 11);
    assert_eq!(last(&cluster), Some(11));
    // A slot topic that was made anew begins at 0.
    claim(&cluster, 0, &me());
    says(&cluster, Some(0), State::Failed, "me:1", 0);
    assert_eq!(states(&cluster)[1], (State::Failed, "me:1".into()));
}

#[test]
fn a_stopped_connector_shows_tasks_until_they_have_ended() {
    let (cluster, _inbox) = cluster(Duration::from_secs(60));
    configured(&cluster);
    claim(&cluster, 10, &me());
    says(&cluster, Some(1), State::Running, "me:1", 10);
    let stop = ConfigRecord::Target("n".into(), Some(TargetState::Stopped));
    feed(&cluster, Topic::Configs, 4, stop.write());
    says(&cluster, None, State::Stopped, "me:1", 10);
    let ids = |cluster: &Cluster| -> Vec<u32> {
        let tasks = cluster.status("n").unwrap().tasks;
        tasks.iter().map(|task| task.id).collect()
    };
    assert_eq!(ids(&cluster), [1]);
    let gone = StatusRecord::State(
        Item {
            connector: "n".into(),
            task: Some(1),
        },
        None,
    );
    feed(&cluster, Topic::Statuses, 0, gone.write());
    assert!(ids(&cluster).is_empty());
}

#[test]
fn requests_of_former_days_are_not_carried_out_again() {
    let (cluster, mut inbox) = cluster(Duration::from_secs(60));
    let request = RestartRequest {
        include_tasks: true,
        only_failed: false,
    };
    let restart = ConfigRecord::Restart("n".into(), request);
    feed(&cluster, Topic::Configs, 0, restart.write());
    (0..TOPICS).for_each(|_| cluster.caught_up());
    assert!(inbox.try_recv().is_err());
    feed(&cluster, Topic::Configs, 1, restart.write());
    assert_eq!(
        inbox.try_recv().unwrap(),
        Request::Restart("n".into(), request)
    );
}
