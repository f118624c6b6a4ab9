//! Where the sink finds the credentials of S3 when its connector names none: the chain of the AWS SDK, link by link, against a
//! stand-in for STS and for the metadata services. What was found shows in the signatures of its requests.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{SINK_LIMIT, numbered};
use crate::aws_stand_in::{AwsStandIn, Given};
use crate::connector::Connector;
use crate::s3::{Bucket, Place};
use crate::store_stand_in::{Seen, StoreStandIn};
use crate::target::{Sink, SinkFiles};
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! sink_credentials_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_credentials the_chain_is_followed no_credentials_are_told);
    };
}

/// A connector that names one link of the chain.
const NAMED: &str = "named-instance";

/// The SDK renews credentials in the ten seconds before they end.
const LIFE: Duration = Duration::from_secs(12);

/// A way to credentials: its name, the environment that opens it, the keys that are to sign (a beginning), and who gives them.
struct Link {
    name: &'static str,
    environment: Vec<(&'static str, String)>,
    key: &'static str,
    by: Option<&'static str>,
}

/// Environment, profile, a profile's role, web identity, container, instance, a role of the connector with its external id, and
/// the instance alone by the name of its provider.
///
/// # Errors
/// The case fails.
pub async fn the_chain_is_followed(session: &Session) -> Result<()> {
    let store = StoreStandIn::start().await?;
    let aws = AwsStandIn::start(LIFE).await?;
    let links = links(session, &aws)?;
    let mut sinks = Vec::new();
    for link in &links {
        sinks.push(start(session, &store, link).await?);
    }
    for link in &links {
        check(session, &store, &aws, link)
            .await
            .context(link.name)?;
    }
    renewed(session, &store).await?;
    for (mut sink, _) in sinks {
        ensure!(
            !sink.program.log().contains("secret-of-"),
            "a secret is in the log"
        );
        sink.stop().await?;
    }
    Ok(())
}

fn links(session: &Session, aws: &AwsStandIn) -> Result<Vec<Link>> {
    let write = |name: &str, text: &str| -> Result<String> {
        let file = session.file(name);
        std::fs::write(&file, text)?;
        Ok(file.display().to_string())
    };
    let credentials = write(
        "credentials",
        "[writer]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = profile-secret\n",
    )?;
    let roles = write(
        "config",
        "[profile taker]\nrole_arn = arn:aws:iam::1:role/of-profile\nsource_profile = writer\nregion = us-east-1\n",
    )?;
    let identity = write("web-identity-token", "a.web.token")?;
    let url = aws.url();
    let role = ("AWS_ROLE_ARN", "arn:aws:iam::1:role/irsa");
    let web = [
        role,
        ("AWS_WEB_IDENTITY_TOKEN_FILE", &*identity),
        ("AWS_ROLE_SESSION_NAME", "pod-7"),
    ];
    Ok(vec![
        link(
            "environment",
            "AKIAENVIRONMENT",
            None,
            &[
                ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT"),
                ("AWS_SECRET_ACCESS_KEY", "environment-secret"),
                ("AWS_SESSION_TOKEN", "environment-token"),
            ],
        ),
        link(
            "profile",
            "AKIAPROFILE",
            None,
            &[
                ("AWS_SHARED_CREDENTIALS_FILE", &*credentials),
                ("AWS_PROFILE", "writer"),
            ],
        ),
        link(
            "profiles-role",
            "ASIASTANDIN",
            Some("role"),
            &[
                ("AWS_SHARED_CREDENTIALS_FILE", &*credentials),
                ("AWS_CONFIG_FILE", &*roles),
                ("AWS_PROFILE", "taker"),
            ],
        ),
        link("web-identity", "ASIASTANDIN", Some("web-identity"), &web),
        link(
            "container",
            "ASIASTANDIN",
            Some("container"),
            &[(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                &*format!("{url}/container"),
            )],
        ),
        link(
            "instance",
            "ASIASTANDIN",
            Some("instance"),
            &[
                ("AWS_EC2_METADATA_DISABLED", "false"),
                ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*url),
            ],
        ),
        link("by-connector", "ASIASTANDIN", Some("role"), &web),
        // The chain would find the environment's key first.
        link(
            NAMED,
            "ASIASTANDIN",
            Some("instance"),
            &[
                ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT"),
                ("AWS_SECRET_ACCESS_KEY", "environment-secret"),
                ("AWS_EC2_METADATA_DISABLED", "false"),
                ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*url),
            ],
        ),
    ]
    .into_iter()
    .map(|mut link| {
        link.environment.push(("AWS_ENDPOINT_URL_STS", url.clone()));
        link
    })
    .collect())
}

