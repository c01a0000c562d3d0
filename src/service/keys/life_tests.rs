//! Editing, rotating, deleting and purging: what commits together, what is published, and what a lost race leaves.

use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::{
    audit::entry::Action,
    base::id::OrgId,
    decision::facts::Ask,
    key::state::Status,
    policy::org::Organization,
    ports::{Clock as _, Subject},
    service::{orgs, publish, verify::verify},
    testing::{
        chance::Sequence,
        fixtures::{self, NOW, author},
        wire::{Call, Times},
        world::World,
    },
};

const DAY_MS: i64 = 86_400_000;

fn org() -> String {
    fixtures::org_id().to_string()
}

fn world(policy: Value) -> World {
    let organization = fixtures::organization(policy);
    let key = fixtures::key_of(&organization, json!({"name": "Zapier production", "permissions": ["leads:read"]}));
    World::with(organization, &key)
}

fn code(world: &World, credential: &str) -> &'static str {
    let decision = block_on(verify(&world.ports(), &world.memory, credential, &Ask::plain())).unwrap();
    decision.outcome.map_or_else(|denial| denial.code(), |()| "VALID")
}

fn edit_in(world: &World, body: Value, if_version: Option<&[u64]>) -> Result<Changed, Failure> {
    block_on(update(&fixtures::change(&world.ports(), if_version), &body))
}

#[test]
fn lost_race_of_an_edit_is_told_and_leaves_no_entry() {
    for (if_version, expected) in [(None, "Conflict"), (Some(&[1][..]), "PreconditionFailed")] {
        let world = world(json!({}));
        let ledger = world.ledger.clone();
        world.wire.before(Call::UpdateKey, move || ledger.touch(&fixtures::key_id()));
        let refused = edit_in(&world, json!({"name": "b"}), if_version).err().unwrap();
        assert!(format!("{refused:?}").starts_with(expected), "{refused:?}");
        assert!(world.ledger.audit().is_empty() && world.ledger.outbox().is_empty());
    }
}

/// A world whose edge holds leases of two seconds.
fn leased() -> World {
    let world = world(json!({"deletion": true, "consistency": {"lease_ms": 2000}}));
    assert_eq!((code(&world, &fixtures::credential()), code(&world, &fixtures::credential())), ("VALID", "VALID"));
    world
}

/// The first call has taken its change off the outbox and waits for the leases, and so does the same call that is made
/// meanwhile: what came of the two.
fn asked_twice<T>(world: &World, call: impl AsyncFn() -> Result<T, Failure>) -> (T, Result<T, Failure>) {
    let (entries, mut first) = (world.ledger.audit().len(), Box::pin(call()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while world.ledger.audit().len() == entries || !world.ledger.outbox().is_empty() {
        assert!(first.as_mut().poll(&mut context).is_pending(), "leases are out");
    }
    world.clock.set(NOW);
    let again = block_on(call());
    assert!(world.clock.now() >= NOW.plus_ms(2155), "it has waited");
    (block_on(first).unwrap(), again)
}

#[test]
fn edit_that_finds_its_change_made_waits_until_it_is_in_force_all_the_same() {
    let world = leased();
    let (first, again) = asked_twice(&world, async || update(&fixtures::change(&world.ports(), None), &json!({"permissions": []})).await);
    let again = again.unwrap();
    assert_eq!((again.key.version, again.in_force_at), (2, first.in_force_at));
}

#[test]
fn call_that_comes_too_late_for_what_it_asks_is_told_so_when_that_is_in_force() {
    let world = leased();
    let ports = world.ports();
    let narrow = async || update(&fixtures::change(&ports, Some(&[1])), &json!({"permissions": []})).await;
    assert!(matches!(asked_twice(&world, narrow).1, Err(Failure::PreconditionFailed { version: 2 })));

    let world = leased();
    let ports = world.ports();
    block_on(rotate(&fixtures::change(&ports, None), &json!({"overlap_seconds": 3600}))).unwrap();
    let complete = async || complete_rotation(&fixtures::change(&ports, None), None).await;
    assert!(matches!(asked_twice(&world, complete).1, Err(Failure::Illegal(_))));

    let world = leased();
    let ports = world.ports();
    let gone = async || delete(&fixtures::change(&ports, None)).await;
    assert!(matches!(asked_twice(&world, gone).1, Err(Failure::NotFound)));

    let world = leased();
    let ports = world.ports();
    let patch = json!({"policy": {"requires_feature": "api"}});
    let switch_off = async || orgs::update(&ports, &org(), &patch, Some(&[1]), fixtures::origin()).await;
    assert!(matches!(asked_twice(&world, switch_off).1, Err(Failure::PreconditionFailed { version: 2 })));
}

#[test]
fn key_of_another_organization_that_was_deleted_is_nothing_to_wait_for() {
    let world = leased();
    block_on(delete(&fixtures::change(&world.ports(), None))).unwrap();
    world.wire.forget_calls();
    world.ledger.set_org(Organization { id: OrgId::new(NOW, &Sequence::new(9)).unwrap(), ..fixtures::organization(json!({})) });
    let stranger = OrgId::new(NOW, &Sequence::new(9)).unwrap();
    let ports = world.ports();
    let refused = block_on(delete(&Change { org: stranger.text().as_str(), ..fixtures::change(&ports, None) }));
    assert!(matches!(refused, Err(Failure::NotFound)));
    assert_eq!(world.wire.count_where(Call::is_guard), 0);
}

#[test]
fn edit_is_published_to_the_guard_before_the_index() {
    let world = world(json!({}));
    world.wire.forget_calls();
    edit_in(&world, json!({"permissions": []}), None).unwrap();
    let calls = world.wire.calls();
    let place = |call| calls.iter().position(|made| *made == call).unwrap();
    assert!(place(Call::UpdateKey) < place(Call::KeyAdopt) && place(Call::KeyAdopt) < place(Call::IndexPut));
    assert!(world.ledger.outbox().is_empty());
}

#[test]
fn rotation_files_both_secrets_and_takes_old_ones_off_the_index() {
    let world = world(json!({}));
    let rotate_now = || block_on(rotate(&fixtures::change(&world.ports(), None), &json!({"overlap_seconds": 0}))).unwrap();
    let (second, third) = (rotate_now(), rotate_now());
    assert_eq!(code(&world, &fixtures::credential()), "NOT_FOUND");
    assert_eq!(code(&world, second.secret.expose()), "EXPIRED");
    assert_eq!(code(&world, third.secret.expose()), "VALID");
    assert!(world.index.served(&crate::token::digest::Digest::of(&fixtures::credential())).is_none());
    let actions: Vec<Action> = world.ledger.audit().iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::KeyRotated, Action::KeyRotated]);
}

