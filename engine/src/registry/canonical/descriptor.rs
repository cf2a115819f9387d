//! A file's descriptor, which some clients send instead of its text, as a text: Confluent's registry keeps texts, and so
//! does this one. What the text does not say again is refused.

use std::collections::HashMap;
use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prost_reflect::prost::Message;
use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, ServiceDescriptorProto,
    file_options,
};
use protox::file::File;

use super::field_meta;

/// The end of ranges that go up to the last number.
const MAX_FIELD: i32 = (1 << 29) - 1;

/// Whether a text may be a descriptor as Base64: a text in Protobuf's language has other characters.
pub(super) fn is_base64(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
}

/// Bytes of a descriptor as Base64: what stands in a message is looked up among its other parts.
const MAX_BYTES: usize = 256 << 10;

/// The text of a descriptor.
pub(super) fn text(base64: &str) -> Result<String, String> {
    if base64.len() > MAX_BYTES {
        return Err(format!("a descriptor may have {MAX_BYTES} bytes as Base64; send the text instead"));
    }
    let bytes = BASE64_STANDARD.decode(base64).map_err(|error| error.to_string())?;
    let file = FileDescriptorProto::decode(bytes.as_slice()).map_err(|error| error.to_string())?;
    let params = field_meta::params(&bytes)?;
    let is_proto3 = file.syntax() == "proto3";
    let text = Printer { out: String::new(), depth: 0, scope: Vec::new(), is_proto3, params }.file(&file)?;
    let read = File::from_source(file.name(), &text).map_err(|error| error.to_string())?;
    if bare(&file) != bare(read.file_descriptor_proto()) {
        return Err("the descriptor says something that its text would not".to_owned());
    }
    Ok(text)
}

/// What of a descriptor makes the bytes of messages.
fn bare(file: &FileDescriptorProto) -> FileDescriptorProto {
    let mut file = file.clone();
    (file.name, file.options, file.source_code_info) = (None, None, None);
    file.syntax = file.syntax.filter(|syntax| syntax != "proto2");
    file.service.clear();
    file.message_type.iter_mut().for_each(bare_message);
    file.enum_type.iter_mut().for_each(bare_enum);
    file
}

fn bare_message(message: &mut DescriptorProto) {
    let is_entry = is_map_entry(message);
    message.options = None;
    message.nested_type.iter_mut().for_each(bare_message);
    message.enum_type.iter_mut().for_each(bare_enum);
    // Where the compiler puts them does not count.
    message.nested_type.sort_by(|a, b| a.name.cmp(&b.name));
    // A proto3 `optional` has a oneof of its own, which may not have been made yet.
    let optionals: Vec<i32> =
        message.field.iter().filter(|field| field.proto3_optional()).filter_map(|field| field.oneof_index).collect();
    let kept = message.oneof_decl.iter().enumerate();
    let kept = kept.filter(|(at, _)| !optionals.iter().any(|index| usize::try_from(*index) == Ok(*at)));
    message.oneof_decl = kept.map(|(_, oneof)| oneof.clone()).collect();
    message.oneof_decl.iter_mut().for_each(|oneof| oneof.options = None);
    for field in &mut message.field {
        (field.json_name, field.options) = (None, None);
        if field.proto3_optional() {
            field.oneof_index = None;
        }
        if field.type_name.is_some() {
            field.r#type = None;
            // Entries of maps are named by where they stand, or not.
            let last = field.type_name().rsplit('.').next().unwrap_or_default().to_owned();
            if message.nested_type.iter().any(|entry| entry.name() == last && last.ends_with("Entry")) {
                field.type_name = Some(last);
            }
        }
        if is_entry {
            field.label = None;
        }
    }
}

fn bare_enum(of: &mut EnumDescriptorProto) {
    of.options = None;
    of.value.iter_mut().for_each(|value| value.options = None);
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry())
}

struct Printer {
    out: String,
    depth: usize,
    /// The messages that the next line stands in.
    scope: Vec<String>,
    is_proto3: bool,
    /// What Confluent's options say of fields.
    params: HashMap<String, Vec<(String, String)>>,
}

impl Printer {
    fn file(mut self, file: &FileDescriptorProto) -> Result<String, String> {
        match file.syntax() {
            "" | "proto2" => self.line("syntax = \"proto2\";"),
            "proto3" => self.line("syntax = \"proto3\";"),
            other => return Err(format!("syntax {other} is not supported")),
        }
        if !file.package().is_empty() {
            self.line(&format!("package {};", file.package()));
        }
        if !file.extension.is_empty() {
            return Err("extensions are not supported".to_owned());
        }
        self.imports(file);
        self.options(file);
        for message in &file.message_type {
            self.out.push('\n');
            self.message(message)?;
        }
        for of in &file.enum_type {
            self.out.push('\n');
            self.enumeration(of);
        }
        for service in &file.service {
            self.out.push('\n');
            self.service(service);
        }
        Ok(self.out)
    }

