//! A matched request → its handler: media types first, as the original does, then the handler, then its answer.

use std::sync::Arc;

use http::{HeaderMap, Method, Request as HttpRequest, header};
use hyper::body::Incoming;

use crate::api::own;
use crate::api::v2::{
    brokers, consumer_records, consumers, partition_records, partitions, raw, records, root, topics,
};
use crate::api::v3;
use crate::api::{Asked, Caller, Request};
use crate::app::App;
use crate::auth::principal::OwnClients;
use crate::body::Body;
use crate::error::Error;
use crate::events;
use crate::kinesis;
use crate::layer::Call;
use crate::media::{self, Negotiated};
use crate::openapi;
use crate::peers::{self, Passed};
use crate::respond::{self, Response};
use crate::router::{Consumes, Endpoint, Matched, Route, Target};
use crate::sse;

/// Answers a call.
pub async fn dispatch(app: &Arc<App>, call: Call) -> Response {
    let Call {
        mut request,
        matched,
        active,
        place,
        peer,
        principal,
        account,
        trace,
        stage,
    } = call;
    let greeted = app.peers.as_ref();
    let greeted = greeted.and_then(|peers| peers.greet(request.uri().path(), request.headers()));
    if let Some(answer) = greeted {
        return answer;
    }
    let passed = app.peers.as_ref().and_then(|peers| {
        let own = Passed::of(&peer, principal.as_deref(), stage.as_deref());
        peers::introduce(peers, request.headers_mut(), own)
    });
    let own = principal.as_deref().and_then(|known| known.own.as_ref());
    let app = own.map_or(app, |OwnClients(app)| app);
    let caller = Caller {
        peer: &peer,
        secure: passed.as_ref().map_or(peer.client.secure, |p| p.secure),
        principal: principal.as_deref(),
        account: account.as_ref(),
        trace,
        stage: passed
            .as_ref()
            .map_or(stage.as_deref(), |p| p.stage.as_deref()),
    };
    let head = request.method() == Method::HEAD;
    let mut response = match matched.target {
        Target::Route(index) => match app.router.routes().get(index) {
            // A path that nobody need be known for does not reach Kafka as the proxy.
            Some(route) if app.callers.is_some() && !is_open(route.endpoint) => {
                let basic = Some(app.config.security.realm.clone());
                respond::error(&Error::Unauthenticated { basic }, None)
            }
            Some(route) => serve(app, route, matched, caller, request).await,
            None => respond::error(&Error::Internal, None),
        },
        Target::Options(_) if app.config.http.reject_options => {
            respond::error(&Error::NoSuchMethod, None)
        }
        Target::Options(index) => {
            let allowed = app
                .router
                .resources()
                .get(index)
                .map(|resource| resource.allowed.as_slice());
            let accepted = media::first_accepted(request.headers().get(header::ACCEPT));
            respond::options(allowed.unwrap_or_default(), accepted)
        }
        Target::NoMethod(_) => respond::error(&Error::NoSuchMethod, None),
        Target::NoPath => respond::error(&Error::NoSuchPath, None),
    };
    match response.body_mut() {
        // A stream of answers is work until its end.
        Body::Stream(answers) => answers.keep((active, place)),
        Body::Forwarded(answer) => answer.keep((active, place)),
        Body::Pushed(events) => events.keep((active, place)),
        _ => drop((active, place)),
    }
    if head {
        with_length(response)
    } else {
        response
    }
}

async fn serve(
    app: &Arc<App>,
    route: &Route,
    matched: Matched,
    caller: Caller<'_>,
    request: HttpRequest<Incoming>,
) -> Response {
    match route.endpoint {
        Endpoint::OpenApi | Endpoint::Docs | Endpoint::Kinesis(_) if !route.served => {
            return respond::error(&blocked(request.method()), None);
        }
        Endpoint::OpenApi | Endpoint::Docs => return openapi::answer(app, route.endpoint),
        Endpoint::Kinesis(resource) => {
            return Box::pin(kinesis::answer(app, resource, matched, caller, request)).await;
        }
        _ => {}
    }
    let headers = request.headers();
    let accepted = || headers.get_all(header::ACCEPT).iter();
    let media = match &route.consumes {
        Consumes::Anything => Ok(None),
        Consumes::These(types) => media::content_type(headers.get(header::CONTENT_TYPE), types),
    };
    let media = match media {
        Ok(media) => media,
        Err(Error::UnsupportedMediaType | Error::MalformedMediaType)
            if route.served && raw::takes(app, route, &matched, &request) =>
        {
            return Box::pin(raw_records(app, route, matched, caller, request)).await;
        }
        Err(error @ Error::UnsupportedMediaType) => {
            let negotiated = Negotiated::plain(media::for_unsupported(accepted()));
            return respond::error(&error, Some(&negotiated));
        }
        Err(error) => return respond::error(&error, None),
    };
    let negotiated = if are_events(app, route.endpoint, headers) {
        sse::errors_in()
    } else {
        match media::accept(accepted(), route.offers) {
            Ok(negotiated) => negotiated,
            Err(error) => return respond::error(&error, None),
        }
    };
    if !route.serves(media) {
        return refused(app, &blocked(request.method()), &negotiated);
    }
    let (parts, body) = request.into_parts();
    let asked = Asked {
        endpoint: route.endpoint,
        matched,
        parts: &parts,
        media,
        negotiated: &negotiated,
        caller,
    };
    let peers = app.peers.as_ref();
    let result = match peers.filter(|_| peers::is_of_instance(route.template)) {
        Some(peers) => Box::pin(peers::answer(app, peers, asked, body)).await,
        None => handle(route.endpoint, &asked.request(app), body).await,
    };
    result.unwrap_or_else(|error| refused(app, &error, &negotiated))
}

