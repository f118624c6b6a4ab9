//! One entry of a password file: a password as it is, or what is kept in its place.
//!
//! | form | what it is |
//! |---|---|
//! | `text` | the password itself |
//! | `OBF:…` | Jetty's obfuscation, no protection |
//! | `MD5:<hex>` | digest, quickly guessed |
//! | `CRYPT:<13 characters>` | `crypt(3)`, quickly guessed |
//! | `PBKDF2-SHA256:<iterations>:<salt>:<hash>`, `PBKDF2-SHA512:…` | salt and hash in base64; slow on purpose |
//!
//! All comparisons take the same time wherever the first difference is.

use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::unix_crypt;
use crate::secret::Secret;

/// See the module.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The password itself (also out of `OBF:`).
    Clear(Secret),
    /// Its MD5.
    Md5(Vec<u8>),
    /// Its `crypt(3)`.
    Crypt(String),
    /// Its PBKDF2.
    #[cfg(feature = "tls")]
    Pbkdf2(pbkdf2::Hash),
}

impl Credential {
    /// Reads an entry.
    ///
    /// # Errors
    /// What is wrong; never any part of the entry.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(text) = text.strip_prefix("OBF:") {
            let clear = deobfuscate(text).ok_or("an OBF: entry is damaged")?;
            return Ok(Self::Clear(Secret::new(clear)));
        }
        if let Some(text) = text.strip_prefix("MD5:") {
            let digest = hex(text).filter(|digest| digest.len() == 16);
            return digest
                .map(Self::Md5)
                .ok_or("an MD5: entry is not 32 hexadecimal digits");
        }
        if let Some(text) = text.strip_prefix("CRYPT:") {
            return match unix_crypt::crypt("", text) {
                Some(_) if text.len() == 13 => Ok(Self::Crypt(text.to_owned())),
                _ => Err("a CRYPT: entry is not 13 characters of crypt(3)"),
            };
        }
        if text.starts_with("PBKDF2-") {
            #[cfg(feature = "tls")]
            return pbkdf2::Hash::parse(text).map(Self::Pbkdf2);
            #[cfg(not(feature = "tls"))]
            return Err("this build cannot check PBKDF2 entries (feature `tls`)");
        }
        Ok(Self::Clear(Secret::new(text)))
    }

    /// Whether this is the password.
    #[must_use]
    pub fn matches(&self, password: &str) -> bool {
        match self {
            Self::Clear(secret) => same(secret.expose().as_bytes(), password.as_bytes()),
            Self::Md5(digest) => same(digest, &Md5::digest(password.as_bytes())),
            Self::Crypt(hash) => unix_crypt::crypt(password, hash)
                .is_some_and(|made| same(made.as_bytes(), hash.as_bytes())),
            #[cfg(feature = "tls")]
            Self::Pbkdf2(hash) => hash.matches(password),
        }
    }
}

/// Whether two texts are the same, in a time that tells nothing of either, their lengths included.
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    Sha256::digest(one).ct_eq(&Sha256::digest(other)).into()
}

/// The bytes of hexadecimal text.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}

