//! Bodies that make access rules.

use super::{NULL, Read, Reader, required, whole};
use crate::cluster_admin::acl::{
    AclBinding, AclEnum, OPERATION, PATTERN_TYPE, PERMISSION, RESOURCE_TYPE,
};
use crate::error::Error;

const RULE: &str = "CreateAclRequest";
const BATCH: &str = "CreateAclBatchRequestData";
const NO_DATA: &str = "Empty input provided. Data is required.";

/// One rule; all its fields are needed.
pub(in crate::api::v3) fn read_acl(body: &[u8]) -> Result<AclBinding, Error> {
    let acl = whole(body, RULE, NULL, acl)?;
    check(&acl).map(|()| acl)
}

/// `{"data":[…]}`; a list that is not there, or has a `null` in it, is told before a field that nobody knows.
pub(in crate::api::v3) fn read_acls(body: &[u8]) -> Result<Vec<AclBinding>, Error> {
    let (data, fields) = whole(body, BATCH, NULL, |reader| {
        let mut data = None;
        let fields = reader.object(|reader, field| {
            if field == "data" {
                data = reader.objects(RULE, acl)?;
            }
            Ok(field == "data")
        })?;
        Ok((data, fields))
    })?;
    let acls = data.and_then(|data| data.into_iter().collect::<Option<Vec<_>>>());
    let acls = acls.ok_or(Error::InvalidPayload(NO_DATA))?;
    fields.finish()?;
    acls.iter().try_for_each(check).map(|()| acls)
}

fn acl(reader: &mut Reader<'_>) -> Read<AclBinding> {
    let code = |reader: &mut Reader<'_>, of: &AclEnum| {
        let place = reader.one_of(of.class, of.listed, of.values);
        place.map(|place| place.and_then(|place| i8::try_from(place).ok()))
    };
    let (mut resource_type, mut resource_name, mut pattern_type) = (None, None, None);
    let (mut principal, mut host, mut operation, mut permission) = (None, None, None, None);
    let fields = reader.object(|reader, field| {
        match field {
            "resource_type" => resource_type = code(reader, &RESOURCE_TYPE)?,
            "resource_name" => resource_name = reader.text()?,
            "pattern_type" => pattern_type = code(reader, &PATTERN_TYPE)?,
            "principal" => principal = reader.text()?,
            "host" => host = reader.text()?,
            "operation" => operation = code(reader, &OPERATION)?,
            "permission" => permission = code(reader, &PERMISSION)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let acl = AclBinding {
        resource_type: required(resource_type, RULE, "resourceType")?,
        resource_name: required(resource_name, RULE, "resourceName")?,
        pattern_type: required(pattern_type, RULE, "patternType")?,
        principal: required(principal, RULE, "principal")?,
        host: required(host, RULE, "host")?,
        operation: required(operation, RULE, "operation")?,
        permission: required(permission, RULE, "permission")?,
    };
    fields.finish().map(|()| acl)
}

/// A rule has to be about something certain; filters need not be.
fn check(acl: &AclBinding) -> Result<(), Error> {
    let refuse = |of: &AclEnum, value: &str| {
        let message = format!("{} cannot be {value}", of.field);
        Err(Error::BadRequest(message))
    };
    let vague = |name: &str| matches!(name, "ANY" | "UNKNOWN");
    if vague(RESOURCE_TYPE.name(acl.resource_type)) {
        return refuse(&RESOURCE_TYPE, "ANY");
    }
    let pattern = PATTERN_TYPE.name(acl.pattern_type);
    if vague(pattern) || pattern == "MATCH" {
        return refuse(&PATTERN_TYPE, pattern);
    }
    if vague(OPERATION.name(acl.operation)) {
        return refuse(&OPERATION, "ANY");
    }
    if vague(PERMISSION.name(acl.permission)) {
        return refuse(&PERMISSION, "ANY");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GOOD: &str = r#"{"resource_type":"TOPIC","resource_name":"t","pattern_type":"LITERAL","principal":"User:a","host":"*","operation":"READ","permission":"ALLOW"}"#;

    #[test]
    fn rules() {
        let acl = read_acl(GOOD.as_bytes()).unwrap();
        assert_eq!(
            (acl.resource_type, acl.operation, acl.permission),
            (2, 3, 3)
        );
        let batch = format!(r#"{{"data":[{GOOD},{GOOD}]}}"#);
        let both = [acl.clone(), acl.clone()];
        assert_eq!(read_acls(batch.as_bytes()).unwrap(), both);
        for same in ["3", "\"3\"", "\" READ \""] {
            let other = GOOD.replace("\"READ\"", same);
            assert_eq!(read_acl(other.as_bytes()).unwrap(), acl, "{same}");
        }
        for (from, to, message) in [
            (
                "\"READ\"",
                "13",
                "Cannot deserialize value of type `Operation` from number 13: index value outside legal index range [0..12]",
            ),
            ("LITERAL", "ANY", "pattern_type cannot be ANY"),
            ("LITERAL", "MATCH", "pattern_type cannot be MATCH"),
            ("\"READ\"", "\"ANY\"", "operation cannot be ANY"),
            ("TOPIC", "UNKNOWN", "resource_type cannot be ANY"),
            (
                "READ",
                "FLY",
                "Cannot deserialize value of type `Operation` from String \"FLY\": not one of the values accepted for Enum class: [ALL, ALTER_CONFIGS, UNKNOWN, DELETE, ANY, ALTER, IDEMPOTENT_WRITE, CLUSTER_ACTION, CREATE, DESCRIBE_CONFIGS, WRITE, DESCRIBE, READ]",
            ),
        ] {
            let error = read_acl(GOOD.replace(from, to).as_bytes()).unwrap_err();
            assert_eq!(
                (error.code().number, error.to_string()),
                (400, message.to_owned())
            );
        }
    }

    #[test]
    fn what_is_missing() {
        let error = read_acl(br#"{"resource_type":"TOPIC"}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Cannot construct instance of `CreateAclRequest`, problem: Null resourceName"
        );
        let refused = |error: Error| (error.code().number, error.to_string());
        let null = (42206, format!("Payload error. {NULL}"));
        for body in ["", " null"] {
            assert_eq!(refused(read_acl(body.as_bytes()).unwrap_err()), null);
            assert_eq!(refused(read_acls(body.as_bytes()).unwrap_err()), null);
        }
        let no_data = (42206, format!("Payload error. {NO_DATA}"));
        for body in ["{}", "{\"x\":1}", r#"{"data":null}"#, r#"{"data":[null]}"#] {
            assert_eq!(refused(read_acls(body.as_bytes()).unwrap_err()), no_data);
        }
        let unknown = read_acls(br#"{"data":[],"x":1}"#).unwrap_err();
        assert_eq!(refused(unknown), (422, "Unrecognized field: x".to_owned()));
    }
}
