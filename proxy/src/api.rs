//! Handlers, one file a resource. Each turns what the router, the media types and the body gave it into a response.

pub mod v2;
pub mod v3;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Uri};
use hyper::body::Incoming;

use crate::admission::Permit;
use crate::app::App;
use crate::base_url::base_url;
use crate::body;
use crate::error::Error;
use crate::media::{MediaType, Negotiated};
use crate::router::{self, Matched};

/// A request whose route is known and whose media types fit.
pub struct Request<'a> {
    /// Everything the proxy has.
    pub app: &'a Arc<App>,
    /// The path as it was sent.
    pub path: &'a str,
    /// Path, query, and the authority if the request line has one.
    pub uri: &'a Uri,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Where in it the parameters are.
    pub matched: Matched,
    /// The media type of the body, if the request says.
    pub media: Option<MediaType>,
    /// The media type of the answer.
    pub negotiated: &'a Negotiated,
    /// Its body, if that was read before.
    pub read: Option<Bytes>,
}

impl Request<'_> {
    /// The first query parameter of this name, decoded.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let pairs = self.uri.query()?.split('&');
        let named = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (router::decode(&key.replace('+', " "))? == name)
                .then(|| router::decode(&value.replace('+', " ")))?
        };
        pairs.into_iter().find_map(named)
    }

    /// The beginning of absolute URLs in the answer.
    #[must_use]
    pub fn base_url(&self) -> String {
        base_url(&self.app.config.urls, "http", self.uri, self.headers)
    }

    /// The path parameter `topic`.
    ///
    /// # Errors
    /// It is not UTF-8.
    pub fn topic(&self) -> Result<String, Error> {
        self.matched.param(self.path, 0)
    }

    /// The path parameter `partition`.
    ///
    /// # Errors
    /// It is not a number that Java's `Integer` holds.
    pub fn partition(&self) -> Result<i32, Error> {
        self.matched
            .param(self.path, 1)?
            .parse()
            .map_err(|_| Error::PathParameter)
    }

    /// Reads the body.
    ///
    /// # Errors
    /// See [`body::read`].
    pub async fn body(&self, body: Incoming) -> Result<(Bytes, Permit), Error> {
        let mut permit = self.app.admission.empty();
        if let Some(read) = &self.read {
            return Ok((read.clone(), permit));
        }
        let bytes = body::read(body, self.app.body_limits(), &mut permit).await?;
        Ok((bytes, permit))
    }
}
