//! `POST /consumers/{group}`: the options an instance is made with.
//!
//! In: the body (perhaps none). Out: checked [`Options`]. What fails: wrong JSON (400), unknown formats (422), values out of
//! range (40001), unknown fields (422), in this order; and later, behind a name that is taken, values that Kafka's client
//! refuses (42204).

use std::sync::Arc;

use super::error::ConsumerError;
use super::fields;
use super::include::{self, Include};
use crate::error::Error;
use crate::format::Format;

/// What an instance is made with; what is not said is the proxy's setting or the client's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Its name in its group.
    pub name: Option<String>,
    /// The format of its records.
    pub format: Format,
    /// `earliest`, `latest` or `none`.
    pub offset_reset: Option<String>,
    /// Whether offsets are committed without being asked.
    pub auto_commit: Option<bool>,
    /// Bytes above which a read answers at once; -1: all there is.
    pub min_bytes: Option<i32>,
    /// Milliseconds that a read waits at most.
    pub wait_millis: Option<i32>,
    /// Whom the instance belongs to, when that is known.
    pub principal: Option<Arc<str>>,
    /// What records show besides key and value.
    pub include: Include,
    /// Why there is no client with these settings: told when the name is known to be free, as in the original.
    pub(crate) refusal: Option<ConsumerError>,
}

#[derive(Default)]
struct Raw {
    id: Option<String>,
    name: Option<String>,
    format: Option<String>,
    offset_reset: Option<String>,
    auto_commit: Option<String>,
    min_bytes: Option<i32>,
    wait_millis: Option<i32>,
    include: Include,
}

const RESETS: [&str; 3] = ["latest", "earliest", "none"];

impl Options {
    /// Reads a body.
    ///
    /// # Errors
    /// See the module.
    pub fn read(body: &[u8]) -> Result<Self, Error> {
        let mut raw = Raw::default();
        let read = fields::read(body, "CreateConsumerInstanceRequest", |name, value| {
            match name {
                "id" => raw.id = value.text()?,
                "name" => raw.name = value.text()?,
                "format" => raw.format = value.text()?,
                "auto.offset.reset" => raw.offset_reset = value.text()?,
                "auto.commit.enable" => raw.auto_commit = value.text()?,
                "fetch.min.bytes" | "responseMinBytes" => raw.min_bytes = value.int()?,
                "consumer.request.timeout.ms" | "requestWaitMs" => raw.wait_millis = value.int()?,
                "sluiceway.include" => raw.include = include::read(value)?,
                _ => return Ok(false),
            }
            Ok(true)
        });
        let (_, options) = fields::build(read, raw.check().map_err(Error::from))?;
        Ok(options)
    }
}

impl Raw {
    fn check(self) -> Result<Options, ConsumerError> {
        let format = match self.format.as_deref() {
            None => Format::Binary,
            Some(name) => Format::from_name(name).ok_or(ConsumerError::Format)?,
        };
        check_min_bytes(self.min_bytes)?;
        let auto_commit = self.auto_commit.as_deref().map(flag).transpose();
        let refusal = check_reset(self.offset_reset.as_deref()).err();
        let refusal = refusal.or_else(|| auto_commit.clone().err());
        let refusal = refusal.or_else(|| check_format(format).err());
        Ok(Options {
            name: self.id.or(self.name),
            format,
            offset_reset: self.offset_reset,
            auto_commit: auto_commit.unwrap_or_default(),
            min_bytes: self.min_bytes,
            wait_millis: self.wait_millis,
            principal: None,
            include: self.include,
            refusal,
        })
    }
}

fn check_reset(reset: Option<&str>) -> Result<(), ConsumerError> {
    match reset {
        Some(reset) if !RESETS.contains(&reset) => {
            let expected = format!("String must be one of: {}", RESETS.join(", "));
            Err(invalid(reset, "auto.offset.reset", &expected))
        }
        _ => Ok(()),
    }
}

/// `auto.commit.enable`
fn flag(text: &str) -> Result<bool, ConsumerError> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        text => {
            let expected = "Expected value to be either true or false";
            Err(invalid(text, "enable.auto.commit", expected))
        }
    }
}

fn check_format(format: Format) -> Result<(), ConsumerError> {
    match format {
        Format::String => Err(ConsumerError::Unforeseen("consumers have no format string")),
        _ => Ok(()),
    }
}

fn invalid(value: &str, key: &str, expected: &str) -> ConsumerError {
    ConsumerError::Config(format!(
        "Invalid value {value} for configuration {key}: {expected}"
    ))
}

