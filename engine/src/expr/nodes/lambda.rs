//! TRANSFORM, FILTER, REDUCE. A lambda's body runs over the elements of all rows at once: a batch with one row per
//! element, the columns of its row repeated, and the parameters as further columns. An element that fails fails its row.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt32Array, new_empty_array, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{concat, interleave, take};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use datafusion_common::{Result, exec_datafusion_err};
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::PhysicalExpr;

use super::super::cast::{Settings, check_bytes};
use super::super::functions::LambdaKind;
use super::super::items::{Items, Seen};
use super::super::maps::map_column;
use super::failures::{scoped, work};
use super::{Arg, Frame, Operation, numbering};
use crate::config::setting;
use crate::types::View;
use crate::types::text::java_map_order;

/// A call with lambdas: argument 0 is the collection, argument 1 of REDUCE the initial state.
#[derive(Debug)]
pub(in super::super) struct CallLambda {
    pub(in super::super) kind: LambdaKind,
    pub(in super::super) bodies: Vec<Body>,
    pub(in super::super) settings: Settings,
}

/// A compiled lambda; its parameters are the last columns of the batch it runs on.
#[derive(Debug)]
pub(in super::super) struct Body {
    pub(in super::super) expr: Arc<dyn PhysicalExpr>,
    pub(in super::super) ty: DataType,
    /// The columns of the batch around it that it may read.
    pub(in super::super) used: Vec<usize>,
}

/// Elements of several rows that are taken together.
const PART_ELEMENTS: usize = 1 << 20;
/// Elements a body is run over first, before anything is known of what it makes of them.
const FIRST_ELEMENTS: usize = 32;
/// What a run of a body should read and make.
const PART_BYTES: usize = 4 << 20;
/// What one element counts for when the work of a lambda is measured in bytes.
const ELEMENT_BYTES: usize = 16;
/// Elements that take about as long as starting a run, which REDUCE does for every element of its longest array.
const RUN_ELEMENTS: usize = 128;

impl Operation for CallLambda {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let collection = frame.arg(0)?;
        let parts = parts(&collection, frame.len());
        if parts.len() < 2 {
            return self.over_rows(frame, collection);
        }
        let mut results = Vec::with_capacity(parts.len());
        for rows in parts {
            let batch = frame.batch.slice(rows.start, rows.len());
            let array = match collection.scalar {
                true => collection.array.clone(),
                false => collection.array.slice(rows.start, rows.len()),
            };
            results.push(self.over_rows(&frame.over(&batch)?, Arg { array, scalar: collection.scalar })?);
        }
        let results: Vec<&dyn Array> = results.iter().map(|result| &**result).collect();
        Ok(concat(&results)?)
    }
}

/// Rows that together have few enough elements, one row at least.
fn parts(collection: &Arg, len: usize) -> Vec<Range<usize>> {
    let offsets = match collection.array.data_type() {
        DataType::List(_) => collection.array.as_list::<i32>().offsets(),
        DataType::Map(..) => collection.array.as_map().offsets(),
        _ => return Vec::new(),
    };
    let count = |row| {
        let at = collection.index(row);
        (offsets[at + 1] - offsets[at]) as usize
    };
    let (mut parts, mut start, mut elements) = (Vec::new(), 0, 0);
    for row in 0..len {
        let more = count(row);
        if elements + more > PART_ELEMENTS && row > start {
            parts.push(start..row);
            (start, elements) = (row, 0);
        }
        elements += more;
    }
    parts.push(start..len);
    parts
}

impl CallLambda {
    fn over_rows(&self, frame: &Frame<'_>, collection: Arg) -> Result<ArrayRef> {
        let elements = Elements::of(&collection.expand(frame.len())?)?;
        match self.kind {
            LambdaKind::Transform => self.transform(frame, &elements),
            LambdaKind::Filter => self.filter(frame, &elements),
            LambdaKind::Reduce => self.reduce(frame, &elements),
        }
    }

