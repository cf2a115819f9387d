//! GROUP BY on a stream with session windows.

use std::sync::Arc;

use arrow::array::{Array, BinaryArray};
use parking_lot::RwLock;

use super::Grouping;
use super::emit::{Emission, Emissions};
use super::groups::{Groups, SharedGroups};
use super::kept::table;
use super::stream::key_nulls;
use super::taken::{results, take_group};
use crate::expr::aggregates::{Emit, NONE, Op};
use crate::kv::Writes;
use crate::operators::keys::KeyBytes;
use crate::operators::{Context, Leads, Operator, OperatorError, only};
use crate::state::{Layout, Store, Stored, Table, TableKind};
use crate::types::row::{BadRow, get_i64, get_u64, put_i64, put_u64};
use crate::types::{Changes, Time, Window, WindowBounds};

/// First and last timestamp of the sessions of one key that end in one segment.
#[derive(Debug, Default)]
struct Spans(Vec<(i64, i64)>);

impl Stored for Spans {
    const LAYOUT: Layout = Layout { kind: "sessions", version: 1 };

    fn encode(&self, into: &mut Vec<u8>) {
        put_u64(self.0.len() as u64, into);
        for (start, end) in &self.0 {
            put_i64(*start, into);
            put_i64(*end, into);
        }
    }

    fn decode(mut bytes: &[u8]) -> Result<Self, BadRow> {
        let n = get_u64(&mut bytes)?;
        (0..n).map(|_| Ok((get_i64(&mut bytes)?, get_i64(&mut bytes)?))).collect::<Result<_, _>>().map(Self)
    }

    fn heap_bytes(&self) -> usize {
        self.0.len() * 16
    }
}

/// Adds every row to the session of its key that it falls into; sessions it connects become one.
///
/// Rows without a value or with a NULL in a key column are left out, and rows whose session, with the row, ended longer
/// than gap and grace before stream time. A session that retention has overtaken is not found any more. A row whose session
/// cannot be represented is refused: it moves nothing. When a session grows, first a tombstone for each session that is no
/// more is emitted, earliest first, then the session as it is now. ROWTIME is the end of the session.
/// Output value columns: one per function, then the session's start and end.
pub(crate) struct SessionAggregate {
    keys: KeyBytes,
    groups: SharedGroups,
    spans: Store<Vec<Spans>>,
    window: Window,
    with_old: bool,
    ops: Vec<Op>,
    /// Sessions that are no more once the step is over.
    ended: Vec<u32>,
    key: Vec<u8>,
    found: Vec<WindowBounds>,
}

impl SessionAggregate {
    /// The aggregate; sessions as of the last commit are read from `grouping.place`. Every update goes out.
    pub(crate) fn new(grouping: Grouping<'_>, window: Window) -> Result<Self, OperatorError> {
        let groups = Store::open_segmented(Groups::new(grouping.step, grouping.calls), grouping.place.clone())?;
        Ok(Self {
            keys: KeyBytes::new(grouping.keys)?,
            groups: Arc::new(RwLock::new(groups)),
            spans: Store::open_segmented(Vec::new(), grouping.place.below("spans"))?,
            window,
            with_old: grouping.with_old,
            ops: Vec::new(),
            ended: Vec::new(),
            key: Vec::new(),
            found: Vec::new(),
        })
    }

    fn group(
        &mut self,
        groups: &mut Store<Groups>,
        rows: &Changes,
        keys: &BinaryArray,
        ctx: &mut dyn Context,
    ) -> Result<Emissions, OperatorError> {
        let mut out = Emissions::default();
        let nulls = key_nulls(rows);
        for row in 0..rows.len() {
            if nulls.is_null(row) || keys.is_null(row) || !rows.new.is_present(row) {
                continue;
            }
            let (key, time) = (keys.value(row), rows.time[row]);
            if !self.window.can_hold(time) {
                groups.values().refuse(rows, row, ctx);
                continue;
            }
            let oldest = Time(groups.time()) - self.window.kept_ms() + 1;
            groups.advance(time);
            self.find(key, time, (oldest.0, groups.time()))?;
            let merged =
                self.found.iter().fold((time, time), |(start, end), found| (start.min(found.0), end.max(found.1)));
            if !self.window.is_over(merged, groups.time()) {
                self.merge(groups, (key, merged), row as u32, &mut out)?;
            }
        }
        Ok(out)
    }

    /// Collects the sessions that a row of that time touches, earliest first. None ended before `oldest` or after `now`.
    fn find(&mut self, key: &[u8], time: i64, (oldest, now): (i64, i64)) -> Result<(), OperatorError> {
        let gap_ms = self.window.size_ms;
        let (from, to) = ((Time(time) - gap_ms).0.max(oldest), (Time(time) + gap_ms).0);
        self.found.clear();
        for segment in self.window.segment(from)..=self.window.segment(now) {
            if let Some(slot) = self.spans.get(segment, key)? {
                let spans = &self.spans.values()[slot as usize].0;
                self.found.extend(spans.iter().filter(|&&(start, end)| start <= to && end >= from));
            }
        }
        self.found.sort_unstable();
        Ok(())
    }

