//! `/sluiceway/…`: what neither version of the original's API tells. The console asks it, and anybody else may.

pub(crate) mod consumers;
pub(crate) mod topics;

use super::Request;
use crate::error::Error;

/// A number of the query.
fn number(request: &Request<'_>, name: &str) -> Result<Option<usize>, Error> {
    let text = request.query(name);
    let parse = |text: String| {
        let shown: String = text.chars().take(64).collect();
        let number = text.parse().ok();
        number.ok_or_else(|| Error::BadRequest(format!("{name} \"{shown}\" is no number.")))
    };
    text.map(parse).transpose()
}
