//! The runtime is killed where it stands, and started again on what it had stored.

use crate::{
    client::{Edge, Response},
    given::{self, Key, Org},
    leases::{hold_tokens, spend_all},
    leases_under_load::{EDGES, offer},
    load,
    runtime::{Fleet, OPERATOR_TOKEN, Options},
};
use serde_json::json;
use std::{sync::mpsc, thread, time::Duration};

fn fleet() -> Fleet {
    Fleet::start(Options { edges: EDGES.try_into().expect("a few"), faults: false, keep_state: true, ..Options::default() })
}

#[test]
fn no_window_holds_more_than_the_limit_over_two_lives_and_what_was_revoked_stays_so() {
    const LIMIT: u32 = 300;
    const WINDOW: Duration = Duration::from_secs(10);
    let mut fleet = fleet();
    let org = given::org(fleet.edge(), json!({}));
    let (revoked, key) = (org.key(json!({})), org.key(json!({"rate_limit": {"limit": LIMIT, "window_seconds": WINDOW.as_secs()}})));
    assert_eq!((given::code(fleet.edge(), &revoked.secret), org.revoke(&revoked).status), ("VALID".into(), 200));
    let mut seen = load::until_gone(&fleet.copies(), &key.secret, 150, || fleet.die_and_restart());
    let before = load::admitted(&seen);
    fleet.edges.iter().for_each(|edge| assert_eq!(given::code(edge, &revoked.secret), "REVOKED"));
    seen.extend(offer(&fleet, [&key.secret; EDGES], [1; EDGES], WINDOW + WINDOW / 4));
    let (most, after) = (load::most_within(WINDOW, &seen), load::admitted(&seen) - before);
    eprintln!("[kills] {before} before it was killed, {after} after, at most {most} of {LIMIT} in a window");
    assert!(before >= 100 && after > 0, "both lives admitted");
    assert!(most <= LIMIT, "{most} tokens within one window of {LIMIT}");
}

#[test]
fn tokens_that_were_out_when_the_runtime_was_killed_are_not_given_out_again() {
    let mut fleet = fleet();
    let key = given::org(fleet.edge(), json!({"consistency": {"lease_ms": 30_000}}))
        .key(json!({"rate_limit": {"limit": 40, "window_seconds": 3600}}));
    let spent = hold_tokens(&fleet.edges[1], &key.secret, 40);
    fleet.die_and_restart();
    let also: u64 = fleet.edges.iter().map(|edge| spend_all(edge, &key.secret)).sum();
    eprintln!("[kills] {spent} spent before it was killed, {also} after");
    assert!(spent + also < 40, "what was held is gone: {spent} + {also}");
    assert!(also > 0, "and the rest is not");
}

/// A revocation that may not be answered.
fn try_revoke(edge: &Edge, org: &str, key: &Key) -> Option<Response> {
    let operator = format!("Bearer {OPERATOR_TOKEN}");
    edge.try_send("POST", &format!("/v1/orgs/{org}/keys/{}/revoke", key.id), &[("authorization", &operator)], b"")
}

#[test]
fn a_revocation_that_the_kill_left_unanswered_is_made_with_its_entry_everywhere_or_not_at_all() {
    let mut fleet = fleet();
    for lease_ms in [0, 500] {
        let org = given::org(fleet.edge(), json!({"consistency": {"lease_ms": lease_ms}}));
        let (id, keys): (_, Vec<Key>) = (org.id.clone(), (0..12).map(|_| org.key(json!({}))).collect());
        fleet.edges.iter().for_each(|edge| keys.iter().for_each(|key| assert_eq!(given::code(edge, &key.secret), "VALID")));
        let (edges, (answered, heard)) = (fleet.copies(), mpsc::channel());
        let done: Vec<bool> = thread::scope(|scope| {
            let revoke = |(number, key)| {
                let (answered, edge, id) = (answered.clone(), &edges[number % EDGES], &id);
                scope.spawn(move || {
                    let answer = try_revoke(edge, id, key);
                    let _ = answered.send(());
                    answer.is_some_and(|answer| answer.status == 200)
                })
            };
            let calls: Vec<_> = keys.iter().enumerate().map(revoke).collect();
            heard.recv().expect("the first answer");
            fleet.die_and_restart();
            calls.into_iter().map(|call| call.join().expect("a caller")).collect()
        });
        assert_eq!(fleet.scheduled().status, 200);
        let org = Org { edge: fleet.edge(), id };
        let outcome = |(key, done): (&Key, &bool)| {
            let codes: Vec<String> = fleet.edges.iter().map(|edge| given::code(edge, &key.secret)).collect();
            let is_revoked = org.read(key).value()["status"] == "revoked";
            let entries = org.audit_of(&json!(key.id)).iter().filter(|entry| entry["action"] == "key.revoked").count();
            let code = if is_revoked { "REVOKED" } else { "VALID" };
            assert!(codes.iter().all(|said| said == code), "{codes:?} of a key whose record says {code}");
            assert_eq!(entries, usize::from(is_revoked), "an entry if it was revoked, and none if not");
            assert!(is_revoked || !done, "an answer that was given holds");
            is_revoked
        };
        let revoked = keys.iter().zip(&done).map(outcome).filter(|revoked| *revoked).count();
        let answers = done.iter().filter(|done| **done).count();
        eprintln!("[kills] with leases of {lease_ms} ms: {answers} of {} revocations were answered, {revoked} are made", keys.len());
        keys.iter().for_each(|key| assert_eq!(org.revoke(key).status, 200, "repeating it is safe"));
    }
}
