use super::*;

const BROKERS: (&str, &str) = ("bootstrap.servers", "localhost:9092");

fn config(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::new([BROKERS].iter().chain(settings).copied())
}

fn told(settings: &[(&str, &str)]) -> Vec<String> {
    config(settings).unwrap().ineffective().map(|(name, reason)| format!("{name}: {reason}")).collect()
}

fn prefix(client: KafkaClient) -> &'static str {
    match client {
        Admin => "admin.",
        Producer => "producer.",
        Consumer => "consumer.",
    }
}

/// Values that a setting may have, and what the library gets for them.
fn samples(rule: Rule) -> Vec<(String, String)> {
    let same = |value: &str| (value.to_owned(), value.to_owned());
    match rule {
        Own(_, Integer(least, most)) => vec![same(&least.to_string()), same(&most.to_string())],
        Own(_, Boolean) => vec![same("true"), ("FALSE".to_owned(), "false".to_owned())],
        Own(_, Choice(choices)) => choices.iter().map(|choice| same(choice)).collect(),
        Own(..) => vec![same("Some text")],
        Kib(..) => vec![("1024".to_owned(), "1".to_owned()), ("5000".to_owned(), "4".to_owned())],
        Buffer(_) => vec![("-1".to_owned(), "0".to_owned()), same("65536")],
        Always(..) | Without(_) | Refused(..) => Vec::new(),
    }
}

#[test]
fn every_setting_reaches_the_library_or_says_why_not() {
    for (bare, of, rule) in SETTINGS.iter().filter(|(bare, ..)| *bare != BROKERS.0) {
        for client in of.iter().copied() {
            for name in [format!("ksql.streams.{}{bare}", prefix(client)), format!("{}{bare}", prefix(client))] {
                match rule {
                    Own(own, _) | Kib(own, _) | Buffer(own) => {
                        for (value, wanted) in samples(*rule) {
                            let config = config(&[(&name, &value)]).unwrap();
                            assert_eq!(config.kafka_tuning(client).get(own), Some(&wanted), "{name}={value}");
                            assert!(config.ineffective().next().is_none(), "{name}={value}");
                        }
                    }
                    Always(values, reason) => {
                        assert!(values.iter().all(|value| told(&[(&name, value)]).is_empty()), "{name}");
                        assert_eq!(told(&[(&name, "other")]), [format!("{name}: {reason}")]);
                    }
                    // The consumers that read sources have it from the queries.
                    Without(_) if super::super::OF_CONSUMERS_TOO.contains(bare) => {
                        assert_eq!(super::super::effect(&name), Some(Effect::Full), "{name}");
                    }
                    Without(reason) => assert_eq!(told(&[(&name, "1")]), [format!("{name}: {reason}")]),
                    Refused(promise, why) => {
                        let value = if let Promise::If(value) = promise { value } else { "x" };
                        let refused = ConfigError::Refused { name: name.clone(), why };
                        assert_eq!(config(&[(&name, value)]).unwrap_err(), refused);
                    }
                }
            }
        }
    }
    for (reason, names) in OF_STREAMS {
        for name in names.iter().map(|bare| format!("ksql.streams.{bare}")) {
            assert_eq!(told(&[(&name, "x")]), [format!("{name}: {reason}")]);
        }
    }
}

#[test]
fn no_setting_stands_twice_for_one_kind_of_client() {
    let mut known = std::collections::BTreeSet::new();
    for (bare, of, _) in SETTINGS {
        assert!(of.iter().all(|client| known.insert((bare, prefix(*client)))), "{bare}");
    }
    let mut streams = std::collections::BTreeSet::new();
    for name in OF_STREAMS.iter().flat_map(|(_, names)| *names) {
        assert!(streams.insert(name) && SETTINGS.iter().all(|(bare, ..)| bare != name), "{name}");
    }
}

#[test]
fn what_is_for_one_kind_of_client_counts_for_it_alone_and_for_more() {
    let config = config(&[
        ("client.id", "all"),
        ("ksql.streams.client.id", "streams"),
        ("producer.client.id", "writes"),
        ("consumer.client.id", "reads"),
        ("main.consumer.client.id", "reads mainly"),
        ("linger.ms", "3"),
        ("ksql.streams.consumer.linger.ms", "4"),
    ]);
    let config = config.unwrap();
    let id = |client| config.kafka_tuning(client).remove("client.id").unwrap();
    assert_eq!([id(Admin), id(Producer), id(Consumer)], ["streams", "writes", "reads mainly"]);
    assert_eq!(config.kafka_tuning(Producer).remove("linger.ms").unwrap(), "3");
    assert_eq!(config.kafka_tuning(Consumer).remove("linger.ms"), None);
    let lost: Vec<_> = config.ineffective().collect();
    assert_eq!(lost, [("ksql.streams.consumer.linger.ms", OTHER_KIND.to_owned())]);
}

#[test]
fn what_no_client_could_have_is_refused_by_its_name_with_brokers_alone() {
    for (name, value, part) in [
        ("ksql.streams.producer.linger.ms", "soon", "Not a number of type LONG"),
        ("linger.ms", "5001", "Value must be no more than 5000"),
        ("producer.compression.type", "brotli", "String must be one of: none, gzip, snappy, lz4, zstd"),
        ("consumer.check.crcs", "yes", "Expected value to be either true or false"),
        ("send.buffer.bytes", "-2", "Value must be at least -1"),
        ("ksql.streams.producer.partitioner.class", "x.Y", "follows from its key"),
        ("admin.bootstrap.servers", "elsewhere:9092", "all clients connect to the brokers of bootstrap.servers"),
        ("config.providers", "file", "would not be replaced"),
    ] {
        let error = config(&[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(part), "{error}");
        assert!(Config::new([(name, value)]).is_ok(), "nothing is connected to");
        assert!(config(&[(name, "")]).is_ok(), "{name}: it asks for nothing");
    }
}

#[test]
fn a_name_that_kafka_does_not_have_is_told_with_the_nearest_that_it_has() {
    for (name, meant) in [
        ("ksql.streams.producer.lingr.ms", "ksql.streams.producer.linger.ms"),
        ("consumer.fetch.max.byte", "consumer.fetch.max.bytes"),
        ("ksql.streams.num.stream.thread", "ksql.streams.num.stream.threads"),
        ("ksql.streams.topology.optimisation", "ksql.streams.topology.optimization"),
    ] {
        assert_eq!(told(&[(name, "1")]), [format!("{name}: {NO_SUCH}; did you mean {meant}?")]);
    }
    assert_eq!(told(&[("producer.my.own", "1")]), [format!("producer.my.own: {NO_SUCH}")]);
    assert_eq!(told(&[("restore.consumer.fetch.min.bytes", "1")]).len(), 1);
}

#[test]
fn without_brokers_nothing_is_tuned_and_that_is_told() {
    let config = Config::new([("ksql.streams.producer.linger.ms", "5"), ("producer.acks", "all")]).unwrap();
    let told: Vec<_> = config.ineffective().collect();
    assert_eq!(told, [("ksql.streams.producer.linger.ms", NO_KAFKA.to_owned())]);
}

#[test]
fn settings_of_queries_may_stand_among_those_of_consumers() {
    for name in ["ksql.streams.consumer.auto.offset.reset", "main.consumer.auto.offset.reset"] {
        let config = config(&[(name, "earliest")]).unwrap();
        assert!(config.reads_from_earliest() && config.ineffective().next().is_none(), "{name}");
    }
    let brokers = Config::new([("ksql.streams.bootstrap.servers", "a:1")]).unwrap();
    assert_eq!(brokers.brokers(), Some("a:1"));
}
