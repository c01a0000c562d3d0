//! From a decision to what lists, rankings and the audit log tell of it.

use pollster::block_on;
use serde_json::json;

use super::*;
use crate::{
    decision::facts::{Ask, RequestLine},
    ports::Clock as _,
    service::{chores, keys, memory::Memory, usage, verify},
    testing::{
        fixtures,
        wire::{Call, Times},
        world::World,
    },
    usage::{
        recent::{self, Used},
        summary::{Range, Summary},
    },
};

/// A key that may act for users and be deleted.
fn world() -> World {
    let policy = json!({"impersonation": true, "deletion": true, "consistency": {"lease_ms": 2000}});
    let organization = fixtures::organization(policy);
    let key = json!({"name": "K", "rate_limit": null, "can_impersonate": true, "permissions": ["leads:read", "leads:update"]});
    World::with(organization.clone(), &fixtures::key_of(&organization, key))
}

/// Decides, and tells the guards.
fn ask(world: &World, memory: &Memory, ask: &Ask) -> verify::Decision {
    let decision = block_on(verify::verify(&world.ports(), memory, &fixtures::credential(), ask)).unwrap();
    settle(world, memory);
    decision
}

fn settle(world: &World, memory: &Memory) {
    for chore in world.background.take() {
        block_on(chores::run(&world.ports(), memory, &chore));
    }
}

/// Wakes the guards that have something to tell; later ones have something to tidy.
fn wake(world: &World) {
    for subject in [world.key_subject(), world.org_subject()] {
        let wait_ms = world.guards.alarm(&subject).map(|due| due.ms() - world.clock.now().ms());
        if let Some(wait_ms) = wait_ms.filter(|wait_ms| *wait_ms <= 60_000) {
            world.clock.advance(wait_ms.max(0));
            block_on(world.guards.wake(&world.ports(), &subject));
        }
    }
}

fn used(world: &World) -> Used {
    block_on(keys::get(&world.ports(), fixtures::ORG, &fixtures::key_id().text())).unwrap()
}

fn for_user(user: &str, path: &str) -> Ask {
    let line = RequestLine::of(Some("GET"), Some(path));
    Ask { act_as: Some(user.to_owned()), ip: "203.0.113.9".parse().ok(), line, ..Ask::plain() }
}

#[test]
fn lists_tell_what_the_guard_knows_a_minute_later_at_most() {
    let world = world();
    let asked_at = world.clock.now();
    for question in [Ask::plain(), fixtures::asking_for("leads:read"), fixtures::asking_for("leads:delete")] {
        ask(&world, &world.memory, &question);
    }
    assert_eq!(used(&world).recent, None);
    wake(&world);
    assert!(world.clock.now().ms() - asked_at.ms() <= 60_000);
    let (found, now) = (used(&world), world.clock.now());
    let view = recent::view(found.recent.as_ref(), now);
    assert_eq!((view.last_24h.requests, view.last_30d.allowed, view.last_7d.denied), (3, 2, 1));
    assert!(found.key.last_used_at.is_some() && found.key.secrets[0].last_used_at.is_some());
    assert_eq!(recent::insights(&found.key, found.recent.as_ref(), now).unused_permissions, ["leads:update"]);
}

#[test]
fn what_the_truth_did_not_take_is_told_again_and_counted_once() {
    for times in [1, 2, 3] {
        let world = world();
        ask(&world, &world.memory, &for_user("ada", "/a"));
        world.wire.fail(Call::NoteKeyUse, Times::Exactly(times));
        (0..times).for_each(|_| wake(&world));
        assert_eq!(used(&world).recent, None);
        world.wire.lose_answer(Call::NoteKeyUse, Times::Exactly(times));
        (0..times).for_each(|_| wake(&world));
        ask(&world, &world.memory, &for_user("ada", "/a"));
        (0..2).for_each(|_| wake(&world));
        assert_eq!(recent::view(used(&world).recent.as_ref(), world.clock.now()).last_24h.requests, 2);
        let noted: Vec<_> = world.ledger.audit().into_iter().map(|entry| entry.changes["requests"]["to"].clone()).collect();
        assert_eq!(noted, [1, 1], "{times}");
    }
}

#[test]
fn what_is_done_for_a_user_is_in_the_audit_log_under_the_users_name() {
    let world = world();
    for (user, path) in [("ada", "/v1/leads"), ("eve", "/v1/leads"), ("ada", "/v1/leads")] {
        ask(&world, &world.memory, &for_user(user, path));
    }
    ask(&world, &world.memory, &Ask::plain());
    wake(&world);
    let entries = world.ledger.audit();
    let told: Vec<_> = entries.iter().map(|entry| (entry.actor.id.as_str(), entry.changes["requests"]["to"].clone())).collect();
    assert_eq!(told, [("ada", json!(2)), ("eve", json!(1))]);
    let AuditEntry { action, actor, target, ip, changes, .. } = &entries[0];
    assert_eq!((*action, actor.kind, ip.as_deref()), (Action::KeyImpersonated, ActorType::User, Some("203.0.113.9")));
    assert_eq!((target.id.as_str(), target.name.as_str()), (&*fixtures::key_id().text(), "K"));
    assert_eq!(changes["path"], json!({"from": null, "to": "/v1/leads"}));
}

