//! Statements made from the grammar: mostly of the right types, with odd values, over the sources of [`SOURCES`].

use fastrand::Rng;

use super::super::odd;
use super::functions::{Functions, Signature};

/// What statements speak of; a batch begins with it.
pub(super) const SOURCES: &str = "
    CREATE TYPE ADDR AS STRUCT<STREET STRING, ZIP INT>;
    CREATE STREAM S (K STRING KEY, B BOOLEAN, I INT, L BIGINT, D DOUBLE, T STRING, N DECIMAL(10, 2), Y BYTES, DT DATE, TM TIME,
        TS TIMESTAMP, AI ARRAY<INT>, AX ARRAY<STRING>, MI MAP<STRING, INT>, R STRUCT<A INT, B STRING>)
        WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE STREAM S2 (K STRING KEY, I INT, T STRING) WITH (KAFKA_TOPIC='s2', VALUE_FORMAT='DELIMITED', PARTITIONS=1);
    CREATE TABLE T1 (K STRING PRIMARY KEY, I INT, T STRING) WITH (KAFKA_TOPIC='t1', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE TABLE T2 (ID INT PRIMARY KEY, T STRING) WITH (KAFKA_TOPIC='t2', FORMAT='JSON', PARTITIONS=2);
    CREATE TABLE C AS SELECT K, COUNT(*) AS N, SUM(L) AS L, COLLECT_LIST(T) AS TL FROM S GROUP BY K;
    CREATE TABLE C2 WITH (KEY_FORMAT='JSON') AS SELECT K, I, MAX(D) AS D FROM S GROUP BY K, I;
    CREATE TABLE W AS SELECT K, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY K;
    CREATE TABLE P AS SELECT T1.K AS K, T1.I AS I, T2.T AS T FROM T1 LEFT JOIN T2 ON T1.I = T2.ID;";

/// Rows in them.
pub(super) const ROWS: &str = "
    INSERT INTO S (K) VALUES ('empty');
    INSERT INTO S VALUES ('a', true, 1, 2, 1.5, 'text', 12.34, TO_BYTES('00ff', 'hex'), '2021-10-31', '02:30:00',
        '2021-10-31T02:30:00', ARRAY[1, 2, 3], ARRAY['a', NULL, ''], MAP('k' := 1, '' := NULL), STRUCT(A := 1, B := 'b'));
    INSERT INTO S VALUES ('', false, -2147483648, -9223372036854775808, -1.7976931348623157E308, '', -99999999.99,
        TO_BYTES('', 'hex'), '0001-01-01', '00:00:00', '1969-12-31T23:59:59.999', CAST(NULL AS ARRAY<INT>), ARRAY['x'],
        MAP('a' := 2147483647), STRUCT(A := CAST(NULL AS INT), B := ''));
    INSERT INTO S VALUES ('😀', NULL, 2147483647, 9223372036854775807, 4.9E-324, '{\"a\":[1,{\"b\":\"é😀\"}]}', 99999999.99,
        TO_BYTES('f09f9880', 'hex'), '9999-12-31', '23:59:59.999', '9999-12-31T23:59:59.999', ARRAY[2147483647, -1, NULL],
        ARRAY['😀', 'e'], MAP('😀' := -1), STRUCT(A := 2147483647, B := '😀'));
    INSERT INTO S2 VALUES ('a', 1, 'one');
    INSERT INTO T1 VALUES ('a', 1, 'one');
    INSERT INTO T1 VALUES ('b', 2, 'two');
    INSERT INTO T2 VALUES (1, 'uno');";

/// Columns of S.
const COLUMNS: &[(&str, &str)] = &[
    ("K", "VARCHAR"),
    ("B", "BOOLEAN"),
    ("I", "INT"),
    ("L", "BIGINT"),
    ("D", "DOUBLE"),
    ("T", "VARCHAR"),
    ("N", "DECIMAL"),
    ("Y", "BYTES"),
    ("DT", "DATE"),
    ("TM", "TIME"),
    ("TS", "TIMESTAMP"),
    ("AI", "ARRAY<INT>"),
    ("AX", "ARRAY<VARCHAR>"),
    ("MI", "MAP<VARCHAR, INT>"),
    ("ROWTIME", "BIGINT"),
    ("R->A", "INT"),
    ("R->B", "VARCHAR"),
    ("AI[1]", "INT"),
    ("AX[-1]", "VARCHAR"),
    ("MI['a']", "INT"),
    ("ROWOFFSET", "BIGINT"),
];

const TYPES: &[&str] = &[
    "VARCHAR",
    "BOOLEAN",
    "INT",
    "BIGINT",
    "DOUBLE",
    "DECIMAL",
    "BYTES",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "ARRAY<INT>",
    "ARRAY<VARCHAR>",
    "MAP<VARCHAR, INT>",
];

/// Statements with nothing to make up.
const PLAIN: &[&str] = &[
    "SHOW STREAMS EXTENDED",
    "SHOW TABLES",
    "SHOW QUERIES EXTENDED",
    "SHOW ALL TOPICS EXTENDED",
    "SHOW TYPES",
    "SHOW PROPERTIES",
    "SHOW FUNCTIONS",
    "SHOW VARIABLES",
    "SHOW CONNECTORS",
    "DESCRIBE S EXTENDED",
    "DESCRIBE C EXTENDED",
    "DESCRIBE STREAMS",
    "DESCRIBE FUNCTION SUBSTRING",
    "EXPLAIN CTAS_C_5",
    "PAUSE ALL",
    "RESUME ALL",
    "PAUSE CTAS_C_5",
    "RESUME CTAS_C_5",
    "TERMINATE CTAS_W_9",
    "TERMINATE ALL",
    "DROP STREAM IF EXISTS NEW1 DELETE TOPIC",
    "DROP TABLE W",
    "DROP TYPE IF EXISTS ADDR",
    "PRINT 's' FROM BEGINNING INTERVAL 2 LIMIT 2",
    "PRINT s2",
    "SET 'auto.offset.reset'='earliest'",
    "UNSET 'auto.offset.reset'",
    "SET 'ksql.streams.num.stream.threads'='9'",
    "DEFINE x = 'S'",
    "UNDEFINE x",
    "ALTER STREAM S ADD COLUMN Z INT",
    "ALTER SYSTEM 'ksql.persistent.prefix'='x'",
    "ASSERT TOPIC s WITH (PARTITIONS=1) TIMEOUT 1 MILLISECONDS",
    "ASSERT NOT EXISTS TOPIC s TIMEOUT 1 MILLISECONDS",
    "ASSERT SCHEMA SUBJECT 'x' TIMEOUT 1 SECONDS",
    "CREATE SOURCE CONNECTOR X WITH ('connector.class'='y')",
    "CREATE OR REPLACE STREAM S (K STRING KEY) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON')",
    "INSERT INTO S2 SELECT K, I, T FROM S",
    "CREATE SOURCE TABLE ST (K STRING PRIMARY KEY, I INT) WITH (KAFKA_TOPIC='t1', VALUE_FORMAT='JSON')",
    "CREATE TABLE RO AS SELECT * FROM ST",
    "DESCRIBE P",
    "SELECT 1",
    "RUN SCRIPT 'x'",
    "EXPLAIN SELECT * FROM W WHERE K = 'a'",
];

/// Makes statements.
pub(super) struct Grammar<'a> {
    pub(super) functions: &'a Functions,
}

