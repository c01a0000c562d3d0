//! Deciding by leases: without a question while they last, never longer, and never beyond the limit.

use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::{
    ports::{Chore, Clock as _},
    service::{chores, keys},
    testing::{
        fixtures,
        wire::{Call, Times},
        world::World,
    },
};

const LEASE_MS: i64 = 2000;

/// A key with that rate, of an organization with leases and those `changes` of its policy; the edge has seen both.
fn world(limit: Value, changes: Value) -> World {
    let mut policy = json!({"consistency": {"lease_ms": LEASE_MS}});
    for (name, value) in changes.as_object().unwrap() {
        policy[name] = value.clone();
    }
    let organization = fixtures::organization(policy);
    let key = fixtures::key_of(&organization, json!({"name": "K", "permissions": ["leads:read"], "rate_limit": limit}));
    let world = World::with(organization, &key);
    decide_at(&world, &world.memory, &peek());
    world.wire.forget_calls();
    world
}

fn decide_at(world: &World, edge: &Memory, ask: &Ask) -> Decision {
    decide_by(&world.ports(), edge, ask)
}

fn decide_by(ports: &Ports, edge: &Memory, ask: &Ask) -> Decision {
    block_on(verify(ports, edge, &fixtures::credential(), ask)).unwrap()
}

fn passes(world: &World, edge: &Memory) -> bool {
    decide_at(world, edge, &Ask::plain()).outcome.is_ok()
}

fn peek() -> Ask {
    Ask { peek: true, ..Ask::plain() }
}

fn rate(limit: u32) -> Value {
    json!({"limit": limit, "window_seconds": 60})
}

fn run_chores(world: &World, edge: &Memory) {
    run_chores_by(&world.ports(), world, edge);
}

fn run_chores_by(ports: &Ports, world: &World, edge: &Memory) {
    run(ports, world, edge, |_| true);
}

fn run(ports: &Ports, world: &World, edge: &Memory, which: impl Fn(&Chore) -> bool) {
    for chore in world.background.take().into_iter().filter(which) {
        block_on(chores::run(ports, edge, &chore));
    }
}

#[test]
fn busy_key_is_decided_without_a_question() {
    let world = world(Value::Null, json!({}));
    assert!(passes(&world, &world.memory));
    assert_eq!(world.wire.calls(), [Call::KeyAcquire, Call::OrgAcquire]);
    world.wire.forget_calls();
    for _ in 0..100 {
        let decision = decide_at(&world, &world.memory, &Ask::plain());
        assert_eq!((decision.outcome, decision.freshness), (Ok(()), Freshness::Leased { bound_ms: 2000 }));
    }
    let refused = decide_at(&world, &world.memory, &fixtures::asking_for("leads:delete"));
    assert_eq!(refused.outcome.unwrap_err().code(), "INSUFFICIENT_PERMISSIONS");
    assert_eq!(world.wire.calls(), []);
    world.clock.advance(LEASE_MS);
    assert!(passes(&world, &world.memory));
    assert_eq!(world.wire.calls(), [Call::KeyAcquire, Call::OrgAcquire], "and asked about when the lease is over");
}

#[test]
fn busy_key_s_lease_is_renewed_in_the_background_before_its_end() {
    let world = world(Value::Null, json!({}));
    assert!(passes(&world, &world.memory));
    world.clock.advance(LEASE_MS * 95 / 100);
    world.wire.forget_calls();
    assert!(passes(&world, &world.memory));
    assert_eq!(world.wire.calls(), [], "nobody waits for it");
    run(&world.ports(), &world, &world.memory, |chore| matches!(chore, Chore::Renew { .. }));
    assert_eq!(world.wire.calls(), [Call::KeyAcquire, Call::OrgAcquire]);
    world.wire.forget_calls();
    world.clock.advance(LEASE_MS / 2);
    assert!(passes(&world, &world.memory));
    assert_eq!(world.wire.calls(), [], "past the end of the first one");
}

#[test]
fn revocation_returns_when_no_edge_goes_by_an_older_lease() {
    let world = world(Value::Null, json!({}));
    let elsewhere = Memory::default();
    assert!(passes(&world, &world.memory) && passes(&world, &elsewhere) && passes(&world, &elsewhere));
    let (before, ports) = (world.clock.now(), world.ports());
    let revoked = block_on(keys::revoke(&fixtures::change(&ports, None), None)).unwrap();
    assert_eq!(revoked.in_force_at, Some(before.plus_ms(LEASE_MS + LEASE_MS / 19 + 50)), "by the guard's clock");
    assert!(world.clock.now() >= revoked.in_force_at.unwrap(), "it waited");
    assert!(!passes(&world, &world.memory) && !passes(&world, &elsewhere));
}

#[test]
fn until_a_revocation_returns_an_edge_may_go_by_what_it_holds() {
    let world = world(Value::Null, json!({}));
    assert!(passes(&world, &world.memory));
    world.guards.adopt(&world.key_subject(), fixtures::revoked(fixtures::key()).terms().unwrap());
    assert!(passes(&world, &world.memory));
    world.clock.advance(LEASE_MS);
    assert!(!passes(&world, &world.memory));
}

