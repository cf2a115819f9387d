//! Steps as text.

use std::fmt::Write;

use crate::steps::{QueryPlan, Step, StepKind};

/// The execution plan of EXPLAIN: one line per step, sinks first, inputs indented under what reads them.
pub fn execution_plan(plan: &QueryPlan) -> String {
    let mut out = String::new();
    let root = match &plan.sink {
        Some(sink) => {
            let _ = writeln!(out, " > [ SINK ] | Schema: {} | Logger: {}.{}", sink.schema, plan.id, sink.topic);
            1
        }
        None => 0,
    };
    write_step(&mut out, &plan.root, &plan.id, root);
    out
}

fn write_step(out: &mut String, step: &Step, query: &str, depth: usize) {
    let indent = "\t".repeat(depth);
    let logger = step.id.replace('/', ".");
    let _ = writeln!(out, "{indent} > [ {} ] | Schema: {} | Logger: {query}.{logger}", label(step), step.schema);
    for input in step.inputs() {
        write_step(out, input, query, depth + 1);
    }
}

fn label(step: &Step) -> &'static str {
    match &step.kind {
        StepKind::Source(_) => "SOURCE",
        StepKind::Filter { .. } => "FILTER",
        StepKind::Project { .. } => "PROJECT",
        StepKind::Rekey { .. } => "REKEY",
        StepKind::FlatMap { .. } => "FLAT_MAP",
        StepKind::Repartition { .. } => "REPARTITION",
        StepKind::Aggregate { .. } | StepKind::TableAggregate { .. } => "AGGREGATE",
        StepKind::Suppress { .. } => "SUPPRESS",
        StepKind::StreamTableJoin { .. }
        | StepKind::TableTableJoin { .. }
        | StepKind::StreamStreamJoin { .. }
        | StepKind::ForeignKeyJoin { .. } => "JOIN",
    }
}
