//! The curl lines of the documentation, run as they stand there, but for hosts, ports and names. They need curl, so
//! they are run with the real parts only.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::Session;
use crate::kafka::Record;
use crate::replicas::Replicas;
use crate::target::Proxy;

/// The list of these cases.
#[macro_export]
macro_rules! documented_cases {
    (real) => {
        $crate::tests!(real documented the_page_on_replicas the_page_on_idempotency_keys);
    };
}

fn text(page: &str) -> Result<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(page);
    std::fs::read_to_string(&file).with_context(|| file.display().to_string())
}

/// The properties of the file that a page has typed, but for those that say where things are: a test has its own places.
fn properties(page: &str) -> Result<Vec<(String, String)>> {
    const PLACES: [&str; 3] = [
        "bootstrap.servers",
        "sluiceway.peers",
        "sluiceway.admin.listeners",
    ];
    let text = text(page)?;
    let (_, typed) = text.split_once("<<'END'\n").context("no file is typed")?;
    let (typed, _) = typed.split_once("\nEND\n").context("the file has no end")?;
    let pairs = typed.lines().map(|line| {
        let (key, value) = line.split_once('=').with_context(|| line.to_owned())?;
        Ok((key.to_owned(), value.to_owned()))
    });
    let pairs = pairs.collect::<Result<Vec<_>>>()?.into_iter();
    Ok(pairs
        .filter(|(key, _)| !PLACES.contains(&key.as_str()))
        .collect())
}

/// The curl lines of a page, words replaced.
fn lines(page: &str, replace: &[(&str, &str)]) -> Result<Vec<String>> {
    let text = text(page)?;
    let lines = text.lines().filter(|line| line.starts_with("curl "));
    let replaced = lines.map(|line| {
        let swap = |line: String, (from, to): &(&str, &str)| line.replace(from, to);
        replace.iter().fold(line.to_owned(), swap)
    });
    Ok(replaced.collect())
}

/// Runs a line: status and output.
fn run(line: &str) -> Result<(u16, String)> {
    let shell = Command::new("sh")
        .arg("-c")
        .arg(format!("{line} -sS -w '\\n%{{http_code}}'"))
        .output()
        .context("sh and curl are needed")?;
    let output = String::from_utf8(shell.stdout)?;
    let (text, status) = output
        .rsplit_once('\n')
        .with_context(|| format!("{line}: {}", String::from_utf8_lossy(&shell.stderr)))?;
    Ok((
        status.parse().with_context(|| output.clone())?,
        text.to_owned(),
    ))
}

/// docs/replicas.md: made through one replica, used through the other.
///
/// # Errors
/// The case fails.
pub async fn the_page_on_replicas(session: &Session) -> Result<()> {
    let topic = session.topic("page", 1).await?;
    session
        .kafka
        .write(&topic, &[Record::value(0, "{\"n\": 1}")])
        .await?;
    let settings = properties("replicas.md")?;
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    ensure!(settings.len() == 2, "{settings:?}");
    let replicas = Replicas::start(session, 2, &settings).await?;
    let [one, two] =
        [0, 1].map(|number: usize| replicas.proxies[number].http.authority().to_owned());
    let replace = [
        ("127.0.0.1:8092", &*one),
        ("127.0.0.1:8093", &*two),
        ("0a1b2c3d4e5f.pin", &*topic),
        (
            "/consumers/docs",
            &*format!("/consumers/{}", session.name("docs")),
        ),
    ];
    let lines = lines("replicas.md", &replace)?;
    ensure!(lines.len() == 3, "{lines:?}");
    let answers: Vec<_> = lines
        .iter()
        .map(|line| tokio::task::block_in_place(|| run(line)))
        .collect::<Result<_>>()?;
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    ensure!(statuses == [200, 204, 200], "{answers:?}");
    ensure!(answers[2].1.contains("\"offset\":0"), "{answers:?}");
    Ok(())
}

/// docs/idempotency.md: the same line twice.
///
/// # Errors
/// The case fails.
pub async fn the_page_on_idempotency_keys(session: &Session) -> Result<()> {
    let (topic, keys) = (session.topic("page", 1).await?, session.name("keys"));
    let settings = [
        ("sluiceway.idempotency.enable", "true"),
        ("sluiceway.idempotency.topic", &*keys),
    ];
    let proxy = Proxy::start(session, &settings).await?;
    let replace = [
        ("127.0.0.1:8082", proxy.http.authority()),
        ("/topics/orders", &*format!("/topics/{topic}")),
    ];
    let lines = lines("idempotency.md", &replace)?;
    let [line] = &lines[..] else {
        anyhow::bail!("{lines:?}");
    };
    let replayed = "idempotency-replayed: true";
    for wanted in [false, true] {
        let (status, text) = tokio::task::block_in_place(|| run(line))?;
        ensure!(
            status == 200 && text.contains(replayed) == wanted,
            "{status} {text}"
        );
    }
    ensure!(session.kafka.read_committed(&topic)?.len() == 1);
    Ok(())
}
