//! Walk 0, first contact; walk 1, riders and locations; walk 6, tear-down and restart.

use serde_json::{Value, json};

use super::session::Session;

pub(super) const RIDER_LOCATIONS: &str =
    "CREATE STREAM riderLocations (profileId VARCHAR, latitude DOUBLE, longitude DOUBLE)
    WITH (kafka_topic='locations', value_format='json', partitions=1);";
pub(super) const CURRENT_LOCATION: &str = "CREATE TABLE currentLocation AS
    SELECT profileId, LATEST_BY_OFFSET(latitude) AS la, LATEST_BY_OFFSET(longitude) AS lo
    FROM riderlocations GROUP BY profileId EMIT CHANGES;";
const RIDERS_NEAR: &str = "CREATE TABLE ridersNearMountainView AS
    SELECT ROUND(GEO_DISTANCE(la, lo, 37.4133, -122.1162), -1) AS distanceInMiles,
           COLLECT_LIST(profileId) AS riders, COUNT(*) AS count
    FROM currentLocation
    GROUP BY ROUND(GEO_DISTANCE(la, lo, 37.4133, -122.1162), -1);";
const RIDERS: [(&str, f64, f64); 6] = [
    ("c2309eec", 37.7877, -122.4205),
    ("18f4ea86", 37.3903, -122.0643),
    ("4ab5cbad", 37.3952, -122.0813),
    ("8b6eae59", 37.3944, -122.0813),
    ("4a7c7b41", 37.4049, -122.0822),
    ("4ddad000", 37.7857, -122.4011),
];
const NEAR: [&str; 2] = [r#"[0.0,["4ab5cbad","8b6eae59","4a7c7b41"],3]"#, r#"[10.0,["18f4ea86"],1]"#];
const FAR: &str = r#"[50.0,["c2309eec","4ddad000"],2]"#;
/// What walk 1 makes, in the order in which it may be dropped, and the topics.
const IN_ORDER: [(&str, &str, &str); 3] = [
    ("TABLE", "ridersNearMountainView", "RIDERSNEARMOUNTAINVIEW"),
    ("TABLE", "currentLocation", "CURRENTLOCATION"),
    ("STREAM", "riderLocations", "locations"),
];
const ALL_CLASSES: &str = "SELECT * FROM ridersNearMountainView;";

fn insert(session: &Session, (rider, latitude, longitude): (&str, f64, f64)) {
    let row = format!("('{rider}', {latitude}, {longitude})");
    let statement = format!("INSERT INTO riderLocations (profileId, latitude, longitude) VALUES {row};");
    session.ksql(&statement).says_nothing();
}

/// Steps 1.1 to 1.3; the ids of the two queries.
fn create_views(session: &Session) -> [String; 2] {
    session.ksql(RIDER_LOCATIONS).done("Stream created");
    [
        session.ksql(CURRENT_LOCATION).started("CTAS_CURRENTLOCATION"),
        session.ksql(RIDERS_NEAR).started("CTAS_RIDERSNEARMOUNTAINVIEW"),
    ]
}

#[test]
fn walk_0_first_contact() {
    let session = Session::new();
    // 0.1
    let info = session.get("/info").json();
    let info = info["KsqlServerInfo"].as_object().unwrap();
    assert_eq!(
        info.keys().collect::<Vec<_>>(),
        ["version", "kafkaClusterId", "ksqlServiceId", "serverStatus"],
        "clients read them"
    );
    assert_eq!(info["serverStatus"], "RUNNING");
    // 0.2
    let health = session.get("/healthcheck").json();
    assert_eq!((&health["isHealthy"], &health["serverState"]), (&json!(true), &json!("READY")));
    // 0.3, 0.4
    assert_eq!(session.ksql("LIST STREAMS;").entity("streams")["streams"], json!([]));
    assert_eq!(session.ksql("LIST TABLES;").entity("tables")["tables"], json!([]));
    assert_eq!(session.ksql("LIST QUERIES;").entity("queries")["queries"], json!([]));
    assert_eq!(session.ksql("LIST TOPICS;").entity("kafka_topics")["topics"], json!([]));
    // 0.5
    let functions = session.ksql("LIST FUNCTIONS;").entity("function_names");
    for (name, kind) in [("LATEST_BY_OFFSET", "AGGREGATE"), ("GEO_DISTANCE", "SCALAR"), ("EXPLODE", "TABLE")] {
        let listed = functions["functions"].as_array().unwrap().iter().find(|function| function["name"] == name);
        assert_eq!(listed.map(|function| &function["type"]), Some(&json!(kind)), "{name}");
    }
    // 0.6
    let function = session.ksql("DESCRIBE FUNCTION GEO_DISTANCE;").entity("describe_function");
    let variations = function["functions"].as_array().unwrap();
    let mut arguments: Vec<usize> = variations.iter().map(|v| v["arguments"].as_array().unwrap().len()).collect();
    arguments.sort_unstable();
    assert_eq!(arguments, [4, 5]);
    assert!(variations.iter().all(|variation| variation["returnType"] == "DOUBLE"));
    // 0.7
    let properties = session.ksql("LIST PROPERTIES;").entity("properties");
    assert!(!properties["properties"].as_array().unwrap().is_empty());
}

#[test]
fn walk_1_quickstart() {
    let session = Session::new();
    // 1.1
    let created = session.ksql(RIDER_LOCATIONS).done("Stream created");
    assert_eq!(created["commandId"], "stream/`RIDERLOCATIONS`/create");
    let topics = session.ksql("LIST TOPICS;").entity("kafka_topics")["topics"].clone();
    assert_eq!(topics, json!([{"name": "locations", "replicaInfo": [1]}]));
    // 1.2, 1.3
    let current = session.ksql(CURRENT_LOCATION).started("CTAS_CURRENTLOCATION");
    let near = session.ksql(RIDERS_NEAR).started("CTAS_RIDERSNEARMOUNTAINVIEW");
    // 1.4: the header comes at once, before there is any row.
    let mut watch = session.watch(
        "SELECT * FROM riderLocations WHERE GEO_DISTANCE(latitude, longitude, 37.4133, -122.1162) <= 5 EMIT CHANGES;",
    );
    watch.has_columns(&["PROFILEID", "LATITUDE", "LONGITUDE"], &["STRING", "DOUBLE", "DOUBLE"]);
    // 1.5, 1.6
    RIDERS.into_iter().for_each(|rider| insert(&session, rider));
    for row in [2, 3, 4].map(|i| RIDERS[i]) {
        assert_eq!(watch.next().unwrap(), json!([row.0, row.1, row.2]).to_string());
    }
    check_distances(&session);
    // 1.7
    let nearby = "SELECT * FROM ridersNearMountainView WHERE distanceInMiles <= 10;";
    session.settles_on(nearby, &NEAR);
    let types = ["DOUBLE", "ARRAY<STRING>", "BIGINT"];
    assert_eq!(session.query(nearby).rows(&["DISTANCEINMILES", "RIDERS", "COUNT"], &types), NEAR);
    session.settles_on(ALL_CLASSES, &[NEAR[0], NEAR[1], FAR]);
    // 1.8: the rider leaves one group and enters another.
    insert(&session, ("4ab5cbad", 37.7877, -122.4205));
    let moved = r#"[50.0,["c2309eec","4ddad000","4ab5cbad"],3]"#;
    session.settles_on(ALL_CLASSES, &[r#"[0.0,["8b6eae59","4a7c7b41"],2]"#, NEAR[1], moved]);
    // 1.9
    let persistent = [(current, "PERSISTENT".to_owned()), (near, "PERSISTENT".to_owned())];
    assert!(watch.id().starts_with("transient_RIDERLOCATIONS_"));
    let push = (watch.id().to_owned(), "PUSH".to_owned());
    assert_eq!(session.queries(), [&persistent[..], &[push]].concat());
    let closed = session.close(watch.id());
    assert_eq!((closed.status, closed.body.as_str()), (200, ""));
    assert_eq!(watch.next(), None, "a closed query ends, and the rider who left was no row of it");
    assert_eq!(session.queries(), persistent);
    // 1.10
    check_print(&session);
}

/// The table below step 1.6.
fn check_distances(session: &Session) {
    let distance = "GEO_DISTANCE(latitude, longitude, 37.4133, -122.1162)";
    let answer =
        session.query(&format!("SELECT profileId, ROUND({distance}, 3), ROUND({distance}, -1) FROM riderLocations;"));
    let rows = [
        r#"["c2309eec",49.516,50.0]"#,
        r#"["18f4ea86",5.25,10.0]"#,
        r#"["4ab5cbad",3.682,0.0]"#,
        r#"["8b6eae59",3.731,0.0]"#,
        r#"["4a7c7b41",3.145,0.0]"#,
        r#"["4ddad000",48.422,50.0]"#,
    ];
    assert_eq!(answer.lines()[1..], rows);
}

fn check_print(session: &Session) {
    let print = "PRINT locations FROM BEGINNING LIMIT 1;";
    let record =
        r#", key: <null>, value: {"PROFILEID":"c2309eec","LATITUDE":37.7877,"LONGITUDE":-122.4205}, partition: 0"#;
    let is_record = |line: &str| {
        let time = line.strip_prefix("rowtime: ").and_then(|rest| rest.strip_suffix(record));
        // 2026/08/21 10:00:00.000 Z
        time.is_some_and(|time| time.len() == 25 && time.ends_with(" Z") && time.matches('/').count() == 2)
    };
    let answer = session.query(print);
    let [line] = answer.lines()[..] else { panic!("{}", answer.body) };
    assert!(is_record(line), "{line}");
    let answer = session.old_query(print);
    let [key, value, line] = answer.lines()[..] else { panic!("{}", answer.body) };
    assert_eq!(key, "Key format: ¯\\_(ツ)_/¯ - no data processed");
    assert_eq!(value, "Value format: JSON or KAFKA_STRING");
    assert!(is_record(line), "{line}");
}

#[test]
fn walk_6_tear_down() {
    let session = Session::new();
    create_views(&session);
    RIDERS.into_iter().for_each(|rider| insert(&session, rider));
    for (kind, name, topic) in &IN_ORDER[1..] {
        let words = ["Cannot drop", "The following streams and/or tables read from this source", "before dropping"];
        let in_the_wrong_order = session.ksql(&format!("DROP {kind} {name} DELETE TOPIC;"));
        in_the_wrong_order.refused(400, 40001, "statement_error", &words);
        assert!(session.names("LIST TOPICS;", "topics").iter().any(|listed| listed == topic));
    }
    drop_all(&session);
}

/// Drops what walk 1 made; nothing is left then.
fn drop_all(session: &Session) {
    for (kind, name, topic) in IN_ORDER {
        let dropped = session.ksql(&format!("DROP {kind} {name} DELETE TOPIC;"));
        dropped.done(&format!("Source `{}` (topic: {topic}) was dropped.", name.to_uppercase()));
    }
    for (statement, list) in [("LIST STREAMS;", "streams"), ("LIST TABLES;", "tables"), ("LIST TOPICS;", "topics")] {
        assert_eq!(session.names(statement, list), [""; 0], "{statement}");
    }
    assert_eq!(session.queries(), []);
}

#[test]
fn walk_6_terminate_all_leaves_the_tables_as_they_are() {
    let session = Session::new();
    create_views(&session);
    RIDERS.into_iter().for_each(|rider| insert(&session, rider));
    session.settles_on(ALL_CLASSES, &[NEAR[0], NEAR[1], FAR]);
    session.ksql("TERMINATE ALL;").done("Query terminated.");
    assert_eq!(session.queries(), []);
    let described = session.ksql("DESCRIBE currentLocation;").entity("sourceDescription");
    assert_eq!(described["sourceDescription"]["writeQueries"], json!([]));
    insert(&session, ("4ab5cbad", 37.7877, -122.4205));
    assert_eq!(session.query("SELECT * FROM riderLocations;").lines().len(), 1 + 7);
    session
        .ksql("CREATE STREAM changes (la DOUBLE) WITH (kafka_topic='CURRENTLOCATION', value_format='json');")
        .done("Stream created");
    assert_eq!(session.query("SELECT * FROM changes;").lines().len(), 1 + 6, "the seventh row changes nothing");
    assert_eq!(session.names("LIST TABLES;", "tables"), ["CURRENTLOCATION", "RIDERSNEARMOUNTAINVIEW"]);
    session.ksql("DROP STREAM changes;").done("Source `CHANGES` (topic: CURRENTLOCATION) was dropped.");
    drop_all(&session);
}

#[test]
fn walk_6_everything_is_back_after_a_restart() {
    let session = Session::new();
    let ids = create_views(&session);
    RIDERS.into_iter().for_each(|rider| insert(&session, rider));
    session.settles_on(ALL_CLASSES, &[NEAR[0], NEAR[1], FAR]);
    let watch = session.watch("SELECT * FROM riderLocations EMIT CHANGES;");
    assert_eq!(session.queries().len(), 3);
    let streams: Value = session.ksql("LIST STREAMS; LIST TABLES;").json();

    let session = session.restarted();
    drop(watch);
    assert_eq!(session.ksql("LIST STREAMS; LIST TABLES;").json(), streams);
    let running: Vec<String> = session.queries().into_iter().map(|(id, _)| id).collect();
    assert_eq!(running, ids, "the same ids, and no push query");
    assert_eq!(session.query(ALL_CLASSES).lines()[1..], [NEAR[0], NEAR[1], FAR]);
    insert(&session, ("4ab5cbad", 37.7877, -122.4205));
    let moved = r#"[50.0,["c2309eec","4ddad000","4ab5cbad"],3]"#;
    session.settles_on(ALL_CLASSES, &[r#"[0.0,["8b6eae59","4a7c7b41"],2]"#, NEAR[1], moved]);
    let next = session.ksql("CREATE STREAM again AS SELECT * FROM riderLocations;").started("CSAS_AGAIN");
    let number = |id: &str| id.rsplit('_').next().and_then(|number| number.parse::<u64>().ok()).unwrap();
    assert!(ids.iter().all(|id| number(id) < number(&next)), "{next} after {ids:?}");
}
