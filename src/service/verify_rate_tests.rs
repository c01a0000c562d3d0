//! Who spends a token, and who gets one back.

use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::testing::{
    fixtures::{self, NOW, asking_for, revoked},
    wire::{Call, Times},
    world::World,
};

/// A key with `limit` tokens in a minute, of an organization with those `changes` of its policy; guards and memory warm.
fn world(limit: Value, changes: Value) -> World {
    let organization = fixtures::organization(changes);
    let key = fixtures::key_of(&organization, json!({"name": "K", "permissions": ["leads:read"], "rate_limit": limit}));
    let world = World::with(organization, &key);
    decide_in(&world, &peek());
    world.wire.forget_calls();
    world
}

fn rate(limit: u32) -> Value {
    json!({"limit": limit, "window_seconds": 60})
}

fn decide_in(world: &World, ask: &Ask) -> Decision {
    block_on(verify(&world.ports(), &world.memory, &fixtures::credential(), ask)).unwrap()
}

fn peek() -> Ask {
    Ask { peek: true, ..Ask::plain() }
}

/// What key and organization have left, asked without spending.
fn left(world: &World) -> (Option<u32>, Option<u32>) {
    let known = decide_in(world, &peek()).known.unwrap();
    (known.quota.map(|quota| quota.remaining), known.org_quota.map(|quota| quota.remaining))
}

fn limited(outcome: &Result<(), Denial>) -> Option<u64> {
    match outcome {
        Err(Denial::RateLimited { retry_after_ms }) => *retry_after_ms,
        other => panic!("{other:?}"),
    }
}

#[test]
fn limit_is_reached_exactly_and_the_wait_that_is_told_is_enough() {
    let world = world(rate(3), json!({}));
    for expected in [2, 1, 0] {
        let decision = decide_in(&world, &Ask::plain());
        assert_eq!((decision.outcome, decision.known.unwrap().quota.unwrap().remaining), (Ok(()), expected));
    }
    let refused = decide_in(&world, &Ask::plain());
    let wait = limited(&refused.outcome).unwrap();
    assert_eq!(wait, 60_000);
    assert_eq!(refused.known.unwrap().quota.unwrap().reset_at, NOW.plus_ms(60_000));
    world.clock.advance(i64::try_from(wait).unwrap() - 1);
    assert_eq!(limited(&decide_in(&world, &Ask::plain()).outcome), Some(1));
    world.clock.advance(1);
    assert_eq!(decide_in(&world, &Ask::plain()).outcome, Ok(()));
}

#[test]
fn edges_share_one_window() {
    let world = world(rate(3), json!({}));
    let edges: [Memory; 2] = Default::default();
    let admitted = (0..10).filter(|round| {
        let decision = block_on(verify(&world.ports(), &edges[round % 2], &fixtures::credential(), &Ask::plain())).unwrap();
        decision.outcome.is_ok()
    });
    assert_eq!(admitted.count(), 3);
}

#[test]
fn cost_is_spent_whole_or_not_at_all() {
    let world = world(rate(3), json!({}));
    let costing = |cost| Ask { cost, ..Ask::plain() };
    assert_eq!(decide_in(&world, &costing(2)).outcome, Ok(()));
    assert_eq!(limited(&decide_in(&world, &costing(2)).outcome), Some(60_000));
    assert_eq!(left(&world), (Some(1), None));
    assert_eq!(limited(&decide_in(&world, &costing(4)).outcome), None, "waiting never helps");
}

#[test]
fn peek_spends_nothing_and_says_what_would_be_answered() {
    let world = world(rate(1), json!({"org_rate_limit": rate(5)}));
    for _ in 0..3 {
        assert_eq!(decide_in(&world, &peek()).outcome, Ok(()));
    }
    assert_eq!(left(&world), (Some(1), Some(5)));
    decide_in(&world, &Ask::plain());
    assert!(limited(&decide_in(&world, &peek()).outcome).is_some());
    assert_eq!(left(&world), (Some(0), Some(4)));
    assert_eq!(world.wire.count(Call::OrgRelease), 0, "what a peek did not take is not given back");
}

#[test]
fn token_is_spent_only_when_every_free_check_passed() {
    let address = json!({"name": "K", "rate_limit": rate(3), "ip_allowlist": ["203.0.113.0/24"]});
    let future = json!({"name": "K", "rate_limit": rate(3), "expires_at": "2030-03-17T17:46:41Z"});
    let plain = json!({"name": "K", "rate_limit": rate(3)});
    let acting = Ask { act_as: Some("user_42".into()), ..Ask::plain() };
    type Change = fn(KeyRecord) -> KeyRecord;
    let same: Change = |key| key;
    let cases: [(&str, Value, Change, Ask, Value); 6] = [
        ("REVOKED", plain.clone(), revoked, Ask::plain(), json!({})),
        ("EXPIRED", future, same, Ask::plain(), json!({})),
        ("ORG_DISABLED", plain.clone(), same, Ask::plain(), json!({"requires_feature": "developer_api"})),
        ("IP_NOT_ALLOWED", address, same, Ask::plain(), json!({})),
        ("INSUFFICIENT_PERMISSIONS", plain.clone(), same, asking_for("leads:read"), json!({})),
        ("IMPERSONATION_NOT_ALLOWED", plain, same, acting, json!({})),
    ];
    for (code, body, change, ask, mut policy) in cases {
        policy["org_rate_limit"] = rate(5);
        let organization = fixtures::organization(policy);
        let world = World::with(organization.clone(), &change(fixtures::key_of(&organization, body)));
        world.clock.advance(1000);
        let decision = decide_in(&world, &ask);
        assert_eq!(decision.outcome.unwrap_err().code(), code);
        let known = decision.known.unwrap();
        assert_eq!((known.quota.unwrap().remaining, known.org_quota.unwrap().remaining), (3, 5), "{code}");
    }
}

