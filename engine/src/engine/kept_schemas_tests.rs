//! Starts without the registry that was there before, or with another one.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::tests::{ask, in_memory, rows};
use super::{Engine, Parts};
use crate::clock::System;
use crate::config::Config;
use crate::kv::Write;
use crate::log::{Log, Output, RecordsBuilder, TopicPartition};
use crate::runtime::State;
use crate::schemas::testing::InMemory;
use crate::schemas::{Language, NoSchemas, Place, Schema, Schemas, put_header};
use crate::statements::Session;

/// An engine that runs its queries itself.
fn start(log: &Arc<dyn Log>, schemas: &Arc<dyn Schemas>, accepted: &str) -> Engine {
    let settings = [
        ("auto.offset.reset", "earliest"),
        ("ksql.query.retry.backoff.initial.ms", "100"),
        ("millstream.schema.registry.accepted", accepted),
    ];
    let parts = Parts::by_hand(Arc::clone(log), Arc::new(System), Config::new(settings).unwrap());
    Engine::new(Parts { threads: 1, schemas: Arc::clone(schemas), ..parts }).unwrap()
}

fn start_with(log: &Arc<dyn Log>, schemas: &Arc<InMemory>) -> Engine {
    start(log, &(Arc::clone(schemas) as Arc<dyn Schemas>), "")
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn run(engine: &Engine, text: &str) {
    engine.execute(text, Session::default(), None).unwrap_or_else(|failure| panic!("{text}: {failure}"));
}

fn refused(engine: &Engine, text: &str) -> String {
    engine.execute(text, Session::default(), None).unwrap_err().message
}

/// A source with columns of the registry, a sink behind a repartition topic, a table.
fn make_all(engine: &Engine, format: &str) {
    // A message has a name for what stands in it.
    let key = if format == "PROTOBUF" { "K" } else { "ROWKEY" };
    run(
        engine,
        &format!(
            "CREATE STREAM made (k INT KEY, v INT, t STRING) WITH (kafka_topic='orders', format='{format}', partitions=2);
             CREATE STREAM orders WITH (kafka_topic='orders', format='{format}');
             CREATE STREAM moved AS SELECT v, t, {key} AS k FROM orders PARTITION BY v;
             CREATE TABLE counts AS SELECT t, COUNT(*) AS n FROM orders GROUP BY t;
             INSERT INTO made (k, v, t) VALUES (1, 7, 'a');"
        ),
    );
    eventually("the first row is counted", || counted(engine, "a") == ["[\"a\",1]", "End"]);
}

/// A log and a registry that hold all of that, of a server that has stopped.
fn settled(format: &str) -> (Arc<dyn Log>, Arc<InMemory>) {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    make_all(&engine, format);
    engine.shut_down();
    (log, schemas)
}

fn counted(engine: &Engine, key: &str) -> Vec<String> {
    rows(engine, &mut ask(engine, &format!("SELECT * FROM counts WHERE t = '{key}';")))
        .into_iter()
        .map(|row| if row.starts_with('[') { row } else { "End".to_owned() })
        .collect()
}

fn records(log: &Arc<dyn Log>, topic: &str) -> i64 {
    let spec = log.topic(topic).unwrap().unwrap().spec;
    let of = |partition| TopicPartition { topic: Arc::from(topic), partition };
    (0..spec.partitions).map(|partition| log.bounds(&of(partition)).unwrap().end).sum()
}

fn states(engine: &Engine) -> Vec<State> {
    engine.runtime().queries().iter().map(|query| query.life().state()).collect()
}

fn problems(engine: &Engine, query: &str) -> String {
    let queries = engine.runtime().queries();
    let query = queries.iter().find(|running| running.id().starts_with(query)).unwrap();
    query.life().errors().iter().map(|error| error.message.clone()).collect::<Vec<_>>().join("\n")
}

/// A record whose value is `bytes` behind the header of that id.
fn append(log: &Arc<dyn Log>, topic: &str, id: i32, bytes: &[u8]) {
    let mut value = Vec::new();
    put_header(id, &mut value);
    value.extend_from_slice(bytes);
    let mut records = RecordsBuilder::default();
    records.push(1_000, None, Some(&value));
    let to = TopicPartition { topic: Arc::from(topic), partition: 0 };
    log.append(vec![Output { to, records: records.finish() }]).unwrap();
}

#[test]
fn a_start_needs_no_registry_for_what_was_settled() {
    for format in ["AVRO", "PROTOBUF", "JSON_SR"] {
        for is_down in [true, false] {
            let (log, schemas) = settled(format);

            // It does not answer, or lets nobody in.
            schemas.is_down.store(is_down, Ordering::SeqCst);
            schemas.is_closed.store(!is_down, Ordering::SeqCst);
            let engine = start_with(&log, &schemas);
            assert_eq!(states(&engine), [State::Running, State::Running], "{format}");
            assert_eq!(counted(&engine, "a"), ["[\"a\",1]", "End"], "{format}");
            run(&engine, "INSERT INTO made (k, v, t) VALUES (2, 8, 'b');");
            eventually("the row is counted", || counted(&engine, "b") == ["[\"b\",1]", "End"]);
            eventually("the row is written", || records(&log, "MOVED") == 2);
            assert_eq!(states(&engine), [State::Running, State::Running], "{format}");
            let told = refused(&engine, "CREATE TABLE more AS SELECT v, COUNT(*) AS n FROM orders GROUP BY v;");
            assert!(told.contains("http://registry:8081") || told.contains("who are you"), "{told}");
            engine.shut_down();
        }
    }
}

#[test]
fn who_needs_a_new_id_waits_and_says_for_what() {
    let (log, schemas) = settled("AVRO");
    let wider = r#"{"type":"record","name":"W","fields":[{"name":"T","type":"string"}]}"#;
    let id = schemas.register("elsewhere", &Schema::alone(Language::Avro, wider)).unwrap();

    schemas.is_down.store(true, Ordering::SeqCst);
    let engine = start_with(&log, &schemas);
    append(&log, "orders", id, b"\x02c");
    eventually("it says what it waits for", || {
        problems(&engine, "CTAS").contains(&format!("connection refused (it was asked for the schema of id {id})"))
    });
    assert_eq!(counted(&engine, "a"), ["[\"a\",1]", "End"]);
    schemas.is_down.store(false, Ordering::SeqCst);
    eventually("it goes on", || counted(&engine, "c") == ["[\"c\",1]", "End"]);
    engine.shut_down();
}

#[test]
fn rows_before_a_record_that_waits_for_its_schema_are_written() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    make_all(&engine, "AVRO");
    eventually("the first row is written", || records(&log, "MOVED") == 1);
    engine.shut_down();

    schemas.is_down.store(true, Ordering::SeqCst);
    // v = 8, t = 'b'
    append(&log, "orders", 2, &[2, 16, 2, 2, b'b']);
    append(&log, "orders", 99, &[0]);
    let engine = start_with(&log, &schemas);
    eventually("the second row is written", || records(&log, "MOVED") == 2);
    engine.shut_down();
}

