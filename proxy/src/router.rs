//! Method and path → route. The table of everything that is served (v3's rows are in [`v3`]); the whole API's matching rules.
//!
//! In: a request's method and path. Out: a [`Matched`]: a route and the spans of its path parameters, or the reason
//! why there is none. As in JAX-RS a slash at the end makes no difference, HEAD is answered by GET's route, OPTIONS by
//! any resource, and an unknown method of a known path is a 405.

mod consumers;
mod v3;

use http::Method;

use crate::config::Endpoints;
use crate::error::Error;
use crate::format::Format;
use crate::media::{MediaType, Offer, Offers};

pub use v3::V3;

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `GET /`
    Root,
    /// `POST /`
    RootPost,
    /// `GET /brokers`
    Brokers,
    /// `GET /topics`
    Topics,
    /// `GET /topics/{topic}`
    Topic,
    /// `POST /topics/{topic}`
    ProduceToTopic,
    /// `GET /topics/{topic}/partitions`
    Partitions,
    /// `GET /topics/{topic}/partitions/{partition}`
    Partition,
    /// `POST /topics/{topic}/partitions/{partition}`
    ProduceToPartition,
    /// `GET /topics/{topic}/partitions/{partition}/offsets`
    PartitionOffsets,
    /// `GET /topics/{topic}/partitions/{partition}/records`
    PartitionRecords,
    /// `POST /consumers/{group}`
    CreateConsumer,
    /// `DELETE /consumers/{group}/instances/{instance}`
    DeleteConsumer,
    /// `POST /consumers/{group}/instances/{instance}/subscription`
    Subscribe,
    /// `GET /consumers/{group}/instances/{instance}/subscription`
    Subscription,
    /// `DELETE /consumers/{group}/instances/{instance}/subscription`
    Unsubscribe,
    /// `POST /consumers/{group}/instances/{instance}/assignments`
    Assign,
    /// `GET /consumers/{group}/instances/{instance}/assignments`
    Assignments,
    /// `POST /consumers/{group}/instances/{instance}/positions`
    Seek,
    /// `POST /consumers/{group}/instances/{instance}/positions/beginning`
    SeekToBeginning,
    /// `POST /consumers/{group}/instances/{instance}/positions/end`
    SeekToEnd,
    /// `POST /consumers/{group}/instances/{instance}/offsets`
    Commit,
    /// `GET /consumers/{group}/instances/{instance}/offsets`
    Committed,
    /// `GET /consumers/{group}/instances/{instance}/records`
    Records,
    /// `GET /openapi.json`
    OpenApi,
    /// `GET /docs`
    Docs,
    /// The v3 API but for records.
    V3(V3),
    /// `POST /v3/clusters/{cluster}/topics/{topic}/records`
    V3Records,
    /// `POST /v3/clusters/{cluster}/topics/{topic}/records:batch`
    V3RecordsBatch,
}

/// The media types of a body that a route reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consumes {
    /// Whatever the request says.
    Anything,
    /// One of these.
    These(Vec<MediaType>),
}

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Route {
    /// The path, parameters in braces.
    pub template: &'static str,
    /// The name in `api.endpoints.blocklist` and `rate.limit.costs`.
    pub name: &'static str,
    /// The method.
    pub method: Method,
    /// What it does.
    pub endpoint: Endpoint,
    /// What it reads.
    pub consumes: Consumes,
    /// What it answers in.
    pub offers: &'static [Offer],
}

/// A path and its routes.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The path, parameters in braces.
    pub template: &'static str,
    /// Indexes of its routes.
    routes: Vec<usize>,
    /// Methods it has, in the original's order: the answer to OPTIONS.
    pub allowed: Vec<&'static str>,
    /// A GET that is blocked makes the path look unknown.
    hidden: bool,
}

/// What a request was matched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// Route, or why there is none.
    pub target: Target,
    params: Params,
}

/// Route, or why there is none; numbers are indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// This route.
    Route(usize),
    /// OPTIONS of this resource.
    Options(usize),
    /// This resource has no such method.
    NoMethod(usize),
    /// No resource has this path.
    NoPath,
}

const MAX_PARAMS: usize = 6;

/// Where in the path the parameters stand, in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Params {
    spans: [(u16, u16); MAX_PARAMS],
}

impl Matched {
    /// The path parameter of this number, decoded.
    ///
    /// # Errors
    /// It is not UTF-8, or has a broken escape.
    pub fn param(&self, path: &str, number: usize) -> Result<String, Error> {
        let (start, end) = self.params.spans.get(number).copied().unwrap_or_default();
        decode(path.get(start as usize..end as usize).unwrap_or_default())
            .ok_or(Error::PathParameter)
    }
}

/// All routes.
#[derive(Debug)]
pub struct Router {
    offers: Offers,
    paths: matchit::Router<usize>,
    resources: Vec<Resource>,
    routes: Vec<Route>,
}

#[derive(Clone)]
struct Row(&'static str, Method, Endpoint, &'static str, Reads);

