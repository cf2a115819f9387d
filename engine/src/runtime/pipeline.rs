//! What a task does with rows: stages (operators) in order, then the target.

use arrow::array::UInt32Array;
use arrow::error::ArrowError;

use crate::kv::Writes;
use crate::log::Output;
use crate::operators::{Leads, Operator};
use crate::state::Table;
use crate::types::Changes;

use super::error::TaskError;
use super::reports::Reports;
use super::target::Target;

/// One operator and where its input comes from.
pub(super) struct Stage {
    /// `None` hands on its only input.
    pub(super) operator: Option<Box<dyn Operator>>,
    /// Indices of the stages before it; none: it gets what was read for it.
    pub(super) inputs: Vec<usize>,
    /// What it gets when nothing was read for it.
    pub(super) empty: Changes,
}

impl Stage {
    /// The rows that its operator keeps for pull queries.
    pub(super) fn table(&self) -> Option<Table> {
        self.operator.as_ref()?.table()
    }
}

/// The stages of a task and where the rows of the last one go.
pub(super) struct Pipeline {
    /// Each comes after those it reads.
    stages: Vec<Stage>,
    /// By stage, whether records of the step are behind the rows it gets, and behind those for the target.
    has_records: Vec<bool>,
    target: Target,
    reports: Reports,
    /// Made since the last commit.
    outputs: Vec<Output>,
}

/// Rows that a stage has from a ksqlDB.
pub(super) enum Given {
    /// It is to read them.
    Read(Changes),
    /// It has made them: they go to who reads it, in the place of what it makes.
    Made(Changes),
    /// They are its groups.
    Groups(Changes),
}

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Ran {
    /// The target wants no more.
    pub(super) is_over: bool,
    /// Bytes of the rows that the stage made which made most.
    pub(super) most_bytes: usize,
    /// Bytes of the records that were made.
    pub(super) output_bytes: usize,
}

impl Pipeline {
    /// Those stages before that target.
    pub(super) fn new(stages: Vec<Stage>, target: Target, reports: Reports) -> Self {
        let has_records = has_records(&stages);
        Self { stages, has_records, target, reports, outputs: Vec::new() }
    }

    /// Where the rows go.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Where what cannot be used is reported.
    pub(super) fn reports(&mut self) -> &mut Reports {
        &mut self.reports
    }

    /// Runs all stages over what was read, by stage.
    pub(super) fn run(&mut self, fed: Vec<(usize, Changes)>) -> Result<Ran, TaskError> {
        let mut made: Vec<Option<Changes>> = self.stages.iter().map(|_| None).collect();
        let mut read: Vec<Vec<Changes>> = self.stages.iter().map(|_| Vec::new()).collect();
        let mut ran = Ran::default();
        for (stage, rows) in fed {
            if let Some(read) = read.get_mut(stage) {
                read.push(rows);
            }
        }
        for (index, (stage, read)) in self.stages.iter_mut().zip(read).enumerate() {
            if self.reports.is_over() {
                return Ok(ran);
            }
            let ports: Vec<Changes> = if stage.inputs.is_empty() {
                vec![if read.is_empty() { stage.empty.clone() } else { by_seq(read)? }]
            } else {
                let port = |from: &usize| made.get_mut(*from).and_then(Option::take);
                stage.inputs.iter().map(port).map(|rows| rows.unwrap_or_else(|| stage.empty.clone())).collect()
            };
            self.reports.behind(self.has_records.get(index).is_none_or(|has| *has));
            let rows = match &mut stage.operator {
                Some(operator) => operator.run(ports, &mut self.reports)?,
                None => ports.into_iter().next().unwrap_or_else(|| stage.empty.clone()),
            };
            ran.most_bytes = ran.most_bytes.max(rows.bytes());
            if let Some(made) = made.get_mut(index) {
                *made = Some(rows);
            }
        }
        let Some(result) = made.pop().flatten().filter(|result| !result.is_empty()) else { return Ok(ran) };
        if self.reports.is_over() {
            return Ok(ran);
        }
        self.reports.behind(self.has_records.last().is_none_or(|has| *has));
        let before = self.outputs.len();
        ran.is_over = self.send(result)?;
        let new = self.outputs.get(before..).unwrap_or_default();
        ran.output_bytes = new.iter().map(|output| output.records.payload_bytes(output.records.len())).sum();
        Ok(ran)
    }