#[test]
fn refusal_is_remembered_and_a_key_that_is_brought_back_is_let_in_when_the_lease_ends() {
    let world = world(Value::Null, json!({"revocation": "reversible"}));
    let ports = world.ports();
    block_on(keys::revoke(&fixtures::change(&ports, None), None)).unwrap();
    assert!(!passes(&world, &world.memory));
    world.wire.forget_calls();
    assert!(!passes(&world, &world.memory));
    assert_eq!(world.wire.calls(), []);
    let paused = world.clock.pauses().len();
    block_on(keys::reactivate(&fixtures::change(&ports, None), None)).unwrap();
    assert_eq!(world.clock.pauses().len(), paused, "nobody has to wait for a widening");
    world.clock.advance(LEASE_MS);
    assert!(passes(&world, &world.memory));
}

#[test]
fn strict_key_asks_each_time() {
    let organization = fixtures::organization(json!({"consistency": {"lease_ms": LEASE_MS}}));
    let key = fixtures::key_of(&organization, json!({"name": "K", "consistency": "strict"}));
    let world = World::with(organization, &key);
    for _ in 0..3 {
        let decision = decide_at(&world, &world.memory, &Ask::plain());
        assert_eq!((decision.outcome, decision.freshness), (Ok(()), Freshness::Strict));
    }
    assert_eq!((world.wire.count(Call::KeyAcquire), world.wire.count(Call::OrgAcquire)), (3, 3));
    // Of what was before its guard began, the guard knows nothing.
    world.clock.advance(2 * LEASE_MS);
    let (before, ports) = (world.clock.now(), world.ports());
    block_on(keys::revoke(&fixtures::change(&ports, None), None)).unwrap();
    assert_eq!(world.clock.now(), before, "so a revocation waits for nobody");
}

#[test]
fn one_edge_admits_exactly_the_limit_and_asks_less_than_once_a_request() {
    let world = world(rate(60), json!({}));
    let admitted = (0..200).filter(|_| passes(&world, &world.memory)).count();
    assert_eq!(admitted, 60);
    assert!(world.wire.count(Call::KeyAcquire) < 40, "{}", world.wire.count(Call::KeyAcquire));
}

#[test]
fn edges_together_never_admit_more_and_what_one_left_another_gets() {
    let world = world(rate(60), json!({}));
    let elsewhere = Memory::default();
    decide_at(&world, &elsewhere, &peek());
    let first = (0..10).filter(|_| passes(&world, &world.memory)).count();
    let second = (0..200).filter(|_| passes(&world, &elsewhere)).count();
    assert!(first == 10 && second < 50, "one holds some that it did not spend: {second}");
    world.clock.advance(LEASE_MS);
    run_chores(&world, &world.memory);
    let third = (0..200).filter(|_| passes(&world, &elsewhere)).count();
    assert_eq!(first + second + third, 60, "they were settled and came back");
}

#[test]
fn keys_share_their_organization_s_limit_by_its_lease() {
    let world = world(Value::Null, json!({"org_rate_limit": rate(30)}));
    let admitted = (0..100).filter(|_| passes(&world, &world.memory)).count();
    assert_eq!(admitted, 30);
}

#[test]
fn lease_carries_an_edge_over_an_outage_of_its_guards() {
    let world = world(Value::Null, json!({}));
    assert!(passes(&world, &world.memory));
    world.wire.fail(Call::KeyAcquire, Times::ForEver);
    world.wire.fail(Call::IndexFind, Times::ForEver);
    assert!(passes(&world, &world.memory));
    world.clock.advance(LEASE_MS);
    let failed = block_on(verify(&world.ports(), &world.memory, &fixtures::credential(), &Ask::plain()));
    assert!(matches!(failed, Err(Failure::Unavailable(Outage::Guard { .. }))), "no longer than it lasts");
}

#[test]
fn without_guard_and_lease_the_policy_may_go_on_by_the_last_known_records() {
    let world = world(rate(1), json!({"consistency": {"lease_ms": LEASE_MS, "on_guard_failure": "allow"}}));
    for failing in [Call::KeyAcquire, Call::OrgAcquire] {
        world.wire.fail(failing, Times::ForEver);
        for _ in 0..3 {
            let decision = decide_at(&world, &world.memory, &Ask::plain());
            assert_eq!((decision.outcome, decision.freshness), (Ok(()), Freshness::Unconfirmed), "without a limit");
            assert_eq!(decision.known.unwrap().quota, None);
        }
        let refused = decide_at(&world, &world.memory, &fixtures::asking_for("leads:delete"));
        assert_eq!(refused.outcome.unwrap_err().code(), "INSUFFICIENT_PERMISSIONS", "but with every free check");
        let cold = decide_at(&world, &Memory::default(), &Ask::plain());
        assert_eq!(cold.freshness, Freshness::Unconfirmed, "also at an edge that never saw the organization");
        world.wire.mend();
        world.clock.advance(LEASE_MS);
    }
}

#[test]
fn clock_that_goes_back_makes_an_edge_ask() {
    let world = world(Value::Null, json!({}));
    assert!(passes(&world, &world.memory));
    world.wire.forget_calls();
    world.clock.advance(-1);
    assert!(passes(&world, &world.memory));
    assert_eq!(world.wire.calls(), [Call::KeyAcquire, Call::OrgAcquire]);
}

#[path = "verify_clock_tests.rs"]
mod clock_tests;