    fn line(&mut self, text: &str) {
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn open(&mut self, text: &str) {
        self.line(&format!("{text} {{"));
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.line("}");
    }

    fn imports(&mut self, file: &FileDescriptorProto) {
        if !file.dependency.is_empty() {
            self.out.push('\n');
        }
        for (at, name) in (0..).zip(&file.dependency) {
            let kind = match (file.public_dependency.contains(&at), file.weak_dependency.contains(&at)) {
                (true, _) => "public ",
                (_, true) => "weak ",
                _ => "",
            };
            self.line(&format!("import {kind}{};", quoted(name)));
        }
    }

    fn options(&mut self, file: &FileDescriptorProto) {
        let Some(options) = &file.options else { return };
        let texts = [
            ("java_package", &options.java_package),
            ("java_outer_classname", &options.java_outer_classname),
            ("go_package", &options.go_package),
            ("objc_class_prefix", &options.objc_class_prefix),
            ("csharp_namespace", &options.csharp_namespace),
            ("swift_prefix", &options.swift_prefix),
            ("php_class_prefix", &options.php_class_prefix),
            ("php_namespace", &options.php_namespace),
            ("ruby_package", &options.ruby_package),
        ];
        let flags = [
            ("java_multiple_files", options.java_multiple_files),
            ("java_string_check_utf8", options.java_string_check_utf8),
            ("cc_enable_arenas", options.cc_enable_arenas),
            ("deprecated", options.deprecated),
        ];
        let mut lines: Vec<String> = Vec::new();
        lines.extend(texts.iter().filter_map(|(name, value)| Some(format!("{name} = {}", quoted(value.as_ref()?)))));
        lines.extend(flags.iter().filter_map(|(name, value)| Some(format!("{name} = {}", (*value)?))));
        if let Some(mode) = options.optimize_for.and_then(|mode| file_options::OptimizeMode::try_from(mode).ok()) {
            lines.push(format!("optimize_for = {}", mode.as_str_name()));
        }
        if !lines.is_empty() {
            self.out.push('\n');
        }
        lines.iter().for_each(|line| self.line(&format!("option {line};")));
    }

    fn message(&mut self, message: &DescriptorProto) -> Result<(), String> {
        let options = message.options.clone().unwrap_or_default();
        if !message.extension.is_empty() || options.message_set_wire_format() {
            return Err(format!("{}: extensions are not supported", message.name()));
        }
        self.open(&format!("message {}", message.name()));
        self.scope.push(message.name().to_owned());
        if options.deprecated() {
            self.line("option deprecated = true;");
        }
        self.reserved(
            message.reserved_range.iter().map(|range| (range.start(), range.end().saturating_sub(1))),
            &message.reserved_name,
            MAX_FIELD,
        );
        for range in &message.extension_range {
            let range = span(range.start(), range.end().saturating_sub(1), MAX_FIELD);
            self.line(&format!("extensions {range};"));
        }
        let oneof = |field: &FieldDescriptorProto| field.oneof_index.filter(|_| !field.proto3_optional());
        for (at, field) in message.field.iter().enumerate() {
            let Some(index) = oneof(field) else {
                self.field(field, message, false)?;
                continue;
            };
            // The fields of a oneof stand together, where the first of them stands.
            if message.field.iter().take(at).any(|before| oneof(before) == Some(index)) {
                continue;
            }
            let declared = usize::try_from(index).ok().and_then(|index| message.oneof_decl.get(index));
            let declared = declared.ok_or_else(|| format!("{}: there is no oneof {index}", field.name()))?;
            self.open(&format!("oneof {}", declared.name()));
            let mut fields = message.field.iter().filter(|field| oneof(field) == Some(index));
            fields.try_for_each(|field| self.field(field, message, true))?;
            self.close();
        }
        for nested in message.nested_type.iter().filter(|nested| !is_map_entry(nested)) {
            self.message(nested)?;
        }
        message.enum_type.iter().for_each(|of| self.enumeration(of));
        self.scope.pop();
        self.close();
        Ok(())
    }

    fn field(&mut self, field: &FieldDescriptorProto, of: &DescriptorProto, in_oneof: bool) -> Result<(), String> {
        let last = field.type_name().rsplit('.').next().unwrap_or_default();
        let entry = of.nested_type.iter().find(|nested| is_map_entry(nested) && nested.name() == last);
        let kind = match entry.map(|entry| entry.field.as_slice()) {
            Some([key, value]) => format!("map<{}, {}>", type_of(key)?, type_of(value)?),
            Some(_) => return Err(format!("{}: the entry of a map has a key and a value", field.name())),
            None => type_of(field)?,
        };
        let label = match field.label() {
            _ if in_oneof || entry.is_some() => "",
            Label::Repeated => "repeated ",
            Label::Required => "required ",
            Label::Optional if !self.is_proto3 || field.proto3_optional() => "optional ",
            Label::Optional => "",
        };
        let options = field.options.clone().unwrap_or_default();
        let mut said = Vec::new();
        if let Some(value) = &field.default_value {
            said.push(match field.r#type() {
                Type::String => format!("default = {}", quoted(value)),
                // They are escaped already.
                Type::Bytes => format!("default = \"{value}\""),
                _ => format!("default = {value}"),
            });
        }
        said.extend(options.packed.map(|packed| format!("packed = {packed}")));
        said.extend(options.deprecated.map(|deprecated| format!("deprecated = {deprecated}")));
        said.extend(self.params.get(&field_meta::path(&self.scope, field.name())).map(|params| {
            let param =
                |(key, value): &(String, String)| format!("{{ key: {}, value: {} }}", quoted(key), quoted(value));
            format!(
                "(confluent.field_meta) = {{ params: [{}] }}",
                params.iter().map(param).collect::<Vec<_>>().join(", ")
            )
        }));
        let said = if said.is_empty() { String::new() } else { format!(" [{}]", said.join(", ")) };
        self.line(&format!("{label}{kind} {} = {}{said};", field.name(), field.number()));
        Ok(())
    }

