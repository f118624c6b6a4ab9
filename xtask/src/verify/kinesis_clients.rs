//! The proxy's Kinesis front by boto3 and `requests`: a proxy of `examples/kinesis.properties`, and one that checks
//! signatures and lets nobody in without.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::parts::RealParts;
use super::pipeline::{EXAMPLES, SCRIPT};
use crate::child::Foreground;
use crate::ports;
use crate::programs::{self, Binaries};

const STOP: Duration = Duration::from_secs(30);

/// Ids and secrets of this run's two keys: of no worth anywhere else.
const KEYS: [(&str, &str, &str); 2] = [
    (
        "admin",
        "AKIAIOSFODNN7EXAMPLE",
        "made-up-for-this-run/+admin",
    ),
    (
        "writer",
        "AKIAI44QH8DHBEXAMPLE",
        "made-up-for-this-run/+writer",
    ),
];

/// Starts the two, runs the clients, and stops them.
pub(crate) fn run(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let dir = crate::scratch::folder()?;
    let (open, open_url) = start(parts, binaries, &dir, "open", &[])?;
    let keys = dir.path().join("keys.properties");
    let lines =
        KEYS.map(|(name, id, secret)| format!("key.{name}.id={id}\nkey.{name}.secret={secret}\n"));
    std::fs::write(&keys, lines.concat())?;
    // Of these there is none: whoever has no signature has nothing.
    let api_keys = dir.path().join("api-keys.properties");
    std::fs::write(&api_keys, "key.nobody.value=nobody-has-this-key-at-all\n")?;
    let rules = "admin: produce=* consume=* admin=*; writer: produce=open-*";
    let (guarded, guarded_url) = start(
        parts,
        binaries,
        &dir,
        "guarded",
        &[
            ("sluiceway.kinesis.iterator.expiry.ms", "2000"),
            ("sluiceway.kinesis.signature.check", "true"),
            ("sluiceway.kinesis.keys.file", &keys.display().to_string()),
            ("authentication.method", "API_KEY"),
            ("sluiceway.api.keys.file", &api_keys.display().to_string()),
            ("authentication.skip.paths", "/openapi.json"),
            ("sluiceway.authorization.rules", rules),
        ],
    )?;
    let keys = KEYS.map(|(_, id, secret)| format!("{id}:{secret}"));
    let mut command = Command::new(&parts.python);
    command
        .args([SCRIPT, "kinesis"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SLUICEWAY_PROXY", open_url)
        .env("SLUICEWAY_GUARDED", guarded_url)
        .env("SLUICEWAY_BOOTSTRAP", parts.kafka.bootstrap())
        .env("SLUICEWAY_RUN", std::process::id().to_string())
        .env("SLUICEWAY_KEYS", keys.join(","));
    let status = Foreground::start(&mut command)?.wait()?;
    if !status.success() {
        eprintln!(
            "-- end of the open proxy's log\n{}\n-- end of the guarded proxy's log\n{}",
            open.log_tail(),
            guarded.log_tail()
        );
        bail!("clients.py kinesis ended with {status}");
    }
    no_secret_is_told(&dir, &guarded)?;
    guarded.stop(STOP)?;
    open.stop(STOP)
}

/// A proxy of the example, with further lines; where it is.
fn start(
    parts: &RealParts,
    binaries: &Binaries,
    dir: &TempDir,
    name: &str,
    lines: &[(&str, &str)],
) -> Result<(Foreground, String)> {
    let source = Path::new(EXAMPLES).join("kinesis.properties");
    let mut text = std::fs::read_to_string(&source)
        .with_context(|| format!("cannot read {}", source.display()))?;
    let ports = ports::free(2)?;
    let url = format!("http://127.0.0.1:{}", ports[0]);
    let (bootstrap, admin) = (
        parts.kafka.bootstrap(),
        format!("http://127.0.0.1:{}", ports[1]),
    );
    let own = [
        ("bootstrap.servers", &*bootstrap),
        ("listeners", &url),
        ("sluiceway.admin.listeners", &admin),
        // Often, to see that a deleted stream is not brought back by that.
        ("producer.topic.metadata.refresh.interval.ms", "300"),
    ];
    for (key, value) in own.iter().chain(lines) {
        text.push_str(&format!("\n{key}={value}"));
    }
    let file = dir.path().join(format!("{name}.properties"));
    std::fs::write(&file, text)?;
    // The guarded one answers nothing but this without credentials.
    let program = programs::start(
        &mut binaries.command("sluiceway-proxy")?,
        &[&file],
        &format!("{url}/openapi.json"),
        &dir.path().join(format!("{name}.log")),
    )?;
    Ok((program, url))
}

/// Neither the log nor the metrics of a proxy that was shown wrong signatures name a secret.
fn no_secret_is_told(dir: &TempDir, guarded: &Foreground) -> Result<()> {
    guarded.check_running()?;
    let log = std::fs::read_to_string(dir.path().join("guarded.log"))?;
    if !log.contains("credentials were refused") {
        bail!("the log tells of no refused signature:\n{log}");
    }
    match KEYS.iter().find(|(.., secret)| log.contains(secret)) {
        Some((name, ..)) => bail!("the secret of {name} stands in the log"),
        None => Ok(()),
    }
}
