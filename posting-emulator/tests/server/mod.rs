//! A stand-in for the proxy: records every request and answers as the test's script says.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What the server does with one request.
#[derive(Clone)]
pub enum Answer {
    /// Stores the record at the topic's next offset.
    Store,
    /// This status and these headers, no body.
    Status(u16, Vec<(&'static str, &'static str)>),
    /// A 200 whose only record has this error code.
    RecordError(i64),
    /// A 200 with this body.
    Body(&'static str),
    /// This status with this body.
    Refusal(u16, &'static str),
    /// Closes the connection without an answer.
    Drop,
    /// Never answers.
    Stall,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

type Script = Box<dyn Fn(usize) -> Answer + Send + Sync>;

pub struct Server {
    pub addr: SocketAddr,
    state: Arc<State>,
}

struct State {
    script: Script,
    seen: Mutex<Vec<Seen>>,
    offsets: Mutex<HashMap<String, i64>>,
    connections: AtomicUsize,
}

impl Server {
    /// Serves on a free port; request number n (from 0) is answered by `script(n)`.
    pub async fn start(script: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(State {
            script: Box::new(script),
            seen: Mutex::default(),
            offsets: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { addr, state }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::SeqCst);
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answer(Arc::clone(&state), request));
        let io = TokioIo::new(stream);
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
    }
}

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?;
    let path = head.uri.path().to_owned();
    let number = {
        let mut seen = state.seen.lock().unwrap();
        seen.push(Seen {
            method: head.method,
            path: path.clone(),
            headers: head.headers,
            body: String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        });
        seen.len() - 1
    };
    match (state.script)(number) {
        Answer::Store => Ok(json(state.store(&path))),
        Answer::RecordError(code) => Ok(json(format!(
            r#"{{"offsets":[{{"partition":null,"offset":null,"error_code":{code},"error":"refused"}}]}}"#
        ))),
        Answer::Body(body) => Ok(json(body.to_owned())),
        Answer::Refusal(status, body) => {
            let mut response = json(body.to_owned());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            Ok(response)
        }
        Answer::Status(status, headers) => Ok(bare(status, &headers)),
        Answer::Drop => Err(std::io::Error::other("dropped by the script")),
        Answer::Stall => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(bare(200, &[]))
        }
    }
}

impl State {
    fn store(&self, path: &str) -> String {
        let mut offsets = self.offsets.lock().unwrap();
        let next = offsets.entry(path.to_owned()).or_insert(0);
        let offset = *next;
        *next += 1;
        format!(
            r#"{{"offsets":[{{"partition":0,"offset":{offset},"error_code":null,"error":null}}],"key_schema_id":null,"value_schema_id":null}}"#
        )
    }
}

fn json(body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    let kind = http::HeaderValue::from_static("application/vnd.kafka.v2+json");
    response.headers_mut().insert("content-type", kind);
    response
}

fn bare(status: u16, headers: &[(&'static str, &'static str)]) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        let value = http::HeaderValue::from_static(value);
        response.headers_mut().insert(*name, value);
    }
    response
}
