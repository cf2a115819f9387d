//! What exists: streams, tables, custom types, persistent queries, and who reads and writes what.
//!
//! ```text
//! plan(statement, &Catalog) ──> Command { action: { changes, … }, … } ──apply──> Catalog
//! ```
//!
//! A catalog is a handful of ordered maps behind one `Arc`: [`Catalog::clone`] is the fork a dry run works on, the first
//! change after it copies the maps (pointers, not what they point to).

mod change;
mod lost;
mod source;
mod user_type;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::types::SqlType;

pub use change::Change;
pub use lost::Lost;
pub use source::{HeaderColumn, Query, QueryKind, Source};
pub use sql::SourceKind;
pub use user_type::{UnknownType, inline_types, resolve_type, written};

/// Everything that exists. Cloning is cheap and gives an independent fork.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    maps: Arc<Maps>,
}

#[derive(Debug, Clone, Default)]
struct Maps {
    sources: BTreeMap<String, Arc<Source>>,
    types: BTreeMap<String, SqlType>,
    queries: BTreeMap<String, Arc<Query>>,
    /// What `CREATE … AS SELECT` made a stream or table from, by its name; stays when the query is terminated.
    made_from: BTreeMap<String, Vec<String>>,
    /// Query ids in the order their queries were made.
    query_order: Vec<String>,
    /// What the start could not bring back, oldest first.
    lost: Vec<Arc<Lost>>,
    /// How many sources were ever made.
    sources_made: u64,
    /// How many queries were ever made; the number the next query id ends in.
    queries_made: u64,
}

impl Catalog {
    /// The stream or table of that exact name.
    pub fn source(&self, name: &str) -> Option<&Arc<Source>> {
        self.maps.sources.get(name)
    }

    /// All streams and tables, by name.
    pub fn sources(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.maps.sources.values()
    }

    /// All streams and tables that read or write the topic, by name.
    pub fn sources_of_topic<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = &'a Arc<Source>> {
        self.sources().filter(move |source| source.topic == topic)
    }

    /// What a custom type stands for.
    pub fn custom_type(&self, name: &str) -> Option<&SqlType> {
        self.maps.types.get(name)
    }

    /// All custom types, by name.
    pub fn custom_types(&self) -> impl Iterator<Item = (&String, &SqlType)> {
        self.maps.types.iter()
    }

    /// The persistent query of that id.
    pub fn query(&self, id: &str) -> Option<&Arc<Query>> {
        self.maps.queries.get(id)
    }

    /// All persistent queries, oldest first.
    pub fn queries(&self) -> impl Iterator<Item = &Arc<Query>> {
        self.maps.query_order.iter().filter_map(|id| self.maps.queries.get(id))
    }

    /// Queries that read the stream or table, oldest first.
    pub fn readers<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Arc<Query>> {
        self.queries().filter(move |query| query.sources.iter().any(|name| name == source))
    }

    /// Queries that write the stream or table, oldest first.
    pub fn writers<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Arc<Query>> {
        self.queries().filter(move |query| query.sink.as_deref() == Some(source))
    }

    /// Streams and tables made by `CREATE … AS SELECT … FROM source`, which keep it from being dropped; by name.
    pub fn dependants<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Arc<Source>> {
        self.sources().filter(move |other| {
            other.name != source
                && self.maps.made_from.get(&other.name).is_some_and(|from| from.iter().any(|name| name == source))
        })
    }

    /// What the start could not bring back, oldest first.
    pub fn lost(&self) -> impl Iterator<Item = &Arc<Lost>> {
        self.maps.lost.iter()
    }

    /// The stream or table of that name, if the start could not bring it back.
    pub fn lost_source(&self, name: &str) -> Option<&Arc<Lost>> {
        self.lost().find(|lost| lost.is_source(name))
    }

    /// The query of that id, if the start could not bring it back.
    pub fn lost_query(&self, id: &str) -> Option<&Arc<Lost>> {
        self.lost().find(|lost| lost.is_query(id))
    }

    /// The number the next query id ends in.
    pub fn next_query_number(&self) -> u64 {
        self.maps.queries_made
    }

    /// The next query id ends in that number, or in a later one. Ids are never given twice.
    pub fn number_queries(&mut self, next: u64) {
        let maps = Arc::make_mut(&mut self.maps);
        maps.queries_made = maps.queries_made.max(next);
    }

    /// Carries out one change. Changes come from the planner, which has checked them.
    pub fn apply(&mut self, change: &Change) {
        let maps = Arc::make_mut(&mut self.maps);
        match change {
            Change::PutSource(source) => {
                let mut source = Source::clone(source);
                source.created = match maps.sources.get(&source.name) {
                    Some(old) => old.created,
                    None => {
                        maps.sources_made += 1;
                        maps.sources_made
                    }
                };
                maps.lost.retain(|lost| !lost.is_source(&source.name));
                maps.sources.insert(source.name.clone(), Arc::new(source));
            }
            Change::DropSource(name) => {
                maps.lost.retain(|lost| !lost.is_source(name));
                maps.sources.remove(name);
                maps.made_from.remove(name);
            }
            Change::PutType { name, ty } => {
                maps.types.insert(name.clone(), ty.clone());
            }
            Change::DropType(name) => {
                maps.types.remove(name);
            }
            Change::PutQuery(query) => {
                if let (QueryKind::CreateAs, Some(sink)) = (query.kind, &query.sink) {
                    maps.made_from.insert(sink.clone(), query.sources.clone());
                }
                if maps.queries.insert(query.id.clone(), Arc::clone(query)).is_none() {
                    maps.query_order.push(query.id.clone());
                    maps.queries_made += 1;
                }
            }
            Change::DropQuery(id) => {
                maps.queries.remove(id);
                maps.query_order.retain(|other| other != id);
                maps.lost.retain(|lost| lost.source.is_some() || !lost.is_query(id));
                for lost in maps.lost.iter_mut().filter(|lost| lost.is_query(id)) {
                    Arc::make_mut(lost).query_id = None;
                }
            }
            Change::Lose(lost) => {
                if let Some(id) = &lost.query_id {
                    // Ids are never given twice. One of a query that was there is counted.
                    maps.queries_made += u64::from(maps.queries.remove(id).is_none());
                    maps.query_order.retain(|other| other != id);
                }
                if let Some((_, name)) = &lost.source {
                    maps.sources.remove(name);
                    maps.made_from.remove(name);
                }
                maps.lost.push(Arc::clone(lost));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Catalog, Change};
    use crate::types::SqlType;

    #[test]
    fn a_fork_does_not_touch_the_original() {
        let mut catalog = Catalog::default();
        catalog.apply(&Change::PutType { name: "A".into(), ty: SqlType::Integer });
        let mut fork = catalog.clone();
        fork.apply(&Change::DropType("A".into()));
        assert_eq!(catalog.custom_type("A"), Some(&SqlType::Integer));
        assert_eq!(fork.custom_type("A"), None);
    }
}
