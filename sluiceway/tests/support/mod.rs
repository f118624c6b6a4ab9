//! Starts the built program, talks to it, and reads what lies on disk afterwards.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// No step of a run takes longer than this on a slow machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running quick start. Killed when dropped.
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it has printed so far.
    pub text: String,
}

/// A run that ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Starts the program with free ports and this data folder.
pub fn start(data: &Path, args: &[&str]) -> Running {
    let ports = [
        "--proxy-port=0",
        "--connect-port=0",
        "--registry-port=0",
        "--admin-port=0",
    ];
    let mut child = Command::new(env!("CARGO_BIN_EXE_sluiceway"))
        .args(ports)
        .arg("--data-dir")
        .arg(data)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    Running {
        child,
        stdout,
        text: String::new(),
    }
}

/// Runs to the end.
pub fn run(data: &Path, args: &[&str]) -> Ended {
    start(data, args).end()
}

impl Running {
    /// Reads lines until one contains `wanted`; that line.
    pub fn line_with(&mut self, wanted: &str) -> String {
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line).unwrap() == 0 {
                let mut stderr = String::new();
                let pipe = self.child.stderr.as_mut().unwrap();
                pipe.read_to_string(&mut stderr).unwrap();
                panic!(
                    "ended before {wanted:?} was printed:\n{}\n{stderr}",
                    self.text
                );
            }
            self.text.push_str(&line);
            if line.contains(wanted) {
                return line;
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &command]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end.
    pub fn end(mut self) -> Ended {
        let mut stdout = std::mem::take(&mut self.text);
        // The program prints little to standard error, so reading one after the other is safe.
        self.stdout.read_to_string(&mut stdout).unwrap();
        let mut stderr = String::new();
        let pipe = self.child.stderr.as_mut().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        let code = self.child.wait().unwrap().code();
        Ended {
            code,
            stdout,
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The number that the summary gives for `name`.
    pub fn figure(&self, name: &str) -> u64 {
        let line = self.stdout.lines().find(|line| line.starts_with(name));
        let line =
            line.unwrap_or_else(|| panic!("no {name:?} in:\n{}\n{}", self.stdout, self.stderr));
        let number = line[name.len()..].trim().replace(',', "");
        number.parse().unwrap()
    }
}

/// Waits until `done` says so.
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub const USER: &str = "0a1b2c3d4e5f";

fn folder(data: &Path, topic: &str) -> PathBuf {
    let bucket = data.join("s3").join(format!("user-{USER}-bucket"));
    bucket.join("topics").join(topic).join("partition=0")
}

/// The object of a topic that begins with this offset.
pub fn object_path(data: &Path, topic: &str, start: i64) -> PathBuf {
    folder(data, topic).join(format!("{topic}+0+{start:010}.json"))
}

/// The objects of a topic's partition 0: first offset and lines, in order.
pub fn objects(data: &Path, topic: &str) -> BTreeMap<i64, Vec<serde_json::Value>> {
    let Ok(entries) = std::fs::read_dir(folder(data, topic)) else {
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let start = name.strip_prefix(&format!("{topic}+0+"));
        let start = start.and_then(|rest| rest.strip_suffix(".json"));
        let start = start.unwrap_or_else(|| panic!("an object named {name}"));
        assert_eq!(start.len(), 10, "{name}");
        let content = std::fs::read_to_string(entry.path()).unwrap();
        assert!(content.ends_with('\n'), "{name}");
        let lines = content
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let before = found.insert(start.parse().unwrap(), lines.collect());
        assert!(before.is_none());
    }
    found
}

/// How many records the objects of a topic hold; each offset from 0 on lies in exactly one.
pub fn tiled(data: &Path, topic: &str) -> u64 {
    let mut next = 0;
    for (start, lines) in objects(data, topic) {
        assert_eq!(start, next, "{topic}: a gap or an overlap");
        next += lines.len() as i64;
    }
    next as u64
}

/// The user's three topics.
pub fn topics() -> [String; 3] {
    ["pin", "geo", "user"].map(|table| format!("{USER}.{table}"))
}

/// Settings by which curl prints the status in a last line. In a file, because a printed line is run as it stands.
const CURL_SETTINGS: &str =
    "silent\nshow-error\nmax-time = 90\nnoproxy = \"*\"\nwrite-out = \"\\n%{http_code}\"\n";

/// Runs a printed curl line as it stands, in a shell; status and body. Where there is no curl, its words are followed
/// by hand.
pub fn curl(line: &str) -> (u16, String) {
    let installed = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if installed.is_err() {
        return by_hand(line);
    }
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(".curlrc"), CURL_SETTINGS).unwrap();
    let output = Command::new("sh")
        .args(["-c", line])
        .env("CURL_HOME", home.path())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {printed}{said}");
    let (body, status) = printed.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// Does what a printed curl line does; status and body.
fn by_hand(line: &str) -> (u16, String) {
    let (mut method, mut headers, mut body, mut url) =
        ("GET".to_owned(), String::new(), None, None);
    let mut words = words(line).into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"));
    while let Some(word) = words.next() {
        match word.as_str() {
            "-X" => method = words.next().unwrap(),
            "-H" => headers += &format!("{}\r\n", words.next().unwrap()),
            "-d" => body = words.next(),
            _ => url = Some(word),
        }
    }
    let url = url.unwrap();
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let body = body.unwrap_or_default();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// Splits a line as a shell does, as far as single quotes go.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.trim().chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words
}
