//! An analysed SELECT over one table → [`Pull`]: the planner has resolved names and checked types; what is left is where
//! the rows come from.

use std::sync::Arc;

use sql::Query;

use crate::catalog::{self, Catalog, QueryKind, Source};
use crate::config::setting;
use crate::expr::{Evaluator, Kind, Settings, Typed, compile};
use crate::failure::Failure;
use crate::plan::Analysis;
use crate::steps::{SourceColumn, StepKind};

use super::expressions::Env;
use super::refuse::{check_duplicates, check_stars, not_materialized, where_clause};
use super::{Access, From, Pull, lookup};

/// The query that keeps a table's rows.
fn keeper<'a>(catalog: &'a Catalog, table: &'a str) -> Option<&'a Arc<catalog::Query>> {
    let made = catalog.writers(table).find(|query| query.kind == QueryKind::CreateAs);
    let kept = || catalog.readers(table).find(|query| query.kind == QueryKind::SourceTable);
    made.or_else(kept)
}

/// Where a pull query's rows are.
pub(crate) struct Located {
    source: Arc<Source>,
    access: Access,
}

/// Finds the rows a pull query asks for, or says why that cannot be. Names and types of the query are not checked yet.
pub(crate) fn locate(query: &Query, env: &Env<'_>) -> Result<Option<Located>, Failure> {
    let name = &query.from.name.name;
    let Some(source) = env.catalog.source(name) else { return Ok(None) };
    let access = match &query.filter {
        None if !env.config.get(setting::QUERY_PULL_TABLE_SCAN_ENABLED) => {
            return Err(where_clause("Missing WHERE clause", source.is_windowed()));
        }
        None => Access::Scan,
        Some(filter) => lookup::access(filter, source, env)?,
    };
    check_stars(query)?;
    Ok(Some(Located { source: Arc::clone(source), access }))
}

/// Makes a pull query of what was found and the query's analysis.
pub(crate) fn analyze(query: &Query, located: Located, analysis: &Analysis, env: &Env<'_>) -> Result<Pull, Failure> {
    let Located { source, access } = located;
    let keeper = keeper(env.catalog, &source.name).ok_or_else(|| not_materialized(&source.name))?;
    let StepKind::Source(read) = &analysis.input.kind else {
        return Err(Failure::statement("this is no pull query on one table"));
    };
    // What is kept goes by the names of the table's columns, those from headers included.
    let kept = &keeper.plan.root.schema.value;
    let kept_at = |name: &str| kept.iter().position(|column| column.name == name).map(From::Stored);
    let header = |key: Option<&str>| source.headers.iter().find(|header| header.key.as_deref() == key);
    let from = |column: &SourceColumn| match column {
        SourceColumn::Value(at) => kept_at(&read.declared.value.get(*at)?.name),
        SourceColumn::Headers => kept_at(&header(None)?.name),
        SourceColumn::Header(key) => kept_at(&header(Some(key))?.name),
        SourceColumn::RowTime => Some(From::RowTime),
        SourceColumn::WindowStart => Some(From::WindowStart),
        SourceColumn::WindowEnd => Some(From::WindowEnd),
        SourceColumn::RowPartition | SourceColumn::RowOffset => None,
    };
    let unkept = || Failure::statement("a column of this table is not kept");
    let settings = Settings::of(env.config);
    let compiled =
        |typed: &Typed| compile(typed, env.functions, &settings).map_err(|error| Failure::statement(error.to_string()));
    let input = &analysis.input.schema;
    let is_key = |(name, typed): &(String, Typed)| {
        let Kind::Column(at) = typed.kind else { return false };
        let of_key = match at.checked_sub(input.key.len()) {
            None => true,
            Some(at) => matches!(read.columns.get(at), Some(SourceColumn::WindowStart | SourceColumn::WindowEnd)),
        };
        of_key && input.column(at).is_some_and(|column| column.name == *name)
    };
    let keys: Vec<bool> = analysis.select.iter().map(is_key).collect();
    let columns = analysis.schema().value;
    check_duplicates(&columns, &keys)?;
    Ok(Pull {
        query: keeper.id.clone(),
        keys,
        columns,
        projection: analysis.select.iter().map(|(_, typed)| compiled(typed)).collect::<Result<Vec<Evaluator>, _>>()?,
        filter: analysis.filter.as_ref().map(compiled).transpose()?,
        layout: read.columns.iter().map(from).collect::<Option<_>>().ok_or_else(unkept)?,
        access,
        limit: query.limit.and_then(|limit| u64::try_from(limit).ok()),
    })
}
