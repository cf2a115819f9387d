//! What PRINT says about a topic whose formats nobody declared: it tries all of them and keeps those that can read
//! everything seen so far.

mod registered;

use std::sync::Arc;

use super::json;
use crate::schemas::{Language, Schemas};
use crate::types::{KeyWindow, WindowKind};
use registered::{Registered, Shown};

/// Guesses the format of the keys or the values of one topic.
#[derive(Debug)]
pub struct Sniffer {
    candidates: Vec<Candidate>,
    registered: Registered,
    seen: bool,
}

/// A format that has read everything so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candidate {
    window: Option<WindowKind>,
    plain: Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plain {
    /// Of a schema in that language.
    Registered(Language),
    Json,
    Int,
    Bigint,
    Double,
    String,
}

/// Windows of real data end before.
const YEAR_10000_MS: i64 = 253_402_300_800_000;

const PLAIN: [Plain; 8] = [
    Plain::Registered(Language::Avro),
    Plain::Registered(Language::Protobuf),
    Plain::Json,
    Plain::Registered(Language::Json),
    Plain::Int,
    Plain::Bigint,
    Plain::Double,
    Plain::String,
];

impl Sniffer {
    /// For the keys of a topic, which may be windowed, and may name schemas of that registry.
    pub fn keys(schemas: Arc<dyn Schemas>) -> Self {
        let with_windows = |plain: Plain| {
            WindowKind::ALL.map(Some).into_iter().chain([None]).map(move |window| Candidate { window, plain })
        };
        let candidates = PLAIN.into_iter().flat_map(with_windows).collect();
        Self { candidates, registered: Registered::new(schemas), seen: false }
    }

    /// For the values of a topic.
    pub fn values(schemas: Arc<dyn Schemas>) -> Self {
        let candidates = PLAIN.map(|plain| Candidate { window: None, plain }).to_vec();
        Self { candidates, registered: Registered::new(schemas), seen: false }
    }

    /// The payload as text in the first format left, after dropping the formats that cannot read it. What no format can
    /// read is shown as Java shows bytes: `\x00\x01abc`.
    ///
    /// Almost any eight bytes can be read as a window, so a window that is nowhere near our time stays a candidate but
    /// is not shown.
    pub fn show(&mut self, payload: Option<&[u8]>) -> String {
        let Some(payload) = payload else { return "<null>".to_owned() };
        self.seen = true;
        let (mut likely, mut unlikely) = (None, None);
        let registered = &mut self.registered;
        self.candidates.retain(|candidate| match candidate.read(payload, registered) {
            Some((text, true)) => {
                likely.get_or_insert(text);
                true
            }
            Some((text, false)) => {
                unlikely.get_or_insert(text);
                true
            }
            None => false,
        });
        likely.or(unlikely).unwrap_or_else(|| raw(payload))
    }

    /// The line after `Key format: ` or `Value format: `.
    pub fn formats(&self) -> String {
        if !self.seen {
            return "¯\\_(ツ)_/¯ - no data processed".to_owned();
        }
        if self.candidates.is_empty() {
            let nothing = " does not match any supported format. It may be a STRING with encoding other than UTF8, or some \
                           other format.";
            return nothing.to_owned();
        }
        self.candidates.iter().map(Candidate::name).collect::<Vec<_>>().join(" or ")
    }
}

impl Candidate {
    fn name(&self) -> String {
        let plain = match self.plain {
            Plain::Registered(language) => registered::name(language),
            Plain::Json => "JSON",
            Plain::Int => "KAFKA_INT",
            Plain::Bigint => "KAFKA_BIGINT",
            Plain::Double => "KAFKA_DOUBLE",
            Plain::String => "KAFKA_STRING",
        };
        match self.window {
            None => plain.to_owned(),
            Some(window) => format!("{}({plain})", window.name()),
        }
    }

    /// The payload as text, and whether it looks right.
    fn read(&self, payload: &[u8], registered: &mut Registered) -> Option<(String, bool)> {
        let Some(kind) = self.window else { return self.plain.read(payload, registered) };
        // How large the windows are is not known.
        let window = KeyWindow { kind, size_ms: (!kind.is_session()).then_some(0) };
        let (key, start, end) = window.split(payload)?;
        let (key, is_likely) = self.plain.read(key, registered)?;
        let text = match window.size_ms {
            None => format!("[{key}@{start}/{end}]"),
            Some(_) => format!("[{key}@{start}/-]"),
        };
        Some((text, is_likely && 0 <= start && start <= end && end < YEAR_10000_MS))
    }
}

impl Plain {
    /// The payload as text, and whether it looks right.
    fn read(self, payload: &[u8], registered: &mut Registered) -> Option<(String, bool)> {
        match self {
            Self::Registered(language) => match registered.show(language, payload) {
                Shown::No => None,
                Shown::Perhaps => Some((raw(payload), false)),
                Shown::Text(text) => Some((text, true)),
            },
            plain => plain.read_alone(payload).map(|text| (text, true)),
        }
    }

    /// The payload as text, if nothing else is needed to read it.
    fn read_alone(self, payload: &[u8]) -> Option<String> {
        match self {
            Self::Registered(_) => None,
            Self::Json => text(payload).filter(|text| json::is_json(text)).map(str::to_owned),
            Self::Int => payload.try_into().ok().map(|bytes| i32::from_be_bytes(bytes).to_string()),
            Self::Bigint => payload.try_into().ok().map(|bytes| i64::from_be_bytes(bytes).to_string()),
            Self::Double => {
                let mut out = String::new();
                crate::types::text::java_double(f64::from_be_bytes(payload.try_into().ok()?), &mut out);
                Some(out)
            }
            Self::String => text(payload).map(str::to_owned),
        }
    }
}

