//! What to say about a token that does not fit, in the words of ksqlDB's own parser.
//!
//! Its parser is generated and looks one token past the offending one before it speaks: would the rest fit if the token
//! were not there (it is *extra*), or if the expected one were (it is *missing*)? Otherwise the two just *mismatch*.
//! While it still chooses between alternatives it only knows that none fits. Tools match on the first line.

use super::{Parser, Result};
use crate::{
    Span, SqlError,
    error::{ErrorKind, Suggestion},
    keywords,
    tokens::{Kind, Token},
};

/// More alternatives than this are not listed.
const LISTED_MAX: usize = 3;

/// No more characters of a word are compared with keywords.
const COMPARED_MAX: usize = 40;

impl Parser<'_> {
    /// Remembers an optional word that is not there, for the message if nothing else fits either.
    pub(super) fn note_tried(&mut self, word: &'static str) {
        if self.tried_at != self.position {
            self.tried.clear();
            self.tried_at = self.position;
        }
        if !self.tried.contains(&word) {
            self.tried.push(word);
        }
    }

    /// Remembers that the next token could continue what was just read in more ways than are worth listing.
    pub(super) fn note_open(&mut self) {
        self.open_at = Some(self.position);
    }

    fn tried_here(&self) -> &[&'static str] {
        if self.tried_at == self.position { &self.tried } else { &[] }
    }

    /// Reads a word that has to be there.
    pub(super) fn expect(&mut self, word: &'static str) -> Result<()> {
        self.expect_before(word, |_| false)
    }

    /// Reads a word that has to be there; `follows` tells what may come after it.
    pub(super) fn expect_before(&mut self, word: &'static str, follows: impl Fn(&Token) -> bool) -> Result<()> {
        if self.at(word) {
            self.advance();
            return Ok(());
        }
        let token = self.peek();
        if self.undecided() {
            return Err(self.no_alternative());
        }
        let mut expected = vec![word];
        expected.extend(self.tried_here());
        if self.peek_nth(1).is(word) && token.kind != Kind::End {
            // What could have ended the statement before it is no matter any more.
            return Err(self.extra(if word == ";" { &[";"] } else { &expected }));
        }
        if follows(&token) {
            let message = format!("missing {} at '{}'", display(word), self.shown(token));
            return Err(self.syntax(token.span, &message, &expected));
        }
        if self.open_at == Some(self.position) {
            return Err(self.expecting(String::new(), &expected));
        }
        Err(self.mismatch(&expected))
    }

    /// None of `expected` is there; `follows` tells what may come after them.
    pub(super) fn unexpected_before(&self, expected: &[&'static str], follows: impl Fn(&Token) -> bool) -> SqlError {
        let (token, next) = (self.peek(), self.peek_nth(1));
        if self.undecided() || expected.iter().any(|word| fits(next, word)) || !follows(&token) {
            return self.unexpected(expected);
        }
        let words: Vec<String> = expected.iter().map(|word| display(word)).collect();
        let words = if words.len() == 1 { words.concat() } else { format!("{{{}}}", words.join(", ")) };
        self.syntax(token.span, &format!("missing {words} at '{}'", self.shown(token)), expected)
    }

    /// None of `expected` is there.
    pub(super) fn unexpected(&self, expected: &[&'static str]) -> SqlError {
        if self.undecided() {
            return self.no_alternative();
        }
        let next = self.peek_nth(1);
        if self.peek().kind != Kind::End && expected.iter().any(|word| fits(next, word)) {
            return self.extra(expected);
        }
        self.mismatch(expected)
    }

    /// Something with many beginnings (`what`: an identifier, an expression …) is not there.
    pub(super) fn unexpected_open(&self, what: &str, starts: impl Fn(&Token) -> bool) -> SqlError {
        if self.undecided() {
            return self.no_alternative();
        }
        let token = self.peek();
        let mut error = match self.reserved(token) {
            Some(message) if starts(&self.peek_nth(1)) => self.syntax(token.span, &message, &[]),
            _ => self.expecting(String::new(), &[]),
        };
        error.expected = vec![what.to_owned()];
        error
    }

    /// Neither a comma nor the end of a list. Once past its second item, the parser takes any misfit as extra.
    pub(super) fn unexpected_in_list(&self, close: &'static str, several: bool) -> SqlError {
        let expected = [",", close];
        if several && !self.undecided() && self.peek().kind != Kind::End {
            return self.extra(&expected);
        }
        self.unexpected(&expected)
    }

    /// No alternative of a choice fits this token.
    pub(super) fn no_alternative(&self) -> SqlError {
        let token = self.peek();
        let (line, column) = self.place.line_column(token.span.start);
        let message = format!("Syntax error at or near '{}' at line {line}:{column}", self.shown(token));
        self.syntax(token.span, &message, self.tried_here())
    }

    /// [`Self::no_alternative`], where the alternatives are these words.
    pub(super) fn none_of(&self, words: &[&'static str]) -> SqlError {
        let mut error = self.no_alternative();
        error.suggestion = resembling(self.text_of(self.peek().span), words).map(Suggestion::Word);
        // Who is told the word needs no list of all.
        let listed = words.iter().filter(|_| error.suggestion.is_none());
        error.expected = listed.map(|word| display(word)).collect();
        error
    }

    /// The first word of a statement is none that starts one.
    pub(super) fn unknown_statement(&self) -> SqlError {
        let (token, next) = (self.peek(), self.peek_nth(1));
        let fits = next.kind == Kind::End || keywords::STATEMENT_STARTS.iter().any(|word| next.is(word));
        if let Some(message) = self.reserved(token).filter(|_| fits) {
            return self.syntax(token.span, &message, &[]);
        }
        let word: String = self.shown(token).chars().take(COMPARED_MAX).collect::<String>().to_ascii_uppercase();
        let nearest = keywords::STATEMENT_STARTS.iter().min_by_key(|start| strsim::levenshtein(start, &word));
        let nearest = nearest.copied().unwrap_or("SELECT");
        let message = format!("Unknown statement '{}'\nDid you mean '{nearest}'?", self.shown(token));
        let mut error = self.syntax(token.span, &message, &[]);
        error.suggestion = Some(Suggestion::Word(nearest));
        error
    }

    /// The statement breaks a rule that its grammar cannot express; only the first one is reported, after syntax errors.
    pub(super) fn refuse(&mut self, message: String, span: Span) {
        if !self.is_refused {
            self.is_refused = true;
            self.invalid = Some(SqlError::new(ErrorKind::Invalid, message, self.place, span));
        }
    }

    /// [`Self::refuse`], in the way ksqlDB reports most of them.
    pub(super) fn refuse_prepared(&mut self, message: &str, span: Span) {
        self.refuse(format!("Failed to prepare statement: {message}"), span);
    }

    /// A number out of range. ksqlDB gives the column after the one where it starts.
    pub(super) fn invalid_number(&mut self, what: &str, number: &str, span: Span) {
        if self.is_refused {
            return;
        }
        let (line, column) = self.place.line_column(span.start);
        self.refuse_prepared(&format!("line {line}:{}: {what}: {number}", column + 1), span);
    }

    fn undecided(&self) -> bool {
        self.choice.is_some_and(|first| first < self.position)
    }

    fn extra(&self, expected: &[&'static str]) -> SqlError {
        let token = self.peek();
        match self.reserved(token) {
            Some(message) => self.syntax(token.span, &message, expected),
            None => self.mismatch(expected),
        }
    }

    fn mismatch(&self, expected: &[&'static str]) -> SqlError {
        let mut sorted = expected.to_vec();
        sorted.sort_by_key(|word| [";", "(", ",", ")"].iter().position(|s| s == word).unwrap_or(usize::MAX));
        let shown: Vec<String> = sorted.iter().map(|word| display(word)).collect();
        let message = match shown.as_slice() {
            [one] => format!("Expecting {one}"),
            some if some.len() <= LISTED_MAX => format!("Expecting {{{}}}", some.join(", ")),
            _ => String::new(),
        };
        self.expecting(message, &sorted)
    }

    /// Something else was expected; at the end of the text, its parser takes that for a bracket.
    fn expecting(&self, message: String, expected: &[&'static str]) -> SqlError {
        let token = self.peek();
        let message = match token.kind {
            Kind::End => "Syntax error at or near \";\"\n'}', ']', or ')' is missing".to_owned(),
            _ => message,
        };
        self.syntax(token.span, &message, expected)
    }

    fn reserved(&self, token: Token) -> Option<String> {
        let Kind::Keyword(word) = token.kind else { return None };
        let word = keywords::is_reserved(word).then(|| self.shown(token))?;
        Some(format!(
            "\"{word}\" is a reserved keyword and it can't be used as an identifier. You can use it as an identifier by \
             escaping it as '{word}' "
        ))
    }

    /// A clause's first word, misspelt, was taken for an alias or a name; the error shows at it or just after it.
    fn misspelt_clause(&self, span: Span) -> Option<&'static str> {
        const CLAUSES: &[&str] = &[
            "FROM",
            "WHERE",
            "GROUP",
            "HAVING",
            "PARTITION",
            "WINDOW",
            "WITHIN",
            "EMIT",
            "CHANGES",
            "FINAL",
            "LIMIT",
            "JOIN",
            "WITH",
            "VALUES",
        ];
        let here = self.tokens.iter().position(|t| t.span.start >= span.start)?;
        let before = here.checked_sub(1).and_then(|i| self.tokens.get(i));
        let words = self.tokens.get(here).into_iter().chain(before).filter(|t| t.kind == Kind::Word);
        words.into_iter().find_map(|t| resembling(self.text_of(t.span), CLAUSES))
    }

    fn shown(&self, token: Token) -> &str {
        if token.kind == Kind::End { "<EOF>" } else { self.text_of(token.span) }
    }

    fn syntax(&self, span: Span, detail: &str, expected: &[&'static str]) -> SqlError {
        let (line, column) = self.place.line_column(span.start);
        let message = format!("line {line}:{column}: Syntax Error\n{detail}");
        let mut error = SqlError::new(ErrorKind::Syntax, message, self.place, span);
        error.statement = self.place.line(span.start);
        let word = || resembling(self.text_of(span), expected).or_else(|| self.misspelt_clause(span));
        error.suggestion = self.advice(span).map(Suggestion::Advice).or_else(|| word().map(Suggestion::Word));
        error.expected = expected.iter().map(|word| display(word)).collect();
        error
    }

    /// What to write instead of what other databases take.
    fn advice(&self, span: Span) -> Option<&'static str> {
        let here = self.tokens.iter().position(|token| token.span.start >= span.start)?;
        let is = |at: Option<usize>, word: &str| {
            at.and_then(|at| self.tokens.get(at))
                .is_some_and(|token| self.text_of(token.span).eq_ignore_ascii_case(word))
        };
        let (before, after) = (here.checked_sub(1), Some(here + 1));
        let here = Some(here);
        // Where an alias may stand, ORDER is taken for one.
        if (is(here, "ORDER") && is(after, "BY")) || (is(before, "ORDER") && is(here, "BY")) {
            return Some("there is no ORDER BY: sort the rows where they are read");
        }
        if !is(before, "DESCRIBE") {
            return None;
        }
        if is(here, "EXTENDED") {
            return Some("EXTENDED comes last: DESCRIBE name EXTENDED;");
        }
        let says_kind = is(here, "STREAM") || is(here, "TABLE");
        says_kind.then_some("the name is enough: DESCRIBE name; (DESCRIBE STREAMS and DESCRIBE TABLES show all)")
    }
}

/// Token classes are written `<CLASS>`, words and symbols as they are.
fn display(word: &str) -> String {
    let class = word.strip_prefix('<').and_then(|w| w.strip_suffix('>')).filter(|w| !w.is_empty());
    class.map_or_else(|| format!("'{word}'"), str::to_owned)
}

fn fits(token: Token, word: &str) -> bool {
    match word {
        "<STRING>" => token.kind == Kind::String,
        "<IDENTIFIER>" => matches!(token.kind, Kind::Word),
        "<INTEGER_VALUE>" => token.kind == Kind::Integer,
        _ => token.is(word),
    }
}

/// The expected keyword that `written` is a misspelling of.
fn resembling(written: &str, expected: &[&'static str]) -> Option<&'static str> {
    if written.len() > COMPARED_MAX {
        return None;
    }
    let upper = written.to_ascii_uppercase();
    let words = expected.iter().filter(|w| w.len() > 2 && w.bytes().all(|b| b.is_ascii_alphabetic()) && **w != upper);
    let near = words.map(|w| (strsim::damerau_levenshtein(w, &upper), *w)).min()?;
    (near.0 <= 2 && near.0 < near.1.len() / 2 + 1).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use crate::{Suggestion, Variables, parse};

    fn message(text: &str) -> String {
        parse(text, &Variables::default()).unwrap_err().message
    }

    fn suggestion(text: &str) -> Option<&'static str> {
        match parse(text, &Variables::default()).unwrap_err().suggestion? {
            Suggestion::Word(word) => Some(word),
            Suggestion::Advice(_) => None,
        }
    }

    #[test]
    fn an_extra_token_names_what_was_expected_or_that_it_is_reserved() {
        assert_eq!(message("SELECT a b c FROM s;"), "line 1:12: Syntax Error\nExpecting {',', 'FROM'}");
        let reserved = message("SELECT a, FROM s;");
        assert!(reserved.starts_with("line 1:11: Syntax Error\n\"FROM\" is a reserved keyword"), "{reserved}");
    }

    #[test]
    fn a_missing_token_is_named_when_the_rest_fits() {
        assert_eq!(message("DROP STREAM s"), "line 1:14: Syntax Error\nmissing ';' at '<EOF>'");
        assert_eq!(message("SET 'a' 'b';"), "line 1:9: Syntax Error\nmissing '=' at ''b''");
        assert_eq!(message("SELECT * FROM s WHERE (a = 1;"), "line 1:29: Syntax Error\nmissing ')' at ';'");
    }

    #[test]
    fn a_choice_that_nothing_fits_says_only_where() {
        assert_eq!(message("CREATE VIEW v;"), "line 1:8: Syntax Error\nSyntax error at or near 'VIEW' at line 1:8");
        assert_eq!(
            message("SELECT f(a FROM s;"),
            "line 1:12: Syntax Error\nSyntax error at or near 'FROM' at line 1:12"
        );
        // decided by the operator: no longer a choice
        assert_eq!(message("SELECT 1 + f(a FROM s;"), "line 1:16: Syntax Error\nExpecting {',', ')'}");
    }

    #[test]
    fn long_lists_are_not_shown() {
        assert_eq!(message("SELECT * FROM s GROUP BY a WHERE b;"), "line 1:28: Syntax Error\n");
        assert_eq!(message("SELECT * FROM s LIMIT x;"), "line 1:23: Syntax Error\n");
    }

    #[test]
    fn what_is_missing_is_named_also_where_several_would_do() {
        let missing = |text: &str| message(text).split_once("Syntax Error\n").unwrap().1.to_owned();
        assert_eq!(missing("SELECT * FROM s WHERE a EMIT;"), "missing {'CHANGES', 'FINAL'} at ';'");
        assert_eq!(missing("PRINT t FROM LIMIT 3;"), "missing 'BEGINNING' at 'LIMIT'");
        assert_eq!(missing("SET 'a' = ;"), "missing STRING at ';'");
        assert_eq!(missing("SET = 'a';"), "Expecting STRING");
        assert_eq!(missing("DEFINE = 'a';"), "missing IDENTIFIER at '='");
        assert_eq!(missing("SHOW ALL;"), "missing 'TOPICS' at ';'");
        assert_eq!(missing("CREATE SINK c WITH (a=1);"), "missing 'CONNECTOR' at 'c'");
        assert_eq!(missing("ALTER STREAM s COLUMN a INT;"), "missing 'ADD' at 'COLUMN'");
        assert_eq!(missing("CREATE TABLE t (a INT PRIMARY);"), "missing 'KEY' at ')'");
        assert_eq!(missing("CREATE STREAM s (a DECIMAL(4 2));"), "missing ',' at '2'");
        assert_eq!(missing("SELECT COUNT(* FROM s;"), "Syntax error at or near 'FROM' at line 1:16");
        assert_eq!(missing("SELECT * FROM s PARTITION BY COUNT(* EMIT CHANGES;"), "missing ')' at 'EMIT'");
        let windows = missing("SELECT * FROM s WINDOW TUMBLING (SIZE 1) GROUP BY a;");
        assert!(windows.starts_with("missing {'DAY', 'HOUR', ") && windows.ends_with("'MILLISECONDS'} at ')'"));
        assert_eq!(missing("SELECT * FROM s WINDOW TUMBLING (SIZE 1 DAY GROUP BY a;"), "Expecting {',', ')'}");
        let graced = "SELECT * FROM s WINDOW SESSION (1 DAY, GRACE PERIOD 1 DAY GROUP BY a;";
        assert_eq!(missing(graced), "missing ')' at 'GROUP'");
    }

    #[test]
    fn the_end_of_the_text_is_taken_for_an_open_bracket() {
        let end = "Syntax Error\nSyntax error at or near \";\"\n'}', ']', or ')' is missing";
        assert_eq!(message("SELECT *"), format!("line 1:9: {end}"));
        assert_eq!(message("SELECT * FROM s WHERE a IN"), format!("line 1:27: {end}"));
        assert_eq!(message("INSERT INTO s (a"), format!("line 1:17: {end}"));
        assert_eq!(message("CREATE STREAM s (a INT) WITH ("), format!("line 1:31: {end}"));
    }

    #[test]
    fn a_word_before_a_statement_is_extra_if_it_is_reserved() {
        let extra = message("INTO SELECT * FROM s;");
        assert!(extra.starts_with("line 1:1: Syntax Error\n\"INTO\" is a reserved keyword"), "{extra}");
        let last = message("SHOW STREAMS; FROM");
        assert!(last.starts_with("line 1:15: Syntax Error\n\"FROM\" is a reserved keyword"), "{last}");
        assert!(message("use SELECT * FROM s;").ends_with("Unknown statement 'use'\nDid you mean 'PAUSE'?"));
        // of several that are as near, the first as the grammar lists them
        assert!(message("TYPE x;").ends_with("Did you mean 'SHOW'?"));
        let star = message("SELECT FROM * s;");
        assert!(star.starts_with("line 1:8: Syntax Error\n\"FROM\" is a reserved keyword"), "{star}");
    }

    #[test]
    fn what_could_be_read_in_two_ways_says_only_where() {
        let at = |text: &str| message(text).split_once("Syntax Error\n").unwrap().1.to_owned();
        assert_eq!(at("CREATE STREAM s (a INT) WITH (x=-);"), "Syntax error at or near ')' at line 1:34");
        assert_eq!(at("INSERT INTO s VALUES (MAP('a' 1));"), "Syntax error at or near '1' at line 1:31");
        assert_eq!(at("INSERT INTO s VALUES (STRUCT(:= 1));"), "Syntax error at or near ':=' at line 1:30");
        assert_eq!(at("CREATE STREAM IF NOT s (a INT);"), "Syntax error at or near 's' at line 1:22");
        assert_eq!(at("ASSERT NOT TOPIC t;"), "Syntax error at or near 'TOPIC' at line 1:12");
        assert_eq!(at("ALTER STREAM s ADD COLUMN IS INT;"), "Syntax error at or near 'IS' at line 1:27");
        assert_eq!(at("SELECT - FROM s;"), "Syntax error at or near 'FROM' at line 1:10");
    }

    #[test]
    fn misspelt_words_are_recognised() {
        assert_eq!(suggestion("SELECT * FORM s;"), Some("FROM"));
        assert_eq!(suggestion("SELECT * FROM s WEHRE a = 1;"), Some("WHERE"));
        assert_eq!(suggestion("SELECT * FROM s GRUOP BY a;"), Some("GROUP"));
        assert_eq!(suggestion("SELECT * FROM s EMIT CHANGE;"), Some("CHANGES"));
        assert_eq!(suggestion("SHWO STREAMS;"), Some("SHOW"));
        assert_eq!(suggestion("CREATE STRAEM s;"), Some("STREAM"));
        assert_eq!(suggestion("SELECT a b c FROM s;"), None);
        assert_eq!(suggestion("SHOW STREEMS;"), Some("STREAMS"));
        assert_eq!(suggestion("LIST TABELS EXTENDED;"), Some("TABLES"));
        assert_eq!(suggestion("SHOW QUERIS;"), Some("QUERIES"));
        assert_eq!(suggestion("SHOW FOO;"), None);
    }

    #[test]
    fn what_other_databases_take_is_explained() {
        let note = |text: &str| parse(text, &Variables::default()).unwrap_err().note();
        for text in [
            "SELECT * FROM t ORDER BY n;",
            "SELECT * FROM s AS x ORDER BY n EMIT CHANGES;",
            "SELECT * FROM s WHERE a = 1 ORDER BY n DESC;",
            "SELECT * FROM s EMIT CHANGES ORDER BY n LIMIT 3;",
            "CREATE TABLE t AS SELECT a, COUNT(*) FROM s GROUP BY a order by n;",
        ] {
            assert!(note(text).starts_with("there is no ORDER BY"), "{text}: {}", note(text));
        }
        assert!(note("DESCRIBE EXTENDED s;").contains("DESCRIBE name EXTENDED;"));
        assert!(note("DESCRIBE STREAM s;").starts_with("the name is enough"));
        assert!(note("SHOW;").starts_with("expected 'CONNECTORS', "), "{}", note("SHOW;"));
    }
}