#[test]
fn a_reader_schema_that_is_gone_is_told() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    let field = r#"{"name":"V","type":"int","default":5}"#;
    let foreign = format!(r#"{{"type":"record","name":"Order","fields":[{field}]}}"#);
    schemas.register("orders-value", &Schema::alone(Language::Avro, foreign)).unwrap();
    run(
        &engine,
        "CREATE STREAM made (k INT KEY) WITH (kafka_topic='orders', format='KAFKA', partitions=1);
         CREATE STREAM orders (k INT KEY) WITH (kafka_topic='orders', key_format='KAFKA', value_format='AVRO');
         CREATE STREAM plain WITH (value_format='JSON') AS SELECT * FROM orders;",
    );
    engine.shut_down();
    // An earlier version has kept nothing.
    log.kv().drop_spaces("schemas/").unwrap();
    let engine = start_with(&log, &Arc::new(InMemory::default()));
    let told = problems(&engine, "CSAS_PLAIN");
    assert!(told.contains("the schema that the values of topic orders are read by is gone"), "{told}");
    assert_eq!(states(&engine), [State::Error]);
    engine.shut_down();
}

#[test]
fn another_kind_of_registry_is_not_taken() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    make_all(&engine, "PROTOBUF");
    run(&engine, "CREATE STREAM plain (v INT) WITH (kafka_topic='plain', value_format='JSON', partitions=1);");
    run(&engine, "CREATE STREAM plain_out AS SELECT v + 1 AS w FROM plain;");
    engine.shut_down();

    let own = Arc::new(InMemory::default());
    *own.place.lock() = Some(Place::Own);
    let own = own as Arc<dyn Schemas>;
    for (other, accepted, told) in [
        (Arc::new(NoSchemas) as Arc<dyn Schemas>, "own", "there is no schema registry now"),
        (Arc::clone(&own), "none", "there is the schema registry of the server itself now"),
    ] {
        let engine = start(&log, &other, accepted);
        for problem in [
            problems(&engine, "CSAS_MOVED"),
            problems(&engine, "CTAS"),
            refused(&engine, "INSERT INTO made (k, v, t) VALUES (2, 8, 'b');"),
        ] {
            for part in [told, "in the schema registry at http://registry:8081", "ksql.schema.registry.url=http://reg"]
            {
                assert!(problem.contains(part), "{problem}");
            }
        }
        refused(&engine, "CREATE TABLE more AS SELECT v, COUNT(*) AS n FROM orders GROUP BY v;");
        let before = records(&log, "PLAIN_OUT");
        run(&engine, "INSERT INTO plain VALUES (1);");
        eventually("JSON needs none", || records(&log, "PLAIN_OUT") == before + 1);
        engine.shut_down();
    }
    // The former one goes on.
    let engine = start_with(&log, &schemas);
    assert_eq!(states(&engine), [State::Running; 3]);
    run(&engine, "INSERT INTO made (k, v, t) VALUES (2, 8, 'b');");
    eventually("the row is counted", || counted(&engine, "b") == ["[\"b\",1]", "End"]);
    engine.shut_down();
    // The change is meant: from now on it is the other one.
    start(&log, &own, "own").shut_down();
    let engine = start(&log, &own, "");
    run(&engine, "INSERT INTO made (k, v, t) VALUES (3, 9, 'z');");
    engine.shut_down();
    let engine = start_with(&log, &schemas);
    assert!(problems(&engine, "CTAS").contains("there is the schema registry at http://registry:8081 now"));
    engine.shut_down();
}

