//! Recursive descent over [`Token`]s.
//!
//! ```text
//! statement ──> ddl.rs (CREATE, ALTER, DROP)  insert.rs  query.rs (SELECT) ──> window.rs
//!           └─> admin.rs (SHOW, DESCRIBE, PRINT, SET, ASSERT …)     expr.rs and types.rs below all of them
//! ```
//!
//! [`Parser`] is the cursor they share; what it says when a token does not fit is in `unexpected.rs`.

mod admin;
mod ddl;
mod expr;
mod insert;
mod query;
mod types;
mod unexpected;
mod window;

use crate::{
    Ident, Limits, Span, SqlError, Statement,
    error::{ErrorKind, SourceText},
    keywords,
    limits::exceeded,
    tokens::{Kind, Token},
};

type Result<T> = std::result::Result<T, SqlError>;

/// Which statements there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// Those a server takes.
    Server,
    /// Those, and ASSERT VALUES, ASSERT STREAM … and RUN SCRIPT of test scripts.
    Scripts,
}

/// A statement and the tokens it was made of.
pub(crate) struct Found {
    pub(crate) statement: Statement,
    pub(crate) span: Span,
    /// A rule beyond the grammar that it breaks.
    pub(crate) invalid: Option<SqlError>,
    /// Index of its first token, and one past its last.
    pub(crate) tokens: std::ops::Range<usize>,
}

/// A cursor over the tokens of a text.
pub(crate) struct Parser<'a> {
    place: SourceText<'a>,
    tokens: &'a [Token],
    position: usize,
    grammar: Grammar,
    limits: Limits,
    /// Optional words looked for in vain at token `tried_at`.
    tried: Vec<&'static str>,
    tried_at: usize,
    /// The token at which so much could stand that it is not worth listing.
    open_at: Option<usize>,
    /// First token of a choice not made yet: an error after it is "no alternative fits".
    choice: Option<usize>,
    /// Open brackets around the cursor.
    brackets: u32,
    /// How many expressions and types enclose the cursor.
    depth: u32,
    /// Levels of the highest tree among those finished since [`Self::begin_tree`].
    height: u32,
    invalid: Option<SqlError>,
    /// Whether a rule was broken, in this statement or one before: nobody will ask about further ones.
    is_refused: bool,
}

/// A statement's tree may have so many levels: whatever walks over one (to write it, to type it, to run it, to drop it)
/// calls itself for each, and the threads that do have a stack for as many (`crate::STACK_BYTES`). Every operator is a
/// level, also in a row: `a + b + c` is `(a + b) + c`.
pub(crate) const LEVELS_MAX: u32 = 520;

/// The parser itself calls itself for brackets too, which are no level. A level that is written back has two at most, so
/// that what was read can be read again in any form.
const NESTED_MAX: u32 = 2 * LEVELS_MAX;

impl<'a> Parser<'a> {
    /// A cursor before the first token.
    pub(crate) fn new(place: SourceText<'a>, tokens: &'a [Token], grammar: Grammar, limits: Limits) -> Self {
        Self {
            place,
            tokens,
            position: 0,
            grammar,
            limits,
            tried: Vec::new(),
            tried_at: 0,
            open_at: None,
            choice: None,
            brackets: 0,
            depth: 0,
            height: 0,
            invalid: None,
            is_refused: false,
        }
    }

    /// All statements up to the end. Each needs its `;`.
    pub(crate) fn statements(&mut self) -> Result<Vec<Found>> {
        let most = self.limits.statements;
        let mut found = Vec::new();
        while self.peek().kind != Kind::End {
            if found.len() == most {
                return Err(exceeded(self.place, self.peek().span.start, "more statements", most, "statements"));
            }
            found.push(self.terminated_statement(true)?);
        }
        Ok(found)
    }

    /// One statement and its `;`, which may be missing at the end of the text if it is not `required`.
    pub(crate) fn terminated_statement(&mut self, required: bool) -> Result<Found> {
        let first = self.position;
        (self.invalid, self.depth, self.height) = (None, 0, 0);
        let statement = self.statement()?;
        if required || self.peek().kind != Kind::End {
            self.expect_before(";", |t| {
                t.kind == Kind::End || keywords::STATEMENT_STARTS.iter().any(|word| t.is(word))
            })?;
        }
        let span = self.span_since(first);
        Ok(Found { statement, span, invalid: self.invalid.take(), tokens: first..self.position })
    }

    /// Fails unless all text was read.
    pub(crate) fn end(&mut self) -> Result<()> {
        if self.peek().kind == Kind::End { Ok(()) } else { Err(self.unexpected(&["<EOF>"])) }
    }

    /// The broken rule met on the way, if any.
    pub(crate) fn broken_rule(&mut self) -> Result<()> {
        self.invalid.take().map_or(Ok(()), Err)
    }

