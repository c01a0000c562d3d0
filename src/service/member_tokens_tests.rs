//! Where the provider's keys come from, in good times and in bad ones, and hostile tokens from end to end.

use std::rc::Rc;

use futures_util::future::join;
use pollster::block_on;
use serde_json::{Value, json};

use super::*;
use crate::{
    base::time::Timestamp,
    service::known_keys::{AFTER_FAILURE_MS, FRESH_MS, UNKNOWN_KID_MS},
    testing::{
        fixtures::{self, NOW},
        provider::{self, base64url, claims, document, ec, ed, header, rsa, settings, token_of},
        wire::{Call, Times},
        world::World,
    },
};

/// A deployment whose provider publishes the key `a`.
fn world() -> World {
    let world = World::usual();
    world.provider.publish(&[rsa("a", 1)]);
    world
}

fn token(jwk: &Value) -> String {
    provider::token(&claims(json!({})), jwk)
}

fn try_prove(world: &World, token: &str) -> Result<Option<MemberClaims>, Failure> {
    block_on(prove(&world.ports(), &world.memory, &settings(), token))
}

fn is_good(world: &World, token: &str) -> bool {
    try_prove(world, token).unwrap().is_some()
}

/// What was asked since the last time, but for signatures.
fn asked(world: &World) -> Vec<Call> {
    let calls = world.wire.calls();
    world.wire.forget_calls();
    calls.into_iter().filter(|call| *call != Call::CheckSignature).collect()
}

fn keep(world: &World, keys: &[Value], fetched_at: Timestamp) {
    world.provider.set_kept(&Kept { document: document(keys), fetched_at });
}

const COLD: [Call; 3] = [Call::KeySetKept, Call::KeySetFetch, Call::KeySetKeep];

#[test]
fn the_first_token_loads_the_keys_and_the_next_ones_use_them() {
    let world = world();
    let member = try_prove(&world, &token(&rsa("a", 1))).unwrap().unwrap();
    assert_eq!((member.org, member.user.as_str(), member.role.as_str()), (fixtures::org_id(), "user_42", "developer"));
    assert_eq!(asked(&world), COLD);
    assert_eq!(world.provider.kept_now(), Some(Kept { document: document(&[rsa("a", 1)]), fetched_at: NOW }));
    world.clock.advance(FRESH_MS - 1);
    assert!(is_good(&world, &token(&rsa("a", 1))));
    assert_eq!(asked(&world), []);
    world.clock.advance(1);
    assert!(is_good(&world, &token(&rsa("a", 1))));
    assert_eq!(asked(&world), COLD, "ten minutes are over");
}

#[test]
fn every_algorithm_of_the_list_proves() {
    let world = world();
    let keys = [rsa("r", 1), ec("e", 1), ed("o", 1)];
    world.provider.publish(&keys);
    assert!(keys.iter().all(|jwk| is_good(&world, &token(jwk))));
}

#[test]
fn a_kept_copy_spares_the_provider_for_ten_minutes() {
    for (age_ms, spared) in [(0, true), (FRESH_MS - 1, true), (FRESH_MS, false), (-1, false)] {
        let world = world();
        keep(&world, &[rsa("a", 1)], NOW.plus_ms(-age_ms));
        assert!(is_good(&world, &token(&rsa("a", 1))));
        assert_eq!(asked(&world), if spared { &COLD[..1] } else { &COLD }, "{age_ms}");
        world.clock.advance(FRESH_MS - age_ms.max(0));
        assert!(is_good(&world, &token(&rsa("a", 1))));
        assert_eq!(world.wire.count(Call::KeySetFetch), usize::from(spared || age_ms < 0), "its age counts from the fetch: {age_ms}");
    }
}

#[test]
fn a_rotation_right_after_the_start_works_at_once() {
    for kept in [false, true] {
        let world = world();
        if kept {
            keep(&world, &[rsa("a", 1)], NOW);
        }
        assert!(is_good(&world, &token(&rsa("a", 1))));
        world.wire.forget_calls();
        world.provider.publish(&[rsa("b", 3)]);
        assert!(is_good(&world, &token(&rsa("b", 3))), "kept: {kept}");
        assert_eq!(asked(&world), COLD);
        assert!(!is_good(&world, &token(&rsa("a", 1))), "the old key is gone");
    }
    let world = world();
    keep(&world, &[rsa("old", 5)], NOW);
    assert!(is_good(&world, &token(&rsa("a", 1))), "a kept copy without the key is no reason to refuse");
    assert_eq!(asked(&world), COLD);
}