#[test]
fn a_server_without_such_statements_takes_any_registry() {
    let log = in_memory();
    start_with(&log, &Arc::new(InMemory::default())).shut_down();
    start(&log, &(Arc::new(NoSchemas) as Arc<dyn Schemas>), "").shut_down();
    let engine = start_with(&log, &Arc::new(InMemory::default()));
    make_all(&engine, "AVRO");
    engine.shut_down();
}

#[test]
fn a_registry_at_another_address_must_mean_the_same_by_its_ids() {
    let (log, schemas) = settled("AVRO");

    let elsewhere = || Some(Place::Elsewhere(vec!["http://other:8081".to_owned()]));
    let other = Arc::new(InMemory::default());
    *other.place.lock() = elsewhere();
    other.register("first", &Schema::alone(Language::Avro, "\"int\"")).unwrap();
    let strange = start_with(&log, &other);
    let told = problems(&strange, "CTAS");
    for part in
        ["the schema registry at http://other:8081", "id", "millstream.schema.registry.accepted=http://other:8081"]
    {
        assert!(told.contains(part), "{told}");
    }
    assert!(states(&strange).iter().all(|state| *state == State::Error));
    let told = refused(&strange, "INSERT INTO made (k, v, t) VALUES (2, 8, 'b');");
    assert!(told.contains("http://other:8081"), "{told}");
    strange.shut_down();
    assert_eq!(other.subjects(), ["first"], "nothing was registered there");

    // The same registry has moved. It must answer once.
    *schemas.place.lock() = elsewhere();
    let moved = start_with(&log, &schemas);
    run(&moved, "INSERT INTO made (k, v, t) VALUES (2, 8, 'b');");
    eventually("the row is counted", || counted(&moved, "b") == ["[\"b\",1]", "End"]);
    eventually("the row is written", || records(&log, "MOVED") == 2);
    moved.shut_down();
    schemas.is_down.store(true, Ordering::SeqCst);
    let again = start_with(&log, &schemas);
    assert_eq!(states(&again), [State::Running, State::Running]);
    again.shut_down();
}

