//! A stand-in for AWS's givers of credentials: STS (roles, web identities), the metadata service of instances (version 2), and
//! that of containers. It gives out another key each time, and remembers who asked for what.
//!
//! The secret of a key is `secret-of-<key id>`, and its session token says until when it is valid:
//! `until-<milliseconds since 1970>`. So whoever checks a signature needs no list.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::stand_in::StandIn;

/// The token of the instance's metadata service.
const SESSION: &str = "metadata-session-1";

/// Credentials that were given out.
#[derive(Debug, Clone)]
pub struct Given {
    /// `role`, `web-identity`, `instance`, `container`.
    pub by: &'static str,
    /// The key id.
    pub key: String,
    /// What was asked: the form of a request to STS, or the path.
    pub asked: String,
    /// The key that signed the question, if one did.
    pub signed_by: Option<String>,
}

struct State {
    life: Duration,
    given: Vec<Given>,
}

/// A stand-in that listens; it ends when dropped.
pub struct AwsStandIn {
    server: StandIn,
    state: Arc<Mutex<State>>,
}

impl AwsStandIn {
    /// Listens on a free port. What it gives is valid for so long.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start(life: Duration) -> Result<Self> {
        let state = Arc::new(Mutex::new(State {
            life,
            given: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let server = StandIn::start(move |request| answer(request, Arc::clone(&shared))).await?;
        Ok(Self { server, state })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What it gave so far.
    #[must_use]
    pub fn given(&self) -> Vec<Given> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.given.clone()
    }
}

async fn answer(request: Request<Incoming>, state: Arc<Mutex<State>>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let form = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let path = head.uri.path().to_owned();
    let signed_by = header("authorization")
        .and_then(|text| text.split_once("Credential="))
        .and_then(|(_, rest)| rest.split('/').next())
        .map(str::to_owned);
    let give = |by, asked: &str| Credentials::give(&state, by, asked, signed_by.clone());
    let (status, text) = match (head.method.as_str(), path.as_str()) {
        ("POST", "/") if form.contains("Action=AssumeRoleWithWebIdentity") => {
            let given = give("web-identity", &form);
            (200, given.xml("AssumeRoleWithWebIdentity"))
        }
        ("POST", "/") if form.contains("Action=AssumeRole") => {
            let given = give("role", &form);
            (200, given.xml("AssumeRole"))
        }
        ("PUT", "/latest/api/token") => (200, SESSION.to_owned()),
        _ if path.starts_with("/latest/")
            && header("x-aws-ec2-metadata-token") != Some(SESSION) =>
        {
            (401, String::new())
        }
        ("GET", "/latest/meta-data/placement/region") => (200, "us-east-1".to_owned()),
        // The older form and the newer one, which also names the account.
        ("GET", "/latest/meta-data/iam/security-credentials/")
        | ("GET", "/latest/meta-data/iam/security-credentials-extended/") => {
            (200, "instance-role".to_owned())
        }
        ("GET", "/latest/meta-data/iam/security-credentials/instance-role")
        | ("GET", "/latest/meta-data/iam/security-credentials-extended/instance-role") => {
            (200, give("instance", &path).json())
        }
        ("GET", "/container") => (200, give("container", &path).json()),
        _ => (404, String::new()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    if path == "/latest/api/token" {
        let seconds = http::HeaderValue::from_static("21600");
        response
            .headers_mut()
            .insert("x-aws-ec2-metadata-token-ttl-seconds", seconds);
    }
    response
}

struct Credentials {
    key: String,
    secret: String,
    token: String,
    /// As AWS writes it: `2026-01-31T10:00:00Z`.
    expiration: String,
}

impl Credentials {
    fn give(
        state: &Mutex<State>,
        by: &'static str,
        asked: &str,
        signed_by: Option<String>,
    ) -> Self {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        // AWS tells whole seconds.
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let until = now.as_secs() + state.life.as_secs();
        let key = format!("ASIASTANDIN{}", state.given.len() + 1);
        state.given.push(Given {
            by,
            key: key.clone(),
            asked: asked.to_owned(),
            signed_by,
        });
        Self {
            secret: format!("secret-of-{key}"),
            token: format!("until-{}", until * 1000),
            expiration: iso(until),
            key,
        }
    }

    fn xml(&self, action: &str) -> String {
        let Self {
            key,
            secret,
            token,
            expiration,
        } = self;
        format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><AssumedRoleUser>\
             <AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/writer/s</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
             <SessionToken>{token}</SessionToken><Expiration>{expiration}</Expiration></Credentials></{action}Result>\
             <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
        )
    }

    fn json(&self) -> String {
        serde_json::json!({
            "Code": "Success",
            "LastUpdated": "2026-01-01T00:00:00Z",
            "Type": "AWS-HMAC",
            "AccountId": "000000000001",
            "AccessKeyId": self.key,
            "SecretAccessKey": self.secret,
            "Token": self.token,
            "Expiration": self.expiration,
        })
        .to_string()
    }
}

/// Seconds since 1970 as a date and time of the Gregorian calendar.
fn iso(seconds: u64) -> String {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!(
        "{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        days + 1
    )
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
        ] {
            assert_eq!(iso(seconds), text);
        }
    }
}
