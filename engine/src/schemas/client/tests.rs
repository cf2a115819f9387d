//! The client against a server that answers what a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::*;
use crate::keystore::Passwords;
use crate::schemas::Reference;

/// A request: its first line, its `Authorization`, its body.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    line: String,
    authorization: Option<String>,
    body: String,
}

/// A server whose answers are `(status, content type or Location, body)` by the first line of the request.
struct Double {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Double {
    fn start(answer: impl Fn(&str) -> (u16, &'static str, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, noted, answer) = (stream.unwrap(), Arc::clone(&noted), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let mut asked = Asked { line: String::new(), authorization: None, body: String::new() };
                    reader.read_line(&mut asked.line).unwrap();
                    let mut length = 0;
                    loop {
                        let mut header = String::new();
                        reader.read_line(&mut header).unwrap();
                        let Some((name, value)) = header.trim().split_once(": ") else { break };
                        match name.to_ascii_lowercase().as_str() {
                            "authorization" => asked.authorization = Some(value.to_owned()),
                            "content-length" => length = value.parse().unwrap(),
                            _ => {}
                        }
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    asked.body = String::from_utf8(body).unwrap();
                    asked.line = asked.line.trim().trim_end_matches(" HTTP/1.1").to_owned();
                    let (status, kind, body) = answer(&asked.line);
                    noted.lock().push(asked);
                    let head = format!(
                        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nLocation: {kind}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    // A client that has waited for too long is gone.
                    let _gone = stream.write_all(head.as_bytes());
                });
            }
        });
        Self { url, asked }
    }

    fn lines(&self) -> Vec<String> {
        self.asked.lock().iter().map(|asked| asked.line.clone()).collect()
    }
}

fn client(urls: &[&str]) -> Client {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    Client::new(&ClientSettings { urls, ..ClientSettings::default() }, SubjectNames::default()).unwrap()
}

fn json_answer(status: u16, body: &str) -> (u16, &'static str, String) {
    (status, "application/vnd.schemaregistry.v1+json", body.to_owned())
}

/// An address at which nobody listens.
fn nobody() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

#[test]
fn what_an_id_means_is_asked_for_once() {
    let server = Double::start(|line| {
        std::thread::sleep(Duration::from_millis(50));
        match line {
            "GET /schemas/ids/7" => json_answer(200, r#"{"schema":"\"int\"","extra":1}"#),
            _ => json_answer(404, r#"{"error_code":40403,"message":"Schema not found"}"#),
        }
    });
    let client = client(&[&server.url]);
    let together = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                together.wait();
                assert_eq!(client.by_id(7), Ok(Arc::new(Schema::alone(Language::Avro, "\"int\""))));
            });
        }
    });
    assert_eq!(client.by_id(8), Err(SchemaError::NotYetKnown(8)));
    assert_eq!(client.by_id(8), Err(SchemaError::NotYetKnown(8)));
    assert_eq!(server.lines(), ["GET /schemas/ids/7", "GET /schemas/ids/8"]);
    assert_eq!(settled(&client, 8), Err(SchemaError::UnknownId(8)));
    assert_eq!(client.by_id(8), Err(SchemaError::UnknownId(8)));
    assert_eq!(server.lines(), ["GET /schemas/ids/7", "GET /schemas/ids/8", "GET /schemas/ids/8"]);
}

/// What an id means when it is not asked again.
fn settled(client: &Client, id: i32) -> Result<Arc<Schema>, SchemaError> {
    loop {
        match client.by_id(id) {
            Err(SchemaError::NotYetKnown(_)) => std::thread::sleep(Duration::from_millis(20)),
            answer => return answer,
        }
    }
}

