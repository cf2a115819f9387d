//! Rules of the house that a compiler does not check: who may import whom, how long a file may be, what is left undone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::repository;

/// What each module of the engine may import from the others. Data goes down this list.
const LAYERS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("clock", &[]),
    ("config", &[]),
    ("counters", &[]),
    ("crash", &[]),
    ("incident", &[]),
    ("kv", &["incident"]),
    ("keystore", &[]),
    ("log", &["crash", "incident", "kv", "keystore"]),
    ("failure", &["config", "incident", "kv", "log"]),
    ("schemas", &["keystore"]),
    ("formats", &["types", "schemas"]),
    ("registry", &["clock", "kv", "log", "schemas", "formats"]),
    ("rows", &["log", "formats", "types"]),
    ("state", &["types", "kv"]),
    ("expr", &["types", "clock", "config"]),
    ("steps", &["types", "formats", "expr"]),
    ("catalog", &["types", "formats", "expr", "steps"]),
    ("plan", &["types", "config", "schemas", "formats", "expr", "steps", "catalog"]),
    ("operators", &["types", "kv", "schemas", "formats", "state", "expr"]),
    (
        "runtime",
        &["types", "clock", "config", "kv", "log", "rows", "schemas", "formats", "state", "expr", "steps", "operators"],
    ),
    (
        "serving",
        &[
            "types", "config", "kv", "log", "rows", "failure", "schemas", "formats", "state", "expr", "steps",
            "catalog", "plan", "runtime",
        ],
    ),
    (
        "statements",
        &[
            "types", "clock", "config", "log", "rows", "failure", "schemas", "formats", "expr", "steps", "catalog",
            "plan", "runtime",
        ],
    ),
    ("commands", &["kv", "log", "plan", "runtime"]),
    ("error", &["config", "kv", "log", "failure", "plan", "runtime", "statements"]),
    (
        "engine",
        &[
            "types",
            "clock",
            "config",
            "counters",
            "kv",
            "log",
            "rows",
            "failure",
            "keystore",
            "schemas",
            "registry",
            "formats",
            "expr",
            "steps",
            "catalog",
            "plan",
            "runtime",
            "serving",
            "statements",
            "commands",
            "error",
        ],
    ),
];

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for package in ["engine", "server", "cli", "tests"] {
        rust_files(&repository().join(package), &mut files);
    }
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a readable file");
        (path, text)
    };
    files.into_iter().map(read).collect()
}

/// Names of top modules after every `crate::` of a line, also in `use crate::{a::…, b::…}`.
fn imported(text: &str) -> BTreeSet<String> {
    names_after(text, "crate::")
}

/// The names that follow a path, alone or in a list.
pub(crate) fn names_after(text: &str, path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_whole = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    for (at, _) in text.match_indices(path).filter(|(at, _)| is_whole(*at)) {
        let rest = &text[at + path.len()..];
        let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        if let Some(list) = rest.strip_prefix('{') {
            let (mut depth, mut expects_name) = (0, true);
            for (i, c) in list.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => expects_name = true,
                    c if expects_name && depth == 0 && c.is_alphabetic() => {
                        found.insert(word(&list[i..]));
                        expects_name = false;
                    }
                    _ => {}
                }
            }
        } else {
            found.insert(word(rest));
        }
    }
    found
}

/// Product code without its tests, by file.
fn product_code() -> impl Iterator<Item = (PathBuf, String)> {
    let in_tests = repository().join("tests");
    let code = |text: &str| text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
    sources()
        .into_iter()
        .filter(move |(path, _)| !path.starts_with(&in_tests) && !path.to_string_lossy().ends_with("tests.rs"))
        .map(move |(path, text)| (path, code(&text)))
}

#[test]
fn every_setting_is_read() {
    let table = repository().join("engine/src/config/setting.rs");
    let text = fs::read_to_string(&table).expect("the settings");
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once(": "))
        .map(|(name, _)| name)
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .collect();
    assert!(names.len() > 50, "{} settings only", names.len());
    let code: Vec<String> = product_code().filter(|(path, _)| *path != table).map(|(_, text)| text).collect();
    let is_read = |name: &str| {
        let named = format!("setting::{name}");
        let follows = |text: &str, at: usize| text[at..].chars().next();
        let ends = |next: Option<char>| !next.is_some_and(|c| c.is_alphanumeric() || c == '_');
        code.iter().any(|text| text.match_indices(&named).any(|(at, found)| ends(follows(text, at + found.len()))))
    };
    let unread: Vec<&str> = names.into_iter().filter(|name| !is_read(name)).collect();
    assert!(unread.is_empty(), "read by nobody: they belong in config/effect.rs: {unread:#?}");
}