#[test]
fn another_isolates_copy_spares_the_provider_after_a_rotation() {
    let world = world();
    assert!(is_good(&world, &token(&rsa("a", 1))));
    world.clock.advance(1000);
    keep(&world, &[rsa("b", 3)], NOW.plus_ms(500));
    world.wire.forget_calls();
    assert!(is_good(&world, &token(&rsa("b", 3))));
    assert_eq!(asked(&world), COLD[..1]);
}

#[test]
fn unknown_kids_cost_one_look_a_minute_however_many_come() {
    let world = world();
    assert!(is_good(&world, &token(&rsa("a", 1))));
    world.wire.forget_calls();
    let flood = || (0..50).for_each(|number| assert!(!is_good(&world, &token(&rsa(&format!("evil{number}"), 7)))));
    flood();
    assert_eq!(asked(&world), COLD);
    world.clock.advance(UNKNOWN_KID_MS - 1);
    flood();
    world.provider.publish(&[rsa("b", 3)]);
    assert!(!is_good(&world, &token(&rsa("b", 3))));
    assert_eq!(asked(&world), []);
    world.clock.advance(1);
    assert!(is_good(&world, &token(&rsa("b", 3))));
    assert_eq!(asked(&world), COLD);
}

#[test]
fn unknown_kids_cost_no_more_where_an_isolate_starts_with_a_kept_copy() {
    let world = world();
    keep(&world, &[rsa("a", 1)], NOW);
    (0..50).for_each(|number| assert!(!is_good(&world, &token(&rsa(&format!("evil{number}"), 7)))));
    assert_eq!(asked(&world), COLD);
    // The isolate's copy gets old while others keep a fresh one: the look of this minute is still taken.
    world.clock.advance(FRESH_MS);
    assert!(is_good(&world, &token(&rsa("a", 1))));
    assert!(!is_good(&world, &token(&rsa("evil", 7))));
    asked(&world);
    world.clock.advance(UNKNOWN_KID_MS / 2);
    assert!(!is_good(&world, &token(&rsa("evil", 7))));
    assert_eq!(asked(&world), []);
}

#[test]
fn a_provider_that_is_down_takes_nothing_away() {
    let mut world = world();
    assert!(is_good(&world, &token(&rsa("a", 1))));
    world.wire.fail(Call::KeySetFetch, Times::ForEver);
    world.clock.advance(FRESH_MS * 100);
    world.wire.forget_calls();
    let long = claims(json!({"exp": NOW.ms() / 1000 + 1_000_000}));
    let good = provider::token(&long, &rsa("a", 1));
    assert!(is_good(&world, &good), "the isolate's copy, however old");
    assert_eq!(asked(&world), COLD[..2]);
    world.clock.advance(AFTER_FAILURE_MS - 1);
    assert!(is_good(&world, &good));
    assert!(!is_good(&world, &provider::token(&long, &rsa("b", 3))), "a copy without the key refuses");
    assert_eq!(asked(&world), [], "nothing is tried again for a second");
    world.clock.advance(1);
    assert!(!is_good(&world, &provider::token(&long, &rsa("b", 3))));
    assert_eq!(asked(&world), COLD[..2]);
    world.memory = Memory::default();
    assert!(is_good(&world, &good), "the kept copy, however old");
    world.wire.mend();
    world.clock.advance(AFTER_FAILURE_MS);
    world.provider.publish(&[rsa("b", 3)]);
    assert!(is_good(&world, &provider::token(&long, &rsa("b", 3))), "the provider is back");
}

#[test]
fn without_any_copy_and_any_answer_there_is_no_decision() {
    let world = world();
    world.wire.fail(Call::KeySetFetch, Times::Exactly(1));
    for _ in 0..3 {
        let failed = try_prove(&world, &token(&rsa("a", 1)));
        assert!(matches!(failed, Err(Failure::Unavailable(Outage::IdentityProvider { .. }))), "{failed:?}");
    }
    assert_eq!(asked(&world), COLD[..2]);
    world.clock.advance(AFTER_FAILURE_MS);
    assert!(is_good(&world, &token(&rsa("a", 1))));
}

