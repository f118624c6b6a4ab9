//! Properties as users write them.
#![allow(clippy::unwrap_used)]

use sluiceway_common::props;
use sluiceway_schemas::SubjectNameStrategy;

use super::*;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(&props::parse(text).unwrap()).map_err(|errors| errors.to_string())
}

#[test]
fn defaults() {
    let config = parse("bootstrap.servers=127.0.0.1:9092").unwrap();
    assert_eq!(config.listeners[0].to_string(), "http://0.0.0.0:8082");
    assert_eq!(config.admin_listeners, ["http://0.0.0.0:9102"]);
    assert_eq!(config.http.request_timeout, None);
    assert_eq!(config.delivery.max_block, Duration::from_secs(60));
    assert_eq!(config.delivery.max_record_bytes, 1_048_576);
    let producer = &config.producer.settings;
    assert_eq!(producer["acks"], "all");
    assert_eq!(producer["enable.idempotence"], "true");
    assert_eq!(producer["partitioner"], "murmur2_random");
    assert_eq!(config.delivery.longest_turn_wait.as_millis(), 10);
    for config in [&config.producer, &config.admin] {
        assert_eq!(config.settings["allow.auto.create.topics"], "false");
    }
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
    config
        .producer
        .client_config()
        .create_native_config()
        .unwrap();
}

#[test]
fn the_bootcamp_file_is_taken_as_it_is() {
    let config = parse(
        "zookeeper.connect=z-1.example:2181,z-2.example:2181\n\
         bootstrap.servers=b-1.example:9098,b-2.example:9098,b-3.example:9098\n\
         client.security.protocol = SASL_SSL\n\
         client.sasl.mechanism = AWS_MSK_IAM\n\
         client.sasl.jaas.config = software.amazon.msk.auth.iam.IAMLoginModule required awsRoleArn=\"arn:aws:iam::1:role/x\";\n\
         client.sasl.client.callback.handler.class = software.amazon.msk.auth.iam.IAMClientCallbackHandler\n",
    );
    let config = config.unwrap();
    let iam = config.producer.iam.unwrap();
    assert_eq!(iam.role_arn.as_deref(), Some("arn:aws:iam::1:role/x"));
    assert_eq!(config.warnings.len(), 1);
    assert!(
        config.warnings[0].contains("zookeeper.connect"),
        "{:?}",
        config.warnings
    );
}

#[test]
fn all_errors_at_once_and_unknown_keys_with_the_nearest() {
    let errors = parse(
        "listeners=https://0.0.0.0:8082,nonsense\nidle.timeout.ms=soon\nauthentication.method=KERBEROS\n\
         csrf.prevention.enable=true\nproducer.acks=maybe\nresponse.http.headers.config=unset X",
    )
    .unwrap_err();
    for expected in [
        "bootstrap.servers",
        "ssl.keystore.location: an https listener needs a key store",
        "\"nonsense\" is not a listener",
        "Invalid value soon for configuration idle.timeout.ms",
        "Invalid value KERBEROS for configuration authentication.method",
        "csrf.prevention.enable",
        "acks",
        "\"unset X\"",
    ] {
        assert!(
            errors.contains(expected),
            "{expected} is missing in {errors}"
        );
    }
    let config =
        parse("bootstrap.servers=a:1\nlisteners=http://127.0.0.1:0\nidle.timeout=3\nport=99")
            .unwrap();
    assert_eq!(
        config.warnings,
        [
            "unknown configuration key \"idle.timeout\" is ignored; did you mean \"idle.timeout.ms\"?"
        ]
    );
}

