//! Confluent's option `(confluent.field_meta)` in a file's descriptor: the parameters that tell, among others, how many digits
//! a decimal has. The types of descriptors that the parser brings know no options of others.

use std::collections::HashMap;

use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use protox::file::File;

/// What is looked at of a descriptor.
const SEEN: &str = r#"syntax = "proto3";
    message File { repeated Message messages = 4; }
    message Message { string name = 1; repeated Field fields = 2; repeated Message messages = 3; }
    message Field { string name = 1; Options options = 8; }
    message Options { Meta meta = 1088; }
    message Meta { map<string, string> params = 2; }"#;

/// The parameters of fields, by [`path`], in the order of their names.
pub(super) fn params(descriptor: &[u8]) -> Result<HashMap<String, Vec<(String, String)>>, String> {
    let seen = File::from_source("seen", SEEN).map_err(|error| error.to_string())?;
    let set = FileDescriptorSet { file: vec![seen.file_descriptor_proto().clone()] };
    let pool = DescriptorPool::from_file_descriptor_set(set).map_err(|error| error.to_string())?;
    let kind = pool.get_message_by_name("File").ok_or("there is no such message")?;
    let file = DynamicMessage::decode(kind, descriptor).map_err(|error| error.to_string())?;
    let mut found = HashMap::new();
    messages(&file, &mut Vec::new(), &mut found);
    Ok(found)
}

/// Where a field is: the messages around it, and its name.
pub(super) fn path(scope: &[String], field: &str) -> String {
    format!("{}.{field}", scope.join("."))
}

fn messages(of: &DynamicMessage, scope: &mut Vec<String>, found: &mut HashMap<String, Vec<(String, String)>>) {
    for message in parts(of, "messages") {
        scope.push(text(&message, "name"));
        for field in parts(&message, "fields") {
            let params = field_params(&field).unwrap_or_default();
            if !params.is_empty() {
                found.insert(path(scope, &text(&field, "name")), params);
            }
        }
        messages(&message, scope, found);
        scope.pop();
    }
}

fn field_params(field: &DynamicMessage) -> Option<Vec<(String, String)>> {
    let options = field.get_field_by_name("options")?;
    let meta = options.as_message()?.get_field_by_name("meta")?;
    let params = meta.as_message()?.get_field_by_name("params")?;
    let entries = params.as_map()?.iter();
    let mut params: Vec<(String, String)> =
        entries.filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.as_str()?.to_owned()))).collect();
    params.sort();
    Some(params)
}

fn parts(of: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    let list = of.get_field_by_name(field);
    let items = list.as_deref().and_then(Value::as_list).unwrap_or_default();
    items.iter().filter_map(Value::as_message).cloned().collect()
}

fn text(of: &DynamicMessage, field: &str) -> String {
    let value = of.get_field_by_name(field);
    value.as_deref().and_then(Value::as_str).unwrap_or_default().to_owned()
}
