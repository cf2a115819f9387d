//! Rows on their way to clients: slow ones, many, and ones that are suddenly gone.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use e2e::eventually;
use e2e::http::{Stream, ksql, open, request, rows};
use e2e::process::Server;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Rows of the large stream, and how large one is.
const ROWS: usize = 1_000;
const ROW_BYTES: usize = 64 << 10;
/// What the server may need more than before while all of them (62 MB) pass through.
const MEMORY: u64 = 32 << 20;

fn server() -> (Server, TempDir) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[("ksql.max.push.queries", "200")]);
    let statements = "CREATE STREAM LARGE (N INT KEY, PAD VARCHAR)
          WITH (KAFKA_TOPIC='large', VALUE_FORMAT='JSON', PARTITIONS=1);
        CREATE STREAM SMALL (N INT KEY, V INT) WITH (KAFKA_TOPIC='small', VALUE_FORMAT='JSON', PARTITIONS=1);";
    ksql(&server.url, statements, &json!({}));
    (server, data)
}

/// Starts a push query; it runs when its header is there.
fn push(server: &Server, sql: &str) -> Stream {
    let body = json!({"sql": sql, "properties": {"auto.offset.reset": "earliest"}}).to_string();
    let mut stream = open(&server.url, "POST", "/query-stream", &[], &body);
    assert_eq!(stream.head().0, 200);
    let header = stream.piece().unwrap();
    assert!(header.contains("queryId"), "{header}");
    stream
}

/// Inserts that many rows of the large stream.
fn insert_large(server: &Server, rows: usize) {
    let host = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "POST /inserts-stream HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answers = std::io::BufReader::new(stream.try_clone().unwrap());
    let reader = std::thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
    let mut chunk = |text: &str| stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).unwrap();
    chunk("{\"target\": \"LARGE\"}\n");
    let pad = "x".repeat(ROW_BYTES);
    for n in 0..rows {
        chunk(&format!("{{\"N\": {n}, \"PAD\": \"{pad}\"}}\n"));
    }
    chunk("");
    drop(stream);
    drop(reader);
}

fn push_queries(server: &Server) -> usize {
    let answer = ksql(&server.url, "SHOW QUERIES;", &json!({}));
    answer[0]["queries"].as_array().unwrap().iter().filter(|query| query["queryType"] == "PUSH").count()
}

fn all_end(server: &Server) {
    let since = Instant::now();
    eventually("the server ends the queries", || (push_queries(server) == 0).then_some(()));
    assert!(since.elapsed() < Duration::from_secs(5), "it took {:?}", since.elapsed());
}

