//! Password files in the format of the JAAS login modules: `user: password,role1,role2`.
//!
//! In: the file of Jetty's `PropertyFileLoginModule`, or of Kafka Connect's (`user=password`). Out: users. A changed
//! file is read again within a second; one that is damaged changes nothing and is logged.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::RwLock;
use thiserror::Error;

use super::Identity;
use super::credential::Credential;
use crate::props;

/// Why a password file cannot be used.
#[derive(Debug, Error)]
pub enum PasswordFileError {
    /// It cannot be read.
    #[error("cannot read the password file {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no properties file, or an entry is damaged.
    #[error("the password file {}: {reason}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong, without any entry.
        reason: String,
    },
}

/// A file that is kept in mind.
#[derive(Debug)]
pub struct PasswordFile {
    path: PathBuf,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    users: Arc<Users>,
    modified: Option<SystemTime>,
    looked: Instant,
}

/// What a file held at a time.
#[derive(Debug, Default)]
pub struct Users(HashMap<String, (Credential, Arc<Identity>)>);

/// Time between two looks at the file.
const LOOK: Duration = Duration::from_secs(1);

impl PasswordFile {
    /// Reads a file.
    ///
    /// # Errors
    /// See [`PasswordFileError`].
    pub fn open(path: &Path) -> Result<Self, PasswordFileError> {
        let state = State {
            users: Arc::new(read(path)?),
            modified: modified(path),
            looked: Instant::now(),
        };
        Ok(Self {
            path: path.to_owned(),
            state: RwLock::new(state),
        })
    }

    /// The users as the file has them now.
    #[must_use]
    pub fn users(&self) -> Arc<Users> {
        let state = self.state.read();
        if state.looked.elapsed() < LOOK {
            return Arc::clone(&state.users);
        }
        drop(state);
        let mut state = self.state.write();
        state.looked = Instant::now();
        let now = modified(&self.path);
        if now != state.modified {
            match read(&self.path) {
                Ok(users) => {
                    state.users = Arc::new(users);
                    state.modified = now;
                    tracing::info!(file = %self.path.display(), "the password file was read again");
                }
                Err(error) => tracing::error!(%error, "the users stay as they were"),
            }
        }
        Arc::clone(&state.users)
    }
}

impl Users {
    /// The user, if this is the password. A name that is not there takes as long as one that is.
    #[must_use]
    pub fn check(&self, name: &str, password: &str) -> Option<Arc<Identity>> {
        match self.0.get(name) {
            Some((credential, identity)) => {
                credential.matches(password).then(|| Arc::clone(identity))
            }
            None => {
                if let Some((credential, _)) = self.0.values().next() {
                    let _as_long = credential.matches(password);
                }
                None
            }
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|data| data.modified())
        .ok()
}

fn read(path: &Path) -> Result<Users, PasswordFileError> {
    let text = std::fs::read_to_string(path).map_err(|source| PasswordFileError::Read {
        file: path.to_owned(),
        source,
    })?;
    let content = |reason: String| PasswordFileError::Content {
        file: path.to_owned(),
        reason,
    };
    // The parser's own message may show the line, which holds a password.
    let entries =
        props::parse(&text).map_err(|_| content("it is not in properties format".into()))?;
    let mut users = HashMap::new();
    for (name, entry) in entries {
        let mut parts = entry.split(',').map(str::trim);
        let credential = Credential::parse(parts.next().unwrap_or_default())
            .map_err(|reason| content(format!("user {name}: {reason}")))?;
        let roles = parts.filter(|role| !role.is_empty()).map(str::to_owned);
        let identity = Identity {
            name: name.as_str().into(),
            roles: roles.collect(),
        };
        users.insert(name, (credential, Arc::new(identity)));
    }
    Ok(Users(users))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn users_roles_and_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password.properties");
        std::fs::write(&path, "# users\nalice: s3cret,admin,writer\nbob=b0b\n").unwrap();
        let file = PasswordFile::open(&path).unwrap();
        let alice = file.users().check("alice", "s3cret").unwrap();
        assert_eq!(
            (&*alice.name, alice.roles.as_slice()),
            ("alice", &["admin".to_owned(), "writer".to_owned()][..])
        );
        assert!(file.users().check("bob", "b0b").unwrap().roles.is_empty());
        assert!(file.users().check("alice", "b0b").is_none());
        assert!(file.users().check("carol", "b0b").is_none());

        std::fs::write(&path, "alice: MD5:broken\n").unwrap();
        let later = SystemTime::now() + Duration::from_secs(5);
        let touch = |time| {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
        };
        touch(later);
        file.state.write().looked = Instant::now() - 2 * LOOK;
        assert!(file.users().check("alice", "s3cret").is_some(), "kept");
        std::fs::write(&path, "alice: n3w\n").unwrap();
        touch(later + Duration::from_secs(5));
        file.state.write().looked = Instant::now() - 2 * LOOK;
        assert!(file.users().check("alice", "n3w").is_some(), "read again");
    }

    #[test]
    fn errors_show_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        std::fs::write(&path, "alice: MD5:planted\n").unwrap();
        let error = PasswordFile::open(&path).unwrap_err().to_string();
        assert!(
            error.contains("alice") && !error.contains("planted"),
            "{error}"
        );
    }
}
