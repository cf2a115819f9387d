//! Results as other programs read them: comma-separated values, one JSON object in each line.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wire::Entity;

use super::entities::type_text;
use crate::args::OutputFormat;
use crate::output::Records;

/// Members of an answer that are about it and not in it.
const ABOUT: [&str; 3] = ["@type", "statementText", "warnings"];

/// Answers that are lists: their `@type`, the member that is the list, and the names of its members' values where the list
/// may well be empty.
const LISTS: [(&str, &str, &[&str]); 12] = [
    ("streams", "streams", &SOURCE),
    ("tables", "tables", &SOURCE),
    ("source_descriptions", "sourceDescriptions", &[]),
    ("queries", "queries", &["queryString", "sinks", "sinkKafkaTopics", "id", "statusCount", "queryType", "state"]),
    ("query_descriptions", "queryDescriptions", &[]),
    ("kafka_topics", "topics", &["name", "replicaInfo"]),
    ("kafka_topics_extended", "topics", &["name", "replicaInfo", "consumerCount", "consumerGroupCount"]),
    ("properties", "properties", &[]),
    ("function_names", "functions", &[]),
    ("variables", "variables", &["name", "value"]),
    ("connector_list", "connectors", &[]),
    ("connector_plugins_list", "connectorsPlugins", &[]),
];
const SOURCE: [&str; 6] = ["type", "name", "topic", "keyFormat", "valueFormat", "isWindowed"];
const TYPE: [&str; 2] = ["name", "schema"];

/// What a statement has answered: a record for each member of its list, else one for all of it.
pub(crate) struct Answer {
    /// Names of the values, as far as they are known without a record.
    names: &'static [&'static str],
    records: Vec<Map<String, Value>>,
}

impl Answer {
    /// Takes it apart.
    pub(crate) fn of(answer: &Value, parsed: &Entity) -> Self {
        if let Entity::Types(found) = parsed {
            let schema = |(name, ty)| [Value::from(name), Value::from(type_text(&ty))];
            let record = |values: [Value; 2]| TYPE.map(ToOwned::to_owned).into_iter().zip(values).collect();
            return Self { names: &TYPE, records: found.schemas().into_iter().map(schema).map(record).collect() };
        }
        let tag = answer["@type"].as_str().unwrap_or_default();
        let list = LISTS.iter().find(|(of, ..)| *of == tag);
        if let Some((_, list, names)) = list
            && let Some(members) = answer[list].as_array()
        {
            return Self { names, records: members.iter().map(|member| as_record(list, member)).collect() };
        }
        let members = answer.as_object().into_iter().flatten();
        let own: Map<String, Value> = members
            .filter(|(name, _)| !ABOUT.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let only = if own.len() == 1 { own.values().next().and_then(Value::as_object).cloned() } else { None };
        Self { names: &[], records: vec![only.unwrap_or(own)] }
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// As text.
    pub(crate) fn shown(&self, format: OutputFormat) -> Records {
        let mut shown = Records::default();
        if format != OutputFormat::Csv {
            self.records.iter().for_each(|record| shown.push(&format!("{}\n", Value::Object(record.clone()))));
            return shown;
        }
        let mut names: Vec<&str> = if self.records.is_empty() { self.names.to_vec() } else { Vec::new() };
        for name in self.records.iter().flat_map(Map::keys) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        if !names.is_empty() {
            shown.push(&csv_header(&names));
        }
        for record in &self.records {
            shown.push(&csv_line(names.iter().map(|name| record.get(*name).map_or(Field::Null, Field::of))));
        }
        shown
    }
}

fn as_record(list: &str, element: &Value) -> Map<String, Value> {
    element.as_object().cloned().unwrap_or_else(|| Map::from_iter([(list.to_owned(), element.clone())]))
}

/// A value of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    Null,
    Text(String),
    /// A number, a list and so on, as the server wrote it: `1.0E300` stays that.
    Json(String),
}

impl Field {
    /// A value as it came.
    pub(super) fn of_raw(raw: &RawValue) -> Self {
        match raw.get() {
            "null" => Self::Null,
            json => serde_json::from_str(json).map_or_else(|_| Self::Json(json.to_owned()), Self::Text),
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::String(text) => Self::Text(text.clone()),
            other => Self::Json(other.to_string()),
        }
    }

    fn json(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Text(text) => Value::from(text.as_str()).to_string(),
            Self::Json(json) => json.clone(),
        }
    }
}

/// The line of names.
pub(super) fn csv_header(names: &[impl AsRef<str>]) -> String {
    csv_line(names.iter().map(|name| Field::Text(name.as_ref().to_owned())))
}

/// A line as RFC 4180 wants it, with the line end of Unix. NULL is nothing, an empty text `""`.
pub(super) fn csv_line(values: impl IntoIterator<Item = Field>) -> String {
    let fields = values.into_iter().map(|value| match value {
        Field::Null => String::new(),
        Field::Text(text) | Field::Json(text) => csv_field(text),
    });
    format!("{}\n", fields.collect::<Vec<_>>().join(","))
}

