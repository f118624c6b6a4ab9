//! Method and path → route: the whole API's matching rules. What is served stands in [`table`].
//!
//! In: a request's method and path. Out: a [`Matched`]: a route and the spans of its path parameters, or the reason
//! why there is none. As in JAX-RS a slash at the end makes no difference, HEAD is answered by GET's route, OPTIONS by
//! any resource, and an unknown method of a known path is a 405.

mod consumers;
mod endpoint;
mod kinesis;
mod matched;
mod table;
mod v3;

use http::Method;

use crate::config::Endpoints;
use crate::format::Format;
use crate::media::{MediaType, Offer, Offers, PRODUCED};
use table::{FORMATS, Reads, Row, table};

pub use endpoint::Endpoint;
pub use kinesis::Kinesis;
pub(crate) use matched::decode;
pub use matched::{Matched, Target};
pub use v3::V3;
pub(crate) use v3::{config_type, is_config_type};

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
    /// Whether `api.endpoints.*` leave it in. If not, it is refused once media types are known, as in the original.
    pub served: bool,
    /// Formats of records that they take out of it: each is an endpoint of its own there.
    pub blocked: Vec<Format>,
}

impl Route {
    /// Whether it is there for a body of this media type; records that do not tell theirs are JSON.
    #[must_use]
    pub fn serves(&self, media: Option<MediaType>) -> bool {
        let format = || Format::of_media(media.unwrap_or(MediaType::V2Json));
        let blocked =
            !self.blocked.is_empty() && format().is_some_and(|one| self.blocked.contains(&one));
        self.served && !blocked
    }
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
}

/// All routes.
#[derive(Debug)]
pub struct Router {
    offers: Offers,
    paths: matchit::Router<usize>,
    resources: Vec<Resource>,
    routes: Vec<Route>,
}

impl Router {
    /// The routes of the APIs that are served, in the media types of `offers`.
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
                && (endpoints.kinesis || !name.starts_with("api.kinesis."))
        };
        for row in table().into_iter().filter(|Row(.., name, _)| enabled(name)) {
            router.add(&row, endpoints)?;
        }
        if endpoints.kinesis && endpoints.serves(kinesis::CALL) {
            router.routes.push(Route {
                // It has no path of its own: a header tells it from `POST /`.
                template: "kinesis",
                name: kinesis::CALL,
                method: Method::POST,
                endpoint: Endpoint::Kinesis(Kinesis::Call),
                consumes: Consumes::Anything,
                offers: offers.json(),
                served: true,
                blocked: Vec::new(),
            });
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
                };
                self.resources.push(resource);
                self.resources.len() - 1
            }
        };
        let consumes = match reads {
            Reads::Anything | Reads::ConsumedBodiless | Reads::V3Bodiless => Consumes::Anything,
            Reads::Consumers | Reads::Consumed => Consumes::These(self.offers.reads_consumers()),
            Reads::V2 => Consumes::These(self.offers.reads_v2()),
            Reads::Records => Consumes::These(self.offers.reads_records()),
            Reads::V3 => Consumes::These(vec![MediaType::Json]),
        };
        let of_formats = || FORMATS.map(|format| endpoints.serves(&format!("{name}{format}")));
        let blocked = match reads {
            Reads::Records => blocked_formats(name, endpoints),
            _ => Vec::new(),
        };
        let served = match reads {
            Reads::Records => blocked.len() < PRODUCED.len(),
            Reads::Consumed | Reads::ConsumedBodiless => of_formats().contains(&true),
            _ => endpoints.serves(name),
        };
        if let Some(resource) = self.resources.get_mut(at) {
            resource.routes.push(self.routes.len());
        }
        self.routes.push(Route {
            template,
            name,
            method: method.clone(),
            endpoint: *endpoint,
            consumes,
            offers: match reads {
                Reads::Consumers => self.offers.consumers(),
                Reads::Consumed | Reads::ConsumedBodiless => self.offers.records(),
                Reads::Anything | Reads::V2 | Reads::Records => self.offers.v2(),
                Reads::V3 | Reads::V3Bodiless => self.offers.json(),
            },
            served,
            blocked,
        });
        Ok(())
    }

    /// All routes.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The number of the route that does this, if its API is served.
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
        match self.paths.at(path) {
            Ok(found) => Matched::new(self.target(*found.value, method), path, &found.params),
            Err(_) => Matched::no_path(),
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
            None if method == Method::OPTIONS => Target::Options(at),
            None => Target::NoMethod(at),
        }
    }
}

/// The formats of a produce request that `api.endpoints.*` take out.
fn blocked_formats(name: &str, endpoints: &Endpoints) -> Vec<Format> {
    let formats = PRODUCED.into_iter().filter_map(Format::of_media);
    let blocked = formats.filter(|format| {
        let format = match format {
            Format::JsonSchema => "json-schema",
            other => other.name(),
        };
        !endpoints.serves(&format!("{name}.{format}"))
    });
    blocked.collect()
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

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
