//! The client's side of SCRAM (RFC 5802, RFC 7677), without channel binding.
//!
//! ```text
//! first ──▶ n,,n=<user>,r=<nonce>
//!        ◀── r=<nonce…>,s=<salt>,i=<iterations>
//! answer ─▶ c=biws,r=<nonce…>,p=<proof>
//!        ◀── v=<signature>, which proves that the broker knows the password, too
//! ```

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};

use super::settings::{Mechanism, Sasl};

/// Fewer rounds than this are not what an honest broker asks for (RFC 7677, Kafka's own minimum).
const MIN_ITERATIONS: u32 = 4096;
/// More than this would only keep the proxy busy.
const MAX_ITERATIONS: u32 = 1_000_000;

/// One exchange.
pub(crate) struct Scram<'a> {
    settings: &'a Sasl,
    nonce: &'a str,
    signature: Vec<u8>,
}

impl<'a> Scram<'a> {
    /// An exchange with this nonce, which must never have been used before.
    pub(crate) fn new(settings: &'a Sasl, nonce: &'a str) -> Self {
        Self {
            settings,
            nonce,
            signature: Vec::new(),
        }
    }

    /// The first message.
    pub(crate) fn first(&self) -> Vec<u8> {
        format!("n,,{}", self.first_bare()).into_bytes()
    }

    fn first_bare(&self) -> String {
        let user = self
            .settings
            .username
            .replace('=', "=3D")
            .replace(',', "=2C");
        format!("n={user},r={}", self.nonce)
    }

    /// The proof that answers the broker's challenge.
    pub(crate) fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, String> {
        let challenge = std::str::from_utf8(challenge).map_err(|error| error.to_string())?;
        let field = |name: &str| {
            let mut fields = challenge.split(',');
            fields
                .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
                .ok_or_else(|| format!("the broker's challenge has no {name}"))
        };
        let nonce = field("r")?;
        if !nonce.starts_with(self.nonce) || nonce.len() == self.nonce.len() {
            return Err("the broker's nonce does not go on with ours".to_owned());
        }
        let salt = STANDARD
            .decode(field("s")?)
            .map_err(|error| error.to_string())?;
        let rounds: u32 = field("i")?
            .parse()
            .map_err(|_| "bad iteration count".to_owned())?;
        let rounds = NonZeroU32::new(rounds)
            .filter(|rounds| (MIN_ITERATIONS..=MAX_ITERATIONS).contains(&rounds.get()))
            .ok_or_else(|| format!("{rounds} iterations are asked for"))?;
        let without_proof = format!("c=biws,r={nonce}");
        let signed = format!("{},{challenge},{without_proof}", self.first_bare());
        let proof = self.prove(&salt, rounds, signed.as_bytes());
        Ok(format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes())
    }

    fn prove(&mut self, salt: &[u8], rounds: NonZeroU32, signed: &[u8]) -> Vec<u8> {
        let (derive, mac, hash) = match self.settings.mechanism {
            Mechanism::ScramSha512 => (
                pbkdf2::PBKDF2_HMAC_SHA512,
                hmac::HMAC_SHA512,
                &digest::SHA512,
            ),
            _ => (
                pbkdf2::PBKDF2_HMAC_SHA256,
                hmac::HMAC_SHA256,
                &digest::SHA256,
            ),
        };
        let mut salted = vec![0; hash.output_len()];
        pbkdf2::derive(
            derive,
            rounds,
            salt,
            self.settings.password.as_bytes(),
            &mut salted,
        );
        let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(mac, key), text);
        let client_key = sign(&salted, b"Client Key");
        let stored_key = digest::digest(hash, client_key.as_ref());
        let client_signature = sign(stored_key.as_ref(), signed);
        let server_key = sign(&salted, b"Server Key");
        self.signature = sign(server_key.as_ref(), signed).as_ref().to_vec();
        let pairs = client_key.as_ref().iter().zip(client_signature.as_ref());
        pairs.map(|(key, signature)| key ^ signature).collect()
    }

    /// Checks that the broker knows the password.
    pub(crate) fn verify(&self, verdict: &[u8]) -> Result<(), String> {
        let verdict = std::str::from_utf8(verdict).map_err(|error| error.to_string())?;
        if let Some(error) = verdict.strip_prefix("e=") {
            return Err(error.to_owned());
        }
        let signature = verdict.strip_prefix("v=").and_then(|text| {
            let text = text.split(',').next().unwrap_or_default();
            STANDARD.decode(text).ok()
        });
        match signature {
            Some(signature) if !signature.is_empty() && signature == self.signature => Ok(()),
            _ => Err("the broker's signature is wrong".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(mechanism: Mechanism) -> Sasl {
        Sasl {
            mechanism,
            username: "user".into(),
            password: "pencil".into(),
            login: None,
        }
    }

    /// The example of RFC 7677.
    #[test]
    fn the_example_of_the_rfc() {
        let settings = settings(Mechanism::ScramSha256);
        let mut scram = Scram::new(&settings, "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(scram.first(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenge = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let proof = String::from_utf8(scram.answer(challenge).unwrap()).unwrap();
        assert_eq!(
            proof,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        scram
            .verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
            .unwrap();
        assert!(scram.verify(b"v=AAAA").is_err());
        assert_eq!(
            scram.verify(b"e=invalid-proof").unwrap_err(),
            "invalid-proof"
        );
    }

    #[test]
    fn dishonest_challenges() {
        let settings = settings(Mechanism::ScramSha512);
        for challenge in [
            "r=other,s=AAAA,i=4096",
            "r=abc,s=AAAA,i=4096",
            "r=abcd,s=AAAA,i=1",
            "r=abcd,s=AAAA,i=4000000000",
            "r=abcd,i=4096",
            "r=abcd,s=!,i=4096",
        ] {
            let mut scram = Scram::new(&settings, "abc");
            assert!(scram.answer(challenge.as_bytes()).is_err(), "{challenge}");
        }
        let fresh = Scram::new(&settings, "abc");
        assert!(fresh.verify(b"v=").is_err());
    }
}
