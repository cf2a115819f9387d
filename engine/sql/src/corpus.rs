//! Every statement of the conformance corpus, read and written back. The corpus lies outside the repository.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{ErrorKind, Variables, format, parse_script};

/// Where this package is. Cargo says at run time; a target directory may be shared by several checkouts.
fn manifest_dir() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// Where the corpus is, or None where there is none. On the build server there has to be one.
fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("MILLSTREAM_CONFORMANCE").map(PathBuf::from);
    let room =
        || std::env::var_os("MILLSTREAM_SHARED").map_or_else(|| manifest_dir().join("../../../shared"), PathBuf::from);
    let root = given.unwrap_or_else(|| room().join("conformance"));
    if !root.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "no conformance corpus at {}", root.display());
        println!("no conformance corpus at {}, nothing tested", root.display());
        return None;
    }
    Some(root)
}

fn cases() -> Option<Vec<Value>> {
    let root = corpus()?;
    let mut cases = Vec::new();
    for suite in ["qtt", "rqtt", "sql", "runner"] {
        for entry in fs::read_dir(root.join(suite)).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let mut file: Value = serde_json::from_str(&text).unwrap();
            cases.append(file["tests"].as_array_mut().unwrap());
        }
    }
    Some(cases)
}

fn statements(case: &Value) -> Vec<&str> {
    let listed = case["statements"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let steps = case["steps"].as_array().into_iter().flatten().filter_map(|step| step["sql"].as_str());
    listed.chain(steps).map(str::trim).filter(|text| !text.is_empty()).collect()
}

/// As a case's statements are sent: one a line, each with its `;`.
fn joined(case: &Value) -> String {
    let closed = statements(case).into_iter().map(|s| if s.ends_with(';') { s.to_owned() } else { format!("{s};") });
    closed.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_runs_can_be_read_and_written_back() {
    let Some(cases) = cases() else { return };
    let variables = Variables::default();
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| case["kind"] == "positive") {
        match parse_script(&joined(case), &variables) {
            Err(error) => wrong.push(format!("{}: {error}", case["id"])),
            Ok(parsed) => {
                for one in parsed {
                    let text = format!("{};", format(&one.statement));
                    match parse_script(&text, &variables) {
                        Ok(again) if again.first().is_some_and(|p| p.statement == one.statement) => {}
                        Ok(_) => wrong.push(format!("{}: {} came back differently as {text}", case["id"], one.text)),
                        Err(error) => wrong.push(format!("{}: {error} in {text}", case["id"])),
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_cannot_be_read_says_so_in_ksqldbs_words() {
    let Some(cases) = cases() else { return };
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| case["kind"] == "negative") {
        let expected =
            if case["expectedException"].is_null() { &case["expectedError"] } else { &case["expectedException"] };
        let message = expected["message"].as_str().unwrap_or_default();
        // queries are sent on their own
        let text = match (case["suite"].as_str(), statements(case).last()) {
            (Some("rqtt"), Some(query)) if query.starts_with("SELECT") => (*query).to_owned(),
            _ => joined(case),
        };
        let parsed = if case["suite"] == "sql" {
            parse_script(&text, &Variables::default())
        } else {
            crate::parse(&text, &Variables::default())
        };
        match parsed {
            Err(error) => {
                let full = format!("{error}\nStatement: {}", statements(case).last().unwrap());
                if !full.contains(message) {
                    wrong.push(format!("{}: expected {message:?}, got {full:?}", case["id"]));
                }
            }
            Ok(_) if message.contains("Syntax") => wrong.push(format!("{}: read, but {message:?}", case["id"])),
            Ok(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The steps of the recorded sessions, which lie beside the corpus.
fn recorded_steps() -> Vec<Value> {
    let Some(folder) = corpus().map(|root| root.with_file_name("recordings")).filter(|folder| folder.is_dir()) else {
        return Vec::new();
    };
    let mut steps = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            // half a surrogate pair, as some answers have it, is no JSON for serde
            let Ok(mut session) = serde_json::from_str::<Value>(&fs::read_to_string(&path).unwrap()) else { continue };
            steps.append(session["steps"].as_array_mut().unwrap());
        }
    }
    steps
}

fn sent(step: &Value) -> Option<String> {
    let body = &step["body"];
    body["ksql"].as_str().or(body["sql"].as_str()).map(|sent| sent.replace("_{n}", "_0"))
}

#[test]
fn recorded_errors_read_the_same() {
    let mut wrong = Vec::new();
    for step in recorded_steps() {
        let Some(sent) = sent(&step) else { continue };
        // ksqlDB refuses any query here before it looks at the limit
        if sent.ends_with("LIMIT -1;") {
            continue;
        }
        let answer = &step["expect"]["body"];
        let message = answer["message"].as_str().or(answer[0]["error"].as_str()).unwrap_or("no error");
        let expected = message.split("\nStatement: ").next().unwrap_or_default();
        let variables = step["body"]["sessionVariables"].as_object().into_iter().flatten();
        let variables = variables.filter_map(|(name, value)| Some((name, value.as_str()?))).collect();
        match crate::parse(&sent, &variables) {
            Err(error) if error.message == expected => {
                let reported = answer["statementText"].as_str().unwrap_or_default();
                if error.statement != reported {
                    wrong.push(format!("{sent}\n  reported as {reported}\n  got         {}", error.statement));
                }
            }
            // the words of the WebSocket
            Err(_) if expected.starts_with("Error parsing query") => {}
            Ok(_) if !expected.contains("Syntax Error") => {}
            outcome => {
                wrong.push(format!("{sent}\n  expected {expected:?}\n  got      {:?}", outcome.map(|_| "no error")))
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What ksqlDB writes, we write the same way.
#[test]
fn recorded_statements_are_laid_out_the_same() {
    let mut wrong = Vec::new();
    for step in recorded_steps() {
        let sent = sent(&step).unwrap_or_default();
        let answers = step["expect"]["body"].as_array().cloned().unwrap_or_default();
        let texts = answers.iter().filter_map(|answer| answer["statementText"].as_str());
        for text in texts.filter(|text| text.starts_with("CREATE ") && !sent.contains(text)) {
            let parsed = crate::parse(text, &Variables::default()).unwrap();
            let written = format!("{};", format(&parsed[0].statement));
            if written != text {
                wrong.push(format!("{text}\n  came back as {written}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn kinds_of_errors_are_told_apart() {
    let kind = |text: &str| crate::parse(text, &Variables::default()).unwrap_err().kind;
    assert_eq!(kind("CREATE STREAM s (id INT PRIMARY KEY); SELECT FROM;"), ErrorKind::Syntax);
    assert_eq!(kind("CREATE STREAM s (id INT PRIMARY KEY);"), ErrorKind::Invalid);
}

/// Statements with a token left out, doubled or swapped never panic, and what is still one can be written back.
#[test]
fn damaged_statements_are_refused_or_mean_something() {
    let Some(cases) = cases() else { return };
    let mut texts: Vec<String> =
        cases.iter().flat_map(|case| statements(case).into_iter().map(str::to_owned)).collect();
    texts.sort();
    texts.dedup();
    let mut seed = 17_usize;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let variables = Variables::default();
    for text in texts {
        let tokens = crate::tokens::tokenize(&text).list;
        let mut parts: Vec<&str> = tokens.iter().map(|t| &text[t.span.start as usize..t.span.end as usize]).collect();
        let (one, other) = (next(parts.len()), next(parts.len()));
        match next(3) {
            0 => drop(parts.remove(one)),
            1 => parts.insert(one, parts[other]),
            _ => parts.swap(one, other),
        }
        let damaged = parts.join(" ");
        if let Ok(parsed) = parse_script(&damaged, &variables) {
            for one in parsed {
                let written = format!("{};", format(&one.statement));
                let again =
                    parse_script(&written, &variables).unwrap_or_else(|e| panic!("{e}: {damaged} as {written}"));
                assert_eq!(again[0].statement, one.statement, "{damaged} as {written}");
            }
        }
    }
}