    fn merge(
        &mut self,
        groups: &mut Store<Groups>,
        (key, merged): (&[u8], (i64, i64)),
        row: u32,
        out: &mut Emissions,
    ) -> Result<(), OperatorError> {
        let found = std::mem::take(&mut self.found);
        let (slot, existed) = self.session(groups, key, merged)?;
        let op = Op { slot, merge: NONE, undo: NONE, add: NONE, emit: Emit::Nothing };
        // A session that only holds this moment is not taken back before it is updated.
        let instant = merged.0 == merged.1;
        for &window in found.iter().filter(|_| !instant) {
            let (other, _) = self.session(groups, key, window)?;
            self.ops.push(Op { slot: other, emit: Emit::Gone, ..op });
            out.push_windowed(Emission { row, time: window.1, existed: true, gone: true }, window);
            if other != slot {
                self.ended.push(other);
            }
        }
        for &window in found.iter().filter(|window| **window != merged) {
            let (other, _) = self.session(groups, key, window)?;
            self.ops.push(Op { merge: other, ..op });
            self.forget(key, window)?;
        }
        self.ops.push(Op { add: row, emit: Emit::Result, ..op });
        let existed = existed && instant;
        out.push_windowed(Emission { row, time: merged.1, existed, gone: false }, merged);
        if !found.contains(&merged) {
            let (spans, _) = self.spans.upsert(self.window.segment(merged.1), key)?;
            self.spans.values_mut()[spans as usize].0.push(merged);
        }
        self.found = found;
        Ok(())
    }

    /// Slot of a session's states.
    fn session(
        &mut self,
        groups: &mut Store<Groups>,
        key: &[u8],
        span: (i64, i64),
    ) -> Result<(u32, bool), OperatorError> {
        self.name_session(key, span);
        Ok(groups.upsert(self.window.segment(span.1), &self.key)?)
    }

    /// Makes the key by which a session is kept.
    fn name_session(&mut self, key: &[u8], (start, end): (i64, i64)) {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.key.extend_from_slice(&end.to_be_bytes());
        self.key.extend_from_slice(&start.to_be_bytes());
    }

    /// Takes a session out of its key's list.
    fn forget(&mut self, key: &[u8], window: (i64, i64)) -> Result<(), OperatorError> {
        if let Some(slot) = self.spans.get(self.window.segment(window.1), key)? {
            let spans = &mut self.spans.values_mut()[slot as usize].0;
            spans.retain(|other| *other != window);
            if spans.is_empty() { self.spans.remove(slot) } else { self.spans.touch(slot) }
        }
        Ok(())
    }
}

impl Operator for SessionAggregate {
    fn run(&mut self, inputs: Vec<Changes>, ctx: &mut dyn Context) -> Result<Changes, OperatorError> {
        let rows = only(inputs)?;
        let shared = Arc::clone(&self.groups);
        let groups = &mut *shared.write();
        self.ops.clear();
        let keys = self.keys.of_rows(&rows)?;
        let out = self.group(groups, &rows, &keys, ctx)?;
        let ops = std::mem::take(&mut self.ops);
        let results = groups.values_mut().run(&ops, &rows.key, &rows.new, None, self.with_old, ctx)?;
        self.ops = ops;
        for slot in std::mem::take(&mut self.ended) {
            groups.remove(slot);
        }
        let live = self.window.first_segment(groups.time());
        groups.expire_before(live);
        self.spans.expire_before(live);
        let results = out.finish(&rows, results, true, self.with_old)?;
        // A session is made of many records; as in Kafka Streams it has the headers of none.
        Ok(Changes { headers: None, ..results })
    }

    fn leads(&self) -> Leads {
        Leads::Nowhere
    }

    fn take_over(&mut self, rows: Changes) -> Result<Changes, OperatorError> {
        let shared = Arc::clone(&self.groups);
        let groups = &mut *shared.write();
        let keys = self.keys.of_rows(&rows)?;
        let windows = rows.windows.as_ref();
        let windows = windows.ok_or_else(|| OperatorError::Fatal("a session has no window".to_owned()))?;
        let mut slots = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            let (key, span) = (keys.value(row), (windows.start[row], windows.end[row]));
            let segment = self.window.segment(span.1);
            groups.advance(rows.time[row]);
            self.forget(key, span)?;
            if rows.new.is_present(row) {
                let (spans, _) = self.spans.upsert(segment, key)?;
                self.spans.values_mut()[spans as usize].0.push(span);
            }
            self.name_session(key, span);
            slots.push(take_group(groups, (segment, &self.key), &rows, row)?);
        }
        let live = self.window.first_segment(groups.time());
        groups.expire_before(live);
        self.spans.expire_before(live);
        results(&rows, &slots, groups.values(), self.with_old)
    }

    fn drain_state(&mut self, into: &mut Writes) {
        self.groups.write().drain(into);
        self.spans.drain(into);
    }

    fn committed(&mut self) -> Result<(), OperatorError> {
        self.groups.write().committed()?;
        Ok(self.spans.committed()?)
    }

    fn table(&self) -> Option<Table> {
        Some(table(&self.groups, self.keys.form(), TableKind::of(self.window)))
    }
}
