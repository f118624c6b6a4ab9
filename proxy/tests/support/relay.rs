//! What stands between the proxy and a broker, and takes answers away: the broker has done what it was asked, and nobody
//! hears of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The key of `Produce` in Kafka's protocol.
const PRODUCE: i16 = 0;

/// Forwards connections to a broker that advertises the relay's port.
pub struct Relay {
    listener: TcpListener,
    /// So many answers to `Produce` are taken away, each with its connection.
    pub losing: Arc<AtomicUsize>,
}

impl Relay {
    pub async fn bind() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            losing: Arc::default(),
        }
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Forwards in the background from now on.
    pub fn forward(self, broker: SocketAddr) -> Arc<AtomicUsize> {
        let losing = Arc::clone(&self.losing);
        tokio::spawn(async move {
            while let Ok((client, _)) = self.listener.accept().await {
                tokio::spawn(one(client, broker, Arc::clone(&self.losing)));
            }
        });
        losing
    }
}

/// Requests and answers of one connection, one after the other.
async fn one(client: TcpStream, broker: SocketAddr, losing: Arc<AtomicUsize>) {
    let broker = TcpStream::connect(broker).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_broker, mut to_broker) = broker.into_split();
    while let Some(request) = forward(&mut from_client, &mut to_broker).await {
        let key = i16::from_be_bytes([request[0], request[1]]);
        let Some(answer) = frame(&mut from_broker).await else {
            return;
        };
        let take = |left: usize| left.checked_sub(1);
        let loses = key == PRODUCE
            && losing
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
                .is_ok();
        if loses || write(&mut to_client, &answer).await.is_none() {
            return;
        }
    }
}

async fn forward(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) -> Option<Vec<u8>> {
    let bytes = frame(from).await?;
    write(to, &bytes).await?;
    Some(bytes)
}

async fn frame(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let length = from.read_u32().await.ok()?;
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}

async fn write(to: &mut OwnedWriteHalf, bytes: &[u8]) -> Option<()> {
    let length = u32::try_from(bytes.len()).ok()?;
    to.write_u32(length).await.ok()?;
    to.write_all(bytes).await.ok()
}
