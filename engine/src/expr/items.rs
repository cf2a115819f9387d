//! Elements of arrays and maps, named by their places in the columns below. What functions pick is gathered once a batch.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher};

use arrow::array::{Array, ArrayRef, UInt32Array, new_null_array};
use arrow::compute::{interleave, take};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::types::View;

/// The place of NULL.
pub(super) const NONE: u32 = u32::MAX;

/// One or two columns of one type, laid end to end.
pub(super) struct Items<'a> {
    columns: Vec<(&'a ArrayRef, View<'a>)>,
    /// Place at which the second column starts.
    second: u32,
}

impl<'a> Items<'a> {
    pub(super) fn new(columns: impl IntoIterator<Item = &'a ArrayRef>) -> Self {
        let columns: Vec<_> = columns.into_iter().take(2).map(|array| (array, View::new(array))).collect();
        let second = columns.first().map_or(0, |(array, _)| array.len() as u32);
        Self { columns, second }
    }

    /// Place of the first element of column 0 or 1.
    pub(super) fn start(&self, column: usize) -> u32 {
        if column == 0 { 0 } else { self.second }
    }

    /// The column of a place, and the row there.
    pub(super) fn at(&self, place: u32) -> (&View<'a>, usize) {
        let (column, row) = if place < self.second { (0, place) } else { (1, place - self.second) };
        (&self.columns[column].1, row as usize)
    }

    pub(super) fn is_null(&self, place: u32) -> bool {
        let (view, row) = self.at(place);
        view.is_null(row)
    }

    pub(super) fn equals(&self, place: u32, other: u32) -> bool {
        let ((a, i), (b, j)) = (self.at(place), self.at(other));
        a.equals(i, b, j)
    }

    /// Order of two elements; none where one is NULL, and of types without order.
    pub(super) fn compare(&self, place: u32, other: u32) -> Option<Ordering> {
        let ((a, i), (b, j)) = (self.at(place), self.at(other));
        a.compare(i, b, j)
    }

    /// Bytes the elements at some places take in a column.
    pub(super) fn bytes(&self, places: impl Iterator<Item = u32>) -> usize {
        let bytes = |place| {
            let (view, row) = self.at(place);
            view.bytes(row..row + 1)
        };
        places.filter(|place| *place != NONE).map(bytes).sum()
    }

    /// A column of the elements at some places. If there are two columns, none of them is [`NONE`]; if there is no column,
    /// all are.
    pub(super) fn take(&self, places: Vec<u32>, ty: &DataType) -> Result<ArrayRef, ArrowError> {
        match self.columns.as_slice() {
            [] => Ok(new_null_array(ty, places.len())),
            [(array, _)] if places.contains(&NONE) => {
                let places: UInt32Array = places.iter().map(|place| (*place != NONE).then_some(*place)).collect();
                take(array, &places, None)
            }
            [(array, _)] => take(array, &UInt32Array::from(places), None),
            columns => {
                let place = |place: &u32| match place.checked_sub(self.second) {
                    Some(row) => (1, row as usize),
                    None => (0, *place as usize),
                };
                let places: Vec<(usize, usize)> = places.iter().map(place).collect();
                let arrays: Vec<&dyn Array> = columns.iter().map(|(array, _)| &***array).collect();
                interleave(&arrays, &places)
            }
        }
    }
}

/// Elements that were seen in one row, by value.
#[derive(Default)]
pub(super) struct Seen {
    /// Place of an element, and what was noted with it.
    table: HashTable<(u32, u32)>,
    hasher: RandomState,
}

impl Seen {
    /// Forgets everything, before a row with at most that many elements.
    pub(super) fn start(&mut self, most: usize) {
        // Emptying a table takes as long as it is large: after a large row a new one is better.
        if self.table.capacity() > 64 + most * 8 {
            self.table = HashTable::new();
        } else {
            self.table.clear();
        }
    }

    /// Adds an element with a note, unless there is an equal one: then gives the note of that.
    pub(super) fn add(&mut self, items: &Items<'_>, place: u32, note: u32) -> Option<u32> {
        let hash = hash(&self.hasher, items, place);
        if let Some((_, known)) = self.table.find(hash, |(other, _)| items.equals(*other, place)) {
            return Some(*known);
        }
        self.table.insert_unique(hash, (place, note), |(place, _)| self::hash(&self.hasher, items, *place));
        None
    }

    /// Whether there was no equal element; it is added.
    pub(super) fn is_new(&mut self, items: &Items<'_>, place: u32) -> bool {
        self.add(items, place, 0).is_none()
    }

    /// Whether there is an equal element.
    pub(super) fn contains(&self, items: &Items<'_>, place: u32) -> bool {
        self.table.find(hash(&self.hasher, items, place), |(other, _)| items.equals(*other, place)).is_some()
    }
}

fn hash(hasher: &RandomState, items: &Items<'_>, place: u32) -> u64 {
    let mut state = hasher.build_hasher();
    let (view, row) = items.at(place);
    view.hash(row, &mut state);
    state.finish()
}
