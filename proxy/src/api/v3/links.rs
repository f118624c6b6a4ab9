//! URLs and names of resources: every resource says where it is and what it is called, and links to what belongs to it.

use crate::entity::v3::{List, ListMetadata, Related, Resource, ResourceMetadata};

/// The addresses in one cluster. Path segments are not escaped, as in the original.
#[derive(Debug, Clone)]
pub(super) struct Links {
    /// `http://host/v3/clusters`
    clusters: String,
    /// `crn://authority/kafka=`
    names: String,
    /// The cluster's id.
    pub(super) cluster: String,
}

impl Links {
    /// Addresses that begin with this base URL and authority.
    pub(super) fn new(base_url: &str, authority: &str, cluster: &str) -> Self {
        Self {
            clusters: format!("{base_url}/v3/clusters"),
            names: format!("crn://{authority}/kafka="),
            cluster: cluster.to_owned(),
        }
    }

    /// The URL of all clusters.
    pub(super) fn clusters(&self) -> &str {
        &self.clusters
    }

    /// The URL of what is at `tail` (`/brokers/1`, or nothing) in the cluster.
    pub(super) fn url(&self, tail: &str) -> String {
        format!("{}/{}{tail}", self.clusters, self.cluster)
    }

    /// A link there.
    pub(super) fn related(&self, tail: &str) -> Related {
        Related::to(self.url(tail))
    }

    /// A resource at `tail`, called `name` (`/broker=1`) within the cluster.
    pub(super) fn resource<T>(
        &self,
        kind: &'static str,
        tail: &str,
        name: &str,
        fields: T,
    ) -> Resource<T> {
        Resource {
            kind,
            metadata: ResourceMetadata {
                url: self.url(tail),
                resource_name: Some(format!("{}{}{name}", self.names, self.cluster)),
            },
            fields,
        }
    }

    /// A list at `tail`.
    pub(super) fn list<T>(
        &self,
        kind: &'static str,
        tail: &str,
        data: Vec<Resource<T>>,
    ) -> List<T> {
        list(kind, self.url(tail), data)
    }
}

/// A list at this URL. Lists are never cut.
pub(super) fn list<T>(kind: &'static str, url: String, data: Vec<Resource<T>>) -> List<T> {
    List {
        kind,
        metadata: ListMetadata { url, next: None },
        data,
    }
}

/// A text as it is written in the query of a URL (`application/x-www-form-urlencoded`).
pub(super) fn query_value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn urls_and_names() {
        let links = Links::new("http://h:1", "", "C");
        let resource = links.resource("KafkaBroker", "/brokers/1", "/broker=1", ());
        assert_eq!(resource.metadata.url, "http://h:1/v3/clusters/C/brokers/1");
        assert_eq!(
            resource.metadata.resource_name.unwrap(),
            "crn:///kafka=C/broker=1"
        );
        let named = Links::new("http://h:1", "example.com", "C");
        let name = named.resource("KafkaCluster", "", "", ()).metadata;
        assert_eq!(name.resource_name.unwrap(), "crn://example.com/kafka=C");
    }

    #[test]
    fn query_values() {
        assert_eq!(query_value("User:alice"), "User%3Aalice");
        assert_eq!(query_value("* a_b-c.d/é"), "*+a_b-c.d%2F%C3%A9");
    }
}
