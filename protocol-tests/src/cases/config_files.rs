//! Files as users have them: accepted as they are, with warnings for what has no effect or is misspelt, and one error
//! for everything that is wrong. Only on the embedded parts: the programs read files the same way everywhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{SINK_LIMIT, expect_status};
use crate::http::Client;
use crate::kafka::Record;
use crate::program::Program;
use crate::s3::Bucket;
use crate::target::{Proxy, SinkFiles, free_listener};
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! config_files_cases {
    ($kind:ident) => {
        $crate::tests!($kind config_files
            the_proxy_takes_a_users_file the_sink_takes_a_users_file a_misspelt_key_is_a_warning_with_the_right_one
            every_wrong_value_is_told_at_once the_environment_goes_over_the_file a_used_port_is_named);
    };
}

fn example(name: &str) -> Result<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(name);
    std::fs::read_to_string(&file).with_context(|| file.display().to_string())
}

fn written(session: &Session, name: &str, text: &str) -> Result<PathBuf> {
    let file = session.file(name);
    std::fs::write(&file, text)?;
    Ok(file)
}

/// Waits for the end of a program that must not start, and returns its output.
async fn refusal(session: &Session, program: &str, arguments: &[&Path]) -> Result<String> {
    let mut program = Program::start(program, arguments, &[], &session.log(program))?;
    let status = eventually(
        "waiting for the refusal",
        Duration::from_secs(20),
        async || program.exited(),
    )
    .await?;
    ensure!(status.code() == Some(1), "ended with {status}");
    Ok(program.log())
}

/// `zookeeper.connect`, blanks round `=`, `client.` settings for MSK.
///
/// # Errors
/// The case fails.
pub async fn the_proxy_takes_a_users_file(session: &Session) -> Result<()> {
    let (listener, admin) = (free_listener()?, free_listener()?);
    let text = example("bootcamp-kafka-rest.properties")?;
    let servers = text
        .lines()
        .find(|line| line.starts_with("bootstrap.servers"));
    let servers = servers.context("no bootstrap.servers")?;
    // The brokers of the file don't exist; nothing but their names is changed.
    let text = text.replace(
        servers,
        &format!("bootstrap.servers={}", session.parts.kafka),
    );
    let file = written(session, "kafka-rest.properties", &text)?;
    let environment = [
        ("KAFKA_REST_LISTENERS", &*listener),
        ("KAFKA_REST_SLUICEWAY_ADMIN_LISTENERS", &*admin),
    ];
    let log = session.log("sluiceway-proxy");
    let mut program = Program::start("sluiceway-proxy", &[&file], &environment, &log)?;
    let http = Client::new(&listener)?;
    eventually("waiting for the first answer", SINK_LIMIT, async || {
        program.ensure_runs()?;
        Ok(http.get("/", None).await.ok())
    })
    .await?;
    ensure!(
        program.log().contains("zookeeper.connect"),
        "no warning about zookeeper.connect"
    );
    Ok(())
}

/// The map of the course, `#` lines in it, `topics.regex`, `flush.size=1`, Java class names.
///
/// # Errors
/// The case fails.
pub async fn the_sink_takes_a_users_file(session: &Session) -> Result<()> {
    const USER: &str = "0a1b2c3d4e5f";
    let place = &session.parts.s3;
    let bucket = Bucket::new(place, &format!("user-{USER}-bucket"));
    bucket.create().await?;
    let mut expected = Vec::new();
    for table in ["geo", "pin", "user"] {
        let topic = format!("{USER}.{table}");
        session.kafka.create_topic(&topic, 1, &[]).await?;
        session
            .kafka
            .write(
                &topic,
                &[Record::value(0, "{\"a\":1}"), Record::value(0, "{\"a\":2}")],
            )
            .await?;
        expected
            .extend([0, 1].map(|n| format!("topics/{topic}/partition=0/{topic}+0+{n:010}.json")));
    }
    // Amazon's store is not at hand: where it is and who we are is all that is added.
    let text = example("bootcamp-s3-sink.properties")?
        + &format!(
            "\nstore.url={}\naws.access.key.id={}\naws.secret.access.key={}\n",
            place.endpoint, place.key, place.secret
        );
    let file = written(session, "s3-sink.properties", &text)?;
    let _sink = SinkFiles::write(session, &[], &[])?
        .connector_file(file)
        .start()
        .await?;
    let keys = super::wait_for_objects(&bucket, expected.len()).await?;
    ensure!(keys == expected, "{keys:?}");
    Ok(())
}