#[test]
fn what_one_server_does_not_know_another_may_or_the_same_later() {
    let unknown = || json_answer(404, r#"{"error_code":40403,"message":"Schema not found"}"#);
    let known = || json_answer(200, r#"{"schema":"\"int\""}"#);
    let asked = AtomicUsize::new(0);
    let follower = Double::start(move |line| match line {
        // It learns of it later.
        "GET /schemas/ids/2" if asked.fetch_add(1, Ordering::SeqCst) > 0 => known(),
        _ => unknown(),
    });
    let leader = Double::start(move |line| if line == "GET /schemas/ids/1" { known() } else { unknown() });
    assert!(client(&[&follower.url, &leader.url]).by_id(1).is_ok());
    assert_eq!((follower.lines().len(), leader.lines().len()), (1, 1));
    assert!(settled(&client(&[&follower.url]), 2).is_ok());
}

#[test]
fn a_server_that_is_away_is_not_asked_for_what_another_does_not_know() {
    let away = TcpListener::bind("127.0.0.1:0").unwrap();
    let leader = Double::start(|_| json_answer(404, r#"{"error_code":40403,"message":"Schema not found"}"#));
    let asked = Arc::new(AtomicUsize::new(0));
    let url = format!("http://{}", away.local_addr().unwrap());
    let noted = Arc::clone(&asked);
    std::thread::spawn(move || {
        // It hangs up on everybody.
        for stream in away.incoming() {
            noted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let (client, begun) = (client(&[&leader.url, &url]), Instant::now());
    for id in 1..5 {
        assert_eq!(client.by_id(id), Err(SchemaError::NotYetKnown(id)));
    }
    let connections = asked.load(Ordering::SeqCst);
    assert!(connections > 0, "it was tried");
    for id in 5..9 {
        assert_eq!(client.by_id(id), Err(SchemaError::NotYetKnown(id)));
    }
    // A machine that stands still for so long may ask it again.
    let is_long = begun.elapsed() > Duration::from_secs(15);
    assert!(is_long || asked.load(Ordering::SeqCst) == connections, "not for each id");
    assert_eq!(leader.lines().len(), 8);
}

#[test]
fn a_question_that_fails_silences_no_other() {
    let server = Double::start(|line| match line {
        "GET /schemas/ids/1" => json_answer(500, r#"{"error_code":50001,"message":"it is damaged"}"#),
        _ => json_answer(200, r#"{"schema":"\"int\""}"#),
    });
    let client = client(&[&server.url]);
    for id in 2..5 {
        assert!(client.by_id(1).unwrap_err().to_string().contains("it is damaged"));
        client.by_id(id).unwrap();
    }
}

#[test]
fn a_schema_is_registered_once_and_refusals_are_told() {
    let server = Double::start(|line| match line {
        "POST /subjects/a%2Fb-value/versions" => json_answer(200, r#"{"id":3}"#),
        "POST /subjects/old-value/versions" => json_answer(409, r#"{"error_code":409,"message":"it reads nothing"}"#),
        "POST /subjects/bad-value/versions" => json_answer(422, r#"{"error_code":42201,"message":"no schema"}"#),
        "POST /subjects/closed-value/versions" => json_answer(422, r#"{"error_code":42205,"message":"read-only"}"#),
        other => panic!("{other}"),
    });
    let client = client(&[&server.url]);
    let references = vec![Reference { name: "d.proto".to_owned(), subject: "d".to_owned(), version: 1 }];
    let schema = Schema { references, ..Schema::alone(Language::Protobuf, "message A {}") };
    assert_eq!((client.register("a/b-value", &schema), client.register("a/b-value", &schema)), (Ok(3), Ok(3)));
    let body = r#"{"schema":"message A {}","schemaType":"PROTOBUF","references":[{"name":"d.proto","subject":"d","version":1}]}"#;
    assert_eq!(server.asked.lock().iter().map(|asked| asked.body.clone()).collect::<Vec<_>>(), [body]);
    let avro = Schema::alone(Language::Avro, "\"int\"");
    let why = "it reads nothing".to_owned();
    assert_eq!(
        client.register("old-value", &avro),
        Err(SchemaError::Incompatible { subject: "old-value".to_owned(), why })
    );
    assert_eq!(client.register("bad-value", &avro), Err(SchemaError::Invalid("no schema".to_owned())));
    assert_eq!(
        client.register("closed-value", &avro),
        Err(SchemaError::Refused { code: 42205, message: "read-only".to_owned() })
    );
}

#[test]
fn references_are_fetched_with_what_they_refer_to() {
    let server = Double::start(|line| {
        let version = |subject: &str, references: &str| {
            format!(
                r#"{{"subject":"{subject}","version":1,"id":5,"schemaType":"PROTOBUF","schema":"{subject}","references":{references}}}"#
            )
        };
        let to = |name: &str| format!(r#"[{{"name":"{name}.proto","subject":"{name}","version":1}}]"#);
        match line {
            "GET /subjects/main/versions/latest" => json_answer(200, &version("main", &to("left"))),
            "GET /subjects/left/versions/1" => json_answer(200, &version("left", &to("base"))),
            // In a circle, as no registry should have it.
            "GET /subjects/base/versions/1" => json_answer(200, &version("base", &to("left"))),
            "GET /subjects/lost/versions/latest" => json_answer(200, &version("lost", &to("gone"))),
            "GET /subjects/plain/versions/latest" => json_answer(200, &version("plain", "null")),
            _ => json_answer(404, r#"{"error_code":40401,"message":"Subject not found"}"#),
        }
    });
    let client = client(&[&server.url]);
    let latest = client.latest("main").unwrap().unwrap();
    let texts: Vec<&str> = latest.schema.referenced.iter().map(|it| &*it.text).collect();
    assert_eq!((latest.id, latest.version, texts), (5, 1, vec!["base", "left"]));
    assert!(client.latest("plain").unwrap().is_some() && client.latest("none").unwrap().is_none());
    let lost = client.latest("lost").unwrap_err();
    assert!(lost.to_string().contains("version 1 of gone, which cannot be had"), "{lost}");
}

#[test]
fn what_is_there_is_told_and_deleted() {
    let server = Double::start(|line| match line {
        "GET /subjects/x/versions" => json_answer(200, "[1,2]"),
        "GET /schemas/ids/3/subjects" => json_answer(200, r#"["x","y"]"#),
        "GET /schemas/ids/4/subjects" => json_answer(404, r#"{"error_code":40403,"message":""}"#),
        "DELETE /subjects/x" | "DELETE /subjects/x?permanent=true" => json_answer(200, "[1,2]"),
        "DELETE /subjects/soft" => json_answer(404, r#"{"error_code":40404,"message":""}"#),
        "DELETE /subjects/soft?permanent=true" => json_answer(200, "[1]"),
        _ => json_answer(404, r#"{"error_code":40401,"message":"Subject not found"}"#),
    });
    let client = client(&[&server.url]);
    assert_eq!((client.has(Some("x"), None), client.has(Some("z"), None)), (Ok(true), Ok(false)));
    assert_eq!((client.has(None, Some(3)), client.has(None, Some(4))), (Ok(true), Ok(false)));
    assert_eq!((client.has(Some("y"), Some(3)), client.has(Some("z"), Some(3))), (Ok(true), Ok(false)));
    assert_eq!((client.delete("x"), client.delete("soft"), client.delete("z")), (Ok(()), Ok(()), Ok(())));
    assert!(server.lines().contains(&"DELETE /subjects/x?permanent=true".to_owned()));
}

#[test]
fn the_one_that_answers_is_asked_and_the_next_when_it_does_not() {
    let broken = Double::start(|_| json_answer(500, r#"{"error_code":50001,"message":"no store"}"#));
    let whole = Double::start(|_| json_answer(200, r#"{"schema":"\"int\""}"#));
    let client = client(&[&nobody(), &broken.url, &whole.url]);
    client.by_id(1).unwrap();
    client.by_id(2).unwrap();
    assert_eq!(broken.lines().len(), 1, "the one that answered last is asked first");
    assert_eq!(whole.lines().len(), 2);
}

#[test]
fn while_nobody_answers_nobody_is_asked() {
    let broken = Double::start(|_| json_answer(503, "<html>out of order</html>"));
    let client = client(&[&nobody(), &broken.url]);
    let problem = client.by_id(1).unwrap_err();
    let SchemaError::Unavailable(why) = &problem else { panic!("{problem}") };
    assert!(why.contains("refused") && why.contains("out of order"), "{why}");
    assert_eq!(client.latest("x").unwrap_err(), problem);
    assert_eq!(broken.lines().len(), 1, "not asked again at once");
    let deadline = Instant::now() + Duration::from_secs(20);
    while broken.lines().len() < 2 {
        assert!(Instant::now() < deadline, "asked again after a while");
        let _still = client.by_id(1);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_no_registry_is_told_so() {
    let server = Double::start(|line| match line {
        "GET /schemas/ids/1" => (200, "text/html", "<html>Welcome</html>".to_owned()),
        "GET /schemas/ids/2" => json_answer(200, r#"{"text":"int"}"#),
        "GET /schemas/ids/3" => (302, "http://elsewhere/login", String::new()),
        "GET /schemas/ids/4" => (401, "text/html", "<html>who are you</html>".to_owned()),
        "GET /schemas/ids/5" => (404, "text/html", "<html>Not Found</html>".to_owned()),
        _ => json_answer(200, r#"{"schema":"x","schemaType":"THRIFT"}"#),
    });
    let client = client(&[&server.url]);
    for (id, text) in [
        (1, "does not answer as a schema registry does"),
        (2, "missing field `schema`"),
        (3, "is somewhere else (http://elsewhere/login)"),
        (4, "ksql.schema.registry.basic.auth.user.info"),
        (5, "does not answer as a schema registry does (HTTP 404): <html>Not Found</html>"),
        (6, "not known here: THRIFT"),
    ] {
        let problem = client.by_id(id).unwrap_err();
        assert!(problem.to_string().contains(text), "{id}: {problem}");
        // A record is not bad because a proxy asks who is there.
        assert_eq!(problem.may_pass(), id != 6, "{id}: {problem}");
    }
}

#[test]
fn credentials_are_sent_and_never_shown() {
    let server = Double::start(|_| json_answer(404, r#"{"error_code":40403,"message":""}"#));
    let in_url = server.url.replace("http://", "http://us%40er:pa%3Ass@");
    let settings = ClientSettings { urls: vec![format!("{in_url}/")], ..ClientSettings::default() };
    let other = ClientSettings { user: Some(("a".to_owned(), "b:c".to_owned())), ..settings.clone() };
    for settings in [&settings, &other] {
        let client = Client::new(settings, SubjectNames::default()).unwrap();
        assert_eq!(client.by_id(1), Err(SchemaError::NotYetKnown(1)));
        assert!(!format!("{client:?} {settings:?}").contains("pa"), "{client:?} {settings:?}");
    }
    let sent: Vec<Option<String>> = server.asked.lock().iter().map(|asked| asked.authorization.clone()).collect();
    // us@er:pa:ss, a:b:c
    assert_eq!(sent, [Some("Basic dXNAZXI6cGE6c3M=".to_owned()), Some("Basic YTpiOmM=".to_owned())]);
}

#[test]
fn a_reference_that_may_not_be_asked_for_makes_its_id_wait() {
    let server = Double::start(|line| match line {
        "GET /schemas/ids/5" => {
            let to = r#"[{"name":"r","subject":"r","version":1}]"#;
            json_answer(200, &format!(r#"{{"schema":"\"int\"","references":{to}}}"#))
        }
        _ => json_answer(403, r#"{"error_code":403,"message":"not yours"}"#),
    });
    let client = client(&[&server.url]);
    assert!(client.by_id(5).unwrap_err().may_pass());
    assert_eq!(client.by_id(0).unwrap_err(), SchemaError::UnknownId(0));
}

#[test]
fn what_a_schema_refers_to_is_fetched_once_though_some_of_it_fails() {
    let failed = AtomicUsize::new(0);
    let server = Double::start(move |line| match line {
        "GET /schemas/ids/5" => {
            let to = r#"[{"name":"r","subject":"r","version":1},{"name":"s","subject":"s","version":1}]"#;
            json_answer(200, &format!(r#"{{"schema":"\"int\"","references":{to}}}"#))
        }
        "GET /subjects/s/versions/1" if failed.fetch_add(1, Ordering::SeqCst) < 2 => json_answer(500, "{}"),
        _ => json_answer(200, r#"{"subject":"r","version":1,"id":1,"schema":"\"long\""}"#),
    });
    let client = client(&[&server.url]);
    let schema = loop {
        match client.by_id(5) {
            Err(SchemaError::Unavailable(_)) => std::thread::sleep(Duration::from_millis(20)),
            answer => break answer.unwrap(),
        }
    };
    assert_eq!(schema.referenced.len(), 2);
    assert_eq!(server.lines().iter().filter(|line| *line == "GET /subjects/r/versions/1").count(), 1);
}

#[test]
fn a_slow_registration_does_not_mean_that_nobody_is_there() {
    let server = Double::start(|line| {
        if line.starts_with("POST") {
            std::thread::sleep(Duration::from_secs(8));
        }
        json_answer(200, r#"{"schema":"\"int\"","id":1}"#)
    });
    let client = client(&[&server.url]);
    let told = client.register("s", &Schema::alone(Language::Avro, "\"int\"")).unwrap_err();
    assert!(told.to_string().contains("no answer within 5 s"), "{told}");
    assert!(client.by_id(7).is_ok());
}

/// Four seconds for each answer are no reason to count as away, nor to let somebody wait for a dozen of them.
#[test]
fn a_schema_and_what_it_refers_to_have_one_deadline() {
    let server = Double::start(|line| {
        let name = line.trim_start_matches("GET /subjects/").trim_end_matches("/versions/1");
        if line.ends_with("/ids/7") {
            return json_answer(200, r#"{"schema":"\"int\""}"#);
        }
        std::thread::sleep(Duration::from_secs(4));
        match name {
            "a" | "b" => json_answer(200, r#"{"subject":"a","version":1,"id":2,"schema":"\"int\""}"#),
            _ => {
                let to = |name: &str| format!(r#"{{"name":"{name}","subject":"{name}","version":1}}"#);
                json_answer(200, &format!(r#"{{"schema":"\"int\"","references":[{},{}]}}"#, to("a"), to("b")))
            }
        }
    });
    let client = client(&[&server.url]);
    assert!(matches!(client.by_id(1), Err(SchemaError::Unavailable(_))));
    assert!(client.by_id(7).is_ok(), "it is there");
    assert_eq!(client.by_id(1).unwrap().referenced.len(), 2);
}

#[test]
fn what_is_gone_is_registered_again() {
    let server = Double::start(|line| match line {
        "POST /subjects/s/versions" => json_answer(200, r#"{"id":3}"#),
        _ => json_answer(404, r#"{"error_code":40401,"message":"no subject"}"#),
    });
    let (client, avro) = (client(&[&server.url]), Schema::alone(Language::Avro, "\"int\""));
    let posts = || server.asked.lock().iter().filter(|asked| asked.line.starts_with("POST")).count();
    for _ in 0..2 {
        client.register("s", &avro).unwrap();
    }
    assert_eq!(posts(), 1);
    assert!(client.latest("s").unwrap().is_none());
    client.register("s", &avro).unwrap();
    assert_eq!(posts(), 2);
}

#[test]
fn settings_that_will_not_do_are_refused() {
    let refused = |settings: ClientSettings, of: Part| {
        let (part, told) = Client::new(&settings, SubjectNames::default()).unwrap_err();
        assert_eq!(part, of, "{told}");
        told
    };
    for url in ["registry:8081", "ftp://registry", "http://", "http://a b/", "http://user:pa/ss@host:8081"] {
        let told = refused(ClientSettings { urls: vec![url.to_owned()], ..ClientSettings::default() }, Part::Urls);
        assert!(!told.contains("ss@"), "{told}");
    }
    let urls = vec!["https://localhost:1".to_owned()];
    let store = |text: &str| Some(Store { source: Source::Text(text.to_owned()), passwords: Passwords::default() });
    let none = refused(
        ClientSettings { urls: urls.clone(), trusted: store("a text"), ..ClientSettings::default() },
        Part::Trusted,
    );
    assert!(none.contains("neither PEM nor a PKCS12 or JKS store"), "{none}");
    let file = Some(Store { source: Source::File("/no/such/file".to_owned()), passwords: Passwords::default() });
    let missing =
        refused(ClientSettings { urls: urls.clone(), trusted: file, ..ClientSettings::default() }, Part::Trusted);
    assert!(missing.starts_with("/no/such/file: "), "{missing}");
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let keyless = refused(ClientSettings { urls, own: store(empty), ..ClientSettings::default() }, Part::Own);
    assert!(keyless.contains("no private key"), "{keyless}");
}
