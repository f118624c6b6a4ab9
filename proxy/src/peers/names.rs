//! What the names in `sluiceway.peers` stand for: looked up again and again, since a headless service changes its addresses.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::config::PeersConfig;

/// Asks for the addresses of a host, each with this port.
type LookUp =
    Box<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// See the module.
pub(super) struct Names {
    places: Vec<(String, u16)>,
    /// Between two look-ups.
    refresh: Duration,
    /// For one name.
    limit: Duration,
    look_up: LookUp,
    /// What was found last, and when.
    found: Mutex<(HashSet<SocketAddr>, Option<Instant>)>,
}

/// By the system, as other programs do.
fn system(host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    async move {
        let found = tokio::net::lookup_host((host, port)).await?;
        io::Result::Ok(found.collect::<Vec<_>>())
    }
    .boxed()
}

impl Names {
    /// Not looked up yet.
    pub(super) fn new(config: &PeersConfig) -> Self {
        Self {
            places: config.places.clone(),
            refresh: config.refresh,
            limit: config.probe_timeout,
            look_up: Box::new(system),
            found: Mutex::default(),
        }
    }

    /// All addresses of all names, looked up if that is due.
    pub(super) async fn addresses(&self) -> HashSet<SocketAddr> {
        if self.is_due() {
            self.refresh().await;
        }
        self.found.lock().0.clone()
    }

    fn is_due(&self) -> bool {
        let last = self.found.lock().1;
        last.is_none_or(|last| last.elapsed() >= self.refresh)
    }

    /// Looks all names up. When one cannot be, what was known is kept: it is not known which addresses were its.
    async fn refresh(&self) {
        let (mut found, mut failed) = (HashSet::new(), false);
        for (host, port) in &self.places {
            let asked = (self.look_up)(host.clone(), *port);
            match tokio::time::timeout(self.limit, asked).await {
                Ok(Ok(addresses)) => found.extend(addresses),
                Ok(Err(error)) => {
                    failed = true;
                    tracing::debug!(host, %error, "a name in sluiceway.peers cannot be looked up");
                }
                Err(_) => failed = true,
            }
        }
        let mut known = self.found.lock();
        if failed {
            found.extend(known.0.iter());
        }
        *known = (found, Some(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::*;

    /// A stand-in for DNS: the last bytes of the addresses of each name; a name that is not there cannot be looked up.
    type Zone = Arc<Mutex<HashMap<&'static str, Vec<u8>>>>;

    fn names(zone: &Zone, places: &[&str], refresh: Duration) -> Names {
        let zone = Arc::clone(zone);
        let look_up = move |host: String, port: u16| {
            let found = zone.lock().get(&*host).cloned();
            async move {
                let found = found.ok_or_else(|| io::Error::other("no such name"))?;
                if found.is_empty() {
                    std::future::pending::<()>().await;
                }
                let found = found.into_iter().map(|last| address(last, port));
                io::Result::Ok(found.collect::<Vec<_>>())
            }
            .boxed()
        };
        Names {
            places: places.iter().map(|host| ((*host).into(), 8082)).collect(),
            refresh,
            limit: Duration::from_millis(50),
            look_up: Box::new(look_up),
            found: Mutex::default(),
        }
    }

    fn address(last: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], port))
    }

    fn of(last: &[u8]) -> HashSet<SocketAddr> {
        last.iter().map(|last| address(*last, 8082)).collect()
    }

    #[tokio::test]
    async fn a_name_stands_for_all_its_addresses() {
        let zone = Zone::default();
        zone.lock().insert("service", vec![1, 2, 3]);
        zone.lock().insert("other", vec![3, 9]);
        let names = names(&zone, &["service", "other"], Duration::ZERO);
        assert_eq!(names.addresses().await, of(&[1, 2, 3, 9]));
        // One more replica, and one less.
        zone.lock().insert("service", vec![2, 3, 4]);
        assert_eq!(names.addresses().await, of(&[2, 3, 4, 9]));
    }

    #[tokio::test]
    async fn what_was_known_is_kept_while_a_name_cannot_be_looked_up() {
        let zone = Zone::default();
        let names = names(&zone, &["service", "other"], Duration::ZERO);
        assert_eq!(names.addresses().await, of(&[]));
        zone.lock().insert("service", vec![1, 2]);
        zone.lock().insert("other", vec![9]);
        assert_eq!(names.addresses().await, of(&[1, 2, 9]));
        // It fails; what the other says is new.
        zone.lock().remove("service");
        zone.lock().insert("other", vec![8]);
        assert_eq!(names.addresses().await, of(&[1, 2, 8, 9]));
        // It does not answer.
        zone.lock().insert("service", vec![]);
        assert_eq!(names.addresses().await, of(&[1, 2, 8, 9]));
        // It is there again, and what has gone meanwhile goes.
        zone.lock().insert("service", vec![2, 3]);
        assert_eq!(names.addresses().await, of(&[2, 3, 8]));
    }

    #[tokio::test]
    async fn names_are_looked_up_now_and_then() {
        let zone = Zone::default();
        zone.lock().insert("service", vec![1]);
        let names = names(&zone, &["service"], Duration::from_secs(3600));
        assert_eq!(names.addresses().await, of(&[1]));
        zone.lock().insert("service", vec![2]);
        assert_eq!(names.addresses().await, of(&[1]));
    }

    #[tokio::test]
    async fn the_system_is_asked() {
        let found = system("localhost".to_owned(), 8082).await;
        let loopback = |found: &SocketAddr| found.ip().is_loopback() && found.port() == 8082;
        assert!(found.is_ok_and(|found| !found.is_empty() && found.iter().all(loopback)));
    }
}
