//! SASL: the handshake names the mechanism, then its messages go back and forth as requests of their own.

use bytes::Bytes;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;

use super::connection::Connection;
use super::error::WireError;
#[cfg(feature = "tls")]
use super::scram::Scram;
use super::settings::{Mechanism, Sasl};

/// Proves to the broker who the proxy is.
pub(crate) async fn authenticate(
    connection: &mut Connection,
    settings: &Sasl,
) -> Result<(), WireError> {
    let name = settings.mechanism.name();
    let handshake = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(name));
    let answer = connection.call(&handshake, 1, "saslHandshake").await?;
    if answer.error_code != 0 {
        let offered: Vec<&str> = answer.mechanisms.iter().map(|name| &**name).collect();
        return Err(WireError::Authentication(format!(
            "The broker does not support the SASL mechanism {name}; it has {}",
            offered.join(", ")
        )));
    }
    match settings.mechanism {
        Mechanism::Plain => {
            let message = format!("\0{}\0{}", settings.username, settings.password);
            exchange(connection, message.into_bytes()).await.map(drop)
        }
        Mechanism::ScramSha256 | Mechanism::ScramSha512 => scram(connection, settings).await,
        Mechanism::OauthBearer => oauth(connection, settings).await,
    }
}

/// A broker that refuses a token says why, and wants to hear a last byte before it ends the exchange.
async fn oauth(connection: &mut Connection, settings: &Sasl) -> Result<(), WireError> {
    let message = match &settings.login {
        Some(login) => login.message().await,
        None => Ok(Vec::new()),
    };
    let message = message.map_err(|error| WireError::Authentication(error.to_string()))?;
    let answer = exchange(connection, message).await?;
    if answer.is_empty() {
        return Ok(());
    }
    exchange(connection, vec![1]).await?;
    Err(WireError::Authentication(format!(
        "The broker refuses the token: {}",
        String::from_utf8_lossy(&answer)
    )))
}

#[cfg(feature = "tls")]
async fn scram(connection: &mut Connection, settings: &Sasl) -> Result<(), WireError> {
    let refused = |reason: String| WireError::Authentication(format!("SCRAM: {reason}"));
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let mut scram = Scram::new(settings, &nonce);
    let challenge = exchange(connection, scram.first()).await?;
    let proof = scram.answer(&challenge).map_err(refused)?;
    let verdict = exchange(connection, proof).await?;
    scram.verify(&verdict).map_err(refused)
}

#[cfg(not(feature = "tls"))]
async fn scram(_: &mut Connection, _: &Sasl) -> Result<(), WireError> {
    Err(WireError::Authentication(
        "this build has no SCRAM".to_owned(),
    ))
}

async fn exchange(connection: &mut Connection, message: Vec<u8>) -> Result<Bytes, WireError> {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message));
    let answer = connection.call(&request, 2, "saslAuthenticate").await?;
    if answer.error_code != 0 {
        let text = answer.error_message.map(|text| text.to_string());
        return Err(WireError::Authentication(
            text.unwrap_or_else(|| "SASL Authentication failed.".to_owned()),
        ));
    }
    connection.believed_for(answer.session_lifetime_ms);
    Ok(answer.auth_bytes)
}