#[test]
fn a_document_that_cannot_be_relied_on_is_no_answer() {
    let large = json!({"keys": [rsa("b", 3)], "x": "a".repeat(70_000)}).to_string();
    for bad in ["", "<html>", "{}", &document(&[rsa("b", 3), ec("b", 3)]), &large] {
        let cold = world();
        cold.provider.answer(bad);
        assert!(matches!(try_prove(&cold, &token(&rsa("b", 3))), Err(Failure::Unavailable(Outage::IdentityProvider { .. }))));
        assert_eq!(asked(&cold), COLD[..2], "and nothing is kept of it");
        let warm = world();
        assert!(is_good(&warm, &token(&rsa("a", 1))));
        warm.provider.answer(bad);
        warm.clock.advance(FRESH_MS);
        assert!(is_good(&warm, &token(&rsa("a", 1))));
        assert!(!is_good(&warm, &token(&rsa("b", 3))));
        assert_eq!(warm.provider.kept_now().unwrap().document, document(&[rsa("a", 1)]));
    }
}

#[test]
fn a_kept_copy_that_cannot_be_had_read_or_written_is_no_matter() {
    let world = world();
    world.wire.fail(Call::KeySetKept, Times::ForEver);
    world.wire.fail(Call::KeySetKeep, Times::ForEver);
    assert!(is_good(&world, &token(&rsa("a", 1))));
    assert_eq!(asked(&world), COLD);
    let damaged = self::world();
    damaged.provider.set_kept(&Kept { document: "{".into(), fetched_at: NOW });
    assert!(is_good(&damaged, &token(&rsa("a", 1))));
    assert_eq!(asked(&damaged), COLD);
}

#[test]
fn while_one_request_asks_the_others_go_on_with_what_there_is() {
    let world = Rc::new(world());
    assert!(is_good(&world, &token(&rsa("a", 1))));
    world.clock.advance(FRESH_MS);
    world.wire.forget_calls();
    let other = world.clone();
    world.wire.before(Call::KeySetFetch, move || {
        assert!(is_good(&other, &token(&rsa("a", 1))));
        assert!(!is_good(&other, &token(&rsa("b", 3))));
    });
    assert!(is_good(&world, &token(&rsa("a", 1))));
    assert_eq!(asked(&world), COLD);
}

#[test]
fn right_after_a_rotation_one_request_asks_and_those_beside_it_wait_for_the_new_key() {
    let world = world();
    assert!(is_good(&world, &token(&rsa("a", 1))));
    world.provider.publish(&[rsa("b", 3)]);
    world.wire.forget_calls();
    let (ports, settings, token) = (world.ports(), settings(), token(&rsa("b", 3)));
    let one = || prove(&ports, &world.memory, &settings, &token);
    let (first, second) = block_on(join(one(), one()));
    assert!(first.unwrap().is_some() && second.unwrap().is_some());
    assert_eq!(asked(&world), COLD);
}

#[test]
fn waiting_for_another_request_has_an_end() {
    let world = world();
    assert!(is_good(&world, &token(&rsa("a", 1))));
    world.memory.known_keys.borrow_mut().begin_attempt(NOW);
    assert!(!is_good(&world, &token(&rsa("b", 3))));
    assert_eq!(world.clock.pauses(), [PAUSE_MS; MAX_PAUSES as usize]);
    assert!(is_good(&world, &token(&rsa("a", 1))), "a known key waits for nobody");
    assert_eq!(world.clock.pauses().len(), MAX_PAUSES as usize);
}

#[test]
fn a_request_that_has_no_keys_asks_for_itself() {
    let world = Rc::new(world());
    let other = world.clone();
    world.wire.before(Call::KeySetFetch, move || assert!(is_good(&other, &token(&rsa("a", 1)))));
    assert!(is_good(&world, &token(&rsa("a", 1))));
    assert_eq!(world.wire.count(Call::KeySetFetch), 2);
}

#[test]
fn the_one_look_is_taken_before_others_come_in() {
    let world = Rc::new(world());
    assert!(is_good(&world, &token(&rsa("a", 1))));
    world.wire.forget_calls();
    let other = world.clone();
    world.wire.before(Call::KeySetKept, move || assert!(!is_good(&other, &token(&rsa("evil", 7)))));
    assert!(!is_good(&world, &token(&rsa("other", 9))));
    assert_eq!(asked(&world), COLD);
}

#[test]
fn a_clock_that_went_back_makes_no_copy_immortal() {
    let world = world();
    world.clock.advance(86_400_000);
    let (a, b) = (claims(json!({"exp": NOW.ms() / 1000 + 1_000_000})), rsa("b", 3));
    assert!(is_good(&world, &provider::token(&a, &rsa("a", 1))));
    world.provider.publish(std::slice::from_ref(&b));
    world.clock.set(NOW);
    world.wire.forget_calls();
    assert!(is_good(&world, &token(&b)));
    assert_eq!(asked(&world), COLD, "a copy from the future is asked about");
    assert_eq!(world.provider.kept_now().unwrap().fetched_at, NOW);
    world.clock.advance(FRESH_MS);
    assert!(is_good(&world, &token(&b)));
    assert_eq!(asked(&world), COLD, "and the one in its place ages as ever");
}

