//! The byte budget of a worker: under a real limit that would kill a worker without one, and with ten thousand open files.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{duration, judge, report};
use crate::connector::Connector;
use crate::kafka::Record;
use crate::load::numbered;
use crate::s3::Bucket;
use crate::target::SinkFiles;
use crate::usage::{Usage, written_files};
use crate::{Session, eventually, tiling};

/// Records of the run under a limit, and bytes of each: more than the limit together.
const RECORDS: i64 = 3_000;
const RECORD_BYTES: usize = 24_000;
/// Partitions they go to: so many files are open at once.
const PARTITIONS: i32 = 60;
/// What the process may allocate (`ulimit -d`), KiB.
const LIMIT_KIB: u64 = 76 * 1024;
/// The byte budget under which it lives with that.
const BUDGET: &str = "16000000";
const NO_BUDGET: &str = "100000000000";

/// 72 MB of records for 60 files that no rule closes, in a process that may have 78 MB and needs a half of them for itself: with a byte budget everything is
/// written, closed by memory; without one the process dies of it.
///
/// # Errors
/// The case fails.
pub async fn a_budget_keeps_the_worker_alive(session: &Session) -> Result<()> {
    let topic = session.topic("limit", PARTITIONS).await?;
    fill(session, &topic).await?;
    let naive = limited(session, "naive", &topic, NO_BUDGET).await?;
    let mut program = naive.files.spawn()?;
    let limit = Duration::from_secs(120);
    eventually("waiting for the worker to die", limit, async || {
        ensure!(
            session
                .kafka
                .committed(&naive.connector.group(), &topic)?
                .is_empty(),
            "the worker without a budget gets through: the limit is too high"
        );
        Ok(program.exited()?.map(|_| ()))
    })
    .await?;

    let limited = limited(session, "budget", &topic, BUDGET).await?;
    let mut program = limited.files.spawn()?;
    let mut most = Usage::default();
    eventually("waiting for everything but the tails", limit, async || {
        program.ensure_runs()?;
        let usage = Usage::of(program.pid())?;
        most = if usage.resident_kib > most.resident_kib {
            usage
        } else {
            most
        };
        let committed = session
            .kafka
            .committed(&limited.connector.group(), &topic)?;
        let done: i64 = committed.values().map(|committed| committed.offset).sum();
        // What is left fits into the budget.
        Ok((done > RECORDS * 3 / 4).then_some(()))
    })
    .await?;
    let log = std::fs::canonicalize(limited.files.log())?;
    let written: Vec<_> = written_files(program.pid())?;
    ensure!(
        written.iter().all(|file| *file == log),
        "the sink writes files: {written:?}"
    );
    let metrics = limited.files.admin_http()?.get("/metrics", None).await?;
    let closed = by_reason(&metrics.text()?, "memory");
    ensure!(closed > 0.0, "memory closed no file");
    program.terminate(Duration::from_secs(30)).await?;
    let census = census(session, &topic, &limited).await?;
    report(
        &format!("memory limit of {} MiB", LIMIT_KIB / 1024),
        1,
        &census,
        &format!(
            "{:.0} MiB resident at most; without a budget it dies",
            most.resident_mib()
        ),
    );
    judge(&census)
}

struct Limited {
    connector: Connector,
    files: SinkFiles,
}

async fn limited(session: &Session, name: &str, topic: &str, budget: &str) -> Result<Limited> {
    let bucket = session.bucket(name).await?;
    let connector = Connector::json(session, name, topic, &bucket)
        .set("flush.size", "1000000")
        .set("consumer.override.fetch.max.bytes", "4000000");
    let files = SinkFiles::write(
        session,
        &[("sluiceway.memory.budget.bytes", budget)],
        std::slice::from_ref(&connector),
    )?
    .limit_data(LIMIT_KIB);
    Ok(Limited { connector, files })
}

async fn fill(session: &Session, topic: &str) -> Result<()> {
    for start in (0..RECORDS / i64::from(PARTITIONS)).step_by(10) {
        let partitions = (0..PARTITIONS).flat_map(|partition| {
            (start..start + 10).map(move |n| numbered(partition, n, RECORD_BYTES))
        });
        let records: Vec<Record> = partitions.collect();
        session.kafka.write(topic, &records).await?;
    }
    Ok(())
}

/// Whatever was written is there once.
async fn census(session: &Session, topic: &str, limited: &Limited) -> Result<tiling::Census> {
    let bucket = &limited.connector.properties["s3.bucket.name"];
    let bucket = Bucket::new(&session.parts.s3, bucket);
    let objects = bucket.objects("").await?;
    let records = session.kafka.read_all(topic)?;
    let tiles = tiling::check(topic, &records, &objects)?;
    let written = |record: &Record| record.offset < tiling::end_of(&tiles, record.partition);
    let records: Vec<Record> = records.into_iter().filter(written).collect();
    let open = bucket.open_uploads().await?.unwrap_or_default();
    Ok(tiling::Census {
        orphaned: open.len(),
        ..tiling::census(topic, &records, &objects)?
    })
}

