//! What the truth knows of a key's use: counts for lists, and which of its permissions nobody needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{count::Hour, roll::Drawn, summary::Range};
use crate::{
    base::time::Timestamp,
    key::{record::KeyRecord, view::KeyView},
    policy::scope::Permission,
};

/// A permission that was not used for this long is one to do without.
const EVIDENCE_DAYS: u32 = 30;
const DAY_MS: i64 = 86_400_000;

/// Counts of one hour: its number, admitted requests, refused ones.
type HourCounts = (u64, u64, u64);

/// A key's use, as it was rolled up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// When it was, by the guard's clock.
    pub as_of: Timestamp,
    /// The hours of the last 30 days in which something was asked, oldest first.
    pub hours: Vec<HourCounts>,
    /// The last use of each permission.
    pub permissions: BTreeMap<String, Timestamp>,
}

/// A key, and what is known of its use; nothing of one that was not used for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The key.
    pub key: KeyRecord,
    /// Its use.
    pub recent: Option<Recent>,
}

/// The record of a key with its use, as it is read; changes answer with the record alone.
#[derive(Debug, Serialize)]
pub struct UsedView<'a> {
    #[serde(flatten)]
    key: KeyView<'a>,
    usage: RecentView,
    insights: Insights<'a>,
}

impl Used {
    /// The record as shown at `now`.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> UsedView<'_> {
        let Self { key, recent } = self;
        UsedView { key: key.view(now), usage: RecentView::of(recent.as_ref(), now), insights: Insights::of(key, recent.as_ref(), now) }
    }
}

/// The counts of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    /// All.
    pub requests: u64,
    /// Admitted ones.
    pub allowed: u64,
    /// Refused ones.
    pub denied: u64,
}

/// What lists show of a key's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RecentView {
    /// The last 24 hours, of which the one that has begun is the last.
    pub last_24h: Total,
    /// The last 7 times 24 hours.
    pub last_7d: Total,
    /// The last 30 times 24 hours.
    pub last_30d: Total,
    /// Up to when all is counted; later uses are there a minute after at most. `None` when there was none.
    pub as_of: Option<Timestamp>,
}

/// What a key could do without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Insights<'a> {
    /// Whether nobody ever used the key.
    pub never_used: bool,
    /// What it was granted and no admitted request asked for since `observed_from`.
    pub unused_permissions: Vec<&'a str>,
    /// 30 days ago, or when the key was made if that is later.
    pub observed_from: Timestamp,
}

impl Recent {
    /// What is kept of a guard's book.
    #[must_use]
    pub fn of(drawn: &Drawn) -> Self {
        let first = Hour::of(drawn.at).minus(Range::Month.hours() - 1).start_at();
        let hours = drawn.hours.range(first..).map(|(start, counts)| (Hour::of(*start).number(), counts.allowed(), counts.denied()));
        let permissions = drawn.uses.permissions.clone();
        Self { as_of: drawn.at, hours: hours.filter(|(_, allowed, denied)| allowed | denied != 0).collect(), permissions }
    }

    /// The sum of a span that ends at `now`.
    #[must_use]
    pub fn total(&self, range: Range, now: Timestamp) -> Total {
        let last = Hour::of(now).number();
        self.between((last + 1).saturating_sub(range.hours().into()), last)
    }

    /// All requests of each of the last 30 times 24 hours, the oldest first.
    #[must_use]
    pub fn by_day(&self, now: Timestamp) -> [u64; 30] {
        let last = Hour::of(now).number();
        let mut steps_ago = 30;
        [(); 30].map(|()| {
            steps_ago -= 1;
            let to = last.saturating_sub(steps_ago * 24);
            self.between((to + 1).saturating_sub(24), to).requests
        })
    }

    fn between(&self, from: u64, to: u64) -> Total {
        let mut total = Total::default();
        for (_, allowed, denied) in self.hours.iter().filter(|(hour, ..)| (from..=to).contains(hour)) {
            total.allowed = total.allowed.saturating_add(*allowed);
            total.denied = total.denied.saturating_add(*denied);
        }
        total.requests = total.allowed.saturating_add(total.denied);
        total
    }
}

impl RecentView {
    /// What is known of a key's use at `now`; `None` is known of one that was never used.
    #[must_use]
    pub fn of(recent: Option<&Recent>, now: Timestamp) -> Self {
        let total = |range| recent.map(|recent| recent.total(range, now)).unwrap_or_default();
        Self {
            last_24h: total(Range::Day),
            last_7d: total(Range::Week),
            last_30d: total(Range::Month),
            as_of: recent.map(|recent| recent.as_of),
        }
    }
}

impl<'a> Insights<'a> {
    /// What the key could do without at `now`.
    #[must_use]
    pub fn of(key: &'a KeyRecord, recent: Option<&Recent>, now: Timestamp) -> Self {
        let observed_from = key.created_at.max(now.plus_ms(-DAY_MS * i64::from(EVIDENCE_DAYS)));
        let last_use = |permission: &str| recent.and_then(|recent| recent.permissions.get(permission).copied());
        let unused = key.permissions.iter().map(Permission::as_str);
        Self {
            never_used: key.last_used_at.is_none(),
            unused_permissions: unused.filter(|permission| last_use(permission).is_none_or(|at| at < observed_from)).collect(),
            observed_from,
        }
    }
}

#[cfg(test)]
#[path = "recent_tests.rs"]
mod tests;
