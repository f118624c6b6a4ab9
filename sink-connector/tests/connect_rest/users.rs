//! `BasicAuthSecurityRestExtension`: no route is open to anybody.

use std::io::Write as _;
use std::time::Instant;

use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::stage::{PATIENCE, Stage, send};

/// The router, whose match over all routes names each of them in a line of its own: none can be left out here.
const ROUTER: &str = include_str!("../../src/rest/router.rs");

/// Every path of the API, with names in its places, and one that is none.
fn paths() -> Vec<String> {
    let named = |line: &str| {
        let (_, template) = line.split_once("=> \"/")?;
        let (template, _) = template.split_once('"')?;
        let path = format!("/{template}").replace("{task}", "0");
        Some(path.replace(['{', '}'], "").replace("/name", "/c"))
    };
    let known: Vec<String> = ROUTER.lines().filter_map(named).collect();
    assert!(known.len() >= 26, "{known:?}");
    for path in ["/", "/connectors/c/objects/link", "/admin/loggers/logger"] {
        assert!(known.iter().any(|known| known == path), "{path}");
    }
    known.into_iter().chain(["/nowhere".to_owned()]).collect()
}

const FAILURES: &str = "sluiceway.rest.authentication.failures.per.minute";

/// What an admin listener has, and ways to write it differently.
const ADMIN_PATHS: [&str; 14] = [
    "/metrics",
    "/metrics/",
    "//metrics",
    "/%6detrics",
    "/log-levels",
    "/log-levels/",
    "/console",
    "/console/",
    "/console/info",
    "/console/live",
    "/console/console.js",
    "/console/api/sink/connectors",
    "/console/api/sink/admin/loggers",
    "/nowhere",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_needs_a_user() {
    let stage = Stage::new().await;
    let mut passwords = tempfile::NamedTempFile::new().unwrap();
    writeln!(
        passwords,
        "alice=s3cret\nbob=MD5:5ebe2294ecd0e0f08eab7690d2a6ee69"
    )
    .unwrap();
    let mut login = tempfile::NamedTempFile::new().unwrap();
    let module = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
    let file = passwords.path().display();
    writeln!(
        login,
        "KafkaConnect {{ {module} required file=\"{file}\"; }};"
    )
    .unwrap();
    let extension =
        "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
    let extra = format!(
        "rest.extension.classes={extension}\njava.security.auth.login.config={}\n\
         sluiceway.admin.authentication.enable=true\n{FAILURES}=0\n",
        login.path().display()
    );
    let worker = stage.worker_with(&extra, Vec::new()).await;
    let (rest, admin) = (worker.rest_addresses()[0], worker.admin_addresses()[0]);
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let call = async |method: Method, url: String, credentials: Option<&str>| {
        let mut request = Request::builder().method(method).uri(url);
        if let Some(credentials) = credentials {
            request = request.header("authorization", credentials);
        }
        let request = request.body(Full::default()).unwrap();
        client.request(request).await.unwrap().status().as_u16()
    };
    // alice:s3cret, bob:secret, alice:wrong
    let (alice, bob, wrong) = (
        "Basic YWxpY2U6czNjcmV0",
        "Basic Ym9iOnNlY3JldA==",
        "Basic YWxpY2U6d3Jvbmc=",
    );
    for path in paths() {
        let ways = [
            path.clone(),
            format!("{path}/"),
            format!("/{path}"),
            path.to_uppercase(),
            path.replacen("/c", "/%63", 1),
            format!("/x/%2e%2e{path}"),
        ];
        for way in ways {
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let url = format!("http://{rest}{way}");
                for credentials in [None, Some("Bearer x")] {
                    let status = call(method.clone(), url.clone(), credentials).await;
                    assert_eq!(status, 401, "{method} {way}");
                }
            }
        }
    }
    let connectors = format!("http://{rest}/connectors");
    assert_eq!(
        call(Method::GET, connectors.clone(), Some(wrong)).await,
        401
    );
    assert_eq!(
        call(Method::GET, connectors.clone(), Some(alice)).await,
        200
    );
    assert_eq!(call(Method::GET, connectors, Some(bob)).await, 200);
    let metrics = format!("http://{admin}/metrics");
    assert_eq!(call(Method::GET, metrics.clone(), None).await, 401);
    assert_eq!(call(Method::GET, metrics, Some(alice)).await, 200);
    assert_eq!(
        call(Method::GET, format!("http://{admin}/livez"), None).await,
        200
    );
    for path in ADMIN_PATHS {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let url = format!("http://{admin}{path}");
            for credentials in [None, Some("Bearer x"), Some(wrong)] {
                let status = call(method.clone(), url.clone(), credentials).await;
                assert!((400..500).contains(&status), "{method} {path}: {status}");
            }
        }
    }
    worker.stop().await;
    // Without users of its own the admin listener shows what it has, and nobody changes anything.
    let extra = extra.replace("sluiceway.admin.authentication.enable=true", "");
    let worker = stage.worker_with(&extra, Vec::new()).await;
    let admin = worker.admin_addresses()[0];
    for (method, path, expected) in [
        (Method::GET, "/metrics", 200),
        (Method::GET, "/livez", 200),
        (Method::PUT, "/log-levels", 403),
        (Method::DELETE, "/log-levels", 403),
    ] {
        for credentials in [None, Some(alice)] {
            let url = format!("http://{admin}{path}");
            let status = call(method.clone(), url, credentials).await;
            assert_eq!(status, expected, "{method} {path}");
        }
    }
    worker.stop().await;
    // Guessing: some time passes between two requests, and gives back a failure in twelve seconds.
    let extra = extra.replace(&format!("{FAILURES}=0"), &format!("{FAILURES}=5"));
    let worker = stage.worker_with(&extra, Vec::new()).await;
    let url = format!("http://{}/connectors", worker.rest_addresses()[0]);
    let deadline = Instant::now() + PATIENCE;
    let mut refused = 0;
    while refused < 2 {
        assert!(Instant::now() < deadline, "guessing goes on and on");
        // Right ones wait as well: otherwise their answer would tell that they are.
        let status = call(Method::GET, url.clone(), Some(wrong)).await;
        assert!([401, 429].contains(&status), "{status}");
        let right = call(Method::GET, url.clone(), Some(alice)).await;
        refused += u16::from(status == 429 && right == 429);
    }
    worker.stop().await;
}

