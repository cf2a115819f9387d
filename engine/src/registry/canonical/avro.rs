//! Avro's schemas as its Java library writes them: attributes in a fixed order, names without the namespace they stand
//! in, nothing said twice.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::schemas::Referenced;

use super::json::{parse, sort};

const PRIMITIVES: &[&str] = &["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// What Avro gives a meaning in a schema, and in a field; all else are properties.
const OF_SCHEMAS: &[&str] =
    &["doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"];
const OF_FIELDS: &[&str] = &["default", "doc", "name", "order", "type", "aliases"];

/// The text of a schema; `normalize` sorts properties by their names.
pub(super) fn canonical(text: &str, referenced: &[Referenced], normalize: bool) -> Result<String, String> {
    let mut writer = Writer { names: HashSet::new(), space: None, normalize, out: String::new() };
    for other in referenced {
        let read = parse(&other.text).and_then(|schema| writer.schema(&schema));
        read.map_err(|problem| format!("{}: {problem}", other.name))?;
        writer.space = None;
    }
    writer.out.clear();
    // A name alone stands for a schema, too, as it does within one.
    let schema = parse(text)
        .or_else(|problem| if is_name(text.trim()) { Ok(Value::from(text.trim())) } else { Err(problem) })?;
    writer.schema(&schema)?;
    Ok(writer.out)
}

struct Writer {
    /// Full names of what is defined so far.
    names: HashSet<String>,
    /// The namespace at this place.
    space: Option<String>,
    normalize: bool,
    out: String,
}

impl Writer {
    fn schema(&mut self, schema: &Value) -> Result<(), String> {
        match schema {
            Value::String(name) => self.name(name),
            Value::Array(branches) => self.union(branches),
            Value::Object(members) => self.complex(members),
            other => Err(format!("Schema not yet supported: {other}")),
        }
    }

    /// A primitive type, or one that is defined already.
    fn name(&mut self, name: &str) -> Result<(), String> {
        if PRIMITIVES.contains(&name) {
            self.text(name);
            return Ok(());
        }
        let full = self.known(name).ok_or_else(|| format!("Undefined name: \"{name}\""))?;
        let short = self.short(&full).to_owned();
        self.text(&short);
        Ok(())
    }

    fn union(&mut self, branches: &[Value]) -> Result<(), String> {
        let mut kinds = HashSet::new();
        self.out.push('[');
        for (at, branch) in branches.iter().enumerate() {
            if branch.is_array() {
                return Err(format!("Nested union: {branch}"));
            }
            let kind = self.kind(branch);
            if !kinds.insert(kind.clone()) {
                return Err(format!("Duplicate in union:{kind}"));
            }
            self.comma(at);
            self.schema(branch)?;
        }
        self.out.push(']');
        Ok(())
    }

    /// What makes a branch of a union a different one.
    fn kind(&self, branch: &Value) -> String {
        let text = |name: &str| branch.get(name).and_then(Value::as_str);
        match branch.as_str().or_else(|| text("type")) {
            Some("record" | "error" | "enum" | "fixed") => {
                self.full(text("name").unwrap_or_default(), text("namespace"))
            }
            Some(kind) if PRIMITIVES.contains(&kind) || matches!(kind, "array" | "map") => kind.to_owned(),
            kind => {
                let name = kind.unwrap_or_default();
                self.known(name).unwrap_or_else(|| self.full(name, None))
            }
        }
    }

    fn complex(&mut self, members: &Map<String, Value>) -> Result<(), String> {
        let kind = members.get("type").and_then(Value::as_str);
        let kind = kind.ok_or_else(|| format!("No type: {}", Value::Object(members.clone())))?;
        match kind {
            "record" | "error" | "enum" | "fixed" => self.named(kind, members),
            "array" => self.nested(members, kind, "items"),
            "map" => self.nested(members, kind, "values"),
            kind if PRIMITIVES.contains(&kind) => {
                if !members.keys().any(|name| !OF_SCHEMAS.contains(&name.as_str())) {
                    return self.name(kind);
                }
                self.out.push_str("{\"type\":");
                self.text(kind);
                self.properties(members, OF_SCHEMAS);
                self.out.push('}');
                Ok(())
            }
            kind if self.known(kind).is_some() => self.name(kind),
            kind => Err(format!("Type not supported: {kind}")),
        }
    }

    fn nested(&mut self, members: &Map<String, Value>, kind: &str, of: &str) -> Result<(), String> {
        let inner = members.get(of).ok_or_else(|| format!("No {of} type: {}", Value::Object(members.clone())))?;
        self.out.push_str("{\"type\":");
        self.text(kind);
        self.attribute(of);
        self.schema(inner)?;
        self.properties(members, OF_SCHEMAS);
        self.out.push('}');
        Ok(())
    }

    fn named(&mut self, kind: &str, members: &Map<String, Value>) -> Result<(), String> {
        let name = members.get("name").and_then(Value::as_str).ok_or("No name in schema")?;
        let full = self.full(name, members.get("namespace").and_then(Value::as_str));
        let (space, simple) = full.rsplit_once('.').map_or((None, &*full), |(space, name)| (Some(space), name));
        full.split('.').try_for_each(check_name)?;
        if PRIMITIVES.contains(&&*full) {
            return Err(format!("Schemas may not be named after primitives: {full}"));
        }
        if !self.names.insert(full.clone()) {
            return Err(format!("Can't redefine: {full}"));
        }
        self.out.push_str("{\"type\":");
        self.text(kind);
        self.attribute("name");
        self.text(simple);
        if space != self.space.as_deref() {
            self.attribute("namespace");
            self.text(space.unwrap_or_default());
        }
        let outer = std::mem::replace(&mut self.space, space.map(str::to_owned));
        self.doc(members);
        match kind {
            "enum" => self.symbols(&full, members)?,
            "fixed" => self.size(members)?,
            _ => self.fields(&full, members)?,
        }
        let reserved: Vec<&str> = OF_SCHEMAS.iter().copied().chain((kind == "enum").then_some("default")).collect();
        self.properties(members, &reserved);
        self.aliases(members, true)?;
        self.out.push('}');
        self.space = outer;
        Ok(())
    }

    fn fields(&mut self, record: &str, members: &Map<String, Value>) -> Result<(), String> {
        let fields = members.get("fields").and_then(Value::as_array).ok_or("Record has no fields")?;
        let mut names = HashSet::new();
        self.attribute("fields");
        self.out.push('[');
        for (at, field) in fields.iter().enumerate() {
            let field = field.as_object().ok_or_else(|| format!("Field should be an object: {field}"))?;
            let name = field.get("name").and_then(Value::as_str).ok_or("No field name")?;
            check_name(name)?;
            if !names.insert(name) {
                return Err(format!("Duplicate field {name} in record {record}"));
            }
            let schema = field.get("type").ok_or_else(|| format!("No field type: {name}"))?;
            self.comma(at);
            self.out.push_str("{\"name\":");
            self.text(name);
            self.attribute("type");
            self.schema(schema).map_err(|problem| match schema {
                Value::String(unknown) if problem.starts_with("Undefined name") => format!(
                    "\"{unknown}\" is not a defined name. The type of the \"{name}\" field must be a defined name or a \
                     {{\"type\": ...}} expression."
                ),
                _ => problem,
            })?;
            self.doc(field);
            if let Some(default) = field.get("default") {
                self.attribute("default");
                self.out.push_str(&default.to_string());
            }
            self.order(field)?;
            self.aliases(field, false)?;
            self.properties(field, OF_FIELDS);
            self.out.push('}');
        }
        self.out.push(']');
        Ok(())
    }

    fn order(&mut self, field: &Map<String, Value>) -> Result<(), String> {
        match field.get("order").map(|order| order.as_str().unwrap_or_default().to_ascii_lowercase()) {
            None => {}
            Some(order) if order == "ascending" => {}
            Some(order) if order == "descending" || order == "ignore" => {
                self.attribute("order");
                self.text(&order);
            }
            Some(order) => return Err(format!("No enum constant org.apache.avro.Schema.Field.Order.{order}")),
        }
        Ok(())
    }

    fn symbols(&mut self, name: &str, members: &Map<String, Value>) -> Result<(), String> {
        let symbols = members.get("symbols").and_then(Value::as_array);
        let symbols = symbols.ok_or_else(|| format!("Enum has no symbols: {name}"))?;
        let texts = symbols.iter().map(|symbol| symbol.as_str().ok_or("A symbol is no text"));
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        for symbol in &texts {
            check_name(symbol)?;
            if !seen.insert(*symbol) {
                return Err(format!("Duplicate enum symbol: {symbol}"));
            }
        }
        self.attribute("symbols");
        self.out.push_str(&Value::from(texts).to_string());
        if let Some(default) = members.get("default") {
            if !default.as_str().is_some_and(|default| seen.contains(default)) {
                return Err(format!("The Enum Default: {default} is not in the enum symbol set: {name}"));
            }
            self.attribute("default");
            self.out.push_str(&default.to_string());
        }
        Ok(())
    }

    fn size(&mut self, members: &Map<String, Value>) -> Result<(), String> {
        let size = members.get("size").and_then(Value::as_u64).filter(|size| i32::try_from(*size).is_ok());
        let size = size.ok_or("Invalid or no size")?;
        self.attribute("size");
        self.out.push_str(&size.to_string());
        Ok(())
    }

    fn doc(&mut self, members: &Map<String, Value>) {
        if let Some(doc) = members.get("doc").and_then(Value::as_str) {
            self.attribute("doc");
            self.text(doc);
        }
    }

    /// Other names, as short as they may be where they are names of types.
    fn aliases(&mut self, members: &Map<String, Value>, of_type: bool) -> Result<(), String> {
        let Some(aliases) = members.get("aliases") else { return Ok(()) };
        let aliases = aliases.as_array().ok_or_else(|| format!("aliases not an array: {aliases}"))?;
        let mut names = Vec::new();
        for alias in aliases {
            let alias = alias.as_str().ok_or_else(|| format!("alias not a string: {alias}"))?;
            let name = if of_type { self.short(&self.full(alias, None)).to_owned() } else { alias.to_owned() };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if !names.is_empty() {
            self.attribute("aliases");
            self.out.push_str(&Value::from(names).to_string());
        }
        Ok(())
    }

    /// What Avro gives no meaning.
    fn properties(&mut self, members: &Map<String, Value>, reserved: &[&str]) {
        let mut properties: Vec<(&String, &Value)> =
            members.iter().filter(|(name, _)| !reserved.contains(&name.as_str())).collect();
        if self.normalize {
            properties.sort_by_key(|(name, _)| *name);
        }
        for (name, value) in properties {
            self.attribute(name);
            let mut value = value.clone();
            if self.normalize {
                sort(&mut value);
            }
            self.out.push_str(&value.to_string());
        }
    }

    /// The full name of a type that is defined already: in this namespace, else in none.
    fn known(&self, name: &str) -> Option<String> {
        let bare = || name.rsplit_once('.').map_or(name, |(_, bare)| bare).to_owned();
        let is_known = |name: &String| self.names.contains(name);
        Some(self.full(name, None)).filter(is_known).or_else(|| Some(bare()).filter(is_known))
    }

    fn full(&self, name: &str, space: Option<&str>) -> String {
        if name.contains('.') {
            return name.to_owned();
        }
        match space.or(self.space.as_deref()).filter(|space| !space.is_empty()) {
            Some(space) => format!("{space}.{name}"),
            None => name.to_owned(),
        }
    }

    /// The name as it is written here.
    fn short<'a>(&self, full: &'a str) -> &'a str {
        match full.rsplit_once('.') {
            // A primitive's name would be taken for the primitive.
            Some((space, name)) if self.space.as_deref() == Some(space) && !PRIMITIVES.contains(&name) => name,
            _ => full,
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(&Value::from(text).to_string());
    }

    fn attribute(&mut self, name: &str) {
        self.out.push(',');
        self.text(name);
        self.out.push(':');
    }

    fn comma(&mut self, at: usize) {
        if at > 0 {
            self.out.push(',');
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.split('.').all(|part| check_name(part).is_ok())
}

fn check_name(name: &str) -> Result<(), String> {
    let mut letters = name.chars();
    match letters.next() {
        None => Err("Empty name".to_owned()),
        Some(first) if !(first.is_alphabetic() || first == '_') => Err(format!("Illegal initial character: {name}")),
        Some(_) if letters.any(|c| !(c.is_alphanumeric() || c == '_')) => Err(format!("Illegal character in: {name}")),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::avro::AvroSchema;
    use crate::schemas::{Language, Schema};

    fn of(text: &str) -> Result<String, String> {
        canonical(text, &[], false)
    }

    #[test]
    fn attributes_stand_in_avros_order() {
        let text = r#" {"fields":[{"type":{"type":"string"},"name":"A","x":1},
            {"default":null,"name":"B","type":["null",{"logicalType":"date","type":"int"}],"doc":"d"},
            {"name":"C","type":{"name":"a.b.In","type":"record","fields":[]},"order":"ascending"},
            {"name":"D","type":"a.b.In","order":"IGNORE","aliases":["E"]}],
            "namespace":"a.b","name":"Foo","aliases":["a.b.Old","c.Older"],"connect.name":"n","doc":"of","type":"record"}"#;
        let expected = r#"{"type":"record","name":"Foo","namespace":"a.b","doc":"of","fields":[{"name":"A","type":"string","x":1},{"name":"B","type":["null",{"type":"int","logicalType":"date"}],"doc":"d","default":null},{"name":"C","type":{"type":"record","name":"In","fields":[]}},{"name":"D","type":"In","order":"ignore","aliases":["E"]}],"connect.name":"n","aliases":["Old","c.Older"]}"#;
        assert_eq!(of(text).unwrap(), expected);
        assert_eq!(of(expected).unwrap(), expected);
        assert_eq!(of(r#" "string" "#).unwrap(), r#""string""#);
        assert_eq!(of("string").unwrap(), r#""string""#);
        let enums = r#"{"type":"enum","symbols":["A","B"],"default":"A","name":"E"}"#;
        assert_eq!(of(enums).unwrap(), r#"{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}"#);
        let fixed = r#"{"size":2,"type":"fixed","name":"x.F","logicalType":"decimal","precision":4}"#;
        assert_eq!(
            of(fixed).unwrap(),
            r#"{"type":"fixed","name":"F","namespace":"x","size":2,"logicalType":"decimal","precision":4}"#
        );
    }

    #[test]
    fn normalised_properties_are_sorted() {
        let text = r#"{"type":"int","b":{"y":1,"x":2},"a":1}"#;
        assert_eq!(canonical(text, &[], false).unwrap(), text);
        assert_eq!(canonical(text, &[], true).unwrap(), r#"{"type":"int","a":1,"b":{"x":2,"y":1}}"#);
    }

    #[test]
    fn names_may_be_another_schemas() {
        let other = Referenced {
            name: "a.In".to_owned(),
            text: r#"{"type":"record","name":"In","namespace":"a","fields":[]}"#.into(),
        };
        let bad = Referenced { name: "a.Bad".to_owned(), text: r#"{"type":"array"}"#.into() };
        for told in [
            canonical("\"int\"", std::slice::from_ref(&bad), false).unwrap_err(),
            AvroSchema::parse(&schema("\"int\"", &bad)).unwrap_err().to_string(),
        ] {
            assert!(told.starts_with("a.Bad: "), "{told}");
        }
        let text = r#"{"type":"record","name":"Out","namespace":"a","fields":[{"name":"F","type":"a.In"}]}"#;
        assert!(of(text).unwrap_err().starts_with("\"a.In\" is not a defined name."));
        let expected = r#"{"type":"record","name":"Out","namespace":"a","fields":[{"name":"F","type":"In"}]}"#;
        assert_eq!(canonical(text, &[other], false).unwrap(), expected);
    }

    #[test]
    fn names_that_no_namespace_has_are_looked_up_in_none() {
        let base = Referenced { name: "A".to_owned(), text: r#"{"type":"fixed","name":"A","size":1}"#.into() };
        let uses = |kind: &str| {
            let text =
                format!(r#"{{"type":"record","name":"R","namespace":"a.b","fields":[{{"name":"F","type":{kind}}}]}}"#);
            let own = canonical(&text, std::slice::from_ref(&base), false);
            assert_eq!(own.is_ok(), AvroSchema::parse(&schema(&text, &base)).is_ok(), "{kind}: {own:?}");
            own
        };
        let text = |kind: &str| {
            format!(r#"{{"type":"record","name":"R","namespace":"a.b","fields":[{{"name":"F","type":{kind}}}]}}"#)
        };
        for (kind, written) in [
            (r#""A""#, r#""A""#),
            (r#"{"type":"A"}"#, r#""A""#),
            (r#"["null","A"]"#, r#"["null","A"]"#),
            (r#"{"type":"array","items":"c.A"}"#, r#"{"type":"array","items":"A"}"#),
        ] {
            assert_eq!(uses(kind).unwrap(), text(written), "{kind}");
        }
        assert_eq!(uses(r#"["A","c.A"]"#).unwrap_err(), "Duplicate in union:A");
        assert!(uses(r#""B""#).is_err());
        // That of the namespace comes first.
        let text = r#"["null",{"type":"record","name":"x.R","fields":[{"name":"F","type":{"type":"fixed","name":"A","size":2}},{"name":"G","type":"A"}]},"A"]"#;
        let expected = r#"["null",{"type":"record","name":"R","namespace":"x","fields":[{"name":"F","type":{"type":"fixed","name":"A","size":2}},{"name":"G","type":"A"}]},"A"]"#;
        assert_eq!(canonical(text, std::slice::from_ref(&base), false).unwrap(), expected);
    }

    fn schema(text: &str, base: &Referenced) -> Schema {
        Schema { referenced: vec![base.clone()], ..Schema::alone(Language::Avro, text) }
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for (text, problem) in [
            (r#"{"type":"nope"}"#, "Type not supported: nope"),
            (r#""nope""#, "Undefined name: \"nope\""),
            (r#"{"type":["int"]}"#, "No type"),
            (r#"{"type":"array"}"#, "No items type"),
            (r#"["int","int"]"#, "Duplicate in union:int"),
            (r#"["int",["null"]]"#, "Nested union"),
            (r#"{"type":"record","name":"A"}"#, "Record has no fields"),
            (r#"{"type":"record","fields":[]}"#, "No name in schema"),
            (r#"{"type":"record","name":"1A","fields":[]}"#, "Illegal initial character: 1A"),
            (r#"{"type":"record","name":"A","fields":[{"name":"a-b","type":"int"}]}"#, "Illegal character in: a-b"),
            (
                r#"{"type":"record","name":"A","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
                "Duplicate field a in record A",
            ),
            (
                r#"[{"type":"fixed","name":"A","size":1},{"type":"map","values":{"type":"fixed","name":"A","size":1}}]"#,
                "Can't redefine: A",
            ),
            (r#"{"type":"fixed","name":"A","size":-1}"#, "Invalid or no size"),
            (r#"{"type":"enum","name":"A","symbols":["a"],"default":"b"}"#, "The Enum Default: \"b\""),
            ("{", "EOF while parsing"),
            ("7", "Schema not yet supported"),
        ] {
            let told = of(text).unwrap_err();
            assert!(told.starts_with(problem), "{text}: {told}");
        }
    }
}
