//! The built program, from start to exit code, on its embedded parts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    missing_docs
)]

mod support;

use support::{curl, eventually, object_path, objects, run, start, tiled, topics};

#[test]
fn posts_end_in_objects_and_the_next_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let first = run(data, &["--posts", "20", "--rate", "0"]);
    assert_eq!(first.code, Some(0), "{}\n{}", first.stdout, first.stderr);
    assert_eq!(first.figure("posts "), 20);
    assert_eq!(first.figure("records acknowledged"), 60);
    assert!(
        first
            .stdout
            .contains("each of the 60 acknowledged records lies in exactly one")
    );
    for topic in topics() {
        assert_eq!(tiled(data, &topic), 20, "{topic}");
    }
    let pins = objects(data, &topics()[0]);
    let pin = pins.values().next().unwrap()[0].as_object().unwrap();
    assert_eq!(pin.len(), 12);
    assert!(
        pin["save_location"]
            .as_str()
            .unwrap()
            .starts_with("Local save in /data/")
    );

    let second = run(data, &["--posts", "150", "--rate", "0", "--seed", "7"]);
    assert_eq!(second.code, Some(0), "{}\n{}", second.stdout, second.stderr);
    assert!(
        second
            .stdout
            .contains("going on with 60 records of earlier runs")
    );
    for topic in topics() {
        assert_eq!(tiled(data, &topic), 170, "{topic}");
        let largest = objects(data, &topic).values().map(Vec::len).max();
        assert_eq!(largest, Some(100), "flush.size");
    }
}

#[test]
fn the_printed_curl_lines_work_and_ctrl_c_drains() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut running = start(data, &["--rate", "200"]);
    let admin = running.line_with("/metrics");
    let admin = admin.split_whitespace().last().unwrap().to_owned();
    let list = running.line_with("  curl ");
    let post = running.line_with("  curl ");
    let status = running.line_with("  curl ");
    running.line_with("posts ");

    let (code, body) = curl(&list);
    assert_eq!(code, 200, "{body}");
    for topic in topics() {
        assert!(body.contains(&format!("\"{topic}\"")), "{body}");
    }
    let (code, body) = curl(&post);
    assert_eq!(code, 200, "{body}");
    assert!(body.contains("\"error_code\":null"), "{body}");
    let mut answer = String::new();
    eventually("the connector's tasks run", || {
        answer = curl(&status).1;
        answer.contains("\"tasks\":[{") && answer.contains("RUNNING")
    });
    assert!(!answer.contains("FAILED"), "{answer}");
    let (code, metrics) = curl(&format!("curl {admin}"));
    assert_eq!(code, 200);
    for prefix in ["\nsluiceway_proxy_", "\nsluiceway_sink_"] {
        assert!(metrics.contains(prefix), "{prefix} is not in the metrics");
    }

    running.signal("INT");
    let first = running.end();
    assert_eq!(first.code, Some(0), "{}\n{}", first.stdout, first.stderr);
    assert_eq!(first.figure("posts not made whole"), 0);
    let acknowledged = first.figure("records acknowledged");
    assert_eq!(first.figure("records in Kafka, all runs"), acknowledged + 1);

    let second = run(data, &["--posts", "1", "--rate", "0"]);
    assert_eq!(second.code, Some(0), "{}\n{}", second.stdout, second.stderr);
    let total: u64 = topics().iter().map(|topic| tiled(data, topic)).sum();
    assert_eq!(total, acknowledged + 1 + 3);
}

#[test]
fn what_a_killed_run_left_in_kafka_is_written_once_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let running = start(data, &["--rate", "0"]);
    eventually("objects lie on disk", || {
        objects(data, &topics()[0]).len() > 3
    });
    running.signal("KILL");
    drop(running);
    let next = run(data, &["--posts", "10", "--rate", "0"]);
    assert_eq!(next.code, Some(0), "{}\n{}", next.stdout, next.stderr);
    let total: u64 = topics().iter().map(|topic| tiled(data, topic)).sum();
    assert_eq!(total, next.figure("records in Kafka, all runs"));
}

#[test]
fn records_that_are_in_no_object_make_the_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let running = start(data, &["--posts", "600", "--rate", "200"]);
    let topic = &topics()[0];
    eventually("an object lies on disk", || {
        !objects(data, topic).is_empty()
    });
    let first = object_path(data, topic, 0);
    let lost = std::fs::read_to_string(&first).unwrap().lines().count();
    std::fs::remove_file(first).unwrap();
    let ended = running.end();
    assert_eq!(ended.code, Some(1), "{}\n{}", ended.stdout, ended.stderr);
    let failed = format!("CHECK FAILED: {lost} problems among 1,800 acknowledged records");
    assert!(ended.stdout.contains(&failed), "{}", ended.stdout);
    let named = format!("{topic}-0 offset 0: in no object");
    assert!(ended.stdout.contains(&named), "{}", ended.stdout);
}

#[test]
fn a_used_port_is_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for option in [
        "--proxy-port",
        "--connect-port",
        "--registry-port",
        "--admin-port",
        "--kafka-port",
        "--s3-port",
    ] {
        let folder = tempfile::tempdir().unwrap();
        // The later of two equal options counts.
        let ended = run(folder.path(), &[option, &port, "--posts", "1"]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains(&port), "{}", ended.stderr);
        assert!(ended.stderr.contains(option), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "nothing was started"
        );
    }
}

#[test]
fn a_data_folder_serves_one_run_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = start(folder.path(), &["--rate", "1"]);
    running.line_with("  curl ");
    let second = run(folder.path(), &["--posts", "1"]);
    assert_eq!(second.code, Some(1));
    assert!(
        second.stderr.contains("in use by another"),
        "{}",
        second.stderr
    );
    running.signal("INT");
    assert_eq!(running.end().code, Some(0));
}
