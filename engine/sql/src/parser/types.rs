//! Types, and columns with their types.

use super::{Parser, Result};
use crate::{
    Constraint, Element, Type,
    tokens::{Kind, Token},
};

impl Parser<'_> {
    /// A type; `T ARRAY` is the same as `ARRAY<T>`.
    pub(crate) fn sql_type(&mut self) -> Result<Type> {
        let beside = self.begin_tree();
        let mut ty = self.nested(Self::simple_type)?;
        self.grow()?;
        while self.eat("ARRAY") {
            self.grow()?;
            ty = Type::Array(Box::new(ty));
        }
        self.end_tree(beside);
        self.note_open();
        Ok(ty)
    }

    fn simple_type(&mut self) -> Result<Type> {
        match (self.peek().kind, self.peek_nth(1).kind) {
            (Kind::Keyword("ARRAY"), Kind::Symbol("<")) => {
                self.position += 2;
                let element = self.bracketed(Self::sql_type)?;
                self.close_type()?;
                Ok(Type::Array(Box::new(element)))
            }
            (Kind::Keyword("MAP"), Kind::Symbol("<")) => {
                self.position += 2;
                let key = self.bracketed(Self::sql_type)?;
                self.expect(",")?;
                let value = self.bracketed(Self::sql_type)?;
                self.close_type()?;
                Ok(Type::Map(Box::new(key), Box::new(value)))
            }
            (Kind::Keyword("STRUCT"), Kind::Symbol("<")) => {
                self.position += 2;
                if self.eat(">") {
                    return Ok(Type::Struct(Vec::new()));
                }
                let fields = self.bracketed(|p| p.list(">", |p, _| Ok((p.identifier()?, p.sql_type()?))))?;
                Ok(Type::Struct(fields))
            }
            // `<>` is one token
            (Kind::Keyword("STRUCT"), Kind::Symbol("<>")) => {
                self.position += 2;
                Ok(Type::Struct(Vec::new()))
            }
            (Kind::Keyword("DECIMAL"), _) => self.decimal_type(),
            _ => self.named_type(),
        }
    }

    fn close_type(&mut self) -> Result<()> {
        const FOLLOWS: &[&str] = &[",", ")", ">", ";", "ARRAY"];
        self.expect_before(">", |t| t.kind == Kind::End || FOLLOWS.iter().any(|word| t.is(word)))
    }

    fn decimal_type(&mut self) -> Result<Type> {
        self.advance();
        self.expect_before("(", |t| t.is_number() || t.is("-"))?;
        let first = self.position;
        let precision = self.whole_number()?;
        self.expect_before(",", |t| t.is_number() || t.is("-"))?;
        let scale = self.whole_number()?;
        let span = self.span_since(first);
        self.expect(")")?;
        let size = |n: i64| u32::try_from(n).ok().filter(|n| i32::try_from(*n).is_ok());
        let (Some(precision_digits), Some(scale_digits)) = (size(precision), size(scale)) else {
            let what = match (precision, scale) {
                (..1, _) => "DECIMAL precision must be >= 1",
                (_, ..0) => "DECIMAL scale must be >= 0",
                _ => "Invalid numeric literal",
            };
            self.refuse_prepared(&format!("{what}: DECIMAL({precision},{scale})"), span);
            return Ok(Type::Decimal { precision: 1, scale: 0 });
        };
        Ok(Type::Decimal { precision: precision_digits, scale: scale_digits })
    }

    /// A base type, or the name of one a user made. Lengths as in `VARCHAR(20)` are read and mean nothing.
    fn named_type(&mut self) -> Result<Type> {
        let token = self.peek();
        if !token.is_identifier() {
            return Err(self.unexpected_open("type", |t: &Token| t.is_identifier() || t.is("DECIMAL")));
        }
        let name = self.identifier()?;
        if self.eat("(") {
            self.list(")", |p, _| p.type_parameter())?;
        }
        Ok(match name.name.as_str() {
            "BOOLEAN" => Type::Boolean,
            "INT" | "INTEGER" => Type::Integer,
            "BIGINT" => Type::Bigint,
            "DOUBLE" => Type::Double,
            "STRING" | "VARCHAR" => Type::String,
            "BYTES" => Type::Bytes,
            "TIME" => Type::Time,
            "DATE" => Type::Date,
            "TIMESTAMP" => Type::Timestamp,
            _ => Type::Custom(name),
        })
    }

    fn type_parameter(&mut self) -> Result<()> {
        if self.at("STRING") || self.peek().kind == Kind::Integer {
            self.advance();
            return Ok(());
        }
        Err(self.unexpected(&["STRING", "<INTEGER_VALUE>"]))
    }

    /// `column, column, … )` with the opening bracket read already.
    pub(super) fn bracketed_elements(&mut self) -> Result<Vec<Element>> {
        self.bracketed(|p| p.list(")", |p, _| p.element()))
    }

    /// Columns without brackets around them, up to the end of the text.
    pub(crate) fn bare_elements(&mut self) -> Result<Vec<Element>> {
        let mut elements = Vec::new();
        while self.peek().kind != Kind::End {
            if !elements.is_empty() {
                self.expect(",")?;
            }
            elements.push(self.element()?);
        }
        Ok(elements)
    }

    fn element(&mut self) -> Result<Element> {
        let name = self.identifier()?;
        let ty = self.sql_type()?;
        let constraint = if self.eat("PRIMARY") {
            self.expect_before("KEY", |t| t.is(",") || t.is(")"))?;
            Constraint::PrimaryKey
        } else if self.eat("KEY") {
            Constraint::Key
        } else if self.eat("HEADERS") {
            Constraint::Headers
        } else if self.eat("HEADER") {
            self.expect_before("(", |t| t.kind == Kind::String)?;
            let key = self.string_before(")")?;
            self.expect_before(")", |t| t.is(",") || t.is(")"))?;
            Constraint::Header(key)
        } else {
            Constraint::None
        };
        Ok(Element { name, ty, constraint })
    }
}
