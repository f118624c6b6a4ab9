//! `/topics/{topic}/partitions` (producing is in [`super::records`])

use crate::admin_client::PartitionInfo;
use crate::api::Request;
use crate::entity::v2::{Offsets, Partition};
use crate::error::Error;
use crate::respond::{self, Response};

/// `GET /topics/{topic}/partitions`
///
/// # Errors
/// Kafka does not answer, or does not know the topic.
pub async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let partitions = request.app.admin.partitions(&request.topic()?).await?;
    let partitions: Vec<Partition> = partitions.into_iter().map(Partition::from).collect();
    respond::json(request.negotiated, &partitions)
}

/// `GET /topics/{topic}/partitions/{partition}`
///
/// # Errors
/// Kafka does not answer, or does not know topic or partition.
pub async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let (_, partition) = find(request).await?;
    respond::json(request.negotiated, &Partition::from(partition))
}

/// `GET /topics/{topic}/partitions/{partition}/offsets`
///
/// # Errors
/// Kafka does not answer, or does not know topic or partition.
pub async fn offsets(request: &Request<'_>) -> Result<Response, Error> {
    let (topic, partition) = find(request).await?;
    let (beginning_offset, end_offset) = request.app.admin.offsets(&topic, partition.id).await?;
    respond::json(
        request.negotiated,
        &Offsets {
            beginning_offset,
            end_offset,
        },
    )
}

async fn find(request: &Request<'_>) -> Result<(String, PartitionInfo), Error> {
    let (topic, partition) = (request.topic()?, request.partition()?);
    let partitions = request.app.admin.partitions(&topic).await?;
    let found = partitions
        .into_iter()
        .find(|info| info.id == partition)
        .ok_or(Error::PartitionNotFound)?;
    Ok((topic, found))
}
