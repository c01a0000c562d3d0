use super::*;
use proptest::prelude::*;

const RATE: RateLimit = RateLimit { limit: 2, window_seconds: 60 };
const ROOMY: RateLimit = RateLimit { limit: 100, window_seconds: 60 };

fn terms_of(version: u64, limit: Option<RateLimit>) -> Terms {
    Terms { version, limit, record: Some(format!("record {version}")) }
}

fn terms(version: u64) -> Terms {
    terms_of(version, Some(RATE))
}

fn guard(terms: Terms) -> Guard {
    Guard::new(terms, 0, at(0))
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_900_000_000_000 + ms)
}

fn acquire(version_known: u64, want: u32) -> Command {
    lease(version_known, want, 0, 0)
}

fn lease(version_known: u64, want: u32, ahead: u32, ttl_ms: u32) -> Command {
    Command::Acquire { version_known, want, ahead, ttl_ms, settle: Vec::new() }
}

fn adopt(terms: Terms) -> Command {
    Command::Adopt { terms, lease_ms: 0 }
}

/// What a reply leaves of the limit.
fn left(reply: &Reply) -> u32 {
    match reply {
        Reply::Granted { quota: Some(quota), .. } | Reply::Limited { quota, .. } => quota.remaining,
        other => panic!("{other:?}"),
    }
}

fn leased(reply: &Reply) -> Lease {
    match reply {
        Reply::Granted { grant: Grant { lease: Some(lease), .. }, .. } => *lease,
        other => panic!("{other:?}"),
    }
}

fn settle(lease: LeaseId, spent: u32) -> Command {
    Command::Settle { settle: vec![Settlement { lease, spent }] }
}

#[test]
fn the_limit_is_granted_and_not_one_more() {
    let mut guard = guard(terms(1));
    for expected in [1, 0] {
        assert_eq!(left(&guard.apply(acquire(1, 1), at(0))), expected);
    }
    assert!(matches!(guard.apply(acquire(1, 1), at(0)), Reply::Limited { retry_at: Some(_), .. }));
}

#[test]
fn a_caller_with_an_older_record_gets_the_newer_one_with_its_tokens() {
    let mut guard = guard(terms(1));
    guard.apply(adopt(terms(2)), at(0));
    let Reply::Granted { newer, quota: Some(quota), .. } = guard.apply(acquire(1, 1), at(0)) else { panic!("refused") };
    assert_eq!((newer, quota.remaining), (Some(terms(2)), 1));
    assert!(matches!(guard.apply(acquire(2, 0), at(0)), Reply::Granted { newer: None, .. }));
}

#[test]
fn a_look_takes_nothing_even_from_an_exhausted_window() {
    let mut guard = guard(terms(1));
    guard.apply(acquire(1, 2), at(0));
    let before = guard.clone();
    assert_eq!(left(&guard.apply(acquire(1, 0), at(0))), 0);
    assert_eq!(guard, before);
}

#[test]
fn a_peek_says_what_would_be_answered_and_takes_nothing() {
    let mut guard = guard(terms(1));
    guard.apply(acquire(1, 1), at(0));
    let before = guard.clone();
    let peek = |want| Command::Peek { version_known: 1, want, lease_ms: 0 };
    assert!(matches!(guard.apply(peek(1), at(0)), Reply::Granted { quota: Some(Quota { remaining: 1, .. }), .. }));
    assert!(matches!(guard.apply(peek(2), at(0)), Reply::Limited { retry_at: Some(_), .. }));
    assert_eq!(guard, before);
}

#[test]
fn released_tokens_can_be_granted_again() {
    let mut guard = guard(terms(1));
    let Reply::Granted { grant, .. } = guard.apply(acquire(1, 2), at(0)) else { panic!("refused") };
    guard.apply(Command::Release { tokens: 2, granted_at: grant.granted_at }, at(10));
    assert!(matches!(guard.apply(acquire(1, 2), at(20)), Reply::Granted { .. }));
}

#[test]
fn a_deleted_subject_is_told_as_newer_terms_without_a_record() {
    let mut guard = guard(terms(1));
    let tombstone = Terms { version: 2, limit: None, record: None };
    guard.apply(adopt(tombstone.clone()), at(0));
    assert!(matches!(guard.apply(acquire(1, 1), at(0)), Reply::Granted { newer: Some(terms), .. } if terms == tombstone));
}

