//! JSON of cases ⟷ Avro, by a schema: the way of the test driver, over another library than the engine's.

use std::collections::HashMap;
use std::str::FromStr;

use apache_avro::Decimal;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::{DecimalSchema, InnerDecimalSchema, Name, NamesRef, ResolvedSchema, Schema};
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode};
use serde_json::Value as Json;

use crate::value::Value;

/// A schema and those it refers to.
pub(crate) struct Reader {
    schema: Schema,
    others: Vec<Schema>,
}

impl Reader {
    /// Reads a schema and those it refers to.
    pub(crate) fn new(text: &str, referenced: &[&str]) -> Result<Self, String> {
        let parsed = if referenced.is_empty() {
            Schema::parse_str(text).map(|schema| (schema, Vec::new()))
        } else {
            Schema::parse_str_with_list(text, referenced)
        };
        let (schema, others) = parsed.map_err(|e| format!("{text}: {e}"))?;
        Ok(Self { schema, others })
    }

    fn all(&self) -> Vec<&Schema> {
        self.others.iter().chain([&self.schema]).collect()
    }

    fn with_names<T>(&self, then: impl FnOnce(&NamesRef<'_>) -> Result<T, String>) -> Result<T, String> {
        let resolved = ResolvedSchema::new_with_schemata(self.all()).map_err(|e| e.to_string())?;
        then(resolved.get_names())
    }

    /// Whether a value is bytes: Confluent's serializers write these without their length where they stand alone.
    fn is_bytes(&self) -> bool {
        matches!(&self.schema, Schema::Bytes | Schema::Decimal(DecimalSchema { inner: InnerDecimalSchema::Bytes, .. }))
    }

    /// The bytes of a value.
    pub(crate) fn encode(&self, json: &Json) -> Result<Vec<u8>, String> {
        let value = self.with_names(|names| to_avro(json, &self.schema, names))?;
        let writer = GenericDatumWriter::builder(&self.schema).schemata(self.all()).and_then(|builder| builder.build());
        let written = writer.and_then(|writer| writer.write_value_to_vec(value));
        let mut written = written.map_err(|e| format!("{json}: {e}"))?;
        if self.is_bytes() {
            let continued = written.iter().take_while(|byte| **byte >= 0x80).count();
            written.drain(..=continued);
        }
        Ok(written)
    }

    /// The value of bytes; all of them.
    pub(crate) fn decode(&self, mut bytes: &[u8]) -> Result<Value, String> {
        if self.is_bytes() {
            let value = match &self.schema {
                Schema::Bytes => Avro::Bytes(bytes.to_vec()),
                _ => Avro::Decimal(Decimal::from(bytes)),
            };
            return self.with_names(|names| from_avro(&value, &self.schema, names));
        }
        let reader = GenericDatumReader::builder(&self.schema)
            .writer_schemata(self.all())
            .and_then(|builder| builder.build())
            .map_err(|e| e.to_string())?;
        let value = reader.read_value(&mut bytes).map_err(|e| e.to_string())?;
        if !bytes.is_empty() {
            return Err(format!("{} bytes follow the Avro value", bytes.len()));
        }
        self.with_names(|names| from_avro(&value, &self.schema, names))
    }
}

fn named<'a>(schema: &'a Schema, names: &'a HashMap<Name, &Schema>) -> Result<&'a Schema, String> {
    match schema {
        Schema::Ref { name } => names.get(name).copied().ok_or_else(|| format!("no schema {name}")),
        schema => Ok(schema),
    }
}

/// Connect's record of a map's key and value: maps whose keys are not plain text are arrays of them.
fn is_entry(schema: &Schema) -> bool {
    let Schema::Record(record) = schema else { return false };
    record.name.name() == "MapEntry"
        || record.attributes.get("connect.internal.type").is_some_and(|value| value == "MapEntry")
}

fn text(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), ToOwned::to_owned)
}

fn number<T: FromStr>(json: &Json) -> Result<T, String> {
    text(json).parse().map_err(|_| format!("{json} is no number of its type"))
}

fn bytes(json: &Json) -> Result<Vec<u8>, String> {
    STANDARD.decode(json.as_str().ok_or_else(|| format!("{json} is no base64"))?).map_err(|e| format!("{json}: {e}"))
}