/// What `api.endpoints.*` make of a request: where a GET is answered, HEAD is one, in JAX-RS before anything looks.
fn blocked(method: &Method) -> Error {
    if matches!(*method, Method::GET | Method::HEAD) {
        Error::NoSuchPath
    } else {
        Error::NoSuchMethod
    }
}

/// Whether it is answered without Kafka.
const fn is_open(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::Root | Endpoint::RootPost | Endpoint::OpenApi | Endpoint::Docs
    )
}

/// Whether records are to come as events.
fn are_events(app: &App, endpoint: Endpoint, headers: &HeaderMap) -> bool {
    matches!(endpoint, Endpoint::Records | Endpoint::PartitionRecords)
        && app.config.sse.max_streams > 0
        && sse::wanted(headers)
}

fn refused(app: &App, error: &Error, negotiated: &Negotiated) -> Response {
    events::refused(&app.metrics, error);
    respond::error(error, Some(negotiated))
}

/// A produce request whose body is no envelope, for a topic that takes it.
async fn raw_records(
    app: &Arc<App>,
    route: &Route,
    matched: Matched,
    caller: Caller<'_>,
    request: HttpRequest<Incoming>,
) -> Response {
    let negotiated = raw::answered_in(request.headers());
    let (parts, body) = request.into_parts();
    let asked = Asked {
        endpoint: route.endpoint,
        matched,
        parts: &parts,
        media: None,
        negotiated: &negotiated,
        caller,
    };
    let request = asked.request(app);
    let partition = match route.endpoint {
        Endpoint::ProduceToPartition => request.partition().map(Some),
        _ => Ok(None),
    };
    let result = match partition {
        Ok(partition) => raw::write(&request, partition, body).await,
        Err(error) => Err(error),
    };
    result.unwrap_or_else(|error| refused(app, &error, &negotiated))
}

/// Producing is what must be quick; the futures of the others are boxed to keep its own small.
pub(crate) async fn handle(
    endpoint: Endpoint,
    request: &Request<'_>,
    body: Incoming,
) -> Result<Response, Error> {
    match endpoint {
        Endpoint::ProduceToTopic => records::to_topic(request, body).await,
        Endpoint::ProduceToPartition => records::to_partition(request, body).await,
        Endpoint::Root => root::get(request),
        Endpoint::RootPost => Box::pin(root::post(request, body)).await,
        Endpoint::Brokers => Box::pin(brokers::list(request)).await,
        Endpoint::Topics => Box::pin(topics::list(request)).await,
        Endpoint::Topic => Box::pin(topics::get(request)).await,
        Endpoint::Partitions => Box::pin(partitions::list(request)).await,
        Endpoint::Partition => Box::pin(partitions::get(request)).await,
        Endpoint::CreateConsumer => Box::pin(consumers::create(request, body)).await,
        Endpoint::DeleteConsumer => Box::pin(consumers::delete(request)).await,
        Endpoint::Subscribe => Box::pin(consumers::subscribe(request, body)).await,
        Endpoint::Subscription => Box::pin(consumers::subscription(request)).await,
        Endpoint::Unsubscribe => Box::pin(consumers::unsubscribe(request)).await,
        Endpoint::Assign => Box::pin(consumers::assign(request, body)).await,
        Endpoint::Assignments => Box::pin(consumers::assignments(request)).await,
        Endpoint::Seek => Box::pin(consumers::seek(request, body)).await,
        Endpoint::SeekToBeginning => Box::pin(consumers::seek_to_beginning(request, body)).await,
        Endpoint::SeekToEnd => Box::pin(consumers::seek_to_end(request, body)).await,
        Endpoint::Commit => Box::pin(consumers::commit(request, body)).await,
        Endpoint::Committed => Box::pin(consumers::committed(request, body)).await,
        Endpoint::Records if are_events(request.app, endpoint, request.headers) => {
            Box::pin(consumer_records::events(request)).await
        }
        Endpoint::PartitionRecords if are_events(request.app, endpoint, request.headers) => {
            Box::pin(partition_records::events(request)).await
        }
        Endpoint::Records => Box::pin(consumer_records::read(request)).await,
        Endpoint::PartitionRecords => Box::pin(partition_records::read(request)).await,
        Endpoint::PartitionOffsets => Box::pin(partitions::offsets(request)).await,
        Endpoint::V3(endpoint) => v3::answer(endpoint, request, body).await,
        Endpoint::OwnTopics => Box::pin(own::topics::list(request)).await,
        Endpoint::OwnConsumers => own::consumers::list(request),
        Endpoint::OpenApi | Endpoint::Docs => Ok(openapi::answer(request.app, endpoint)),
        // Answered before media types are looked at.
        Endpoint::Kinesis(_) => Err(Error::Internal),
        Endpoint::V3Records => v3::records::stream(request, body).await,
        Endpoint::V3RecordsBatch => Box::pin(v3::batch::produce(request, body)).await,
    }
}

/// The answer to HEAD has the length of the body that GET would have.
fn with_length(mut response: Response) -> Response {
    let bytes = std::mem::take(response.body_mut()).into_bytes();
    *response.body_mut() = Body::Sized(bytes);
    response
}
