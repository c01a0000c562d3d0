//! What a decision costs, how fresh it is, and what happens when something outside fails.

use pollster::block_on;
use serde_json::json;

use super::*;
use crate::service::keys;
use crate::{
    limit::guard::Terms,
    testing::{
        fixtures::{self, asking_for},
        wire::{Call, Times},
        world::World,
    },
};

fn decide_in(world: &World, ask: &Ask) -> Result<Decision, Failure> {
    block_on(verify(&world.ports(), &world.memory, &fixtures::credential(), ask))
}

fn code(world: &World, ask: &Ask) -> &'static str {
    match decide_in(world, ask) {
        Ok(decision) => decision.outcome.map_or_else(|denial| denial.code(), |()| "VALID"),
        Err(Failure::Unavailable(_)) => "UNAVAILABLE",
        Err(other) => panic!("{other}"),
    }
}

/// The usual key, revoked.
fn revoked() -> KeyRecord {
    fixtures::revoked(fixtures::key())
}

/// A world whose guards and memory have seen the usual key, and that counts calls from here on.
fn warm() -> World {
    let world = World::usual();
    assert_eq!(code(&world, &Ask::plain()), "VALID");
    world.wire.forget_calls();
    world
}

#[test]
fn malformed_key_touches_no_port_but_to_hear_once_that_nothing_was_imported() {
    let world = World::usual();
    for text in ["", "sk_", "Bearer x", fixtures::credential().get(..40).unwrap(), &format!("{}x", fixtures::credential())] {
        let decision = block_on(verify(&world.ports(), &world.memory, text, &Ask::plain())).unwrap();
        assert_eq!(decision.outcome.unwrap_err().code(), "MALFORMED", "{text}");
        assert!(decision.known.is_none());
    }
    assert_eq!(world.wire.calls(), [Call::HasImports]);
}

#[test]
fn imported_key_is_found_though_it_was_probed_before_at_this_and_another_edge() {
    let world = World::usual();
    let elsewhere = crate::service::memory::Memory::default();
    let ask = |memory| block_on(verify(&world.ports(), memory, "old-key", &Ask::plain())).unwrap().outcome.map_err(|denial| denial.code());
    assert_eq!((ask(&world.memory), ask(&elsewhere)), (Err("MALFORMED"), Err("MALFORMED")));
    let hash = format!("sha256:{}", crate::token::digest::Digest::of("old-key").hex());
    let body = json!({"keys": [{"name": "Old", "hash": hash, "prefix": "old-"}]});
    let imported =
        block_on(keys::import(&world.ports(), &world.memory, fixtures::org_id().text().as_str(), &body, fixtures::author())).unwrap();
    assert!(imported[0].is_ok());
    assert_eq!((ask(&world.memory), ask(&elsewhere)), (Ok(()), Ok(())), "the import waited until no edge believed otherwise");
}

#[test]
fn unknown_key_costs_one_read_of_the_index_and_one_of_the_truth() {
    let world = World::of(fixtures::organization(json!({})));
    let decision = decide_in(&world, &Ask::plain()).unwrap();
    assert_eq!((decision.outcome, decision.known.is_none()), (Err(Denial::NotFound), true));
    assert_eq!(world.wire.calls(), [Call::IndexFind, Call::FindKeyByDigest]);
}

#[test]
fn known_key_costs_one_read_of_the_index_and_one_call_to_each_guard_and_no_read_once_it_was_seen() {
    let mut world = warm();
    world.memory = Memory::default();
    assert_eq!(code(&world, &Ask::plain()), "VALID");
    assert_eq!(world.wire.calls(), [Call::IndexFind, Call::KeyAcquire, Call::OrgAcquire]);
    world.wire.forget_calls();
    assert_eq!(code(&world, &Ask::plain()), "VALID");
    assert_eq!(world.wire.calls(), [Call::KeyAcquire, Call::OrgAcquire]);
}

#[test]
fn cold_edge_learns_the_organization_from_its_guard_and_spends_one_token() {
    let world = World::usual();
    let known = decide_in(&world, &Ask::plain()).unwrap().known.unwrap();
    assert_eq!(known.quota.unwrap().remaining, 59);
    assert_eq!(world.memory.orgs.record(&fixtures::org_id()).unwrap().version, 1);
    // The only reads of the truth are those of guards without state.
    assert_eq!(world.wire.count_where(Call::is_ledger), 2);
}

#[test]
fn key_that_the_index_misses_is_found_in_the_truth_and_filed() {
    let world = World::usual();
    world.index.forget_everything();
    assert_eq!(code(&world, &Ask::plain()), "VALID");
    assert!(world.index.served(&fixtures::key().secrets[0].digest).is_some());
}

#[test]
fn failure_to_file_what_the_index_missed_is_not_the_caller_s() {
    let world = World::usual();
    world.index.forget_everything();
    world.wire.fail(Call::IndexPut, Times::ForEver);
    assert_eq!(code(&world, &Ask::plain()), "VALID");
}

#[test]
fn revoked_key_is_refused_although_the_index_still_says_active() {
    let world = warm();
    world.index.freeze();
    world.ledger.set_key(revoked());
    world.guards.adopt(&world.key_subject(), revoked().terms().unwrap());
    let decision = decide_in(&world, &Ask::plain()).unwrap();
    assert_eq!(decision.outcome, Err(Denial::Revoked));
    assert_eq!(*decision.known.unwrap().key, revoked());
    // As long as the index stays stale.
    assert_eq!(code(&world, &Ask::plain()), "REVOKED");
}

