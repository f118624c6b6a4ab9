//! The program as a process: arguments, errors, signals, exit status.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

#[path = "../../proxy/tests/support/certs.rs"]
mod certs;

const MINIMAL: &str = "bootstrap.servers=127.0.0.1:1\nlisteners=http://127.0.0.1:0\n\
    sluiceway.admin.listeners=http://127.0.0.1:0\nsluiceway.kafka.timeout.ms=200\n\
    key.converter=org.apache.kafka.connect.storage.StringConverter\n\
    value.converter=org.apache.kafka.connect.storage.StringConverter\n";

fn program(args: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluiceway-sink"));
    command
        .args(args)
        .env_remove("RUST_LOG")
        .env("SLUICEWAY_LOG_FORMAT", "text")
        .stderr(Stdio::piped());
    command
}

fn run(args: &[&Path]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = program(args).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// A running worker; killed when dropped.
struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    fn wait_for(&mut self, text: &str) -> String {
        let mut seen = String::new();
        while self.log.read_line(&mut seen).unwrap() > 0 {
            let last = seen.lines().last().unwrap();
            if last.contains(text) {
                return last.to_owned();
            }
        }
        panic!("the program ended without \"{text}\":\n{seen}");
    }

    /// `host:port` of its listener, once it has started.
    fn address(&mut self) -> String {
        let line = self.wait_for("worker started");
        let address = line.split_once("listeners=[").unwrap().1;
        address.split_once(']').unwrap().0.to_owned()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn without_a_worker_file_it_says_so() {
    let (code, says) = run(&[Path::new("/nowhere/worker.properties")]);
    assert_eq!(code, Some(1));
    assert!(says.contains("/nowhere/worker.properties"), "{says}");
    let (code, says) = run(&[]);
    assert_eq!(code, Some(2));
    assert!(says.contains("Usage"), "{says}");
}

#[test]
fn every_error_of_the_worker_file_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("worker.properties");
    std::fs::write(
        &path,
        "key.converter=K\nlisteners=nonsense\noffset.flush.interval.ms=soon\n",
    )
    .unwrap();
    let (code, says) = run(&[&path]);
    assert_eq!(code, Some(1));
    for part in [
        "value.converter",
        "nonsense",
        "Invalid value soon for configuration offset.flush.interval.ms",
    ] {
        assert!(says.contains(part), "{part} in {says}");
    }
}

#[test]
fn signals_end_it_in_order_with_java_s_status() {
    let dir = tempfile::tempdir().unwrap();
    let worker = dir.path().join("worker.properties");
    std::fs::write(&worker, MINIMAL).unwrap();
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let mut running = Running::start(program(&[&worker]));
        running.wait_for("worker started");
        running.signal(signal);
        running.wait_for("worker stopped");
        assert_eq!(running.child.wait().unwrap().code(), Some(code), "{signal}");
    }
}

