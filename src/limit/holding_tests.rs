use super::*;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_900_000_000_000 + ms)
}

fn quota(remaining: u32) -> Quota {
    Quota { limit: 100, window_seconds: 60, remaining, reset_at: at(60_000) }
}

fn grant(id: u64, tokens: Option<u32>) -> Grant {
    Grant { granted_at: at(0), lease: Some(Lease { id, tokens, ttl_ms: 2000 }) }
}

/// A holding with a lease of so many tokens, asked for at 0.
fn holding(tokens: Option<u32>) -> Holding {
    let mut holding = Holding::default();
    holding.granted(&grant(1, tokens), tokens.map(|_| quota(50)), at(0));
    holding
}

fn remaining(found: Found) -> u32 {
    match found {
        Found::Held(Some(quota)) => quota.remaining,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lease_is_gone_by_from_before_it_was_asked_for_until_its_end() {
    let holding = holding(None);
    for (ms, held) in [(0, true), (1999, true), (2000, false), (-1, false)] {
        assert_eq!(holding.find(1, at(ms)) == Found::Held(None), held, "{ms}");
    }
}

#[test]
fn tokens_are_spent_to_the_last_and_no_further() {
    let mut holding = holding(Some(3));
    assert_eq!(remaining(holding.find(1, at(1))), 53);
    holding.spend(2, at(1));
    assert_eq!(remaining(holding.find(1, at(2))), 51);
    assert_eq!(holding.find(2, at(2)), Found::Nothing);
    holding.spend(1, at(2));
    assert_eq!(holding.find(1, at(3)), Found::Nothing);
    assert_eq!(remaining(holding.find(0, at(3))), 50, "a refusal needs no token, only time");
}

#[test]
fn what_was_spent_is_settled_once_and_again_only_if_it_was_not_heard() {
    let mut holding = holding(Some(3));
    holding.spend(2, at(1));
    let settled = holding.give_up();
    assert_eq!(settled, [Settlement { lease: 1, spent: 2 }]);
    assert_eq!(holding.find(0, at(2)), Found::Nothing, "what is settled is not gone by");
    assert_eq!(holding.give_up(), []);
    holding.unanswered(settled.clone());
    assert_eq!(holding.begin_asking(2000, at(2002)).1, settled);
}

#[test]
fn a_newer_lease_replaces_an_older_one_unless_it_is_poorer() {
    let mut holding = holding(Some(3));
    holding.spend(1, at(1));
    holding.granted(&grant(2, Some(5)), Some(quota(40)), at(10));
    assert_eq!(holding.begin_asking(2000, at(11)).1, [Settlement { lease: 1, spent: 1 }]);
    holding.granted(&grant(3, Some(4)), Some(quota(40)), at(12));
    assert_eq!(holding.begin_asking(2000, at(13)).1, [Settlement { lease: 3, spent: 0 }], "five are better than four");
    holding.spend(5, at(14));
    assert_eq!(holding.find(1, at(14)), Found::Nothing);
}

#[test]
fn a_grant_without_time_leaves_what_is_held_alone() {
    let mut holding = holding(Some(3));
    holding.granted(&Grant { granted_at: at(5), lease: None }, Some(quota(1)), at(5));
    assert_eq!(remaining(holding.find(1, at(6))), 53);
}

#[test]
fn a_refusal_is_believed_for_a_second_at_most_however_long_the_window_is() {
    let mut holding = Holding::default();
    holding.refused(1, None, Quota { window_seconds: 86_400, ..quota(0) }, at(0));
    assert!(matches!(holding.find(1, at(999)), Found::Refused { .. }));
    assert_eq!(holding.find(1, at(1000)), Found::Nothing);
}

#[test]
fn a_refusal_is_believed_for_a_sixtieth_of_the_window_and_for_as_much() {
    let mut holding = Holding::default();
    holding.refused(3, Some(at(9_000)), quota(2), at(0));
    let refused = Found::Refused { retry_at: Some(at(9_000)), quota: quota(2) };
    assert_eq!((holding.find(3, at(0)), holding.find(4, at(999))), (refused, refused));
    assert_eq!((holding.find(2, at(0)), holding.find(3, at(1_000))), (Found::Nothing, Found::Nothing));
    holding.granted(&Grant { granted_at: at(5), lease: None }, None, at(5));
    assert_eq!(holding.find(3, at(6)), Found::Nothing, "a grant proves it wrong");
}

#[test]
fn a_busy_lease_is_renewed_before_its_end_and_before_its_last_token() {
    let mut holding = holding(Some(8));
    assert!(!holding.wants_renewal(at(1799)));
    assert!(holding.wants_renewal(at(1800)));
    holding.spend(6, at(10));
    assert!(holding.wants_renewal(at(10)));
    holding.begin_asking(2000, at(10));
    assert!(!holding.wants_renewal(at(11)), "one asks");
    holding.unanswered(Vec::new());
    assert!(!holding.wants_renewal(at(209)), "not at every request");
    assert!(holding.wants_renewal(at(210)), "and if it got no answer, another one");
}

#[test]
fn demand_is_asked_ahead_for() {
    let mut holding = Holding::default();
    assert_eq!(holding.begin_asking(2000, at(0)).0, 0, "nobody asked yet");
    for step in 0..100 {
        holding.note_demand(1, at(step * 10));
    }
    // 100 in a second are 200 in two, and a quarter more.
    assert_eq!(holding.begin_asking(2000, at(1000)).0, 250);
    assert_eq!(holding.begin_asking(2000, at(1001)).0, 0, "it is measured anew");
    holding.note_demand(1, at(2000));
    assert_eq!(holding.begin_asking(2000, at(2000)).0, 10, "one request is no flood");
}

#[test]
fn a_clock_that_stands_still_does_not_make_a_lease_immortal() {
    let mut holding = holding(None);
    for _ in 0..MAX_USES {
        assert_eq!(holding.find(1, at(0)), Found::Held(None));
        holding.spend(1, at(0));
    }
    assert_eq!(holding.find(1, at(0)), Found::Nothing);
}

#[test]
fn a_lease_with_tokens_is_settled_at_its_end_and_any_other_when_the_edge_is_quiet() {
    let mut held = holding(Some(3));
    held.spend(1, at(500));
    assert_eq!((held.settles_in(at(500)), held.settles_in(at(2000)), held.settles_in(at(2001))), (1500, 0, 0));
    let mut unlimited = Holding::default();
    unlimited.granted(&Grant { granted_at: at(0), lease: Some(Lease { id: 1, tokens: None, ttl_ms: 2_000 }) }, None, at(0));
    unlimited.spend(1, at(500));
    assert_eq!((unlimited.settles_in(at(500)), unlimited.settles_in(at(3_499)), unlimited.settles_in(at(3_500))), (3_000, 1, 0));
    assert_eq!(unlimited.settles_in(at(-100_000)), 3_000, "a clock that went back is not waited for");
    assert_eq!(Holding::default().settles_in(at(0)), 0);
}

#[test]
fn a_long_lease_without_tokens_is_kept_between_requests_that_are_further_apart() {
    for (ttl_ms, quiet_ms) in [(2_000, 3_000), (5_000, 5_000), (30_000, 10_000)] {
        let mut held = Holding::default();
        held.granted(&Grant { granted_at: at(0), lease: Some(Lease { id: 1, tokens: None, ttl_ms }) }, None, at(0));
        held.spend(1, at(500));
        let after = |ms: i64| held.settles_in(at(500 + ms));
        assert_eq!((after(quiet_ms - 1), after(quiet_ms)), (1, 0), "{ttl_ms}");
        assert!(!held.rests(at(3_499)) && held.rests(at(3_500)), "whoever cannot wait any longer need not");
    }
}

#[test]
fn one_at_a_time_sees_to_it_that_a_lease_is_settled() {
    let mut held = holding(Some(3));
    assert!(held.plan_settlement(false, at(500)));
    assert!(!held.plan_settlement(false, at(600)), "somebody is at it");
    assert!(held.plan_settlement(false, at(30_500)), "the platform has ended it");
    held.settled();
    assert!(held.plan_settlement(false, at(30_501)));
    let mut unlimited = holding(None);
    assert!(!unlimited.plan_settlement(false, at(0)), "there is nothing to give back");
    assert!(unlimited.plan_settlement(true, at(0)), "but something to tell");
}

#[test]
fn nobody_settles_while_somebody_asks() {
    let mut held = holding(Some(3));
    held.spend(1, at(1_900));
    held.begin_asking(2000, at(1_900));
    assert!(held.settles_in(at(2_000)) > 0, "the lease is over, but another one is on its way");
    assert!(held.settles_in(at(1_900 + PATIENCE_MS - 1)) > 0);
    assert_eq!(held.settles_in(at(1_900 + PATIENCE_MS)), 0, "it does not come");
    held.granted(&Grant { granted_at: at(2_100), lease: None }, None, at(1_900));
    assert_eq!(held.settles_in(at(4_900)), 0);
    held.begin_asking(2000, at(5_000));
    held.note_demand(1, at(10_900));
    assert_eq!(held.settles_in(at(10_950)), 2_950, "nor while somebody is at work");
}
