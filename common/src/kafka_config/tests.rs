//! Tests of `kafka_config.rs`.
#![allow(clippy::unwrap_used)]

use super::*;

fn translate(role: Role, pairs: &[(&str, &str)]) -> Result<KafkaConfig, ConfigErrors> {
    KafkaConfig::translate(
        role,
        &pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
    )
}

#[test]
fn names_that_differ_are_renamed() {
    let config = translate(
        Role::Producer,
        &[
            ("bootstrap.servers", "PLAINTEXT://a:9092, b:9093"),
            ("max.request.size", "2000000"),
            ("buffer.memory", "33554432"),
            ("linger.ms", "5"),
            (
                "partitioner.class",
                "org.apache.kafka.clients.producer.internals.DefaultPartitioner",
            ),
            (
                "key.serializer",
                "org.apache.kafka.common.serialization.StringSerializer",
            ),
            ("socket.keepalive.enable", "true"),
            ("no.such.thing", "1"),
        ],
    )
    .unwrap();
    assert_eq!(config.settings["bootstrap.servers"], "a:9092,b:9093");
    assert_eq!(config.settings["message.max.bytes"], "2000000");
    assert_eq!(config.settings["queue.buffering.max.kbytes"], "32768");
    assert_eq!(config.settings["partitioner"], "murmur2_random");
    assert_eq!(config.settings["socket.keepalive.enable"], "true");
    let dropped: Vec<_> = config
        .dropped
        .iter()
        .map(|dropped| dropped.key.as_str())
        .collect();
    assert_eq!(dropped, ["key.serializer", "no.such.thing"]);
}

#[test]
fn numbers_that_only_java_takes_become_the_nearest() {
    let most = "2147483647";
    for (role, key, value, name, expected) in [
        (
            Role::Consumer,
            "max.poll.interval.ms",
            most,
            "max.poll.interval.ms",
            "86400000",
        ),
        (
            Role::Consumer,
            "fetch.max.bytes",
            most,
            "fetch.max.bytes",
            "2147483135",
        ),
        (
            Role::Consumer,
            "max.partition.fetch.bytes",
            most,
            "max.partition.fetch.bytes",
            "1000000000",
        ),
        (
            Role::Consumer,
            "fetch.min.bytes",
            "0",
            "fetch.min.bytes",
            "1",
        ),
        (
            Role::Consumer,
            "request.timeout.ms",
            "305000",
            "socket.timeout.ms",
            "300000",
        ),
        (Role::Producer, "batch.size", "0", "batch.size", "1"),
        (Role::Producer, "batch.size", "16384", "batch.size", "16384"),
        (
            Role::Producer,
            "request.timeout.ms",
            most,
            "request.timeout.ms",
            "900000",
        ),
        (
            Role::Admin,
            "connections.max.idle.ms",
            "-1",
            "connections.max.idle.ms",
            "0",
        ),
    ] {
        let config = translate(role, &[(key, value)]).unwrap();
        assert_eq!(config.settings[name], expected, "{key}={value}");
    }
    for (key, value) in [("batch.size", "-1"), ("batch.size", "x")] {
        let errors = translate(Role::Producer, &[(key, value)]).unwrap_err();
        assert!(errors.to_string().contains(key), "{errors}");
    }
}

#[test]
fn consumers_and_assignors() {
    let config = translate(
        Role::Consumer,
        &[
            ("fetch.max.wait.ms", "50"),
            (
                "partition.assignment.strategy",
                "org.apache.kafka.clients.consumer.CooperativeStickyAssignor,org.apache.kafka.clients.consumer.RangeAssignor",
            ),
        ],
    )
    .unwrap();
    assert_eq!(config.settings["fetch.wait.max.ms"], "50");
    assert_eq!(
        config.settings["partition.assignment.strategy"],
        "cooperative-sticky"
    );
}

const IAM: [(&str, &str); 4] = [
    ("security.protocol", "SASL_SSL"),
    ("sasl.mechanism", "AWS_MSK_IAM"),
    (
        "sasl.jaas.config",
        "software.amazon.msk.auth.iam.IAMLoginModule required awsRoleArn=\"arn:aws:iam::1:role/x\" awsStsRegion=eu-west-1;",
    ),
    (
        "sasl.client.callback.handler.class",
        "software.amazon.msk.auth.iam.IAMClientCallbackHandler",
    ),
];

