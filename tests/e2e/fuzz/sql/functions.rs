//! The server's functions with their signatures, as it describes them.

use e2e::http::ksql;
use serde_json::{Value, json};

/// One way to call a function.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) name: String,
    /// Types of the arguments; single capitals are variables.
    pub(super) arguments: Vec<String>,
    /// Whether the last argument may be repeated.
    pub(super) is_variadic: bool,
    pub(super) returns: String,
}

/// All of them.
pub(super) struct Functions {
    pub(super) scalar: Vec<Signature>,
    pub(super) aggregate: Vec<Signature>,
    pub(super) table: Vec<Signature>,
}

impl Functions {
    /// Asks a server.
    pub(super) fn of(url: &str) -> Self {
        let mut all = Self { scalar: Vec::new(), aggregate: Vec::new(), table: Vec::new() };
        let names = ksql(url, "SHOW FUNCTIONS;", &json!({}));
        let names = names[0]["functions"].as_array().expect("a list of functions");
        let describe =
            |function: &Value| format!("DESCRIBE FUNCTION {};", function["name"].as_str().unwrap_or_default());
        let described = ksql(url, &names.iter().map(describe).collect::<String>(), &json!({}));
        for function in described.as_array().expect("a list of answers") {
            let kind = match function["type"].as_str() {
                Some("AGGREGATE") => &mut all.aggregate,
                Some("TABLE") => &mut all.table,
                _ => &mut all.scalar,
            };
            let name = function["name"].as_str().unwrap_or_default();
            kind.extend(function["functions"].as_array().into_iter().flatten().map(|way| signature(name, way)));
        }
        all
    }
}

fn signature(name: &str, way: &Value) -> Signature {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let arguments = way["arguments"].as_array().cloned().unwrap_or_default();
    Signature {
        name: name.to_owned(),
        is_variadic: arguments.iter().any(|argument| argument["isVariadic"] == true),
        arguments: arguments.iter().map(|argument| text(&argument["type"])).collect(),
        returns: text(&way["returnType"]),
    }
}
