//! `/connectors/{name}/objects`: what a connector has written. Not in Kafka Connect.

use serde_json::json;

use super::Api;
use super::call::Call;
use super::respond::{self, ApiError, Reply};
use super::router::{query_flag, query_values};
use crate::stored::{StoredError, Wanted};
use http::StatusCode;

/// Rows of a preview that does not say how many.
const ROWS: usize = 20;

/// `GET …/objects`: folders and objects.
pub(super) async fn list(api: &Api, name: &str, call: &Call) -> Result<Reply, ApiError> {
    let one = |key| query_values(call.query.as_deref(), key).into_iter().next();
    let wanted = Wanted {
        prefix: one("prefix"),
        after: one("after"),
        limit: number(one("limit"), "limit")?,
        flat: query_flag(call.query.as_deref(), "flat") == Some(true),
    };
    let config = api.herder.typed(name).await?;
    let listing = api.stores.list(&config, wanted).await?;
    Ok(respond::ok(&listing.with(name, &api.written)))
}

/// `GET …/objects/preview`: the first rows of an object.
pub(super) async fn preview(api: &Api, name: &str, call: &Call) -> Result<Reply, ApiError> {
    let rows = query_values(call.query.as_deref(), "rows")
        .into_iter()
        .next();
    let rows = number(rows, "rows")?.unwrap_or(ROWS);
    let config = api.herder.typed(name).await?;
    let preview = api.stores.preview(&config, &key(call)?, rows).await?;
    Ok(respond::ok(&preview))
}

/// `GET …/objects/link`: a link that S3 takes for some minutes.
pub(super) async fn link(api: &Api, name: &str, call: &Call) -> Result<Reply, ApiError> {
    let config = api.herder.typed(name).await?;
    let link = api.stores.link(&config, &key(call)?).await?;
    Ok(respond::ok(&json!(link)))
}

fn key(call: &Call) -> Result<String, ApiError> {
    let key = query_values(call.query.as_deref(), "key")
        .into_iter()
        .next();
    key.ok_or_else(|| ApiError::bad_request("The query has no \"key\": the key of an object"))
}

fn number<T: std::str::FromStr>(text: Option<String>, name: &str) -> Result<Option<T>, ApiError> {
    let parse = |text: String| {
        let number = text.parse().ok();
        number.ok_or_else(|| ApiError::bad_request(format!("\"{name}\" must be a number")))
    };
    text.map(parse).transpose()
}

impl From<StoredError> for ApiError {
    fn from(error: StoredError) -> Self {
        let status = match &error {
            StoredError::Outside { .. } => StatusCode::BAD_REQUEST,
            StoredError::NotFound(_) => StatusCode::NOT_FOUND,
            StoredError::Unreadable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            StoredError::S3(_) => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, error.to_string())
    }
}
