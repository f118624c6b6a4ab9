//! The two programs between real Kafka and real S3, with the clients and files that users have.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use tempfile::TempDir;

use super::parts::RealParts;
use super::programs::{self, Binaries};
use crate::child::Foreground;
use crate::{ports, s3};

/// How long a program may drain.
const STOP: Duration = Duration::from_secs(30);
const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../protocol-tests/python/clients.py"
);

/// Starts the programs, runs the Python clients, and stops the programs as a service manager does.
pub(crate) fn run(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let run = Run::new(parts)?;
    run.clients(&["prepare"])?;
    let (proxy_file, worker_file) = (run.proxy_file()?, run.worker_file()?);
    let connectors = [
        run.connector_of_single_posts()?,
        run.connector_of_batches()?,
    ];
    let proxy = programs::start(
        &mut binaries.command("sluiceway-proxy")?,
        &[&proxy_file],
        &run.proxy,
        &run.dir.path().join("proxy.log"),
    )?;
    let sink = programs::start(
        &mut binaries.command("sluiceway-sink")?,
        &[&worker_file, &connectors[0], &connectors[1]],
        &run.connect,
        &run.dir.path().join("sink.log"),
    )?;
    if let Err(error) = run.clients(&[]) {
        eprintln!(
            "-- end of the proxy's log\n{}\n-- end of the sink's log\n{}",
            proxy.log_tail(),
            sink.log_tail()
        );
        return Err(error);
    }
    sink.stop(STOP)?;
    proxy.stop(STOP)
}

/// Names, addresses and files of one run.
struct Run<'a> {
    parts: &'a RealParts,
    dir: TempDir,
    /// Like the course's user ids: 12 hexadecimal digits.
    user: String,
    proxy: String,
    connect: String,
    admin: [String; 2],
}

impl<'a> Run<'a> {
    fn new(parts: &'a RealParts) -> Result<Self> {
        let urls: Vec<String> = ports::free(4)?
            .iter()
            .map(|port| format!("http://127.0.0.1:{port}"))
            .collect();
        Ok(Self {
            parts,
            dir: TempDir::with_prefix("sluiceway-pipeline-")?,
            user: format!("{:012x}", std::process::id()),
            proxy: urls[0].clone(),
            connect: urls[1].clone(),
            admin: [urls[2].clone(), urls[3].clone()],
        })
    }

    fn bucket(&self) -> String {
        format!("user-{}-bucket", self.user)
    }

    /// Runs the Python script with the variables that it wants.
    fn clients(&self, arguments: &[&str]) -> Result<()> {
        let (bootstrap, s3) = (self.parts.kafka.bootstrap(), self.parts.s3.endpoint());
        let bucket = self.bucket();
        let mut command = Command::new(&self.parts.python);
        command
            .arg(SCRIPT)
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs([
                ("SLUICEWAY_PROXY", self.proxy.as_str()),
                ("SLUICEWAY_CONNECT", &self.connect),
                ("SLUICEWAY_BOOTSTRAP", &bootstrap),
                ("SLUICEWAY_S3", &s3),
                ("SLUICEWAY_S3_KEY", s3::ACCESS_KEY),
                ("SLUICEWAY_S3_SECRET", s3::SECRET_KEY),
                ("SLUICEWAY_BUCKET", &bucket),
                ("SLUICEWAY_USER", &self.user),
            ]);
        let status = Foreground::start(&mut command)?.wait()?;
        if !status.success() {
            bail!("clients.py ended with {status}");
        }
        Ok(())
    }

    fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.dir.path().join(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    /// The course's file, with a key of ancient days, spaces round `=`, and our addresses.
    fn proxy_file(&self) -> Result<PathBuf> {
        let bootstrap = self.parts.kafka.bootstrap();
        let (listener, admin) = (&self.proxy, &self.admin[0]);
        self.file(
            "kafka-rest.properties",
            &format!(
                "#id=kafka-rest-test-server\nzookeeper.connect=127.0.0.1:2181\nbootstrap.servers = {bootstrap}\n\
                 listeners={listener}\nsluiceway.admin.listeners={admin}\n"
            ),
        )
    }

    fn worker_file(&self) -> Result<PathBuf> {
        let bootstrap = self.parts.kafka.bootstrap();
        let (listener, admin) = (&self.connect, &self.admin[1]);
        let offsets = self.dir.path().join("connect.offsets");
        self.file(
            "worker.properties",
            &format!(
                "bootstrap.servers={bootstrap}\nlisteners={listener}\nsluiceway.admin.listeners={admin}\n\
                 key.converter=org.apache.kafka.connect.storage.StringConverter\n\
                 value.converter=org.apache.kafka.connect.json.JsonConverter\n\
                 offset.storage.file.filename={}\n\
                 # The topics appear with the first post; do not wait five minutes to see them.\n\
                 consumer.metadata.max.age.ms=1000\n",
                offsets.display()
            ),
        )
    }

    /// The course's property map as users paste it, and where this store is.
    fn connector_of_single_posts(&self) -> Result<PathBuf> {
        let (user, store) = (&self.user, self.store());
        self.file(
            "posts.properties",
            &format!(
                "name=posts\nconnector.class=io.confluent.connect.s3.S3SinkConnector\n\
                 # same region as our bucket and cluster\ns3.region=us-east-1\nflush.size=1\n\
                 schema.compatibility=NONE\ntasks.max=3\n\
                 # will read all data from topic names starting with the user's id\ntopics.regex={user}.*\n\
                 format.class=io.confluent.connect.s3.format.json.JsonFormat\n\
                 partitioner.class=io.confluent.connect.storage.partitioner.DefaultPartitioner\n\
                 value.converter.schemas.enable=false\n\
                 value.converter=org.apache.kafka.connect.json.JsonConverter\n\
                 storage.class=io.confluent.connect.s3.storage.S3Storage\n\
                 key.converter=org.apache.kafka.connect.storage.StringConverter\n{store}"
            ),
        )
    }

    /// Fewer, larger objects of the same topics.
    fn connector_of_batches(&self) -> Result<PathBuf> {
        let (user, store) = (&self.user, self.store());
        self.file(
            "batches.properties",
            &format!(
                "name=batches\nconnector.class=io.confluent.connect.s3.S3SinkConnector\ns3.region=us-east-1\n\
                 flush.size=100\nrotate.schedule.interval.ms=2000\ntimezone=UTC\ntopics.dir=batches\n\
                 schema.compatibility=NONE\ntasks.max=1\ntopics={user}.pin,{user}.geo,{user}.user\n\
                 format.class=io.confluent.connect.s3.format.json.JsonFormat\n\
                 value.converter.schemas.enable=false\n\
                 value.converter=org.apache.kafka.connect.json.JsonConverter\n\
                 storage.class=io.confluent.connect.s3.storage.S3Storage\n\
                 key.converter=org.apache.kafka.connect.storage.StringConverter\n{store}"
            ),
        )
    }

    fn store(&self) -> String {
        let (bucket, endpoint) = (self.bucket(), self.parts.s3.endpoint());
        format!(
            "s3.bucket.name={bucket}\nstore.url={endpoint}\naws.access.key.id={}\naws.secret.access.key={}\n",
            s3::ACCESS_KEY,
            s3::SECRET_KEY
        )
    }
}
