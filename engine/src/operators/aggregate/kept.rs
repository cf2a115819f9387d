//! Groups as rows of a table: what pull queries read.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, Int64Array};
use arrow::buffer::ScalarBuffer;

use super::groups::{Groups, SharedGroups};
use crate::kv::{KvError, Result};
use crate::operators::KeyForm;
use crate::state::{Table, TableKind, ToRows, Values};
use crate::types::row::BadRow;
use crate::types::{Changes, Side, Windows};

/// The table of groups whose windows are of that kind.
pub(super) fn table(groups: &SharedGroups, keys: &KeyForm, kind: TableKind) -> Table {
    let rows = GroupRows { like: groups.read().values().empty(), keys: keys.clone(), kind };
    Table::new(groups.clone(), kind, Arc::new(rows))
}

/// Makes the rows that the aggregate emits from the states it keeps.
struct GroupRows {
    /// No groups of the same functions.
    like: Groups,
    keys: KeyForm,
    kind: TableKind,
}

impl ToRows for GroupRows {
    fn keys(&self, key: &[ArrayRef]) -> Result<BinaryArray> {
        self.keys.encode(key)
    }

    fn rows(&self, keys: &BinaryArray, windows: Option<Windows>, values: &BinaryArray) -> Result<Changes> {
        let mut groups = self.like.empty();
        groups.grow(values.len());
        for (slot, bytes) in values.iter().enumerate() {
            groups.decode(slot as u32, bytes.unwrap_or_default()).map_err(damaged)?;
        }
        let slots: Vec<u32> = (0..values.len() as u32).collect();
        let mut columns = groups.results(&slots);
        let mut time = ScalarBuffer::from(groups.times().to_vec());
        if let Some(windows) = &windows {
            for bounds in [&windows.start, &windows.end] {
                columns.push(Arc::new(Int64Array::new(bounds.clone(), None)));
            }
            if let TableKind::Session { .. } = self.kind {
                time = windows.end.clone();
            }
        }
        let seq = ScalarBuffer::from(vec![0_u64; values.len()]);
        let key = self.keys.decode(keys)?;
        Ok(Changes {
            key,
            null_keys: None,
            windows,
            new: Side { columns, present: None },
            old: None,
            time,
            seq,
            headers: None,
        })
    }
}

fn damaged(bad: BadRow) -> KvError {
    KvError::Corrupt { file: "state of an aggregate".to_owned(), problem: bad.to_string() }
}