fn csv_field(text: String) -> String {
    let is_plain = !text.is_empty() && !text.contains([',', '"', '\r', '\n']);
    if is_plain { text } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// A row as an object. A row that is gone from its table has nothing but its key, and says so.
pub(super) fn json_line(names: &[String], columns: &[Field], tombstone: bool) -> String {
    let member = |(name, field): (&String, &Field)| format!("{}:{}", Value::from(name.as_str()), field.json());
    let mut members: Vec<String> = names.iter().zip(columns).map(member).collect();
    if tombstone {
        members.push("\"@tombstone\":true".to_owned());
    }
    format!("{{{}}}\n", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn csv(values: &[Value]) -> String {
        csv_line(values.iter().map(Field::of))
    }

    fn shown(format: OutputFormat, answer: &Value) -> String {
        let parsed = serde_json::from_value(answer.clone()).unwrap_or_else(|_| Entity::Other(answer.clone()));
        Answer::of(answer, &parsed).shown(format).text().to_owned()
    }

    #[test]
    fn quotes_where_they_are_needed() {
        let line =
            csv(&[json!("a"), json!("a,b"), json!("say \"a\""), json!("two\nlines"), json!(1.50), json!([1, "x"])]);
        assert_eq!(line, "a,\"a,b\",\"say \"\"a\"\"\",\"two\nlines\",1.5,\"[1,\"\"x\"\"]\"\n");
        assert_eq!(csv(&[Value::Null, json!(""), json!("null")]), ",\"\",null\n");
    }

    #[test]
    fn numbers_are_as_they_came() {
        for number in ["1.0E300", "-0.0", "12345678901234567890.10", "[1.0E-7,{\"A\":1E5}]"] {
            let raw: Box<RawValue> = serde_json::from_str(number).unwrap();
            assert_eq!(Field::of_raw(&raw).json(), number);
        }
        let text: Box<RawValue> = serde_json::from_str(r#""a\u00e9\n""#).unwrap();
        assert_eq!(Field::of_raw(&text), Field::Text("a\u{e9}\n".to_owned()));
    }

    #[test]
    fn lists_of_an_answer_are_records() {
        let streams = json!({"@type": "streams", "statementText": "SHOW STREAMS;", "warnings": [],
            "streams": [{"name": "A", "topic": "a"}, {"name": "B", "extra": [1]}]});
        assert_eq!(shown(OutputFormat::Csv, &streams), "name,topic,extra\nA,a,\nB,,[1]\n");
        let lines = "{\"name\":\"A\",\"topic\":\"a\"}\n{\"name\":\"B\",\"extra\":[1]}\n";
        assert_eq!(shown(OutputFormat::JsonLines, &streams), lines);
        let none = json!({"@type": "streams", "statementText": "SHOW STREAMS;", "streams": [], "warnings": []});
        assert_eq!(shown(OutputFormat::Csv, &none), "type,name,topic,keyFormat,valueFormat,isWindowed\n");
        assert_eq!(shown(OutputFormat::JsonLines, &none), "");
        let one = json!({"@type": "sourceDescription", "sourceDescription": {"name": "A"}, "warnings": []});
        assert_eq!(shown(OutputFormat::JsonLines, &one), "{\"name\":\"A\"}\n");
        let properties = json!({"@type": "properties", "properties": [{"name": "a"}], "overwrittenProperties": [],
            "defaultProperties": ["a"]});
        assert_eq!(shown(OutputFormat::Csv, &properties), "name\na\n");
    }

    #[test]
    fn what_is_no_list_is_one_record() {
        let function = json!({"@type": "describe_function", "statementText": "DESCRIBE FUNCTION ABS;", "warnings": [],
            "name": "ABS", "author": "x", "functions": [{"returnType": "INT"}]});
        let line = "{\"name\":\"ABS\",\"author\":\"x\",\"functions\":[{\"returnType\":\"INT\"}]}\n";
        assert_eq!(shown(OutputFormat::JsonLines, &function), line);
    }

    #[test]
    fn types_are_a_list() {
        let schema = |base: &str| json!({"type": base, "fields": null, "memberSchema": null});
        let types = |types: Value| json!({"@type": "type_list", "statementText": "", "types": types, "warnings": []});
        let two = types(json!({"A": schema("INTEGER"), "B": schema("STRING")}));
        assert_eq!(shown(OutputFormat::Csv, &two), "name,schema\nA,INTEGER\nB,VARCHAR(STRING)\n");
        assert_eq!(shown(OutputFormat::Csv, &types(json!({}))), "name,schema\n");
        assert_eq!(shown(OutputFormat::JsonLines, &types(json!({}))), "");
    }

    #[test]
    fn a_row_that_is_gone_says_so() {
        let names = ["K".to_owned(), "V".to_owned()];
        let columns = [Field::Json("1".to_owned()), Field::Null];
        assert_eq!(json_line(&names, &columns, true), "{\"K\":1,\"V\":null,\"@tombstone\":true}\n");
    }
}
