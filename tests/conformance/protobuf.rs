//! JSON of cases ⟷ Protobuf, by a schema: the way of the test driver, over another library than the engine's walk.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode};
use engine::formats::NullableAs;
use prost_reflect::Value as Proto;
use prost_reflect::prost::Message;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage,
};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use serde_json::Value as Json;

use crate::value::Value;

/// Messages that schemas import without a reference, besides those of protoc.
const COMMON: [(&str, &str); 4] = [
    (
        "confluent/meta.proto",
        "syntax = \"proto3\"; package confluent; import \"google/protobuf/descriptor.proto\";
         message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
         extend google.protobuf.FileOptions { Meta file_meta = 1088; }
         extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
         extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
         extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
         extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }",
    ),
    (
        "confluent/type/decimal.proto",
        "syntax = \"proto3\"; package confluent.type;
         message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }",
    ),
    (
        "google/type/date.proto",
        "syntax = \"proto3\"; package google.type; message Date { int32 year = 1; int32 month = 2; int32 day = 3; }",
    ),
    (
        "google/type/timeofday.proto",
        "syntax = \"proto3\"; package google.type;
         message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }",
    ),
];

const ROOT: &str = "root.proto";

/// Texts by the name they are imported by.
struct Texts(Vec<(String, String)>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, text)) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// The messages of a schema, outermost in the order of the text.
pub(crate) struct Reader {
    messages: Vec<MessageDescriptor>,
}

impl Reader {
    /// Reads a schema and those it imports, by name.
    pub(crate) fn new(text: &str, referenced: &[(&str, &str)]) -> Result<Self, String> {
        let mut texts = vec![(ROOT.to_owned(), text.to_owned())];
        texts.extend(referenced.iter().chain(&COMMON).map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        // What Confluent's library prints uses the option without importing its file.
        if text.contains("confluent.field_meta") && !text.contains("confluent/meta.proto") {
            let import = "import \"confluent/meta.proto\";\n";
            let at = text.find(";\n").map_or(0, |at| at + 2);
            texts[0].1.insert_str(at, import);
        }
        let mut resolver = ChainFileResolver::new();
        resolver.add(Texts(texts));
        resolver.add(GoogleFileResolver::new());
        let mut compiler = Compiler::with_file_resolver(resolver);
        compiler.include_imports(true).open_file(ROOT).map_err(|e| format!("{e:?}: {text}"))?;
        let pool: DescriptorPool = compiler.descriptor_pool();
        let file = pool.get_file_by_name(ROOT).ok_or("no file")?;
        Ok(Self { messages: file.messages().collect() })
    }

    fn first(&self) -> Result<&MessageDescriptor, String> {
        self.messages.first().ok_or_else(|| "a schema without messages".to_owned())
    }

    /// The bytes of the first message.
    pub(crate) fn encode(&self, json: &Json) -> Result<Vec<u8>, String> {
        Ok(message(json, self.first()?)?.encode_to_vec())
    }

    /// The bytes of the message of that name, or of the first, and before them its indexes.
    pub(crate) fn encode_registered(&self, json: &Json, full_name: Option<&str>) -> Result<Vec<u8>, String> {
        let at = match full_name {
            Some(name) => self.messages.iter().position(|message| message.full_name() == name),
            None => Some(0),
        };
        let at = at.ok_or_else(|| format!("no message {full_name:?}"))?;
        let of = self.messages.get(at).ok_or("a schema without messages")?;
        let mut record = if at == 0 { vec![0] } else { vec![2, (at * 2) as u8] };
        message(json, of)?.encode(&mut record).map_err(|e| e.to_string())?;
        Ok(record)
    }

    /// The value of the bytes of a message: at those indexes, each into the messages of the one before; the first if there
    /// are none.
    pub(crate) fn decode(&self, bytes: &[u8], indexes: &[usize]) -> Result<Value, String> {
        let mut found = self.first()?.clone();
        let mut among = self.messages.clone();
        for index in indexes {
            found = among.get(*index).ok_or("no such message")?.clone();
            among = found.child_messages().collect();
        }
        let read = DynamicMessage::decode(found, bytes).map_err(|e| e.to_string())?;
        Ok(fields(&read))
    }
}

/// A schema whose plain fields tell NULL from a default, from one whose do not.
pub(crate) fn nullable(text: &str, as_: Option<NullableAs>) -> String {
    let Some(as_) = as_ else { return text.to_owned() };
    let plain = [
        ("int32", "Int32Value"),
        ("int64", "Int64Value"),
        ("double", "DoubleValue"),
        ("bool", "BoolValue"),
        ("string", "StringValue"),
        ("bytes", "BytesValue"),
    ];
    let line = |line: &str| {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        let known = plain.iter().find_map(|(ty, wrapper)| Some((rest.strip_prefix(&format!("{ty} "))?, wrapper)));
        match (known, as_) {
            (None, _) => line.to_owned(),
            (Some(_), NullableAs::Optional) => format!("{indent}optional {rest}"),
            (Some((name, wrapper)), NullableAs::Wrapper) => format!("{indent}google.protobuf.{wrapper} {name}"),
        }
    };
    let body: Vec<String> = text.lines().map(line).collect();
    body.join("\n").replacen('\n', "\nimport \"google/protobuf/wrappers.proto\";\n", 1)
}

/// The indexes before a registered message, and its bytes.
pub(crate) fn split_indexes(mut bytes: &[u8]) -> Result<(Vec<usize>, &[u8]), String> {
    let count = zigzag(&mut bytes)?;
    if count == 0 {
        return Ok((vec![0], bytes));
    }
    let indexes = (0..count).map(|_| zigzag(&mut bytes)).collect::<Result<_, _>>()?;
    Ok((indexes, bytes))
}

fn zigzag(bytes: &mut &[u8]) -> Result<usize, String> {
    let value = prost_reflect::prost::encoding::decode_varint(bytes).map_err(|e| e.to_string())?;
    usize::try_from(value >> 1).map_err(|e| e.to_string())
}

fn text(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), ToOwned::to_owned)
}

