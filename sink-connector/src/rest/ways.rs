//! The ways to other workers: connections without TLS, or with it where another worker says that it is reached so.
//!
//! In: another worker. Out: a connection over which nothing has been sent. What fails: one that is not there, and TLS on which the
//! two do not agree; either way that worker has not acted. A store that cannot be used keeps a worker from starting which
//! is reached over TLS itself.

use std::time::Duration;

use http::Uri;
use hyper::service::Service;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::service::TowerToHyperService;
use sluiceway_common::causes;
use sluiceway_common::config_def::{ConfigError, ConfigErrors};
#[cfg(feature = "tls")]
use sluiceway_common::tls::{
    client::{self, Connector, Trust, is_of_tls},
    store::Store,
};

use crate::herder::OtherWorker;
use crate::worker::{RestConfig, WorkersTls};

#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

/// How long reaching another worker may take, without TLS and with it: another one that is busy has to shake hands, too.
const REACH: Duration = Duration::from_secs(2);
const REACH_TLS: Duration = Duration::from_secs(5);

/// A connection to another worker.
pub(super) type Connection = <TowerToHyperService<Connector> as Service<Uri>>::Response;
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// See the module.
pub(crate) struct Ways {
    tls: WorkersTls,
    /// Made at the start, where files are not read again.
    secured: Option<Connector>,
    plain: Connector,
}

/// Why there is no connection.
pub(super) enum NoWay {
    /// Nobody is there.
    Away(Cause),
    /// TLS: why, and what to see to.
    Tls(String),
}

impl Ways {
    /// The ways of a worker with these settings; a `shared` one has others to reach.
    ///
    /// # Errors
    /// The stores of a worker that is itself reached over TLS cannot be used.
    pub(crate) fn new(config: &RestConfig, shared: bool) -> Result<Self, ConfigErrors> {
        let tls = config.workers_tls.clone();
        let wrong = |(key, reason): (String, String)| {
            let message = format!("{key}: {reason}");
            ConfigErrors(vec![ConfigError::other(&key, message)])
        };
        let secured = (shared && config.advertises_https()).then(|| secured(&tls));
        let secured = secured.transpose().map_err(wrong)?;
        Ok(Self {
            secured: secured.filter(|_| !tls.reload),
            plain: plain().map_err(wrong)?,
            tls,
        })
    }

    /// Connects, for a bounded time.
    pub(super) async fn connect(&self, worker: &OtherWorker) -> Result<Connection, NoWay> {
        let connector = match (worker.https, &self.secured) {
            (false, _) => self.plain.clone(),
            (true, Some(made)) => made.clone(),
            (true, None) => self.read_again().await?,
        };
        let limit = if worker.https { REACH_TLS } else { REACH };
        let uri: Uri = worker.url().parse().map_err(away)?;
        let reaching = reach(TowerToHyperService::new(connector), uri);
        match tokio::time::timeout(limit, reaching).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) if is_of_tls(&*error) => Err(NoWay::Tls(self.told(&*error))),
            Ok(Err(error)) => Err(NoWay::Away(error)),
            Err(late) => Err(away(late)),
        }
    }

    /// A connector with the certificates as they are now.
    async fn read_again(&self) -> Result<Connector, NoWay> {
        let tls = self.tls.clone();
        let made = tokio::task::spawn_blocking(move || secured(&tls)).await;
        made.map_err(away)?
            .map_err(|(key, reason)| NoWay::Tls(format!("{key}: {reason}")))
    }

    /// An error in words; of one of TLS also what to see to.
    pub(super) fn told(&self, error: &(dyn std::error::Error + 'static)) -> String {
        let (reason, prefix) = (causes::line(error), self.tls.prefix);
        match is_of_tls(error) {
            true => format!(
                "{reason}; see to {prefix}ssl.truststore.location and {prefix}ssl.keystore.location of both workers"
            ),
            false => reason,
        }
    }
}

impl OtherWorker {
    fn url(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        match self.id.rsplit_once(':') {
            Some((host, port)) if host.contains(':') && !host.starts_with('[') => {
                format!("{scheme}://[{host}]:{port}/")
            }
            _ => format!("{scheme}://{}/", self.id),
        }
    }
}

fn away(error: impl Into<Cause>) -> NoWay {
    NoWay::Away(error.into())
}

async fn reach<C>(connector: C, uri: Uri) -> Result<C::Response, Cause>
where
    C: Service<Uri>,
    C::Error: Into<Cause>,
{
    connector.call(uri).await.map_err(Into::into)
}

fn http() -> HttpConnector {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http
}

/// A connector, or the key that is wrong and why.
#[cfg(feature = "tls")]
fn secured(tls: &WorkersTls) -> Result<Connector, (String, String)> {
    let wrong = |name: &str, reason: &dyn std::fmt::Display| {
        (format!("{}{name}.location", tls.prefix), reason.to_string())
    };
    let (trusted, identity) = ("ssl.truststore", "ssl.keystore");
    let trust = match tls.trust.as_ref().or(tls.identity.as_ref()) {
        Some(store) => {
            let read = Store::from(store).trusted();
            Trust::These(read.map_err(|error| wrong(trusted, &error))?)
        }
        None => Trust::System,
    };
    let shown = tls.identity.as_ref().map(|store| {
        let read = Store::from(store).identity();
        read.map_err(|error| wrong(identity, &error))
    });
    let connector = client::connector(http(), trust, shown.transpose()?);
    connector.map_err(|error| match error {
        client::ClientTlsError::Identity(_) => wrong(identity, &error),
        _ => wrong(trusted, &error),
    })
}

#[cfg(feature = "tls")]
fn plain() -> Result<Connector, (String, String)> {
    let connector = client::connector(http(), Trust::Nobody, None);
    connector.map_err(|error| ("ssl.protocol".to_owned(), error.to_string()))
}

#[cfg(not(feature = "tls"))]
fn secured(_: &WorkersTls) -> Result<Connector, (String, String)> {
    let reason = "this program was built without TLS".to_owned();
    Err(("rest.advertised.listener".to_owned(), reason))
}

#[cfg(not(feature = "tls"))]
fn plain() -> Result<Connector, (String, String)> {
    Ok(http())
}

#[cfg(not(feature = "tls"))]
fn is_of_tls(_: &(dyn std::error::Error + 'static)) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_other_workers() {
        let url = |id: &str, https| {
            let id = id.to_owned();
            OtherWorker { id, https }.url()
        };
        assert_eq!(url("w-0.workers:8083", false), "http://w-0.workers:8083/");
        assert_eq!(url("127.0.0.1:1", true), "https://127.0.0.1:1/");
        assert_eq!(url("::1:8083", true), "https://[::1]:8083/");
        assert_eq!(url("[::1]:8083", true), "https://[::1]:8083/");
    }
}