    fn statement(&mut self) -> Result<Statement> {
        let Kind::Keyword(word) = self.peek().kind else { return Err(self.unknown_statement()) };
        match word {
            "SELECT" => Ok(Statement::Query(Box::new(self.query()?))),
            "CREATE" => self.create(),
            "INSERT" => self.insert(),
            "ALTER" => self.alter(),
            "DROP" => self.drop(),
            "SHOW" | "LIST" => self.show(),
            "DESCRIBE" => self.describe(),
            "EXPLAIN" => self.explain(),
            "PRINT" => self.print(),
            "TERMINATE" => Ok(Statement::Terminate { id: self.query_id_or_all()? }),
            "PAUSE" => Ok(Statement::Pause { id: self.query_id_or_all()? }),
            "RESUME" => Ok(Statement::Resume { id: self.query_id_or_all()? }),
            "SET" | "UNSET" => self.set(),
            "DEFINE" | "UNDEFINE" => self.define(),
            "ASSERT" => self.assert(),
            "RUN" if self.grammar == Grammar::Scripts => self.run_script(),
            _ => Err(self.unknown_statement()),
        }
    }

    // ---- looking and moving

    /// The token `ahead` of the next one; the end repeats.
    fn peek_nth(&self, ahead: usize) -> Token {
        let end = Token { kind: Kind::End, span: Span::default() };
        self.tokens.get(self.position + ahead).or(self.tokens.last()).copied().unwrap_or(end)
    }

    fn peek(&self) -> Token {
        self.peek_nth(0)
    }

    fn advance(&mut self) -> Token {
        let token = self.peek();
        if token.kind != Kind::End {
            self.position += 1;
        }
        token
    }

