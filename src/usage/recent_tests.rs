use serde_json::json;

use super::*;
use crate::testing::{fixtures, fixtures::NOW};

const HOUR_MS: i64 = 3_600_000;

/// So many admitted and one refused in the hours so long before `NOW`.
fn recent(hours_ago: &[(u64, u64)]) -> Recent {
    let last = Hour::of(NOW).number();
    let hours = hours_ago.iter().rev().map(|(ago, allowed)| (last - ago, *allowed, 1));
    Recent { as_of: NOW, hours: hours.collect(), permissions: BTreeMap::new() }
}

#[test]
fn spans_go_on_though_nothing_new_is_rolled_up() {
    let recent = recent(&[(0, 1), (23, 10), (24, 100), (167, 1_000), (168, 10_000), (719, 100_000)]);
    let at = |hours: i64| {
        let view = view(Some(&recent), NOW.plus_ms(hours * HOUR_MS));
        [view.last_24h.requests, view.last_7d.requests, view.last_30d.requests]
    };
    assert_eq!(at(0), [13, 1_115, 111_117]);
    assert_eq!(at(1), [2, 114, 11_116]);
    assert_eq!(at(24), [0, 114, 11_116]);
    assert_eq!(at(24 * 31), [0, 0, 0]);
}

#[test]
fn days_add_up_to_the_span() {
    let all: Vec<(u64, u64)> = (0..720).map(|ago| (ago, ago + 1)).collect();
    let recent = recent(&all);
    for hours in [0, 5, 100] {
        let now = NOW.plus_ms(hours * HOUR_MS);
        assert_eq!(recent.by_day(now).iter().sum::<u64>(), recent.total(Range::Month, now).requests, "{hours}");
    }
    assert_eq!(recent.by_day(NOW)[29], (1..=24).sum::<u64>() + 24);
}

#[test]
fn counters_that_are_full_stay_full() {
    let recent = recent(&[(0, u64::MAX), (1, 1 << 53)]);
    assert_eq!(recent.total(Range::Day, NOW).requests, u64::MAX);
}

#[test]
fn a_permission_that_nobody_asked_for_lately_is_named() {
    let mut key = fixtures::key_of(
        &fixtures::organization(json!({})),
        json!({"name": "K", "permissions": ["leads:read", "leads:update", "leads:delete"]}),
    );
    key.created_at = NOW.plus_ms(-90 * DAY_MS);
    key.last_used_at = Some(NOW);
    let used_ago = |days: i64| NOW.plus_ms(-days * DAY_MS);
    let permissions = BTreeMap::from([("leads:read".to_owned(), used_ago(29)), ("leads:update".to_owned(), used_ago(31))]);
    let recent = Recent { permissions, ..recent(&[]) };
    let found = insights(&key, Some(&recent), NOW);
    assert_eq!((found.unused_permissions, found.never_used), (vec!["leads:update", "leads:delete"], false));
    assert_eq!(found.observed_from, used_ago(30));
    // A key that was made yesterday proves less.
    (key.created_at, key.last_used_at) = (used_ago(1), None);
    let found = insights(&key, None, NOW);
    assert_eq!((found.observed_from, found.never_used, found.unused_permissions.len()), (used_ago(1), true, 3));
}
