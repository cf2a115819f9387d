//! `WINDOW …`: sizes in milliseconds, defaults, limits.

use crate::config::setting;
use crate::steps::{Window, WindowKind};
use crate::types::Bounds;

use sql::{Emit, Interval, TimeUnit};

use super::error::{PlanError, Result, Stage};

const DAY_MS: i64 = 86_400_000;

/// Milliseconds of a unit.
pub(super) fn unit_ms(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Days => DAY_MS,
        TimeUnit::Hours => 3_600_000,
        TimeUnit::Minutes => 60_000,
        TimeUnit::Seconds => 1_000,
        TimeUnit::Milliseconds => 1,
    }
}

/// Milliseconds of an interval.
pub(super) fn interval_ms(interval: Interval) -> Result<i64> {
    interval
        .amount
        .checked_mul(unit_ms(interval.unit))
        .ok_or_else(|| PlanError::statement("The interval is too large to be counted in milliseconds."))
}

/// Kind, size and advance.
fn shape(window: &sql::Window) -> Result<(WindowKind, i64, i64)> {
    let (kind, size, advance) = match window.kind {
        sql::WindowKind::Tumbling { size } => (WindowKind::Tumbling, size, size),
        sql::WindowKind::Hopping { size, advance } => (WindowKind::Hopping, size, advance),
        sql::WindowKind::Session { gap } => (WindowKind::Session, gap, gap),
    };
    Ok((kind, interval_ms(size)?, interval_ms(advance)?))
}

/// A window holds some time.
pub(super) fn check_size(window: &sql::Window) -> Result<()> {
    if shape(window)?.1 > 0 {
        return Ok(());
    }
    Err(PlanError::statement("Size must be positive").at(window.span))
}

/// The window of a GROUP BY. Without a grace period, EMIT FINAL has none, the others what is left of 24 hours.
pub(super) fn plan(window: &sql::Window, emit: Option<Emit>, bounds: &Bounds) -> Result<Window> {
    check_size(window)?;
    let (kind, size_ms, advance_ms) = shape(window)?;
    if advance_ms <= 0 || advance_ms > size_ms {
        return Err(PlanError::unforeseen(format!(
            "Window advancement interval should be more than zero and less than window duration which is {size_ms} ms, \
             but given advancement interval is: {advance_ms} ms"
        ))
        .during(Stage::Start)
        .at(window.span));
    }
    let grace_ms = match window.grace {
        Some(grace) => interval_ms(grace)?,
        None if emit == Some(Emit::Final) => 0,
        None => (DAY_MS - size_ms).max(0),
    };
    let retention_ms = match window.retention {
        Some(retention) => interval_ms(retention)?.max(size_ms.saturating_add(grace_ms)),
        None => size_ms.saturating_add(grace_ms),
    };
    let planned = Window { kind, size_ms, advance_ms, grace_ms, retention_ms };
    let (per_record, most) = (planned.windows_per_record(), bounds.windows);
    if per_record > most {
        return Err(PlanError::statement(format!(
            "Every record would be in {per_record} windows of {size_ms} ms that advance by {advance_ms} ms, and all of them would be \
             updated. At most {most} are allowed ({}). Choose a longer advance or a shorter size.",
            setting::WINDOW_MAX_PER_RECORD.name()
        ))
        .at(window.span));
    }
    Ok(planned)
}
