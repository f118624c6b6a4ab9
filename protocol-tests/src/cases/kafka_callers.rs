//! Callers whom Kafka knows (`authentication.method=KAFKA`): their passwords and tokens are Kafka's, and Kafka's access rules decide.
//! Part of `kafka_security`, whose broker it shares.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::kafka_security::{LIMIT, borrowed, user};
use super::{V2, V2_JSON, expect_status, produce};
use crate::exposition::Scrape;
use crate::http::{Client, Connection, Request, Response};
use crate::program::Program;
use crate::secured_broker::SecuredBroker;
use crate::target::Proxy;
use crate::token_endpoint::unsecured_token;
use crate::{Session, eventually};

/// Life of a token that is replaced by another while an instance is in use: some sessions of the broker's.
const SHORT: Duration = Duration::from_secs(8);
const DENIED: &str = "Not authorized to access topics: [callers]";

/// A caller of a proxy.
pub(super) struct Caller<'a> {
    http: &'a Client,
    /// The consumer group of its instances: those of passwords and of tokens are tried side by side.
    group: &'static str,
    authorization: String,
}

impl<'a> Caller<'a> {
    pub(super) fn user(http: &'a Client, name: &str, password: &str) -> Self {
        let pair = STANDARD.encode(format!("{name}:{password}"));
        Self {
            http,
            group: "callers",
            authorization: format!("Basic {pair}"),
        }
    }

    /// With instances of another group.
    pub(super) fn in_group(self, group: &'static str) -> Self {
        Self { group, ..self }
    }

    fn token(http: &'a Client, name: &str, life: Duration) -> Self {
        let token = unsecured_token(name, life);
        Self {
            http,
            group: "bearers",
            authorization: format!("Bearer {token}"),
        }
    }

    async fn call(&self, request: Request) -> Result<Response> {
        let request = request.header("Authorization", &self.authorization);
        self.http.call(&request).await
    }

    pub(super) async fn write(&self, value: &str) -> Result<Response> {
        let records = json!({"records": [{"value": value}]});
        self.call(produce("/topics/callers", &records)).await
    }

    async fn v3(&self, method: &str, path: &str, body: &Value) -> Result<Response> {
        let request = Request::new(method, path).header("Content-Type", "application/json");
        self.call(request.body(body.to_string())).await
    }

    /// Makes an instance of its group, and subscribes it to the topic of that name.
    pub(super) async fn subscribe(&self) -> Result<()> {
        let v2 = |path: &str, body: Value| {
            let request = Request::new("POST", path).header("Content-Type", V2);
            request.body(body.to_string())
        };
        let options = json!({"name": "one", "format": "json", "auto.offset.reset": "earliest"});
        let path = format!("/consumers/{}", self.group);
        expect_status(&self.call(v2(&path, options)).await?, 200)?;
        let path = format!("{path}/instances/one/subscription");
        let subscribed = self.call(v2(&path, json!({"topics": ["callers"]}))).await?;
        expect_status(&subscribed, 204)
    }

    /// Reads with that instance until the answer is enough.
    pub(super) async fn read<T>(
        &self,
        enough: impl Fn(&Response) -> Result<Option<T>>,
    ) -> Result<T> {
        eventually("reading", LIMIT, async || {
            let path = format!(
                "/consumers/{}/instances/one/records?timeout=500",
                self.group
            );
            enough(
                &self
                    .call(Request::new("GET", &path).header("Accept", V2_JSON))
                    .await?,
            )
        })
        .await
    }

    /// Follows what its instance reads.
    async fn follow(&self) -> Result<Connection> {
        let mut connection = self.http.connect().await?;
        let request = format!(
            "GET /consumers/{}/instances/one/records HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\
             Authorization: {}\r\n\r\n",
            self.group, self.authorization
        );
        connection.send_raw(request.as_bytes()).await?;
        Ok(connection)
    }

    pub(super) async fn unsubscribe(&self) -> Result<()> {
        let request = Request::new(
            "DELETE",
            &format!("/consumers/{}/instances/one", self.group),
        );
        expect_status(&self.call(request.header("Accept", V2)).await?, 204)
    }
}

/// A record of this value was read.
pub(super) fn has(value: &str) -> impl Fn(&Response) -> Result<Option<()>> {
    move |answer| {
        expect_status(answer, 200)?;
        let found = answer.json()?;
        let mut found = found.as_array().into_iter().flatten();
        Ok(found.any(|record| record["value"] == value).then_some(()))
    }
}

pub(super) fn denied(answer: &Response) -> Result<()> {
    let body = answer.json()?;
    let entry = &body["offsets"][0];
    ensure!(
        answer.status == 403 && entry["error_code"] == 40301 && entry["error"] == DENIED,
        "{} {body}",
        answer.status
    );
    Ok(())
}

