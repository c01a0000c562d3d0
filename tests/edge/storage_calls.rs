use crate::{
    client::Edge,
    given,
    runtime::{Fleet, Options},
};
use serde_json::json;

fn calls(edge: &Edge) -> [u64; 5] {
    ["kv.get", "kv.put", "db.query", "guard.fetch", "org_guard.fetch"].map(|name| edge.calls(name))
}

fn counted(edge: &Edge, work: impl FnOnce()) -> [u64; 5] {
    edge.faults(&json!({}));
    work();
    calls(edge)
}

#[test]
fn each_verify_costs_what_the_design_says() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let key = org.key(json!({}));
    let mistyped = format!("{}!", &key.secret[..key.secret.len() - 1]);
    let vectors: serde_json::Value = serde_json::from_str(include_str!("../vectors/keys.json")).unwrap();
    let unknown = given::text(&vectors["well_formed"][1]["key"]);

    // Whether anything was ever imported is asked once; what follows right after touches nothing.
    assert_eq!(counted(edge, || drop(given::code(edge, &mistyped))), [0, 0, 1, 0, 0]);
    assert_eq!(counted(edge, || drop(given::code(edge, &mistyped))), [0, 0, 0, 0, 0], "a bad checksum touches nothing");
    assert_eq!(counted(edge, || drop(given::code(edge, &unknown))), [1, 0, 1, 0, 0], "an unknown key: one KV read, one D1 read");
    assert_eq!(counted(edge, || drop(given::code(edge, &key.secret))), [1, 0, 0, 1, 1], "a known key: one KV read, one call to each guard");
    assert_eq!(counted(edge, || drop(given::code(edge, &key.secret))), [0, 0, 0, 1, 1], "once its policy was seen, a lease of each");
    assert_eq!(counted(edge, || drop(given::code(edge, &key.secret))), [0, 0, 0, 0, 0], "and then nothing");
    let refused = || drop(given::ask(edge, &key.secret, json!({"permissions": "leads:delete"})));
    assert_eq!(counted(edge, refused), [0, 0, 0, 0, 0], "nor for a refusal");
    let strict = org.key(json!({"consistency": "strict"}));
    assert_eq!(counted(edge, || drop(given::code(edge, &strict.secret))), [1, 0, 0, 1, 1]);
    assert_eq!(counted(edge, || drop(given::code(edge, &strict.secret))), [0, 0, 0, 1, 1], "a strict key asks each time");
}

#[test]
fn creating_a_key_does_not_wake_its_guard() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let [_, puts, _, key_guard, org_guard] = counted(edge, || drop(org.key(json!({}))));
    assert_eq!((puts, key_guard, org_guard), (1, 0, 0));
}

#[test]
fn a_key_that_the_index_does_not_have_is_found_in_the_truth_and_filed() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    edge.faults(&json!({"kv": {"put": "fail"}}));
    let key = org.key(json!({}));
    assert_eq!(counted(edge, || assert_eq!(given::code(edge, &key.secret), "VALID"))[..3], [1, 1, 1]);
    assert_eq!(counted(edge, || assert_eq!(given::code(edge, &key.secret), "VALID"))[..3], [0, 0, 0], "it was seen");
}
