//! The text of the schema of some columns, as the schema registry's library prints it. Messages have no names in SQL:
//! they are numbered in the order their fields are declared.

use super::super::{FormatError, NullableAs};
use super::types::last_part;
use crate::types::{Column, SqlType};

/// Name of every message, before its number.
const UNNAMED: &str = "ConnectDefault";

/// The schema of messages with a field for each of the columns.
///
/// # Errors
/// An ARRAY of ARRAYs, or a name that Protobuf does not allow.
pub fn schema_text(columns: &[Column]) -> Result<String, FormatError> {
    named_schema_text(columns, None, None)
}

/// [`schema_text`] of a message of that full name, with NULLs told in that way.
///
/// # Errors
/// As [`schema_text`].
pub(super) fn named_schema_text(
    columns: &[Column],
    full_name: Option<&str>,
    nullable: Option<NullableAs>,
) -> Result<String, FormatError> {
    let mut file = File { names: 0, imports: Vec::new(), nullable };
    let full_name = full_name.map_or_else(|| file.name(), str::to_owned);
    full_name.split('.').try_for_each(check_name)?;
    let name = last_part(&full_name).to_owned();
    let package = full_name.strip_suffix(&name).and_then(|package| package.strip_suffix('.'));
    let root = file.message(name, columns.iter().map(|column| (column.name.as_str(), &column.ty)))?;
    let mut out = String::from("syntax = \"proto3\";\n");
    if let Some(package) = package {
        out.push_str(&format!("package {package};\n"));
    }
    out.push('\n');
    for import in &file.imports {
        out.push_str(&format!("import \"{import}\";\n"));
    }
    if !file.imports.is_empty() {
        out.push('\n');
    }
    root.print(0, &mut out);
    Ok(out)
}

struct Message {
    name: String,
    fields: Vec<Field>,
    nested: Vec<Message>,
}

struct Field {
    name: String,
    ty: String,
    label: &'static str,
    /// Precision and scale, told as an option of the field.
    decimal: Option<(u8, i8)>,
}

/// What is known so far.
struct File {
    names: usize,
    imports: Vec<&'static str>,
    nullable: Option<NullableAs>,
}

impl File {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("{UNNAMED}{}", self.names)
    }

    fn message<'a>(
        &mut self,
        name: String,
        fields: impl Iterator<Item = (&'a str, &'a SqlType)>,
    ) -> Result<Message, FormatError> {
        let mut message = Message { name, fields: Vec::new(), nested: Vec::new() };
        for (name, ty) in fields {
            check_name(name)?;
            let field = self.field(name, ty, &mut message.nested)?;
            message.fields.push(field);
        }
        Ok(message)
    }

    /// A field, and the message it needs.
    fn field(&mut self, name: &str, ty: &SqlType, nested: &mut Vec<Message>) -> Result<Field, FormatError> {
        let (item, label) = match ty {
            SqlType::Array(item) => (&**item, "repeated "),
            SqlType::Map(..) => (ty, "repeated "),
            _ if self.nullable == Some(NullableAs::Optional) => (ty, "optional "),
            _ => (ty, ""),
        };
        let mut decimal = None;
        let ty = match item {
            SqlType::Boolean => self.scalar("bool", "google.protobuf.BoolValue"),
            SqlType::Integer => self.scalar("int32", "google.protobuf.Int32Value"),
            SqlType::Bigint => self.scalar("int64", "google.protobuf.Int64Value"),
            SqlType::Double => self.scalar("double", "google.protobuf.DoubleValue"),
            SqlType::String => self.scalar("string", "google.protobuf.StringValue"),
            SqlType::Bytes => self.scalar("bytes", "google.protobuf.BytesValue"),
            SqlType::Decimal { precision, scale } => {
                decimal = Some((*precision, *scale));
                self.import("confluent.type.Decimal", "confluent/type/decimal.proto")
            }
            SqlType::Time => self.import("google.type.TimeOfDay", "google/type/timeofday.proto"),
            SqlType::Date => self.import("google.type.Date", "google/type/date.proto"),
            SqlType::Timestamp => self.import("google.protobuf.Timestamp", "google/protobuf/timestamp.proto"),
            SqlType::Array(_) => {
                let message = format!("Array cannot be nested: Protobuf has no ARRAY of ARRAYs (`{name}`)");
                return Err(FormatError::Schema(message));
            }
            SqlType::Map(key, value) => self.entry(key, value, nested)?,
            SqlType::Struct(fields) => {
                let mut type_name = self.name();
                if type_name == name {
                    type_name.push_str("Message");
                }
                let fields = fields.iter().map(|(name, ty)| (name.as_str(), ty));
                nested.push(self.message(type_name.clone(), fields)?);
                type_name
            }
        };
        Ok(Field { name: name.to_owned(), ty, label, decimal })
    }

    fn scalar(&mut self, ty: &str, wrapper: &str) -> String {
        match self.nullable {
            Some(NullableAs::Wrapper) => self.import(wrapper, "google/protobuf/wrappers.proto"),
            _ => ty.to_owned(),
        }
    }

    /// The message of a MAP's entries; its fields have no options, and are not `optional`.
    fn entry(&mut self, key: &SqlType, value: &SqlType, nested: &mut Vec<Message>) -> Result<String, FormatError> {
        let name = format!("{}Entry", self.name());
        let mut entry = self.message(name.clone(), [("key", key), ("value", value)].into_iter())?;
        for field in &mut entry.fields {
            field.decimal = None;
            field.label = if field.label == "optional " { "" } else { field.label };
        }
        nested.push(entry);
        Ok(name)
    }

    fn import(&mut self, ty: &str, file: &'static str) -> String {
        if !self.imports.contains(&file) {
            self.imports.push(file);
        }
        ty.to_owned()
    }
}

