//! Expressions, loosest operator first: OR, AND, NOT, one comparison, `||`, `+ -`, `* / %`, sign, AT TIME ZONE, `[ ]` and `->`.

use super::{Parser, Result, unquoted};
use crate::{
    BinaryOp, Expr, ExprKind, Ident, Sign, Span, TimeUnit,
    tokens::{Kind, Token},
};

/// Functions whose first argument is a time unit, so that even an unreserved one (`DAY`) is no column there.
const UNIT_FUNCTIONS: &[&str] = &["DATEADD", "DATESUB", "TIMEADD", "TIMESUB", "TIMESTAMPADD", "TIMESTAMPSUB"];

impl Parser<'_> {
    pub(crate) fn expression(&mut self) -> Result<Expr> {
        let beside = self.begin_tree();
        let mut left = self.conjunction()?;
        while self.at("OR") {
            self.advance();
            let right = self.conjunction()?;
            left = self.binary(left, BinaryOp::Or, right)?;
        }
        self.end_tree(beside);
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expr> {
        let beside = self.begin_tree();
        let mut left = self.negation()?;
        while self.at("AND") {
            self.advance();
            let right = self.negation()?;
            left = self.binary(left, BinaryOp::And, right)?;
        }
        self.end_tree(beside);
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expr> {
        let first = self.position;
        if !self.at("NOT") {
            return self.comparison();
        }
        let beside = self.begin_tree();
        self.advance();
        let inner = self.nested(Self::negation)?;
        let not = self.expr_since(first, ExprKind::Not(Box::new(inner)))?;
        self.end_tree(beside);
        Ok(not)
    }

    /// A value and at most one comparison: `a = b = c` is no expression.
    fn comparison(&mut self) -> Result<Expr> {
        let beside = self.begin_tree();
        let compared = self.compared()?;
        self.end_tree(beside);
        Ok(compared)
    }

    fn compared(&mut self) -> Result<Expr> {
        let first = self.position;
        let left = self.value()?;
        let Kind::Symbol(symbol) = self.peek().kind else { return self.predicate(first, left) };
        let op = match symbol {
            "=" => BinaryOp::Equal,
            "<>" | "!=" => BinaryOp::NotEqual,
            "<" => BinaryOp::Less,
            "<=" => BinaryOp::LessEqual,
            ">" => BinaryOp::Greater,
            ">=" => BinaryOp::GreaterEqual,
            _ => return Ok(left),
        };
        self.advance();
        let right = self.value()?;
        self.binary(left, op, right)
    }

    /// IS, BETWEEN, IN or LIKE after a value.
    fn predicate(&mut self, first: usize, left: Expr) -> Result<Expr> {
        if self.at("IS") {
            self.advance();
            return self.is_predicate(first, left);
        }
        let negated = self.at("NOT");
        if !negated && !["BETWEEN", "IN", "LIKE"].iter().any(|word| self.at(word)) {
            return Ok(left);
        }
        if negated {
            self.advance();
        }
        let expr = Box::new(left);
        let kind = match self.peek().kind {
            Kind::Keyword("BETWEEN") => {
                self.advance();
                let low = Box::new(self.value()?);
                self.expect_before("AND", Token::starts_expression)?;
                ExprKind::Between { expr, low, high: Box::new(self.value()?), negated }
            }
            Kind::Keyword("IN") => {
                self.advance();
                self.expect_before("(", Token::starts_expression)?;
                let list = self.bracketed(|p| p.list(")", |p, _| p.expression()))?;
                ExprKind::In { expr, list, negated }
            }
            Kind::Keyword("LIKE") => {
                self.advance();
                let pattern = Box::new(self.value()?);
                let escape = if self.at("ESCAPE") { self.escape()? } else { None };
                ExprKind::Like { expr, pattern, escape, negated }
            }
            _ => return Err(self.no_alternative()),
        };
        self.expr_since(first, kind)
    }

    fn is_predicate(&mut self, first: usize, left: Expr) -> Result<Expr> {
        let negated = self.at("NOT");
        if negated {
            self.advance();
        }
        if self.at("NULL") {
            self.advance();
            return self.expr_since(first, ExprKind::IsNull { expr: Box::new(left), negated });
        }
        if !self.at_all(&["DISTINCT", "FROM"]) {
            if self.at("DISTINCT") {
                self.advance();
            }
            return Err(self.no_alternative());
        }
        self.position += 2;
        let op = if negated { BinaryOp::IsNotDistinctFrom } else { BinaryOp::IsDistinctFrom };
        let right = self.value()?;
        self.binary(left, op, right)
    }

    fn escape(&mut self) -> Result<Option<char>> {
        self.advance();
        let span = self.peek().span;
        let text = self.string()?;
        let mut chars = text.chars();
        let (escape, rest) = (chars.next(), chars.next());
        if escape.is_none() || rest.is_some() {
            self.refuse_prepared(&format!("LIKE needs exactly one ESCAPE character. Got: '{text}'"), span);
        }
        Ok(escape)
    }

    /// A value: anything that binds tighter than a comparison.
    pub(super) fn value(&mut self) -> Result<Expr> {
        let value = self.arithmetic(0)?;
        self.note_open();
        Ok(value)
    }

    fn arithmetic(&mut self, loosest: u8) -> Result<Expr> {
        let beside = self.begin_tree();
        let mut left = self.signed()?;
        while let Some((op, level)) = arithmetic_operator(self.peek()) {
            if level < loosest {
                break;
            }
            self.advance();
            let right = self.arithmetic(level + 1)?;
            left = self.binary(left, op, right)?;
        }
        self.end_tree(beside);
        Ok(left)
    }

    fn signed(&mut self) -> Result<Expr> {
        let first = self.position;
        let op = match self.peek().kind {
            Kind::Symbol("-") if self.peek_nth(1).is_number() => return self.zoned(),
            Kind::Symbol("-") => Sign::Minus,
            Kind::Symbol("+") => Sign::Plus,
            _ => return self.zoned(),
        };
        let beside = self.begin_tree();
        self.advance();
        let starts = |t: &Token| t.starts_expression() || t.is("-") || t.is("+");
        if op == Sign::Minus && !starts(&self.peek()) {
            // Whether a number follows decides what the minus is.
            return Err(self.no_alternative());
        }
        let inner = self.nested(Self::signed)?;
        let signed = self.expr_since(first, ExprKind::Unary { op, expr: Box::new(inner) })?;
        self.end_tree(beside);
        Ok(signed)
    }

    fn zoned(&mut self) -> Result<Expr> {
        let first = self.position;
        let beside = self.begin_tree();
        let mut expr = self.primary()?;
        while self.at("AT") {
            self.advance();
            self.expect("TIME")?;
            self.expect("ZONE")?;
            let zone = self.string()?;
            expr = self.expr_since(first, ExprKind::AtTimeZone { expr: Box::new(expr), zone })?;
        }
        self.end_tree(beside);
        Ok(expr)
    }

    /// An operand with its subscripts and fields. `x->*` is left to the SELECT list.
    pub(super) fn primary(&mut self) -> Result<Expr> {
        let first = self.position;
        let beside = self.begin_tree();
        let mut expr = self.nested(Self::operand)?;
        loop {
            let kind = if self.at("[") {
                self.advance();
                let index = Box::new(self.bracketed(|p| p.value())?);
                self.expect_before("]", |_| false)?;
                ExprKind::Subscript { base: Box::new(expr), index }
            } else if self.at("->") && !self.peek_nth(1).is("*") {
                self.advance();
                ExprKind::Field { base: Box::new(expr), field: self.identifier()? }
            } else {
                self.end_tree(beside);
                return Ok(expr);
            };
            expr = self.expr_since(first, kind)?;
        }
    }

    fn operand(&mut self) -> Result<Expr> {
        let first = self.position;
        let token = self.peek();
        let kind = match token.kind {
            Kind::Symbol("(") => return self.in_brackets(),
            Kind::Integer | Kind::Decimal | Kind::Float | Kind::Symbol("-") => self.number()?,
            Kind::String => {
                self.advance();
                ExprKind::String(unquoted(self.text_of(token.span)))
            }
            Kind::Keyword("NULL") => self.constant(ExprKind::Null),
            Kind::Keyword("TRUE") => self.constant(ExprKind::Boolean(true)),
            Kind::Keyword("FALSE") => self.constant(ExprKind::Boolean(false)),
            Kind::Keyword("CASE") => self.case()?,
            Kind::Keyword("CAST") => self.cast()?,
            Kind::Keyword("DECIMAL") if self.peek_nth(1).kind == Kind::String => self.typed_literal()?,
            _ if token.is_identifier() => self.named(token)?,
            _ => return Err(self.unexpected_open("expression", Token::starts_expression)),
        };
        self.expr_since(first, kind)
    }

    /// `( … )`, which is no level of its own.
    fn in_brackets(&mut self) -> Result<Expr> {
        let first = self.position;
        self.advance();
        let inner = self.bracketed(Self::expression)?;
        self.close_bracket()?;
        Ok(Expr { kind: inner.kind, span: self.span_since(first) })
    }

    fn constant(&mut self, kind: ExprKind) -> ExprKind {
        self.advance();
        kind
    }

    /// A constructor, a call, a column, or a typed literal.
    fn named(&mut self, token: Token) -> Result<ExprKind> {
        match (token.kind, self.peek_nth(1).kind) {
            (Kind::Keyword("ARRAY"), Kind::Symbol("[")) => {
                self.position += 2;
                Ok(ExprKind::Array(self.elements_until("]", |p, _| p.expression())?))
            }
            (Kind::Keyword("MAP"), Kind::Symbol("(")) => {
                let first = self.position;
                self.position += 2;
                Ok(ExprKind::Map(self.elements_until(")", |p, index| {
                    let key = p.assigned(index == 0, first, Self::expression)?;
                    Ok((key, p.expression()?))
                })?))
            }
            (Kind::Keyword("STRUCT"), Kind::Symbol("(")) => {
                let first = self.position;
                self.position += 2;
                Ok(ExprKind::Struct(self.elements_until(")", |p, index| {
                    let field = p.assigned(index == 0, first, Self::identifier)?;
                    Ok((field, p.expression()?))
                })?))
            }
            (_, Kind::Symbol("(")) => self.call(),
            (_, Kind::String) => self.typed_literal(),
            (_, Kind::Symbol(".")) => {
                let source = self.identifier()?;
                self.advance();
                Ok(ExprKind::Column { source: Some(source), name: self.identifier()? })
            }
            _ => Ok(ExprKind::Column { source: None, name: self.identifier()? }),
        }
    }

    /// What stands before `:=`. MAP and STRUCT could be functions, until the first of these.
    fn assigned<T>(&mut self, is_first: bool, first: usize, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let assigned = |p: &mut Self| {
            let found = read(p)?;
            p.expect(":=")?;
            Ok(found)
        };
        if is_first { self.choosing(first, assigned) } else { assigned(self) }
    }

    /// A list that may be empty, with its opening bracket read already.
    fn elements_until<T>(
        &mut self,
        close: &'static str,
        item: impl FnMut(&mut Self, usize) -> Result<T>,
    ) -> Result<Vec<T>> {
        if self.eat(close) {
            return Ok(Vec::new());
        }
        self.bracketed(|p| p.list(close, item))
    }

    fn call(&mut self) -> Result<ExprKind> {
        let name = self.identifier()?;
        self.advance();
        if self.at("*") {
            self.advance();
            self.close_bracket()?;
            return Ok(ExprKind::Call { name, args: Vec::new(), star: true });
        }
        let takes_unit = UNIT_FUNCTIONS.contains(&name.name.as_str());
        let args = self.elements_until(")", |p, index| p.argument(index, takes_unit))?;
        Ok(ExprKind::Call { name, args, star: false })
    }

    fn argument(&mut self, index: usize, takes_unit: bool) -> Result<Expr> {
        let first = self.position;
        if index > 0
            && let Some(params) = self.lambda_params()
        {
            let beside = self.begin_tree();
            let body = Box::new(self.expression()?);
            let lambda = self.expr_since(first, ExprKind::Lambda { params, body })?;
            self.end_tree(beside);
            return Ok(lambda);
        }
        let token = self.peek();
        if let Some(unit) = time_unit(token)
            && (self.peek_nth(1).is(",") || self.peek_nth(1).is(")"))
            && ((takes_unit && index == 0) || !token.is_identifier())
        {
            self.advance();
            return Ok(Expr { kind: ExprKind::Unit(unit), span: self.span_since(first) });
        }
        self.expression()
    }

    /// `x =>` or `(x, y) =>`; reads nothing if it is neither.
    fn lambda_params(&mut self) -> Option<Vec<Ident>> {
        let bracketed = self.at("(");
        let mut names = Vec::new();
        let mut ahead = usize::from(bracketed);
        loop {
            let token = Some(self.peek_nth(ahead)).filter(Token::is_identifier)?;
            names.push(Ident { name: self.folded(token), span: token.span });
            ahead += 1;
            if !(bracketed && self.peek_nth(ahead).is(",")) {
                break;
            }
            ahead += 1;
        }
        if bracketed {
            Some(self.peek_nth(ahead)).filter(|t| t.is(")"))?;
            ahead += 1;
        }
        Some(self.peek_nth(ahead)).filter(|t| t.is("=>"))?;
        self.position += ahead + 1;
        Some(names)
    }

    fn case(&mut self) -> Result<ExprKind> {
        self.advance();
        let operand = if self.at("WHEN") { None } else { Some(Box::new(self.value()?)) };
        let mut whens = Vec::new();
        while whens.is_empty() || self.at("WHEN") {
            self.expect_before("WHEN", |_| false)?;
            let condition = self.expression()?;
            self.expect_before("THEN", Token::starts_expression)?;
            whens.push((condition, self.expression()?));
        }
        let otherwise = if self.at("ELSE") {
            self.advance();
            Some(Box::new(self.expression()?))
        } else {
            None
        };
        self.expect("END")?;
        Ok(ExprKind::Case { operand, whens, otherwise })
    }

    fn cast(&mut self) -> Result<ExprKind> {
        self.advance();
        self.expect_before("(", Token::starts_expression)?;
        let expr = Box::new(self.bracketed(Self::expression)?);
        self.expect_before("AS", |t| t.is_identifier() || t.is("DECIMAL"))?;
        let to = self.bracketed(Self::sql_type)?;
        self.close_bracket()?;
        Ok(ExprKind::Cast { expr, to })
    }

    /// `DECIMAL '1.50'`. Other types have no literals of their own.
    fn typed_literal(&mut self) -> Result<ExprKind> {
        let ty = self.advance();
        let literal = self.advance();
        let text = unquoted(self.text_of(literal.span));
        let name = self.text_of(ty.span).to_ascii_uppercase();
        if name != "DECIMAL" && !self.is_refused {
            let (line, column) = self.place.line_column(ty.span.start);
            let message = format!("Unknown type: {name}, location:Optional[Line: {line}, Col: {column}]");
            self.refuse_prepared(&message, ty.span);
        }
        if name == "DECIMAL" && !is_decimal(&text) {
            self.invalid_number("Invalid numeric literal", &text, literal.span);
        }
        Ok(ExprKind::Decimal(text))
    }

    /// A number with its sign.
    pub(super) fn number(&mut self) -> Result<ExprKind> {
        let first = self.position;
        if self.at("-") {
            self.advance();
        }
        let token = self.peek();
        if !token.is_number() {
            return Err(self.no_number());
        }
        self.advance();
        let span = self.span_since(first);
        let text = self.text_of(span).replace(char::is_whitespace, "");
        Ok(match token.kind {
            Kind::Decimal => ExprKind::Decimal(text),
            Kind::Float => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => ExprKind::Double(number),
                _ => self.bad_number("Number overflows DOUBLE", &text, span),
            },
            _ => match (text.parse::<i32>(), text.parse::<i64>()) {
                (Ok(number), _) => ExprKind::Integer(number),
                (_, Ok(number)) => ExprKind::Bigint(number),
                _ => self.bad_number("Invalid numeric literal", &text, span),
            },
        })
    }

    fn bad_number(&mut self, what: &str, text: &str, span: Span) -> ExprKind {
        self.invalid_number(what, text, span);
        ExprKind::Null
    }

    /// The `)` after an expression or a type.
    fn close_bracket(&mut self) -> Result<()> {
        const INSIDE: &[&str] = &[",", ")", "]"];
        const OUTSIDE: &[&str] = &[
            ",",
            ";",
            "FROM",
            "WHERE",
            "GROUP",
            "PARTITION",
            "HAVING",
            "EMIT",
            "LIMIT",
            "THEN",
            "ELSE",
            "END",
            "WHEN",
        ];
        let follows = if self.brackets > 0 { INSIDE } else { OUTSIDE };
        self.expect_before(")", |t| follows.iter().any(|word| t.is(word)))
    }

    /// A node over what was read since its tree began.
    fn expr_since(&mut self, first: usize, kind: ExprKind) -> Result<Expr> {
        self.grow()?;
        Ok(Expr { kind, span: self.span_since(first) })
    }

    fn binary(&mut self, left: Expr, op: BinaryOp, right: Expr) -> Result<Expr> {
        self.grow()?;
        let span = Span { start: left.span.start, end: right.span.end };
        Ok(Expr { kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, span })
    }
}

/// The unit a keyword names, singular or plural.
pub(super) fn time_unit(token: Token) -> Option<TimeUnit> {
    let Kind::Keyword(word) = token.kind else { return None };
    Some(match word {
        "DAY" | "DAYS" => TimeUnit::Days,
        "HOUR" | "HOURS" => TimeUnit::Hours,
        "MINUTE" | "MINUTES" => TimeUnit::Minutes,
        "SECOND" | "SECONDS" => TimeUnit::Seconds,
        "MILLISECOND" | "MILLISECONDS" => TimeUnit::Milliseconds,
        _ => return None,
    })
}

fn arithmetic_operator(token: Token) -> Option<(BinaryOp, u8)> {
    let Kind::Symbol(symbol) = token.kind else { return None };
    Some(match symbol {
        "||" => (BinaryOp::Concat, 0),
        "+" => (BinaryOp::Add, 1),
        "-" => (BinaryOp::Subtract, 1),
        "*" => (BinaryOp::Multiply, 2),
        "/" => (BinaryOp::Divide, 2),
        "%" => (BinaryOp::Modulo, 2),
        _ => return None,
    })
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    !(whole.is_empty() && fraction.is_empty()) && all_digits(whole) && all_digits(fraction)
}
