//! Another statement made of one: on the level of its tokens and subtrees, with pieces of other statements.

use fastrand::Rng;

use super::super::odd;
use super::tree::{Kind, Node, parse, print};

/// Words that begin a clause: where statements are cut and put together crosswise.
const CLAUSES: &[&str] = &[
    "WITH",
    "AS",
    "SELECT",
    "FROM",
    "JOIN",
    "LEFT",
    "WITHIN",
    "ON",
    "WHERE",
    "WINDOW",
    "GROUP",
    "PARTITION",
    "HAVING",
    "EMIT",
    "LIMIT",
];

/// Words that may stand where another did.
const KEYWORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "HAVING",
    "EMIT",
    "CHANGES",
    "FINAL",
    "LIMIT",
    "STREAM",
    "TABLE",
    "OR",
    "REPLACE",
    "IF",
    "NOT",
    "EXISTS",
    "AND",
    "NULL",
    "IS",
    "IN",
    "LIKE",
    "ESCAPE",
    "BETWEEN",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "KEY",
    "PRIMARY",
    "HEADERS",
    "JOIN",
    "INNER",
    "FULL",
    "OUTER",
    "RIGHT",
    "WITHIN",
    "GRACE",
    "PERIOD",
    "SIZE",
    "ADVANCE",
    "RETENTION",
    "TUMBLING",
    "HOPPING",
    "SESSION",
    "DAYS",
    "MILLISECONDS",
    "DISTINCT",
    "EXPLAIN",
    "INSERT",
    "INTO",
    "VALUES",
    "AT",
    "TIME",
    "ZONE",
    "STRUCT",
    "MAP",
    "ARRAY",
    "SOURCE",
    "WITH",
    "DELETE",
    "TOPIC",
    "ALL",
    "EXTENDED",
    "VARIABLES",
];

/// Properties of WITH and what they are set to.
const PROPERTIES: &[&str] = &[
    "kafka_topic='s'",
    "kafka_topic=''",
    "kafka_topic='../../x'",
    "value_format='json'",
    "value_format='delimited'",
    "value_format='kafka'",
    "value_format='none'",
    "value_format='protobuf'",
    "format='avro'",
    "key_format='json'",
    "partitions=0",
    "partitions=-1",
    "partitions=2147483647",
    "partitions='two'",
    "replicas=32767",
    "replicas=-2",
    "timestamp='ROWTIME'",
    "timestamp='NOPE'",
    "timestamp_format='x'",
    "wrap_single_value='maybe'",
    "value_delimiter='SPACE'",
    "value_delimiter='ab'",
    "window_type='session'",
    "window_type='tumbling', window_size='0 SECONDS'",
    "window_size='9223372036854775807 DAYS'",
    "retention_ms=-5",
    "retention_ms=9223372036854775808",
    "key_schema_id=1",
    "value_schema_id=-1",
    "value_protobuf_nullable_representation='wrapper'",
    "cleanup_policy='compact'",
    "nonsense=1",
    "source=true",
];

/// A mutated statement; `donor` gives pieces.
pub(super) fn statement(text: &str, donor: &str, random: &mut Rng) -> String {
    let mut nodes = parse(text);
    let donor = parse(donor);
    if random.u8(..8) == 0 {
        nodes = crossed(&nodes, &donor, random);
    }
    for _ in 0..random.usize(1..4) {
        let lists = count_lists(&nodes);
        let at = random.usize(..lists);
        let pick = random.usize(..count_lists(&donor));
        let pieces = list(&donor, &mut { pick }).unwrap_or(&donor);
        if let Some(list) = list_mut(&mut nodes, &mut { at }) {
            change(list, pieces, random);
        }
    }
    let mut text = print(&nodes);
    match random.u8(..16) {
        0 => text = scratched(&text, random),
        1 => text = text.replacen(' ', odd_blank(random), random.usize(1..5)),
        _ => {}
    }
    text
}

/// The beginning of one statement and the end of another, each cut at a clause.
fn crossed(one: &[Node], other: &[Node], random: &mut Rng) -> Vec<Node> {
    let cut = |nodes: &[Node], random: &mut Rng| {
        let clauses = nodes.iter().enumerate().filter(|(_, node)| CLAUSES.iter().any(|word| node.is(word)));
        let cuts: Vec<usize> = clauses.map(|(at, _)| at).collect();
        if cuts.is_empty() { nodes.len() / 2 } else { cuts[random.usize(..cuts.len())] }
    };
    let (end, begin) = (cut(one, random), cut(other, random));
    [&one[..end], &other[begin..]].concat()
}

fn count_lists(nodes: &[Node]) -> usize {
    let inside = |node: &Node| if let Node::Group(_, nodes, _) = node { count_lists(nodes) } else { 0 };
    1 + nodes.iter().map(inside).sum::<usize>()
}

/// The list of that number: 0 is the whole.
fn list<'a>(nodes: &'a [Node], number: &mut usize) -> Option<&'a [Node]> {
    if *number == 0 {
        return Some(nodes);
    }
    *number -= 1;
    nodes.iter().find_map(|node| if let Node::Group(_, nodes, _) = node { list(nodes, number) } else { None })
}

fn list_mut<'a>(nodes: &'a mut Vec<Node>, number: &mut usize) -> Option<&'a mut Vec<Node>> {
    if *number == 0 {
        return Some(nodes);
    }
    *number -= 1;
    nodes.iter_mut().find_map(|node| if let Node::Group(_, nodes, _) = node { list_mut(nodes, number) } else { None })
}

