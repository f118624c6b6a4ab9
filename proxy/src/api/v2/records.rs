//! Producing: `POST /topics/{topic}` and `POST /topics/{topic}/partitions/{partition}`.
//!
//! ```text
//! body ─▶ envelope ─▶ format ─▶ produce ─▶ {"offsets":[…],"key_schema_id":null,"value_schema_id":null}
//! ```

use http::StatusCode;
use hyper::body::Incoming;

use crate::api::Request;
use crate::decimal::append as decimal;
use crate::envelope;
use crate::error::{Error, codes};
use crate::format::binary::Binary;
use crate::format::{Batch, Format};
use crate::media::MediaType;
use crate::produce::{Produced, RecordError, produce};
use crate::respond::{self, Response};

/// `POST /topics/{topic}`
///
/// # Errors
/// The request as a whole is refused; a record's failure is its own result.
pub async fn to_topic(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let topic = request.topic()?;
    write(request, &topic, None, body).await
}

/// `POST /topics/{topic}/partitions/{partition}`: a record's own partition still wins.
///
/// # Errors
/// As [`to_topic`].
pub async fn to_partition(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (topic, partition) = (request.topic()?, request.partition()?);
    write(request, &topic, Some(partition), body).await
}

async fn write(
    request: &Request<'_>,
    topic: &str,
    partition: Option<i32>,
    body: Incoming,
) -> Result<Response, Error> {
    let media = request.media.unwrap_or(MediaType::V2Json);
    let format = Format::of_media(media).ok_or(Error::UnsupportedMediaType)?;
    let (body, permit) = request.body(body).await?;
    let batch = decode(&body, format)?;
    drop(body);
    let produced = produce(request.app, topic, partition, format, batch, permit).await?;
    let (status, body) = render(&produced);
    Ok(respond::bytes(status, request.negotiated, body))
}

fn decode(body: &[u8], format: Format) -> Result<Batch, Error> {
    let envelope = envelope::decode(body, format.produce_method())?;
    match format {
        Format::Json => Ok(Batch::of_json(envelope)),
        Format::Binary => Ok(Batch::serialize(&envelope, &Binary)?),
        Format::Avro | Format::JsonSchema | Format::Protobuf | Format::String => {
            Err(Error::UnsupportedMediaType)
        }
    }
}

/// The body, and the status: 401 or 403 when a record was refused for who the proxy is, else 200.
fn render(produced: &Produced) -> (StatusCode, Vec<u8>) {
    const ENTRY_BYTES: usize = 72;
    let mut out = Vec::with_capacity(64 + produced.records * ENTRY_BYTES);
    let mut status = StatusCode::OK;
    out.extend_from_slice(b"{\"offsets\":[");
    for (index, result) in produced.results().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match result {
            Ok((partition, offset)) => stored(&mut out, partition, offset),
            Err(error) => {
                let refused = matches!(
                    error.code,
                    codes::KAFKA_AUTHENTICATION | codes::KAFKA_AUTHORIZATION
                );
                if refused && status == StatusCode::OK {
                    status = error.code.status;
                }
                failed(&mut out, &error);
            }
        }
    }
    out.extend_from_slice(b"],\"key_schema_id\":null,\"value_schema_id\":null}");
    (status, out)
}

fn stored(out: &mut Vec<u8>, partition: i32, offset: i64) {
    out.extend_from_slice(b"{\"partition\":");
    decimal(out, i64::from(partition));
    out.extend_from_slice(b",\"offset\":");
    decimal(out, offset);
    out.extend_from_slice(b",\"error_code\":null,\"error\":null}");
}

fn failed(out: &mut Vec<u8>, error: &RecordError) {
    out.extend_from_slice(b"{\"partition\":null,\"offset\":null,\"error_code\":");
    decimal(out, i64::from(error.code.number));
    out.extend_from_slice(b",\"error\":");
    out.extend_from_slice(
        serde_json::to_string(&error.message)
            .unwrap_or_default()
            .as_bytes(),
    );
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn entries() {
        let mut out = Vec::new();
        stored(&mut out, 3, 12);
        assert_eq!(
            out,
            br#"{"partition":3,"offset":12,"error_code":null,"error":null}"#
        );
        out.clear();
        failed(
            &mut out,
            &RecordError {
                code: codes::KAFKA,
                message: "a \"b\"".into(),
            },
        );
        assert_eq!(
            out,
            br#"{"partition":null,"offset":null,"error_code":50002,"error":"a \"b\""}"#
        );
    }
}
