//! `/topics` (producing is in [`super::records`])

use crate::api::Request;
use crate::entity::v2::{Partition, Topic};
use crate::error::Error;
use crate::respond::{self, Response};

/// `GET /topics`
///
/// # Errors
/// Kafka does not answer.
pub async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let mut topics = request.app.admin.topics().await?;
    topics.retain(|topic| request.may_see(topic));
    respond::json(request.negotiated, &topics)
}

/// `GET /topics/{topic}`
///
/// # Errors
/// Kafka does not answer, does not know the topic, or does not let it be described.
pub async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let (admin, name) = (&request.app.admin, request.topic()?);
    let partitions = admin
        .partitions(&name)
        .await?
        .into_iter()
        .map(Partition::from)
        .collect();
    let configs = admin.topic_configs(&name).await?.into_iter().collect();
    respond::json(
        request.negotiated,
        &Topic {
            name,
            configs,
            partitions,
        },
    )
}
