//! Key stores and trust stores: PEM, PKCS#12 and JKS files, or PEM text.
//!
//! In: a [`Store`] (`ssl.keystore.*`, `ssl.truststore.*`, `ssl.key.password`). Out: an [`Identity`] or trusted
//! certificates, for rustls as they are, for librdkafka as PEM text. The kind is the one that is named; without a name,
//! or when Java's default `JKS` is named, the file's first bytes decide, as Java's own stores do. Errors name the file
//! and what to do, never a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

use super::jks;
use super::settings::StoreSettings;
use crate::secret::Secret;

/// A store and the passwords that open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Where it is.
    pub source: Source,
    /// `PEM`, `PKCS12` or `JKS`; `None`: as the bytes say.
    pub kind: Option<String>,
    /// The store's password.
    pub password: Option<Secret>,
    /// The key's password, when it is another one.
    pub key_password: Option<Secret>,
}

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file.
    File(String),
    /// PEM text in the properties (`ssl.keystore.key`, `ssl.keystore.certificate.chain`).
    Text(Secret),
}

/// A private key and its certificate chain, the leaf first.
#[derive(Debug)]
pub struct Identity {
    /// Certificates.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key.
    pub key: PrivateKeyDer<'static>,
}

/// Why a store cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file cannot be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is there, but not what it should be.
    #[error("{store}: {reason}")]
    Content {
        /// The file, or the word for text in the properties.
        store: String,
        /// What is wrong.
        reason: String,
    },
}

impl StoreError {
    /// What to do about a store of a client's settings whose keys begin with `name` (`ssl.keystore`).
    #[must_use]
    pub fn advice(&self, name: &str) -> String {
        match self {
            Self::Read { .. } => {
                "the file must be there, and readable for the user that this program runs as"
                    .to_owned()
            }
            Self::Content { .. } => format!(
                "see to {name}.type and {name}.password, or write the store anew as PEM or PKCS12 (keytool -importkeystore)"
            ),
        }
    }
}

impl Identity {
    /// The certificates as PEM text, the leaf first.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        certificates_pem(&self.chain)
    }

    /// The key as PEM text, not encrypted.
    #[must_use]
    pub fn key_pem(&self) -> Secret {
        let label = match &self.key {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        Secret::new(pem(label, self.key.secret_der()))
    }
}