/// What a row of the table reads.
#[derive(Clone, Copy)]
enum Reads {
    Anything,
    V2,
    /// The formats of produce requests; the name goes on with the format's.
    Records,
    /// Any type of v2; answers in any, too.
    Consumers,
    /// Nothing; answers in the formats of records. The name goes on with the format's.
    Consumed,
    /// Plain JSON, as all of v3.
    V3,
    /// Nothing; the answer is plain JSON.
    V3Bodiless,
}

/// Everything that is served. The names are those of `api.endpoints.blocklist`.
fn table() -> Vec<Row> {
    use Endpoint as E;
    let (get, post) = (Method::GET, Method::POST);
    let mut rows = vec![
        Row("/", get.clone(), E::Root, "api.v2.root.get", Reads::V2),
        Row(
            "/",
            post.clone(),
            E::RootPost,
            "api.v2.root.post",
            Reads::V2,
        ),
        Row(
            "/brokers",
            get.clone(),
            E::Brokers,
            "api.v2.brokers.list",
            Reads::Anything,
        ),
        Row(
            "/topics",
            get.clone(),
            E::Topics,
            "api.v2.topics.list",
            Reads::V2,
        ),
        Row(
            "/topics/{topic}",
            get.clone(),
            E::Topic,
            "api.v2.topics.get",
            Reads::V2,
        ),
        Row(
            "/topics/{topic}",
            post.clone(),
            E::ProduceToTopic,
            "api.v2.produce-to-topic",
            Reads::Records,
        ),
        Row(
            "/topics/{topic}/partitions",
            get.clone(),
            E::Partitions,
            "api.v2.partitions.list",
            Reads::V2,
        ),
        Row(
            "/topics/{topic}/partitions/{partition}",
            get.clone(),
            E::Partition,
            "api.v2.partitions.get",
            Reads::V2,
        ),
        Row(
            "/topics/{topic}/partitions/{partition}",
            post,
            E::ProduceToPartition,
            "api.v2.produce-to-partition",
            Reads::Records,
        ),
        Row(
            "/topics/{topic}/partitions/{partition}/offsets",
            get.clone(),
            E::PartitionOffsets,
            "api.v2.partitions.get-offsets",
            Reads::V2,
        ),
        Row(
            "/topics/{topic}/partitions/{partition}/records",
            get,
            E::PartitionRecords,
            "api.v2.partitions.consume-",
            Reads::Consumed,
        ),
        Row(
            "/v3/clusters/{cluster}/topics/{topic}/records",
            Method::POST,
            E::V3Records,
            "api.v3.produce.produce-to-topic",
            Reads::V3,
        ),
        Row(
            "/v3/clusters/{cluster}/topics/{topic}/records:batch",
            Method::POST,
            E::V3RecordsBatch,
            "api.v3.batch-produce.produce-to-topic",
            Reads::V3,
        ),
    ];
    rows.extend(consumers::rows());
    rows.extend(openapi());
    rows
}

/// The API's description.
fn openapi() -> [Row; 2] {
    [
        Row(
            "/openapi.json",
            Method::GET,
            Endpoint::OpenApi,
            "api.openapi.get",
            Reads::V3Bodiless,
        ),
        Row(
            "/docs",
            Method::GET,
            Endpoint::Docs,
            "api.openapi.page",
            Reads::V3Bodiless,
        ),
    ]
}

/// The formats that records can be read in, as the endpoints' names have them.
const FORMATS: [&str; 5] = ["binary", "json", "avro", "json-schema", "protobuf"];

/// The formats that records can be posted in.
const PRODUCED: [MediaType; 5] = [
    MediaType::V2Binary,
    MediaType::V2Json,
    MediaType::V2Avro,
    MediaType::V2JsonSchema,
    MediaType::V2Protobuf,
];

impl Router {
    /// The routes of the endpoints that are served, in the media types of `offers`.
    ///
    /// # Errors
    /// Two paths of the table exclude one another.
    pub fn new(endpoints: &Endpoints, offers: Offers) -> Result<Self, matchit::InsertError> {
        let mut router = Self {
            offers,
            paths: matchit::Router::new(),
            resources: Vec::new(),
            routes: Vec::new(),
        };
        let enabled = |name: &str| {
            (endpoints.v2 || !name.starts_with("api.v2."))
                && (endpoints.v3 || !name.starts_with("api.v3."))
                && (endpoints.openapi || !name.starts_with("api.openapi."))
        };
        let rows = table().into_iter().chain(v3::table());
        for row in rows.filter(|Row(.., name, _)| enabled(name)) {
            router.add(&row, endpoints)?;
        }
        for resource in &mut router.resources {
            let methods = resource
                .routes
                .iter()
                .filter_map(|route| router.routes.get(*route));
            resource.allowed = allowed(methods.map(|route| &route.method));
        }
        Ok(router)
    }

