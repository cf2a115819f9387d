//! Which changelogs ksqlDB has for the steps of a query, and what stands in them.

use std::sync::Arc;

use crate::expr::Registry;
use crate::expr::aggregates::{Call, Limits};
use crate::formats::FormatSpec;
use crate::runtime::changelogs;
use crate::runtime::topology::{Node, Role, SubTopology};
use crate::steps::{AggregateCall, Source, SourceColumn, Step, StepKind};
use crate::types::{Column, Schema, SqlType};

use super::records::{From, Layout};

/// Bytes behind the key and the window of a group.
const SEQUENCE: usize = 4;
/// Bytes behind the key of a row of a stream that is joined: its time, and a sequence.
const TIME_AND_SEQUENCE: usize = 12;

/// A changelog of ksqlDB.
pub(in crate::runtime) struct Left {
    pub(super) topic: Arc<str>,
    pub(super) goes: Goes,
    pub(super) layout: Layout,
}

/// The stage that rows go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    /// It reads them.
    Read(usize),
    /// It has made them.
    Made(usize),
    /// They are its groups.
    Groups(usize),
}

/// The query that is taken over.
pub(in crate::runtime) struct Query<'a> {
    /// Its consumer group: the names of changelogs begin with it.
    pub(in crate::runtime) group: &'a str,
    pub(in crate::runtime) functions: &'a Registry,
}

/// What ksqlDB has left for the stages of a sub-topology; an error says what cannot be taken over.
pub(in crate::runtime) fn left(query: &Query<'_>, sub: &SubTopology) -> Result<Vec<Left>, String> {
    let mut all = Vec::new();
    for (stage, node) in sub.nodes.iter().enumerate() {
        match (&node.role, &node.step.kind) {
            (Role::Read, StepKind::Source(source)) if node.step.is_table => {
                all.push(Left {
                    topic: changelogs::topic(query.group, &changelogs::reduced(&node.step)),
                    goes: Goes::Read(stage),
                    layout: table(&node.step, source)?,
                });
            }
            (Role::Run, StepKind::Aggregate { input, aggregates, .. })
            | (Role::RunSecondHalf, StepKind::TableAggregate { input, aggregates, .. }) => {
                let topic = changelogs::topic(query.group, &changelogs::materialized(&node.step));
                let layout = groups(&node.step, input, aggregates, query.functions)?;
                all.push(Left { topic, goes: Goes::Groups(stage), layout });
            }
            (Role::Run, StepKind::StreamStreamJoin { .. }) => all.extend(joined(query, node)?),
            _ => {}
        }
    }
    Ok(all)
}

/// The rows of a table that is read: its columns, the partition and the offset of the record.
pub(super) fn table(step: &Step, source: &Source) -> Result<Layout, String> {
    let declared = &source.declared.value;
    let place = |at: usize| Ok(From::Value(declared.len() + at));
    let column = |column: &SourceColumn| match column {
        SourceColumn::Value(at) => Ok(From::Value(*at)),
        SourceColumn::RowTime => Ok(From::Time),
        SourceColumn::RowPartition => place(0),
        SourceColumn::RowOffset => place(1),
        SourceColumn::WindowStart => Ok(From::WindowStart),
        SourceColumn::WindowEnd => Ok(From::WindowEnd),
        SourceColumn::Headers | SourceColumn::Header(_) => {
            Err(format!("what ksqlDB keeps of the headers of table {} is not known", source.name))
        }
    };
    let format = &source.formats.value;
    if !matches!(format.name.as_str(), "JSON" | "DELIMITED") {
        return Err(not_read(&format!("the rows of table {}", source.name), &format.name));
    }
    let own = [Column::new("ROWPARTITION", SqlType::Integer), Column::new("ROWOFFSET", SqlType::Bigint)];
    Ok(Layout {
        key: step.schema.key.clone(),
        key_format: source.formats.key.clone(),
        window: source.formats.window,
        behind: 0,
        value: declared.iter().cloned().chain(own).collect(),
        value_format: FormatSpec { delimiter: format.delimiter, ..FormatSpec::plain(&format.name, true) },
        columns: source.columns.iter().map(column).collect::<Result<_, String>>()?,
    })
}

