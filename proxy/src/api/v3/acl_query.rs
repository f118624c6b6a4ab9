//! Access rules in the query of a URL: as a filter of requests, and in the links of answers.

use crate::api::Request;
use crate::cluster_admin::acl::{
    AclBinding, AclEnum, AclFilter, OPERATION, PATTERN_TYPE, PERMISSION, RESOURCE_TYPE,
};
use crate::error::Error;

use super::links::query_value;

/// The filter of a query. Texts that are absent match anything, values that are absent are `default`; `UNKNOWN`, which
/// may be that default, is refused in these words.
pub(super) fn read_filter(
    request: &Request<'_>,
    default: &str,
    refused: &str,
) -> Result<AclFilter, Error> {
    let value = |of: &AclEnum| {
        let text = request.query(of.field);
        let text = text.as_deref().unwrap_or(default);
        of.code(&text.to_uppercase()).ok_or_else(|| {
            let message = format!("The valid values for {} do not include '{text}'", of.class);
            Error::NotFoundAs(message)
        })
    };
    let text = |name: &str| request.query(name).filter(|text| !text.is_empty());
    let filter = AclFilter {
        resource_type: value(&RESOURCE_TYPE)?,
        resource_name: text("resource_name"),
        pattern_type: value(&PATTERN_TYPE)?,
        principal: text("principal"),
        host: text("host"),
        operation: value(&OPERATION)?,
        permission: value(&PERMISSION)?,
    };
    let values = [
        (&RESOURCE_TYPE, filter.resource_type),
        (&PATTERN_TYPE, filter.pattern_type),
        (&OPERATION, filter.operation),
        (&PERMISSION, filter.permission),
    ];
    match values.iter().find(|(of, code)| of.name(*code) == "UNKNOWN") {
        Some((of, _)) => Err(Error::BadRequest(format!("{} {refused}", of.field))),
        None => Ok(filter),
    }
}

/// The query that finds what a filter finds.
pub(super) fn of_filter(filter: &AclFilter) -> String {
    query(
        (filter.resource_type, filter.pattern_type),
        filter.resource_name.as_deref().unwrap_or_default(),
        filter.principal.as_deref().unwrap_or_default(),
        filter.host.as_deref().unwrap_or_default(),
        (filter.operation, filter.permission),
    )
}

/// The query that finds exactly this rule.
pub(super) fn of_binding(acl: &AclBinding) -> String {
    query(
        (acl.resource_type, acl.pattern_type),
        &acl.resource_name,
        &acl.principal,
        &acl.host,
        (acl.operation, acl.permission),
    )
}

fn query(
    (resource_type, pattern_type): (i8, i8),
    resource_name: &str,
    principal: &str,
    host: &str,
    (operation, permission): (i8, i8),
) -> String {
    format!(
        "?resource_type={}&resource_name={}&pattern_type={}&principal={}&host={}&operation={}&permission={}",
        RESOURCE_TYPE.name(resource_type),
        query_value(resource_name),
        PATTERN_TYPE.name(pattern_type),
        query_value(principal),
        query_value(host),
        OPERATION.name(operation),
        PERMISSION.name(permission),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_rules() {
        let acl = AclBinding {
            resource_type: 2,
            resource_name: "t".into(),
            pattern_type: 3,
            principal: "User:alice".into(),
            host: "*".into(),
            operation: 3,
            permission: 3,
        };
        assert_eq!(
            of_binding(&acl),
            "?resource_type=TOPIC&resource_name=t&pattern_type=LITERAL&principal=User%3Aalice&host=*&operation=READ&permission=ALLOW"
        );
    }
}
