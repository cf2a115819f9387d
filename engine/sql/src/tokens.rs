//! Text → tokens with byte positions.
//!
//! sqlparser's tokenizer finds words, literals, quoted names and comments; [`Lexer::cut`] then names the rest the way
//! ksqlDB's grammar does (`1e3x` is a name, `>>` closes two types, `${x}` is one token, `0x1F` is a name). Text that is
//! no token at all, such as a quote that never closes, becomes [`Kind::Unknown`], so that the parser can say where it is.

use sqlparser::tokenizer::{Location, Token as SqlToken, Tokenizer};

use crate::{Span, dialect::Ksql, keywords};

/// Operators and punctuation, longest first.
const SYMBOLS: &[&str] = &[
    "=>", "->", ":=", "||", "<>", "!=", "<=", ">=", ";", ",", "(", ")", "[", "]", "<", ">", "=", ".", "*", "/", "%",
    "+", "-",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An unquoted word that the grammar knows, upper case.
    Keyword(&'static str),
    /// Any other unquoted word.
    Word,
    /// A name that starts with a digit.
    DigitWord,
    /// `` `x` `` or `"x"`
    Quoted,
    /// `${x}`
    Variable,
    String,
    Integer,
    Decimal,
    Float,
    Symbol(&'static str),
    Unknown,
    End,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

impl Token {
    /// Whether this is the given keyword or symbol.
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Keyword(k) | Kind::Symbol(k) if k == word)
    }

    /// Whether this can be an identifier.
    pub(crate) fn is_identifier(&self) -> bool {
        match self.kind {
            Kind::Word | Kind::DigitWord | Kind::Quoted | Kind::Variable => true,
            Kind::Keyword(k) => !keywords::is_reserved(k),
            _ => false,
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Integer | Kind::Decimal | Kind::Float)
    }

    /// Whether an expression can start here.
    pub(crate) fn starts_expression(&self) -> bool {
        const WORDS: &[&str] = &["(", "-", "+", "NOT", "CASE", "CAST", "NULL", "TRUE", "FALSE", "DECIMAL"];
        self.is_identifier() || self.is_number() || self.kind == Kind::String || WORDS.iter().any(|w| self.is(w))
    }
}

/// The tokens of a text, ended by [`Kind::End`].
pub(crate) struct Tokens {
    pub(crate) list: Vec<Token>,
    /// Where a literal, a quoted name or a comment starts that never ends.
    pub(crate) open: Option<u32>,
}

/// Splits `text` into tokens; never fails.
pub(crate) fn tokenize(text: &str) -> Tokens {
    let mut lexer = Lexer { text, list: Vec::new(), open: None };
    let mut from = 0;
    while let Some(rest) = text.get(from..) {
        let mut found = Vec::new();
        let outcome = Tokenizer::new(&Ksql, rest).with_unescape(false).tokenize_with_location_into_buf(&mut found);
        let mut cursor = Cursor { rest, offset: 0, line: 1, column: 1 };
        for token in &found {
            let start = cursor.seek(token.span.start);
            let end = cursor.seek(token.span.end);
            lexer.take(&token.token, from + start, from + end);
        }
        if outcome.is_ok() {
            break;
        }
        from = lexer.skip_unfinished(from + cursor.offset);
    }
    let end = position(text.len());
    lexer.list.push(Token { kind: Kind::End, span: Span { start: end, end } });
    Tokens { list: lexer.list, open: lexer.open }
}

/// Texts beyond 4 GiB do not come here; their positions would saturate.
pub(crate) fn position(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Turns sqlparser's lines and columns into byte offsets, moving forward only.
struct Cursor<'a> {
    rest: &'a str,
    offset: usize,
    line: u64,
    column: u64,
}

impl Cursor<'_> {
    fn seek(&mut self, to: Location) -> usize {
        while (self.line, self.column) < (to.line, to.column) {
            let Some(c) = self.rest.get(self.offset..).and_then(|r| r.chars().next()) else { break };
            self.offset += c.len_utf8();
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.offset
    }
}

struct Lexer<'a> {
    text: &'a str,
    list: Vec<Token>,
    open: Option<u32>,
}

impl Lexer<'_> {
    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        self.list.push(Token { kind, span: Span { start: position(start), end: position(end) } });
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn take(&mut self, token: &SqlToken, start: usize, end: usize) {
        // a variable, or a name such as `1e`, was cut out of several tokens
        if self.list.last().is_some_and(|t| start < t.span.end as usize) {
            return;
        }
        match token {
            SqlToken::Whitespace(_) => {}
            SqlToken::SingleQuotedString(_) => self.push(Kind::String, start, end),
            SqlToken::Word(w) if w.quote_style.is_some() => self.push(Kind::Quoted, start, end),
            // `x'00'` and `n'a'` are no literals here: a name and a string
            SqlToken::HexStringLiteral(_) | SqlToken::NationalStringLiteral(_)
                if self.slice(start, end).ends_with('\'') =>
            {
                self.push(Kind::Word, start, start + 1);
                self.push(Kind::String, start + 1, end);
            }
            _ => self.cut(start, end),
        }
    }

    /// Cuts anything but strings, quoted names and comments. The last token may reach beyond `end`.
    fn cut(&mut self, mut start: usize, end: usize) {
        while start < end {
            let rest = self.slice(start, self.text.len());
            let Some(first) = rest.chars().next() else { break };
            let (kind, length) = if first.is_whitespace() {
                start += first.len_utf8();
                continue;
            } else if let Some(length) = variable_length(rest) {
                (Kind::Variable, length)
            } else if let Some((kind, length)) = number_or_word(rest) {
                (kind, length)
            } else if let Some(symbol) = SYMBOLS.iter().find(|s| rest.starts_with(**s)) {
                (Kind::Symbol(symbol), symbol.len())
            } else {
                (Kind::Unknown, first.len_utf8())
            };
            self.push(kind, start, start + length);
            start += length;
        }
    }

    /// The tokenizer gave up at `start`: takes one character as a token of its own and says where to go on.
    fn skip_unfinished(&mut self, start: usize) -> usize {
        let rest = self.slice(start, self.text.len());
        let length = rest.chars().next().map_or(1, char::len_utf8);
        if rest.starts_with(['\'', '"', '`']) || rest.starts_with("/*") {
            self.open = self.open.or(Some(position(start)));
        }
        self.cut(start, (start + length).min(self.text.len()));
        start + length
    }
}

