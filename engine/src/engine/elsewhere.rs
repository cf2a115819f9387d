//! Rows of tables that other servers of the service keep.

use std::collections::BTreeMap;

use crate::config::{Config, setting};
use crate::runtime::Kept;
use crate::serving::forward::{Forwarded, Question};
use crate::statements::{Failure, FailureKind, Progress};

use super::Engine;
use super::settle::Patience;

impl Engine {
    /// Others reach this server there.
    pub fn advertise(&self, url: &str) {
        self.shared.log.advertise(url);
    }

    /// The rows of a table that are here, of the partitions that are asked for.
    pub(super) fn kept(
        &self,
        table: &str,
        query: &str,
        config: &Config,
        patience: &mut Patience,
    ) -> Result<Progress<Kept>, Failure> {
        let only = config.get(setting::PULL_PARTITIONS).filter(|partitions| !partitions.trim().is_empty());
        let only =
            only.map(|only| only.split(',').map(|number| number.trim().parse()).collect::<Result<Vec<u32>, _>>());
        let only = only.transpose().map_err(|error| {
            let problem = format!("{}: numbers are expected ({error})", setting::PULL_PARTITIONS.name());
            Failure::new(FailureKind::Property, problem)
        })?;
        let kept = match self.tables(table, query, only.as_deref(), patience)? {
            Progress::Done(kept) => kept,
            wait => return Ok(wait),
        };
        // Who has forwarded the query asks somebody else.
        if only.is_some() && !kept.elsewhere.is_empty() {
            let message = format!("The rows of partitions {:?} are not with this server.", kept.elsewhere);
            return Err(Failure::new(FailureKind::Unavailable, message));
        }
        Ok(Progress::Done(kept))
    }

    /// Has others answer for the partitions that they keep. None that is not known, or does not answer, is waited for longer
    /// than for a query that starts.
    pub(super) fn ask_others(
        &self,
        query: &str,
        partitions: &[u32],
        question: &Question<'_>,
        patience: &mut Patience,
    ) -> Result<Progress<Vec<Forwarded>>, Failure> {
        if partitions.is_empty() {
            return Ok(Progress::Done(Vec::new()));
        }
        let answers = self.asked(query, partitions, question);
        let problem = match answers {
            Ok(answers) => return Ok(Progress::Done(answers)),
            Err(problem) => problem,
        };
        if let Some(pause) = patience.for_owner() {
            return Ok(Progress::Wait(pause));
        }
        tracing::warn!(query, ?partitions, "rows of other servers cannot be read: {problem}");
        let message = format!(
            "The rows of partitions {partitions:?} cannot be read: the server that keeps them has stopped, cannot be reached, or \
             is just taking them over. Ask again later."
        );
        Err(Failure::new(FailureKind::Unavailable, message))
    }

    fn asked(&self, query: &str, partitions: &[u32], question: &Question<'_>) -> Result<Vec<Forwarded>, String> {
        let owners = self.shared.log.owners(query, partitions).map_err(|error| error.to_string())?;
        let mut by_owner: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for partition in partitions {
            let owner = owners.get(partition).ok_or_else(|| format!("nobody has partition {partition}"))?;
            by_owner.entry(owner).or_default().push(*partition);
        }
        let forwarding = &self.shared.forwarding;
        by_owner.into_iter().map(|(url, partitions)| forwarding.ask(url, &partitions, question)).collect()
    }
}
