//! Limits on requests to the REST API.

use std::net::SocketAddr;

use crate::stage::{Reply, Stage, send};

// alice:s3cret, bob:s3cret
const ALICE: &str = "Basic YWxpY2U6czNjcmV0";
const BOB: &str = "Basic Ym9iOnMzY3JldA==";

async fn get(rest: SocketAddr, who: &str) -> Reply {
    send(rest, "GET", "/", &[("authorization", who)], "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_a_limit_are_told_when_to_come_again() {
    let stage = Stage::new().await;
    let users = stage.file("users", "alice: s3cret\nbob: s3cret\n");
    for scope in ["global", "address", "principal"] {
        // One a second, and three at once: slow machines get some back, never all.
        let extra = format!(
            "authentication.method=BASIC\nsluiceway.authentication.password.file={}\n\
             sluiceway.limit.{scope}.requests.per.sec=1\nsluiceway.limit.burst.ms=3000\n",
            users.display()
        );
        let worker = stage.worker_with(&extra, Vec::new()).await;
        let rest = worker.rest_addresses()[0];
        let mut passed = 0;
        let limited = loop {
            let reply = get(rest, ALICE).await;
            if reply.status == 429 {
                break reply;
            }
            assert_eq!(reply.status, 200, "{}", reply.text);
            passed += 1;
            assert!(passed < 1000, "{scope}: nothing is limited");
        };
        assert!(passed >= 3, "{scope}: {passed}");
        assert_eq!(limited.body["error_code"], 429, "{}", limited.text);
        assert_eq!(limited.body["message"], "HTTP 429 Too Many Requests");
        let seconds: u64 = limited.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=3).contains(&seconds), "{seconds}");
        // Another principal's requests are its own.
        if scope == "principal" {
            assert_eq!(get(rest, BOB).await.status, 200);
        }
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_need_no_callers() {
    let stage = Stage::new().await;
    let extra = "sluiceway.limit.address.requests.per.sec=1\nsluiceway.limit.burst.ms=1000\n";
    let worker = stage.worker_with(extra, Vec::new()).await;
    let rest = worker.rest_addresses()[0];
    let mut answers = Vec::new();
    while !answers.contains(&429) {
        answers.push(send(rest, "GET", "/", &[], "").await.status);
        assert!(answers.len() < 1000, "nothing is limited");
    }
    assert_eq!(answers[0], 200);
    let admin = worker.admin_addresses()[0];
    assert_eq!(send(admin, "GET", "/metrics", &[], "").await.status, 200);
    worker.stop().await;
}
