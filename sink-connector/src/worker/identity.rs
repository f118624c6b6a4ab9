//! The name by which a worker is known: `worker_id` in every status.

use std::net::SocketAddr;

use super::RestConfig;

/// `host:port`: as advertised, else the first listener's, else the machine's name.
pub(super) fn worker_id(rest: &RestConfig, bound: Option<&SocketAddr>) -> String {
    let listener = rest.listeners.first().map(|listener| listener.host.clone());
    let host = rest
        .advertised_host
        .clone()
        .or_else(|| listener.filter(|host| !host.is_empty() && host != "0.0.0.0" && host != "::"))
        .unwrap_or_else(host_name);
    let port = rest
        .advertised_port
        .or_else(|| bound.map(SocketAddr::port))
        .unwrap_or_default();
    format!("{host}:{port}")
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::worker::WorkerConfig;
    use sluiceway_common::props::parse;

    fn id(extra: &str) -> String {
        let text = format!("key.converter=K\nvalue.converter=V\n{extra}");
        let config = WorkerConfig::parse(&parse(&text).unwrap()).unwrap();
        worker_id(&config.rest, Some(&"127.0.0.1:18083".parse().unwrap()))
    }

    #[test]
    fn advertised_then_listener_then_machine() {
        assert_eq!(
            id("rest.advertised.host.name=w1\nrest.advertised.port=7\nlisteners=http://h:0\n"),
            "w1:7"
        );
        assert_eq!(id("listeners=http://127.0.0.1:0\n"), "127.0.0.1:18083");
        assert_eq!(id(""), format!("{}:18083", host_name()));
    }
}
