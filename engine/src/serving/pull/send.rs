//! A pull query's rows on their way to its client, who may be slow.

use std::sync::Arc;

use crate::log::LogError;
use crate::rows::{End, RowFormat, RowSender};
use crate::state::Table;

use super::Pull;
use super::read::{Progress, PullError};

/// Sends the answer: what the client's queue takes now at once, a long scan's rest from a thread of its own.
pub(crate) fn answer(pull: Pull, format: RowFormat, tables: Arc<[Table]>, sender: RowSender) -> Result<(), PullError> {
    let mut progress = Progress::new(format);
    while sender.has_room() {
        match pull.next(&tables, &mut progress)? {
            // A client that is gone makes room for ever.
            Some(batch) if batch.ends.is_empty() => {}
            Some(batch) => {
                if sender.send(batch).is_err() {
                    return Ok(());
                }
            }
            None => {
                sender.end(End::Completed);
                return Ok(());
            }
        }
    }
    let rest = move || loop {
        match pull.next(&tables, &mut progress) {
            Ok(Some(batch)) => {
                if sender.send(batch).is_err() {
                    return;
                }
            }
            Ok(None) => return sender.end(End::Completed),
            Err(error) => return sender.end(End::Failed(error.to_string())),
        }
    };
    let thread = std::thread::Builder::new().name("pull".to_owned()).spawn(rest);
    thread.map(drop).map_err(|source| LogError::Io { what: "starting a thread".to_owned(), source }.into())
}
