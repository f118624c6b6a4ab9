//! The token: the URL of a request, signed (Signature Version 4, in the query), in base64.
//!
//! The crate that wraps this (`aws-msk-iam-sasl-signer`) signs with the same `aws-sigv4`, but asks aws-config for another TLS
//! library (AWS-LC, built from C), fetches credentials anew for each token, and takes no clock; so its one page is here.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sluiceway_common::secret::Secret;

use crate::{Token, TokenError};

/// How long a token is valid, as MSK has it.
pub const LIFETIME: Duration = Duration::from_secs(900);
/// The last parameter, which is not signed: it tells AWS's logs who asks.
const USER_AGENT: &str = concat!("sluiceway%2F", env!("CARGO_PKG_VERSION"));

/// Signs a token at this time. Whoever signs with credentials that end earlier has a token that ends with them.
///
/// # Errors
/// The signer's words; none of them holds a credential.
pub fn token(
    credentials: &Credentials,
    region: &str,
    now: SystemTime,
) -> Result<Token, TokenError> {
    let url = signed_url(credentials, region, now).map_err(TokenError::Signing)?;
    let ends = now + LIFETIME;
    Ok(Token {
        text: Secret::new(URL_SAFE_NO_PAD.encode(url)),
        life: (
            now,
            credentials.expiry().map_or(ends, |expiry| ends.min(expiry)),
        ),
    })
}

fn signed_url(credentials: &Credentials, region: &str, now: SystemTime) -> Result<String, String> {
    let host = format!("kafka.{region}.amazonaws.com");
    let url = format!("https://{host}/?Action=kafka-cluster%3AConnect");
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(LIFETIME);
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("kafka-cluster")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let headers = [("host", host.as_str())];
    let request = SignableRequest::new("GET", &url, headers.into_iter(), SignableBody::Bytes(&[]));
    let request = request.map_err(|error| error.to_string())?;
    let signed = sign(request, &parameters).map_err(|error| error.to_string())?;
    let (instructions, _signature) = signed.into_parts();
    let mut request = http::Request::builder()
        .uri(url)
        .body(())
        .map_err(|error| error.to_string())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(format!("{}&User-Agent={USER_AGENT}", request.uri()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::UNIX_EPOCH;

    fn parameters(token: &str) -> Vec<(String, String)> {
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
        let (address, query) = url.split_once('?').unwrap();
        assert_eq!(address, "https://kafka.us-east-1.amazonaws.com/");
        let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn a_token_ends_with_the_credentials_that_signed_it() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let expiry = now + Duration::from_secs(20);
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, Some(expiry), "test");
        let token = token(&credentials, "us-east-1", now).unwrap();
        assert_eq!(token.life, (now, expiry));
    }

    /// The published form of tokens, with the example credentials of AWS's own documentation; the signatures are
    /// those of AWS's Python SDK (`SigV4QueryAuth` of botocore 1.44) for the same key, clock and request.
    #[test]
    fn a_token_has_the_published_form() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let signed = |session: Option<&str>| {
            let credentials = Credentials::new(
                "AKIDEXAMPLE",
                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                session.map(str::to_owned),
                None,
                "test",
            );
            let token = token(&credentials, "us-east-1", now).unwrap();
            assert_eq!(token.life, (now, now + LIFETIME));
            parameters(token.text.expose())
        };
        let get = |parameters: &[(String, String)], name: &str| {
            let found = parameters.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let plain = signed(None);
        let names: Vec<&str> = plain.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.last(), Some(&"User-Agent"));
        for (name, value) in [
            ("Action", "kafka-cluster%3AConnect"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            (
                "X-Amz-Credential",
                "AKIDEXAMPLE%2F20231114%2Fus-east-1%2Fkafka-cluster%2Faws4_request",
            ),
            ("X-Amz-Date", "20231114T221320Z"),
            ("X-Amz-Expires", "900"),
            ("X-Amz-SignedHeaders", "host"),
            (
                "X-Amz-Signature",
                "253398ddf30b737b61a7a122a0259ada4c7162423af560094b2f4edef8033616",
            ),
        ] {
            assert_eq!(get(&plain, name), value, "{name}");
        }
        let session = signed(Some("a/session+token="));
        assert_eq!(
            get(&session, "X-Amz-Security-Token"),
            "a%2Fsession%2Btoken%3D"
        );
        assert_eq!(
            get(&session, "X-Amz-Signature"),
            "7d383ff277785c842791c462e97ccdfec7f7acb6f0d3cb3c0f140d2cfa15a495"
        );
    }
}
