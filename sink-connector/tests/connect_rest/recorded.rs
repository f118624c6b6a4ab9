//! The calls that were recorded on the genuine standalone worker, made again in the same order.

use std::path::Path;
use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;
use sluiceway_sink::worker::{ConnectorFile, Worker};

use crate::stage::{PATIENCE, Reply, Stage, as_file, call, rest};

#[derive(Deserialize)]
struct Recorded {
    run: u8,
    method: String,
    path: String,
    request: Value,
    status: u16,
    body: Value,
}

fn recorded(stage: &Stage, worker: &Worker, run: u8) -> Vec<Recorded> {
    let text = include_str!("../data/standalone-rest.json")
        .replace("{s3}", &stage.s3.endpoint())
        .replace("{worker}", worker.worker_id());
    let all: Vec<Recorded> = serde_json::from_str(&text).unwrap();
    all.into_iter().filter(|call| call.run == run).collect()
}

/// The body as text, because the order of members is recorded too. Values that differ from run to run are compared by kind
/// only.
fn masked(mut body: Value) -> String {
    for member in ["commit", "kafka_cluster_id"] {
        if let Some(value) = body.get_mut(member).filter(|value| value.is_string()) {
            *value = "…".into();
        }
    }
    body.to_string()
}

fn same(reply: &Reply, expected: &Recorded) -> bool {
    let body = if expected.body == "" {
        Value::Null
    } else {
        expected.body.clone()
    };
    reply.status == expected.status && masked(reply.body.clone()) == masked(body)
}

/// Makes the call; a GET again until its answer is as recorded, because states change by themselves.
async fn replay(worker: &Worker, expected: &Recorded) {
    let body = Some(&expected.request).filter(|body| !body.is_null());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reply = call(rest(worker), &expected.method, &expected.path, body).await;
        if same(&reply, expected) {
            return;
        }
        let again = expected.method == "GET" && Instant::now() < deadline;
        let what = format!("{} {}", expected.method, expected.path);
        assert!(
            again,
            "{what}: {} {}\nrecorded: {} {}",
            reply.status, reply.text, expected.status, expected.body
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standalone_worker_answers_as_recorded() {
    let stage = Stage::new().await;
    let files = prepare(&stage).await;
    let connectors = || {
        files
            .iter()
            .map(|path| ConnectorFile::read(Path::new(path)))
            .collect::<Vec<_>>()
    };
    let worker = stage.worker_with("", connectors()).await;
    for expected in recorded(&stage, &worker, 1) {
        replay(&worker, &expected).await;
    }
    worker.stop().await;
    let names = |bucket: &str, prefix: &str| -> Vec<String> {
        stage
            .objects(bucket)
            .into_iter()
            .filter(|key| key.starts_with(prefix))
            .collect()
    };
    let expected = |topic: &str| -> Vec<String> {
        let key = |partition, offset| {
            format!(
                "topics/{topic}/partition={partition}/{topic}+{partition}+000000000{offset}.json"
            )
        };
        vec![key(0, 0), key(0, 3), key(1, 0), key(1, 3)]
    };
    assert_eq!(names("g2-sa-one", "topics/"), expected("t_sa_one"));
    assert_eq!(names("g2-sa-two", "topics/"), expected("t_sa_two"));

    // What was created, paused or stopped through the API is forgotten.
    let worker = stage.worker_with("", connectors()).await;
    for expected in recorded(&stage, &worker, 2) {
        replay(&worker, &expected).await;
    }
    worker.stop().await;
}

/// Two topics of two partitions with seven records each, and the two connector files.
async fn prepare(stage: &Stage) -> Vec<String> {
    let mut files = Vec::new();
    for (name, tasks) in [("one", "2"), ("two", "1")] {
        let (topic, bucket) = (format!("t_sa_{name}"), format!("g2-sa-{name}"));
        stage.s3.create_bucket(&bucket).await.unwrap();
        stage.create_topic(&topic, 2).await;
        for partition in 0..2 {
            stage.produce(&topic, partition, 7).await;
        }
        let mut config = stage.connector(&topic);
        // Of members that share a bucket of a Java table the first is shown first: the file has the recorded order.
        for key in ["topics", "s3.bucket.name"] {
            config.shift_remove(key);
        }
        for (key, value) in [
            ("tasks.max", tasks),
            ("s3.part.size", "5242880"),
            (
                "key.converter",
                "org.apache.kafka.connect.storage.StringConverter",
            ),
            (
                "value.converter",
                "org.apache.kafka.connect.json.JsonConverter",
            ),
            ("value.converter.schemas.enable", "false"),
            ("topics", topic.as_str()),
            ("s3.bucket.name", bucket.as_str()),
        ] {
            config.insert(key.into(), value.into());
        }
        let path = stage.file(
            &format!("{name}.properties"),
            &as_file(&format!("sa_{name}"), &config),
        );
        files.push(path.display().to_string());
    }
    files
}
