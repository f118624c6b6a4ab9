//! Paths and methods of the recordings.
#![allow(clippy::unwrap_used)]

use sluiceway_common::props;

use super::*;
use crate::config::Config;

fn router(lines: &str) -> Router {
    let text = format!("bootstrap.servers=a:1\n{lines}");
    let config = Config::parse(&props::parse(&text).unwrap()).unwrap();
    Router::new(&config.endpoints, config.http.media).unwrap()
}

fn find(router: &Router, method: &str, path: &str) -> Result<Endpoint, &'static str> {
    match router.find(&method.parse().unwrap(), path).target {
        Target::Route(index) => Ok(router.routes()[index].endpoint),
        Target::Options(_) => Err("OPTIONS"),
        Target::NoMethod(_) => Err("405"),
        Target::NoPath => Err("404"),
    }
}

#[test]
fn every_route_is_found_with_and_without_a_slash() {
    let router = router("");
    for route in router.routes() {
        let path = route
            .template
            .replace("{topic}", "a.b")
            .replace("{partition}", "0");
        assert_eq!(
            find(&router, route.method.as_str(), &path),
            Ok(route.endpoint)
        );
        if path != "/" {
            assert_eq!(
                find(&router, route.method.as_str(), &format!("{path}/")),
                Ok(route.endpoint)
            );
        }
    }
}

#[test]
fn misses() {
    let router = router("");
    for (method, path, expected) in [
        ("GET", "/nope", "404"),
        ("POST", "/nope", "404"),
        ("GET", "//topics", "404"),
        ("GET", "/topics//", "404"),
        ("GET", "/v1/metadata/id", "404"),
        ("GET", "/topics/a/b", "404"),
        ("POST", "/topics", "405"),
        ("DELETE", "/topics", "405"),
        ("PATCH", "/topics/a", "405"),
        ("BREW", "/topics", "405"),
        ("OPTIONS", "/topics", "OPTIONS"),
        ("OPTIONS", "/nope", "404"),
    ] {
        assert_eq!(
            find(&router, method, path),
            Err(expected),
            "{method} {path}"
        );
    }
    assert_eq!(find(&router, "HEAD", "/topics"), Ok(Endpoint::Topics));
}

#[test]
fn parameters_are_decoded() {
    let router = router("");
    let path = "/topics/bad%20name%C3%A9/partitions/-1/";
    let matched = router.find(&Method::GET, path);
    assert_eq!(matched.param(path, 0).unwrap(), "bad nameé");
    assert_eq!(matched.param(path, 1).unwrap(), "-1");
    for broken in ["/topics/a%2", "/topics/a%zz", "/topics/%ff"] {
        assert!(
            router.find(&Method::GET, broken).param(broken, 0).is_err(),
            "{broken}"
        );
    }
    let dots = "/topics/..";
    assert_eq!(
        router.find(&Method::POST, dots).param(dots, 0).unwrap(),
        ".."
    );
}

#[test]
fn allowed_methods_have_the_originals_order() {
    let router = router("");
    let allowed = |template: &str| {
        let resource = router
            .resources()
            .iter()
            .find(|resource| resource.template == template)
            .unwrap();
        resource.allowed.join(",")
    };
    assert_eq!(allowed("/topics"), "HEAD,GET,OPTIONS");
    assert_eq!(allowed("/"), "HEAD,POST,GET,OPTIONS");
}

