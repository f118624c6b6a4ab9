//! Java's own store format, JKS: a list of keys and trusted certificates, guarded by a digest with the password.
//!
//! In: bytes and passwords. Out: entries. Keys are XORed with a chain of SHA-1 digests of the password; that is no
//! protection to speak of, but what `keytool -storetype JKS` writes. Stores with secret keys (JCEKS) are not read.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// A private key with its certificates, or a trusted certificate.
pub(super) enum Entry {
    /// PKCS#8 key, certificate chain.
    Key(Vec<u8>, Vec<Vec<u8>>),
    /// A certificate.
    Trusted(Vec<u8>),
}

const MAGIC: u32 = 0xfeed_feed;
const DIGEST: usize = 20;
/// Mixed into the store's digest by the format.
const WHITENER: &[u8] = b"Mighty Aphrodite";

/// Whether the bytes begin as a JKS does.
pub(super) fn is_jks(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC.to_be_bytes())
}

/// Reads a store. Without a password its digest is not checked, and keys cannot be read.
pub(super) fn read(
    bytes: &[u8],
    password: Option<&str>,
    key_password: Option<&str>,
) -> Result<Vec<Entry>, &'static str> {
    const BROKEN: &str = "the store is cut off or damaged";
    let split = bytes.len().checked_sub(DIGEST).ok_or(BROKEN)?;
    let (body, digest) = bytes.split_at(split);
    if let Some(password) = password
        && sha1(&[&wide(password), WHITENER, body]) != *digest
    {
        return Err("the store's password is wrong, or the store is damaged");
    }
    let mut input = Input(body);
    let _magic = input.number().ok_or(BROKEN)?;
    let version = input.number().ok_or(BROKEN)?;
    let count = input.number().ok_or(BROKEN)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let kind = input.number().ok_or(BROKEN)?;
        let _alias = input.text().ok_or(BROKEN)?;
        let _created = input.take(8).ok_or(BROKEN)?;
        match kind {
            1 => {
                let length = input.number().ok_or(BROKEN)?;
                let guarded = input.take(length).ok_or(BROKEN)?;
                let chain = input.number().ok_or(BROKEN)?;
                let chain: Option<Vec<_>> =
                    (0..chain).map(|_| input.certificate(version)).collect();
                let password = key_password
                    .or(password)
                    .ok_or("the store's password is needed to read its key")?;
                let key = unlock(guarded, password).ok_or("the key's password is wrong")?;
                entries.push(Entry::Key(key, chain.ok_or(BROKEN)?));
            }
            2 => entries.push(Entry::Trusted(input.certificate(version).ok_or(BROKEN)?)),
            _ => return Err("the store has an entry that is neither a key nor a certificate"),
        }
    }
    Ok(entries)
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: u32) -> Option<&'a [u8]> {
        let count = usize::try_from(count).ok()?;
        let taken = self.0.get(..count)?;
        self.0 = &self.0[count..];
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.take(2)?;
        self.take(u32::from(length[0]) << 8 | u32::from(length[1]))
    }

    fn certificate(&mut self, version: u32) -> Option<Vec<u8>> {
        if version == 2 {
            let _kind = self.text()?;
        }
        let length = self.number()?;
        self.take(length).map(<[u8]>::to_vec)
    }
}

/// A key out of its `EncryptedPrivateKeyInfo`: salt, then the key XORed with digests, then a digest of the key.
fn unlock(guarded: &[u8], password: &str) -> Option<Vec<u8>> {
    let content = octets(guarded)?;
    let (salt, rest) = (content.get(..DIGEST)?, content.get(DIGEST..)?);
    let (hidden, check) = rest.split_at_checked(rest.len().checked_sub(DIGEST)?)?;
    let password = wide(password);
    let mut key = Vec::with_capacity(hidden.len());
    let mut link = salt.to_vec();
    for piece in hidden.chunks(DIGEST) {
        link = sha1(&[&password, &link]);
        key.extend(piece.iter().zip(&link).map(|(byte, mask)| byte ^ mask));
    }
    (sha1(&[&password, &key]) == *check).then_some(key)
}

/// The octet string at the end of a `SEQUENCE { algorithm, OCTET STRING }`.
fn octets(der: &[u8]) -> Option<&[u8]> {
    let (tag, body, _) = super::certificate::any(der)?;
    let (_, _algorithm, rest) = super::certificate::any(body)?;
    let (kind, octets, _) = super::certificate::any(rest)?;
    (tag == 0x30 && kind == 0x04).then_some(octets)
}

fn wide(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().to_vec()
}