impl Grammar<'_> {
    /// A statement.
    pub(super) fn statement(&self, random: &mut Rng) -> String {
        match random.u8(..20) {
            0 => PLAIN[random.usize(..PLAIN.len())].to_owned(),
            1 | 2 => format!("CREATE STREAM NEW{} AS {} EMIT CHANGES", random.u8(..30), self.select(random)),
            3 | 4 => format!("CREATE OR REPLACE TABLE NEW{} AS {}", random.u8(..30), self.aggregation(random)),
            5 => format!("{} EMIT CHANGES LIMIT {}", self.aggregation(random), random.u8(1..4)),
            6 => format!("EXPLAIN {} EMIT CHANGES", self.select(random)),
            7 => self.create(random),
            8 => self.insert(random),
            9 | 10 => self.pull(random),
            11 => format!("{} EMIT CHANGES LIMIT {}", self.select(random), random.u8(1..5)),
            12 => self.join(random),
            // Asked of what is there, a stream's query ends by itself, and has seen every row.
            _ => self.select(random),
        }
    }

    /// A projection of S, without its end.
    fn select(&self, random: &mut Rng) -> String {
        let mut items: Vec<String> = (0..random.usize(1..4)).map(|_| self.any(3, random)).collect();
        if random.u8(..10) == 0 {
            let [table] = [&self.functions.table[random.usize(..self.functions.table.len())]];
            items.push(self.call(table, "", 2, random));
        }
        let filter =
            if random.u8(..4) == 0 { format!(" WHERE {}", self.expr("BOOLEAN", 2, random)) } else { String::new() };
        let partition =
            if random.u8(..12) == 0 { format!(" PARTITION BY {}", self.any(1, random)) } else { String::new() };
        format!("SELECT {} FROM S{filter}{partition}", items.join(", "))
    }

    /// An aggregation of S, without EMIT.
    fn aggregation(&self, random: &mut Rng) -> String {
        let aggregates = &self.functions.aggregate;
        let calls: Vec<String> = (0..random.usize(1..4))
            .map(|_| self.call(&aggregates[random.usize(..aggregates.len())], "", 1, random))
            .collect();
        let window = match random.u8(..6) {
            0 => format!(" WINDOW TUMBLING (SIZE {} {})", odd::number(random), unit(random)),
            1 => format!(
                " WINDOW HOPPING (SIZE {0} {2}, ADVANCE BY {1} {2}, RETENTION 1 DAY, GRACE PERIOD {0} {2})",
                random.u8(1..20),
                random.u8(1..20),
                unit(random)
            ),
            2 => format!(" WINDOW SESSION ({} {})", random.u32(..), unit(random)),
            _ => String::new(),
        };
        let group = if random.bool() { "K".to_owned() } else { self.any(1, random) };
        let having =
            if random.u8(..6) == 0 { format!(" HAVING {} > {}", calls[0], odd::number(random)) } else { String::new() };
        format!("SELECT {group}, {} FROM S{window} GROUP BY {group}{having}", calls.join(", "))
    }

    fn pull(&self, random: &mut Rng) -> String {
        let key = |random: &mut Rng| if random.bool() { "'a'".to_owned() } else { odd::quoted(random) };
        match random.u8(..8) {
            0 => format!("SELECT * FROM C WHERE K = {}", key(random)),
            1 => format!(
                "SELECT K, N FROM C WHERE K IN ({}, {}) LIMIT {}",
                key(random),
                key(random),
                odd::number(random)
            ),
            2 => format!("SELECT * FROM C2 WHERE K = {} AND I > {}", key(random), odd::number(random)),
            3 => format!("SELECT * FROM W WHERE K = {} AND WINDOWSTART >= {}", key(random), odd::number(random)),
            4 => format!(
                "SELECT * FROM W WHERE WINDOWEND < {} OR WINDOWSTART = {}",
                odd::quoted(random),
                odd::number(random)
            ),
            5 => format!(
                "SELECT {} FROM C2 WHERE I BETWEEN {} AND {}",
                self.any(0, random),
                odd::number(random),
                odd::number(random)
            ),
            6 => format!("SELECT * FROM P WHERE T LIKE {} ESCAPE {}", odd::quoted(random), odd::quoted(random)),
            _ => format!("SELECT * FROM C2 WHERE I = {} AND K = {}", odd::number(random), key(random)),
        }
    }

    fn join(&self, random: &mut Rng) -> String {
        let kind = ["", "LEFT", "RIGHT", "FULL OUTER", "INNER"][random.usize(..5)];
        let within =
            ["WITHIN 1 HOUR", "WITHIN (1 DAY, 0 SECONDS) GRACE PERIOD 1 DAY", "WITHIN 9223372036854775807 DAYS", ""];
        let (from, join, on) = match random.u8(..4) {
            0 => ("S", format!("S2 {}", within[random.usize(..4)]), "S.K = S2.K"),
            1 => ("S", "T1".to_owned(), "S.K = T1.K"),
            2 => ("T1", "T2".to_owned(), "T1.I = T2.ID"),
            _ => ("S", "T2".to_owned(), "S.I = T2.ID"),
        };
        let create = if random.bool() { format!("CREATE STREAM NEW{} AS ", random.u8(..30)) } else { String::new() };
        format!(
            "{create}SELECT {from}.K AS K, {from}.I AS I, {} FROM {from} {kind} JOIN {join} ON {on} EMIT CHANGES LIMIT 2",
            odd::name(random)
        )
    }

    fn create(&self, random: &mut Rng) -> String {
        let columns: Vec<String> = (0..random.usize(1..6)).map(|n| format!("C{n} {}", odd::ty(random))).collect();
        let formats = ["JSON", "DELIMITED", "KAFKA", "NONE", "PROTOBUF", "AVRO", "JSON_SR"];
        let (kind, key) = if random.bool() { ("STREAM", "KEY") } else { ("TABLE", "PRIMARY KEY") };
        format!(
            "CREATE {kind} NEW{} (K {} {key}, {}) WITH (KAFKA_TOPIC='new', KEY_FORMAT='{}', VALUE_FORMAT='{}', PARTITIONS={})",
            random.u8(..30),
            odd::ty(random),
            columns.join(", "),
            formats[random.usize(..7)],
            formats[random.usize(..7)],
            random.u8(..3)
        )
    }

    fn insert(&self, random: &mut Rng) -> String {
        let (name, ty) = COLUMNS[random.usize(1..14)];
        let time =
            if random.u8(..3) == 0 { (", ROWTIME", format!(", {}", odd::number(random))) } else { ("", String::new()) };
        format!(
            "INSERT INTO S (K, {name}{}) VALUES ({}, {}{})",
            time.0,
            odd::quoted(random),
            self.expr(ty, 2, random),
            time.1
        )
    }

    fn any(&self, depth: usize, random: &mut Rng) -> String {
        self.expr(TYPES[random.usize(..TYPES.len())], depth, random)
    }

    /// An expression that is probably of a type.
    fn expr(&self, ty: &str, depth: usize, random: &mut Rng) -> String {
        if depth == 0 {
            return leaf(ty, random);
        }
        let sub = |ty: &str, random: &mut Rng| self.expr(ty, depth - 1, random);
        match random.u8(..12) {
            0 => leaf(ty, random),
            1 => format!("CASE WHEN {} THEN {} ELSE {} END", sub("BOOLEAN", random), sub(ty, random), sub(ty, random)),
            2 => format!(
                "CAST({} AS {})",
                self.any(depth - 1, random),
                if ty == "DECIMAL" { "DECIMAL(10, 2)" } else { ty }
            ),
            3 | 4 => match ty {
                "BOOLEAN" => self.condition(depth - 1, random),
                "VARCHAR" => format!("({} + {})", sub(ty, random), sub(ty, random)),
                "INT" | "BIGINT" | "DOUBLE" | "DECIMAL" => {
                    let operator = ["+", "-", "*", "/", "%"][random.usize(..5)];
                    format!("({} {operator} {})", sub(ty, random), sub(ty, random))
                }
                _ => leaf(ty, random),
            },
            _ => {
                let fits: Vec<&Signature> =
                    self.functions.scalar.iter().filter(|function| bindings(&function.returns, ty).is_some()).collect();
                if fits.is_empty() {
                    leaf(ty, random)
                } else {
                    self.call(fits[random.usize(..fits.len())], ty, depth, random)
                }
            }
        }
    }

    fn condition(&self, depth: usize, random: &mut Rng) -> String {
        let ty = TYPES[random.usize(..TYPES.len())];
        let sub = |ty: &str, random: &mut Rng| self.expr(ty, depth, random);
        match random.u8(..8) {
            0 => format!("({} AND NOT {})", sub("BOOLEAN", random), sub("BOOLEAN", random)),
            1 => format!("({} OR {})", sub("BOOLEAN", random), sub("BOOLEAN", random)),
            2 => format!("{} IS NOT NULL", sub(ty, random)),
            3 => format!("{} BETWEEN {} AND {}", sub(ty, random), sub(ty, random), sub(ty, random)),
            4 => format!("{} IN ({}, {})", sub(ty, random), sub(ty, random), sub(ty, random)),
            5 => format!("{} LIKE {}", sub("VARCHAR", random), odd::quoted(random)),
            _ => format!(
                "{} {} {}",
                sub(ty, random),
                ["=", "<>", "<", ">=", "IS DISTINCT FROM"][random.usize(..5)],
                sub(ty, random)
            ),
        }
    }

    /// A call that returns a type, if that is not empty.
    fn call(&self, function: &Signature, returns: &str, depth: usize, random: &mut Rng) -> String {
        let mut bound = bindings(&function.returns, returns).unwrap_or_default();
        let mut arguments: Vec<String> = function.arguments.clone();
        if let (true, Some(last)) = (function.is_variadic, arguments.last().cloned()) {
            arguments.extend(std::iter::repeat_n(last, random.usize(..3)));
        }
        let argument = |ty: &String| match ty.as_str() {
            _ if random.u8(..40) == 0 => "NULL".to_owned(),
            "INTERVAL UNIT" => unit(random).to_owned(),
            ty => lambda(ty, random)
                .unwrap_or_else(|| self.expr(&concrete(ty, &mut bound, random), depth.saturating_sub(1), random)),
        };
        let arguments: Vec<String> = arguments.iter().map(argument).collect();
        format!("{}({})", function.name, arguments.join(", "))
    }
}

