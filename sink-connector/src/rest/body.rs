//! Request bodies: JSON, read with a limit, turned into what the herder takes.
//!
//! Configuration values are text; numbers and booleans are taken as they are written. What cannot be right is a 400
//! (the original answers 500 to malformed JSON, unknown members and missing ones).

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sluiceway_common::props::Properties;

use super::respond::ApiError;
use crate::herder::ConfigPatch;
use crate::status::TargetState;
use crate::worker::ConnectorRequest;
use crate::worker::json_config::{self, Members, NotText};

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
    read(body)
}

/// The body as a JSON object whose members keep their text.
pub(super) fn members(body: &Bytes) -> Result<Members, ApiError> {
    read(body)
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    if body.is_empty() {
        return Err(ApiError::bad_request(
            "The request has no body; a JSON object is expected",
        ));
    }
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(if error.is_data() {
            "The request body is not a JSON object".to_owned()
        } else {
            format!("The request body is not valid JSON: {error}")
        })
    })
}

/// A configuration, and the keys that it gives as null.
pub(super) fn config(members: Members) -> Result<(Properties, Vec<String>), ApiError> {
    json_config::config(members).map_err(not_text)
}

/// The member `config` of a request.
pub(super) fn config_member(
    given: Option<Box<RawValue>>,
) -> Result<(Properties, Vec<String>), ApiError> {
    match given.and_then(|given| serde_json::from_str(given.get()).ok()) {
        Some(given) => config(given),
        None => Err(ApiError::bad_request(
            "The request has no \"config\", or it is not a JSON object",
        )),
    }
}

/// Changes to a configuration; a null value takes the key out.
pub(super) fn patch(members: Members) -> Result<ConfigPatch, ApiError> {
    json_config::texts(members).map_err(not_text)
}

/// The member `name` of a request, which has to be text when it is there.
pub(super) fn text(members: &mut Members, name: &str) -> Result<Option<String>, ApiError> {
    match members.shift_remove(name) {
        None => Ok(None),
        Some(value) => json_config::text(name, &value).map_err(not_text),
    }
}

fn not_text(error: NotText) -> ApiError {
    ApiError::bad_request(error.to_string())
}

/// `POST /connectors`.
pub(super) fn create(body: &Bytes) -> Result<ConnectorRequest, ApiError> {
    let mut members = members(body)?;
    let name = text(&mut members, "name")?
        .unwrap_or_default()
        .trim()
        .to_owned();
    let initial_state = text(&mut members, "initial_state")?;
    let given = members.shift_remove("config");
    if let Some(unknown) = members.keys().next() {
        let message = format!(
            "Unrecognized field \"{unknown}\"; known are \"name\", \"config\", \"initial_state\""
        );
        return Err(ApiError::bad_request(message));
    }
    let given = config_member(given)?;
    let initial_state: Option<TargetState> = initial_state
        .map(|text| text.parse())
        .transpose()
        .map_err(|error: crate::status::UnknownState| ApiError::bad_request(error.to_string()))?;
    Ok(ConnectorRequest {
        initial_state,
        ..named(given, &name)?
    })
}

/// The request for a connector `name` with a configuration whose name, where it has one, must be that.
pub(super) fn named(
    (mut config, mut nulls): (Properties, Vec<String>),
    name: &str,
) -> Result<ConnectorRequest, ApiError> {
    if let Some(own) = config.get("name")
        && own != name
    {
        let message = format!(
            "Connector name configuration ({own}) doesn't match connector name in the URL ({name})"
        );
        return Err(ApiError::bad_request(message));
    }
    config.insert("name".to_owned(), name.to_owned());
    nulls.retain(|key| key != "name");
    Ok(ConnectorRequest {
        name: name.to_owned(),
        config,
        nulls,
        initial_state: None,
    })
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
        assert_eq!(request.nulls, ["y"]);
        assert_eq!(request.initial_state, Some(TargetState::Paused));
    }

    #[test]
    fn the_request_s_name_stands_for_none_in_the_configuration() {
        let request = created(r#"{"name":"n","config":{"name":null}}"#).unwrap();
        assert_eq!(request.config["name"], "n");
        assert!(request.nulls.is_empty());
    }

    #[test]
    fn bad_requests_say_what_is_wrong() {
        let cases = [
            ("", "no body"),
            ("[]", "not a JSON object"),
            ("{", "not valid JSON"),
            (r#"{"name":"n"}"#, "no \"config\""),
            (r#"{"name":"n","config":[]}"#, "no \"config\""),
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