/// Whatever the methods are that are on; and a caller without rights reaches nothing that is about a connector.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_needs_credentials_and_rights() {
    let stage = Stage::new().await;
    let users = stage.file("users", "alice: s3cret\n");
    let keys = stage.file("keys", "key.k.value=planted-key-that-is-long\n");
    let settings = |methods: &str| {
        format!(
            "authentication.method={methods}\nsluiceway.authentication.password.file={}\n\
             sluiceway.api.keys.file={}\noauthbearer.jwks.endpoint.url=http://127.0.0.1:1/keys\n\
             oauthbearer.expected.issuer=i\noauthbearer.expected.audience=a\n\
             sluiceway.authorization.rules=bob: write=*\n{FAILURES}=0\n",
            users.display(),
            keys.display()
        )
    };
    let basic = ("authorization", "Basic YWxpY2U6czNjcmV0");
    let key = ("x-api-key", "planted-key-that-is-long");
    // Open to whoever is known.
    let open = ["/", "/health", "/connectors", "/connector-plugins"];
    for (methods, unknown, known) in [
        ("API_KEY", 403, key),
        ("BASIC,BEARER,API_KEY,MTLS", 401, basic),
    ] {
        let worker = stage.worker_with(&settings(methods), Vec::new()).await;
        let rest = worker.rest_addresses()[0];
        for path in paths() {
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
                let anybody = send(rest, method, &path, &[], "").await.status;
                assert_eq!(anybody, unknown, "{method} {path}");
                let status = send(rest, method, &path, &[known], "{}").await.status;
                let reads = ["GET", "HEAD"].contains(&method);
                let is_open =
                    open.contains(&path.as_str()) || path == "/connector-plugins/class/config";
                if !(reads && is_open) {
                    assert!(
                        [403, 404, 405].contains(&status),
                        "{method} {path}: {status}"
                    );
                }
            }
        }
        worker.stop().await;
    }
}
