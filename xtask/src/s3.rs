//! `cargo xtask s3 …`: a real S3 server (Versity's gateway over a temporary folder) on loopback.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command as Process;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use crate::part::{Member, Part};
use crate::process::{self, CommandLine};
use crate::{background, http, ports};

const MODULE: &str = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
/// The only account; it exists on loopback, as long as the server runs.
pub(crate) const ACCESS_KEY: &str = "dev";
/// Its secret.
pub(crate) const SECRET_KEY: &str = "devsecret";
const REGION: &str = "us-east-1";
const START: Duration = Duration::from_secs(30);

/// What to do with an S3 server.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a server in the background and print its endpoint and keys when it answers
    Up(NameArg),
    /// End it and remove its data
    Down(NameArg),
    /// Print what runs; exit code 1 when a named server does not
    Status {
        /// Only this one
        #[arg(long)]
        name: Option<String>,
    },
}

/// Which server.
#[derive(Debug, Args)]
pub(crate) struct NameArg {
    /// Name of the server; several can run side by side
    #[arg(long, default_value = "default")]
    name: String,
}

/// Runs one `s3` command.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(name) => up(&name.name),
        Command::Down(name) => background::down("s3", &name.name),
        Command::Status { name } => background::status("s3", name.as_deref()),
    }
}

/// A server for one run of checks: ends when dropped, and with this process in any case.
pub(crate) struct Server {
    part: Part,
}

impl Server {
    /// Starts a server that this process owns.
    pub(crate) fn start(name: &str) -> Result<Self> {
        let part = Part::reserve("s3", name, "")?
            .with_context(|| format!("s3 {name} is running already"))?;
        let mut server = Self { part };
        bring_up(&mut server.part)?;
        Ok(server)
    }

    /// Makes a bucket (a folder of the server's store); its name.
    pub(crate) fn create_bucket(&self, name: &str) -> Result<String> {
        let bucket = format!("{name}-bucket");
        fs::create_dir(self.part.dir.join("buckets").join(&bucket))?;
        Ok(bucket)
    }

    /// `http://127.0.0.1:port`
    pub(crate) fn endpoint(&self) -> String {
        endpoint(&self.part)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.part.end() {
            eprintln!("error: {error:#}");
        }
    }
}

fn up(name: &str) -> Result<()> {
    installed()?;
    let Some(mut part) = background::reserve_or_report("s3", name, "")? else {
        return Ok(());
    };
    match bring_up(&mut part) {
        Ok(()) => background::leave_running(part),
        Err(error) => {
            part.end()?;
            Err(error)
        }
    }
}

fn installed() -> Result<PathBuf> {
    let dir = crate::cache::installed("versitygw", MODULE, |dir| {
        let status = Process::new("go")
            .args(["install", MODULE])
            .env("GOBIN", dir)
            .status()
            .context("cannot run go (it builds the S3 server)")?;
        if !status.success() {
            bail!("go install {MODULE} ended with {status}");
        }
        Ok(())
    })?;
    Ok(dir.join("versitygw"))
}

fn bring_up(part: &mut Part) -> Result<()> {
    let program = installed()?;
    let port = ports::free(1)?[0];
    for folder in ["buckets", "sidecar"] {
        fs::create_dir(part.dir.join(folder))?;
    }
    // Object metadata goes into extended attributes, or beside the objects where the filesystem has none.
    for with_sidecar in [false, true] {
        let command = command_line(part, &program, port, with_sidecar);
        part.members = vec![Member {
            id: 1,
            port,
            command,
            process: None,
        }];
        part.start(1)?;
        match wait_until_it_answers(part, port) {
            Err(_) if !with_sidecar && lacks_attributes(part) => {}
            outcome => {
                part.lines = lines(part);
                return outcome.and_then(|()| part.save());
            }
        }
    }
    bail!("the S3 server does not start")
}

fn command_line(
    part: &Part,
    program: &std::path::Path,
    port: u16,
    with_sidecar: bool,
) -> CommandLine {
    let address = format!("127.0.0.1:{port}");
    let path = |folder: &str| part.dir.join(folder).display().to_string();
    let program = program.display().to_string();
    let mut argv = vec![
        program,
        "--port".into(),
        address,
        "--region".into(),
        REGION.into(),
    ];
    argv.extend(["--keep-alive", "--quiet", "posix"].map(String::from));
    if with_sidecar {
        argv.extend(["--sidecar".into(), path("sidecar")]);
    }
    argv.push(path("buckets"));
    let env = [
        ("ROOT_ACCESS_KEY_ID", ACCESS_KEY),
        ("ROOT_SECRET_ACCESS_KEY", SECRET_KEY),
    ];
    let env: BTreeMap<String, String> = env
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    CommandLine {
        argv,
        env,
        log: part.dir.join("versitygw.log"),
    }
}

fn lacks_attributes(part: &Part) -> bool {
    part.members
        .iter()
        .any(|member| process::tail(&member.command.log, 50).contains("xattr"))
}

fn wait_until_it_answers(part: &Part, port: u16) -> Result<()> {
    let deadline = Instant::now() + START;
    // An unsigned request is refused, which is an answer.
    while http::get(&format!("http://127.0.0.1:{port}")).is_err() {
        part.check_running()?;
        if Instant::now() >= deadline {
            bail!("the S3 server did not answer within {START:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn endpoint(part: &Part) -> String {
    part.members
        .first()
        .map(|member| format!("http://127.0.0.1:{}", member.port))
        .unwrap_or_default()
}

fn lines(part: &Part) -> Vec<String> {
    vec![
        format!("endpoint={}", endpoint(part)),
        format!("access_key={ACCESS_KEY}"),
        format!("secret_key={SECRET_KEY}"),
        format!("region={REGION}"),
    ]
}