#[test]
fn repeating_an_adoption_keeps_the_moment_of_the_first() {
    let mut guard = guard(terms(1));
    let first = guard.apply(adopt(terms(2)), at(5));
    assert_eq!(first, Reply::InForce { version: 2, in_force_at: at(5), wait_ms: 0 });
    assert_eq!(guard.apply(adopt(terms(2)), at(9)), first);
}

#[test]
fn nothing_is_in_force_before_the_last_lease_has_run_out() {
    let mut guard = guard(terms_of(1, None));
    guard.apply(lease(1, 1, 0, 2000), at(100));
    let Reply::InForce { in_force_at, wait_ms, .. } = guard.apply(adopt(terms(2)), at(600)) else { panic!() };
    // 2,000 ms from the grant, a nineteenth for an edge whose clock is too slow, 50 ms for the coarseness of timers; whoever waits may
    // have a clock that is too fast by another twentieth.
    assert_eq!((in_force_at, wait_ms), (at(2255), 1655 + 83));
    let again = guard.apply(adopt(terms(2)), at(2000));
    assert_eq!(again, Reply::InForce { version: 2, in_force_at: at(2255), wait_ms: 255 + 13 }, "whoever repeats it waits for the rest");
    guard.apply(lease(2, 0, 0, 2000), at(3000));
    let still = guard.apply(adopt(terms(2)), at(3000));
    assert_eq!(still, Reply::InForce { version: 2, in_force_at: at(2255), wait_ms: 0 }, "leases of the new terms delay nothing");
}

#[test]
fn an_adoption_counts_the_leases_that_whoever_woke_a_guard_without_a_memory_did_not_know_of() {
    let adopt = Command::Adopt { terms: terms(2), lease_ms: 2000 };
    for (known, moment) in [(1, 2155), (2, 2155)] {
        // Woken by an edge that has not seen the policy yet, and asks without time.
        let (mut guard, _) = Guard::step(None, Some(terms(known)), acquire(0, 1), at(0)).unwrap();
        guard.apply(lease(known, 0, 0, 2000), at(100));
        let Reply::InForce { in_force_at, .. } = guard.apply(adopt.clone(), at(200)) else { panic!() };
        assert!(in_force_at >= at(moment), "{known}: {in_force_at:?}");
    }
}

#[test]
fn whoever_waits_by_a_clock_that_is_too_fast_waits_as_long_as_a_lease_lives_by_one_that_is_too_slow() {
    for ttl_ms in [1, 200, 2000, 30_000] {
        let mut guard = guard(terms_of(1, None));
        guard.apply(lease(1, 1, 0, ttl_ms), at(0));
        let Reply::InForce { wait_ms, .. } = guard.apply(adopt(terms(2)), at(0)) else { panic!() };
        // In true time: one of the clocks shows 21 where the guard's shows 20, the other 19.
        assert!(u64::from(wait_ms) * 20 * 19 >= u64::from(ttl_ms) * 20 * 21, "{ttl_ms}: {wait_ms}");
    }
}

#[test]
fn a_guard_without_a_memory_takes_leases_to_be_out() {
    let (guard, _) = Guard::step(None, Some(terms(1)), lease(1, 0, 0, 2000), at(0)).unwrap();
    let mut lost = guard;
    let Reply::InForce { wait_ms, .. } = lost.apply(adopt(terms(2)), at(0)) else { panic!() };
    assert_eq!(wait_ms, 2155 + 108);
    let command = Command::Adopt { terms: terms(2), lease_ms: 500 };
    let (_, reply) = Guard::step(None, Some(terms(1)), command, at(0)).unwrap();
    assert!(matches!(reply, Reply::InForce { wait_ms: 605, .. }), "{reply:?}");
    let (mut settled, _) = Guard::step(None, Some(terms(1)), settle(7, 1), at(0)).unwrap();
    assert!(matches!(settled.apply(adopt(terms(2)), at(0)), Reply::InForce { wait_ms: 33_210, .. }), "there were some");
}

#[test]
fn a_lease_takes_a_share_of_what_is_left_and_nothing_of_little() {
    let mut guard = guard(terms_of(1, Some(ROOMY)));
    let first = guard.apply(lease(1, 1, 1000, 2000), at(0));
    assert_eq!((leased(&first).tokens, left(&first)), (Some(24), 75), "a quarter of 99");
    let modest = guard.apply(lease(1, 1, 3, 2000), at(0));
    assert_eq!((leased(&modest).tokens, left(&modest)), (Some(3), 71), "no more than was asked for");
    guard.apply(acquire(1, 68), at(0));
    let little = guard.apply(lease(1, 1, 1000, 2000), at(0));
    assert_eq!((leased(&little).tokens, left(&little)), (Some(0), 2), "time, but no tokens");
}

