//! Physical steps: plain data with stable names. The planner writes them, the runtime turns them into operators. They
//! stand in the command log, and later versions start queries from them: fields and variants keep their names and meaning
//! for good, new fields have a default (`docs/architecture.md`, "Plans outlive the version that made them").
//!
//! A query is a tree of steps whose root is what the query makes. Columns are positions in the row layout of the input
//! step (key columns first, then value columns); every step says its own `schema`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::expr::aggregates::{Call, Limits};
use crate::expr::{Kind, Registry, Typed};
use crate::formats::FormatSpec;
use crate::types::{Schema, SqlType, Value};

pub use crate::types::{KeyWindow, Window, WindowKind};

/// Key and value format of a topic, and the window in its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Formats {
    /// Format of the key.
    pub key: FormatSpec,
    /// Format of the value.
    pub value: FormatSpec,
    /// Set when the key carries a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<KeyWindow>,
}

/// A step and the columns it makes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Stable name within the query, e.g. `KsqlTopic/Source`, `Aggregate/GroupBy`; state stores are named after it.
    pub id: String,
    /// Columns of its output.
    pub schema: Schema,
    /// Whether its output is a table (rows replace each other) or a stream.
    pub is_table: bool,
    /// How its key is serialised wherever it has to be: in keys of stores and in repartition topics. Both inputs of a
    /// join have the same one (KAFKA falls back to JSON where it cannot hold the key; NONE: there is no key).
    pub key_format: FormatSpec,
    /// What it does.
    pub kind: StepKind,
}

/// What a step does. `input`, or `left` and `right`, are the steps whose rows it takes; a `topic_suffix` is the end of an
/// internal topic's name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "what a variant is says what its fields are")]
pub enum StepKind {
    /// Reads a topic.
    Source(Box<Source>),
    /// Keeps rows whose predicate is TRUE. On a table a row that stops matching becomes a tombstone.
    Filter { input: Box<Step>, predicate: Typed },
    /// Computes the value columns (and may reorder or rename, not recompute, key columns). Rows without a value stay so.
    Project { input: Box<Step>, key: Vec<usize>, value: Vec<Typed> },
    /// PARTITION BY on a stream, or the new key of a GROUP BY or join: computes the new key; `value` selects the value
    /// columns from the input's layout. An empty `key` removes the key. No row is dropped; a row without a value keeps
    /// none, and key expressions that read value columns are NULL for it. Followed by a [`StepKind::Repartition`] where
    /// another task must see the rows.
    Rekey { input: Box<Step>, key: Vec<Typed>, value: Vec<usize> },
    /// Table functions: every expression yields an ARRAY per row, rows are zipped. Appends one value column each.
    FlatMap { input: Box<Step>, functions: Vec<Typed> },
    /// Writes the rows to an internal topic of that name suffix and reads them back in another sub-topology (a table's
    /// changes too: its key stays, only the key's format changes). The topic
    /// has as many partitions as the task's input unless `partitions` says otherwise; keys are placed by their bytes in
    /// `key_format`.
    Repartition {
        input: Box<Step>,
        topic_suffix: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partitions: Option<u32>,
    },
    /// GROUP BY on a stream, maybe windowed. The input is keyed by the grouping columns already (all rows of a group are
    /// in one partition). Rows without a value or with a NULL in any key column are left out.
    /// Output value columns: one per aggregate; with a `window` then also its start and its end (BIGINT).
    Aggregate {
        input: Box<Step>,
        aggregates: Vec<AggregateCall>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<Window>,
    },
    /// GROUP BY on a table: the old row is undone in its old group, the new row added to its new group, through an
    /// internal topic. `group_key` is computed on the old and the new side; a side with a NULL in its group key counts
    /// as absent. Output value columns: one per aggregate.
    TableAggregate { input: Box<Step>, group_key: Vec<Typed>, aggregates: Vec<AggregateCall>, topic_suffix: String },
    /// EMIT FINAL: a window's last result, once stream time has passed its end and grace.
    Suppress { input: Box<Step>, window: Window },
    /// Joins the stream `left` with the table `right` on equal keys. Output value columns: left's, then right's.
    /// In every join `outer_left` keeps rows of `left` that find no partner, `outer_right` rows of `right`.
    StreamTableJoin { left: Box<Step>, right: Box<Step>, outer_left: bool },
    /// Joins two tables on equal keys.
    TableTableJoin { left: Box<Step>, right: Box<Step>, outer_left: bool, outer_right: bool },
    /// Joins two streams on equal keys: the right row may be `before_ms` earlier than the left one and `after_ms` later.
    /// With `grace_ms`, rows without a partner go out once they are that late; without, as soon as they come.
    StreamStreamJoin {
        left: Box<Step>,
        right: Box<Step>,
        outer_left: bool,
        outer_right: bool,
        before_ms: i64,
        after_ms: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grace_ms: Option<i64>,
    },
    /// Joins table `left` to table `right` where `foreign_key` over left's row equals right's key.
    ForeignKeyJoin { left: Box<Step>, right: Box<Step>, foreign_key: Typed, outer_left: bool },
}