fn to_avro(json: &Json, schema: &Schema, names: &NamesRef<'_>) -> Result<Avro, String> {
    Ok(match named(schema, names)? {
        Schema::Null if json.is_null() => Avro::Null,
        Schema::Union(union) => {
            let branches = union.variants();
            let fits = |strict: bool| {
                branches.iter().enumerate().find_map(|(at, branch)| {
                    let value = (!strict || is_kind(json, branch)).then(|| to_avro(json, branch, names));
                    value.and_then(Result::ok).map(|value| (at, value))
                })
            };
            let (at, value) = fits(true).or_else(|| fits(false)).ok_or_else(|| format!("{json} fits no branch"))?;
            Avro::Union(at as u32, Box::new(value))
        }
        _ if json.is_null() => return Err("null where the schema has none".to_owned()),
        Schema::Boolean => Avro::Boolean(number(json)?),
        Schema::Int => Avro::Int(number(json)?),
        Schema::Long => Avro::Long(number(json)?),
        Schema::Float => Avro::Float(number(json)?),
        Schema::Double => Avro::Double(number(json)?),
        Schema::Date => Avro::Date(number(json)?),
        Schema::TimeMillis => Avro::TimeMillis(number(json)?),
        Schema::TimeMicros => Avro::TimeMicros(number(json)?),
        Schema::TimestampMillis => Avro::TimestampMillis(number(json)?),
        Schema::TimestampMicros => Avro::TimestampMicros(number(json)?),
        Schema::Bytes => Avro::Bytes(bytes(json)?),
        Schema::Fixed(fixed) => Avro::Fixed(fixed.size, bytes(json)?),
        Schema::String => Avro::String(text(json)),
        Schema::Enum(symbols) => {
            let name = text(json);
            let at = symbols.symbols.iter().position(|symbol| *symbol == name);
            Avro::Enum(at.ok_or_else(|| format!("no symbol {name}"))? as u32, name)
        }
        Schema::Decimal(decimal) => Avro::Decimal(unscaled(json, decimal)?),
        Schema::Array(array) => {
            let items = named(&array.items, names)?;
            match json {
                Json::Object(entries) if is_entry(items) => {
                    let entry = |(key, value): (&String, &Json)| {
                        let pair = serde_json::json!({"key": key, "value": value});
                        to_avro(&pair, items, names)
                    };
                    Avro::Array(entries.iter().map(entry).collect::<Result<_, _>>()?)
                }
                _ => {
                    let list = json.as_array().ok_or_else(|| format!("{json} is no array"))?;
                    Avro::Array(list.iter().map(|item| to_avro(item, items, names)).collect::<Result<_, _>>()?)
                }
            }
        }
        Schema::Map(map) => {
            let entries = json.as_object().ok_or_else(|| format!("{json} is no map"))?;
            let entry = |(key, value): (&String, &Json)| Ok((key.clone(), to_avro(value, &map.types, names)?));
            Avro::Map(entries.iter().map(entry).collect::<Result<_, String>>()?)
        }
        Schema::Record(record) => {
            let object = json.as_object().ok_or_else(|| format!("{json} is no record"))?;
            let field = |name: &str| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v);
            let values = record.fields.iter().map(|declared| {
                let value = field(&declared.name).unwrap_or(&Json::Null);
                let value = to_avro(value, &declared.schema, names).map_err(|e| format!("{}: {e}", declared.name))?;
                Ok((declared.name.clone(), value))
            });
            Avro::Record(values.collect::<Result<_, String>>()?)
        }
        other => return Err(format!("{json} as {other:?}")),
    })
}

/// Whether the JSON is of the kind that a branch of a union is.
fn is_kind(json: &Json, schema: &Schema) -> bool {
    match schema {
        Schema::Null => json.is_null(),
        Schema::Boolean => json.is_boolean(),
        Schema::String | Schema::Enum(_) | Schema::Bytes | Schema::Fixed(_) | Schema::Uuid(_) => json.is_string(),
        Schema::Array(_) => json.is_array() || json.is_object(),
        Schema::Map(_) | Schema::Record(_) | Schema::Ref { .. } => json.is_object(),
        _ => json.is_number(),
    }
}

/// An unscaled number in two's complement.
fn unscaled(json: &Json, schema: &DecimalSchema) -> Result<Decimal, String> {
    let exact: BigDecimal = number(json)?;
    let scaled = exact.with_scale_round(schema.scale as i64, RoundingMode::HalfUp);
    Ok(Decimal::from(scaled.as_bigint_and_exponent().0.to_signed_bytes_be()))
}

