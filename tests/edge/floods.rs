use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use latchkey::token::base62;
use serde_json::json;

use crate::{
    client::{Edge, Response},
    given,
    runtime::{Fleet, Options},
};

const LIMIT: u32 = 3;
const HERE: &str = "203.0.113.9";

fn fleet() -> Fleet {
    Fleet::start(Options { rate_limits: vec![("UNKNOWN_KEYS", LIMIT)], ..Options::default() })
}

/// A well-formed credential that is no key's, another one each time.
fn unknown() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let body = format!("sk_00000000_{:026}", COUNT.fetch_add(1, Ordering::Relaxed));
    format!("{body}{}", base62::encode(crc32fast::hash(body.as_bytes())))
}

fn auth(edge: &Edge, path: &str, credential: &str, ip: &str) -> Response {
    edge.send("GET", path, &[("authorization", &format!("Bearer {credential}")), ("cf-connecting-ip", ip)], None)
}

/// The local platform counts by minutes of the clock: what follows shall fall into one.
pub fn well_within_a_minute() {
    let left = 60_000 - given::now().ms().rem_euclid(60_000);
    if left < 20_000 {
        thread::sleep(Duration::from_millis(u64::try_from(left).unwrap() + 100));
    }
}

fn use_up(edge: &Edge, ip: &str) {
    well_within_a_minute();
    for _ in 0..LIMIT {
        assert_eq!(auth(edge, "/v1/auth", &unknown(), ip).value()["code"], "NOT_FOUND");
    }
}

#[test]
fn a_flood_of_unknown_keys_from_one_address_stops_reaching_d1() {
    let fleet = fleet();
    let edge = fleet.edge();
    edge.faults(&json!({}));
    use_up(edge, HERE);
    assert_eq!((edge.calls("kv.get"), edge.calls("db.query")), (3, 3));
    for _ in 0..10 {
        let limited = auth(edge, "/v1/auth", &unknown(), HERE);
        assert_eq!((limited.status, limited.header("retry-after")), (429, Some("60")), "{}", limited.text());
        assert_eq!((limited.header("latchkey-code"), limited.header("ratelimit")), (Some("RATE_LIMITED"), None));
        let problem = limited.value();
        assert_eq!((&problem["code"], &problem["retry_after_ms"]), (&json!("RATE_LIMITED"), &json!(60_000)));
        assert_eq!(problem["detail"], "too many unknown keys came from this address");
        assert!(problem.get("key_prefix").is_none());
    }
    assert_eq!((edge.calls("db.query"), edge.calls("unknown_keys.limit")), (3, 13), "counted, and not looked up in D1");
    assert_eq!(auth(edge, "/v1/auth", &unknown(), "203.0.113.8").value()["code"], "NOT_FOUND", "another address");
}

#[test]
fn nginx_is_told_403_with_the_code_in_a_field() {
    let fleet = fleet();
    use_up(fleet.edge(), HERE);
    let limited = auth(fleet.edge(), "/v1/auth?limited=403", &unknown(), HERE);
    assert_eq!((limited.status, limited.header("latchkey-code")), (403, Some("RATE_LIMITED")));
    assert_eq!(limited.header("retry-after"), Some("60"));
}

#[test]
fn an_ipv6_subscriber_is_counted_as_one_at_all_edges_of_a_place() {
    let fleet = Fleet::start(Options { edges: 2, rate_limits: vec![("UNKNOWN_KEYS", LIMIT)], ..Options::default() });
    well_within_a_minute();
    for host in 0..LIMIT {
        let edge = &fleet.edges[host as usize % 2];
        assert_eq!(auth(edge, "/v1/auth", &unknown(), &format!("2001:db8:1:2::{host}")).status, 401);
    }
    for edge in &fleet.edges {
        assert_eq!(auth(edge, "/v1/auth", &unknown(), "2001:db8:1:2:ffff:ffff:ffff:ffff").status, 429);
        assert_eq!(auth(edge, "/v1/auth", &unknown(), "2001:db8:1:3::").status, 401);
    }
}

