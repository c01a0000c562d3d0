//! Guards that answer what no guard would: nobody is admitted by it, and nothing stays of it.

use pollster::block_on;
use serde_json::json;

use super::{failure::Failure, keys, verify::verify};
use crate::{
    base::id::KeyId,
    decision::facts::Ask,
    key::record::KeyRecord,
    limit::{
        guard::{Grant, Lease, Reply, Terms},
        holding::Holding,
        lease::longest_wait_ms,
    },
    ports::Subject,
    testing::{
        chance::Sequence,
        fixtures::{self, NOW},
        world::World,
    },
};

const LEASE_MS: u32 = 2000;
const LIMIT: u32 = 60;

/// A limited key whose records the edge has seen, and nothing else.
fn world() -> World {
    let organization = fixtures::organization(json!({"consistency": {"lease_ms": LEASE_MS}}));
    let rate = json!({"limit": LIMIT, "window_seconds": 60});
    let world = World::with(organization.clone(), &fixtures::key_of(&organization, json!({"name": "K", "rate_limit": rate})));
    block_on(verify(&world.ports(), &world.memory, &fixtures::credential(), &Ask { peek: true, ..Ask::plain() })).unwrap();
    world
}

fn code(world: &World) -> &'static str {
    match block_on(verify(&world.ports(), &world.memory, &fixtures::credential(), &Ask::plain())) {
        Ok(decision) => decision.outcome.map_or_else(|denial| denial.code(), |()| "VALID"),
        Err(Failure::Unavailable(_)) => "UNAVAILABLE",
        Err(Failure::Damaged(_)) => "DAMAGED",
        Err(other) => panic!("{other}"),
    }
}

/// Leases of the key are handed out as this makes them; those of the organization as they are.
fn forge_leases(world: &World, forge: impl Fn(Lease) -> Lease + 'static) {
    world.guards.forge(move |subject, reply| match (subject, reply) {
        (Subject::Key(_), Reply::Granted { newer, grant, quota }) => {
            Reply::Granted { newer, grant: Grant { lease: grant.lease.map(&forge), ..grant }, quota }
        }
        (_, reply) => reply,
    });
}

#[test]
fn lease_that_lives_longer_than_was_asked_for_is_not_gone_by() {
    let world = world();
    forge_leases(&world, |lease| Lease { ttl_ms: u32::MAX, ..lease });
    assert_eq!((code(&world), code(&world)), ("VALID", "VALID"), "its guard has granted them all the same");
    world.guards.forge_nothing();
    block_on(keys::revoke(&fixtures::change(&world.ports(), None), None)).unwrap();
    assert_eq!(code(&world), "REVOKED");
}

#[test]
fn lease_of_more_tokens_than_were_asked_for_is_not_gone_by() {
    for tokens in [Some(u32::MAX), None] {
        let world = world();
        forge_leases(&world, move |lease| Lease { tokens, ..lease });
        let admitted = (0..200).filter(|_| code(&world) == "VALID").count();
        assert!((1..=LIMIT as usize).contains(&admitted), "{admitted} by leases of {tokens:?}");
    }
}

#[test]
fn record_that_is_damaged_or_of_something_else_admits_nobody_and_is_not_remembered() {
    let of_another = KeyRecord { id: KeyId::new(NOW, &Sequence::new(9)).unwrap(), version: 7, ..fixtures::key() };
    let of_another_version = KeyRecord { version: 6, ..fixtures::key() };
    for (record, told) in [
        ("{".to_owned(), "DAMAGED"),
        (of_another.terms().unwrap().record.unwrap(), "UNAVAILABLE"),
        (of_another_version.terms().unwrap().record.unwrap(), "UNAVAILABLE"),
    ] {
        let world = world();
        world.guards.forge(move |subject, reply| match (subject, reply) {
            (Subject::Key(_), Reply::Granted { grant, quota, .. }) => {
                let newer = Terms { version: 7, limit: None, record: Some(record.clone()) };
                Reply::Granted { newer: Some(newer), grant, quota }
            }
            (_, reply) => reply,
        });
        assert_eq!(code(&world), told);
        world.guards.forge_nothing();
        assert_eq!(code(&world), "VALID", "and it is over when its guard is well");
    }
}

#[test]
fn what_a_question_that_got_nonsense_was_to_settle_is_said_again() {
    let world = world();
    (0..5).for_each(|_| assert_eq!(code(&world), "VALID"));
    world.clock.advance(LEASE_MS.into());
    world.guards.forge(|_, _| Reply::Settled);
    assert_eq!(code(&world), "UNAVAILABLE");
    let unsettled = world.memory.keys.with(&fixtures::key_id(), Holding::give_up);
    assert_ne!(unsettled, Some(Vec::new()));
}

#[test]
fn guard_that_says_it_is_behind_what_it_was_told_has_not_taken_it_on() {
    let world = world();
    world.guards.forge(|subject, reply| match (subject, reply) {
        (Subject::Key(_), Reply::InForce { in_force_at, wait_ms, .. }) => Reply::InForce { version: 1, in_force_at, wait_ms },
        (_, reply) => reply,
    });
    let revoked = block_on(keys::revoke(&fixtures::change(&world.ports(), None), None));
    assert!(matches!(revoked, Err(Failure::NotYetInForce { .. })));
    assert_eq!(world.ledger.outbox(), [(world.key_subject(), 2)], "the cron goes on with it");
}

#[test]
fn nobody_waits_longer_than_the_longest_lease_may_live() {
    let world = world();
    world.guards.forge(|_, reply| match reply {
        Reply::InForce { version, in_force_at, .. } => Reply::InForce { version, in_force_at, wait_ms: u32::MAX },
        reply => reply,
    });
    block_on(keys::revoke(&fixtures::change(&world.ports(), None), None)).unwrap();
    assert_eq!((world.clock.pauses(), longest_wait_ms()), (vec![33_210], 33_210));
}
