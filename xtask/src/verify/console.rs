//! The console: its committed files are what its sources give, and a real browser walks through it, on the quick start and on
//! the two programs between real Kafka, real S3 and a real registry.
//!
//! Screenshots stay in `target/console-screenshots` (of the build folder).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::parts::RealParts;
use crate::child::Foreground;
use crate::programs::{self, Binaries};
use crate::python::run;
use crate::{chromium, ports, s3};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../console");
/// Its curl lines are run.
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/console.md");
const STOP: Duration = Duration::from_secs(30);

/// Builds the page anew and compares; then walks.
pub(crate) fn walk(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let modules = packages()?.join("node_modules");
    let folder = crate::scratch::folder()?;
    check_built(folder.path(), &modules)?;
    let screenshots = screenshots()?;
    // Steps that there were once have pictures, too.
    fs::remove_dir_all(&screenshots)?;
    fs::create_dir_all(&screenshots)?;
    let chromium = chromium::program()?;
    let browser = Browser {
        script: folder.path().join("tests/walk.mjs"),
        chromium,
        screenshots: screenshots.clone(),
        minutes: None,
    };
    on_the_quick_start(&browser, binaries)?;
    on_real_parts(&browser, parts, binaries)?;
    eprintln!("screenshots: {}", screenshots.display());
    Ok(())
}

/// Many topics, connectors and objects; and two hours of figures in little time. By name only.
pub(crate) fn scale(binaries: &Binaries) -> Result<()> {
    by_name("tests/scale.mjs", binaries, None)
}

/// A page left open on the quick start for so many minutes: its memory is bounded. By name only.
pub(crate) fn hour(binaries: &Binaries, minutes: u32) -> Result<()> {
    by_name("tests/hour.mjs", binaries, Some(minutes))
}

fn by_name(script: &str, binaries: &Binaries, minutes: Option<u32>) -> Result<()> {
    let modules = packages()?.join("node_modules");
    let folder = crate::scratch::folder()?;
    copy_sources(folder.path(), &modules)?;
    let browser = Browser {
        script: folder.path().join(script),
        chromium: chromium::program()?,
        screenshots: screenshots()?,
        minutes,
    };
    let (_data, quick_start, urls) = quick_start(binaries)?;
    browser.run(&urls)?;
    quick_start.stop(STOP)
}

