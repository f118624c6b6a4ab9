//! The page's files. `console/` has their sources; what is built of them is committed, so that building this program needs no
//! Node.js.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::{Body, refusal, whole, with_headers};

struct File {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! file {
    ($path:literal, $name:literal, $content_type:literal) => {
        File {
            path: $path,
            content_type: $content_type,
            bytes: include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../console/dist/",
                $name
            )),
        }
    };
}

const FILES: [File; 4] = [
    file!("/console", "index.html", "text/html; charset=utf-8"),
    file!(
        "/console/console.js",
        "console.js",
        "text/javascript; charset=utf-8"
    ),
    file!(
        "/console/console.css",
        "console.css",
        "text/css; charset=utf-8"
    ),
    file!("/console/icon.svg", "icon.svg", "image/svg+xml"),
];

/// The digest of all of them.
const TAG: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../console/dist/etag"));

/// The file of a path.
pub(super) fn serve(path: &str, headers: &HeaderMap) -> Response<Body> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let Some(file) = FILES.iter().find(|file| file.path == path) else {
        return refusal(StatusCode::NOT_FOUND, "not found: the page is at /console");
    };
    let tag = TAG.trim_end();
    let known = headers.get(header::IF_NONE_MATCH);
    let mut response = if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        whole(StatusCode::NOT_MODIFIED, file.content_type, Bytes::new())
    } else {
        whole(
            StatusCode::OK,
            file.content_type,
            Bytes::from_static(file.bytes),
        )
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::from_static(tag));
    // A new program has a new page: it is asked for each time, and not sent when it is known.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    with_headers(response)
}
