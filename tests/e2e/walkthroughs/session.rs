//! One user of one server: statements go to an endpoint, and what comes back is looked at in the words of a walk.

use e2e::eventually;
use e2e::http::{self, Stream, request};
use e2e::process::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server of its own with an empty data directory, and how it is talked to.
pub(super) struct Session {
    server: Server,
    /// Goes after the server.
    data: TempDir,
    /// Properties sent with every request.
    pub(super) properties: Value,
}

impl Session {
    pub(super) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(data.path(), &[]);
        Self { data, server, properties: json!({}) }
    }

    /// A session whose queries read from the beginning.
    pub(super) fn from_earliest() -> Self {
        Self { properties: json!({"auto.offset.reset": "earliest"}), ..Self::new() }
    }

    /// Stops the server and starts it on the same data.
    pub(super) fn restarted(self) -> Self {
        let Self { data, server, properties } = self;
        assert!(server.terminate(), "it stops cleanly");
        let server = Server::start(data.path(), &[]);
        Self { data, server, properties }
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        Answer::new(&format!("GET {path}"), request(&self.server.url, "GET", path, &[], ""))
    }

    /// Registers an Avro schema as the producer of a topic's values would.
    pub(super) fn register(&self, topic: &str, schema: &Value) {
        let answer =
            self.post(&format!("/subjects/{topic}-value/versions"), topic, &json!({"schema": schema.to_string()}));
        assert_eq!(answer.status, 200, "{topic}: {}", answer.body);
    }

    /// The Avro schema of a topic's values, as another client of the registry gets it.
    pub(super) fn registered(&self, topic: &str) -> Value {
        let latest = self.get(&format!("/subjects/{topic}-value/versions/latest")).json();
        serde_json::from_str(latest["schema"].as_str().unwrap_or_else(|| panic!("{latest}"))).unwrap()
    }

    /// `POST /ksql`
    pub(super) fn ksql(&self, sql: &str) -> Answer {
        let body = json!({"ksql": sql, "streamsProperties": self.properties});
        self.post("/ksql", sql, &body)
    }

    /// `POST /query-stream` of a query that ends by itself.
    pub(super) fn query(&self, sql: &str) -> Answer {
        let body = json!({"sql": sql, "properties": self.properties});
        self.post("/query-stream", sql, &body)
    }

    /// `POST /query`
    pub(super) fn old_query(&self, sql: &str) -> Answer {
        let body = json!({"ksql": sql, "streamsProperties": self.properties});
        self.post("/query", sql, &body)
    }

    pub(super) fn close(&self, query_id: &str) -> Answer {
        self.post("/close-query", query_id, &json!({"queryId": query_id}))
    }

    fn post(&self, path: &str, asked: &str, body: &Value) -> Answer {
        Answer::new(asked, request(&self.server.url, "POST", path, &[], &body.to_string()))
    }

    /// Opens a push query and reads its header.
    pub(super) fn watch(&self, sql: &str) -> Watch {
        let body = json!({"sql": sql, "properties": self.properties}).to_string();
        let mut lines = http::open(&self.server.url, "POST", "/query-stream", &[], &body);
        let (status, content_type) = lines.head();
        assert_eq!((status, content_type.as_str()), (200, DELIMITED), "{sql}");
        let header = lines.piece().expect("a header");
        Watch { header: serde_json::from_str(&header).unwrap(), lines }
    }

    /// Asks until the rows, in this order, are the answer.
    #[track_caller]
    pub(super) fn settles_on(&self, sql: &str, rows: &[&str]) {
        eventually(&format!("{sql}\n{rows:?}"), || (self.query(sql).lines().get(1..)? == rows).then_some(()));
    }

    /// The ids of `LIST QUERIES`, sorted, with their types.
    pub(super) fn queries(&self) -> Vec<(String, String)> {
        let listed = self.ksql("LIST QUERIES;").entity("queries");
        let text = |query: &Value, field: &str| query[field].as_str().unwrap().to_owned();
        let queries = listed["queries"].as_array().unwrap().iter();
        let mut queries: Vec<_> = queries.map(|query| (text(query, "id"), text(query, "queryType"))).collect();
        queries.sort();
        queries
    }

    /// Names in the list that a statement answers.
    pub(super) fn names(&self, statement: &str, list: &str) -> Vec<String> {
        let entities = self.ksql(statement).json();
        let items = entities[0][list].as_array().unwrap_or_else(|| panic!("{entities}"));
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }
}