/// One change of a list.
fn change(nodes: &mut Vec<Node>, donor: &[Node], random: &mut Rng) {
    let (len, at) = (nodes.len(), random.usize(..=nodes.len()));
    let leaf = |text: String| Node::Leaf(text);
    if len == 0 || random.u8(..10) == 0 {
        let piece = if donor.is_empty() { leaf(odd::name(random)) } else { donor[random.usize(..donor.len())].clone() };
        nodes.insert(at, piece);
        return;
    }
    let at = random.usize(..len);
    match random.u8(..12) {
        0 => drop(nodes.drain(at..(at + random.usize(1..4)).min(len))),
        1 => nodes.swap(at, random.usize(..len)),
        2 => {
            let piece = nodes[at..(at + random.usize(1..6)).min(len)].to_vec();
            let copies = if random.u8(..4) == 0 { random.usize(1..500) } else { 1 };
            nodes.splice(at..at, std::iter::repeat_n(piece, copies).flatten());
        }
        3 => nodes[at] = nested(nodes[at].clone(), random),
        4 => nodes.insert(at, leaf(comment(random))),
        5 => nodes.insert(at, leaf(KEYWORDS[random.usize(..KEYWORDS.len())].to_owned())),
        6 => nodes[at] = leaf(property(random)),
        _ => nodes[at] = replaced(&nodes[at], donor, random),
    }
}

/// Something in the place of a node: often of its kind.
fn replaced(node: &Node, donor: &[Node], random: &mut Rng) -> Node {
    let alike: Vec<&Node> = donor.iter().filter(|other| other.kind() == node.kind()).collect();
    if !alike.is_empty() && random.u8(..3) == 0 {
        return alike[random.usize(..alike.len())].clone();
    }
    let kind = if random.u8(..6) == 0 { Kind::Symbol } else { node.kind() };
    Node::Leaf(match kind {
        Kind::Number => odd::number(random),
        Kind::Text => odd::quoted(random),
        Kind::Word => match random.u8(..4) {
            0 => KEYWORDS[random.usize(..KEYWORDS.len())].to_owned(),
            1 => odd::ty(random),
            2 => format!("${{{}}}", ["x", "y", "loop", "missing", "a b", ""][random.usize(..6)]),
            _ => odd::name(random),
        },
        Kind::Symbol | Kind::Group => match random.u8(..5) {
            0 => odd::number(random),
            1 => odd::quoted(random),
            2 => odd::name(random),
            3 => odd::ty(random),
            _ => [",", "(", ")", "[", "]", "<", ">", "=", "->", ":=", "=>", "||", ";", "*", ".", "'", "`", "\"", "$"]
                [random.usize(..19)]
            .to_owned(),
        },
    })
}

/// A node in many layers of something, or as one of many operands.
fn nested(node: Node, random: &mut Rng) -> Node {
    let layers = [1, 3, 17, 45, 60, 200, 500, 5_000][random.usize(..8)];
    let text = print(&[node]);
    let text = match random.u8(..14) {
        0 => format!("{}{text}{}", "(".repeat(layers), ")".repeat(layers)),
        1 => format!("{}{text}", "NOT ".repeat(layers)),
        2 => format!("{}{text}", "- ".repeat(layers)),
        3 => format!("{}{text}{}", "CAST(".repeat(layers), " AS STRING)".repeat(layers)),
        4 => format!("{}{text}{}", "ARRAY[".repeat(layers), "]".repeat(layers)),
        5 => format!("{}{text}{}", "STRUCT(A := ".repeat(layers), ")".repeat(layers)),
        6 => format!("{}{text}{}", "CASE WHEN ".repeat(layers), " THEN 1 END".repeat(layers)),
        7 => format!("{}{text}{}", "UCASE(".repeat(layers), ")".repeat(layers)),
        8 => format!("{text}{}", "[1]".repeat(layers)),
        9 => format!("{text}{}", "->A".repeat(layers)),
        10 => format!("{text}{}", " OR I = 1".repeat(layers)),
        11 => format!("{text}{}", " + 1".repeat(layers)),
        12 => format!("{text} IN ({}0)", "1, ".repeat(layers)),
        _ => format!("{text}{}", " AT TIME ZONE 'UTC'".repeat(layers)),
    };
    Node::Leaf(text)
}

fn property(random: &mut Rng) -> String {
    let property = PROPERTIES[random.usize(..PROPERTIES.len())];
    if random.bool() { format!("WITH ({property})") } else { format!("{property} ,") }
}

fn comment(random: &mut Rng) -> String {
    match random.u8(..5) {
        0 => "/*".to_owned(),
        1 => "/* a */".repeat(random.usize(1..100)),
        2 => "-- a ' \n".to_owned(),
        3 => "/*".repeat(random.usize(1..2_000)),
        _ => "/* ; */".to_owned(),
    }
}

fn odd_blank(random: &mut Rng) -> &'static str {
    ["\n", "\t", "\u{a0}", "\u{2028}", "\0", "\r", "", "\u{feff}", "\u{b}"][random.usize(..9)]
}

/// A text with some characters changed, left out or added.
fn scratched(text: &str, random: &mut Rng) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..random.usize(1..6) {
        if characters.is_empty() {
            break;
        }
        let at = random.usize(..characters.len());
        match random.u8(..4) {
            0 => drop(characters.remove(at)),
            1 => characters.truncate(at),
            2 => characters.insert(at, random.char('\u{1}'..='\u{7f}')),
            _ => characters[at] = random.char(..),
        }
    }
    characters.into_iter().collect()
}
