//! Guards that answer, and not what a guard would: for an edge that is no answer.

use crate::{
    client::Edge,
    given,
    leases::{ask_until, until_leased},
    load,
    outages::assert_unavailable,
    runtime::{Fleet, Options},
};
use serde_json::{Value, json};

/// Answers that are none, whatever was asked.
fn nonsense() -> Vec<Value> {
    let granted = json!({"granted": {"newer": null, "grant": {"granted_at": "2026-01-01T00:00:00.000Z", "lease": null}, "quota": null}});
    let texts = [
        String::new(),
        "<html>Bad gateway</html>".to_owned(),
        "[]".to_owned(),
        granted.to_string()[..60].to_owned(),
        granted.to_string().replace("null}}", "\"yes\"}}"),
        granted.to_string().replace("granted_at", "at"),
        json!("welcome").to_string(),
        json!("settled").to_string(),
        json!({"in_force": {"version": 9, "in_force_at": "2026-01-01T00:00:00.000Z", "wait_ms": 0}}).to_string(),
    ];
    let mut all: Vec<Value> = texts.iter().map(|text| json!({"mode": "answer", "text": text})).collect();
    all.extend([500, 503, 404, 204].map(
        |status| json!({"mode": "answer", "status": status, "text": if status == 204 { Value::Null } else { json!(granted.to_string()) }}),
    ));
    all.push(json!({"mode": "alter", "reply": {"granted": {"newer": {"version": 0, "limit": null, "record": null}}}}));
    all
}

/// Later than an edge waits for.
fn too_late() -> Value {
    json!({"delay_ms": 6_000})
}

fn never() -> Value {
    json!("hang")
}

/// A record that cannot be read: its version may have taken something away.
fn unreadable() -> Value {
    json!({"mode": "alter", "reply": {"granted": {"newer": {"version": 9, "limit": null, "record": "{"}}}})
}

fn forged_lease(tokens: Value, ttl_ms: u32) -> Value {
    json!({"mode": "alter", "reply": {"granted": {"grant": {"lease": {"id": 1, "tokens": tokens, "ttl_ms": ttl_ms}}}}})
}

fn of(edges: u16) -> Fleet {
    Fleet::start(Options { edges, ..Options::default() })
}

fn assert_nobody_is_admitted(edge: &Edge, secret: &str) {
    assert_unavailable(&given::ask_raw(edge, secret, json!({})), "UNAVAILABLE");
    let bearer = format!("Bearer {secret}");
    assert_unavailable(&edge.send("GET", "/v1/auth", &[("authorization", &bearer)], None), "UNAVAILABLE");
}

#[test]
fn a_guard_that_answers_nonsense_admits_nobody() {
    let fleet = of(1);
    let edge = fleet.edge();
    let key = given::org(edge, json!({})).key(json!({"consistency": "strict"}));
    assert_eq!(given::code(edge, &key.secret), "VALID");
    for fault in nonsense().into_iter().chain([unreadable()]) {
        for guard in ["guard", "org_guard"] {
            eprintln!("[nonsense] {guard}: {fault}");
            edge.faults(&json!({guard: fault}));
            assert_nobody_is_admitted(edge, &key.secret);
            edge.faults(&json!({}));
            assert_eq!(given::code(edge, &key.secret), "VALID", "and it is over when the guard is well");
        }
    }
}

#[test]
fn a_guard_that_answers_too_late_admits_nobody() {
    let fleet = of(1);
    let edge = fleet.edge();
    let key = given::org(edge, json!({})).key(json!({"consistency": "strict", "rate_limit": null}));
    assert_eq!(given::code(edge, &key.secret), "VALID");
    for faults in [json!({"guard": too_late()}), json!({"org_guard": too_late()}), json!({"guard": never(), "org_guard": never()})] {
        edge.faults(&faults);
        assert_unavailable(&given::ask_raw(edge, &key.secret, json!({})), "UNAVAILABLE");
    }
    edge.faults(&json!({}));
    assert_eq!(given::code(edge, &key.secret), "VALID");
}

#[test]
fn a_held_lease_carries_on_among_nonsense_but_not_past_a_revocation() {
    let fleet = of(2);
    let (edge, other) = (&fleet.edges[0], &fleet.edges[1]);
    let org = given::org(other, json!({"consistency": {"lease_ms": 600}}));
    for fault in nonsense().into_iter().chain([unreadable(), never()]) {
        eprintln!("[nonsense] {fault}");
        let key = org.key(json!({"rate_limit": null}));
        until_leased(edge, &key.secret);
        edge.faults(&json!({"guard": fault, "org_guard": fault}));
        let seen = ask_until(edge, &key.secret, &json!({}), |seen| seen.code != "VALID");
        assert!(seen.len() > 1 && seen.iter().all(|seen| seen.code == "503" || seen.mode == "leased"), "{} answers", seen.len());
        edge.faults(&json!({}));
        until_leased(edge, &key.secret);
        edge.faults(&json!({"guard": fault, "org_guard": fault}));
        assert_eq!(org.revoke(&key).status, 200);
        assert_unavailable(&given::ask_raw(edge, &key.secret, json!({})), "UNAVAILABLE");
        edge.faults(&json!({}));
        assert_eq!(given::code(edge, &key.secret), "REVOKED");
    }
}

