//! Results as other programs read them: comma-separated values, one JSON object in each line.

use serde_json::{Map, Value};

use crate::args::OutputFormat;

/// Members of an answer that are about it and not in it.
const ABOUT: [&str; 3] = ["@type", "statementText", "warnings"];

/// What a statement has answered: one record for each member of its list, else one.
pub(crate) fn records(format: OutputFormat, entity: &Value) -> String {
    let found = elements(entity);
    if format != OutputFormat::Csv {
        return found.into_iter().map(|record| format!("{}\n", Value::Object(record))).collect();
    }
    let mut names: Vec<&String> = Vec::new();
    for name in found.iter().flat_map(Map::keys) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let row =
        |record: &Map<String, Value>| csv_line(names.iter().map(|name| record.get(*name).cloned().unwrap_or_default()));
    let header = csv_line(names.iter().map(|name| Value::from(name.as_str())));
    let header = std::iter::once(header).filter(|_| !names.is_empty());
    header.chain(found.iter().map(row)).collect()
}

fn elements(entity: &Value) -> Vec<Map<String, Value>> {
    let Some(members) = entity.as_object() else { return Vec::new() };
    let own: Vec<(&String, &Value)> = members.iter().filter(|(name, _)| !ABOUT.contains(&name.as_str())).collect();
    match own.as_slice() {
        [(name, Value::Array(list))] => list.iter().map(|element| as_record(name, element)).collect(),
        [(_, Value::Object(only))] => vec![only.clone()],
        _ => {
            let list =
                own.iter().find(|(_, value)| value.as_array().is_some_and(|list| list.iter().all(Value::is_object)));
            match list {
                Some((name, Value::Array(list))) if !list.is_empty() => {
                    list.iter().map(|element| as_record(name, element)).collect()
                }
                _ => vec![own.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect()],
            }
        }
    }
}

fn as_record(list: &str, element: &Value) -> Map<String, Value> {
    element.as_object().cloned().unwrap_or_else(|| Map::from_iter([(list.to_owned(), element.clone())]))
}

/// A line as RFC 4180 wants it, with the line end of Unix. NULL is nothing, an empty text `""`.
pub(super) fn csv_line(values: impl IntoIterator<Item = Value>) -> String {
    let fields = values.into_iter().map(|value| match value {
        Value::Null => String::new(),
        Value::String(text) => csv_field(text),
        other => csv_field(other.to_string()),
    });
    format!("{}\n", fields.collect::<Vec<_>>().join(","))
}

fn csv_field(text: String) -> String {
    let is_plain = !text.is_empty() && !text.contains([',', '"', '\r', '\n']);
    if is_plain { text } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// A row as an object. A row that is gone from its table has nothing but its key, and says so.
pub(super) fn json_line(names: &[String], columns: Vec<Value>, tombstone: bool) -> String {
    let mut row: Map<String, Value> = names.iter().cloned().zip(columns).collect();
    if tombstone {
        row.insert("@tombstone".to_owned(), Value::Bool(true));
    }
    format!("{}\n", Value::Object(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quotes_where_they_are_needed() {
        let line =
            csv_line([json!("a"), json!("a,b"), json!("say \"a\""), json!("two\nlines"), json!(1.50), json!([1, "x"])]);
        assert_eq!(line, "a,\"a,b\",\"say \"\"a\"\"\",\"two\nlines\",1.5,\"[1,\"\"x\"\"]\"\n");
        assert_eq!(csv_line([Value::Null, json!(""), json!("null")]), ",\"\",null\n");
    }

    #[test]
    fn lists_of_an_answer_are_records() {
        let streams = json!({"@type": "streams", "statementText": "SHOW STREAMS;", "warnings": [],
            "streams": [{"name": "A", "topic": "a"}, {"name": "B", "extra": [1]}]});
        assert_eq!(records(OutputFormat::Csv, &streams), "name,topic,extra\nA,a,\nB,,[1]\n");
        let lines = "{\"name\":\"A\",\"topic\":\"a\"}\n{\"name\":\"B\",\"extra\":[1]}\n";
        assert_eq!(records(OutputFormat::JsonLines, &streams), lines);
        let none = json!({"@type": "streams", "statementText": "SHOW STREAMS;", "streams": [], "warnings": []});
        assert_eq!(records(OutputFormat::Csv, &none), "");
        let one = json!({"@type": "sourceDescription", "sourceDescription": {"name": "A"}, "warnings": []});
        assert_eq!(records(OutputFormat::JsonLines, &one), "{\"name\":\"A\"}\n");
        let properties = json!({"@type": "properties", "properties": [{"name": "a"}], "overwrittenProperties": [],
            "defaultProperties": ["a"]});
        assert_eq!(records(OutputFormat::Csv, &properties), "name\na\n");
    }

    #[test]
    fn a_row_that_is_gone_says_so() {
        let names = ["K".to_owned(), "V".to_owned()];
        assert_eq!(json_line(&names, vec![json!(1), Value::Null], true), "{\"K\":1,\"V\":null,\"@tombstone\":true}\n");
    }
}