fn from_avro(value: &Avro, schema: &Schema, names: &NamesRef<'_>) -> Result<Value, String> {
    Ok(match (value, named(schema, names)?) {
        (Avro::Union(at, value), Schema::Union(union)) => {
            let branch = union.variants().get(*at as usize).ok_or("no such branch")?;
            from_avro(value, branch, names)?
        }
        (Avro::Null, _) => Value::Null,
        (Avro::Boolean(value), _) => Value::Bool(*value),
        (Avro::Int(value) | Avro::Date(value) | Avro::TimeMillis(value), _) => Value::Int(i64::from(*value)),
        (
            Avro::Long(value)
            | Avro::TimeMicros(value)
            | Avro::TimestampMillis(value)
            | Avro::TimestampMicros(value)
            | Avro::LocalTimestampMillis(value),
            _,
        ) => Value::Int(*value),
        (Avro::Float(value), _) => Value::Double(f64::from(*value)),
        (Avro::Double(value), _) => Value::Double(*value),
        (Avro::Bytes(value) | Avro::Fixed(_, value), _) => Value::Bytes(value.clone()),
        (Avro::String(value) | Avro::Enum(_, value), _) => Value::Text(value.clone()),
        (Avro::Decimal(value), Schema::Decimal(decimal)) => {
            let digits = Vec::<u8>::try_from(value).map_err(|e| e.to_string())?;
            Value::Decimal(BigDecimal::new(BigInt::from_signed_bytes_be(&digits), decimal.scale as i64))
        }
        (Avro::Array(values), Schema::Array(array)) => {
            let items = named(&array.items, names)?;
            let read: Vec<Value> = values.iter().map(|v| from_avro(v, items, names)).collect::<Result<_, _>>()?;
            if is_entry(items) { Value::Map(read.into_iter().map(entry).collect()) } else { Value::Array(read) }
        }
        (Avro::Map(entries), Schema::Map(map)) => {
            let read = entries.iter().map(|(key, value)| Ok((key.clone(), from_avro(value, &map.types, names)?)));
            Value::Map(read.collect::<Result<_, String>>()?)
        }
        (Avro::Record(fields), Schema::Record(record)) => {
            let read = fields.iter().zip(&record.fields);
            let read = read.map(|((name, value), field)| Ok((name.clone(), from_avro(value, &field.schema, names)?)));
            Value::Map(read.collect::<Result<_, String>>()?)
        }
        (value, schema) => return Err(format!("{value:?} as {schema:?}")),
    })
}

/// An entry of a map from the record of its key and value.
fn entry(pair: Value) -> (String, Value) {
    let Value::Map(fields) = pair else { return (String::new(), pair) };
    let mut of = fields.into_iter().map(|(_, value)| value);
    let key = match of.next() {
        Some(Value::Text(key)) => key,
        Some(Value::Int(key)) => key.to_string(),
        other => format!("{other:?}"),
    };
    (key, of.next().unwrap_or(Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_by_its_schema() {
        let schema = r#"{"type":"record","name":"R","fields":[
            {"name":"A","type":["null","int"],"default":null},
            {"name":"D","type":["null",{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}]},
            {"name":"M","type":{"type":"array","items":{"type":"record","name":"E",
                "connect.internal.type":"MapEntry","fields":[{"name":"key","type":"string"},{"name":"value","type":"long"}]}}}]}"#;
        let reader = Reader::new(schema, &[]).unwrap();
        let json = serde_json::json!({"a": 7, "D": "1.5", "M": {"k": 9}});
        let bytes = reader.encode(&json).unwrap();
        let read = reader.decode(&bytes).unwrap();
        assert!(crate::value::matches(&serde_json::json!({"A": 7, "D": "1.50", "M": {"k": 9}}), &read), "{read:?}");
        assert!(reader.decode(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn bare_bytes_stand_without_their_length() {
        let decimal = r#"{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}"#;
        for (schema, json, bytes) in [(r#""bytes""#, "AP8=", &[0, 255][..]), (decimal, "1.50", &[0, 150])] {
            let (reader, json) = (Reader::new(schema, &[]).unwrap(), serde_json::json!(json));
            assert_eq!(reader.encode(&json).unwrap(), bytes);
            assert!(crate::value::matches(&json, &reader.decode(bytes).unwrap()), "{schema}");
        }
    }
}
