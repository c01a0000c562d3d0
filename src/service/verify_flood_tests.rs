//! Floods of unknown credentials: what they cost, and whom they stop.

use std::net::IpAddr;

use pollster::block_on;
use serde_json::json;

use super::*;
use crate::{
    service::{keys, memory::UNKNOWN_MS},
    testing::{
        fixtures::{self, unknown_credential},
        wire::{Call, Times},
        world::World,
    },
};

const HERE: &str = "203.0.113.9";
const LIMIT: u32 = 3;
const THROTTLED: Denial = Denial::TooManyUnknown { retry_after_ms: 60_000 };

fn ask_in(world: &World, memory: &Memory, credential: &str, ip: Option<&str>) -> Result<Decision, Failure> {
    let ip: Option<IpAddr> = ip.map(|text| text.parse().unwrap());
    block_on(verify(&world.ports(), memory, credential, &Ask { ip, ..Ask::plain() }))
}

fn outcome(world: &World, credential: &str, ip: &str) -> Result<(), Denial> {
    ask_in(world, &world.memory, credential, Some(ip)).unwrap().outcome
}

/// A world with the usual key, and a low limit.
fn world() -> World {
    let world = World::usual();
    world.throttle.limit(Flood::UnknownKeys, LIMIT);
    world
}

/// A world in which that address has used its limit up.
fn flooded_from(ip: &str) -> World {
    let world = world();
    for number in 0..LIMIT {
        assert_eq!(outcome(&world, &unknown_credential(number), ip), Err(Denial::NotFound));
    }
    world.wire.forget_calls();
    world
}

#[test]
fn unknown_credential_beyond_the_limit_of_its_address_is_rate_limited_and_never_reaches_the_truth() {
    let world = flooded_from(HERE);
    let decision = ask_in(&world, &world.memory, &unknown_credential(LIMIT), Some(HERE)).unwrap();
    assert_eq!((&decision.outcome, decision.known.is_none()), (&Err(THROTTLED), true));
    assert_eq!(THROTTLED.code(), "RATE_LIMITED");
    assert_eq!(world.wire.calls(), [Call::IndexFind, Call::Throttle]);
    world.throttle.start_anew();
    assert_eq!(outcome(&world, &unknown_credential(LIMIT), HERE), Err(Denial::NotFound));
}

#[test]
fn other_addresses_are_not_affected_and_neither_are_questions_without_one() {
    let world = flooded_from(HERE);
    assert_eq!(outcome(&world, &unknown_credential(100), "203.0.113.8"), Err(Denial::NotFound));
    assert_eq!(outcome(&world, &unknown_credential(101), "2001:db8::1"), Err(Denial::NotFound));
    assert_eq!(outcome(&world, &unknown_credential(102), "::ffff:203.0.113.9"), Err(THROTTLED), "the same address, mapped");
    for number in 200..=200 + LIMIT {
        assert_eq!(ask_in(&world, &world.memory, &unknown_credential(number), None).unwrap().outcome, Err(Denial::NotFound));
    }
}

#[test]
fn all_addresses_of_one_ipv6_subscriber_count_as_one() {
    let world = world();
    for number in 0..LIMIT {
        assert_eq!(outcome(&world, &unknown_credential(number), &format!("2001:db8:1:2::{number}")), Err(Denial::NotFound));
    }
    assert_eq!(outcome(&world, &unknown_credential(100), "2001:db8:1:2:ffff::1"), Err(THROTTLED));
    assert_eq!(outcome(&world, &unknown_credential(101), "2001:db8:1:3::1"), Err(Denial::NotFound));
}

#[test]
fn key_that_the_index_has_goes_on_working_from_a_throttled_address_and_counts_nothing() {
    let world = flooded_from(HERE);
    assert_eq!(outcome(&world, &fixtures::credential(), HERE), Ok(()));
    assert_eq!(world.wire.count(Call::Throttle), 0);
}

#[test]
fn key_that_the_index_misses_is_told_to_wait_and_not_that_it_is_unknown() {
    let world = flooded_from(HERE);
    world.index.forget_everything();
    assert_eq!(outcome(&world, &fixtures::credential(), HERE), Err(THROTTLED));
    world.throttle.start_anew();
    assert_eq!(outcome(&world, &fixtures::credential(), HERE), Ok(()));
    assert_eq!(outcome(&world, &fixtures::credential(), HERE), Ok(()));
    assert_eq!(world.wire.count(Call::Throttle), 2, "filed in the index, it counts no more");
}