/// What the variables of types stand for.
type Bindings = Vec<(char, String)>;

/// Whether a function that returns `declared` can return `wanted`, and what its variables are then.
fn bindings(declared: &str, wanted: &str) -> Option<Bindings> {
    if declared == wanted {
        return Some(Vec::new());
    }
    let inside = |ty: &str, name: &str| Some(ty.strip_prefix(name)?.strip_suffix('>')?.to_owned());
    if let (1, Some(variable), false) = (declared.len(), declared.chars().next(), wanted.is_empty()) {
        return Some(vec![(variable, wanted.to_owned())]);
    }
    if let (Some(declared), Some(wanted)) = (inside(declared, "ARRAY<"), inside(wanted, "ARRAY<")) {
        return bindings(&declared, &wanted);
    }
    let (declared, wanted) = (inside(declared, "MAP<")?, inside(wanted, "MAP<")?);
    let ((key, value), (wanted_key, wanted_value)) = (declared.split_once(", ")?, wanted.split_once(", ")?);
    Some([bindings(key, wanted_key)?, bindings(value, wanted_value)?].concat())
}

/// A type with something in the place of each variable.
fn concrete(ty: &str, bound: &mut Bindings, random: &mut Rng) -> String {
    let mut written = String::new();
    for word in ty.split_inclusive(|c: char| !c.is_ascii_alphabetic()) {
        let (name, after) = word.split_at(word.trim_end_matches(|c: char| !c.is_ascii_alphabetic()).len());
        match name.chars().next() {
            Some(variable) if name.len() == 1 => {
                if !bound.iter().any(|(known, _)| *known == variable) {
                    bound.push((
                        variable,
                        TYPES[if variable == 'K' { 0 } else { random.usize(..TYPES.len()) }].to_owned(),
                    ));
                }
                let stands_for = bound.iter().find(|(known, _)| *known == variable);
                written += stands_for.map_or("", |(_, ty)| ty);
            }
            _ if name == "ANY" => written += TYPES[random.usize(..TYPES.len())],
            _ => written += name,
        }
        written += after;
    }
    written
}

