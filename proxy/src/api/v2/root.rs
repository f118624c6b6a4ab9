//! `/`: nothing to see, but alive.

use hyper::body::Incoming;
use sluiceway_common::json::{Options, Scanner};

use crate::api::Request;
use crate::coerce::{self, Mismatch};
use crate::entity::v2::Empty;
use crate::envelope::EnvelopeError;
use crate::error::Error;
use crate::respond::{self, Response};

/// `GET /`
///
/// # Errors
/// None.
pub fn get(request: &Request<'_>) -> Result<Response, Error> {
    respond::json(request.negotiated, &Empty)
}

/// `POST /`: takes an object of texts, and does nothing with it.
///
/// # Errors
/// The body is something else.
pub async fn post(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (body, _permit) = request.body(body).await?;
    check(&body).map_err(|mismatch| match mismatch {
        Mismatch::Syntax(error) => EnvelopeError::Syntax(error),
        Mismatch::Shape(message) => EnvelopeError::Shape(message),
    })?;
    respond::json(request.negotiated, &Empty)
}

fn check(body: &[u8]) -> Result<(), Mismatch> {
    let mut scanner = Scanner::document(body, &Options::STRICT);
    match scanner.peek() {
        None => return Ok(()),
        Some(b'n') => scanner.skip()?,
        Some(b'{') => {
            scanner.enter()?;
            let mut first = true;
            while scanner.member(&mut first)?.is_some() {
                coerce::text(body, &mut scanner)?;
            }
        }
        // The map's class name ends in that of its values and a bracket, and only the end is shown.
        _ => return Err(coerce::unexpected(&mut scanner, body, "String>")),
    }
    Ok(scanner.finish()?)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn an_object_of_texts() {
        for good in ["", " ", "null", "{}", r#"{"a":"b","c":1,"d":null}"#] {
            assert!(check(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in ["[]", "{", r#"{"a":{}}"#, "1", "{} x"] {
            assert!(check(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
