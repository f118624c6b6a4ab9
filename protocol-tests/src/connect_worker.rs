//! A genuine Kafka Connect worker as a child process, with a class of the S3 sink's name that does nothing
//! (`java/`).

use std::time::Duration;

use anyhow::Result;

use crate::http::Client;
use crate::java::Java;
use crate::program::Program;
use crate::target::{Properties, free_listener, properties_file};
use crate::{Session, eventually};

const STAND_IN: [(&str, &str); 2] = [
    (
        "S3SinkConnector.java",
        include_str!("../java/S3SinkConnector.java"),
    ),
    ("S3SinkTask.java", include_str!("../java/S3SinkTask.java")),
];
/// What Java may take to start on a loaded machine.
const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// A running worker.
pub struct ConnectWorker {
    /// Its REST API.
    pub http: Client,
    program: Program,
}

impl ConnectWorker {
    /// Starts `ConnectDistributed` with these properties and waits until it answers.
    ///
    /// # Errors
    /// No Java, no jars, or it does not come up.
    pub async fn start(session: &Session, properties: Properties<'_>) -> Result<Self> {
        let java = Java::with(session, &STAND_IN)?;
        let listener = free_listener()?;
        let mut lines = vec![
            ("bootstrap.servers", &*session.parts.kafka),
            ("listeners", &*listener),
            (
                "key.converter",
                "org.apache.kafka.connect.storage.StringConverter",
            ),
            (
                "value.converter",
                "org.apache.kafka.connect.storage.StringConverter",
            ),
            ("plugin.discovery", "only_scan"),
            ("scheduled.rebalance.max.delay.ms", "0"),
        ];
        lines.extend(properties);
        let file = properties_file(session, "connect-distributed.properties", &lines)?;
        let log = session.log("connect");
        let class = "org.apache.kafka.connect.cli.ConnectDistributed";
        let mut program = java.start(class, &file, &log)?;
        let http = Client::new(&listener)?;
        eventually("waiting for Kafka Connect", START_LIMIT, async || {
            program.ensure_runs()?;
            let answer = http.get("/connectors", None).await.ok();
            Ok(answer.filter(|answer| answer.status == 200))
        })
        .await?;
        Ok(Self { http, program })
    }

    /// Ends it with SIGTERM.
    ///
    /// # Errors
    /// It does not end in time.
    pub async fn stop(&mut self) -> Result<()> {
        self.program.terminate(STOP_LIMIT).await.map(drop)
    }
}
