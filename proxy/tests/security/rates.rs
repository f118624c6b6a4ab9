//! Limits on rates: each setting refuses whom it is for, and nobody else. Time gives back what was taken, on a slow machine between
//! two requests: so whoever is to be refused is tried until that happens, and whoever is not has asked for nothing before.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::callers::{RECORD, RULES, basic, users};
use crate::support::{self, Answer, JSON, Running, V2, eventually, kafka, start};

/// A user at an address of this machine.
#[derive(Clone, Copy)]
struct Caller {
    name: &'static str,
    password: &'static str,
    /// The last number of 127.0.0.x.
    address: u8,
}

const fn alice(address: u8) -> Caller {
    Caller {
        name: "alice",
        password: "s3cret-alice",
        address,
    }
}

const fn carol(address: u8) -> Caller {
    Caller {
        name: "carol",
        password: "secret",
        address,
    }
}

impl Caller {
    async fn send(&self, proxy: &Running, method: Method, path: &str, body: &str) -> Answer {
        let mut connector = HttpConnector::new();
        connector.set_local_address(Some(IpAddr::from([127, 0, 0, self.address])));
        let client = Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(connector);
        let (name, value) = basic(self.name, self.password);
        let request = Request::builder()
            .method(method)
            .uri(proxy.url(path))
            .header("content-type", JSON)
            .header(name, value);
        let request = request.body(Full::from(body.to_owned())).unwrap();
        support::read(client.request(request).await.unwrap()).await
    }

    async fn get(&self, proxy: &Running, path: &str) -> Answer {
        self.send(proxy, Method::GET, path, "").await
    }

    async fn post(&self, proxy: &Running, body: &str) -> u16 {
        let answer = self.send(proxy, Method::POST, "/topics/orders.eu", body);
        answer.await.status
    }

    /// Sends some requests at once; whether one was refused.
    async fn overdo(&self, proxy: &Running, path: &str) -> bool {
        let answers = join_all((0..8).map(|_| self.get(proxy, path))).await;
        answers.iter().any(|answer| answer.status == 429)
    }
}

/// A hundred records, in more than a thousand bytes.
fn many() -> String {
    let records: Vec<Value> = (0..100).map(|n| json!({ "value": n })).collect();
    json!({ "records": records }).to_string()
}

/// Who is refused when alice at 127.0.0.1 has asked for too much, and who is not.
const SCOPES: [(&str, &[Caller], &[Caller]); 3] = [
    ("global", &[alice(2), carol(1), carol(3)], &[]),
    ("address", &[carol(1)], &[alice(2)]),
    ("principal", &[alice(2)], &[carol(1)]),
];

