//! Counting: each decided request of a known key once, told when the edge goes quiet or with the next question.

use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::{
    base::time::Timestamp,
    decision::facts::{Ask, RequestLine},
    ports::Clock as _,
    service::{chores, memory::Memory, verify::verify},
    testing::{
        fixtures,
        wire::{Call, Times},
        world::World,
    },
};

fn world(policy: Value, key: Value) -> World {
    let organization = fixtures::organization(policy);
    World::with(organization.clone(), &fixtures::key_of(&organization, key))
}

/// A key without a limit, of an organization with leases and those `changes` of its policy.
fn leased(changes: Value) -> World {
    let mut policy = json!({"consistency": {"lease_ms": 2000}});
    for (name, value) in changes.as_object().unwrap() {
        policy[name] = value.clone();
    }
    world(policy, json!({"name": "K", "rate_limit": null, "permissions": ["leads:read"]}))
}

fn ask(world: &World, edge: &Memory, ask: &Ask) -> Result<&'static str, Failure> {
    let decision = block_on(verify(&world.ports(), edge, &fixtures::credential(), ask))?;
    Ok(decision.outcome.map_or_else(|denial| denial.code(), |()| "VALID"))
}

fn run_chores(world: &World, edge: &Memory) {
    for chore in world.background.take() {
        block_on(chores::run(&world.ports(), edge, &chore));
    }
}

fn contents(world: &World) -> Contents {
    block_on(world.ports().guards.read_usage(&fixtures::key_id())).unwrap()
}

fn counted(world: &World) -> Vec<(String, u64)> {
    contents(world).hours.into_values().flat_map(|counts| counts.0).collect()
}

#[test]
fn every_decision_is_counted_by_its_code_and_told_when_the_edge_has_gone_quiet() {
    let (world, look) = (leased(json!({})), Ask { peek: true, ..Ask::plain() });
    for question in [look.clone(), Ask::plain(), Ask::plain(), fixtures::asking_for("leads:delete"), look] {
        ask(&world, &world.memory, &question).unwrap();
    }
    assert_eq!(counted(&world), [], "nobody waits for it");
    let asked_at = world.clock.now();
    run_chores(&world, &world.memory);
    assert_eq!(counted(&world), [("INSUFFICIENT_PERMISSIONS".to_owned(), 1), ("VALID".to_owned(), 2)]);
    assert_eq!(contents(&world).uses.last_used_at, Some(asked_at));
    assert!(world.clock.now() <= asked_at.plus_ms(5_000), "within a few seconds");
    world.clock.advance(1_000_000);
    assert_eq!(contents(&world).gaps, []);
}

#[test]
fn a_strict_keys_next_question_tells_of_the_one_before() {
    let world = world(json!({}), json!({"name": "K", "consistency": "strict"}));
    for before in 0..5 {
        assert_eq!(counted(&world).iter().map(|(_, count)| count).sum::<u64>(), u64::saturating_sub(before, 1));
        ask(&world, &world.memory, &Ask::plain()).unwrap();
    }
    run_chores(&world, &world.memory);
    assert_eq!(counted(&world), [("VALID".to_owned(), 5)]);
}

#[test]
fn what_a_guard_did_not_hear_is_told_once_it_hears_again() {
    let world = leased(json!({"consistency": {"lease_ms": 2000, "on_guard_failure": "allow"}}));
    world.wire.fail(Call::KeyAcquire, Times::ForEver);
    world.wire.fail(Call::Settle, Times::ForEver);
    assert_eq!(ask(&world, &world.memory, &Ask::plain()).unwrap(), "VALID");
    assert!(world.background.logged()[0].contains("is decided unconfirmed: the guard failed"));
    run_chores(&world, &world.memory);
    assert_eq!(counted(&world), []);
    world.wire.mend();
    world.clock.advance(60_000);
    // Another key of the same edge is heard.
    let other = block_on(keys::create(&world.ports(), fixtures::ORG, &json!({"name": "Other"}), fixtures::author())).unwrap();
    block_on(verify(&world.ports(), &world.memory, other.secret.expose(), &Ask::plain())).unwrap();
    run_chores(&world, &world.memory);
    assert_eq!(counted(&world), [("VALID".to_owned(), 1)]);
}