/// Open files of the run that counts them, and records in each.
const OPEN_FILES: usize = 10_000;
const OPEN_FILES_SHORT: usize = 1_000;
const RECORDS_IN_EACH: usize = 8;
/// What a worker with so many open files may hold, MiB: 256 MB.
const ALLOWED_MIB: f64 = 256e6 / 1_048_576.0;

/// Ten thousand files open at once (folders by a time in the record) in each format: the worker stays below 256 MB.
///
/// # Errors
/// The case fails.
pub async fn ten_thousand_open_files(session: &Session) -> Result<()> {
    let files = match duration()? {
        Some(_) => OPEN_FILES,
        None => OPEN_FILES_SHORT,
    };
    let topic = session.topic("open", 1).await?;
    for round in 0..RECORDS_IN_EACH {
        for start in (0..files).step_by(1_000) {
            let record = |n: usize| Record::value(0, enveloped(n, round));
            let records: Vec<Record> = (start..(start + 1_000).min(files)).map(record).collect();
            session.kafka.write(&topic, &records).await?;
        }
    }
    let json = "io.confluent.connect.s3.format.json.JsonFormat";
    for (name, format, compression) in [
        ("json", json, "none"),
        ("gzip", json, "gzip"),
        (
            "avro",
            "io.confluent.connect.s3.format.avro.AvroFormat",
            "none",
        ),
        (
            "parquet",
            "io.confluent.connect.s3.format.parquet.ParquetFormat",
            "none",
        ),
    ] {
        let bucket = session.bucket(name).await?;
        let connector = Connector::json(session, name, &topic, &bucket)
            .set("flush.size", "10000000")
            .set("value.converter.schemas.enable", "true")
            .set("format.class", format)
            .set("s3.compression.type", compression)
            .set(
                "partitioner.class",
                "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
            )
            .set("timestamp.extractor", "RecordField")
            .set("timestamp.field", "ts")
            .set("partition.duration.ms", "1000")
            .set("path.format", "'day'=dd/'hour'=HH/'minute'=mm/'second'=ss")
            .set("locale", "en")
            .set("timezone", "UTC");
        let settings = [("sluiceway.memory.budget.bytes", "268435456")];
        let connectors = std::slice::from_ref(&connector);
        let mut sink = SinkFiles::write(session, &settings, connectors)?
            .start()
            .await?;
        let pid = sink.program.pid();
        let before = Usage::of(pid)?;
        let wanted = (files * RECORDS_IN_EACH) as f64;
        let limit = Duration::from_secs(300);
        eventually("waiting for the records", limit, async || {
            let metrics = sink.admin.get("/metrics", None).await?.text()?;
            Ok((value(&metrics, "sluiceway_sink_consumed_records_total") >= wanted).then_some(()))
        })
        .await?;
        let metrics = sink.admin.get("/metrics", None).await?.text()?;
        let open = value(&metrics, "sluiceway_sink_open_files");
        let used = value(&metrics, "sluiceway_sink_budget_used_bytes");
        let after = Usage::of(pid)?;
        println!(
            "memory| {name}: {open} open files of {RECORDS_IN_EACH} records | {:.0} MiB resident, {:.0} before | {:.0} MiB counted",
            after.resident_mib(),
            before.resident_mib(),
            used / 1_048_576.0
        );
        ensure!(open >= files as f64, "{name}: {open} files are open");
        ensure!(after.resident_mib() < ALLOWED_MIB, "{name}: {after:?}");
        sink.stop().await?;
    }
    Ok(())
}

/// A record with its schema: a second of its own for each `n`, some text.
fn enveloped(n: usize, round: usize) -> String {
    let ts = 1_700_000_000_000 + 1_000 * n;
    let text = format!("{n:08}-{round:02}-").repeat(12);
    format!(
        "{{\"schema\":{{\"type\":\"struct\",\"fields\":[{{\"field\":\"ts\",\"type\":\"int64\"}},\
         {{\"field\":\"text\",\"type\":\"string\"}},{{\"field\":\"n\",\"type\":\"int32\"}}]}},\
         \"payload\":{{\"ts\":{ts},\"text\":\"{text}\",\"n\":{n}}}}}"
    )
}

/// Files closed for a reason.
fn by_reason(metrics: &str, reason: &str) -> f64 {
    let label = format!("reason=\"{reason}\"");
    let lines = metrics.lines().filter(|line| {
        line.starts_with("sluiceway_sink_files_closed_total") && line.contains(&label)
    });
    lines
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

/// The sum of a metric's series.
fn value(metrics: &str, name: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name));
    lines
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}
