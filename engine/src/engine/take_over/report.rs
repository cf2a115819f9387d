//! What taking over would do, in words.

use std::fmt;

/// What taking over would do, for the one who is to decide it.
#[derive(Debug)]
pub struct TakeOver {
    pub(super) topic: String,
    pub(super) commands: usize,
    pub(super) entries: Vec<Entry>,
    /// Queries that a ksqlDB server still runs.
    pub(super) running: Vec<String>,
}

/// A command that is in effect.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) offset: i64,
    pub(super) query_id: Option<String>,
    pub(super) statement: String,
    /// Why it cannot be taken over.
    pub(super) problem: Option<String>,
    /// How far its query is behind, in records.
    pub(super) behind: Option<i64>,
}

impl TakeOver {
    /// Whether all that is in effect can be taken over.
    pub fn is_whole(&self) -> bool {
        self.entries.iter().all(|entry| entry.problem.is_none())
    }
}

impl fmt::Display for TakeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, commands, entries, running } = self;
        if *commands == 0 {
            return writeln!(f, "There is nothing to take over: {topic} holds no commands of ksqlDB.");
        }
        writeln!(f, "{topic} holds {commands} commands of ksqlDB; {} are in effect:\n", entries.len())?;
        for entry in entries {
            let Entry { offset, query_id, statement, problem, behind } = entry;
            let what = match (problem, query_id) {
                (Some(_), _) => "CANNOT".to_owned(),
                (None, None) => "goes on".to_owned(),
                (None, Some(id)) => match behind {
                    Some(behind) => format!("{id} goes on, {behind} records behind"),
                    None => format!("{id} begins: it has no positions"),
                },
            };
            writeln!(f, "{offset:>6}  {what}\n        {}", one_line(statement))?;
            if let Some(problem) = problem {
                writeln!(f, "        {problem}")?;
            }
        }
        let refused = entries.iter().filter(|entry| entry.problem.is_some()).count();
        match refused {
            0 => writeln!(f, "\nAll of it can be taken over: millstream.take.over=all does it.")?,
            _ => writeln!(
                f,
                "\n{refused} cannot be taken over. millstream.take.over=possible leaves them out; they can be dropped in \
                 ksqlDB, too."
            )?,
        }
        if !running.is_empty() {
            writeln!(f, "A ksqlDB server still runs {}: stop all of them first.", running.join(", "))?;
        }
        Ok(())
    }
}

fn one_line(statement: &str) -> String {
    let mut line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(160) {
        line.truncate(cut);
        line.push('…');
    }
    line
}
