//! A key as a row of the list.

use super::{moments::Moment, rates};
use crate::{
    base::time::Timestamp,
    key::{record::KeyRecord, state::Status},
    usage::{recent::Recent, summary::Range},
};

/// So many permissions are shown; of the others, how many they are.
const SHOWN_PERMISSIONS: usize = 2;

/// What a key was used for lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowUsage {
    /// Requests of the last 24 hours.
    pub requests_24h: u64,
    /// Of the last 7 times 24 hours.
    pub requests_7d: u64,
    /// Of the last 30 times 24 hours.
    pub requests_30d: u64,
    /// By day, the oldest first.
    pub days: Vec<u64>,
}

impl RowUsage {
    /// Of what was rolled up of a key.
    #[must_use]
    pub fn of(recent: &Recent, now: Timestamp) -> Self {
        let total = |range| recent.total(range, now).requests;
        Self {
            requests_24h: total(Range::Day),
            requests_7d: total(Range::Week),
            requests_30d: total(Range::Month),
            days: recent.by_day(now).into(),
        }
    }
}

/// The row.
pub struct Row<'a> {
    /// The key.
    pub key: &'a KeyRecord,
    /// The first permissions.
    pub permissions: Vec<&'a str>,
    /// How many others there are.
    pub more: usize,
    /// Its rate in words.
    pub rate: String,
    /// What it was used for, if that is known.
    pub usage: Option<Spark>,
    /// When it was last used.
    pub last_used: Option<Moment>,
    /// When it was made.
    pub created: Moment,
    /// When it ends, or ended.
    pub ends: Option<Moment>,
    /// Its state.
    pub status: &'static str,
}

/// Usage as a line to draw, and in numbers.
pub struct Spark {
    /// The points of a polyline within 96 by 24.
    pub points: String,
    /// The sums.
    pub usage: [String; 3],
}

impl<'a> Row<'a> {
    /// The row of a key.
    #[must_use]
    pub fn of(key: &'a KeyRecord, usage: Option<&RowUsage>, now: Timestamp) -> Self {
        let status = key.status(now);
        let ends = match status {
            Status::Revoked => key.revocation.as_ref().map(|note| note.at),
            Status::Active | Status::Expired => key.expires_at,
        };
        Self {
            key,
            permissions: key.permissions.iter().take(SHOWN_PERMISSIONS).map(|permission| permission.as_str()).collect(),
            more: key.permissions.len().saturating_sub(SHOWN_PERMISSIONS),
            rate: rates::shown(key.rate_limit),
            usage: usage.map(Spark::of),
            last_used: key.last_used_at.map(|at| Moment::ago(at, now)),
            created: Moment::day(key.created_at),
            ends: ends.map(Moment::day),
            status: status.as_str(),
        }
    }
}

impl Spark {
    fn of(usage: &RowUsage) -> Self {
        let top = usage.days.iter().copied().max().unwrap_or(0).max(1);
        let steps = u64::try_from(usage.days.len().saturating_sub(1)).unwrap_or(0).max(1);
        let points = (0..).zip(&usage.days).map(|(index, count)| {
            let index: u64 = index;
            format!("{},{}", index * 96 / steps, 22 - count.saturating_mul(20) / top)
        });
        let sums = [usage.requests_24h, usage.requests_7d, usage.requests_30d].map(rates::grouped);
        Self { points: points.collect::<Vec<_>>().join(" "), usage: sums }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixtures::{self, NOW};

    #[test]
    fn a_row_says_what_is_known_and_draws_nothing_else() {
        let key = fixtures::key();
        let row = Row::of(&key, None, NOW);
        assert!(row.usage.is_none() && row.last_used.is_none() && row.ends.is_none());
        assert_eq!((row.status, row.permissions.as_slice(), row.more), ("active", ["leads:read"].as_slice(), 0));
    }

    #[test]
    fn a_spark_line_spans_its_box_and_survives_nothing_and_much() {
        let points = |days: &[u64]| Spark::of(&RowUsage { days: days.to_vec(), ..RowUsage::default() }).points;
        assert_eq!(points(&[0, 5, 10]), "0,22 48,12 96,2");
        assert_eq!([points(&[]), points(&[0]), points(&[7])], ["", "0,22", "0,2"]);
        assert!(points(&[u64::MAX / 20, 0]).starts_with("0,2"));
    }
}
