//! The columns that schemas get.

use super::*;

fn infer(text: &Json, spec: &FormatSpec, is_key: bool) -> Result<String, String> {
    let schema = Schema::alone(Language::Avro, text.to_string());
    let columns = columns(&schema, spec, is_key).map_err(|error| error.to_string())?;
    Ok(columns.iter().map(|column| format!("{} {}", column.name, column.ty)).collect::<Vec<_>>().join(", "))
}

#[test]
fn names_keep_their_case_with_a_schema_id() {
    let text = json!({"type": "record", "name": "r", "fields": [{"name": "aB", "type": "int"}]});
    let spec = FormatSpec { schema_id: Some(1), ..wrapped() };
    assert_eq!(infer(&text, &spec, false).as_deref(), Ok("aB INTEGER"));
    assert_eq!(infer(&text, &wrapped(), false).as_deref(), Ok("AB INTEGER"));
}

#[test]
fn what_is_not_wrapped_is_one_column() {
    let text = json!({"type": "record", "name": "r", "fields": [{"name": "f1", "type": "int"}]});
    let bare = FormatSpec::plain("AVRO", false);
    assert_eq!(infer(&text, &bare, false).as_deref(), Ok("ROWVAL STRUCT<`F1` INTEGER>"));
    assert_eq!(infer(&text, &bare, true).as_deref(), Ok("ROWKEY STRUCT<`F1` INTEGER>"));
    assert_eq!(infer(&json!("string"), &bare, true).as_deref(), Ok("ROWKEY STRING"));
    assert!(infer(&json!("string"), &wrapped(), false).unwrap_err().contains("anonymous type"));
}

#[test]
fn recursion_is_refused_where_it_is() {
    let list = json!({"type": "record", "name": "Node", "fields": [
        {"name": "value", "type": "int"}, {"name": "next", "type": ["null", "Node"]}]});
    let text = json!({"type": "record", "name": "r", "fields": [{"name": "list", "type": list}]});
    let problem = infer(&text, &wrapped(), false).unwrap_err();
    assert!(problem.contains("'list.next'") && problem.contains("Node is recursive"), "{problem}");
    // Each type names the one before twice: 2^40 columns.
    let mut fields = vec![json!({"name": "f0", "type": {"type": "record", "name": "R0", "fields": [
        {"name": "a", "type": "int"}]}})];
    for i in 1..40 {
        let before = format!("R{}", i - 1);
        fields.push(json!({"name": format!("f{i}"), "type": {"type": "record", "name": format!("R{i}"),
            "fields": [{"name": "a", "type": before}, {"name": "b", "type": before}]}}));
    }
    let problem = infer(&json!({"type": "record", "name": "r", "fields": fields}), &wrapped(), false).unwrap_err();
    assert!(problem.contains("parts"), "{problem}");
    let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(1000), "}".repeat(1000));
    let problem = columns(&Schema::alone(Language::Avro, deep), &wrapped(), false).unwrap_err().to_string();
    assert!(problem.contains("deeper"), "{problem}");
}

#[test]
fn references_are_known_by_name() {
    let address = json!({"type": "record", "name": "Address", "namespace": "a", "fields": [
        {"name": "city", "type": "string"}]});
    let text = json!({"type": "record", "name": "P", "namespace": "a", "fields": [
        {"name": "home", "type": "Address"}, {"name": "work", "type": ["null", "a.Address"]}]});
    let mut schema = Schema::alone(Language::Avro, text.to_string());
    schema.referenced =
        vec![crate::schemas::Referenced { name: "a.Address".to_owned(), text: address.to_string().into() }];
    let columns = columns(&schema, &wrapped(), false).unwrap();
    assert_eq!(columns.len(), 2);
    assert_eq!(columns[1].ty, struct_of(&[("CITY", SqlType::String)]));
    schema.referenced.clear();
    assert!(AvroSchema::parse(&schema).unwrap_err().to_string().contains("Undefined name: \"a.Address\""));
}
