//! Making and revoking keys: what commits together, in which order it is published, and what happens in a race.

use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::{
    audit::entry::Action,
    decision::facts::Ask,
    ports::{Outage, Subject},
    service::verify::verify,
    testing::{
        chance::Broken,
        fixtures::{self, NOW, author, origin},
        wire::{Call, Times},
        world::World,
    },
    token::digest::Digest,
};

fn org() -> String {
    fixtures::org_id().to_string()
}

fn create_in(world: &World, body: Value) -> Result<Created, Failure> {
    block_on(create(&world.ports(), &org(), &body, author()))
}

fn revoke_in(world: &World, if_version: Option<&[u64]>) -> Result<Changed, Failure> {
    let reason = json!({"reason": " leaked "});
    block_on(revoke(&fixtures::change(&world.ports(), if_version), Some(&reason)))
}

fn outcome(world: &World) -> &'static str {
    let decision = block_on(verify(&world.ports(), &world.memory, &fixtures::credential(), &Ask::plain())).unwrap();
    decision.outcome.map_or_else(|denial| denial.code(), |()| "VALID")
}

/// The version of the usual key as the truth has it.
fn version(world: &World) -> u64 {
    world.ledger.key(&fixtures::key_id()).unwrap().version
}

#[test]
fn creation_commits_key_audit_entry_and_outbox_row_in_one() {
    let world = World::of(fixtures::organization(json!({})));
    world.wire.fail(Call::IndexPut, Times::ForEver);
    let created = create_in(&world, json!({"name": "Zapier"})).unwrap();
    assert_eq!(world.ledger.key(&created.key.id), Some(created.key.clone()));
    let audit = world.ledger.audit();
    assert_eq!(audit.len(), 1);
    assert_eq!((audit[0].action, audit[0].target.id.as_str(), audit[0].at), (Action::KeyCreated, created.key.id.text().as_str(), NOW));
    assert_eq!((&audit[0].actor, &audit[0].request_id), (&origin().actor, &origin().request_id));
    assert_eq!(world.ledger.outbox(), [(Subject::Key(created.key.id), 1)]);
}

#[test]
fn creation_that_the_truth_refuses_leaves_nothing_anywhere() {
    let world = World::of(fixtures::organization(json!({})));
    world.wire.fail(Call::CreateKey, Times::ForEver);
    assert!(matches!(create_in(&world, json!({"name": "Zapier"})), Err(Failure::Unavailable(Outage::Ledger { .. }))));
    assert_eq!((world.ledger.audit().len(), world.ledger.outbox().len(), world.wire.count(Call::IndexPut)), (0, 0, 0));
}

#[test]
fn nothing_is_issued_without_random_bytes() {
    let world = World::of(fixtures::organization(json!({})));
    let ports = Ports { entropy: std::rc::Rc::new(Broken), ..world.ports() };
    let refused = block_on(create(&ports, &org(), &json!({"name": "Zapier"}), author()));
    assert!(matches!(refused, Err(Failure::Unavailable(Outage::Entropy(_)))));
    assert_eq!(world.wire.count(Call::CreateKey), 0);
}

#[test]
fn only_the_digest_of_a_secret_is_kept() {
    let world = World::of(fixtures::organization(json!({})));
    let created = create_in(&world, json!({"name": "Zapier"})).unwrap();
    let secret = created.secret.expose();
    assert_eq!(created.key.secrets[0].digest, Digest::of(secret));
    let kept = [
        world.ledger.key(&created.key.id).unwrap().to_stored().unwrap(),
        world.index.served(&Digest::of(secret)).unwrap().to_stored().unwrap(),
        serde_json::to_string(&world.ledger.audit()).unwrap(),
    ];
    // Not even what follows the two characters that people are shown.
    let hidden = secret.strip_prefix(created.key.prefix()).unwrap();
    for text in kept {
        assert!(!text.contains(hidden), "{text}");
    }
}

