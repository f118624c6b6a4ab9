//! The proxy's answer to one produce request with one record: acknowledged where, or refused why.
//! A status of 200 is not enough: the record's own `error_code` decides.

use http::StatusCode;
use serde::Deserialize;

use crate::stats::ErrorKind;

/// A retriable Kafka error of one record.
const RETRIABLE_RECORD_ERROR: i64 = 50003;

/// Where a record was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// Why a request did not store its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) retriable: bool,
}

#[derive(Debug, Deserialize)]
struct ProduceAnswer {
    offsets: Vec<RecordAnswer>,
}

#[derive(Debug, Deserialize)]
struct RecordAnswer {
    partition: Option<i32>,
    offset: Option<i64>,
    error_code: Option<i64>,
}

// === impl Failure ===

impl Failure {
    pub(crate) fn retriable(kind: ErrorKind) -> Self {
        let retriable = true;
        Self { kind, retriable }
    }

    pub(crate) fn lasting(kind: ErrorKind) -> Self {
        let retriable = false;
        Self { kind, retriable }
    }
}

/// Reads status and body.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Result<Stored, Failure> {
    match status {
        StatusCode::OK => read_body(body),
        StatusCode::TOO_MANY_REQUESTS => Err(Failure::retriable(ErrorKind::Throttled)),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Err(Failure::retriable(ErrorKind::Unavailable))
        }
        other => Err(Failure::lasting(ErrorKind::Status(other.as_u16()))),
    }
}

/// Reads what Kinesis answers to a record.
pub(crate) fn read_streamed(status: StatusCode, body: &[u8]) -> Result<(), Failure> {
    let answer: StreamAnswer = serde_json::from_slice(body).unwrap_or_default();
    match status {
        StatusCode::OK if answer.sequence_number.is_some() => Ok(()),
        StatusCode::OK => Err(Failure::lasting(ErrorKind::Malformed)),
        StatusCode::INTERNAL_SERVER_ERROR => Err(Failure::retriable(ErrorKind::Unavailable)),
        StatusCode::BAD_REQUEST => Err(named(answer.name.as_deref().unwrap_or_default())),
        other => read(other, body).map(drop),
    }
}

#[derive(Debug, Default, Deserialize)]
struct StreamAnswer {
    #[serde(rename = "SequenceNumber")]
    sequence_number: Option<String>,
    #[serde(rename = "__type")]
    name: Option<String>,
}

/// Errors of Kinesis that have status 400; some of them pass.
fn named(name: &str) -> Failure {
    const PASSING: [&str; 2] = [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
    ];
    const LASTING: [&str; 9] = [
        "ResourceNotFoundException",
        "AccessDeniedException",
        "ValidationException",
        "InvalidArgumentException",
        "InvalidSignatureException",
        "UnrecognizedClientException",
        "MissingAuthenticationTokenException",
        "IncompleteSignatureException",
        "SerializationException",
    ];
    // Some write the name behind the service's.
    let name = name.rsplit('#').next().unwrap_or(name);
    let find = |names: &'static [&'static str]| names.iter().find(|known| **known == name).copied();
    match (find(&PASSING), find(&LASTING)) {
        (Some(_), _) => Failure::retriable(ErrorKind::Throttled),
        (_, Some(name)) => Failure::lasting(ErrorKind::Stream(name)),
        _ => Failure::lasting(ErrorKind::Status(400)),
    }
}

fn read_body(body: &[u8]) -> Result<Stored, Failure> {
    let malformed = || Failure::lasting(ErrorKind::Malformed);
    let answer: ProduceAnswer = serde_json::from_slice(body).map_err(|_| malformed())?;
    let [record] = answer.offsets.as_slice() else {
        return Err(malformed());
    };
    match (record.error_code, record.partition, record.offset) {
        (Some(code), _, _) => Err(Failure {
            kind: ErrorKind::Record(code),
            retriable: code == RETRIABLE_RECORD_ERROR,
        }),
        (None, Some(partition), Some(offset)) => Ok(Stored { partition, offset }),
        (None, _, _) => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    #[test]
    fn a_stored_record_has_partition_and_offset() {
        let body = br#"{"offsets":[{"partition":2,"offset":41,"error_code":null,"error":null}],"key_schema_id":null,"value_schema_id":null}"#;
        let stored = read(StatusCode::OK, body);
        assert_eq!(
            stored,
            Ok(Stored {
                partition: 2,
                offset: 41
            })
        );
    }

    #[test]
    fn what_kinesis_answers() {
        let read = |status: u16, body: &str| {
            read_streamed(
                StatusCode::from_u16(status).expect("status"),
                body.as_bytes(),
            )
        };
        assert_eq!(
            read(200, r#"{"SequenceNumber":"49","ShardId":"s"}"#),
            Ok(())
        );
        assert_eq!(read(200, "{}"), Err(Failure::lasting(ErrorKind::Malformed)));
        let full = r#"{"__type":"com.amazonaws#ProvisionedThroughputExceededException"}"#;
        assert_eq!(
            read(400, full),
            Err(Failure::retriable(ErrorKind::Throttled))
        );
        let missing = r#"{"__type":"ResourceNotFoundException","message":"x"}"#;
        let kind = ErrorKind::Stream("ResourceNotFoundException");
        assert_eq!(read(400, missing), Err(Failure::lasting(kind)));
        assert_eq!(
            read(400, "oops"),
            Err(Failure::lasting(ErrorKind::Status(400)))
        );
        assert_eq!(
            read(500, "{}"),
            Err(Failure::retriable(ErrorKind::Unavailable))
        );
        assert_eq!(
            read(503, "{}"),
            Err(Failure::retriable(ErrorKind::Unavailable))
        );
        assert_eq!(
            read(403, "{}"),
            Err(Failure::lasting(ErrorKind::Status(403)))
        );
    }

    #[test]
    fn a_record_error_inside_a_200_is_an_error() {
        let body = |code| {
            format!(
                r#"{{"offsets":[{{"partition":null,"offset":null,"error_code":{code},"error":"x"}}]}}"#
            )
        };
        let failure = read(StatusCode::OK, body(50002).as_bytes());
        assert_eq!(failure, Err(Failure::lasting(ErrorKind::Record(50002))));
        let failure = read(StatusCode::OK, body(50003).as_bytes());
        assert_eq!(failure, Err(Failure::retriable(ErrorKind::Record(50003))));
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_success() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"offsets":[]}"#,
            r#"{"offsets":[{}]}"#,
            r#"{"offsets":[{},{}]}"#,
        ] {
            let failure = read(StatusCode::OK, body.as_bytes());
            assert_eq!(
                failure,
                Err(Failure::lasting(ErrorKind::Malformed)),
                "{body}"
            );
        }
    }

    #[test]
    fn statuses_are_sorted_by_whether_trying_again_helps() {
        let failure = |status: u16| {
            read(StatusCode::from_u16(status).expect("status"), b"").map_err(|f| f.retriable)
        };
        assert_eq!(failure(429), Err(true));
        assert_eq!(failure(503), Err(true));
        assert_eq!(failure(504), Err(true));
        assert_eq!(failure(500), Err(false));
        assert_eq!(failure(415), Err(false));
        assert_eq!(failure(204), Err(false));
    }
}