#[test]
fn a_registry_that_was_made_anew_is_seen() {
    let (log, _) = settled("AVRO");

    // It has nothing any more: what is written is registered again, what stands in topics is read as before.
    let empty = Arc::new(InMemory::default());
    let engine = start_with(&log, &empty);
    run(&engine, "INSERT INTO made (k, v, t) VALUES (2, 8, 'b');");
    eventually("the row is counted", || counted(&engine, "b") == ["[\"b\",1]", "End"]);
    eventually("the row is written", || records(&log, "MOVED") == 2);
    assert!(empty.subjects().iter().any(|subject| subject == "MOVED-value"), "{:?}", empty.subjects());
    engine.shut_down();

    // An id of it means something else now.
    let (log, _) = settled("AVRO");
    let other = Arc::new(InMemory::default());
    for (subject, schema) in [("a", "\"int\""), ("b", "\"long\""), ("c", "\"string\"")] {
        other.register(subject, &Schema::alone(Language::Avro, schema)).unwrap();
    }
    let engine = start_with(&log, &other);
    // A producer that has not been started again goes on with the id that it had: v = 4, t = 'b'.
    append(&log, "orders", 2, &[2, 8, 2, 2, b'b']);
    eventually("the query stops", || states(&engine).contains(&State::Error));
    let told = problems(&engine, "CTAS");
    assert!(told.contains("millstream.schema.registry.accepted=http://registry:8081"), "{told}");
    engine.shut_down();
    let there: Arc<dyn Schemas> = Arc::clone(&other) as Arc<dyn Schemas>;
    let engine = start(&log, &there, "http://registry:8081");
    eventually("the queries run", || states(&engine).iter().all(|state| *state == State::Running));
    engine.shut_down();
}

/// The other application's schema has the id that this server's had.
#[test]
fn an_id_that_the_registry_gave_to_another_schema_is_not_written() {
    let (log, schemas) = settled("AVRO");

    let other = Arc::new(InMemory::default());
    for subject in schemas.subjects() {
        other.register(&subject, &Schema::alone(Language::Avro, "\"bytes\"")).unwrap();
        other.close(&subject);
    }
    let engine = start_with(&log, &other);
    assert!(states(&engine).contains(&State::Error), "{:?}", states(&engine));
    assert!(problems(&engine, "CSAS").contains("is closed"), "{}", problems(&engine, "CSAS"));
    let told = refused(&engine, "INSERT INTO made (k, v, t) VALUES (2, 8, 'b');");
    assert!(told.contains("would overwrite existing key schema"), "{told}");
    engine.shut_down();
}

#[test]
fn who_has_not_answered_is_not_asked_for_each_of_what_is_kept() {
    let (log, schemas) = settled("AVRO");

    schemas.is_down.store(true, Ordering::SeqCst);
    let before = schemas.calls.load(Ordering::SeqCst);
    let engine = start_with(&log, &schemas);
    for number in 0..10 {
        run(&engine, &format!("INSERT INTO made (k, v, t) VALUES ({number}, 8, 'b');"));
    }
    assert_eq!(schemas.calls.load(Ordering::SeqCst), before + 1);
    engine.shut_down();
}

#[test]
fn two_that_make_the_same_at_once_leave_what_one_of_them_made() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    let create = "CREATE STREAM twice (v INT) WITH (kafka_topic='twice', value_format='AVRO', partitions=1);";
    let before = schemas.calls.load(Ordering::SeqCst);
    let turn = schemas.turn.lock();
    let made = std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| engine.execute(create, Session::default(), None).is_ok()));
        eventually("both ask", || schemas.calls.load(Ordering::SeqCst) >= before + 2);
        drop(turn);
        both.map(|one| one.join().unwrap())
    });
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    assert_eq!(schemas.subjects(), ["twice-value"]);
    engine.shut_down();
}

#[test]
fn who_waits_for_the_registry_keeps_nobody_waiting() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    make_all(&engine, "AVRO");
    run(&engine, "CREATE STREAM plain (v INT) WITH (kafka_topic='plain', value_format='JSON', partitions=1);");
    run(&engine, "CREATE STREAM plain_out AS SELECT v + 1 AS w FROM plain;");
    let calls = || schemas.calls.load(Ordering::SeqCst);

    let (turn, before) = (schemas.turn.lock(), calls());
    let waits = std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            run(
                &engine,
                "CREATE STREAM slow WITH (kafka_topic='orders', format='AVRO');
                 CREATE TABLE slow_counts AS SELECT v, COUNT(*) AS n FROM slow GROUP BY v;
                 CREATE TYPE later AS STRUCT<a INT>;",
            );
        });
        eventually("it is asked", || calls() > before);
        let query = engine.runtime().queries().iter().map(|query| query.id().to_string()).next_back().unwrap();
        run(&engine, &format!("PAUSE {query}; RESUME {query}; TERMINATE {query};"));
        run(&engine, "DROP STREAM plain_out DELETE TOPIC; CREATE STREAM more AS SELECT v FROM plain;");
        assert!(engine.catalog().source("SLOW").is_none());
        drop(turn);
        waits.join()
    });
    waits.unwrap();
    let catalog = engine.catalog();
    assert!(catalog.source("SLOW_COUNTS").is_some() && catalog.source("MORE").is_some());
    engine.shut_down();
}

