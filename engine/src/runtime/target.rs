//! Where the rows of a task go.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, new_null_array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::DataType;

use crate::log::Output;
use crate::rows::{End, RowFormat, RowSender, RowWriter};
use crate::steps::Step;
use crate::types::{Changes, Windows};

use super::error::TaskError;
use super::exchange::ExchangeWriter;
use super::reports::Reports;
use super::request::{ClientColumn, Transient};
use super::sink::SinkWriter;

/// How many rows are written for a client before it is looked whether it is still there.
const ROWS_BETWEEN_LOOKS: usize = 256;

/// Where the rows of a task go.
pub(super) enum Target {
    /// To a topic.
    Sink(SinkWriter),
    /// To another sub-topology.
    Exchange(ExchangeWriter),
    /// To a client.
    Client(Client),
    /// Nowhere: the query only keeps its store.
    Store,
}

impl Target {
    /// Takes a step's rows; says whether it wants no more.
    pub(super) fn take(
        &mut self,
        rows: Changes,
        reports: &mut Reports,
        outputs: &mut Vec<Output>,
    ) -> Result<bool, TaskError> {
        match self {
            Self::Sink(sink) => outputs.extend(sink.write(&rows, reports)?),
            Self::Exchange(exchange) => outputs.extend(exchange.write(&rows)?),
            Self::Client(client) => return Ok(client.take(&rows)),
            Self::Store => {}
        }
        Ok(false)
    }

    /// Whether rows can be taken now.
    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Client(client) => client.sender.has_room(),
            _ => true,
        }
    }

    /// Whether nobody wants rows any more.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Client(client) => client.sender.is_closed(),
            _ => false,
        }
    }

    /// Whether it wants no rows at all: LIMIT 0.
    pub(super) fn wants_none(&self) -> bool {
        matches!(self, Self::Client(Client { left: Some(0), .. }))
    }

    /// Nothing more comes: the limit is reached, or all is read.
    pub(super) fn end(&self, limit_reached: bool) {
        if let Self::Client(client) = self {
            client.sender.end(if limit_reached { End::LimitReached } else { End::Completed });
        }
    }

    /// The task cannot go on.
    pub(super) fn fail(&self, message: &str) {
        if let Self::Client(client) = self {
            client.sender.end(End::Failed(message.to_owned()));
        }
    }
}

/// Rows on their way to a client.
pub(super) struct Client {
    sender: RowSender,
    /// Where each column of the answer comes from.
    columns: Vec<ClientColumn>,
    is_table: bool,
    keyed_only: bool,
    format: RowFormat,
    /// Rows still wanted.
    left: Option<u64>,
}

impl Client {
    /// The client of a query with that last step.
    pub(super) fn new(query: Transient, root: &Step, limit: Option<u64>) -> Self {
        let Transient { sender, columns, keyed_only, format, .. } = query;
        Self {
            sender,
            columns,
            is_table: root.is_table,
            keyed_only: keyed_only && !root.schema.key.is_empty(),
            format,
            left: limit,
        }
    }

    /// Sends rows; on a stream those without a value are left out. Says whether no more are wanted.
    fn take(&mut self, rows: &Changes) -> bool {
        let layout: Vec<&ArrayRef> = rows.row(&rows.new).collect();
        let bound = |pick: fn(&Windows) -> &ScalarBuffer<i64>| match &rows.windows {
            Some(windows) => Arc::new(Int64Array::new(pick(windows).clone(), None)) as ArrayRef,
            None => new_null_array(&DataType::Int64, rows.len()),
        };
        let columns: Vec<ArrayRef> = self
            .columns
            .iter()
            .filter_map(|column| match column {
                ClientColumn::Layout(at) => layout.get(*at).map(|column| ArrayRef::clone(column)),
                ClientColumn::WindowStart => Some(bound(|windows| &windows.start)),
                ClientColumn::WindowEnd => Some(bound(|windows| &windows.end)),
            })
            .collect();
        let (mut writer, mut problem) = (RowWriter::new(self.format, &columns), None);
        for row in 0..rows.len() {
            if self.left == Some(0) || (row % ROWS_BETWEEN_LOOKS == 0 && self.sender.is_closed()) {
                break;
            }
            let present = rows.new.is_present(row);
            let is_null = || rows.key.iter().all(|column| column.is_null(row));
            let is_keyless = self.keyed_only && is_null() && !rows.has_null_key(row);
            if is_keyless || (!present && !self.is_table) {
                continue;
            }
            problem = writer.write(row, !present).err();
            if problem.is_some() {
                break;
            }
            self.left = self.left.map(|left| left - 1);
        }
        let batch = writer.finish();
        if !batch.ends.is_empty() && self.sender.send(batch).is_err() {
            return true;
        }
        if let Some(problem) = problem {
            self.sender.end(End::Failed(problem.to_string()));
            return true;
        }
        self.left == Some(0)
    }
}
