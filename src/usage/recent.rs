//! What the truth knows of a key's use: counts for lists, and which of its permissions nobody needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{count::Hour, roll::Drawn, summary::Range};
use crate::{
    base::time::Timestamp,
    key::{
        record::KeyRecord,
        view::{Insights, KeyView, Total, UseView},
    },
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

impl Used {
    /// The record as shown at `now`, with its use.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> KeyView<'_> {
        shown(&self.key, self.recent.as_ref(), now)
    }
}

/// The record of a key as shown at `now`, with what is known of its use.
#[must_use]
pub fn shown<'a>(key: &'a KeyRecord, recent: Option<&Recent>, now: Timestamp) -> KeyView<'a> {
    key.view(now).with_use(view(recent, now), insights(key, recent, now))
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

/// What is known of a key's use at `now`; `None` is known of one that was not used for long.
#[must_use]
pub fn view(recent: Option<&Recent>, now: Timestamp) -> UseView {
    let total = |range| recent.map(|recent| recent.total(range, now)).unwrap_or_default();
    UseView {
        last_24h: total(Range::Day),
        last_7d: total(Range::Week),
        last_30d: total(Range::Month),
        as_of: recent.map(|recent| recent.as_of),
    }
}

/// What the key could do without at `now`.
#[must_use]
pub fn insights<'a>(key: &'a KeyRecord, recent: Option<&Recent>, now: Timestamp) -> Insights<'a> {
    let observed_from = key.created_at.max(now.plus_ms(-DAY_MS * i64::from(EVIDENCE_DAYS)));
    let last_use = |permission: &str| recent.and_then(|recent| recent.permissions.get(permission).copied());
    let granted = key.permissions.iter().map(Permission::as_str);
    Insights {
        never_used: key.last_used_at.is_none(),
        unused_permissions: granted.filter(|permission| last_use(permission).is_none_or(|at| at < observed_from)).collect(),
        observed_from,
    }
}

#[cfg(test)]
#[path = "recent_tests.rs"]
mod tests;
