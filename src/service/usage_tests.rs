//! Counting: each decided request of a known key once, told when the edge goes quiet or with the next question.

use std::{
    pin::{Pin, pin},
    task::{Context, Waker},
};

use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::{
    base::time::Timestamp,
    decision::facts::{Ask, RequestLine},
    ports::{Chore, Clock as _, Subject},
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
    block_on(world.ports().guards.read_usage(&world.key_subject())).unwrap()
}

fn is_empty(contents: &Contents) -> bool {
    contents.hours.is_empty() && contents.deeds.is_empty() && contents.gaps.is_empty() && contents.uses.last_used_at.is_none()
}

fn counted(world: &World) -> Vec<(String, u64)> {
    contents(world)
        .hours
        .into_values()
        .flat_map(|counts| counts.codes().map(|(code, count)| (code.to_owned(), count)).collect::<Vec<_>>())
        .collect()
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
    assert_eq!(gaps, [(granted_at, granted_at.plus_ms(2_000))], "of two edges, but they touch");
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
    let (key, deeds) = block_on(activity(&world.ports(), fixtures::ORG, fixtures::key_id().text().as_str())).unwrap();
    assert_eq!((key.id, deeds.len()), (fixtures::key_id(), 2));
    let newest = Deed {
        at: asked_at,
        code: "IMPERSONATION_NOT_ALLOWED".into(),
        method: Some("DELETE".to_owned()),
        path: Some("/leads/7".to_owned()),
        ip: Some("203.0.113.9".parse().unwrap()),
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
    assert!(matches!(read("org_01q9gd6e000w3ge1r70w3ge1r0", key.text().as_str()), Err(Failure::NotFound)));
    world.wire.fail(Call::ReadUsage, Times::ForEver);
    assert!(matches!(read(fixtures::ORG, key.text().as_str()), Err(Failure::Unavailable(_))));
}

/// One turn of something that takes several.
fn turn(work: Pin<&mut impl Future>) -> bool {
    work.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn the_end_of_a_burst_is_told_however_long_it_took() {
    for looks in 0..30 {
        let (world, mut asked) = (leased(json!({})), 1);
        ask(&world, &world.memory, &Ask::plain()).unwrap();
        let (ports, settle) = (world.ports(), Chore::Settle { subject: world.key_subject() });
        assert!(world.background.take().contains(&settle));
        let mut settling = pin!(chores::run(&ports, &world.memory, &settle));
        // Each time it has waited for quiet, somebody was quicker.
        while asked <= looks && !turn(settling.as_mut()) {
            ask(&world, &world.memory, &Ask::plain()).unwrap();
            asked += 1;
        }
        if asked > looks {
            block_on(settling);
        } else {
            assert_eq!(world.wire.count(Call::Settle), 0, "a busy edge keeps its lease");
        }
        run_chores(&world, &world.memory);
        assert_eq!(counted(&world), [("VALID".to_owned(), asked)], "{looks}");
    }
}

#[test]
fn what_a_guard_did_not_hear_is_told_by_others_though_the_platform_ended_whoever_saw_to_it() {
    let world = leased(json!({}));
    ask(&world, &world.memory, &Ask::plain()).unwrap();
    world.wire.fail(Call::Settle, Times::ForEver);
    let (ports, settle) = (world.ports(), Chore::Settle { subject: world.key_subject() });
    world.background.take();
    {
        let mut settling = pin!(chores::run(&ports, &world.memory, &settle));
        (0..3).for_each(|_| assert!(!turn(settling.as_mut())));
    }
    world.wire.mend();
    let other = block_on(keys::create(&ports, fixtures::ORG, &json!({"name": "Other"}), fixtures::author())).unwrap();
    block_on(verify(&ports, &world.memory, other.secret.expose(), &Ask::plain())).unwrap();
    run_chores(&world, &world.memory);
    assert_eq!(counted(&world), [("VALID".to_owned(), 1)]);
}

#[test]
fn whoever_tells_for_others_takes_no_lease_from_a_key_that_is_in_use_again() {
    let world = leased(json!({}));
    ask(&world, &world.memory, &Ask::plain()).unwrap();
    world.wire.fail(Call::Settle, Times::ForEver);
    run_chores(&world, &world.memory);
    world.wire.mend();
    let other = block_on(keys::create(&world.ports(), fixtures::ORG, &json!({"name": "Other"}), fixtures::author())).unwrap();
    block_on(verify(&world.ports(), &world.memory, other.secret.expose(), &Ask::plain())).unwrap();
    let of_key =
        |chore: &Chore| matches!(chore, Chore::Settle { subject: Subject::Key(_) } | Chore::Renew { subject: Subject::Key(_), .. });
    let chores: Vec<Chore> = world.background.take().into_iter().filter(of_key).collect();
    world.clock.advance(10_000);
    ask(&world, &world.memory, &Ask::plain()).unwrap();
    chores.iter().for_each(|chore| block_on(chores::run(&world.ports(), &world.memory, chore)));
    world.wire.forget_calls();
    ask(&world, &world.memory, &Ask::plain()).unwrap();
    assert_eq!(world.wire.calls(), []);
}

#[test]
fn of_those_who_wait_for_their_guards_none_is_forgotten_that_is_not_heard_again() {
    let world = leased(json!({}));
    ask(&world, &world.memory, &Ask::plain()).unwrap();
    world.wire.fail(Call::Settle, Times::ForEver);
    run_chores(&world, &world.memory);
    // One other key is heard while this one still is not; then another one.
    for name in ["First", "Second"] {
        let other = block_on(keys::create(&world.ports(), fixtures::ORG, &json!({"name": name}), fixtures::author())).unwrap();
        block_on(verify(&world.ports(), &world.memory, other.secret.expose(), &Ask::plain())).unwrap();
        world.wire.mend();
        if name == "First" {
            let wire = world.wire.clone();
            world.wire.before(Call::Settle, || ());
            world.wire.before(Call::Settle, move || wire.fail(Call::Settle, Times::Exactly(1)));
        }
        let is_of_key = |chore: &Chore| matches!(chore, Chore::Settle { subject: Subject::Key(_) });
        let chores = world.background.take().into_iter().filter(is_of_key);
        chores.for_each(|chore| block_on(chores::run(&world.ports(), &world.memory, &chore)));
        assert_eq!(counted(&world).is_empty(), name == "First");
    }
    assert_eq!(counted(&world), [("VALID".to_owned(), 1)]);
}

#[test]
fn whoever_settles_stays_until_all_is_told() {
    let world = world(json!({}), json!({"name": "K", "consistency": "strict"}));
    ask(&world, &world.memory, &Ask::plain()).unwrap();
    world.wire.hang_before(Call::KeyAcquire);
    let (ports, credential, plain) = (world.ports(), fixtures::credential(), Ask::plain());
    assert!(!turn(pin!(verify(&ports, &world.memory, &credential, &plain))));
    world.wire.mend();
    block_on(chores::run(&ports, &world.memory, &Chore::Settle { subject: world.key_subject() }));
    assert_eq!(counted(&world), [("VALID".to_owned(), 1)]);
    assert!(!world.memory.keys.owes(&fixtures::key_id()));
}

#[test]
fn what_is_decided_while_the_last_word_is_on_its_way_is_told_by_the_same_hand() {
    let world = leased(json!({}));
    ask(&world, &world.memory, &Ask::plain()).unwrap();
    let (memory, at) = (world.memory.clone(), world.clock.now());
    world.wire.before(Call::Settle, move || {
        let deed = Deed { at, code: "VALID".into(), method: None, path: None, ip: None, act_as: None };
        assert!(memory.keys.count(|tallies| tallies.count_deed(&fixtures::key_id(), &fixtures::secret_id(), deed)));
    });
    block_on(chores::run(&world.ports(), &world.memory, &Chore::Settle { subject: world.key_subject() }));
    assert_eq!(counted(&world), [("VALID".to_owned(), 2)]);
}

#[test]
fn a_look_leaves_nothing_to_do() {
    let world = leased(json!({}));
    ask(&world, &world.memory, &Ask { peek: true, ..Ask::plain() }).unwrap();
    assert_eq!(world.background.take(), []);
}

#[test]
fn tokens_that_a_guard_did_not_hear_of_come_back_by_the_next_word() {
    let world = world(json!({"consistency": {"lease_ms": 2000}}), json!({"name": "K", "rate_limit": {"limit": 100, "window_seconds": 60}}));
    ask(&world, &world.memory, &Ask { peek: true, ..Ask::plain() }).unwrap();
    (0..3).for_each(|_| assert_eq!(ask(&world, &world.memory, &Ask::plain()).unwrap(), "VALID"));
    world.wire.fail(Call::Settle, Times::Exactly(1));
    run_chores(&world, &world.memory);
    let decision =
        block_on(verify(&world.ports(), &Memory::default(), &fixtures::credential(), &Ask { peek: true, ..Ask::plain() })).unwrap();
    assert_eq!(decision.known.unwrap().quota.unwrap().remaining, 97);
}

#[test]
fn a_request_that_is_cut_off_while_it_asks_leaves_no_gap() {
    let world = leased(json!({}));
    for bystander in [Call::KeyAcquire, Call::OrgAcquire] {
        world.wire.hang(bystander);
        let (ports, credential, plain) = (world.ports(), fixtures::credential(), Ask::plain());
        assert!(!turn(pin!(verify(&ports, &world.memory, &credential, &plain))));
        world.wire.mend();
        run_chores(&world, &world.memory);
        world.clock.advance(100_000);
        assert_eq!(contents(&world).gaps, [], "{bystander:?}");
        assert!(!world.memory.keys.owes(&fixtures::key_id()));
    }
}

#[test]
fn what_was_cut_off_on_its_way_is_missing_until_it_is_told_again() {
    let world = world(json!({}), json!({"name": "K", "consistency": "strict"}));
    let asked_at = world.clock.now();
    ask(&world, &world.memory, &Ask::plain()).unwrap();
    world.clock.advance(3_000);
    // The next question carries the count, and is lost with whoever asked.
    world.wire.hang_before(Call::KeyAcquire);
    let (ports, credential, plain) = (world.ports(), fixtures::credential(), Ask::plain());
    assert!(!turn(pin!(verify(&ports, &world.memory, &credential, &plain))));
    world.wire.mend();
    let now = world.clock.now();
    world.clock.advance(100_000);
    let gaps = contents(&world).gaps;
    assert!(gaps.len() == 1 && gaps[0].from == asked_at && gaps[0].to <= now, "{gaps:?}");
    run_chores(&world, &world.memory);
    assert_eq!((counted(&world), contents(&world).gaps), (vec![("VALID".to_owned(), 1)], vec![]));
}

#[test]
fn of_a_key_that_is_gone_nothing_is_kept() {
    let world = leased(json!({"deletion": true}));
    let line = RequestLine::of(Some("GET"), Some("/leads"));
    ask(&world, &world.memory, &Ask { line, ..Ask::plain() }).unwrap();
    run_chores(&world, &world.memory);
    assert_eq!(contents(&world).deeds.len(), 1);
    let (edge, ports) = (Memory::default(), world.ports());
    block_on(keys::delete(&fixtures::change(&ports, None))).unwrap();
    assert!(is_empty(&contents(&world)));
    // The index is behind: the guard is asked.
    world.index.serve(&fixtures::key_of(&fixtures::organization(json!({})), json!({"name": "K"})));
    assert_eq!(ask(&world, &edge, &Ask::plain()).unwrap(), "NOT_FOUND");
    assert!(!edge.keys.owes(&fixtures::key_id()));
    run_chores(&world, &edge);
    world.clock.advance(100_000);
    assert!(is_empty(&contents(&world)));
}
