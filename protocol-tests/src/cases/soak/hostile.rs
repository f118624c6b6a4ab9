//! Clients that mean ill: connections that never finish a request, that stay without one, that come and go; header bombs; HTTP/2
//! streams that are reset as soon as they are opened. Others are served meanwhile, and memory stays bounded.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::duration;
use crate::cases::{expect_status, produce};
use crate::target::Proxy;
use crate::usage::Usage;
use crate::{Session, eventually};

/// Connections of each kind at length, of which four in five are held at once: ten thousand. As many as the descriptors allow, if that is less.
const MANY: usize = 12_500;
const FEW: usize = 1_250;
/// Requests of a client that means well, while the others mean ill.
const REQUESTS: usize = 20;
/// What a connection may cost the proxy beside what it sent.
const CONNECTION_KIB: u64 = 24;
/// What may be left of it all, and what the rest of the process may grow by.
const SLACK_KIB: u64 = 64 * 1024;

/// At length: as many connections of each kind as the descriptors allow.
///
/// # Errors
/// The case fails.
pub async fn hostile_connections(session: &Session) -> Result<()> {
    let count = match duration()? {
        Some(_) => MANY.min(descriptors()?.saturating_sub(2_000)),
        None => FEW,
    };
    attack(session, count, "20000").await
}

/// A thousand of each kind held at once, which the proxy gives up after a few seconds.
///
/// # Errors
/// The case fails.
pub async fn hostile_clients(session: &Session) -> Result<()> {
    attack(session, FEW, "4000").await
}

/// Every kind of attack in turn by `count` connections; a request that does not go on ends after `idle` ms.
async fn attack(session: &Session, count: usize, idle: &str) -> Result<()> {
    // Fewer than come: the limit is reached, and still nobody is locked out.
    let most = (count * 4 / 5).to_string();
    let properties = [
        ("sluiceway.connections.max", &*most),
        ("idle.timeout.ms", idle),
    ];
    let mut proxy = Proxy::start(session, &properties).await?;
    let scene = Scene {
        topic: session.topic("ill", 1).await?,
        address: proxy.http.authority().to_owned(),
        pid: proxy.program.as_ref().context("only ours")?.pid(),
        proxy: &proxy,
        count,
    };
    scene.well_served(1).await?;
    let before = Usage::of(scene.pid)?;
    scene.slow_headers().await?;
    scene.slow_bodies().await?;
    scene.idle_connections().await?;
    scene.flood().await?;
    scene.header_bombs().await?;
    scene.rapid_reset().await?;
    scene.continuation_flood().await?;
    let limit = Duration::from_secs(60);
    // Threads for calls that block go when they have had nothing to do for a while.
    eventually("waiting for descriptors and threads", limit, async || {
        let now = Usage::of(scene.pid)?;
        let gone = now.descriptors <= before.descriptors + 20 && now.threads <= before.threads + 4;
        Ok(gone.then_some(()))
    })
    .await?;
    let after = Usage::of(scene.pid)?;
    println!(
        "hostile| all over | {} MiB before, {} MiB after, {} MiB at most",
        before.resident_kib / 1024,
        after.resident_kib / 1024,
        after.peak_kib / 1024
    );
    proxy.stop().await
}

struct Scene<'a> {
    topic: String,
    address: String,
    pid: u32,
    proxy: &'a Proxy,
    count: usize,
}