#[test]
fn where_the_policy_goes_on_without_guards_nonsense_is_an_outage_as_any_other() {
    let fleet = of(2);
    let (edge, other) = (&fleet.edges[0], &fleet.edges[1]);
    let org = given::org(other, json!({"consistency": {"on_guard_failure": "allow", "lease_ms": 0}}));
    let (good, revoked) = (org.key(json!({})), org.key(json!({})));
    assert_eq!((given::code(edge, &good.secret), org.revoke(&revoked).status), ("VALID".into(), 200));
    assert_eq!(given::code(edge, &revoked.secret), "REVOKED");
    for fault in nonsense() {
        edge.faults(&json!({"guard": fault}));
        let answer = given::ask(edge, &good.secret, json!({}));
        assert_eq!((&answer["code"], &answer["freshness"]["mode"]), (&json!("VALID"), &json!("unconfirmed")), "{fault}");
        let refused = given::ask(edge, &good.secret, json!({"permissions": "leads:delete"}));
        assert_eq!(refused["code"], "INSUFFICIENT_PERMISSIONS");
        assert_eq!(given::code(edge, &revoked.secret), "REVOKED");
    }
    edge.faults(&json!({"guard": too_late()}));
    assert_eq!(given::ask(edge, &good.secret, json!({}))["freshness"]["mode"], "unconfirmed");
    edge.faults(&json!({"guard": unreadable()}));
    // A newer version than the last known one is there, so nobody goes by that.
    assert_nobody_is_admitted(edge, &good.secret);
    edge.faults(&json!({}));
    assert_eq!(given::ask(edge, &good.secret, json!({}))["freshness"]["mode"], "strict");
    edge.faults(&json!({"guard": nonsense()[0]}));
    assert_eq!(org.revoke(&good).status, 200);
    assert_eq!(given::ask(edge, &good.secret, json!({}))["freshness"]["mode"], "unconfirmed");
    edge.faults(&json!({}));
    assert_eq!(given::code(edge, &good.secret), "REVOKED", "what was missed is seen");
}

#[test]
fn a_lease_for_ever_is_not_gone_by() {
    let fleet = of(2);
    let (edge, other) = (&fleet.edges[0], &fleet.edges[1]);
    let org = given::org(other, json!({}));
    let key = org.key(json!({"rate_limit": null}));
    let forged = forged_lease(Value::Null, u32::MAX);
    edge.faults(&json!({"guard": forged, "org_guard": forged}));
    for _ in 0..20 {
        assert_eq!(given::code(edge, &key.secret), "VALID");
    }
    assert_eq!(org.revoke(&key).status, 200);
    assert_eq!(given::code(edge, &key.secret), "REVOKED");
}

#[test]
fn tokens_without_end_are_not_spent() {
    for tokens in [json!(u32::MAX), Value::Null] {
        let fleet = of(1);
        let edge = fleet.edge();
        let key = given::org(edge, json!({})).key(json!({"rate_limit": {"limit": 20, "window_seconds": 3600}}));
        edge.faults(&json!({"guard": forged_lease(tokens, 2000)}));
        let seen: Vec<load::Seen> = (0..200).map(|_| load::watch(0, edge, &key.secret, &json!({}))).collect();
        assert!((1..=20).contains(&load::admitted(&seen)), "{} were admitted", load::admitted(&seen));
        assert!(seen.iter().all(|seen| seen.passed() || seen.code == "RATE_LIMITED"));
    }
}

#[test]
fn a_change_is_not_in_force_because_of_a_nonsense_answer() {
    let fleet = of(1);
    let edge = fleet.edge();
    let org = given::org(edge, json!({"consistency": {"lease_ms": 0}}));
    let not_taken_on = json!({"mode": "alter", "reply": {"in_force": {"version": 1}}});
    for fault in [nonsense()[1].clone(), nonsense()[7].clone(), nonsense()[9].clone(), not_taken_on] {
        let key = org.key(json!({}));
        assert_eq!(given::code(edge, &key.secret), "VALID");
        edge.faults(&json!({"guard": fault}));
        assert_unavailable(&org.revoke(&key), "NOT_YET_IN_FORCE");
        edge.faults(&json!({}));
        assert_eq!(fleet.scheduled().status, 200);
        assert_eq!(given::code(edge, &key.secret), "REVOKED", "{fault}");
    }
}
