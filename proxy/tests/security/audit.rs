//! The audit log of the program: who, what, and what became of it, at each of its levels.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::callers::{RULES, basic, users};
use crate::support::{eventually, kafka};

/// The program, with its log in a file; it ends with the test.
struct Program {
    child: Child,
    log: PathBuf,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Program {
    fn start(folder: &Path, name: &str, properties: &str) -> Self {
        let (file, log) = (folder.join(name), folder.join(format!("{name}.log")));
        std::fs::write(&file, properties).unwrap();
        let output = std::fs::File::create(&log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_sluiceway-proxy"))
            .arg(file)
            .env("SLUICEWAY_LOG_FORMAT", "json")
            .env_remove("RUST_LOG")
            .stdout(Stdio::null())
            .stderr(Stdio::from(output))
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// Whole lines of the log.
    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        let lines = text.lines().map(serde_json::from_str);
        lines.filter_map(Result::ok).collect()
    }

    /// Where it listens, once it does.
    fn address(&self) -> Option<String> {
        let lines = self.lines();
        let listens = |line: &&Value| line["message"] == "the REST proxy listens";
        let line = lines.iter().find(listens)?;
        line["address"].as_str().map(str::to_owned)
    }

    /// The lines of the audit log: message, who, method, path, status.
    fn audited(&self) -> Vec<String> {
        let lines = self.lines();
        let own = lines
            .iter()
            .filter(|line| line["target"] == "sluiceway_proxy::audit");
        own.map(|line| {
            let peer = line["peer"].as_str().unwrap();
            assert!(peer.starts_with("127.0.0.1:"), "{line}");
            let text = |key: &str| line[key].as_str().unwrap_or("nobody").to_owned();
            let (message, who, method) = (text("message"), text("principal"), text("method"));
            format!(
                "{message} {who} {method} {} {}",
                text("path"),
                line["status"]
            )
        })
        .collect()
    }
}

async fn call(url: String, who: (&str, String), method: Method, body: &str) -> (u16, Value) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::builder()
        .method(method)
        .uri(url)
        .header(who.0, who.1);
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let request = request.body(Full::from(body.to_owned())).unwrap();
    let answer = client.request(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_tells_what_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let kafka = kafka(false).await;
    // Settings are read whatever their case.
    for level in ["NONE", "DENIED", "ADMIN", "all"] {
        let properties = format!(
            "bootstrap.servers={}\nlisteners=http://127.0.0.1:0\nsluiceway.admin.listeners=\n\
             {}{RULES}sluiceway.audit.log={level}\n",
            kafka.bootstrap(),
            users(folder.path())
        );
        let program = Program::start(folder.path(), level, &properties);
        eventually("the program listens", async || program.address().is_some()).await;
        let base = format!("http://{}", program.address().unwrap());
        let (alice, carol) = (basic("alice", "s3cret-alice"), basic("carol", "secret"));

        let guess = basic("alice", "guess");
        let (status, _) = call(format!("{base}/topics"), guess, Method::GET, "").await;
        assert_eq!(status, 401);
        let (status, _) = call(format!("{base}/topics"), alice.clone(), Method::GET, "").await;
        assert_eq!(status, 200);
        let url = format!("{base}/v3/clusters");
        let (status, clusters) = call(url, carol.clone(), Method::GET, "").await;
        assert_eq!(status, 200);
        let cluster = clusters["data"][0]["cluster_id"].as_str().unwrap();
        let topics = format!("/v3/clusters/{cluster}/topics");
        let body = format!(r#"{{"topic_name":"made.{level}"}}"#);
        for (who, expected) in [(alice, 403), (carol, 201)] {
            let url = format!("{base}{topics}");
            let (status, told) = call(url, who, Method::POST, &body).await;
            assert_eq!(status, expected, "{told}");
        }

        let (denied, admin, all) = (["DENIED", "ADMIN", "all"], ["ADMIN", "all"], ["all"]);
        let expected = [
            (&denied[..], "denied nobody GET /topics 401".to_owned()),
            (&all[..], "done alice GET /topics 200".to_owned()),
            (&all[..], "done carol GET /v3/clusters 200".to_owned()),
            (&denied[..], format!("denied alice POST {topics} 403")),
            (&admin[..], format!("done carol POST {topics} 201")),
        ];
        let expected: Vec<String> = expected
            .into_iter()
            .filter(|(levels, _)| levels.contains(&level))
            .map(|(_, line)| line)
            .collect();
        // A line may be written after its answer was read.
        eventually("the audit log is complete", async || {
            program.audited().len() >= expected.len()
        })
        .await;
        assert_eq!(program.audited(), expected, "{level}");
    }
}