impl Step {
    /// The expressions it evaluates, over the rows of its first input.
    pub fn expressions(&self) -> Vec<&Typed> {
        match &self.kind {
            StepKind::Filter { predicate, .. } => vec![predicate],
            StepKind::Project { value: all, .. }
            | StepKind::Rekey { key: all, .. }
            | StepKind::FlatMap { functions: all, .. }
            | StepKind::TableAggregate { group_key: all, .. } => all.iter().collect(),
            StepKind::ForeignKeyJoin { foreign_key, .. } => vec![foreign_key],
            StepKind::Source(_)
            | StepKind::Repartition { .. }
            | StepKind::Aggregate { .. }
            | StepKind::Suppress { .. }
            | StepKind::StreamTableJoin { .. }
            | StepKind::TableTableJoin { .. }
            | StepKind::StreamStreamJoin { .. } => Vec::new(),
        }
    }

    /// The window in the key of its rows.
    pub fn key_window(&self) -> Option<KeyWindow> {
        match &self.kind {
            StepKind::Source(source) => source.formats.window,
            StepKind::Aggregate { window, .. } => window.map(|window| window.in_key()),
            StepKind::Rekey { .. } | StepKind::TableAggregate { .. } => None,
            _ => self.inputs().first().and_then(|input| input.key_window()),
        }
    }

    /// The topics that it and the steps before it read, without those between its own parts.
    pub fn topics(&self) -> BTreeSet<&str> {
        match &self.kind {
            StepKind::Source(source) => BTreeSet::from([source.topic.as_str()]),
            _ => self.inputs().into_iter().flat_map(Step::topics).collect(),
        }
    }

    /// The steps it reads from, left before right.
    pub fn inputs(&self) -> Vec<&Step> {
        match &self.kind {
            StepKind::Source(_) => Vec::new(),
            StepKind::Filter { input, .. }
            | StepKind::Project { input, .. }
            | StepKind::Rekey { input, .. }
            | StepKind::FlatMap { input, .. }
            | StepKind::Repartition { input, .. }
            | StepKind::Aggregate { input, .. }
            | StepKind::TableAggregate { input, .. }
            | StepKind::Suppress { input, .. } => vec![input],
            StepKind::StreamTableJoin { left, right, .. }
            | StepKind::TableTableJoin { left, right, .. }
            | StepKind::StreamStreamJoin { left, right, .. }
            | StepKind::ForeignKeyJoin { left, right, .. } => vec![left, right],
        }
    }
}

/// A topic read as a stream or a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name of the stream or table in the catalog.
    pub name: String,
    /// Topic.
    pub topic: String,
    /// The topic's formats.
    pub formats: Formats,
    /// All columns of the record, as declared (without pseudo columns and header columns).
    pub declared: Schema,
    /// Which output value column comes from where; the output key is the declared key.
    pub columns: Vec<SourceColumn>,
    /// Event time from a column instead of the record's timestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}