#[test]
fn without_a_decision_nothing_is_counted() {
    let world = leased(json!({}));
    world.wire.fail(Call::OrgAcquire, Times::ForEver);
    assert!(ask(&world, &world.memory, &Ask::plain()).is_err());
    world.wire.mend();
    run_chores(&world, &world.memory);
    assert_eq!(ask(&world, &world.memory, &Ask::plain()).unwrap(), "VALID");
    run_chores(&world, &world.memory);
    assert_eq!(counted(&world), [("VALID".to_owned(), 1)]);
}

#[test]
fn an_edge_that_died_leaves_its_lease_as_a_gap() {
    let world = leased(json!({}));
    let granted_at = world.clock.now();
    ask(&world, &Memory::default(), &Ask::plain()).unwrap();
    // The organization's policy is known from here on: the next edge gets a lease.
    let edge = Memory::default();
    ask(&world, &edge, &Ask { peek: true, ..Ask::plain() }).unwrap();
    ask(&world, &edge, &Ask::plain()).unwrap();
    world.clock.advance(100_000);
    let gaps: Vec<(Timestamp, Timestamp)> = contents(&world).gaps.iter().map(|gap| (gap.from, gap.to)).collect();
    assert_eq!(gaps.len(), 2);
    assert!(gaps.contains(&(granted_at, granted_at.plus_ms(2_000))), "{gaps:?}");
}

#[test]
fn activity_is_what_was_asked_last_newest_first() {
    let world = leased(json!({"impersonation": true}));
    let line = RequestLine::of(Some("DELETE"), Some("/leads/7?force=1"));
    let ip = Some("203.0.113.9".parse().unwrap());
    ask(&world, &world.memory, &Ask::plain()).unwrap();
    world.clock.advance(5);
    let other = Ask { ip, line, act_as: Some("user_42".to_owned()), ..Ask::plain() };
    assert_eq!(ask(&world, &world.memory, &other).unwrap(), "IMPERSONATION_NOT_ALLOWED");
    let asked_at = world.clock.now();
    run_chores(&world, &world.memory);
    let (key, deeds) = block_on(activity(&world.ports(), fixtures::ORG, fixtures::key_id().as_str())).unwrap();
    assert_eq!((key.id, deeds.len()), (fixtures::key_id(), 2));
    let newest = Deed {
        at: asked_at,
        code: "IMPERSONATION_NOT_ALLOWED".into(),
        method: Some("DELETE".to_owned()),
        path: Some("/leads/7".to_owned()),
        ip: Some("203.0.113.9".to_owned()),
        act_as: Some("user_42".to_owned()),
    };
    assert_eq!(deeds[0], newest);
    assert_eq!(deeds[1].code, "VALID");
}

#[test]
fn usage_of_a_key_that_is_not_there_is_not_found_and_of_a_guard_that_does_not_answer_an_outage() {
    let world = leased(json!({}));
    let (ports, key) = (world.ports(), fixtures::key_id());
    let read = |org: &str, key: &str| block_on(summary(&ports, org, key, Range::Day));
    assert!(matches!(read(fixtures::ORG, "key_01q9gd6e000w3ge1r70w3ge1r0"), Err(Failure::NotFound)));
    assert!(matches!(read("org_01q9gd6e000w3ge1r70w3ge1r0", key.as_str()), Err(Failure::NotFound)));
    world.wire.fail(Call::ReadUsage, Times::ForEver);
    assert!(matches!(read(fixtures::ORG, key.as_str()), Err(Failure::Unavailable(_))));
}
