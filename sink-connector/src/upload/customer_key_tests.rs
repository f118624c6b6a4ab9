//! A customer's key against a store that only listens: in clear text, which a task refuses (`ObjectOptions::check`), and
//! therefore not through a task.
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::store_for_tests::config;
use super::*;
use crate::budget::Budget;
use crate::rotate::CloseReason;

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Method, target, and the three headers of a customer's key.
type Asked = (String, String, [Option<String>; 3]);

async fn listening_store() -> (String, Arc<Mutex<Vec<Asked>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    (url, asked)
}

async fn answer(
    request: http::Request<Incoming>,
    seen: Arc<Mutex<Vec<Asked>>>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let _ = body.collect().await;
    let header = |name: &str| {
        let name = format!("x-amz-server-side-encryption-customer-{name}");
        let value = head.headers.get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let headers = ["algorithm", "key", "key-md5"].map(header);
    let query = head.uri.query().unwrap_or_default();
    let says = match head.method.as_str() {
        "POST" if query.contains("uploads") => {
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
        }
        "POST" => "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>",
        _ => "",
    };
    seen.lock()
        .push((head.method.to_string(), head.uri.to_string(), headers));
    let response = http::Response::builder().header("etag", "\"e\"");
    Ok(response.body(Full::new(Bytes::from(says))).unwrap())
}

fn object(key: &str) -> ClosedObject {
    ClosedObject {
        key: key.into(),
        first_offset: 0,
        last_offset: 0,
        records: 1,
        bytes: 1,
        reason: CloseReason::FlushSize,
        sidecar: false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_key_comes_with_every_request() {
    let (url, asked) = listening_store().await;
    let key = format!("s3.ssea.name=AES256\ns3.sse.customer.key={KEY}");
    let config = config(&format!("store.url={url}\n{key}"));
    let client = connect(&config.s3).await;
    let metrics = SinkMetrics::register(&prometheus::Registry::new()).unwrap();
    let (events, inbox) = mpsc::channel();
    let runtime = tokio::runtime::Handle::current();
    let uploader = Uploader::new(client, &config, runtime, Arc::new(metrics), events);
    let budget = Budget::new(1 << 20);
    let file = |file| FileId { tp: 1, file };
    uploader.put(
        file(1),
        object("one"),
        vec![b'x'],
        budget.account().reserve(),
    );
    let mut parts = uploader.multipart(file(2), "two".into(), 0);
    parts.part(vec![b'x'; 10], budget.account().reserve());
    parts.complete(object("two"));
    let done = tokio::task::spawn_blocking(move || {
        [(); 2].map(|()| inbox.recv_timeout(Duration::from_secs(30)).unwrap())
    });
    for event in done.await.unwrap() {
        assert!(matches!(event, UploadEvent::Completed(_)), "{event:?}");
    }
    let asked = asked.lock();
    assert_eq!(asked.len(), 4, "{asked:?}");
    // The digest is that of 32 zeros.
    let expected = ["AES256", KEY, "cLyPS3KoaSFGi/joRB3OUQ=="].map(|text| Some(text.to_owned()));
    for (method, target, headers) in asked.iter() {
        assert_eq!(*headers, expected, "{method} {target}");
    }
}
