//! The records of topic `_schemas`, as Confluent's registry writes and reads them: JSON keys and values, of each key the
//! last value counts.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::schemas::{Language, Reference};

use super::level::{Level, Mode};

/// The topic that keeps the schemas, as Confluent's registry calls it.
pub const TOPIC: &str = "_schemas";

/// A record, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A version of a subject.
    Version(Box<SchemaValue>),
    /// A version is gone for good.
    NoVersion(String, i32),
    /// The versions of a subject up to this one are deleted softly.
    DeleteSubject(String, i32),
    /// The versions of a subject are gone for good.
    ClearSubject(String),
    /// What goes with what, in a subject or else everywhere; `None`: nothing is said any more.
    Level(Option<String>, Option<ConfigValue>),
    /// What may be done, in a subject or else everywhere.
    Mode(Option<String>, Option<Mode>),
    /// No id up to this one is free. Ours: Confluent's registry leaves the value out, and does not look at it.
    Taken(i32),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "keytype", rename_all = "SCREAMING_SNAKE_CASE")]
enum Key {
    Schema { subject: String, version: i32, magic: u8 },
    DeleteSubject { subject: String, magic: u8 },
    ClearSubject { subject: String, magic: u8 },
    Config { subject: Option<String>, magic: u8 },
    Mode { subject: Option<String>, magic: u8 },
    Noop { magic: u8 },
}

/// A version of a subject, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SchemaValue {
    pub(super) subject: String,
    pub(super) version: i32,
    pub(super) id: i32,
    #[serde(
        rename = "schemaType",
        default = "avro",
        deserialize_with = "avro_if_null",
        skip_serializing_if = "is_avro"
    )]
    pub(super) language: Language,
    #[serde(default, deserialize_with = "none_if_null", skip_serializing_if = "Vec::is_empty")]
    pub(super) references: Vec<Reference>,
    pub(super) schema: String,
    #[serde(default)]
    pub(super) deleted: bool,
    /// What only other registries know: metadata, rules and what they will think of.
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

fn avro() -> Language {
    Language::Avro
}

fn avro_if_null<'a, D: Deserializer<'a>>(from: D) -> Result<Language, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_else(avro))
}

fn none_if_null<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<Reference>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn is_avro(language: &Language) -> bool {
    *language == Language::Avro
}

/// What goes with what, as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ConfigValue {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    #[serde(rename = "compatibilityLevel", skip_serializing_if = "Option::is_none")]
    pub(super) level: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) normalize: Option<bool>,
    /// What only other registries know.
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

/// Why a record is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotUnderstood {
    pub(super) why: String,
    /// The version of a subject that it is about all the same.
    pub(super) version: Option<(String, i32)>,
    /// The id that it gives.
    pub(super) id: Option<i32>,
}

