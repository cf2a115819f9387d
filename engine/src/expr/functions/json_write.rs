//! Values of columns as JSON text.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::json_text::quote;
use crate::types::{SqlType, View};

/// Writes values; what it needs to sort names is kept from one to the next.
#[derive(Default)]
pub(super) struct Writer {
    names: String,
    /// The names of the objects that are open: start and end in `names`, place among the entries or fields.
    order: Vec<(usize, usize, usize)>,
}

impl Writer {
    /// Appends the value in a row of a column. Keys of maps and structs come sorted.
    pub(super) fn push(&mut self, column: &dyn Array, row: usize, ty: &SqlType, out: &mut String) {
        if column.is_null(row) {
            return out.push_str("null");
        }
        match ty {
            SqlType::String => quote(column.as_string::<i32>().value(row), out),
            SqlType::Bytes => {
                out.push('"');
                STANDARD.encode_string(column.as_binary::<i32>().value(row), out);
                out.push('"');
            }
            SqlType::Array(item) => {
                let lists = column.as_list::<i32>();
                let (start, end) = (lists.value_offsets()[row] as usize, lists.value_offsets()[row + 1] as usize);
                out.push('[');
                for at in start..end {
                    if at > start {
                        out.push(',');
                    }
                    self.push(lists.values(), at, item, out);
                }
                out.push(']');
            }
            SqlType::Map(_, value) => {
                let maps = column.as_map();
                let (start, end) = (maps.value_offsets()[row] as usize, maps.value_offsets()[row + 1] as usize);
                let keys = View::new(maps.keys());
                let name = |i, names: &mut String| keys.java_text(start + i, names);
                self.object(end - start, name, out, |this, i, out| this.push(maps.values(), start + i, value, out));
            }
            SqlType::Struct(fields) => {
                let columns = column.as_struct().columns();
                let name = |i: usize, names: &mut String| names.push_str(&fields[i].0);
                self.object(fields.len(), name, out, |this, i, out| this.push(&columns[i], row, &fields[i].1, out));
            }
            SqlType::Double if column.as_primitive::<Float64Type>().value(row).is_finite() => {
                scalar(column, row, "", out)
            }
            SqlType::Double | SqlType::Time | SqlType::Date | SqlType::Timestamp => scalar(column, row, "\"", out),
            SqlType::Boolean | SqlType::Integer | SqlType::Bigint | SqlType::Decimal { .. } => {
                scalar(column, row, "", out);
            }
        }
    }

    fn object(
        &mut self,
        len: usize,
        name: impl Fn(usize, &mut String),
        out: &mut String,
        value: impl Fn(&mut Self, usize, &mut String),
    ) {
        let (names_before, first) = (self.names.len(), self.order.len());
        for i in 0..len {
            let start = self.names.len();
            name(i, &mut self.names);
            self.order.push((start, self.names.len(), i));
        }
        let names = &self.names;
        self.order[first..].sort_unstable_by(|a, b| names[a.0..a.1].cmp(&names[b.0..b.1]).then(a.2.cmp(&b.2)));
        out.push('{');
        for at in first..first + len {
            if at > first {
                out.push(',');
            }
            let (start, end, i) = self.order[at];
            quote(&self.names[start..end], out);
            out.push(':');
            value(self, i, out);
        }
        out.push('}');
        self.names.truncate(names_before);
        self.order.truncate(first);
    }
}

fn scalar(column: &dyn Array, row: usize, quote: &str, out: &mut String) {
    out.push_str(quote);
    View::new(column).java_text(row, out);
    out.push_str(quote);
}
