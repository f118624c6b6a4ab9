//! One client's connection: length-prefixed requests in, answers out, in order. Requests of a connection are
//! handled one after the other, as Kafka does it; the next one waits in the buffer meanwhile.

use std::io;
use std::net::SocketAddr;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::dispatch::{DispatchError, Reply, dispatch};
use super::node::Node;

/// Bytes that are read at once at least.
const READ_AHEAD: usize = 64 * 1024;

/// Who a request comes from.
#[derive(Debug)]
pub(crate) struct Client {
    /// The `client.id` of the current request.
    pub(crate) id: StrBytes,
    /// Its address, as Kafka prints it in descriptions of groups.
    pub(crate) host: StrBytes,
}

/// Why a connection is closed by the broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    #[error("a request of {0} bytes exceeds socket.request.max.bytes")]
    TooLarge(i64),
}

/// Answers requests until the client closes the connection or makes a mistake.
pub(crate) async fn serve(
    node: &Node,
    mut stream: TcpStream,
    peer: SocketAddr,
) -> Result<(), ConnectionError> {
    stream.set_nodelay(true)?;
    let host = StrBytes::from_string(format!("/{}", peer.ip()));
    let mut client = Client {
        id: StrBytes::new(),
        host,
    };
    let mut buffer = BytesMut::with_capacity(READ_AHEAD);
    while let Some(request) =
        next_request(&mut stream, &mut buffer, node.options.request_max_bytes).await?
    {
        match dispatch(node, &mut client, request).await? {
            Reply::Send(answer) => stream.write_all(&answer).await?,
            Reply::Nothing => {}
            Reply::Close => break,
        }
    }
    Ok(())
}

/// The next whole request, without its length; `None` when the client is done.
async fn next_request(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    max: usize,
) -> Result<Option<Bytes>, ConnectionError> {
    loop {
        if let Some(request) = split_request(buffer, max)? {
            return Ok(Some(request));
        }
        buffer.reserve(READ_AHEAD);
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn split_request(buffer: &mut BytesMut, max: usize) -> Result<Option<Bytes>, ConnectionError> {
    let Some(mut prefix) = buffer.get(..4) else {
        return Ok(None);
    };
    let announced = prefix.get_i32();
    let size = usize::try_from(announced).ok().filter(|size| *size <= max);
    let size = size.ok_or(ConnectionError::TooLarge(i64::from(announced)))?;
    if buffer.len() < 4 + size {
        buffer.reserve(4 + size - buffer.len());
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(size).freeze()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn requests_are_split_at_their_lengths() {
        let mut buffer = BytesMut::from(&[0, 0, 0, 2, 7, 8, 0, 0, 0][..]);
        assert_eq!(
            split_request(&mut buffer, 10).unwrap().unwrap(),
            Bytes::from_static(&[7, 8])
        );
        assert!(split_request(&mut buffer, 10).unwrap().is_none());
        buffer.extend_from_slice(&[1]);
        assert!(split_request(&mut buffer, 10).unwrap().is_none());
        buffer.extend_from_slice(&[9]);
        assert_eq!(
            split_request(&mut buffer, 10).unwrap().unwrap(),
            Bytes::from_static(&[9])
        );
    }

    #[test]
    fn absurd_lengths_end_the_connection() {
        for length in [11i32, -1, i32::MAX] {
            let mut buffer = BytesMut::from(&length.to_be_bytes()[..]);
            assert!(matches!(
                split_request(&mut buffer, 10),
                Err(ConnectionError::TooLarge(_))
            ));
        }
    }
}