/// In the proxy's and in the worker's file.
///
/// # Errors
/// The case fails.
pub async fn a_misspelt_key_is_a_warning_with_the_right_one(session: &Session) -> Result<()> {
    let proxy = Proxy::start(session, &[("fetch.min.byte", "5")]).await?;
    let sink = SinkFiles::write(session, &[("offset.flush.intervall.ms", "5")], &[])?
        .start()
        .await?;
    for (program, wrong, right) in [
        (proxy.program.as_ref(), "fetch.min.byte", "fetch.min.bytes"),
        (
            Some(&sink.program),
            "offset.flush.intervall.ms",
            "offset.flush.interval.ms",
        ),
    ] {
        let log = program.map(Program::log).unwrap_or_default();
        let warning = log
            .lines()
            .find(|line| line.contains(wrong))
            .with_context(|| format!("no word of {wrong}"))?;
        ensure!(
            warning.contains("WARN") && warning.replacen(wrong, "", 1).contains(right),
            "{warning}"
        );
    }
    Ok(())
}

/// Key, value and what is valid of each, in one message; nothing is started.
///
/// # Errors
/// The case fails.
pub async fn every_wrong_value_is_told_at_once(session: &Session) -> Result<()> {
    let proxy = "bootstrap.servers=127.0.0.1:1\nlisteners=ftp://x\nconsumer.threads=many\nfetch.min.bytes=99999999999\n";
    let file = written(session, "kafka-rest.properties", proxy)?;
    let told = refusal(session, "sluiceway-proxy", &[&file]).await?;
    for word in [
        "listeners",
        "ftp://x",
        "consumer.threads",
        "many",
        "fetch.min.bytes",
        "99999999999",
    ] {
        ensure!(told.contains(word), "{word} is not told: {told}");
    }
    let worker =
        "bootstrap.servers=127.0.0.1:1\nkey.converter=none\noffset.flush.interval.ms=soon\n";
    let file = written(session, "worker.properties", worker)?;
    let told = refusal(session, "sluiceway-sink", &[&file]).await?;
    for word in ["value.converter", "offset.flush.interval.ms", "soon"] {
        ensure!(told.contains(word), "{word} is not told: {told}");
    }
    Ok(())
}

/// `KAFKA_REST_…` and `CONNECT_…`, as in the Docker images.
///
/// # Errors
/// The case fails.
pub async fn the_environment_goes_over_the_file(session: &Session) -> Result<()> {
    let (file_says, environment_says) = (free_listener()?, free_listener()?);
    let text = format!(
        "bootstrap.servers={}\nlisteners={file_says}\n",
        session.parts.kafka
    );
    let file = written(session, "kafka-rest.properties", &text)?;
    let admin = free_listener()?;
    let environment = [
        ("KAFKA_REST_LISTENERS", &*environment_says),
        ("KAFKA_REST_SLUICEWAY_ADMIN_LISTENERS", &*admin),
    ];
    let log = session.log("sluiceway-proxy");
    let _program = Program::start("sluiceway-proxy", &[&file], &environment, &log)?;
    let http = Client::new(&environment_says)?;
    let answer = eventually("waiting for the first answer", SINK_LIMIT, async || {
        Ok(http.get("/", None).await.ok())
    })
    .await?;
    expect_status(&answer, 200)?;
    ensure!(
        Client::new(&file_says)?.get("/", None).await.is_err(),
        "the file's listener answers"
    );
    Ok(())
}

/// A clear error with the address and the setting.
///
/// # Errors
/// The case fails.
pub async fn a_used_port_is_named(session: &Session) -> Result<()> {
    let used = std::net::TcpListener::bind("127.0.0.1:0")?;
    let used = (used.local_addr()?.to_string(), used);
    let admin = free_listener()?;
    let text = format!(
        "bootstrap.servers={}\nlisteners=http://{}\nsluiceway.admin.listeners={admin}\n",
        session.parts.kafka, used.0
    );
    let file = written(session, "kafka-rest.properties", &text)?;
    let told = refusal(session, "sluiceway-proxy", &[&file]).await?;
    ensure!(
        told.contains(&used.0) && told.contains("listeners"),
        "{told}"
    );
    let converter = "org.apache.kafka.connect.storage.StringConverter";
    let text = text + &format!("key.converter={converter}\nvalue.converter={converter}\n");
    let file = written(session, "worker.properties", &text)?;
    let told = refusal(session, "sluiceway-sink", &[&file]).await?;
    ensure!(
        told.contains(&used.0) && told.contains("listeners"),
        "{told}"
    );
    Ok(())
}
