//! AWS Signature Version 4: whether a call was signed with a key that is known here.
//!
//! ```text
//! Authorization ─▶ Claim (key, date, scope, signed headers, signature) ── before the body is read: a known key, a date of now
//! claim + body  ─▶ canonical request ─▶ string to sign ─▶ HMAC with the key of (secret, day, region, service) ─▶ equal?
//! ```
//!
//! In: method, path, query, headers; then the body. Out: the [`AccessKey`]. What fails: a [`Fault`] in Kinesis' words; a
//! [`Wrong`] besides tells the log more. Host, date and target have to be among what is signed: a signature is for one
//! operation at one time. Calls signed in their query (presigned URLs) are not taken.

use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use super::access_keys::{AccessKey, AccessKeys};
use super::fault::Fault;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kinesis";
const DATE: &str = "x-amz-date";
/// Headers that have to be signed.
const MUST: [&str; 3] = ["host", DATE, super::TARGET];

/// Whether a call brings a signature.
pub(crate) fn is_signed(headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION);
    given.is_some_and(|given| given.as_bytes().starts_with(ALGORITHM.as_bytes()))
}

/// A refusal, and the reason for the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) fault: Fault,
    pub(crate) reason: &'static str,
}

fn wrong(name: &'static str, message: impl Into<String>, reason: &'static str) -> Wrong {
    Wrong {
        fault: Fault::client(name, message),
        reason,
    }
}

fn incomplete(what: &str) -> Wrong {
    let message = format!("Authorization header requires {what}.");
    wrong(
        "IncompleteSignatureException",
        message,
        "the signature is incomplete",
    )
}

/// A signature whose key is known and whose date is now.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) key: AccessKey,
    /// `20150830T123600Z`
    date: String,
    /// `20150830/us-east-1/kinesis/aws4_request`
    scope: String,
    /// In order.
    signed_headers: Vec<String>,
    signature: Vec<u8>,
}

impl Claim {
    /// Reads what a call says of itself. `now` and `skew` are in seconds.
    ///
    /// # Errors
    /// No signature, one that is not whole, a key that is not known, a date too far away.
    pub(crate) fn read(
        headers: &HeaderMap,
        keys: &AccessKeys,
        now: i64,
        skew: i64,
    ) -> Result<Self, Wrong> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let text = match (given.next(), given.next()) {
            (Some(given), None) => given.to_str().unwrap_or_default(),
            (Some(_), Some(_)) => return Err(incomplete("to be there once")),
            (None, _) => "",
        };
        let Some(text) = text.strip_prefix(ALGORITHM) else {
            return Err(wrong(
                "MissingAuthenticationTokenException",
                "Request is missing Authentication Token",
                "there is no signature",
            ));
        };
        let field = |name: &str| {
            let fields = text.split(',').map(str::trim);
            let mut values = fields.filter_map(|field| field.split_once('='));
            let found = values.find(|(found, _)| *found == name);
            found
                .map(|(_, value)| value)
                .filter(|value| !value.is_empty())
        };
        let credential = field("Credential").ok_or_else(|| incomplete("'Credential' parameter"))?;
        let signed =
            field("SignedHeaders").ok_or_else(|| incomplete("'SignedHeaders' parameter"))?;
        let signature = field("Signature").ok_or_else(|| incomplete("'Signature' parameter"))?;
        let signature =
            unhex(signature).ok_or_else(|| incomplete("a 'Signature' of 64 hexadecimal digits"))?;
        let (id, scope) = credential.split_once('/').ok_or_else(|| {
            incomplete("a 'Credential' of the form key/day/region/service/aws4_request")
        })?;
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.ok_or_else(|| incomplete("existence of an 'X-Amz-Date' header"))?;
        let signed_headers: Vec<String> = signed.split(';').map(str::to_owned).collect();
        if let Some(missing) = MUST
            .iter()
            .find(|must| !signed_headers.iter().any(|name| name == *must))
        {
            return Err(incomplete(&format!(
                "'{missing}' among its 'SignedHeaders'"
            )));
        }
        check_scope(scope, date)?;
        let key = keys.find(id).ok_or_else(|| {
            wrong(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
                "the access key is unknown",
            )
        })?;
        check_date(date, now, skew)?;
        Ok(Self {
            key,
            date: date.to_owned(),
            scope: scope.to_owned(),
            signed_headers,
            signature,
        })
    }

    /// Whether the signature is that of this request with this body. `paths`: what the path may have been before a stage
    /// was taken off.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn verify(&self, parts: &Parts, paths: &[String], body: &[u8]) -> Result<(), Wrong> {
        let hash = hex(&Sha256::digest(body));
        let query = canonical_query(parts.uri.query().unwrap_or_default());
        let method = parts.method.as_str();
        let headers = self.canonical_headers(parts)?;
        let signed = self.signed_headers.join(";");
        let found = paths.iter().any(|path| {
            let request = format!("{method}\n{path}\n{query}\n{headers}\n{signed}\n{hash}");
            self.is_signature_of(&request)
        });
        if found {
            return Ok(());
        }
        Err(wrong(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
            "the signature is another one",
        ))
    }

    fn canonical_headers(&self, parts: &Parts) -> Result<String, Wrong> {
        let mut text = String::new();
        for name in &self.signed_headers {
            let mut values = Vec::new();
            for value in parts.headers.get_all(name.as_str()) {
                let value = value
                    .to_str()
                    .map_err(|_| incomplete("signed headers of visible characters"))?;
                values.push(value.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
            }
            // HTTP/2 has the host in the URI.
            if values.is_empty() && name == "host" {
                values.extend(parts.uri.authority().map(ToString::to_string));
            }
            if values.is_empty() {
                return Err(incomplete("signed headers that are there"));
            }
            text.push_str(&format!("{name}:{}\n", values.join(",")));
        }
        Ok(text)
    }

    fn is_signature_of(&self, request: &str) -> bool {
        let request = hex(&Sha256::digest(request.as_bytes()));
        let text = format!("{ALGORITHM}\n{}\n{}\n{request}", self.date, self.scope);
        let key = self.scope.split('/').try_fold(
            format!("AWS4{}", self.key.secret.expose()).into_bytes(),
            |key, part| Some(mac(&key, part.as_bytes())?.finalize().into_bytes().to_vec()),
        );
        key.and_then(|key| mac(&key, text.as_bytes()))
            .is_some_and(|mac| mac.verify_slice(&self.signature).is_ok())
    }
}