    fn enumeration(&mut self, of: &EnumDescriptorProto) {
        self.open(&format!("enum {}", of.name()));
        let options = of.options.clone().unwrap_or_default();
        for (name, value) in [("allow_alias", options.allow_alias), ("deprecated", options.deprecated)] {
            if let Some(value) = value {
                self.line(&format!("option {name} = {value};"));
            }
        }
        let ranges = of.reserved_range.iter().map(|range| (range.start(), range.end()));
        self.reserved(ranges, &of.reserved_name, i32::MAX);
        for value in &of.value {
            let is_deprecated = value.options.as_ref().is_some_and(|options| options.deprecated());
            let said = if is_deprecated { " [deprecated = true]" } else { "" };
            self.line(&format!("{} = {}{said};", value.name(), value.number()));
        }
        self.close();
    }

    fn reserved(&mut self, ranges: impl Iterator<Item = (i32, i32)>, names: &[String], last: i32) {
        let ranges: Vec<String> = ranges.map(|(start, end)| span(start, end, last)).collect();
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        for said in [ranges, names].iter().filter(|said| !said.is_empty()) {
            self.line(&format!("reserved {};", said.join(", ")));
        }
    }

    fn service(&mut self, service: &ServiceDescriptorProto) {
        self.open(&format!("service {}", service.name()));
        for method in &service.method {
            let stream = |is_one: bool| if is_one { "stream " } else { "" };
            let (from, to) = (stream(method.client_streaming()), stream(method.server_streaming()));
            let (input, output) = (method.input_type(), method.output_type());
            self.line(&format!("rpc {} ({from}{input}) returns ({to}{output});", method.name()));
        }
        self.close();
    }
}

/// `5`, `5 to 7`, `5 to max`.
fn span(start: i32, end: i32, last: i32) -> String {
    match end {
        end if end == start => start.to_string(),
        end if end >= last => format!("{start} to max"),
        end => format!("{start} to {end}"),
    }
}

