//! The quick start on a Kafka and a store that run already, instead of its own.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::program::Program;
use crate::{Session, eventually, tiling};

/// The list of these cases.
#[macro_export]
macro_rules! quick_start_cases {
    ($kind:ident) => {
        $crate::tests!($kind quick_start posts_end_in_the_store_that_was_named a_store_without_the_bucket_is_refused);
    };
}

/// Posts that the quick start makes.
const POSTS: usize = 20;
/// Its tail is closed after five seconds; machines of the gate are slow.
const LIMIT: Duration = Duration::from_secs(120);

/// Starts it on the session's parts, with their keys where AWS's tools look for them.
fn start(session: &Session, user: &str, bucket: &str, data: &Path) -> Result<Program> {
    let (posts, data) = (POSTS.to_string(), data.to_string_lossy());
    let arguments = [
        "--bootstrap-servers",
        &*session.parts.kafka,
        "--s3-endpoint",
        &*session.parts.s3.endpoint,
        "--s3-bucket",
        bucket,
        "--user",
        user,
        "--posts",
        &*posts,
        "--rate",
        "0",
        "--data-dir",
        &*data,
        "--proxy-port=0",
        "--connect-port=0",
        "--registry-port=0",
        "--admin-port=0",
    ];
    let arguments = arguments.map(Path::new);
    let environment = [
        ("AWS_ACCESS_KEY_ID", &*session.parts.s3.key),
        ("AWS_SECRET_ACCESS_KEY", &*session.parts.s3.secret),
        ("AWS_REGION", "us-east-1"),
    ];
    let log = session.log("sluiceway");
    Program::start("sluiceway", &arguments, &environment, &log)
}

async fn end(program: &mut Program) -> Result<Option<i32>> {
    let status = eventually("the quick start ends", LIMIT, async || program.exited());
    Ok(status.await?.code())
}

/// It ends with 0, says that every acknowledged record lies in one object, and that is so: the objects tile the topics. Nothing
/// of its own broker and store is on disk.
///
/// # Errors
/// The case fails.
pub async fn posts_end_in_the_store_that_was_named(session: &Session) -> Result<()> {
    let (bucket, data) = (session.bucket("quick").await?, session.file("data"));
    // Twelve hexadecimal digits, the session's among them.
    let user = format!("{}0c1e", session.run());
    let mut program = start(session, &user, bucket.name(), &data)?;
    let code = end(&mut program).await?;
    ensure!(code == Some(0), "ended with {code:?}");
    let log = program.log();
    let records = 3 * POSTS;
    let checked = format!("each of the {records} acknowledged records lies in exactly one");
    ensure!(log.contains(&checked), "not checked");
    let place = format!("{}/{}/topics/", session.parts.s3.endpoint, bucket.name());
    ensure!(log.contains(&place), "{place} is not shown");
    for table in ["pin", "geo", "user"] {
        let topic = format!("{user}.{table}");
        let records = session.kafka.read_all(&topic)?;
        ensure!(records.len() == POSTS, "{topic}: {} records", records.len());
        let objects = bucket.objects(&format!("topics/{topic}/")).await?;
        tiling::check_complete(&topic, &records, &objects)?;
    }
    for own in ["kafka", "s3"] {
        ensure!(!data.join(own).exists(), "there is a folder {own}");
    }
    Ok(())
}

/// It ends with 1 and a line that names the option and the bucket.
///
/// # Errors
/// The case fails.
pub async fn a_store_without_the_bucket_is_refused(session: &Session) -> Result<()> {
    let user = format!("{}0c1e", session.run());
    let bucket = session.name("nowhere");
    let mut program = start(session, &user, &bucket, &session.file("data"))?;
    let code = end(&mut program).await?;
    ensure!(code == Some(1), "ended with {code:?}");
    let log = program.log();
    let line = log.lines().find(|line| line.contains("--s3-bucket"));
    let line = line.context("the option is not named")?;
    ensure!(line.contains(&bucket), "{line}");
    Ok(())
}
