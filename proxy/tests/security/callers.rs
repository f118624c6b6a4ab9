//! Who calls: the users of the tests, and requests with their credentials.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::support::{self, Answer, JSON, Running};

pub(crate) const USERS: &str = "alice: s3cret-alice,writers\nbob: MD5:5ebe2294ecd0e0f08eab7690d2a6ee69,readers\n\
                     carol: CRYPT:abNANd1rDfiNc,admins\ndave: s3cret-dave\n";
pub(crate) const RULES: &str = "sluiceway.authorization.rules=role/writers: produce=orders.* ; role/readers: consume=orders.eu ; \
                     role/admins: admin=* produce=* consume=*\n";

pub(crate) fn users(folder: &Path) -> String {
    let file = folder.join("password.properties");
    std::fs::write(&file, USERS).unwrap();
    let login = folder.join("jaas.conf");
    let text = format!(
        "KafkaRest {{ org.eclipse.jetty.jaas.spi.PropertyFileLoginModule required file=\"{}\"; }};",
        file.display()
    );
    std::fs::write(&login, text).unwrap();
    format!(
        "authentication.method=BASIC\nauthentication.realm=KafkaRest\njava.security.auth.login.config={}\n",
        login.display()
    )
}

pub(crate) fn basic(name: &str, password: &str) -> (&'static str, String) {
    let text = STANDARD.encode(format!("{name}:{password}"));
    ("authorization", format!("Basic {text}"))
}

/// A request with further headers.
pub(crate) async fn send(
    proxy: &Running,
    method: Method,
    path: &str,
    headers: &[(&str, String)],
    body: &str,
) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::builder().method(method).uri(proxy.url(path));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    support::read(client.request(request.body(body).unwrap()).await.unwrap()).await
}

pub(crate) async fn get(proxy: &Running, path: &str, credentials: &(&str, String)) -> Answer {
    let headers = [(credentials.0, credentials.1.clone())];
    send(proxy, Method::GET, path, &headers, "").await
}

pub(crate) async fn post(
    proxy: &Running,
    path: &str,
    credentials: &(&str, String),
    body: &str,
) -> Answer {
    let headers = [
        (credentials.0, credentials.1.clone()),
        ("content-type", JSON.to_owned()),
    ];
    send(proxy, Method::POST, path, &headers, body).await
}

pub(crate) const RECORD: &str = r#"{"records":[{"value":1}]}"#;
