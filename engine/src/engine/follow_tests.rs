//! Engines that share nothing but topics, and carry out the same commands.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::kv::{Kv, MemoryKv};
use crate::log::forwarding::ForwardingLog;
use crate::log::{Bounds, Embedded, Log, LogError, Output, Records, Result, SoleWriter, TopicPartition};
use crate::statements::Session;

use super::Engine;
use super::tests::{engine_with, run};

pub(super) const TOPIC: &str = "_confluent-ksql-default__command_topic";
const STREAM: &str = "CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);";

type AtAppend = Box<dyn FnOnce() -> Result<()> + Send>;

/// Topics that processes have in common, and who may write commands.
#[derive(Clone)]
pub(super) struct Brokers {
    pub(super) log: Arc<dyn Log>,
    epoch: Arc<Mutex<u64>>,
}

/// The log of one process: what it keeps for itself is its own.
pub(super) struct Process {
    brokers: Brokers,
    kv: Arc<dyn Kv>,
    /// What happens when it writes a command next, before and after it is written.
    at_append: Arc<Mutex<[Option<AtAppend>; 2]>>,
}

struct Writer {
    brokers: Brokers,
    of: TopicPartition,
    claimed: u64,
    at_append: Arc<Mutex<[Option<AtAppend>; 2]>>,
}

impl Brokers {
    pub(super) fn new() -> Self {
        Self { log: Arc::new(Embedded::in_memory()), epoch: Arc::default() }
    }

    pub(super) fn process(&self) -> Arc<Process> {
        self.process_with(Arc::new(MemoryKv::default()))
    }

    pub(super) fn process_with(&self, kv: Arc<dyn Kv>) -> Arc<Process> {
        Arc::new(Process { brokers: self.clone(), kv, at_append: Arc::default() })
    }
}

impl Process {
    pub(super) fn engine(self: &Arc<Self>, settings: &[(&str, &str)]) -> Engine {
        let log: Arc<dyn Log> = Arc::clone(self) as Arc<dyn Log>;
        engine_with(&log, settings)
    }
}

impl ForwardingLog for Process {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.brokers.log
    }

    fn kv(&self) -> &Arc<dyn Kv> {
        &self.kv
    }

    /// As after a transaction, the last offset is that of no record.
    fn bounds(&self, of: &TopicPartition) -> Result<Bounds> {
        let bounds = self.inner().bounds(of)?;
        let mark = i64::from(&*of.topic == TOPIC && bounds.end > 0);
        Ok(Bounds { end: bounds.end + mark, ..bounds })
    }

    fn sole_writer(&self, of: &TopicPartition, _: &str) -> Option<Box<dyn SoleWriter>> {
        let (brokers, at_append) = (self.brokers.clone(), Arc::clone(&self.at_append));
        Some(Box::new(Writer { brokers, of: of.clone(), claimed: 0, at_append }))
    }
}

impl SoleWriter for Writer {
    fn claim(&mut self) -> Result<()> {
        let mut epoch = self.brokers.epoch.lock();
        *epoch += 1;
        self.claimed = *epoch;
        Ok(())
    }

    fn append(&mut self, records: Records) -> Result<i64> {
        let [before, after] = std::mem::take(&mut *self.at_append.lock());
        before.map_or(Ok(()), |before| before())?;
        if *self.brokers.epoch.lock() != self.claimed {
            return Err(LogError::Overtaken(self.of.topic.to_string()));
        }
        let first = self.brokers.log.append(vec![Output { to: self.of.clone(), records }])?.remove(0);
        after.map_or(Ok(first), |after| after().map(|()| first))
    }
}

pub(super) fn sources(engine: &Engine) -> Vec<String> {
    engine.catalog().sources().map(|source| source.name.clone()).collect()
}

pub(super) fn queries(engine: &Engine) -> Vec<(String, String)> {
    let state = |id: &str| engine.runtime().life(id).map_or("gone".to_owned(), |life| life.state().to_string());
    engine.catalog().queries().map(|query| (query.id.clone(), state(&query.id))).collect()
}

pub(super) fn refused(engine: &Engine, text: &str) -> String {
    engine.execute(text, Session::default(), None).unwrap_err().to_string()
}

pub(super) fn of(ids: &[(&str, &str)]) -> Vec<(String, String)> {
    ids.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect()
}

