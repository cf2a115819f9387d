//! Stores made by keytool of Java 17 (`fixtures`): a key with its certificate and that of the authority above it.

use openssl::dsa::Dsa;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::X509;

use super::*;

const AUTHORITY: &[u8] = include_bytes!("fixtures/ca.der");
const OWN: &[u8] = include_bytes!("fixtures/own.der");
const TRUST: [&[u8]; 2] = [include_bytes!("fixtures/trust.jks"), include_bytes!("fixtures/trust.p12")];
const JKS: &[u8] = include_bytes!("fixtures/keys.jks");
const PKCS12: &[u8] = include_bytes!("fixtures/keys.p12");
/// As Java wrote them until 2021: 3DES and RC2 of 40 bits.
const OLD_PKCS12: &[u8] = include_bytes!("fixtures/keys-old.p12");
const PEM: &[u8] = include_bytes!("fixtures/own-encrypted.pem");

fn passwords(store: &str, key: &str) -> Passwords {
    let given = |password: &str| Some(password.to_owned()).filter(|password| !password.is_empty());
    Passwords { store: given(store), key: given(key) }
}

/// The stores of the key, and what opens each.
fn of_the_key() -> [(&'static [u8], Passwords); 4] {
    [
        (JKS, passwords("store-secret", "key-secret")),
        (PKCS12, passwords("changeit", "")),
        (OLD_PKCS12, passwords("changeit", "")),
        (PEM, passwords("", "key-secret")),
    ]
}

#[test]
fn an_authority_is_found_in_every_kind_of_store() {
    for store in TRUST {
        assert_eq!(trusted(store, &passwords("changeit", "")), Ok(vec![AUTHORITY.to_vec()]));
        assert_eq!(identity(store, &passwords("changeit", "")), Err(StoreError::Without("private key")));
    }
    // Java asks for no password where nothing is encrypted.
    assert_eq!(trusted(TRUST[0], &Passwords::default()), Ok(vec![AUTHORITY.to_vec()]));
    assert_eq!(trusted(TRUST[1], &Passwords::default()), Err(StoreError::NoPassword("what is in it")));
    // As in Java: of a key its own certificate, not those above it.
    for (store, passwords) in &of_the_key()[1..3] {
        assert_eq!(trusted(store, passwords), Ok(vec![OWN.to_vec()]));
    }
    assert_eq!(trusted(AUTHORITY, &Passwords::default()), Ok(vec![AUTHORITY.to_vec()]));
    assert_eq!(identity(AUTHORITY, &Passwords::default()), Err(StoreError::Without("private key")));
}

#[test]
fn the_same_key_comes_out_of_every_kind_of_store() {
    let own: Vec<Identity> =
        of_the_key().iter().map(|(store, passwords)| identity(store, passwords).unwrap()).collect();
    for found in &own {
        assert_eq!(found.chain, [OWN, AUTHORITY]);
        assert_eq!(found, &own[0]);
        assert_eq!(found.check_that_rustls_signs(), Ok(()));
    }
    let by_the_other_setting = identity(PKCS12, &passwords("", "changeit"));
    assert_eq!(by_the_other_setting.as_ref(), Ok(&own[0]));
}

/// A key as PEM.
fn pem_of(key: &PKey<Private>) -> Vec<u8> {
    key.private_key_to_pem_pkcs8().unwrap()
}

fn pem_of_certificate(der: &[u8]) -> Vec<u8> {
    X509::from_der(der).unwrap().to_pem().unwrap()
}

#[test]
fn the_certificate_of_the_key_comes_first_wherever_it_stands() {
    let (store, passwords) = &of_the_key()[0];
    let own = identity(store, passwords).unwrap();
    let parts = [pem_of_certificate(AUTHORITY), own.key.clone(), pem_of_certificate(OWN)];
    assert_eq!(identity(&parts.concat(), &Passwords::default()), Ok(own));
    let of_another = EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap()).unwrap();
    let of_another = pem_of(&PKey::from_ec_key(of_another).unwrap());
    let parts = [of_another, pem_of_certificate(OWN)].concat();
    assert_eq!(identity(&parts, &Passwords::default()), Err(StoreError::Without("certificate of the key")));
}

