//! Handlers, one file a resource. Each turns what the router, the media types and the body gave it into a response.

pub(crate) mod own;
pub mod v2;
pub mod v3;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Uri};
use hyper::body::Incoming;
use sluiceway_common::traces::TraceParent;

use crate::admission::Permit;
use crate::app::App;
use crate::auth::principal::Principal;
use crate::auth::rights::Operation;
use crate::base_url::base_url;
use crate::body::{self, Limits};
use crate::decompress::Encoding;
use crate::error::Error;
use crate::media::{MediaType, Negotiated};
use crate::router::{self, Endpoint, Matched};
use crate::server::Peer;
use sluiceway_common::meters::Account;

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
    /// Who sent it.
    pub caller: Caller<'a>,
}

/// What a route and the headers tell of a request, before anybody looks at its body.
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) matched: Matched,
    pub(crate) parts: &'a Parts,
    pub(crate) media: Option<MediaType>,
    pub(crate) negotiated: &'a Negotiated,
    pub(crate) caller: Caller<'a>,
}

impl<'a> Asked<'a> {
    /// The request, whose body is still to be read.
    pub(crate) fn request(&self, app: &'a Arc<App>) -> Request<'a> {
        Request {
            app,
            path: self.parts.uri.path(),
            uri: &self.parts.uri,
            headers: &self.parts.headers,
            matched: self.matched,
            media: self.media,
            negotiated: self.negotiated,
            read: None,
            caller: self.caller,
        }
    }
}

/// What is known of whoever sent a request.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// The other end of the connection.
    pub peer: &'a Peer,
    /// Whether the client came by https.
    pub secure: bool,
    /// Who it is, when that has to be known.
    pub principal: Option<&'a Principal>,
    /// Whom its bytes and records are charged to, when they are limited.
    pub account: Option<&'a Arc<Account>>,
    /// The span that the request is.
    pub trace: Option<TraceParent>,
    /// The stage in front of the path.
    pub stage: Option<&'a str>,
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

    /// `http` or `https`, as the client came in.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.caller.secure { "https" } else { "http" }
    }

    /// The beginning of absolute URLs in the answer.
    #[must_use]
    pub fn base_url(&self) -> String {
        let urls = &self.app.config.urls;
        let base = base_url(urls, self.scheme(), self.uri, self.headers);
        match self.caller.stage {
            // The public address is all that clients see: it says itself whether a stage belongs to it.
            Some(stage) if urls.public_url.is_none() => format!("{base}/{stage}"),
            _ => base,
        }
    }

    /// Refuses what the caller may not do with this topic.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn check(&self, operation: Operation, topic: &str) -> Result<(), Error> {
        self.caller
            .principal
            .map_or(Ok(()), |principal| principal.check(operation, topic))
    }

    /// Whether the caller may know of this topic.
    #[must_use]
    pub fn may_see(&self, topic: &str) -> bool {
        self.check(Operation::Describe, topic).is_ok()
    }

    /// Charges what the request has brought.
    pub fn charge(&self, bytes: usize, records: usize) {
        if let Some(account) = self.caller.account {
            account.charge(bytes, records);
        }
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

    /// Whether the body is compressed, and is to be read as what it was before.
    ///
    /// # Errors
    /// In a way that is not known.
    pub fn is_compressed(&self) -> Result<bool, Error> {
        let reads = self.app.config.http.decompression;
        Ok(reads && Encoding::of(self.headers)?.is_some())
    }

    /// Reads the body.
    ///
    /// # Errors
    /// See [`body::read`].
    pub async fn body(&self, body: Incoming) -> Result<(Bytes, Permit), Error> {
        self.body_within(body, self.app.body_limits()).await
    }

    /// The same, with limits of its own.
    ///
    /// # Errors
    /// As [`Request::body`].
    pub async fn body_within(
        &self,
        body: Incoming,
        limits: Limits,
    ) -> Result<(Bytes, Permit), Error> {
        let mut permit = self.app.admission.empty();
        if let Some(read) = &self.read {
            return Ok((read.clone(), permit));
        }
        if self.app.config.http.decompression
            && let Some(encoding) = Encoding::of(self.headers)?
        {
            let bytes = body::read(body, limits, &mut permit).await?;
            let (bytes, permit) = encoding.decode(bytes, limits.max_bytes, permit).await?;
            self.charge(bytes.len(), 0);
            return Ok((bytes, permit));
        }
        let bytes = body::read(body, limits, &mut permit).await?;
        self.charge(bytes.len(), 0);
        Ok((bytes, permit))
    }
}