    fn body(&self, i: usize) -> Result<&Body> {
        self.bodies.get(i).ok_or_else(|| exec_datafusion_err!("there is no lambda {i}"))
    }

    fn transform(&self, frame: &Frame<'_>, elements: &Elements) -> Result<ArrayRef> {
        let first = self.body(0)?.over(frame, elements, &self.settings)?;
        if elements.params.len() == 1 {
            let DataType::List(field) = frame.ty() else { return Err(exec_datafusion_err!("not a list")) };
            let list = ListArray::try_new(field.clone(), elements.offsets.clone(), first, elements.nulls())?;
            return Ok(Arc::new(list));
        }
        let second = self.body(1)?.over(frame, elements, &self.settings)?;
        let (keys, mut seen) = (Items::new([&first]), Seen::default());
        for row in 0..frame.len() {
            let range = elements.range(row);
            seen.start(range.len());
            if !range.into_iter().all(|i| seen.is_new(&keys, i as u32)) {
                frame.fail(row, || "TRANSFORM made the same key twice".to_owned());
            }
        }
        Ok(map_column(frame.ty(), elements.offsets.clone(), first.clone(), second, elements.nulls())?)
    }

    fn filter(&self, frame: &Frame<'_>, elements: &Elements) -> Result<ArrayRef> {
        let keep = self.body(0)?.over(frame, elements, &self.settings)?;
        let keep = keep.as_boolean();
        let (mut kept, mut lengths) = (Vec::new(), Vec::with_capacity(frame.len()));
        for row in 0..frame.len() {
            let before = kept.len();
            for i in elements.range(row) {
                if keep.is_null(i) {
                    frame.fail(row, || "the lambda of FILTER gave NULL".to_owned());
                } else if keep.value(i) {
                    kept.push(i as u32);
                }
            }
            lengths.push(kept.len() - before);
        }
        let (kept, offsets) = (UInt32Array::from(kept), OffsetBuffer::from_lengths(lengths));
        let params =
            elements.params.iter().map(|param| take(param, &kept, None)).collect::<std::result::Result<Vec<_>, _>>()?;
        match (frame.ty(), params.as_slice()) {
            (DataType::List(field), [items]) => {
                Ok(Arc::new(ListArray::try_new(field.clone(), offsets, items.clone(), elements.nulls())?))
            }
            (DataType::Map(field, _), [_, _]) => {
                let DataType::Struct(fields) = field.data_type() else { return Err(exec_datafusion_err!("not a map")) };
                let entries = StructArray::try_new(fields.clone(), params, None)?;
                Ok(Arc::new(MapArray::try_new(field.clone(), offsets, entries, elements.nulls(), false)?))
            }
            (other, _) => Err(exec_datafusion_err!("FILTER does not yield {other}")),
        }
    }

    fn reduce(&self, frame: &Frame<'_>, elements: &Elements) -> Result<ArrayRef> {
        let body = self.body(0)?;
        let read = body.read(frame);
        let initial = frame.arg(1)?.expand(frame.len())?;
        // The rows that have elements left, and their states. Those of the others stand in what was set aside.
        let mut open: Vec<u32> = (0..frame.len() as u32).filter(|row| initial.is_valid(*row as usize)).collect();
        let mut state = take(&initial, &UInt32Array::from(open.clone()), None)?;
        let mut places: Vec<(usize, usize)> = (0..frame.len()).map(|row| (0, row)).collect();
        let mut aside = vec![initial];
        for step in 0.. {
            let (mut going, mut rows) = (Vec::with_capacity(open.len()), Vec::with_capacity(open.len()));
            for (at, row) in open.iter().enumerate() {
                if elements.range(*row as usize).len() > step && !frame.failures().has_failed(*row as usize) {
                    going.push(at as u32);
                    rows.push(*row);
                } else {
                    places[*row as usize] = (aside.len(), at);
                }
            }
            if going.len() < open.len() {
                aside.push(state.clone());
                state = take(&state, &UInt32Array::from(going), None)?;
            }
            if rows.is_empty() {
                break;
            }
            let at: UInt32Array =
                rows.iter().map(|row| Some((elements.range(*row as usize).start + step) as u32)).collect();
            let mut params = vec![state];
            for param in &elements.params {
                params.push(take(param, &at, None)?);
            }
            let states = View::new(&params[0]).bytes(0..rows.len());
            let bytes = rows.iter().map(|row| bytes_of(&read, *row)).sum::<usize>() + states;
            state = body.run(frame, &UInt32Array::from(rows.clone()), params, bytes, &self.settings)?;
            open = rows;
        }
        let aside: Vec<&dyn Array> = aside.iter().map(|states| &**states).collect();
        Ok(interleave(&aside, &places)?)
    }
}