#[test]
fn a_statement_that_does_not_fit_any_more_takes_back_what_it_registered() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    run(&engine, "CREATE STREAM plain (v INT) WITH (kafka_topic='plain', value_format='JSON', partitions=1);");
    let before = schemas.calls.load(Ordering::SeqCst);
    let turn = schemas.turn.lock();
    let told = std::thread::scope(|scope| {
        let waits =
            scope.spawn(|| refused(&engine, "CREATE STREAM out WITH (value_format='AVRO') AS SELECT * FROM plain;"));
        eventually("it is asked", || schemas.calls.load(Ordering::SeqCst) > before);
        run(&engine, "DROP STREAM plain;");
        drop(turn);
        waits.join().unwrap()
    });
    assert!(told.contains("PLAIN does not exist"), "{told}");
    assert_eq!(schemas.subjects(), Vec::<String>::new());
    engine.shut_down();
}

/// A stream with a topic and a subject of its own.
const MADE: &str = "CREATE STREAM made (v INT) WITH (kafka_topic='made', value_format='AVRO', partitions=1);";

/// Drops that stream, and its topic; returns the warning that its subject stays.
fn drop_made(engine: &Engine) -> String {
    let answers = engine.execute("DROP STREAM made DELETE TOPIC;", Session::default(), None).unwrap();
    let [warning] = &*answers[0].warnings else { panic!("{:?}", answers[0].warnings) };
    assert!(engine.catalog().source("MADE").is_none());
    assert!(warning.starts_with("Subject made-value stays in the schema registry: "), "{warning}");
    warning.clone()
}

#[test]
fn a_subject_that_another_statement_is_about_to_use_stays() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    run(&engine, MADE);
    let before = schemas.calls.load(Ordering::SeqCst);
    std::thread::scope(|scope| {
        let turn = schemas.turn.lock();
        let waits = scope.spawn(|| run(&engine, &MADE.replace("STREAM made", "STREAM other")));
        eventually("it is asked", || schemas.calls.load(Ordering::SeqCst) > before);
        let drops = scope.spawn(|| drop_made(&engine));
        eventually("it is dropped without a question", || drops.is_finished());
        drop(turn);
        let told = drops.join().unwrap();
        assert!(told.contains("topic made is used"), "{told}");
        waits.join().unwrap();
    });
    assert_eq!(schemas.subjects(), ["made-value"]);
    engine.shut_down();
}

fn notes_of_subjects(log: &Arc<dyn Log>) -> usize {
    let mut notes = 0;
    let mut count = |_: &[u8], _: &[u8]| {
        notes += 1;
        true
    };
    log.kv().scan("commands/subjects", Bound::Unbounded, Bound::Unbounded, &mut count).unwrap();
    notes
}

#[test]
fn the_next_start_deletes_a_subject_that_could_not_be_deleted_unless_it_is_used_again() {
    for is_made_again in [false, true] {
        let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
        let engine = start_with(&log, &schemas);
        run(&engine, MADE);
        schemas.is_down.store(true, Ordering::SeqCst);
        let told = drop_made(&engine);
        assert!(told.contains("connection refused") && told.contains("DELETE /subjects/made-value"), "{told}");
        schemas.is_down.store(false, Ordering::SeqCst);
        if is_made_again {
            run(&engine, MADE);
        }
        run(&engine, "CREATE TYPE other AS STRUCT<a INT>; DROP TYPE other;");
        assert_eq!((schemas.subjects(), notes_of_subjects(&log)), (vec!["made-value".to_owned()], 1));
        engine.shut_down();
        start_with(&log, &schemas).shut_down();
        let stays = if is_made_again { vec!["made-value".to_owned()] } else { Vec::new() };
        assert_eq!((schemas.subjects(), notes_of_subjects(&log)), (stays, 0));
    }
}