#[test]
fn creation_never_calls_a_guard_and_its_key_works_at_once() {
    let world = World::of(fixtures::organization(json!({})));
    let created = create_in(&world, json!({"name": "Zapier"})).unwrap();
    assert_eq!(world.wire.count_where(Call::is_guard), 0);
    assert_eq!(world.ledger.outbox(), []);
    let decision = block_on(verify(&world.ports(), &world.memory, created.secret.expose(), &Ask::plain())).unwrap();
    assert_eq!(decision.outcome, Ok(()));
}

#[test]
fn creation_answers_without_the_index_and_leaves_its_outbox_row() {
    let world = World::of(fixtures::organization(json!({})));
    world.wire.fail(Call::IndexPut, Times::ForEver);
    let created = create_in(&world, json!({"name": "Zapier"})).unwrap();
    assert_eq!(world.ledger.outbox().len(), 1);
    let decision = block_on(verify(&world.ports(), &world.memory, created.secret.expose(), &Ask::plain())).unwrap();
    assert_eq!(decision.outcome, Ok(()), "a miss of the index falls through to the truth");
}

#[test]
fn two_keys_share_neither_id_nor_secret() {
    let world = World::of(fixtures::organization(json!({})));
    let (one, other) = (create_in(&world, json!({"name": "A"})).unwrap(), create_in(&world, json!({"name": "A"})).unwrap());
    assert_ne!(one.key.id, other.key.id);
    assert_ne!(one.key.secrets[0].id, other.key.secrets[0].id);
    assert_ne!(one.secret, other.secret);
}

#[test]
fn policy_without_impersonation_refuses_a_key_that_may_impersonate() {
    let world = World::of(fixtures::organization(json!({})));
    let refused = create_in(&world, json!({"name": "A", "can_impersonate": true}));
    assert!(matches!(refused, Err(Failure::PolicyForbids { operation: "impersonation" })));
    assert_eq!(world.ledger.audit().len(), 0);
}

#[test]
fn revocation_goes_to_the_guard_then_to_the_index_then_off_the_outbox() {
    let world = World::usual();
    assert_eq!(outcome(&world), "VALID");
    world.wire.forget_calls();
    world.clock.advance(1000);
    let narrowed = revoke_in(&world, None).unwrap();
    let order: Vec<Call> = world.wire.calls().into_iter().skip_while(|call| *call != Call::UpdateKey).collect();
    assert_eq!(order, [Call::UpdateKey, Call::KeyAdopt, Call::IndexPut, Call::NotePublished]);
    assert_eq!((narrowed.key.version, narrowed.in_force_at), (2, Some(NOW.plus_ms(1000))));
    let note = narrowed.key.revocation.clone().unwrap();
    assert_eq!((note.reason.as_deref(), note.by, note.at), (Some("leaked"), origin().actor, NOW.plus_ms(1000)));
    assert_eq!(world.ledger.outbox(), []);
    assert_eq!(world.index.served(&narrowed.key.secrets[0].digest), Some(narrowed.key));
    assert_eq!(outcome(&world), "REVOKED");
}

#[test]
fn revocation_leaves_one_entry_that_says_what_changed() {
    let world = World::usual();
    revoke_in(&world, None).unwrap();
    let audit = world.ledger.audit();
    assert_eq!(audit.len(), 1);
    assert_eq!(audit[0].action, Action::KeyRevoked);
    let changes = json!({"status": {"from": "active", "to": "revoked"}, "revocation_reason": {"from": null, "to": "leaked"}});
    assert_eq!(serde_json::to_value(&audit[0].changes).unwrap(), changes);
}

#[test]
fn guard_that_fails_for_ever_keeps_the_change_and_says_not_yet_in_force() {
    let world = World::usual();
    world.wire.fail(Call::KeyAdopt, Times::ForEver);
    assert!(matches!(revoke_in(&world, None), Err(Failure::NotYetInForce { .. })));
    assert_eq!(world.wire.count(Call::KeyAdopt), 3);
    assert_eq!(world.clock.pauses(), [50, 200]);
    assert_eq!(world.wire.count(Call::IndexPut), 0, "the index is not told what no guard vouches for");
    assert_eq!((version(&world), world.ledger.audit().len()), (2, 1));
    assert_eq!(world.ledger.outbox(), [(world.key_subject(), 2)]);
}