    /// Runs the stages that keep something over what a ksqlDB has left for them; nothing goes out. The stages of rows that
    /// are given as made must not change from one call to the next.
    pub(super) fn take_over(&mut self, given: Vec<(usize, Given)>) -> Result<(), TaskError> {
        let mut given: Vec<Vec<Given>> = by_stage(self.stages.len(), given);
        let mut made: Vec<Option<Changes>> = self.stages.iter().map(|_| None).collect();
        for (index, (stage, given)) in self.stages.iter_mut().zip(&mut given).enumerate() {
            let (mut read, mut ready, mut groups) = (Vec::new(), Vec::new(), Vec::new());
            for given in given.drain(..) {
                match given {
                    Given::Read(rows) => read.push(rows),
                    Given::Made(rows) => ready.push(rows),
                    Given::Groups(rows) => groups.push(rows),
                }
            }
            let mut ports: Vec<Changes> = Vec::new();
            let is_fed = stage.inputs.iter().any(|from| made.get(*from).is_some_and(Option::is_some));
            if !read.is_empty() {
                ports.push(by_seq(read)?);
            } else if is_fed {
                let port = |from: &usize| made.get_mut(*from).and_then(Option::take);
                ports = stage.inputs.iter().map(port).map(|rows| rows.unwrap_or_else(|| stage.empty.clone())).collect();
            }
            let rows = match &mut stage.operator {
                Some(operator) if !groups.is_empty() => Some(operator.take_over(by_seq(groups)?)?),
                Some(operator) if !ports.is_empty() => match operator.leads() {
                    Leads::Nowhere => None,
                    leads => {
                        let rows = operator.run(ports, &mut self.reports)?;
                        (leads == Leads::On).then_some(rows)
                    }
                },
                Some(_) => None,
                None => ports.into_iter().next(),
            };
            let rows = if ready.is_empty() { rows } else { Some(by_seq(ready)?) };
            if let Some(made) = made.get_mut(index) {
                *made = rows;
            }
        }
        Ok(())
    }

    /// Runs one stage by itself.
    pub(super) fn run_stage(&mut self, stage: usize, rows: Changes) -> Result<Changes, TaskError> {
        match self.stages.get_mut(stage).and_then(|stage| stage.operator.as_mut()) {
            Some(operator) => Ok(operator.run(vec![rows], &mut self.reports)?),
            None => Ok(rows),
        }
    }

    /// Gives the target rows; says whether it wants no more.
    pub(super) fn send(&mut self, rows: Changes) -> Result<bool, TaskError> {
        self.target.take(rows, &mut self.reports, &mut self.outputs)
    }

    /// Moves what there is to commit out of it: records, and changes of the operators' state.
    pub(super) fn drain(&mut self, writes: &mut Writes) -> Vec<Output> {
        for stage in &mut self.stages {
            if let Some(operator) = &mut stage.operator {
                operator.drain_state(writes);
            }
        }
        std::mem::take(&mut self.outputs)
    }

    /// What was drained is committed.
    pub(super) fn committed(&mut self) -> Result<(), TaskError> {
        let mut operators = self.stages.iter_mut().filter_map(|stage| stage.operator.as_mut());
        Ok(operators.try_for_each(|operator| operator.committed())?)
    }
}

/// For every stage, and at the end for the target, whether no row it gets was held back.
fn has_records(stages: &[Stage]) -> Vec<bool> {
    let mut makes: Vec<bool> = Vec::new();
    let mut gets = Vec::new();
    for stage in stages {
        let has = stage.inputs.iter().all(|from| makes.get(*from).is_none_or(|has| *has));
        gets.push(has);
        makes.push(has && !stage.operator.as_ref().is_some_and(|operator| operator.holds_back()));
    }
    gets.extend(makes.last());
    gets
}

fn by_stage<T>(stages: usize, of: Vec<(usize, T)>) -> Vec<Vec<T>> {
    let mut all: Vec<Vec<T>> = (0..stages).map(|_| Vec::new()).collect();
    for (stage, one) in of {
        if let Some(of_stage) = all.get_mut(stage) {
            of_stage.push(one);
        }
    }
    all
}

/// Rows of several partitions of one source, in the order of their numbers.
fn by_seq(read: Vec<Changes>) -> Result<Changes, ArrowError> {
    let all = Changes::concat(&read)?;
    if read.len() == 1 {
        return Ok(all);
    }
    let mut order: Vec<u32> = (0..all.len() as u32).collect();
    order.sort_by_key(|&row| all.seq.get(row as usize).copied());
    all.take(&UInt32Array::from(order))
}
