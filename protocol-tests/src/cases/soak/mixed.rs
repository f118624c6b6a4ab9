//! Everything at once on one proxy, for as long as one likes: produce, consume, admin, errors. Memory, threads and descriptors
//! are looked at all the time and have to stay flat.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::task::JoinHandle;

use super::duration;
use crate::Session;
use crate::cases::{V2, V2_JSON, produce};
use crate::http::{Client, Request};
use crate::target::Proxy;
use crate::usage::Usage;

/// How long it goes on in the gate.
const SHORT: Duration = Duration::from_secs(9);
/// What memory may grow by from the second third to the last one: allocators are not exact.
const GROWTH_PERCENT: u64 = 10;
const GROWTH_KIB: u64 = 8 * 1024;

/// See the module.
///
/// # Errors
/// The case fails.
pub async fn mixed_load(session: &Session) -> Result<()> {
    let time = duration()?.unwrap_or(SHORT);
    let topic = session.topic("mixed", 4).await?;
    let mut proxy = Proxy::start(session, &[]).await?;
    let pid = proxy.program.as_ref().context("only ours")?.pid();
    let load = MixedLoad::start(&proxy.http, &topic, session.run());
    let samples = watch(pid, time).await?;
    let counts = load.stop().await?;
    for (name, count) in &counts {
        println!("mixed| {name} | {count} requests");
        ensure!(*count > 0, "no {name}");
    }
    print(&samples);
    flat(&samples)?;
    proxy.stop().await
}

/// Looks 60 times.
async fn watch(pid: u32, time: Duration) -> Result<Vec<(Duration, Usage)>> {
    let (started, mut samples) = (Instant::now(), Vec::new());
    for n in 1..=60 {
        let next = started + time * n / 60;
        tokio::time::sleep(next.saturating_duration_since(Instant::now())).await;
        samples.push((started.elapsed(), Usage::of(pid)?));
    }
    Ok(samples)
}

fn print(samples: &[(Duration, Usage)]) {
    for (time, usage) in samples.iter().step_by(6).chain(samples.last()) {
        println!(
            "mixed| after {:.0} s | {:.1} MiB | {} threads | {} descriptors",
            time.as_secs_f64(),
            usage.resident_mib(),
            usage.threads,
            usage.descriptors
        );
    }
}

/// Compares the last third with the second; in the first the process warms up.
fn flat(samples: &[(Duration, Usage)]) -> Result<()> {
    let third = samples.len() / 3;
    let most = |part: &[(Duration, Usage)], of: fn(&Usage) -> u64| {
        part.iter()
            .map(|(_, usage)| of(usage))
            .max()
            .unwrap_or_default()
    };
    let (middle, last) = (&samples[third..third * 2], &samples[third * 2..]);
    let memory = (
        most(middle, |u| u.resident_kib),
        most(last, |u| u.resident_kib),
    );
    ensure!(
        memory.1 <= memory.0 * (100 + GROWTH_PERCENT) / 100 + GROWTH_KIB,
        "memory grows: {memory:?} KiB"
    );
    // Consumer instances have threads and connections of their own, and come and go.
    let threads = (most(middle, |u| u.threads), most(last, |u| u.threads));
    ensure!(threads.1 <= threads.0 + 12, "threads grow: {threads:?}");
    let open = (
        most(middle, |u| u.descriptors),
        most(last, |u| u.descriptors),
    );
    ensure!(open.1 <= open.0 + 24, "descriptors grow: {open:?}");
    Ok(())
}

/// What a client does, in a word.
type Name = &'static str;
type Counts = Vec<(Name, u64)>;
type Running = JoinHandle<Result<()>>;

struct MixedLoad {
    stop: Arc<AtomicBool>,
    tasks: Vec<(Name, Arc<AtomicU64>, Running)>,
}

/// One client's surroundings.
#[derive(Clone)]
struct One {
    http: Client,
    topic: String,
    run: String,
    number: usize,
    stop: Arc<AtomicBool>,
    requests: Arc<AtomicU64>,
}

impl MixedLoad {
    fn start(http: &Client, topic: &str, run: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for number in 0..6 {
            let one = One {
                http: http.clone(),
                topic: topic.to_owned(),
                run: run.to_owned(),
                number,
                stop: Arc::clone(&stop),
                requests: Arc::default(),
            };
            let requests = Arc::clone(&one.requests);
            let (name, task) = match number {
                0 | 1 => ("produce", tokio::spawn(one.produce())),
                2 => ("produce in a v3 stream", tokio::spawn(one.produce_v3())),
                3 => ("consume", tokio::spawn(one.consume())),
                4 => ("admin", tokio::spawn(one.admin())),
                _ => ("errors", tokio::spawn(one.errors())),
            };
            tasks.push((name, requests, task));
        }
        Self { stop, tasks }
    }

