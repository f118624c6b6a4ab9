//! The line between one client and a broker, which a test can cut: a TCP proxy on loopback.
//!
//! The broker has a listener of its own for it, whose advertised address is the proxy's, so that whoever begins at
//! [`Line::address`] comes back to it and finds no other way. While the line is cut nothing gets through and nobody is
//! told: connections stay open, new ones are taken and hear nothing, as when a network loses all packets. What was sent
//! meanwhile arrives when it is mended, late.

use std::io;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What one step carries at most, bytes.
const STEP: usize = 16 * 1024;

/// See the module. Ends when dropped.
pub struct Line {
    /// `host:port` where the client begins.
    pub address: String,
    whole: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Line {
    /// The line to the broker of `SLUICEWAY_TEST_KAFKA`: from `SLUICEWAY_TEST_KAFKA_LINE`, which that broker advertises, to
    /// `SLUICEWAY_TEST_KAFKA_LINE_END`, where it listens. There is one; a second at the same time finds its port taken.
    ///
    /// # Errors
    /// A variable is missing, or the port is in use.
    pub async fn from_environment() -> Result<Self> {
        let variable = |name: &str| {
            let value = std::env::var(name);
            value.with_context(|| format!("{name} is not set; `cargo xtask verify` sets it"))
        };
        let address = variable("SLUICEWAY_TEST_KAFKA_LINE")?;
        Self::lay(&address, variable("SLUICEWAY_TEST_KAFKA_LINE_END")?).await
    }

    async fn lay(address: &str, end: String) -> Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("listening at {address}"))?;
        let address = listener.local_addr()?.to_string();
        let whole = watch::Sender::new(true);
        let state = whole.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A broken connection is for its two ends to find out.
                tokio::spawn(connect(client, end.clone(), state.subscribe()));
            }
        });
        Ok(Self {
            address,
            whole,
            accepting,
        })
    }

    /// From now on nothing gets through.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Everything gets through again, what was sent meanwhile first.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connect(client: TcpStream, end: String, mut whole: watch::Receiver<bool>) -> Result<()> {
    whole.wait_for(|whole| *whole).await?;
    let (from_client, to_client) = client.into_split();
    let (from_broker, to_broker) = TcpStream::connect(end).await?.into_split();
    let there = tokio::spawn(carry(from_client, to_broker, whole.clone()));
    carry(from_broker, to_client, whole).await?;
    there.await?
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut whole: watch::Receiver<bool>,
) -> Result<()> {
    let mut bytes = vec![0; STEP];
    loop {
        let read = end_as_none(from.read(&mut bytes).await)?;
        // The end of a connection does not get through either.
        whole.wait_for(|whole| *whole).await?;
        match read {
            Some(count) => to.write_all(&bytes[..count]).await?,
            None => return Ok(to.shutdown().await?),
        }
    }
}

fn end_as_none(read: io::Result<usize>) -> Result<Option<usize>> {
    match read {
        Ok(0) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(None),
        read => Ok(Some(read?)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    /// A broker that says again what it hears.
    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    async fn heard(stream: &mut TcpStream) -> Option<u8> {
        let wait = Duration::from_millis(100);
        let read = tokio::time::timeout(wait, stream.read_u8()).await;
        read.ok().map(Result::unwrap)
    }

    #[tokio::test]
    async fn what_is_sent_while_it_is_cut_comes_late() {
        let line = Line::lay("127.0.0.1:0", echo().await).await.unwrap();
        let mut old = TcpStream::connect(&line.address).await.unwrap();
        old.write_u8(1).await.unwrap();
        assert_eq!(old.read_u8().await.unwrap(), 1);
        line.cut();
        let mut new = TcpStream::connect(&line.address).await.unwrap();
        for stream in [&mut old, &mut new] {
            stream.write_u8(2).await.unwrap();
            assert_eq!(heard(stream).await, None);
        }
        line.mend();
        for stream in [&mut old, &mut new] {
            assert_eq!(stream.read_u8().await.unwrap(), 2);
        }
        old.shutdown().await.unwrap();
        assert_eq!(old.read(&mut [0]).await.unwrap(), 0);
    }
}
