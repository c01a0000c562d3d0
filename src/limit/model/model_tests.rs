//! The scenarios. Every one is explored to its end: all that can happen within its requests, mishaps and horizon, with
//! messages as late as that. Of a broken protocol the shortest way to the harm is found.

use stateright::{Checker, HasDiscoveries};

use super::*;

/// Clocks that are as slow and as fast as is taken into account; the admin's is the worst that it can be.
const SLOW: i64 = 95;
const FAST: i64 = 105;

/// Time stops where a lease or a wait ends, and where leases of the old terms begin last.
const REVOKED: Scenario = Scenario {
    edges: &[SLOW, SLOW, FAST],
    admin: FAST,
    ttl_ms: 2000,
    limit: None,
    versions: 2,
    step_ms: 1500,
    horizon_ms: 3500,
    calls: 1,
    reads: false,
    forgets: false,
    budget: Budget { requests: 2, mishaps: 1 },
    fault: None,
};

/// Leases live for 200 ms. Time stops at their ends, at the end of the window, and where tokens come back. 9 tokens are
/// the fewest that make a lease of two and one of one, beside what requests take themselves.
const LIMITED: Scenario = Scenario {
    edges: &[SLOW, SLOW, SLOW],
    limit: Some(RateLimit { limit: 9, window_seconds: 6 }),
    versions: 1,
    step_ms: 6000,
    horizon_ms: 6300,
    ..REVOKED
};

/// No leases, but three versions that are read and adopted in any order.
const VERSIONED: Scenario = Scenario { ttl_ms: 0, versions: 3, horizon_ms: 1499, reads: true, ..REVOKED };

const fn budget(requests: u32, mishaps: u32) -> Budget {
    Budget { requests, mishaps }
}

/// Explores all of it: nothing is broken, and what makes a protocol useful happens.
fn holds(scenario: Scenario) {
    let checker = scenario.checker().threads(2).spawn_bfs().join();
    println!("{} states, {} of them different, up to {} steps", checker.state_count(), checker.unique_state_count(), checker.max_depth());
    assert!(checker.is_done());
    checker.assert_properties();
}

/// Finds a short way to the harm.
fn is_caught(scenario: Scenario, harm: &'static str) {
    let ways = (5..20).find_map(|depth| {
        let harms = HasDiscoveries::AnyFailures;
        let checker = scenario.clone().checker().target_max_depth(depth).finish_when(harms).spawn_bfs().join();
        checker.discovery(harm).map(|path| (path, checker.unique_state_count()))
    });
    let (path, states) = ways.expect("the harm is found");
    println!("caught after {states} different states:");
    for (world, action) in path.into_vec() {
        println!("{:>6} {}", world.now_ms, action.map_or_else(|| harm.to_owned(), |action| format!("{action:?}")));
    }
}

#[test]
fn a_revocation_holds_at_three_edges_whatever_is_late() {
    holds(Scenario { budget: budget(3, 0), ..REVOKED });
    holds(Scenario { budget: budget(2, 1), ..REVOKED });
}

#[test]
fn a_revocation_holds_whatever_is_lost_or_doubled_or_stops() {
    holds(Scenario { budget: budget(2, 2), edges: &[SLOW], ..REVOKED });
    holds(Scenario { budget: budget(2, 1), edges: &[SLOW, FAST], calls: 2, ..REVOKED });
}

#[test]
fn a_revocation_holds_at_an_edge_that_asks_twice_at_once() {
    holds(Scenario { budget: budget(3, 0), edges: &[SLOW], calls: 2, ..REVOKED });
}

#[test]
fn a_revocation_holds_with_the_longest_leases() {
    let ttl_ms = crate::limit::lease::MAX_TTL_MS;
    holds(Scenario { budget: budget(3, 0), edges: &[SLOW, FAST], ttl_ms, step_ms: 20_000, horizon_ms: 40_000, ..REVOKED });
}

#[test]
fn a_revocation_holds_when_the_guard_loses_its_storage() {
    holds(Scenario { budget: budget(3, 1), edges: &[SLOW, SLOW], reads: true, forgets: true, step_ms: 4000, horizon_ms: 2400, ..REVOKED });
}

#[test]
fn a_limit_holds_at_three_edges_whatever_is_late() {
    holds(Scenario { budget: budget(3, 0), ..LIMITED });
}

#[test]
fn a_limit_holds_whatever_is_lost_or_doubled_or_stops() {
    holds(Scenario { budget: budget(2, 2), edges: &[SLOW], ..LIMITED });
    holds(Scenario { budget: budget(2, 1), ..LIMITED });
}

#[test]
fn a_limit_holds_at_an_edge_that_asks_twice_at_once() {
    holds(Scenario { budget: budget(3, 0), edges: &[SLOW], calls: 2, ..LIMITED });
}

#[test]
fn a_revocation_holds_for_leases_of_tokens() {
    let limit = Some(RateLimit { limit: 9, window_seconds: 60 });
    holds(Scenario { budget: budget(2, 1), edges: &[SLOW], limit, ..REVOKED });
    holds(Scenario { budget: budget(2, 0), limit, ..REVOKED });
}

#[test]
fn versions_never_go_back_in_whatever_order_they_arrive() {
    holds(Scenario { budget: budget(0, 2), ..VERSIONED });
    holds(Scenario { budget: budget(1, 1), edges: &[SLOW, FAST], ..VERSIONED });
}

#[test]
fn a_lease_counted_from_the_answer_is_caught() {
    is_caught(Scenario { budget: budget(2, 0), fault: Some(Fault::CountedFromReceipt), ..REVOKED }, REVOCATION);
}

#[test]
fn clocks_without_a_margin_are_caught() {
    is_caught(Scenario { budget: budget(2, 0), fault: Some(Fault::NoMargin), ..REVOKED }, REVOCATION);
}

#[test]
fn a_change_that_does_not_wait_is_caught() {
    is_caught(Scenario { budget: budget(2, 0), fault: Some(Fault::NoWait), ..REVOKED }, REVOCATION);
}

#[test]
fn a_guard_that_goes_back_is_caught() {
    is_caught(Scenario { fault: Some(Fault::GuardGoesBack), ..VERSIONED }, VERSION);
}

#[test]
fn an_edge_that_goes_back_is_caught() {
    is_caught(Scenario { fault: Some(Fault::EdgeGoesBack), ..VERSIONED }, VERSION);
}

#[test]
fn tokens_that_come_back_twice_are_caught() {
    is_caught(
        Scenario { budget: budget(4, 0), edges: &[SLOW, SLOW], fault: Some(Fault::ReturnedTwice), horizon_ms: 700, ..LIMITED },
        LIMIT,
    );
}

#[test]
fn a_release_that_is_heard_twice_is_caught() {
    let fault = Some(Fault::ReleasedTwice);
    is_caught(Scenario { budget: budget(3, 1), edges: &[SLOW], calls: 2, ttl_ms: 0, horizon_ms: 0, fault, ..LIMITED }, LIMIT);
}

#[test]
fn leased_tokens_dated_to_their_grant_are_caught() {
    is_caught(Scenario { budget: budget(3, 0), fault: Some(Fault::DatedToGrant), ..LIMITED }, LIMIT);
}