fn link(
    name: &'static str,
    key: &'static str,
    by: Option<&'static str>,
    environment: &[(&'static str, &str)],
) -> Link {
    let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
    Link {
        name,
        key,
        by,
        environment: environment.iter().map(owned).collect(),
    }
}

/// A sink with this environment, and nothing of the machine's own.
async fn start(session: &Session, store: &StoreStandIn, link: &Link) -> Result<(Sink, String)> {
    let topic = session.topic(link.name, 1).await?;
    session.kafka.write(&topic, &numbered(0, 0..3)).await?;
    let mut connector = connector(session, store, link.name, &topic);
    if link.name == NAMED {
        connector = connector.set(
            "s3.credentials.provider.class",
            "com.amazonaws.auth.InstanceProfileCredentialsProvider",
        );
    }
    if link.name == "by-connector" {
        connector = connector
            .set(
                "s3.credentials.provider.class",
                "io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider",
            )
            .set(
                "s3.credentials.provider.sts.role.arn",
                "arn:aws:iam::1:role/of-connector",
            )
            .set("s3.credentials.provider.sts.role.session.name", "sink-7")
            .set("s3.credentials.provider.sts.role.external.id", "outside-7");
    }
    let mut files = isolated(SinkFiles::write(session, &[], &[connector])?);
    for (name, value) in &link.environment {
        files = files.environment(name, value);
    }
    Ok((files.start().await?, topic))
}

fn connector(session: &Session, store: &StoreStandIn, name: &str, topic: &str) -> Connector {
    let place = Place {
        endpoint: store.url(),
        key: String::new(),
        secret: String::new(),
    };
    let bucket = Bucket::new(&place, topic);
    Connector::json(session, name, topic, &bucket)
        .store(&place, topic)
        .unset("aws.access.key.id")
        .unset("aws.secret.access.key")
}

fn isolated(files: SinkFiles) -> SinkFiles {
    files
        .environment("AWS_EC2_METADATA_DISABLED", "true")
        .environment("AWS_CONFIG_FILE", "/nonexistent/config")
        .environment("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
}

fn signed_by(seen: &Seen) -> Option<&str> {
    let (_, rest) = seen.header("authorization")?.split_once("Credential=")?;
    rest.split('/').next()
}

/// Waits for an object of a topic, and returns its request.
async fn put(store: &StoreStandIn, topic: &str) -> Result<Seen> {
    eventually("waiting for an object", SINK_LIMIT, async || {
        let mut puts = store
            .seen(topic)
            .into_iter()
            .filter(|seen| seen.method == "PUT");
        Ok(puts.next())
    })
    .await
}

async fn check(
    session: &Session,
    store: &StoreStandIn,
    aws: &AwsStandIn,
    link: &Link,
) -> Result<()> {
    let put = put(store, &session.name(link.name)).await?;
    let key = signed_by(&put).context("no signature")?;
    ensure!(key.starts_with(link.key), "signed by {key}");
    let token = put.header("x-amz-security-token");
    let Some(by) = link.by else {
        let wanted = (link.name == "environment").then_some("environment-token");
        ensure!(token == wanted, "the session's token is {token:?}");
        return Ok(());
    };
    ensure!(
        token.is_some_and(|token| token.starts_with("until-")),
        "the session's token is {token:?}"
    );
    let given = aws.given();
    let find = |key: &str| given.iter().find(|one| one.key == key);
    let one = find(key).context("nobody gave this key")?;
    ensure!(one.by == by, "{one:?}");
    match link.name {
        "web-identity" => has(
            one,
            &[
                "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Firsa",
                "WebIdentityToken=a.web.token",
                "RoleSessionName=pod-7",
            ],
        ),
        "profiles-role" => {
            ensure!(one.signed_by.as_deref() == Some("AKIAPROFILE"), "{one:?}");
            has(one, &["role%2Fof-profile"])
        }
        "by-connector" => {
            has(
                one,
                &[
                    "role%2Fof-connector",
                    "RoleSessionName=sink-7",
                    "ExternalId=outside-7",
                ],
            )?;
            let base = one.signed_by.as_deref().and_then(find).context("no base")?;
            ensure!(base.by == "web-identity", "taken over by {base:?}");
            Ok(())
        }
        _ => Ok(()),
    }
}

fn has(given: &Given, parts: &[&str]) -> Result<()> {
    for part in parts {
        ensure!(given.asked.contains(part), "{part} is not in {given:?}");
    }
    Ok(())
}

/// Once the first credentials are nearly over, objects are signed with new ones. When that is, in the last ten seconds of
/// their life, the SDK draws by lot: so records keep coming until it has happened.
async fn renewed(session: &Session, store: &StoreStandIn) -> Result<()> {
    let topic = session.name("web-identity");
    let first = put(store, &topic).await?;
    let first = signed_by(&first).context("no signature")?.to_owned();
    let mut written = 3;
    let next = eventually("waiting for new credentials", SINK_LIMIT, async || {
        session
            .kafka
            .write(&topic, &numbered(0, written..written + 3))
            .await?;
        written += 3;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut puts = store.seen(&topic).into_iter();
        Ok(puts.find(|seen| seen.method == "PUT" && signed_by(seen) != Some(&*first)))
    })
    .await?;
    let next = signed_by(&next).context("no signature")?;
    ensure!(next.starts_with("ASIASTANDIN"), "signed by {next}");
    Ok(())
}

/// A connector that finds none says so in its task's trace, within a bounded time.
///
/// # Errors
/// The case fails.
pub async fn no_credentials_are_told(session: &Session) -> Result<()> {
    let store = StoreStandIn::start().await?;
    let topic = session.topic("nobody", 1).await?;
    let connector = connector(session, &store, "nobody", &topic);
    let files = isolated(SinkFiles::write(
        session,
        &[],
        std::slice::from_ref(&connector),
    )?);
    let mut sink = files.start().await?;
    let trace = eventually("waiting for the failure", SINK_LIMIT, async || {
        let status = sink.status(&connector).await?.unwrap_or_default();
        let trace = status["tasks"][0]["trace"].as_str().map(str::to_owned);
        Ok(trace)
    })
    .await?;
    ensure!(trace.to_lowercase().contains("credentials"), "{trace}");
    sink.stop().await
}
