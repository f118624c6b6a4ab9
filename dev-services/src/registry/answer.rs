//! What a request is answered with: JSON, or an error's status, code and message. The codes are those that clients of
//! Confluent's registry know.

use serde_json::{Value, json};

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// JSON text.
    pub(super) body: String,
    /// Whether the registry's media type is sent; a path that nobody serves is answered without.
    pub(super) typed: bool,
}

impl Answer {
    /// 200 with JSON.
    pub(super) fn json(value: &Value) -> Self {
        Self::text(value.to_string())
    }

    /// 200 with a text that is JSON already.
    pub(super) fn text(body: String) -> Self {
        Self {
            status: 200,
            body,
            typed: true,
        }
    }
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    code: u32,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: u32, message: String) -> Self {
        Self {
            status,
            code,
            message,
        }
    }

    /// No such path.
    pub(super) fn no_route() -> Self {
        Self::new(404, 404, "HTTP 404 Not Found".to_owned())
    }

    /// No such method on a path that there is.
    pub(super) fn no_method() -> Self {
        Self::new(405, 405, "HTTP 405 Method Not Allowed".to_owned())
    }

    /// A body of another type than JSON.
    pub(super) fn media_type() -> Self {
        Self::new(415, 415, "HTTP 415 Unsupported Media Type".to_owned())
    }

    /// A body that is no JSON, or too long.
    pub(super) fn bad_request(message: String) -> Self {
        Self::new(400, 400, message)
    }

    /// No such subject.
    pub(super) fn no_subject(subject: &str) -> Self {
        Self::new(404, 40401, format!("Subject '{subject}' not found."))
    }

    /// No such version.
    pub(super) fn no_version(version: impl std::fmt::Display) -> Self {
        Self::new(404, 40402, format!("Version {version} not found."))
    }

    /// No schema of an id.
    pub(super) fn no_id(id: &str) -> Self {
        Self::new(404, 40403, format!("Schema {id} not found"))
    }

    /// The subject does not have the schema that was sent.
    pub(super) fn no_schema() -> Self {
        Self::new(404, 40403, "Schema not found".to_owned())
    }

    /// Deleted already, for a while.
    pub(super) fn subject_soft_deleted(subject: &str) -> Self {
        let hint = "Set permanent=true to delete permanently";
        let message = format!("Subject '{subject}' was soft deleted.{hint}");
        Self::new(404, 40404, message)
    }

    /// To be deleted for ever, but not deleted for a while before.
    pub(super) fn subject_not_soft_deleted(subject: &str) -> Self {
        let message =
            format!("Subject '{subject}' was not deleted first before being permanently deleted");
        Self::new(404, 40405, message)
    }

    /// Deleted already, for a while.
    pub(super) fn version_soft_deleted(subject: &str, version: u32) -> Self {
        let hint = "Set permanent=true to delete permanently";
        let message = format!("Subject '{subject}' Version {version} was soft deleted.{hint}");
        Self::new(404, 40406, message)
    }

    /// To be deleted for ever, but not deleted for a while before.
    pub(super) fn version_not_soft_deleted(subject: &str, version: u32) -> Self {
        let message = format!(
            "Subject '{subject}' Version {version} was not deleted first before being permanently deleted"
        );
        Self::new(404, 40407, message)
    }

    /// The subject has no level of its own.
    pub(super) fn no_level(subject: &str) -> Self {
        let message =
            format!("Subject '{subject}' does not have subject-level compatibility configured");
        Self::new(404, 40408, message)
    }

    /// The subject has no mode of its own.
    pub(super) fn no_mode(subject: &str) -> Self {
        let message = format!("Subject '{subject}' does not have subject-level mode configured");
        Self::new(404, 40409, message)
    }

    /// The schema does not fit those before it.
    pub(super) fn incompatible(subject: &str, details: &[String]) -> Self {
        let message = format!(
            "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: [{}]",
            details.join(", ")
        );
        Self::new(409, 409, message)
    }

    /// No schema of its kind.
    pub(super) fn invalid_schema(message: String) -> Self {
        Self::new(422, 42201, message)
    }

    /// No version number.
    pub(super) fn invalid_version(version: &str) -> Self {
        let message = format!(
            "The specified version '{version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""
        );
        Self::new(422, 42202, message)
    }

    /// No compatibility level.
    pub(super) fn invalid_level() -> Self {
        let levels = "none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive";
        let message = format!("Invalid compatibility level. Valid values are {levels}");
        Self::new(422, 42203, message)
    }

    /// No mode.
    pub(super) fn invalid_mode() -> Self {
        let message =
            "Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE, and IMPORT";
        Self::new(422, 42204, message.to_owned())
    }

    /// The mode does not let it be done.
    pub(super) fn read_only(subject: &str) -> Self {
        Self::new(
            422,
            42205,
            format!("Subject {subject} is in read-only mode"),
        )
    }

    /// Another schema refers to it.
    pub(super) fn referenced(subject: &str, version: u32) -> Self {
        let message = format!(
            "One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}."
        );
        Self::new(422, 42206, message)
    }

    /// What was registered cannot be written down.
    pub(super) fn storage(error: &std::io::Error) -> Self {
        Self::new(
            500,
            50001,
            format!("Error in the backend data store: {error}"),
        )
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let body = json!({"error_code": refusal.code, "message": refusal.message});
        Self {
            status: refusal.status,
            body: body.to_string(),
            typed: refusal.code != 404,
        }
    }
}