#[test]
fn environment_variables_have_the_names_of_the_docker_image() {
    let variables = [
        ("KAFKA_REST_BOOTSTRAP_SERVERS", "a:1"),
        ("KAFKA_REST_PRODUCER_LINGER_MS", "0.5"),
    ];
    let overlay = props::env_overlay(
        ENV_PREFIX,
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let config = Config::parse(&overlay).unwrap();
    assert_eq!(config.producer.settings["linger.ms"], "0.5");
}

#[test]
fn settings_that_exclude_idempotence_switch_it_off() {
    for line in [
        "producer.acks=1",
        "producer.retries=0",
        "producer.max.in.flight.requests.per.connection=9",
    ] {
        let config = parse(&format!("bootstrap.servers=a:1\n{line}")).unwrap();
        assert_eq!(
            config.producer.settings["enable.idempotence"], "false",
            "{line}"
        );
    }
    let config = parse("bootstrap.servers=a:1\nproducer.acks=-1").unwrap();
    assert_eq!(config.producer.settings["enable.idempotence"], "true");
}

#[test]
fn memory_and_sizes() {
    let config = parse(
        "bootstrap.servers=a:1\nproducer.buffer.memory=33554432\nproducer.max.request.size=2097152",
    )
    .unwrap();
    assert_eq!(config.delivery.max_in_flight_bytes, 33_554_432);
    assert_eq!(config.delivery.max_record_bytes, 2_097_152);
    let queue: usize = config.producer.settings["queue.buffering.max.kbytes"]
        .parse()
        .unwrap();
    assert!(queue * 1024 >= 2 * config.http.max_body_bytes);
}

#[test]
fn endpoints_are_allowed_and_blocked_by_name() {
    let config = parse(
        "bootstrap.servers=a:1\napi.endpoints.allowlist=api.v2.topics.*,api.v2.root.get\napi.endpoints.blocklist=api.v2.topics.get",
    )
    .unwrap();
    let served = |name| config.endpoints.serves(name);
    assert!(served("api.v2.topics.list") && served("api.v2.root.get"));
    assert!(!served("api.v2.topics.get") && !served("api.v2.brokers.list"));
}

#[test]
fn headers_of_every_answer() {
    let config = parse("bootstrap.servers=a:1\nnosniff.prevention.enable=true\nresponse.http.headers.config=add X-A: 1, set X-B: two words").unwrap();
    let shown: Vec<_> = config
        .http
        .extra_headers
        .iter()
        .map(|h| (h.name.as_str(), h.value.to_str().unwrap(), h.append))
        .collect();
    assert_eq!(
        shown,
        [
            ("x-a", "1", true),
            ("x-b", "two words", false),
            ("x-content-type-options", "nosniff", false)
        ]
    );
}

#[test]
fn missing_servers_are_told_once() {
    let errors = Config::parse(&Properties::new()).unwrap_err().to_string();
    assert_eq!(errors.matches("bootstrap.servers").count(), 1, "{errors}");
}

#[test]
fn errors_name_their_key() {
    let errors = parse("bootstrap.servers=a:1\nsluiceway.peers=b:2\n").unwrap_err();
    assert!(
        errors.ends_with("\n  sluiceway.peers.secret: it must be set together with sluiceway.peers, to the same text in all replicas"),
        "{errors}"
    );
}

#[test]
fn strategies_of_subjects() {
    let with = |line: &str| {
        let text = format!("bootstrap.servers=a:1\n{line}");
        Config::parse(&props::parse(&text).unwrap())
    };
    let class = "io.confluent.kafka.serializers.subject.RecordNameStrategy";
    for prefix in ["schema.registry.", "producer."] {
        let config = with(&format!("{prefix}value.subject.name.strategy={class}")).unwrap();
        assert_eq!(config.subjects.value, SubjectNameStrategy::RecordName);
        assert_eq!(config.subjects.key, SubjectNameStrategy::TopicName);
    }
    let error = with("schema.registry.key.subject.name.strategy=x").unwrap_err();
    assert!(
        error.to_string().contains("key.subject.name.strategy"),
        "{error}"
    );
}

#[test]
fn callers_whom_kafka_knows_exclude_what_acts_as_the_proxy() {
    let base = "bootstrap.servers=a:1\nauthentication.method=";
    let sasl = "client.security.protocol=SASL_PLAINTEXT\nclient.sasl.mechanism=PLAIN\n";
    let callers = parse(&format!("{base}KAFKA\n{sasl}"))
        .unwrap()
        .security
        .callers;
    let callers = callers.unwrap();
    assert_eq!(
        (
            callers.mechanism.as_str(),
            callers.max,
            callers.idle.as_secs()
        ),
        ("SCRAM-SHA-512", 100, 600)
    );
    for (lines, told) in [
        (
            format!("{base}KAFKA\n"),
            "set client.security.protocol=SASL_SSL",
        ),
        (format!("{base}KAFKA,MTLS\n{sasl}"), "KAFKA stands alone"),
        (
            format!("{base}KAFKA\n{sasl}sluiceway.idempotency.enable=true\n"),
            "sluiceway.idempotency.enable and authentication.method=KAFKA exclude one another",
        ),
        (
            format!("{base}KAFKA\n{sasl}sluiceway.authentication.kafka.mechanism=GSSAPI\n"),
            "sluiceway.authentication.kafka.mechanism",
        ),
    ] {
        let errors = parse(&lines).unwrap_err().to_string();
        assert!(errors.contains(told), "{told} is not in {errors}");
    }
}

#[test]
fn a_consumer_can_be_made_of_what_java_takes() {
    use rdkafka::consumer::{BaseConsumer, Consumer};
    for (lines, name, expected) in [
        ("", "session.timeout.ms", Some("45000")),
        (
            "consumer.max.poll.interval.ms=10000\n",
            "max.poll.interval.ms",
            Some("45000"),
        ),
        (
            "consumer.session.timeout.ms=600000\n",
            "max.poll.interval.ms",
            Some("600000"),
        ),
        (
            "consumer.fetch.max.bytes=20000\n",
            "message.max.bytes",
            Some("20000"),
        ),
        (
            "consumer.group.protocol=consumer\n",
            "session.timeout.ms",
            None,
        ),
    ] {
        let config = parse(&format!("bootstrap.servers=127.0.0.1:1\n{lines}")).unwrap();
        let found = config.consumer.settings.get(name);
        assert_eq!(found.map(String::as_str), expected, "{lines}");
        let mut client = config.consumer.client_config();
        client.set("group.id", "g");
        let made: Result<BaseConsumer, _> = client.create();
        made.unwrap().unassign().unwrap();
    }
}