/// Where a value column of a source comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceColumn {
    /// Declared value column at that position of `declared.value`.
    Value(usize),
    /// The record's timestamp.
    RowTime,
    /// Partition number (INTEGER).
    RowPartition,
    /// Offset (BIGINT).
    RowOffset,
    /// Start of the window in the key.
    WindowStart,
    /// End of the window in the key.
    WindowEnd,
    /// All headers.
    Headers,
    /// The last header with that key.
    Header(String),
}

/// `TIMESTAMP='column'`, maybe with `TIMESTAMP_FORMAT='pattern'`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timestamp {
    /// Column name.
    pub column: String,
    /// Pattern for STRING columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// One aggregate function call; arguments are columns of the input (the planner projects expressions first).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregateCall {
    /// Upper-case function name.
    pub function: String,
    /// Positions of the column arguments in the input's row layout; `COUNT(*)` has none.
    pub args: Vec<usize>,
    /// Literal arguments after them (`LATEST_BY_OFFSET(x, 3, false)`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub literals: Vec<Value>,
    /// Result type.
    #[serde(rename = "type")]
    pub ty: SqlType,
}

/// Where a persistent query's rows go.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sink {
    /// Topic.
    pub topic: String,
    /// Its formats.
    pub formats: Formats,
    /// Columns of the record (equals the root step's schema up to names).
    pub schema: Schema,
    /// ROWTIME written out comes from this column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}

/// A whole query.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryPlan {
    /// `CSAS_X_0`, `CTAS_X_1`, `INSERTQUERY_2`, `transient_X_…`.
    pub id: String,
    /// The root step.
    pub root: Step,
    /// Set for persistent queries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<Sink>,
    /// Name of the stream or table it writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink_name: Option<String>,
    /// Names of the sources it reads, in order of appearance.
    pub sources: Vec<String>,
    /// `LIMIT n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl QueryPlan {
    /// A function that the plan calls and that is not there, or not as it was when the plan was made.
    pub fn unknown_function(&self, functions: &Registry) -> Option<String> {
        unknown_in(&self.root, functions)
    }
}

fn unknown_in(step: &Step, functions: &Registry) -> Option<String> {
    let inputs = step.inputs();
    let in_inputs = inputs.iter().find_map(|input| unknown_in(input, functions));
    let own = || step.expressions().into_iter().find_map(|expr| unknown_called(expr, functions));
    let aggregate = || {
        let (StepKind::Aggregate { aggregates, .. } | StepKind::TableAggregate { aggregates, .. }) = &step.kind else {
            return None;
        };
        let schema = &inputs.first()?.schema;
        aggregates.iter().find(|call| !call.is_known(schema, functions)).map(|call| call.function.clone())
    };
    in_inputs.or_else(own).or_else(aggregate)
}

fn unknown_called(expr: &Typed, functions: &Registry) -> Option<String> {
    let unknown = match &expr.kind {
        Kind::Call(call) if functions.variation(&call.function, &call.variation).is_none() => {
            Some(format!("{}{}", call.function, call.variation))
        }
        _ => None,
    };
    unknown.or_else(|| expr.children().into_iter().find_map(|child| unknown_called(child, functions)))
}

impl AggregateCall {
    /// Whether there is such a function over rows of that input, and it yields what the plan says.
    fn is_known(&self, input: &Schema, functions: &Registry) -> bool {
        let columns: Option<Vec<SqlType>> =
            self.args.iter().map(|at| input.column(*at).map(|column| column.ty.clone())).collect();
        let (Some(columns), Some(function)) = (columns, functions.aggregates().get(&self.function)) else {
            return false;
        };
        let call = Call { columns: &columns, literals: &self.literals, limits: Limits::default() };
        (function.make)(&call).is_ok_and(|made| made.returns == self.ty)
    }
}
