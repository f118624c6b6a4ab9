//! Callers whom Kafka knows, as far as it can be tried without Kafka: nobody gets past the gate as the proxy.

use sluiceway_proxy::Config;
use sluiceway_proxy::router::Router;

use http::Method;

use crate::callers::{basic, get, send};
use crate::support::start;

const SETTINGS: &str = "client.security.protocol=SASL_PLAINTEXT\nclient.sasl.mechanism=PLAIN\n\
    client.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=own password=p;\n\
    authentication.method=KAFKA\nsluiceway.authentication.failures.per.minute=0\n\
    authentication.skip.paths=/,/topics,/topics/*,/v3/*,/consumers/*\n";

/// Paths for which nobody has to be known are no way to Kafka: it would be reached as the proxy.
#[tokio::test(flavor = "multi_thread")]
async fn no_route_reaches_kafka_as_the_proxy() {
    let proxy = start("127.0.0.1:1", SETTINGS).await;
    let defaults = sluiceway_common::props::parse("bootstrap.servers=a:1").unwrap();
    let defaults = Config::parse(&defaults).unwrap();
    let router = Router::new(&defaults.endpoints, defaults.http.media).unwrap();
    let mut open = Vec::new();
    for route in router.routes() {
        let path = route.template.replace(['{', '}'], "");
        let answer = send(&proxy, route.method.clone(), &path, &[], "").await;
        if answer.status != 401 {
            open.push(format!("{} {path}", route.method));
        }
    }
    open.sort_unstable();
    assert_eq!(open, ["GET /", "POST /"]);
    let refused = send(&proxy, Method::GET, "/topics", &[], "").await;
    assert_eq!(refused.json()["error_code"], 401);
    assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"\""));
}

/// Without Kafka nobody can tell whether credentials are right; what cannot be any is wrong all the same.
#[tokio::test(flavor = "multi_thread")]
async fn without_kafka_nobody_is_let_in() {
    let settings = SETTINGS.replace("authentication.skip.paths", "sluiceway.stages=x\n#");
    let proxy = start("127.0.0.1:1", &settings).await;
    let answer = get(&proxy, "/topics", &basic("alice", "right")).await;
    assert_eq!(
        (answer.status, answer.json()["error_code"].as_i64()),
        (503, Some(50302)),
        "{answer:?}"
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
    for header in ["Basic !", "Bearer a,b", "Digest x"] {
        let answer = get(&proxy, "/topics", &("authorization", header.to_owned())).await;
        assert_eq!(answer.status, 401, "{header}");
    }
    let metrics = proxy.metrics();
    assert!(metrics.contains("sluiceway_proxy_callers 0\n"), "{metrics}");
}
