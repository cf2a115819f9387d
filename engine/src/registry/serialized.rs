//! A Protobuf schema as Base64 of its file's descriptor, which Confluent's clients for some languages ask for: they have no
//! compiler.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DynamicMessage, ReflectMessage};
use protox::file::{File, FileResolver};

use crate::formats::protobuf::{OWN, imported, own};
use crate::schemas::{Language, Schema};

const META: &str = "confluent/meta.proto";

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
        let file = if name == OWN { own(&self.0).map(with_meta) } else { imported(name, &self.0) };
        file.map_err(protox::Error::new)
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

    #[test]
    fn imports_mean_the_same_to_the_check_and_to_the_compiler() {
        let head = "syntax = 'proto3';";
        let files = [
            ("dir/a.proto", "package a; import public 'dir/sub/b.proto'; message A { b.B b = 1; }"),
            ("dir/sub/b.proto", "package b; import 'google/type/money.proto'; message B { google.type.Money m = 1; }"),
            ("bad.proto", "import 'gone.proto';"),
            ("deep.proto", "import 'dir/a.proto'; message D { a.A a = 1; }"),
        ];
        let files = files.map(|(name, text)| Referenced { name: name.into(), text: format!("{head} {text}").into() });
        for (text, told) in [
            ("import 'google/protobuf/timestamp.proto'; message M { google.protobuf.Timestamp t = 1; }", None),
            ("import 'confluent/type/decimal.proto'; message M { confluent.type.Decimal d = 1; }", None),
            (
                "import 'confluent/meta.proto'; message M { confluent.Meta m = 1 [(confluent.field_meta).doc = 'd']; }",
                None,
            ),
            ("import 'google/type/money.proto'; message M { google.type.Money m = 1; }", None),
            // What a file imports publicly is there for who imports it.
            ("import 'dir/a.proto'; message M { a.A a = 1; b.B b = 2; }", None),
            ("import 'deep.proto'; message M { D d = 1; }", None),
            ("import 'gone.proto'; message M {}", Some("import \"gone.proto\" is not there")),
            ("import 'bad.proto'; message M {}", Some("import \"gone.proto\" is not there")),
            // Names are never relative to who imports.
            ("import 'sub/b.proto'; message M {}", Some("import \"sub/b.proto\" is not there")),
            ("import 'a.proto'; message M {}", Some("import \"a.proto\" is not there")),
        ] {
            let schema =
                Schema { referenced: files.to_vec(), ..Schema::alone(Language::Protobuf, format!("{head} {text}")) };
            let results = [crate::formats::protobuf::check(&schema), serialized(&schema).map(drop)];
            for result in results {
                match told {
                    None => assert_eq!(result, Ok(()), "{text}"),
                    Some(told) => assert!(result.as_ref().is_err_and(|it| it.contains(told)), "{text}: {result:?}"),
                }
            }
        }
        let deep = format!("{head} message M {{ {}{} }}", "message M {".repeat(100), "}".repeat(100));
        let told = serialized(&Schema::alone(Language::Protobuf, deep)).unwrap_err();
        assert!(told.contains("64 brackets"), "{told}");
    }
}