fn number<T: FromStr>(json: &Json) -> Result<T, String> {
    text(json).parse().map_err(|_| format!("{json} is no number of its type"))
}

fn message(json: &Json, of: &MessageDescriptor) -> Result<DynamicMessage, String> {
    let object = json.as_object().ok_or_else(|| format!("{json} is no message"))?;
    let mut built = DynamicMessage::new(of.clone());
    for field in of.fields() {
        let given = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(field.name())).map(|(_, value)| value);
        let Some(given) = given.filter(|given| !given.is_null()) else { continue };
        let value = to_proto(given, &field).map_err(|e| format!("{}: {e}", field.name()))?;
        built.try_set_field(&field, value).map_err(|e| e.to_string())?;
    }
    Ok(built)
}

fn to_proto(json: &Json, field: &FieldDescriptor) -> Result<Proto, String> {
    if field.cardinality() != Cardinality::Repeated {
        return single(json, field);
    }
    if let (Kind::Message(entry), Json::Object(pairs)) = (field.kind(), json) {
        if field.is_map() {
            let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
            let pair = |(k, v): (&String, &Json)| Ok((map_key(k, &key)?, single(v, &value)?));
            return Ok(Proto::Map(pairs.iter().map(pair).collect::<Result<_, String>>()?));
        }
        let pair = |(k, v): (&String, &Json)| message(&serde_json::json!({"key": k, "value": v}), &entry);
        return Ok(Proto::List(pairs.iter().map(pair).map(|m| m.map(Proto::Message)).collect::<Result<_, _>>()?));
    }
    let items = json.as_array().ok_or_else(|| format!("{json} is no array"))?;
    Ok(Proto::List(items.iter().map(|item| single(item, field)).collect::<Result<_, _>>()?))
}