    async fn stop(self) -> Result<Counts> {
        self.stop.store(true, Ordering::Relaxed);
        let mut counts = Counts::new();
        for (name, requests, task) in self.tasks {
            task.await?.context(name)?;
            counts.push((name, requests.load(Ordering::Relaxed)));
        }
        Ok(counts)
    }
}

impl One {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// One request; its status is among `wanted`.
    async fn call(&self, request: &Request, wanted: &[u16]) -> Result<crate::http::Response> {
        let answer = self.http.call(request).await?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        ensure!(
            wanted.contains(&answer.status),
            "{} {}: {} {}",
            request.method,
            request.path,
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(answer)
    }

    async fn produce(self) -> Result<()> {
        let path = format!("/topics/{}", self.topic);
        let record = |n: u64| json!({"key": format!("k{}", n % 50), "value": {"n": n, "filling": "x".repeat(200)}});
        let mut connection = self.http.connect().await?;
        let mut n = 0;
        while self.goes_on() {
            let records: Vec<_> = (n..n + 10).map(record).collect();
            let answer = connection
                .call(&produce(&path, &json!({"records": records})))
                .await?;
            ensure!(answer.status == 200, "{answer:?}");
            self.requests.fetch_add(1, Ordering::Relaxed);
            n += 10;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    async fn cluster(&self) -> Result<String> {
        let answer = self
            .call(&Request::new("GET", "/v3/clusters"), &[200])
            .await?;
        let body = answer.json()?;
        let id = body["data"][0]["cluster_id"].as_str();
        Ok(format!("/v3/clusters/{}", id.context("no cluster id")?))
    }

    async fn produce_v3(self) -> Result<()> {
        let path = format!("{}/topics/{}/records", self.cluster().await?, self.topic);
        let record = json!({"value": {"type": "JSON", "data": {"from": "v3"}}}).to_string();
        while self.goes_on() {
            let request = Request::new("POST", &path)
                .header("Content-Type", "application/json")
                .body(record.repeat(20));
            self.call(&request, &[200]).await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Instances come, read, commit and go.
    async fn consume(self) -> Result<()> {
        let group = format!("/consumers/mixed-{}-{}", self.run, self.number);
        let post = |path: &str, body: serde_json::Value| {
            Request::new("POST", path)
                .header("Content-Type", V2)
                .body(body.to_string())
        };
        while self.goes_on() {
            let created = json!({"format": "json", "auto.offset.reset": "earliest"});
            let answer = self.call(&post(&group, created), &[200]).await?.json()?;
            let id = answer["instance_id"].as_str().context("no instance_id")?;
            let instance = format!("{group}/instances/{id}");
            let topics = json!({"topics": [self.topic]});
            self.call(&post(&format!("{instance}/subscription"), topics), &[204])
                .await?;
            for _ in 0..6 {
                let read = Request::new("GET", &format!("{instance}/records?timeout=300"))
                    .header("Accept", V2_JSON);
                self.call(&read, &[200]).await?;
            }
            let commit = Request::new("POST", &format!("{instance}/offsets"));
            self.call(&commit.header("Content-Type", V2), &[200, 204])
                .await?;
            self.call(
                &Request::new("DELETE", &instance).header("Content-Type", V2),
                &[204],
            )
            .await?;
        }
        Ok(())
    }

    async fn admin(self) -> Result<()> {
        let cluster = self.cluster().await?;
        let mut n = 0;
        while self.goes_on() {
            n += 1;
            for path in [
                "/topics".to_owned(),
                format!("/topics/{}/partitions", self.topic),
                format!("{cluster}/topics"),
                format!("{cluster}/topics/{}/configs", self.topic),
                format!("{cluster}/consumer-groups"),
            ] {
                self.call(&Request::new("GET", &path), &[200]).await?;
            }
            if n % 20 == 1 {
                let name = format!("mixed-{}-{n}", self.run);
                let body = json!({"topic_name": name, "partitions_count": 1});
                let create = Request::new("POST", &format!("{cluster}/topics"))
                    .header("Content-Type", "application/json")
                    .body(body.to_string());
                self.call(&create, &[201]).await?;
                let delete = Request::new("DELETE", &format!("{cluster}/topics/{name}"));
                self.call(&delete, &[204]).await?;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Ok(())
    }

    /// Requests that are wrong, and connections that break.
    async fn errors(self) -> Result<()> {
        let path = format!("/topics/{}", self.topic);
        while self.goes_on() {
            self.call(&Request::new("GET", "/nothing"), &[404]).await?;
            let plain = Request::new("POST", &path)
                .header("Content-Type", "text/plain")
                .body("x");
            self.call(&plain, &[415]).await?;
            let broken = Request::new("POST", &path)
                .header("Content-Type", V2_JSON)
                .body("{\"records\": [");
            self.call(&broken, &[400, 422]).await?;
            let nobody = Request::new("GET", "/consumers/none/instances/none/records")
                .header("Accept", V2_JSON);
            self.call(&nobody, &[404]).await?;
            let mut cut = self.http.connect().await?;
            cut.send_raw(b"POST /topics/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
                .await?;
            drop(cut);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