impl Body {
    /// What it reads of each row.
    fn read<'a>(&self, frame: &Frame<'a>) -> Vec<View<'a>> {
        self.used.iter().filter_map(|at| frame.batch.columns().get(*at)).map(|column| View::new(column)).collect()
    }

    /// The body for every element, part by part: what a part reads and makes is not much, unless one element does.
    fn over(&self, frame: &Frame<'_>, elements: &Elements, settings: &Settings) -> Result<ArrayRef> {
        let rows = &elements.rows;
        let read = self.read(frame);
        let mut pieces = Vec::new();
        let (mut start, mut width) = (0, FIRST_ELEMENTS);
        // The last row so far, and the bytes of its elements.
        let mut last = (u32::MAX, 0);
        while start < rows.len() {
            let (end, bytes) = part(rows, start, width, &read);
            let params = elements.params.iter().map(|param| param.slice(start, end - start)).collect();
            let piece = self.run(frame, &rows.slice(start, end - start), params, bytes, settings)?;
            let view = View::new(&piece);
            let made = view.bytes(0..piece.len());
            width = if made > PART_BYTES { (width * PART_BYTES / made).max(1) } else { (width * 4).min(PART_ELEMENTS) };
            let row = rows.value(end - 1);
            let own = view.bytes(elements.range(row as usize).start.max(start) - start..piece.len());
            last = if last.0 == row { (row, last.1 + own) } else { (row, own) };
            pieces.push(piece);
            start = end;
            if let Err(message) = check_bytes(last.1, settings.value_bytes) {
                frame.fail(row as usize, || message);
                start = elements.range(row as usize).end;
                pieces.push(new_null_array(&self.ty, start - end));
            }
        }
        if pieces.len() < 2 {
            return Ok(pieces.pop().unwrap_or_else(|| new_empty_array(&self.ty)));
        }
        let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
        Ok(concat(&pieces)?)
    }

    /// The body for elements of these rows. They are numbered anew: one that fails and is caught within the body leaves
    /// the others of its row alone. `bytes` are read besides the elements.
    fn run(
        &self,
        frame: &Frame<'_>,
        rows: &UInt32Array,
        params: Vec<ArrayRef>,
        bytes: usize,
        settings: &Settings,
    ) -> Result<ArrayRef> {
        let most = settings.lambda_elements;
        if work(RUN_ELEMENTS + rows.len() + bytes / ELEMENT_BYTES) > most {
            for row in rows.values() {
                let message = || {
                    let limit = setting::FUNCTIONS_LAMBDA_MAX_ELEMENTS.name();
                    format!("a lambda would visit more than the {most} elements {limit} allows")
                };
                frame.fail(*row as usize, message);
            }
            return Ok(new_null_array(&self.ty, rows.len()));
        }
        let batch = frame.batch;
        let mut fields: Vec<Arc<Field>> = batch.schema().fields().iter().cloned().collect();
        fields.extend(params.iter().map(|param| Arc::new(Field::new("parameter", param.data_type().clone(), true))));
        let mut columns = vec![numbering(rows.len())];
        for (at, column) in batch.columns().iter().enumerate().skip(1) {
            let used = self.used.contains(&at);
            columns.push(if used { take(column, rows, None)? } else { new_null_array(column.data_type(), rows.len()) });
        }
        columns.extend(params);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        let (result, failed) = scoped(|| match self.expr.evaluate(&batch)? {
            ColumnarValue::Array(array) => Ok(array),
            ColumnarValue::Scalar(value) => {
                Ok(Arg { array: value.to_array_of_size(1)?, scalar: true }.expand(batch.num_rows())?)
            }
        });
        failed.hand_on(frame.failures(), |element| rows.values().get(element).map_or(0, |row| *row as usize));
        result
    }
}

