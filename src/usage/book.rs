//! A guard's book of what was asked of its key: in rows, so that a report rewrites little.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    account::{Account, Gap, Standing},
    count::{Counts, Hour, is_code},
    report::{Bundle, Deed, Impersonation, Line, MAX_DEEDS, Report},
    retention::{forget, last_forgotten_day, last_forgotten_hour},
    rows::{DAYS, DEEDS, EDGES, HOURS, IMPERSONATIONS, Rows, USES, hour_name, hour_of, read, write},
};
use crate::base::{json, time::Timestamp};

/// What is not dated within a day of its report was not dated by a clock.
const MAX_AGE_MS: i64 = 86_400_000;

/// So many secrets' last uses are kept; a key has two at most that are good.
const MAX_SECRETS: usize = 10;

/// So many permissions' last uses are kept. Catalogs change; what a key was never granted it never used.
const MAX_PERMISSIONS: usize = 500;

/// When the key was used last, at all, by secret and by permission; and what was ever counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses {
    /// The last use.
    pub last_used_at: Option<Timestamp>,
    /// By the id of the secret.
    pub secrets: BTreeMap<String, Timestamp>,
    /// By the permission that an admitted request asked for.
    #[serde(default)]
    pub permissions: BTreeMap<String, Timestamp>,
    /// All requests, however long ago.
    #[serde(default)]
    pub totals: Counts,
    /// How many bundles were entered.
    #[serde(default)]
    pub entered: u64,
}

/// All that the book says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// When it was read, by the guard's clock, as all times in it are.
    pub as_of: Timestamp,
    /// Counts by the hour's beginning, for [`super::retention::KEPT_DAYS`].
    pub hours: BTreeMap<Timestamp, Counts>,
    /// Counts of the days before, by the day's beginning.
    #[serde(default)]
    pub days: BTreeMap<Timestamp, Counts>,
    /// The last uses.
    pub uses: Uses,
    /// The last requests, oldest first.
    pub deeds: Vec<Deed>,
    /// What may be missing, oldest first, none touching another.
    pub gaps: Vec<Gap>,
}

/// Enters what a message reports.
///
/// # Errors
/// When storage fails; then nothing may be kept of it, nor answered.
pub fn enter<R: Rows>(rows: &R, report: &Report, standing: Standing, now: Timestamp) -> Result<(), R::Error> {
    let name = format!("{EDGES}{}", report.edge);
    let mut account = read(rows, &name)?.unwrap_or_else(|| Account::new(now));
    let bundle = account.hear(report, standing, now);
    write(rows, &name, &account)?;
    match bundle {
        Some(bundle) => enter_bundle(rows, bundle, &Dating { sent_at: report.sent_at, now }, now),
        None => Ok(()),
    }
}

/// The whole book.
///
/// # Errors
/// When storage fails.
pub fn contents<R: Rows>(rows: &R, now: Timestamp) -> Result<Contents, R::Error> {
    let accounts = rows.list(EDGES)?.into_iter().filter_map(|(_, text)| json::read::<Account>(&text).ok());
    let mut gaps: Vec<Gap> = accounts.filter_map(|account| account.gap(now)).collect();
    gaps.sort_unstable_by_key(|gap| gap.from);
    // Isolates end all the time, many at once: whose gaps touch is not of interest.
    gaps.dedup_by(|later, gap| {
        let touches = later.from <= gap.to;
        gap.to = if touches { gap.to.max(later.to) } else { gap.to };
        touches
    });
    Ok(Contents {
        as_of: now,
        hours: hours(rows, now)?,
        days: list_counts(rows, DAYS, last_forgotten_day(now))?,
        uses: read(rows, USES)?.unwrap_or_default(),
        deeds: read(rows, DEEDS)?.unwrap_or_default(),
        gaps,
    })
}

/// Counts by the hour's beginning.
pub(super) fn hours<R: Rows>(rows: &R, now: Timestamp) -> Result<BTreeMap<Timestamp, Counts>, R::Error> {
    list_counts(rows, HOURS, last_forgotten_hour(now))
}

fn list_counts<R: Rows>(rows: &R, kind: &str, forgotten: Hour) -> Result<BTreeMap<Timestamp, Counts>, R::Error> {
    let read = |(name, text): (String, String)| {
        let hour = hour_of(kind, &name).filter(|hour| *hour > forgotten)?;
        Some((hour.start_at(), json::read(&text).ok()?))
    };
    Ok(rows.list(kind)?.into_iter().filter_map(read).collect())
}

