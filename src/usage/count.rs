//! Counts by hour, and what they add up to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{base::time::Timestamp, decision::verdict::VALID};

const HOUR_MS: i64 = 3_600_000;

/// An hour of UTC, named by its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(Timestamp);

impl Hour {
    /// The hour that the moment is in.
    #[must_use]
    pub fn of(moment: Timestamp) -> Self {
        Self(moment.plus_ms(-moment.ms().rem_euclid(HOUR_MS)))
    }

    /// So many hours earlier.
    #[must_use]
    pub fn minus(self, hours: u32) -> Self {
        Self(self.0.plus_ms(-HOUR_MS * i64::from(hours)))
    }

    /// When it begins.
    #[must_use]
    pub fn start_at(self) -> Timestamp {
        self.0
    }
}

/// How often which code was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(pub BTreeMap<String, u64>);

impl Counts {
    /// So many more of that code. A counter that is full stays full.
    pub fn add(&mut self, code: &str, count: u64) {
        match self.0.get_mut(code) {
            Some(known) => *known = known.saturating_add(count),
            None => {
                self.0.insert(code.to_owned(), count);
            }
        }
    }

    /// All of the other's more.
    pub fn add_all(&mut self, other: &Self) {
        other.0.iter().for_each(|(code, count)| self.add(code, *count));
    }

    /// All decided requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Those that were admitted.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.0.get(VALID).copied().unwrap_or(0)
    }

    /// Those that were refused.
    #[must_use]
    pub fn denied(&self) -> u64 {
        self.requests() - self.allowed()
    }
}