#[test]
fn stale_index_is_corrected_by_what_the_guard_answers() {
    let world = warm();
    world.guards.adopt(&world.key_subject(), revoked().terms().unwrap());
    assert_eq!(code(&world, &Ask::plain()), "REVOKED");
    assert_eq!(world.index.served(&revoked().secrets[0].digest), Some(revoked()));
    assert_eq!(code(&world, &Ask::plain()), "REVOKED");
    assert_eq!(world.wire.count(Call::KeyAcquire), 2, "one for each: the answer brings the newer record along");
}

#[test]
fn guard_without_state_starts_from_the_truth_not_from_the_index() {
    let world = World::usual();
    world.ledger.set_key(revoked());
    assert_eq!(code(&world, &Ask::plain()), "REVOKED");
}

#[test]
fn guard_that_is_behind_the_edge_reads_the_truth_first() {
    let mut world = warm();
    world.set(&revoked());
    world.memory = Memory::default();
    assert_eq!(code(&world, &Ask::plain()), "REVOKED");
    assert_eq!(world.wire.count(Call::FindKey), 1);
}

#[test]
fn guard_that_offers_a_lower_version_than_the_edge_knows_is_never_believed() {
    let world = World::usual();
    // The edge read a revocation that neither the guard nor what it reads as the truth has seen.
    world.index.serve(&revoked());
    assert_eq!(code(&world, &Ask::plain()), "UNAVAILABLE");
    assert_eq!(world.index.served(&revoked().secrets[0].digest), Some(revoked()), "nothing was filed over the newer record");
}

#[test]
fn org_guard_that_offers_a_lower_version_is_never_believed() {
    let world = World::usual();
    let newer = Organization { version: 2, ..fixtures::organization(json!({})) };
    world.memory.orgs.remember(Rc::new(newer.clone()));
    assert_eq!(code(&world, &Ask::plain()), "UNAVAILABLE");
    assert_eq!(*world.memory.orgs.record(&newer.id).unwrap(), newer);
}

#[test]
fn deleted_key_is_not_found_although_the_index_still_has_it() {
    let world = warm();
    world.guards.adopt(&world.key_subject(), Terms { version: 2, limit: None, record: None });
    let decision = decide_in(&world, &Ask::plain()).unwrap();
    assert_eq!((decision.outcome, decision.known.is_none()), (Err(Denial::NotFound), true));
}

#[test]
fn key_that_only_the_index_has_is_not_found() {
    let world = World::of(fixtures::organization(json!({})));
    world.index.serve(&fixtures::key());
    assert_eq!(code(&world, &Ask::plain()), "NOT_FOUND");
}

#[test]
fn secret_that_the_newest_record_no_longer_has_is_no_key_s() {
    let world = warm();
    let mut rotated = KeyRecord { version: 2, ..fixtures::key() };
    rotated.secrets[0].digest = Digest::of("another");
    world.guards.adopt(&world.key_subject(), rotated.terms().unwrap());
    assert_eq!(code(&world, &Ask::plain()), "NOT_FOUND");
}

#[test]
fn permission_that_the_catalog_drops_stops_counting_as_soon_as_the_org_s_guard_knows() {
    let world = warm();
    assert_eq!(code(&world, &asking_for("leads:read")), "VALID");
    let without = json!({"resources": [{"name": "deals", "title": "Deals", "description": "Deals", "actions": ["read"]}]});
    let narrowed = Organization { version: 2, ..fixtures::organization(without) };
    world.guards.adopt(&world.org_subject(), narrowed.terms().unwrap());
    let decision = decide_in(&world, &asking_for("leads:read")).unwrap();
    assert_eq!(decision.outcome.unwrap_err().code(), "INSUFFICIENT_PERMISSIONS");
    assert_eq!(decision.known.unwrap().granted, []);
}

#[test]
fn organization_that_loses_its_feature_is_disabled_as_soon_as_its_guard_knows() {
    let world = warm();
    let disabled = Organization { version: 2, ..fixtures::organization(json!({"requires_feature": "developer_api"})) };
    world.guards.adopt(&world.org_subject(), disabled.terms().unwrap());
    assert_eq!(code(&world, &Ask::plain()), "ORG_DISABLED");
}

#[test]
fn change_that_comes_just_before_the_guard_is_asked_is_seen() {
    let world = World::usual();
    let (guards, subject) = (world.guards.clone(), world.key_subject());
    world.wire.before(Call::KeyAcquire, move || guards.adopt(&subject, revoked().terms().unwrap()));
    assert_eq!(code(&world, &Ask::plain()), "REVOKED");
}

#[test]
fn every_failure_outside_fails_closed() {
    for call in [Call::IndexFind, Call::KeyAcquire, Call::OrgAcquire] {
        let mut world = warm();
        world.memory = Memory::default();
        world.wire.fail(call, Times::ForEver);
        assert_eq!(code(&world, &Ask::plain()), "UNAVAILABLE", "{call:?}");
        world.wire.mend();
        world.wire.lose_answer(call, Times::Exactly(1));
        assert_eq!(code(&world, &Ask::plain()), "UNAVAILABLE", "{call:?}");
        assert_eq!(code(&world, &Ask::plain()), "VALID", "{call:?}");
    }
}

#[test]
fn truth_failing_fails_closed_where_it_is_needed_and_matters_nowhere_else() {
    let unknown = World::of(fixtures::organization(json!({})));
    unknown.wire.fail(Call::FindKeyByDigest, Times::ForEver);
    assert_eq!(code(&unknown, &Ask::plain()), "UNAVAILABLE");
    let cold = World::usual();
    cold.wire.fail(Call::FindKey, Times::ForEver);
    assert_eq!(code(&cold, &Ask::plain()), "UNAVAILABLE");
    let warm = warm();
    for call in [Call::FindKey, Call::FindOrg, Call::FindKeyByDigest] {
        warm.wire.fail(call, Times::ForEver);
    }
    assert_eq!(code(&warm, &Ask::plain()), "VALID");
}