    fn add(&mut self, row: &Row, endpoints: &Endpoints) -> Result<(), matchit::InsertError> {
        let Row(template, method, endpoint, name, reads) = row;
        let at = match self
            .resources
            .iter()
            .position(|resource| resource.template == *template)
        {
            Some(at) => at,
            None => {
                self.paths.insert(*template, self.resources.len())?;
                let resource = Resource {
                    template,
                    routes: Vec::new(),
                    allowed: Vec::new(),
                    hidden: false,
                };
                self.resources.push(resource);
                self.resources.len() - 1
            }
        };
        let consumes = match reads {
            Reads::Anything | Reads::Consumed | Reads::V3Bodiless => Consumes::Anything,
            Reads::Consumers => Consumes::These(self.offers.reads_consumers()),
            Reads::V2 => Consumes::These(self.offers.reads_v2()),
            Reads::Records => Consumes::These(served_formats(name, endpoints, self.offers)),
            Reads::V3 => Consumes::These(vec![MediaType::Json]),
        };
        let served = match &consumes {
            Consumes::These(media) if matches!(reads, Reads::Records) => !media.is_empty(),
            _ if matches!(reads, Reads::Consumed) => FORMATS
                .iter()
                .any(|format| endpoints.serves(&format!("{name}{format}"))),
            _ => endpoints.serves(name),
        };
        if let Some(resource) = self.resources.get_mut(at) {
            if served {
                resource.routes.push(self.routes.len());
            } else {
                resource.hidden |= *method == Method::GET;
            }
        }
        if served {
            let (method, endpoint) = (method.clone(), *endpoint);
            self.routes.push(Route {
                template,
                name,
                method,
                endpoint,
                consumes,
                offers: match reads {
                    Reads::Consumers => self.offers.consumers(),
                    Reads::Consumed => self.offers.records(),
                    Reads::Anything | Reads::V2 | Reads::Records => self.offers.v2(),
                    Reads::V3 | Reads::V3Bodiless => self.offers.json(),
                },
            });
        }
        Ok(())
    }

    /// All routes.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The number of the route that does this, if it is served.
    #[must_use]
    pub fn route_of(&self, endpoint: Endpoint) -> Option<usize> {
        self.routes
            .iter()
            .position(|route| route.endpoint == endpoint)
    }

    /// All resources.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Finds what answers a request.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Matched {
        let path = path
            .strip_suffix('/')
            .filter(|rest| !rest.is_empty())
            .unwrap_or(path);
        let respelt = v3::respell(path);
        let path = respelt.as_deref().unwrap_or(path);
        let (at, params) = match self.paths.at(path) {
            Ok(found) => (*found.value, spans(path, &found.params)),
            Err(_) => {
                return Matched {
                    target: Target::NoPath,
                    params: Params::default(),
                };
            }
        };
        Matched {
            target: self.target(at, method),
            params,
        }
    }

    fn target(&self, at: usize, method: &Method) -> Target {
        let Some(resource) = self.resources.get(at) else {
            return Target::NoPath;
        };
        let answered_by = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let mut routes = resource
            .routes
            .iter()
            .filter_map(|index| Some((*index, self.routes.get(*index)?)));
        match routes.find(|(_, route)| route.method == *answered_by) {
            Some((index, _)) => Target::Route(index),
            None if resource.hidden && *answered_by == Method::GET => Target::NoPath,
            None if resource.routes.is_empty() => Target::NoMethod(at),
            None if method == Method::OPTIONS => Target::Options(at),
            None => Target::NoMethod(at),
        }
    }
}

fn served_formats(name: &str, endpoints: &Endpoints, offers: Offers) -> Vec<MediaType> {
    let served = |media: &MediaType| {
        let format = Format::of_media(*media).map_or("", |format| match format {
            Format::JsonSchema => "json-schema",
            other => other.name(),
        });
        endpoints.serves(&format!("{name}.{format}"))
    };
    let served = PRODUCED.into_iter().filter(served);
    served
        .flat_map(|media| offers.reads_format(media))
        .collect()
}

/// The methods of a resource, HEAD and OPTIONS included, in the order of the original (that of a Java hash set).
fn allowed<'m>(methods: impl Iterator<Item = &'m Method>) -> Vec<&'static str> {
    const ORDER: [&str; 7] = ["HEAD", "DELETE", "POST", "GET", "OPTIONS", "PATCH", "PUT"];
    let methods: Vec<&str> = methods.map(Method::as_str).collect();
    let has = |name: &&str| match *name {
        "OPTIONS" => true,
        "HEAD" => methods.contains(&"GET"),
        name => methods.contains(&name),
    };
    ORDER.into_iter().filter(has).collect()
}

fn spans(path: &str, params: &matchit::Params<'_, '_>) -> Params {
    let mut spans = Params::default();
    let base = path.as_ptr() as usize;
    for (span, (_, value)) in spans.spans.iter_mut().zip(params.iter()) {
        let start = value.as_ptr() as usize - base;
        let narrow = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        *span = (narrow(start), narrow(start + value.len()));
    }
    spans
}

/// Undoes `%20` and the like.
pub(crate) fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