#[test]
fn the_environment_overrides_the_file_and_bad_connector_files_are_logged() {
    let dir = tempfile::tempdir().unwrap();
    let (worker, connector) = (
        dir.path().join("worker.properties"),
        dir.path().join("c.properties"),
    );
    std::fs::write(&worker, format!("{MINIMAL}ofset.flush.interval.ms=1\n")).unwrap();
    std::fs::write(&connector, "name=c\nflush.size=1\n").unwrap();
    let mut command = program(&[&worker, &connector]);
    command.env("CONNECT_REST_ADVERTISED_HOST_NAME", "from-the-environment");
    let mut running = Running::start(command);
    assert!(
        running
            .wait_for("ofset.flush.interval.ms")
            .contains("offset.flush.interval.ms")
    );
    assert!(
        running
            .wait_for("worker started")
            .contains("from-the-environment")
    );
    assert!(
        running
            .wait_for("c.properties")
            .contains("contains no connector type")
    );
    running.signal("-TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(143));
}

const CONNECTOR: &str = "connector.class=io.confluent.connect.s3.S3SinkConnector\ntopics=t\nflush.size=1\n\
    s3.bucket.name=nobodys\ns3.region=us-east-1\nformat.class=JsonFormat\nstorage.class=S3Storage\n";

/// Writes down a connector. A stopped one needs neither Kafka nor S3.
fn declare(folder: &Path, name: &str, config: &str) {
    let config: serde_json::Map<_, _> = config
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    let file = serde_json::json!({"name": name, "config": config, "initial_state": "STOPPED"});
    std::fs::write(folder.join(format!("{name}.json")), file.to_string()).unwrap();
}

/// Applies the folder: exit status, and all that it says.
fn apply(options: &[&str], declared: &Path, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = program(&[]);
    let command = command.arg("apply").args(options).arg(declared);
    let command = command.envs(environment.iter().copied());
    let Output {
        status,
        stdout,
        stderr,
    } = command.stdout(Stdio::piped()).output().unwrap();
    let says = [stdout, stderr].concat();
    (status.code(), String::from_utf8(says).unwrap())
}

#[test]
fn apply_speaks_https_to_whom_it_trusts_and_logs_in() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let authority = certs::Issued::authority("the authority");
    let key = authority.issue("sink").pem(dir.path(), "sink.pem");
    authority.trusted(dir.path(), "trusted.pem");
    certs::Issued::authority("another").trusted(dir.path(), "others.pem");
    std::fs::write(file("users"), "operator: planted-password\n").unwrap();
    let settings = format!(
        "{}listeners.https.ssl.keystore.type=PEM\nlisteners.https.ssl.keystore.location={}\n\
         rest.extension.classes=org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension\n\
         sluiceway.rest.authentication.password.file={}\n",
        MINIMAL.replace("\nlisteners=http:", "\nlisteners=https:"),
        key.display(),
        file("users"),
    );
    let worker = dir.path().join("worker.properties");
    std::fs::write(&worker, settings).unwrap();
    let declared = dir.path().join("declared");
    std::fs::create_dir(&declared).unwrap();
    declare(&declared, "first", CONNECTOR);
    let mut running = Running::start(program(&[&worker]));
    let connect = format!("https://{}", running.address());
    let trusting = |trusted: &str, password: &str, seconds: &str| {
        let trusted = file(trusted);
        let environment = [
            ("SLUICEWAY_CONNECT_CA_FILE", &*trusted),
            ("SLUICEWAY_CONNECT_USER", "operator"),
            ("SLUICEWAY_CONNECT_PASSWORD", password),
        ];
        let timeout = format!("--timeout={seconds}");
        apply(&[&timeout, "--connect", &connect], &declared, &environment)
    };
    // At once: the same request would fail again.
    let (code, says) = trusting("others.pem", "planted-password", "300");
    let at_once = !says.contains("GET ");
    assert!(
        code == Some(1) && says.contains("certificate") && at_once,
        "{says}"
    );
    let (code, says) = trusting("nowhere.pem", "planted-password", "2");
    assert!(code == Some(1) && says.contains("nowhere.pem"), "{says}");
    let (code, says) = trusting("trusted.pem", "planted-and-wrong", "30");
    assert!(
        code == Some(1) && says.contains("401") && !says.contains("planted"),
        "{says}"
    );
    let (code, says) = trusting("trusted.pem", "planted-password", "30");
    assert_eq!(
        (code, &*says),
        (Some(0), "first: created\nfirst: STOPPED, 0 tasks\n")
    );
    running.signal("-TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(143));
}

#[test]
fn apply_shows_its_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let authority = certs::Issued::authority("the authority");
    authority.issue("sink").pem(dir.path(), "sink.pem");
    authority.trusted(dir.path(), "trusted.pem");
    let shown = authority.issue("operator");
    shown.pem(dir.path(), "both.pem");
    shown.trusted(dir.path(), "tls.crt");
    let key = shown.key.private_key_to_pem_pkcs8().unwrap();
    std::fs::write(file("tls.key"), key).unwrap();
    let settings = format!(
        "{}ssl.keystore.type=PEM\nssl.keystore.location={}\nssl.truststore.type=PEM\nssl.truststore.location={}\n\
         ssl.client.authentication=REQUESTED\nauthentication.method=MTLS\n",
        MINIMAL.replace("\nlisteners=http:", "\nlisteners=https:"),
        file("sink.pem"),
        file("trusted.pem"),
    );
    let worker = dir.path().join("worker.properties");
    std::fs::write(&worker, settings).unwrap();
    let declared = dir.path().join("declared");
    std::fs::create_dir(&declared).unwrap();
    declare(&declared, "first", CONNECTOR);
    let mut running = Running::start(program(&[&worker]));
    let connect = format!("https://{}", running.address());
    let showing = |files: &[(&str, &str)]| {
        let trusted = file("trusted.pem");
        let files: Vec<_> = files
            .iter()
            .map(|(name, shown)| (*name, file(shown)))
            .collect();
        let mut environment = vec![("SLUICEWAY_CONNECT_CA_FILE", &*trusted)];
        environment.extend(files.iter().map(|(name, shown)| (*name, &**shown)));
        apply(
            &["--timeout=30", "--connect", &connect],
            &declared,
            &environment,
        )
    };
    let (certificate, key) = ("SLUICEWAY_CONNECT_CERT_FILE", "SLUICEWAY_CONNECT_KEY_FILE");
    let (code, says) = showing(&[]);
    assert!(code == Some(1) && says.contains("401"), "{says}");
    let (code, says) = showing(&[(certificate, "tls.crt")]);
    assert!(
        code == Some(1) && says.contains("holds no private key"),
        "{says}"
    );
    for files in [
        &[(certificate, "tls.crt"), (key, "tls.key")][..],
        &[(certificate, "both.pem")],
    ] {
        let (code, says) = showing(files);
        assert!(
            code == Some(0) && says.contains("first: STOPPED, 0 tasks"),
            "{says}"
        );
    }
    running.signal("-TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(143));
}

#[test]
fn apply_makes_connectors_what_files_declare() {
    let dir = tempfile::tempdir().unwrap();
    let (worker, declared) = (
        dir.path().join("worker.properties"),
        dir.path().join("declared"),
    );
    std::fs::create_dir(&declared).unwrap();
    std::fs::write(&worker, MINIMAL).unwrap();
    let mut running = Running::start(program(&[&worker]));
    let connect = format!("http://{}", running.address());
    let apply = |options: &[&str]| {
        let options = [&["--timeout=30", "--connect", &connect], options].concat();
        apply(&options, &declared, &[])
    };
    let json = |name: &str, config: &str| declare(&declared, name, config);
    json("first", CONNECTOR);
    let (code, says) = apply(&[]);
    assert_eq!(
        (code, &*says),
        (Some(0), "first: created\nfirst: STOPPED, 0 tasks\n")
    );
    // A refused one keeps no other from being applied.
    json("bad", &format!("{CONNECTOR}tasks.max=none\n"));
    let (code, says) = apply(&[]);
    assert_eq!(code, Some(1), "{says}");
    assert!(
        says.contains("first: configured\n") && says.contains("configuration tasks.max"),
        "{says}"
    );
    // What nobody declares goes only when asked.
    std::fs::remove_file(declared.join("bad.json")).unwrap();
    std::fs::rename(declared.join("first.json"), dir.path().join("first.json")).unwrap();
    json("second", CONNECTOR);
    let (code, says) = apply(&[]);
    assert!(
        code == Some(0) && says.contains("first: not declared, left alone\n"),
        "{says}"
    );
    let (code, says) = apply(&["--prune"]);
    assert!(
        code == Some(0) && says.contains("first: deleted\n"),
        "{says}"
    );
    running.signal("-TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(143));
}