#[test]
fn verify_says_rate_limited_of_the_address_it_was_given_without_a_key() {
    let fleet = fleet();
    let edge = fleet.edge();
    well_within_a_minute();
    let ask = |ip| given::ask(edge, &unknown(), json!({"ip": ip, "explain": true}));
    for _ in 0..LIMIT {
        assert_eq!(ask(json!(HERE))["code"], "NOT_FOUND");
    }
    let limited = ask(json!(HERE));
    assert_eq!((&limited["valid"], &limited["code"]), (&json!(false), &json!("RATE_LIMITED")));
    assert_eq!((&limited["retry_after_ms"], &limited["key"], &limited["rate_limit"]), (&json!(60_000), &json!(null), &json!(null)));
    assert_eq!((&limited["checks"][1]["check"], &limited["checks"][1]["outcome"]), (&json!("existence"), &json!("failed")));
    assert_eq!(ask(json!(null))["code"], "NOT_FOUND", "a caller that names no address is not throttled");
}

#[test]
fn a_key_works_from_a_throttled_address_and_one_that_the_index_misses_is_told_to_wait() {
    let fleet = fleet();
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let key = org.key(json!({}));
    edge.faults(&json!({"kv": {"put": "fail"}}));
    let missed = org.key(json!({}));
    use_up(edge, HERE);
    assert_eq!(auth(edge, "/v1/auth", &key.secret, HERE).status, 200);
    assert_eq!(auth(edge, "/v1/auth", &missed.secret, HERE).status, 429);
    assert_eq!(auth(edge, "/v1/auth", &missed.secret, "203.0.113.8").status, 200);
    assert_eq!(auth(edge, "/v1/auth", "sk_typo", HERE).value()["code"], "MALFORMED", "what is not looked up is not throttled");
}

#[test]
fn a_binding_that_fails_stops_nobody() {
    let fleet = fleet();
    let edge = fleet.edge();
    use_up(edge, HERE);
    for fault in ["fail", "lose", "hang"] {
        edge.faults(&json!({ "unknown_keys": fault }));
        assert_eq!(auth(edge, "/v1/auth", &unknown(), HERE).value()["code"], "NOT_FOUND", "{fault}");
        assert_eq!(edge.calls("unknown_keys.limit"), 1);
    }
}

#[test]
fn an_unknown_key_that_is_sent_again_and_again_costs_nothing_and_does_not_count() {
    let fleet = fleet();
    let edge = fleet.edge();
    let again = unknown();
    assert_eq!(auth(edge, "/v1/auth", &again, HERE).status, 401);
    edge.faults(&json!({}));
    for _ in 0..20 {
        assert_eq!(auth(edge, "/v1/auth", &again, HERE).value()["code"], "NOT_FOUND");
    }
    assert_eq!((edge.calls("kv.get"), edge.calls("unknown_keys.limit")), (0, 0));
    // Whether anything was imported is asked once in 2 seconds.
    assert!((1..=5).contains(&edge.calls("db.query")), "{}", edge.calls("db.query"));
}

#[test]
fn a_key_of_the_house_s_own_shape_that_was_probed_at_every_edge_works_when_its_import_returns() {
    let fleet = Fleet::start(Options { edges: 3, faults: false, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    let probed = [unknown(), unknown()];
    let probe = || fleet.edges.iter().flat_map(|edge| probed.iter().map(|secret| given::code(edge, secret))).collect::<Vec<_>>();
    assert_eq!(probe(), ["NOT_FOUND"; 6]);
    assert_eq!(probe(), ["NOT_FOUND"; 6], "remembered, and that there are no imports as well");
    // Two imports at once: also the one that is not the first.
    thread::scope(|scope| {
        for (secret, edge) in probed.iter().zip(&fleet.edges) {
            let (org, fleet) = (&org, &fleet);
            scope.spawn(move || {
                let hash = format!("sha256:{}", latchkey::token::digest::Digest::of(secret).hex());
                let item = json!({"name": "Old", "hash": hash, "prefix": "old_", "permissions": ["leads:read"]});
                let imported = edge.operator("POST", &org.path("/keys/import"), Some(&json!({ "keys": [item] })));
                assert!(imported.value()["results"][0]["key"].is_object(), "{}", imported.text());
                fleet.edges.iter().for_each(|edge| assert_eq!(given::code(edge, secret), "VALID"));
            });
        }
    });
}
