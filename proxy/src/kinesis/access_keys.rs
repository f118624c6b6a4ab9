//! The access keys that SDK calls are signed with, from a file in properties format.
//!
//! ```text
//! key.course-1.id=AKIAIOSFODNN7EXAMPLE
//! key.course-1.secret=…
//! key.course-1.roles=writers,readers
//! ```
//!
//! The name is the principal's. A changed file is read again within a second; one that is wrong by then changes nothing.
//! Signatures need the secrets themselves, so they are kept, but never shown: errors name the property alone.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::RwLock;
use sluiceway_common::props::{self, Properties};
use sluiceway_common::secret::Secret;
use thiserror::Error;

/// Why a file of keys cannot be used.
#[derive(Debug, Error)]
#[error("the file of access keys {}: {reason}", file.display())]
pub struct AccessKeysError {
    file: PathBuf,
    reason: String,
}

/// A key that is known.
#[derive(Debug, Clone)]
pub(crate) struct AccessKey {
    /// Its name, which is the principal's.
    pub(crate) name: Arc<str>,
    /// What calls are signed with.
    pub(crate) secret: Secret,
    /// Its roles.
    pub(crate) roles: Vec<String>,
}

/// A file that is kept in mind.
pub(crate) struct AccessKeys {
    file: PathBuf,
    state: RwLock<State>,
}

struct State {
    keys: HashMap<String, AccessKey>,
    modified: Option<SystemTime>,
    looked: Instant,
}

const LOOK: Duration = Duration::from_secs(1);
/// Shorter secrets can be guessed from one signature.
const MIN_SECRET: usize = 20;
/// Lengths of ids, as Amazon has them.
const ID: std::ops::RangeInclusive<usize> = 16..=128;

impl AccessKeys {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or a key in it is wrong.
    pub(crate) fn open(file: &Path) -> Result<Self, AccessKeysError> {
        let state = State {
            keys: read(file)?,
            modified: modified(file),
            looked: Instant::now(),
        };
        Ok(Self {
            file: file.to_owned(),
            state: RwLock::new(state),
        })
    }

    /// The key of this id.
    pub(crate) fn find(&self, id: &str) -> Option<AccessKey> {
        let state = self.state.read();
        if state.looked.elapsed() < LOOK {
            return state.keys.get(id).cloned();
        }
        drop(state);
        let mut state = self.state.write();
        state.looked = Instant::now();
        let now = modified(&self.file);
        if now != state.modified {
            match read(&self.file) {
                Ok(keys) => {
                    (state.keys, state.modified) = (keys, now);
                    tracing::info!(file = %self.file.display(), "the access keys were read again");
                }
                Err(error) => tracing::error!(%error, "the access keys stay as they were"),
            }
        }
        state.keys.get(id).cloned()
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|data| data.modified())
        .ok()
}

fn read(file: &Path) -> Result<HashMap<String, AccessKey>, AccessKeysError> {
    let failed = |reason: String| AccessKeysError {
        file: file.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    // The parser's own message may show the line, which holds a secret.
    let properties = props::parse(&text).map_err(|_| failed("it is no properties file".into()))?;
    parse(&properties).map_err(failed)
}

fn parse(properties: &Properties) -> Result<HashMap<String, AccessKey>, String> {
    let mut groups: BTreeMap<&str, HashMap<&str, &str>> = BTreeMap::new();
    for (key, value) in properties {
        let (name, field) = key
            .strip_prefix("key.")
            .and_then(|rest| rest.rsplit_once('.'))
            .filter(|(name, field)| !name.is_empty() && ["id", "secret", "roles"].contains(field))
            .ok_or_else(|| format!("{key}: only key.<name>.id, .secret and .roles are known"))?;
        groups.entry(name).or_default().insert(field, value.trim());
    }
    if groups.is_empty() {
        return Err("there is no key in it".to_owned());
    }
    let mut keys = HashMap::new();
    for (name, fields) in groups {
        let field = |wanted: &str| fields.get(wanted).copied().unwrap_or_default();
        let (id, secret) = (field("id"), field("secret"));
        if !ID.contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!(
                "key.{name}.id must have 16 to 128 letters and digits"
            ));
        }
        if secret.len() < MIN_SECRET {
            return Err(format!(
                "key.{name}.secret must have at least {MIN_SECRET} characters"
            ));
        }
        let roles = field("roles").split(',').map(str::trim);
        let key = AccessKey {
            name: name.into(),
            secret: Secret::new(secret),
            roles: roles
                .filter(|role| !role.is_empty())
                .map(str::to_owned)
                .collect(),
        };
        if keys.insert(id.to_owned(), key).is_some() {
            return Err(format!("key.{name}.id is another key's, too"));
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GOOD: &str = "key.a.b.id=AKIAIOSFODNN7EXAMPLE\nkey.a.b.secret=a-secret-that-is-long-enough\nkey.a.b.roles=w, r\n";

    #[test]
    fn keys_are_found_by_id() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        std::fs::write(&file, GOOD).unwrap();
        let keys = AccessKeys::open(&file).unwrap();
        let key = keys.find("AKIAIOSFODNN7EXAMPLE").unwrap();
        assert_eq!((&*key.name, key.roles.len()), ("a.b", 2));
        assert!(!format!("{key:?}").contains("long-enough"));
        assert!(keys.find("AKIAIOSFODNN7OTHER00").is_none());
    }

    #[test]
    fn what_is_wrong_is_told_without_the_secret() {
        for (wrong, told) in [
            ("", "no key"),
            ("other=1", "only key."),
            ("key.a.secret=a-secret-that-is-long-enough", "key.a.id must"),
            (
                "key.a.id=AKIAIOSFODNN7EXAMPLE\nkey.a.secret=short",
                "at least 20",
            ),
            (
                &GOOD.replace("a.b.id=AKIA", "a.b.id=AK/A"),
                "letters and digits",
            ),
            (
                &format!("{GOOD}{}", GOOD.replace("a.b", "c")),
                "another key's",
            ),
        ] {
            let error = parse(&props::parse(wrong).unwrap()).unwrap_err();
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("secret-that"), "{error}");
        }
    }
}
