//! The files that users have, for this run: the proxy's, the worker's, and the course's property map.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Scene;

/// The key of this run's API: of no worth anywhere else.
pub(super) const API_KEY: &str = "api-key-of-this-run-alone";
/// The access key that Kinesis calls are signed with: the same.
pub(super) const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
/// Its secret.
pub(super) const KEY_SECRET: &str = "secret/of+this-run-alone";
/// Where the emulator looks for its database.
pub(super) const DATABASE_URL: &str = "POSTING_EMULATOR_DATABASE_URL";

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
/// The user id in the examples.
const EXAMPLE_USER: &str = "0a1b2c3d4e5f";

/// The proxy: a stage, API keys, the Kinesis front with signatures, rules for both.
pub(super) fn proxy(scene: &Scene<'_>) -> Result<PathBuf> {
    let keys = scene.dir.path().join("api-keys.properties");
    fs::write(&keys, format!("key.student.value={API_KEY}\n"))?;
    let access = scene.dir.path().join("kinesis-keys.properties");
    fs::write(
        &access,
        format!("key.student.id={KEY_ID}\nkey.student.secret={KEY_SECRET}\n"),
    )?;
    let user = &scene.user;
    let rules = format!("student: produce={user}.*,streaming-{user}-* admin=streaming-{user}-*");
    example(
        scene,
        "kinesis.properties",
        &[
            ("bootstrap.servers", scene.bootstrap),
            ("listeners", &scene.proxy),
            ("sluiceway.admin.listeners", &scene.admin[0]),
            ("authentication.method", "API_KEY"),
            ("authentication.skip.paths", "/openapi.json"),
            ("sluiceway.api.keys.file", &keys.display().to_string()),
            ("sluiceway.authorization.rules", &rules),
            ("sluiceway.kinesis.signature.check", "true"),
            ("sluiceway.kinesis.keys.file", &access.display().to_string()),
        ],
    )
}

/// The worker, and the course's map with more than one record an object.
pub(super) fn sink(scene: &Scene<'_>) -> Result<(PathBuf, PathBuf)> {
    let worker = example(
        scene,
        "worker.properties",
        &[
            ("bootstrap.servers", scene.bootstrap),
            ("listeners", &scene.connect),
            ("sluiceway.admin.listeners", &scene.admin[1]),
            // The topics appear with the first post; five minutes are too long to see them.
            ("consumer.metadata.max.age.ms", "1000"),
        ],
    )?;
    let endpoint = scene.s3.endpoint();
    let connector = example(
        scene,
        "bootcamp-s3-sink.properties",
        &[
            ("name", "posts"),
            ("s3.bucket.name", &scene.bucket),
            ("flush.size", "500"),
            ("rotate.schedule.interval.ms", "2000"),
            ("timezone", "UTC"),
            ("store.url", &endpoint),
        ],
    )?;
    Ok((worker, connector))
}

/// A file of `examples/` for this run's user, with further lines (the later of two equal keys counts).
fn example(scene: &Scene<'_>, name: &str, lines: &[(&str, &str)]) -> Result<PathBuf> {
    let source = Path::new(EXAMPLES).join(name);
    let text =
        fs::read_to_string(&source).with_context(|| format!("cannot read {}", source.display()))?;
    let mut text = text.replace(EXAMPLE_USER, &scene.user);
    for (key, value) in lines {
        text.push_str(&format!("\n{key}={value}"));
    }
    let path = scene.dir.path().join(name);
    fs::write(&path, text)?;
    Ok(path)
}
