//! `…/acls`: access rules.

use http::{HeaderValue, StatusCode, header};
use hyper::body::Incoming;

use crate::api::Request;
use crate::cluster_admin::acl::{
    AclBinding, AclFilter, OPERATION, PATTERN_TYPE, PERMISSION, RESOURCE_TYPE,
};
use crate::entity::v3::acl::{Acl, DeletedAcls};
use crate::entity::v3::{Resource, ResourceMetadata};
use crate::error::Error;
use crate::respond::{self, Response};

use super::acl_query::{of_binding, of_filter, read_filter};
use super::body::acl::{read_acl, read_acls};
use super::links::Links;
use super::scope::{scope, settle};

/// `GET …/acls`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let filter = read_filter(request, "any", "cannot be UNKNOWN")?;
    let links = scope(request).await?.links;
    let acls = request.app.cluster.acls(filter.clone()).await?;
    let data = acls.iter().map(|acl| resource(&links, acl)).collect();
    let tail = format!("/acls{}", of_filter(&filter));
    respond::json(request.negotiated, &links.list("KafkaAclList", &tail, data))
}

/// `POST …/acls`
pub(super) async fn create(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (bytes, _permit) = request.body(body).await?;
    let acl = read_acl(&bytes)?;
    let links = scope(request).await?.links;
    let url = links.url(&format!("/acls{}", of_binding(&acl)));
    add(request, vec![acl]).await?;
    let mut response = respond::no_content();
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(url) = HeaderValue::from_str(&url) {
        response.headers_mut().insert(header::LOCATION, url);
    }
    Ok(response)
}

/// `POST …/acls:batch`
pub(super) async fn create_batch(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (bytes, _permit) = request.body(body).await?;
    let acls = read_acls(&bytes)?;
    scope(request).await?;
    add(request, acls).await?;
    Ok(respond::no_content())
}

async fn add(request: &Request<'_>, acls: Vec<AclBinding>) -> Result<(), Error> {
    let admin = &request.app.cluster;
    admin.create_acls(acls.clone()).await?;
    settle(|| async {
        for acl in &acls {
            // What cannot be looked at need not be waited for.
            if let Ok(found) = admin.acls(exactly(acl)).await
                && found.is_empty()
            {
                return false;
            }
        }
        true
    })
    .await;
    Ok(())
}

fn exactly(acl: &AclBinding) -> AclFilter {
    AclFilter {
        resource_type: acl.resource_type,
        resource_name: Some(acl.resource_name.clone()),
        pattern_type: acl.pattern_type,
        principal: Some(acl.principal.clone()),
        host: Some(acl.host.clone()),
        operation: acl.operation,
        permission: acl.permission,
    }
}

/// `DELETE …/acls`
pub(super) async fn delete(request: &Request<'_>) -> Result<Response, Error> {
    let filter = read_filter(request, "unknown", "cannot be unspecified or UNKNOWN")?;
    let links = scope(request).await?.links;
    let admin = &request.app.cluster;
    let deleted = admin.delete_acls(filter.clone()).await?;
    settle(|| async {
        admin
            .acls(filter.clone())
            .await
            .is_ok_and(|left| left.is_empty())
    })
    .await;
    let data = deleted.iter().map(|acl| resource(&links, acl)).collect();
    respond::json(request.negotiated, &DeletedAcls { data })
}

fn resource(links: &Links, acl: &AclBinding) -> Resource<Acl> {
    Resource {
        kind: "KafkaAcl",
        metadata: ResourceMetadata {
            url: links.url(&format!("/acls{}", of_binding(acl))),
            resource_name: None,
        },
        fields: Acl {
            cluster_id: links.cluster.clone(),
            resource_type: RESOURCE_TYPE.name(acl.resource_type),
            resource_name: acl.resource_name.clone(),
            pattern_type: PATTERN_TYPE.name(acl.pattern_type),
            principal: acl.principal.clone(),
            host: acl.host.clone(),
            operation: OPERATION.name(acl.operation),
            permission: PERMISSION.name(acl.permission),
        },
    }
}