/// Text that is not empty, is UTF-8 and holds no replacement character.
fn text(payload: &[u8]) -> Option<&str> {
    std::str::from_utf8(payload).ok().filter(|text| !text.is_empty() && !text.contains('\u{FFFD}'))
}

/// Printable ASCII as it is, the rest as `\xHH`.
fn raw(payload: &[u8]) -> String {
    let mut out = String::new();
    for byte in payload {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{FormatSpec, Half, format};
    use crate::schemas::NoSchemas;
    use crate::schemas::testing::InMemory;
    use crate::types::{Column, SqlType, Value};

    fn none() -> Arc<dyn Schemas> {
        Arc::new(NoSchemas)
    }

    #[test]
    fn payloads_that_name_a_schema_are_read_by_it() {
        let schemas: Arc<dyn Schemas> = Arc::new(InMemory::default());
        let half = Half { topic: "t".into(), is_key: false, schemas: Arc::clone(&schemas) };
        let columns = [Column::new("ID", SqlType::Integer), Column::new("S", SqlType::String)];
        let arrays = [
            Value::column(&SqlType::Integer, &[Value::Integer(7)]),
            Value::column(&SqlType::String, &[Value::String("x".to_owned())]),
        ];
        let written = |name: &str| {
            let format = format(name).unwrap();
            let mut encoder = format.encoder(&FormatSpec::plain(name, true), &columns, &half).unwrap();
            encoder.encode(&arrays, None).unwrap().value(0).to_vec()
        };
        let (shown, formats) = sniff(Sniffer::values(Arc::clone(&schemas)), &[&written("JSON_SR")]);
        assert_eq!(shown, ["{\"ID\":7,\"S\":\"x\"}"]);
        assert_eq!(formats, "JSON_SR or KAFKA_STRING");
        let unknown = [0, 0, 0, 0, 99, b'{', b'}'];
        assert_eq!(sniff(Sniffer::values(schemas), &[&unknown]).1, "KAFKA_STRING");
    }

    fn sniff(mut sniffer: Sniffer, payloads: &[&[u8]]) -> (Vec<String>, String) {
        let shown = payloads.iter().map(|payload| sniffer.show(Some(payload))).collect();
        (shown, sniffer.formats())
    }

    #[test]
    fn formats_that_can_read_everything_are_left() {
        let values = |payloads: &[&[u8]]| sniff(Sniffer::values(none()), payloads).1;
        assert_eq!(values(&[b"{\"a\":1}"]), "JSON or KAFKA_STRING");
        assert_eq!(values(&[b"1\tb b"]), "JSON or KAFKA_STRING");
        assert_eq!(values(&[b"{}", b"not json"]), "KAFKA_STRING");
        assert_eq!(values(&[b",,,,,"]), "KAFKA_STRING");
        assert_eq!(values(&[b"1,x"]), "KAFKA_STRING");
        assert_eq!(values(&[&2_i32.to_be_bytes()]), "KAFKA_INT or KAFKA_STRING");
        assert_eq!(values(&[&2_i64.to_be_bytes()]), "KAFKA_BIGINT or KAFKA_DOUBLE or KAFKA_STRING");
        assert_eq!(
            values(&[b"\xFF\xFF\xFF\xFF", b"abc"]).split_once(". ").map(|(start, _)| start.to_owned()),
            Some(" does not match any supported format".to_owned())
        );
        let keys = |payloads: &[&[u8]]| sniff(Sniffer::keys(none()), payloads);
        assert_eq!(keys(&[b"x"]).1, "KAFKA_STRING");
        assert_eq!(
            keys(&[b"{\"A\":1,\"B\":\"x\"}"]).1,
            "JSON or HOPPING(KAFKA_STRING) or TUMBLING(KAFKA_STRING) or KAFKA_STRING"
        );
        assert_eq!(keys(&[&1.5_f64.to_be_bytes()]).1, "KAFKA_BIGINT or KAFKA_DOUBLE");
        assert_eq!(Sniffer::keys(none()).formats(), "¯\\_(ツ)_/¯ - no data processed");
    }

    #[test]
    fn windowed_keys_show_their_window() {
        let mut key = b"alice".to_vec();
        KeyWindow { kind: WindowKind::Session, size_ms: None }.write(1000, 3000, &mut key);
        let (shown, formats) = sniff(Sniffer::keys(none()), &[&key]);
        assert!(formats.starts_with("SESSION(KAFKA_STRING)"), "{formats}");
        assert_eq!(shown, ["[alice@1000/3000]"]);
        let mut key = b"a-longer-key".to_vec();
        KeyWindow { kind: WindowKind::Tumbling, size_ms: Some(5000) }.write(1000, 6000, &mut key);
        let (shown, formats) = sniff(Sniffer::keys(none()), &[&key]);
        assert!(formats.starts_with("SESSION(KAFKA_INT)"), "{formats}");
        assert_eq!(shown, ["[a-longer-key@1000/-]"]);
        assert_eq!(sniff(Sniffer::keys(none()), &[b"customer-12345678"]).0, ["customer-12345678"]);
    }
}
