//! Which stream a call is about: its name, or its ARN.

use serde::Deserialize;

use super::fault::Fault;

/// Which stream: by its name, or by its ARN.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Which {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
}

impl Which {
    /// By name.
    pub(crate) fn named(name: String) -> Self {
        Self {
            stream_name: Some(name),
            stream_arn: None,
        }
    }

    /// Whether it is said at all.
    pub(super) fn is_given(&self) -> bool {
        self.stream_name.is_some() || self.stream_arn.is_some()
    }

    /// The name.
    ///
    /// # Errors
    /// There is none, it is none that a stream can have, or another one than the ARN's.
    pub(crate) fn name(&self) -> Result<&str, Fault> {
        let by_arn = self.stream_arn.as_deref().map(|arn| {
            let name = arn.rsplit_once(":stream/").map(|(_, name)| name);
            name.ok_or_else(|| Fault::invalid("streamARN", "Member must satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+"))
        });
        let name = match (self.stream_name.as_deref(), by_arn.transpose()?) {
            (Some(name), Some(other)) if name != other => {
                return Err(Fault::argument(
                    "StreamName and StreamARN are of two streams.",
                ));
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => return Err(Fault::invalid("streamName", "Member must not be null")),
        };
        check_name(name)?;
        Ok(name)
    }
}

pub(super) fn check_name(name: &str) -> Result<(), Fault> {
    const PATTERN: &str = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    match name.len() {
        0 => Err(Fault::invalid(
            "streamName",
            "Member must have length greater than or equal to 1",
        )),
        129.. => Err(Fault::invalid(
            "streamName",
            "Member must have length less than or equal to 128",
        )),
        // Kafka has no topics of these two names.
        _ if name == "." || name == ".." || !name.bytes().all(legal) => {
            Err(Fault::invalid("streamName", PATTERN))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_found_by_name_or_arn() {
        let which = |name: Option<&str>, arn: Option<&str>| {
            let which = Which {
                stream_name: name.map(str::to_owned),
                stream_arn: arn.map(str::to_owned),
            };
            which.name().map(str::to_owned).map_err(|fault| fault.name)
        };
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/a.b";
        assert_eq!(which(Some("a.b"), None), Ok("a.b".into()));
        assert_eq!(which(None, Some(arn)), Ok("a.b".into()));
        assert_eq!(which(Some("a.b"), Some(arn)), Ok("a.b".into()));
        assert_eq!(which(Some("c"), Some(arn)), Err("InvalidArgumentException"));
        for bad in ["", "a b", "é", "a/b", "..", &"x".repeat(129)] {
            assert_eq!(which(Some(bad), None), Err("ValidationException"), "{bad}");
        }
        assert_eq!(which(None, None), Err("ValidationException"));
        assert_eq!(
            which(None, Some("arn:aws:s3:::a")),
            Err("ValidationException")
        );
    }
}
