//! `cargo xtask mysql …`: a real database for the posting emulator (Debian's MariaDB over a temporary folder) on loopback.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::part::Part;
use crate::process::CommandLine;
use crate::single::{self, Kind, Single};
use crate::{cache, ports};

/// The server without the service that Debian would start for it.
const PACKAGE: &str = "mariadb-server-core";
/// The only account; it exists on loopback, as long as the server runs.
const USER: &str = "emulator";
const PASSWORD: &str = "emulator-of-no-consequence";
/// The course's name for it.
const DATABASE: &str = "pinterest_data";
/// The larger one of Debian's own settings would be made anew for each test.
const LOG_SIZE: &str = "--innodb-log-file-size=32M";
const SHARE: &str = "/usr/share/mysql";
const SYSTEM_TABLES: [&str; 3] = [
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
];
const START: Duration = Duration::from_secs(60);

/// The kind of part; Debian's package is installed by apt if need be.
pub(crate) const KIND: Kind = Kind {
    name: "mysql",
    install: || installed().map(drop),
    bring_up,
};

/// A server for one run: ends when dropped, and with this process in any case.
pub(crate) struct Server(Single);

impl Server {
    /// Starts a server that this process owns.
    pub(crate) fn start(name: &str) -> Result<Self> {
        KIND.start(name).map(Self)
    }

    /// `mysql://user:password@127.0.0.1:port/pinterest_data`
    pub(crate) fn url(&self) -> String {
        url(&self.0.part)
    }

    /// Ends the process at once; its port and data are kept.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.0.part.stop(1, crate::process::Signal::Kill)
    }

    /// Starts it again, and waits until it answers.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        self.0.part.start(1)?;
        wait_until_it_answers(&self.0.part)
    }
}

/// Where Debian puts it, which is not on everybody's PATH.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The server's program.
fn installed() -> Result<PathBuf> {
    if let Some(server) = find("mariadbd") {
        return Ok(server);
    }
    // One at a time: apt has one lock, too, but does not wait for it.
    let root = cache::root()?;
    fs::create_dir_all(&root)?;
    let lock = File::create(root.join("mariadb.lock"))?;
    lock.lock()?;
    if let Some(server) = find("mariadbd") {
        return Ok(server);
    }
    eprintln!("installing {PACKAGE} by apt-get (once)");
    for arguments in [
        &["update", "-qq"][..],
        &["install", "-qq", "-y", "--no-install-recommends", PACKAGE],
    ] {
        let status = Process::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null())
            .status()
            .context("cannot run apt-get")?;
        ensure!(
            status.success(),
            "apt-get {} ended with {status}; it needs root: install {PACKAGE} yourself",
            arguments.join(" ")
        );
    }
    find("mariadbd").with_context(|| format!("{PACKAGE} is installed, and mariadbd is not there"))
}

fn bring_up(part: &mut Part) -> Result<()> {
    let server = installed()?;
    let data = part.dir.join("data");
    fs::create_dir(&data)?;
    make_system_tables(part, &server, &data)?;
    let init = part.dir.join("init.sql");
    fs::write(
        &init,
        format!(
            "CREATE DATABASE IF NOT EXISTS `{DATABASE}` CHARACTER SET utf8mb4;\n\
             CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON *.* TO '{USER}'@'127.0.0.1';\n"
        ),
    )?;
    let port = ports::free(1)?[0];
    let command = command_line(part, &server, &data, &init, port);
    single::start_process(part, port, command)?;
    let outcome = wait_until_it_answers(part);
    part.lines = vec![format!("database_url={}", url(part))];
    outcome.and_then(|()| part.save())
}

/// As root the server wants to be told that it may.
fn user_argument() -> Option<String> {
    let root = Process::new("id").arg("-u").output();
    let root = root.is_ok_and(|output| output.stdout.starts_with(b"0"));
    root.then(|| "--user=root".to_owned())
}

/// What `mariadb-install-db` does, which wants programs that the server's package does not bring: the server reads the
/// definitions of its own tables.
fn make_system_tables(part: &Part, server: &Path, data: &Path) -> Result<()> {
    let mut sql = "create database mysql;\nuse mysql;\nSET @auth_root_socket=NULL;\n".to_owned();
    for file in SYSTEM_TABLES {
        let path = Path::new(SHARE).join(file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // Root by the name of this host: there is one by 127.0.0.1 already.
        let lines = text
            .lines()
            .filter(|line| !line.contains("@current_hostname"));
        lines.for_each(|line| {
            sql.push_str(line);
            sql.push('\n');
        });
    }
    let log_path = part.dir.join("install.log");
    let log = File::create(&log_path)?;
    let mut installer = Process::new(server)
        .args([
            "--no-defaults",
            "--bootstrap",
            "--skip-networking",
            LOG_SIZE,
        ])
        .arg(format!("--datadir={}", data.display()))
        .args(user_argument())
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot run {}", server.display()))?;
    let written = installer
        .stdin
        .take()
        .context("no pipe")?
        .write_all(sql.as_bytes());
    let status = installer.wait()?;
    if !status.success() {
        let tail = crate::process::tail(&log_path, 20);
        bail!("mariadbd --bootstrap ended with {status}:\n{tail}");
    }
    Ok(written?)
}

fn command_line(part: &Part, server: &Path, data: &Path, init: &Path, port: u16) -> CommandLine {
    let path = |name: &str| part.dir.join(name).display().to_string();
    let mut argv = vec![
        server.display().to_string(),
        // Nothing of a database that this machine may have besides.
        "--no-defaults".into(),
        format!("--datadir={}", data.display()),
        "--bind-address=127.0.0.1".into(),
        format!("--port={port}"),
        format!("--socket={}", path("socket")),
        format!("--pid-file={}", path("pid")),
        format!("--init-file={}", init.display()),
        "--skip-name-resolve".into(),
        "--innodb-buffer-pool-size=64M".into(),
        LOG_SIZE.into(),
        "--innodb-flush-log-at-trx-commit=2".into(),
        "--character-set-server=utf8mb4".into(),
    ];
    argv.extend(user_argument());
    CommandLine {
        argv,
        env: BTreeMap::new(),
        log: part.dir.join("mariadbd.log"),
    }
}

/// Waits for the server's greeting.
fn wait_until_it_answers(part: &Part) -> Result<()> {
    use std::io::Read as _;
    let port = part.member(1)?.port;
    let deadline = Instant::now() + START;
    let greeting = || -> std::io::Result<()> {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.read_exact(&mut [0; 5])
    };
    while greeting().is_err() {
        part.check_running()?;
        if Instant::now() >= deadline {
            bail!("the database did not answer within {START:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn url(part: &Part) -> String {
    part.members
        .first()
        .map(|member| {
            format!(
                "mysql://{USER}:{PASSWORD}@127.0.0.1:{}/{DATABASE}",
                member.port
            )
        })
        .unwrap_or_default()
}