#[test]
fn what_one_process_does_the_others_do_too() {
    let brokers = Brokers::new();
    let (one, other) = (brokers.process().engine(&[]), brokers.process().engine(&[]));
    run(&one, &format!("{STREAM} CREATE STREAM a AS SELECT * FROM s; CREATE STREAM b AS SELECT * FROM s;"));
    other.follow().unwrap();
    assert_eq!(sources(&other), ["A", "B", "S"]);
    assert_eq!(queries(&other), queries(&one));
    assert_eq!(other.command_ids(), one.command_ids());
    run(&other, "PAUSE ALL; CREATE OR REPLACE STREAM a AS SELECT * FROM s WHERE v > 1;");
    let ids: Vec<String> = queries(&one).into_iter().map(|(id, _)| id).collect();
    one.follow().unwrap();
    assert_eq!(queries(&one), of(&[(&ids[0], "RUNNING"), (&ids[1], "PAUSED")]));
    run(&one, "RESUME ALL; DROP STREAM a;");
    // What reads first need not have heard of it: a statement is planned on all there is.
    assert!(refused(&other, "DROP STREAM a;").contains("does not exist"));
    assert_eq!(queries(&other), of(&[(&ids[1], "RUNNING")]));
    assert_eq!(other.runtime().queries().len(), 1);
}

#[test]
fn ids_of_queries_follow_the_offsets_of_commands() {
    let brokers = Brokers::new();
    let engine = brokers.process().engine(&[]);
    run(&engine, STREAM);
    run(&engine, "CREATE STREAM a AS SELECT * FROM s;");
    run(&engine, "PAUSE ALL;");
    let planned = engine.catalog().next_query_number();
    run(&engine, "RESUME ALL;");
    assert_eq!(engine.catalog().next_query_number(), planned);
    run(&engine, "CREATE STREAM b AS SELECT * FROM s;");
    let ids: Vec<String> = queries(&engine).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["CSAS_A_1".to_owned(), format!("CSAS_B_{planned}")]);
    let number = engine.command_status("stream/`B`/create").map(|(_, id)| id);
    assert_eq!(number, Some(Some(format!("CSAS_B_{planned}"))));
}

#[test]
fn a_statement_that_another_process_overtakes_is_planned_again() {
    let brokers = Brokers::new();
    let process = brokers.process();
    let (one, other) = (process.engine(&[]), brokers.process().engine(&[]));
    run(&one, STREAM);
    let overtakes = |text: &'static str| {
        let other = other.clone();
        process.at_append.lock()[0] = Some(Box::new(move || {
            run(&other, text);
            Ok(())
        }));
    };
    overtakes("CREATE STREAM a AS SELECT * FROM s;");
    run(&one, "CREATE STREAM b AS SELECT * FROM s;");
    other.follow().unwrap();
    assert_eq!(sources(&one), ["A", "B", "S"]);
    assert_eq!(queries(&one), queries(&other));
    assert_eq!(one.runtime().queries().len(), 2);
    // Both make the same: the topic is that of the one who came first.
    overtakes("CREATE STREAM c (v INT) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON', PARTITIONS=1);");
    let second = "CREATE STREAM c (v INT) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON', PARTITIONS=1);";
    assert!(refused(&one, second).contains("already exists"));
    assert!(brokers.log.topic("c").unwrap().is_some());
    overtakes("CREATE STREAM d AS SELECT * FROM s;");
    assert!(refused(&one, "CREATE STREAM d AS SELECT * FROM s;").contains("already exists"));
    assert!(brokers.log.topic("D").unwrap().is_some());
    assert_eq!(queries(&one), queries(&other));
    // What was made for a statement that makes no sense any more is taken away.
    overtakes("CREATE STREAM e (v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');");
    let late = "CREATE STREAM e (v INT) WITH (KAFKA_TOPIC='mine', VALUE_FORMAT='JSON', PARTITIONS=1);";
    assert!(refused(&one, late).contains("already exists"));
    assert!(brokers.log.topic("mine").unwrap().is_none());
}

#[test]
fn a_process_without_data_and_one_that_was_away_catch_up() {
    let brokers = Brokers::new();
    let one = brokers.process();
    let engine = one.engine(&[]);
    run(&engine, &format!("{STREAM} CREATE STREAM a AS SELECT * FROM s;"));
    let other = brokers.process();
    let away = other.engine(&[]);
    assert_eq!(queries(&away), queries(&engine));
    drop(away);
    run(&engine, "DROP STREAM a; CREATE STREAM b AS SELECT * FROM s;");
    let back = other.engine(&[]);
    assert_eq!((sources(&back), queries(&back)), (sources(&engine), queries(&engine)));
    drop((engine, back));
    let again = one.engine(&[]);
    assert_eq!(sources(&again), ["B", "S"]);
    let new = brokers.process().engine(&[]);
    assert_eq!((sources(&new), queries(&new)), (sources(&again), queries(&again)));
}

