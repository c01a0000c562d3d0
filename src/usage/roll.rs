//! Rolling a guard's book up to the truth: what the truth is told, when, and that it is told again until it has heard.
//!
//! Counts are told as they stand, not as what came since: telling them twice changes nothing. What was done for users is
//! told under the ids that its audit entries get, for the same reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    book::{self, Uses},
    count::Counts,
    report::Impersonation,
    retention::{self, KEPT_DAYS},
    rows::{DRAWN, IMPERSONATIONS, ROLL, Rows, USES, read, write},
};
use crate::base::{
    id::{AuditId, OrgId},
    json,
    time::Timestamp,
};

/// What was told to the guard reaches the truth this long after. Edges tell within half a minute, so lists are a minute
/// late at most.
const ROLL_MS: i64 = 25_000;

/// A wakening that is so late was lost.
const LATE_MS: i64 = 90_000;

/// So many bundles' impersonations go into the audit log at once.
const MAX_DRAWN: usize = 20;

const DAY_MS: i64 = 86_400_000;

/// Whose book it is, for entries of the audit log. A key that is gone keeps its last name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The key's or the organization's id.
    pub id: String,
    /// The organization.
    pub org_id: OrgId,
    /// Its name.
    pub name: String,
    /// Of a key, what it is recognized by.
    pub prefix: Option<String>,
}

/// How far the truth has heard.
#[derive(Default, Serialize, Deserialize)]
struct Roll {
    /// Of so many bundles.
    heard: u64,
    /// When the guard is to be woken.
    due: Option<Timestamp>,
    owner: Option<Owner>,
}

/// What the truth is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Whose book it is.
    pub owner: Owner,
    /// When it was drawn, by the guard's clock.
    pub at: Timestamp,
    /// The last uses.
    pub uses: Uses,
    /// Counts by the hour's beginning.
    pub hours: BTreeMap<Timestamp, Counts>,
    /// What was done for users, with the ids of the audit entries.
    pub impersonations: Vec<(AuditId, Impersonation)>,
}

/// Sees to it that the guard is woken when something was entered. When, if that is to be set now; `owner` is asked then.
///
/// # Errors
/// When storage fails.
pub fn plan<R: Rows>(rows: &R, owner: impl FnOnce() -> Option<Owner>, now: Timestamp) -> Result<Option<Timestamp>, R::Error> {
    let entered = read::<R, Uses>(rows, USES)?.unwrap_or_default().entered;
    let roll: Roll = read(rows, ROLL)?.unwrap_or_default();
    let due = now.plus_ms(ROLL_MS);
    let is_set = roll.due.is_some_and(|set| (now.plus_ms(-LATE_MS)..=due).contains(&set));
    if entered == roll.heard || is_set {
        return Ok(None);
    }
    write(rows, ROLL, &Roll { heard: roll.heard, due: Some(due), owner: owner().or(roll.owner) })?;
    Ok(Some(due))
}

/// What the truth is to be told now; nothing of a book without an owner. `new_id` makes the ids of audit entries.
///
/// # Errors
/// When storage fails.
pub fn draw<R: Rows>(rows: &R, mut new_id: impl FnMut() -> Option<AuditId>, now: Timestamp) -> Result<Option<Drawn>, R::Error> {
    let roll: Roll = read(rows, ROLL)?.unwrap_or_default();
    let Some(owner) = roll.owner else { return Ok(None) };
    // What was drawn before and not heard goes again as it was.
    let mut impersonations: Vec<(AuditId, Impersonation)> = read(rows, DRAWN)?.unwrap_or_default();
    if impersonations.is_empty() {
        impersonations = together(&mut new_id, rows.list(IMPERSONATIONS)?.into_iter().take(MAX_DRAWN), |name| rows.remove(name))?;
        if !impersonations.is_empty() {
            write(rows, DRAWN, &impersonations)?;
        }
    }
    let uses: Uses = read(rows, USES)?.unwrap_or_default();
    Ok(Some(Drawn { owner, at: now, uses, hours: book::hours(rows, now)?, impersonations }))
}

/// Takes what bundles told of the same together, and each under an id. Without an id it stays for the next time.
fn together<E>(
    new_id: &mut impl FnMut() -> Option<AuditId>,
    bundles: impl Iterator<Item = (String, String)>,
    mut taken: impl FnMut(&str) -> Result<(), E>,
) -> Result<Vec<(AuditId, Impersonation)>, E> {
    let mut all: Vec<(AuditId, Impersonation)> = Vec::new();
    for (name, text) in bundles {
        let told: Vec<Impersonation> = json::read(&text).unwrap_or_default();
        let mut added: Vec<(AuditId, Impersonation)> = Vec::new();
        for one in told {
            match all.iter_mut().find(|(_, known)| known.is_like(&one)) {
                Some((_, known)) => known.absorb(&one),
                None => match new_id() {
                    Some(id) => added.push((id, one)),
                    None => return Ok(all),
                },
            }
        }
        all.append(&mut added);
        taken(&name)?;
    }
    Ok(all)
}

/// The truth has heard it. When the guard is to be woken next, if at all: at once if more was entered meanwhile, else when
/// something gets too old to be kept.
///
/// # Errors
/// When storage fails.
pub fn heard<R: Rows>(rows: &R, drawn: &Drawn, now: Timestamp) -> Result<Option<Timestamp>, R::Error> {
    rows.remove(DRAWN)?;
    let entered = read::<R, Uses>(rows, USES)?.unwrap_or_default().entered;
    let is_behind = entered > drawn.uses.entered || !rows.list(IMPERSONATIONS)?.is_empty();
    let due = if is_behind {
        Some(now.plus_ms(ROLL_MS))
    } else {
        retention::tidy(rows, now)?.then(|| now.plus_ms(DAY_MS * i64::from(KEPT_DAYS)))
    };
    write(rows, ROLL, &Roll { heard: drawn.uses.entered, due, owner: Some(drawn.owner.clone()) })?;
    Ok(due)
}

/// The truth has not heard it. When the guard is to be woken to tell it again.
///
/// # Errors
/// When storage fails.
pub fn unheard<R: Rows>(rows: &R, now: Timestamp) -> Result<Timestamp, R::Error> {
    let due = now.plus_ms(ROLL_MS);
    let roll: Roll = read(rows, ROLL)?.unwrap_or_default();
    write(rows, ROLL, &Roll { due: Some(due), ..roll })?;
    Ok(due)
}

#[cfg(test)]
#[path = "roll_tests.rs"]
mod tests;