#[tokio::test(flavor = "multi_thread")]
async fn requests_bytes_and_records_of_all_of_an_address_and_of_a_principal() {
    let folder = tempfile::tempdir().unwrap();
    let kafka = kafka(false).await;
    kafka.create("orders.eu", 1).await;
    let users = users(folder.path()) + RULES;
    for (scope, refused, free) in SCOPES {
        for what in ["requests", "bytes", "records"] {
            let limit = format!("sluiceway.limit.{scope}.{what}.per.sec=1\n");
            let settings = format!("{users}{limit}sluiceway.limit.burst.ms=1\n");
            let proxy = start(&kafka.bootstrap(), &settings).await;
            let overdo = async || match what {
                "requests" => alice(1).overdo(&proxy, "/nowhere").await,
                // The first passes whole; a debt of a hundred seconds is left.
                _ => alice(1).post(&proxy, &many()).await == 429,
            };
            eventually(&limit, async || overdo().await).await;
            for caller in free {
                let status = caller.post(&proxy, RECORD).await;
                assert_eq!(
                    status, 200,
                    "{limit}: {} at .{}",
                    caller.name, caller.address
                );
            }
            for caller in refused {
                eventually(&limit, async || {
                    overdo().await;
                    caller.post(&proxy, RECORD).await == 429
                })
                .await;
            }
            drop(proxy);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_burst_is_what_may_come_at_once() {
    let kafka = kafka(false).await;
    let limit = "sluiceway.limit.address.requests.per.sec=1\nsluiceway.limit.burst.ms=20000\n";
    let proxy = start(&kafka.bootstrap(), limit).await;
    let statuses = join_all((0..20).map(|_| proxy.get("/nowhere"))).await;
    assert!(statuses.iter().all(|answer| answer.status == 404));
    eventually("no more than that", async || {
        proxy.get("/nowhere").await.status == 429
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_bodies_by_the_name_of_the_original() {
    let kafka = kafka(false).await;
    kafka.create("orders.eu", 1).await;
    for (enabled, second) in [(true, 429), (false, 200)] {
        let settings = format!(
            "network.traffic.rate.limit.enable={enabled}\nnetwork.traffic.rate.limit.bytes.per.sec=10\n"
        );
        let proxy = start(&kafka.bootstrap(), &settings).await;
        let post = async |body: &str| proxy.post("/topics/orders.eu", body).await.status;
        assert_eq!(post(&many()).await, 200);
        assert_eq!(post(RECORD).await, second, "{settings}");
    }
}

/// `dos.filter.*`: whom its rates are for.
#[tokio::test(flavor = "multi_thread")]
async fn the_filter_s_rates() {
    let kafka = kafka(false).await;
    let folder = tempfile::tempdir().unwrap();
    let users = users(folder.path()) + RULES;
    for (limit, refused, free) in [
        ("max.requests.per.sec=1", carol(3), None),
        (
            "max.requests.per.connection.per.sec=1",
            carol(1),
            Some(alice(2)),
        ),
        ("tenant.max.requests.per.sec=1", alice(2), Some(carol(1))),
    ] {
        let mut settings = format!(
            "{users}dos.filter.enabled=true\ndos.filter.delay.ms=-1\ndos.filter.tenant.enabled=true\n"
        );
        for rate in [
            "max.requests.per.sec",
            "max.requests.per.connection.per.sec",
            "tenant.max.requests.per.sec",
        ] {
            settings += &format!("dos.filter.{rate}=1000\n");
        }
        settings += &format!("dos.filter.{limit}\n");
        let proxy = start(&kafka.bootstrap(), &settings).await;
        eventually(limit, async || alice(1).overdo(&proxy, "/nowhere").await).await;
        if let Some(free) = free {
            assert_eq!(free.get(&proxy, "/nowhere").await.status, 404, "{limit}");
        }
        eventually(limit, async || {
            alice(1).overdo(&proxy, "/nowhere").await;
            refused.get(&proxy, "/nowhere").await.status == 429
        })
        .await;
    }
}

/// `dos.filter.*`: what becomes of a request beyond, and who is not counted.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_filter_does() {
    let kafka = kafka(false).await;
    let rate = "dos.filter.enabled=true\ndos.filter.max.requests.per.connection.per.sec=1\n";
    for (settings, marked) in [
        ("dos.filter.delay.ms=0", Some("throttled")),
        ("dos.filter.delay.ms=300", Some("delayed")),
        (
            "dos.filter.delay.ms=0\ndos.filter.insert.headers=false",
            None,
        ),
        (
            "dos.filter.delay.ms=-1\ndos.filter.ip.whitelist=10.0.0.1,127.0.0.0/8",
            None,
        ),
        ("dos.filter.delay.ms=-1\ndos.filter.enabled=false", None),
    ] {
        let proxy = start(&kafka.bootstrap(), &format!("{rate}{settings}\n")).await;
        let started = Instant::now();
        let answers = join_all((0..8).map(|_| proxy.get("/nowhere"))).await;
        assert!(
            answers.iter().all(|answer| answer.status == 404),
            "{settings}"
        );
        let marks: Vec<_> = answers.iter().map(|one| one.header("dosfilter")).collect();
        // The first of a second is not beyond; how many are depends on the machine.
        assert_eq!(
            marks.iter().any(Option::is_some),
            marked.is_some(),
            "{settings}"
        );
        let mut marks = marks.into_iter().flatten();
        assert!(marks.all(|mark| Some(mark) == marked), "{settings}");
        if settings.ends_with("=300") {
            assert!(started.elapsed() >= Duration::from_millis(300));
        }
    }
}

/// `rate.limit.*`
#[tokio::test(flavor = "multi_thread")]
async fn permits() {
    let kafka = kafka(false).await;
    let many = "rate.limit.enable=true\nrate.limit.permits.per.sec=1000\nrate.limit.per.cluster.permits.per.sec=1000\n";
    for (settings, refused) in [
        ("rate.limit.permits.per.sec=1", true),
        ("rate.limit.default.cost=1000", true),
        ("rate.limit.costs=api.v2.root.*=1000", true),
        ("rate.limit.costs=api.v3.*=1000", false),
        (
            "rate.limit.permits.per.sec=1\nrate.limit.costs=api.v2.root.*=0",
            false,
        ),
        (
            "rate.limit.permits.per.sec=1\nrate.limit.timeout.ms=60000",
            false,
        ),
        (
            "rate.limit.permits.per.sec=1\nrate.limit.enable=false",
            false,
        ),
        ("rate.limit.per.cluster.permits.per.sec=1", false),
    ] {
        let proxy = start(&kafka.bootstrap(), &format!("{many}{settings}\n")).await;
        let overdone = async || {
            let answers = join_all((0..4).map(|_| proxy.get("/"))).await;
            answers.iter().any(|answer| answer.status == 429)
        };
        match refused {
            true => eventually(settings, overdone).await,
            false => assert!(!overdone().await, "{settings}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn permits_of_clusters_count_apart_and_may_be_waited_for() {
    let kafka = kafka(false).await;
    let limit = "rate.limit.enable=true\nrate.limit.per.cluster.permits.per.sec=1\n";
    let proxy = start(&kafka.bootstrap(), limit).await;
    let status = async |cluster: &str| {
        let answer = proxy.get(&format!("/v3/clusters/{cluster}/topics")).await;
        answer.status
    };
    eventually("one cluster's permits are gone", async || {
        let answers = join_all((0..4).map(|_| status("one"))).await;
        answers.contains(&429)
    })
    .await;
    assert_eq!(status("two").await, 404);
    let waiting = format!("{limit}rate.limit.timeout.ms=60000\n");
    let proxy = start(&kafka.bootstrap(), &waiting).await;
    let started = Instant::now();
    let answers = join_all((0..3).map(|_| proxy.get("/v3/clusters/one/topics"))).await;
    assert!(answers.iter().all(|answer| answer.status == 404));
    assert!(started.elapsed() > Duration::from_secs(1), "nobody waited");
}

/// The answer says when to come again, in the type that the resource answers in where the limit is one of resources.
#[tokio::test(flavor = "multi_thread")]
async fn how_it_is_told() {
    let kafka = kafka(false).await;
    let filter = "dos.filter.enabled=true\ndos.filter.delay.ms=-1\ndos.filter.max.requests.per.connection.per.sec=1\n";
    let permits = "rate.limit.enable=true\nrate.limit.permits.per.sec=1\n";
    let address = "sluiceway.limit.address.requests.per.sec=1\nsluiceway.limit.burst.ms=1\n";
    for (settings, media) in [
        (filter, "application/json"),
        (permits, V2),
        (address, "application/json"),
    ] {
        let proxy = start(&kafka.bootstrap(), settings).await;
        eventually(settings, async || {
            let answers = join_all((0..4).map(|_| proxy.get("/"))).await;
            let Some(refused) = answers.iter().find(|answer| answer.status == 429) else {
                return false;
            };
            assert_eq!(refused.json()["error_code"], 429);
            assert_eq!(refused.header("content-type"), Some(media));
            assert!(refused.header("retry-after").is_some());
            true
        })
        .await;
    }
}
