//! The little language in which variations are written down, exactly as messages and DESCRIBE FUNCTION show them:
//!
//! ```text
//! (VARCHAR str, INT pos, VARCHAR... others) ARRAY<T>       single letters are generic
//! (ARRAY<T> array, LAMBDA (T) => R function) ARRAY<R>
//! (int value) BIGINT      lower case: a Java primitive, NULL is an error there (shown as INT)
//! ```

use std::fmt;

use crate::types::SqlType;

/// Type of a parameter or result.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    /// A concrete type other than those below.
    Type(SqlType),
    /// DECIMAL of any precision and scale.
    Decimal,
    /// `ANY`
    Any,
    /// `INTERVAL UNIT`
    Unit,
    /// `T`
    Generic(char),
    /// `ARRAY<T>`
    Array(Box<Param>),
    /// `MAP<K, V>`
    Map(Box<Param>, Box<Param>),
    /// `STRUCT<a T, …>`
    Struct(Vec<(String, Param)>),
    /// Parameters and result.
    Lambda(Vec<Param>, Box<Param>),
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Name in DESCRIBE FUNCTION.
    pub name: String,
    /// Type; of one element if it is variadic.
    pub ty: Param,
    /// Takes any number of arguments.
    pub variadic: bool,
    /// NULL there is an error of the row.
    pub primitive: bool,
}

/// Parameters and result of a variation.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// Parameters in order.
    pub params: Vec<Parameter>,
    /// Result.
    pub returns: Param,
}

impl Signature {
    /// Reads a signature; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text };
        let mut params = Vec::new();
        reader.expect("(")?;
        while !reader.eat(")") {
            if !params.is_empty() {
                reader.expect(",")?;
            }
            let primitive = reader.peek_char()?.is_ascii_lowercase();
            let ty = reader.param()?;
            let variadic = reader.eat("...");
            params.push(Parameter { name: reader.name()?.to_owned(), ty, variadic, primitive });
        }
        let returns = reader.param()?;
        reader.rest.trim().is_empty().then_some(Self { params, returns })
    }

    /// The parameter that takes argument `i` of `count` arguments.
    pub fn param_for(&self, i: usize, count: usize) -> Option<&Parameter> {
        match self.params.iter().position(|param| param.variadic) {
            Some(at) if i >= at => {
                let after = self.params.len() - at - 1;
                if i >= count.saturating_sub(after) {
                    self.params.get(self.params.len() - (count - i))
                } else {
                    self.params.get(at)
                }
            }
            _ => self.params.get(i),
        }
    }

    /// The types alone, by which plans name a variation: `(VARCHAR, int, T...) ARRAY<T>`. Parameters may get other names.
    pub fn types(&self) -> String {
        let mut text = "(".to_owned();
        for (i, param) in self.params.iter().enumerate() {
            let ty = param.ty.to_string();
            text.push_str(if i > 0 { ", " } else { "" });
            text.push_str(&if param.primitive { ty.to_ascii_lowercase() } else { ty });
            text.push_str(if param.variadic { "..." } else { "" });
        }
        format!("{text}) {}", self.returns)
    }

    /// Whether it takes that many arguments.
    pub fn takes(&self, count: usize) -> bool {
        if self.params.iter().any(|param| param.variadic) {
            count + 1 >= self.params.len()
        } else {
            count == self.params.len()
        }
    }
}

