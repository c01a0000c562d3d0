use crate::{
    client::Edge,
    given,
    runtime::{Fleet, Options},
    service_keys::service_key,
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
fn what_is_hot_touches_nothing_whatever_is_answered_and_over_whichever_door() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({"consistency": {"mode": "leased", "lease_ms": 30_000}}));
    let key = org.key(json!({"rate_limit": null, "ip_allowlist": ["203.0.113.0/24"]}));
    let limited = org.key(json!({"rate_limit": {"limit": 1, "window_seconds": 60}}));
    let caller = service_key(edge, &["verify"], json!({}));
    let (rest, last) = key.secret.split_at(key.secret.len() - 1);
    let mistyped = format!("{rest}{}", if last == "0" { "1" } else { "0" });
    let auth = |secret: &str, query: &str, ip: &str| {
        let headers = [("authorization", &*format!("Bearer {secret}")), ("cf-connecting-ip", ip)];
        edge.send("GET", &format!("/v1/auth{query}"), &headers, None).status
    };
    let verify = |secret: &str, permission: &str| {
        let body = json!({"key": secret, "permissions": permission, "ip": "203.0.113.9"});
        let answer = edge.json("POST", "/v1/verify", &[("authorization", &format!("Bearer {}", caller.secret))], Some(&body));
        given::text(&answer.value()["code"])
    };
    let (inside, outside) = ("203.0.113.9", "198.51.100.7");

    // A first request shows a policy, a second takes the leases, the caller's too.
    assert_eq!([0; 2].map(|_| verify(&key.secret, "leads:read")), ["VALID"; 2]);
    let nothing = |what: &str, work: &dyn Fn()| assert_eq!(counted(edge, work), [0; 5], "{what}");
    nothing("a good key", &|| assert_eq!(auth(&key.secret, "?permissions=leads:read", inside), 200));
    nothing("a good key and its caller", &|| assert_eq!(verify(&key.secret, "leads:read"), "VALID"));
    nothing("a permission that it lacks", &|| assert_eq!(auth(&key.secret, "?permissions=leads:delete", inside), 403));
    nothing("the same permission by a backend", &|| assert_eq!(verify(&key.secret, "leads:delete"), "INSUFFICIENT_PERMISSIONS"));
    nothing("an address that is not listed", &|| assert_eq!(auth(&key.secret, "", outside), 403));
    nothing("no key at all", &|| assert_eq!(edge.get("/v1/auth").status, 401));
    // Whether anything was imported is asked, and believed for two seconds.
    auth(&mistyped, "", inside);
    nothing("a bad checksum", &|| assert_eq!(auth(&mistyped, "", inside), 401));
    nothing("the same by a backend", &|| assert_eq!(verify(&mistyped, "leads:read"), "MALFORMED"));
    // The guard says no once, and is believed for a second.
    assert_eq!([0; 2].map(|_| auth(&limited.secret, "", inside)), [200, 429]);
    nothing("a limit that is used up", &|| assert_eq!(auth(&limited.secret, "", inside), 429));
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
