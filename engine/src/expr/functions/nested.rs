//! Building columns of lists and maps of texts, without a value of its own for each row.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, MapBuilder, MapFieldNames, StringBuilder};
use arrow::error::ArrowError;

use super::Batch;
use super::columns::{check_room, has_null};

/// What an item takes besides its text, about.
pub(super) const ITEM_BYTES: usize = 16;

/// The items of the list of one row.
#[derive(Default)]
pub(super) struct TextList {
    text: String,
    /// Where every item ends in `text`, and whether it is NULL.
    ends: Vec<(usize, bool)>,
}

impl TextList {
    /// Appends an item.
    pub(super) fn push(&mut self, item: &str) {
        self.push_option(Some(item));
    }

    /// Appends an item or NULL.
    pub(super) fn push_option(&mut self, item: Option<&str>) {
        self.text.push_str(item.unwrap_or_default());
        self.ends.push((self.text.len(), item.is_none()));
    }

    /// Appends the item that `write` appends to the text it gets.
    pub(super) fn write<E>(&mut self, write: impl FnOnce(&mut String) -> Result<(), E>) -> Result<(), E> {
        write(&mut self.text)?;
        self.ends.push((self.text.len(), false));
        Ok(())
    }

    /// Drops empty items from the end, all but the first item.
    pub(super) fn trim(&mut self) {
        while let [.., (before, _), (end, _)] = *self.ends
            && before == end
        {
            self.ends.pop();
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * ITEM_BYTES
    }

    /// Bytes of the list by itself.
    fn value_bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<i32>()
    }

    fn append_to(&self, builder: &mut StringBuilder) {
        let mut start = 0;
        for (end, null) in &self.ends {
            builder.append_option(if *null { None } else { self.text.get(start..*end) });
            start = *end;
        }
    }
}

/// A column of the lists `each` fills for every row; `false` is NULL. So is a row with a NULL argument, or that fails.
pub(super) fn text_lists(
    batch: &Batch<'_>,
    mut each: impl FnMut(usize, &mut TextList) -> Result<bool, String>,
) -> ArrayRef {
    let mut builder = ListBuilder::with_capacity(StringBuilder::new(), batch.len);
    let (mut items, mut bytes) = (TextList::default(), 0);
    for row in 0..batch.len {
        items.clear();
        let made = if has_null(batch, row) { Ok(false) } else { each(row, &mut items) };
        let checked = |made| {
            batch.check_bytes(items.value_bytes())?;
            check_room(bytes + items.bytes()).map(|()| made)
        };
        let made = made.and_then(checked).unwrap_or_else(|message| {
            batch.fail(row, || message);
            false
        });
        if made {
            bytes += items.bytes();
            items.append_to(builder.values());
        }
        builder.append(made);
    }
    Arc::new(builder.finish())
}

/// The entries of the map of one row. Of entries with the same key the last value counts, where the first one stood.
#[derive(Default)]
pub(super) struct TextMap {
    text: String,
    entries: Vec<Entry>,
    /// TextMap by key, then in the order they came.
    order: Vec<usize>,
}

struct Entry {
    key: Range<usize>,
    value: Range<usize>,
    /// Another entry before it has its key.
    repeats: bool,
}

impl TextMap {
    /// Forgets all entries.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
    }

    /// Appends an entry.
    pub(super) fn push(&mut self, key: &str, value: &str) {
        self.push_key(key);
        self.text.push_str(value);
        self.end_value();
    }

    /// Begins an entry, whose value is what [`Self::write_value`] appends.
    pub(super) fn push_key(&mut self, key: &str) {
        let start = self.text.len();
        self.text.push_str(key);
        let end = self.text.len();
        self.entries.push(Entry { key: start..end, value: end..end, repeats: false });
    }

    /// The value of the last entry is what `write` appends to the text it gets.
    pub(super) fn write_value<E>(&mut self, write: impl FnOnce(&mut String) -> Result<(), E>) -> Result<(), E> {
        write(&mut self.text)?;
        self.end_value();
        Ok(())
    }

    fn end_value(&mut self) {
        if let Some(entry) = self.entries.last_mut() {
            entry.value.end = self.text.len();
        }
    }

    /// The entries as key and value, every key once.
    pub(super) fn unique(&mut self) -> impl Iterator<Item = (&str, &str)> {
        self.merge();
        let text = |range: &Range<usize>| self.text.get(range.clone()).unwrap_or_default();
        self.entries.iter().filter(|entry| !entry.repeats).map(move |entry| (text(&entry.key), text(&entry.value)))
    }

    /// Moves the last value of every key to its first entry.
    fn merge(&mut self) {
        let Self { text, entries, order } = self;
        order.clear();
        order.extend(0..entries.len());
        order.sort_unstable_by(|a, b| key(text, entries, *a).cmp(key(text, entries, *b)).then(a.cmp(b)));
        let mut first = 0;
        for pair in 1..order.len() {
            let (before, after) = (order[pair - 1], order[pair]);
            if key(text, entries, before) != key(text, entries, after) {
                first = pair;
                continue;
            }
            entries[order[first]].value = entries[after].value.clone();
            entries[after].repeats = true;
        }
    }

    fn bytes(&self) -> usize {
        self.text.len() + self.entries.len() * 2 * ITEM_BYTES
    }
}

fn key<'t>(text: &'t str, entries: &[Entry], i: usize) -> &'t str {
    entries.get(i).and_then(|entry| text.get(entry.key.clone())).unwrap_or_default()
}

/// A column of the maps `each` fills for every row; `false` is NULL. So is a row with a NULL argument, or that fails.
pub(super) fn text_maps(
    batch: &Batch<'_>,
    mut each: impl FnMut(usize, &mut TextMap) -> Result<bool, String>,
) -> Result<ArrayRef, ArrowError> {
    let names = MapFieldNames { entry: "entries".to_owned(), key: "key".to_owned(), value: "value".to_owned() };
    let mut builder = MapBuilder::with_capacity(Some(names), StringBuilder::new(), StringBuilder::new(), batch.len);
    let (mut entries, mut bytes) = (TextMap::default(), 0);
    for row in 0..batch.len {
        entries.clear();
        let made = if has_null(batch, row) { Ok(false) } else { each(row, &mut entries) };
        let checked = |made| {
            batch.check_bytes(entries.text.len())?;
            check_room(bytes + entries.bytes()).map(|()| made)
        };
        let made = made.and_then(checked).unwrap_or_else(|message| {
            batch.fail(row, || message);
            false
        });
        if made {
            bytes += entries.bytes();
            for (key, value) in entries.unique() {
                builder.keys().append_value(key);
                builder.values().append_value(value);
            }
        }
        builder.append(made)?;
    }
    Ok(Arc::new(builder.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_stands_where_the_first_did() {
        let mut entries = TextMap::default();
        for (key, value) in [("b", "1"), ("a", "2"), ("b", "3"), ("", "4"), ("b", ""), ("a", "5")] {
            entries.push(key, value);
        }
        assert_eq!(entries.unique().collect::<Vec<_>>(), [("b", ""), ("a", "5"), ("", "4")]);
        entries.clear();
        assert_eq!(entries.unique().count(), 0);
    }

    #[test]
    fn empty_items_at_the_end_go() {
        let mut items = TextList::default();
        ["", "a", "", ""].iter().for_each(|item| items.push(item));
        items.trim();
        assert_eq!(items.ends.len(), 2);
        items.clear();
        ["", "", ""].iter().for_each(|item| items.push(item));
        items.trim();
        assert_eq!(items.ends.len(), 1);
    }
}
