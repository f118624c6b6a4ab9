//! A store that misbehaves: a reverse proxy on loopback before the real one, which answers some requests with errors, loses
//! answers, breaks off in the middle of bodies, or stays silent.
//!
//! The `Host` header goes through as it came, so that signatures stay right.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rand::Rng;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// An error of S3's: status and code. The store does not see the request.
    Answer(u16, &'static str),
    /// Half of the body is read, then the connection breaks. The store does not see the request.
    Reset,
    /// The store does what it was asked for; the connection breaks before its answer.
    LostAnswer,
    /// Nothing happens for so long, then the connection breaks. The store does not see the request.
    Silence(Duration),
    /// The request goes through after so long.
    Slow(Duration),
}

/// Requests that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// `PutObject`
    Put,
    /// `CreateMultipartUpload`
    Create,
    /// `UploadPart`
    Part,
    /// `CompleteMultipartUpload`
    Complete,
    /// Anything else.
    Other,
}

/// Which requests a fault concerns.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// With which requests; none for all.
    pub operations: Vec<Operation>,
    /// Only where the path holds this.
    pub path: String,
    /// How often, 0 to 1.
    pub chance: f64,
}

impl Rule {
    /// A fault of so many of the requests that write objects.
    #[must_use]
    pub fn of_writes(fault: Fault, chance: f64) -> Self {
        use Operation::{Complete, Create, Part, Put};
        Self {
            fault,
            operations: vec![Put, Create, Part, Complete],
            path: String::new(),
            chance,
        }
    }

    /// Only of this request.
    #[must_use]
    pub fn only(mut self, operation: Operation) -> Self {
        self.operations = vec![operation];
        self
    }

    /// Only where the path holds `part`.
    #[must_use]
    pub fn under(mut self, part: &str) -> Self {
        part.clone_into(&mut self.path);
        self
    }
}

#[derive(Default)]
struct State {
    rules: Mutex<Vec<Rule>>,
    requests: Mutex<BTreeMap<Operation, Count>>,
}

/// Requests of a kind so far.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    all: u64,
    /// Those with which something went wrong.
    faults: u64,
}

/// The proxy; ends when dropped.
pub struct FaultProxy {
    /// `http://127.0.0.1:port`
    pub endpoint: String,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

type Body = BoxBody<Bytes, io::Error>;
type Upstream = Client<HttpConnector, Body>;

impl FaultProxy {
    /// Starts before the store at `upstream` (`http://host:port`). Nothing goes wrong yet.
    ///
    /// # Errors
    /// No free port.
    pub async fn start(upstream: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let state = Arc::<State>::default();
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let route = Route {
            client,
            upstream: upstream.trim_end_matches('/').to_owned(),
            state: Arc::clone(&state),
        };
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, route.clone()));
            }
        });
        Ok(Self {
            endpoint,
            state,
            accepting,
        })
    }

    /// From now on these go wrong; the first rule that wants a request has it.
    pub fn set(&self, rules: Vec<Rule>) {
        *lock(&self.state.rules) = rules;
    }

    /// Faults so far.
    #[must_use]
    pub fn times(&self) -> u64 {
        let requests = lock(&self.state.requests);
        requests.values().map(|count| count.faults).sum()
    }

    /// How often something went wrong with a kind of request.
    #[must_use]
    pub fn faults(&self, operation: Operation) -> u64 {
        self.count(operation).faults
    }

    /// Requests of a kind so far, also those with which something went wrong.
    #[must_use]
    pub fn requests(&self, operation: Operation) -> u64 {
        self.count(operation).all
    }

    fn count(&self, operation: Operation) -> Count {
        let requests = lock(&self.state.requests);
        requests.get(&operation).copied().unwrap_or_default()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(stream: TcpStream, route: Route) {
    let service = hyper::service::service_fn(move |request| {
        let route = route.clone();
        async move { route.answer(request).await }
    });
    // A broken connection is what this is for.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

#[derive(Clone)]
struct Route {
    client: Upstream,
    upstream: String,
    state: Arc<State>,
}

impl Route {
    /// An error closes the connection without an answer.
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let operation = operation(&request);
        let fault = self.choose(operation, request.uri().path());
        let counted = |count: &mut Count| {
            count.all += 1;
            count.faults += u64::from(fault.is_some());
        };
        counted(lock(&self.state.requests).entry(operation).or_default());
        match fault {
            None => self.forward(request).await,
            Some(Fault::Answer(status, code)) => refuse(request, status, code).await,
            Some(Fault::Reset) => read_half(request).await,
            Some(Fault::LostAnswer) => {
                self.forward(request).await?.into_body().collect().await?;
                Err(broken())
            }
            Some(Fault::Silence(time)) => {
                tokio::time::sleep(time).await;
                Err(broken())
            }
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                self.forward(request).await
            }
        }
    }

    fn choose(&self, operation: Operation, path: &str) -> Option<Fault> {
        let rules = lock(&self.state.rules);
        let path = path.replace("%3D", "=").replace("%2B", "+");
        let concerns = |rule: &&Rule| {
            (rule.operations.is_empty() || rule.operations.contains(&operation))
                && path.contains(&*rule.path)
                && rand::rng().random_bool(rule.chance)
        };
        rules.iter().find(concerns).map(|rule| rule.fault)
    }

    async fn forward(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (mut head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = format!("{}{target}", self.upstream)
            .parse()
            .map_err(io::Error::other)?;
        let request = Request::from_parts(head, body.map_err(io::Error::other).boxed());
        let answer = self.client.request(request).await;
        let answer = answer.map_err(io::Error::other)?;
        Ok(answer.map(|body| body.map_err(io::Error::other).boxed()))
    }
}

fn operation(request: &Request<Incoming>) -> Operation {
    let query = request.uri().query().unwrap_or_default();
    // `/bucket/key`
    let key = request.uri().path().trim_start_matches('/').contains('/');
    match *request.method() {
        Method::PUT if query.contains("partNumber=") => Operation::Part,
        Method::PUT if key && !query.contains("tagging") => Operation::Put,
        Method::POST if query.contains("uploadId=") => Operation::Complete,
        Method::POST if query.contains("uploads") => Operation::Create,
        _ => Operation::Other,
    }
}

async fn refuse(request: Request<Incoming>, status: u16, code: &str) -> io::Result<Response<Body>> {
    request
        .into_body()
        .collect()
        .await
        .map_err(io::Error::other)?;
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>injected by a \
         test</Message><RequestId>0</RequestId></Error>"
    );
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
    Response::builder()
        .status(StatusCode::from_u16(status).map_err(io::Error::other)?)
        .header("Content-Type", "application/xml")
        .body(body.boxed())
        .map_err(io::Error::other)
}