pub(super) fn unknown(answer: &Response) -> Result<()> {
    ensure!(
        answer.status == 401
            && answer.json()? == json!({"error_code": 401, "message": "Unauthorized"})
            && answer.header("WWW-Authenticate") == Some("Basic realm=\"\""),
        "{} {}",
        answer.status,
        answer.text()?
    );
    Ok(())
}

pub(super) async fn metric(proxy: &Proxy, name: &str) -> Result<f64> {
    let admin = proxy.admin.as_ref().context("no admin listener")?;
    let text = admin.get("/metrics", None).await?.text()?;
    let found = Scrape::parse(&text)?.sum(&format!("sluiceway_proxy_{name}"), &[]);
    Ok(found.unwrap_or_default())
}

/// Users of SCRAM. The proxy's own identity may do nothing: whatever works, works as the caller.
///
/// # Errors
/// The case fails.
pub(super) async fn users(session: &Session, broker: &SecuredBroker) -> Result<()> {
    let mut lines = user(broker, "client.", "proxy", "proxy-secret");
    for (key, value) in [
        ("authentication.method", "KAFKA"),
        ("sluiceway.authentication.kafka.principals.max", "2"),
        ("sluiceway.authentication.kafka.idle.ms", "2000"),
        ("sluiceway.authentication.kafka.recheck.ms", "1000"),
    ] {
        lines.push((key.to_owned(), value.to_owned()));
    }
    let logs = [("RUST_LOG", "trace")];
    let mut proxy = Proxy::start_in(session, &broker.scram, &borrowed(&lines), &logs).await?;
    let http = &proxy.http;
    let caller = |name: &str| Caller::user(http, name, &format!("{name}-secret"));
    let (admin, vera, carol) = (caller("admin"), caller("vera"), caller("carol"));

    unknown(
        &http
            .call(&produce("/topics/callers", &json!({"records": []})))
            .await?,
    )?;
    let wrong = Caller::user(http, "vera", "planted-and-wrong");
    eventually("waiting for Kafka's refusal", LIMIT, async || {
        let answer = wrong.write("no").await?;
        match answer.status {
            // It does not answer yet.
            503 => Ok(None),
            _ => unknown(&answer).map(Some),
        }
    })
    .await?;
    unknown(&caller("nobody").write("no").await?)?;
    expect_status(&http.get("/", None).await?, 401)?;
    let made = metric(&proxy, "callers_admitted_total").await?;
    ensure!(
        made == 0.0,
        "{made} principals have clients, and none was let in"
    );

    let rules = rules(&admin, "vera").await?;
    let rule = json!({
        "resource_type": "TOPIC", "resource_name": "callers", "operation": "WRITE", "permission": "ALLOW", "host": "*",
        "pattern_type": "LITERAL", "principal": "User:carol",
    });
    expect_status(&vera.v3("POST", &rules, &rule).await?, 403)?;
    eventually("waiting for vera's right", LIMIT, async || {
        Ok((vera.write("by vera").await?.status == 200).then_some(()))
    })
    .await?;
    denied(&carol.write("by carol").await?)?;
    // Three callers in two places: clients end and are made again, and nobody is taken for another.
    for n in 0..6 {
        let value = format!("turn {n}");
        let (hers, others) = tokio::try_join!(vera.write(&value), carol.write("by carol"))?;
        expect_status(&hers, 200)?;
        denied(&others)?;
        expect_status(
            &admin.call(Request::new("GET", "/topics/callers")).await?,
            200,
        )?;
        let callers = metric(&proxy, "callers").await?;
        ensure!((1.0..=2.0).contains(&callers), "clients of {callers}");
    }

    // Both have an instance of the same name, and neither sees the other's.
    vera.subscribe().await?;
    carol.subscribe().await?;
    vera.read(has("by vera")).await?;
    let refused = carol.read(|answer| match answer.status {
        200 => Ok(None),
        _ => Ok(Some((answer.status, answer.json()?))),
    });
    let (status, body) = refused.await?;
    ensure!(
        status == 403 && body["error_code"] == 40301,
        "{status} {body}"
    );
    let instances = metric(&proxy, "consumer_instances").await?;
    ensure!(instances == 2.0, "{instances} instances");
    let third = admin.call(Request::new("GET", "/topics")).await?;
    ensure!(
        third.status == 503 && third.text()?.contains("2 is the limit"),
        "{} {}",
        third.status,
        third.text()?
    );
    carol.unsubscribe().await?;
    expect_status(&admin.call(Request::new("GET", "/topics")).await?, 200)?;

    // A changed password. The stream of whoever has it ends with the clients.
    let mut stream = vera.follow().await?;
    expect_status(&vera.write("for the stream").await?, 200)?;
    let shown = |text: &str| text.contains("for the stream");
    stream.read_text(LIMIT, shown).await?;
    broker.add_user("vera", "changed")?;
    eventually(
        "waiting for the end of the old password",
        LIMIT,
        async || Ok((vera.write("still").await?.status == 401).then_some(())),
    )
    .await?;
    let ended = |text: &str| text.ends_with("0\r\n\r\n");
    stream.read_text(LIMIT, ended).await?;
    let vera = Caller::user(http, "vera", "changed");
    eventually("waiting for the new password", LIMIT, async || {
        Ok((vera.write("again").await?.status == 200).then_some(()))
    })
    .await?;
    eventually("waiting for idle clients to end", LIMIT, async || {
        Ok((metric(&proxy, "callers").await? == 0.0).then_some(()))
    })
    .await?;
    let log = proxy.program.as_ref().map(Program::log).unwrap_or_default();
    let everything = log.contains("DEBUG");
    ensure!(everything, "{} bytes of log: not everything", log.len());
    for (name, secret) in [
        ("vera", "vera-secret"),
        ("carol", "carol-secret"),
        ("proxy", "proxy-secret"),
        ("vera", "planted-and-wrong"),
        ("vera", "changed"),
    ] {
        let shown = STANDARD.encode(format!("{name}:{secret}"));
        let found = log.contains(secret) || log.contains(&shown);
        ensure!(!found, "{secret} is in the log");
    }
    proxy.stop().await
}