fn check_min_bytes(min_bytes: Option<i32>) -> Result<(), ConsumerError> {
    let bound = match min_bytes {
        Some(..-1) => "at least -1",
        Some(10_000_001..) => "no more than 10000000",
        _ => return Ok(()),
    };
    let value = min_bytes.unwrap_or_default();
    Err(ConsumerError::Constraint(format!(
        "Invalid value {value} for configuration fetch.min.bytes: Value must be {bound}"
    )))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(body: &str) -> (u16, u32, String) {
        let error = match Options::read(body.as_bytes()) {
            Ok(options) => options.refusal.unwrap().into(),
            Err(error) => error,
        };
        let code = error.code();
        (code.status.as_u16(), code.number, error.to_string())
    }

    #[test]
    fn nothing_said() {
        for body in ["", "null", "{}", r#"{"format":null}"#] {
            let options = Options::read(body.as_bytes()).unwrap();
            assert_eq!((options.name, options.format), (None, Format::Binary));
        }
        let empty = Options::read(br#"{"name":"a","id":""}"#).unwrap();
        assert_eq!(empty.name.as_deref(), Some(""));
    }

    #[test]
    fn strings_and_native_values() {
        let text = r#"{"name":"sp ace","format":"JSON","auto.offset.reset":"none","auto.commit.enable":"False","fetch.min.bytes":"10","consumer.request.timeout.ms":"0"}"#;
        let native = r#"{"name":"a","id":"sp ace","format":"json","auto.offset.reset":"none","auto.commit.enable":false,"responseMinBytes":10,"requestWaitMs":0}"#;
        let expected = Options {
            name: Some("sp ace".into()),
            format: Format::Json,
            offset_reset: Some("none".into()),
            auto_commit: Some(false),
            min_bytes: Some(10),
            wait_millis: Some(0),
            principal: None,
            include: Include::default(),
            refusal: None,
        };
        assert_eq!(Options::read(text.as_bytes()).unwrap(), expected);
        assert_eq!(Options::read(native.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn refusals() {
        let config = "Invalid consumer configuration";
        for (body, status, number, message) in [
            (r#"{"format":"xml"}"#, 422, 422, "Invalid format type.".to_owned()),
            (r#"{"format":"string"}"#, 500, 500, "Internal Server Error".into()),
            (r#"{"bogus":1}"#, 422, 422, "Unrecognized field: bogus".into()),
            (r#"{"bogus":1,"auto.commit.enable":"maybe"}"#, 422, 422, "Unrecognized field: bogus".into()),
            (r#"{"format":"xml","bogus":1,"fetch.min.bytes":-5}"#, 422, 422, "Invalid format type.".into()),
            (
                r#"{"fetch.min.bytes":-5,"bogus":1}"#, 422, 40001,
                format!("{config}. It does not abide by the constraints: Invalid value -5 for configuration fetch.min.bytes: Value must be at least -1"),
            ),
            (
                r#"{"format":"string","auto.commit.enable":"maybe"}"#, 422, 42204,
                format!("{config}: Invalid value maybe for configuration enable.auto.commit: Expected value to be either true or false"),
            ),
            (
                r#"{"auto.offset.reset":"bogus"}"#, 422, 42204,
                format!("{config}: Invalid value bogus for configuration auto.offset.reset: String must be one of: latest, earliest, none"),
            ),
            (
                r#"{"auto.commit.enable":"maybe"}"#, 422, 42204,
                format!("{config}: Invalid value maybe for configuration enable.auto.commit: Expected value to be either true or false"),
            ),
            (
                r#"{"fetch.min.bytes":"-5"}"#, 422, 40001,
                format!("{config}. It does not abide by the constraints: Invalid value -5 for configuration fetch.min.bytes: Value must be at least -1"),
            ),
            (
                r#"{"fetch.min.bytes":100000001}"#, 422, 40001,
                format!("{config}. It does not abide by the constraints: Invalid value 100000001 for configuration fetch.min.bytes: Value must be no more than 10000000"),
            ),
            (
                r#"{"fetch.min.bytes":"x"}"#, 400, 400,
                "Cannot deserialize value of type `Integer` from String \"x\": not a valid `java.lang.Integer` value".into(),
            ),
            (
                "[]", 400, 400,
                "Cannot deserialize value of type `CreateConsumerInstanceRequest` from Array value (token `JsonToken.START_ARRAY`)".into(),
            ),
        ] {
            assert_eq!(refused(body), (status, number, message), "{body}");
        }
        assert_eq!(refused("{").0, 400);
    }
}