#[test]
fn blocked_endpoints() {
    let router = router(
        "api.endpoints.blocklist=api.v2.topics.list,api.v2.root.post,api.v2.produce-to-topic.*,api.v2.produce-to-partition.json",
    );
    let route = |endpoint| &router.routes()[router.route_of(endpoint).unwrap()];
    for endpoint in [
        Endpoint::Topics,
        Endpoint::RootPost,
        Endpoint::ProduceToTopic,
    ] {
        assert!(!route(endpoint).served, "{endpoint:?}");
        assert!(!route(endpoint).serves(Some(MediaType::V2Binary)));
    }
    assert!(route(Endpoint::Topic).serves(None));
    let formats = route(Endpoint::ProduceToPartition);
    assert_eq!(formats.consumes, Consumes::These(PRODUCED.to_vec()));
    assert!(formats.served && formats.serves(Some(MediaType::V2JsonSchema)));
    // Records that do not tell their format are JSON.
    assert!(!formats.serves(Some(MediaType::V2Json)) && !formats.serves(None));
    let none = super::Router::new(&Endpoints::default(), Offers { lenient: false }).unwrap();
    assert_eq!(find(&none, "GET", "/topics"), Err("404"));
}

#[test]
fn the_type_of_configurations_is_read_in_any_case() {
    let router = router("");
    for name in ["broker", "BROKER", "Broker"] {
        let path = format!("/v3/clusters/c/{name}-configs/log.dirs");
        assert_eq!(
            find(&router, "GET", &path),
            Ok(Endpoint::V3(V3::ClusterConfig)),
            "{path}"
        );
        let matched = router.find(&Method::GET, &path);
        assert_eq!(matched.param(&path, 1).unwrap(), "log.dirs");
    }
    let alter = find(&router, "POST", "/v3/clusters/c/BROKER-configs:alter");
    assert_eq!(alter, Ok(Endpoint::V3(V3::AlterClusterConfigs)));
    for other in ["topic-configs", "brokér-configs/x", "a-configs-configs/"] {
        let path = format!("/v3/clusters/c/{other}");
        let found = find(&router, "GET", &path).unwrap();
        let expected = [V3::ClusterConfigs, V3::ClusterConfig].map(Endpoint::V3);
        assert!(expected.contains(&found), "{path}: {found:?}");
        assert_eq!(find(&router, "PATCH", &path), Err("405"), "{path}");
    }
    for other in ["broker-CONFIGS", "-configs", "topic-configs/x/y", "x:alter"] {
        let path = format!("/v3/clusters/c/{other}");
        assert_eq!(find(&router, "GET", &path), Err("404"), "{path}");
    }
    assert_eq!(config_type("/v3/clusters/c/x-configs:alter"), Some("x"));
    assert_eq!(config_type("/v3/clusters/c/topics/x-configs"), None);
}

#[test]
fn older_media_types_only_when_asked_for() {
    let reads = |lines: &str, endpoint| {
        let router = router(lines);
        let route = &router.routes()[router.route_of(endpoint).unwrap()];
        (route.consumes.clone(), route.offers.len())
    };
    let produce = Endpoint::ProduceToTopic;
    let (strict, offers) = reads("", produce);
    assert_eq!((strict, offers), (Consumes::These(PRODUCED.to_vec()), 1));
    let lenient = "sluiceway.lenient.media.types=true\n";
    let (Consumes::These(types), offers) = reads(lenient, produce) else {
        panic!("a list");
    };
    for media in [MediaType::V1Avro, MediaType::Json, MediaType::V2Protobuf] {
        assert!(types.contains(&media), "{media:?}");
    }
    assert_eq!(offers, 4);
    let json_only = format!("{lenient}api.endpoints.allowlist=api.v2.produce-to-topic.json");
    let router = router(&json_only);
    let route = &router.routes()[router.route_of(produce).unwrap()];
    let served = types.into_iter().filter(|media| route.serves(Some(*media)));
    let served: Vec<MediaType> = served.collect();
    assert_eq!(served, [MediaType::V2Json, MediaType::V1Json]);
    assert_eq!(reads(lenient, Endpoint::V3Records).1, 1);
    let (Consumes::These(types), _) = reads("", Endpoint::Records) else {
        panic!("a list");
    };
    assert!(types.contains(&MediaType::V2) && !types.contains(&MediaType::Json));
    let beyond = reads("", Endpoint::PartitionRecords).0;
    assert_eq!(beyond, Consumes::Anything);
}
