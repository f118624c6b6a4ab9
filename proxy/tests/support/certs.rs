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

    /// Only the certificate, as a trust store.
    pub fn trusted(&self, folder: &Path, file: &str) -> PathBuf {
        write(folder, file, &self.certificate_pem())
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