async fn read_half(request: Request<Incoming>) -> io::Result<Response<Body>> {
    let length = request.headers().get("content-length");
    let length = length.and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
    let (mut body, mut read) = (request.into_body(), 0);
    while let Some(frame) = body.frame().await {
        read += frame
            .map_err(io::Error::other)?
            .data_ref()
            .map_or(0, Bytes::len);
        if read * 2 >= length.unwrap_or_default() {
            break;
        }
    }
    Err(broken())
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "a fault that a test wants")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::http;

    /// A server that counts what reaches it.
    async fn store() -> (String, Arc<AtomicU64>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counted = Arc::clone(&counted);
                let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let counted = Arc::clone(&counted);
                    async move {
                        let body = request.into_body().collect().await?.to_bytes();
                        counted.fetch_add(1, Ordering::Relaxed);
                        Ok::<_, hyper::Error>(Response::new(Full::new(body)))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        (address, seen)
    }

    #[tokio::test]
    async fn each_fault_is_what_it_says() {
        let (upstream, seen) = store().await;
        let proxy = FaultProxy::start(&upstream).await.unwrap();
        let client = http::Client::new(&proxy.endpoint).unwrap();
        let put = http::Request::new("PUT", "/bucket/a/key").body("hello");
        let cases = [
            (None, Some(200), 1),
            (Some(Fault::Answer(503, "SlowDown")), Some(503), 0),
            (Some(Fault::Reset), None, 0),
            (Some(Fault::LostAnswer), None, 1),
            (Some(Fault::Silence(Duration::from_millis(20))), None, 0),
            (Some(Fault::Slow(Duration::from_millis(20))), Some(200), 1),
        ];
        for (fault, status, reached) in cases {
            let rules = fault.map(|fault| Rule::of_writes(fault, 1.0));
            proxy.set(rules.into_iter().collect());
            let before = seen.load(Ordering::Relaxed);
            let answer = client.call(&put).await.ok();
            assert_eq!(answer.map(|answer| answer.status), status, "{fault:?}");
            assert_eq!(seen.load(Ordering::Relaxed) - before, reached, "{fault:?}");
        }
        assert_eq!((proxy.times(), proxy.requests(Operation::Put)), (5, 6));
        proxy.set(vec![Rule::of_writes(Fault::Reset, 1.0).under("/other/")]);
        assert_eq!(client.call(&put).await.unwrap().status, 200);
    }
}
