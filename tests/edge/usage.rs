//! What each key did: counted once, by its code, whatever happens to the messages that tell it.

use std::{collections::BTreeMap, thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    client::{Edge, Response},
    given::{self, Key, Org},
    load,
    runtime::{Fleet, Options, shared},
};

/// Edges tell within a few seconds; a guard that was away is tried again after two.
const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

fn usage(org: &Org<'_>, key: &Key, rest: &str) -> Response {
    org.edge.operator("GET", &org.path(&format!("/keys/{}/usage{rest}", key.id)), None)
}

pub fn activity(org: &Org<'_>, key: &Key) -> Vec<Value> {
    let answer = org.edge.operator("GET", &org.path(&format!("/keys/{}/activity", key.id)), None);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.value()["next_cursor"], Value::Null);
    answer.value()["items"].as_array().expect("a list").clone()
}

/// The usage once it is as expected; the last one otherwise.
pub fn usage_when(org: &Org<'_>, key: &Key, is_expected: impl Fn(&Value) -> bool) -> Value {
    let begun = load::moment();
    loop {
        let answer = usage(org, key, "");
        assert_eq!(answer.status, 200, "{}", answer.text());
        if is_expected(&answer.value()) || begun.elapsed() > PATIENCE {
            return answer.value();
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

pub fn counts(value: &Value) -> BTreeMap<String, u64> {
    serde_json::from_value(value["last_24h"]["by_code"].clone()).expect("counts")
}

fn sum(series: &Value, of: &str) -> u64 {
    series.as_array().expect("a series").iter().map(|point| point[of].as_u64().expect("a count")).sum()
}

#[test]
fn usage_tells_how_often_which_code_was_answered() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    let before = given::now().to_string();
    let ask = |question: Value| given::text(&given::ask(org.edge, &key.secret, question)["code"]);
    let none = usage(&org, &key, "").value();
    assert_eq!(
        (&none["last_30d"], &none["last_used_at"]),
        (&json!({"requests": 0, "allowed": 0, "denied": 0, "by_code": {}}), &Value::Null)
    );
    for question in [json!({}), json!({}), json!({"permissions": "leads:delete"}), json!({"peek": true}), json!({"cost": 7})] {
        ask(question);
    }
    org.revoke(&key);
    assert_eq!(ask(json!({})), "REVOKED");
    let value = usage_when(&org, &key, |value| value["last_24h"]["requests"] == 5);
    let expected = json!({"requests": 5, "allowed": 3, "denied": 2, "by_code": {"VALID": 3, "INSUFFICIENT_PERMISSIONS": 1, "REVOKED": 1}});
    for span in ["last_24h", "last_7d", "last_30d"] {
        assert_eq!(value[span], expected, "{span}");
    }
    assert_eq!(value["unreported"], json!([]));
    let used_at = value["last_used_at"].as_str().expect("it was used");
    assert!(before.as_str() <= used_at && used_at <= value["as_of"].as_str().expect("a time"));
    for (range, points) in [("24h", 24), ("7d", 168), ("30d", 30)] {
        let value = usage(&org, &key, &format!("?range={range}")).value();
        assert_eq!(value["series"].as_array().expect("a series").len(), points);
        assert_eq!((sum(&value["series"], "allowed"), sum(&value["series"], "denied")), (3, 2), "{range}");
    }
    for query in ["?range=1h", "?range=", "?range=7d&range=7d", "?from=2026-01-01"] {
        let refused = usage(&org, &key, query);
        assert_eq!((refused.status, &refused.value()["code"]), (422, &json!("VALIDATION_FAILED")), "{query}");
    }
    let gone = Key { id: "key_01q9gd6e000w3ge1r70w3ge1r0".to_owned(), secret: String::new(), record: Value::Null };
    assert_eq!(usage(&org, &gone, "").status, 404);
}

#[test]
fn activity_tells_the_last_requests_and_whom_they_were_made_for() {
    let org = given::org(shared().edge(), json!({"impersonation": true}));
    let key = org.key(json!({"name": "Zapier", "can_impersonate": true}));
    let authorization = format!("Bearer {}", key.secret);
    let target = format!("/leads/{}?token=abc", key.secret);
    let headers = [("authorization", authorization.as_str()), ("x-original-method", "DELETE"), ("x-original-uri", target.as_str())];
    assert_eq!(org.edge.send("GET", "/v1/auth", &headers, None).status, 200);
    given::ask(org.edge, &key.secret, json!({"act_as": "user_42", "ip": "203.0.113.9", "permissions": "leads:delete"}));
    let told = usage_when(&org, &key, |value| value["last_24h"]["requests"] == 2);
    let items = activity(&org, &key);
    assert_eq!(items.len(), 2, "{told}");
    let of_key = json!({"type": "key", "id": key.id, "name": "Zapier"});
    let mut newest = items[0].clone();
    newest.as_object_mut().expect("an object").remove("time");
    let actor = json!({"type": "user", "id": "user_42", "via": of_key});
    let expected = json!({"method": null, "path": null, "ip": "203.0.113.9", "code": "INSUFFICIENT_PERMISSIONS", "actor": actor});
    assert_eq!(newest, expected);
    assert_eq!((&items[1]["method"], &items[1]["path"], &items[1]["code"]), (&json!("DELETE"), &json!("/leads/[key]"), &json!("VALID")));
    assert_eq!(items[1]["actor"]["type"], "key");
    assert!(items[0]["time"].as_str() >= items[1]["time"].as_str());
}

#[test]
fn a_call_of_the_control_plane_is_a_use_of_the_key_that_makes_it() {
    let resources = json!([{"name": "api_keys", "actions": ["read", "write"]}]);
    let org = given::org(shared().edge(), json!({"resources": resources}));
    let key = org.key(json!({"permissions": ["api_keys:read"]}));
    let path = org.path("/keys");
    assert_eq!(org.edge.bearer(&key.secret, "GET", &format!("{path}?limit=1"), None).status, 200);
    let value = usage_when(&org, &key, |value| value["last_24h"]["requests"] == 1);
    assert_eq!(counts(&value), BTreeMap::from([("VALID".to_owned(), 1)]));
    let items = activity(&org, &key);
    assert_eq!((&items[0]["method"], &items[0]["path"]), (&json!("GET"), &json!(path)));
}

/// How connections to guards are cut while somebody asks: anew after so many questions, so many calls of each kind, whose
/// answers are lost and which never arrive by turns.
#[derive(Clone, Copy)]
pub struct Cuts {
    pub every: u32,
    pub guard: u32,
    pub org_guard: u32,
}

/// Asks these questions in turn, so many in all, while connections are cut; how often which code was answered.
pub fn ask_through_faults(edge: &Edge, secret: &str, times: u32, questions: &[Value], cuts: Cuts) -> BTreeMap<String, u64> {
    let mut seen = BTreeMap::new();
    let faults = ["lose", "fail"].map(|mode| {
        let calls = |times: u32| json!({"fetch": {"mode": mode, "times": times}});
        json!({"guard": calls(cuts.guard), "org_guard": calls(cuts.org_guard)})
    });
    for (number, question) in (0..times).zip(questions.iter().cycle()) {
        if number % cuts.every == 0 {
            edge.faults(&faults[usize::try_from(number / cuts.every % 2).expect("a small number")]);
        }
        let answer = given::ask_raw(edge, secret, question.clone());
        if answer.status == 200 {
            *seen.entry(given::text(&answer.value()["code"])).or_default() += 1;
        } else {
            assert_eq!(answer.status, 503, "{}", answer.text());
        }
    }
    edge.faults(&json!({}));
    seen
}

#[test]
fn each_request_at_four_edges_is_counted_once_though_connections_to_the_guard_are_cut() {
    let questions = &[json!({}), json!({"permissions": "leads:delete"}), json!({})];
    let cuts = Cuts { every: 40, guard: 2, org_guard: 1 };
    let fleet = Fleet::start(Options { edges: 4, faults: true, ..Options::default() });
    for (name, policy, key) in [
        ("leased", json!({}), json!({"rate_limit": null})),
        ("limited", json!({}), json!({"rate_limit": {"limit": 700, "window_seconds": 60}})),
        ("strict", json!({}), json!({"rate_limit": null, "consistency": "strict"})),
    ] {
        let org = given::org(fleet.edge(), policy);
        let key = org.key(key);
        let secret = key.secret.as_str();
        let seen: Vec<_> = thread::scope(|scope| {
            let askers: Vec<_> =
                fleet.edges.iter().map(|edge| scope.spawn(move || ask_through_faults(edge, secret, 400, questions, cuts))).collect();
            askers.into_iter().map(|asker| asker.join().expect("an asker")).collect()
        });
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        seen.into_iter().flatten().for_each(|(code, count)| *expected.entry(code).or_default() += count);
        let value = usage_when(&org, &key, |value| counts(value) == expected);
        eprintln!("[usage] {name}: {expected:?}");
        assert_eq!(counts(&value), expected, "{name}");
        assert!(expected.values().sum::<u64>() > 1_000, "{name}: {expected:?}");
        assert_eq!(activity(&org, &key).len(), 100);
    }
}

#[test]
fn what_a_dead_edge_had_not_told_is_said_to_be_missing() {
    let fleet = Fleet::start(Options { edges: 2, faults: true, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    let key = org.key(json!({"rate_limit": null}));
    let dying = &fleet.edges[1];
    let told = ["first", "second"].map(|_| given::code(dying, &key.secret)).len() as u64;
    let leased = (0..50).filter(|_| given::ask(dying, &key.secret, json!({}))["freshness"]["mode"] == "leased").count() as u64;
    assert!(leased > 0);
    dying.kill_instance();
    // It is gone once the next event has found it dead.
    assert_eq!(dying.get("/healthz").status, 200);
    assert_eq!(given::code(&fleet.edges[0], &key.secret), "VALID");
    let value = usage_when(&org, &key, |value| value["unreported"] != json!([]));
    let gaps = value["unreported"].as_array().expect("a list");
    assert_eq!(gaps.len(), 1, "{value}");
    assert!(gaps[0]["from"].as_str() < gaps[0]["to"].as_str());
    let counted = value["last_24h"]["requests"].as_u64().expect("a count");
    assert!((1..told + leased + 1).contains(&counted), "{counted} of {}", told + leased + 1);
}
