//! A Protobuf schema as Base64 of its file's descriptor, which Confluent's clients for some languages ask for: they have no
//! compiler.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DynamicMessage, ReflectMessage};
use protox::file::{File, FileResolver, GoogleFileResolver};

use crate::formats::protobuf::importable;
use crate::schemas::{Language, Schema};

/// The name of the schema's own file, as Confluent's registry gives it.
const OWN: &str = "default";
const META: &str = "confluent/meta.proto";
/// With the options themselves, which only a compiler needs.
const META_TEXT: &str = r#"syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
    message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
    extend google.protobuf.FileOptions { Meta file_meta = 1088; }
    extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
    extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
    extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
    extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }"#;

/// The schema in the form that a client asks for as `serialized`: only Protobuf has another than its text.
///
/// # Errors
/// Why the text cannot be compiled.
pub fn serialized(schema: &Schema) -> Result<String, String> {
    if schema.language != Language::Protobuf {
        return Ok(schema.text.to_string());
    }
    let mut compiler = protox::Compiler::with_file_resolver(Files(schema.clone()));
    compiler.open_file(OWN).map_err(|error| error.to_string())?;
    let pool = compiler.descriptor_pool();
    let file = pool.get_file_by_name(OWN).ok_or("it has no file")?;
    // Its types of descriptors know no options of others, its messages keep them.
    let kind = FileDescriptorProto::default().descriptor();
    let mut message =
        DynamicMessage::decode(kind, file.encode_to_vec().as_slice()).map_err(|error| error.to_string())?;
    // Where everything stands in the text, which is five times the rest.
    message.clear_field_by_name("source_code_info");
    Ok(BASE64_STANDARD.encode(message.encode_to_vec()))
}

/// The schema, what it refers to, and what needs no reference.
struct Files(Schema);

impl FileResolver for Files {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let referenced = self.0.referenced.iter().find(|other| other.name == name);
        match (referenced, importable(name)) {
            _ if name == OWN => Ok(with_meta(File::from_source(name, &self.0.text)?)),
            (Some(other), _) => File::from_source(name, &other.text),
            _ if name == META => File::from_source(name, META_TEXT),
            (_, Some(text)) => File::from_source(name, text),
            _ => GoogleFileResolver::new().open_file(name),
        }
    }
}

/// The file, with the import of options that ksqlDB's schemas, and so ours, use without it.
fn with_meta(file: File) -> File {
    let proto = file.file_descriptor_proto();
    let uses = file.source().is_some_and(|text| text.contains("confluent."));
    if !uses || proto.dependency.iter().any(|import| import == META) {
        return file;
    }
    let mut proto = proto.clone();
    proto.dependency.push(META.to_owned());
    File::from_file_descriptor_proto(proto)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::canonical::canonical;
    use crate::schemas::Referenced;

    #[test]
    fn a_descriptor_is_compiled_and_reads_as_its_text() {
        let text = "syntax = \"proto3\";\npackage p;\n\nimport \"place.proto\";\nimport \"confluent/type/decimal.proto\";\n\n\
                    message M {\n  .p.Place place = 1;\n  .confluent.type.Decimal d = 2 [(confluent.field_meta) = { params: \
                    [{ key: \"precision\", value: \"6\" }] }];\n}\n";
        let place = "syntax = 'proto3'; package p; message Place { string city = 1; }";
        let mut schema = Schema::alone(Language::Protobuf, text);
        schema.referenced = vec![Referenced { name: "place.proto".into(), text: place.into() }];
        let base64 = serialized(&schema).unwrap();
        let file = FileDescriptorProto::decode(BASE64_STANDARD.decode(&base64).unwrap().as_slice()).unwrap();
        assert_eq!(
            (file.name(), file.dependency.as_slice()),
            (OWN, &["place.proto", "confluent/type/decimal.proto", META].map(str::to_owned)[..])
        );
        assert_eq!(file.message_type[0].field[0].type_name(), ".p.Place");
        assert_eq!(file.source_code_info, None);
        let again = canonical(Language::Protobuf, &base64, &schema.referenced, false).unwrap().text;
        assert_eq!(again.replace("import \"confluent/meta.proto\";\n", ""), text);
        for options in ["(confluent.message_meta).doc = \"it\";", "(confluent.message_meta) = { doc: \"it\" };"] {
            let text = format!("// of us; of all\n/* ; */ message M {{ option {options} optional int32 a = 1; }}");
            let base64 = serialized(&Schema::alone(Language::Protobuf, text.as_str())).unwrap();
            assert!(canonical(Language::Protobuf, &base64, &[], false).is_ok(), "{text}");
        }
        assert_eq!(serialized(&Schema::alone(Language::Avro, "\"int\"")).unwrap(), "\"int\"");
    }
}
