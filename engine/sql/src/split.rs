//! Where statements end in a text that may still be growing.

use crate::{Span, tokens};

/// A statement's text, as far as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// From its first token to its `;`, or to the end of the text.
    pub text: &'a str,
    /// Where that is in the whole text.
    pub span: Span,
    /// Whether its closing `;` is there.
    pub complete: bool,
}

/// Cuts a text at each `;` outside quotes and comments. Blank pieces (comments only) are left out.
pub fn split(text: &str) -> Vec<Piece<'_>> {
    let tokens = tokens::tokenize(text);
    let mut pieces = Vec::new();
    let mut start = None;
    let mut piece = |from: u32, end: u32, complete: bool| {
        let part = text.get(from as usize..end as usize).unwrap_or_default();
        let part = if complete { part } else { part.trim_end() };
        pieces.push(Piece {
            text: part,
            span: Span { start: from, end: from + tokens::position(part.len()) },
            complete,
        });
    };
    for token in &tokens.list {
        if tokens.open.is_some_and(|open| token.span.start >= open) {
            let from = start.take().or(tokens.open).unwrap_or(token.span.start);
            piece(from, tokens::position(text.len()), false);
            break;
        }
        match token.kind {
            tokens::Kind::Symbol(";") => piece(start.take().unwrap_or(token.span.start), token.span.end, true),
            tokens::Kind::End => {
                if let Some(from) = start {
                    piece(from, token.span.end, false);
                }
            }
            _ => start = start.or(Some(token.span.start)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::split;

    fn pieces(text: &str) -> Vec<(&str, bool)> {
        split(text).into_iter().map(|p| (p.text, p.complete)).collect()
    }

    #[test]
    fn semicolons_in_quotes_and_comments_do_not_count() {
        assert_eq!(
            pieces("LIST STREAMS; -- a;b\nSELECT ';' FROM `x;y` /* ; */ ;"),
            [("LIST STREAMS;", true), ("SELECT ';' FROM `x;y` /* ; */ ;", true),]
        );
    }

    #[test]
    fn the_last_piece_may_be_incomplete() {
        assert_eq!(pieces("SET 'a'='b'; SELECT *\n "), [("SET 'a'='b';", true), ("SELECT *", false)]);
        assert_eq!(pieces("LIST TOPICS; SELECT 'a; b;\nc"), [("LIST TOPICS;", true), ("SELECT 'a; b;\nc", false)]);
        assert_eq!(pieces("'a"), [("'a", false)]);
        assert_eq!(pieces(" -- nothing\n"), []);
    }

    #[test]
    fn spans_count_from_the_whole_text() {
        let text = "LIST TOPICS;\n  PRINT é;";
        let last = split(text).pop().unwrap();
        assert_eq!(&text[last.span.start as usize..last.span.end as usize], "PRINT é;");
    }
}
