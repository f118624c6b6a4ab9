//! Listener settings (`http://host:port`) and the sockets bound to them.
//!
//! In: the items of `listeners`, `admin.listeners` and the like. Out: a bound socket. A port in use is an error
//! that names the address and the setting that chose it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use thiserror::Error;
use tokio::net::{TcpListener, lookup_host};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSpec {
    /// The listener's name or protocol, lower case: `http`, `https`.
    pub scheme: String,
    /// Host name or address; empty means all interfaces.
    pub host: String,
    /// Port; 0 lets the system choose.
    pub port: u16,
}

impl fmt::Display for ListenerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

/// Why there is no listener.
#[derive(Debug, Error)]
pub enum ListenerError {
    /// The text is not `scheme://host:port`.
    #[error("\"{text}\" is not a listener: write scheme://host:port, e.g. http://0.0.0.0:8082")]
    Malformed {
        /// What the user wrote.
        text: String,
    },
    /// The port is taken.
    #[error(
        "port {port} of {spec} is in use by another process: end it, or choose another port with {option} (0 takes a free one)"
    )]
    InUse {
        /// The port.
        port: u16,
        /// The listener.
        spec: String,
        /// The setting that chose it.
        option: String,
    },
    /// The certificates or TLS settings of an https listener cannot be used.
    #[error("cannot listen on {spec}: {reason}")]
    Tls {
        /// The listener.
        spec: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Anything else that the system refuses.
    #[error("cannot listen on {spec} ({option}): {source}")]
    Bind {
        /// The listener.
        spec: String,
        /// The setting that chose it.
        option: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ListenerSpec {
    /// Reads `scheme://host:port`; the host may be empty, an address in brackets or a name.
    pub fn parse(text: &str) -> Result<Self, ListenerError> {
        let malformed = || ListenerError::Malformed {
            text: text.to_owned(),
        };
        let (scheme, authority) = text.trim().split_once("://").ok_or_else(malformed)?;
        let (host, port) = authority
            .trim_end_matches('/')
            .rsplit_once(':')
            .ok_or_else(malformed)?;
        let port = port.parse().map_err(|_| malformed())?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if scheme.is_empty() || host.contains(['/', ' ']) {
            return Err(malformed());
        }
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            host: host.to_owned(),
            port,
        })
    }

    /// Binds the socket; `option` is the setting an error should name.
    pub async fn bind(&self, option: &str) -> Result<TcpListener, ListenerError> {
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => ListenerError::InUse {
                port: self.port,
                spec: self.to_string(),
                option: option.to_owned(),
            },
            _ => ListenerError::Bind {
                spec: self.to_string(),
                option: option.to_owned(),
                source,
            },
        };
        let address = self.address().await.map_err(failed)?;
        TcpListener::bind(address).await.map_err(failed)
    }

    async fn address(&self) -> std::io::Result<SocketAddr> {
        if self.host.is_empty() {
            return Ok(SocketAddr::new(
                IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                self.port,
            ));
        }
        let mut found = lookup_host((self.host.as_str(), self.port)).await?;
        found
            .next()
            .ok_or_else(|| std::io::Error::other("the host name has no address"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn listeners_are_read() {
        let spec = ListenerSpec::parse(" HTTP://127.0.0.1:8082 ").unwrap();
        assert_eq!(spec.to_string(), "http://127.0.0.1:8082");
        assert_eq!(ListenerSpec::parse("http://:8083").unwrap().host, "");
        assert_eq!(ListenerSpec::parse("https://[::1]:0").unwrap().host, "::1");
        for bad in ["8082", "http://h", "http://h:x", "://h:1", "http://h:70000"] {
            assert!(ListenerSpec::parse(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_used_port_names_itself_and_the_option() {
        let first = ListenerSpec::parse("http://127.0.0.1:0")
            .unwrap()
            .bind("listeners")
            .await
            .unwrap();
        let port = first.local_addr().unwrap().port();
        let second = ListenerSpec {
            scheme: "http".into(),
            host: "127.0.0.1".into(),
            port,
        };
        let error = second.bind("--proxy-port").await.unwrap_err().to_string();
        assert!(
            error.contains(&port.to_string()) && error.contains("--proxy-port"),
            "{error}"
        );
    }
}
