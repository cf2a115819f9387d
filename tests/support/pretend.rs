//! Servers that are none: they answer what a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

const INFO: &str =
    r#"{"KsqlServerInfo":{"version":"0","kafkaClusterId":"c","ksqlServiceId":"s","serverStatus":"RUNNING"}}"#;

/// The head of a request: its first line first. Its body is read, too.
fn head(stream: &TcpStream) -> Vec<String> {
    let mut request = BufReader::new(stream);
    let lines = request.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let head: Vec<String> = lines.collect();
    let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    // The client may be gone.
    let _ = request.take(length).read_to_end(&mut Vec::new());
    head
}

fn header<'a>(head: &'a [String], wanted: &str) -> Option<&'a str> {
    let headers = head.iter().filter_map(|line| line.split_once(": "));
    headers.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value).next()
}

fn asks_for_info(head: &[String]) -> bool {
    head.first().is_some_and(|line| line.starts_with("GET /info"))
}

fn answer(mut stream: &TcpStream, status: &str, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    // The client may be gone.
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

/// Calls `serve` with each connection; the server's URL.
fn serve(serve: impl FnMut(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || listener.incoming().filter_map(Result::ok).for_each(serve));
    url
}

/// A server that answers `/info` and nothing else.
pub fn silent() -> String {
    let mut waiting = Vec::new();
    serve(move |stream| {
        if asks_for_info(&head(&stream)) {
            answer(&stream, "200 OK", INFO);
        } else {
            waiting.push(stream);
        }
    })
}

/// A server that answers all else than `/info` with these lines and closes the connection then; before it has said that this
/// was all, if so wanted.
pub fn answering(lines: &'static str, is_cut: bool) -> String {
    serve(move |mut stream| {
        if asks_for_info(&head(&stream)) {
            return answer(&stream, "200 OK", INFO);
        }
        let end = if is_cut { "" } else { "0\r\n\r\n" };
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = stream.write_all(format!("{head}{:x}\r\n{lines}\r\n{end}", lines.len()).as_bytes());
    })
}

/// A server that knows one user, by the header `Authorization`; with what it was told in each request.
pub fn with_user(knows: &'static str) -> (String, mpsc::Receiver<Option<String>>) {
    let (told, requests) = mpsc::channel();
    let url = serve(move |stream| {
        let head = head(&stream);
        let user = header(&head, "authorization").map(str::to_owned);
        let is_known = user.as_deref() == Some(knows);
        let _ = told.send(user);
        match is_known {
            true => answer(&stream, "200 OK", if asks_for_info(&head) { INFO } else { "[]" }),
            false => answer(&stream, "401 Unauthorized", "<html>Who are you?</html>"),
        }
    });
    (url, requests)
}
