//! Connections behind balancers: TCP's own probes, and an age from which a connection takes no new request.

use std::future::pending;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How connections are kept, besides `idle.timeout.ms`.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepAlive {
    /// Silence after which TCP probes the peer; `None`: it does not.
    pub tcp: Option<Duration>,
    /// Time between HTTP/2's PINGs; `None`: there are none.
    pub http2_interval: Option<Duration>,
    /// Time that a PING's answer may take.
    pub http2_timeout: Duration,
    /// Age from which a connection takes no new request; `None`: any.
    pub max_age: Option<Duration>,
}

impl KeepAlive {
    /// Sets TCP's probes. A system that does not have them goes without.
    pub fn probe(&self, stream: &TcpStream) {
        if let Some(silence) = self.tcp {
            let probes = TcpKeepalive::new().with_time(silence);
            if let Err(error) = SockRef::from(stream).set_tcp_keepalive(&probes) {
                tracing::debug!(%error, "TCP keep-alive cannot be set");
            }
        }
    }

    /// Ends when a connection that begins now is old, give or take a tenth: connections that came together do not all go
    /// together.
    pub async fn aged(&self) {
        match self.max_age {
            Some(age) => tokio::time::sleep(spread(age, rand_permille())).await,
            None => pending().await,
        }
    }
}

/// `age`, a tenth less at 0 and a tenth more at 1000.
fn spread(age: Duration, permille: u32) -> Duration {
    age.mul_f64(0.9 + 0.2 * f64::from(permille.min(1000)) / 1000.0)
}

fn rand_permille() -> u32 {
    let (number, _) = uuid::Uuid::new_v4().as_u64_pair();
    u32::try_from(number % 1001).unwrap_or(500)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn tcp_probes_are_set_where_they_are_asked_for() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for (tcp, expected) in [(Some(Duration::from_secs(60)), true), (None, false)] {
            let stream = TcpStream::connect(address).await.unwrap();
            let keep_alive = KeepAlive {
                tcp,
                ..KeepAlive::default()
            };
            keep_alive.probe(&stream);
            assert_eq!(SockRef::from(&stream).keepalive().unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn only_with_an_age_a_connection_ages() {
        let ageless = KeepAlive::default();
        let short = Duration::from_millis(100);
        assert!(tokio::time::timeout(short, ageless.aged()).await.is_err());
        let mortal = KeepAlive {
            max_age: Some(short),
            ..KeepAlive::default()
        };
        let long = Duration::from_secs(20);
        assert!(tokio::time::timeout(long, mortal.aged()).await.is_ok());
    }

    #[test]
    fn ages_are_spread() {
        let age = Duration::from_secs(100);
        assert_eq!(spread(age, 0), Duration::from_secs(90));
        assert_eq!(spread(age, 500), age);
        assert_eq!(spread(age, 1000), Duration::from_secs(110));
        assert!(rand_permille() <= 1000);
    }
}
