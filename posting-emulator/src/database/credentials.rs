//! Where the database is and who we are there: a URL, or a YAML file like the course's `db_creds.yaml`.
//!
//! ```text
//! mysql://user:password@host:3306/database       mysql+pymysql://…?charset=utf8mb4 is understood, too
//!
//! HOST: 127.0.0.1
//! USER: emulator
//! PASSWORD: "…"
//! DATABASE: pinterest_data
//! PORT: 3306
//! ```
//!
//! What fails: what is missing or wrong is named, the password never.

use std::{fmt, path::Path};

use mysql_async::Opts;
use serde_yaml_ng::Value;

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Password,
    /// The database with the three tables.
    pub database: String,
}

/// Credentials that are none.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The URL of the database.
    #[error("the database URL: {0} (mysql://user:password@host:3306/database)")]
    Url(String),
    /// The file of credentials.
    #[error("the credentials file {file}: {reason}")]
    File {
        /// Its name.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

impl Credentials {
    /// Reads a URL.
    ///
    /// # Errors
    /// It is none of a MySQL database.
    pub fn from_url(url: &str) -> Result<Self, CredentialsError> {
        // SQLAlchemy's spelling: the driver is ours, and so is the character set (utf8mb4).
        let url = url
            .strip_prefix("mysql+pymysql://")
            .map_or_else(|| url.to_owned(), |rest| format!("mysql://{rest}"));
        let plain = url.trim_end_matches("?charset=utf8mb4");
        if !plain.starts_with("mysql://") {
            return Err(CredentialsError::Url(
                "it must begin with mysql://".to_owned(),
            ));
        }
        // The parser's own words may show the URL.
        let opts = Opts::from_url(plain)
            .map_err(|_| CredentialsError::Url("it cannot be read".to_owned()))?;
        let database = opts.db_name().filter(|name| !name.is_empty());
        let database =
            database.ok_or_else(|| CredentialsError::Url("it names no database".to_owned()))?;
        Ok(Self {
            host: opts.ip_or_hostname().to_owned(),
            port: opts.tcp_port(),
            user: opts.user().unwrap_or("root").to_owned(),
            password: Password(opts.pass().unwrap_or_default().to_owned()),
            database: database.to_owned(),
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no YAML, or lacks something.
    pub fn from_file(file: &Path) -> Result<Self, CredentialsError> {
        let failed = |reason: String| CredentialsError::File {
            file: file.display().to_string(),
            reason,
        };
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        Self::from_yaml(&text).map_err(failed)
    }

    fn from_yaml(text: &str) -> Result<Self, String> {
        let parsed: Value = serde_yaml_ng::from_str(text).map_err(|error| {
            // Only the place: the words may show what stands there.
            error.location().map_or_else(
                || "it is no YAML".to_owned(),
                |at| format!("it is no YAML: line {}, column {}", at.line(), at.column()),
            )
        })?;
        let Value::Mapping(members) = parsed else {
            return Err("it must be a list of `KEY: value`".to_owned());
        };
        let find = |wanted: &str| {
            members.iter().find_map(|(key, value)| {
                let named = key
                    .as_str()
                    .is_some_and(|key| key.eq_ignore_ascii_case(wanted));
                named.then_some(value)
            })
        };
        let text = |wanted: &str| match find(wanted) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(word)) => Ok(word.to_string()),
            None | Some(Value::Null) => Err(format!("{wanted} is missing")),
            Some(_) => Err(format!("{wanted} must be one text")),
        };
        let port = match find("PORT") {
            None => 3306,
            Some(_) => {
                let number = text("PORT")?.parse().ok().filter(|port| *port > 0);
                number.ok_or("PORT must be a number from 1 to 65535")?
            }
        };
        Ok(Self {
            host: text("HOST")?,
            port,
            user: text("USER")?,
            password: Password(text("PASSWORD")?),
            database: text("DATABASE")?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const YAML: &str = "HOST: 127.0.0.1\nUSER: emulator\nPASSWORD: ':s3cret#'\nDATABASE: pinterest_data\nPORT: 3307\n";

    #[test]
    fn urls_and_files() {
        let of_url = |url: &str| Credentials::from_url(url).unwrap();
        let expected = Credentials::from_yaml(YAML).unwrap();
        assert_eq!(
            of_url("mysql://emulator:%3As3cret%23@127.0.0.1:3307/pinterest_data"),
            expected
        );
        assert_eq!(
            of_url(
                "mysql+pymysql://emulator:%3As3cret%23@127.0.0.1:3307/pinterest_data?charset=utf8mb4"
            ),
            expected
        );
        assert_eq!(
            Credentials::from_yaml("host: h\nuser: u\npassword: 12345\ndatabase: d")
                .unwrap()
                .port,
            3306
        );
        assert!(!format!("{expected:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for (yaml, told) in [
            ("HOST: [1, 2\nPASSWORD: s3cret", "no YAML: line"),
            ("HOST:\t- s3cret\n  - x: [", "no YAML"),
            ("s3cret", "`KEY: value`"),
            ("", "`KEY: value`"),
            ("HOST: h\nUSER: u\nPASSWORD: s3cret", "DATABASE is missing"),
            (
                "HOST: h\nUSER: u\nPASSWORD: [s3cret]\nDATABASE: d",
                "PASSWORD must be",
            ),
            (
                "HOST: h\nUSER: u\nPASSWORD: s3cret\nDATABASE: d\nPORT: 99999",
                "PORT must be",
            ),
        ] {
            let error = Credentials::from_yaml(yaml).unwrap_err();
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
        for url in [
            "postgres://u:s3cret@h/d",
            "mysql://u:s3cret@h",
            "mysql://u:s3cret@h:port/d",
            "s3cret",
        ] {
            let error = Credentials::from_url(url).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
        let missing = Credentials::from_file(Path::new("/nowhere/db_creds.yaml"))
            .unwrap_err()
            .to_string();
        assert!(missing.contains("/nowhere/db_creds.yaml"), "{missing}");
    }
}
