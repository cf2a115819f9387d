//! What a schema must be to be taken, beyond being well-formed: all that it names is there, and what it says means
//! something. Schemas that are imported, and those that stand there already, are not asked.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::formats::avro::AvroSchema;
use crate::formats::json_sr::Documents;
use crate::formats::problem::{join, short};
use crate::formats::protobuf;
use crate::schemas::{Language, Schema};

use super::canonical::{documents, json_document};

/// Schemas within a JSON Schema and all it refers to.
const MAX_PARTS: usize = 100_000;

/// What schemas of JSON Schema itself are called.
const OF_THE_LANGUAGE: &[&str] = &["http://json-schema.org/", "https://json-schema.org/"];

const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];

/// Keywords by what stands behind them, and by the type of value that they are about.
const SCHEMAS: &[&str] = &["allOf", "anyOf", "oneOf"];
const SCHEMAS_BY_NAME: &[&str] = &["dependentSchemas", "patternProperties", "properties"];
const SCHEMA: &[&str] = &["else", "if", "not", "then"];
const OF_OBJECTS: &[&str] = &["additionalProperties", "propertyNames", "unevaluatedProperties"];
const OF_ARRAYS: &[&str] = &["additionalItems", "contains", "unevaluatedItems"];
const COUNTS: &[(&str, &str)] = &[
    ("maxItems", "array"),
    ("minItems", "array"),
    ("maxLength", "string"),
    ("minLength", "string"),
    ("maxProperties", "object"),
    ("minProperties", "object"),
];

/// Checks a schema with all that it refers to.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(schema: &Schema) -> Result<(), String> {
    match schema.language {
        // What the codecs cannot read at all may still be registered.
        Language::Avro => AvroSchema::parse(schema).map_or(Ok(()), |schema| schema.check_defaults()),
        Language::Protobuf => protobuf::check(schema),
        Language::Json => {
            let (root, others) = (json_document(&schema.text)?, documents(schema)?);
            let documents = Documents::new(&root, &others);
            // What stands at the place may be megabytes.
            Check { documents, begun: HashSet::new(), open: Vec::new(), parts: 0 }.run().map_err(short)
        }
    }
}

/// A schema within a document, and its path.
type Part<'a> = (&'a Value, &'a Value, String);

struct Check<'a> {
    documents: Documents<'a>,
    /// What was referred to and is checked already, or will be.
    begun: HashSet<*const Value>,
    open: Vec<Part<'a>>,
    /// Schemas that were opened.
    parts: usize,
}

impl<'a> Check<'a> {
    fn run(mut self) -> Result<(), String> {
        self.open(self.documents.root, self.documents.root, "#".to_owned())?;
        while let Some((schema, document, path)) = self.open.pop() {
            let document = self.documents.within(schema, document);
            match schema {
                Value::Bool(_) => {}
                Value::Object(words) => self.schema(words, document, &path)?,
                _ => return Err(format!("{path}: a schema is an object, true or false")),
            }
        }
        Ok(())
    }

