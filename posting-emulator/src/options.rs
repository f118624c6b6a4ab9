//! What a run needs to know, and which values make sense.

use std::{fmt, num::NonZeroUsize, time::Duration};

use http::{
    HeaderValue, Uri,
    uri::{PathAndQuery, Scheme},
};

use crate::{pace::Pace, retry::RetryPolicy, row::DatetimeFormat};

/// Settings of one run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Same seed, same rows and same order. The original's is 100.
    pub seed: u64,
    /// Rows in each table, at least 1.
    pub rows: u64,
    /// The course user whose topics are posted to: 12 hexadecimal digits.
    pub user: String,
    /// How posts follow one another.
    pub pace: Pace,
    /// Stop after so many posts; none: until stopped.
    pub posts: Option<u64>,
    /// Posts in flight at a time.
    pub workers: NonZeroUsize,
    /// How datetimes are spelled in JSON.
    pub datetime_format: DatetimeFormat,
    /// Where rows go.
    pub target: Target,
}

/// Where rows go.
#[derive(Debug, Clone)]
pub enum Target {
    /// Print the three dictionaries to standard output.
    Console,
    /// Post them.
    Proxy(ProxyTarget),
    /// Put them into Kinesis streams.
    Streams(KinesisTarget),
    /// Both, one after the other.
    Both(ProxyTarget, KinesisTarget),
}

/// Where Kinesis is, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct KinesisTarget {
    /// The root of the API, or a gateway's stage; time-outs and retries.
    pub endpoint: ProxyTarget,
    /// How.
    pub protocol: Protocol,
}

/// How Kinesis is spoken to.
#[derive(Debug, Clone)]
pub enum Protocol {
    /// `PUT /streams/<name>/record`: API Gateway's Kinesis proxy.
    Resource,
    /// As AWS SDKs do, signed.
    Sdk(SdkKeys),
}

/// What requests are signed with.
#[derive(Clone)]
pub struct SdkKeys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) region: String,
}

/// A REST proxy, or a gateway in front of one.
#[derive(Debug, Clone)]
pub struct ProxyTarget {
    url: Uri,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for an answer, per attempt.
    pub request_timeout: Duration,
    /// What happens to failed requests.
    pub retry: RetryPolicy,
    /// Sent as `x-api-key`; the original sends none.
    pub api_key: Option<HeaderValue>,
}

/// A setting that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// Not 12 hexadecimal digits.
    #[error("user '{0}': must be 12 hexadecimal digits in lower case, such as 0a1b2c3d4e5f")]
    User(String),
    /// A table needs a row.
    #[error("rows: must be at least 1")]
    Rows,
    /// Not a number of posts per second.
    #[error("rate {0}: must be a number above 0 and not above 1000000 posts per second")]
    Rate(f64),
    /// A variable of the environment that is needed.
    #[error("{0} is not set: requests to Kinesis are signed with it")]
    Variable(&'static str),
    /// Not a header's text.
    #[error("the API key holds characters that no header can have")]
    ApiKey,
    /// Not a URL this client can post to.
    #[error("proxy URL '{url}': {reason}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// True for a course user id: 12 hexadecimal digits in lower case.
pub fn is_user_id(text: &str) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 12 && text.bytes().all(digit)
}

// === impl SdkKeys ===

impl SdkKeys {
    /// An access key's id and secret, and the region that requests are signed for.
    pub fn new(id: &str, secret: &str, region: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            region: region.to_owned(),
        }
    }
}

impl fmt::Debug for SdkKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, region, .. } = self;
        write!(f, "SdkKeys {{ id: {id:?}, region: {region:?} }}")
    }
}

// === impl KinesisTarget ===

impl KinesisTarget {
    /// A target with default time-outs and retries.
    ///
    /// # Errors
    /// As [`ProxyTarget::new`].
    pub fn new(url: &str, protocol: Protocol) -> Result<Self, OptionsError> {
        let endpoint = ProxyTarget::new(url)?;
        Ok(Self { endpoint, protocol })
    }
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 100,
            rows: 11_001,
            user: "0a1b2c3d4e5f".to_owned(),
            pace: Pace::Original,
            posts: None,
            workers: NonZeroUsize::MIN,
            datetime_format: DatetimeFormat::default(),
            target: Target::Console,
        }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        if !is_user_id(&self.user) {
            return Err(OptionsError::User(self.user.clone()));
        }
        if self.rows == 0 {
            return Err(OptionsError::Rows);
        }
        match self.pace {
            Pace::PerSecond(rate) if !(rate > 0.0 && rate <= 1e6) => Err(OptionsError::Rate(rate)),
            _ => Ok(()),
        }
    }
}

