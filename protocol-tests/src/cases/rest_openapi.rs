//! `/openapi.json` against answers: every GET that is described is called and answered as described, a few that change
//! something are, too; and an answer that is not as described is noticed. (The replay of the recordings holds every
//! answer against it as well.)

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{V2, V2_JSON, expect_status, produce_ok};
use crate::Session;
use crate::http::Request;
use crate::openapi::Description;
use crate::target::Proxy;

/// The list of these cases.
#[macro_export]
macro_rules! rest_openapi_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_openapi what_is_described_is_answered);
    };
}

/// # Errors
/// The case fails.
pub async fn what_is_described_is_answered(session: &Session) -> Result<()> {
    let topic = session.topic("described", 1).await?;
    let group = session.name("describers");
    let proxy = Proxy::start(session, &[]).await?;
    let description = Description::fetch(&proxy.http)
        .await?
        .context("no description")?;
    let body = json!({"records": [{"value": 1}]});
    produce_ok(&proxy.http, &format!("/topics/{topic}"), &body).await?;
    let cluster = session.kafka.cluster_id()?;
    let post = |path: &str, kind: &str, body: &serde_json::Value| {
        Request::new("POST", path)
            .header("Content-Type", kind)
            .body(body.to_string())
    };
    let instance = format!("/consumers/{group}/instances/one");
    let partitions = json!({"partitions": [{"topic": topic, "partition": 0}]});
    let offsets = json!({"offsets": [{"topic": topic, "partition": 0, "offset": 0}]});
    let records = format!("/v3/clusters/{cluster}/topics/{topic}/records");
    let changes = [
        post(
            &format!("/consumers/{group}"),
            V2,
            &json!({"name": "one", "format": "json"}),
        ),
        post(&format!("{instance}/assignments"), V2, &partitions),
        post(&format!("{instance}/positions/beginning"), V2, &partitions),
        post(&format!("{instance}/positions"), V2, &offsets),
        post(&format!("{instance}/offsets"), V2, &offsets),
        post(
            &records,
            "application/json",
            &json!({"value": {"type": "JSON", "data": 1}}),
        ),
        post(
            &records,
            "application/json",
            &json!({"value": {"type": "NONE", "data": 1}}),
        ),
        post(
            &format!("{records}:batch"),
            "application/json",
            &json!({"entries": [{"id": "1", "value": {"type": "JSON", "data": 1}}, {"id": "2", "partition_id": 9}]}),
        ),
    ];
    let mut good = BTreeSet::new();
    let mut call = async |request: Request| -> Result<u16> {
        let answer = proxy.http.call(&request).await?;
        let checked = description.check(&request, &answer);
        checked.map_err(anyhow::Error::msg)?;
        if answer.status < 300 {
            let template = description.template(&request.path).unwrap_or_default();
            good.insert(format!("{} {template}", request.method));
        }
        Ok(answer.status)
    };
    for request in changes {
        let path = request.path.clone();
        let status = call(request).await?;
        ensure!(status < 300, "{path}: {status}");
    }
    let gets = description.operations();
    let gets: Vec<_> = gets.iter().filter(|(method, _)| method == "GET").collect();
    ensure!(gets.len() > 40, "{gets:?}");
    for (_, template) in &gets {
        let mut path = template.clone();
        for (name, value) in [
            ("cluster", &*cluster),
            ("topic", &topic),
            ("partition", "0"),
            ("group", &group),
            ("instance", "one"),
            ("consumer", "nobody"),
            ("name", "cleanup.policy"),
            ("broker", &session.kafka.broker_ids()?[0].to_string()),
        ] {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let mut request = Request::new("GET", &path);
        if template.ends_with("instances/{instance}/records") {
            request = request.header("Accept", V2_JSON);
        }
        if template.ends_with("instances/{instance}/offsets") {
            request = request
                .header("Content-Type", V2)
                .body(partitions.to_string());
        }
        call(request).await?;
    }
    call(Request::new("DELETE", &instance)).await?;
    // The development broker and a group without members answer some with 404.
    ensure!(
        good.len() > 35,
        "only {} were answered: {good:?}",
        good.len()
    );
    let request = Request::new("GET", &format!("/topics/{topic}/partitions/0/offsets"));
    let mut answer = proxy.http.call(&request).await?;
    expect_status(&answer, 200)?;
    answer.body = b"{\"beginning_offset\":0,\"end_offset\":\"1\"}".to_vec();
    let wrong = description.check(&request, &answer);
    ensure!(wrong.is_err(), "a text was taken for a number");
    answer.status = 202;
    let unknown = description.check(&request, &answer);
    ensure!(unknown.is_err(), "a status that is not described was taken");
    Ok(())
}
