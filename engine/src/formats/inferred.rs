//! Columns that come from a registered schema: by the rules of ksqlDB, which sees a schema the way Kafka Connect does.

use std::collections::HashSet;

use super::{FormatError, FormatSpec, base_type};
use crate::types::{Column, SqlType};

/// Digits of a decimal whose schema names none.
pub(super) const PRECISION_DEFAULT: u8 = 64;

/// The type of decimals of so many digits, so many of them behind the point.
///
/// # Errors
/// There are no such numbers.
pub(super) fn decimal(precision: i64, scale: i64) -> Result<SqlType, String> {
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(digits @ 1..), Ok(behind @ 0..)) if scale <= precision => {
            Ok(SqlType::Decimal { precision: digits, scale: behind })
        }
        _ => Err(format!(
            "DECIMAL({precision}, {scale}) is none: 1 <= precision <= {}, 0 <= scale <= precision",
            u8::MAX
        )),
    }
}

/// The columns of a schema, given the type of all that it describes.
///
/// A record's fields are the columns. Where `spec` says that a single column stands bare, the whole is that column:
/// ROWKEY or ROWVAL. Names are upper-cased, unless the schema was asked for by its id. Keys of maps become STRINGs.
///
/// # Errors
/// [`FormatError::Schema`]: there is no column, a field has a type that no column has, or the whole is no record and should
/// be one.
pub(super) fn columns(whole: SqlType, spec: &FormatSpec, is_key: bool) -> Result<Vec<Column>, FormatError> {
    let whole = match (spec.wrap_single, whole) {
        (false, bare) => vec![((if is_key { "ROWKEY" } else { "ROWVAL" }).to_owned(), bare)],
        (true, SqlType::Struct(fields)) => fields,
        (true, _) if is_key => return Err(FormatError::Schema("Key schemas are always unwrapped.".to_owned())),
        (true, _) => {
            return Err(FormatError::Schema(
                "Schema returned from schema registry is anonymous type. To use this schema with ksqlDB, set \
                 'WRAP_SINGLE_VALUE=false' in the WITH clause properties."
                    .to_owned(),
            ));
        }
    };
    let keeps_case = spec.schema_id.is_some();
    let columns = fields(whole, keeps_case).map_err(FormatError::Schema)?;
    let columns: Vec<Column> = columns.into_iter().map(|(name, ty)| Column { name, ty }).collect();
    if columns.is_empty() {
        return Err(FormatError::Schema(
            "Schema does not include any columns with types that ksqlDB supports.".to_owned(),
        ));
    }
    Ok(columns)
}

fn fields(fields: Vec<(String, SqlType)>, keeps_case: bool) -> Result<Vec<(String, SqlType)>, String> {
    let with_type = |(name, ty): (String, SqlType)| match supported(ty, keeps_case) {
        Ok(ty) => Ok((if keeps_case { name } else { name.to_uppercase() }, ty)),
        Err(reason) => Err(format!("{reason}, in field {name}")),
    };
    let fields: Vec<_> = fields.into_iter().map(with_type).collect::<Result<_, String>>()?;
    let mut names = HashSet::new();
    match fields.iter().find(|(name, _)| !names.insert(name.as_str())) {
        Some((name, _)) => Err(format!("Cannot create field because of field name duplication {name}")),
        None => Ok(fields),
    }
}

fn supported(ty: SqlType, keeps_case: bool) -> Result<SqlType, String> {
    Ok(match ty {
        SqlType::Array(item) => supported(*item, keeps_case)?.array_of(),
        SqlType::Map(key, value) => match *key {
            SqlType::Double
            | SqlType::Decimal { .. }
            | SqlType::Bytes
            | SqlType::Array(_)
            | SqlType::Map(..)
            | SqlType::Struct(_) => return Err(format!("Unsupported type for map key: {}", base_type(&key))),
            _ => SqlType::Map(Box::new(SqlType::String), Box::new(supported(*value, keeps_case)?)),
        },
        SqlType::Struct(all) => SqlType::Struct(fields(all, keeps_case)?),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> SqlType {
        SqlType::Struct(vec![
            ("id".to_owned(), SqlType::Integer),
            ("Inner".to_owned(), SqlType::Struct(vec![("a".to_owned(), SqlType::String)])),
            ("m".to_owned(), SqlType::Map(Box::new(SqlType::Bigint), Box::new(SqlType::Bytes))),
        ])
    }

    fn shown(columns: &[Column]) -> String {
        columns.iter().map(|column| format!("{} {}", column.name, column.ty)).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn fields_become_columns_in_upper_case() {
        let found = columns(record(), &FormatSpec::plain("AVRO", true), false).unwrap();
        assert_eq!(shown(&found), "ID INTEGER, INNER STRUCT<`A` STRING>, M MAP<STRING, BYTES>");
    }

    #[test]
    fn a_schema_asked_for_by_id_keeps_the_case_of_its_names() {
        let spec = FormatSpec { schema_id: Some(3), ..FormatSpec::plain("AVRO", true) };
        let found = columns(record(), &spec, false).unwrap();
        assert_eq!(shown(&found), "id INTEGER, Inner STRUCT<`a` STRING>, m MAP<STRING, BYTES>");
    }

    #[test]
    fn names_that_differ_in_case_only_are_refused() {
        let both = SqlType::Struct(vec![("a".to_owned(), SqlType::Integer), ("A".to_owned(), SqlType::Integer)]);
        let refused = columns(both, &FormatSpec::plain("AVRO", true), false).unwrap_err();
        assert_eq!(refused.to_string(), "Cannot create field because of field name duplication A");
    }

    #[test]
    fn what_stands_bare_is_one_column() {
        let bare = FormatSpec::plain("AVRO", false);
        assert_eq!(shown(&columns(SqlType::Integer, &bare, true).unwrap()), "ROWKEY INTEGER");
        assert_eq!(shown(&columns(SqlType::String, &bare, false).unwrap()), "ROWVAL STRING");
        let wrapped = columns(SqlType::String, &FormatSpec::plain("AVRO", true), false);
        assert!(wrapped.unwrap_err().to_string().contains("WRAP_SINGLE_VALUE=false"));
    }

    #[test]
    fn what_has_no_type_is_refused_with_its_field() {
        let odd = SqlType::Map(Box::new(SqlType::Double), Box::new(SqlType::Integer));
        let record = SqlType::Struct(vec![("a".to_owned(), SqlType::Struct(vec![("odd".to_owned(), odd)]))]);
        let refused = columns(record, &FormatSpec::plain("AVRO", true), false).unwrap_err();
        assert_eq!(refused.to_string(), "Unsupported type for map key: DOUBLE, in field odd, in field a");
        assert!(columns(SqlType::Struct(Vec::new()), &FormatSpec::plain("AVRO", true), false).is_err());
    }
}