    fn open(&mut self, schema: &'a Value, document: &'a Value, path: String) -> Result<(), String> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(format!("it is made of more than {MAX_PARTS} schemas"));
        }
        self.open.push((schema, document, path));
        Ok(())
    }

    fn schema(&mut self, words: &'a Map<String, Value>, document: &'a Value, path: &str) -> Result<(), String> {
        if let Some(reference) = words.get("$ref") {
            self.reference(reference, document, path)?;
            if !self.documents.draft.counts_beside_reference() {
                return Ok(());
            }
        }
        let (types, draft) = (types(words, path)?, self.documents.draft);
        let is_of = |name: &str| types.is_empty() || types.contains(&name);
        for (word, value) in words.iter().filter(|(word, _)| draft.knows(word)) {
            let at = join(path, word);
            let word = word.as_str();
            if SCHEMAS.contains(&word) {
                self.all(value.as_array(), document, &at)?;
            } else if SCHEMA.contains(&word)
                || OF_OBJECTS.contains(&word) && is_of("object")
                || OF_ARRAYS.contains(&word) && is_of("array")
                || word == "items" && is_of("array") && !(value.is_array() && draft.has_items_by_place())
            {
                self.open(value, document, at)?;
            } else if matches!(word, "items" | "prefixItems") && is_of("array") {
                self.all(value.as_array(), document, &at)?;
            } else if SCHEMAS_BY_NAME.contains(&word) && is_of("object") {
                let members = value.as_object().ok_or_else(|| format!("{at}: an object of schemas is expected"))?;
                members.iter().try_for_each(|(name, part)| self.open(part, document, join(&at, name)))?;
            } else {
                plain(word, value, &is_of).map_err(|expected| format!("{at}: {expected} is expected, not {value}"))?;
            }
        }
        Ok(())
    }

    fn all(&mut self, parts: Option<&'a Vec<Value>>, document: &'a Value, path: &str) -> Result<(), String> {
        let parts = parts.ok_or_else(|| format!("{path}: an array of schemas is expected"))?;
        parts.iter().enumerate().try_for_each(|(i, part)| self.open(part, document, join(path, &i.to_string())))
    }

    fn reference(&mut self, reference: &'a Value, document: &'a Value, path: &str) -> Result<(), String> {
        let reference = reference.as_str().ok_or_else(|| format!("{path}/$ref: a text is expected"))?;
        match self.documents.resolve(reference, document) {
            Some((schema, document)) => {
                if self.begun.insert(std::ptr::from_ref(schema)) {
                    self.open(schema, document, short(reference.to_owned()))?;
                }
                Ok(())
            }
            None if OF_THE_LANGUAGE.iter().any(|name| reference.starts_with(name)) => Ok(()),
            None if reference.starts_with('#') => Err(format!("{path}: there is no schema {reference}")),
            None => Err(format!("External JSON Schema references are not allowed: {reference}")),
        }
    }
}

/// The types that a schema names.
fn types<'a>(words: &'a Map<String, Value>, path: &str) -> Result<Vec<&'a str>, String> {
    let names: Vec<&Value> = match words.get("type") {
        None => return Ok(Vec::new()),
        Some(Value::Array(names)) => names.iter().collect(),
        Some(name) => vec![name],
    };
    let known = |name: &&'a Value| TYPES.iter().find(|known| name.as_str() == Some(known)).copied();
    names.iter().map(|name| known(name).ok_or_else(|| format!("{path}: unknown type: [{name}]"))).collect()
}

