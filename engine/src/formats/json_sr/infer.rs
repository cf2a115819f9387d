//! A JSON Schema → the type of what it describes, as Connect's `JsonSchemaData` reads schemas.
//!
//! | JSON Schema | type |
//! |---|---|
//! | `boolean`, `string`, `integer`, `number` | BOOLEAN, STRING, BIGINT, DOUBLE; `connect.type` says more |
//! | `enum` | STRING, or the `type` beside it if that is a number |
//! | `array` | ARRAY; MAP if `connect.type` is `map` and its items are objects of `key` and `value` |
//! | `object` | STRUCT; MAP if `connect.type` is `map`, or if it has `additionalProperties` and no `properties` |
//! | `oneOf`, `anyOf`, several `type`s: one and `null` | that one |
//! | the same: several | a STRUCT of one field for each |
//! | `allOf` | a STRUCT of all their properties, else the one that says a type |
//! | `$ref` | what it refers to: a definition, a schema's `$id`, another registered schema |
//!
//! A `default` belongs to the type it stands beside; beside several types it means nothing, as in Connect.

use serde_json::{Map, Value};

use super::documents::Documents;
use crate::formats::inferred;
use crate::formats::json::{Described, UNION_FIELD, What};
use crate::formats::problem::{cut, path_of};
use crate::schemas::Schema;
use crate::types::text::java_grown_map_order;
use crate::types::{SqlType, TYPE_LEVELS_MAX};

/// Types of a schema, so that a few definitions that refer to each other many times make no type of gigabytes.
const PARTS_MAX: usize = 100_000;
/// Bytes of defaults that count as a type.
const BYTES_OF_PART: usize = 64;

/// The type of what a schema describes.
///
/// # Errors
/// It is no JSON Schema, or describes something that has no type: recursion, values of any type. The text names the field.
pub(super) fn whole_type(schema: &Schema) -> Result<SqlType, String> {
    describe(schema, false)?.ty().ok_or_else(|| "the schema describes nothing that has a type".to_owned())
}

/// What a schema says of the records that are written by it. Fields that have no type are unknown.
///
/// # Errors
/// It is no JSON Schema, or has no type as a whole.
pub(super) fn written(schema: &Schema) -> Result<Described, String> {
    describe(schema, true)
}

fn describe(schema: &Schema, is_lenient: bool) -> Result<Described, String> {
    let root = parse(&schema.text)?;
    let mut others = Vec::with_capacity(schema.referenced.len());
    for other in &schema.referenced {
        others.push((other.name.as_str(), parse(&other.text).map_err(|error| format!("{}: {error}", other.name))?));
    }
    let documents = Documents::new(&root, &others);
    let mut reader = Reader { documents, is_lenient, refs: Vec::new(), path: Vec::new(), parts: 0 };
    reader.describe(&root, &root)
}

/// The `title` of a schema.
pub(super) fn title(schema: &Schema) -> Option<String> {
    Some(parse(&schema.text).ok()?.get("title")?.as_str()?.to_owned())
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("the schema is no JSON: {error}"))
}

struct Reader<'a> {
    documents: Documents<'a>,
    /// Whether a field may have no type.
    is_lenient: bool,
    /// What is being resolved, so that recursion ends.
    refs: Vec<*const Value>,
    /// Names of the fields on the way.
    path: Vec<String>,
    parts: usize,
}