/// What the page is built and tested with, as the lock file has it.
fn packages() -> Result<PathBuf> {
    let source = |name: &str| {
        let path = Path::new(SOURCES).join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (package, lock) = (source("package.json")?, source("package-lock.json")?);
    crate::cache::installed_by_spec("console", &lock, |dir| {
        fs::write(dir.join("package.json"), &package)?;
        fs::write(dir.join("package-lock.json"), &lock)?;
        let mut npm = Command::new("npm");
        let options = [
            "ci",
            "--ignore-scripts",
            "--silent",
            "--no-audit",
            "--no-fund",
        ];
        run(npm.args(options).current_dir(dir))
    })
}

/// The sources without their packages, and the packages beside them.
fn copy_sources(to: &Path, modules: &Path) -> Result<()> {
    let mut copy = Command::new("cp");
    let files = [
        "src",
        "dist",
        "tests",
        "build.mjs",
        "tsconfig.json",
        "package.json",
    ];
    copy.arg("-r").args(files).arg(to).current_dir(SOURCES);
    run(&mut copy)?;
    std::os::unix::fs::symlink(modules, to.join("node_modules"))?;
    Ok(())
}

fn check_built(folder: &Path, modules: &Path) -> Result<()> {
    copy_sources(folder, modules)?;
    run(Command::new("node")
        .args(["node_modules/typescript/bin/tsc", "--noEmit"])
        .current_dir(folder))
    .context("console/src has type errors")?;
    run(Command::new("node")
        .args(["build.mjs", "--check"])
        .current_dir(folder))
}

fn screenshots() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let target = this.ancestors().nth(2).context("no build folder")?;
    let folder = target.join("console-screenshots");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Where a console and what belongs to it are.
struct Urls {
    /// What the pictures are named after.
    name: &'static str,
    /// Admin listener of the program whose console is walked through.
    console: String,
    /// Admin listener of the other program, where there is one.
    other: Option<String>,
    proxy: String,
    connect: String,
    /// Where the quick start keeps its data.
    data: PathBuf,
    /// Properties that a connector needs to reach S3, as `key=value` lines.
    storage: String,
    /// The schema registry, where there is one; Avro and Parquet are read then.
    registry: Option<String>,
}

struct Browser {
    script: PathBuf,
    chromium: PathBuf,
    screenshots: PathBuf,
    /// How long to look, where the script asks.
    minutes: Option<u32>,
}

impl Browser {
    fn run(&self, urls: &Urls) -> Result<()> {
        let mut command = Command::new("node");
        command
            .arg(&self.script)
            .env("CONSOLE_NAME", urls.name)
            .env("CONSOLE_URL", &urls.console)
            .env("CONSOLE_OTHER", urls.other.as_deref().unwrap_or_default())
            .env("CONSOLE_PROXY", &urls.proxy)
            .env("CONSOLE_CONNECT", &urls.connect)
            .env("CONSOLE_STORAGE", &urls.storage)
            .env(
                "CONSOLE_REGISTRY",
                urls.registry.as_deref().unwrap_or_default(),
            )
            .env("CONSOLE_DATA", &urls.data)
            .env("CONSOLE_DOCS", DOCS)
            .env("CONSOLE_CHROMIUM", &self.chromium)
            .env("CONSOLE_SCREENSHOTS", &self.screenshots);
        if let Some(minutes) = self.minutes {
            command.env("CONSOLE_MINUTES", minutes.to_string());
        }
        let status = Foreground::start(&mut command)?.wait()?;
        if !status.success() {
            bail!("the walk on {} ended with {status}", urls.name);
        }
        Ok(())
    }
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn quick_start(binaries: &Binaries) -> Result<(TempDir, Foreground, Urls)> {
    let (data, ports) = (crate::scratch::folder()?, ports::free(4)?);
    let mut command = binaries.command("sluiceway")?;
    command.arg("--data-dir").arg(data.path().join("data"));
    let options = [
        "--proxy-port",
        "--connect-port",
        "--registry-port",
        "--admin-port",
    ];
    for (option, port) in options.iter().zip(&ports) {
        command.args([option, &*port.to_string()]);
    }
    let console = local(ports[3]);
    let program = programs::start(
        &mut command,
        &[],
        &format!("{console}/readyz"),
        &data.path().join("sluiceway.log"),
    )?;
    let urls = Urls {
        name: "quick-start",
        console,
        other: None,
        proxy: local(ports[0]),
        connect: local(ports[1]),
        data: data.path().join("data"),
        storage: String::new(),
        registry: None,
    };
    Ok((data, program, urls))
}

fn on_the_quick_start(browser: &Browser, binaries: &Binaries) -> Result<()> {
    let (_data, program, urls) = quick_start(binaries)?;
    if let Err(error) = browser.run(&urls) {
        eprintln!("-- end of the quick start's log\n{}", program.log_tail());
        return Err(error);
    }
    program.stop(STOP)
}

fn on_real_parts(browser: &Browser, parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let (dir, ports) = (crate::scratch::folder()?, ports::free(4)?);
    let [proxy, connect, proxy_admin, sink_admin] = [0, 1, 2, 3].map(|index| local(ports[index]));
    let bootstrap = parts.kafka.bootstrap();
    let file = |name: &str, lines: String| -> Result<PathBuf> {
        let path = dir.path().join(name);
        fs::write(&path, lines)?;
        Ok(path)
    };
    let proxy_file = file(
        "kafka-rest.properties",
        format!(
            "bootstrap.servers={bootstrap}\nlisteners={proxy}\nschema.registry.url={}\n\
             sluiceway.admin.listeners={proxy_admin}\nsluiceway.console.other.url={sink_admin}\n",
            parts.registry.url()
        ),
    )?;
    let worker_file = file(
        "worker.properties",
        format!(
            "bootstrap.servers={bootstrap}\nlisteners={connect}\nsluiceway.admin.listeners={sink_admin}\n\
             sluiceway.console.other.url={proxy_admin}\n\
             key.converter=org.apache.kafka.connect.storage.StringConverter\n\
             value.converter=org.apache.kafka.connect.json.JsonConverter\nvalue.converter.schemas.enable=false\n\
             consumer.metadata.max.age.ms=1000\n"
        ),
    )?;
    let bucket = parts.s3.create_bucket("console")?;
    let running_proxy = programs::start(
        &mut binaries.command("sluiceway-proxy")?,
        &[&proxy_file],
        &proxy,
        &dir.path().join("proxy.log"),
    )?;
    let running_sink = programs::start(
        &mut binaries.command("sluiceway-sink")?,
        &[&worker_file],
        &connect,
        &dir.path().join("sink.log"),
    )?;
    let urls = Urls {
        name: "real-parts",
        console: proxy_admin,
        other: Some(sink_admin),
        proxy,
        connect,
        data: PathBuf::new(),
        storage: format!(
            "s3.bucket.name={bucket}\ns3.region=us-east-1\nstore.url={}\naws.access.key.id={}\naws.secret.access.key={}",
            parts.s3.endpoint(),
            s3::ACCESS_KEY,
            s3::SECRET_KEY
        ),
        registry: Some(parts.registry.url()),
    };
    if let Err(error) = browser.run(&urls) {
        eprintln!(
            "-- end of the proxy's log\n{}\n-- end of the sink's log\n{}",
            running_proxy.log_tail(),
            running_sink.log_tail()
        );
        return Err(error);
    }
    running_sink.stop(STOP)?;
    running_proxy.stop(STOP)
}
