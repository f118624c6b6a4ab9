//! The program itself: what it prints and how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Command, Output};

fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_posting-emulator"))
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn three_dictionaries_are_printed_for_each_post() {
    let output = program(&["--posts", "2", "--rate", "0"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 6);
    for post in lines.chunks(3) {
        assert!(post[0].starts_with("{'index': "), "{}", post[0]);
        let joined = post[0]["{'index': ".len()..].split(',').next().unwrap();
        for line in &post[1..] {
            assert!(line.starts_with(&format!("{{'ind': {joined}, ")), "{line}");
            assert!(line.contains(": datetime.datetime(20"), "{line}");
        }
    }
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(
        summary.contains("rows printed                           6\n"),
        "{summary}"
    );
}

#[test]
fn records_that_could_not_be_posted_make_the_exit_code_1() {
    // A port that was free a moment ago: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let args = [
        "--posts",
        "1",
        "--rate",
        "0",
        "--retries",
        "1",
        "--proxy-url",
        &url,
    ];
    let output = program(&args);
    assert_eq!(output.status.code(), Some(1));
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(
        summary.contains("records given up                       3\n"),
        "{summary}"
    );
    assert!(
        summary.contains("errors: connection                     6\n"),
        "{summary}"
    );
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (args, message) in [
        (["--user", "me"], "user 'me': must be 12 hexadecimal digits"),
        (["--rows", "0"], "rows: must be at least 1"),
        (["--rate", "-1"], "rate -1: must be a number above 0"),
        (
            ["--proxy-url", "https://host"],
            "proxy URL 'https://host': only http:// is spoken",
        ),
    ] {
        let output = program(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(message), "{text}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_database_that_is_not_told_rightly_is_refused_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("db_creds.yaml");
    let name = file.to_str().unwrap();
    let refused = |args: &[&str], message: &str| {
        let output = program(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(message) && !text.contains("s3cret"), "{text}");
    };
    refused(&["load"], "POSTING_EMULATOR_DATABASE_URL");
    refused(&["load", "--database-file", name], "db_creds.yaml");
    std::fs::write(&file, "HOST: h\nPASSWORD: s3cret\n").unwrap();
    refused(&["--database-file", name], "USER is missing");
    std::fs::write(&file, "HOST: [h\nPASSWORD: s3cret\n").unwrap();
    refused(&["--database-file", name], "it is no YAML: line");
    refused(
        &["--database-url", "postgres://u:s3cret@h/d"],
        "must begin with mysql://",
    );
    refused(&["--kinesis-url", "ftp://host"], "only http:// is spoken");
}