/// Length of the `${name}` that `rest` starts with.
pub(crate) fn variable_length(rest: &str) -> Option<usize> {
    let name = rest.strip_prefix("${")?;
    let length = name.find('}')?;
    let valid = name.get(..length)?.bytes().enumerate().all(|(i, b)| is_word_byte(b) && (i > 0 || !b.is_ascii_digit()));
    (valid && length > 0).then_some(length + 3)
}

fn is_word_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'@'
}

/// The longest number or word that `rest` starts with; a number wins when both are as long.
fn number_or_word(rest: &str) -> Option<(Kind, usize)> {
    let byte = |at: usize| rest.as_bytes().get(at).copied();
    let digits = |from: usize| rest.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let word = rest.bytes().take_while(|b| is_word_byte(*b)).count();
    let whole = digits(0);
    let (mut kind, mut number) = (Kind::Integer, whole);
    if byte(whole) == Some(b'.') {
        let fraction = digits(whole + 1);
        if whole + fraction > 0 {
            (kind, number) = (Kind::Decimal, whole + 1 + fraction);
        }
    }
    if number > 0 && matches!(byte(number), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(byte(number + 1), Some(b'+' | b'-')));
        let exponent = digits(number + 1 + sign);
        if exponent > 0 {
            (kind, number) = (Kind::Float, number + 1 + sign + exponent);
        }
    }
    if number > 0 && number >= word {
        return Some((kind, number));
    }
    match byte(0) {
        Some(b) if b.is_ascii_digit() => Some((Kind::DigitWord, word)),
        Some(b) if b.is_ascii_alphabetic() || b == b'_' => {
            let keyword = rest.get(..word).and_then(keywords::lookup);
            Some((keyword.map_or(Kind::Word, Kind::Keyword), word))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokenize};

    fn cut(text: &str) -> Vec<(Kind, &str)> {
        let tokens = tokenize(text).list;
        tokens
            .iter()
            .filter(|t| t.kind != Kind::End)
            .map(|t| (t.kind, &text[t.span.start as usize..t.span.end as usize]))
            .collect()
    }

    #[test]
    fn numbers_and_names_that_look_like_them() {
        use Kind::{Decimal, DigitWord, Float, Integer, Symbol, Word};
        assert_eq!(
            cut("1 1.5 .5 1. 1e3 1.0E-2 1R 0x1F 1e"),
            [
                (Integer, "1"),
                (Decimal, "1.5"),
                (Decimal, ".5"),
                (Decimal, "1."),
                (Float, "1e3"),
                (Float, "1.0E-2"),
                (DigitWord, "1R"),
                (DigitWord, "0x1F"),
                (DigitWord, "1e"),
            ]
        );
        assert_eq!(cut("1.5ab"), [(Decimal, "1.5"), (Word, "ab")]);
        assert_eq!(cut("a._b"), [(Word, "a"), (Symbol("."), "."), (Word, "_b")]);
        assert_eq!(cut("12L"), [(DigitWord, "12L")]);
    }

    #[test]
    fn operators_are_cut_the_way_the_grammar_wants_them() {
        use Kind::{Integer, Symbol, Word};
        assert_eq!(cut("a>>b"), [(Word, "a"), (Symbol(">"), ">"), (Symbol(">"), ">"), (Word, "b")]);
        assert_eq!(
            cut("a->b=>c:=d"),
            [
                (Word, "a"),
                (Symbol("->"), "->"),
                (Word, "b"),
                (Symbol("=>"), "=>"),
                (Word, "c"),
                (Symbol(":="), ":="),
                (Word, "d"),
            ]
        );
        assert_eq!(cut("1==2"), [(Integer, "1"), (Symbol("="), "="), (Symbol("="), "="), (Integer, "2")]);
        assert_eq!(cut("?"), [(Kind::Unknown, "?")]);
    }

    #[test]
    fn strings_names_variables_and_comments() {
        use Kind::{Keyword, Quoted, String, Variable, Word};
        assert_eq!(
            cut("-- no 'x\n 'it''s' /* ' */ `a``b` \"C\" ${v_1}x"),
            [(String, "'it''s'"), (Quoted, "`a``b`"), (Quoted, "\"C\""), (Variable, "${v_1}"), (Word, "x"),]
        );
        assert_eq!(
            cut("x'ab' N'é' select"),
            [(Word, "x"), (String, "'ab'"), (Word, "N"), (String, "'é'"), (Keyword("SELECT"), "select"),]
        );
        assert_eq!(cut("'\\'"), [(String, "'\\'")]);
    }

    #[test]
    fn a_quote_that_never_closes_is_one_unknown_character() {
        let tokens = tokenize("a = 'b c;\né");
        assert_eq!(tokens.open, Some(4));
        assert_eq!(cut("'b c"), [(Kind::Unknown, "'"), (Kind::Word, "b"), (Kind::Word, "c")]);
        assert!(tokenize("a /* b").open.is_some());
    }
}
