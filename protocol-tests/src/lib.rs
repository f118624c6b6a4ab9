//! Black-box tests of the two programs, against any target.
//!
//! ```text
//!  tests/*.rs (embedded parts)   tests/real_*.rs (real parts, ignored unless asked for)
//!        └──────────── run the same ────────────┘
//!                      cases::*  ── functions over a Session
//!                         │
//!   Session ── starts ──▶ target::{Proxy, Sink}  ── child processes (program), or TEST_TARGET
//!      └── knows ──▶ parts::Parts ── a broker and a store: embedded or real
//!
//!   several proxies: replicas, behind balancer (round robin, connection by connection)
//!   what a case looks with: http (raw HTTP/1.1), http2, kafka and group (librdkafka), s3 (aws-sdk), exposition (metrics)
//!   what it compares with:  golden (recordings of the genuine programs), json (meaning, not text), tiling (objects against a topic)
//! ```
//!
//! Nothing here shares a type with the programs: requests and answers are JSON written by hand, so that a wrong
//! field name fails.
#![forbid(unsafe_code)]

pub mod aws_stand_in;
pub mod balancer;
pub mod cases;
pub mod certificates;
pub mod cluster;
pub mod collector;
pub mod connect_worker;
pub mod connector;
pub mod exposition;
pub mod fault_proxy;
pub mod fight;
pub mod glob;
pub mod golden;
pub mod group;
pub mod hosts;
pub mod http;
pub mod http2;
pub mod java;
pub mod json;
pub mod kafka;
pub mod line;
pub mod load;
pub mod member;
pub mod openapi;
pub mod pages;
pub mod parts;
pub mod program;
pub mod promql;
pub mod replicas;
pub mod rest_load;
pub mod s3;
pub mod secured_broker;
pub mod session;
pub mod stand_in;
pub mod store_stand_in;
pub mod target;
pub mod tiling;
pub mod token_endpoint;
pub mod usage;

use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub use session::Session;

/// Undoes gzip.
///
/// # Errors
/// Broken gzip.
pub fn gunzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .read_to_end(&mut plain)
        .context("broken gzip")?;
    Ok(plain)
}

/// Asks again and again until there is an answer.
///
/// # Errors
/// The check fails, or has no answer within `limit`.
pub async fn eventually<T, F>(what: &str, limit: Duration, mut check: F) -> Result<T>
where
    F: AsyncFnMut() -> Result<Option<T>>,
{
    let until = Instant::now() + limit;
    loop {
        if let Some(answer) = check().await.with_context(|| what.to_owned())? {
            return Ok(answer);
        }
        if Instant::now() > until {
            bail!("{what}: not within {limit:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Makes a test of every named case of a module of [`cases`]: on the embedded parts, or on the real ones (then
/// ignored, because `cargo test` has to pass without them).
#[macro_export]
macro_rules! tests {
    (embedded $module:ident $($case:ident)+) => {$(
        #[test]
        fn $case() {
            $crate::session::run($crate::parts::Kind::Embedded, stringify!($case), async |session| {
                $crate::cases::$module::$case(session).await
            });
        }
    )+};
    (real $module:ident $($case:ident)+) => {$(
        #[test]
        #[ignore = "needs real parts: cargo xtask verify"]
        fn $case() {
            $crate::session::run($crate::parts::Kind::Real, stringify!($case), async |session| {
                $crate::cases::$module::$case(session).await
            });
        }
    )+};
}