fn check_name(name: &str) -> Result<(), FormatError> {
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_word && name.chars().next().is_some_and(|first| !first.is_ascii_digit()) {
        return Ok(());
    }
    Err(FormatError::Schema(format!("\"{name}\" is not a valid identifier in Protobuf. Give the column an alias.")))
}

impl Message {
    fn print(&self, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        if self.fields.is_empty() {
            out.push_str(&format!("{indent}message {} {{}}\n", self.name));
            return;
        }
        out.push_str(&format!("{indent}message {} {{\n", self.name));
        for (i, field) in self.fields.iter().enumerate() {
            field.print(i + 1, depth + 1, out);
        }
        if !self.nested.is_empty() {
            out.push_str(&format!("{indent}\n"));
        }
        for message in &self.nested {
            message.print(depth + 1, out);
        }
        out.push_str(&format!("{indent}}}\n"));
    }
}

impl Field {
    fn print(&self, number: usize, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        out.push_str(&format!("{indent}{}{} {} = {number}", self.label, self.ty, self.name));
        if let Some((precision, scale)) = self.decimal {
            let param = |key, value| {
                format!(
                    "{indent}    {{\n{indent}      value: \"{value}\",\n{indent}      key: \"{key}\"\n{indent}    }}"
                )
            };
            let (precision, scale) = (param("precision", i16::from(precision)), param("scale", i16::from(scale)));
            out.push_str(&format!(
                " [(confluent.field_meta) = {{\n{indent}  params: [\n{precision},\n{scale}\n{indent}  ]\n{indent}}}]"
            ));
        }
        out.push_str(";\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(columns: &[(&str, SqlType)]) -> Result<String, String> {
        let columns: Vec<Column> = columns.iter().map(|(name, ty)| Column::new(*name, ty.clone())).collect();
        schema_text(&columns).map_err(|error| error.to_string())
    }

    fn map_of(value: SqlType) -> SqlType {
        SqlType::Map(Box::new(SqlType::String), Box::new(value))
    }

    fn struct_of(name: &str, ty: SqlType) -> SqlType {
        SqlType::Struct(vec![(name.to_owned(), ty)])
    }

    #[test]
    fn fields_follow_the_columns() {
        let columns = [
            ("ID", SqlType::Integer),
            ("B", SqlType::Boolean),
            ("L", SqlType::Bigint.array_of()),
            ("D", SqlType::Double),
            ("S", SqlType::String),
            ("Y", SqlType::Bytes),
        ];
        let expected = "syntax = \"proto3\";\n\nmessage ConnectDefault1 {\n  int32 ID = 1;\n  bool B = 2;\n  repeated int64 L = \
                        3;\n  double D = 4;\n  string S = 5;\n  bytes Y = 6;\n}\n";
        assert_eq!(text(&columns).unwrap(), expected);
    }

    #[test]
    fn messages_are_numbered_as_they_are_met() {
        let inner = struct_of("F", struct_of("G", SqlType::Integer).array_of());
        let columns = [("M", map_of(map_of(inner))), ("E", SqlType::Struct(Vec::new())), ("T", SqlType::Time)];
        let expected = "\
syntax = \"proto3\";

import \"google/type/timeofday.proto\";

message ConnectDefault1 {
  repeated ConnectDefault2Entry M = 1;
  ConnectDefault6 E = 2;
  google.type.TimeOfDay T = 3;

  message ConnectDefault2Entry {
    string key = 1;
    repeated ConnectDefault3Entry value = 2;
  \n    message ConnectDefault3Entry {
      string key = 1;
      ConnectDefault4 value = 2;
    \n      message ConnectDefault4 {
        repeated ConnectDefault5 F = 1;
      \n        message ConnectDefault5 {
          int32 G = 1;
        }
      }
    }
  }
  message ConnectDefault6 {}
}
";
        assert_eq!(text(&columns).unwrap(), expected);
    }

    #[test]
    fn decimals_tell_their_digits_except_in_maps() {
        let decimal = SqlType::Decimal { precision: 4, scale: 2 };
        let expected = "\
syntax = \"proto3\";

import \"google/type/date.proto\";
import \"confluent/type/decimal.proto\";

message ConnectDefault1 {
  google.type.Date D = 1;
  ConnectDefault2 S = 2;
  repeated ConnectDefault3Entry M = 3;

  message ConnectDefault2 {
    confluent.type.Decimal F = 1 [(confluent.field_meta) = {
      params: [
        {
          value: \"4\",
          key: \"precision\"
        },
        {
          value: \"2\",
          key: \"scale\"
        }
      ]
    }];
  }
  message ConnectDefault3Entry {
    string key = 1;
    confluent.type.Decimal value = 2;
  }
}
";
        let columns = [("D", SqlType::Date), ("S", struct_of("F", decimal.clone())), ("M", map_of(decimal))];
        assert_eq!(text(&columns).unwrap(), expected);
    }

    #[test]
    fn a_message_has_the_name_it_is_given() {
        let columns = [Column::new("S", struct_of("F", SqlType::Integer))];
        let expected = "syntax = \"proto3\";\npackage a.b;\n\nmessage C {\n  ConnectDefault1 S = 1;\n\n  message \
                        ConnectDefault1 {\n    int32 F = 1;\n  }\n}\n";
        let text = named_schema_text(&columns, Some("a.b.C"), None).unwrap();
        assert_eq!(text.replace("  \n", "\n"), expected);
        assert!(named_schema_text(&columns, Some("a.1.C"), None).is_err());
    }

    #[test]
    fn nulls_are_told_by_optional_fields_or_wrappers() {
        let columns = [
            Column::new("I", SqlType::Integer),
            Column::new("A", SqlType::Integer.array_of()),
            Column::new("D", SqlType::Date),
            Column::new("M", map_of(SqlType::Boolean)),
        ];
        let text = |nullable| named_schema_text(&columns, None, Some(nullable)).unwrap();
        let expected = "\
syntax = \"proto3\";

import \"google/type/date.proto\";

message ConnectDefault1 {
  optional int32 I = 1;
  repeated int32 A = 2;
  optional google.type.Date D = 3;
  repeated ConnectDefault2Entry M = 4;

  message ConnectDefault2Entry {
    string key = 1;
    bool value = 2;
  }
}
";
        assert_eq!(text(NullableAs::Optional), expected);
        let expected = "\
syntax = \"proto3\";

import \"google/protobuf/wrappers.proto\";
import \"google/type/date.proto\";

message ConnectDefault1 {
  google.protobuf.Int32Value I = 1;
  repeated google.protobuf.Int32Value A = 2;
  google.type.Date D = 3;
  repeated ConnectDefault2Entry M = 4;

  message ConnectDefault2Entry {
    google.protobuf.StringValue key = 1;
    google.protobuf.BoolValue value = 2;
  }
}
";
        assert_eq!(text(NullableAs::Wrapper), expected);
    }

    #[test]
    fn what_protobuf_cannot_say_is_refused() {
        let nested = text(&[("A", SqlType::Integer.array_of().array_of())]).unwrap_err();
        assert!(nested.starts_with("Array cannot be nested"), "{nested}");
        for name in ["a b", "1a", "é", ""] {
            let refused = text(&[(name, SqlType::Integer)]).unwrap_err();
            assert!(refused.contains("is not a valid identifier"), "{refused}");
        }
    }
}
