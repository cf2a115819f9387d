//! Beside the crate `apache-avro`: what it writes is read here, and what is written here is what it writes.

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Theirs;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Decimal, Schema as TheirSchema};

use super::*;
use crate::formats::avro::wire::{put_long, put_sized};

/// A type of a writer's schema, whatever a registry's users may have.
pub(super) enum Shape {
    Null,
    Boolean,
    Int(Option<&'static str>),
    Long(Option<&'static str>),
    Float,
    Double,
    String,
    Bytes,
    Decimal { precision: u8, scale: i8, size: Option<usize> },
    Fixed(usize),
    Enum(usize),
    Array(Box<Shape>),
    Map(Box<Shape>),
    Optional { null_first: bool, inner: Box<Shape> },
    Union(Vec<Shape>),
    Record(Vec<Shape>),
}

/// Named types get a number.
pub(super) struct Names(pub(super) usize);

impl Names {
    fn next(&mut self) -> String {
        self.0 += 1;
        format!("T{}", self.0)
    }
}

impl Shape {
    pub(super) fn any(random: &mut Random, depth: u64) -> Self {
        let inner = |random: &mut Random| Box::new(Self::any(random, depth - 1));
        match random.below(if depth == 0 { 12 } else { 17 }) {
            0 => Self::Boolean,
            1 => Self::Int([None, Some("date"), Some("time-millis")][random.below(3) as usize]),
            2 => Self::Int(None),
            3 => Self::Long([None, Some("timestamp-millis"), Some("timestamp-micros")][random.below(3) as usize]),
            4 => Self::Float,
            5 => Self::Double,
            6 | 7 => Self::String,
            8 => Self::Bytes,
            9 => Self::Decimal {
                precision: 12,
                scale: random.below(5) as i8,
                size: [None, Some(7)][random.below(2) as usize],
            },
            10 => Self::Fixed(random.below(20) as usize),
            11 => Self::Enum(1 + random.below(4) as usize),
            12 => Self::Array(inner(random)),
            13 => Self::Map(inner(random)),
            14 => {
                Self::Optional { null_first: random.below(2) == 0, inner: Box::new(Self::no_union(random, depth - 1)) }
            }
            15 => Self::Union(vec![Self::String, Self::Null, Self::Long(None), Self::Record(vec![*inner(random)])]),
            _ => Self::Record((0..random.below(4)).map(|_| *inner(random)).collect()),
        }
    }

    fn no_union(random: &mut Random, depth: u64) -> Self {
        loop {
            let shape = Self::any(random, depth);
            if !matches!(shape, Self::Optional { .. } | Self::Union(_)) {
                return shape;
            }
        }
    }

    pub(super) fn schema(&self, names: &mut Names) -> Json {
        let logical = |ty: &str, logical: &Option<&str>| match logical {
            Some(logical) => json!({"type": ty, "logicalType": logical}),
            None => json!(ty),
        };
        match self {
            Self::Null => json!("null"),
            Self::Boolean => json!("boolean"),
            Self::Int(name) => logical("int", name),
            Self::Long(name) => logical("long", name),
            Self::Float => json!("float"),
            Self::Double => json!("double"),
            Self::String => json!("string"),
            Self::Bytes => json!("bytes"),
            Self::Decimal { precision, scale, size: None } => {
                json!({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale})
            }
            Self::Decimal { precision, scale, size: Some(size) } => json!({"type": "fixed", "name": names.next(),
                "size": size, "logicalType": "decimal", "precision": precision, "scale": scale}),
            Self::Fixed(size) => json!({"type": "fixed", "name": names.next(), "size": size}),
            Self::Enum(symbols) => {
                let symbols: Vec<String> = (0..*symbols).map(|i| format!("S{i}")).collect();
                json!({"type": "enum", "name": names.next(), "symbols": symbols})
            }
            Self::Array(item) => json!({"type": "array", "items": item.schema(names)}),
            Self::Map(value) => json!({"type": "map", "values": value.schema(names)}),
            Self::Optional { null_first: true, inner } => json!(["null", inner.schema(names)]),
            Self::Optional { null_first: false, inner } => json!([inner.schema(names), "null"]),
            Self::Union(branches) => branches.iter().map(|branch| branch.schema(names)).collect(),
            Self::Record(fields) => {
                let name = names.next();
                let fields: Vec<Json> = (0..)
                    .zip(fields)
                    .map(|(i, field)| json!({"name": format!("f{i}"), "type": field.schema(names)}))
                    .collect();
                json!({"type": "record", "name": name, "fields": fields})
            }
        }
    }

    /// A value as the other crate has it, and as it is in SQL.
    pub(super) fn value(&self, random: &mut Random) -> (Theirs, Value) {
        match self {
            Self::Array(item) => {
                let items = (0..random.below(5)).map(|_| item.value(random));
                let (theirs, ours) = items.unzip();
                (Theirs::Array(theirs), Value::Array(ours))
            }
            // One entry at most: the other crate's maps have no order.
            Self::Map(value) if random.below(3) > 0 => {
                let (theirs, ours) = value.value(random);
                let text = format!("é{}", random.below(100));
                let entry = (Value::String(text.clone()), ours);
                (Theirs::Map(HashMap::from([(text, theirs)])), Value::Map(vec![entry]))
            }
            Self::Map(_) => (Theirs::Map(HashMap::new()), Value::Map(Vec::new())),
            Self::Optional { null_first, inner } => {
                let null_at = u32::from(!null_first);
                if random.below(3) == 0 {
                    return (Theirs::Union(null_at, Box::new(Theirs::Null)), Value::Null);
                }
                let (theirs, ours) = inner.value(random);
                (Theirs::Union(1 - null_at, Box::new(theirs)), ours)
            }
            Self::Union(branches) => {
                let branch = random.below(branches.len() as u64) as usize;
                let (theirs, value) = branches[branch].value(random);
                let ours = if matches!(branches[branch], Self::Null) {
                    Value::Null
                } else {
                    let fields = branches.iter().enumerate().filter(|(_, branch)| !matches!(branch, Self::Null));
                    let field = |(i, _)| if i == branch { value.clone() } else { Value::Null };
                    Value::Struct(fields.map(field).collect())
                };
                (Theirs::Union(branch as u32, Box::new(theirs)), ours)
            }
            Self::Record(fields) => {
                let values: Vec<_> = fields.iter().map(|field| field.value(random)).collect();
                let theirs = (0..).zip(&values).map(|(i, (theirs, _))| (format!("f{i}"), theirs.clone())).collect();
                (Theirs::Record(theirs), Value::Struct(values.into_iter().map(|(_, ours)| ours).collect()))
            }
            plain => plain.plain(random),
        }
    }

    /// A value that holds no other.
    fn plain(&self, random: &mut Random) -> (Theirs, Value) {
        let text = random.value(&SqlType::String);
        let text = if let Value::String(text) = text { text } else { String::new() };
        let integer = (random.next() as i64) >> random.below(64);
        match self {
            Self::Boolean => (Theirs::Boolean(integer & 1 == 0), Value::Boolean(integer & 1 == 0)),
            Self::Int(None) => (Theirs::Int(integer as i32), Value::Integer(integer as i32)),
            Self::Int(Some("date")) => (Theirs::Date(integer as i32), Value::Date(integer as i32)),
            Self::Int(Some(_)) => {
                let millis = random.below(86_400_000) as i32;
                (Theirs::TimeMillis(millis), Value::Time(millis))
            }
            Self::Long(None) => (Theirs::Long(integer), Value::Bigint(integer)),
            Self::Long(Some("timestamp-millis")) => (Theirs::TimestampMillis(integer), Value::Timestamp(integer)),
            Self::Long(Some(_)) => (Theirs::TimestampMicros(integer), Value::Bigint(integer)),
            Self::Float => (Theirs::Float(integer as f32), Value::Double(f64::from(integer as f32))),
            Self::Double => (Theirs::Double(integer as f64 / 8.0), Value::Double(integer as f64 / 8.0)),
            Self::String => (Theirs::String(text.clone()), Value::String(text)),
            Self::Bytes => (Theirs::Bytes(text.clone().into_bytes()), Value::Bytes(text.into_bytes())),
            Self::Decimal { scale, .. } => {
                let unscaled = integer % 1_000_000_000_000;
                let bytes = unscaled.to_be_bytes();
                let start = bytes
                    .windows(2)
                    .take_while(|pair| (pair[0] == 0 && pair[1] < 0x80) || (pair[0] == 0xFF && pair[1] >= 0x80));
                let bytes = bytes[start.count()..].to_vec();
                (Theirs::Decimal(Decimal::from(bytes)), Value::Decimal(i128::from(unscaled), *scale))
            }
            Self::Fixed(size) => {
                let bytes: Vec<u8> = (0..*size).map(|_| random.below(256) as u8).collect();
                (Theirs::Fixed(*size, bytes.clone()), Value::Bytes(bytes))
            }
            Self::Enum(symbols) => {
                let symbol = random.below(*symbols as u64) as u32;
                (Theirs::Enum(symbol, format!("S{symbol}")), Value::String(format!("S{symbol}")))
            }
            _ => (Theirs::Null, Value::Null),
        }
    }
}

pub(super) fn write(schema: &TheirSchema, value: &Theirs) -> Vec<u8> {
    let mut bytes = Vec::new();
    GenericDatumWriter::builder(schema).build().unwrap().write_value_ref(&mut bytes, value).unwrap();
    bytes
}

/// A value with each item of an array and each entry of a map in a block of its own, which tells its size. (The other
/// crate reads such blocks but does not write them.)
pub(super) fn write_in_blocks(shape: &Shape, value: &Theirs, out: &mut Vec<u8>) {
    let block = |write: &dyn Fn(&mut Vec<u8>), out: &mut Vec<u8>| {
        let mut item = Vec::new();
        write(&mut item);
        put_long(-1, out);
        put_sized(&item, out);
    };
    match (shape, value) {
        (_, Theirs::Null) => {}
        (_, Theirs::Boolean(value)) => out.push(u8::from(*value)),
        (_, Theirs::Int(value) | Theirs::Date(value) | Theirs::TimeMillis(value)) => put_long(i64::from(*value), out),
        (_, Theirs::Long(value) | Theirs::TimestampMillis(value) | Theirs::TimestampMicros(value)) => {
            put_long(*value, out);
        }
        (_, Theirs::Float(value)) => out.extend(value.to_le_bytes()),
        (_, Theirs::Double(value)) => out.extend(value.to_le_bytes()),
        (_, Theirs::String(value)) => put_sized(value.as_bytes(), out),
        (_, Theirs::Bytes(value)) => put_sized(value, out),
        (_, Theirs::Fixed(_, value)) => out.extend(value),
        (_, Theirs::Enum(symbol, _)) => put_long(i64::from(*symbol), out),
        (Shape::Decimal { size, .. }, Theirs::Decimal(value)) => {
            let bytes: Vec<u8> = value.try_into().unwrap();
            match size {
                None => put_sized(&bytes, out),
                Some(size) => {
                    let sign = if bytes[0] >= 0x80 { 0xFF } else { 0 };
                    out.extend(std::iter::repeat_n(sign, size - bytes.len()).chain(bytes));
                }
            }
        }
        (Shape::Array(item), Theirs::Array(items)) => {
            items.iter().for_each(|value| block(&|out| write_in_blocks(item, value, out), out));
            out.push(0);
        }
        (Shape::Map(inner), Theirs::Map(entries)) => {
            for (key, value) in entries {
                let entry = |out: &mut Vec<u8>| {
                    put_sized(key.as_bytes(), out);
                    write_in_blocks(inner, value, out);
                };
                block(&entry, out);
            }
            out.push(0);
        }
        (Shape::Optional { inner, .. }, Theirs::Union(branch, value)) => {
            put_long(i64::from(*branch), out);
            write_in_blocks(inner, value, out);
        }
        (Shape::Union(branches), Theirs::Union(branch, value)) => {
            put_long(i64::from(*branch), out);
            write_in_blocks(&branches[*branch as usize], value, out);
        }
        (Shape::Record(fields), Theirs::Record(values)) => {
            fields.iter().zip(values).for_each(|(field, (_, value))| write_in_blocks(field, value, out));
        }
        _ => panic!("{value:?} is of another shape"),
    }
}

/// Schemas of every kind: the columns they get hold what was written, and write it again to the byte.
#[test]
fn any_writer_is_read_and_written_alike() {
    let mut records = 0;
    for seed in 0..rounds(250) {
        let mut random = Random::new(seed + 1);
        let root = Shape::Record((0..1 + random.below(4)).map(|_| Shape::any(&mut random, 3)).collect());
        let text = root.schema(&mut Names(0));
        let theirs = TheirSchema::parse_str(&text.to_string()).unwrap();
        let registry: Arc<Registry> = Arc::default();
        let id = registry.add(&text);
        let spec = FormatSpec { schema_id: Some(id), ..wrapped() };
        let columns = columns(&registry.by_id(id).unwrap(), &spec, false).unwrap();
        let mut encoder = Avro.encoder(&spec, &columns, &half(&registry, false)).unwrap();
        let values: Vec<(Theirs, Value)> = (0..20).map(|_| root.value(&mut random)).collect();
        let framed = |value: &Theirs, in_blocks| {
            let mut bytes = Vec::new();
            crate::schemas::put_header(id, &mut bytes);
            if in_blocks {
                write_in_blocks(&root, value, &mut bytes);
                let reader = GenericDatumReader::builder(&theirs).build().unwrap();
                assert_eq!(reader.read_value(&mut &bytes[5..]).unwrap(), *value, "seed {seed}: {text}");
            } else {
                bytes.extend(write(&theirs, value));
            }
            bytes
        };
        let rows: Vec<Vec<Value>> = values
            .iter()
            .map(|(_, ours)| if let Value::Struct(fields) = ours { fields.clone() } else { Vec::new() })
            .collect();
        for in_blocks in [false, true] {
            let bytes: Vec<Vec<u8>> = values.iter().map(|(value, _)| framed(value, in_blocks)).collect();
            let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
            let decoded = decode(&registry, &columns, &spec, &bytes);
            assert_eq!(decoded.bad, [], "seed {seed}: {text}");
            for (i, row) in rows.iter().enumerate() {
                let read: Vec<Value> = decoded.columns.iter().map(|column| Value::at(column, i)).collect();
                assert_eq!(&read, row, "seed {seed}: {text}");
            }
            // Nobody wants anything: it is passed over to its end.
            let mut nothing = Avro.decoder(&spec, &columns, &[], &half(&registry, false)).unwrap();
            let payloads = BinaryArray::from_iter_values(&bytes);
            nothing.prepare(&payloads).unwrap();
            assert_eq!(nothing.decode(&payloads).bad, [], "seed {seed}: {text}");
        }
        let written = encoder.encode(&to_columns(&columns, &rows), None);
        let written = written.unwrap_or_else(|error| panic!("seed {seed}: {error}: {text}"));
        for (i, (value, _)) in values.iter().enumerate() {
            assert_eq!(written.value(i), framed(value, false), "seed {seed}: {text}");
            records += 1;
        }
    }
    assert!(records >= 5000);
}

/// The schemas and records that columns get are what the other crate understands and writes.
#[test]
fn any_columns_are_written_alike() {
    for seed in 0..rounds(250) {
        let mut random = Random::new(seed + 1000);
        let columns: Vec<Column> =
            (0..1 + random.below(4)).map(|i| column(&format!("C{i}"), random.any_type(3))).collect();
        let rows: Vec<Vec<Value>> =
            (0..20).map(|_| columns.iter().map(|column| random.value(&column.ty)).collect()).collect();
        let registry: Arc<Registry> = Arc::default();
        let mut encoder = Avro.encoder(&wrapped(), &columns, &half(&registry, false)).unwrap();
        let written = encoder.encode(&to_columns(&columns, &rows), None).unwrap();
        let text = text_of(&columns, &wrapped(), false);
        let theirs = TheirSchema::parse_str(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}: {text}"));
        let reader = GenericDatumReader::builder(&theirs).build().unwrap();
        for (i, row) in rows.iter().enumerate() {
            let mut bytes = &written.value(i)[5..];
            let Theirs::Record(fields) = reader.read_value(&mut bytes).unwrap() else { panic!("{text}") };
            assert!(bytes.is_empty());
            for ((value, (_, theirs)), column) in row.iter().zip(&fields).zip(&columns) {
                assert_eq!(&to_sql(theirs, &column.ty), value, "seed {seed}: {text}");
            }
            assert_eq!(write(&theirs, &Theirs::Record(fields)), written.value(i)[5..], "seed {seed}: {text}");
        }
    }
}

/// A value of the schema of a column.
fn to_sql(theirs: &Theirs, ty: &SqlType) -> Value {
    let Theirs::Union(_, theirs) = theirs else { panic!("{theirs:?} is no union") };
    match (&**theirs, ty) {
        (Theirs::Null, _) => Value::Null,
        (Theirs::Boolean(value), SqlType::Boolean) => Value::Boolean(*value),
        (Theirs::Int(value), SqlType::Integer) => Value::Integer(*value),
        (Theirs::Date(value), SqlType::Date) => Value::Date(*value),
        (Theirs::TimeMillis(value), SqlType::Time) => Value::Time(*value),
        (Theirs::Long(value), SqlType::Bigint) => Value::Bigint(*value),
        (Theirs::TimestampMillis(value), SqlType::Timestamp) => Value::Timestamp(*value),
        (Theirs::Double(value), SqlType::Double) => Value::Double(*value),
        (Theirs::String(value), SqlType::String) => Value::String(value.clone()),
        (Theirs::Bytes(value), SqlType::Bytes) => Value::Bytes(value.clone()),
        (Theirs::Decimal(value), SqlType::Decimal { scale, .. }) => {
            let bytes: Vec<u8> = value.try_into().unwrap();
            let sign = if bytes[0] >= 0x80 { 0xFF } else { 0 };
            let mut whole = [sign; 16];
            whole[16 - bytes.len()..].copy_from_slice(&bytes);
            Value::Decimal(i128::from_be_bytes(whole), *scale)
        }
        (Theirs::Array(items), SqlType::Array(ty)) => Value::Array(items.iter().map(|item| to_sql(item, ty)).collect()),
        (Theirs::Array(entries), SqlType::Map(key, value)) => {
            let entry = |entry: &Theirs| match entry {
                Theirs::Record(fields) => (to_sql(&fields[0].1, key), to_sql(&fields[1].1, value)),
                other => panic!("{other:?} is no entry"),
            };
            Value::Map(entries.iter().map(entry).collect())
        }
        (Theirs::Record(fields), SqlType::Struct(types)) => {
            Value::Struct(fields.iter().zip(types).map(|((_, value), (_, ty))| to_sql(value, ty)).collect())
        }
        (theirs, ty) => panic!("{theirs:?} is no {ty}"),
    }
}