#[test]
fn deletion_leaves_a_tombstone_that_outlives_a_stale_index_and_a_lost_guard() {
    let world = world(json!({"deletion": true}));
    assert_eq!(code(&world, &fixtures::credential()), "VALID");
    world.index.freeze();
    block_on(delete(&fixtures::change(&world.ports(), None))).unwrap();
    assert!(world.index.served(&crate::token::digest::Digest::of(&fixtures::credential())).is_some(), "the index is stale");
    assert_eq!(code(&world, &fixtures::credential()), "NOT_FOUND");
    world.guards.forget(&Subject::Key(fixtures::key_id()));
    assert_eq!(code(&world, &fixtures::credential()), "NOT_FOUND");
}

#[test]
fn deletion_that_was_not_published_is_finished_by_the_sweep() {
    let world = world(json!({"deletion": true}));
    assert_eq!(code(&world, &fixtures::credential()), "VALID");
    world.wire.fail(Call::KeyAdopt, Times::Exactly(3));
    let unfinished = block_on(delete(&fixtures::change(&world.ports(), None)));
    assert!(matches!(unfinished, Err(Failure::NotYetInForce { .. })));
    assert_eq!(world.ledger.outbox(), [(Subject::Key(fixtures::key_id()), 2)]);
    block_on(publish::sweep(&world.ports())).unwrap();
    assert_eq!(code(&world, &fixtures::credential()), "NOT_FOUND");
    assert!(world.ledger.outbox().is_empty());
}

#[test]
fn lost_race_of_a_deletion_deletes_nothing() {
    let world = world(json!({"deletion": true}));
    let ledger = world.ledger.clone();
    world.wire.before(Call::DeleteKey, move || ledger.touch(&fixtures::key_id()));
    assert!(matches!(block_on(delete(&fixtures::change(&world.ports(), None))), Err(Failure::Conflict)));
    assert!(world.ledger.key(&fixtures::key_id()).is_some() && world.ledger.audit().is_empty());
}

#[test]
fn temporary_keys_leave_the_list_30_days_after_they_expired() {
    let world = World::of(fixtures::organization(json!({"playground": {"enabled": true, "permissions": ["leads:read"]}})));
    let made = block_on(create_temporary(&world.ports(), &org(), None, author())).unwrap();
    let id = made.key.id.clone();
    let end = made.key.expires_at.unwrap();
    assert_eq!((end, made.key.status(end)), (NOW.plus_ms(3_600_000), Status::Expired));
    let after = |moment| {
        world.clock.set(moment);
        block_on(purge(&world.ports())).unwrap();
        world.ledger.key(&id).is_some()
    };
    assert!(after(end), "an expired key stays for a while");
    assert!(after(end.plus_ms(30 * DAY_MS)));
    assert!(!after(end.plus_ms(30 * DAY_MS + 1)));
    let audit = world.ledger.audit();
    assert_eq!(audit.iter().map(|entry| entry.action).collect::<Vec<_>>(), [Action::PlaygroundKeyCreated, Action::KeyDeleted]);
    assert_eq!(audit[1].actor, crate::base::actor::Actor::system());
    assert!(!after(end.plus_ms(31 * DAY_MS)), "running it again is safe");
}

#[test]
fn keys_that_are_not_temporary_are_never_purged() {
    let world = world(json!({}));
    world.clock.set(NOW.plus_ms(10_000 * DAY_MS));
    block_on(purge(&world.ports())).unwrap();
    assert!(world.ledger.key(&fixtures::key_id()).is_some());
}
