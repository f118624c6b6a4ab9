//! Workers that reach one another over https.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use sluiceway_sink::worker::Worker;

use crate::certs::Issued;
use crate::stage::{PATIENCE, Stage, call, send, until};

const LISTENER: &str = "listeners.https.ssl.";
const SECRET: &str = "sluiceway.rest.workers.secret=planted-secret-of-workers\n";
// alice:s3cret
const ALICE: (&str, &str) = ("authorization", "Basic YWxpY2U6czNjcmV0");
/// Of the counters.
const ROUTE: &str = "route=\"/connectors/{name}/pause\"";

/// For clients http, for workers https with this key and these authorities.
fn listeners(key: &Path, trusted: &Path) -> String {
    format!(
        "listeners=http://127.0.0.1:0,https://127.0.0.1:0\nrest.advertised.listener=https\n\
         {LISTENER}keystore.type=PEM\n{LISTENER}keystore.location={}\n\
         {LISTENER}truststore.type=PEM\n{LISTENER}truststore.location={}\n",
        key.display(),
        trusted.display()
    )
}

async fn two_workers(stage: &Stage, settings: &str) -> [Worker; 2] {
    let first = stage.try_shared_worker(settings).await.unwrap();
    let second = stage.try_shared_worker(settings).await.unwrap();
    for worker in [&first, &second] {
        let secured = worker.rest_addresses()[1].to_string();
        assert_eq!(worker.worker_id(), secured, "others reach it by https");
    }
    [first, second]
}

