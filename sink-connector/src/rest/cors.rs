//! `access.control.allow.origin` and `.methods`: which web pages may call the API.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};

use super::respond::Reply;
use crate::worker::RestConfig;

/// What the original allows when only an origin is configured.
const DEFAULT_METHODS: &str = "GET,POST,HEAD";

/// Marks an answer as readable by the page that asked, when its origin is allowed.
pub(super) fn apply(config: &RestConfig, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    if let Some(origin) = origin.filter(|origin| allows(&config.allow_origin, origin)) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}

/// Answers a browser's question before a request.
pub(super) fn preflight(config: &RestConfig, request: &HeaderMap, mut reply: Reply) -> Reply {
    let asks = request.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let allowed = request
        .get(ORIGIN)
        .is_some_and(|origin| allows(&config.allow_origin, origin));
    if asks && allowed {
        let methods = if config.allow_methods.is_empty() {
            DEFAULT_METHODS
        } else {
            &config.allow_methods
        };
        if let Ok(methods) = HeaderValue::try_from(methods) {
            reply
                .headers_mut()
                .insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        let headers = HeaderValue::from_static("X-Requested-With,Content-Type,Accept,Origin");
        reply
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_HEADERS, headers);
    }
    reply
}

fn allows(configured: &str, origin: &HeaderValue) -> bool {
    let allowed = |item: &str| {
        item == "*"
            || origin
                .to_str()
                .is_ok_and(|origin| origin.eq_ignore_ascii_case(item))
    };
    configured
        .split(',')
        .map(str::trim)
        .any(|item| !item.is_empty() && allowed(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_whole() {
        let origin = HeaderValue::from_static("https://ui.example");
        assert!(allows("*", &origin) && allows("http://a, https://UI.example", &origin));
        assert!(!allows("", &origin) && !allows("https://ui.example.org", &origin));
    }
}
