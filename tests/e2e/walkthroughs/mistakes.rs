//! Walk 5: the mistakes a newcomer makes, and what people paste into search engines then.

use super::quickstart::{CURRENT_LOCATION, RIDER_LOCATIONS};
use super::session::{Answer, Session};

/// The streams and tables of walk 1 as far as the mistakes need them.
fn session() -> Session {
    let session = Session::new();
    session.ksql(RIDER_LOCATIONS).done("Stream created");
    session.ksql(CURRENT_LOCATION).started("CTAS_CURRENTLOCATION");
    session
}

/// 400, 40001, about the statement.
#[track_caller]
fn wrong(answer: &Answer, words: &[&str]) -> String {
    answer.refused(400, 40001, "statement_error", words)
}

#[test]
fn walk_5_the_wrong_endpoint_and_the_wrong_words() {
    let session = session();
    let select = session.ksql("SELECT * FROM riderLocations EMIT CHANGES;");
    select.refused(400, 40002, "statement_error", &["/query"]);
    let words = ["line 1:1: Syntax Error", "Unknown statement 'SELEC'", "Did you mean 'SELECT'?"];
    wrong(&session.ksql("SELEC * FROM x;"), &words);
    let quoted = session.query("SELECT * FROM \"riderLocations\" EMIT CHANGES;");
    wrong(&quoted, &["riderLocations does not exist.", "Hint: try removing double quotes"]);
    let two = "SELECT * FROM currentLocation; SELECT * FROM currentLocation;";
    let message = wrong(&session.query(two), &[]);
    assert_eq!(message, format!("Expected exactly one KSQL statement; found 2 instead\nStatement: {two}"));
    wrong(&session.ksql("SET 'auto.offset.resett'='earliest';"), &["Unknown property: auto.offset.resett"]);
    assert_eq!(wrong(&session.ksql("TERMINATE nope;"), &[]), "Unknown queryId: NOPE");
}

#[test]
fn walk_5_creating() {
    let session = session();
    let topic = session.ksql("CREATE STREAM s (id INT KEY) WITH (kafka_topic='nope', value_format='json');");
    let words = [
        "Topic 'nope' does not exist. If you want to create a new topic",
        "'PARTITIONS'",
        "For example: CREATE STREAM",
    ];
    topic.refused(400, 40000, "generic_error", &words);
    let twice = wrong(&session.ksql(RIDER_LOCATIONS), &[]);
    assert_eq!(twice, "Cannot add stream 'RIDERLOCATIONS': A stream with the same name already exists");
    let if_not_exists = RIDER_LOCATIONS.replace("CREATE STREAM", "CREATE STREAM IF NOT EXISTS");
    let warning = session.ksql(&if_not_exists).entity("warning_entity");
    let message = "Cannot add stream `RIDERLOCATIONS`: A stream with the same name already exists.";
    assert_eq!(warning["message"], message);
    let table = "CREATE TABLE t (id INT, n VARCHAR) WITH (kafka_topic='t', value_format='json', partitions=1);";
    assert_eq!(wrong(&session.ksql(table), &[]), "Tables require a PRIMARY KEY. Please define the PRIMARY KEY.");
    let count = "SELECT COUNT(*) FROM riderLocations EMIT CHANGES";
    assert_eq!(
        wrong(&session.ksql(&format!("CREATE TABLE c AS {count};")), &[]),
        "Could not determine output schema for query due to error: CREATE TABLE AS SELECT statement does not support \
         aggregate function [COUNT(ROWTIME)] without a GROUP BY clause."
    );
    let mut running_total = session.watch(&format!("{count};"));
    session.ksql("INSERT INTO riderLocations (profileId) VALUES ('x');").says_nothing();
    assert_eq!(running_total.next().as_deref(), Some("[1]"), "as a push query the same SELECT is allowed");
    let avro = "CREATE STREAM av WITH (kafka_topic='av', value_format='avro', partitions=1);";
    session.ksql(avro).refused(400, 40001, "statement_error", &["Subject: av-value"]);
    assert_eq!(session.names("LIST STREAMS;", "streams"), ["RIDERLOCATIONS"], "nothing came of all this");
    assert_eq!(session.names("LIST TOPICS;", "topics"), ["CURRENTLOCATION", "locations"]);
}

#[test]
fn walk_5_inserting_and_printing() {
    let session = session();
    assert_eq!(
        wrong(&session.ksql("INSERT INTO riderLocations (profileId, latitude) VALUES ('x', 'abc');"), &[]),
        "Failed to insert values into 'RIDERLOCATIONS'. Expected type DOUBLE for field `LATITUDE` but got STRING(abc)"
    );
    let unknown = session.ksql("INSERT INTO nope VALUES (1);").refused(400, 40000, "generic_error", &[]);
    assert_eq!(unknown, "Cannot insert values into an unknown stream/table: `NOPE`");
    let missing = session.query("PRINT 'nope';").refused(400, 40001, "generic_error", &[]);
    assert_eq!(missing, "Topic does not exist: nope");
    session.old_query("PRINT 'nope';").refused(400, 40000, "generic_error", &["Could not find topic 'nope'"]);
}

#[test]
fn walk_5_dropping() {
    let session = session();
    assert_eq!(
        wrong(&session.ksql("DROP STREAM riderLocations;"), &[]),
        "Cannot drop RIDERLOCATIONS.\nThe following streams and/or tables read from this source: [CURRENTLOCATION].\n\
         You need to drop them before dropping RIDERLOCATIONS."
    );
    session
        .ksql("CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='json', partitions=1);")
        .done("Stream created");
    session
        .ksql("CREATE STREAM y (a INT) WITH (kafka_topic='y', value_format='json', partitions=1);")
        .done("Stream created");
    let from_x = session.ksql("INSERT INTO y SELECT * FROM x;").started("INSERTQUERY");
    let refusal = |name: &str, readers: &str, writers: &str| {
        format!(
            "Cannot drop {name}.\nThe following queries read from this source: [{readers}].\nThe following queries write \
             into this source: [{writers}].\nYou need to terminate them before dropping {name}."
        )
    };
    assert_eq!(wrong(&session.ksql("DROP STREAM x;"), &[]), refusal("X", &from_x, ""));
    assert_eq!(wrong(&session.ksql("DROP STREAM y;"), &[]), refusal("Y", "", &from_x));
    assert_eq!(wrong(&session.ksql("DROP STREAM nope;"), &[]), "Stream NOPE does not exist.");
    assert_eq!(session.ksql("DROP STREAM IF EXISTS nope;").status, 200);
}