/// A setting that a session may set is asked of the session's settings, or its SET says that it has no effect.
#[test]
fn what_a_session_may_set_is_read_through_the_session() {
    let table = repository().join("engine/src/config/setting.rs");
    let text = fs::read_to_string(table).expect("the settings");
    let constant = |name: &str| {
        let line = text.lines().find(|line| line.contains(&format!("(\"{name}\"")));
        line.and_then(|line| line.trim().split_once(": ")).map(|(constant, _)| constant.to_owned())
    };
    let of_session = engine::config::properties().filter(|property| property.access == engine::config::Access::Session);
    let says_so = |name: &str| engine::config::without_effect_in_session(name).is_some();
    let settable: Vec<String> =
        of_session.filter(|property| !says_so(property.name)).filter_map(|property| constant(property.name)).collect();
    assert!(settable.len() > 30, "{} settings only", settable.len());
    // Here no other settings are known than the server's.
    let of_server = ["server/", "cli/", "engine/src/runtime/log_topic.rs", "engine/src/engine/processing_log.rs"];
    let of_server = of_server.map(|place| repository().join(place));
    let mut wrong = Vec::new();
    for (path, code) in product_code() {
        let server_only = of_server.iter().any(|place| path.starts_with(place));
        let code: String = code.split_whitespace().collect();
        for name in &settable {
            for (at, read) in code.match_indices(&format!("(setting::{name})")) {
                let asked = code[..at].rsplit(['(', '{', ';', '=', ',', '|', '&']).next().unwrap_or_default();
                if server_only || asked.contains("shared.config") {
                    wrong.push(format!("{}: {asked}{read}", path.display()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "ask the settings of the session, or list it in AT_START of config/effect.rs:\n{wrong:#?}"
    );
}

#[test]
fn a_property_is_named_in_one_place() {
    // The shell speaks to any server, and Kafka's client has names of its own.
    let elsewhere = ["engine/src/config", "engine/src/log/kafka", "cli"].map(|folder| repository().join(folder));
    let mut wrong = Vec::new();
    let code = product_code().filter(|(path, _)| !elsewhere.iter().any(|folder| path.starts_with(folder)));
    for (path, text) in code {
        for property in engine::config::properties() {
            if text.contains(&format!("\"{}\"", property.name)) {
                wrong.push(format!("{}: {}", path.display(), property.name));
            }
        }
    }
    assert!(wrong.is_empty(), "ask for a constant of config/setting.rs instead:\n{}", wrong.join("\n"));
}

#[test]
fn imports_go_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let root = repository().join("engine/src");
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Ok(inside) = path.strip_prefix(&root) else { continue };
        let module = inside.components().next().map(|c| c.as_os_str().to_string_lossy().replace(".rs", ""));
        let Some(module) = module.filter(|module| module != "lib") else { continue };
        let Some(may) = allowed.get(module.as_str()) else {
            wrong.push(format!("{}: {module} has no place among the layers", inside.display()));
            continue;
        };
        for other in imported(&text) {
            if allowed.contains_key(other.as_str()) && other != module && !may.contains(&other.as_str()) {
                wrong.push(format!("{}: {module} must not import {other}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against style (docs/architecture.md):\n{}", wrong.join("\n"));
}

/// What needs a database and no topics takes it from `kv`; the log does not hand it on.
#[test]
fn nothing_imports_the_log_for_its_database() {
    for (layer, imports) in LAYERS.iter().filter(|(layer, _)| ["kv", "state", "operators"].contains(layer)) {
        assert!(!imports.contains(&"log"), "{layer} must not know of the log");
    }
    let log = repository().join("engine/src/log");
    let hands_on = |(path, text): &(PathBuf, String)| path.starts_with(&log) && text.contains("pub use crate::kv");
    assert!(!sources().iter().any(hands_on), "the log hands out what is kv's");
}

#[test]
fn every_layer_imports_only_from_those_above_it() {
    for (at, (layer, imports)) in LAYERS.iter().enumerate() {
        for import in *imports {
            let above = LAYERS[..at].iter().any(|(other, _)| other == import);
            assert!(above, "{layer} imports {import}, which does not stand above it");
        }
    }
}

#[test]
fn libraries_stay_in_their_rooms() {
    let rooms: &[(&str, &[&str])] = &[
        ("rdkafka", &["engine/src/log/kafka", "tests/"]),
        ("axum", &["server/src"]),
        ("datafusion", &["engine/src/expr"]),
        ("fjall", &["engine/src/kv"]),
        ("openssl", &["engine/src/keystore", "engine/src/log/kafka/security"]),
        ("rustyline", &["cli/src"]),
    ];
    let root = repository();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let inside = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        for (library, allowed) in rooms {
            let named = text.lines().any(|line| {
                let code = line.split("//").next().unwrap_or_default();
                code.contains(&format!("{library}::")) || code.contains(&format!("{library}_"))
            });
            if named && inside != "tests/e2e/tidy.rs" && !allowed.iter().any(|room| inside.starts_with(room)) {
                wrong.push(format!("{inside} names {library}"));
            }
        }
    }
    assert!(wrong.is_empty(), "libraries outside of their rooms:\n{}", wrong.join("\n"));
}

/// What each shared dependency is asked for, by package and version, when these packages are built with their tests.
fn features(of: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--prefix", "none", "-e", "normal,dev,no-proc-macro", "-f", "{p} [{f}]"]).args(of);
    let output = cargo.current_dir(repository()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).expect("a text").lines().filter(|line| !line.is_empty()) {
        let (package, features) = line.trim_end_matches(" (*)").split_once(" [").expect("a package with its features");
        found.entry(package.to_owned()).or_default().insert(features.to_owned());
    }
    found
}

/// Otherwise cargo builds DataFusion a second time, and an edit of one module takes minutes, not seconds, to test.
#[test]
fn the_engine_alone_asks_of_its_dependencies_what_the_workspace_asks() {
    let (workspace, engine) = (features(&["--workspace"]), features(&["-p", "engine"]));
    assert!(engine.len() > 100, "only {} packages", engine.len());
    let other: Vec<String> = engine
        .iter()
        .filter(|(package, features)| workspace.get(*package) != Some(features))
        .map(|(package, features)| format!("{package}: {features:?}, not {:?}", workspace.get(package)))
        .collect();
    assert!(
        other.is_empty(),
        "add to the dev-dependencies of engine/Cargo.toml what asks for more:\n{}",
        other.join("\n")
    );
}

#[test]
fn the_map_names_files_that_exist() {
    let root = repository();
    let map = fs::read_to_string(root.join("docs/architecture.md")).expect("the map");
    let named: Vec<&str> = map.split('`').skip(1).step_by(2).filter(|text| text.ends_with(".rs")).collect();
    assert!(named.len() > 40, "the map names {} files only", named.len());
    let is_there = |file: &str| root.join(file).is_file() || root.join("engine/src").join(file).is_file();
    let gone: Vec<&str> = named.into_iter().filter(|file| !is_there(file)).collect();
    assert!(gone.is_empty(), "docs/architecture.md names files that are not there: {gone:?}");
}

#[test]
fn files_are_short_and_finished() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > 800 {
            wrong.push(format!("{} has {lines} lines", path.display()));
        }
        let unfinished = ["TO", "DO"].concat();
        let unfinished =
            [unfinished, ["FIX", "ME"].concat(), ["todo", "!("].concat(), ["unimplemented", "!("].concat()];
        if let Some(word) = unfinished.iter().find(|word| text.contains(word.as_str())) {
            wrong.push(format!("{} says {word}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_scan_of_imports_finds_what_it_should() {
    assert_eq!(imported("use crate::types::Column;"), BTreeSet::from(["types".to_owned()]));
    let several = "use crate::{\n    log::{Kv, Log},\n    state::Store,\n};";
    assert_eq!(imported(several), BTreeSet::from(["log".to_owned(), "state".to_owned()]));
    assert_eq!(imported("fn f() -> crate::plan::Step"), BTreeSet::from(["plan".to_owned()]));
}