#[test]
fn a_lease_of_a_limited_subject_lives_a_thirtieth_of_its_window_at_most() {
    let second = RateLimit { limit: 100, window_seconds: 1 };
    let mut guard = guard(terms_of(1, Some(second)));
    assert_eq!(leased(&guard.apply(lease(1, 1, 9, 2000), at(0))).ttl_ms, 33);
    let mut free = Guard::new(terms_of(1, None), 0, at(0));
    let lease = leased(&free.apply(lease(1, 1, 9, 99_000), at(0)));
    assert_eq!((lease.tokens, lease.ttl_ms), (None, MAX_TTL_MS));
}

#[test]
fn what_a_lease_did_not_spend_comes_back_and_what_it_spent_counts_from_then() {
    let mut guard = guard(terms_of(1, Some(ROOMY)));
    let granted = leased(&guard.apply(lease(1, 0, 1000, 2000), at(0)));
    assert_eq!(granted.tokens, Some(25));
    guard.apply(settle(granted.id, 5), at(1000));
    assert_eq!(left(&guard.apply(acquire(1, 0), at(1000))), 95);
    assert_eq!(left(&guard.apply(acquire(1, 0), at(60_999))), 95, "spent at 1,000 ms at the latest");
    assert_eq!(left(&guard.apply(acquire(1, 0), at(61_000))), 100);
    guard.apply(settle(granted.id, 5), at(61_000));
    assert_eq!(left(&guard.apply(acquire(1, 0), at(61_000))), 100, "once is enough");
}

#[test]
fn a_lease_that_nobody_settles_counts_as_spent_at_its_end() {
    let mut guard = guard(terms_of(1, Some(ROOMY)));
    let granted = leased(&guard.apply(lease(1, 0, 1000, 2000), at(0)));
    let end = 2155;
    assert_eq!(left(&guard.apply(acquire(1, 0), at(60_000 + end - 1))), 75);
    assert_eq!(left(&guard.apply(acquire(1, 0), at(60_000 + end))), 100);
    guard.apply(settle(granted.id, 0), at(60_000 + end));
    assert_eq!(left(&guard.apply(acquire(1, 0), at(60_000 + end))), 100);
}

#[test]
fn a_window_survives_an_edit_that_keeps_the_limit() {
    let mut guard = guard(terms(1));
    guard.apply(acquire(1, 2), at(0));
    guard.apply(adopt(terms(2)), at(1));
    assert!(matches!(guard.apply(acquire(2, 1), at(2)), Reply::Limited { .. }));
}

#[test]
fn stored_bytes_are_these() {
    let mut guard = guard(terms_of(1, Some(ROOMY)));
    guard.apply(lease(1, 1, 2, 2000), at(0));
    let stored = concat!(
        r#"{"terms":{"version":1,"limit":{"limit":100,"window_seconds":60},"record":"record 1"},"#,
        r#""in_force_at":"2030-03-17T17:46:40.000Z","#,
        r#""window":{"window_ms":60000,"latest_ms":1900000000000,"buckets":[[1900000000000,1],[1900000002155,2]]},"#,
        r#""book":{"next":1900000000000001,"since":"2030-03-17T17:46:40.000Z","run_out_at":"2030-03-17T17:46:42.155Z","#,
        r#""out":[{"id":1900000000000000,"tokens":2,"until":"2030-03-17T17:46:42.155Z"}]}}"#
    );
    assert_eq!(serde_json::to_string(&guard).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Guard>(stored).unwrap(), guard);
}

proptest! {
    #[test]
    fn versions_never_go_back(versions in prop::collection::vec(1u64..20, 1..40)) {
        let mut guard = guard(terms(1));
        let mut newest = 1;
        for version in versions {
            newest = version.max(newest);
            let reply = guard.apply(adopt(terms(version)), at(0));
            prop_assert_eq!(reply, Reply::InForce { version: newest, in_force_at: at(0), wait_ms: 0 });
            prop_assert_eq!(&guard.terms, &terms(newest));
        }
    }
}