/// Lets a principal write and read the topic; returns the path of the rules.
pub(super) async fn rules(admin: &Caller<'_>, principal: &str) -> Result<String> {
    let answer = admin.call(Request::new("GET", "/v3/clusters")).await?;
    expect_status(&answer, 200)?;
    let body = answer.json()?;
    let id = body["data"][0]["cluster_id"]
        .as_str()
        .context("no cluster")?;
    let path = format!("/v3/clusters/{id}/acls");
    let (topic, group) = (("TOPIC", "callers"), ("GROUP", admin.group));
    for ((kind, name), operation) in [(topic, "WRITE"), (topic, "READ"), (group, "READ")] {
        let rule = json!({
            "resource_type": kind, "resource_name": name, "operation": operation, "permission": "ALLOW", "host": "*",
            "pattern_type": "LITERAL", "principal": format!("User:{principal}"),
        });
        expect_status(&admin.v3("POST", &path, &rule).await?, 201)?;
    }
    Ok(path)
}

/// Tokens, at a broker that takes unsecured ones. The proxy's own identity may do everything: what is refused is refused to the
/// caller.
///
/// # Errors
/// The case fails.
pub(super) async fn tokens(session: &Session, broker: &SecuredBroker) -> Result<()> {
    let lines = [
        ("client.security.protocol", "SASL_PLAINTEXT"),
        ("client.sasl.mechanism", "OAUTHBEARER"),
        ("client.enable.sasl.oauthbearer.unsecure.jwt", "true"),
        ("client.sasl.oauthbearer.config", "principal=machine"),
        ("authentication.method", "KAFKA"),
    ];
    let mut proxy = Proxy::start_on(session, &broker.unsecured, &lines).await?;
    let http = &proxy.http;
    let hour = Duration::from_secs(3600);
    let (machine, eve) = (
        Caller::token(http, "machine", hour),
        Caller::token(http, "eve", hour),
    );
    rules(&machine, "dora").await?;
    let dora = Caller::token(http, "dora", hour);
    eventually("waiting for dora's right", LIMIT, async || {
        Ok((dora.write("by dora").await?.status == 200).then_some(()))
    })
    .await?;
    denied(&eve.write("by eve").await?)?;
    unknown(
        &Caller::token(http, "dora", Duration::ZERO)
            .write("late")
            .await?,
    )?;
    let started = Instant::now();
    let dora = Caller::token(http, "dora", SHORT);
    dora.subscribe().await?;
    let renewed = Caller::token(http, "dora", hour);
    // The broker's sessions end several times, the first token once; the producer and the instance go on.
    let mut n = 0;
    while n == 0 || started.elapsed() < SHORT + Duration::from_secs(4) {
        let value = format!("by dora, {n}");
        expect_status(&renewed.write(&value).await?, 200)?;
        renewed.read(has(&value)).await?;
        n += 1;
    }
    unknown(&dora.write("late").await?)?;
    let made = metric(&proxy, "callers_admitted_total").await?;
    ensure!(made == 3.0, "{made} principals have clients");
    renewed.unsubscribe().await?;
    let log = proxy.program.as_ref().map(Program::log).unwrap_or_default();
    ensure!(!log.contains("eyJ"), "a token is in the log");
    proxy.stop().await
}
