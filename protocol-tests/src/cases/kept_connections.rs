//! Connections as gateways keep them: they end at their age, and when nobody answers HTTP/2's pings.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{V2_JSON, expect_status};
use crate::Session;
use crate::http::Request;
use crate::target::Proxy;

/// The list of these cases.
#[macro_export]
macro_rules! kept_connections_cases {
    ($kind:ident) => {
        $crate::tests!($kind kept_connections
            connections_end_at_their_age http2_pings_find_silent_peers);
    };
}

/// Long before a connection would end because it is idle.
const LIMIT: Duration = Duration::from_secs(40);
const IDLE: (&str, &str) = ("idle.timeout.ms", "120000");

/// A connection with `sluiceway.connection.max.age.ms` behind it: an idle one is closed; one with a request under way answers
/// that first; HTTP/2 is told to go away.
///
/// # Errors
/// The case fails.
pub async fn connections_end_at_their_age(session: &Session) -> Result<()> {
    let topic = session.topic("aged", 1).await?;
    let settings = [IDLE, ("sluiceway.connection.max.age.ms", "2000")];
    let proxy = Proxy::start(session, &settings).await?;
    let begun = Instant::now();
    let mut idle = proxy.http.connect().await?;
    expect_status(&idle.call(&Request::new("GET", "/")).await?, 200)?;
    let path = format!("/topics/{topic}/partitions/0/records?offset=latest&timeout=3000");
    let waiting = Request::new("GET", &path).header("Accept", V2_JSON);
    let mut http2 = Http2::connect(proxy.http.authority()).await?;
    let mut busy = proxy.http.connect().await?;
    let (answer, (closed, took), away) = tokio::join!(
        busy.call(&waiting),
        async { (idle.closes_within(LIMIT).await, begun.elapsed()) },
        http2.next(GO_AWAY),
    );
    ensure!(closed, "an idle connection grows older than it may");
    ensure!(
        took >= Duration::from_millis(1750),
        "closed after {took:?}, more than a tenth too early"
    );
    let answer = answer?;
    expect_status(&answer, 200)?;
    ensure!(answer.body == b"[]", "{:?}", answer.text());
    ensure!(
        begun.elapsed() >= Duration::from_secs(3),
        "answered before its time"
    );
    ensure!(busy.closes_within(LIMIT).await, "it lives on");
    ensure!(away?.is_some(), "HTTP/2 was not told");
    Ok(())
}

/// With `sluiceway.http2.keepalive…`: who does not answer a ping is let go, who answers stays.
///
/// # Errors
/// The case fails.
pub async fn http2_pings_find_silent_peers(session: &Session) -> Result<()> {
    const PINGS: usize = 4;
    let settings = [
        IDLE,
        ("sluiceway.http2.keepalive.interval.ms", "500"),
        ("sluiceway.http2.keepalive.timeout.ms", "5000"),
    ];
    let proxy = Proxy::start(session, &settings).await?;
    let mut silent = Http2::connect(proxy.http.authority()).await?;
    let mut awake = Http2::connect(proxy.http.authority()).await?;
    ensure!(silent.next(PING).await?.is_some(), "no ping");
    for _ in 0..PINGS {
        let ping = awake.next(PING).await?;
        ensure!(ping.is_some(), "closed although it answers");
        awake.answer(&ping.unwrap_or_default()).await?;
    }
    // Nothing but the end, which may be told.
    let after = silent.next(PING).await?;
    ensure!(after.is_none(), "pinged again: {after:?}");
    Ok(())
}

// === HTTP/2, frame by frame ===

const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const ACK: u8 = 1;

/// A client that says nothing by itself after its preface.
struct Http2(TcpStream);

impl Http2 {
    async fn connect(authority: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(authority).await?;
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await?;
        stream.write_all(&head(0, SETTINGS, 0)).await?;
        Ok(Self(stream))
    }

    /// The payload of the next frame of this kind that is no answer; `None`: the connection ended before it.
    async fn next(&mut self, wanted: u8) -> Result<Option<Vec<u8>>> {
        tokio::time::timeout(LIMIT, async {
            while let Some((kind, flags, payload)) = self.frame().await {
                if kind == wanted && flags & ACK == 0 {
                    return Ok(Some(payload));
                }
            }
            Ok(None)
        })
        .await?
    }

    async fn frame(&mut self) -> Option<(u8, u8, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).ok()?];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], head[4], payload))
    }

    async fn answer(&mut self, ping: &[u8]) -> Result<()> {
        self.0.write_all(&head(8, PING, ACK)).await?;
        Ok(self.0.write_all(ping).await?)
    }
}

/// The head of a frame of the connection itself.
fn head(length: u8, kind: u8, flags: u8) -> [u8; 9] {
    [0, 0, length, kind, flags, 0, 0, 0, 0]
}
