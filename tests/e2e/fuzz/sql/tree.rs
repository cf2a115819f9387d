//! Statements as trees of tokens: what stands between brackets, or between CASE and END, is one node. Knows no more of the
//! grammar; whatever was not understood is a leaf, so that any text goes through.

/// A token, or what stands between two.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// A token.
    Leaf(String),
    /// Between an opening and a closing token.
    Group(String, Vec<Node>, String),
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or an identifier.
    Word,
    /// A number.
    Number,
    /// A quoted text.
    Text,
    /// Anything else.
    Symbol,
    /// In brackets.
    Group,
}

impl Node {
    /// What it is.
    pub(super) fn kind(&self) -> Kind {
        let Self::Leaf(token) = self else { return Kind::Group };
        match token.chars().next() {
            Some('\'') => Kind::Text,
            Some(c) if c.is_ascii_digit() => Kind::Number,
            Some(c) if c.is_alphabetic() || matches!(c, '_' | '`' | '"' | '@') => Kind::Word,
            _ => Kind::Symbol,
        }
    }

    /// Whether it is that keyword.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Leaf(token) if token.eq_ignore_ascii_case(word))
    }

    fn print(&self, text: &mut String) {
        match self {
            Self::Leaf(token) => {
                text.push_str(token);
                text.push(' ');
            }
            Self::Group(open, nodes, close) => {
                text.push_str(open);
                text.push(' ');
                nodes.iter().for_each(|node| node.print(text));
                text.push_str(close);
                text.push(' ');
            }
        }
    }
}

/// The text of nodes.
pub(super) fn print(nodes: &[Node]) -> String {
    let mut text = String::new();
    nodes.iter().for_each(|node| node.print(&mut text));
    text
}

/// The nodes of a text.
pub(super) fn parse(text: &str) -> Vec<Node> {
    let mut open: Vec<(String, Vec<Node>)> = vec![(String::new(), Vec::new())];
    for token in tokens(text) {
        let is_type = token == "<" && is_type(open.last());
        if matches!(token.as_str(), "(" | "[" | "{") || is_type || token.eq_ignore_ascii_case("CASE") {
            open.push((token, Vec::new()));
            continue;
        }
        let closes = open.last().is_some_and(|(opened, _)| closing(opened).eq_ignore_ascii_case(&token));
        let node = match open.pop() {
            Some((opened, nodes)) if closes => Node::Group(opened, nodes, token),
            Some(still_open) => {
                open.push(still_open);
                Node::Leaf(token)
            }
            None => Node::Leaf(token),
        };
        if let Some((_, nodes)) = open.last_mut() {
            nodes.push(node);
        }
    }
    // What was not closed is not a group.
    let mut nodes = Vec::new();
    for (opened, inside) in open {
        nodes.extend((!opened.is_empty()).then_some(Node::Leaf(opened)));
        nodes.extend(inside);
    }
    nodes
}

/// Whether a `<` opens the arguments of a type.
fn is_type(open: Option<&(String, Vec<Node>)>) -> bool {
    let before = open.and_then(|(_, nodes)| nodes.last());
    before.is_some_and(|node| ["ARRAY", "MAP", "STRUCT"].iter().any(|word| node.is(word)))
}

fn closing(opened: &str) -> &'static str {
    match opened {
        "(" => ")",
        "[" => "]",
        "{" => "}",
        "<" => ">",
        word if word.eq_ignore_ascii_case("CASE") => "END",
        _ => "",
    }
}

/// The tokens of a text, without comments.
fn tokens(text: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@' | '$');
        let end = match first {
            '\'' | '"' | '`' => quoted_end(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            c if c.is_ascii_digit() => rest.find(|c: char| !is_word(c) && c != '.').unwrap_or(rest.len()),
            c if is_word(c) => rest.find(|c: char| !is_word(c)).unwrap_or(rest.len()),
            _ => {
                let long = ["->", ":=", "=>", "<=", ">=", "<>", "!=", "||"];
                long.iter().find(|symbol| rest.starts_with(**symbol)).map_or(first.len_utf8(), |symbol| symbol.len())
            }
        };
        let (token, after) = rest.split_at(end);
        if !first.is_whitespace() && !token.starts_with("--") && !token.starts_with("/*") {
            found.push(token.to_owned());
        }
        rest = after;
    }
    found
}

/// Where a quoted token ends; a doubled quote is one inside.
fn quoted_end(text: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(found) = text[at..].find(quote) {
        at += found + 1;
        if !text[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    text.len()
}

#[test]
fn a_statement_comes_back_token_by_token() {
    let text =
        "SELECT a->b , CASE WHEN x >= 1.5e3 THEN 'it''s' ELSE ARRAY [ 1 ] END FROM `o o` WHERE ( m [ '(' ] < 3 ) ;";
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(squeezed(&print(&parse(text))), squeezed(text));
    let open = "SELECT ( 1 + CASE WHEN [ ) END -- nothing";
    assert_eq!(print(&parse(open)).trim(), "SELECT ( 1 + CASE WHEN [ ) END");
    let ty = parse("MAP < STRING , ARRAY < INT > >");
    assert!(
        matches!(&ty[..], [Node::Leaf(_), Node::Group(open, inside, _)] if open == "<" && inside.len() == 4),
        "{ty:?}"
    );
}