/// The four lines with one of them, or one besides, changed.
fn iam_with(key: &str, value: &str) -> Result<KafkaConfig, ConfigErrors> {
    let mut pairs: Vec<_> = IAM.into_iter().filter(|(known, _)| *known != key).collect();
    pairs.push((key, value));
    translate(Role::Admin, &pairs)
}

/// Without the `tls` feature librdkafka has no such settings, and says so.
#[test]
fn the_four_lines_of_msk_iam_are_recognised() {
    if !has_tls() {
        return;
    }
    let broker = "b-1.demo.abc.c2.kafka.us-east-1.amazonaws.com:9098";
    let config = iam_with("bootstrap.servers", broker).unwrap();
    assert_eq!(config.settings["sasl.mechanisms"], "OAUTHBEARER");
    assert_eq!(config.settings["security.protocol"], "SASL_SSL");
    assert!(config.dropped.is_empty(), "{:?}", config.dropped);
    let iam = config.iam.unwrap();
    assert_eq!(iam.role_arn.as_deref(), Some("arn:aws:iam::1:role/x"));
    assert_eq!(iam.sts_region.as_deref(), Some("eu-west-1"));
    assert_eq!(iam.region.as_deref(), Some("us-east-1"));
    let told = &config.settings["sasl.oauthbearer.config"];
    assert_eq!(IamSettings::from_text(told), Some(iam));
}

#[test]
fn wrong_lines_of_msk_iam_say_which_and_what_to_do() {
    if !has_tls() {
        return;
    }
    let jaas =
        |options: &str| format!("software.amazon.msk.auth.iam.IAMLoginModule required {options};");
    for (key, value, told) in [
        ("security.protocol", "PLAINTEXT".to_owned(), "set security.protocol=SASL_SSL"),
        ("sasl.mechanism", "SCRAM-SHA-512".to_owned(), "goes with sasl.mechanism=AWS_MSK_IAM"),
        (
            "sasl.jaas.config",
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=u password=p;".to_owned(),
            "PlainLoginModule does not go with",
        ),
        ("sasl.jaas.config", "software.amazon.msk.auth.iam.IAMLoginModule;".to_owned(), "must be followed by required"),
        ("sasl.jaas.config", jaas("awsRoleArn=writer"), "arn:aws:iam::<account>:role/<name>"),
        ("sasl.jaas.config", jaas("awsRoleSessionName=s"), "need awsRoleArn"),
        ("sasl.jaas.config", jaas("awsRoleSecretAccessKey=planted"), "AWS_SECRET_ACCESS_KEY"),
    ] {
        let errors = iam_with(key, &value).unwrap_err().to_string();
        let named = if key == "sasl.mechanism" { "sasl.jaas.config" } else { key };
        assert!(errors.contains(told) && errors.contains(named), "{key}: {errors}");
        assert!(!errors.contains("planted"), "{errors}");
    }
    let dropped = iam_with("sasl.jaas.config", &jaas("awsRoleArm=x"))
        .unwrap()
        .dropped;
    assert!(dropped[0].key.ends_with("awsRoleArm") && dropped[0].reason.contains("awsRoleArn"));
}

/// The other way that AWS's library has: the handler makes OAUTHBEARER's tokens.
#[test]
fn iam_by_the_mechanism_oauthbearer() {
    if !has_tls() {
        return;
    }
    let config = translate(
        Role::Producer,
        &[
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "OAUTHBEARER"),
            ("sasl.jaas.config", "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required awsProfileName=p;"),
            ("sasl.login.callback.handler.class", "software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler"),
        ],
    )
    .unwrap();
    assert_eq!(config.iam.unwrap().profile.as_deref(), Some("p"));
}

#[test]
fn plain_credentials_come_from_jaas() {
    let config = translate(
        Role::Producer,
        &[
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"p\";"),
        ],
    )
    .unwrap();
    assert_eq!(
        (
            config.settings["sasl.username"].as_str(),
            config.settings["sasl.password"].as_str()
        ),
        ("u", "p")
    );
}

