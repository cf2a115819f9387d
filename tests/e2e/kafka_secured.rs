//! A broker that asks who its clients are and what they may do: files of settings as ksqlDB has them let the server in, and
//! what stands in the way is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::eventually;
use e2e::http::{Answer, ksql, request, rows};
use e2e::kafka::{Kafka, Secured};
use e2e::process::Server;
use serde_json::json;

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";
/// What a file of properties must escape, and JAAS again.
const ODD_PASSWORD: &str = r#"o"d\d;=pass"#;

/// A broker, what it takes to be let in, and a place for files.
struct Cluster {
    broker: Kafka,
    dir: tempfile::TempDir,
}

fn run(dir: &Path, program: &str, args: &str) {
    let output = Command::new(program).args(args.split(' ')).current_dir(dir).output();
    let output = output.unwrap_or_else(|error| panic!("install {program}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{program} {args}: {}", String::from_utf8_lossy(&said));
}

/// The broker's certificate for `localhost` and the server's own as PEM; for the server `trust.jks`, where the broker's
/// stands after another one, `wrong.jks`, where it does not, and `client.jks`.
fn make_stores(dir: &Path) {
    for (name, subject) in [("broker", "localhost"), ("other", "other"), ("client", "client")] {
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        let names = "-addext subjectAltName=DNS:localhost";
        run(
            dir,
            "openssl",
            &format!("req -x509 {key} -keyout {name}.key -out {name}.pem -days 2 -subj /CN={subject} {names}"),
        );
    }
    let text = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    fs::write(dir.join("broker-own.pem"), text("broker.key") + &text("broker.pem")).unwrap();
    let import = |name: &str, to: &str| {
        let options = "-storetype JKS -storepass of-trust";
        run(dir, "keytool", &format!("-importcert -noprompt -alias {name} -file {name}.pem -keystore {to} {options}"));
    };
    import("other", "wrong.jks");
    fs::copy(dir.join("wrong.jks"), dir.join("trust.jks")).unwrap();
    import("broker", "trust.jks");
    run(
        dir,
        "openssl",
        "pkcs12 -export -in client.pem -inkey client.key -name own -passout pass:of-store -out client.p12",
    );
    let from = "-importkeystore -srckeystore client.p12 -srcstoretype PKCS12 -srcstorepass of-store -srcalias own";
    let to = "-destkeystore client.jks -deststoretype JKS -deststorepass of-store -destkeypass of-key";
    run(dir, "keytool", &format!("{from} {to}"));
}

impl Cluster {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        make_stores(dir.path());
        let file = |name: &str| dir.path().join(name).display().to_string();
        let odd = ODD_PASSWORD.replace('\\', r"\\").replace('"', r#"\""#).replace('\\', r"\\");
        let plain = format!("{PLAIN} required user_ksql=\"of-ksql\" user_odd=\"{odd}\";");
        let mut settings = vec![
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned(),
            "super.users=User:ANONYMOUS".to_owned(),
            "ssl.keystore.type=PEM".to_owned(),
            format!("ssl.keystore.location={}", file("broker-own.pem")),
            "ssl.truststore.type=PEM".to_owned(),
            format!("ssl.truststore.location={}", file("client.pem")),
            "listener.name.mutual.ssl.client.auth=required".to_owned(),
        ];
        for listener in ["sasl", "both"] {
            settings
                .push(format!("listener.name.{listener}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"));
            settings.push(format!("listener.name.{listener}.plain.sasl.jaas.config={plain}"));
            for kind in ["256", "512"] {
                settings.push(format!("listener.name.{listener}.scram-sha-{kind}.sasl.jaas.config={SCRAM} required;"));
            }
        }
        let listeners = vec![("TLS", "SSL"), ("MUTUAL", "SSL"), ("SASL", "SASL_PLAINTEXT"), ("BOTH", "SASL_SSL")];
        let scram = ["256", "512"].map(|kind| format!("SCRAM-SHA-{kind}=[name=ksql,password=of-ksql]")).to_vec();
        let broker = Kafka::start_with(&Secured { listeners, settings, scram });
        let cluster = Self { broker, dir };
        cluster.allow();
        cluster
    }

    /// What ksqlDB's documents ask for, for a user of each kind; topics `open-…` are theirs.
    fn allow(&self) {
        let users = ["User:ksql", "User:odd", "User:CN=client"].map(|user| ["--allow-principal", user]).concat();
        let add = |what: &str| {
            let mut args =
                vec!["org.apache.kafka.tools.AclCommand", "--bootstrap-server", &self.broker.bootstrap, "--add"];
            args.extend(&users);
            args.extend(what.split(' '));
            self.broker.tool(&args);
        };
        std::thread::scope(|scope| {
            scope.spawn(|| add("--operation DescribeConfigs --cluster"));
            let internal = "_confluent-ksql-default_";
            let prefixed = "--operation All --resource-pattern-type prefixed";
            scope.spawn(move || {
                add(&format!(
                    "{prefixed} --topic {internal} --group {internal} --transactional-id {internal} --topic open-"
                ));
            });
            // Of the servers with one service id, one at a time writes the command topic.
            scope.spawn(move || add(&format!("{prefixed} --transactional-id default_")));
            scope.spawn(|| add("--operation Read --topic closed"));
        });
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn truststore(&self, prefix: &str, store: &str) -> String {
        let location = self.path(store);
        format!("{prefix}ssl.truststore.location={location}\n{prefix}ssl.truststore.password=of-trust\n")
    }

    /// Starts a server with that file of settings; it shares its statements with no other.
    fn server(&self, name: &str, host: &str, listener: &str, settings: &str) -> Result<Server, String> {
        let file = PathBuf::from(self.path(&format!("{name}.properties")));
        let port = self.broker.port(listener);
        fs::write(&file, format!("bootstrap.servers={host}:{port}\nksql.service.id=default_{name}_\n{settings}\n"))
            .unwrap();
        Server::try_start_with(&self.dir.path().join(name), &file).map_err(|(_, said)| said)
    }

    fn refused(&self, host: &str, listener: &str, settings: &str) -> String {
        let data = format!("refused-{}", fs::read_dir(self.dir.path()).unwrap().count());
        self.server(&data, host, listener, settings).err().unwrap_or_else(|| panic!("it starts with\n{settings}"))
    }
}

fn jaas(mechanism: &str, module: &str, user: &str, password: &str) -> String {
    format!(
        "sasl.mechanism={mechanism}\nsasl.jaas.config=\\\n    {module} required \\\n    username=\"{user}\" \\\n    \
         password=\"{password}\";\n"
    )
}

fn post(server: &Server, statement: &str) -> Answer {
    let settings = json!({"auto.offset.reset": "earliest"});
    let body = json!({"ksql": statement, "streamsProperties": settings});
    request(&server.url, "POST", "/ksql", &[], &body.to_string())
}

fn works(server: &Server, name: &str) {
    let statements = format!(
        "CREATE STREAM s (id INT, n INT) WITH (kafka_topic='open-{name}', value_format='json', partitions=2);
         CREATE STREAM big WITH (kafka_topic='open-{name}-big') AS SELECT * FROM s WHERE n > 1;
         CREATE TABLE counts WITH (kafka_topic='open-{name}-counts') AS SELECT id, COUNT(*) AS c FROM big GROUP BY id;
         INSERT INTO s (id, n) VALUES (1, 1);
         INSERT INTO s (id, n) VALUES (1, 2);
         INSERT INTO s (id, n) VALUES (1, 3);"
    );
    ksql(&server.url, &statements, &json!({"auto.offset.reset": "earliest"}));
    eventually(&format!("{name}: two are counted"), || {
        let rows = rows(&server.url, "SELECT c FROM counts WHERE id = 1;", &json!({}));
        (rows.first()?[0] == 2).then_some(())
    });
}

#[test]
fn a_secured_broker_is_used_with_ksqldbs_settings_and_its_refusals_are_told() {
    let cluster = Cluster::start();
    lets_in(&cluster);
    std::thread::scope(|scope| {
        scope.spawn(|| keeps_out(&cluster));
        scope.spawn(|| keeps_out_readers_and_writers(&cluster));
        scope.spawn(|| forbids(&cluster));
    });
}

fn lets_in(cluster: &Cluster) {
    let trust = cluster.truststore("", "trust.jks");
    let odd = ODD_PASSWORD.replace('\\', r"\\").replace('"', r#"\""#).replace('\\', r"\\");
    let own = format!(
        "ssl.keystore.location={}\nssl.keystore.password=of-store\nssl.key.password=of-key\n",
        cluster.path("client.jks")
    );
    let scram = jaas("SCRAM-SHA-256", SCRAM, "ksql", "of-ksql");
    let of_producer = jaas("SCRAM-SHA-512", SCRAM, "ksql", "of-ksql").replace("sasl.", "ksql.streams.producer.sasl.");
    let file = cluster.path("jaas.conf");
    fs::write(&file, format!("KafkaClient {{\n  {PLAIN} required username=\"ksql\" password=\"of-ksql\";\n}};\n"))
        .unwrap();
    let of_java = format!("sasl.mechanism=PLAIN\njava.security.auth.login.config={file}\n");
    for (name, listener, settings) in [
        ("file", "SASL", format!("security.protocol=SASL_PLAINTEXT\n{of_java}")),
        ("scram", "BOTH", format!("security.protocol=SASL_SSL\n{scram}{trust}")),
        (
            "plain",
            "SASL",
            format!("security.protocol=SASL_PLAINTEXT\n{}{of_producer}", jaas("PLAIN", PLAIN, "odd", &odd)),
        ),
        ("mutual", "MUTUAL", format!("security.protocol=SSL\n{trust}{own}")),
        ("tls", "TLS", format!("security.protocol=SSL\n{}", cluster.truststore("ksql.streams.", "trust.jks"))),
    ] {
        let server = cluster.server(name, "localhost", listener, &settings);
        let server = server.unwrap_or_else(|said| panic!("{name}: {said}"));
        works(&server, name);
        let shown = ksql(&server.url, "SHOW PROPERTIES;", &json!({})).to_string();
        for secret in ["of-ksql", "of-trust", "of-store", "of-key", "o\\\"d"] {
            assert!(!shown.contains(secret), "{name}: {secret} is shown");
        }
        assert!(server.terminate(), "{name}");
    }
}

fn keeps_out(cluster: &Cluster) {
    let (trust, wrong) = (cluster.truststore("", "trust.jks"), cluster.truststore("", "wrong.jks"));
    let sasl = |mechanism: &str, module: &str| {
        format!("security.protocol=SASL_SSL\n{}{trust}", jaas(mechanism, module, "ksql", "hunter2"))
    };
    let tls = |trust: &str| format!("security.protocol=SSL\n{trust}");
    for (host, listener, settings, parts) in [
        ("localhost", "BOTH", sasl("PLAIN", PLAIN), &["user 'ksql'", "Authentication failed", "sasl.jaas.config"][..]),
        ("localhost", "BOTH", sasl("SCRAM-SHA-256", SCRAM), &["user 'ksql'", "uthentication", "sasl.jaas.config"]),
        ("localhost", "BOTH", sasl("PLAIN", SCRAM), &["sasl.jaas.config: with sasl.mechanism=PLAIN", PLAIN]),
        ("localhost", "BOTH", sasl("PLAIN", PLAIN).replace("hunter2\";", "hunter2"), &["sasl.jaas.config: a quote"]),
        ("localhost", "TLS", tls(&wrong), &["of an authority that is not trusted", "ssl.truststore.location"]),
        ("127.0.0.1", "TLS", tls(&trust), &["is for other names than 127.0.0.1"]),
        ("localhost", "MUTUAL", tls(&trust), &["wants a certificate of this server", "ssl.keystore.location"]),
        ("localhost", "TLS", tls(&trust.replace("of-trust", "hunter2")), &["ssl.truststore.password"]),
    ] {
        let said = cluster.refused(host, listener, &settings);
        assert!(parts.iter().all(|part| said.contains(part)), "{parts:?}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    // What looks like a broker that is away is waited for, and the guess is told.
    let data = cluster.dir.path().join("unsecured");
    let servers = format!("localhost:{}", cluster.broker.port("SASL"));
    let url = format!("http://127.0.0.1:{}", e2e::process::free_port());
    let server = Server::opening(&data, &url, &[("bootstrap.servers", &servers)]);
    eventually("it says what it waits for", || {
        let said = request(&server.url, "GET", "/info", &[], "").body;
        said.contains("does it expect another security.protocol?").then_some(())
    });
}

/// Each kind of client has a password of its own, and one is wrong: the server starts, and what needs it fails.
fn keeps_out_readers_and_writers(cluster: &Cluster) {
    let wrong = |prefix: &str| jaas("PLAIN", PLAIN, "ksql", "hunter2").replace("sasl.", &format!("{prefix}.sasl."));
    let right = jaas("PLAIN", PLAIN, "ksql", "of-ksql");
    for (name, prefix) in [("writer", "producer"), ("reader", "ksql.streams.consumer")] {
        let settings = format!("security.protocol=SASL_PLAINTEXT\n{right}{}", wrong(prefix));
        let server = cluster.server(name, "localhost", "SASL", &settings).unwrap();
        let make = format!(
            "CREATE STREAM s (id INT) WITH (kafka_topic='open-{name}', value_format='json', partitions=1);
             CREATE STREAM t WITH (kafka_topic='open-{name}-t') AS SELECT * FROM s;"
        );
        let made = post(&server, &make);
        assert_eq!(made.status, 500, "{name}: {}", made.body);
        assert!(made.body.contains("Kafka does not let the server in"), "{name}: {}", made.body);
        assert!(!made.body.contains("hunter2"), "{name}: {}", made.body);
    }
}

/// Whether the one query there is has stopped with that message.
fn in_error(server: &Server, message: &str) -> Option<()> {
    let shown = ksql(&server.url, "SHOW QUERIES EXTENDED;", &json!({}));
    let query = shown[0]["queryDescriptions"].as_array()?.first()?.clone();
    let errors = query["queryErrors"].as_array()?;
    let is_said = errors.iter().any(|error| error["errorMessage"].as_str().is_some_and(|said| said.contains(message)));
    (query["state"] == "ERROR" && is_said).then_some(())
}

/// `closed` may be read alone, and `hidden` not be seen.
fn forbids(cluster: &Cluster) {
    for topic in ["closed", "hidden"] {
        let make = ["--create", "--topic", topic, "--partitions", "1"];
        let tool = ["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", &cluster.broker.bootstrap];
        cluster.broker.tool(&[&tool[..], &make].concat());
    }
    let settings = format!("security.protocol=SASL_PLAINTEXT\n{}", jaas("PLAIN", PLAIN, "ksql", "of-ksql"));
    let server = cluster.server("forbids", "localhost", "SASL", &settings).unwrap();
    let denied = |answer: &Answer, operation: &str, topic: &str| {
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert_eq!(answer.json()["error_code"], 40301);
        let said = format!("Authorization denied to {operation} on topic(s): [{topic}]");
        assert!(answer.body.contains(&said) && answer.body.contains("user 'ksql'"), "{}", answer.body);
    };
    let stream = |name: &str, topic: &str| {
        format!("CREATE STREAM {name} (id INT) WITH (kafka_topic='{topic}', value_format='json', partitions=1);")
    };
    assert_eq!(post(&server, &stream("closed", "closed")).status, 200);
    denied(&post(&server, "INSERT INTO closed (id) VALUES (1);"), "Write", "closed");
    denied(&post(&server, &stream("hidden", "hidden")), "Describe", "hidden");
    denied(&post(&server, &stream("foreign", "foreign")), "Describe", "foreign");
    // A query that may not write stops, and says why.
    assert_eq!(post(&server, &stream("source", "open-source")).status, 200);
    assert_eq!(post(&server, "INSERT INTO source (id) VALUES (1);").status, 200);
    let writes = post(&server, "INSERT INTO closed SELECT * FROM source;");
    assert_eq!(writes.status, 200, "{}", writes.body);
    let message = "Authorization denied to Write on topic(s): [closed]";
    eventually("the query is in ERROR", || in_error(&server, message));
}