/// What ureq hands on to rustls would end in a panic.
#[test]
fn keys_that_rustls_does_not_sign_with_are_refused() {
    let of_curve = |curve| PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap());
    let check = |key: &PKey<Private>| Identity { chain: Vec::new(), key: pem_of(key) }.check_that_rustls_signs();
    for key in [of_curve(Nid::SECP521R1), of_curve(Nid::SECP256K1), Rsa::generate(1_024).and_then(PKey::from_rsa)] {
        assert_eq!(check(&key.unwrap()), Err(StoreError::Unusable));
    }
    let dsa = Dsa::generate(512).and_then(PKey::from_dsa).unwrap();
    assert_eq!(check(&dsa), Err(StoreError::Unusable));
    for key in [of_curve(Nid::SECP384R1), PKey::generate_ed25519(), Rsa::generate(2_048).and_then(PKey::from_rsa)] {
        assert_eq!(check(&key.unwrap()), Ok(()));
    }
}

#[test]
fn what_does_not_open_says_so() {
    let wrong = |what| StoreError::WrongPassword(what);
    assert_eq!(trusted(TRUST[0], &passwords("x", "")), Err(wrong("what is in it")));
    assert_eq!(trusted(TRUST[1], &passwords("x", "")), Err(wrong("what is in it")));
    assert_eq!(identity(JKS, &passwords("store-secret", "x")), Err(wrong("the key in it")));
    // Without one of its own the key has that of the store.
    assert_eq!(identity(JKS, &passwords("store-secret", "")), Err(wrong("the key in it")));
    assert_eq!(identity(JKS, &Passwords::default()), Err(StoreError::NoPassword("the key in it")));
    assert_eq!(identity(PEM, &passwords("", "x")), Err(wrong("the key in it")));
    assert_eq!(identity(PEM, &Passwords::default()), Err(StoreError::NoPassword("the key in it")));
    let damaged = identity(&PKCS12[..100], &Passwords::default());
    assert!(matches!(damaged, Err(StoreError::Damaged { .. })), "{damaged:?}");
    for password in ["changeit\0", "\u{20ac}", &"x".repeat(5_000)] {
        assert_eq!(identity(PKCS12, &passwords(password, "")), Err(wrong("what is in it")));
        assert_eq!(identity(PEM, &passwords("", password)), Err(wrong("the key in it")));
        assert_eq!(identity(JKS, &passwords(password, "")), Err(wrong("what is in it")));
    }
}

#[test]
fn other_stores_are_named() {
    assert_eq!(trusted(b"\xce\xce\xce\xce\x00", &Passwords::default()), Err(StoreError::Jceks));
    for nothing in [&b""[..], b"certificate", b"\xfe\xed"] {
        assert_eq!(trusted(nothing, &Passwords::default()), Err(StoreError::Unknown));
    }
    let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert_eq!(trusted(key, &Passwords::default()), Err(StoreError::Without("certificate")));
    assert_eq!(identity(key, &Passwords::default()), Err(StoreError::Without("certificate")));
}

/// A PKCS12 store that opens quickly: those of keytool take a tenth of a second.
fn quick_pkcs12() -> Vec<u8> {
    let (store, passwords) = &of_the_key()[0];
    let own = identity(store, passwords).unwrap();
    let (key, certificate) = (PKey::private_key_from_pem(&own.key).unwrap(), X509::from_der(OWN).unwrap());
    let mut builder = Pkcs12::builder();
    builder.name("own").pkey(&key).cert(&certificate).key_iter(1).mac_iter(1);
    builder.build2("changeit").unwrap().to_der().unwrap()
}

/// No panic, and nothing that is taken for another key where there is a digest of it.
#[test]
fn damaged_stores_are_refused() {
    let [jks, _, _, pem] = of_the_key();
    let quick = quick_pkcs12();
    for (store, passwords) in [jks, (&quick, passwords("changeit", "")), pem] {
        let whole = identity(store, &passwords).unwrap();
        for length in 0..store.len() {
            assert!(identity(&store[..length], &passwords).map_or(true, |found| found.key == whole.key));
        }
        for at in 0..store.len() {
            for bits in [0x01, 0x80, 0xff] {
                let mut changed = store.to_vec();
                changed[at] ^= bits;
                let found = identity(&changed, &passwords);
                assert!(store == PEM || found.map_or(true, |found| found.key == whole.key));
                // Without its password the digest of a JKS store is not looked at.
                let _ = trusted(&changed, &Passwords::default());
            }
        }
    }
}