/// Groups of four base-36 digits, or five behind a `U`: each holds the sum and difference of a byte and its mirror.
fn deobfuscate(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('U') {
            let number = u32::from_str_radix(after.get(..4)?, 36).ok()?;
            bytes.push(u8::try_from(number >> 8).ok()?);
            rest = after.get(4..)?;
        } else {
            let number = i32::from_str_radix(rest.get(..4)?, 36).ok()?;
            let (high, low) = (number / 256, number % 256);
            bytes.push(u8::try_from((high + low - 254) / 2).ok()?);
            rest = rest.get(4..)?;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(feature = "tls")]
pub use pbkdf2::hash_password;

#[cfg(feature = "tls")]
mod pbkdf2 {
    //! PBKDF2 with HMAC, checked by ring.

    use std::num::NonZeroU32;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use ring::pbkdf2::{Algorithm, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512, derive, verify};
    use ring::rand::SecureRandom;

    /// What new entries are made with.
    const ITERATIONS: NonZeroU32 = match NonZeroU32::new(600_000) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    };
    /// An entry that asks for more would be a way to keep the program busy.
    const MAX_ITERATIONS: u32 = 10_000_000;

    /// An entry.
    #[derive(Clone)]
    pub struct Hash {
        algorithm: Algorithm,
        iterations: NonZeroU32,
        salt: Vec<u8>,
        hash: Vec<u8>,
    }

    impl std::fmt::Debug for Hash {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Hash").finish_non_exhaustive()
        }
    }

    impl Hash {
        pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
            const FORM: &str = "a PBKDF2 entry is not PBKDF2-SHA256:<iterations>:<salt in base64>:<hash in base64>";
            let parts: Vec<&str> = text.split(':').collect();
            let [name, iterations, salt, hash] = parts[..] else {
                return Err(FORM);
            };
            let algorithm = match name {
                "PBKDF2-SHA256" => PBKDF2_HMAC_SHA256,
                "PBKDF2-SHA512" => PBKDF2_HMAC_SHA512,
                _ => return Err(FORM),
            };
            let iterations = iterations.parse().map_err(|_| FORM)?;
            if NonZeroU32::get(iterations) > MAX_ITERATIONS {
                return Err("a PBKDF2 entry has more than 10,000,000 iterations");
            }
            Ok(Self {
                algorithm,
                iterations,
                salt: STANDARD.decode(salt).map_err(|_| FORM)?,
                hash: STANDARD.decode(hash).map_err(|_| FORM)?,
            })
        }

        pub(super) fn matches(&self, password: &str) -> bool {
            let (salt, hash) = (&self.salt, &self.hash);
            verify(
                self.algorithm,
                self.iterations,
                salt,
                password.as_bytes(),
                hash,
            )
            .is_ok()
        }
    }

    /// A new entry for a password, with a salt of its own. `None`: the system gives no random bytes.
    #[must_use]
    pub fn hash_password(password: &str) -> Option<String> {
        let (mut salt, mut hash) = ([0; 16], [0; 32]);
        ring::rand::SystemRandom::new().fill(&mut salt).ok()?;
        derive(
            PBKDF2_HMAC_SHA256,
            ITERATIONS,
            &salt,
            password.as_bytes(),
            &mut hash,
        );
        let (salt, hash) = (STANDARD.encode(salt), STANDARD.encode(hash));
        Some(format!("PBKDF2-SHA256:{ITERATIONS}:{salt}:{hash}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_form_is_read_and_compared() {
        for entry in [
            "secret",
            "MD5:5ebe2294ecd0e0f08eab7690d2a6ee69",
            "CRYPT:abNANd1rDfiNc",
            #[cfg(feature = "tls")]
            "PBKDF2-SHA256:1000:c2FsdHNhbHQ=:hgR9HsqtKupWxpnv8y99TrPDajTT/9PcSTlNafpdLXQ=",
        ] {
            let credential = Credential::parse(entry).unwrap();
            assert!(credential.matches("secret"), "{entry}");
            assert!(!credential.matches("secreT") && !credential.matches(""));
        }
        let jetty = Credential::parse("OBF:1v2j1uum1xtv1zej1zer1xtn1uvk1v1v").unwrap();
        assert!(jetty.matches("password"));
    }

    #[test]
    fn damaged_entries_are_refused_and_not_shown() {
        for entry in [
            "MD5:12",
            "OBF:xyz",
            "CRYPT:ab",
            "PBKDF2-SHA256:0:YQ==:YQ==",
            "PBKDF2-MD5:1:YQ==:YQ==",
        ] {
            assert!(Credential::parse(entry).is_err(), "{entry}");
        }
        let shown = format!("{:?}", Credential::parse("planted").unwrap());
        assert!(!shown.contains("planted"));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_new_entry_holds_its_password() {
        let entry = hash_password("s3cret").unwrap();
        assert!(Credential::parse(&entry).unwrap().matches("s3cret"));
        assert_ne!(entry, hash_password("s3cret").unwrap());
    }
}
