//! Calls of AWS SDKs: `POST /` with `X-Amz-Target: Kinesis_20131202.<operation>`, JSON in and out.
//!
//! ```text
//! headers ─▶ signature's claim (if it is checked) ─▶ body ─▶ signature ─▶ principal ─▶ operation
//! ```

use bytes::Bytes;
use http::header;
use http::request::Parts;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::Value;

use super::fault::Fault;
use super::front::{Front, now};
use super::get::{self, GetRecords, GetShardIterator};
use super::put::{PutRecord, PutRecords};
use super::shards::{self, ListShards};
use super::signature::{Claim, Wrong};
use super::streams::{self, Create, Describe, List};
use super::which::Which;
use super::{Kinesis, TARGET};
use crate::admission::Permit;
use crate::api::{Caller, Request};
use crate::auth::authenticate::Failure;
use crate::auth::principal::{Method, Principal};
use crate::body::Limits;
use crate::events;

/// Bytes of a body: 5 MiB in base64, keys, and room.
pub(super) const MAX_BODY: usize = 12 * 1024 * 1024;
const SERVICE: &str = "Kinesis_20131202.";

/// Answers a call: its JSON, nothing for operations that say nothing.
///
/// # Errors
/// See [`Fault`].
pub(super) async fn answer(
    kinesis: &Kinesis,
    request: &Request<'_>,
    parts: &Parts,
    body: Incoming,
) -> Result<Vec<u8>, Fault> {
    let target = request
        .headers
        .get(TARGET)
        .and_then(|target| target.to_str().ok());
    let operation = target
        .and_then(|target| target.strip_prefix(SERVICE))
        .ok_or_else(|| {
            let message = format!("X-Amz-Target has to be {SERVICE}<operation> here.");
            Fault::client("UnknownOperationException", message)
        })?;
    let media = request.headers.get(header::CONTENT_TYPE);
    if media.is_some_and(|media| media.as_bytes().starts_with(b"application/x-amz-cbor")) {
        return Err(Fault::client(
            "SerializationException",
            "CBOR is not spoken here; switch it off in the SDK for Java (1: AWS_CBOR_DISABLE=true, 2: CBOR_ENABLED=false).",
        ));
    }
    let address = request.caller.peer.address.ip();
    let refused = |wrong: Wrong| {
        let failure = Failure::Wrong(Method::Signature, wrong.reason.to_owned());
        events::not_authenticated(&request.app.metrics, address, &failure);
        if let Some(gate) = &request.app.gate {
            gate.count_failure(address);
        }
        wrong.fault
    };
    // Whom the gate knows by other credentials needs no signature.
    let keys = kinesis
        .keys
        .as_ref()
        .filter(|_| request.caller.principal.is_none());
    let claim = keys.map(|keys| {
        let skew = i64::try_from(kinesis.config.clock_skew.as_secs()).unwrap_or(i64::MAX);
        Claim::read(request.headers, keys, now() / 1000, skew)
    });
    let claim = claim.transpose().map_err(refused)?;
    let (body, permit) = read(request, body).await?;
    let Some(claim) = claim else {
        return run(&Front { kinesis, request }, operation, &body, permit).await;
    };
    claim
        .verify(parts, &paths(request), &body)
        .map_err(refused)?;
    let principal = kinesis.principal(request.app, &claim.key)?;
    request.app.metrics.authenticated(Method::Signature.name());
    if let Some(gate) = &request.app.gate {
        gate.admit_signed(&principal).await?;
    }
    let request = signed(request, &principal);
    run(
        &Front {
            kinesis,
            request: &request,
        },
        operation,
        &body,
        permit,
    )
    .await
}

/// Reads a body, within the front's own limit.
pub(super) async fn read(request: &Request<'_>, body: Incoming) -> Result<(Bytes, Permit), Fault> {
    let limits = request.app.body_limits();
    let limits = Limits {
        max_bytes: limits.max_bytes.min(MAX_BODY),
        ..limits
    };
    Ok(request.body_within(body, limits).await?)
}

/// The same request, of whoever signed it.
fn signed<'a>(request: &Request<'a>, principal: &'a Principal) -> Request<'a> {
    Request {
        caller: Caller {
            principal: Some(principal),
            ..request.caller
        },
        read: None,
        ..*request
    }
}

/// The path as it was signed: a stage in front of it was taken off.
fn paths(request: &Request<'_>) -> Vec<String> {
    match request.caller.stage {
        None => vec![request.path.to_owned()],
        Some(stage) => vec![format!("/{stage}{}", request.path), format!("/{stage}")],
    }
}

fn input<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    // A call without members may come without a body.
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Fault::serialization(&error))
}

async fn run(
    front: &Front<'_>,
    operation: &str,
    body: &[u8],
    permit: Permit,
) -> Result<Vec<u8>, Fault> {
    match operation {
        "PutRecord" => json(&input::<PutRecord<'_>>(body)?.run(front, permit).await?),
        "PutRecords" => json(&input::<PutRecords<'_>>(body)?.run(front, permit).await?),
        "GetRecords" => get::records(front, &input::<GetRecords>(body)?).await,
        "GetShardIterator" => json(&get::iterator(front, &input::<GetShardIterator>(body)?).await?),
        "ListShards" => json(&shards::list_shards(front, &input::<ListShards>(body)?).await?),
        "ListStreams" => json(&streams::list(front, &input::<List>(body)?).await?),
        "DescribeStream" => json(&streams::describe(front, &input::<Describe>(body)?).await?),
        "DescribeStreamSummary" => json(&streams::summarize(front, &input::<Which>(body)?).await?),
        "CreateStream" => streams::create(front, &input::<Create>(body)?)
            .await
            .map(|()| Vec::new()),
        "DeleteStream" => streams::delete(front, &input::<Which>(body)?)
            .await
            .map(|()| Vec::new()),
        other => {
            let shown: String = other.chars().take(64).collect();
            Err(Fault::client(
                "UnknownOperationException",
                format!("There is no operation {shown} here."),
            ))
        }
    }
}

/// An answer's text.
pub(super) fn json(value: &Value) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(|_| crate::error::Error::Internal.into())
}
