//! TRANSFORM, FILTER, REDUCE. A lambda's body runs over the elements of all rows at once: a batch with one row per
//! element, the columns of its row repeated, and the parameters as further columns. An element that fails fails its row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt32Array, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{interleave, take, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use datafusion_common::{Result, exec_datafusion_err};
use datafusion_physical_expr::PhysicalExpr;

use super::super::functions::LambdaKind;
use super::super::items::{Items, Seen};
use super::super::maps::map_column;
use super::failures::scoped;
use super::{Frame, Operation, numbering};
use crate::types::text::java_map_order;

/// A call with lambdas: argument 0 is the collection, argument 1 of REDUCE the initial state.
#[derive(Debug)]
pub(in super::super) struct CallLambda {
    pub(in super::super) kind: LambdaKind,
    pub(in super::super) bodies: Vec<Body>,
}

/// A compiled lambda; its parameters are the last columns of the batch it runs on.
#[derive(Debug)]
pub(in super::super) struct Body {
    pub(in super::super) expr: Arc<dyn PhysicalExpr>,
    pub(in super::super) ty: DataType,
}

impl Operation for CallLambda {
    fn run(&self, frame: &Frame<'_>) -> Result<ArrayRef> {
        let collection = frame.arg(0)?.expand(frame.len())?;
        let elements = Elements::of(&collection)?;
        match self.kind {
            LambdaKind::Transform => self.transform(frame, &elements),
            LambdaKind::Filter => self.filter(frame, &elements),
            LambdaKind::Reduce => self.reduce(frame, &elements),
        }
    }
}

impl CallLambda {
    fn body(&self, i: usize) -> Result<&Body> {
        self.bodies.get(i).ok_or_else(|| exec_datafusion_err!("there is no lambda {i}"))
    }

    fn transform(&self, frame: &Frame<'_>, elements: &Elements) -> Result<ArrayRef> {
        let first = self.body(0)?.over(frame, elements)?;
        if elements.params.len() == 1 {
            let DataType::List(field) = frame.ty() else { return Err(exec_datafusion_err!("not a list")) };
            let list = ListArray::try_new(field.clone(), elements.offsets.clone(), first, elements.nulls())?;
            return Ok(Arc::new(list));
        }
        let second = self.body(1)?.over(frame, elements)?;
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
        let keep = self.body(0)?.over(frame, elements)?;
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
        let initial = frame.arg(1)?.expand(frame.len())?;
        let mut state = initial.clone();
        let longest = (0..frame.len()).map(|row| elements.range(row).len()).max().unwrap_or(0);
        for step in 0..longest {
            let rows: Vec<u32> = (0..frame.len())
                .filter(|row| elements.range(*row).len() > step && initial.is_valid(*row))
                .map(|row| row as u32)
                .collect();
            if rows.is_empty() {
                break;
            }
            let at: UInt32Array =
                rows.iter().map(|row| Some((elements.range(*row as usize).start + step) as u32)).collect();
            let rows = UInt32Array::from(rows);
            let mut params = vec![take(&state, &rows, None)?];
            for param in &elements.params {
                params.push(take(param, &at, None)?);
            }
            let next = body.run(frame, &rows, params)?;
            let mut places: Vec<(usize, usize)> = (0..frame.len()).map(|row| (0, row)).collect();
            for (i, row) in rows.values().iter().enumerate() {
                if let Some(place) = places.get_mut(*row as usize) {
                    *place = (1, i);
                }
            }
            state = interleave(&[&state, &next], &places)?;
        }
        Ok(state)
    }
}

impl Body {
    /// The body for every element.
    fn over(&self, frame: &Frame<'_>, elements: &Elements) -> Result<ArrayRef> {
        self.run(frame, &elements.rows, elements.params.clone())
    }

    /// The body for elements of these rows. They are numbered anew: one that fails and is caught within the body leaves
    /// the others of its row alone.
    fn run(&self, frame: &Frame<'_>, rows: &UInt32Array, params: Vec<ArrayRef>) -> Result<ArrayRef> {
        if rows.is_empty() {
            return Ok(new_empty_array(&self.ty));
        }
        let batch = take_record_batch(frame.batch, rows)?;
        let mut fields: Vec<Arc<Field>> = batch.schema().fields().iter().cloned().collect();
        fields.extend(params.iter().map(|param| Arc::new(Field::new("parameter", param.data_type().clone(), true))));
        let own = batch.columns().iter().skip(1).cloned();
        let columns = std::iter::once(numbering(rows.len())).chain(own).chain(params).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        let (result, failed) = scoped(|| self.expr.evaluate(&batch)?.into_array(batch.num_rows()));
        failed.hand_on(frame.failures(), |element| rows.values().get(element).map_or(0, |row| *row as usize));
        result
    }
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
