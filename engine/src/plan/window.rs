//! `WINDOW …`: sizes in milliseconds, defaults, limits.

use crate::config::setting;
use crate::steps::{KeyWindow, Window, WindowKind};
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

fn kind(window: &sql::Window) -> Result<WindowKind> {
    Ok(match window.kind {
        sql::WindowKind::Tumbling { size } => WindowKind::Tumbling { size_ms: interval_ms(size)? },
        sql::WindowKind::Hopping { size, advance } => {
            WindowKind::Hopping { size_ms: interval_ms(size)?, advance_ms: interval_ms(advance)? }
        }
        sql::WindowKind::Session { gap } => WindowKind::Session { gap_ms: interval_ms(gap)? },
    })
}

/// A window holds some time.
pub(super) fn check_size(window: &sql::Window) -> Result<()> {
    if kind(window)?.size_ms() > 0 {
        return Ok(());
    }
    Err(PlanError::statement("Size must be positive").at(window.span))
}

/// The window of a GROUP BY. Without a grace period, EMIT FINAL has none, the others what is left of 24 hours.
pub(super) fn plan(window: &sql::Window, emit: Option<Emit>, bounds: &Bounds) -> Result<Window> {
    check_size(window)?;
    let kind = kind(window)?;
    let size_ms = kind.size_ms();
    if let WindowKind::Hopping { size_ms, advance_ms } = kind
        && (advance_ms <= 0 || advance_ms > size_ms)
    {
        return Err(PlanError::unforeseen(format!(
            "Window advancement interval should be more than zero and less than window duration which is {size_ms} ms, \
             but given advancement interval is: {advance_ms} ms"
        ))
        .during(Stage::Start)
        .at(window.span));
    }
    let (per_record, most) = (kind.windows_per_record(), bounds.windows);
    if per_record > most {
        return Err(PlanError::statement(format!(
            "Every record would be in {per_record} windows of {size_ms} ms that advance by {} ms, and all of them would be \
             updated. At most {most} are allowed ({}). Choose a longer advance or a shorter size.",
            kind.advance_ms(),
            setting::WINDOW_MAX_PER_RECORD.name()
        ))
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
    Ok(Window { kind, grace_ms, retention_ms })
}

impl WindowKind {
    /// The window as it stands in the key.
    pub fn in_key(self) -> KeyWindow {
        match self {
            Self::Tumbling { size_ms } => KeyWindow::Time { size_ms },
            Self::Hopping { size_ms, .. } => KeyWindow::Hopping { size_ms },
            Self::Session { .. } => KeyWindow::Session,
        }
    }
}

impl KeyWindow {
    /// `TUMBLING`, `HOPPING` or `SESSION`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Time { .. } => "TUMBLING",
            Self::Hopping { .. } => "HOPPING",
            Self::Session => "SESSION",
        }
    }

    /// Size of the windows; sessions have none of their own.
    pub fn size_ms(self) -> Option<i64> {
        match self {
            Self::Time { size_ms } | Self::Hopping { size_ms } => Some(size_ms),
            Self::Session => None,
        }
    }
}