fn lambda(ty: &str, random: &mut Rng) -> Option<String> {
    let parameters = ty.strip_prefix("LAMBDA")?.split("=>").next()?.matches(',').count() + 1;
    let bodies = [
        "q",
        "q + 1",
        "q IS NULL",
        "I",
        "UCASE(q)",
        "NULL",
        "q + w",
        "w",
        "CAST(q AS STRING)",
        "q > 1",
        "TRANSFORM(AI, q => q)",
    ];
    let names = ["q", "w", "e", "r"].get(..parameters).unwrap_or(&["q"]).join(", ");
    Some(format!("({names}) => {}", bodies[random.usize(..bodies.len())]))
}

fn unit(random: &mut Rng) -> &'static str {
    ["MILLISECONDS", "SECONDS", "MINUTE", "HOURS", "DAYS"][random.usize(..5)]
}

/// A column or a value of a type.
fn leaf(ty: &str, random: &mut Rng) -> String {
    let columns: Vec<&str> = COLUMNS.iter().filter(|(_, of)| of == &ty).map(|(name, _)| *name).collect();
    if !columns.is_empty() && random.bool() {
        return columns[random.usize(..columns.len())].to_owned();
    }
    match ty {
        "VARCHAR" => odd::quoted(random),
        "BOOLEAN" => ["true", "false", "NULL"][random.usize(..3)].to_owned(),
        "INT" => ["0", "1", "-1", "2147483647", "-2147483648", "7", "1000"][random.usize(..7)].to_owned(),
        "BIGINT" | "DOUBLE" | "DECIMAL" => odd::number(random),
        "BYTES" => format!("TO_BYTES({}, 'utf8')", odd::quoted(random)),
        "DATE" => format!("FROM_DAYS({})", ["0", "-1", "2932896", "2147483647", "-719162"][random.usize(..5)]),
        "TIME" => format!("PARSE_TIME('{:02}:59:59', 'HH:mm:ss')", random.u8(..26)),
        "TIMESTAMP" => format!("FROM_UNIXTIME({})", odd::number(random)),
        "ARRAY<INT>" => ["ARRAY[1]", "AI", "ARRAY[2147483647, NULL]", "SLICE(AI, 2, 1)"][random.usize(..4)].to_owned(),
        "ARRAY<VARCHAR>" => format!("ARRAY[{}, {}]", odd::quoted(random), odd::quoted(random)),
        "MAP<VARCHAR, INT>" => format!("MAP({} := 1)", odd::quoted(random)),
        _ => match ty.strip_prefix("ARRAY<").and_then(|inside| inside.strip_suffix('>')) {
            Some(inside) => format!("ARRAY[{}, {}]", leaf(inside, random), leaf(inside, random)),
            None => format!("CAST(NULL AS {ty})"),
        },
    }
}
