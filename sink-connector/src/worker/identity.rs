//! The name by which a worker is known: `worker_id` in every status.

use std::net::SocketAddr;

use super::RestConfig;

/// `host:port`: as advertised, else that of the listener by which other workers reach this one, else the machine's name. `bound`
/// are the addresses of the listeners, in their order.
pub(super) fn worker_id(rest: &RestConfig, bound: &[SocketAddr]) -> String {
    let place = rest.advertised_place();
    let listener = rest.listeners.get(place);
    let host = rest
        .advertised_host
        .clone()
        .or_else(|| {
            let host = listener.map(|listener| listener.host.clone());
            host.filter(|host| !host.is_empty() && host != "0.0.0.0" && host != "::")
        })
        .unwrap_or_else(host_name);
    let port = rest
        .advertised_port
        .or_else(|| bound.get(place).map(SocketAddr::port))
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

    fn config(extra: &str) -> WorkerConfig {
        let text = format!("key.converter=K\nvalue.converter=V\nssl.keystore.location=/x\n{extra}");
        WorkerConfig::parse(&parse(&text).unwrap()).unwrap()
    }

    fn id(extra: &str) -> String {
        let bound = [18083, 18443].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        worker_id(&config(extra).rest, &bound)
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

    #[test]
    fn the_listener_by_which_others_reach_it() {
        let reached = |extra: &str| (id(extra), config(extra).rest.advertises_https());
        let both = "listeners=http://a:0,https://b:0\n";
        assert_eq!(reached(both), ("a:18083".into(), false));
        let secured = format!("{both}rest.advertised.listener=HTTPS\n");
        assert_eq!(reached(&secured), ("b:18443".into(), true));
        let turned = "listeners=https://b:0,http://a:0\n";
        assert_eq!(reached(turned), ("a:18443".into(), false));
        assert_eq!(reached("listeners=https://b:0\n"), ("b:18083".into(), true));
        // Whoever stands in front of it speaks TLS.
        let in_front = "listeners=http://a:0\nrest.advertised.listener=https\n";
        assert_eq!(reached(in_front), ("a:18083".into(), true));
        let wrong = "key.converter=K\nvalue.converter=V\nrest.advertised.listener=ftp\n";
        let error = WorkerConfig::parse(&parse(wrong).unwrap()).unwrap_err();
        assert!(
            error.to_string().contains("rest.advertised.listener"),
            "{error}"
        );
    }
}
