//! The statements and records of `kafka-recording` (reading room), which a real ksqlDB was given, on our server: topics with
//! their configurations, partitions and records are those it has left on its broker, but for what `kafka_same_bytes.txt`
//! gives a reason for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use e2e::intended::intended;
use e2e::kafka::Kafka;
use e2e::process::Server;
use regex::Regex;
use serde_json::Value;

use crate::clients::output;
use crate::registry_clients::confluents_python;

const SERVICE: &str = "ours_";
/// Times of the records that were put in, but for the last ones of the windows, which the recording was made without.
const TIMES: std::ops::Range<i64> = 0..1_796_000_200_000;
/// From here on a record was made with the present time.
const NOW: i64 = 1_796_010_000_000;

/// ksqlDB's queries of these have stumbled over a record, some after they had counted others twice (README of the
/// recording): of every key one side has the first records of the other.
const STUMBLED: [&str; 4] = ["PKW_TUMBLE", "PKW_HOP", "PKW_SESS", "PKW_FINAL"];
/// Rows that come by several partitions of the input and meet under one key, in any order.
const MEETING: [&str; 2] = ["PKJ_LEFT", "PKJ_INNER"];
/// Keys of these that find the row of a user before or after it is changed, depending on when that arrives.
const RACING: [&str; 2] = ["u1", "u2"];
/// The same in aggregations, so that what is between the first and the last row depends on the order.
const MEETING_AGGREGATED: [&str; 2] = ["PKCITY", "PKW_PAGE"];

/// Ids of queries, which count what a server did before.
static QUERY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"((?:CSAS|CTAS)_[A-Z0-9_]*?|INSERTQUERY)_\d+").unwrap());

/// A topic by what its name says, and what is in it.
type Topics = BTreeMap<String, Value>;
/// Time, value and headers of records, in order.
type Lane = Vec<(Option<i64>, String, String)>;

fn topics(left: &Value) -> Topics {
    let service = left["sid"].as_str().unwrap();
    let name = |name: &String| QUERY.replace_all(&name.replace(service, "SERVICE_"), "${1}_N").into_owned();
    left["topics"].as_object().unwrap().iter().map(|(topic, what)| (name(topic), what.clone())).collect()
}

/// Records by partition and key, as nothing else has an order that all runs share. Without a key a record is anywhere.
fn lanes(name: &str, topic: &Value) -> BTreeMap<(Option<i64>, String), Lane> {
    let mut lanes: BTreeMap<_, Lane> = BTreeMap::new();
    for record in topic["records"].as_array().unwrap() {
        let time = record[3].as_i64().unwrap();
        let is_racing = MEETING.contains(&name) && RACING.iter().any(|key| record[4] == *key);
        if is_racing || (!TIMES.contains(&time) && time < NOW) {
            continue;
        }
        let partition = record[0].as_i64().filter(|_| !record[4].is_null());
        let lane = lanes.entry((partition, record[4].to_string())).or_default();
        lane.push((Some(time).filter(|time| *time < NOW), record[5].to_string(), record[6].to_string()));
    }
    let any_order = |partition: Option<i64>| partition.is_none() || MEETING.contains(&name);
    lanes.iter_mut().filter(|((partition, _), _)| any_order(*partition)).for_each(|(_, lane)| lane.sort());
    lanes
}

/// Whether what is under a key of a topic is as it is to be.
fn agree(name: &str, theirs: &Lane, ours: &Lane) -> bool {
    match STUMBLED.contains(&name) {
        true => theirs.iter().zip(ours).all(|(theirs, ours)| theirs == ours),
        false => theirs == ours,
    }
}

/// In what two topics of one name differ, by the part of it.
fn differences(name: &str, theirs: &Value, ours: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in ["partitions", "replicas"] {
        if theirs[part] != ours[part] {
            found.push((part.to_owned(), format!("{} and not {}", ours[part], theirs[part])));
        }
    }
    let (configured, has) = (theirs["config"].as_object().unwrap(), ours["config"].as_object().unwrap());
    for setting in configured.keys().chain(has.keys()).collect::<BTreeSet<_>>() {
        let (theirs, ours) = (configured.get(setting), has.get(setting));
        if theirs != ours {
            found.push((setting.clone(), format!("{ours:?} and not {theirs:?}")));
        }
    }
    // What is in a changelog is for its writer alone.
    if name.ends_with("-changelog") || MEETING_AGGREGATED.contains(&name) {
        return found;
    }
    let (theirs, ours, none) = (lanes(name, theirs), lanes(name, ours), Lane::new());
    for lane in theirs.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        let (theirs, ours) = (theirs.get(lane).unwrap_or(&none), ours.get(lane).unwrap_or(&none));
        if !agree(name, theirs, ours) {
            found.push(("records".to_owned(), format!("of {lane:?}\n  ksqlDB {theirs:?}\n  ours   {ours:?}")));
        }
    }
    found
}

fn all_differences(theirs: &Value, ours: &Value) -> BTreeMap<String, String> {
    let (theirs, ours) = (topics(theirs), topics(ours));
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for topic in theirs.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        // Commands have a recording and tests of their own.
        if topic.ends_with("command_topic") {
            continue;
        }
        match (theirs.get(topic), ours.get(topic)) {
            (Some(theirs), Some(ours)) => {
                for (part, how) in differences(topic, theirs, ours) {
                    let all = found.entry(format!("{topic} {part}")).or_default();
                    all.push_str(&how);
                    all.push('\n');
                }
            }
            (ours, _) => {
                let how = if ours.is_some() { "missing" } else { "additional" };
                found.insert(format!("{topic} {how}"), String::new());
            }
        }
    }
    found
}

#[test]
fn what_is_left_on_a_broker_is_what_ksqldb_leaves() {
    let Some(recording) = e2e::shared("kafka-recording") else { return };
    let read = |file| serde_json::from_slice::<Value>(&fs::read(file).unwrap()).unwrap();
    let broker = Kafka::start();
    let data = tempfile::tempdir().unwrap();
    let settings = [("bootstrap.servers", broker.bootstrap.as_str()), ("ksql.service.id", SERVICE)];
    let server = Server::start(data.path(), &settings);
    let out = data.path().join("left.json");
    let mut command = Command::new(confluents_python());
    command.arg(recording.join("compare.py")).arg("run").env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(format!("{},{},{SERVICE}", server.url, broker.bootstrap)).arg(&out);
    let (passed, text) = output(&mut command, "it");
    assert!(passed && out.exists(), "{text}");

    let found = all_differences(&read(recording.join("ksqldb-8.3.1.json")), &read(out));
    let intended = intended(include_str!("kafka_same_bytes.txt")).unwrap();
    let unforeseen: Vec<_> = found.iter().filter(|(id, _)| !intended.contains_key(id.as_str())).collect();
    let told: String = unforeseen.iter().map(|(id, how)| format!("{id}\n  {how}\n")).collect();
    assert!(unforeseen.is_empty(), "{told}");
    let stale: Vec<_> = intended.keys().filter(|id| !found.contains_key(**id)).collect();
    assert!(stale.is_empty(), "no longer so, or not there: {stale:?}");
    assert!(server.terminate());
}