/// The groups of an aggregation: a variable for each function.
pub(super) fn groups(
    step: &Step,
    input: &Step,
    aggregates: &[AggregateCall],
    functions: &Registry,
) -> Result<Layout, String> {
    let window = step.key_window();
    let kept = aggregates.iter().enumerate().map(|(number, call)| {
        let ty = intermediate(call, &input.schema, functions)?;
        Ok(Column::new(format!("KSQL_AGG_VARIABLE_{number}"), ty))
    });
    Ok(Layout {
        key: step.schema.key.clone(),
        key_format: step.key_format.clone(),
        window,
        behind: if window.is_some_and(|window| window.size_ms.is_some()) { SEQUENCE } else { 0 },
        value: kept.collect::<Result<_, String>>()?,
        value_format: json_of(step, "groups")?,
        columns: (0..aggregates.len()).map(From::Value).collect(),
    })
}

/// The rows of both sides of a join of two streams.
fn joined(query: &Query<'_>, node: &Node) -> Result<Vec<Left>, String> {
    let sides = node.step.inputs();
    let topics = changelogs::of_stream_join(&node.step, query.group);
    let sides = sides.into_iter().zip(&node.inputs).zip(topics);
    let side = |((side, stage), store): ((&Step, &usize), changelogs::StoreTopic)| {
        Ok(Left { topic: store.topic, goes: Goes::Made(*stage), layout: joined_side(side)? })
    };
    sides.map(side).collect()
}

/// The rows of one side of a join of two streams.
pub(super) fn joined_side(side: &Step) -> Result<Layout, String> {
    Ok(Layout {
        key: side.schema.key.clone(),
        key_format: side.key_format.clone(),
        window: side.key_window(),
        behind: TIME_AND_SEQUENCE,
        value: side.schema.value.clone(),
        value_format: json_of(side, "rows of a joined stream")?,
        columns: (0..side.schema.value.len()).map(From::Value).collect(),
    })
}

/// The type of what ksqlDB keeps of a group for a function.
fn intermediate(call: &AggregateCall, input: &Schema, functions: &Registry) -> Result<SqlType, String> {
    match call.function.as_str() {
        "COUNT_DISTINCT" => return Err("ksqlDB keeps a sketch for COUNT_DISTINCT, which cannot be read".to_owned()),
        "CORRELATION" => return Err("what ksqlDB keeps for CORRELATION is not known".to_owned()),
        _ => {}
    }
    let columns = call.args.iter().filter_map(|at| input.column(*at)).map(|column| column.ty.clone());
    let columns: Vec<SqlType> = columns.collect();
    let function = functions.aggregates().get(&call.function);
    let function = function.ok_or_else(|| format!("there is no aggregate function {}", call.function))?;
    let call = Call { columns: &columns, literals: &call.literals, limits: Limits::default() };
    Ok((function.make)(&call)?.intermediate)
}

/// The format in which ksqlDB keeps what it makes on the way: that of the leftmost source.
fn json_of(step: &Step, what: &str) -> Result<FormatSpec, String> {
    let mut leftmost = step;
    while let Some(input) = leftmost.inputs().into_iter().next() {
        leftmost = input;
    }
    match &leftmost.kind {
        StepKind::Source(source) if source.formats.value.name != "JSON" => {
            Err(not_read(what, &source.formats.value.name))
        }
        _ => Ok(FormatSpec::plain("JSON", true)),
    }
}

fn not_read(what: &str, format: &str) -> String {
    format!("ksqlDB keeps {what} in format {format}, and only such state is read that is JSON")
}