const DELIMITED: &str = "application/vnd.ksqlapi.delimited.v1";

/// What came back.
pub(super) struct Answer {
    asked: String,
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    fn new(asked: &str, answer: http::Answer) -> Self {
        Self { asked: asked.to_owned(), status: answer.status, body: answer.body }
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{}: {e}\n{}", self.asked, self.body))
    }

    #[track_caller]
    fn is_fine(&self) {
        assert_eq!(self.status, 200, "{}\n{}", self.asked, self.body);
    }

    /// The one entity, of this type.
    #[track_caller]
    pub(super) fn entity(&self, kind: &str) -> Value {
        self.is_fine();
        let entities = self.json();
        assert_eq!(entities.as_array().map(Vec::len), Some(1), "{}\n{entities}", self.asked);
        assert_eq!(entities[0]["@type"], kind, "{}\n{entities}", self.asked);
        entities[0].clone()
    }

    /// The one command succeeded with this message.
    #[track_caller]
    pub(super) fn done(&self, message: &str) -> Value {
        let entity = self.entity("currentStatus");
        assert_eq!(entity["commandStatus"]["status"], "SUCCESS", "{}", self.asked);
        assert_eq!(entity["commandStatus"]["message"], message, "{}", self.asked);
        entity
    }

    /// The one command started a query with this prefix of its id, which is returned.
    #[track_caller]
    pub(super) fn started(&self, prefix: &str) -> String {
        let status = self.entity("currentStatus")["commandStatus"].clone();
        let id = status["queryId"].as_str().unwrap_or_else(|| panic!("{}: {status}", self.asked)).to_owned();
        let number = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
        assert!(number.is_some_and(|number| number.parse::<u64>().is_ok()), "{id} is not {prefix}_N");
        assert_eq!(status["status"], "SUCCESS");
        assert_eq!(status["message"], format!("Created query with ID {id}"));
        id
    }

    /// Nothing to say: `[]`.
    #[track_caller]
    pub(super) fn says_nothing(&self) {
        self.is_fine();
        assert_eq!(self.body, "[]", "{}", self.asked);
    }

    /// An error of this status, code and type; `words` are in its message, which is returned.
    #[track_caller]
    pub(super) fn refused(&self, status: u16, code: u32, kind: &str, words: &[&str]) -> String {
        assert_eq!(self.status, status, "{}\n{}", self.asked, self.body);
        let error = self.json();
        assert_eq!((&error["error_code"], &error["@type"]), (&json!(code), &json!(kind)), "{}\n{error}", self.asked);
        let message = error["message"].as_str().unwrap_or_default();
        for word in words {
            assert!(message.contains(word), "{}\n{word:?} is not in {message:?}", self.asked);
        }
        message.to_owned()
    }

    /// The header and the rows of a query, a line each.
    #[track_caller]
    pub(super) fn lines(&self) -> Vec<&str> {
        self.is_fine();
        self.body.lines().collect()
    }

    /// The rows of a query, after a header with these columns and types.
    #[track_caller]
    pub(super) fn rows(&self, columns: &[&str], types: &[&str]) -> Vec<&str> {
        let lines = self.lines();
        let header: Value = serde_json::from_str(lines[0]).unwrap();
        check_header(&header, columns, types);
        lines[1..].to_vec()
    }
}

/// An open push query.
pub(super) struct Watch {
    header: Value,
    lines: Stream,
}

impl Watch {
    pub(super) fn id(&self) -> &str {
        self.header["queryId"].as_str().unwrap()
    }

    #[track_caller]
    pub(super) fn has_columns(&self, columns: &[&str], types: &[&str]) {
        check_header(&self.header, columns, types);
    }

    /// The next row; `None` when the query has ended.
    pub(super) fn next(&mut self) -> Option<String> {
        self.lines.piece().map(|line| line.trim_end().to_owned())
    }
}

#[track_caller]
fn check_header(header: &Value, columns: &[&str], types: &[&str]) {
    assert_eq!(header["columnNames"], json!(columns));
    assert_eq!(header["columnTypes"], json!(types));
}
