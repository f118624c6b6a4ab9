//! An authority, a broker's certificate and a client's, made for one test.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};

/// Files of one authority.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// PEM: the authority's certificate, for those who trust it.
    pub authority: PathBuf,
    /// PEM: key and certificate of `localhost` and 127.0.0.1.
    pub server: PathBuf,
    /// PEM: key and certificate of a client, whom a broker calls [`CLIENT`].
    pub client: PathBuf,
}

/// The principal of [`Certificates::client`].
pub const CLIENT: &str = "User:CN=worker";

impl Certificates {
    /// Makes them, valid for a day, in this folder.
    ///
    /// # Errors
    /// The library or the disk.
    pub fn make(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let root_key = key()?;
        let root = certificate("tests' authority", &root_key, None)?;
        let authority = folder.join("authority.pem");
        std::fs::write(&authority, root.to_pem()?)?;
        let issue = |common: &str, file: &str| -> Result<PathBuf> {
            let (key, file) = (key()?, folder.join(file));
            let issued = certificate(common, &key, Some((&root, &root_key)))?;
            let pem = [key.private_key_to_pem_pkcs8()?, issued.to_pem()?].concat();
            std::fs::write(&file, pem)?;
            Ok(file)
        };
        Ok(Self {
            server: issue("localhost", "server.pem")?,
            client: issue("worker", "client.pem")?,
            authority,
        })
    }
}

fn key() -> Result<PKey<Private>> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    Ok(PKey::from_ec_key(EcKey::generate(&group)?)?)
}

fn name(common: &str) -> Result<X509Name> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_text("CN", common)?;
    Ok(name.build())
}

/// Signed by `issuer`, or by itself.
fn certificate(
    common: &str,
    key: &PKey<Private>,
    issuer: Option<(&X509, &PKey<Private>)>,
) -> Result<X509> {
    const DAY: i64 = 86_400;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let own = name(common)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let serial = BigNum::from_u32(rand::random())?.to_asn1_integer()?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&own)?;
    builder.set_issuer_name(issuer.map_or(&own, |(issuer, _)| issuer.subject_name()))?;
    builder.set_not_before(Asn1Time::from_unix(now - DAY)?.as_ref())?;
    builder.set_not_after(Asn1Time::from_unix(now + DAY)?.as_ref())?;
    builder.set_pubkey(key)?;
    let extension = if issuer.is_none() {
        BasicConstraints::new().critical().ca().build()?
    } else {
        SubjectAlternativeName::new()
            .dns("localhost")
            .ip("127.0.0.1")
            .build(&builder.x509v3_context(None, None))?
    };
    builder.append_extension(extension)?;
    builder.sign(issuer.map_or(key, |(_, key)| key), MessageDigest::sha256())?;
    Ok(builder.build())
}
