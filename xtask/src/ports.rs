//! Free TCP ports on loopback that stay usable over a restart of their server.
//!
//! Taken from below the kernel's range for outgoing connections: a port from that range could be
//! given to somebody's connection while the server is down, and it could not come back on it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

const FIRST: u64 = 12_000;
const COUNT: u64 = 18_000;

/// `count` different ports on which nobody listens now.
pub(crate) fn free(count: usize) -> Result<Vec<u16>> {
    // Held until all are found, so that they differ.
    let mut held: Vec<TcpListener> = Vec::with_capacity(count);
    for _ in 0..1_000 {
        if held.len() == count {
            break;
        }
        let candidate = FIRST + RandomState::new().build_hasher().finish() % COUNT;
        let Ok(port) = u16::try_from(candidate) else {
            continue;
        };
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push(listener);
        }
    }
    if held.len() < count {
        bail!(
            "no {count} free ports between {FIRST} and {}",
            FIRST + COUNT
        );
    }
    held.iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn ports_differ_and_can_be_bound() {
        let ports = free(6).unwrap();
        let listeners: Vec<_> = ports.iter().map(|port| bind_soon(*port)).collect();
        assert_eq!(listeners.len(), 6);
    }

    /// A process that another test is just starting holds our sockets until it has become its program.
    fn bind_soon(port: u16) -> TcpListener {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
                bound => return bound.unwrap(),
            }
        }
    }
}
