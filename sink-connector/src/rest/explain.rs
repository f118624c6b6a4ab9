//! `PUT /connector-plugins/{class}/config/explain`: the objects that a configuration would write for some records. Not in
//! Kafka Connect. Nothing is created, and neither Kafka nor S3 are asked.

use std::time::{SystemTime, UNIX_EPOCH};

use http::StatusCode;
use serde_json::value::RawValue;
use tokio::runtime::Handle;

use super::call::Call;
use super::respond::{self, ApiError, Reply};
use super::{Api, body};
use crate::config::nulls;
use crate::explain::{Sample, explain};
use crate::herder::HerderError;
use crate::plugins;

/// Records of a request at most.
const RECORDS: usize = 10_000;

/// Answers with an explanation, as `sluiceway-sink explain --json` prints it.
pub(super) async fn explained(api: &Api, class: &str, call: &Call) -> Result<Reply, ApiError> {
    plugins::find_connector(class)
        .ok_or_else(|| ApiError::not_found(plugins::unknown_connector_text(class)))?;
    let mut request = body::members(&call.body)?;
    let (config, nulls) = body::config_member(request.shift_remove("config"))?;
    nulls::refused(&nulls)
        .into_result()
        .map_err(|errors| HerderError::invalid_config(&errors))?;
    let records = records(request.shift_remove("records"))?;
    if let Some(unknown) = request.keys().next() {
        let message =
            format!("Unrecognized field \"{unknown}\"; known are \"config\", \"records\"");
        return Err(ApiError::bad_request(message));
    }
    let config = api.herder.typed_draft(config).await?;
    let sample = Sample::parse(records.get());
    let records = sample.and_then(|sample| sample.records(&config.topics));
    let records = records.map_err(|error| ApiError::bad_request(error.to_string()))?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let runtime = Handle::current();
    let run = move || explain(config, &records, now_ms, &runtime);
    let explanation = tokio::task::spawn_blocking(run)
        .await
        .map_err(|error| {
            tracing::error!(%error, "an explanation ended abnormally");
            ApiError::plain(StatusCode::INTERNAL_SERVER_ERROR)
        })?
        .map_err(|exception| {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, exception.stacktrace())
        })?;
    Ok(respond::ok(&explanation))
}

/// The records of a request: an array of so many at most.
fn records(given: Option<Box<RawValue>>) -> Result<Box<RawValue>, ApiError> {
    let count = |records: &RawValue| {
        let records: Vec<&RawValue> = serde_json::from_str(records.get()).ok()?;
        Some(records.len())
    };
    let counted = given.and_then(|records| Some((count(&records)?, records)));
    match counted {
        Some((count, records)) if count <= RECORDS => Ok(records),
        Some(_) => Err(ApiError::bad_request(format!(
            "More than {RECORDS} records"
        ))),
        None => Err(ApiError::bad_request(
            "The request has no \"records\", or they are not an array: see sluiceway-sink explain --help",
        )),
    }
}