/// Checks a keyword without schemas behind it; the error is what is expected there.
fn plain(word: &str, value: &Value, is_of: &dyn Fn(&str) -> bool) -> Result<(), &'static str> {
    let expect = |is_right: bool, expected| if is_right { Ok(()) } else { Err(expected) };
    let is_number = is_of("number") || is_of("integer");
    match word {
        "enum" => expect(value.is_array(), "an array"),
        "required" if is_of("object") => {
            let names = value.as_array().is_some_and(|names| names.iter().all(Value::is_string));
            expect(names, "an array of names")
        }
        "pattern" if is_of("string") => expect(value.is_string(), "a text"),
        "uniqueItems" if is_of("array") => expect(value.is_boolean(), "true or false"),
        "maximum" | "minimum" | "multipleOf" if is_number => expect(value.is_number(), "a number"),
        // Drafts before 6 have true or false here.
        "exclusiveMaximum" | "exclusiveMinimum" if is_number => {
            expect(value.is_number() || value.is_boolean(), "a number")
        }
        word if COUNTS.iter().any(|(count, of)| *count == word && is_of(of)) => {
            let count = value.as_f64().is_some_and(|count| count >= 0.0 && count.fract() == 0.0);
            expect(count, "a number without a sign or fraction")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schemas::Referenced;

    fn problem(language: Language, text: &str) -> Option<String> {
        check(&Schema::alone(language, text)).err()
    }

    #[test]
    fn json_schemas_say_something() {
        for text in [
            "true",
            "{}",
            r##"{"$schema":"http://json-schema.org/draft-07/schema#","type":["object","null"],"properties":{"a":{"$ref":"#/definitions/a"},"m":{"$ref":"http://json-schema.org/draft-07/schema#"}},"definitions":{"a":{"type":"string","minLength":1},"unused":5},"required":["a"]}"##,
            r#"{"type":"string","required":true,"minItems":"x"}"#,
            r#"{"maximum":5,"exclusiveMaximum":true,"items":[{},true],"x":{"type":"nope"}}"#,
            r##"{"$ref":"#name","definitions":{"a":{"$id":"#name"}}}"##,
        ] {
            assert_eq!(problem(Language::Json, text), None, "{text}");
        }
        for (text, told) in [
            (r#"{"type":"nope"}"#, r##"#: unknown type: ["nope"]"##),
            (r#"{"type":5}"#, "#: unknown type: [5]"),
            (r#"{"properties":[]}"#, "#/properties: an object of schemas is expected"),
            (r#"{"properties":{"a":5}}"#, "#/properties/a: a schema is an object, true or false"),
            (r#"{"type":"object","required":true}"#, "#/required: an array of names is expected, not true"),
            (r#"{"allOf":{}}"#, "#/allOf: an array of schemas is expected"),
            (r#"{"minLength":-1}"#, "#/minLength: a number without a sign or fraction is expected, not -1"),
            (r##"{"not":{"$ref":"#/definitions/a"}}"##, "#/not: there is no schema #/definitions/a"),
            (r##"{"$ref":"#/a","a":{"type":"x"}}"##, r##"#/a: unknown type: ["x"]"##),
            (r#"{"items":{"$ref":"a.json"}}"#, "External JSON Schema references are not allowed: a.json"),
        ] {
            assert_eq!(problem(Language::Json, text).as_deref(), Some(told), "{text}");
        }
        // A schema with a name of its own is a document: what is in it is relative to it.
        let inner =
            r##""$id":"http://x.org/a","$defs":{"b":{"$id":"b","items":{"$ref":"#/$defs/c"},"$defs":{"c":{}}}}"##;
        for (reference, is_there) in
            [("b", true), ("/b#/$defs/c", true), ("http://x.org/b", true), ("#/$defs/c", false), ("c", false)]
        {
            let told = problem(Language::Json, &format!(r#"{{{inner},"not":{{"$ref":"{reference}"}}}}"#));
            assert_eq!(told.is_none(), is_there, "{reference}: {told:?}");
        }
        // In the draft that the whole is written in.
        let later = |rest: &str| format!(r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema",{rest}}}"#);
        let earlier = |rest: &str| format!(r#"{{"$schema":"http://json-schema.org/draft-07/schema#",{rest}}}"#);
        for (rest, in_earlier, in_later) in [
            (r##""$ref":"#nope""##, None, Some("#: there is no schema #nope")),
            (
                r##""not":{"$ref":"#/$defs/a"},"$defs":{"a":{"$id":"a","$ref":"#/$defs/b","type":"x","$defs":{"b":{}}},"b":{}}"##,
                None,
                Some(r##"#/$defs/a: unknown type: ["x"]"##),
            ),
            (r#""items":[{}]"#, None, Some("#/items: a schema is an object, true or false")),
            (r#""additionalItems":5"#, Some("#/additionalItems: a schema is an object, true or false"), None),
            (r#""unevaluatedItems":5"#, None, Some("#/unevaluatedItems: a schema is an object, true or false")),
            (r#""prefixItems":[{"type":"x"}]"#, None, Some(r##"#/prefixItems/0: unknown type: ["x"]"##)),
            (r#""dependentSchemas":[]"#, None, Some("#/dependentSchemas: an object of schemas is expected")),
        ] {
            assert_eq!(problem(Language::Json, &earlier(rest)).as_deref(), in_earlier, "{rest}");
            assert_eq!(problem(Language::Json, &later(rest)).as_deref(), in_later, "{rest}");
        }
        let beside = |language: &str| {
            format!(r##"{{"$schema":"{language}","$ref":"#/$defs/a","type":"x","$defs":{{"a":{{}}}}}}"##)
        };
        assert_eq!(problem(Language::Json, &beside("http://json-schema.org/draft-07/schema#")), None);
        assert!(problem(Language::Json, &beside("https://json-schema.org/draft/2020-12/schema")).is_some());
        let missing = r##"{"$defs":{"b":{"$id":"b","items":{"$ref":"#/$defs/c"}}},"items":{"$ref":"b"}}"##;
        assert_eq!(problem(Language::Json, missing).as_deref(), Some("b/items: there is no schema #/$defs/c"));
        let other = Referenced { name: "a.json".to_owned(), text: r#"{"type":"string"}"#.into() };
        let with = Schema { referenced: vec![other], ..Schema::alone(Language::Json, r#"{"$ref":"a.json"}"#) };
        assert_eq!(check(&with), Ok(()));
    }

    #[test]
    fn long_names_take_no_memory_and_are_told_in_short() {
        let long = "n".repeat(400_000);
        let properties: Vec<String> = (0..20_000).map(|i| format!("\"{i}\":{{}}")).collect();
        // Each path whole would be 8 GB.
        let many = format!("{{\"properties\":{{\"{long}\":{{\"properties\":{{{}}}}}}}}}", properties.join(","));
        assert_eq!(problem(Language::Json, &many), None);
        let wrong = format!("{{\"properties\":{{\"{long}\":{{\"type\":\"{long}\"}}}}}}");
        let told = problem(Language::Json, &wrong).unwrap();
        assert!(told.len() <= 1_100 && told.starts_with("#/properties/nnn"), "{} bytes", told.len());
        let parts = format!("{{\"allOf\":[{}true]}}", "true,".repeat(MAX_PARTS));
        assert_eq!(problem(Language::Json, &parts).as_deref(), Some("it is made of more than 100000 schemas"));
    }

    #[test]
    fn what_protobuf_schemas_name_is_there() {
        let head = "syntax = \"proto3\"; ";
        for (text, told) in [
            ("import \"google/protobuf/timestamp.proto\"; message A { google.protobuf.Timestamp t = 1; }", None),
            ("import \"google/type/datetime.proto\"; message A { google.type.DateTime t = 1; }", None),
            ("import \"gone.proto\"; message A {}", Some("import \"gone.proto\" is not there")),
            ("message A { B b = 1; }", Some("the type B of field A.b is not there")),
            ("message A { int32 a = 1; int32 b = 1; }", Some("has a number or a name that another one has")),
            ("message A {} message A {}", Some("\"A\" is already defined")),
        ] {
            let problem = problem(Language::Protobuf, &format!("{head}{text}"));
            let is_right = told.map_or(problem.is_none(), |told| problem.as_ref().is_some_and(|it| it.contains(told)));
            assert!(is_right, "{text}: {problem:?}");
        }
        // What Confluent's registry has without anybody having registered it.
        for file in "confluent/meta confluent/type/decimal google/type/calendar_period google/type/color google/type/date \
                     google/type/datetime google/type/dayofweek google/type/expr google/type/fraction google/type/latlng \
                     google/type/money google/type/month google/type/postal_address google/type/quaternion \
                     google/type/timeofday google/protobuf/any google/protobuf/struct"
            .split_whitespace()
        {
            let text = format!("{head}import \"{file}.proto\"; message A {{}}");
            assert_eq!(problem(Language::Protobuf, &text), None, "{file}");
        }
    }

    #[test]
    fn defaults_of_avro_are_values() {
        let field = r#"{"type":"record","name":"A","fields":[{"name":"f","type":"int","default":null}]}"#;
        assert_eq!(problem(Language::Avro, field).as_deref(), Some("Invalid default for field f: null not a \"int\""));
    }
}
