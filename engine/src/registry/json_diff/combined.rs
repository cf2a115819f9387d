//! `oneOf`, `anyOf`, `allOf` and several types.

use std::collections::{HashMap, HashSet};

use super::Diff;
use super::found::Found;
use super::shape::{Combined, Criterion, Node};

/// Schemas of one that are compared with each of another's: those that are the same in both do not count.
const MAX_BRANCHES: usize = 100;

impl<'a> Diff<'a> {
    /// Each schema of the side that has fewer needs one of the other's for itself.
    pub(super) fn combined(
        &mut self,
        old: &Combined<'a>,
        new: &Combined<'a>,
        path: &str,
        level: usize,
        found: &mut Found,
    ) {
        let is_one = |of: &Combined<'_>| of.nodes.len() == 1;
        let is_allowed = match (old.criterion, new.criterion) {
            (before, now) if before == now => true,
            (_, Criterion::Any) => true,
            (_, Criterion::One) => is_one(old),
            (_, Criterion::All) => is_one(old) && is_one(new),
        };
        if !is_allowed {
            return found.add("COMBINED_TYPE_CHANGED", path);
        }
        let (old_nodes, new_nodes) = (distinct(&old.nodes), distinct(&new.nodes));
        if new.is_sum() && new_nodes.len() < old_nodes.len() {
            found.add("SUM_TYPE_NARROWED", path);
        } else if !new.is_sum() && new_nodes.len() > old_nodes.len() {
            found.add("PRODUCT_TYPE_EXTENDED", path);
        }
        let least = old_nodes.len().min(new_nodes.len());
        let (same, old, new) = self.without_same(old_nodes, new_nodes);
        if old.len() > MAX_BRANCHES || new.len() > MAX_BRANCHES {
            return found.add("NOT_COMPARED", path);
        }
        if same + self.pairs_that_fit(&old, &new, level) < least {
            found.add("COMBINED_TYPE_SUBSCHEMAS_CHANGED", path);
        }
    }

    /// How many stand on both sides, and the others.
    fn without_same(&mut self, old: Vec<Node<'a>>, new: Vec<Node<'a>>) -> (usize, Vec<Node<'a>>, Vec<Node<'a>>) {
        let mut places: HashMap<_, Node<'a>> = new.iter().map(|node| ((node.schema, node.part), *node)).collect();
        let all = old.len();
        let mut rest = old;
        rest.retain(|node| {
            let key = (node.schema, node.part);
            let is_same = places.get(&key).copied().is_some_and(|other| self.is_same(*node, other));
            if is_same {
                places.remove(&key);
            }
            !is_same
        });
        let new = new.into_iter().filter(|node| places.contains_key(&(node.schema, node.part))).collect();
        (all - rest.len(), rest, new)
    }

    /// How many can be matched with each other at most.
    fn pairs_that_fit(&mut self, old: &[Node<'a>], new: &[Node<'a>], level: usize) -> usize {
        let mut fits = Vec::with_capacity(old.len());
        for node in old {
            let fitting = new.iter().enumerate().filter(|(_, other)| self.fits(*node, **other, level));
            fits.push(fitting.map(|(at, _)| at).collect::<Vec<usize>>());
        }
        let mut taken = HashMap::new();
        (0..old.len()).filter(|at| find_place(*at, &fits, &mut taken, &mut HashSet::new())).count()
    }
}

/// Each schema once.
fn distinct<'a>(nodes: &[Node<'a>]) -> Vec<Node<'a>> {
    let mut seen = HashSet::new();
    nodes.iter().copied().filter(|node| seen.insert((node.schema, node.part))).collect()
}

/// Finds a place for `at` that no other needs, moving others where they have another choice.
fn find_place(at: usize, fits: &[Vec<usize>], taken: &mut HashMap<usize, usize>, tried: &mut HashSet<usize>) -> bool {
    for place in fits.get(at).into_iter().flatten() {
        if !tried.insert(*place) {
            continue;
        }
        let is_free = match taken.get(place).copied() {
            None => true,
            Some(other) => find_place(other, fits, taken, tried),
        };
        if is_free {
            taken.insert(*place, at);
            return true;
        }
    }
    false
}
