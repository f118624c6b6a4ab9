//! What happens to each request between its connection and its handler: let in, routed, read, carried out, told of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{HeaderMap, ORIGIN};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use sluiceway_common::tls::stream::Client;

use super::call::Call;
use super::events::Events;
use super::gate::{Gate, Visit};
use super::introduce::Signed;
use super::need::Need;
use super::refused::Refused;
use super::respond::{self, ApiError, Reply};
use super::router::Route;
use super::{
    Api, Part, audit, body, connectors, cors, explain, forward, loggers, objects, offsets, plugins,
    root,
};
use crate::worker::Operation;

/// A request whose body has not come within this time is refused.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The API as one listener shows it.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) api: Arc<Api>,
    pub(super) events: Arc<Events>,
    pub(super) part: Part,
}

impl Service {
    /// Answers a request, whatever it is.
    pub(super) async fn answer(
        self,
        request: Request<Incoming>,
        from: (SocketAddr, Client),
    ) -> Reply {
        let started = Instant::now();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let origin = request.headers().get(ORIGIN).cloned();
        let route = Route::find(&path, self.part);
        let name = route.as_ref().map_or("none", Route::name);
        let changes = audit::changes(&method, route.as_ref());
        // Before anything else: nobody learns what is there without being let in.
        let admitted = self.admit((request.method(), request.uri(), request.headers()), &from);
        let (principal, mut reply) = match admitted.await {
            Err(refused) => (None, refused.reply()),
            Ok(visit) => {
                let principal = visit.principal.clone();
                let answered = self.route(route, request, visit).await;
                (principal, answered.unwrap_or_else(|error| error.reply()))
            }
        };
        if self.api.gate.as_ref().is_some_and(Gate::asks) {
            let audited = audit::Audited {
                peer: from.0,
                principal: principal.as_ref().map(|principal| &*principal.name),
                method: &method,
                path: &path,
                changes,
            };
            audited.done(self.api.config.audit, reply.status());
        }
        cors::apply(&self.api.config, origin.as_ref(), reply.headers_mut());
        self.api
            .config
            .response_headers
            .iter()
            .for_each(|header| header.apply(reply.headers_mut()));
        if method == Method::HEAD {
            *reply.body_mut() = Full::default();
        }
        self.events
            .answered(&method, &path, name, reply.status(), started.elapsed());
        reply
    }

    async fn admit(
        &self,
        (method, uri, headers): (&Method, &Uri, &HeaderMap),
        (peer, client): &(SocketAddr, Client),
    ) -> Result<Visit, Refused> {
        let Some(gate) = &self.api.gate else {
            return Ok(Visit::default());
        };
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let signed = Signed { method, target };
        gate.admit(&signed, headers, (peer.ip(), client)).await
    }

    async fn route(
        &self,
        route: Option<Route>,
        request: Request<Incoming>,
        visit: Visit,
    ) -> Result<Reply, ApiError> {
        let route = route.ok_or_else(|| ApiError::plain(StatusCode::NOT_FOUND))?;
        if request.method() == Method::OPTIONS {
            let reply = respond::with_allow(respond::empty(StatusCode::OK), &route.allow());
            return Ok(cors::preflight(&self.api.config, request.headers(), reply));
        }
        // HEAD is answered as GET; hyper sends no body then.
        let method = if request.method() == Method::HEAD {
            Method::GET
        } else {
            request.method().clone()
        };
        if !route.methods().contains(&method) {
            let error = ApiError::plain(StatusCode::METHOD_NOT_ALLOWED);
            return Ok(respond::with_allow(error.reply(), &route.allow()));
        }
        if let Some(principal) = &visit.principal {
            Need::of(&route, &method).check(principal)?;
        }
        let limit = self.api.config.max_body_bytes;
        let reading =
            tokio::time::timeout(BODY_TIMEOUT, Call::read(method, request, visit, limit)).await;
        let call = reading.map_err(|_| ApiError::plain(StatusCode::REQUEST_TIMEOUT))??;
        if let (Some(principal), Some(name)) = (&call.principal, created(&route, &call)) {
            principal.check(Operation::Write, &name)?;
        }
        self.carry_out(route, call).await
    }

    /// Runs the handler to its end, whatever happens to the connection, and waits for it for a bounded time.
    async fn carry_out(&self, route: Route, call: Call) -> Result<Reply, ApiError> {
        let api = Arc::clone(&self.api);
        let handler = tokio::spawn(async move { forward::serve(&api, route, &call).await });
        match tokio::time::timeout(self.api.config.request_timeout, handler).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::error!(%error, "a REST handler ended abnormally");
                Err(ApiError::plain(StatusCode::INTERNAL_SERVER_ERROR))
            }
            Err(_) => Err(ApiError::timed_out()),
        }
    }
}

/// The connector that a request makes, where its body names it. What cannot be read is refused by its handler.
fn created(route: &Route, call: &Call) -> Option<String> {
    let creates = *route == Route::Connectors && call.method == Method::POST;
    let request = creates.then(|| body::create(&call.body))?;
    Some(request.ok()?.name)
}

/// Answers a request that this worker carries out.
pub(super) async fn handle(api: &Api, route: Route, call: &Call) -> Result<Reply, ApiError> {
    match route {
        Route::Root => root::info(api).await,
        Route::Health => Ok(root::health(api)),
        Route::Plugins => Ok(plugins::list(call)),
        Route::PluginConfig(class) => plugins::config(&class),
        Route::Validate(class) => plugins::validate(api, &class, call).await,
        Route::Explain(class) => explain::explained(api, &class, call).await,
        Route::Objects(name) => objects::list(api, &name, call).await,
        Route::ObjectPreview(name) => objects::preview(api, &name, call).await,
        Route::ObjectLink(name) => objects::link(api, &name, call).await,
        Route::Loggers => Ok(loggers::all(api)),
        Route::Logger(name) => loggers::one(api, &name, call).await,
        Route::Offsets(name) => offsets::serve(api, &name, call).await,
        other => connectors::serve(api, other, call).await,
    }
}
