//! The stores that `keytool` made before Java 9, laid out as `sun.security.provider.JavaKeyStore` of OpenJDK describes and
//! encrypted as its `KeyProtector` does: integers are big-endian, texts have two bytes of length.

use openssl::pkey::{PKey, Private};
use openssl::sha::Sha1;
use openssl::x509::X509;

use super::{Certificate, Identity, StoreError, written};

const KIND: &str = "JKS store";
/// Bytes of a SHA-1 digest, and of the salt of an encrypted key.
const DIGEST: usize = 20;
const KEY: u32 = 1;
const CERTIFICATE: u32 = 2;
/// What stands before the encrypted key: the algorithm 1.3.6.1.4.1.42.2.17.1.1, with the parameters NULL.
const PROTECTOR: &[u8] = b"\x30\x0e\x06\x0a\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x01\x05\x00";
const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;

/// What a store holds; its keys encrypted.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) trusted: Vec<Certificate>,
    first_key: Option<(Vec<u8>, Vec<X509>)>,
}

impl Contents {
    pub(super) fn identity(self, password: Option<&str>) -> Result<Identity, StoreError> {
        let (encrypted, chain) = self.first_key.ok_or(StoreError::Without("private key"))?;
        let password = password.ok_or(StoreError::NoPassword("the key in it"))?;
        written::identity(KIND, &decrypted(&encrypted, password)?, chain)
    }
}

pub(super) fn read(bytes: &[u8], password: Option<&str>) -> Result<Contents, StoreError> {
    let end = bytes.len().checked_sub(DIGEST).ok_or_else(ends_early)?;
    let (entries, digest) = bytes.split_at(end);
    // As in Java: without a password the certificates are read all the same, and nobody knows whether they were changed.
    if let Some(password) = password
        && sha1(&[&utf16(password), b"Mighty Aphrodite", entries]) != digest
    {
        return Err(StoreError::WrongPassword("what is in it"));
    }
    let mut cursor = Cursor(entries);
    let (_magic, version) = (cursor.u32()?, cursor.u32()?);
    if !matches!(version, 1 | 2) {
        return Err(damaged(&format!("its version is {version}, not 1 or 2")));
    }
    let mut contents = Contents::default();
    for _ in 0..cursor.u32()? {
        let kind = cursor.u32()?;
        let (_alias, _created) = (cursor.text()?, cursor.take(8)?);
        match kind {
            KEY => {
                let encrypted = cursor.block()?.to_vec();
                let mut chain = Vec::new();
                for _ in 0..cursor.u32()? {
                    chain.push(cursor.certificate(version)?);
                }
                contents.trusted.extend(written::certificates(KIND, chain.first())?);
                contents.first_key.get_or_insert((encrypted, chain));
            }
            CERTIFICATE => contents.trusted.extend(written::certificates(KIND, [&cursor.certificate(version)?])?),
            _ => return Err(damaged(&format!("there is an entry of kind {kind}"))),
        }
    }
    Ok(contents)
}

/// The key in the clear. What is encrypted is combined with digests of the password and the digest before, the first with
/// the salt; at the end stands the digest of the password and the key.
fn decrypted(bytes: &[u8], password: &str) -> Result<PKey<Private>, StoreError> {
    let password = utf16(password);
    let inside = element(SEQUENCE, bytes)?;
    let inside = inside.strip_prefix(PROTECTOR).ok_or_else(|| damaged("its key is encrypted in another way"))?;
    let mut cursor = Cursor(element(OCTETS, inside)?);
    let mut block = cursor.array::<DIGEST>()?;
    let length = cursor.0.len().checked_sub(DIGEST).ok_or_else(ends_early)?;
    let (encrypted, check) = (cursor.take(length)?, cursor.0);

    let mut key = Vec::with_capacity(encrypted.len());
    for chunk in encrypted.chunks(DIGEST) {
        block = sha1(&[&password, &block]);
        key.extend(chunk.iter().zip(block).map(|(byte, mask)| byte ^ mask));
    }
    if sha1(&[&password, &key]) != check {
        return Err(StoreError::WrongPassword("the key in it"));
    }
    PKey::private_key_from_pkcs8(&key).map_err(|error| written::damaged("key", &error))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn sha1(parts: &[&[u8]]) -> [u8; DIGEST] {
    let mut digest = Sha1::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finish()
}

/// What stands in the element of DER that the bytes begin with.
fn element(tag: u8, bytes: &[u8]) -> Result<&[u8], StoreError> {
    let mut cursor = Cursor(bytes);
    let [found, first] = cursor.array::<2>()?;
    if found != tag {
        return Err(damaged("its key is encrypted in another way"));
    }
    let length = match first {
        0..=0x7f => usize::from(first),
        // So many bytes of length follow.
        0x81..=0x84 => {
            cursor.take(usize::from(first & 0x7f))?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        }
        _ => return Err(damaged("its key has no length")),
    };
    cursor.take(length)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(ends_early)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.take(N)?.try_into().map_err(|_| ends_early())
    }

    fn u32(&mut self) -> Result<u32, StoreError> {
        self.array().map(u32::from_be_bytes)
    }

    fn text(&mut self) -> Result<&'a [u8], StoreError> {
        let length = u16::from_be_bytes(self.array()?);
        self.take(usize::from(length))
    }

    fn block(&mut self) -> Result<&'a [u8], StoreError> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| ends_early())?)
    }

    fn certificate(&mut self, version: u32) -> Result<X509, StoreError> {
        if version == 2 {
            let kind = self.text()?;
            if kind != b"X.509" {
                return Err(damaged(&format!("there is a certificate of kind {}", String::from_utf8_lossy(kind))));
            }
        }
        X509::from_der(self.block()?).map_err(|error| written::damaged("certificate", &error))
    }
}

fn ends_early() -> StoreError {
    damaged("it ends early")
}

fn damaged(problem: &str) -> StoreError {
    StoreError::Damaged { kind: KIND, problem: problem.to_owned() }
}