impl From<String> for NotUnderstood {
    fn from(why: String) -> Self {
        Self { why, version: None, id: None }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct ModeValue {
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    mode: Mode,
}

#[derive(Debug, Serialize, Deserialize)]
struct DeleteSubjectValue {
    subject: String,
    version: i32,
}

/// What is left of a value when nothing but the id counts.
#[derive(Debug, Serialize, Deserialize)]
struct GivenId {
    id: i32,
}

impl Entry {
    /// Understands a record.
    pub(super) fn read(key: &[u8], value: Option<&[u8]>) -> Result<Option<Self>, NotUnderstood> {
        fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
            serde_json::from_slice(bytes).map_err(|error| error.to_string())
        }
        Ok(match (json(key)?, value) {
            (Key::Schema { subject, version, .. }, None) => Some(Self::NoVersion(subject, version)),
            (Key::Schema { subject, version, .. }, Some(value)) => {
                let read = json::<SchemaValue>(value).map_err(|why| {
                    let id = json::<GivenId>(value).ok().map(|given| given.id);
                    NotUnderstood { why, version: Some((subject.clone(), version)), id }
                })?;
                Some(Self::Version(Box::new(SchemaValue { subject, version, ..read })))
            }
            (Key::DeleteSubject { .. } | Key::ClearSubject { .. } | Key::Noop { .. }, None) => None,
            (Key::DeleteSubject { subject, .. }, Some(value)) => {
                Some(Self::DeleteSubject(subject, json::<DeleteSubjectValue>(value)?.version))
            }
            (Key::ClearSubject { subject, .. }, Some(_)) => Some(Self::ClearSubject(subject)),
            (Key::Config { subject, .. }, value) => Some(Self::Level(subject, value.map(json).transpose()?)),
            (Key::Mode { subject, .. }, value) => {
                Some(Self::Mode(subject, value.map(json::<ModeValue>).transpose()?.map(|value| value.mode)))
            }
            (Key::Noop { .. }, Some(value)) => Some(Self::Taken(json::<GivenId>(value)?.id)),
        })
    }

    /// Its record.
    pub(super) fn write(&self) -> Result<(Vec<u8>, Option<Vec<u8>>), serde_json::Error> {
        fn some(value: &impl Serialize) -> Result<Option<Vec<u8>>, serde_json::Error> {
            serde_json::to_vec(value).map(Some)
        }
        let (key, value) = match self {
            Self::Version(value) => {
                (Key::Schema { subject: value.subject.clone(), version: value.version, magic: 1 }, some(value)?)
            }
            Self::NoVersion(subject, version) => {
                (Key::Schema { subject: subject.clone(), version: *version, magic: 1 }, None)
            }
            Self::DeleteSubject(subject, version) => {
                let value = DeleteSubjectValue { subject: subject.clone(), version: *version };
                (Key::DeleteSubject { subject: subject.clone(), magic: 0 }, some(&value)?)
            }
            Self::ClearSubject(subject) => {
                let value = serde_json::json!({ "subject": subject });
                (Key::ClearSubject { subject: subject.clone(), magic: 0 }, some(&value)?)
            }
            Self::Level(subject, value) => (
                Key::Config { subject: subject.clone(), magic: 0 },
                value.as_ref().map(serde_json::to_vec).transpose()?,
            ),
            Self::Mode(subject, mode) => {
                let value = |mode| serde_json::to_vec(&ModeValue { subject: subject.clone(), mode });
                let value = mode.map(value).transpose()?;
                (Key::Mode { subject: subject.clone(), magic: 0 }, value)
            }
            Self::Taken(id) => (Key::Noop { magic: 0 }, some(&GivenId { id: *id })?),
        };
        Ok((serde_json::to_vec(&key)?, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_confluents() {
        let written = |entry: &Entry| {
            let (key, value) = entry.write().unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            assert_eq!(Entry::read(&key, value.as_deref()).unwrap().as_ref(), Some(entry));
            (text(key), value.map_or_else(|| "null".to_owned(), text))
        };
        let version = |language, references| {
            let (subject, schema) = ("x-value".to_owned(), "\"int\"".to_owned());
            let others = Map::new();
            let value =
                SchemaValue { subject, version: 1, id: 7, language, references, schema, deleted: false, others };
            Entry::Version(Box::new(value))
        };
        for (entry, key, value) in [
            (
                version(Language::Avro, vec![]),
                r#"{"keytype":"SCHEMA","subject":"x-value","version":1,"magic":1}"#,
                r#"{"subject":"x-value","version":1,"id":7,"schema":"\"int\"","deleted":false}"#,
            ),
            (
                version(
                    Language::Protobuf,
                    vec![Reference { name: "a.proto".to_owned(), subject: "a".to_owned(), version: 2 }],
                ),
                r#"{"keytype":"SCHEMA","subject":"x-value","version":1,"magic":1}"#,
                r#"{"subject":"x-value","version":1,"id":7,"schemaType":"PROTOBUF","references":[{"name":"a.proto","subject":"a","version":2}],"schema":"\"int\"","deleted":false}"#,
            ),
            (
                Entry::NoVersion("x".to_owned(), 2),
                r#"{"keytype":"SCHEMA","subject":"x","version":2,"magic":1}"#,
                "null",
            ),
            (
                Entry::DeleteSubject("x".to_owned(), 2),
                r#"{"keytype":"DELETE_SUBJECT","subject":"x","magic":0}"#,
                r#"{"subject":"x","version":2}"#,
            ),
            (
                Entry::Level(None, Some(ConfigValue { level: Some(Level::FullTransitive), ..ConfigValue::default() })),
                r#"{"keytype":"CONFIG","subject":null,"magic":0}"#,
                r#"{"compatibilityLevel":"FULL_TRANSITIVE"}"#,
            ),
            (Entry::Level(Some("x".to_owned()), None), r#"{"keytype":"CONFIG","subject":"x","magic":0}"#, "null"),
            (
                Entry::Mode(Some("x".to_owned()), Some(Mode::ReadonlyOverride)),
                r#"{"keytype":"MODE","subject":"x","magic":0}"#,
                r#"{"subject":"x","mode":"READONLY_OVERRIDE"}"#,
            ),
            (Entry::Taken(9), r#"{"keytype":"NOOP","magic":0}"#, r#"{"id":9}"#),
        ] {
            assert_eq!(written(&entry), (key.to_owned(), value.to_owned()));
        }
    }

    #[test]
    fn what_newer_registries_add_is_kept_or_passed_over() {
        let key = br#"{"keytype":"SCHEMA","subject":"x","version":1,"magic":1}"#;
        let value = br#"{"subject":"x","version":1,"id":3,"md5":"AAA=","guid":"g","metadata":null,"schema":"\"int\"","deleted":true}"#;
        let Some(Entry::Version(read)) = Entry::read(key, Some(value)).unwrap() else { panic!("a version") };
        assert!(read.deleted && read.id == 3 && read.language == Language::Avro);
        let others = serde_json::json!({"md5": "AAA=", "guid": "g", "metadata": null});
        assert_eq!(Value::Object(read.others), others);
        let told = Entry::read(key, Some(br#"{"subject":"x","version":1,"id":3,"schema":{}}"#)).unwrap_err();
        assert_eq!((told.version, told.id), (Some(("x".to_owned(), 1)), Some(3)));
        assert_eq!(Entry::read(br#"{"keytype":"NOOP","magic":0}"#, None), Ok(None));
        assert!(Entry::read(br#"{"keytype":"CONTEXT","tenant":"t","context":"c","magic":0}"#, Some(b"{}")).is_err());
        assert!(Entry::read(b"nonsense", None).is_err());
    }
}