fn mac(key: &[u8], text: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac: Hmac<Sha256> = Hmac::new_from_slice(key).ok()?;
    mac.update(text);
    Some(mac)
}

/// `day/region/kinesis/aws4_request`, of the date's day.
fn check_scope(scope: &str, date: &str) -> Result<(), Wrong> {
    let parts: Vec<&str> = scope.split('/').collect();
    let [day, region, service, end] = parts[..] else {
        return Err(incomplete(
            "a 'Credential' of the form key/day/region/service/aws4_request",
        ));
    };
    let scoped = |what: &str| {
        wrong(
            "InvalidSignatureException",
            format!("Credential should be scoped to {what}."),
            "the scope is another one",
        )
    };
    if service != SERVICE {
        return Err(scoped(&format!("correct service: '{SERVICE}'")));
    }
    if end != "aws4_request" || region.is_empty() {
        return Err(scoped("a region, and end with 'aws4_request'"));
    }
    if date.get(..8) != Some(day) {
        return Err(scoped("the day of 'X-Amz-Date'"));
    }
    Ok(())
}

fn check_date(date: &str, now: i64, skew: i64) -> Result<(), Wrong> {
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date)
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
        .map_err(|_| incomplete("an 'X-Amz-Date' like 20150830T123600Z"))?;
    let (signed, off) = (time.timestamp().as_second(), skew);
    let name = "InvalidSignatureException";
    if signed < now - off {
        let message = format!(
            "Signature expired: {date} is earlier than the {off} seconds that are allowed."
        );
        return Err(wrong(name, message, "the signature is too old"));
    }
    if signed > now + off {
        let message = format!(
            "Signature not yet current: {date} is later than the {off} seconds that are allowed."
        );
        return Err(wrong(name, message, "the signature is of the future"));
    }
    Ok(())
}

/// Pairs as they are written, in order.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            if pair.contains('=') {
                pair.to_owned()
            } else {
                format!("{pair}=")
            }
        })
        .collect();
    pairs.sort_unstable();
    pairs.join("&")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    digits.then(|| (0..64).step_by(2).map(byte).collect::<Option<_>>())?
}

#[cfg(test)]
mod tests;
