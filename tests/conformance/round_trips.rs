//! Cases that give a registered schema and statements, and no records: rows made from the schema must come out of a sink as they
//! went in, once by columns that are taken over in upper case and once by those of a schema id (conformance.md §10).

use std::path::Path;

use fastrand::Rng;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::case::{self, Case};

/// The suite these cases are of.
pub(crate) const SUITE: &str = "extra";

/// Records of a case.
const RECORDS: usize = 100;

#[derive(Deserialize)]
struct File {
    tests: Vec<RoundTrip>,
}

#[derive(Deserialize)]
struct RoundTrip {
    name: String,
    format: String,
    /// An Avro schema.
    schema: Json,
    recipe: Recipe,
}

#[derive(Deserialize)]
struct Recipe {
    topic: String,
    ddl: String,
    csas: String,
    ddl_with_schema_id: String,
    csas_with_schema_id: String,
}

/// Two cases from each of the folder's files' tests.
pub(crate) fn load(folder: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for (file, text) in case::json_files(folder)? {
        let parsed: File = serde_json::from_str(&text).map_err(|e| format!("{file}.json: {e}"))?;
        for test in parsed.tests {
            cases.push(test.case(&file, false)?);
            cases.push(test.case(&file, true)?);
        }
    }
    Ok(cases)
}

impl RoundTrip {
    fn case(&self, file: &str, by_schema_id: bool) -> Result<Case, String> {
        let recipe = &self.recipe;
        let (statements, how) = if by_schema_id {
            ([&recipe.ddl_with_schema_id, &recipe.csas_with_schema_id], "by schema id")
        } else {
            ([&recipe.ddl, &recipe.csas], "by columns")
        };
        // The same records in every run.
        let mut rows = Rows { rng: Rng::with_seed(7), keeps_case: by_schema_id };
        let mut inputs = Vec::with_capacity(RECORDS);
        let mut outputs = Vec::with_capacity(RECORDS);
        for _ in 0..RECORDS {
            let (written, read) = rows.value(&self.schema)?;
            let record =
                |topic: &str, value| json!({"topic": topic, "key": "test-key", "value": value, "timestamp": 0});
            inputs.push(record(&recipe.topic, written));
            outputs.push(record("TEST_OUTPUT", read));
        }
        let case = json!({
            "id": format!("{SUITE}/{file}/{} {how}", self.name),
            "suite": SUITE,
            "file": file,
            "java_name": self.name,
            "topics": [{"name": recipe.topic, "valueFormat": self.format, "valueSchema": self.schema}],
            "statements": statements,
            "inputs": inputs,
            "outputs": outputs,
        });
        serde_json::from_value(case).map_err(|e| format!("{file}: {e}"))
    }
}

/// Makes values of a schema.
struct Rows {
    rng: Rng,
    /// Whether a sink keeps the names as they stand in the schema.
    keeps_case: bool,
}

impl Rows {
    /// A value as it is written, and as it is read back from the sink.
    fn value(&mut self, schema: &Json) -> Result<(Json, Json), String> {
        match schema {
            Json::String(name) => self.primitive(name),
            Json::Array(branches) => self.branch(branches),
            Json::Object(schema) => match schema.get("type") {
                Some(Json::String(name)) if name == "record" => self.record(&schema["fields"]),
                Some(Json::String(name)) if name == "array" => self.array(&schema["items"]),
                Some(Json::String(name)) if name == "map" => self.map(&schema["values"], "k"),
                Some(inner) => self.value(inner),
                None => Err(format!("{schema:?} has no type")),
            },
            other => Err(format!("{other} is no schema")),
        }
    }

    fn primitive(&mut self, name: &str) -> Result<(Json, Json), String> {
        let value = match name {
            "boolean" => json!(self.rng.bool()),
            "int" => json!(self.rng.i32(..)),
            "long" => json!(self.rng.i64(..)),
            // Halves of whole numbers are exact.
            "float" | "double" => json!(f64::from(self.rng.i16(..)) / 2.0),
            "string" => {
                let length = self.rng.usize(0..12);
                json!((0..length).map(|_| self.rng.char('\u{20}'..'\u{2FF}')).collect::<String>())
            }
            other => return Err(format!("no values of type {other}")),
        };
        Ok((value.clone(), value))
    }

    /// A value of one branch. A union of several types is a STRUCT with a field for each, named after it.
    fn branch(&mut self, branches: &[Json]) -> Result<(Json, Json), String> {
        let at = self.rng.usize(0..branches.len());
        let (written, read) = match &branches[at] {
            Json::String(name) if name == "null" => return Ok((Json::Null, Json::Null)),
            branch => self.value(branch)?,
        };
        if branches.iter().filter(|branch| *branch != "null").count() == 1 {
            return Ok((written, read));
        }
        let mut fields = Map::new();
        for branch in branches {
            let name = branch.as_str().ok_or_else(|| format!("{branch} among several types"))?;
            fields.insert(self.field_name(name), Json::Null);
        }
        fields.insert(self.field_name(branches[at].as_str().unwrap_or_default()), read);
        Ok((written, fields.into()))
    }

    fn array(&mut self, items: &Json) -> Result<(Json, Json), String> {
        if items["name"] == "MapEntry" {
            // Connect's map whose keys are no texts.
            let value = items["fields"].get(1).ok_or("an entry without a value")?;
            return self.map(&value["type"], "");
        }
        let items = (0..self.rng.usize(0..4)).map(|_| self.value(items));
        let (written, read): (Vec<_>, Vec<_>) = items.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        Ok((written.into(), read.into()))
    }

    /// A map whose keys are numbers behind `prefix`.
    fn map(&mut self, values: &Json, prefix: &str) -> Result<(Json, Json), String> {
        let (mut written, mut read) = (Map::new(), Map::new());
        for key in 0..self.rng.usize(0..4) {
            let value = self.value(values)?;
            written.insert(format!("{prefix}{key}"), value.0);
            read.insert(format!("{prefix}{key}"), value.1);
        }
        Ok((written.into(), read.into()))
    }

    fn record(&mut self, fields: &Json) -> Result<(Json, Json), String> {
        let (mut written, mut read) = (Map::new(), Map::new());
        for field in fields.as_array().ok_or("a record without fields")? {
            let name = field["name"].as_str().ok_or("a field without a name")?;
            let value = self.value(&field["type"])?;
            written.insert(name.to_owned(), value.0);
            read.insert(self.field_name(name), value.1);
        }
        Ok((written.into(), read.into()))
    }

    fn field_name(&self, name: &str) -> String {
        if self.keeps_case { name.to_owned() } else { name.to_uppercase() }
    }
}