/// The most memory the server needs, above what it needed before, while something is done.
fn memory_while<T>(server: &Server, work: impl FnOnce() -> T) -> (T, u64) {
    let before = server.memory();
    let (most, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(server.memory(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    });
    (result, most.load(Ordering::Relaxed).saturating_sub(before))
}

#[test]
fn slow_readers_hold_up_nobody_and_lose_nothing() {
    let (server, _data) = server();
    ksql(&server.url, "CREATE STREAM NUMBERS AS SELECT N, 0 AS ZERO FROM LARGE;", &json!({}));
    let mut slow: Vec<Stream> = (0..8).map(|_| push(&server, "SELECT N, PAD FROM LARGE EMIT CHANGES;")).collect();
    let mut quick = push(&server, "SELECT N FROM NUMBERS EMIT CHANGES;");
    let ((), grown) = memory_while(&server, || {
        insert_large(&server, ROWS);
        for n in 0..ROWS {
            assert_eq!(quick.piece().unwrap().trim(), format!("[{n}]"));
        }
    });
    // Each of them has a full queue, and at most one step's rows to put into it.
    assert!(grown < 3 * MEMORY, "{} MB more than before", grown >> 20);
    for client in &mut slow[..2] {
        for n in 0..ROWS {
            let row = client.piece().unwrap();
            assert!(row.starts_with(&format!("[{n},\"xxx")), "row {n}: {}", &row[..40]);
        }
    }
    drop((slow, quick));
    all_end(&server);
}

#[test]
fn a_scan_of_much_needs_little_memory() {
    let (server, _data) = server();
    insert_large(&server, 2 * ROWS);
    let is_there = |source: &str| {
        let last = format!("SELECT N FROM {source} WHERE N = {};", 2 * ROWS - 1);
        eventually("the last row is there", || (rows(&server.url, &last, &json!({})).len() == 1).then_some(()));
    };
    let scan = |source: &str| {
        let body = json!({"sql": format!("SELECT * FROM {source};")}).to_string();
        let mut stream = open(&server.url, "POST", "/query-stream", &[], &body);
        assert_eq!(stream.head().0, 200);
        assert_eq!(std::iter::from_fn(|| stream.piece()).count() - 1, 2 * ROWS, "{source}");
    };
    is_there("LARGE");
    let ((), grown) = memory_while(&server, || scan("LARGE"));
    assert!(grown < 2 * MEMORY, "{} MB more than before", grown >> 20);

    let table = "CREATE TABLE LATEST AS SELECT N, LATEST_BY_OFFSET(PAD) AS PAD FROM LARGE GROUP BY N;";
    ksql(&server.url, table, &json!({"auto.offset.reset": "earliest"}));
    is_there("LATEST");
    // What the table keeps is still being written to disk meanwhile.
    let ((), grown) = memory_while(&server, || scan("LATEST"));
    assert!(grown < 4 * MEMORY, "{} MB more than before", grown >> 20);
}

#[test]
fn a_dropped_connection_ends_its_query() {
    let (server, _data) = server();
    let idle = push(&server, "SELECT * FROM SMALL EMIT CHANGES;");
    let body = json!({"ksql": "PRINT small;"}).to_string();
    let mut print = open(&server.url, "POST", "/query", &[], &body);
    assert_eq!(push_queries(&server), 1);
    drop(idle);
    all_end(&server);
    ksql(&server.url, "INSERT INTO SMALL (N, V) VALUES (1, 1);", &json!({}));
    assert_eq!(print.head().0, 200);
}

#[test]
fn a_reset_stream_ends_its_query_over_http2() {
    let (server, _data) = server();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let start = || async {
        let body = json!({"sql": "SELECT * FROM SMALL EMIT CHANGES;"}).to_string();
        let request = hyper::Request::post(format!("{}/query-stream", server.url)).body(Full::from(body)).unwrap();
        let mut response = client.request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let header = response.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(header.starts_with(b"{\"queryId\""));
        response
    };
    let (first, second) = runtime.block_on(async { (start().await, start().await) });
    assert_eq!(push_queries(&server), 2);
    runtime.block_on(async { drop(first) });
    eventually("one of two streams of the connection ends", || (push_queries(&server) == 1).then_some(()));
    drop((second, client));
    drop(runtime);
    all_end(&server);
}

#[test]
fn every_acknowledgement_of_an_insert_is_a_frame() {
    let (server, _data) = server();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let insert = |accept: &'static str| {
        let body =
            "{\"target\":\"SMALL\",\"properties\":{\"nobody.knows\":1}}\n{\"N\":1}\n{\"N\":2}\n{\"V\":3}\n{\"N\":4}";
        let request = hyper::Request::post(format!("{}/inserts-stream", server.url)).header("Accept", accept);
        let client = &client;
        async move {
            let mut response = client.request(request.body(Full::from(body)).unwrap()).await.unwrap();
            assert_eq!(response.status(), 200);
            let mut frames = Vec::new();
            while let Some(frame) = response.frame().await {
                frames.push(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap());
            }
            frames.retain(|frame| !frame.is_empty());
            frames
        }
    };
    let ok = |seq: u64| format!("{{\"seq\":{seq},\"status\":\"ok\"}}");
    let error = "{\"@type\":\"InsertError\",\"status\":\"error\",\"seq\":2,\
                 \"message\":\"Key field must be specified: N\",\"error_code\":40000}";
    let delimited = runtime.block_on(insert("*/*"));
    assert_eq!(delimited, [ok(0) + "\n", ok(1) + "\n", error.to_owned() + "\n"]);
    let json = runtime.block_on(insert("application/json"));
    assert_eq!(json, [format!("[{}", ok(0)), format!(",{}", ok(1)), format!(",{error}"), "]".to_owned()]);
}

#[test]
fn two_hundred_clients_at_once() {
    let (server, _data) = server();
    let mut clients: Vec<Stream> =
        (0..200).map(|n| push(&server, &format!("SELECT V + {n} AS V FROM SMALL EMIT CHANGES;"))).collect();
    assert_eq!(push_queries(&server), 200);
    let one_more = json!({"sql": "SELECT * FROM SMALL EMIT CHANGES;"}).to_string();
    let refused = request(&server.url, "POST", "/query-stream", &[], &one_more);
    assert_eq!((refused.status, &refused.json()["error_code"]), (400, &json!(40003)), "{}", refused.body);
    ksql(&server.url, "INSERT INTO SMALL (N, V) VALUES (1, 1000);", &json!({}));
    for (n, client) in clients.iter_mut().enumerate() {
        let row: Value = serde_json::from_str(&client.piece().unwrap()).unwrap();
        assert_eq!(row, json!([1000 + n]));
    }
    drop(clients);
    all_end(&server);
}
