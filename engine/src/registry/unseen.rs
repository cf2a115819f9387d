//! What this process has appended to the topic without learning that it stands there: an append that failed may come
//! late, and one that another process came before may say what is no longer so.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};

use super::entry::{Entry, SchemaValue};
use super::view::View;

/// Versions that are remembered. Beyond that the oldest are forgotten: they count as another's when they come.
const MAX_REMEMBERED: usize = 1_000;

/// A version that was appended.
#[derive(Debug)]
struct Sent {
    key: Vec<u8>,
    /// Hash of the record's value.
    value: u64,
    /// Hash of what stood there when it was made.
    before: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Unseen {
    sent: VecDeque<Sent>,
    /// Versions of which the last record is one of ours that must not count.
    pub(super) overtaken: BTreeSet<(String, i32)>,
}

impl Unseen {
    /// Remembers what was appended to what the view says.
    pub(super) fn add(&mut self, view: &View, entries: &[Entry]) {
        for entry in entries {
            let Entry::Version(version) = entry else { continue };
            let Ok((key, Some(value))) = entry.write() else { continue };
            if self.sent.len() >= MAX_REMEMBERED {
                self.sent.pop_front();
            }
            let before = standing(view, version);
            self.sent.push_back(Sent { key, value: hash(&value), before });
        }
    }

    /// Whether a record that was read is one of ours, and what it says is no longer so: somebody has written that version,
    /// or given its id to another schema, in between.
    pub(super) fn is_overtaken(&mut self, view: &View, key: &[u8], value: &[u8], version: &SchemaValue) -> bool {
        if self.sent.is_empty() {
            return false;
        }
        let value = hash(value);
        let Some(at) = self.sent.iter().position(|sent| sent.value == value && sent.key == key) else { return false };
        let Some(sent) = self.sent.remove(at) else { return false };
        let now = standing(view, version);
        let is_overtaken = now != Some(value) && (now != sent.before || view.means_another(version));
        if is_overtaken {
            self.overtaken.insert((version.subject.clone(), version.version));
        }
        is_overtaken
    }
}

/// Hash of what the topic says of a version.
fn standing(view: &View, SchemaValue { subject, version, .. }: &SchemaValue) -> Option<u64> {
    let entry = view.last_entry(subject, *version)?;
    let value = entry.write().ok().and_then(|(_, value)| value);
    Some(value.map_or(0, |value| hash(&value)))
}

fn hash(value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
