use super::*;

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";

fn security(settings: &[(&'static str, &str)]) -> Security {
    let given = |name: &str, value: &str| Given { name: format!("ksql.streams.{name}"), value: value.to_owned() };
    Security { own: BTreeMap::new(), java: settings.iter().map(|(name, value)| (*name, given(name, value))).collect() }
}

fn to(settings: &[(&'static str, &str)]) -> Result<Vec<(String, String)>, String> {
    translated(&security(settings)).map(|translated| translated.properties.into_iter().collect())
}

fn refused(settings: &[(&'static str, &str)]) -> String {
    to(settings).expect_err("it is refused")
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn fixture(name: &str) -> String {
    format!("{}/src/keystore/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn entries_of_jaas_are_read_as_java_reads_them() {
    for (text, options) in [
        (r#"a.B required username="alice" password="s3c";"#, &[("username", "alice"), ("password", "s3c")][..]),
        (r"a.B REQUIRED user='al ice' ;", &[("user", "al ice")]),
        ("a.B\n  optional\tk = v k2=\"=;\";\n", &[("k", "v"), ("k2", "=;")]),
        (r#"a.B sufficient k="a\"b\\c\td\101\0";"#, &[("k", "a\"b\\c\tdA\0")]),
        (r#"a.B requisite k="it's" l='a "b"' m="";"#, &[("k", "it's"), ("l", "a \"b\""), ("m", "")]),
        ("a.B required;", &[]),
    ] {
        let entry = jaas::read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        assert_eq!(entry.module, "a.B");
        assert_eq!(entry.options, pairs(options), "{text}");
    }
}

#[test]
fn a_damaged_entry_is_told_without_a_word_of_it() {
    for text in [
        "",
        "hunter2",
        "\"hunter2\" required;",
        "a.B hunter2 k=\"hunter2\";",
        "a.B required password=\"hunter2\"",
        "a.B required password=\"hunter2;",
        "a.B required password=\"hunter2\n\";",
        "a.B required password=\"hunter2\\",
        "a.B required password hunter2;",
        "a.B required password=;",
        "a.B required password==hunter2;",
        "a.B required \"hunter2\"=x;",
        "a.B required password=hunter2/hunter2;",
        "a.B required password=\"a\"hunter2\";",
        "a.B required password=\"hunter2\"; c.D required;",
        "a.B required password=\"\\777hunter2",
    ] {
        let problem = jaas::read(text).err().unwrap_or_else(|| panic!("{text} is read"));
        assert!(!problem.is_empty() && !problem.contains("hunter2"), "{text}: {problem}");
    }
}

const FILE: &str = r#"
    // Of the server's own clients.
    KsqlServer-Props {
      org.eclipse.jetty.jaas.spi.PropertyFileLoginModule required file="/etc/users" debug="true";
    };
    /* Of Kafka's: ** */
    KafkaClient {
      org.apache.kafka.common.security.plain.PlainLoginModule required
      username="alice" // who
      password="hunter2";
    };
"#;

#[test]
fn the_entry_of_kafkas_clients_is_found_in_a_file_of_java() {
    let entry = jaas::of_program(FILE, "KafkaClient").unwrap_or_else(|problem| panic!("{problem}"));
    let entry = entry.expect("an entry");
    assert_eq!(entry.module, PLAIN);
    assert_eq!(entry.options, pairs(&[("username", "alice"), ("password", "hunter2")]));
    assert!(jaas::of_program(FILE, "Client").is_ok_and(|entry| entry.is_none()));
    for damaged in [
        FILE.replace("};", "}"),
        FILE.replace("**", "").replace("*/", ""),
        FILE.replace("password=", "hunter2 "),
        FILE.replace("KafkaClient {", "KafkaClient"),
        FILE.replace("hunter2\";", "hunter2\"; a.B required;"),
        FILE.replace("KafkaClient {", "KafkaClient { hunter2/"),
    ] {
        let problem = jaas::of_program(&damaged, "KafkaClient").err().unwrap_or_else(|| panic!("{damaged} is read"));
        assert!(!problem.is_empty() && !problem.contains("hunter2"), "{damaged}: {problem}");
    }
}

#[test]
fn a_file_of_java_says_who_the_client_is_unless_a_setting_does() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, FILE).unwrap();
    let path = file.path().to_str().unwrap();
    let sasl = [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN")];
    let with = |more: &[(&'static str, &str)]| translated(&security(&[&sasl[..], more].concat()));
    let named = ("java.security.auth.login.config", path);
    let found = with(&[named]).unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!((&*found.principal, &*found.properties["sasl.password"]), ("user 'alice'", "hunter2"));
    let own = format!("{PLAIN} required username=bob password=x;");
    assert_eq!(with(&[named, ("sasl.jaas.config", &own)]).unwrap().principal, "user 'bob'");
    let problem = with(&[("java.security.auth.login.config", "/nowhere")]).err().unwrap();
    assert!(problem.starts_with("ksql.streams.java.security.auth.login.config: /nowhere: "), "{problem}");
    std::fs::write(&file, "Other { a.B required password=hunter2; };").unwrap();
    let problem = with(&[named]).err().unwrap();
    assert!(problem.contains("has no entry KafkaClient") && !problem.contains("hunter2"), "{problem}");
}

#[test]
fn credentials_of_a_login_module_are_the_librarys() {
    for (mechanism, module) in [("PLAIN", PLAIN), ("scram-sha-256", SCRAM), ("SCRAM-SHA-512", SCRAM)] {
        let jaas = format!("{module} required username=\"alice\" password=\"p\\\"w\";");
        let all =
            [("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", mechanism), ("sasl.jaas.config", &*jaas)];
        let wanted = [
            ("sasl.mechanism", &*mechanism.to_ascii_uppercase()),
            ("sasl.password", "p\"w"),
            ("sasl.username", "alice"),
            ("security.protocol", "sasl_plaintext"),
        ];
        assert_eq!(to(&all).unwrap(), pairs(&wanted));
        assert_eq!(translated(&security(&all)).unwrap().principal, "user 'alice'");
    }
}

#[test]
fn sasl_that_would_not_be_done_is_refused_by_name_and_without_passwords() {
    let jaas = |module: &str, options: &str| format!("{module} required {options};");
    let right = jaas(PLAIN, "username=a password=hunter2");
    for (mechanism, jaas, part) in [
        ("GSSAPI", &*right, "Kerberos"),
        ("", &right, "no sasl.mechanism says which"),
        ("OAUTHBEARER", &right, "OAUTHBEARER is not supported"),
        ("DIGEST-MD5", &right, "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 is expected"),
        ("SCRAM-SHA-256", &right, "its class must be org.apache.kafka.common.security.scram.ScramLoginModule"),
        ("PLAIN", "", "must say which user"),
        ("PLAIN", &jaas("com.example.hunter2", ""), "its class must be"),
        ("PLAIN", &jaas(PLAIN, "username=a"), "there is no password in it"),
        ("PLAIN", &jaas(PLAIN, "password=hunter2"), "there is no username in it"),
        ("PLAIN", &jaas(PLAIN, "username=a password=b hunter2=x"), "option 3 is neither"),
        ("SCRAM-SHA-256", &jaas(SCRAM, "username=a password=hunter2 tokenauth=true"), "delegation tokens"),
    ] {
        let mut all = vec![("security.protocol", "SASL_SSL")];
        all.extend(
            [("sasl.mechanism", mechanism), ("sasl.jaas.config", jaas)].iter().filter(|(_, value)| !value.is_empty()),
        );
        let problem = refused(&all);
        assert!(problem.starts_with("ksql.streams.s") && problem.contains(part), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }
    let two = [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN"), ("sasl.mechanisms", "GSSAPI")];
    assert!(refused(&two).starts_with("ksql.streams.sasl.mechanisms: ksql.streams.sasl.mechanism names another"));
    assert!(refused(&[("security.protocol", "TLS")]).contains("SASL_SSL is expected"));
    let mut both =
        security(&[("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", &right)]);
    both.own.insert("sasl.username".to_owned(), "a".to_owned());
    assert!(translated(&both).err().unwrap().contains("sasl.username says the same"));
}

#[test]
fn without_sasl_and_tls_their_settings_are_left_alone() {
    let all = [("sasl.jaas.config", "damaged"), ("ssl.truststore.location", "/nowhere")];
    assert_eq!(to(&all).unwrap(), []);
    assert_eq!(
        to(&[("security.protocol", "PLAINTEXT"), all[0]]).unwrap(),
        pairs(&[("security.protocol", "plaintext")])
    );
}

#[test]
fn stores_become_pem() {
    for (trust, own, of_store, of_key) in
        [("trust.jks", "keys.jks", "store-secret", "key-secret"), ("trust.p12", "keys.p12", "changeit", "changeit")]
    {
        let (trust, own) = (fixture(trust), fixture(own));
        let found = to(&[
            ("security.protocol", "SSL"),
            ("ssl.truststore.location", &trust),
            ("ssl.truststore.password", "changeit"),
            ("ssl.keystore.location", &own),
            ("ssl.keystore.password", of_store),
            ("ssl.key.password", of_key),
            ("ssl.endpoint.identification.algorithm", ""),
        ]);
        let found: BTreeMap<String, String> = found.unwrap().into_iter().collect();
        assert!(found["ssl.ca.pem"].starts_with("-----BEGIN CERTIFICATE-----\n"));
        assert!(found["ssl.certificate.pem"].ends_with("\n-----END CERTIFICATE-----\n"));
        assert!(found["ssl.key.pem"].starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(found["ssl.endpoint.identification.algorithm"], "none");
        assert!(!found.contains_key("ssl.ca.location"));
    }
    let found = to(&[("security.protocol", "SSL")]).unwrap();
    assert_eq!(found, pairs(&[("security.protocol", "ssl"), ("ssl.ca.location", "probe")]));
}

#[test]
fn all_certificates_of_a_store_are_in_its_pem() {
    let certificate = std::fs::read(fixture("ca.der")).unwrap();
    let pem = crate::keystore::as_pem(&[certificate.clone(), certificate.clone()]);
    assert!(pem.lines().all(|line| line.len() <= 64));
    let read = crate::keystore::trusted(pem.as_bytes(), &crate::keystore::Passwords::default());
    assert_eq!(read.unwrap(), [certificate.clone(), certificate]);
}

#[test]
fn tls_that_would_not_be_done_is_refused_by_name() {
    let trust = fixture("trust.jks");
    for (name, value, part) in [
        ("ssl.truststore.location", "/nowhere", "/nowhere"),
        ("ssl.keystore.key", "x", "ssl.keystore.certificate.chain must be given, too"),
        ("ssl.endpoint.identification.algorithm", "LDAPS", "https is expected"),
        ("ssl.protocol", "TLSv1.1", "TLSv1.2 and TLSv1.3 are offered"),
        ("ssl.enabled.protocols", "TLSv1.1,TLSv1", "TLSv1.2 and TLSv1.3 are offered"),
        ("ssl.cipher.suites", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "name TLS_AES_256_GCM_SHA384, too"),
        ("ssl.cipher.suites", "SSL_RSA_WITH_RC4_128_MD5", "name TLS_AES_256_GCM_SHA384, too"),
    ] {
        let problem = refused(&[("security.protocol", "SSL"), (name, value)]);
        assert!(problem.starts_with(&format!("ksql.streams.{name}: ")) && problem.contains(part), "{problem}");
    }
    let shut =
        [("ssl.truststore.location", &*trust), ("ssl.truststore.password", "hunter2"), ("security.protocol", "SSL")];
    let problem = refused(&shut);
    assert!(problem.contains("see ssl.truststore.password") && !problem.contains("hunter2"), "{problem}");
    let mut both = security(&[("security.protocol", "SSL"), ("ssl.truststore.location", &trust)]);
    both.own.insert("ssl.ca.location".to_owned(), "/x".to_owned());
    assert!(translated(&both).err().unwrap().contains("ssl.ca.location says the same"));
}

#[test]
fn versions_and_ciphers_that_are_offered_are_taken() {
    let ciphers = |list: &str| {
        let found = to(&[("security.protocol", "SSL"), ("ssl.cipher.suites", list)]).unwrap();
        found.into_iter().find(|(name, _)| name == "ssl.cipher.suites").unwrap().1
    };
    let of_1_3 = "TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256,TLS_AES_128_GCM_SHA256";
    let two = format!("{of_1_3},TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA");
    assert_eq!(ciphers(&two), "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA");
    assert_eq!(ciphers("HIGH:!aNULL"), "HIGH:!aNULL");
    assert!(to(&[("security.protocol", "SSL"), ("ssl.enabled.protocols", "TLSv1.2")]).is_ok());
    let all = [
        ("security.protocol", "SSL"),
        ("ssl.protocol", "TLSv1.3"),
        ("ssl.enabled.protocols", "TLSv1.3,TLSv1.2,TLSv1.1"),
    ];
    assert_eq!(to(&all).unwrap().len(), 2);
}

#[test]
fn what_is_given_is_never_shown() {
    let secret = security(&[("sasl.jaas.config", "hunter2"), ("ssl.key.password", "hunter2")]);
    assert!(!format!("{secret:?}").contains("hunter2"));
}