#[test]
fn hostile_tokens_prove_nobody() {
    let world = world();
    let (a, e) = (rsa("a", 1), ec("e", 1));
    world.provider.publish(&[a.clone(), e.clone()]);
    let good = token(&a);
    assert!(is_good(&world, &good));
    let text = claims(json!({})).to_string();
    let public = document(std::slice::from_ref(&a));
    let hmac = |signed: &str| sha2::Digest::finalize(sha2::Digest::chain_update(sha2::Sha256::default(), format!("{public}{signed}")));
    let unsigned = |header: Value| format!("{}.{}", base64url(header.to_string()), base64url(&text));
    let hs256 = unsigned(json!({"alg": "HS256", "kid": "a"}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let other_claims = base64url(claims(json!({"sub": "admin"})).to_string());
    let with_jwk = json!({"alg": "RS256", "kid": "a", "jwk": rsa("a", 9), "jku": "https://evil.example"}).to_string();
    for (what, hostile) in [
        ("no algorithm", format!("{}.AQ", unsigned(json!({"alg": "none", "kid": "a"})))),
        ("no algorithm, no signature", format!("{}.", unsigned(json!({"alg": "none"})))),
        ("no signature", format!("{signed}.")),
        ("the public key as a secret", format!("{hs256}.{}", base64url(hmac(&hs256)))),
        ("RS256 with the id of an EC key", token_of(&json!({"alg": "RS256", "kid": "e"}).to_string(), &text, &a)),
        ("ES256 with the id of an RSA key", token_of(&json!({"alg": "ES256", "kid": "a"}).to_string(), &text, &e)),
        ("the id of another key", token_of(&header(&a).to_string(), &text, &rsa("a", 9))),
        ("a key that comes along", token_of(&with_jwk, &text, &rsa("a", 9))),
        ("the signature of another token", format!("{}.{other_claims}.{signature}", base64url(header(&a).to_string()))),
        ("critical extension", token_of(&json!({"alg": "RS256", "kid": "a", "crit": ["x"], "x": 1}).to_string(), &text, &a)),
        ("unencoded payload", token_of(&json!({"alg": "RS256", "kid": "a", "b64": false}).to_string(), &text, &a)),
        ("five parts", format!("{good}.AA.AA")),
        ("claims named twice", token_of(&header(&a).to_string(), &text.replacen('{', "{\"sub\":\"admin\",", 1), &a)),
        ("expired", provider::token(&claims(json!({"exp": NOW.ms() / 1000 - 31})), &a)),
        ("for somebody else", provider::token(&claims(json!({"aud": "other"})), &a)),
        ("of the deployment's own organization", provider::token(&claims(json!({"org_id": "org_system"})), &a)),
    ] {
        assert!(!is_good(&world, &hostile), "{what}");
    }
    let without_kid = json!({"alg": "RS256"}).to_string();
    assert!(is_good(&world, &token_of(&without_kid, &text, &a)), "the only key of its algorithm");
    world.provider.publish(&[a.clone(), rsa("c", 5)]);
    world.clock.advance(FRESH_MS);
    assert!(!is_good(&world, &token_of(&without_kid, &text, &a)), "one of two");
}

#[test]
fn a_text_that_cannot_be_good_and_a_key_that_does_not_suit_cost_nothing() {
    let world = world();
    for text in ["", "a.b.c", &fixtures::credential(), &format!("{}.e30.AQ", base64url(r#"{"alg":"none"}"#))] {
        assert!(!is_good(&world, text));
    }
    assert_eq!(world.wire.calls(), []);
    assert!(is_good(&world, &token(&rsa("a", 1))));
    world.wire.forget_calls();
    assert!(!is_good(&world, &token_of(&json!({"alg": "ES256", "kid": "a"}).to_string(), "{}", &rsa("a", 1))));
    assert_eq!(world.wire.calls(), [], "not even a signature is checked");
}

#[test]
fn a_signature_that_cannot_be_checked_is_no_decision() {
    let world = world();
    world.wire.fail(Call::CheckSignature, Times::ForEver);
    let failed = try_prove(&world, &token(&rsa("a", 1)));
    assert!(matches!(failed, Err(Failure::Unavailable(Outage::Signatures { .. }))), "{failed:?}");
}