/// Where the part ends that starts with an element, and how many bytes it reads of the columns of its rows.
fn part(rows: &UInt32Array, start: usize, width: usize, read: &[View<'_>]) -> (usize, usize) {
    let (mut bytes, mut row, mut own) = (0, u32::MAX, 0);
    let mut end = start;
    for next in &rows.values()[start..(start + width).min(rows.len())] {
        if *next != row {
            row = *next;
            own = bytes_of(read, row);
        }
        if end > start && bytes + own > PART_BYTES {
            break;
        }
        bytes += own;
        end += 1;
    }
    (end, bytes)
}

/// Bytes of some columns in a row.
fn bytes_of(columns: &[View<'_>], row: u32) -> usize {
    let row = row as usize;
    columns.iter().map(|column| column.bytes(row..row + 1)).sum()
}

/// The elements of all rows of a column of ARRAYs or MAPs, without those of NULL rows.
struct Elements {
    collection: ArrayRef,
    /// One column for ARRAY, keys and values for MAP.
    params: Vec<ArrayRef>,
    /// Row of each element.
    rows: UInt32Array,
    /// Elements of row `i` are `offsets[i]..offsets[i + 1]`.
    offsets: OffsetBuffer<i32>,
}

impl Elements {
    fn of(collection: &ArrayRef) -> Result<Self> {
        let (source, offsets): (Vec<&ArrayRef>, &OffsetBuffer<i32>) = match collection.data_type() {
            DataType::List(_) => {
                let list = collection.as_list::<i32>();
                (vec![list.values()], list.offsets())
            }
            DataType::Map(..) => {
                let map = collection.as_map();
                (vec![map.keys(), map.values()], map.offsets())
            }
            other => return Err(exec_datafusion_err!("{other} has no elements")),
        };
        let text_keys = match source.as_slice() {
            [keys, _] => keys.as_string_opt::<i32>(),
            _ => None,
        };
        let (mut rows, mut at, mut lengths) = (Vec::new(), Vec::new(), Vec::with_capacity(collection.len()));
        let mut order = Vec::new();
        for (row, bounds) in offsets.windows(2).enumerate() {
            let range = if collection.is_null(row) { 0..0 } else { bounds[0]..bounds[1] };
            lengths.push(range.len());
            rows.extend(std::iter::repeat_n(row as u32, range.len()));
            match text_keys {
                Some(keys) => {
                    java_map_order(range.clone().map(|i| keys.value(i as usize)), &mut order);
                    at.extend(order.iter().map(|(_, i)| range.start as u32 + *i as u32));
                }
                None => at.extend(range.map(|element| element as u32)),
            }
        }
        let at = UInt32Array::from(at);
        let params = source.into_iter().map(|source| take(source, &at, None)).collect::<std::result::Result<_, _>>()?;
        Ok(Self {
            collection: collection.clone(),
            params,
            rows: UInt32Array::from(rows),
            offsets: OffsetBuffer::from_lengths(lengths),
        })
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        match (self.offsets.get(row), self.offsets.get(row + 1)) {
            (Some(start), Some(end)) => *start as usize..*end as usize,
            _ => 0..0,
        }
    }

    fn nulls(&self) -> Option<arrow::buffer::NullBuffer> {
        self.collection.nulls().cloned()
    }
}
