//! Limits and times of HTTP, CORS, headers of every answer.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use sluiceway_common::config_def::Values;

use super::millis;
use crate::keep_alive::KeepAlive;
use crate::media::Offers;

/// Limits and times of HTTP.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Whether h2c is spoken, too.
    pub http2: bool,
    /// Streams of one HTTP/2 connection.
    pub http2_max_streams: u32,
    /// Connections at once.
    pub max_connections: usize,
    /// Requests at once.
    pub max_requests: usize,
    /// Request line and headers, in bytes.
    pub max_header_bytes: usize,
    /// Body, in bytes.
    pub max_body_bytes: usize,
    /// Between two pieces of a body.
    pub body_timeout: Duration,
    /// Bytes a second of a body, on average; 0: any.
    pub body_min_rate: usize,
    /// Connection without a request.
    pub idle_timeout: Duration,
    /// How connections are kept besides.
    pub keep_alive: KeepAlive,
    /// Whole request; `None`: no limit.
    pub request_timeout: Option<Duration>,
    /// Requests under way at shutdown.
    pub shutdown_grace: Duration,
    /// Whether answers are compressed.
    pub compression: bool,
    /// Whether compressed bodies are decompressed.
    pub decompression: bool,
    /// Whether OPTIONS is refused.
    pub reject_options: bool,
    /// CORS, when it is on.
    pub cors: Option<CorsConfig>,
    /// Headers of every answer.
    pub extra_headers: Vec<ExtraHeader>,
    /// The media types that routes read and answer in.
    pub media: Offers,
}

/// A header of every answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraHeader {
    /// Its name.
    pub name: HeaderName,
    /// Its value.
    pub value: HeaderValue,
    /// Whether it is added to one of the same name, or replaces it.
    pub append: bool,
}

/// What browsers of other origins may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsConfig {
    /// Origins, or `*`.
    pub origins: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// Request headers.
    pub headers: Vec<String>,
    /// Response headers.
    pub exposed: String,
}

/// Reads them.
pub(super) fn read(values: &Values) -> HttpConfig {
    let connections = ["server.connection.limit", "connector.connection.limit"];
    let connections = connections
        .iter()
        .map(|name| values.size(name))
        .filter(|limit| *limit > 0)
        .min();
    HttpConfig {
        http2: values.boolean("http2.enabled"),
        http2_max_streams: u32::try_from(values.size("sluiceway.http2.max.streams"))
            .unwrap_or(u32::MAX),
        max_connections: connections.unwrap_or_else(|| values.size("sluiceway.connections.max")),
        max_requests: values.size("sluiceway.requests.max"),
        max_header_bytes: values.size("max.request.header.size"),
        max_body_bytes: values.size("sluiceway.request.max.bytes"),
        body_timeout: millis(values, "sluiceway.body.timeout.ms"),
        body_min_rate: values.size("sluiceway.body.min.rate"),
        idle_timeout: millis(values, "idle.timeout.ms"),
        keep_alive: keep_alive(values),
        request_timeout: Some(millis(values, "request.timeout.ms")).filter(|time| !time.is_zero()),
        shutdown_grace: millis(values, "shutdown.graceful.ms"),
        compression: values.boolean("compression.enable"),
        decompression: values.boolean("sluiceway.request.decompression.enable"),
        reject_options: values.boolean("reject.options.request"),
        cors: cors(values),
        extra_headers: extra_headers(values),
        media: Offers {
            lenient: values.boolean("sluiceway.lenient.media.types"),
        },
    }
}

fn keep_alive(values: &Values) -> KeepAlive {
    let unless_off = |name: &str| Some(millis(values, name)).filter(|time| !time.is_zero());
    KeepAlive {
        tcp: unless_off("sluiceway.tcp.keepalive.ms"),
        http2_interval: unless_off("sluiceway.http2.keepalive.interval.ms"),
        http2_timeout: millis(values, "sluiceway.http2.keepalive.timeout.ms"),
        max_age: unless_off("sluiceway.connection.max.age.ms"),
    }
}

fn cors(values: &Values) -> Option<CorsConfig> {
    let items = |name: &str, default: &str| -> Vec<String> {
        let text = values.text_opt(name).unwrap_or(default);
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let origins = items("access.control.allow.origin", "");
    (!origins.is_empty()).then(|| CorsConfig {
        origins,
        methods: items("access.control.allow.methods", "GET,POST,HEAD"),
        headers: items(
            "access.control.allow.headers",
            "X-Requested-With,Content-Type,Accept,Origin",
        ),
        exposed: items("access.control.expose.headers", "").join(","),
    })
}

fn extra_headers(values: &Values) -> Vec<ExtraHeader> {
    let mut headers =
        parse_headers(values.text("response.http.headers.config")).unwrap_or_default();
    let mut set = |name: &'static str, value: &'static str| {
        let (name, value) = (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        headers.push(ExtraHeader {
            name,
            value,
            append: false,
        });
    };
    if values.boolean("nosniff.prevention.enable") {
        set("x-content-type-options", "nosniff");
    }
    if values.boolean("hsts.header.enable") {
        set(
            "strict-transport-security",
            "max-age=31536000; includeSubDomains; preload",
        );
    }
    headers
}

/// Reads `add X-A: 1, set X-B: 2`. Dates are no different from other values.
pub(crate) fn parse_headers(text: &str) -> Result<Vec<ExtraHeader>, String> {
    let items = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    let read = |item: &str| {
        let (action, header) = item.split_once(' ')?;
        let append = matches!(action, "add" | "addDate");
        if !append && !matches!(action, "set" | "setDate") {
            return None;
        }
        let (name, value) = header.split_once(':')?;
        Some(ExtraHeader {
            name: name.trim().parse().ok()?,
            value: value.trim().parse().ok()?,
            append,
        })
    };
    items
        .map(|item| {
            read(item)
                .ok_or_else(|| format!("\"{item}\" is not `add Name: value` or `set Name: value`"))
        })
        .collect()
}
