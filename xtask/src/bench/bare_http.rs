//! A bare HTTP server for the load of `bench proxy`: it reads each request and answers what a proxy would, without a look at
//! what it holds. So the load generator, loopback and the copies of the bytes are all that it costs: what remains of the cores for a
//! proxy's work.

use std::net::SocketAddr;
use std::thread;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::load::{self, Load, Outcome};
use super::response;

/// Runs the load against a server of its own in this process, whose CPU time is the outcome's: generator and server together.
pub(crate) fn run(load: &Load<'_>) -> Result<Outcome> {
    let address = start(answer(load.batch))?.to_string();
    let load = Load {
        address: &address,
        ..load.clone()
    };
    load::run(&load, &[std::process::id()])
}

/// As the proxy answers so many records, with their head.
fn answer(records: usize) -> Vec<u8> {
    let offset = r#"{"partition":0,"offset":1234567,"error_code":null,"error":null}"#;
    let offsets = vec![offset; records].join(",");
    let body = format!(r#"{{"offsets":[{offsets}],"key_schema_id":null,"value_schema_id":null}}"#);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.kafka.v2+json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head, body].concat().into_bytes()
}

/// Starts the server on a thread of its own. It ends with this process.
fn start(answer: Vec<u8>) -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    thread::spawn(move || runtime.block_on(accept(listener, answer.leak())));
    Ok(address)
}

async fn accept(listener: std::net::TcpListener, answer: &'static [u8]) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            if let Err(error) = serve(stream, answer).await {
                eprintln!("the bare HTTP server: {error:#}");
            }
        });
    }
}

/// Answers requests until the client hangs up.
async fn serve(mut stream: TcpStream, answer: &[u8]) -> Result<()> {
    let mut buffer = Vec::with_capacity(256 * 1024);
    loop {
        buffer.clear();
        let mut length = None;
        while length.is_none_or(|length| buffer.len() < length) {
            if stream.read_buf(&mut buffer).await? == 0 {
                ensure!(buffer.is_empty(), "hung up in the middle of a request");
                return Ok(());
            }
            if length.is_none() {
                length = request_length(&buffer)?;
            }
        }
        stream.write_all(answer).await?;
    }
}

/// Bytes of the request that begins with these; `None` until its head is there.
fn request_length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(end) = response::find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end])?;
    let length =
        response::header(head, "content-length").context("a request without its length")?;
    Ok(Some(end + 4 + length.parse::<usize>()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_load_is_answered() {
        let load = Load {
            address: "",
            topic: "t",
            connections: 2,
            batch: 3,
            size: 500,
            warm_up: Duration::ZERO,
            measured: Duration::from_millis(200),
        };
        assert!(run(&load).unwrap().requests > 0);
    }
}
