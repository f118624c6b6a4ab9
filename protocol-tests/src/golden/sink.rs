//! The recorded cases of the sink, replayed: one worker runs all of them side by side.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::case::Case;
use super::outcome::compare;
use super::{Findings, Mismatch};
use crate::Session;
use crate::target::{Sink, SinkFiles};

/// The cases within the scope of what Sluiceway does today.
pub const CASES: [&str; 44] = [
    "sink/bucket_missing.json",
    "sink/bytes_default.json",
    "sink/bytes_json_converter.json",
    "sink/bytes_null_default.json",
    "sink/bytes_null_ignore.json",
    "sink/bytes_sep_empty.json",
    "sink/flush_size_missing.json",
    "sink/flush_size_neg.json",
    "sink/gzip_bytes.json",
    "sink/gzip_json.json",
    "sink/json_bytes_converter.json",
    "sink/json_default_flush3.json",
    "sink/json_edge_schemaless.json",
    "sink/json_malformed_fail.json",
    "sink/json_schema_true_logical_numeric.json",
    "sink/json_schema_true_noenvelope.json",
    "sink/name_directory_delim.json",
    "sink/name_file_delim.json",
    "sink/name_pad0.json",
    "sink/name_pad1.json",
    "sink/name_topic_chars.json",
    "sink/name_topics_dir.json",
    "sink/name_topics_dir_slash.json",
    "sink/null_fail.json",
    "sink/null_fail_tolerant.json",
    "sink/null_ignore.json",
    "sink/rotate_interval_default_partitioner.json",
    "sink/rotate_schedule_default.json",
    "sink/rotate_schedule_no_timezone.json",
    "sink/store_down.json",
    "sink/topics_both.json",
    "sink/topics_regex.json",
    "sink2/bucket_gone.json",
    "sink2/cred_from_env.json",
    "sink2/cred_wrong_key.json",
    "sink2/partsize_5m.json",
    "sink2/partsize_6m.json",
    "sink2/partsize_exact.json",
    "sink2/partsize_small.json",
    "sink2/partsize_zero.json",
    "sink2/region_bogus.json",
    "sink2/retry_timeout_store_down.json",
    "sink2/tag_pairs_off.json",
    "sink2/wan.json",
];

/// Nothing may change for this long before the outcomes count as final.
const QUIET: Duration = Duration::from_secs(6);
/// What all cases together may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs every case on one worker and compares what became of each.
///
/// # Errors
/// The parts or the worker fail; differences are no errors.
pub async fn replay(session: &Session) -> Result<Vec<Mismatch>> {
    let closed = closed_address()?;
    let files = SinkFiles::write(session, &[], &[])?
        .environment("AWS_ACCESS_KEY_ID", &session.parts.s3.key)
        .environment("AWS_SECRET_ACCESS_KEY", &session.parts.s3.secret);
    let sink = files.start().await?;
    let mut cases = Vec::new();
    for file in CASES {
        let case = Case::begin(session, &sink, file, &closed).await;
        cases.push(case.with_context(|| file.to_owned())?);
    }
    for case in &cases {
        let went_on = case.go_on(session).await;
        went_on.with_context(|| case.file().to_owned())?;
    }
    wait_until_quiet(session, &sink, &cases).await?;
    let mut all = Vec::new();
    for case in &cases {
        let found = case.outcome(session, &sink).await;
        let found = found.with_context(|| case.file().to_owned())?;
        let mut findings = Findings::new(case.file(), "case");
        compare(case.recorded(), &found, &mut findings);
        all.extend(findings.list);
    }
    Ok(all)
}

async fn wait_until_quiet(session: &Session, sink: &Sink, cases: &[Case]) -> Result<()> {
    let until = Instant::now() + LIMIT;
    let (mut last, mut since) = (String::new(), Instant::now());
    while since.elapsed() < QUIET && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut now = String::new();
        for case in cases {
            now += &case.summary(session, sink).await?;
        }
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(())
}

/// `host:port` where nobody listens.
fn closed_address() -> Result<String> {
    let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(socket.local_addr()?.to_string())
}