/// `NAME(VARCHAR str, T... others)` without the name.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, param) in self.params.iter().enumerate() {
            let dots = if param.variadic { "..." } else { "" };
            write!(f, "{}{}{dots} {}", if i > 0 { ", " } else { "" }, param.ty, param.name)?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(SqlType::Integer) => f.write_str("INT"),
            Self::Type(SqlType::String) => f.write_str("VARCHAR"),
            Self::Type(ty) => write!(f, "{ty}"),
            Self::Decimal => f.write_str("DECIMAL"),
            Self::Any => f.write_str("ANY"),
            Self::Unit => f.write_str("INTERVAL UNIT"),
            Self::Generic(letter) => write!(f, "{letter}"),
            Self::Array(item) => write!(f, "ARRAY<{item}>"),
            Self::Map(key, value) => write!(f, "MAP<{key}, {value}>"),
            Self::Struct(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
                write!(f, "STRUCT<{}>", fields.join(", "))
            }
            Self::Lambda(params, returns) => {
                let params: Vec<_> = params.iter().map(ToString::to_string).collect();
                write!(f, "LAMBDA ({}) => {returns}", params.join(", "))
            }
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn peek_char(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.eat(token).then_some(())
    }

    fn word(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// A parameter's name; one of several words stands in backquotes.
    fn name(&mut self) -> Option<&'a str> {
        if !self.eat("`") {
            return self.word();
        }
        let (name, rest) = self.rest.split_once('`')?;
        self.rest = rest;
        Some(name)
    }

    fn param(&mut self) -> Option<Param> {
        let word = self.word()?;
        Some(match word.to_ascii_uppercase().as_str() {
            "BOOLEAN" => Param::Type(SqlType::Boolean),
            "INT" => Param::Type(SqlType::Integer),
            "BIGINT" => Param::Type(SqlType::Bigint),
            "DOUBLE" => Param::Type(SqlType::Double),
            "VARCHAR" => Param::Type(SqlType::String),
            "BYTES" => Param::Type(SqlType::Bytes),
            "TIME" => Param::Type(SqlType::Time),
            "DATE" => Param::Type(SqlType::Date),
            "TIMESTAMP" => Param::Type(SqlType::Timestamp),
            "DECIMAL" => self.decimal()?,
            "ANY" => Param::Any,
            "INTERVAL" => {
                self.expect("UNIT")?;
                Param::Unit
            }
            "ARRAY" => {
                self.expect("<")?;
                let item = self.param()?;
                self.expect(">")?;
                Param::Array(Box::new(item))
            }
            "MAP" => {
                self.expect("<")?;
                let key = self.param()?;
                self.expect(",")?;
                let value = self.param()?;
                self.expect(">")?;
                Param::Map(Box::new(key), Box::new(value))
            }
            "STRUCT" => {
                self.expect("<")?;
                let mut fields = Vec::new();
                while !self.eat(">") {
                    if !fields.is_empty() {
                        self.expect(",")?;
                    }
                    fields.push((self.word()?.to_owned(), self.param()?));
                }
                Param::Struct(fields)
            }
            "LAMBDA" => {
                self.expect("(")?;
                let mut params = Vec::new();
                while !self.eat(")") {
                    if !params.is_empty() {
                        self.expect(",")?;
                    }
                    params.push(self.param()?);
                }
                self.expect("=>")?;
                Param::Lambda(params, Box::new(self.param()?))
            }
            _ if word.len() == 1 => Param::Generic(word.chars().next()?),
            _ => return None,
        })
    }

    fn decimal(&mut self) -> Option<Param> {
        if !self.eat("(") {
            return Some(Param::Decimal);
        }
        let precision = self.word()?.parse().ok()?;
        self.expect(",")?;
        let scale = self.word()?.parse().ok()?;
        self.expect(")")?;
        Some(Param::Type(SqlType::Decimal { precision, scale }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_read_back_as_written() {
        for text in [
            "()",
            "(VARCHAR str, INT pos, VARCHAR... others)",
            "(ARRAY<T> array, LAMBDA (T) => R function)",
            "(MAP<K, V> map, LAMBDA (K, V) => R biFunction1)",
            "(INTERVAL UNIT unit, INT interval, DATE date)",
            "(STRUCT<A VARCHAR> s, DECIMAL d)",
        ] {
            let signature = Signature::parse(&format!("{text} VARCHAR")).unwrap();
            assert_eq!(signature.to_string(), text);
        }
        assert_eq!(Signature::parse("(int x) NOSUCH"), None);
        assert!(Signature::parse("(int x) INT").unwrap().params[0].primitive);
    }

    #[test]
    fn a_variadic_parameter_may_stand_in_the_middle() {
        let signature = Signature::parse("(BIGINT a, VARCHAR... b, INT c) BIGINT").unwrap();
        let name = |i, count| signature.param_for(i, count).map(|param| param.name.as_str());
        assert_eq!([name(0, 4), name(1, 4), name(2, 4), name(3, 4)], [Some("a"), Some("b"), Some("b"), Some("c")]);
        assert_eq!([name(0, 2), name(1, 2)], [Some("a"), Some("c")]);
        assert!(!signature.takes(1));
    }
}
