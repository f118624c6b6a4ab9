//! From the genuine connector to this one: what it left (objects, committed offsets), as recorded, is the starting
//! point; the objects of both together hold every record once.

use std::io::Write as _;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::{SINK_LIMIT, numbered};
use crate::connector::Connector;
use crate::golden::{self, case, objects};
use crate::target::SinkFiles;
use crate::{Session, eventually, tiling};

/// The list of these cases.
#[macro_export]
macro_rules! sink_takeover_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_takeover the_genuine_connector_is_followed a_log_made_anew_is_read_from_its_beginning);
    };
}

/// Recordings, and how many records come after them: a multiple of `flush.size` in all, or any number where the
/// clock closes files.
const RECORDINGS: [(&str, i64); 3] = [
    ("json_default_flush3", 5),
    ("gzip_json", 5),
    ("rotate_schedule_default", 4),
];

/// The connectors of [`RECORDINGS`] go on here, where the recorded ones stopped.
///
/// # Errors
/// The case fails.
pub async fn the_genuine_connector_is_followed(session: &Session) -> Result<()> {
    let mut followed = Vec::new();
    for (name, more) in RECORDINGS {
        followed.push(Followed::prepare(session, name, more).await?);
    }
    let connectors: Vec<_> = followed.iter().map(|one| one.connector.clone()).collect();
    let mut sink = SinkFiles::write(session, &[], &connectors)?.start().await?;
    for one in &followed {
        one.check(session).await?;
    }
    sink.stop().await
}

/// The committed offset lies beyond the log's end: the topic was made anew since. Its records are read from the first one on, as by
/// the original, and the offset goes back.
///
/// # Errors
/// The case fails.
pub async fn a_log_made_anew_is_read_from_its_beginning(session: &Session) -> Result<()> {
    let topic = session.topic("anew", 1).await?;
    let bucket = session.bucket("anew").await?;
    session.kafka.write(&topic, &numbered(0, 0..6)).await?;
    let connector = Connector::json(session, "anew", &topic, &bucket);
    super::sink_restart::commit(session, &connector, &topic, 100, "sluiceway:1 103").await?;
    let connectors = std::slice::from_ref(&connector);
    let mut sink = SinkFiles::write(session, &[], connectors)?.start().await?;
    let anew = Followed {
        topic,
        connector: connector.clone(),
        bucket,
        left: 1,
        end: 6,
    };
    anew.check(session).await?;
    sink.stop().await
}

/// A connector whose first half another program did.
struct Followed {
    topic: String,
    connector: Connector,
    bucket: crate::s3::Bucket,
    left: usize,
    end: i64,
}

impl Followed {
    async fn prepare(session: &Session, name: &str, more: i64) -> Result<Self> {
        let topic = session.topic(&name.replace('_', "-"), 1).await?;
        let recorded = golden::load(
            &format!("sink/{name}.json"),
            &[(&format!("t_{name}"), &topic)],
        )?;
        let bucket = session.bucket(&name.replace('_', "-")).await?;
        let mut connector = Connector {
            name: session.name(&name.replace('_', "-")),
            properties: recorded["config"]
                .as_object()
                .context("no config")?
                .iter()
                .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
        };
        connector = connector.store(&session.parts.s3, bucket.name());
        let input = recorded["input"].as_array().context("no input")?;
        let mut records = Vec::new();
        for one in input {
            records.push(case::record(one, &Default::default())?);
        }
        let begun = i64::try_from(records.len())?;
        records.extend(numbered(0, begun..begun + more));
        session.kafka.write(&topic, &records).await?;
        let left = recorded["objects"].as_array().context("no objects")?;
        for object in left {
            let key = object["key"].as_str().context("no key")?;
            bucket.put(key, body(object)?).await?;
        }
        let committed = recorded["committed_offsets"][0][2]
            .as_i64()
            .context("no offset")?;
        // Connect's own commits have empty metadata.
        super::sink_restart::commit(session, &connector, &topic, committed, "").await?;
        Ok(Self {
            topic,
            connector,
            left: left.len(),
            end: begun + more,
            bucket,
        })
    }

    async fn check(&self, session: &Session) -> Result<()> {
        eventually("waiting for the commit", SINK_LIMIT, async || {
            let committed = session
                .kafka
                .committed(&self.connector.group(), &self.topic)?;
            Ok(committed
                .get(&0)
                .is_some_and(|found| found.offset == self.end)
                .then_some(()))
        })
        .await?;
        let (records, objects) = (
            session.kafka.read_all(&self.topic)?,
            self.bucket.objects("").await?,
        );
        let tiles = tiling::check_complete(&self.topic, &records, &objects)?;
        ensure!(
            tiles[&0].len() > self.left,
            "{}: only the {} objects that were there",
            self.topic,
            self.left
        );
        Ok(())
    }
}

/// The bytes of a recorded object.
fn body(object: &Value) -> Result<Vec<u8>> {
    let zipped = object["key"]
        .as_str()
        .is_some_and(|key| key.ends_with(".gz"));
    let plain = objects::recorded_body(object, zipped)?.context("no body")?;
    if !zipped {
        return Ok(plain);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&plain)?;
    Ok(encoder.finish()?)
}
