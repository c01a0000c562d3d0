//! How long a guard's book keeps what.

use super::{
    account::Account,
    book::Uses,
    count::{Counts, Hour},
    report::Deed,
    rows::{DAYS, DEEDS, EDGES, HOURS, Rows, USES, hour_name, hour_of, read, write},
};
use crate::base::{json, time::Timestamp};

/// Counts are kept for this many days by the hour, and so are the last requests …
pub const KEPT_DAYS: u32 = 31;

/// … and counts for this many by the day.
pub const KEPT_DAYS_BY_DAY: u32 = 400;

/// The account of an edge of which nothing is missing is kept for this long after it was heard last: a message on its way
/// for longer would be counted again.
const ACCOUNT_KEPT_HOURS: u32 = 48;

/// The last hour that is too old to be kept.
pub(super) fn last_forgotten_hour(now: Timestamp) -> Hour {
    Hour::of(now).minus(KEPT_DAYS * 24)
}

/// The last day that is too old to be kept, by its first hour.
pub(super) fn last_forgotten_day(now: Timestamp) -> Hour {
    Hour::of(now).midnight().minus(KEPT_DAYS_BY_DAY * 24)
}

/// Removes what is too old; hours that are become part of their day.
pub(super) fn forget<R: Rows>(rows: &R, now: Timestamp) -> Result<(), R::Error> {
    for (name, text) in rows.list(HOURS)? {
        let hour = hour_of(HOURS, &name);
        if hour.is_some_and(|hour| hour > last_forgotten_hour(now)) {
            continue;
        }
        if let (Some(hour), Ok(counts)) = (hour, json::read::<Counts>(&text)) {
            let day = hour_name(DAYS, hour.midnight());
            let mut sum: Counts = read(rows, &day)?.unwrap_or_default();
            sum.add_all(&counts);
            write(rows, &day, &sum)?;
        }
        rows.remove(&name)?;
    }
    for (name, _) in rows.list(DAYS)? {
        if hour_of(DAYS, &name).is_none_or(|day| day <= last_forgotten_day(now)) {
            rows.remove(&name)?;
        }
    }
    forget_accounts(rows, now)
}

fn forget_accounts<R: Rows>(rows: &R, now: Timestamp) -> Result<(), R::Error> {
    for (name, text) in rows.list(EDGES)? {
        let is_silent = |account: Account| {
            let hours = if account.gap(now).is_some() { KEPT_DAYS * 24 } else { ACCOUNT_KEPT_HOURS };
            account.is_silent_since(Hour::of(now).minus(hours).start_at())
        };
        if json::read(&text).map_or(true, is_silent) {
            rows.remove(&name)?;
        }
    }
    Ok(())
}

/// Removes what is too old of a subject that nobody asks for any more, too. Whether something is left that gets too old.
///
/// # Errors
/// When storage fails.
pub fn tidy<R: Rows>(rows: &R, now: Timestamp) -> Result<bool, R::Error> {
    forget(rows, now)?;
    let deeds: Vec<Deed> = read(rows, DEEDS)?.unwrap_or_default();
    let oldest = last_forgotten_hour(now).start_at();
    let mut kept = deeds.clone();
    kept.retain(|deed| deed.at > oldest);
    match (kept.is_empty(), kept.len() == deeds.len()) {
        (true, _) => rows.remove(DEEDS)?,
        (false, false) => write(rows, DEEDS, &kept)?,
        (false, true) => {}
    }
    let is_left = |prefix: &str| rows.list(prefix).map(|rows| !rows.is_empty());
    Ok(!kept.is_empty() || is_left(HOURS)? || is_left(DAYS)? || is_left(EDGES)?)
}

/// Removes what was asked of a key that is gone, because nobody can read it. What was done for users still has to reach the
/// audit log, and accounts keep what arrives again from being noted again.
///
/// # Errors
/// When storage fails.
pub fn strip<R: Rows>(rows: &R) -> Result<(), R::Error> {
    for prefix in [HOURS, DAYS, DEEDS] {
        rows.list(prefix)?.iter().try_for_each(|(name, _)| rows.remove(name))?;
    }
    match read::<R, Uses>(rows, USES)? {
        Some(uses) => write(rows, USES, &uses.stripped()),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
