//! `/brokers`

use crate::api::Request;
use crate::entity::v2::BrokerList;
use crate::error::Error;
use crate::respond::{self, Response};

/// `GET /brokers`
///
/// # Errors
/// Kafka does not answer.
pub async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let brokers = request.app.admin.brokers().await?;
    respond::json(request.negotiated, &BrokerList { brokers })
}
