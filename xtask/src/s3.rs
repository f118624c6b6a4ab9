//! `cargo xtask s3 …`: a real S3 server (Versity's gateway over a temporary folder) on loopback.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command as Process;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::part::Part;
use crate::process::{self, CommandLine};
use crate::single::{self, Kind, Single};
use crate::{http, ports};

const MODULE: &str = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
/// The only account; it exists on loopback, as long as the server runs.
pub(crate) const ACCESS_KEY: &str = "dev";
/// Its secret.
pub(crate) const SECRET_KEY: &str = "devsecret";
/// Where the AWS SDKs look for both.
pub(crate) const CREDENTIALS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
    ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
];
const REGION: &str = "us-east-1";
const START: Duration = Duration::from_secs(30);

/// The kind of part.
pub(crate) const KIND: Kind = Kind {
    name: "s3",
    install: || installed().map(drop),
    bring_up,
};

/// A server for one run of checks: ends when dropped, and with this process in any case.
pub(crate) struct Server(Single);

impl Server {
    /// Starts a server that this process owns.
    pub(crate) fn start(name: &str) -> Result<Self> {
        KIND.start(name).map(Self)
    }

    /// Makes a bucket (a folder of the server's store); its name.
    pub(crate) fn create_bucket(&self, name: &str) -> Result<String> {
        let bucket = format!("{name}-bucket");
        fs::create_dir(self.0.part.dir.join("buckets").join(&bucket))?;
        Ok(bucket)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Result<u32> {
        let process = self
            .0
            .part
            .members
            .first()
            .and_then(|member| member.process);
        Ok(process.context("the S3 server does not run")?.pid)
    }

    /// `http://127.0.0.1:port`
    pub(crate) fn endpoint(&self) -> String {
        single::base_url(&self.0.part)
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
        single::start_process(part, port, command)?;
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

fn lines(part: &Part) -> Vec<String> {
    vec![
        format!("endpoint={}", single::base_url(part)),
        format!("access_key={ACCESS_KEY}"),
        format!("secret_key={SECRET_KEY}"),
        format!("region={REGION}"),
    ]
}