#[test]
fn what_cannot_be_honoured_is_an_error_under_its_java_name() {
    let errors = translate(
        Role::Producer,
        &[
            ("bootstrap.servers", "host"),
            ("linger.ms", "soon"),
            ("security.protocol", "SSL"),
            ("ssl.truststore.location", "/etc/trust.jks"),
            ("partitioner.class", "com.example.MyPartitioner"),
        ],
    )
    .unwrap_err();
    let keys: Vec<_> = errors.0.iter().map(|error| error.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "bootstrap.servers",
            "partitioner.class",
            "ssl.truststore.location",
            "linger.ms"
        ]
    );
    assert!(
        errors
            .to_string()
            .contains("Invalid value soon for configuration linger.ms"),
        "{errors}"
    );
}

#[test]
fn a_server_has_a_port_that_there_is() {
    for server in [
        "host",
        "host:",
        "host:abc",
        "host:0",
        "host:65536",
        "a:1,b:x",
    ] {
        let errors = translate(Role::Admin, &[("bootstrap.servers", server)]).unwrap_err();
        assert!(errors.to_string().contains("write host:port"), "{errors}");
    }
    for server in ["host:65535", "[::1]:9092", "SSL://host:1"] {
        translate(Role::Admin, &[("bootstrap.servers", server)]).unwrap();
    }
}

#[test]
fn mechanisms_are_those_that_are_spoken() {
    let with = |name, protocol| {
        let settings = [("sasl.mechanism", name), ("security.protocol", protocol)];
        translate(Role::Admin, &settings).map_err(|errors| errors.to_string())
    };
    for (name, told) in [
        ("GSSAPI", "Kerberos is not supported; use PLAIN, "),
        ("SCRAM", "there is no such mechanism; use PLAIN, "),
    ] {
        let error = with(name, "SASL_PLAINTEXT").unwrap_err();
        assert!(error.contains(told), "{error}");
        with(name, "PLAINTEXT").unwrap();
    }
    with("SCRAM-SHA-512", "SASL_PLAINTEXT").unwrap();
}

/// Stores themselves are tried in the proxy's `tests/kafka_tls.rs`.
#[test]
fn stores_count_only_with_tls() {
    let stores = [
        ("ssl.truststore.location", "/nowhere/trust.jks"),
        ("ssl.keystore.key", "planted"),
        ("ssl.keystore.certificate.chain", "planted"),
        ("ssl.key.password", "planted"),
        ("ssl.endpoint.identification.algorithm", ""),
    ];
    let plain = translate(Role::Admin, &stores);
    if has_tls() {
        let plain = plain.unwrap();
        let dropped: Vec<_> = plain.dropped.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(dropped, ["ssl.truststore.location", "ssl.keystore.key"]);
        assert_eq!(
            plain.settings["ssl.endpoint.identification.algorithm"],
            "none"
        );
        assert!(!format!("{plain:?}").contains("planted"));
    }
    let secure = [&[("security.protocol", "SASL_SSL")], &stores[..]].concat();
    let errors = translate(Role::Admin, &secure).unwrap_err();
    let told = errors.to_string();
    let keys: Vec<_> = errors.0.iter().map(|error| error.key.as_str()).collect();
    assert!(keys.contains(&"ssl.truststore.location"), "{told}");
    assert!(keys.contains(&"ssl.keystore.key"), "{told}");
    assert!(!told.contains("planted"), "{told}");
}

#[cfg(feature = "tls")]
#[test]
fn pem_files_are_handed_on_by_name() {
    let file = std::env::temp_dir().join(format!("sluiceway-{}.pem", std::process::id()));
    std::fs::write(&file, authority()).unwrap();
    let path = file.to_str().unwrap();
    let config = translate(
        Role::Admin,
        &[
            ("security.protocol", "SSL"),
            ("ssl.truststore.location", path),
            ("ssl.truststore.type", "PEM"),
        ],
    );
    std::fs::remove_file(&file).unwrap();
    assert_eq!(config.unwrap().settings["ssl.ca.location"], path);
}

/// A certificate in PEM.
#[cfg(feature = "tls")]
fn authority() -> Vec<u8> {
    use openssl::asn1::Asn1Time;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::{hash::MessageDigest, nid::Nid, pkey::PKey, x509::X509};
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(1).unwrap())
        .unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build().to_pem().unwrap()
}
