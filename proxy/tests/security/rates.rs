//! Limits on rates.

use serde_json::{Value, json};

use crate::callers::RECORD;
use crate::support::{V2, kafka, start};

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_limited() {
    let slow = "dos.filter.enabled=true\ndos.filter.delay.ms=-1\n\
                dos.filter.max.requests.per.connection.per.sec=3\ndos.filter.max.requests.per.sec=100\n";
    let permits =
        "rate.limit.enable=true\nrate.limit.permits.per.sec=4\nrate.limit.costs=api.v2.root.*=2\n";
    let address = "sluiceway.limit.address.requests.per.sec=1\nsluiceway.limit.burst.ms=2000\n";
    // Permits belong to resources, which answer in their own types.
    for (settings, path, passing, media) in [
        (slow, "/nowhere", 3, "application/json"),
        (permits, "/", 2, V2),
        (address, "/nowhere", 2, "application/json"),
    ] {
        let proxy = start("127.0.0.1:1", settings).await;
        let mut passed = 0;
        for _ in 0..passing + 3 {
            let answer = proxy.get(path).await;
            if answer.status == 429 {
                assert_eq!(answer.json()["error_code"], 429);
                assert_eq!(answer.header("content-type"), Some(media));
                assert!(answer.header("retry-after").is_some());
            } else {
                passed += 1;
            }
        }
        assert!(
            (passing..=passing + 1).contains(&passed),
            "{passed}: {settings}"
        );
        drop(proxy);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_bytes_are_limited_by_debt() {
    let kafka = kafka(false).await;
    kafka.create("t", 1).await;
    for limit in ["records", "bytes"] {
        let settings = format!("sluiceway.limit.global.{limit}.per.sec=10\n");
        let proxy = start(&kafka.bootstrap(), &settings).await;
        let records: Vec<Value> = (0..100).map(|n| json!({ "value": n })).collect();
        let body = json!({ "records": records }).to_string();
        // The first passes whole; its debt keeps the next out.
        assert_eq!(proxy.post("/topics/t", &body).await.status, 200);
        assert_eq!(proxy.post("/topics/t", RECORD).await.status, 429);
        drop(proxy);
    }
}
