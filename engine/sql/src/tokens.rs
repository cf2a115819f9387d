//! Text → tokens with byte positions, the way ksqlDB's grammar cuts them: `1e3x` is a name, `>>` closes two types, `${x}`
//! is one token, `0x1F` is a name. Text that is no token at all, such as a quote that never closes, becomes
//! [`Kind::Unknown`], so that the parser can say where it is.
//!
//! Takes time in proportion to the text, whatever is in it.

use crate::{Span, keywords};

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

impl Tokens {
    /// Lets spans count from the start of a text in which this one starts at `start`.
    pub(crate) fn move_to(&mut self, start: u32) {
        for Token { span, .. } in &mut self.list {
            *span = Span { start: span.start.saturating_add(start), end: span.end.saturating_add(start) };
        }
    }
}

/// Splits `text` into tokens; never fails.
pub(crate) fn tokenize(text: &str) -> Tokens {
    tokenize_at_most(text, usize::MAX)
}

/// [`tokenize`] that gives up once there are more than `most` tokens.
pub(crate) fn tokenize_at_most(text: &str, most: usize) -> Tokens {
    let mut lexer = Lexer { text, position: 0, list: Vec::new(), open: None, comments_end: true };
    while let Some(first) = lexer.rest().chars().next()
        && lexer.list.len() <= most
    {
        lexer.take(first);
    }
    lexer.push(Kind::End, 0);
    Tokens { list: lexer.list, open: lexer.open }
}

/// Texts beyond 4 GiB do not come here; their positions would saturate.
pub(crate) fn position(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

struct Lexer<'a> {
    text: &'a str,
    /// Where the next token starts.
    position: usize,
    list: Vec<Token>,
    open: Option<u32>,
    /// Whether a comment opened here may end: once one did not, none behind it does.
    comments_end: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let start = self.position;
        self.position += length;
        self.list.push(Token { kind, span: Span { start: position(start), end: position(self.position) } });
    }

    /// Takes the token, the comment or the blank that starts with `first`.
    fn take(&mut self, first: char) {
        let rest = self.rest();
        if first.is_whitespace() {
            self.position += first.len_utf8();
        } else if rest.starts_with("--") {
            self.position += rest.find(['\r', '\n']).unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            self.comment(rest);
        } else if let '\'' | '"' | '`' = first {
            self.quoted(first, rest);
        } else if let Some(length) = variable_length(rest) {
            self.push(Kind::Variable, length);
        } else if let Some((kind, length)) = number_or_word(rest) {
            self.push(kind, length);
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            self.push(Kind::Symbol(symbol), symbol.len());
        } else {
            self.push(Kind::Unknown, first.len_utf8());
        }
    }

    /// `/* … */`, or the two symbols if it never ends.
    fn comment(&mut self, rest: &str) {
        let end = if self.comments_end { rest.get(2..).and_then(|inside| inside.find("*/")) } else { None };
        match end {
            Some(end) => self.position += end + 4,
            None => {
                self.comments_end = false;
                self.open = self.open.or(Some(position(self.position)));
                self.push(Kind::Symbol("/"), 1);
            }
        }
    }

    /// A literal or a name in quotes. If it is never closed, it goes up to the last quote that could have closed it (the
    /// first of a pair), or is just the quote.
    fn quoted(&mut self, quote: char, rest: &str) {
        let kind = if quote == '\'' { Kind::String } else { Kind::Quoted };
        match quoted_length(rest, quote) {
            Some(length) => self.push(kind, length),
            None => match rest.rfind(quote).filter(|last| *last > 0) {
                Some(second_of_pair) => self.push(kind, second_of_pair),
                None => {
                    self.open = self.open.or(Some(position(self.position)));
                    self.push(Kind::Unknown, 1);
                }
            },
        }
    }
}

/// Length of what stands in quotes at the start of `rest`, with the quotes; a doubled one inside stands for itself.
fn quoted_length(rest: &str, quote: char) -> Option<usize> {
    let mut length = 1;
    loop {
        let inside = rest.get(length..)?;
        length += inside.find(quote)? + 1;
        if !rest.get(length..)?.starts_with(quote) {
            return Some(length);
        }
        length += 1;
    }
}

/// Length of the `${name}` that `rest` starts with.
pub(crate) fn variable_length(rest: &str) -> Option<usize> {
    let name = rest.strip_prefix("${")?;
    let length = name.bytes().take_while(|b| is_word_byte(*b)).count();
    let closed = name.get(length..)?.starts_with('}');
    (closed && length > 0 && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(length + 3)
}

fn is_word_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'@'
}

/// The longest number or word that `rest` starts with; a number wins when both are as long.
fn number_or_word(rest: &str) -> Option<(Kind, usize)> {
    if !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.') {
        return None;
    }
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
        assert_eq!(tokenize("a /* b").open, Some(2));
        assert_eq!(cut("/* a /* b"), cut("/ * a / * b"));
        // A pair may have closed it.
        assert_eq!(cut("'''"), [(Kind::String, "''"), (Kind::Unknown, "'")]);
        assert_eq!(cut("`a``b c"), [(Kind::Quoted, "`a`"), (Kind::Unknown, "`"), (Kind::Word, "b"), (Kind::Word, "c")]);
    }

    #[test]
    fn comments_and_blanks() {
        use Kind::{Symbol, Word};
        assert_eq!(cut("a--b\rc /**/ d/*/*/e--"), [(Word, "a"), (Word, "c"), (Word, "d"), (Word, "e")]);
        assert_eq!(cut("a\u{a0}\r\n\t-/b"), [(Word, "a"), (Symbol("-"), "-"), (Symbol("/"), "/"), (Word, "b")]);
        assert_eq!(cut("\0"), [(Kind::Unknown, "\0")]);
    }

    /// What stands open, and what takes long to tell from something else, is looked at once and not again from each
    /// place behind it. With a quadratic lexer this takes minutes.
    #[test]
    fn long_texts_take_time_in_proportion() {
        for part in [
            "/*", "/* ", "*/", "--", "-- ", "'", "\"", "`", "' \" ` ", "'\"", "/*'", "${", "${a", "${a ", "$", "(",
            "[", ";", "-", "- ", ".", "..", "1", "1.", ".1", "1e", "1e+", "1.1e", "a", "a.", "@", "é", "\0", "\r",
            "->", ":=", "<>", "'a''",
        ] {
            let text = part.repeat(400_000 / part.len());
            assert_eq!(tokenize(&text).list.last().map(|t| t.span.end as usize), Some(text.len()));
            crate::split(&text);
        }
    }
}