impl<'a> Reader<'a> {
    /// The type of what `node` describes; `document` is the schema that it stands in.
    fn describe(&mut self, node: &'a Value, document: &'a Value) -> Result<Described, String> {
        self.parts += 1;
        if self.parts > PARTS_MAX || self.path.len() + self.refs.len() > TYPE_LEVELS_MAX {
            return self.refuse("the schema is too large");
        }
        let Some(schema) = node.as_object() else { return self.refuse("a schema must be an object") };
        let document = self.documents.within(node, document);
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let (target, document) = self.resolve(reference, document)?;
            if self.refs.iter().any(|open| std::ptr::eq(*open, target)) {
                return self.refuse(&format!("the schema refers to itself ({reference}), and there is no such type"));
            }
            self.refs.push(std::ptr::from_ref(target));
            let described = self.describe(target, document);
            self.refs.pop();
            return described;
        }
        let mut described = self.described_here(schema, document)?;
        let is_of_one_type = !matches!(schema.get("type"), Some(Value::Array(_)))
            && !["allOf", "oneOf", "anyOf"].iter().any(|several| schema.contains_key(*several));
        if let Some(default) = schema.get("default").filter(|default| is_of_one_type && !default.is_null()) {
            let text = default.to_string();
            // Whoever refers to it has one of his own.
            self.parts += text.len() / BYTES_OF_PART;
            if self.parts > PARTS_MAX {
                return self.refuse("the schema is too large");
            }
            described.default = Some(Box::from(text));
        }
        Ok(described)
    }

    fn described_here(&mut self, schema: &'a Map<String, Value>, document: &'a Value) -> Result<Described, String> {
        let all_of = schema.get("allOf").and_then(Value::as_array);
        if schema.contains_key("properties") || all_of.is_some() {
            let mut properties = Vec::new();
            self.collect(schema, document, &mut properties)?;
            if !properties.is_empty() && connect_type(schema) != Some("map") {
                return self.fields(properties, all_of.is_none());
            }
        }
        if let Some(parts) = all_of {
            return self.all_of(parts, document);
        }
        for several in ["oneOf", "anyOf"] {
            if let Some(kinds) = schema.get(several).and_then(Value::as_array) {
                return self.one_of(kinds, document);
            }
        }
        match schema.get("type") {
            Some(Value::Array(names)) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                let others: Vec<&str> = names.iter().copied().filter(|name| *name != "null").collect();
                match others.as_slice() {
                    [only] => self.simple(only, schema, document),
                    several => self.union(several.iter().map(|name| (*name, schema)), |reader, (name, schema)| {
                        reader.simple(name, schema, document)
                    }),
                }
            }
            Some(Value::String(name)) => self.simple(name, schema, document),
            _ if schema.contains_key("enum") => Ok(SqlType::String.into()),
            _ if schema.contains_key("items") => self.simple("array", schema, document),
            _ if schema.contains_key("additionalProperties") => self.simple("object", schema, document),
            _ => self.refuse("a schema without a type"),
        }
    }

    /// The type of a schema of this `type`.
    fn simple(&mut self, name: &str, schema: &'a Map<String, Value>, document: &'a Value) -> Result<Described, String> {
        match name {
            "array" => self.array(schema, document),
            "object" => match schema.get("additionalProperties").filter(|values| values.is_object()) {
                Some(values) => {
                    let value = self.within("additionalProperties", values, document)?;
                    Ok(What::Map(SqlType::String, Box::new(value)).into())
                }
                None if connect_type(schema) == Some("map") => {
                    self.refuse("a map that does not say what its values are")
                }
                None => Ok(What::Struct(Vec::new()).into()),
            },
            name => self.plain(name, schema).map(Described::from),
        }
    }

    /// The type of a value without parts.
    fn plain(&self, name: &str, schema: &Map<String, Value>) -> Result<SqlType, String> {
        let connect = connect_type(schema);
        let title = schema.get("title").and_then(Value::as_str).unwrap_or_default();
        let logical = title.strip_prefix("org.apache.kafka.connect.data.").unwrap_or_default();
        match name {
            "boolean" => Ok(SqlType::Boolean),
            "string" if connect == Some("bytes") && logical == "Decimal" => self.decimal(schema),
            "string" => Ok(if connect == Some("bytes") { SqlType::Bytes } else { SqlType::String }),
            "integer" | "number" => match (connect, logical) {
                (Some("bytes"), "Decimal") => self.decimal(schema),
                (Some("bytes"), _) => Ok(SqlType::Bytes),
                (Some("int32"), "Date") => Ok(SqlType::Date),
                (Some("int32"), "Time") => Ok(SqlType::Time),
                (Some("int64"), "Timestamp") => Ok(SqlType::Timestamp),
                (Some("int8" | "int16" | "int32"), _) => Ok(SqlType::Integer),
                (Some("int64"), _) => Ok(SqlType::Bigint),
                (Some("float32" | "float64"), _) => Ok(SqlType::Double),
                (Some(other), _) => self.refuse(&format!("Unsupported type {other}")),
                (None, _) if name == "integer" => Ok(SqlType::Bigint),
                (None, _) => Ok(SqlType::Double),
            },
            other => self.refuse(&format!("values of type {other}")),
        }
    }

    fn decimal(&self, schema: &Map<String, Value>) -> Result<SqlType, String> {
        let parameters = schema.get("connect.parameters");
        let parameter = |name: &str| {
            let Some(value) = parameters.and_then(|parameters| parameters.get(name)) else { return Ok(None) };
            let number = value.as_str().and_then(|text| text.trim().parse::<i64>().ok());
            number.map(Some).ok_or_else(|| format!("{name} is {value}, no number"))
        };
        let decimal = || match parameter("scale")? {
            Some(scale) => {
                let precision = parameter("connect.decimal.precision")?;
                inferred::decimal(precision.unwrap_or(i64::from(inferred::PRECISION_DEFAULT)), scale)
            }
            None => Err("a decimal that does not say its scale".to_owned()),
        };
        decimal().or_else(|problem| self.refuse(&problem))
    }

    fn array(&mut self, schema: &'a Map<String, Value>, document: &'a Value) -> Result<Described, String> {
        let Some(items) = schema.get("items").filter(|items| items.is_object()) else {
            return self.refuse("Array schema did not specify the items type");
        };
        let entry = items.get("properties").and_then(Value::as_object);
        if connect_type(schema) == Some("map")
            && let Some((key, value)) = entry.and_then(|entry| entry.get("key").zip(entry.get("value")))
        {
            let document = self.documents.within(items, document);
            let key = self.within("key", key, document)?.ty();
            let Some(key) = key else { return self.refuse("a map whose keys have no type") };
            return Ok(What::Map(key, Box::new(self.within("value", value, document)?)).into());
        }
        Ok(What::Array(Box::new(self.within("items", items, document)?)).into())
    }

    /// One of several schemas.
    fn one_of(&mut self, kinds: &'a [Value], document: &'a Value) -> Result<Described, String> {
        let is_null = |kind: &&Value| kind.get("type").and_then(Value::as_str) == Some("null");
        let others: Vec<&Value> = kinds.iter().filter(|kind| !is_null(kind)).collect();
        match others.as_slice() {
            [only] if kinds.len() == 2 => self.describe(only, document),
            several => self.union(several.iter().copied(), |reader, kind| reader.describe(kind, document)),
        }
    }

    /// A field for each of several kinds of value.
    fn union<T>(
        &mut self,
        kinds: impl Iterator<Item = T>,
        mut describe: impl FnMut(&mut Self, T) -> Result<Described, String>,
    ) -> Result<Described, String> {
        let mut fields = Vec::new();
        for (i, kind) in kinds.enumerate() {
            self.path.push(format!("{i}"));
            fields.push((format!("{UNION_FIELD}{i}"), describe(self, kind)?));
            self.path.pop();
        }
        if fields.is_empty() {
            return self.refuse("nothing but null");
        }
        Ok(What::Struct(fields).into())
    }

    /// Several schemas of one value, none of which has properties.
    fn all_of(&mut self, parts: &'a [Value], document: &'a Value) -> Result<Described, String> {
        let has = |names: &'static [&str]| move |part: &&&Value| names.iter().any(|name| part.get(*name).is_some());
        let kinds: [&'static [&str]; 4] = [&["oneOf", "anyOf", "allOf"], &["type"], &["enum"], &["$ref"]];
        let found =
            kinds.into_iter().find_map(|names| parts.iter().collect::<Vec<_>>().iter().find(has(names)).copied());
        match found {
            Some(part) => self.describe(part, document),
            None => self.refuse("none of its schemas says a type"),
        }
    }

    /// Collects the properties of a schema and of all that it is made of.
    fn collect(
        &mut self,
        schema: &'a Map<String, Value>,
        document: &'a Value,
        into: &mut Vec<(&'a str, &'a Value, &'a Value)>,
    ) -> Result<(), String> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return self.refuse("the schema is too large");
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let (target, document) = self.resolve(reference, document)?;
            if self.refs.iter().any(|open| std::ptr::eq(*open, target)) || self.refs.len() > TYPE_LEVELS_MAX {
                return Ok(());
            }
            self.refs.push(std::ptr::from_ref(target));
            let collected = target.as_object().map_or(Ok(()), |target| self.collect(target, document, into));
            self.refs.pop();
            return collected;
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            let document = self.documents.within(part, document);
            if let Some(part) = part.as_object() {
                self.collect(part, document, into)?;
            }
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            into.retain(|(other, ..)| other != name);
            into.push((name, property, document));
        }
        Ok(())
    }

    /// A STRUCT of these properties. Those of one object are in Connect's order: by `connect.index`, where it is said,
    /// else as a hash map of Java has them.
    fn fields(
        &mut self,
        properties: Vec<(&'a str, &'a Value, &'a Value)>,
        of_one_object: bool,
    ) -> Result<Described, String> {
        let mut properties = properties;
        if of_one_object {
            let mut order = Vec::new();
            java_grown_map_order(properties.iter().map(|(name, ..)| *name), &mut order);
            let mut placed: Vec<(u64, usize)> = Vec::with_capacity(order.len());
            for (at, (_, i)) in order.into_iter().enumerate() {
                let index = properties[i].1.get("connect.index").and_then(Value::as_u64);
                placed.push((index.unwrap_or(at as u64), i));
            }
            placed.sort_by_key(|(index, _)| *index);
            properties = placed.into_iter().map(|(_, i)| properties[i]).collect();
        }
        let mut fields = Vec::with_capacity(properties.len());
        for (name, property, document) in properties {
            let (levels, refs) = (self.path.len(), self.refs.len());
            let field = match self.within(name, property, document) {
                Err(problem) if self.is_lenient => {
                    self.path.truncate(levels);
                    self.refs.truncate(refs);
                    What::Unknown(problem).into()
                }
                field => field?,
            };
            fields.push((name.to_owned(), field));
        }
        Ok(What::Struct(fields).into())
    }

    fn within(&mut self, step: &str, node: &'a Value, document: &'a Value) -> Result<Described, String> {
        self.path.push(step.to_owned());
        let described = self.describe(node, document)?;
        self.path.pop();
        Ok(described)
    }

    /// What a `$ref` refers to, and the schema that it stands in.
    fn resolve(&self, reference: &str, document: &'a Value) -> Result<(&'a Value, &'a Value), String> {
        match self.documents.resolve(reference, document) {
            Some(found) => Ok(found),
            None => self.refuse(&format!("there is no schema {reference}")),
        }
    }

    fn refuse<T>(&self, reason: &str) -> Result<T, String> {
        // There may be one for each property, and names may be long.
        let reason = cut(reason);
        let path = path_of(&self.path);
        Err(if path.is_empty() { reason.to_owned() } else { format!("{reason}, field: {path}") })
    }
}

fn connect_type(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("connect.type").and_then(Value::as_str)
}
