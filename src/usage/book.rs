//! A guard's book of what was asked of its key: in rows, so that a report rewrites little.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    account::{Account, Gap, Standing},
    count::{Counts, Hour},
    report::{Bundle, Deed, Line, MAX_DEEDS, Report},
};
use crate::base::time::Timestamp;

/// Counts are kept for this many days, by the hour.
pub const KEPT_DAYS: u32 = 31;

/// The account of an edge of which nothing is missing is kept for this long after it was heard last: a message on its way
/// for longer would be counted again.
const ACCOUNT_KEPT_HOURS: u32 = 48;

/// What is not dated within a day of its report was not dated by a clock.
const MAX_AGE_MS: i64 = 86_400_000;

/// So many secrets' last uses are kept; a key has two at most that are good.
const MAX_SECRETS: usize = 10;

const USES: &str = "uses";
const DEEDS: &str = "deeds";
const HOURS: &str = "hour:";
const EDGES: &str = "edge:";

/// Rows by name, in the order of names. What is written between two awaits is written together.
pub trait Rows {
    /// What storage says when it fails.
    type Error;

    /// The text of a row.
    ///
    /// # Errors
    /// When storage fails.
    fn find(&self, name: &str) -> Result<Option<String>, Self::Error>;
    /// The rows whose names begin so.
    ///
    /// # Errors
    /// When storage fails.
    fn list(&self, prefix: &str) -> Result<Vec<(String, String)>, Self::Error>;
    /// Writes a row.
    ///
    /// # Errors
    /// When storage fails.
    fn put(&self, name: &str, text: &str) -> Result<(), Self::Error>;
    /// Removes a row.
    ///
    /// # Errors
    /// When storage fails.
    fn remove(&self, name: &str) -> Result<(), Self::Error>;
}

/// When the key was used last, at all and by secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses {
    /// The last use.
    pub last_used_at: Option<Timestamp>,
    /// By the id of the secret.
    pub secrets: BTreeMap<String, Timestamp>,
}

/// All that the book says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// When it was read, by the guard's clock, as all times in it are.
    pub as_of: Timestamp,
    /// Counts by the hour's beginning, for [`KEPT_DAYS`].
    pub hours: BTreeMap<Timestamp, Counts>,
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
    let oldest = Hour::of(now).minus(KEPT_DAYS * 24);
    let mut hours = BTreeMap::new();
    for (name, text) in rows.list(HOURS)? {
        if let (Some(hour), Ok(counts)) = (hour_of(&name).filter(|hour| *hour > oldest), serde_json::from_str(&text)) {
            hours.insert(hour.start_at(), counts);
        }
    }
    let accounts = rows.list(EDGES)?.into_iter().filter_map(|(_, text)| serde_json::from_str::<Account>(&text).ok());
    let mut gaps: Vec<Gap> = accounts.filter_map(|account| account.gap(now)).collect();
    gaps.sort_unstable_by_key(|gap| gap.from);
    // Isolates end all the time, many at once: whose gaps touch is not of interest.
    gaps.dedup_by(|later, gap| {
        let touches = later.from <= gap.to;
        gap.to = if touches { gap.to.max(later.to) } else { gap.to };
        touches
    });
    Ok(Contents { as_of: now, hours, uses: read(rows, USES)?.unwrap_or_default(), deeds: read(rows, DEEDS)?.unwrap_or_default(), gaps })
}

/// Removes all: whose key is gone, nobody can read what was asked of it.
///
/// # Errors
/// When storage fails.
pub fn clear<R: Rows>(rows: &R) -> Result<(), R::Error> {
    rows.list("")?.iter().try_for_each(|(name, _)| rows.remove(name))
}

fn enter_bundle<R: Rows>(rows: &R, bundle: &Bundle, dating: &Dating, now: Timestamp) -> Result<(), R::Error> {
    let mut uses: Uses = read(rows, USES)?.unwrap_or_default();
    let mut hours: BTreeMap<Hour, Counts> = BTreeMap::new();
    for Line { code, secret, last_at, count } in &bundle.lines {
        let at = dating.by_the_guard(*last_at);
        hours.entry(Hour::of(at)).or_default().add(code, *count);
        if is_use(code) {
            uses.last_used_at = uses.last_used_at.max(Some(at));
            let of_secret = uses.secrets.entry(secret.to_string()).or_insert(at);
            *of_secret = at.max(*of_secret);
        }
    }
    for (hour, counts) in hours {
        let name = hour_name(hour);
        let kept: Option<Counts> = read(rows, &name)?;
        if kept.is_none() {
            forget(rows, now)?;
        }
        let mut sum = kept.unwrap_or_default();
        sum.add_all(&counts);
        write(rows, &name, &sum)?;
    }
    uses.keep_newest();
    write(rows, USES, &uses)?;
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
    !matches!(code, "REVOKED" | "EXPIRED")
}

impl Uses {
    fn keep_newest(&mut self) {
        while self.secrets.len() > MAX_SECRETS {
            let oldest = self.secrets.iter().min_by_key(|(_, at)| **at).map(|(secret, _)| secret.clone());
            oldest.map(|secret| self.secrets.remove(&secret));
        }
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

/// Removes what is too old, once an hour at most.
fn forget<R: Rows>(rows: &R, now: Timestamp) -> Result<(), R::Error> {
    let this = Hour::of(now);
    for (name, _) in rows.list(HOURS)? {
        if hour_of(&name).is_none_or(|hour| hour <= this.minus(KEPT_DAYS * 24)) {
            rows.remove(&name)?;
        }
    }
    for (name, text) in rows.list(EDGES)? {
        let silent = |account: Account| {
            let hours = if account.gap(now).is_some() { KEPT_DAYS * 24 } else { ACCOUNT_KEPT_HOURS };
            account.is_silent_since(this.minus(hours).start_at())
        };
        if serde_json::from_str(&text).map_or(true, silent) {
            rows.remove(&name)?;
        }
    }
    Ok(())
}

/// Nine digits, so that names sort as hours do.
fn hour_name(hour: Hour) -> String {
    format!("{HOURS}{:09}", hour.start_at().ms() / 3_600_000)
}

fn hour_of(name: &str) -> Option<Hour> {
    let number: i64 = name.strip_prefix(HOURS)?.parse().ok()?;
    Some(Hour::of(Timestamp::from_ms(number.checked_mul(3_600_000)?)))
}

/// What cannot be read was written by another release, and begins anew.
fn read<R: Rows, T: DeserializeOwned>(rows: &R, name: &str) -> Result<Option<T>, R::Error> {
    Ok(rows.find(name)?.and_then(|text| serde_json::from_str(&text).ok()))
}

fn write<R: Rows, T: Serialize>(rows: &R, name: &str, value: &T) -> Result<(), R::Error> {
    match serde_json::to_string(value) {
        Ok(text) => rows.put(name, &text),
        // Nothing that is written here has a key that is no text.
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
