//! Small statements that ask for much. Where a bound is missing, these fill memory or do not end.

use super::World;

/// `n` types of which each has the one before twice.
fn types(n: usize) -> String {
    let doubled = |n: usize| format!("CREATE TYPE t{n} AS STRUCT<a t{m}, b t{m}>;", m = n - 1);
    std::iter::once("CREATE TYPE t0 AS STRUCT<a INT, b INT>;".to_owned()).chain((1..n).map(doubled)).collect()
}

#[test]
fn types_do_not_multiply_without_end() {
    let message = World::new().refused(&types(60));
    assert!(message.contains("A type may have 2000 parts"), "{message}");
    let chain: String = (1..900).map(|n| format!("CREATE TYPE c{n} AS ARRAY<c{}>;", n - 1)).collect();
    let message = World::new().refused(&format!("CREATE TYPE c0 AS INT; {chain}"));
    assert!(message.contains("520 levels"), "{message}");
    let mut world = World::new();
    world.run(&types(9)).unwrap();
    let one = format!(
        "CREATE TYPE many AS STRUCT<{}>;",
        (0..2000).map(|n| format!("f{n} t8")).collect::<Vec<_>>().join(", ")
    );
    assert!(world.refused(&one).contains("A type may have 2000 parts"));
    let columns = (0..1000).map(|n| format!("f{n} t8")).collect::<Vec<_>>().join(", ");
    let with = "WITH (kafka_topic='x', value_format='json', partitions=1)";
    let message = world.refused(&format!("CREATE STREAM many ({columns}) {with};"));
    assert!(message.contains("may have 10000 parts"), "{message}");
}

#[test]
fn results_do_not_multiply_without_end() {
    let thread = std::thread::Builder::new().stack_size(sql::STACK_BYTES);
    thread.spawn(multiply_results).unwrap().join().unwrap();
}

fn multiply_results() {
    let mut world = World::new();
    world.run(&types(9)).unwrap();
    let with = "WITH (kafka_topic='x', value_format='json', partitions=1)";
    world.run(&format!("CREATE STREAM big (s t8, i INT) {with};")).unwrap();
    let mut refused = |select: &str| {
        let message = world.push(&format!("SELECT {select} FROM big EMIT CHANGES;")).unwrap_err().message;
        assert!(message.contains("too large"), "{message}");
    };
    let list = |item: &str, n: usize| vec![item; n].join(", ");
    refused(&list("s->a->a->a", 9000));
    refused(&list("*", 40_000));
    refused(&format!("STRUCT({})->*", (0..9000).map(|n| format!("a{n} := 1")).collect::<Vec<_>>().join(", ")));
    let structure = format!("{}s{}", "STRUCT(a := ".repeat(500), ")".repeat(500));
    refused(&list(&structure, 16));
    let case = |inner: &str| format!("CASE {inner} WHEN 1 THEN 1 WHEN 2 THEN 2 WHEN 3 THEN 3 END");
    refused(&(0..40).fold("i".to_owned(), |inner, _| case(&inner)));
    let between = |inner: &str| format!("CASE WHEN {inner} BETWEEN 1 AND 2.0e0 THEN 1 ELSE 2 END");
    refused(&(0..100).fold("i".to_owned(), |inner, _| between(&inner)));
}

#[test]
fn chains_of_streams_do_not_multiply_without_end() {
    let mut world = World::new();
    world.run("CREATE STREAM s (s INT) WITH (kafka_topic='s', value_format='json', partitions=1);").unwrap();
    let doubled = |n: usize| {
        let from = if n == 0 { "s".to_owned() } else { format!("d{}", n - 1) };
        format!("CREATE STREAM d{n} AS SELECT STRUCT(a := {from}.s, b := {from}.s) AS s FROM {from};")
    };
    let message = world.refused(&(0..40).map(doubled).collect::<String>());
    assert!(message.contains("may have 10000 parts"), "{message}");
}

/// Names are looked up, not searched for.
#[test]
fn wide_statements_are_planned() {
    let mut world = World::new();
    let columns: Vec<String> = (0..5000).map(|n| format!("c{n}")).collect();
    let declared: Vec<String> = columns.iter().map(|name| format!("{name} INT")).collect();
    let with = "WITH (kafka_topic='w', value_format='json', partitions=1)";
    world.run(&format!("CREATE STREAM w ({}) {with};", declared.join(", "))).unwrap();
    world.run(&format!("CREATE STREAM x AS SELECT {} FROM w;", columns.join(", "))).unwrap();
    world.run("CREATE STREAM y AS SELECT * FROM w;").unwrap();
    world.run(&format!("CREATE STREAM z AS SELECT {} FROM w;", columns.join(" + 1, "))).unwrap();
    let numbers: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    world.run(&format!("CREATE STREAM i AS SELECT * FROM w WHERE c1 IN ({});", numbers.join(", "))).unwrap();
    let whens: String = numbers.iter().map(|n| format!(" WHEN {n} THEN {n}")).collect();
    world.run(&format!("CREATE STREAM k AS SELECT CASE c1{whens} END AS x FROM w;")).unwrap();
    world.run("CREATE STREAM s (r STRUCT<b INT>) WITH (kafka_topic='s', value_format='json', partitions=1);").unwrap();
    world.run(&format!("CREATE STREAM n AS SELECT {} FROM s;", vec!["r->b"; 5000].join(", "))).unwrap();
}
