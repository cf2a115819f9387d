//! The cases as the JSON files hold them (conformance.md §3).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// One case of any suite.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) suite: String,
    pub(crate) file: String,
    /// ksqlDB's own name of it; what was recorded from a server has none.
    #[serde(default)]
    pub(crate) java_name: Option<String>,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) topics: Vec<TopicDecl>,
    #[serde(default)]
    pub(crate) statements: Vec<String>,
    #[serde(default)]
    pub(crate) inputs: Vec<Record>,
    #[serde(default)]
    pub(crate) outputs: Vec<Record>,
    #[serde(default)]
    pub(crate) post: Option<Post>,
    #[serde(default, rename = "expectedException")]
    pub(crate) expected_exception: Option<ExpectedError>,
    #[serde(default, rename = "expectedError")]
    pub(crate) expected_error: Option<ExpectedError>,
    /// `sql` suite.
    #[serde(default)]
    pub(crate) expected: Option<ExpectedError>,
    #[serde(default)]
    pub(crate) steps: Vec<SqlStep>,
    #[serde(default)]
    pub(crate) fails_at: Option<String>,
    #[serde(default)]
    pub(crate) responses: Vec<Value>,
    #[serde(default, rename = "inputConditions")]
    pub(crate) input_conditions: Option<InputConditions>,
    /// Whether every SELECT is asked once more for rows in Protobuf.
    #[serde(default, rename = "testPullWithProtoFormat")]
    pub(crate) test_pull_with_proto_format: bool,
}

impl Case {
    /// Whether its statements were sent to a server one by one, whose answers it holds.
    pub(crate) fn is_recorded(&self) -> bool {
        self.java_name.is_none()
    }
}

/// A topic to create beforehand.
#[derive(Debug, Deserialize)]
pub(crate) struct TopicDecl {
    pub(crate) name: String,
    #[serde(default = "one")]
    pub(crate) partitions: u32,
    #[serde(default = "one_replica")]
    pub(crate) replicas: u16,
    #[serde(default, rename = "keySchema")]
    pub(crate) key_schema: Value,
    #[serde(default, rename = "valueSchema")]
    pub(crate) value_schema: Value,
    #[serde(default, rename = "keySchemaId")]
    pub(crate) key_schema_id: Option<i32>,
    #[serde(default, rename = "valueSchemaId")]
    pub(crate) value_schema_id: Option<i32>,
    #[serde(default, rename = "keySchemaReferences")]
    pub(crate) key_schema_references: Vec<SchemaReference>,
    #[serde(default, rename = "valueSchemaReferences")]
    pub(crate) value_schema_references: Vec<SchemaReference>,
    #[serde(default, rename = "keyFormat")]
    pub(crate) key_format: Option<String>,
    #[serde(default, rename = "valueFormat")]
    pub(crate) value_format: Option<String>,
}

/// A schema that another refers to, registered first under its name.
#[derive(Debug, Deserialize)]
pub(crate) struct SchemaReference {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

fn one() -> u32 {
    1
}

fn one_replica() -> u16 {
    1
}

/// A record to feed or to expect.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    pub(crate) topic: String,
    #[serde(default)]
    pub(crate) key: Value,
    #[serde(default)]
    pub(crate) value: Value,
    #[serde(default)]
    pub(crate) timestamp: Option<i64>,
    #[serde(default)]
    pub(crate) headers: Vec<Header>,
    #[serde(default)]
    pub(crate) window: Option<Window>,
}

/// A record header; the value is base64.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Header {
    #[serde(rename = "KEY")]
    pub(crate) key: String,
    #[serde(rename = "VALUE", default)]
    pub(crate) value: Option<String>,
}

/// The window of a record's key.
#[derive(Debug, Deserialize, PartialEq, Eq, Clone)]
pub(crate) struct Window {
    pub(crate) start: i64,
    pub(crate) end: i64,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// What must hold at the end.
#[derive(Debug, Deserialize)]
pub(crate) struct Post {
    #[serde(default)]
    pub(crate) sources: Vec<PostSource>,
    #[serde(default)]
    pub(crate) topics: Option<PostTopics>,
}

/// A source that must exist.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PostSource {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) schema: Option<String>,
    #[serde(default)]
    pub(crate) key_format: Option<PostFormat>,
    #[serde(default)]
    pub(crate) value_format: Option<Value>,
    #[serde(default)]
    pub(crate) key_features: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) value_features: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) is_source: Option<bool>,
}

/// A format with its window.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PostFormat {
    #[serde(default)]
    pub(crate) format: Option<String>,
    #[serde(default)]
    pub(crate) window_type: Option<String>,
    #[serde(default)]
    pub(crate) window_size: Option<i64>,
}

/// Topics that must or must not exist.
#[derive(Debug, Deserialize)]
pub(crate) struct PostTopics {
    #[serde(default)]
    pub(crate) blacklist: Option<String>,
    #[serde(default)]
    pub(crate) topics: Vec<Value>,
}

/// An error that must come.
#[derive(Debug, Deserialize)]
pub(crate) struct ExpectedError {
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) status: Option<u16>,
}

/// One step of a `sql` case.
#[derive(Debug, Deserialize)]
pub(crate) struct SqlStep {
    #[serde(rename = "do")]
    pub(crate) action: String,
    pub(crate) sql: String,
}

/// When the inputs of a REST case are fed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InputConditions {
    #[serde(default)]
    pub(crate) wait_for_active_push_query: bool,
}

#[derive(Deserialize)]
struct CaseFile {
    tests: Vec<Case>,
}

/// Reads every case below `dir`, sorted by suite, file and position.
pub(crate) fn load(dir: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for suite in ["qtt", "rqtt", "sql", "runner"] {
        for (name, text) in json_files(&dir.join(suite))? {
            let parsed: CaseFile = serde_json::from_str(&text).map_err(|e| format!("{suite}/{name}.json: {e}"))?;
            cases.extend(parsed.tests);
        }
    }
    cases.extend(crate::round_trips::load(&dir.join("extra/schema-validation"))?);
    Ok(cases)
}

/// The names (without their ending) and texts of the JSON files of a folder, sorted; none if it is not there.
pub(crate) fn json_files(folder: &Path) -> Result<Vec<(String, String)>, String> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let at = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    let entries = std::fs::read_dir(folder).map_err(|e| at(folder, e))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "json"));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        std::fs::read_to_string(&path).map(|text| (name, text)).map_err(|e| at(&path, e))
    };
    paths.into_iter().map(read).collect()
}
