//! A store in place of S3's HTTP client: notes every request, and answers it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;

use super::*;
use crate::config::ConnectorConfig;

/// A request as it went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Answers with the statuses that are left, then with 200.
#[derive(Clone, Debug, Default)]
pub(super) struct Answering {
    pub(super) asked: Arc<Mutex<Vec<Asked>>>,
    pub(super) statuses: Arc<Mutex<Vec<u16>>>,
}

impl HttpConnector for Answering {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let headers = request.headers().iter();
        self.asked.lock().push(Asked {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            headers: headers
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        });
        let status = self.statuses.lock().pop().unwrap_or(200);
        let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        HttpConnectorFuture::ready(Ok(answer))
    }
}

/// A connector's configuration with these properties beside the least.
pub(super) fn config(properties: &str) -> ConnectorConfig {
    let text = format!(
        "name=n\nconnector.class=S3Sink\ntopics=t\ns3.bucket.name=bucket\nflush.size=1\nstorage.class=S3Storage\n\
         format.class=JsonFormat\nkey.converter=StringConverter\nvalue.converter=StringConverter\n\
         aws.access.key.id=k\naws.secret.access.key=s\n{properties}\n"
    );
    let properties = sluiceway_common::props::parse(&text).unwrap();
    ConnectorConfig::parse(&properties, &Default::default()).unwrap()
}

impl Answering {
    /// A client as `config` says, whose requests come here.
    pub(super) async fn client(&self, config: &ConnectorConfig) -> Client {
        let connector = self.clone();
        let client = connect(&config.s3).await;
        let here = http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone()));
        Client::from_conf(client.config().to_builder().http_client(here).build())
    }
}
