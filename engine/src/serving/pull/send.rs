//! A pull query's rows on their way to its client, who may be slow.

use std::sync::Arc;

use crate::formats::FormatError;
use crate::log::LogError;
use crate::rows::{End, Permit, RowFormat, RowSender};
use crate::serving::Client;
use crate::state::Table;

use super::read::{Progress, PullError};
use super::{Pull, UNREADABLE};

/// Sends the answer: what the client's queue takes now at once, a long scan's rest from a thread of its own, for which there
/// must be a `place`. Ends early when the client is gone.
pub(crate) fn answer(
    pull: Pull,
    format: RowFormat,
    tables: Arc<[Table]>,
    sender: RowSender,
    client: &Client,
    place: impl FnOnce() -> Option<Permit>,
) -> Result<(), PullError> {
    let mut progress = Progress::new(format);
    while sender.has_room() && !client.is_gone() {
        match pull.next(&tables, &mut progress)? {
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
    if client.is_gone() {
        return Ok(());
    }
    let place = place().ok_or(PullError::TooMany)?;
    let rest = move || {
        let _place = place;
        while !sender.is_closed() {
            match pull.next(&tables, &mut progress) {
                Ok(Some(batch)) => {
                    if sender.send(batch).is_err() {
                        return;
                    }
                }
                Ok(None) => sender.end(End::Completed),
                Err(PullError::Format(FormatError::Encode(message))) => sender.end(End::Failed(message)),
                Err(error) => {
                    tracing::error!(query = %pull.query, "a table cannot be read: {error}");
                    sender.end(End::Failed(UNREADABLE.to_owned()));
                }
            }
        }
    };
    let thread = std::thread::Builder::new().name("pull".to_owned()).stack_size(sql::STACK_BYTES).spawn(rest);
    thread.map(drop).map_err(|error| LogError::Thread(error).into())
}