#[test]
fn a_subject_that_nobody_may_delete_is_told_once_and_stands_in_nobodys_way() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    run(&engine, MADE);
    schemas.keeps_all.store(true, Ordering::SeqCst);
    assert!(drop_made(&engine).contains("nobody may delete"));
    assert_eq!(notes_of_subjects(&log), 0);
    run(&engine, MADE);
    run(&engine, "INSERT INTO made VALUES (1);");
    engine.shut_down();
}

#[test]
fn a_start_deletes_only_subjects_whose_topic_is_gone_in_the_registry_they_were_in() {
    // What the server was killed over, and whether the topic, a stream over it and the subject are there then.
    for (registry, has_topic, has_stream, stays) in [
        (0, true, true, true),
        (0, true, false, true),
        (0, false, true, true),
        (1, false, false, true),
        (0, false, false, false),
    ] {
        let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
        let engine = start_with(&log, &schemas);
        run(&engine, MADE);
        if !has_stream {
            run(&engine, "DROP STREAM made;");
        }
        engine.shut_down();
        if !has_topic {
            log.delete_topic("made").unwrap();
        }
        let value = format!(r#"{{"registry":{registry},"topics":{{"made-value":"made"}}}}"#);
        let (space, key) = (Arc::from("commands/subjects"), 0_u64.to_be_bytes().to_vec());
        log.kv().write(Write { space, key, value: Some(value.into_bytes()) }.into()).unwrap();
        start_with(&log, &schemas).shut_down();
        let case = (registry, has_topic, has_stream);
        assert_eq!(schemas.subjects() == ["made-value"], stays, "{case:?}");
        assert_eq!(notes_of_subjects(&log), 0, "{case:?}");
    }
}

#[test]
fn a_subject_of_a_topic_that_another_stream_is_over_stays() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    run(&engine, MADE);
    run(&engine, "CREATE STREAM other WITH (kafka_topic='made', value_format='AVRO');");
    assert!(drop_made(&engine).contains("topic made is used"));
    assert_eq!((schemas.subjects(), notes_of_subjects(&log)), (vec!["made-value".to_owned()], 0));
    engine.shut_down();
}

#[test]
fn subjects_of_internal_topics_go_with_them_and_json_has_none() {
    let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
    let engine = start_with(&log, &schemas);
    make_all(&engine, "AVRO");
    assert!(schemas.subjects().iter().any(|subject| subject.ends_with("-repartition-key")), "{:?}", schemas.subjects());
    run(
        &engine,
        "CREATE STREAM plain (k INT KEY, v INT) WITH (kafka_topic='plain', value_format='JSON', partitions=2);
         CREATE TABLE plain_counts AS SELECT v, COUNT(*) AS n FROM plain GROUP BY v;",
    );
    let before = schemas.calls.load(Ordering::SeqCst);
    run(&engine, "DROP TABLE plain_counts DELETE TOPIC;");
    assert_eq!(schemas.calls.load(Ordering::SeqCst), before);
    run(&engine, "TERMINATE ALL;");
    assert!(
        !schemas.subjects().iter().any(|subject| subject.ends_with("-repartition-key")),
        "{:?}",
        schemas.subjects()
    );
    engine.shut_down();
}

#[test]
fn garbage_in_a_topic_is_read_bit_by_bit() {
    for format in ["AVRO", "PROTOBUF", "JSON_SR"] {
        let (log, schemas) = (in_memory(), Arc::new(InMemory::default()));
        let engine = start_with(&log, &schemas);
        run(
            &engine,
            &format!(
                "CREATE STREAM made (v INT) WITH (kafka_topic='made', value_format='{format}', partitions=1);
                 CREATE STREAM copied WITH (value_format='JSON') AS SELECT v + 1 AS w FROM made;"
            ),
        );
        let mut records = RecordsBuilder::default();
        for id in 1_000..1_350 {
            let mut value = Vec::new();
            put_header(id, &mut value);
            value.extend_from_slice(b"whatever");
            records.push(1_000, None, Some(&value));
        }
        let to = TopicPartition { topic: Arc::from("made"), partition: 0 };
        log.append(vec![Output { to, records: records.finish() }]).unwrap();
        run(&engine, "INSERT INTO made VALUES (41);");
        eventually("the good record is read", || self::records(&log, "COPIED") == 1);
        let life = Arc::clone(engine.runtime().queries()[0].life());
        assert_eq!((life.processing_log.count(), life.errors().len()), (350, 0), "{format}");
        engine.shut_down();
    }
}
