//! Request bodies: JSON, read with a limit, turned into what the herder takes.
//!
//! Configuration values are text; numbers and booleans are written as text. What cannot be right is a 400 (the
//! original answers 500 to malformed JSON, unknown members and missing ones).

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use sluiceway_common::props::Properties;

use super::respond::ApiError;
use crate::herder::ConfigPatch;
use crate::status::TargetState;
use crate::worker::{ConnectorRequest, scalar};

/// Refuses a body that says it is something else than JSON.
pub(super) fn check_content_type(headers: &HeaderMap, body: &Bytes) -> Result<(), ApiError> {
    let declared = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = declared.map(|text| {
        text.split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase()
    });
    match essence.as_deref() {
        None | Some("application/json" | "*/*" | "application/*") => Ok(()),
        Some(_) if body.is_empty() => Ok(()),
        Some(_) => Err(ApiError::plain(http::StatusCode::UNSUPPORTED_MEDIA_TYPE)),
    }
}

/// The body as a JSON object.
pub(super) fn object(body: &Bytes) -> Result<Map<String, Value>, ApiError> {
    if body.is_empty() {
        return Err(ApiError::bad_request(
            "The request has no body; a JSON object is expected",
        ));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(ApiError::bad_request(
            "The request body is not a JSON object",
        )),
        Err(error) => Err(ApiError::bad_request(format!(
            "The request body is not valid JSON: {error}"
        ))),
    }
}

/// A configuration; keys with a null value are left out.
pub(super) fn config(map: Map<String, Value>) -> Result<Properties, ApiError> {
    let patch = patch(map)?;
    Ok(patch
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect())
}

/// Changes to a configuration; a null value takes the key out.
pub(super) fn patch(map: Map<String, Value>) -> Result<ConfigPatch, ApiError> {
    map.into_iter()
        .map(|(key, value)| match (&value, scalar(&value)) {
            (Value::Null, _) => Ok((key, None)),
            (_, Some(text)) => Ok((key, Some(text))),
            (_, None) => {
                let message =
                    format!("The value of \"{key}\" must be a string, a number or a boolean");
                Err(ApiError::bad_request(message))
            }
        })
        .collect()
}

/// `POST /connectors`.
pub(super) fn create(body: &Bytes) -> Result<ConnectorRequest, ApiError> {
    let mut map = object(body)?;
    let name = text(map.shift_remove("name"), "name")?
        .unwrap_or_default()
        .trim()
        .to_owned();
    let given = map.shift_remove("config");
    let initial_state = text(map.shift_remove("initial_state"), "initial_state")?;
    if let Some(unknown) = map.keys().next() {
        let message = format!(
            "Unrecognized field \"{unknown}\"; known are \"name\", \"config\", \"initial_state\""
        );
        return Err(ApiError::bad_request(message));
    }
    let Some(Value::Object(given)) = given else {
        return Err(ApiError::bad_request(
            "The request has no \"config\", or it is not a JSON object",
        ));
    };
    let initial_state: Option<TargetState> = initial_state
        .map(|text| text.parse())
        .transpose()
        .map_err(|error: crate::status::UnknownState| ApiError::bad_request(error.to_string()))?;
    let config = with_name(config(given)?, &name)?;
    Ok(ConnectorRequest {
        name,
        config,
        initial_state,
    })
}

/// The configuration with its `name`, which must be that of the URL or of the request.
pub(super) fn with_name(mut config: Properties, name: &str) -> Result<Properties, ApiError> {
    match config.get("name") {
        Some(own) if own != name => {
            let message = format!(
                "Connector name configuration ({own}) doesn't match connector name in the URL ({name})"
            );
            Err(ApiError::bad_request(message))
        }
        _ => {
            config.insert("name".to_owned(), name.to_owned());
            Ok(config)
        }
    }
}

/// A member that has to be text when it is there.
pub(super) fn text(value: Option<Value>, name: &str) -> Result<Option<String>, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match scalar(&value) {
            Some(text) => Ok(Some(text)),
            None => Err(ApiError::bad_request(format!(
                "\"{name}\" must be a string"
            ))),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn created(text: &'static str) -> Result<ConnectorRequest, String> {
        create(&Bytes::from_static(text.as_bytes())).map_err(|error| error.message)
    }

    #[test]
    fn a_create_request_is_read() {
        let request =
            created(r#"{"name":" n ","config":{"flush.size":3,"x":true,"y":null,"z":"1"},"initial_state":"Paused"}"#)
                .unwrap();
        assert_eq!(request.name, "n");
        let pairs: Vec<_> = request
            .config
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("flush.size", "3"),
                ("x", "true"),
                ("z", "1"),
                ("name", "n")
            ]
        );
        assert_eq!(request.initial_state, Some(TargetState::Paused));
    }

    #[test]
    fn bad_requests_say_what_is_wrong() {
        let cases = [
            ("", "no body"),
            ("[]", "not a JSON object"),
            ("{", "not valid JSON"),
            (r#"{"name":"n"}"#, "no \"config\""),
            (
                r#"{"name":"n","config":{},"x":1}"#,
                "Unrecognized field \"x\"",
            ),
            (r#"{"name":"n","config":{"a":{}}}"#, "\"a\""),
            (
                r#"{"name":"n","config":{},"initial_state":"ASLEEP"}"#,
                "ASLEEP",
            ),
            (
                r#"{"config":{"name":"a"}}"#,
                "Connector name configuration (a) doesn't match connector name in the URL ()",
            ),
        ];
        for (text, message) in cases {
            let error = created(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn content_types() {
        let check = |content_type: &str, body: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
            check_content_type(&headers, &Bytes::from_static(body.as_bytes())).is_ok()
        };
        assert!(check("application/json; charset=utf-8", "{}") && check("APPLICATION/JSON", "{}"));
        assert!(!check("text/plain", "{}") && check("text/plain", ""));
    }
}
