//! Protobuf messages as text, read with the schema they came with.

use std::collections::BTreeMap;

/// A field of a message.
#[derive(Debug)]
struct Field {
    name: String,
    ty: String,
}

/// Messages of a schema by name; fields by number.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    messages: BTreeMap<String, BTreeMap<u64, Field>>,
    root: String,
}

impl Schema {
    /// Reads the text of a schema that has one declaration on a line.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut schema = Self::default();
        let mut open: Vec<String> = Vec::new();
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("message ").and_then(|rest| rest.strip_suffix(" {")) {
                if open.is_empty() {
                    schema.root = name.to_owned();
                }
                open.push(name.to_owned());
            } else if line == "}" {
                open.pop();
            } else if let (Some(message), Some((declared, number))) = (open.last(), line.split_once(" = ")) {
                let mut words = declared.trim_start_matches("repeated ").split(' ');
                let field = Field { ty: words.next()?.to_owned(), name: words.next()?.to_owned() };
                let number = number.split([';', ' ']).next()?.parse().ok()?;
                schema.messages.entry(message.clone()).or_default().insert(number, field);
            }
        }
        (!schema.root.is_empty()).then_some(schema)
    }

    /// A message in Protobuf's text form; `None` if it is none of this schema.
    pub(crate) fn show(&self, bytes: &[u8]) -> Option<String> {
        let mut out = String::new();
        self.show_message(&self.root, bytes, "", &mut out)?;
        Some(out)
    }

    fn show_message(&self, name: &str, mut rest: &[u8], indent: &str, out: &mut String) -> Option<()> {
        let fields = self.messages.get(name)?;
        while !rest.is_empty() {
            let tag = varint(&mut rest)?;
            let field = fields.get(&(tag >> 3))?;
            let label = format!("{indent}{}", field.name);
            match (tag & 7, field.ty.as_str()) {
                (0, "bool") => out.push_str(&format!("{label}: {}\n", varint(&mut rest)? != 0)),
                (0, _) => out.push_str(&format!("{label}: {}\n", varint(&mut rest)? as i64)),
                (1, "double") => {
                    let (value, after) = rest.split_first_chunk()?;
                    rest = after;
                    out.push_str(&format!("{label}: {:?}\n", f64::from_le_bytes(*value)));
                }
                (2, ty) => {
                    let len = usize::try_from(varint(&mut rest)?).ok()?;
                    let (value, after) = rest.split_at_checked(len)?;
                    rest = after;
                    if matches!(ty, "string" | "bytes") {
                        out.push_str(&format!("{label}: {:?}\n", std::str::from_utf8(value).ok()?));
                    } else {
                        out.push_str(&format!("{label} {{\n"));
                        self.show_message(ty, value, &format!("{indent}  "), out)?;
                        out.push_str(&format!("{indent}}}\n"));
                    }
                }
                _ => return None,
            }
        }
        Some(())
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