/// Certificates as PEM text.
#[must_use]
pub fn certificates_pem(certificates: &[CertificateDer<'_>]) -> String {
    let texts = certificates.iter().map(|der| pem("CERTIFICATE", der));
    texts.collect()
}

/// DER as PEM text: lines of 64 characters (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    const LINE: usize = 64;
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(LINE.min(rest.len()));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// What a store holds.
#[derive(Default)]
struct Content {
    keys: Vec<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    trusted: Vec<CertificateDer<'static>>,
}

impl Store {
    /// A file, with its kind and password when they are known.
    #[must_use]
    pub fn file(path: &str, kind: Option<&str>, password: Option<Secret>) -> Self {
        Self {
            source: Source::File(path.to_owned()),
            kind: kind.map(str::to_owned),
            password,
            key_password: None,
        }
    }

    /// The private key alone, where its certificates are in another file.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn private_key(&self) -> Result<PrivateKeyDer<'static>, StoreError> {
        let first = self.read()?.keys.into_iter().next();
        let (_, key) = first.ok_or_else(|| self.content("it holds no private key"))?;
        Ok(key)
    }

    /// The private key and its chain. Of several the first one is taken.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn identity(&self) -> Result<Identity, StoreError> {
        let content = self.read()?;
        let (chain, key) = content.keys.into_iter().next().ok_or_else(|| {
            self.content("it holds no private key; a key store needs a key and its certificates")
        })?;
        if chain.is_empty() {
            return Err(self.content("the private key has no certificate in the store"));
        }
        Ok(Identity { chain, key })
    }

    /// All certificates that stand for authorities; those of a key count when there are no others.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn trusted(&self) -> Result<Vec<CertificateDer<'static>>, StoreError> {
        let Content { keys, mut trusted } = self.read()?;
        if trusted.is_empty() {
            trusted.extend(keys.into_iter().flat_map(|(chain, _)| chain));
        }
        if trusted.is_empty() {
            return Err(self.content("it holds no certificate"));
        }
        Ok(trusted)
    }

    /// The file, when it is one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match &self.source {
            Source::File(path) => Some(path),
            Source::Text(_) => None,
        }
    }

    /// Whether the store is PEM, as its bytes say.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn is_pem(&self) -> Result<bool, StoreError> {
        Ok(looks_like_pem(&self.bytes()?))
    }

    fn content(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Content {
            store: self.path().unwrap_or("the PEM text").to_owned(),
            reason: reason.into(),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        match &self.source {
            Source::Text(text) => Ok(text.expose().replace("\\n", "\n").into_bytes()),
            Source::File(file) => std::fs::read(file).map_err(|source| StoreError::Read {
                file: file.clone(),
                source,
            }),
        }
    }

    fn read(&self) -> Result<Content, StoreError> {
        let bytes = self.bytes()?;
        let kind = self.kind.as_deref().map(str::to_ascii_uppercase);
        let looks_like_pem = looks_like_pem(&bytes);
        match kind.as_deref() {
            Some("PEM") if !looks_like_pem => {
                Err(self.content("its type is PEM, but it holds no PEM text"))
            }
            Some("PEM" | "JKS" | "PKCS12") | None if looks_like_pem => self.pem(&bytes),
            Some("JKS" | "PKCS12") | None if jks::is_jks(&bytes) => self.jks(&bytes),
            Some("JKS" | "PKCS12") | None => self.pkcs12(&bytes),
            Some(other) => Err(self.content(format!(
                "stores of type {other} cannot be read; use PEM, PKCS12 or JKS"
            ))),
        }
    }

    fn pem(&self, bytes: &[u8]) -> Result<Content, StoreError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
        let chain = chain.map_err(|error| self.content(format!("a certificate in it: {error}")))?;
        let encrypted =
            find(bytes, b"BEGIN ENCRYPTED PRIVATE KEY") || find(bytes, b"Proc-Type: 4,ENCRYPTED");
        let key = if encrypted {
            Some(self.encrypted_key(bytes)?)
        } else if find(bytes, b"PRIVATE KEY-----") {
            // What is wrong with a key is not told in detail: parts of it must not get into messages.
            let key = PrivateKeyDer::from_pem_slice(bytes);
            Some(key.map_err(|_| self.content("its private key cannot be read"))?)
        } else {
            None
        };
        Ok(match key {
            Some(key) => Content {
                keys: vec![(chain, key)],
                trusted: Vec::new(),
            },
            None => Content {
                keys: Vec::new(),
                trusted: chain,
            },
        })
    }

    fn encrypted_key(&self, bytes: &[u8]) -> Result<PrivateKeyDer<'static>, StoreError> {
        let password = self.key_password.as_ref().or(self.password.as_ref());
        let password = password.ok_or_else(|| {
            self.content("its private key is encrypted; set ssl.key.password to its password")
        })?;
        let key = PKey::private_key_from_pem_passphrase(bytes, password.expose().as_bytes())
            .and_then(|key| key.private_key_to_pkcs8());
        let key = key.map_err(|_| {
            self.content("its private key cannot be decrypted: ssl.key.password is wrong, or the cipher is too old")
        })?;
        Ok(pkcs8_key(key))
    }

    fn jks(&self, bytes: &[u8]) -> Result<Content, StoreError> {
        let expose = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().to_owned());
        let (password, key_password) = (expose(&self.password), expose(&self.key_password));
        let entries = jks::read(bytes, password.as_deref(), key_password.as_deref())
            .map_err(|reason| self.content(reason))?;
        let mut content = Content::default();
        for entry in entries {
            match entry {
                jks::Entry::Key(key, chain) => {
                    let chain = chain.into_iter().map(CertificateDer::from).collect();
                    content.keys.push((chain, pkcs8_key(key)));
                }
                jks::Entry::Trusted(certificate) => content.trusted.push(certificate.into()),
            }
        }
        Ok(content)
    }

    fn pkcs12(&self, bytes: &[u8]) -> Result<Content, StoreError> {
        let password = self.password.as_ref().map_or("", Secret::expose);
        let store = Pkcs12::from_der(bytes)
            .map_err(|_| self.content("it is neither PEM nor PKCS#12 nor JKS"))?;
        let parsed = store.parse2(password).map_err(|_| {
            self.content("it cannot be opened as PKCS#12: its password is missing or wrong, or its ciphers are too old (write it anew with keytool or openssl)")
        })?;
        let der = |result: Result<Vec<u8>, ErrorStack>| {
            result.map_err(|error| self.content(error.to_string()))
        };
        let mut content = Content::default();
        let others = parsed.ca.into_iter().flatten();
        let others: Result<Vec<_>, _> = others.map(|one| der(one.to_der())).collect();
        let others = others?.into_iter().map(CertificateDer::from);
        match (parsed.pkey, parsed.cert) {
            (Some(key), Some(leaf)) => {
                let mut chain = vec![CertificateDer::from(der(leaf.to_der())?)];
                chain.extend(others);
                let key = pkcs8_key(der(key.private_key_to_pkcs8())?);
                content.keys.push((chain, key));
            }
            (_, leaf) => {
                if let Some(leaf) = leaf {
                    content.trusted.push(der(leaf.to_der())?.into());
                }
                content.trusted.extend(others);
            }
        }
        Ok(content)
    }
}

impl From<&StoreSettings> for Store {
    fn from(settings: &StoreSettings) -> Self {
        let source = match (&settings.pem, &settings.location) {
            (Some(text), _) => Source::Text(text.clone()),
            (None, location) => Source::File(location.clone().unwrap_or_default()),
        };
        Self {
            source,
            kind: settings.kind.clone(),
            password: settings.password.clone(),
            key_password: settings.key_password.clone(),
        }
    }
}

fn looks_like_pem(bytes: &[u8]) -> bool {
    find(bytes, b"-----BEGIN ")
}

fn pkcs8_key(der: Vec<u8>) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der))
}

fn find(bytes: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(bytes, text).is_some()
}
