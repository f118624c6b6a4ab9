//! The real parts of one run; they end with it.

use std::path::PathBuf;

use anyhow::{Result, anyhow};

use crate::kafka::{Cluster, Line, UpArgs};
use crate::{ports, prometheus, python, registry, s3};

/// Everything that is not ours.
pub(crate) struct RealParts {
    /// A broker that creates topics when they are written to.
    pub(crate) kafka: Cluster,
    /// A listener of it before which a test puts a proxy.
    line: Line,
    /// A broker that does not, with an authorizer.
    pub(crate) kafka_noauto: Cluster,
    /// Three brokers that a test kills.
    pub(crate) cluster: Cluster,
    /// An S3 server.
    pub(crate) s3: s3::Server,
    /// A schema registry.
    pub(crate) registry: registry::Server,
    /// The folder of a Prometheus server and promtool.
    pub(crate) prometheus: PathBuf,
    /// An interpreter with the clients.
    pub(crate) python: PathBuf,
}

impl RealParts {
    /// Starts all of them at the same time.
    pub(crate) fn start() -> Result<Self> {
        let run = std::process::id();
        // Fetched first: two clusters would wait for the same download.
        crate::kafka::fetch()?;
        let line = line()?;
        std::thread::scope(|scope| {
            let kafka = scope.spawn(|| {
                Cluster::start(&UpArgs {
                    line: Some(line),
                    ..broker(&format!("verify-{run}"), true, &SHORT_SESSIONS)
                })
            });
            let noauto = scope.spawn(|| {
                Cluster::start(&broker(&format!("verify-{run}-noauto"), false, &AUTHORIZER))
            });
            let cluster =
                scope.spawn(|| Cluster::start(&three_brokers(&format!("verify-{run}-three"))));
            let s3 = scope.spawn(|| s3::Server::start(&format!("verify-{run}")));
            let registry = scope.spawn(|| registry::Server::start(&format!("verify-{run}")));
            let prometheus = scope.spawn(prometheus::programs);
            let python = python::interpreter();
            Ok(Self {
                kafka: join(kafka)?,
                line,
                kafka_noauto: join(noauto)?,
                cluster: join(cluster)?,
                s3: join(s3)?,
                registry: join(registry)?,
                prometheus: join(prometheus)?,
                python: python?,
            })
        })
    }

    /// The variables by which protocol-tests finds the parts.
    ///
    /// # Errors
    /// Java's or this program's place is not known.
    pub(crate) fn environment(&self) -> Result<[(&'static str, String); 13]> {
        let connect = crate::kafka::java_arguments("256m")?;
        let xtask = std::env::current_exe()?;
        Ok([
            ("SLUICEWAY_TEST_KAFKA", self.kafka.bootstrap()),
            ("SLUICEWAY_TEST_KAFKA_NOAUTO", self.kafka_noauto.bootstrap()),
            ("SLUICEWAY_TEST_KAFKA_LINE", loopback(self.line.advertised)),
            ("SLUICEWAY_TEST_KAFKA_LINE_END", loopback(self.line.end)),
            ("SLUICEWAY_TEST_S3", self.s3.endpoint()),
            ("SLUICEWAY_TEST_S3_KEY", s3::ACCESS_KEY.to_owned()),
            ("SLUICEWAY_TEST_S3_SECRET", s3::SECRET_KEY.to_owned()),
            ("SLUICEWAY_TEST_REGISTRY", self.registry.url()),
            ("SLUICEWAY_TEST_CONNECT_JAVA", connect.join("\n")),
            ("SLUICEWAY_TEST_CLUSTER", self.cluster.bootstrap()),
            (
                "SLUICEWAY_TEST_CLUSTER_NAME",
                self.cluster.name().to_owned(),
            ),
            ("SLUICEWAY_TEST_XTASK", xtask.display().to_string()),
            (
                "SLUICEWAY_TEST_PROMETHEUS",
                self.prometheus.display().to_string(),
            ),
        ])
    }
}

fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn line() -> Result<Line> {
    let ports = ports::free(2)?;
    Ok(Line {
        advertised: ports[0],
        end: ports[1],
    })
}

/// The tests that kill workers wait for the sessions of the killed: the default shortest is 6 s.
const SHORT_SESSIONS: [(&str, &str); 1] = [("group.min.session.timeout.ms", "1000")];

const AUTHORIZER: [(&str, &str); 2] = [
    (
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    ),
    ("allow.everyone.if.no.acl.found", "true"),
];

fn broker(name: &str, auto_create: bool, settings: &[(&str, &str)]) -> UpArgs {
    UpArgs {
        name: name.to_owned(),
        brokers: 1,
        auto_create,
        settings: settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        heap: "512m".to_owned(),
        line: None,
    }
}

fn three_brokers(name: &str) -> UpArgs {
    UpArgs {
        brokers: 3,
        heap: "384m".to_owned(),
        ..broker(name, true, &SHORT_SESSIONS)
    }
}

fn join<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread
        .join()
        .map_err(|_| anyhow!("a thread that starts parts panicked"))?
}