#[test]
fn malformed_credentials_do_not_count() {
    let world = world();
    for _ in 0..=LIMIT {
        assert_eq!(outcome(&world, "sk_typo", HERE).unwrap_err().code(), "MALFORMED");
    }
    assert_eq!(world.wire.count(Call::Throttle), 0);
}

#[test]
fn text_of_any_shape_counts_once_keys_were_imported_because_it_is_looked_up_then() {
    let world = world();
    import(&world, "old-key");
    for number in 0..LIMIT {
        assert_eq!(outcome(&world, &format!("typo-{number}"), HERE).unwrap_err().code(), "MALFORMED");
    }
    assert_eq!(outcome(&world, "typo", HERE), Err(THROTTLED));
    assert_eq!(outcome(&world, "old-key", HERE), Ok(()));
}

#[test]
fn throttle_that_fails_admits() {
    let world = flooded_from(HERE);
    world.wire.fail(Call::Throttle, Times::ForEver);
    assert_eq!(outcome(&world, &unknown_credential(100), HERE), Err(Denial::NotFound));
}

#[test]
fn refusal_of_a_throttled_address_does_not_claim_that_the_key_is_known() {
    let reports = crate::decision::decide::explain(Some(&THROTTLED), &Ask::plain());
    let existence = json!(reports[1]);
    assert_eq!((&existence["check"], &existence["outcome"]), (&json!("existence"), &json!("failed")));
    assert_eq!(existence["detail"], "too many unknown keys came from this address");
}

#[test]
fn repeated_unknown_credential_costs_nothing_and_does_not_count() {
    let world = world();
    assert_eq!(outcome(&world, &unknown_credential(0), HERE), Err(Denial::NotFound));
    world.wire.forget_calls();
    for _ in 0..=LIMIT {
        assert_eq!(outcome(&world, &unknown_credential(0), HERE), Err(Denial::NotFound));
    }
    assert_eq!(world.wire.calls(), [Call::HasImports]);
    world.clock.advance(UNKNOWN_MS);
    assert_eq!(outcome(&world, &unknown_credential(0), HERE), Err(Denial::NotFound));
    assert_eq!(world.wire.count(Call::FindKeyByDigest), 1, "believed for a while only");
}

#[test]
fn throttled_credential_is_not_remembered_as_unknown() {
    let world = flooded_from(HERE);
    world.index.forget_everything();
    assert_eq!(outcome(&world, &fixtures::credential(), HERE), Err(THROTTLED));
    assert_eq!(outcome(&world, &fixtures::credential(), "203.0.113.8"), Ok(()));
}

fn import(world: &World, secret: &str) {
    let hash = format!("sha256:{}", Digest::of(secret).hex());
    let body = json!({"keys": [{"name": "Old", "hash": hash, "prefix": "old-"}]});
    // By another edge than the one that asks.
    let imported = block_on(keys::import(&world.ports(), &Memory::default(), fixtures::ORG, &body, fixtures::author())).unwrap();
    assert!(imported[0].is_ok());
}

#[test]
fn key_of_the_house_s_own_shape_works_once_its_import_returned_though_it_was_probed_before() {
    let world = World::usual();
    let probed = unknown_credential(7);
    for _ in 0..2 {
        assert_eq!(outcome(&world, &probed, HERE), Err(Denial::NotFound));
    }
    import(&world, &probed);
    assert_eq!(outcome(&world, &probed, HERE), Ok(()));
}

#[test]
fn import_that_runs_while_the_first_one_waits_does_not_return_before_every_edge_knows() {
    let world = World::usual();
    let probed = unknown_credential(7);
    for _ in 0..2 {
        assert_eq!(outcome(&world, &probed, HERE), Err(Denial::NotFound));
    }
    // The first import has committed, at another edge, and is waiting.
    let mut first = fixtures::key();
    first.id = crate::base::id::Id::new(fixtures::NOW, &crate::testing::chance::Repeating(9)).unwrap();
    first.secrets[0] = crate::key::record::SecretRecord {
        digest: Digest::of("first"),
        created_at: fixtures::NOW,
        imported: true,
        ..first.secrets[0].clone()
    };
    world.ledger.set_key(first);
    import(&world, &probed);
    assert_eq!(outcome(&world, &probed, HERE), Ok(()));
}

#[test]
fn import_waits_only_until_imports_have_settled() {
    let world = World::usual();
    import(&world, "first");
    import(&world, "second");
    assert_eq!(world.clock.pauses().len(), 2);
    world.clock.advance(600_000);
    import(&world, "third");
    assert_eq!(world.clock.pauses().len(), 2);
}