#[test]
fn a_command_whose_answer_is_lost_counts_if_it_was_written() {
    let brokers = Brokers::new();
    let process = brokers.process();
    let (engine, other) = (process.engine(&[]), brokers.process().engine(&[]));
    let fails: fn() -> AtAppend = || Box::new(|| Err(LogError::Broker("no answer".to_owned())));
    process.at_append.lock()[1] = Some(fails());
    run(&engine, STREAM);
    process.at_append.lock()[0] = Some(fails());
    let failed = refused(&engine, "CREATE STREAM a AS SELECT * FROM s;");
    assert!(failed.contains("Kafka did not do"), "{failed}");
    assert!(brokers.log.topic("A").unwrap().is_none());
    run(&engine, "CREATE STREAM b AS SELECT * FROM s;");
    other.follow().unwrap();
    assert_eq!((sources(&other), queries(&other)), (sources(&engine), queries(&engine)));
    assert_eq!(sources(&engine), ["B", "S"]);
}

#[test]
fn a_lost_topic_stops_statements_but_no_query_and_can_be_written_again() {
    let brokers = Brokers::new();
    let process = brokers.process();
    let engine = process.engine(&[]);
    run(&engine, &format!("{STREAM} CREATE STREAM a AS SELECT * FROM s; CREATE STREAM b AS SELECT * FROM s;"));
    run(&engine, "DROP STREAM b;");
    let running = queries(&engine);
    brokers.log.delete_topic(TOPIC).unwrap();
    let lost = refused(&engine, "DROP STREAM a;");
    assert!(lost.contains(TOPIC) && lost.contains("millstream.command.topic.restore=true"), "{lost}");
    assert_eq!(queries(&engine), running);
    drop(engine);
    let engine = process.engine(&[]);
    let lost = refused(&engine, "DROP STREAM a;");
    assert!(lost.contains("it is empty, though this server has carried out 4 commands of it"), "{lost}");
    assert_eq!(queries(&engine), running);
    drop(engine);
    let engine = process.engine(&[("millstream.command.topic.restore", "true")]);
    run(&engine, "CREATE STREAM c AS SELECT * FROM s;");
    let other = brokers.process().engine(&[]);
    assert_eq!((sources(&other), queries(&other)), (sources(&engine), queries(&engine)));
    assert_eq!(sources(&other), ["A", "C", "S"]);
}

#[test]
fn a_topic_with_other_commands_is_not_gone_on_with() {
    let brokers = Brokers::new();
    let process = brokers.process();
    let engine = process.engine(&[]);
    run(&engine, STREAM);
    drop(engine);
    brokers.log.delete_topic(TOPIC).unwrap();
    let stranger = brokers.process().engine(&[]);
    run(&stranger, "CREATE STREAM other (v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');");
    let engine = process.engine(&[]);
    assert!(refused(&engine, "DROP STREAM s;").contains("it was made anew"));
    assert_eq!(sources(&engine), ["S"]);
}

#[test]
fn commands_of_before_the_topic_are_written_there() {
    let brokers = Brokers::new();
    let kv: Arc<dyn Kv> = Arc::new(MemoryKv::default());
    let alone = Arc::new(Alone { brokers: brokers.clone(), kv: Arc::clone(&kv) });
    let log: Arc<dyn Log> = alone;
    run(&engine_with(&log, &[]), &format!("{STREAM} CREATE STREAM a AS SELECT * FROM s; PAUSE ALL;"));
    let engine = brokers.process_with(kv).engine(&[]);
    assert_eq!(queries(&engine), of(&[("CSAS_A_0", "PAUSED")]));
    let other = brokers.process().engine(&[]);
    assert_eq!((sources(&other), queries(&other)), (sources(&engine), queries(&engine)));
    run(&other, "CREATE STREAM b AS SELECT * FROM s;");
    engine.follow().unwrap();
    assert_eq!(queries(&engine), queries(&other));
}

/// A process of a version that had its commands for itself.
struct Alone {
    brokers: Brokers,
    kv: Arc<dyn Kv>,
}

impl ForwardingLog for Alone {
    fn inner(&self) -> &Arc<dyn Log> {
        &self.brokers.log
    }

    fn kv(&self) -> &Arc<dyn Kv> {
        &self.kv
    }
}
