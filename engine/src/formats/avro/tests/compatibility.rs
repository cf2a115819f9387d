//! What can be read by what.

use super::*;

fn check(reader: &Json, writer: &Json) -> Vec<String> {
    let parse = |json: &Json| AvroSchema::parse(&Schema::alone(Language::Avro, json.to_string())).unwrap();
    let found = incompatibilities(&parse(reader), &parse(writer)).unwrap();
    found.iter().map(|problem| format!("{} {} {}", problem.ty, problem.path, problem.message)).collect()
}

fn record(fields: Json) -> Json {
    json!({"type": "record", "name": "r", "fields": fields})
}

#[test]
fn what_stands_against_reading_is_told_with_its_place() {
    let a = json!({"name": "a", "type": "int"});
    assert_eq!(
        check(&record(json!([a, {"name": "b", "type": "int"}])), &record(json!([a]))),
        ["READER_FIELD_MISSING_DEFAULT_VALUE /fields/1 b"]
    );
    assert!(check(&record(json!([a, {"name": "b", "type": "int", "default": 1}])), &record(json!([a]))).is_empty());
    assert!(check(&record(json!([{"name": "b", "type": "int", "aliases": ["a"]}])), &record(json!([a]))).is_empty());
    assert_eq!(
        check(&record(json!([{"name": "a", "type": "string"}])), &record(json!([a]))),
        ["TYPE_MISMATCH /fields/0/type reader type: STRING not compatible with writer type: INT"]
    );
    assert_eq!(
        check(&json!({"type": "record", "name": "x", "fields": []}), &record(json!([]))),
        ["NAME_MISMATCH /name expected: r"]
    );
    let symbols =
        |symbols: Json, default: Json| json!({"type": "enum", "name": "e", "symbols": symbols, "default": default});
    assert_eq!(
        check(&symbols(json!(["A"]), json!(null)), &symbols(json!(["C", "A", "B"]), json!(null))),
        ["MISSING_ENUM_SYMBOLS /symbols [B, C]"]
    );
    assert!(check(&symbols(json!(["A"]), json!("A")), &symbols(json!(["B"]), json!(null))).is_empty());
    let fixed = |size: i32| json!({"type": "fixed", "name": "f", "size": size});
    assert_eq!(check(&fixed(2), &fixed(3)), ["FIXED_SIZE_MISMATCH /size expected: 3, found: 2"]);
    assert_eq!(
        check(&json!(["null", "int"]), &json!(["null", "string"])),
        ["MISSING_UNION_BRANCH /1 reader union lacking writer type: STRING"]
    );
    assert_eq!(
        check(&json!("int"), &json!(["null", "int"])),
        ["TYPE_MISMATCH / reader type: INT not compatible with writer type: NULL"]
    );
    assert!(check(&json!(["null", "double"]), &json!(["int", "float"])).is_empty());
    assert_eq!(
        check(&json!({"type": "array", "items": "int"}), &json!({"type": "array", "items": "long"})),
        ["TYPE_MISMATCH /items reader type: INT not compatible with writer type: LONG"]
    );
}

#[test]
fn recursive_schemas_end() {
    let node = |ty: &str| record(json!([{"name": "v", "type": ty}, {"name": "next", "type": ["null", "r"]}]));
    assert!(check(&node("long"), &node("int")).is_empty());
    assert!(!check(&node("int"), &node("long")).is_empty());
}

#[test]
fn confluents_words() {
    let a = json!({"name": "a", "type": "int"});
    let parse = |json: &Json| AvroSchema::parse(&Schema::alone(Language::Avro, json.to_string())).unwrap();
    let (new, old) = (record(json!([a, {"name": "b", "type": "int"}])), record(json!([a])));
    let found = incompatibilities(&parse(&new), &parse(&old)).unwrap();
    assert_eq!(
        found[0].describe("new", "old"),
        "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/1' in the new \
         schema has no default value and is missing in the old schema', additionalInfo:'b'}"
    );
}
