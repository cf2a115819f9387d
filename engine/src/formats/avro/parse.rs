//! The JSON text of a schema to its types.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::schema::{AvroSchema, Connect, Field, Kind, Logical, Name, Skip, Type, TypeId};
use crate::schemas::Schema;

/// Bytes of a schema's text and of those it refers to.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// How many brackets may stand in each other in a schema's text: parsing calls itself for each.
const BRACKETS_MAX: usize = 512;

/// Why a text is no schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSchema(String);

impl BadSchema {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

type Result<T> = std::result::Result<T, BadSchema>;

fn bad<T>(message: impl Into<String>) -> Result<T> {
    Err(BadSchema::new(message))
}

impl AvroSchema {
    /// Reads a schema with those it refers to.
    ///
    /// # Errors
    /// A text is no JSON, or no schema, or names a type that stands nowhere.
    pub fn parse(schema: &Schema) -> Result<Self> {
        let bytes = schema.referenced.iter().map(|other| other.text.len()).sum::<usize>() + schema.text.len();
        if bytes > TEXT_BYTES_MAX {
            return bad(format!("the schema is larger than {TEXT_BYTES_MAX} bytes"));
        }
        let mut parser = Parser { types: Vec::new(), names: HashMap::new() };
        for other in &schema.referenced {
            let read = json(&other.text).and_then(|json| parser.read(&json, None));
            read.map_err(|problem| BadSchema(format!("{}: {problem}", other.name)))?;
        }
        let root = parser.read(&json(&schema.text)?, None)?;
        let has_no_bytes = has_no_bytes(&parser.types);
        let passed = passed_fields(&parser.types, &has_no_bytes);
        Ok(Self { types: parser.types, root, has_no_bytes, passed })
    }
}

/// The JSON of a text; a text that is none may be the bare name of a type.
fn json(text: &str) -> Result<Json> {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if deepest > BRACKETS_MAX {
        return bad(format!("the schema is nested deeper than {BRACKETS_MAX} brackets"));
    }
    let bare = text.trim();
    if Kind::plain(bare).is_some() {
        return Ok(Json::String(bare.to_owned()));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    // The depth is known to be bounded.
    reader.disable_recursion_limit();
    let json = Json::deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
    json.map_err(|error| BadSchema(format!("the schema is no JSON: {error}")))
}

/// Which types take no byte. A record that holds itself without a union or array between never ends, so it is none.
fn has_no_bytes(types: &[Type]) -> Vec<bool> {
    let mut empty = vec![false; types.len()];
    // The records that have a field of a type, one entry for each field; and how many fields of a record take one.
    let mut holders: Vec<Vec<usize>> = vec![Vec::new(); types.len()];
    let mut others = vec![0_usize; types.len()];
    let mut found = Vec::new();
    for (at, ty) in types.iter().enumerate() {
        let is_empty = match &ty.kind {
            Kind::Null | Kind::Fixed { size: 0, .. } => true,
            Kind::Record { fields, .. } => {
                others[at] = fields.len();
                fields.iter().for_each(|field| holders.get_mut(field.ty.0).into_iter().for_each(|it| it.push(at)));
                fields.is_empty()
            }
            _ => false,
        };
        if is_empty {
            found.push(at);
        }
    }
    while let Some(at) = found.pop() {
        empty[at] = true;
        for holder in std::mem::take(&mut holders[at]) {
            others[holder] -= 1;
            if others[holder] == 0 {
                found.push(holder);
            }
        }
    }
    empty
}

/// How the fields of each record are passed over that take bytes.
fn passed_fields(types: &[Type], has_no_bytes: &[bool]) -> Vec<Box<[Skip]>> {
    let pass = |field: &Field| {
        let ty = types.get(field.ty.0)?;
        let skip = Skip::of_kind(&ty.kind, field.ty, has_no_bytes.get(field.ty.0) == Some(&true));
        (skip != Skip::Nothing).then_some(skip)
    };
    let fields = |ty: &Type| match &ty.kind {
        Kind::Record { fields, .. } => fields.iter().filter_map(pass).collect(),
        _ => Box::default(),
    };
    types.iter().map(fields).collect()
}

struct Parser {
    types: Vec<Type>,
    /// Named types by their full names.
    names: HashMap<String, TypeId>,
}

impl Parser {
    fn add(&mut self, kind: Kind) -> TypeId {
        self.types.push(Type { kind, logical: None, connect: Connect::default() });
        TypeId(self.types.len() - 1)
    }

    /// Reads a type that stands in a namespace.
    fn read(&mut self, json: &Json, namespace: Option<&str>) -> Result<TypeId> {
        match json {
            Json::String(word) => self.named(word, namespace),
            Json::Array(branches) => self.union(branches, namespace),
            Json::Object(object) => self.object(object, namespace),
            other => bad(format!("No type: {other}")),
        }
    }

    fn named(&mut self, word: &str, namespace: Option<&str>) -> Result<TypeId> {
        if let Some(kind) = Kind::plain(word) {
            return Ok(self.add(kind));
        }
        let bare = word.rsplit_once('.').map_or(word, |(_, bare)| bare);
        let known = self.names.get(&full_name(word, namespace)).or_else(|| self.names.get(bare));
        known.copied().ok_or_else(|| BadSchema(format!("Undefined name: \"{}\"", full_name(word, namespace))))
    }

    fn union(&mut self, branches: &[Json], namespace: Option<&str>) -> Result<TypeId> {
        let branches = branches.iter().map(|branch| self.read(branch, namespace)).collect::<Result<Vec<_>>>()?;
        let mut seen = HashSet::new();
        for branch in &branches {
            let Some(ty) = self.types.get(branch.0) else { continue };
            let name = match &ty.kind {
                Kind::Union(_) => return bad("Nested union"),
                Kind::Record { name, .. } | Kind::Enum { name, .. } | Kind::Fixed { name, .. } => name.full.clone(),
                kind => kind.word().to_owned(),
            };
            if !seen.insert(name.clone()) {
                return bad(format!("Duplicate in union:{name}"));
            }
        }
        Ok(self.add(Kind::Union(branches)))
    }

    fn object(&mut self, object: &Map<String, Json>, namespace: Option<&str>) -> Result<TypeId> {
        let id = match object.get("type") {
            None => return bad(format!("No type: {}", Json::Object(object.clone()))),
            Some(Json::String(word)) => match word.as_str() {
                "record" | "error" => self.record(object, namespace)?,
                "enum" => self.symbols(object, namespace)?,
                "fixed" => self.fixed(object, namespace)?,
                "array" => {
                    let items = part(object, "items")?;
                    let items = self.read(items, namespace)?;
                    self.add(Kind::Array(items))
                }
                "map" => {
                    let values = part(object, "values")?;
                    let values = self.read(values, namespace)?;
                    self.add(Kind::Map(values))
                }
                word if Kind::plain(word).is_none() => return self.named(word, namespace),
                word => self.named(word, namespace)?,
            },
            Some(inner) => self.read(inner, namespace)?,
        };
        self.annotate(id, object);
        Ok(id)
    }

    /// Notes what stands beside a type.
    fn annotate(&mut self, id: TypeId, object: &Map<String, Json>) {
        let Some(ty) = self.types.get_mut(id.0) else { return };
        let text = |name: &str| object.get(name).and_then(Json::as_str);
        if let Some(logical) = text("logicalType") {
            let scale = object.get("scale").and_then(Json::as_i64);
            let precision = object.get("precision").and_then(Json::as_u64);
            // On any other type it means nothing, as in Avro and in Connect.
            ty.logical = Some(match (&ty.kind, logical.to_ascii_lowercase().as_str()) {
                (Kind::Bytes | Kind::Fixed { .. }, "decimal") => Logical::Decimal { precision, scale },
                (Kind::Int, "date") => Logical::Date,
                (Kind::Int, "time-millis") => Logical::TimeMillis,
                (Kind::Long, "timestamp-millis") => Logical::TimestampMillis,
                (Kind::Long, "local-timestamp-millis") => Logical::Timestamp { per_millisecond: 1 },
                (Kind::Long, "timestamp-micros" | "local-timestamp-micros") => {
                    Logical::Timestamp { per_millisecond: 1000 }
                }
                (Kind::Long, "timestamp-nanos" | "local-timestamp-nanos") => {
                    Logical::Timestamp { per_millisecond: 1_000_000 }
                }
                (Kind::Long, "time-micros") => Logical::Time,
                _ => Logical::Other,
            });
        }
        if let Some(connect_type) = text("connect.type") {
            ty.connect.ty = Some(connect_type.to_owned());
        }
        if text("connect.internal.type") == Some("MapEntry") {
            ty.connect.is_map_entry = true;
        }
        if let Some(default) = object.get("connect.default") {
            ty.connect.default = Some(default.clone());
        }
        let parameters = object.get("connect.parameters").and_then(Json::as_object);
        if let Some(precision) = parameters.and_then(|parameters| parameters.get("connect.decimal.precision")) {
            ty.connect.precision = precision.as_str().and_then(|digits| digits.parse().ok());
        }
    }

    /// Adds a type under its name, so that it may hold itself. Answers its namespace as well.
    fn define(
        &mut self,
        object: &Map<String, Json>,
        namespace: Option<&str>,
        kind: impl FnOnce(Name) -> Kind,
    ) -> Result<(TypeId, Option<String>)> {
        let Some(name) = object.get("name").and_then(Json::as_str) else {
            return bad(format!("No name in schema: {}", Json::Object(object.clone())));
        };
        let own = object.get("namespace").and_then(Json::as_str);
        let full = full_name(name, own.or(namespace));
        check_name(super::schema::short_name(&full))?;
        if Kind::plain(&full).is_some() {
            return bad(format!("Schemas may not be named after primitives: {full}"));
        }
        let namespace = full.rsplit_once('.').map(|(namespace, _)| namespace.to_owned());
        let aliases = texts(object, "aliases")?.iter().map(|alias| full_name(alias, namespace.as_deref())).collect();
        let id = self.add(kind(Name { full: full.clone(), aliases }));
        if self.names.insert(full.clone(), id).is_some() {
            return bad(format!("Can't redefine: {full}"));
        }
        Ok((id, namespace))
    }

    fn record(&mut self, object: &Map<String, Json>, namespace: Option<&str>) -> Result<TypeId> {
        let (id, namespace) = self.define(object, namespace, |name| Kind::Record { name, fields: Vec::new() })?;
        let Some(Json::Array(list)) = object.get("fields") else { return bad("Record has no fields") };
        let mut names = HashSet::new();
        let mut read = Vec::with_capacity(list.len());
        for field in list {
            let Json::Object(field) = field else { return bad(format!("No field: {field}")) };
            let Some(name) = field.get("name").and_then(Json::as_str) else { return bad("No field name") };
            check_name(name)?;
            if !names.insert(name) {
                return bad(format!("Duplicate field {name} in record {}", self.name(id)));
            }
            let ty = self.read(part(field, "type")?, namespace.as_deref())?;
            let aliases = texts(field, "aliases")?;
            read.push(Field { name: name.to_owned(), aliases, ty, default: field.get("default").cloned() });
        }
        if let Some(Type { kind: Kind::Record { fields, .. }, .. }) = self.types.get_mut(id.0) {
            *fields = read;
        }
        Ok(id)
    }

    fn name(&self, id: TypeId) -> &str {
        match self.types.get(id.0).map(|ty| &ty.kind) {
            Some(Kind::Record { name, .. }) => &name.full,
            _ => "",
        }
    }

    fn symbols(&mut self, object: &Map<String, Json>, namespace: Option<&str>) -> Result<TypeId> {
        let symbols = texts(object, "symbols")?;
        let default = object.get("default").and_then(Json::as_str).map(str::to_owned);
        let mut seen = HashSet::new();
        for symbol in &symbols {
            check_name(symbol)?;
            if !seen.insert(symbol) {
                return bad(format!("Duplicate enum symbol: {symbol}"));
            }
        }
        if let Some(default) = default.as_ref().filter(|default| !symbols.contains(default)) {
            return bad(format!("The Enum Default: {default} is not in the enum symbol set: {symbols:?}"));
        }
        Ok(self.define(object, namespace, |name| Kind::Enum { name, symbols: symbols.into(), default })?.0)
    }

    fn fixed(&mut self, object: &Map<String, Json>, namespace: Option<&str>) -> Result<TypeId> {
        let size = object.get("size").and_then(Json::as_u64).and_then(|size| i32::try_from(size).ok());
        let Some(size) = size else { return bad("Invalid or no size") };
        Ok(self.define(object, namespace, |name| Kind::Fixed { name, size: size as usize })?.0)
    }
}

fn part<'a>(object: &'a Map<String, Json>, name: &str) -> Result<&'a Json> {
    object.get(name).ok_or_else(|| BadSchema(format!("No {name}: {}", Json::Object(object.clone()))))
}

/// A list of texts that may be missing.
fn texts(object: &Map<String, Json>, name: &str) -> Result<Vec<String>> {
    let Some(list) = object.get(name) else { return Ok(Vec::new()) };
    let texts = list.as_array().map(|list| list.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    texts.flatten().ok_or_else(|| BadSchema(format!("{name} must be a list of names: {list}")))
}

/// A name with its namespace; a dotted name has its own.
fn full_name(name: &str, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) if !name.contains('.') && !namespace.is_empty() => format!("{namespace}.{name}"),
        _ => name.to_owned(),
    }
}

/// Checks a name as Avro for Java does.
pub(super) fn check_name(name: &str) -> Result<()> {
    match name.chars().next() {
        None => bad("Empty name"),
        Some(first) if !first.is_alphabetic() && first != '_' => bad(format!("Illegal initial character: {name}")),
        Some(_) if !name.chars().all(|char| char.is_alphanumeric() || char == '_') => {
            bad(format!("Illegal character in: {name}"))
        }
        Some(_) => Ok(()),
    }
}
