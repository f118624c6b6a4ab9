//! A genuine Kafka broker with everything switched on that keeps strangers out: SSL with and without certificates of clients, PLAIN,
//! SCRAM-SHA-256 and -512, OAUTHBEARER with unsecured tokens and with signed ones as Amazon MSK checks them
//! (`java/SignedTokenValidator.java`), sessions that end, and access rules.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::certificates::Certificates;
use crate::java::Java;
use crate::kafka::Kafka;
use crate::program::Program;
use crate::target::free_listener;
use crate::{Session, eventually};

/// What Java may take to start on a loaded machine.
const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// Users of SCRAM: mechanism, name; the password is `<name>-secret`. `admin` may do everything, the others what rules let them.
const USERS: [(&str, &str); 7] = [
    ("SCRAM-SHA-512", "admin"),
    ("SCRAM-SHA-512", "alice"),
    ("SCRAM-SHA-512", "carol"),
    ("SCRAM-SHA-512", "proxy"),
    ("SCRAM-SHA-512", "vera"),
    ("SCRAM-SHA-256", "bob"),
    ("SCRAM-SHA-256", "sink"),
];

/// Users of PLAIN; the password is `<name>-secret`, as for those of SCRAM.
const PLAIN_USERS: [&str; 3] = ["admin", "paula", "peter"];

/// How long a session by unsecured tokens, and by signed ones, lasts in milliseconds.
const SESSIONS: [&str; 2] = ["3000", "3000"];

const VALIDATOR: [(&str, &str); 1] = [(
    "SignedTokenValidator.java",
    include_str!("../java/SignedTokenValidator.java"),
)];

/// See the module.
pub struct SecuredBroker {
    /// `host:port` of the listener for whoever looks on: no TLS, no login, every right.
    pub open: String,
    /// SASL_SSL, SCRAM and PLAIN.
    pub scram: String,
    /// SASL_PLAINTEXT, OAUTHBEARER with unsecured tokens.
    pub unsecured: String,
    /// SASL_SSL, OAUTHBEARER with tokens of AWS IAM.
    pub iam: String,
    /// SASL_PLAINTEXT, PLAIN.
    pub plain: String,
    /// SSL without SASL. Who shows no certificate is anonymous, and may do everything.
    pub ssl: String,
    /// Certificates.
    pub certificates: Certificates,
    java: Java,
    program: Program,
}

impl SecuredBroker {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// No Java, no jars, or it does not come up.
    pub async fn start(session: &Session) -> Result<Self> {
        let java = Java::with(session, &VALIDATOR)?;
        let ports = (0..7).map(|_| port()).collect::<Result<Vec<_>>>()?;
        let certificates = Certificates::make(&session.file("certificates"))?;
        let file = session.file("server.properties");
        let data = session.file("broker-data");
        std::fs::write(&file, properties(&ports, &certificates, &data))?;
        format_storage(&java, &file)?;
        let log = session.log("secured-broker");
        let mut program = java.start("kafka.Kafka", &file, &log)?;
        let open = format!("127.0.0.1:{}", ports[0]);
        let kafka = Kafka::new(&open)?;
        eventually("waiting for the broker", START_LIMIT, async || {
            program.ensure_runs()?;
            Ok(kafka.broker_ids().ok().filter(|ids| !ids.is_empty()))
        })
        .await?;
        let at = |number: usize| format!("localhost:{}", ports[number]);
        Ok(Self {
            open,
            scram: at(1),
            unsecured: at(2),
            iam: at(3),
            plain: at(4),
            ssl: at(5),
            certificates,
            java,
            program,
        })
    }

    /// What it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.program.log()
    }

    /// Makes a user of SCRAM-SHA-512, with Kafka's own tool. Blocks its thread.
    ///
    /// # Errors
    /// The tool fails.
    pub fn add_user(&self, name: &str, password: &str) -> Result<()> {
        let password = format!("SCRAM-SHA-512=[password={password}]");
        let arguments = [
            "--bootstrap-server",
            &self.open,
            "--alter",
            "--entity-type",
            "users",
            "--entity-name",
            name,
            "--add-config",
            &password,
        ];
        tokio::task::block_in_place(|| self.java.tool("kafka.admin.ConfigCommand", arguments))
    }

    /// Ends it with SIGTERM.
    ///
    /// # Errors
    /// It does not end in time.
    pub async fn stop(&mut self) -> Result<()> {
        self.program.terminate(STOP_LIMIT).await.map(drop)
    }
}

fn port() -> Result<String> {
    let listener = free_listener()?;
    let port = listener.rsplit(':').next();
    Ok(port.context("no port")?.to_owned())
}

