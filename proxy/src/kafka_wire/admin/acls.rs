//! Access rules.

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest};

use super::{NEWEST, WireAdmin, text};
use crate::cluster_admin::acl::{AclBinding, AclFilter};
use crate::kafka_error::KafkaFault;
use crate::kafka_wire::fault::check_moved;
use crate::kafka_wire::pool::To;

impl WireAdmin {
    pub(super) async fn describe_acls(
        &self,
        filter: AclFilter,
    ) -> Result<Vec<AclBinding>, KafkaFault> {
        let request = DescribeAclsRequest::default()
            .with_resource_type_filter(filter.resource_type)
            .with_resource_name_filter(filter.resource_name.as_deref().map(text))
            .with_pattern_type_filter(filter.pattern_type)
            .with_principal_filter(filter.principal.as_deref().map(text))
            .with_host_filter(filter.host.as_deref().map(text))
            .with_operation(filter.operation)
            .with_permission_type(filter.permission);
        let answer = self
            .call(To::Any, &request, NEWEST, "describeAcls", |answer| {
                check_moved(answer.error_code, answer.error_message.as_ref())
            })
            .await?;
        let bindings = answer.resources.iter().flat_map(|resource| {
            resource.acls.iter().map(|acl| AclBinding {
                resource_type: resource.resource_type,
                resource_name: resource.resource_name.to_string(),
                pattern_type: resource.pattern_type,
                principal: acl.principal.to_string(),
                host: acl.host.to_string(),
                operation: acl.operation,
                permission: acl.permission_type,
            })
        });
        let mut bindings: Vec<AclBinding> = bindings.collect();
        bindings.sort_unstable();
        Ok(bindings)
    }

    pub(super) async fn add_acls(&self, acls: Vec<AclBinding>) -> Result<(), KafkaFault> {
        let creation = |acl: &AclBinding| {
            AclCreation::default()
                .with_resource_type(acl.resource_type)
                .with_resource_name(text(&acl.resource_name))
                .with_resource_pattern_type(acl.pattern_type)
                .with_principal(text(&acl.principal))
                .with_host(text(&acl.host))
                .with_operation(acl.operation)
                .with_permission_type(acl.permission)
        };
        let request =
            CreateAclsRequest::default().with_creations(acls.iter().map(creation).collect());
        self.call(To::Controller, &request, NEWEST, "createAcls", |answer| {
            answer
                .results
                .iter()
                .try_for_each(|one| check_moved(one.error_code, one.error_message.as_ref()))
        })
        .await
        .map(drop)
    }

    pub(super) async fn remove_acls(
        &self,
        filter: AclFilter,
    ) -> Result<Vec<AclBinding>, KafkaFault> {
        let wanted = DeleteAclsFilter::default()
            .with_resource_type_filter(filter.resource_type)
            .with_resource_name_filter(filter.resource_name.as_deref().map(text))
            .with_pattern_type_filter(filter.pattern_type)
            .with_principal_filter(filter.principal.as_deref().map(text))
            .with_host_filter(filter.host.as_deref().map(text))
            .with_operation(filter.operation)
            .with_permission_type(filter.permission);
        let request = DeleteAclsRequest::default().with_filters(vec![wanted]);
        let answer = self
            .call(To::Controller, &request, NEWEST, "deleteAcls", |answer| {
                for result in &answer.filter_results {
                    check_moved(result.error_code, result.error_message.as_ref())?;
                    for acl in &result.matching_acls {
                        check_moved(acl.error_code, acl.error_message.as_ref())?;
                    }
                }
                Ok(())
            })
            .await?;
        let matching = answer
            .filter_results
            .iter()
            .flat_map(|result| &result.matching_acls);
        let mut removed: Vec<AclBinding> = matching
            .map(|acl| AclBinding {
                resource_type: acl.resource_type,
                resource_name: acl.resource_name.to_string(),
                pattern_type: acl.pattern_type,
                principal: acl.principal.to_string(),
                host: acl.host.to_string(),
                operation: acl.operation,
                permission: acl.permission_type,
            })
            .collect();
        removed.sort_unstable();
        Ok(removed)
    }
}