fn map_key(key: &str, field: &FieldDescriptor) -> Result<MapKey, String> {
    let json = Json::String(key.to_owned());
    Ok(match field.kind() {
        Kind::String => MapKey::String(key.to_owned()),
        Kind::Bool => MapKey::Bool(number(&json)?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => MapKey::I32(number(&json)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => MapKey::I64(number(&json)?),
        Kind::Uint32 | Kind::Fixed32 => MapKey::U32(number(&json)?),
        _ => MapKey::U64(number(&json)?),
    })
}

fn single(json: &Json, field: &FieldDescriptor) -> Result<Proto, String> {
    Ok(match field.kind() {
        Kind::Double => Proto::F64(number(json)?),
        Kind::Float => Proto::F32(number(json)?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Proto::I32(number(json)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Proto::I64(number(json)?),
        Kind::Uint32 | Kind::Fixed32 => Proto::U32(number(json)?),
        Kind::Uint64 | Kind::Fixed64 => Proto::U64(number(json)?),
        Kind::Bool => Proto::Bool(number(json)?),
        Kind::String => Proto::String(text(json)),
        Kind::Bytes => Proto::Bytes(STANDARD.decode(text(json)).map_err(|e| format!("{json}: {e}"))?.into()),
        Kind::Enum(names) => {
            let value = names.get_value_by_name(&text(json)).ok_or_else(|| format!("no {json} in {}", names.name()))?;
            Proto::EnumNumber(value.number())
        }
        Kind::Message(of) => Proto::Message(known_message(json, &of, field)?),
    })
}

/// A message that stands for one value, or one of fields.
fn known_message(json: &Json, of: &MessageDescriptor, field: &FieldDescriptor) -> Result<DynamicMessage, String> {
    let with = |pairs: &[(&str, Proto)]| {
        let mut built = DynamicMessage::new(of.clone());
        pairs.iter().for_each(|(name, value)| built.set_field_by_name(name, value.clone()));
        built
    };
    Ok(match of.full_name() {
        "google.protobuf.Timestamp" => {
            let ms: i64 = number(json)?;
            let nanos = (ms.rem_euclid(1000) * 1_000_000) as i32;
            with(&[("seconds", Proto::I64(ms.div_euclid(1000))), ("nanos", Proto::I32(nanos))])
        }
        "google.type.TimeOfDay" => {
            let ms: i32 = number(json)?;
            with(&[
                ("hours", Proto::I32(ms / 3_600_000)),
                ("minutes", Proto::I32(ms / 60_000 % 60)),
                ("seconds", Proto::I32(ms / 1000 % 60)),
                ("nanos", Proto::I32(ms % 1000 * 1_000_000)),
            ])
        }
        "google.type.Date" => {
            let (year, month, day) = civil(number(json)?);
            with(&[("year", Proto::I32(year)), ("month", Proto::I32(month)), ("day", Proto::I32(day))])
        }
        "confluent.type.Decimal" => {
            let exact: BigDecimal = number(json)?;
            let scale = param(field, "scale").unwrap_or(exact.as_bigint_and_exponent().1 as i32);
            let digits = exact.with_scale_round(i64::from(scale), RoundingMode::HalfUp).as_bigint_and_exponent().0;
            let precision = param(field, "precision").unwrap_or(0) as u32;
            with(&[
                ("value", Proto::Bytes(digits.to_signed_bytes_be().into())),
                ("precision", Proto::U32(precision)),
                ("scale", Proto::I32(scale)),
            ])
        }
        name if is_wrapper(name) => {
            let value = of.get_field_by_name("value").ok_or("a wrapper without a value")?;
            with(&[("value", single(json, &value)?)])
        }
        _ => message(json, of)?,
    })
}

fn is_wrapper(name: &str) -> bool {
    name.strip_prefix("google.protobuf.")
        .is_some_and(|name| name.ends_with("Value") && name.len() > 5 && name != "NullValue")
}

/// A number among the parameters of a field's `confluent.field_meta`.
fn param(field: &FieldDescriptor, name: &str) -> Option<i32> {
    let options = field.options();
    let (_, meta) = options.extensions().find(|(extension, _)| extension.full_name() == "confluent.field_meta")?;
    let params = meta.as_message()?.get_field_by_name("params")?;
    params.as_map()?.get(&MapKey::String(name.to_owned()))?.as_str()?.parse().ok()
}

/// All fields of a message.
fn fields(message: &DynamicMessage) -> Value {
    let of = message.descriptor();
    let field = |field: FieldDescriptor| {
        let is_unset = field.supports_presence() && !message.has_field(&field);
        let value = if is_unset { Value::Null } else { from_proto(&message.get_field(&field), &field) };
        (field.name().to_owned(), value)
    };
    Value::Map(of.fields().map(field).collect())
}

fn from_proto(value: &Proto, field: &FieldDescriptor) -> Value {
    match value {
        Proto::List(items) => {
            let read = items.iter().map(|item| from_proto(item, field));
            match field.kind() {
                Kind::Message(of) if is_entry(&of) => Value::Map(read.map(entry).collect()),
                _ => Value::Array(read.collect()),
            }
        }
        Proto::Map(entries) => {
            let of = match field.kind() {
                Kind::Message(entry) => entry.map_entry_value_field(),
                _ => field.clone(),
            };
            Value::Map(entries.iter().map(|(key, value)| (key_text(key), from_proto(value, &of))).collect())
        }
        Proto::Bool(value) => Value::Bool(*value),
        Proto::I32(value) => Value::Int(i64::from(*value)),
        Proto::I64(value) => Value::Int(*value),
        Proto::U32(value) => Value::Int(i64::from(*value)),
        Proto::U64(value) => i64::try_from(*value).map_or_else(|_| Value::BigInt(value.to_string()), Value::Int),
        Proto::F32(value) => Value::Double(f64::from(*value)),
        Proto::F64(value) => Value::Double(*value),
        Proto::String(value) => Value::Text(value.clone()),
        Proto::Bytes(value) => Value::Bytes(value.to_vec()),
        Proto::EnumNumber(value) => match field.kind() {
            Kind::Enum(names) => {
                let name = names.get_value(*value).map(|value| value.name().to_owned());
                name.map_or_else(|| Value::Int(i64::from(*value)), Value::Text)
            }
            _ => Value::Int(i64::from(*value)),
        },
        Proto::Message(message) => from_message(message),
    }
}

fn from_message(message: &DynamicMessage) -> Value {
    let of = message.descriptor();
    let int = |name: &str| {
        message.get_field_by_name(name).map_or(0, |value| match *value {
            Proto::I32(value) => i64::from(value),
            Proto::I64(value) => value,
            _ => 0,
        })
    };
    match of.full_name() {
        "google.protobuf.Timestamp" => Value::Int(int("seconds") * 1000 + int("nanos") / 1_000_000),
        "google.type.TimeOfDay" => Value::Int(
            int("hours") * 3_600_000 + int("minutes") * 60_000 + int("seconds") * 1000 + int("nanos") / 1_000_000,
        ),
        "google.type.Date" => Value::Int(days(int("year"), int("month"), int("day"))),
        "confluent.type.Decimal" => {
            let digits = message.get_field_by_name("value").and_then(|value| value.as_bytes().map(|b| b.to_vec()));
            let digits = BigInt::from_signed_bytes_be(&digits.unwrap_or_default());
            Value::Decimal(BigDecimal::new(digits, int("scale")))
        }
        name if is_wrapper(name) => match of.get_field_by_name("value") {
            Some(field) => from_proto(&message.get_field(&field), &field),
            None => Value::Null,
        },
        _ => fields(message),
    }
}

/// Connect's message of a map's key and value.
fn is_entry(of: &MessageDescriptor) -> bool {
    let mut names = of.fields();
    of.name().ends_with("Entry")
        && names.next().is_some_and(|field| field.name() == "key")
        && names.next().is_some_and(|field| field.name() == "value")
}

fn entry(pair: Value) -> (String, Value) {
    let Value::Map(fields) = pair else { return (String::new(), pair) };
    let mut of = fields.into_iter().map(|(_, value)| value);
    let key = match of.next() {
        Some(Value::Text(key)) => key,
        other => format!("{other:?}"),
    };
    (key, of.next().unwrap_or(Value::Null))
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

/// Year, month and day of a day since 1970.
fn civil(day: i64) -> (i32, i32, i32) {
    let mut year = 1970 + day.div_euclid(365);
    while days(year, 1, 1) > day {
        year -= 1;
    }
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= day).unwrap_or(1);
    (year as i32, month as i32, (day - days(year, month, 1) + 1) as i32)
}

/// Days since 1970 of a date (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree() {
        for day in [-719_162, -1, 0, 58, 59, 365, 11_016, 18_661, 2_932_896] {
            let (year, month, date) = civil(day);
            assert_eq!(days(i64::from(year), i64::from(month), i64::from(date)), day, "{year}-{month}-{date}");
        }
        assert_eq!(civil(18_661), (2021, 2, 3));
    }

    #[test]
    fn a_message_comes_back_by_its_schema() {
        let schema = "syntax = \"proto3\";\nimport \"confluent/type/decimal.proto\";\n\nmessage ConnectDefault1 {\n  int32 A = 1;\n  \
                      confluent.type.Decimal D = 2 [(confluent.field_meta) = { params: [ { value: \"4\", key: \"precision\" }, \
                      { value: \"2\", key: \"scale\" } ] }];\n  repeated ConnectDefault2Entry M = 3;\n\n  message \
                      ConnectDefault2Entry {\n    string key = 1;\n    int64 value = 2;\n  }\n}\n";
        let reader = Reader::new(schema, &[]).unwrap();
        let json = serde_json::json!({"a": 7, "D": 1.5, "M": {"k": 9}});
        let read = reader.decode(&reader.encode(&json).unwrap(), &[0]).unwrap();
        assert!(crate::value::matches(&serde_json::json!({"A": 7, "D": "1.50", "M": {"k": 9}}), &read), "{read:?}");
        assert_eq!(split_indexes(&[0, 8, 7]).unwrap(), (vec![0], &[8_u8, 7][..]));
        assert_eq!(split_indexes(&[4, 2, 0, 9]).unwrap(), (vec![1, 0], &[9_u8][..]));
    }
}