#[test]
fn guard_that_fails_twice_is_tried_a_third_time() {
    let world = World::usual();
    world.wire.fail(Call::KeyAdopt, Times::Exactly(2));
    let narrowed = revoke_in(&world, None).unwrap();
    assert_eq!(narrowed.in_force_at, Some(NOW.plus_ms(250)));
}

#[test]
fn lost_answer_of_a_guard_is_asked_for_again_and_tells_the_first_moment() {
    let world = World::usual();
    outcome(&world);
    world.wire.lose_answer(Call::KeyAdopt, Times::Exactly(1));
    assert_eq!(revoke_in(&world, None).unwrap().in_force_at, Some(NOW));
}

#[test]
fn index_that_fails_for_ever_is_not_yet_in_force_but_the_guard_already_refuses() {
    let world = World::usual();
    world.wire.fail(Call::IndexPut, Times::ForEver);
    assert!(matches!(revoke_in(&world, None), Err(Failure::NotYetInForce { .. })));
    assert_eq!(world.ledger.outbox().len(), 1);
    assert_eq!(outcome(&world), "REVOKED");
}

#[test]
fn outbox_row_that_cannot_be_taken_off_does_not_fail_the_revocation() {
    let world = World::usual();
    world.wire.fail(Call::NotePublished, Times::ForEver);
    assert!(revoke_in(&world, None).is_ok());
    assert_eq!(world.ledger.outbox().len(), 1);
}

#[test]
fn repeating_a_revocation_gives_the_same_record_and_no_second_entry() {
    let world = World::usual();
    let first = revoke_in(&world, None).unwrap();
    world.clock.advance(5000);
    let again = revoke_in(&world, None).unwrap();
    assert_eq!((again.key, again.in_force_at), (first.key, first.in_force_at));
    assert_eq!((world.ledger.audit().len(), version(&world)), (1, 2));
}

#[test]
fn repeating_a_revocation_that_was_not_yet_in_force_brings_it_into_force() {
    let world = World::usual();
    world.wire.fail(Call::KeyAdopt, Times::ForEver);
    assert!(matches!(revoke_in(&world, None), Err(Failure::NotYetInForce { .. })));
    world.wire.mend();
    assert_eq!(revoke_in(&world, None).unwrap().key.version, 2);
    assert_eq!((world.ledger.audit().len(), world.ledger.outbox().len()), (1, 0));
    assert_eq!(outcome(&world), "REVOKED");
}

#[test]
fn commit_whose_answer_is_lost_is_found_by_the_repetition() {
    let world = World::usual();
    world.wire.lose_answer(Call::UpdateKey, Times::Exactly(1));
    assert!(matches!(revoke_in(&world, None), Err(Failure::Unavailable(_))));
    assert_eq!(revoke_in(&world, None).unwrap().key.version, 2);
    assert_eq!((world.ledger.audit().len(), world.ledger.outbox().len()), (1, 0));
}

#[test]
fn lost_race_is_run_again_on_the_fresh_record_with_exactly_one_entry() {
    let world = World::usual();
    let ledger = world.ledger.clone();
    world.wire.before(Call::UpdateKey, move || ledger.touch(&fixtures::key_id()));
    assert_eq!(revoke_in(&world, None).unwrap().key.version, 3);
    assert_eq!(world.wire.count(Call::UpdateKey), 2);
    assert_eq!((world.ledger.audit().len(), version(&world)), (1, 3));
}

#[test]
fn two_revocations_at_once_are_one() {
    let world = World::usual();
    let ports = world.ports();
    world.wire.before(Call::UpdateKey, move || {
        block_on(revoke(&fixtures::change(&ports, None), None)).unwrap();
    });
    let second = revoke_in(&world, None).unwrap();
    assert_eq!(second.key.revocation.unwrap().reason, None, "the first one's words stand");
    assert_eq!((world.ledger.audit().len(), version(&world)), (1, 2));
}