fn format_storage(java: &Java, file: &Path) -> Result<()> {
    let mut arguments = ["format", "-t", "c2x1aWNld2F5LXNlY3VyZQ", "-c"]
        .map(OsString::from)
        .to_vec();
    arguments.push(file.into());
    for (mechanism, name) in USERS {
        let user = format!("{mechanism}=[name={name},password={name}-secret]");
        arguments.extend(["--add-scram".into(), user.into()]);
    }
    java.tool("kafka.tools.StorageTool", arguments)
}

fn properties(ports: &[String], certificates: &Certificates, data: &Path) -> String {
    let [open, scram, unsecured, iam, plain, ssl, controller] = ports else {
        return String::new();
    };
    let clients = format!(
        "PLAINTEXT://127.0.0.1:{open},SCRAM://localhost:{scram},UNSECURED://localhost:{unsecured},IAM://localhost:{iam},\
         PLAIN://localhost:{plain},SSL://localhost:{ssl}"
    );
    let bearer = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";";
    let password = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    let plain_users = plain_users();
    let lines = [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", "1".to_owned()),
        (
            "controller.quorum.voters",
            format!("1@127.0.0.1:{controller}"),
        ),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        (
            "listeners",
            format!("{clients},CONTROLLER://127.0.0.1:{controller}"),
        ),
        ("advertised.listeners", clients),
        ("inter.broker.listener.name", "PLAINTEXT".to_owned()),
        (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SCRAM:SASL_SSL,UNSECURED:SASL_PLAINTEXT,IAM:SASL_SSL,PLAIN:SASL_PLAINTEXT,SSL:SSL".to_owned(),
        ),
        ("ssl.keystore.type", "PEM".to_owned()),
        (
            "ssl.keystore.location",
            certificates.server.display().to_string(),
        ),
        (
            "listener.name.scram.sasl.enabled.mechanisms",
            "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN".to_owned(),
        ),
        (
            "listener.name.scram.plain.sasl.jaas.config",
            plain_users.clone(),
        ),
        (
            "listener.name.scram.scram-sha-256.sasl.jaas.config",
            password.to_owned(),
        ),
        (
            "listener.name.scram.scram-sha-512.sasl.jaas.config",
            password.to_owned(),
        ),
        (
            "listener.name.unsecured.sasl.enabled.mechanisms",
            "OAUTHBEARER".to_owned(),
        ),
        (
            "listener.name.unsecured.oauthbearer.sasl.jaas.config",
            bearer.to_owned(),
        ),
        (
            "listener.name.unsecured.oauthbearer.connections.max.reauth.ms",
            SESSIONS[0].to_owned(),
        ),
        (
            "listener.name.iam.sasl.enabled.mechanisms",
            "OAUTHBEARER".to_owned(),
        ),
        (
            "listener.name.iam.oauthbearer.sasl.jaas.config",
            bearer.to_owned(),
        ),
        (
            "listener.name.iam.oauthbearer.sasl.server.callback.handler.class",
            "sluiceway.tests.SignedTokenValidator".to_owned(),
        ),
        (
            "listener.name.iam.oauthbearer.connections.max.reauth.ms",
            SESSIONS[1].to_owned(),
        ),
        (
            "listener.name.plain.sasl.enabled.mechanisms",
            "PLAIN".to_owned(),
        ),
        (
            "listener.name.plain.plain.sasl.jaas.config",
            plain_users,
        ),
        (
            "listener.name.ssl.ssl.client.auth",
            "requested".to_owned(),
        ),
        (
            "listener.name.ssl.ssl.truststore.type",
            "PEM".to_owned(),
        ),
        (
            "listener.name.ssl.ssl.truststore.location",
            certificates.authority.display().to_string(),
        ),
        (
            "authorizer.class.name",
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned(),
        ),
        (
            "super.users",
            "User:ANONYMOUS;User:admin;User:machine;User:msk-iam".to_owned(),
        ),
        ("auto.create.topics.enable", "false".to_owned()),
        ("log.dirs", data.display().to_string()),
        ("offsets.topic.num.partitions", "2".to_owned()),
        ("offsets.topic.replication.factor", "1".to_owned()),
        ("transaction.state.log.num.partitions", "1".to_owned()),
        ("transaction.state.log.replication.factor", "1".to_owned()),
        ("transaction.state.log.min.isr", "1".to_owned()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        ("log.cleaner.dedupe.buffer.size", "4194304".to_owned()),
        ("num.network.threads", "2".to_owned()),
        ("num.io.threads", "4".to_owned()),
    ];
    let lines = lines.iter().map(|(key, value)| format!("{key}={value}\n"));
    lines.collect()
}

fn plain_users() -> String {
    let users = PLAIN_USERS.map(|name| format!(" user_{name}=\"{name}-secret\""));
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    format!("{module}{};", users.concat())
}
