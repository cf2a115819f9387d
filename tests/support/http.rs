//! HTTP/1.1 requests from tests that are not asynchronous themselves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Content type, empty when there is none.
    pub content_type: String,
    /// Body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

/// Sends a request and reads the whole answer.
pub fn request(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    request_bytes(url, method, path, headers, body.as_bytes())
}

/// [`request`] with a body that need not be text.
pub fn request_bytes(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = open_bytes(url, method, path, headers, body);
    let (status, content_type) = stream.head();
    let mut body = String::new();
    while let Some(piece) = stream.piece() {
        body.push_str(&piece);
    }
    Answer { status, content_type, body }
}

/// `POST /ksql` with properties; the answer must be 200.
pub fn ksql(url: &str, statements: &str, properties: &Value) -> Value {
    let body = json!({"ksql": statements, "streamsProperties": properties}).to_string();
    let answer = request(url, "POST", "/ksql", &[("Accept", "application/vnd.ksql.v1+json")], &body);
    assert_eq!(answer.status, 200, "{statements}\n{}", answer.body);
    answer.json()
}

/// Rows of a query that ends by itself: the `columns` of each row of `/query`.
pub fn rows(url: &str, query: &str, properties: &Value) -> Vec<Value> {
    let body = json!({"ksql": query, "streamsProperties": properties}).to_string();
    let answer = request(url, "POST", "/query", &[("Accept", "application/vnd.ksql.v1+json")], &body);
    assert_eq!(answer.status, 200, "{query}\n{}", answer.body);
    let lines = answer.json();
    let lines = lines.as_array().unwrap_or_else(|| panic!("no array: {lines}"));
    lines.iter().filter_map(|line| line.get("row")).map(|row| row["columns"].clone()).collect()
}

/// An answer that is read as it comes.
pub struct Stream {
    reader: BufReader<TcpStream>,
    chunked: bool,
    left: Option<usize>,
}

/// Opens a request; the answer's head is still to be read by [`Stream::head`].
pub fn open(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Stream {
    open_bytes(url, method, path, headers, body.as_bytes())
}

fn open_bytes(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Stream {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).unwrap_or_else(|e| panic!("{url}: {e}"));
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout can be set");
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // A server that refuses may close before it has read everything.
    let sent = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(body));
    drop(sent);
    Stream { reader: BufReader::new(stream), chunked: false, left: None }
}

impl Stream {
    /// Status and content type.
    pub fn head(&mut self) -> (u16, String) {
        let status_line = self.line();
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut content_type = String::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-type" => content_type = value.to_owned(),
                "content-length" => self.left = value.parse().ok(),
                "transfer-encoding" => self.chunked = value.eq_ignore_ascii_case("chunked"),
                _ => {}
            }
        }
        (status.unwrap_or_else(|| panic!("no status: {status_line}")), content_type)
    }

    /// The next piece of the body; `None` at its end.
    pub fn piece(&mut self) -> Option<String> {
        let len = if self.chunked {
            let len = usize::from_str_radix(self.line().trim(), 16).unwrap_or(0);
            if len == 0 {
                return None;
            }
            len
        } else {
            self.left.take().filter(|len| *len > 0)?
        };
        let mut bytes = vec![0; len];
        self.reader.read_exact(&mut bytes).expect("the body is complete");
        if self.chunked {
            self.line();
        }
        Some(String::from_utf8(bytes).expect("the body is text"))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("the answer can be read");
        line.trim_end().to_owned()
    }
}
