//! Counts by hour and by day, and what they add up to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{base::time::Timestamp, decision::verdict::VALID};

const HOUR_MS: i64 = 3_600_000;
const HOURS_OF_A_DAY: i64 = 24;

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

    /// So many hours later.
    #[must_use]
    pub fn plus(self, hours: u32) -> Self {
        Self(self.0.plus_ms(HOUR_MS * i64::from(hours)))
    }

    /// When it begins.
    #[must_use]
    pub fn start_at(self) -> Timestamp {
        self.0
    }

    /// The first hour of its day.
    #[must_use]
    pub fn midnight(self) -> Self {
        Self(self.0.plus_ms(-self.0.ms().rem_euclid(HOURS_OF_A_DAY * HOUR_MS)))
    }

    /// How many hours after 1970 began. Hours before it do not count.
    #[must_use]
    pub fn number(self) -> u64 {
        u64::try_from(self.0.ms() / HOUR_MS).unwrap_or(0)
    }

    /// The hour of that number.
    #[must_use]
    pub fn numbered(number: u64) -> Self {
        Self::of(Timestamp::from_ms(i64::try_from(number).unwrap_or(0).saturating_mul(HOUR_MS)))
    }
}

/// How often which code was answered, and how the origin answered what was passed on to it. Codes are in capitals; classes
/// of the origin's answers are not, see [`origin_class`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<String, u64>);

/// The class that an origin's answer counts under: `2xx` and so on, or `failed` where there was none.
#[must_use]
pub fn origin_class(status: Option<u16>) -> &'static str {
    match status {
        Some(100..=199) => "1xx",
        Some(200..=299) => "2xx",
        Some(300..=399) => "3xx",
        Some(400..=499) => "4xx",
        Some(_) => "5xx",
        None => "failed",
    }
}

/// Whether it is a code, and not a class of the origin's answers.
#[must_use]
pub fn is_code(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
}

impl Counts {
    /// So many more of that code or class. A counter that is full stays full.
    pub fn add(&mut self, name: &str, count: u64) {
        match self.0.get_mut(name) {
            Some(known) => *known = known.saturating_add(count),
            None => {
                self.0.insert(name.to_owned(), count);
            }
        }
    }

    /// All of the other's more.
    pub fn add_all(&mut self, other: &Self) {
        other.0.iter().for_each(|(name, count)| self.add(name, *count));
    }

    /// Decided requests by code.
    pub fn codes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count)).filter(|(name, _)| is_code(name))
    }

    /// The origin's answers by class.
    pub fn origin(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count)).filter(|(name, _)| !is_code(name))
    }

    /// All decided requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.codes().fold(0, |sum, (_, count)| sum.saturating_add(count))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_origin_answers_is_none_of_the_requests() {
        let mut counts = Counts::default();
        counts.add(VALID, 2);
        counts.add(origin_class(Some(503)), 2);
        counts.add(origin_class(None), 1);
        assert_eq!((counts.requests(), counts.allowed(), counts.denied()), (2, 2, 0));
        assert_eq!(counts.origin().collect::<Vec<_>>(), [("5xx", 2), ("failed", 1)]);
    }

    #[test]
    fn every_status_has_a_class() {
        let classes = [101, 200, 304, 404, 502, 999].map(|status| origin_class(Some(status)));
        assert_eq!((classes, origin_class(None)), (["1xx", "2xx", "3xx", "4xx", "5xx", "5xx"], "failed"));
    }

    #[test]
    fn days_begin_at_midnight_before_1970_too() {
        for (ms, midnight) in [(0, 0), (86_399_999, 0), (86_400_000, 86_400_000), (-1, -86_400_000)] {
            assert_eq!(Hour::of(Timestamp::from_ms(ms)).midnight().start_at(), Timestamp::from_ms(midnight));
        }
        let hour = Hour::of(Timestamp::from_ms(1_900_000_000_000));
        assert_eq!(Hour::numbered(hour.number()), hour);
    }
}
