//! HTTP Basic: the user that an `Authorization` header names, if its password is right.
//!
//! Slow hashes are computed once a minute for a right password: what was right is remembered under a digest with a
//! random key. Wrong ones are not remembered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::Identity;
use super::password_file::{PasswordFile, Users};
use crate::secret::Secret;

/// How long a right password is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Right passwords remembered at once.
const MAX_REMEMBERED: usize = 4096;

/// Checks user names and passwords against a file.
pub struct BasicAuth {
    file: PasswordFile,
    key: [u8; 32],
    known: Mutex<HashMap<[u8; 32], Known>>,
}

struct Known {
    identity: Arc<Identity>,
    /// The file's content that it was right for.
    users: Arc<Users>,
    at: Instant,
}

/// A name and a password out of a header.
#[derive(Debug, Clone)]
pub struct UserPassword {
    /// The name.
    pub name: String,
    /// The password.
    pub password: Secret,
}

impl UserPassword {
    /// Reads an `Authorization` header; `None` when it is not one of Basic.
    #[must_use]
    pub fn read(header: &str) -> Option<Self> {
        let (scheme, rest) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(rest.trim())
            .ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (name, password) = text.split_once(':')?;
        Some(Self {
            name: name.to_owned(),
            password: Secret::new(password),
        })
    }
}

impl BasicAuth {
    /// Users of this file.
    #[must_use]
    pub fn new(file: PasswordFile) -> Self {
        let (one, two) = (uuid_bytes(), uuid_bytes());
        let mut key = [0; 32];
        key[..16].copy_from_slice(&one);
        key[16..].copy_from_slice(&two);
        Self {
            file,
            key,
            known: Mutex::default(),
        }
    }

    /// The user, if it was right within the last minute. Never slow.
    #[must_use]
    pub fn remembered(&self, given: &UserPassword) -> Option<Arc<Identity>> {
        let users = self.file.users();
        let digest = self.digest(given);
        let known = self.known.lock();
        let known = known.get(&digest)?;
        (known.at.elapsed() < REMEMBERED && Arc::ptr_eq(&known.users, &users))
            .then(|| Arc::clone(&known.identity))
    }

    /// The user, if the password is right. May take a while: hashes are slow on purpose.
    #[must_use]
    pub fn check(&self, given: &UserPassword) -> Option<Arc<Identity>> {
        let users = self.file.users();
        let identity = users.check(&given.name, given.password.expose())?;
        let digest = self.digest(given);
        let mut known = self.known.lock();
        if known.len() >= MAX_REMEMBERED {
            known.retain(|_, known| known.at.elapsed() < REMEMBERED);
        }
        if known.len() < MAX_REMEMBERED {
            let found = Known {
                identity: Arc::clone(&identity),
                users,
                at: Instant::now(),
            };
            known.insert(digest, found);
        }
        Some(identity)
    }

    fn digest(&self, given: &UserPassword) -> [u8; 32] {
        // Only a key of this process's map: who does not know the random key cannot look for texts that collide.
        let mut digest = Sha256::new();
        digest.update(self.key);
        digest.update((given.name.len() as u64).to_be_bytes());
        digest.update(given.name.as_bytes());
        digest.update(given.password.expose().as_bytes());
        digest.finalize().into()
    }
}

fn uuid_bytes() -> [u8; 16] {
    *uuid::Uuid::new_v4().as_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headers_are_read() {
        let read = |text: &str| UserPassword::read(text);
        let given = read("basic YWxpY2U6czNjOnJldA==").unwrap();
        assert_eq!(
            (given.name.as_str(), given.password.expose()),
            ("alice", "s3c:ret")
        );
        for wrong in [
            "Basic",
            "Basic %%",
            "Bearer YTpi",
            "Basic YQ==",
            "Basic /w==",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn right_passwords_are_remembered_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        std::fs::write(&path, "alice: s3cret,admin\n").unwrap();
        let basic = BasicAuth::new(PasswordFile::open(&path).unwrap());
        let given = |password: &str| UserPassword {
            name: "alice".into(),
            password: Secret::new(password),
        };
        assert!(basic.remembered(&given("s3cret")).is_none());
        assert!(basic.check(&given("wrong")).is_none());
        assert!(basic.remembered(&given("wrong")).is_none());
        assert_eq!(&*basic.check(&given("s3cret")).unwrap().name, "alice");
        assert!(basic.remembered(&given("s3cret")).is_some());
    }
}
