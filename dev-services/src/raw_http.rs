//! HTTP by the byte, for tests of what listeners do with requests that no HTTP client would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long the other side may think before its silence is the end of its answer.
const SILENCE: Duration = Duration::from_secs(1);

/// Header lines that two servers may understand differently: where the body ends, or who the caller is.
const AMBIGUOUS: [&str; 9] = [
    "Content-Length: 4\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 4",
    "Transfer-Encoding: identity, chunked\r\nContent-Length: 4",
    "Transfer-Encoding: xchunked",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length : 5",
    "Content-Length: +5",
    "X: y\r\n Content-Length: 5",
    "Authorization: Basic eDp5\r\nContent-Length: 0",
];

/// Reads until the other side closes, or says nothing for so long.
pub async fn read(stream: &mut TcpStream, silence: Duration) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(Ok(count @ 1..)) = tokio::time::timeout(silence, stream.read(&mut buffer)).await {
        text.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Sends bytes on a connection of their own; out: what comes back until a second of silence.
///
/// # Errors
/// Nobody accepts the connection.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    // The other side may answer, and close, before it has read everything.
    let _sent = stream.write_all(bytes).await;
    Ok(read(&mut stream, SILENCE).await)
}

/// The codes of all answers in a text.
pub fn statuses(answers: &str) -> Vec<&str> {
    let codes = answers
        .lines()
        .filter_map(|line| line.strip_prefix("HTTP/1.1 "));
    codes.filter_map(|line| line.get(..3)).collect()
}

/// Hides `GET path`, without credentials, in requests that carry `authorization`, in every way known here.
/// Out: the ways in which the hidden request was answered as its carrier would be, with the codes; none if all is well.
///
/// # Errors
/// Nobody accepts a connection.
pub async fn smuggle(
    address: SocketAddr,
    path: &str,
    authorization: &str,
) -> std::io::Result<Vec<String>> {
    let hidden = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut arrived = Vec::new();
    for headers in AMBIGUOUS {
        let request = format!(
            "POST /nowhere HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n{headers}\r\n\r\n0\r\n\r\n{hidden}"
        );
        let answer = exchange(address, request.as_bytes()).await?;
        let codes = statuses(&answer);
        // Let through with the credentials of the first, the hidden one would not be a 401.
        let (first, others) = codes.split_first().unwrap_or((&"none", &[]));
        let refused = |code: &&str| ["400", "401"].contains(code);
        if !["400", "401", "404", "405"].contains(first) || !others.iter().all(refused) {
            arrived.push(format!("{path}, {headers:?}: {codes:?}"));
        }
    }
    Ok(arrived)
}
