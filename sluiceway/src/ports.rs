//! Are the ports free? Asked before anything starts, so that the answer is one clear line and
//! nothing has to be undone.

use anyhow::bail;
use sluiceway_common::listener::ListenerSpec;

use crate::args::Args;

/// The URL that a port of this machine is listened on with.
pub(crate) fn listener(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Binds every port at once and lets them go again.
///
/// # Errors
/// Names the port that is in use and the option that chooses another one.
pub(crate) async fn check(args: &Args) -> anyhow::Result<()> {
    let wanted = [
        (args.proxy_port, "--proxy-port"),
        (args.connect_port, "--connect-port"),
        (args.registry_port, "--registry-port"),
        (args.admin_port, "--admin-port"),
        (args.kafka_port, "--kafka-port"),
        (args.s3_port, "--s3-port"),
    ];
    for (index, (port, option)) in wanted.iter().enumerate() {
        let same = wanted[..index]
            .iter()
            .find(|(other, _)| other == port && *port != 0);
        if let Some((_, other)) = same {
            bail!("port {port} is chosen twice, by {other} and {option}");
        }
    }
    for (port, option) in wanted {
        ListenerSpec::parse(&listener(port))?.bind(option).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;

    #[tokio::test]
    async fn a_used_port_names_itself_and_its_option() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let free = [
            "sluiceway",
            "--proxy-port=0",
            "--connect-port=0",
            "--registry-port=0",
            "--admin-port=0",
        ];
        check(&Args::parse_from(free)).await.unwrap();
        for index in 1..free.len() {
            let mut args = free.map(str::to_owned);
            let option = args[index].trim_end_matches("=0").to_owned();
            args[index] = format!("{option}={port}");
            let message = check(&Args::parse_from(args))
                .await
                .unwrap_err()
                .to_string();
            assert!(message.contains(&port), "{message}");
            assert!(message.contains(&option), "{message}");
        }
    }

    #[tokio::test]
    async fn one_port_cannot_serve_two() {
        let args = [
            "sluiceway",
            "--proxy-port=9",
            "--connect-port=0",
            "--registry-port=0",
            "--admin-port=9",
        ];
        let message = check(&Args::parse_from(args))
            .await
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            "port 9 is chosen twice, by --proxy-port and --admin-port"
        );
    }
}
