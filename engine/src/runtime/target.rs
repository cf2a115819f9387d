//! Where the rows of a task go.

use arrow::array::ArrayRef;

use crate::formats::rest::RestRows;
use crate::log::Output;
use crate::serving::rows::{End, RowBatch, RowSender};
use crate::types::Changes;

use super::exchange::ExchangeWriter;
use super::reports::Reports;
use super::sink::SinkWriter;
use super::task::TaskError;

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
        reports: &Reports,
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
    /// For each column of the answer, its position in the row layout.
    columns: Vec<usize>,
    is_table: bool,
    /// Rows still wanted.
    left: Option<u64>,
}

impl Client {
    /// `columns` are positions in the root step's row layout.
    pub(super) fn new(sender: RowSender, columns: Vec<usize>, is_table: bool, limit: Option<u64>) -> Self {
        Self { sender, columns, is_table, left: limit }
    }

    /// Sends rows; on a stream those without a value are left out. Says whether no more are wanted.
    fn take(&mut self, rows: &Changes) -> bool {
        let layout: Vec<&ArrayRef> = rows.row(&rows.new).collect();
        let columns: Vec<&ArrayRef> = self.columns.iter().filter_map(|at| layout.get(*at).copied()).collect();
        let writer = RestRows::new(columns);
        let (mut json, mut batch) = (String::new(), RowBatch::default());
        for row in 0..rows.len() {
            if self.left == Some(0) {
                break;
            }
            let present = rows.new.is_present(row);
            if !present && !self.is_table {
                continue;
            }
            writer.write_row(row, &mut json);
            batch.ends.push(json.len());
            batch.tombstones.push(!present);
            self.left = self.left.map(|left| left - 1);
        }
        batch.json = json.into_bytes();
        if !batch.ends.is_empty() && self.sender.send(batch).is_err() {
            return true;
        }
        self.left == Some(0)
    }
}
