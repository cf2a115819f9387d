//! A pull query's rows on their way to its client, who may be slow.

use std::sync::Arc;

use crate::formats::FormatError;
use crate::log::LogError;
use crate::rows::{End, Permit, RowFormat, RowSender};
use crate::serving::Client;
use crate::serving::forward::Forwarded;
use crate::state::Table;

use super::read::{Progress, PullError};
use super::{Pull, UNREADABLE};

/// What a client reads when another server does not give all of its rows; the log tells more.
const BROKEN_OFF: &str = "Rows are missing: another server, which keeps them, broke off its answer. Ask again.";

/// Sends the answer: what the client's queue takes now at once, a long scan's rest, and what other servers have of it, from a
/// thread of its own, for which there must be a `place`. Ends early when the client is gone.
pub(crate) fn answer(
    pull: Pull,
    format: RowFormat,
    (tables, elsewhere): (Arc<[Table]>, Vec<Forwarded>),
    sender: RowSender,
    client: &Client,
    place: impl FnOnce() -> Option<Permit>,
) -> Result<(), PullError> {
    let mut progress = Progress::new(format);
    while elsewhere.is_empty() && sender.has_room() && !client.is_gone() {
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
        match send_own(&pull, &tables, &mut progress, &sender) {
            Sent::All => sender.end(send_others(elsewhere, pull.limit.map(|most| most - progress.rows()), &sender)),
            Sent::Failed(end) => sender.end(end),
            Sent::Unread => {}
        }
    };
    let thread = std::thread::Builder::new().name("pull".to_owned()).stack_size(sql::STACK_BYTES).spawn(rest);
    thread.map(drop).map_err(|error| LogError::Thread(error).into())
}

enum Sent {
    All,
    Failed(End),
    /// The client is gone.
    Unread,
}

/// Sends what this server has.
fn send_own(pull: &Pull, tables: &[Table], progress: &mut Progress, sender: &RowSender) -> Sent {
    while !sender.is_closed() {
        match pull.next(tables, progress) {
            Ok(Some(batch)) => {
                if sender.send(batch).is_err() {
                    return Sent::Unread;
                }
            }
            Ok(None) => return Sent::All,
            Err(PullError::Format(FormatError::Encode(message))) => return Sent::Failed(End::Failed(message)),
            Err(error) => {
                tracing::error!(query = %pull.query, "a table cannot be read: {error}");
                return Sent::Failed(End::Failed(UNREADABLE.to_owned()));
            }
        }
    }
    Sent::Unread
}

/// Sends what others have, `most` rows of it at most; says how that ends.
fn send_others(elsewhere: Vec<Forwarded>, most: Option<u64>, sender: &RowSender) -> End {
    let mut left = most;
    for mut forwarded in elsewhere {
        loop {
            let mut batch = match forwarded.next() {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(problem) => {
                    tracing::error!("the rows of another server break off: {problem}");
                    return End::Failed(BROKEN_OFF.to_owned());
                }
            };
            if let Some(left) = &mut left {
                batch.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= batch.ends.len() as u64;
            }
            if sender.send(batch).is_err() || left == Some(0) {
                return End::Completed;
            }
        }
    }
    End::Completed
}
