//! The rows of the Kinesis front's REST resources, as API Gateway's "Kinesis proxy" has them.

use http::Method;

use super::endpoint::Endpoint;
use super::table::{Reads, Row};

/// What a route of the Kinesis front does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinesis {
    /// `POST /` with `X-Amz-Target`: a call of an AWS SDK. It has no row: the header makes it one.
    Call,
    /// `GET /streams`
    List,
    /// `GET /streams/{stream}`
    Describe,
    /// `POST /streams/{stream}`
    Create,
    /// `DELETE /streams/{stream}`
    Delete,
    /// `PUT /streams/{stream}/record`
    Put,
    /// `PUT /streams/{stream}/records`
    PutMany,
    /// `GET /streams/{stream}/records`
    Get,
    /// `GET /streams/{stream}/sharditerator`
    Iterator,
}

/// The name of [`Kinesis::Call`] in allow and block lists, and in metrics.
pub(super) const CALL: &str = "api.kinesis.call";

/// The rows.
pub(super) fn rows() -> Vec<Row> {
    let row = |path, method, what, name| {
        Row(
            path,
            method,
            Endpoint::Kinesis(what),
            name,
            Reads::V3Bodiless,
        )
    };
    let (get, put) = (Method::GET, Method::PUT);
    vec![
        row(
            "/streams",
            get.clone(),
            Kinesis::List,
            "api.kinesis.streams.list",
        ),
        row(
            "/streams/{stream}",
            get.clone(),
            Kinesis::Describe,
            "api.kinesis.streams.get",
        ),
        row(
            "/streams/{stream}",
            Method::POST,
            Kinesis::Create,
            "api.kinesis.streams.create",
        ),
        row(
            "/streams/{stream}",
            Method::DELETE,
            Kinesis::Delete,
            "api.kinesis.streams.delete",
        ),
        row(
            "/streams/{stream}/record",
            put.clone(),
            Kinesis::Put,
            "api.kinesis.put-record",
        ),
        row(
            "/streams/{stream}/records",
            put,
            Kinesis::PutMany,
            "api.kinesis.put-records",
        ),
        row(
            "/streams/{stream}/records",
            get.clone(),
            Kinesis::Get,
            "api.kinesis.get-records",
        ),
        row(
            "/streams/{stream}/sharditerator",
            get,
            Kinesis::Iterator,
            "api.kinesis.get-shard-iterator",
        ),
    ]
}
