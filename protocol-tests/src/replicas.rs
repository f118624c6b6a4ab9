//! Several proxies that know one another, behind a round-robin balancer.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::balancer::Balancer;
use crate::exposition::Scrape;
use crate::http::Client;
use crate::target::{Properties, Proxy, free_listener};
use crate::{Session, eventually};

/// What replicas may take to find one another.
const FIND_LIMIT: Duration = Duration::from_secs(20);

/// The secret that they share.
pub const SECRET: &str = "a-secret-of-these-tests";

/// See the module.
pub struct Replicas {
    /// The proxies.
    pub proxies: Vec<Proxy>,
    balancer: Balancer,
}

impl Replicas {
    /// Starts so many on the session's broker with further properties, and waits until they know one another.
    ///
    /// # Errors
    /// They do not come up, or do not find one another.
    pub async fn start(
        session: &Session,
        count: usize,
        properties: Properties<'_>,
    ) -> Result<Self> {
        Self::start_on(session, &session.parts.kafka, count, properties).await
    }

    /// The same on another broker.
    ///
    /// # Errors
    /// As [`Replicas::start`].
    pub async fn start_on(
        session: &Session,
        kafka: &str,
        count: usize,
        properties: Properties<'_>,
    ) -> Result<Self> {
        let listeners: Vec<String> = (0..count).map(|_| free_listener()).collect::<Result<_>>()?;
        // The first by a name, the others by address.
        let places = listeners.join(",").replacen("127.0.0.1", "localhost", 1);
        let topic = session.name("instances");
        let mut lines = vec![
            ("sluiceway.peers", &*places),
            ("sluiceway.peers.secret", SECRET),
            ("sluiceway.peers.topic", &*topic),
            ("sluiceway.peers.probe.interval.ms", "250"),
        ];
        lines.extend(properties);
        let mut proxies = Vec::new();
        for listener in &listeners {
            proxies.push(Proxy::start_at(session, kafka, listener, &lines).await?);
        }
        let replicas = Self::of(proxies).await?;
        eventually("replicas find one another", FIND_LIMIT, async || {
            for number in 0..count {
                if replicas
                    .metric(number, "sluiceway_proxy_live_peers")
                    .await?
                    < count as f64
                {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await?;
        Ok(replicas)
    }

    /// These proxies, behind a balancer.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn of(proxies: Vec<Proxy>) -> Result<Self> {
        let authority = |proxy: &Proxy| proxy.http.authority().to_owned();
        let balancer = Balancer::start(proxies.iter().map(authority).collect()).await?;
        Ok(Self { proxies, balancer })
    }

    /// A client of the balancer.
    ///
    /// # Errors
    /// None in practice.
    pub fn client(&self) -> Result<Client> {
        Client::new(&self.balancer.base())
    }

    /// The balancer in the place of a proxy.
    ///
    /// # Errors
    /// None in practice.
    pub fn balanced(&self) -> Result<Proxy> {
        Ok(Proxy {
            http: self.client()?,
            admin: None,
            program: None,
        })
    }

    /// The sum of a metric of one proxy.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn metric(&self, number: usize, name: &str) -> Result<f64> {
        let proxy = self.proxies.get(number).context("no such proxy")?;
        let admin = proxy.admin.as_ref().context("no admin listener")?;
        let text = admin.get("/metrics", None).await?.text()?;
        Ok(Scrape::parse(&text)?.sum(name, &[]).unwrap_or_default())
    }

    /// The number of the only proxy that has a consumer instance.
    ///
    /// # Errors
    /// None or several have one.
    pub async fn owner(&self, among: &[usize]) -> Result<usize> {
        let mut owners = Vec::new();
        for number in among {
            if self
                .metric(*number, "sluiceway_proxy_consumer_instances")
                .await?
                > 0.0
            {
                owners.push(*number);
            }
        }
        ensure!(owners.len() == 1, "{owners:?} have instances");
        Ok(owners[0])
    }
}
