//! A registry elsewhere behind TLS: real handshakes with certificates that are made here.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use e2e::http::request;
use e2e::process::Server;
use e2e::repository;
use serde_json::json;

const LOCATION: &str = "ksql.schema.registry.ssl.truststore.location";
const KEYS: &str = "ksql.schema.registry.ssl.keystore.location";

fn openssl(dir: &Path, args: &str) {
    let output = Command::new("openssl").args(args.split(' ')).current_dir(dir).output();
    let output = output.unwrap_or_else(|error| panic!("install openssl: {error}"));
    assert!(output.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An authority and a certificate of it for `localhost`: `NAME-ca.pem`, `NAME.pem`, `NAME.key`; both of the latter in
/// `NAME-own.pem`.
fn make(dir: &Path, name: &str) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(dir, &format!("req -x509 {key} -keyout {name}-ca.key -out {name}-ca.pem -days 2 -subj /CN={name}"));
    openssl(dir, &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN=localhost"));
    fs::write(dir.join("names"), "subjectAltName=DNS:localhost").unwrap();
    let ca = format!("-CA {name}-ca.pem -CAkey {name}-ca.key -CAcreateserial");
    openssl(dir, &format!("x509 -req -in {name}.csr {ca} -days 2 -out {name}.pem -extfile names"));
    let read = |file: &str| fs::read_to_string(dir.join(format!("{name}.{file}"))).unwrap();
    fs::write(dir.join(format!("{name}-own.pem")), read("pem") + &read("key")).unwrap();
}

/// The registry; killed when dropped.
struct Registry {
    child: Child,
    port: u16,
}

impl Registry {
    fn start(dir: &Path, authority: Option<&str>) -> Self {
        let mut command = Command::new("python3");
        command.arg(repository().join("tests/e2e/registry_clients/tls.py")).args(["right.pem", "right.key"]);
        command.args(authority).current_dir(dir).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("install python3: {error}"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap() }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a server with that registry says to a statement that needs it: nothing, if it works.
fn said(host: &str, registry: &Registry, stores: &[(&str, &PathBuf)]) -> Option<String> {
    let data = tempfile::tempdir().unwrap();
    let url = format!("https://{host}:{}", registry.port);
    let stores = stores.iter().map(|(name, file)| (*name, file.to_str().unwrap()));
    let settings: Vec<_> = std::iter::once(("ksql.schema.registry.url", url.as_str())).chain(stores).collect();
    let server = Server::start(data.path(), &settings);
    let statement = "CREATE STREAM s (n INT) WITH (kafka_topic='s', value_format='AVRO', partitions=1);";
    let answer = request(&server.url, "POST", "/ksql", &[], &json!({ "ksql": statement }).to_string());
    (answer.status != 200).then_some(answer.body)
}

#[test]
fn a_registry_behind_tls_is_trusted_by_its_authority_and_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    make(dir.path(), "right");
    make(dir.path(), "wrong");
    let registry = Registry::start(dir.path(), None);
    let (right, wrong) = (file("right-ca.pem"), file("wrong-ca.pem"));
    assert_eq!(said("localhost", &registry, &[(LOCATION, &right)]), None);
    for stores in [&[(LOCATION, &wrong)][..], &[]] {
        let told = said("localhost", &registry, stores).unwrap();
        assert!(told.contains("UnknownIssuer") && told.contains(LOCATION), "{told}");
    }
    // Many configurations ask for no check of names: the server starts, and checks all the same.
    let (names, nothing) = ("ksql.schema.registry.ssl.endpoint.identification.algorithm", PathBuf::new());
    for stores in [&[(LOCATION, &right)][..], &[(LOCATION, &right), (names, &nothing)]] {
        let told = said("127.0.0.1", &registry, stores).unwrap();
        assert!(told.contains("is for other names than the one in ksql.schema.registry.url"), "{told}");
    }
}

#[test]
fn a_registry_that_wants_a_certificate_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    make(dir.path(), "right");
    make(dir.path(), "client");
    let registry = Registry::start(dir.path(), Some("client-ca.pem"));
    let (right, own) = (file("right-ca.pem"), file("client-own.pem"));
    assert_eq!(said("localhost", &registry, &[(LOCATION, &right), (KEYS, &own)]), None);
    let told = said("localhost", &registry, &[(LOCATION, &right)]).unwrap();
    assert!(told.contains(KEYS), "{told}");
    let foreign = file("right-own.pem");
    let told = said("localhost", &registry, &[(LOCATION, &right), (KEYS, &foreign)]).unwrap();
    assert!(told.contains("does not answer"), "{told}");
}

fn keytool(dir: &Path, args: &str) {
    let output = Command::new("keytool").args(args.split(' ')).current_dir(dir).output();
    let output = output.unwrap_or_else(|error| panic!("install a JRE: {error}"));
    assert!(output.status.success(), "keytool {args}: {}", String::from_utf8_lossy(&output.stdout));
}

/// As the files of settings of a ksqlDB name them: both stores made by keytool.
#[test]
fn stores_of_java_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    make(dir.path(), "right");
    make(dir.path(), "client");
    let registry = Registry::start(dir.path(), Some("client-ca.pem"));
    openssl(
        dir.path(),
        "pkcs12 -export -in client.pem -inkey client.key -name own -passout pass:of-store -out client.p12",
    );
    let passwords = "-deststorepass of-store -destkeypass of-key";
    let from = "-importkeystore -srckeystore client.p12 -srcstoretype PKCS12 -srcstorepass of-store -srcalias own";
    keytool(dir.path(), &format!("{from} -destkeystore client.jks -deststoretype JKS {passwords}"));
    for kind in ["JKS", "PKCS12"] {
        let import = "-importcert -noprompt -alias authority -file right-ca.pem -storepass of-trust";
        keytool(dir.path(), &format!("{import} -storetype {kind} -keystore trust-{kind}"));
    }
    let (trust_password, password, key_password) =
        (PathBuf::from("of-trust"), PathBuf::from("of-store"), PathBuf::from("of-key"));
    let said = |trust: &str, own: &str, key_password: Option<&PathBuf>| {
        let (trust, own) = (file(trust), file(own));
        let mut stores = vec![(LOCATION, &trust), (KEYS, &own)];
        stores.extend([("ksql.schema.registry.ssl.truststore.password", &trust_password)]);
        stores.extend([("ksql.schema.registry.ssl.keystore.password", &password)]);
        stores.extend(key_password.map(|password| ("ksql.schema.registry.ssl.key.password", password)));
        said("localhost", &registry, &stores)
    };
    assert_eq!(said("trust-JKS", "client.jks", Some(&key_password)), None);
    assert_eq!(said("trust-PKCS12", "client.p12", None), None);
}

#[test]
fn stores_that_do_not_open_end_the_start_with_the_setting_to_look_at() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |store: &[u8]| {
        let path = dir.path().join("trust");
        fs::write(&path, store).unwrap();
        let settings = [("ksql.schema.registry.url", "https://localhost:1"), (LOCATION, path.to_str().unwrap())];
        Server::try_start(&dir.path().join("data"), &settings).err().unwrap().1
    };
    let fixture = |name: &str| fs::read(repository().join("engine/src/keystore/fixtures").join(name)).unwrap();
    for (store, parts) in [
        (fixture("trust.p12"), &["encrypted", "ksql.schema.registry.ssl.truststore.password"][..]),
        (b"\xce\xce\xce\xce\x00".to_vec(), &["JCEKS", "keytool -importkeystore"]),
        (b"certificate".to_vec(), &["neither PEM nor a PKCS12 or JKS store"]),
    ] {
        let said = refused(&store);
        for part in parts.iter().chain(&[LOCATION]) {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
