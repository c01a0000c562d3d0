//! The outbox: what was not published is, whoever comes by next, and nothing goes back.

use pollster::block_on;
use serde_json::json;

use super::*;
use crate::{
    decision::facts::Ask,
    service::{keys, orgs, verify::verify},
    testing::{
        fixtures::{self, NOW, author, origin},
        wire::{Call, Times},
        world::World,
    },
};

/// A world in which the usual key was revoked while its guard was away; the guard is back.
fn unpublished() -> World {
    let world = World::usual();
    assert_eq!(outcome(&world), "VALID");
    world.wire.fail(Call::KeyAdopt, Times::ForEver);
    assert!(matches!(revoke_in(&world), Err(Failure::NotYetInForce { .. })));
    world.wire.mend();
    world.wire.forget_calls();
    world
}

fn revoke_in(world: &World) -> Result<keys::Changed, Failure> {
    block_on(keys::revoke(&fixtures::change(&world.ports(), None), None))
}

fn outcome(world: &World) -> &'static str {
    let decision = block_on(verify(&world.ports(), &world.memory, &fixtures::credential(), &Ask::plain())).unwrap();
    decision.outcome.map_or_else(|denial| denial.code(), |()| "VALID")
}

#[test]
fn sweep_publishes_what_a_failing_guard_left_behind() {
    let world = unpublished();
    assert_eq!(outcome(&world), "VALID", "not yet in force");
    block_on(sweep(&world.ports())).unwrap();
    assert_eq!(world.ledger.outbox(), []);
    assert_eq!(outcome(&world), "REVOKED");
    assert_eq!(world.index.served(&fixtures::key().secrets[0].digest).unwrap().version, 2);
}

#[test]
fn next_touch_of_a_key_publishes_it() {
    let world = unpublished();
    block_on(keys::get(&world.ports(), fixtures::org_id().text().as_str(), fixtures::key_id().text().as_str())).unwrap();
    assert_eq!(world.ledger.outbox(), []);
    assert_eq!(outcome(&world), "REVOKED");
}

#[test]
fn touch_that_cannot_publish_still_answers() {
    let world = unpublished();
    world.wire.fail(Call::KeyAdopt, Times::ForEver);
    assert!(block_on(keys::get(&world.ports(), fixtures::org_id().text().as_str(), fixtures::key_id().text().as_str())).is_ok());
    world.wire.fail(Call::FindUnpublished, Times::ForEver);
    assert!(block_on(keys::get(&world.ports(), fixtures::org_id().text().as_str(), fixtures::key_id().text().as_str())).is_ok());
    assert_eq!(world.ledger.outbox().len(), 1);
}

#[test]
fn sweep_that_fails_keeps_the_row_and_says_so() {
    let world = unpublished();
    world.wire.fail(Call::IndexPut, Times::ForEver);
    assert!(matches!(block_on(sweep(&world.ports())), Err(Failure::NotYetInForce { .. })));
    assert_eq!(world.ledger.outbox().len(), 1);
    world.wire.mend();
    block_on(sweep(&world.ports())).unwrap();
    assert_eq!(world.ledger.outbox(), []);
}

#[test]
fn one_subject_that_fails_does_not_keep_the_others_from_being_published() {
    let world = unpublished();
    world.wire.fail(Call::IndexPut, Times::ForEver);
    let org = fixtures::org_id();
    let second = block_on(keys::create(&world.ports(), org.text().as_str(), &json!({"name": "B"}), author())).unwrap().key;
    world.wire.mend();
    // All three attempts at the first subject.
    world.wire.fail(Call::KeyAdopt, Times::Exactly(3));
    assert!(matches!(block_on(sweep(&world.ports())), Err(Failure::NotYetInForce { .. })));
    assert_eq!(world.ledger.outbox(), [(world.key_subject(), 2)]);
    assert_eq!(world.index.served(&second.secrets[0].digest), Some(second));
}

#[test]
fn empty_outbox_costs_one_read() {
    let world = World::usual();
    block_on(sweep(&world.ports())).unwrap();
    assert_eq!(world.wire.calls(), [Call::ListUnpublished]);
}