/// A field's type as it is written.
fn type_of(field: &FieldDescriptorProto) -> Result<String, String> {
    if !field.type_name().is_empty() && field.r#type.is_none_or(|_| !matches!(field.r#type(), Type::Group)) {
        return Ok(field.type_name().to_owned());
    }
    let name = match field.r#type() {
        Type::Double => "double",
        Type::Float => "float",
        Type::Int64 => "int64",
        Type::Uint64 => "uint64",
        Type::Int32 => "int32",
        Type::Fixed64 => "fixed64",
        Type::Fixed32 => "fixed32",
        Type::Bool => "bool",
        Type::String => "string",
        Type::Bytes => "bytes",
        Type::Uint32 => "uint32",
        Type::Sfixed32 => "sfixed32",
        Type::Sfixed64 => "sfixed64",
        Type::Sint32 => "sint32",
        Type::Sint64 => "sint64",
        Type::Group | Type::Message | Type::Enum => return Err(format!("{}: groups are not supported", field.name())),
    };
    Ok(name.to_owned())
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(char::from(byte)),
            byte => {
                // Writing into a string does not fail.
                let _written = write!(out, "\\{byte:03o}");
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in every form, as `protoc` writes its descriptor.
    const SOURCE: &str = r#"syntax = "proto3";
package com.ex;

import "google/protobuf/timestamp.proto";

option java_package = "com.ex.\"java\"";
option java_multiple_files = true;

message Main {
  reserved 5, 7 to 9, 1000 to max;
  reserved "old";
  int64 id = 1;
  optional string name = 2;
  repeated sint32 many = 3 [packed = false, deprecated = true];
  map<string, .com.ex.Main.Inner> by_name = 4;
  .google.protobuf.Timestamp at = 10;
  .com.ex.Kind kind = 13;
  oneof choice {
    string text = 11;
    bytes data = 12;
  }
  message Inner {
    double d = 1;
  }
}

enum Kind {
  option allow_alias = true;
  NONE = 0;
  SOME = 1;
  ANY = 1 [deprecated = true];
}

service S {
  rpc Call (.com.ex.Main) returns (stream .com.ex.Main.Inner);
}
"#;

    #[test]
    fn a_compiled_file_is_its_text_again() {
        struct Given;
        impl protox::file::FileResolver for Given {
            fn open_file(&self, name: &str) -> Result<File, protox::Error> {
                match name {
                    "main.proto" => File::from_source(name, SOURCE),
                    name => protox::file::GoogleFileResolver::new().open_file(name),
                }
            }
        }
        let mut compiler = protox::Compiler::with_file_resolver(Given);
        compiler.open_file("main.proto").unwrap();
        let set = compiler.file_descriptor_set();
        let file = set.file.iter().find(|file| file.name() == "main.proto").unwrap();
        let base64 = BASE64_STANDARD.encode(file.encode_to_vec());
        assert!(is_base64(&base64) && !is_base64(SOURCE));
        assert_eq!(text(&base64).unwrap(), SOURCE);
    }

    #[test]
    fn confluents_parameters_of_fields_are_kept() {
        // message M { Decimal d = 1 [(confluent.field_meta) = …]; message In { int32 i = 1 [the same without parameters]; } }
        let param = |key: &str, value: &str| {
            [&[10, key.len() as u8], key.as_bytes(), &[18, value.len() as u8], value.as_bytes()].concat()
        };
        let part = |tag: &[u8], bytes: Vec<u8>| [tag, &[bytes.len() as u8], &bytes].concat();
        let params = [part(&[18], param("scale", "2")), part(&[18], param("precision", "6"))].concat();
        let options = part(&[0x42], part(&[0x82, 0x44], params));
        let field = |name: &str, options: &[u8]| [&[10, 1], name.as_bytes(), &[24, 1, 32, 1, 40, 5], options].concat();
        let inner = [vec![10, 2, b'I', b'n'], part(&[18], field("i", &part(&[0x42], part(&[0x82, 0x44], Vec::new()))))]
            .concat();
        let message = [vec![10, 1, b'M'], part(&[18], field("d", &options)), part(&[26], inner)].concat();
        let file = [part(&[34], message), part(&[98], b"proto3".to_vec())].concat();
        let expected = "\
syntax = \"proto3\";

message M {
  int32 d = 1 [(confluent.field_meta) = { params: [{ key: \"precision\", value: \"6\" }, { key: \"scale\", value: \"2\" }] }];
  message In {
    int32 i = 1;
  }
}
";
        assert_eq!(text(&BASE64_STANDARD.encode(file)).unwrap(), expected);
    }

    #[test]
    fn what_is_no_descriptor_is_refused() {
        for base64 in ["AAAA", "abc", "Zm9v"] {
            assert!(text(base64).is_err(), "{base64}");
        }
        let odd = FileDescriptorProto { syntax: Some("editions".to_owned()), ..FileDescriptorProto::default() };
        assert!(text(&BASE64_STANDARD.encode(odd.encode_to_vec())).unwrap_err().contains("editions"));
        let injected = DescriptorProto { name: Some("A {} message B".to_owned()), ..DescriptorProto::default() };
        let file = FileDescriptorProto { message_type: vec![injected], ..FileDescriptorProto::default() };
        assert!(text(&BASE64_STANDARD.encode(file.encode_to_vec())).is_err());
    }
}
