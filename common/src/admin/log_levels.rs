//! `/log-levels` of the admin listener: which lines the log has, changed while the program runs.
//!
//! GET shows the directives in force, PUT takes others as its body (`info,librdkafka=debug`), DELETE goes back to those that
//! the program was started with. What fails: a directive that is none, answered with 400 and its text; nothing is changed then.

use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;

use crate::logging;

/// Longest body of a PUT, in bytes.
const MAX_BODY: usize = 4096;
/// Time that it may take to come: probes wait behind connections that are held open.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Answers one request.
pub(super) async fn answer<B>(method: &Method, body: B) -> (StatusCode, String)
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let changed = match *method {
        Method::GET | Method::HEAD => Ok(()),
        Method::DELETE => logging::reset_levels(),
        Method::PUT => match read(body).await {
            Some(text) => put(&text),
            None => Err(format!(
                "the body could not be read in {} s, or has more than {MAX_BODY} bytes",
                BODY_TIMEOUT.as_secs()
            )),
        },
        _ => {
            return (
                StatusCode::METHOD_NOT_ALLOWED,
                "GET, PUT and DELETE are here\n".to_owned(),
            );
        }
    };
    match changed.and_then(|()| logging::levels()) {
        Ok(levels) => (StatusCode::OK, format!("{levels}\n")),
        Err(reason) => (StatusCode::BAD_REQUEST, format!("{reason}\n")),
    }
}

/// The body, if all of it comes in time.
async fn read<B>(body: B) -> Option<String>
where
    B: Body + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let reading = Limited::new(body, MAX_BODY).collect();
    let body = tokio::time::timeout(BODY_TIMEOUT, reading).await.ok()?;
    let bytes = body.ok()?.to_bytes();
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn put(text: &str) -> Result<(), String> {
    let directives = check(text)?;
    logging::set_levels(&directives)?;
    tracing::warn!(
        levels = directives,
        "log levels were changed at the admin listener"
    );
    Ok(())
}

/// A word alone would be taken for a module, and all others silenced: here it must be a level.
fn check(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "off"];
    let level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let directives: Vec<&str> = text.trim().split(',').map(str::trim).collect();
    for directive in &directives {
        let fine = match directive.rsplit_once('=') {
            Some((target, word)) => !target.is_empty() && level(word.trim()),
            None => level(directive),
        };
        if !fine {
            return Err(format!(
                "\"{}\" is neither a level ({}) nor <module>=<level>; write for example info,librdkafka=debug",
                directive.escape_debug(),
                LEVELS.join(", ")
            ));
        }
    }
    Ok(directives.join(","))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn directives() {
        assert_eq!(
            check(" info, librdkafka=debug\n"),
            Ok("info,librdkafka=debug".to_owned())
        );
        for wrong in [
            "",
            "debgu",
            "info,",
            "info,=warn",
            "sluiceway_proxy=loud",
            "sluiceway_proxy",
        ] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
