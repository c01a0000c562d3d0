//! What a key's book adds up to: spans up to now, and a series to draw.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    account::Gap,
    book::Contents,
    count::{Counts, Hour},
    retention::KEPT_DAYS_BY_DAY,
};
use crate::base::{id::KeyId, time::Timestamp};

/// A span of time up to now, in whole hours: the one that has begun is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The last 24 hours, drawn by the hour.
    Day,
    /// The last 7 times 24 hours, drawn by the hour.
    Week,
    /// The last 30 times 24 hours, drawn by 24 hours.
    Month,
    /// The last 400 days of UTC, drawn by the day.
    Long,
}

impl Range {
    /// Every one, with the word for it.
    pub const ALL: [(&'static str, Self); 4] = [("24h", Self::Day), ("7d", Self::Week), ("30d", Self::Month), ("400d", Self::Long)];

    /// How many hours it has.
    #[must_use]
    pub fn hours(self) -> u32 {
        match self {
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
            Self::Long => KEPT_DAYS_BY_DAY * 24,
        }
    }

    fn step_hours(self) -> u32 {
        match self {
            Self::Day | Self::Week => 1,
            Self::Month | Self::Long => 24,
        }
    }

    /// The hour that a series up to now ends with.
    fn last_hour(self, now: Timestamp) -> Hour {
        let this = Hour::of(now);
        // What is kept by the day is told by the day.
        if self == Self::Long { this.midnight().plus(23) } else { this }
    }
}

/// The sum of a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sum {
    requests: u64,
    allowed: u64,
    denied: u64,
    by_code: BTreeMap<String, u64>,
    /// How the origin answered what was admitted; of gateway requests alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    by_origin_status: BTreeMap<String, u64>,
}

/// A point of the series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    start_at: Timestamp,
    allowed: u64,
    denied: u64,
}

/// A key's usage, as the contract shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    last_24h: Sum,
    last_7d: Sum,
    last_30d: Sum,
    series: Vec<Point>,
    last_used_at: Option<Timestamp>,
    as_of: Timestamp,
    unreported: Vec<Gap>,
    /// Of an organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_keys: Option<Vec<TopKey>>,
}

/// A key that was asked more than others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopKey {
    /// Which.
    pub key: NamedKey,
    /// What was asked of it in the range of the series, as it was rolled up.
    pub requests: u64,
    /// Admitted ones.
    pub allowed: u64,
    /// Refused ones.
    pub denied: u64,
    /// Its last use.
    pub last_used_at: Option<Timestamp>,
}

/// What people recognize a key by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedKey {
    /// Its id.
    pub id: KeyId,
    /// Its name.
    pub name: String,
    /// What its newest secret begins with.
    pub prefix: String,
}

impl Summary {
    /// What the book says, with the series of that range.
    #[must_use]
    pub fn of(contents: &Contents, range: Range) -> Self {
        let now = Hour::of(contents.as_of);
        let sum = |from: Hour, to: Hour| {
            let mut sum = Counts::default();
            for counts in [&contents.hours, &contents.days] {
                counts.range(from.start_at()..=to.start_at()).for_each(|(_, counts)| sum.add_all(counts));
            }
            sum
        };
        let last = |range: Range| Sum::of(&sum(now.minus(range.hours() - 1), now));
        let (step, end) = (range.step_hours(), range.last_hour(contents.as_of));
        let points = (0..range.hours() / step).rev().map(|steps_ago| {
            let from = end.minus(steps_ago * step + step - 1);
            let counts = sum(from, end.minus(steps_ago * step));
            Point { start_at: from.start_at(), allowed: counts.allowed(), denied: counts.denied() }
        });
        Self {
            last_24h: last(Range::Day),
            last_7d: last(Range::Week),
            last_30d: last(Range::Month),
            series: points.collect(),
            last_used_at: contents.uses.last_used_at,
            as_of: contents.as_of,
            unreported: contents.gaps.clone(),
            top_keys: None,
        }
    }

    /// The summary of an organization, with its keys that were asked most.
    #[must_use]
    pub fn with_top_keys(self, top_keys: Vec<TopKey>) -> Self {
        Self { top_keys: Some(top_keys), ..self }
    }
}

impl Summary {
    /// The series, oldest first.
    #[must_use]
    pub fn series(&self) -> &[Point] {
        &self.series
    }
}

impl Sum {
    fn of(counts: &Counts) -> Self {
        Self {
            requests: counts.requests(),
            allowed: counts.allowed(),
            denied: counts.denied(),
            by_code: owned(counts.codes()),
            by_origin_status: owned(counts.origin()),
        }
    }
}

fn owned<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> BTreeMap<String, u64> {
    counts.map(|(name, count)| (name.to_owned(), count)).collect()
}

impl Point {
    /// When it begins, admitted requests, refused ones.
    #[must_use]
    pub fn parts(&self) -> (Timestamp, u64, u64) {
        (self.start_at, self.allowed, self.denied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::fixtures::NOW, usage::book::Uses};

    /// So many admitted and one refused in the hours so long ago.
    fn contents(hours_ago: &[(u32, u64)]) -> Contents {
        let counts = |allowed: u64| {
            let mut counts = Counts::default();
            [("VALID", allowed), ("EXPIRED", 1)].into_iter().for_each(|(code, count)| counts.add(code, count));
            counts
        };
        let hours = hours_ago.iter().map(|(ago, allowed)| (Hour::of(NOW).minus(*ago).start_at(), counts(*allowed)));
        let (hours, days) = (hours.collect(), BTreeMap::new());
        Contents { as_of: NOW, hours, days, uses: Uses::default(), deeds: Vec::new(), gaps: Vec::new() }
    }

    #[test]
    fn spans_end_with_the_hour_that_has_begun() {
        let contents = contents(&[(0, 1), (23, 10), (24, 100), (167, 1_000), (168, 10_000), (719, 100_000), (720, 1_000_000)]);
        let summary = Summary::of(&contents, Range::Day);
        let sums = [&summary.last_24h, &summary.last_7d, &summary.last_30d].map(|sum| (sum.requests, sum.allowed, sum.denied));
        assert_eq!(sums, [(13, 11, 2), (1_115, 1_111, 4), (111_117, 111_111, 6)]);
        assert_eq!(summary.last_24h.by_code, BTreeMap::from([("EXPIRED".to_owned(), 2), ("VALID".to_owned(), 11)]));
    }

    #[test]
    fn each_series_adds_up_to_its_span_without_a_hole() {
        let all: Vec<(u32, u64)> = (0..800).map(|ago| (ago, u64::from(ago) + 1)).collect();
        let contents = contents(&all);
        for (range, points, step_ms) in [(Range::Day, 24, 3_600_000), (Range::Week, 168, 3_600_000), (Range::Month, 30, 86_400_000)] {
            let summary = Summary::of(&contents, range);
            let span = [(Range::Day, &summary.last_24h), (Range::Week, &summary.last_7d), (Range::Month, &summary.last_30d)];
            let span = span.into_iter().find_map(|(of, sum)| (of == range).then_some(sum)).unwrap();
            assert_eq!(summary.series.len(), points);
            assert_eq!(summary.series.iter().map(|point| point.allowed).sum::<u64>(), span.allowed);
            assert_eq!(summary.series.iter().map(|point| point.denied).sum::<u64>(), span.denied);
            let apart = summary.series.windows(2).all(|pair| pair[1].start_at.ms() - pair[0].start_at.ms() == step_ms);
            assert!(apart, "{range:?}");
        }
    }
}
