//! Replicas that find one another by one name with several addresses, as in a headless service: what the name stands for
//! changes while they run.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::peers::Consumer;
use super::{V2, numbered};
use crate::hosts::Hosts;
use crate::http::Client;
use crate::replicas::{Replicas, SECRET};
use crate::target::{Proxy, free_listener};
use crate::{Session, eventually};

/// The list of these cases: they need a Linux with namespaces.
#[macro_export]
macro_rules! peers_names_cases {
    ($kind:ident) => {
        $crate::tests!($kind peers_names a_name_stands_for_all_replicas);
    };
}

const NAME: &str = "replicas.test";
const ADDRESSES: [&str; 4] = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"];
/// What replicas may take to see that one came or went.
const FIND_LIMIT: Duration = Duration::from_secs(30);

/// Three replicas, one port, one name: an instance that was made through one is used through the others. Its owner ends, and the
/// name's answer loses it: the two go on. A fourth comes, and its address into the answer: it serves the instance, too.
///
/// # Errors
/// The case fails.
pub async fn a_name_stands_for_all_replicas(session: &Session) -> Result<()> {
    let topic = session.topic("named", 1).await?;
    session.kafka.write(&topic, &numbered(0, 0..60)).await?;
    let hosts = Hosts::new(session.file("hosts"))?;
    hosts.set(NAME, &ADDRESSES[..3])?;
    let service = Service {
        session,
        hosts: &hosts,
        port: free_port()?,
    };
    let mut proxies = Vec::new();
    for address in &ADDRESSES[..3] {
        proxies.push(service.start(address).await?);
    }
    let mut replicas = Replicas::of(proxies).await?;
    finds(&replicas, &[0, 1, 2]).await?;

    let (group, name) = (session.name("group"), "it");
    let http =
        |replicas: &Replicas, number: usize| Client::new(&replicas.proxies[number].http.base());
    let base = format!("/consumers/{group}/instances/{name}");
    let through = |replicas: &Replicas, number: usize| -> Result<Consumer> {
        Ok(Consumer {
            http: http(replicas, number)?,
            base: base.clone(),
        })
    };
    let made = Consumer::create(http(&replicas, 0)?, &group, name).await?;
    through(&replicas, 1)?.subscribe(&topic).await?;
    let mut next = 0;
    for number in [2, 1, 0] {
        next = read_on(&through(&replicas, number)?, next).await?;
    }
    let subscribed = made.get("/subscription", V2).await?;
    ensure!(subscribed["topics"][0] == *topic, "{subscribed}");

    let owner = replicas.owner(&[0, 1, 2]).await?;
    let others: Vec<usize> = (0..3).filter(|number| *number != owner).collect();
    replicas.proxies[owner].stop().await?;
    let left: Vec<&str> = others.iter().map(|number| ADDRESSES[*number]).collect();
    hosts.set(NAME, &left)?;
    finds(&replicas, &others).await?;
    for number in &others {
        next = read_on(&through(&replicas, *number)?, next).await?;
    }

    hosts.set(NAME, &[left[0], left[1], ADDRESSES[3]])?;
    replicas.proxies.push(service.start(ADDRESSES[3]).await?);
    finds(&replicas, &[others[0], others[1], 3]).await?;
    next = read_on(&through(&replicas, 3)?, next).await?;
    through(&replicas, others[0])?.read_rest(next..60).await
}

/// Reads a few records, which have to be the next ones; the offset behind them.
async fn read_on(consumer: &Consumer, next: i64) -> Result<i64> {
    let offsets = consumer.read_some(100).await?;
    let count = i64::try_from(offsets.len())?;
    let expected: Vec<i64> = (next..next + count).collect();
    ensure!(offsets == expected, "{offsets:?} instead of {expected:?}");
    Ok(next + count)
}

/// Waits until these, and no others, know one another.
async fn finds(replicas: &Replicas, numbers: &[usize]) -> Result<()> {
    eventually("replicas find one another", FIND_LIMIT, async || {
        for number in numbers {
            let live = replicas
                .metric(*number, "sluiceway_proxy_live_peers")
                .await?;
            if (live - numbers.len() as f64).abs() > 0.1 {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
    .await
}

/// What all replicas have in common.
struct Service<'s> {
    session: &'s Session,
    hosts: &'s Hosts,
    port: u16,
}

impl Service<'_> {
    async fn start(&self, address: &str) -> Result<Proxy> {
        let listener = format!("http://{address}:{}", self.port);
        let (place, topic) = (
            format!("{NAME}:{}", self.port),
            self.session.name("instances"),
        );
        let lines = [
            ("sluiceway.peers", &*place),
            ("sluiceway.peers.secret", SECRET),
            ("sluiceway.peers.topic", &*topic),
            ("sluiceway.peers.refresh.ms", "200"),
            ("sluiceway.peers.probe.interval.ms", "200"),
        ];
        Proxy::start_among(self.session, self.hosts, &listener, &lines).await
    }
}

/// A port that is free at all the addresses.
fn free_port() -> Result<u16> {
    for _ in 0..100 {
        let listener = free_listener()?;
        let (_, port) = listener.rsplit_once(':').context("no port")?;
        let port = port.parse()?;
        let free = |address: &&str| TcpListener::bind((*address, port)).is_ok();
        if ADDRESSES.iter().all(free) {
            return Ok(port);
        }
    }
    anyhow::bail!("no port is free at all of {ADDRESSES:?}")
}