#[test]
fn publishing_twice_or_late_changes_nothing_in_force() {
    let world = World::usual();
    let narrowed = revoke_in(&world).unwrap();
    world.clock.advance(1000);
    let late = block_on(publish_key(&world.ports(), &fixtures::key(), 0)).unwrap();
    assert_eq!(Some(block_on(late.awaited(&world.ports()))), narrowed.in_force_at);
    assert_eq!(outcome(&world), "REVOKED", "an old record in the index is corrected by the guard");
    let again = block_on(publish_key(&world.ports(), &narrowed.key, 0)).unwrap();
    assert_eq!(Some(block_on(again.awaited(&world.ports()))), narrowed.in_force_at);
}

#[test]
fn row_of_a_newer_change_outlives_the_publication_of_an_older_one() {
    let world = unpublished();
    let _ = block_on(publish_key(&world.ports(), &fixtures::key(), 0)).unwrap();
    assert_eq!(world.ledger.outbox(), [(world.key_subject(), 2)]);
}

#[test]
fn guard_that_lost_its_storage_adopts_from_the_truth_not_from_a_late_publication() {
    let world = World::usual();
    revoke_in(&world).unwrap();
    world.guards.forget(&world.key_subject());
    let _ = block_on(publish_key(&world.ports(), &fixtures::key(), 0)).unwrap();
    assert_eq!(outcome(&world), "REVOKED");
}

#[test]
fn organization_is_published_to_its_guard_alone() {
    let world = World::usual();
    assert_eq!(outcome(&world), "VALID");
    world.wire.forget_calls();
    let disabled = Organization { version: 2, ..fixtures::organization(json!({"requires_feature": "developer_api"})) };
    world.ledger.set_org(disabled.clone());
    assert_eq!(block_on(block_on(publish_org(&world.ports(), &disabled, 0)).unwrap().awaited(&world.ports())), NOW);
    assert_eq!(world.wire.calls(), [Call::OrgAdopt, Call::NotePublished]);
    assert_eq!(outcome(&world), "ORG_DISABLED");
}

#[test]
fn new_organization_commits_with_its_entry_and_wakes_no_guard() {
    let world = World::usual();
    let made = block_on(orgs::create(&world.ports(), &json!({"name": "Umbrella"}), origin())).unwrap();
    assert_eq!(world.ledger.audit().len(), 1);
    assert_eq!((world.ledger.outbox().len(), world.wire.count_where(Call::is_guard)), (0, 0));
    assert_eq!(block_on(orgs::get(&world.ports(), made.id.text().as_str())).unwrap(), made);
}

#[test]
fn late_publication_of_an_older_record_does_not_take_the_index_back() {
    let world = World::usual();
    let narrowed = revoke_in(&world).unwrap();
    let _ = block_on(publish_key(&world.ports(), &fixtures::key(), 0)).unwrap();
    assert_eq!(world.index.served(&narrowed.key.secrets[0].digest).unwrap().version, 2);
}

#[test]
fn sweep_of_a_new_key_wakes_no_guard() {
    let world = World::of(fixtures::organization(json!({})));
    world.wire.fail(Call::IndexPut, Times::ForEver);
    block_on(keys::create(&world.ports(), fixtures::org_id().text().as_str(), &json!({"name": "B"}), author())).unwrap();
    world.wire.mend();
    block_on(sweep(&world.ports())).unwrap();
    assert_eq!((world.wire.count(Call::KeyAdopt), world.ledger.outbox().len()), (0, 0));
}

#[test]
fn row_of_a_subject_that_is_gone_leaves_the_outbox() {
    let world = World::usual();
    revoke_unpublished_then_gone(&world);
    block_on(sweep(&world.ports())).unwrap();
    assert_eq!(world.ledger.outbox(), []);
}

fn revoke_unpublished_then_gone(world: &World) {
    world.wire.fail(Call::KeyAdopt, Times::ForEver);
    assert!(revoke_in(world).is_err());
    world.wire.mend();
    world.ledger.remove_key(&fixtures::key_id());
}