// === impl ProxyTarget ===

impl ProxyTarget {
    /// A target with default time-outs (5 s to connect, 30 s for an answer) and retries. `url` is
    /// the proxy's root or a gateway's stage: `http://127.0.0.1:8082`, `http://host/test`.
    ///
    /// # Errors
    /// When `url` is not an absolute `http` URL. TLS is not spoken: put a gateway in between.
    pub fn new(url: &str) -> Result<Self, OptionsError> {
        Ok(Self {
            url: parse_url(url)?,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            api_key: None,
        })
    }

    /// The same, with an API key, which is not shown.
    ///
    /// # Errors
    /// It holds characters that no header can have.
    pub fn with_api_key(mut self, key: &str) -> Result<Self, OptionsError> {
        let mut key = HeaderValue::from_str(key).map_err(|_| OptionsError::ApiKey)?;
        key.set_sensitive(true);
        self.api_key = Some(key);
        Ok(self)
    }

    /// The URL that rows of `topic` are posted to.
    pub(crate) fn topic_url(&self, topic: &str) -> Result<Uri, http::Error> {
        self.url_of(&format!("/topics/{topic}"))
    }

    /// The URL of a path below this one.
    pub(crate) fn url_of(&self, path: &str) -> Result<Uri, http::Error> {
        let mut parts = self.url.clone().into_parts();
        let root = self.url.path().trim_end_matches('/');
        let path = PathAndQuery::try_from(format!("{root}{path}"))?;
        parts.path_and_query = Some(path);
        Ok(Uri::from_parts(parts)?)
    }
}

fn parse_url(url: &str) -> Result<Uri, OptionsError> {
    let bad = |reason: &str| OptionsError::Url {
        url: url.to_owned(),
        reason: reason.to_owned(),
    };
    let uri: Uri = url.parse().map_err(|_| bad("not a URL"))?;
    match (uri.scheme(), uri.authority()) {
        (Some(scheme), Some(_)) if *scheme == Scheme::HTTP => {}
        (Some(_), Some(_)) => return Err(bad("only http:// is spoken")),
        _ => return Err(bad("must begin with http:// and name a host")),
    }
    if uri.query().is_some() {
        return Err(bad("must not have a query"));
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_stage_stays_in_front_of_the_path() {
        let url = |root| {
            ProxyTarget::new(root)
                .unwrap()
                .topic_url("u.pin")
                .unwrap()
                .to_string()
        };
        assert_eq!(
            url("http://127.0.0.1:8082"),
            "http://127.0.0.1:8082/topics/u.pin"
        );
        assert_eq!(
            url("http://127.0.0.1:8082/"),
            "http://127.0.0.1:8082/topics/u.pin"
        );
        assert_eq!(url("http://host/test"), "http://host/test/topics/u.pin");
        assert_eq!(url("http://host/a/b/"), "http://host/a/b/topics/u.pin");
    }

    #[test]
    fn urls_that_cannot_be_posted_to_are_refused() {
        for (url, reason) in [
            ("https://host/test", "only http:// is spoken"),
            ("127.0.0.1:8082", "must begin with http:// and name a host"),
            ("/test", "must begin with http:// and name a host"),
            ("http://", "not a URL"),
            ("http://host/?a=b", "must not have a query"),
        ] {
            let error = ProxyTarget::new(url).unwrap_err().to_string();
            assert_eq!(error, format!("proxy URL '{url}': {reason}"));
        }
    }

    #[test]
    fn settings_are_checked() {
        let check = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.check()
        };
        assert!(check(|_| {}).is_ok());
        assert!(matches!(
            check(|o| o.user = "0A1B2C3D4E5F".into()),
            Err(OptionsError::User(_))
        ));
        assert!(matches!(
            check(|o| o.user = "0a1b2c3d4e5".into()),
            Err(OptionsError::User(_))
        ));
        assert!(matches!(check(|o| o.rows = 0), Err(OptionsError::Rows)));
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let options = Options {
                pace: Pace::PerSecond(rate),
                ..Options::default()
            };
            assert!(
                matches!(options.check(), Err(OptionsError::Rate(_))),
                "{rate}"
            );
        }
    }
}
