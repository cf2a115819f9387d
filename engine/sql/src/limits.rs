//! How much one request may ask for.

use crate::{ErrorKind, SqlError, error::SourceText, tokens::Tokens};

/// Bounds on the text of one request. Its depth has a bound of its own, which threads' stacks are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text, with its variables replaced.
    pub bytes: usize,
    /// Words, literals and symbols: the statements' trees have at most as many nodes.
    pub tokens: usize,
    /// Statements.
    pub statements: usize,
    /// Bytes of a name, which schemas and messages repeat.
    pub name_bytes: usize,
}

impl Limits {
    /// For texts that were accepted once.
    pub const NONE: Self =
        Self { bytes: usize::MAX, tokens: usize::MAX, statements: usize::MAX, name_bytes: usize::MAX };

    pub(crate) fn check_bytes(&self, text: &str) -> Result<(), SqlError> {
        if text.len() <= self.bytes {
            return Ok(());
        }
        Err(exceeded(SourceText::whole(text), 0, "more bytes", self.bytes, "bytes"))
    }

    pub(crate) fn check_tokens(&self, text: &str, tokens: &Tokens) -> Result<(), SqlError> {
        if tokens.list.len() <= self.tokens.saturating_add(1) {
            return Ok(());
        }
        let position = tokens.list.get(self.tokens).map_or(0, |token| token.span.start);
        Err(exceeded(SourceText::whole(text), position, "more words and symbols", self.tokens, "tokens"))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 4 << 20, tokens: 100_000, statements: 1000, name_bytes: 1024 }
    }
}

/// The request has too `much` of something.
pub(crate) fn exceeded(place: SourceText<'_>, position: u32, much: &str, most: usize, property: &str) -> SqlError {
    let (line, column) = place.line_column(position);
    let message = format!(
        "Failed to prepare statement: line {line}:{column}: the request has {much} than the {most} that \
         millstream.sql.max.{property} allows. Send it in several requests, or raise that property."
    );
    let span = crate::Span { start: position, end: position };
    let mut error = SqlError::new(ErrorKind::Invalid, message, place, span);
    // not all of it, as it may be large
    error.statement = place.text.chars().take(SHOWN_CHARACTERS).collect();
    error
}

/// So much of a text that is too large is repeated in the error.
const SHOWN_CHARACTERS: usize = 200;

#[cfg(test)]
mod tests {
    use super::Limits;
    use crate::{Variables, parse_within};

    fn refused(text: &str, variables: &[(&str, &str)], limits: Limits) -> String {
        let error = parse_within(text, &variables.iter().copied().collect(), limits).unwrap_err();
        assert!(error.statement.len() <= 800 && error.message.len() < 400, "{error:?}");
        error.message
    }

    #[test]
    fn what_is_too_much_is_refused_with_its_place() {
        let limits = Limits { bytes: 100, tokens: 20, statements: 3, name_bytes: 10 };
        let four = "LIST TOPICS; LIST TYPES; LIST TOPICS;\n LIST TYPES;";
        assert!(refused(four, &[], limits).contains("line 2:2: the request has more statements than the 3 that"));
        let tokens = format!("SELECT {}1 FROM s;", "1,".repeat(10));
        assert!(refused(&tokens, &[], limits).contains("more words and symbols than the 20"));
        assert!(refused(&" ".repeat(101), &[], limits).contains("more bytes than the 100"));
        let name = "PRINT x; DESCRIBE a1234567890;";
        assert!(refused(name, &[], limits).contains("Line: 1, Col: 19. A name of 11 bytes is longer than the 10"));
        let same = Limits { statements: 4, ..limits };
        assert_eq!(parse_within(four, &Variables::default(), same).unwrap().len(), 4);
    }

    /// Seen: 50 kB of value 20,000 times, a gigabyte of answer.
    #[test]
    fn variables_are_not_multiplied_without_end() {
        let value = format!("'{}'", "x".repeat(50_000));
        let text = format!("INSERT INTO s VALUES ({}1);", "${a}, ".repeat(20_000));
        let message = refused(&text, &[("a", &value)], Limits::default());
        assert!(message.contains("line 1:"), "{message}");
        assert!(message.contains("with its variables replaced more bytes than the 4194304"), "{message}");
        // each twice the one before
        let doubled: String = (1..60).map(|n| format!("DEFINE a{n} = '${{a{m}}}${{a{m}}}';", m = n - 1)).collect();
        let message = refused(&doubled, &[("a0", "0123456789")], Limits::default());
        assert!(message.contains("with its variables replaced"), "{message}");
        // none of them large
        let many = format!("{}SHOW TOPICS;", "DEFINE b = '${a}';".repeat(900));
        let message = refused(&many, &[("a", &"x".repeat(10_000))], Limits::default());
        assert!(message.contains("with its variables replaced"), "{message}");
    }
}