#[test]
fn what_was_done_for_a_user_is_noted_though_the_key_is_deleted_before() {
    let world = world();
    ask(&world, &Memory::default(), &for_user("eve", "/b"));
    // Decided before, told after.
    block_on(verify::verify(&world.ports(), &world.memory, &fixtures::credential(), &for_user("ada", "/a"))).unwrap();
    block_on(keys::delete(&fixtures::change(&world.ports(), None))).unwrap();
    settle(&world, &world.memory);
    (0..2).for_each(|_| wake(&world));
    let of_users = world.ledger.audit().into_iter().filter(|entry| entry.action == Action::KeyImpersonated);
    let mut told: Vec<_> = of_users.map(|entry| (entry.actor.id, entry.target.name)).collect();
    told.sort();
    assert_eq!(told, [("ada".to_owned(), "K".to_owned()), ("eve".to_owned(), "K".to_owned())]);
    assert_eq!(world.ledger.used(fixtures::key()).recent, None, "nothing else is kept of it");
}

fn top_keys(summary: &Summary) -> Vec<(String, u64)> {
    let told = serde_json::to_value(summary).unwrap();
    let of = |key: &Value| (key["key"]["name"].as_str().unwrap().to_owned(), key["requests"].as_u64().unwrap());
    told["top_keys"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn an_organization_knows_what_all_its_keys_were_asked_and_which_most() {
    let world = world();
    let other = block_on(keys::create(&world.ports(), fixtures::ORG, &json!({"name": "Other"}), fixtures::author())).unwrap();
    for _ in 0..3 {
        block_on(verify::verify(&world.ports(), &world.memory, other.secret.expose(), &Ask::plain())).unwrap();
    }
    ask(&world, &world.memory, &fixtures::asking_for("leads:delete"));
    let subject = Subject::Key(other.key.id.clone());
    let due = world.guards.alarm(&subject).unwrap();
    world.clock.advance(due.ms() - world.clock.now().ms());
    block_on(world.guards.wake(&world.ports(), &subject));
    wake(&world);
    let found = block_on(usage::of_org(&world.ports(), fixtures::ORG, Range::Day)).unwrap();
    let told = serde_json::to_value(&found).unwrap();
    assert_eq!(told["last_24h"]["by_code"], json!({"VALID": 3, "INSUFFICIENT_PERMISSIONS": 1}));
    assert_eq!(top_keys(&found), [("Other".to_owned(), 3), ("K".to_owned(), 1)]);
}

#[test]
fn the_most_asked_keys_are_found_though_others_were_asked_more_before() {
    let world = world();
    let now = world.clock.now();
    let hour = now.ms().unsigned_abs() / 3_600_000;
    for number in 0..150u64 {
        let made =
            block_on(keys::create(&world.ports(), fixtures::ORG, &json!({"name": format!("K{number}")}), fixtures::author())).unwrap();
        // The first hundred but one were busy 23 hours before they were rolled up, and not since.
        let hours = match number {
            0 => vec![(hour - 1, 5_000, 0)],
            1..100 => vec![(hour - 24, 1_000, 0), (hour - 1, 1, 0)],
            _ => vec![(hour - 1, number, 0)],
        };
        let recent = Recent { as_of: now.plus_ms(-3_600_000), hours, permissions: Default::default() };
        block_on(world.ports().rolls.note_key(&made.key.id, &made.key.org_id, &Default::default(), &recent, &[])).unwrap();
    }
    let found = block_on(usage::of_org(&world.ports(), fixtures::ORG, Range::Day)).unwrap();
    let others = (141..150u64).rev().map(|number| (format!("K{number}"), number));
    let expected: Vec<_> = [("K0".to_owned(), 5_000)].into_iter().chain(others).collect();
    assert_eq!(top_keys(&found), expected);
}

#[test]
fn answers_of_the_origin_are_counted_though_the_edge_has_told_all_before() {
    let world = world();
    let decision = ask(&world, &world.memory, &Ask::plain());
    world.clock.advance(60_000);
    for status in [Some(200), Some(503), None] {
        verify::count_origin(&world.ports(), &world.memory, decision.known.as_ref().unwrap(), status);
    }
    settle(&world, &world.memory);
    for subject in [world.key_subject(), world.org_subject()] {
        let contents = block_on(world.ports().guards.read_usage(&subject)).unwrap();
        let origin: Vec<_> = contents
            .hours
            .into_values()
            .flat_map(|counts| counts.origin().map(|(class, count)| (class.to_owned(), count)).collect::<Vec<_>>())
            .collect();
        assert_eq!(origin, [("2xx".to_owned(), 1), ("5xx".to_owned(), 1), ("failed".to_owned(), 1)], "{subject:?}");
    }
}
