//! SHOW STREAMS, TABLES, QUERIES, TYPES, VARIABLES, CONNECTORS.

use sql::{Show, SourceKind};

use crate::expr::Registry;

use super::{Failure, Outcome, Session, SourceLine, View, describe, explain, functions, properties, topics};

/// Answers `SHOW …`.
pub(crate) fn show(what: &Show, view: View<'_>, session: &Session, registry: &Registry) -> Result<Outcome, Failure> {
    Ok(match what {
        Show::Topics { all, extended } => topics::show(view, *all, *extended)?,
        Show::Sources { kind, extended: false } => sources(view, *kind),
        Show::Sources { kind, extended: true } => describe::all(view, *kind, true)?,
        Show::Functions => functions::show(registry),
        Show::Queries { extended: false } => {
            let pushed = view.live.iter().filter_map(|live| view.push_line(live));
            let lost = view.catalog.lost().filter_map(|lost| view.lost_line(lost));
            let own = view.catalog.queries().map(|query| view.query_line(query));
            Outcome::Queries(own.chain(lost).chain(pushed).collect())
        }
        Show::Queries { extended: true } => explain::all(view),
        Show::Properties => properties::show(view, session),
        Show::Types => {
            Outcome::Types(view.catalog.custom_types().map(|(name, ty)| (name.clone(), ty.clone())).collect())
        }
        Show::Variables => {
            let variable = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            Outcome::Variables(session.variables.iter().map(variable).collect())
        }
        Show::Connectors { .. } => Outcome::Connectors,
        Show::ConnectorPlugins => Outcome::ConnectorPlugins,
    })
}

fn sources(view: View<'_>, kind: SourceKind) -> Outcome {
    let lines = view.catalog.sources().filter(|source| source.kind == kind).map(|source| SourceLine {
        name: source.name.clone(),
        topic: source.topic.clone(),
        key_format: source.formats.key.name.clone(),
        value_format: source.formats.value.name.clone(),
        windowed: source.is_windowed(),
    });
    match kind {
        SourceKind::Stream => Outcome::Streams(lines.collect()),
        SourceKind::Table => Outcome::Tables(lines.collect()),
    }
}