    fn text_of(&self, span: Span) -> &'a str {
        self.place.slice(span)
    }

    /// From the start of token `first` to the end of the last token read.
    fn span_since(&self, first: usize) -> Span {
        let start = self.tokens.get(first).map_or(0, |t| t.span.start);
        let end = self.position.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |t| t.span.end);
        Span { start, end: end.max(start) }
    }

    /// Whether the next token is this keyword or symbol.
    fn at(&self, word: &str) -> bool {
        self.peek().is(word)
    }

    /// Whether the next tokens are these keywords or symbols.
    fn at_all(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(i, word)| self.peek_nth(i).is(word))
    }

    /// Reads an optional keyword or symbol.
    fn eat(&mut self, word: &'static str) -> bool {
        let found = self.at(word);
        if found {
            self.advance();
        } else {
            self.note_tried(word);
        }
        found
    }

    /// Reads optional keywords, all of them or none.
    fn eat_all(&mut self, words: &[&'static str]) -> bool {
        let found = self.at_all(words);
        if found {
            self.position += words.len();
        } else if let Some(first) = words.first() {
            self.note_tried(first);
        }
        found
    }

    /// [`Self::eat_all`] where nothing else can start with the first `firm` of the words.
    fn eat_firmly(&mut self, words: &[&'static str], firm: usize) -> Result<bool> {
        let found = words.iter().enumerate().take_while(|(i, word)| self.peek_nth(*i).is(word)).count();
        if found >= firm && found < words.len() {
            self.position += found;
            return Err(self.no_alternative());
        }
        Ok(self.eat_all(words))
    }

    /// Runs `inside` while there is another way to read what begins at token `first`: an error is "no alternative fits".
    fn choosing<T>(&mut self, first: usize, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.choice;
        self.choice.get_or_insert(first);
        let result = inside(self);
        self.choice = before;
        result
    }

    // ---- small parts

    /// Any identifier, folded.
    fn identifier(&mut self) -> Result<Ident> {
        let token = self.peek();
        if !token.is_identifier() {
            return Err(self.unexpected_open("identifier", Token::is_identifier));
        }
        self.advance();
        let name = self.folded(token);
        let most = self.limits.name_bytes;
        if name.len() > most && !self.is_refused {
            let (line, column) = self.place.line_column(token.span.start);
            let message = format!(
                "Illegal argument at Line: {line}, Col: {column}. A name of {} bytes is longer than the {most} that \
                 millstream.sql.max.name.bytes allows.",
                name.len()
            );
            self.refuse(message, token.span);
        }
        Ok(Ident { name, span: token.span })
    }

    /// The name an identifier token stands for: upper case unless quoted.
    fn folded(&self, token: Token) -> String {
        let text = self.text_of(token.span);
        if token.kind == Kind::Quoted { unquoted(text) } else { text.to_ascii_uppercase() }
    }

    /// The name of a stream or table. ksqlDB keeps them to what Kafka allows in a topic name.
    fn source_name(&mut self) -> Result<Ident> {
        let ident = self.identifier()?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !self.is_refused && !ident.name.bytes().all(allowed) {
            let (line, column) = self.place.line_column(ident.span.start);
            let message = format!(
                "Illegal argument at Line: {line}, Col: {column}. Source names may only contain alphanumeric values, '_' \
                 or '-'. Got: '{}'",
                ident.name
            );
            self.refuse(message, ident.span);
            // ksqlDB reports the name as the statement
            if let Some(error) = &mut self.invalid {
                error.statement.clone_from(&ident.name);
            }
        }
        Ok(ident)
    }

    /// The name of a topic or the like: an identifier whose case counts, or a string.
    fn resource_name(&mut self) -> Result<Ident> {
        let token = self.peek();
        let name = match token.kind {
            Kind::String | Kind::Quoted => unquoted(self.text_of(token.span)),
            _ if token.is_identifier() => self.text_of(token.span).to_owned(),
            _ => return Err(self.unexpected_open("name", |t| t.is_identifier() || t.kind == Kind::String)),
        };
        self.advance();
        Ok(Ident { name, span: token.span })
    }

    fn string(&mut self) -> Result<String> {
        self.string_before(";")
    }

    /// A string that `next` follows.
    fn string_before(&mut self, next: &'static str) -> Result<String> {
        let token = self.peek();
        match token.kind {
            Kind::String => {
                self.advance();
                Ok(unquoted(self.text_of(token.span)))
            }
            Kind::Variable => {
                self.advance();
                Ok(self.text_of(token.span).to_owned())
            }
            _ => Err(self.unexpected_before(&["<STRING>"], |t| t.is(next))),
        }
    }

    /// A whole number, negative ones included.
    fn whole_number(&mut self) -> Result<i64> {
        let first = self.position;
        if self.at("-") {
            self.advance();
        }
        if !self.peek().is_number() {
            return Err(self.no_number());
        }
        self.advance();
        let span = self.span_since(first);
        let text = self.text_of(span);
        let number = text.replace(char::is_whitespace, "").parse();
        Ok(number.unwrap_or_else(|_| {
            self.invalid_number("Invalid numeric literal", text, span);
            0
        }))
    }

    /// No number, or a minus without one: which kind of number it is shows behind the minus.
    fn no_number(&self) -> SqlError {
        let has_minus =
            !self.at("-") && self.position.checked_sub(1).and_then(|at| self.tokens.get(at)).is_some_and(|t| t.is("-"));
        if has_minus { self.no_alternative() } else { self.unexpected_open("number", |t| t.is_number() || t.is("-")) }
    }

    /// A whole number that cannot be negative.
    fn count(&mut self, negative: &str) -> Result<u64> {
        let first = self.position;
        let number = self.whole_number()?;
        Ok(u64::try_from(number).unwrap_or_else(|_| {
            self.refuse(negative.to_owned(), self.span_since(first));
            0
        }))
    }

    /// `item, item, … close`, with `close` read. Items know their index.
    fn list<T>(&mut self, close: &'static str, mut item: impl FnMut(&mut Self, usize) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self, 0)?];
        while !self.at(close) {
            if !self.at(",") {
                return Err(self.unexpected_in_list(close, items.len() > 1));
            }
            self.advance();
            items.push(item(self, items.len())?);
        }
        self.advance();
        Ok(items)
    }

    /// Runs `inside` between brackets that were opened already.
    fn bracketed<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.brackets += 1;
        let result = inside(self);
        self.brackets -= 1;
        result
    }

    /// Runs `inside` one bracket, or the like, deeper.
    fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= NESTED_MAX {
            return Err(self.too_deep(NESTED_MAX));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// Begins a tree of its own. [`Self::end_tree`] takes what this gives: the levels of those beside it.
    fn begin_tree(&mut self) -> u32 {
        std::mem::take(&mut self.height)
    }

    fn end_tree(&mut self, beside: u32) {
        self.height = self.height.max(beside);
    }

    /// Puts a level on top of what was read since the tree began.
    fn grow(&mut self) -> Result<()> {
        self.height += 1;
        if self.height > LEVELS_MAX {
            return Err(self.too_deep(LEVELS_MAX));
        }
        Ok(())
    }

    fn too_deep(&self, most: u32) -> SqlError {
        let span = self.peek().span;
        let (line, column) = self.place.line_column(span.start);
        let message = format!(
            "Failed to prepare statement: line {line}:{column}: nested more than {most} levels deep, where each operator \
             is a level, also in a row. Split the expression, for example over a stream in between."
        );
        let mut error = SqlError::new(ErrorKind::Invalid, message, self.place, span);
        self.place.text.clone_into(&mut error.statement);
        error
    }
}

/// What is between the quotes, doubled ones taken as one.
pub(crate) fn unquoted(text: &str) -> String {
    let mut chars = text.chars();
    let Some(quote) = chars.next() else { return String::new() };
    chars.next_back();
    let doubled: String = [quote, quote].iter().collect();
    chars.as_str().replace(&doubled, quote.encode_utf8(&mut [0; 4]))
}
