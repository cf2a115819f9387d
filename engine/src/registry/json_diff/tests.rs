use serde_json::json;

use super::bounds::constant;
use super::*;

fn later() -> Instant {
    Instant::now() + std::time::Duration::from_secs(3600)
}

fn told(new: &Value, old: &Value) -> Vec<String> {
    differences(later(), Documents::new(new, &[]), Documents::new(old, &[]), true)
}

/// What stands against reading documents of `old` with `new`.
fn kinds(old: &Value, new: &Value) -> Vec<String> {
    let told = told(new, old);
    let kind = |text: &String| text.split('"').nth(1).unwrap_or_default().to_owned();
    told.iter().map(kind).collect()
}

fn since_2019(mut schema: Value) -> Value {
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema
}

fn object(properties: Value, others: Value) -> Value {
    json!({"type": "object", "properties": properties, "additionalProperties": others})
}

#[test]
fn types_may_grow_and_not_shrink() {
    let text = json!({"type": "string"});
    assert!(kinds(&text, &text).is_empty());
    assert!(kinds(&text, &json!(true)).is_empty() && kinds(&json!(false), &text).is_empty());
    assert!(kinds(&text, &json!({"title": "anything", "connect.index": 1})).is_empty());
    assert_eq!(kinds(&json!({}), &text), ["TYPE_CHANGED"]);
    assert!(kinds(&json!({"type": "integer"}), &json!({"type": "number"})).is_empty());
    assert_eq!(kinds(&json!({"type": "number"}), &json!({"type": "integer"})), ["TYPE_NARROWED"]);
    let nullable = json!({"oneOf": [{"type": "null"}, {"type": "string"}]});
    assert!(kinds(&text, &nullable).is_empty());
    assert_eq!(kinds(&nullable, &text), ["TYPE_CHANGED"]);
    assert!(kinds(&nullable, &json!({"type": ["string", "null", "integer"]})).is_empty());
    assert_eq!(kinds(&nullable, &json!({"oneOf": [{"type": "null"}]})), ["SUM_TYPE_NARROWED"]);
    let other = json!({"anyOf": [{"type": "null"}, {"type": "boolean"}]});
    assert_eq!(kinds(&nullable, &other), ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"]);
    let (few, many) = (json!({"enum": [1, 2]}), json!({"enum": [1, 2, 3]}));
    assert!(kinds(&few, &many).is_empty());
    assert_eq!(kinds(&many, &few), ["ENUM_ARRAY_NARROWED"]);
    // As in Confluent's registry these are no values of each other.
    assert_eq!(kinds(&few, &json!({"const": 1})), ["TYPE_CHANGED"]);
    assert_eq!(kinds(&json!({"const": 1}), &json!({"const": 2})), ["ENUM_ARRAY_CHANGED"]);
    let texts = |values: Value| json!({"type": "string", "enum": values});
    assert!(kinds(&texts(json!(["a"])), &texts(json!(["b", "a"]))).is_empty());
    assert_eq!(kinds(&texts(json!(["a", "b"])), &texts(json!(["a"]))), ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"]);
}

#[test]
fn bounds_may_loosen_and_not_tighten() {
    let bounded = |word: &str, value: Value| json!({"type": if word.contains("Length") || word == "pattern" { "string" } else { "number" }, word: value});
    for (word, looser, tighter, kind) in [
        ("maxLength", json!(5), json!(4), "MAX_LENGTH_DECREASED"),
        ("minLength", json!(1), json!(2), "MIN_LENGTH_INCREASED"),
        ("maximum", json!(5.5), json!(5), "MAXIMUM_DECREASED"),
        ("exclusiveMinimum", json!(0), json!(1), "EXCLUSIVE_MINIMUM_INCREASED"),
        ("multipleOf", json!(2), json!(4), "MULTIPLE_OF_EXPANDED"),
        ("pattern", json!("a"), json!("b"), "PATTERN_CHANGED"),
    ] {
        let (loose, tight) = (bounded(word, looser), bounded(word, tighter));
        assert_eq!(kinds(&loose, &tight), [kind], "{word}");
        if kind != "PATTERN_CHANGED" {
            assert!(kinds(&tight, &loose).is_empty(), "{word}");
            let none = json!({"type": loose["type"]});
            assert_eq!(kinds(&none, &loose), [format!("{}_ADDED", constant(word))]);
            assert!(kinds(&loose, &none).is_empty());
        }
    }
}

#[test]
fn multiples_are_those_of_decimals() {
    let of =
        |text: &str| serde_json::from_str::<Value>(&format!("{{\"type\":\"number\",\"multipleOf\":{text}}}")).unwrap();
    for (old, new, expected) in [
        ("0.1", "0.01", &[][..]),
        ("0.01", "0.1", &["MULTIPLE_OF_EXPANDED"]),
        ("0.3", "0.1", &[]),
        ("0.1", "0.03", &["MULTIPLE_OF_CHANGED"]),
        ("1e1", "10.0", &[]),
        ("36028797018963969", "36028797018963968", &["MULTIPLE_OF_CHANGED"]),
        ("1e300", "1e-300", &[]),
        // Neither is there a remainder, nor room for so many zeros.
        ("1", "0", &["MULTIPLE_OF_EXPANDED"]),
        ("0", "1.5", &[]),
        ("0", "-0.0", &["MULTIPLE_OF_CHANGED"]),
        ("1e999999999", "3", &["MULTIPLE_OF_CHANGED"]),
        ("1e-999999999", "1e-999999999", &[]),
        ("true", "2", &["MULTIPLE_OF_ADDED"]),
    ] {
        assert_eq!(kinds(&of(old), &of(new)), expected, "{old} to {new}");
    }
}

#[test]
fn properties_follow_the_content_model() {
    let (one, two) = (json!({"a": {"type": "integer"}}), json!({"a": {"type": "integer"}, "b": {"type": "string"}}));
    let (open, closed) = (json!(true), json!(false));
    assert_eq!(
        kinds(&object(one.clone(), open.clone()), &object(two.clone(), open.clone())),
        ["PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"]
    );
    assert!(kinds(&object(two.clone(), open.clone()), &object(one.clone(), open.clone())).is_empty());
    assert!(kinds(&object(one.clone(), closed.clone()), &object(two.clone(), closed.clone())).is_empty());
    assert_eq!(
        kinds(&object(two.clone(), closed.clone()), &object(one.clone(), closed.clone())),
        ["PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"]
    );
    let texts = json!({"type": "string"});
    assert!(kinds(&object(two.clone(), closed.clone()), &object(one.clone(), texts.clone())).is_empty());
    assert_eq!(kinds(&object(one.clone(), open), &object(one.clone(), texts)), ["ADDITIONAL_PROPERTIES_NARROWED"]);
    let mut required = object(two, closed.clone());
    required["required"] = json!(["b"]);
    assert_eq!(
        kinds(&object(one.clone(), closed.clone()), &required),
        ["REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL"]
    );
    required["properties"]["b"]["default"] = json!("");
    assert!(kinds(&object(one.clone(), closed.clone()), &required).is_empty());
    let mut a = object(one.clone(), closed.clone());
    a["required"] = json!(["a"]);
    assert_eq!(kinds(&object(one, closed), &a), ["REQUIRED_ATTRIBUTE_ADDED"]);
}

#[test]
fn references_within_a_schema_are_followed() {
    let list = |kind: &str| {
        json!({"$ref": "#/definitions/node", "definitions": {"node": {"type": "object", "properties": {
            "value": {"type": kind}, "next": {"oneOf": [{"type": "null"}, {"$ref": "#/definitions/node"}]}
        }}}})
    };
    assert!(kinds(&list("integer"), &list("number")).is_empty());
    assert_eq!(kinds(&list("number"), &list("string")), ["TYPE_CHANGED"]);
    let all = |kind: &str| json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": kind}}});
    assert!(kinds(&all("string"), &all("string")).is_empty());
    assert_eq!(
        kinds(&all("string"), &all("number")),
        ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"],
        "the same words, of something else"
    );
    let elsewhere = json!({"$ref": "http://example.com/x.json"});
    assert_eq!(kinds(&elsewhere, &json!({"type": "string"})), ["NOT_COMPARED"]);
}

#[test]
fn references_to_other_schemas_are_followed() {
    let whole = json!({"type": "object", "properties": {"a": {"$ref": "a.json#/$defs/a"}}});
    let others = |kind: &str| [("a.json", json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": kind}}}))];
    let compare = |old: &str, new: &str| {
        let (old, new) = (others(old), others(new));
        let (old, new) = (Documents::new(&whole, &old), Documents::new(&whole, &new));
        differences(later(), new, old, true)
    };
    assert!(compare("integer", "number").is_empty());
    assert!(compare("integer", "string")[0].contains("TYPE_CHANGED"));
}

#[test]
fn what_is_not_compared_must_be_the_same() {
    let dynamic = since_2019(json!({"$dynamicRef": "#a"}));
    assert!(kinds(&dynamic, &dynamic).is_empty());
    assert_eq!(kinds(&dynamic, &json!({"type": "string"})), ["NOT_COMPARED"]);
    let told = told(&json!({"type": "string"}), &dynamic);
    assert!(told[0].contains("compatibility NONE takes it") && told[0].contains("path '#/'"), "{told:?}");
}

#[test]
fn alternatives_may_grow_and_products_shrink() {
    let of = |word: &str, kinds: &[&str]| {
        let branches: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind})).collect();
        json!({word: branches})
    };
    let (one, two) = (["string"], ["string", "null"]);
    for (old, new, expected) in [
        (of("oneOf", &two), of("anyOf", &two), &[][..]),
        (of("allOf", &two), of("anyOf", &two), &[]),
        (of("anyOf", &two), of("oneOf", &two), &["COMBINED_TYPE_CHANGED"]),
        (json!({"type": two}), of("oneOf", &two), &["COMBINED_TYPE_CHANGED"]),
        (of("oneOf", &two), json!({"type": two}), &[]),
        (of("anyOf", &one), of("oneOf", &two), &[]),
        (of("allOf", &one), of("oneOf", &one), &[]),
        (of("oneOf", &two), of("allOf", &two), &["COMBINED_TYPE_CHANGED"]),
        (of("allOf", &two), of("allOf", &one), &[]),
        (of("allOf", &one), of("allOf", &two), &["PRODUCT_TYPE_EXTENDED"]),
        (of("allOf", &two), of("allOf", &["string", "boolean"]), &["COMBINED_TYPE_SUBSCHEMAS_CHANGED"]),
        (
            of("allOf", &one),
            of("allOf", &["boolean", "null"]),
            &["PRODUCT_TYPE_EXTENDED", "COMBINED_TYPE_SUBSCHEMAS_CHANGED"],
        ),
        // The same twice counts once.
        (of("oneOf", &["string", "string"]), of("oneOf", &one), &[]),
        // Alone on one side.
        (json!({"type": "string"}), of("allOf", &one), &[]),
        (of("allOf", &one), json!({"type": "string"}), &[]),
        (json!({"type": "string"}), of("allOf", &two), &["TYPE_CHANGED"]),
        (of("allOf", &two), json!({"type": "string"}), &["TYPE_CHANGED"]),
    ] {
        assert_eq!(kinds(&old, &new), expected, "{old} to {new}");
    }
    // Properties beside alternatives are one product.
    let either = |kind: &str, names: &[&str]| {
        let branches: Vec<Value> = names.iter().map(|name| json!({"required": [name]})).collect();
        json!({"type": "object", "properties": {"a": {"type": kind}}, "oneOf": branches})
    };
    assert!(kinds(&either("integer", &["a"]), &either("number", &["a", "b"])).is_empty());
    assert_eq!(kinds(&either("number", &["a"]), &either("integer", &["a"])), ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"]);
}

#[test]
fn many_alternatives_are_compared_as_far_as_they_changed() {
    let events = |many: usize, kind: &str| {
        let mut all: Vec<Value> =
            (0..many).map(|i| object(json!({format!("f{i}"): {"type": "string"}}), json!(false))).collect();
        all.insert(7, object(json!({"changed": {"type": kind}}), json!(false)));
        json!({"oneOf": all})
    };
    assert!(kinds(&events(300, "integer"), &events(300, "integer")).is_empty());
    assert!(kinds(&events(300, "integer"), &events(310, "number")).is_empty());
    assert_eq!(kinds(&events(300, "string"), &events(300, "number")), ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"]);
}

#[test]
fn what_must_not_hold_may_shrink_and_conditions_do_not_count() {
    let not = |kind: &str| json!({"not": {"type": kind}});
    assert!(kinds(&not("number"), &not("integer")).is_empty());
    assert_eq!(kinds(&not("integer"), &not("number")), ["NOT_TYPE_EXTENDED"]);
    let on = |value: i32| json!({"if": {"const": value}, "then": {"minimum": value}});
    assert!(kinds(&on(1), &on(2)).is_empty());
    assert_eq!(kinds(&json!({"type": "string"}), &on(1)), ["TYPE_CHANGED"]);
    let draft_4 = |is_exclusive: bool| json!({"type": "number", "maximum": 1, "exclusiveMaximum": is_exclusive});
    assert!(kinds(&draft_4(false), &draft_4(true)).is_empty());
}

#[test]
fn patterns_make_a_content_model_partly_open() {
    let with = |patterns: Value, properties: Value| json!({"type": "object", "patternProperties": patterns, "properties": properties});
    let texts = json!({"^s_": {"type": "string"}});
    let has = |name: &str, kind: &str| json!({name: {"type": kind}});
    for (old, new, expected) in [
        (with(texts.clone(), json!({})), with(texts.clone(), has("s_a", "string")), &[][..]),
        (
            with(texts.clone(), json!({})),
            with(texts.clone(), has("s_a", "null")),
            &["TYPE_CHANGED", "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"],
        ),
        (with(texts.clone(), json!({})), with(texts.clone(), has("n", "null")), &[]),
        (with(texts.clone(), has("s_a", "string")), with(texts.clone(), json!({})), &[]),
        (
            with(texts.clone(), has("s_a", "null")),
            with(texts.clone(), json!({})),
            &["TYPE_CHANGED", "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"],
        ),
        (
            with(texts.clone(), has("n", "null")),
            with(texts.clone(), json!({})),
            &["PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"],
        ),
        (with(json!({"(?=x)": {}}), has("n", "null")), with(json!({"(?=x)": {}}), json!({})), &["NOT_COMPARED"]),
    ] {
        assert_eq!(kinds(&old, &new), expected, "{old} to {new}");
    }
    let needs = |of: Value| json!({"type": "object", "dependencies": {"a": of}});
    for (old, new, expected) in [
        (json!(["b", "c"]), json!(["c"]), &[][..]),
        (json!(["b"]), json!(["c", "b"]), &["DEPENDENCY_ARRAY_EXTENDED"]),
        (json!(["b"]), json!(["c"]), &["DEPENDENCY_ARRAY_CHANGED"]),
        (json!(["b"]), json!({"type": "object"}), &["DEPENDENCY_SCHEMA_ADDED"]),
        (json!({"type": "integer"}), json!({"type": "number"}), &[]),
        (json!({"type": "number"}), json!({"type": "integer"}), &["TYPE_NARROWED"]),
    ] {
        assert_eq!(kinds(&needs(old), &needs(new)), expected);
    }
    assert_eq!(kinds(&json!({"type": "object"}), &needs(json!(["b"]))), ["DEPENDENCY_ARRAY_ADDED"]);
    // What a property refers to is not looked at: it is no schema that takes everything.
    let refers = json!({"type": "object", "properties": {"a": {"$ref": "#/definitions/a"}}, "definitions": {"a": {"type": "null"}}});
    assert_eq!(kinds(&json!({"type": "object"}), &refers), ["PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"]);
}

#[test]
fn items_by_place_follow_the_content_model() {
    let list = |first: &[&str], others: Value| {
        let items: Vec<Value> = first.iter().map(|kind| json!({"type": kind})).collect();
        json!({"type": "array", "items": items, "additionalItems": others})
    };
    let (open, closed, nulls) = (json!(true), json!(false), json!({"type": "null"}));
    for (old, new, expected) in [
        (list(&["integer"], open.clone()), list(&["number"], open.clone()), &[][..]),
        (list(&["number"], open.clone()), list(&["integer"], open.clone()), &["TYPE_NARROWED"]),
        (
            list(&["number"], open.clone()),
            list(&["number", "null"], open.clone()),
            &["ITEM_ADDED_TO_OPEN_CONTENT_MODEL"],
        ),
        (list(&["number"], closed.clone()), list(&["number", "null"], closed.clone()), &[]),
        (list(&["number"], nulls.clone()), list(&["number", "null"], nulls.clone()), &[]),
        (
            list(&["number"], nulls.clone()),
            list(&["number", "string"], nulls.clone()),
            &["TYPE_CHANGED", "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"],
        ),
        (list(&["number", "null"], open.clone()), list(&["number"], open.clone()), &[]),
        (
            list(&["number", "null"], closed.clone()),
            list(&["number"], closed.clone()),
            &["ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL"],
        ),
        (list(&["number", "null"], nulls.clone()), list(&["number"], nulls.clone()), &[]),
        (list(&[], open.clone()), list(&[], closed), &["ADDITIONAL_ITEMS_REMOVED"]),
        (list(&[], open), list(&[], nulls), &["ADDITIONAL_ITEMS_NARROWED"]),
        (json!({"type": "array"}), json!({"type": "array", "items": {"type": "null"}}), &["SCHEMA_ADDED"]),
        (json!({"type": "array", "items": {"type": "null"}}), json!({"type": "array"}), &[]),
        (
            since_2019(json!({"prefixItems": [{"type": "number"}], "items": false})),
            since_2019(json!({"prefixItems": [{"type": "integer"}], "items": false})),
            &["TYPE_NARROWED"],
        ),
        (json!({"type": "array"}), json!({"type": "array", "contains": {"type": "null"}}), &[]),
    ] {
        assert_eq!(kinds(&old, &new), expected, "{old} to {new}");
    }
}

#[test]
fn large_schemas_are_compared_in_little_room_and_time() {
    // Each path whole would be 16 GB.
    let wide = |kind: &str| {
        let properties: Map = (0..20_000).map(|i| (i.to_string(), json!({"type": kind}))).collect();
        object(json!({"n".repeat(400_000): {"type": "object", "properties": properties}}), json!(true))
    };
    let told = told(&wide("string"), &wide("null"));
    assert!(told.len() == MAX_TOLD && told.iter().all(|text| text.len() < 1_500));
    let many = |from: usize| json!({"enum": (from..from + 100_000).collect::<Vec<usize>>()});
    assert_eq!(kinds(&many(0), &many(1)), ["ENUM_ARRAY_CHANGED"]);
    let names =
        |of: &str| json!({"properties": {}, "required": (0..50_000).map(|i| format!("{of}{i}")).collect::<Vec<_>>()});
    assert!(kinds(&names("a"), &names("b")).is_empty());
    // Each definition refers to the next one twice.
    let doubling = |title: &str| {
        let node = |i: usize| {
            json!({"oneOf": [{"type": "null"}, object(json!({
            "a": {"$ref": format!("#/definitions/{}", i + 1)}, "b": {"$ref": format!("#/definitions/{}", i + 1)}
        }), json!(true))]})
        };
        let mut definitions: Map = (0..60).map(|i| (i.to_string(), node(i))).collect();
        definitions.insert("60".to_owned(), json!({"type": "string", "title": title}));
        json!({"$ref": "#/definitions/0", "definitions": definitions})
    };
    assert!(kinds(&doubling("a"), &doubling("b")).is_empty());
}

type Map = serde_json::Map<String, Value>;

#[test]
fn deep_schemas_are_compared_as_far_as_there_is_stack() {
    let test = || {
        for (levels, expected) in [(MAX_LEVELS - 1, "TYPE_CHANGED"), (MAX_LEVELS + 1, "NOT_COMPARED")] {
            let deep = |kind: &str| (0..levels).fold(json!({"type": kind}), |inner, _| json!({"items": inner}));
            assert_eq!(kinds(&deep("string"), &deep("null")), [expected]);
        }
    };
    std::thread::Builder::new().stack_size(sql::STACK_BYTES).spawn(test).unwrap().join().unwrap();
}

#[test]
fn what_stands_beside_a_reference_counts_since_2019() {
    let with = |language: &str, kind: &str, least: i32| {
        json!({
            "$schema": language, "$ref": "#/$defs/a", "minProperties": least,
            "$defs": {"a": {"type": "object", "properties": {"a": {"type": kind, "title": "a"}}}}
        })
    };
    let (old, new) = ("http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema");
    assert!(kinds(&with(old, "integer", 1), &with(old, "number", 2)).is_empty());
    assert!(kinds(&with(new, "integer", 2), &with(new, "number", 1)).is_empty());
    for changed in [with(new, "integer", 2), with(new, "string", 1)] {
        assert_eq!(kinds(&with(new, "integer", 1), &changed), ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"]);
    }
    let mut alone = with(new, "integer", 1);
    alone.as_object_mut().unwrap().remove("minProperties");
    assert_eq!(kinds(&with(new, "integer", 1), &alone), ["TYPE_CHANGED"], "as of a product to one schema");
    let mut titled = alone.clone();
    titled["title"] = json!("t");
    titled["$defs"]["a"]["properties"]["a"]["type"] = json!("number");
    assert!(kinds(&alone, &titled).is_empty());
}

#[test]
fn the_draft_is_that_of_the_whole() {
    // By a name within it, and in a schema that it refers to.
    let inner = |least: i32| json!({"$ref": "#/$defs/b", "minProperties": least, "$defs": {"b": {"type": "object"}}});
    let named = |least: i32| {
        let mut a = inner(least);
        a["$id"] = json!("a.json");
        json!({"$ref": "#/$defs/a", "$defs": {"a": a, "b": {"type": "object"}}})
    };
    assert!(kinds(&named(1), &named(2)).is_empty());
    let changed = ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"];
    assert_eq!(kinds(&since_2019(named(1)), &since_2019(named(2))), changed);
    assert!(kinds(&since_2019(named(2)), &since_2019(named(1))).is_empty());
    let refers = since_2019(json!({"$ref": "a.json"}));
    let (old, new) = ([("a.json", inner(1))], [("a.json", inner(2))]);
    let told = differences(later(), Documents::new(&refers, &new), Documents::new(&refers, &old), true);
    assert!(told.len() == 1 && told[0].contains(changed[0]), "{told:?}");
    // It is called so in full, or it is an earlier one.
    let mut other = named(1);
    other["$schema"] = json!("https://json-schema.org/draft/2020-12/schema#");
    assert!(kinds(&other, &named(2)).is_empty());
}

#[test]
fn keywords_are_those_of_the_draft() {
    let (texts, any) = (json!({"type": "string"}), json!({}));
    let (object, array) = (json!({"type": "object"}), json!({"type": "array"}));
    let with = |of: &Value, word: &str, value: Value| {
        let mut of = of.clone();
        of[word] = value;
        of
    };
    let needs = json!({"a": ["b"]});
    for (old, new, earlier, later) in [
        (&object, with(&object, "dependentRequired", needs.clone()), &[][..], &["DEPENDENCY_ARRAY_ADDED"][..]),
        (&object, with(&object, "dependentSchemas", json!({"a": texts})), &[], &["DEPENDENCY_SCHEMA_ADDED"]),
        (&object, with(&object, "dependencies", needs.clone()), &["DEPENDENCY_ARRAY_ADDED"], &[]),
        (&object, with(&object, "unevaluatedProperties", json!(false)), &[], &["UNEVALUATED_PROPERTIES_REMOVED"]),
        (&array, with(&array, "unevaluatedItems", json!(false)), &[], &["UNEVALUATED_ITEMS_REMOVED"]),
        (&array, with(&array, "additionalItems", json!(false)), &["ADDITIONAL_ITEMS_REMOVED"], &[]),
        (&array, with(&array, "prefixItems", json!([texts])), &[], &["ITEM_ADDED_TO_OPEN_CONTENT_MODEL"]),
        (&any, with(&any, "prefixItems", json!([texts])), &[], &["TYPE_CHANGED"]),
        (&any, with(&any, "dependencies", needs), &["TYPE_CHANGED"], &[]),
        (&any, with(&any, "$dynamicRef", json!("#a")), &[], &["NOT_COMPARED"]),
        // An array of items is no schema there.
        (&array, with(&array, "items", json!([texts])), &["ITEM_ADDED_TO_OPEN_CONTENT_MODEL"], &["SCHEMA_ADDED"]),
        // It asks for one item where nothing else is said.
        (&array, with(&array, "contains", texts.clone()), &[], &["MIN_CONTAINS_ADDED"]),
        (&with(&array, "contains", texts.clone()), array.clone(), &[], &[]),
        (&array, with(&array, "minContains", json!(2)), &["MIN_CONTAINS_ADDED"], &[]),
    ] {
        assert_eq!(kinds(old, &new), earlier, "{old} to {new}");
        assert_eq!(kinds(&since_2019(old.clone()), &since_2019(new.clone())), later, "{old} to {new} since 2019");
    }
    let contains = |least: i32| since_2019(json!({"contains": texts, "minContains": least}));
    let one = since_2019(json!({"contains": texts}));
    assert_eq!(kinds(&one, &contains(2)), ["MIN_CONTAINS_INCREASED"]);
    assert!(kinds(&contains(2), &one).is_empty());
}

#[test]
fn the_same_words_may_say_something_else_in_another_draft() {
    let events = |part: Value| {
        let all: Vec<Value> = (0..300)
            .map(|i| object(json!({format!("f{i}"): {"type": "string"}, "part": part}), json!(false)))
            .collect();
        json!({"oneOf": all})
    };
    let simple = events(json!({"type": "string"}));
    assert!(kinds(&simple, &since_2019(simple.clone())).is_empty());
    let references: Vec<Value> = (0..300).map(|i| json!({"items": {"$ref": "#/$defs/a"}, "minItems": i})).collect();
    let references = json!({"anyOf": references, "$defs": {"a": {"type": "string"}}});
    assert!(kinds(&references, &since_2019(references.clone())).is_empty());
    let beside = json!({"anyOf": [{"dependencies": {"a": ["b"]}}, {"type": "string"}]});
    assert!(kinds(&beside, &since_2019(beside.clone())).is_empty());
    assert_eq!(kinds(&since_2019(beside.clone()), &beside), ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"]);
}

#[test]
fn what_is_no_name_is_the_whole_in_both() {
    let whole = |title: &str, kind: &str| json!({"title": title, "type": "object", "properties": {"a": {"$ref": "#nope"}, "b": {"type": kind}}});
    assert!(kinds(&whole("a", "integer"), &whole("b", "number")).is_empty());
    assert!(kinds(&whole("a", "integer"), &whole("a", "string")).contains(&"TYPE_CHANGED".to_owned()));
}

#[test]
fn schemas_with_names_of_their_own_are_compared() {
    let whole = |kind: &str| {
        json!({
            "$id": "http://x.org/a.json",
            "properties": {"b": {"$ref": "b.json"}},
            "definitions": {"b": {"$id": "b.json", "items": {"$ref": "#/definitions/c"}, "definitions": {"c": {"type": kind}}}},
        })
    };
    assert!(kinds(&whole("integer"), &whole("number")).is_empty());
    assert_eq!(kinds(&whole("integer"), &whole("string")), ["TYPE_CHANGED"]);
    // The same words of something else, as what is around them has another name.
    let outer = |name: &str| {
        json!({
            "oneOf": [{"$id": name, "allOf": [{"$ref": "x"}]}],
            "definitions": {"1": {"$id": "a/x", "type": "string"}, "2": {"$id": "b/x", "type": "null"}},
        })
    };
    assert!(kinds(&outer("a/"), &outer("a/y")).is_empty());
    assert_eq!(kinds(&outer("a/"), &outer("b/")), ["COMBINED_TYPE_SUBSCHEMAS_CHANGED"]);
}
