//! Queries that would be fed by what is told of them: by their entries in the processing log, or by their dead letters,
//! whether through what queries write or through what is told of those. They would fail for ever, so nothing is told of them
//! there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The topics around a query.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) reads: Vec<String>,
    pub(super) sink: Option<String>,
    /// That of its dead letters.
    pub(super) letters: Option<Arc<str>>,
}

/// What feeds a query of what is told of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fed {
    /// The topic of the processing log.
    pub(super) by_log: bool,
    /// That of its dead letters.
    pub(super) by_letters: bool,
}

/// By what each of the queries that exist is fed.
pub(super) fn fed(flows: &[&Flow], log_topic: Option<&str>) -> Vec<Fed> {
    let mut fed = vec![Fed::default(); flows.len()];
    if log_topic.is_none() && flows.iter().all(|flow| flow.letters.is_none()) {
        return fed;
    }
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, flow) in flows.iter().enumerate() {
        for topic in &flow.reads {
            readers.entry(topic).or_default().push(at);
        }
    }
    let graph = Graph { flows, readers };
    if let Some(topic) = log_topic {
        graph.behind(topic).into_iter().for_each(|at| fed[at].by_log = true);
    }
    // All that an entry leads to, also by dead letters, writes none: no circle of dead letters goes through the log.
    let topics: HashSet<&str> = flows.iter().filter_map(|flow| flow.letters.as_deref()).collect();
    for topic in topics {
        for at in graph.behind(topic) {
            fed[at].by_letters |= flows[at].letters.as_deref() == Some(topic);
        }
    }
    fed
}

struct Graph<'a> {
    flows: &'a [&'a Flow],
    readers: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Graph<'a> {
    /// The queries that a record of that topic can lead to.
    fn behind(&self, topic: &'a str) -> HashSet<usize> {
        let (mut behind, mut topics, mut seen) = (HashSet::new(), vec![topic], HashSet::from([topic]));
        while let Some(topic) = topics.pop() {
            for &at in self.readers.get(topic).into_iter().flatten() {
                if behind.insert(at) {
                    let Flow { sink, letters, .. } = self.flows[at];
                    let written = [sink.as_deref(), letters.as_deref()];
                    topics.extend(written.into_iter().flatten().filter(|topic| seen.insert(topic)));
                }
            }
        }
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::{Fed, Flow, fed};

    /// Queries as `reads sink letters`, `-` for none → of each, by what it is fed.
    fn check(queries: &[&str], expected: &[&str]) {
        let flows: Vec<Flow> = queries
            .iter()
            .map(|query| {
                let words: Vec<&str> = query.split(' ').collect();
                let optional = |at: usize| Some(words[at]).filter(|word| *word != "-");
                Flow {
                    reads: words[0].split(',').map(str::to_owned).collect(),
                    sink: optional(1).map(str::to_owned),
                    letters: optional(2).map(Into::into),
                }
            })
            .collect();
        let told = |fed: &Fed| match (fed.by_log, fed.by_letters) {
            (false, false) => "-",
            (true, false) => "log",
            (false, true) => "letters",
            (true, true) => "both",
        };
        let flows: Vec<&Flow> = flows.iter().collect();
        assert_eq!(fed(&flows, Some("log")).iter().map(told).collect::<Vec<_>>(), expected, "{queries:?}");
    }

    #[test]
    fn a_query_is_fed_through_sinks_and_letters() {
        check(&["a b dead", "b c -"], &["-", "-"]);
        // Through sinks.
        check(&["x y -", "log x -", "z w -"], &["log", "log", "-"]);
        check(&["raw y dead", "dead raw dead"], &["letters", "letters"]);
        check(&["a,b c dead", "dead d -", "d b -"], &["letters", "-", "-"]);
        // Each has the other's input as its topic of dead letters.
        check(&["a x b", "b y a"], &["letters", "letters"]);
        // Letters, whose reader is told of in the log, which leads back.
        check(&["a b dead", "dead c -", "log a -"], &["log", "log", "log"]);
        check(&["log a dead", "dead b -"], &["log", "log"]);
        check(&["a a dead"], &["-"]);
        check(&["dead - dead"], &["letters"]);
    }
}