#[test]
fn races_without_end_are_a_conflict_without_an_entry() {
    let world = World::usual();
    for _ in 0..revoke::MAX_RACES {
        let ledger = world.ledger.clone();
        world.wire.before(Call::UpdateKey, move || ledger.touch(&fixtures::key_id()));
    }
    assert!(matches!(revoke_in(&world, None), Err(Failure::Conflict)));
    assert_eq!((world.ledger.audit().len(), world.ledger.outbox().len()), (0, 0));
}

#[test]
fn revocation_under_another_version_is_refused_without_an_entry() {
    let world = World::usual();
    for versions in [&[7][..], &[0, 2], &[]] {
        assert!(matches!(revoke_in(&world, Some(versions)), Err(Failure::PreconditionFailed { version: 1 })), "{versions:?}");
    }
    assert_eq!((world.ledger.audit().len(), world.wire.count(Call::UpdateKey)), (0, 0));
    assert!(revoke_in(&world, Some(&[7, 1])).is_ok());
}

#[test]
fn version_that_is_lost_in_a_race_is_refused_not_run_again() {
    let world = World::usual();
    let ledger = world.ledger.clone();
    world.wire.before(Call::UpdateKey, move || ledger.touch(&fixtures::key_id()));
    assert!(matches!(revoke_in(&world, Some(&[1])), Err(Failure::PreconditionFailed { version: 2 })));
    assert_eq!(world.ledger.audit().len(), 0);
}

#[test]
fn key_of_another_organization_is_not_found() {
    let world = World::usual();
    let other = Organization { id: OrgId::parse("org_system").unwrap(), ..fixtures::organization(json!({})) };
    world.ledger.set_org(other);
    let key = fixtures::key_id();
    let ports = world.ports();
    assert!(matches!(block_on(get(&ports, "org_system", key.text().as_str())), Err(Failure::NotFound)));
    assert!(matches!(block_on(revoke(&Change { org: "org_system", ..fixtures::change(&ports, None) }, None)), Err(Failure::NotFound)));
    assert_eq!((world.ledger.audit().len(), version(&world)), (0, 1));
    assert_eq!(block_on(get(&ports, &org(), &key.text())).unwrap().key, fixtures::key());
}

#[test]
fn what_is_no_id_is_not_found() {
    let world = World::usual();
    let ports = world.ports();
    for key in ["", "key_", "org_system", "' OR 1=1"] {
        assert!(matches!(block_on(get(&ports, &org(), key)), Err(Failure::NotFound)), "{key}");
        assert!(matches!(block_on(get(&ports, key, fixtures::key_id().text().as_str())), Err(Failure::NotFound)), "{key}");
    }
}

#[test]
fn keys_of_a_disabled_organization_cannot_be_managed() {
    let organization = fixtures::organization(json!({"requires_feature": "developer_api"}));
    let world = World::with(organization.clone(), &fixtures::key_of(&organization, json!({"name": "K"})));
    let ports = world.ports();
    assert!(matches!(create_in(&world, json!({"name": "A"})), Err(Failure::FeatureDisabled)));
    assert!(matches!(revoke_in(&world, None), Err(Failure::FeatureDisabled)));
    assert!(matches!(block_on(get(&ports, &org(), fixtures::key_id().text().as_str())), Err(Failure::FeatureDisabled)));
    assert_eq!((world.ledger.audit().len(), version(&world)), (0, 1));
}

#[test]
fn repeating_a_revocation_under_its_own_version_brings_it_into_force() {
    let world = World::usual();
    world.wire.fail(Call::KeyAdopt, Times::ForEver);
    assert!(matches!(revoke_in(&world, Some(&[1])), Err(Failure::NotYetInForce { .. })));
    world.wire.mend();
    assert!(revoke_in(&world, Some(&[1])).is_ok());
}
