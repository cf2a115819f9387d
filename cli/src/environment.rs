//! Settings in the environment, as ksqlDB's images take them: `KSQL_LISTENERS` is `listeners`, `KSQL_KSQL_SERVICE_ID` is
//! `ksql.service.id` (`_` stands for a dot, `__` for an underscore, `___` for a dash), and `KSQL_OPTS` holds `-Dname=value`.

use server::{is_property, misspelt};

/// Prefix of the variables.
const PREFIX: &str = "KSQL_";
/// The one that holds options.
const OPTIONS: &str = "KSQL_OPTS";
/// What is meant for the Java machine that ksqlDB runs in; the beginning of names without the prefix.
const JAVA: &[&str] = &["HEAP_OPTS", "JMX_OPTS", "JVM_", "GC_LOG_", "LOG4J", "CLASSPATH", "DEBUG"];
const NO_JAVA: &str = "has no effect: there is no Java machine";

/// What the environment sets, weakest first, and what of it has no effect.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) warnings: Vec<String>,
}

impl Environment {
    /// That of this process.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self::of(variables.map(|(name, value)| (name, value.to_string_lossy().into_owned())))
    }

    fn of(variables: impl Iterator<Item = (String, String)>) -> Self {
        let mut environment = Self::default();
        let mut options = String::new();
        for (variable, value) in variables {
            match variable.strip_prefix(PREFIX) {
                None | Some("") => {}
                Some(_) if variable == OPTIONS => options = value,
                Some(name) if JAVA.iter().any(|java| name.starts_with(java)) => {
                    environment.warnings.push(format!("{variable} {NO_JAVA}"));
                }
                Some(name) => environment.add(&variable, property(name), value),
            }
        }
        environment.settings.sort();
        environment.warnings.sort();
        environment.add_options(&options);
        environment
    }

    /// A name nobody knows may be meant for somebody else: it stops no start.
    fn add(&mut self, source: &str, name: String, value: String) {
        if is_property(&name) {
            self.settings.push((name, value));
            return;
        }
        let full = format!("ksql.{name}");
        let meant = match source.strip_prefix(PREFIX) {
            Some(bare) if is_property(&full) && source != OPTIONS => Some(format!("{PREFIX}KSQL_{bare}")),
            _ if is_property(&full) => Some(full),
            _ => misspelt(&name).map(str::to_owned),
        };
        let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
        self.warnings.push(format!("{source} has no effect: nobody knows the property {name}{meant}"));
    }

    fn add_options(&mut self, options: &str) {
        for option in options.split_whitespace() {
            match option.strip_prefix("-D").map(|pair| pair.split_once('=').unwrap_or((pair, ""))) {
                Some((name, value)) if !name.starts_with("java.") || is_property(name) => {
                    self.add(OPTIONS, name.to_owned(), value.to_owned());
                }
                Some((name, _)) => self.warnings.push(format!("{OPTIONS}: {name} {NO_JAVA}")),
                None => self.warnings.push(format!("{OPTIONS}: {option} {NO_JAVA}")),
            }
        }
    }
}

/// `KSQL_STREAMS_STATE_DIR` is `ksql.streams.state.dir`.
fn property(variable: &str) -> String {
    let mut name = String::with_capacity(variable.len());
    let mut rest = variable;
    while let Some(at) = rest.find('_') {
        let (before, from) = rest.split_at(at);
        let after = from.trim_start_matches('_');
        name.push_str(&before.to_lowercase());
        // Longer runs begin with dashes.
        let run = from.len() - after.len();
        name.push_str(&"-".repeat(run / 3));
        name.push_str(match run % 3 {
            1 => ".",
            2 => "_",
            _ => "",
        });
        rest = after;
    }
    name + &rest.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::of(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn names_of_variables_become_names_of_properties() {
        assert_eq!(property("LISTENERS"), "listeners");
        assert_eq!(property("KSQL_STREAMS_STATE_DIR"), "ksql.streams.state.dir");
        assert_eq!(property("KSQL_QUERYANONYMIZER_LOGS__ENABLED"), "ksql.queryanonymizer.logs_enabled");
        assert_eq!(property("A___B"), "a-b");
    }

    #[test]
    fn names_nobody_knows_are_told_and_stop_nothing() {
        let environment = environment(&[
            ("KSQL_SERVICE_ID", "q"),
            ("KSQL_STREAMS_AUTO_OFFSET_RESET", "earliest"),
            ("KSQL_LISTNERS", "http://0.0.0.0:1"),
            ("KSQL_PORT", "tcp://10.0.0.1:8088"),
            ("KSQL_SERVICE_HOST", "10.0.0.1"),
            ("KSQL_SECURITY_PROTOCOL", "PLAINTEXT"),
            ("KSQL_OPTS", "-Dksql.service.idd=x -Dservice.id=x"),
        ]);
        let names: Vec<&str> = environment.settings.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["port", "security.protocol"]);
        assert_eq!(
            environment.warnings,
            [
                "KSQL_LISTNERS has no effect: nobody knows the property listners; did you mean listeners?",
                "KSQL_SERVICE_HOST has no effect: nobody knows the property service.host",
                "KSQL_SERVICE_ID has no effect: nobody knows the property service.id; did you mean KSQL_KSQL_SERVICE_ID?",
                "KSQL_STREAMS_AUTO_OFFSET_RESET has no effect: nobody knows the property streams.auto.offset.reset; did you \
                 mean KSQL_KSQL_STREAMS_AUTO_OFFSET_RESET?",
                "KSQL_OPTS has no effect: nobody knows the property ksql.service.idd; did you mean ksql.service.id?",
                "KSQL_OPTS has no effect: nobody knows the property service.id; did you mean ksql.service.id?",
            ]
        );
    }

    #[test]
    fn options_come_after_variables_and_java_is_named() {
        let environment = environment(&[
            ("KSQL_OPTS", "-Dksql.service.id=b -Xmx2g -Djava.io.tmpdir=/t -Djava.security.auth.login.config=/jaas"),
            ("KSQL_KSQL_SERVICE_ID", "a"),
            ("KSQL_HEAP_OPTS", "-Xmx2g"),
            ("PATH", "/bin"),
        ]);
        let expected =
            [("ksql.service.id", "a"), ("ksql.service.id", "b"), ("java.security.auth.login.config", "/jaas")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(environment.settings, expected);
        assert_eq!(
            environment.warnings,
            [
                "KSQL_HEAP_OPTS has no effect: there is no Java machine",
                "KSQL_OPTS: -Xmx2g has no effect: there is no Java machine",
                "KSQL_OPTS: java.io.tmpdir has no effect: there is no Java machine",
            ]
        );
    }
}
