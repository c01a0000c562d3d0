//! The rows of a guard's book: what they are called, and how they are read and written.

use serde::{Serialize, de::DeserializeOwned};

use super::count::Hour;
use crate::base::json;

/// The last uses, and all counts together.
pub(super) const USES: &str = "uses";
/// The last requests.
pub(super) const DEEDS: &str = "deeds";
/// Counts by hour.
pub(super) const HOURS: &str = "hour:";
/// Counts by day, of days that are too old to be kept by the hour.
pub(super) const DAYS: &str = "day:";
/// Accounts of edges.
pub(super) const EDGES: &str = "edge:";
/// What was done for users and is not in the audit log yet: a row for each bundle that brought some.
pub(super) const IMPERSONATIONS: &str = "for:";
/// The part of it that is on its way there.
pub(super) const DRAWN: &str = "drawn";
/// How far the truth has heard.
pub(super) const ROLL: &str = "roll";

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

/// The name of an hour's row, or of a day's by its first hour: nine digits, so that names sort as hours do.
pub(super) fn hour_name(kind: &str, hour: Hour) -> String {
    format!("{kind}{:09}", hour.number())
}

/// The hour that such a name tells.
pub(super) fn hour_of(kind: &str, name: &str) -> Option<Hour> {
    name.strip_prefix(kind)?.parse().ok().map(Hour::numbered)
}

/// What cannot be read was written by another release, and begins anew.
pub(super) fn read<R: Rows, T: DeserializeOwned>(rows: &R, name: &str) -> Result<Option<T>, R::Error> {
    Ok(rows.find(name)?.and_then(|text| json::read(&text).ok()))
}

pub(super) fn write<R: Rows, T: Serialize>(rows: &R, name: &str, value: &T) -> Result<(), R::Error> {
    match serde_json::to_string(value) {
        Ok(text) => rows.put(name, &text),
        // Nothing that is written here has a key that is no text.
        Err(_) => Ok(()),
    }
}