fn enter_bundle<R: Rows>(rows: &R, bundle: &Bundle, dating: &Dating, now: Timestamp) -> Result<(), R::Error> {
    let mut uses: Uses = read(rows, USES)?.unwrap_or_default();
    let mut hours: BTreeMap<Hour, Counts> = BTreeMap::new();
    for Line { code, secret, last_at, count } in &bundle.lines {
        let at = dating.by_the_guard(*last_at);
        hours.entry(Hour::of(at)).or_default().add(code, *count);
        if is_use(code) {
            uses.last_used_at = uses.last_used_at.max(Some(at));
            secret.iter().for_each(|secret| note_last(&mut uses.secrets, &secret.text(), at));
        }
    }
    for (hour, counts) in hours {
        enter_hour(rows, hour, &counts, now)?;
        uses.totals.add_all(&counts);
    }
    for used in &bundle.permissions {
        note_last(&mut uses.permissions, used.permission.as_str(), dating.by_the_guard(used.last_at));
    }
    uses.entered += 1;
    keep_newest(&mut uses.secrets, MAX_SECRETS);
    keep_newest(&mut uses.permissions, MAX_PERMISSIONS);
    write(rows, USES, &uses)?;
    if !bundle.impersonations.is_empty() {
        let dated = |one: &Impersonation| {
            let [first_at, last_at] = [one.first_at, one.last_at].map(|at| dating.by_the_guard(at));
            Impersonation { first_at, last_at, ..one.clone() }
        };
        let dated: Vec<_> = bundle.impersonations.iter().map(dated).collect();
        write(rows, &format!("{IMPERSONATIONS}{:020}", uses.entered), &dated)?;
    }
    enter_deeds(rows, bundle, dating)
}

fn enter_hour<R: Rows>(rows: &R, hour: Hour, counts: &Counts, now: Timestamp) -> Result<(), R::Error> {
    let name = hour_name(HOURS, hour);
    let kept: Option<Counts> = read(rows, &name)?;
    if kept.is_none() {
        // Once an hour at most.
        forget(rows, now)?;
    }
    let mut sum = kept.unwrap_or_default();
    sum.add_all(counts);
    write(rows, &name, &sum)
}

fn enter_deeds<R: Rows>(rows: &R, bundle: &Bundle, dating: &Dating) -> Result<(), R::Error> {
    if bundle.deeds.is_empty() {
        return Ok(());
    }
    let mut deeds: Vec<Deed> = read(rows, DEEDS)?.unwrap_or_default();
    for deed in &bundle.deeds {
        let at = dating.by_the_guard(deed.at);
        let place = deeds.partition_point(|earlier| earlier.at <= at);
        deeds.insert(place, Deed { at, ..deed.clone() });
    }
    deeds.drain(..deeds.len().saturating_sub(MAX_DEEDS));
    write(rows, DEEDS, &deeds)
}

/// Whether the key's holder is at work with it. Who presents a key that is over is told so, and uses nothing.
fn is_use(code: &str) -> bool {
    is_code(code) && !matches!(code, "REVOKED" | "EXPIRED")
}

impl Uses {
    /// Of a key that is gone: nothing but how many bundles were entered, after which rows are called.
    #[must_use]
    pub fn stripped(self) -> Self {
        Self { entered: self.entered, ..Self::default() }
    }
}

fn note_last(moments: &mut BTreeMap<String, Timestamp>, of: &str, at: Timestamp) {
    match moments.get_mut(of) {
        Some(known) => *known = at.max(*known),
        None => {
            moments.insert(of.to_owned(), at);
        }
    }
}

fn keep_newest(moments: &mut BTreeMap<String, Timestamp>, most: usize) {
    while moments.len() > most {
        let oldest = moments.iter().min_by_key(|(_, at)| **at).map(|(of, _)| of.clone());
        oldest.map(|of| moments.remove(&of));
    }
}

/// Two clocks, of which only differences count.
struct Dating {
    sent_at: Timestamp,
    now: Timestamp,
}

impl Dating {
    /// When something of the edge's clock was by the guard's: as long before now as it was before it was sent.
    fn by_the_guard(&self, moment: Timestamp) -> Timestamp {
        let age_ms = (self.sent_at.ms() - moment.ms()).clamp(0, MAX_AGE_MS);
        self.now.plus_ms(-age_ms)
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
