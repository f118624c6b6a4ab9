//! Logs where standard error is no terminal: a JSON object a line.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::cases::{SINK_LIMIT, expect_status};
use crate::http::Request;
use crate::program::Program;
use crate::target::Proxy;
use crate::{Session, eventually};

/// Every line of a program's log.
fn lines(program: &Program) -> Result<Vec<Value>> {
    let log = program.log();
    // The last line may be on its way.
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let parsed = whole.lines().map(|line| {
        let object: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        for name in ["timestamp", "level", "target", "message"] {
            ensure!(object[name].is_string(), "{name} is not in {line}");
        }
        Ok(object)
    });
    parsed.collect()
}

/// One line an object of three records, in whatever order the store took them: key, first and last offset, count, bytes, reason.
pub(super) fn tell_objects(program: &Program, connector: &str, keys: &[String]) -> Result<()> {
    let written = |line: &Value| line["message"] == "object written";
    let mut found: Vec<Value> = lines(program)?.into_iter().filter(written).collect();
    found.sort_by_key(|line| line["first_offset"].as_i64());
    ensure!(found.len() == keys.len(), "{found:?}");
    for (line, (key, first)) in found.iter().zip(keys.iter().zip((0..).step_by(3))) {
        for (name, expected) in [
            ("level", json!("INFO")),
            ("connector", json!(connector)),
            ("key", json!(key)),
            ("first_offset", json!(first)),
            ("last_offset", json!(first + 2)),
            ("records", json!(3)),
            // A digit and a line end a record.
            ("bytes", json!(6)),
            ("reason", json!("flush_size")),
        ] {
            ensure!(line[name] == expected, "{name}: {line}");
        }
    }
    Ok(())
}

/// A request's line has the id that the client gave it, else one that no other request has. Form and level can be chosen.
///
/// # Errors
/// The case fails.
pub async fn requests_have_ids_in_the_log(session: &Session) -> Result<()> {
    let levels = ("RUST_LOG", "info,sluiceway_proxy::access=info");
    let kafka = &session.parts.kafka;
    let proxy = Proxy::start_in(session, kafka, &[], &[levels]).await?;
    let program = proxy.program.as_ref().context("not ours")?;
    let named = Request::new("GET", "/brokers").header("X-Request-Id", "order-4711");
    expect_status(&proxy.http.call(&named).await?, 200)?;
    for _ in 0..3 {
        proxy.http.get("/nope", None).await?;
    }
    let requests = async || -> Result<Vec<Value>> {
        let lines = lines(program)?.into_iter();
        let access = |line: &Value| line["target"] == "sluiceway_proxy::access";
        Ok(lines.filter(access).collect())
    };
    let path = |line: &Value, path: &str| line["path"] == path;
    let told = eventually("waiting for the lines", SINK_LIMIT, async || {
        let told = requests().await?;
        let last = told.iter().filter(|line| path(line, "/nope")).count();
        Ok((last == 3).then_some(told))
    })
    .await?;
    let first = told.iter().find(|line| path(line, "/brokers"));
    let first = first.context("no line of /brokers")?;
    ensure!(first["id"] == "order-4711", "{first}");
    ensure!(
        first["method"] == "GET" && first["status"] == 200 && first["millis"].is_number(),
        "{first}"
    );
    let ids: BTreeSet<&str> = told
        .iter()
        .filter(|line| path(line, "/nope"))
        .filter_map(|line| line["id"].as_str())
        .collect();
    ensure!(
        ids.len() == 3 && ids.iter().all(|id| !id.is_empty()),
        "{told:?}"
    );
    let text = [levels, ("SLUICEWAY_LOG_FORMAT", "text")];
    let proxy = Proxy::start_in(session, kafka, &[], &text).await?;
    let program = proxy.program.as_ref().context("not ours")?;
    let log = program.log();
    ensure!(
        log.contains("INFO") && !log.lines().any(|line| line.starts_with('{')),
        "no text: {log}"
    );
    Ok(())
}
