//! `GET /openapi.json`: this API as OpenAPI 3.1, made from the routing table, and `GET /docs`, a page to read and try it.
//!
//! ```text
//! router (method, path, media types of every route that is served) ─┐
//! describe (what it does, its query, its bodies, by endpoint)       ├─▶ the document, made once
//! components.json (the bodies' schemas)                             ┘
//! ```
//!
//! A route cannot be left out: [`describe::operation`] matches every endpoint. What it says of bodies is held against
//! real answers by `protocol-tests`.

mod describe;
mod page;

use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::body::Body;
use crate::config::Config;
use crate::media::{MediaType, Negotiated};
use crate::respond::{self, Response};
use crate::router::{Consumes, Endpoint, Kinesis, Route, Router};

const COMPONENTS: &str = include_str!("openapi/components.json");
/// Those of the Kinesis front, where it is served.
const KINESIS: &str = include_str!("openapi/kinesis.json");

/// The document, once it was asked for.
#[derive(Debug, Default)]
pub struct Document(OnceLock<Bytes>);

impl Document {
    /// Its text.
    pub fn text(&self, app: &App) -> Bytes {
        let made = self.0.get_or_init(|| {
            let document = document(&app.router, &app.config);
            Bytes::from(serde_json::to_vec(&document).unwrap_or_default())
        });
        made.clone()
    }
}

