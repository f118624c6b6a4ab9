#![allow(clippy::unwrap_used)]
use super::*;
use crate::config::{ConnectorConfig, S3Config};

const BASE: &str = "name=n\nconnector.class=S3Sink\ntopics=t\ns3.bucket.name=b\nflush.size=1\nstorage.class=S3Storage\n\
    format.class=JsonFormat\nkey.converter=StringConverter\nvalue.converter=JsonConverter\n";

fn parse(more: &str) -> Result<S3Config, Vec<String>> {
    let properties = sluiceway_common::props::parse(&format!("{BASE}{more}")).unwrap();
    let config = ConnectorConfig::parse(&properties, &Default::default());
    config
        .map(|config| config.s3)
        .map_err(|errors| errors.0.into_iter().map(|error| error.message).collect())
}

const ROLE: &str =
    "s3.credentials.provider.class=io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider\n";

#[test]
fn a_role_needs_its_three_settings() {
    let missing = parse(ROLE).unwrap_err();
    let text = |name: &str| {
        format!("Missing required configuration \"{name}\" which has no default value.")
    };
    assert_eq!(
        missing,
        [
            "sts.role.arn",
            "sts.role.external.id",
            "sts.role.session.name"
        ]
        .map(text)
    );
    let all = "s3.credentials.provider.sts.role.arn=arn:aws:iam::1:role/r\n\
        s3.credentials.provider.sts.role.session.name=s\ns3.credentials.provider.sts.role.external.id=e\n\
        aws.access.key.id=dev\naws.secret.access.key=devsecret\n";
    let config = parse(&format!("{ROLE}{all}")).unwrap();
    let Credentials::Role(role) = &config.credentials else {
        unreachable!("{config:?}")
    };
    assert_eq!(
        (
            role.arn.as_str(),
            role.session_name.as_str(),
            role.external_id.as_str()
        ),
        ("arn:aws:iam::1:role/r", "s", "e")
    );
    assert_eq!(
        role.base.as_ref().map(|key| key.key_id.as_str()),
        Some("dev")
    );
    assert!(!format!("{config:?}").contains("devsecret"));
}

#[test]
fn a_provider_of_the_sdk_may_be_named() {
    let named =
        "s3.credentials.provider.class=com.amazonaws.auth.InstanceProfileCredentialsProvider\n";
    let credentials = |text: &str| parse(text).unwrap().credentials;
    assert_eq!(
        credentials(named),
        Credentials::Provider(Provider::Instance)
    );
    let key = "aws.access.key.id=dev\naws.secret.access.key=devsecret\n";
    let with_key = credentials(&format!("{named}{key}"));
    assert!(matches!(with_key, Credentials::Static(_)), "{with_key:?}");
    assert_eq!(credentials(""), Credentials::DefaultChain);
}

#[test]
fn the_proxys_user_stands_in_its_url_or_beside_it() {
    let proxy = |text: &str| parse(text).unwrap().proxy.unwrap();
    let plain = proxy("s3.proxy.url=proxy:3128\n");
    assert_eq!(
        (plain.url.as_str(), plain.user),
        ("http://proxy:3128", None)
    );
    let inline = proxy("s3.proxy.url=https://u:p@proxy:3128\n");
    assert_eq!(inline.url, "https://proxy:3128");
    let (user, password) = inline.user.unwrap();
    assert_eq!((user.as_str(), password.expose()), ("u", "p"));
    let beside = proxy("s3.proxy.url=http://x:y@proxy:1\ns3.proxy.user=a\ns3.proxy.password=b\n");
    let (user, password) = beside.user.unwrap();
    assert_eq!((user.as_str(), password.expose()), ("a", "b"));
    assert!(parse("s3.proxy.url=ftp://x\n").is_err());
    assert_eq!(parse("").unwrap().proxy, None);
}

#[test]
fn acceleration_and_path_style_exclude_each_other() {
    let text = "Both accelerate mode and path style access are being enabled. These options are mutually exclusive and \
        cannot be enabled together. Please disable one of them";
    assert_eq!(parse("s3.wan.mode=true\n").unwrap_err(), [text, text]);
    assert!(
        parse("s3.wan.mode=true\ns3.path.style.access.enabled=false\n")
            .unwrap()
            .accelerate
    );
}
