//! A refusal as Kafka words it: an error code and, where the protocol has room for it, a sentence.

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

/// An error code with an optional sentence for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) error: ResponseError,
    pub(crate) message: Option<String>,
}

impl ApiError {
    pub(crate) fn new(error: ResponseError, message: impl Into<String>) -> Self {
        Self {
            error,
            message: Some(message.into()),
        }
    }

    /// The sentence, for a response.
    pub(crate) fn text(&self) -> Option<StrBytes> {
        self.message.clone().map(StrBytes::from_string)
    }
}

impl From<ResponseError> for ApiError {
    fn from(error: ResponseError) -> Self {
        Self {
            error,
            message: None,
        }
    }
}

/// The code that stands in a response: 0 for success.
pub(crate) fn code<T, E>(result: &Result<T, E>) -> i16
where
    E: Clone + Into<ApiError>,
{
    result
        .as_ref()
        .err()
        .map_or(0, |error| error.clone().into().error.code())
}