/// Answers one of the two routes.
pub fn answer(app: &App, endpoint: Endpoint) -> Response {
    let is_page = endpoint == Endpoint::Docs;
    let body = if is_page {
        page::text()
    } else {
        app.document.text(app)
    };
    let negotiated = Negotiated::plain(MediaType::Json);
    let mut response = respond::bytes(StatusCode::OK, &negotiated, Vec::new());
    *response.body_mut() = Body::Chunked(body);
    if is_page {
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, page::POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// The document of what this router serves.
fn document(router: &Router, config: &Config) -> Value {
    let mut components: Value = serde_json::from_str(COMPONENTS).unwrap_or_default();
    if config.endpoints.kinesis {
        let more: Value = serde_json::from_str(KINESIS).unwrap_or_default();
        for kind in ["schemas", "parameters"] {
            if let (Some(known), Some(more)) =
                (components[kind].as_object_mut(), more[kind].as_object())
            {
                known.extend(more.clone());
            }
        }
    }
    let mut paths = Map::new();
    // Calls of AWS SDKs are described by Amazon.
    let call = Endpoint::Kinesis(Kinesis::Call);
    for route in router
        .routes()
        .iter()
        .filter(|route| route.served && route.endpoint != call)
    {
        let path = paths
            .entry(route.template)
            .or_insert_with(|| json!({ "parameters": path_parameters(route.template) }));
        let method = route.method.as_str().to_ascii_lowercase();
        if let Value::Object(path) = path {
            path.insert(method, operation(route, config));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sluiceway REST proxy",
            "description": "Kafka over HTTP: Confluent's REST Proxy API, versions 2 and 3, and what goes beyond it.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        // Where this document lies: also behind a front server that adds a path.
        "servers": [{ "url": "." }],
        "paths": paths,
        "components": components,
    })
}

fn operation(route: &Route, config: &Config) -> Value {
    let described = describe::operation(route.endpoint);
    let offers: Vec<&str> = route
        .offers
        .iter()
        .map(|offer| offer.media.as_str())
        .collect();
    let mut operation = json!({
        "operationId": described.id,
        "summary": described.summary,
        "tags": [described.tag],
        "responses": responses(route, &described, &offers, config),
    });
    if !described.parameters.is_empty() {
        let reference = |name: &&str| json!({ "$ref": format!("#/components/parameters/{name}") });
        operation["parameters"] = described.parameters.iter().map(reference).collect();
    }
    if let Some(body) = described.body {
        let media = match &route.consumes {
            Consumes::These(media) => {
                let served = media.iter().filter(|media| route.serves(Some(**media)));
                served.map(|media| media.as_str()).collect()
            }
            Consumes::Anything => vec!["application/json"],
        };
        let mut content = content(&media, body);
        let raw = !config.raw.topics.is_empty() && described.takes_raw();
        if let (true, Value::Object(content)) = (raw, &mut content) {
            content.insert("*/*".to_owned(), json!({}));
        }
        operation["requestBody"] = json!({ "content": content });
    }
    operation
}

fn responses(
    route: &Route,
    described: &describe::Operation,
    offers: &[&str],
    config: &Config,
) -> Value {
    let mut responses = Map::new();
    for (status, schema) in described.answers {
        let mut answer = json!({ "description": describe::meaning(*status) });
        if let Some(schema) = schema {
            let mut media = offers.to_vec();
            if described.takes_raw() && !config.raw.topics.is_empty() {
                media.push("application/json");
            }
            answer["content"] = content(&media, schema);
            let streamed = matches!(
                route.endpoint,
                Endpoint::Records | Endpoint::PartitionRecords
            );
            if streamed && config.sse.max_streams > 0 {
                answer["content"]["text/event-stream"] = json!({ "schema": { "type": "string" } });
            }
        }
        responses.insert(status.to_string(), answer);
    }
    if let Some(media) = described.media {
        responses.insert(
            "200".to_owned(),
            json!({
                "description": describe::meaning(200),
                "content": { media: { "schema": { "type": "string" } } }
            }),
        );
        return Value::Object(responses);
    }
    responses.insert(
        "default".to_owned(),
        json!({
            "description": "What went wrong. 429 and 503 carry Retry-After.",
            "content": content(offers, described.error)
        }),
    );
    Value::Object(responses)
}

fn content(media: &[&str], schema: &str) -> Value {
    let schema = json!({ "schema": { "$ref": format!("#/components/schemas/{schema}") } });
    let named = |media: &&str| ((*media).to_owned(), schema.clone());
    Value::Object(media.iter().map(named).collect())
}

fn path_parameters(template: &str) -> Vec<Value> {
    let names = template.split('{').skip(1);
    let names = names.filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
    names
        .map(|name| {
            let kind = match name {
                "partition" | "broker" => "integer",
                _ => "string",
            };
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": kind } })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::HashSet;

    fn made(properties: &str) -> Value {
        let text = format!("bootstrap.servers=127.0.0.1:1\n{properties}");
        let properties = sluiceway_common::props::parse(&text).unwrap();
        let config = Config::parse(&properties).unwrap();
        let router = Router::new(&config.endpoints, config.http.media).unwrap();
        document(&router, &config)
    }

    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.push(reference);
                }
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_schema_is_used() {
        every_reference_leads_somewhere("");
        every_reference_leads_somewhere(
            "sluiceway.kinesis.enable=true\nsluiceway.kinesis.signature.check=false",
        );
    }

    fn every_reference_leads_somewhere(properties: &str) {
        let document = made(properties);
        let mut found = Vec::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for kind in ["schemas", "parameters"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let reference = format!("#/components/{kind}/{name}");
                assert!(found.contains(&reference.as_str()), "{reference} is unused");
            }
        }
    }

    #[test]
    fn operations_are_told_apart_and_answered() {
        let document = made("");
        let (mut ids, mut operations) = (HashSet::new(), 0);
        for (path, item) in document["paths"].as_object().unwrap() {
            let methods = item.as_object().unwrap().iter();
            for (method, operation) in methods.filter(|(name, _)| *name != "parameters") {
                operations += 1;
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id.to_owned()), "{method} {path}: {id} is taken");
                assert!(!operation["summary"].as_str().unwrap().is_empty());
                let responses = operation["responses"].as_object().unwrap();
                let good = responses.keys().any(|status| status.starts_with('2'));
                assert!(good, "{method} {path} has no good answer");
            }
        }
        assert!(operations > 70, "{operations}");
        let config = Config::parse(
            &sluiceway_common::props::parse("bootstrap.servers=127.0.0.1:1").unwrap(),
        )
        .unwrap();
        let routes = Router::new(&config.endpoints, config.http.media)
            .unwrap()
            .routes()
            .len();
        assert_eq!(operations, routes, "a route is missing");
    }

    #[test]
    fn what_is_switched_off_is_not_described() {
        let document = made("api.v3.enable=false\nsluiceway.sse.streams.max=0");
        let paths = document["paths"].as_object().unwrap();
        assert!(paths.keys().all(|path| !path.starts_with("/v3")));
        let records = &paths["/topics/{topic}/partitions/{partition}/records"]["get"];
        let content = &records["responses"]["200"]["content"];
        assert!(content["text/event-stream"].is_null());
        let topic = &paths["/topics/{topic}"]["post"]["requestBody"]["content"];
        assert!(topic["*/*"].is_null());
        let raw = made("sluiceway.raw.topics=*");
        let topic = &raw["paths"]["/topics/{topic}"]["post"]["requestBody"]["content"];
        assert!(topic["*/*"].is_object());
        assert!(made("sluiceway.openapi.enable=false")["paths"]["/docs"].is_null());
        let blocked =
            made("api.endpoints.blocklist=api.v2.topics.list,api.v2.produce-to-topic.json");
        assert!(blocked["paths"]["/topics"].is_null());
        let topic = &blocked["paths"]["/topics/{topic}"]["post"]["requestBody"]["content"];
        assert!(topic["application/vnd.kafka.json.v2+json"].is_null());
        assert!(topic["application/vnd.kafka.avro.v2+json"].is_object());
    }
}