impl Scene<'_> {
    async fn connect(&self) -> Result<TcpStream> {
        let limit = Duration::from_secs(30);
        let stream = tokio::time::timeout(limit, TcpStream::connect(&self.address)).await??;
        Ok(stream)
    }

    /// Opens connections and sends `first` on each.
    async fn open(&self, count: usize, first: &[u8]) -> Result<Vec<TcpStream>> {
        let mut streams = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = self.connect().await?;
            // The proxy may have closed it already, which is its right.
            let _ = stream.write_all(first).await;
            streams.push(stream);
        }
        Ok(streams)
    }

    /// A client that means well produces; the longest time of a request.
    async fn well_served(&self, requests: usize) -> Result<Duration> {
        let request = produce(
            &format!("/topics/{}", self.topic),
            &json!({"records": [{"value": {"n": 1}}]}),
        );
        let mut longest = Duration::ZERO;
        for _ in 0..requests {
            let started = Instant::now();
            let answer = self.proxy.http.call(&request).await?;
            expect_status(&answer, 200)?;
            longest = longest.max(started.elapsed());
        }
        Ok(longest)
    }

    /// Serves while `name` goes on, within bounded memory: `allowed_kib` more than before.
    async fn while_held(&self, name: &str, before: Usage, allowed_kib: u64) -> Result<()> {
        let longest = self.well_served(REQUESTS).await?;
        let now = Usage::of(self.pid)?;
        let grown = now.resident_kib.saturating_sub(before.resident_kib);
        println!(
            "hostile| {name} | others wait at most {} ms | {} MiB more | {} descriptors",
            longest.as_millis(),
            grown / 1024,
            now.descriptors
        );
        ensure!(
            grown <= allowed_kib + SLACK_KIB,
            "{name}: memory grew by {grown} KiB"
        );
        Ok(())
    }

    /// The same while these connections are open, each of which may make the proxy hold so much beside its own cost.
    async fn while_open(
        &self,
        name: &str,
        before: Usage,
        streams: Vec<TcpStream>,
        each_kib: u64,
    ) -> Result<()> {
        let count = streams.len();
        let allowed = self.for_connections(count) + count as u64 * each_kib;
        let held = self.while_held(name, before, allowed).await;
        drop(streams);
        held
    }

    fn for_connections(&self, count: usize) -> u64 {
        count as u64 * CONNECTION_KIB
    }

    /// Headers that come a byte at a time and never end.
    async fn slow_headers(&self) -> Result<()> {
        let before = Usage::of(self.pid)?;
        let mut streams = self
            .open(self.count, b"POST /topics/x HTTP/1.1\r\nHost: x\r\nX-A: ")
            .await?;
        for stream in &mut streams {
            let _ = stream.write_all(b"a").await;
        }
        let name = format!("{} headers that never end", self.count);
        self.while_held(&name, before, self.for_connections(self.count))
            .await
    }

    /// Bodies that begin and do not go on.
    async fn slow_bodies(&self) -> Result<()> {
        let before = Usage::of(self.pid)?;
        let head = format!(
            "POST /topics/{} HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.kafka.json.v2+json\r\n\
             Content-Length: 1000000\r\n\r\n{{\"records\":[{{\"value\":\"",
            self.topic
        );
        let mut first = head.into_bytes();
        first.resize(first.len() + 16 * 1024, b'x');
        // No more than requests are served at once, and fewer than connections: one whose request is under way is not
        // closed for another.
        let count = (self.count * 3 / 4).min(3_000);
        let streams = self.open(count, &first).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let name = format!("{count} bodies that never end");
        self.while_open(&name, before, streams, 64).await
    }

    /// Connections that had a request and stay.
    async fn idle_connections(&self) -> Result<()> {
        let before = Usage::of(self.pid)?;
        let mut streams = self
            .open(
                self.count,
                b"GET /topics/nobody HTTP/1.1\r\nHost: x\r\n\r\n",
            )
            .await?;
        let mut answered = 0;
        let mut buffer = [0; 1024];
        for stream in &mut streams {
            let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut buffer));
            answered += usize::from(matches!(read.await, Ok(Ok(bytes)) if bytes > 0));
        }
        ensure!(
            answered * 10 >= self.count * 9,
            "only {answered} of {} were answered",
            self.count
        );
        let name = format!("{} idle connections", self.count);
        self.while_held(&name, before, self.for_connections(self.count))
            .await
    }

    /// Connections that come and go at once.
    async fn flood(&self) -> Result<()> {
        let before = Usage::of(self.pid)?;
        let address = self.address.clone();
        let flood = tokio::spawn(async move {
            let mut opened = 0_u64;
            loop {
                if TcpStream::connect(&address).await.is_ok() {
                    opened += 1;
                }
                if opened.is_multiple_of(64) {
                    tokio::task::yield_now().await;
                }
            }
        });
        let held = self
            .while_held("connections that come and go", before, 0)
            .await;
        flood.abort();
        held
    }

    /// A megabyte of headers: refused or cut off; and headers of 200 KiB that stop before their end.
    async fn header_bombs(&self) -> Result<()> {
        let before = Usage::of(self.pid)?;
        let mut bomb = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ".to_vec();
        bomb.resize(1_000_000, b'a');
        let mut stream = self.connect().await?;
        let _ = stream.write_all(&bomb).await;
        let ended = is_ended(&mut stream).await;
        ensure!(ended, "a megabyte of headers is waited for");
        bomb.truncate(200_000);
        let count = self.count / 10;
        let streams = self.open(count, &bomb).await?;
        let name = format!("{count} unfinished headers of 200 KB");
        // What HTTP/1 may buffer of a header, see `server.rs`.
        self.while_open(&name, before, streams, 80).await
    }

    /// Streams that are opened and reset, as fast as can be.
    async fn rapid_reset(&self) -> Result<()> {
        let before = Usage::of(self.pid)?;
        let mut attacks = Vec::new();
        for _ in 0..4 {
            let mut stream = self.connect().await?;
            attacks.push(tokio::spawn(async move {
                let mut bytes = h2_start();
                for id in (1..20_000).step_by(2) {
                    bytes.extend(frame(1, 0x5, id, &HEADERS));
                    bytes.extend(frame(3, 0, id, &8_u32.to_be_bytes()));
                }
                let _ = stream.write_all(&bytes).await;
                is_ended(&mut stream).await
            }));
        }
        self.while_held("HTTP/2 rapid reset", before, 0).await?;
        for attack in attacks {
            ensure!(attack.await?, "a connection of resets stays open");
        }
        Ok(())
    }

    /// Headers that go on and on in CONTINUATION frames.
    async fn continuation_flood(&self) -> Result<()> {
        let before = Usage::of(self.pid)?;
        let mut stream = self.connect().await?;
        let attack = tokio::spawn(async move {
            let mut bytes = h2_start();
            bytes.extend(frame(1, 0x1, 1, &HEADERS));
            // A literal header without indexing: name of one byte, value of 100.
            let mut literal = vec![0x00, 1, b'a', 100];
            literal.resize(104, b'b');
            let block: Vec<u8> = literal.repeat(100);
            for _ in 0..2_000 {
                bytes.extend(frame(9, 0, 1, &block));
            }
            let _ = stream.write_all(&bytes).await;
            is_ended(&mut stream).await
        });
        self.while_held("HTTP/2 CONTINUATION flood", before, 0)
            .await?;
        ensure!(attack.await?, "endless headers are waited for");
        Ok(())
    }
}

/// Whether the proxy ends the connection, whatever it says before.
async fn is_ended(stream: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), reading)
        .await
        .is_ok()
}

/// `GET http://x/` in HPACK.
const HEADERS: [u8; 6] = [0x82, 0x86, 0x84, 0x41, 0x01, b'x'];

fn h2_start() -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    bytes
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .unwrap_or_default()
        .to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// How many descriptors this process may have.
fn descriptors() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_ascii_whitespace().nth(3)?.parse().ok());
    soft.context("no limit of open files in /proc/self/limits")
}
