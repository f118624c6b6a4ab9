//! Certificates for the tests, made on the spot.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

use std::path::{Path, PathBuf};

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name, X509NameRef};

/// A key and its certificate.
pub struct Issued {
    pub key: PKey<Private>,
    pub certificate: X509,
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn name(common: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("O", "Tests, Inc").unwrap();
    name.append_entry_by_text("CN", common).unwrap();
    name.build()
}

/// Valid from and until so many days from now.
fn build(
    common: &str,
    days: (i64, i64),
    key: &PKey<Private>,
    issuer: (&X509NameRef, &PKey<Private>),
    authority: bool,
) -> X509 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let now = i64::try_from(now).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(rand_serial()).unwrap().to_asn1_integer();
    builder.set_serial_number(&serial.unwrap()).unwrap();
    builder.set_subject_name(&name(common)).unwrap();
    builder.set_issuer_name(issuer.0).unwrap();
    let at = |days: i64| Asn1Time::from_unix(now + days * 86_400).unwrap();
    builder.set_not_before(&at(days.0)).unwrap();
    builder.set_not_after(&at(days.1)).unwrap();
    builder.set_pubkey(key).unwrap();
    if authority {
        let basic = BasicConstraints::new().critical().ca().build().unwrap();
        builder.append_extension(basic).unwrap();
    } else {
        let names = SubjectAlternativeName::new()
            .dns("localhost")
            .ip("127.0.0.1")
            .build(&builder.x509v3_context(None, None))
            .unwrap();
        builder.append_extension(names).unwrap();
    }
    builder.sign(issuer.1, MessageDigest::sha256()).unwrap();
    builder.build()
}

fn rand_serial() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Issued {
    pub fn authority(common: &str) -> Self {
        let key = key();
        let own = name(common);
        let certificate = build(common, (-1, 30), &key, (&own, &key), true);
        Self { key, certificate }
    }

    pub fn issue(&self, common: &str) -> Self {
        self.issue_for(common, (-1, 30))
    }

    pub fn issue_for(&self, common: &str, days: (i64, i64)) -> Self {
        let key = key();
        let issuer = (self.certificate.subject_name(), &self.key);
        let certificate = build(common, days, &key, issuer, false);
        Self { key, certificate }
    }

    pub fn certificate_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }

    /// Key and certificate in one PEM file.
    pub fn pem(&self, folder: &Path, file: &str) -> PathBuf {
        let key = self.key.private_key_to_pem_pkcs8().unwrap();
        write(folder, file, &[key, self.certificate_pem()].concat())
    }

    /// The same, the key encrypted.
    pub fn encrypted_pem(&self, folder: &Path, file: &str, password: &str) -> PathBuf {
        let cipher = Cipher::aes_256_cbc();
        let key = self
            .key
            .private_key_to_pem_pkcs8_passphrase(cipher, password.as_bytes());
        write(
            folder,
            file,
            &[key.unwrap(), self.certificate_pem()].concat(),
        )
    }

    pub fn pkcs12(&self, folder: &Path, file: &str, password: &str) -> PathBuf {
        let store = Pkcs12::builder()
            .pkey(&self.key)
            .cert(&self.certificate)
            .build2(password)
            .unwrap();
        write(folder, file, &store.to_der().unwrap())
    }

    /// A PKCS#12 file with a certificate and no key, as keytool writes trust stores.
    pub fn trusted_pkcs12(&self, folder: &Path, file: &str, password: &str) -> PathBuf {
        let mut others = Stack::new().unwrap();
        others.push(self.certificate.clone()).unwrap();
        let store = Pkcs12::builder().ca(others).build2(password).unwrap();
        write(folder, file, &store.to_der().unwrap())
    }

    /// A JKS file with the key, guarded by another password than the store.
    pub fn jks(&self, folder: &Path, file: &str, (store, key): (&str, &str)) -> PathBuf {
        let key = jks::guarded(&self.key.private_key_to_pkcs8().unwrap(), key);
        let entry = jks::key_entry(&key, &self.certificate.to_der().unwrap());
        write(folder, file, &jks::store(&[entry], store))
    }

    /// A JKS file with the certificate alone.
    pub fn trusted_jks(&self, folder: &Path, file: &str, password: &str) -> PathBuf {
        let entry = jks::trusted_entry(&self.certificate.to_der().unwrap());
        write(folder, file, &jks::store(&[entry], password))
    }

    /// Only the certificate, as a trust store.
    pub fn trusted(&self, folder: &Path, file: &str) -> PathBuf {
        write(folder, file, &self.certificate_pem())
    }
}

/// Java's own store format, as keytool writes it with `-storetype JKS`.
mod jks {
    use openssl::sha::sha1;

    const SALT: [u8; 20] = [7; 20];

    fn wide(password: &str) -> Vec<u8> {
        password.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    fn sized(bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&length, bytes].concat()
    }

    fn text(text: &str) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        [&length, text.as_bytes()].concat()
    }

    /// `SEQUENCE { SEQUENCE { OID 1.3.6.1.4.1.42.2.17.1.1, NULL }, OCTET STRING }`
    pub(super) fn guarded(key: &[u8], password: &str) -> Vec<u8> {
        let password = wide(password);
        let (mut link, mut hidden) = (SALT, SALT.to_vec());
        for piece in key.chunks(20) {
            link = sha1(&[&password, &link[..]].concat());
            hidden.extend(piece.iter().zip(link).map(|(byte, mask)| byte ^ mask));
        }
        hidden.extend(sha1(&[&password, key].concat()));
        let algorithm = [
            0x30, 0x0e, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01,
            0x05, 0x00,
        ];
        der(0x30, &[&algorithm[..], &der(0x04, &hidden)].concat())
    }

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    }

    fn entry(kind: u32) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &text("alias"), &[0; 8]].concat()
    }

    fn certificate(der: &[u8]) -> Vec<u8> {
        [text("X.509"), sized(der)].concat()
    }

    pub(super) fn key_entry(guarded: &[u8], leaf: &[u8]) -> Vec<u8> {
        let one = 1_u32.to_be_bytes().to_vec();
        [entry(1), sized(guarded), one, certificate(leaf)].concat()
    }

    pub(super) fn trusted_entry(der: &[u8]) -> Vec<u8> {
        [entry(2), certificate(der)].concat()
    }

    pub(super) fn store(entries: &[Vec<u8>], password: &str) -> Vec<u8> {
        let count = u32::try_from(entries.len()).unwrap();
        let head = [0xfeed_feed_u32, 2, count].map(u32::to_be_bytes).concat();
        let body = [head, entries.concat()].concat();
        let digest = sha1(&[&wide(password), &b"Mighty Aphrodite"[..], &body].concat());
        [body, digest.to_vec()].concat()
    }
}

fn write(folder: &Path, file: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(file);
    // In one step, as whoever renews certificates should.
    let new = folder.join(format!("{file}.new"));
    std::fs::write(&new, bytes).unwrap();
    std::fs::rename(&new, &path).unwrap();
    path
}