#[test]
fn free_check_decides_even_when_the_window_is_exhausted() {
    let world = world(rate(1), json!({}));
    decide_in(&world, &Ask::plain());
    let acting = Ask { act_as: Some("user_42".into()), ..Ask::plain() };
    assert_eq!(decide_in(&world, &acting).outcome, Err(Denial::ImpersonationNotAllowed));
}

#[test]
fn key_s_token_comes_back_when_the_organization_refuses() {
    let world = world(rate(10), json!({"org_rate_limit": rate(1)}));
    assert_eq!(decide_in(&world, &Ask::plain()).outcome, Ok(()));
    assert_eq!(limited(&decide_in(&world, &Ask::plain()).outcome), Some(60_000));
    assert_eq!(left(&world), (Some(9), Some(0)));
}

#[test]
fn organization_s_token_comes_back_when_the_key_refuses() {
    let world = world(rate(1), json!({"org_rate_limit": rate(10)}));
    assert_eq!(decide_in(&world, &Ask::plain()).outcome, Ok(()));
    assert_eq!(limited(&decide_in(&world, &Ask::plain()).outcome), Some(60_000));
    assert_eq!(left(&world), (Some(0), Some(9)));
}

#[test]
fn later_of_two_waits_is_told() {
    let world = world(rate(1), json!({"org_rate_limit": {"limit": 1, "window_seconds": 3600}}));
    decide_in(&world, &Ask::plain());
    assert_eq!(limited(&decide_in(&world, &Ask::plain()).outcome), Some(3_600_000));
}

#[test]
fn token_is_spent_once_also_when_the_other_record_moved_on() {
    let world = world(rate(10), json!({"org_rate_limit": rate(10)}));
    let narrowed = Organization { version: 2, ..fixtures::organization(json!({"org_rate_limit": rate(8)})) };
    world.guards.adopt(&world.org_subject(), narrowed.terms().unwrap());
    let known = decide_in(&world, &Ask::plain()).known.unwrap();
    assert_eq!((known.quota.unwrap().remaining, known.org_quota.unwrap().remaining), (9, 7));
    assert_eq!(left(&world), (Some(9), Some(7)));
}

#[test]
fn key_without_a_limit_has_no_quota_and_nothing_to_give_back() {
    let world = world(Value::Null, json!({"org_rate_limit": rate(1)}));
    decide_in(&world, &Ask::plain());
    assert!(limited(&decide_in(&world, &Ask::plain()).outcome).is_some());
    assert_eq!(left(&world), (None, Some(0)));
    assert_eq!(world.wire.count(Call::KeyRelease), 0);
}

#[test]
fn release_that_fails_leaves_no_decision_and_admits_nobody_beyond_the_limit() {
    let world = world(rate(2), json!({"org_rate_limit": rate(1)}));
    decide_in(&world, &Ask::plain());
    world.wire.fail(Call::KeyRelease, Times::Exactly(1));
    let failed = block_on(verify(&world.ports(), &world.memory, &fixtures::credential(), &Ask::plain()));
    assert!(matches!(failed, Err(Failure::Unavailable(_))));
    assert_eq!(left(&world), (Some(0), Some(0)));
}

#[test]
fn clock_that_goes_back_gives_nobody_a_second_window() {
    let world = world(rate(1), json!({}));
    assert_eq!(decide_in(&world, &Ask::plain()).outcome, Ok(()));
    world.clock.advance(-3_600_000);
    assert!(limited(&decide_in(&world, &Ask::plain()).outcome).is_some());
}

#[test]
fn token_comes_back_when_the_other_guard_fails() {
    for (failing, expected) in [(Call::OrgAcquire, (Some(10), Some(10))), (Call::KeyAcquire, (Some(10), Some(10)))] {
        let world = world(rate(10), json!({"org_rate_limit": rate(10)}));
        world.wire.fail(failing, Times::Exactly(1));
        let failed = block_on(verify(&world.ports(), &world.memory, &fixtures::credential(), &Ask::plain()));
        assert!(matches!(failed, Err(Failure::Unavailable(_))));
        assert_eq!(left(&world), expected, "{failing:?}");
    }
}

#[test]
fn deleted_key_spends_no_token_of_its_organization() {
    let world = world(rate(10), json!({"org_rate_limit": rate(10)}));
    // Deleted: neither the truth nor a guard has it; the index still does.
    let gone = fixtures::key();
    let empty = World::of(fixtures::organization(json!({"org_rate_limit": rate(10)})));
    empty.index.serve(&gone);
    empty.memory.orgs.remember(world.memory.orgs.record(&fixtures::org_id()).unwrap());
    assert_eq!(decide_in(&empty, &Ask::plain()).outcome, Err(Denial::NotFound));
    assert_eq!(empty.wire.count(Call::OrgRelease), 1);
}