/// Asks again while the workers change places.
async fn settled(at: SocketAddr, method: &str, path: &str, body: &Value) -> (u16, String) {
    let headers = [ALICE, ("content-type", "application/json")];
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reply = send(at, method, path, &headers, &body).await;
        let waits = [404, 409, 503].contains(&reply.status);
        if !waits || Instant::now() > deadline {
            return (reply.status, reply.text);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// A connector that both workers know, and have shared.
async fn connector(stage: &Stage, workers: &[Worker; 2], name: &str) -> [SocketAddr; 2] {
    let addresses = workers.each_ref().map(|worker| worker.rest_addresses()[0]);
    for address in addresses {
        let (status, text) = settled(address, "GET", "/health", &Value::Null).await;
        assert_eq!(status, 200, "{text}");
    }
    // By the worker that makes it, wherever that is.
    let body = json!({"name": name, "config": stage.connector("t")});
    for address in addresses {
        if settled(address, "POST", "/connectors", &body).await.0 == 201 {
            break;
        }
    }
    for address in addresses {
        let path = format!("/connectors/{name}");
        let (status, text) = settled(address, "GET", &path, &Value::Null).await;
        assert_eq!(status, 200, "{text}");
    }
    addresses
}

/// Both workers are asked to pause: one of them passes it on, so that there are three answers; which one has given two. (Two
/// answers in all, when the connector moves.)
async fn one_asks_the_other(workers: &[Worker; 2], name: &str) -> usize {
    let deadline = Instant::now() + PATIENCE;
    let path = format!("/connectors/{name}/pause");
    loop {
        let before = [paused(&workers[0]).await, paused(&workers[1]).await];
        for worker in workers {
            let address = worker.rest_addresses()[0];
            let (status, text) = settled(address, "PUT", &path, &Value::Null).await;
            assert_eq!(status, 202, "{text}");
        }
        let after = [paused(&workers[0]).await, paused(&workers[1]).await];
        match [after[0] - before[0], after[1] - before[1]] {
            [2, 1] => return 0,
            [1, 2] => return 1,
            answered => assert!(Instant::now() < deadline, "{answered:?}"),
        }
    }
}

/// How many connectors a worker has answered to have paused.
async fn paused(worker: &Worker) -> u64 {
    let metrics = call(worker.admin_addresses()[0], "GET", "/metrics", None).await;
    let line = metrics.text.lines().find(|line| {
        let counter = line.starts_with("sluiceway_sink_rest_requests_total{");
        counter && line.contains(ROUTE) && line.contains("status=\"202\"")
    });
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// A worker's key with its certificate, and the authority to trust.
fn certificates(stage: &Stage) -> (PathBuf, PathBuf) {
    let folder = stage.dir.path();
    let authority = Issued::authority("the authority");
    let key = authority.issue("worker").pem(folder, "worker.pem");
    (key, authority.trusted(folder, "trusted.pem"))
}

/// Certificates are asked of everybody on the https listeners: the worker that passes a request on shows its own, and says whose request
/// it is as it does without TLS.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_passed_on_over_https() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let (key, trusted) = certificates(&stage);
    let users = stage.file("users", "alice: s3cret\nbob: s3cret\n");
    let settings = format!(
        "{}{LISTENER}client.authentication=REQUIRED\n{LISTENER}keystore.reload=true\n{SECRET}\
         authentication.method=BASIC\nsluiceway.authentication.password.file={}\n\
         sluiceway.authorization.rules=alice: write=n\n",
        listeners(&key, &trusted),
        users.display()
    );
    let workers = two_workers(&stage, &settings).await;
    let addresses = connector(&stage, &workers, "n").await;
    one_asks_the_other(&workers, "n").await;
    for address in addresses {
        // bob:s3cret
        let bob = ("authorization", "Basic Ym9iOnMzY3JldA==");
        let path = "/connectors/n/pause";
        let refused = send(address, "PUT", path, &[bob], "").await;
        assert_eq!(refused.status, 403, "{}", refused.text);
    }
    for worker in workers {
        worker.stop().await;
    }
}

/// As while workers are changed from http to https, one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn workers_of_http_and_of_https_reach_one_another() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let (key, trusted) = certificates(&stage);
    let trusting = format!(
        "ssl.truststore.type=PEM\nssl.truststore.location={}\n",
        trusted.display()
    );
    let first = stage.try_shared_worker(&trusting).await.unwrap();
    let second = stage.try_shared_worker(&listeners(&key, &trusted)).await;
    let workers = [first, second.unwrap()];
    // There are sixteen slots, eight of each worker: before all names are through, both have had to ask.
    let mut owners = BTreeSet::new();
    for number in 0..32 {
        let name = format!("n{number}");
        connector(&stage, &workers, &name).await;
        owners.insert(one_asks_the_other(&workers, &name).await);
        if owners.len() == 2 {
            break;
        }
    }
    assert_eq!(owners, BTreeSet::from([0, 1]));
    for worker in workers {
        worker.stop().await;
    }
}

/// The worker that has to act is not trusted: whoever asks is told so, and nobody acts in its place.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_not_the_workers_is_told() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let (key, _) = certificates(&stage);
    let stranger = Issued::authority("another").trusted(stage.dir.path(), "another.pem");
    let workers = two_workers(&stage, &listeners(&key, &stranger)).await;
    let addresses = connector(&stage, &workers, "n").await;
    let deadline = Instant::now() + PATIENCE;
    let told = loop {
        let path = "/connectors/n/pause";
        let [first, second] = addresses.map(|at| settled(at, "PUT", path, &Value::Null));
        let (first, second) = (first.await, second.await);
        match (first.0, second.0) {
            (202, 500) => break second.1,
            (500, 202) => break first.1,
            // The connector moves.
            _ => assert!(Instant::now() < deadline, "{first:?} {second:?}"),
        }
    };
    for part in [
        "was not given it",
        "UnknownIssuer",
        "listeners.https.ssl.truststore.location",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    // The owner still answers for itself, and either answers reads.
    for address in addresses {
        until(address, "/connectors/n/status", |reply| {
            reply.body["connector"]["state"] == "PAUSED"
        })
        .await;
    }
    for worker in workers {
        worker.stop().await;
    }
}

/// Without a trust store the certificates of the key store are trusted, as in Connect; a store that is none keeps the worker from starting.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_store_alone_will_do_and_has_to_be_one() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let folder = stage.dir.path();
    let authority = Issued::authority("the authority");
    let leaf = authority.issue("worker").pem(folder, "leaf.pem");
    let chain = [std::fs::read(&leaf).unwrap(), authority.certificate_pem()].concat();
    let key = folder.join("worker.pem");
    std::fs::write(&key, chain).unwrap();
    let settings = format!(
        "listeners=http://127.0.0.1:0,https://127.0.0.1:0\nrest.advertised.listener=https\n\
         ssl.keystore.type=PEM\nssl.keystore.location={}\n",
        key.display()
    );
    let workers = two_workers(&stage, &settings).await;
    connector(&stage, &workers, "n").await;
    one_asks_the_other(&workers, "n").await;
    for worker in workers {
        worker.stop().await;
    }
    let none = stage.file("none.pem", "nothing");
    let broken = format!(
        "{settings}ssl.truststore.type=PEM\nssl.truststore.location={}\n",
        none.display()
    );
    let Err(error) = stage.try_shared_worker(&broken).await else {
        panic!("a worker started with a trust store that is none")
    };
    let told = error.to_string();
    assert!(
        told.contains("ssl.truststore.location") && told.contains("none.pem"),
        "{told}"
    );
}
