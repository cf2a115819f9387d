//! The text of the schemas that columns get.

use super::*;

#[test]
fn keys_are_named_after_their_source() {
    assert_eq!(key_schema_name("OUTPUT"), "io.confluent.ksql.avro_schemas.OutputKey");
    assert_eq!(key_schema_name("PAGE_VIEWS_2"), "io.confluent.ksql.avro_schemas.PageViews2Key");
    assert_eq!(key_schema_name("_a__Bc"), "io.confluent.ksql.avro_schemas.ABcKey");
}

/// As ksqlDB's plans have it.
#[test]
fn a_struct_key_is_a_record_of_its_fields() {
    let columns = [column("K", struct_of(&[("F1", SqlType::String)]))];
    let spec = FormatSpec { full_name: Some(key_schema_name("OUTPUT")), ..FormatSpec::plain("AVRO", false) };
    let expected = r#"{"type":"record","name":"OutputKey","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"F1","type":["null","string"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.OutputKey"}"#;
    assert_eq!(text_of(&columns, &spec, true), expected);
}

#[test]
fn plain_columns_are_unions_with_null() {
    let field = |ty: SqlType| {
        let text = text_of(&[column("C", ty)], &wrapped(), false);
        let rest = text.strip_prefix(r#"{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","fields":[{"name":"C","type":["null","#);
        let rest = rest.and_then(|rest| {
            rest.strip_suffix(
                r#"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema"}"#,
            )
        });
        rest.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    assert_eq!(field(SqlType::Integer), r#""int""#);
    assert_eq!(field(SqlType::Bytes), r#""bytes""#);
    assert_eq!(
        field(SqlType::Timestamp),
        r#"{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}"#
    );
    assert_eq!(
        field(decimal(4, 2)),
        r#"{"type":"bytes","scale":2,"precision":4,"connect.version":1,"connect.parameters":{"scale":"2","connect.decimal.precision":"4"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}"#
    );
    assert_eq!(field(SqlType::Bigint.array_of()), r#"{"type":"array","items":["null","long"]}"#);
    assert_eq!(
        field(map_of(SqlType::Double)),
        r#"{"type":"array","items":{"type":"record","name":"KsqlDataSourceSchema_C","fields":[{"name":"key","type":["null","string"],"default":null},{"name":"value","type":["null","double"],"default":null}],"connect.internal.type":"MapEntry"},"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema_C"}"#
    );
    assert_eq!(
        field(map_of(struct_of(&[("A", SqlType::Boolean)]))),
        r#"{"type":"array","items":{"type":"record","name":"KsqlDataSourceSchema_C","fields":[{"name":"key","type":["null","string"],"default":null},{"name":"value","type":["null",{"type":"record","name":"KsqlDataSourceSchema_C_MapValue","fields":[{"name":"A","type":["null","boolean"],"default":null}],"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema_C_MapValue"}],"default":null}],"connect.internal.type":"MapEntry"},"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema_C"}"#
    );
}

#[test]
fn a_bare_column_is_its_type() {
    let text = |ty| text_of(&[column("C", ty)], &FormatSpec::plain("AVRO", false), false);
    assert_eq!(text(SqlType::Integer), r#""int""#);
    assert_eq!(
        text(SqlType::Date),
        r#"{"type":"int","connect.name":"org.apache.kafka.connect.data.Date","logicalType":"date"}"#
    );
    assert_eq!(text(SqlType::String.array_of()), r#"{"type":"array","items":["null","string"]}"#);
    let map = text(map_of(SqlType::Integer));
    assert!(map.contains(r#""name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas""#), "{map}");
}

#[test]
fn a_name_may_be_chosen() {
    let spec = |name: &str| FormatSpec { full_name: Some(name.to_owned()), ..wrapped() };
    let columns = [column("S", struct_of(&[("A", SqlType::Integer)]))];
    let text = text_of(&columns, &spec("com.acme.Order"), false);
    assert!(text.starts_with(r#"{"type":"record","name":"Order","namespace":"com.acme","#), "{text}");
    assert!(text.contains(r#"{"type":"record","name":"Order_S","fields":"#), "{text}");
    let text = text_of(&columns, &spec("Order"), false);
    assert!(text.starts_with(r#"{"type":"record","name":"Order","fields":"#), "{text}");
}

#[test]
fn names_must_be_names_in_avro() {
    let problem = |name: &str, ty| schema(&[column(name, ty)], &wrapped(), false).unwrap_err().to_string();
    for (name, expected) in [
        ("1A", "Schema is not compatible with Avro: Illegal initial character: 1A"),
        ("A-B", "Schema is not compatible with Avro: Illegal character in: A-B"),
    ] {
        let problem = problem(name, SqlType::Double);
        assert!(problem.ends_with(expected), "{problem}");
    }
    let nested = problem("S", struct_of(&[("a b", SqlType::Double)]));
    assert!(nested.ends_with("Illegal character in: a b"), "{nested}");
    assert!(text_of(&[column("A.B", SqlType::Double)], &wrapped(), false).contains(r#"{"name":"A_B","type""#));
    let clash = [
        column("A_B", struct_of(&[("X", SqlType::Integer)])),
        column("A", struct_of(&[("B", struct_of(&[("Y", SqlType::Integer)]))])),
    ];
    let problem = schema(&clash, &wrapped(), false).unwrap_err().to_string();
    assert!(problem.ends_with("Can't redefine: io.confluent.ksql.avro_schemas.KsqlDataSourceSchema_A_B"), "{problem}");
    let numbers = [column("M", SqlType::Map(Box::new(SqlType::Integer), Box::new(SqlType::Integer)))];
    let problem = Avro.validate(&numbers, false).unwrap_err().to_string();
    assert!(problem.ends_with("Avro only supports MAPs with STRING keys"), "{problem}");
}
