use crate::{
    client::Response,
    given,
    given::{Key, Org},
    runtime::{OPERATOR_TOKEN, shared},
};
use serde_json::{Value, json};
use std::thread;

fn patch(org: &Org<'_>, key: &Key, body: Value) -> Response {
    org.edge.operator("PATCH", &org.path(&format!("/keys/{}", key.id)), Some(&body))
}

#[test]
fn an_edit_changes_what_it_names_and_says_what_changed() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    let body = json!({"name": "New", "permissions": ["leads:read", "leads:create"], "metadata": {"a": 1}, "consistency": "strict"});
    let edited = patch(&org, &key, body);
    let record = edited.value();
    assert_eq!((edited.status, edited.header("etag"), &record["version"]), (200, Some("\"2\""), &json!(2)));
    assert_eq!((&record["name"], &record["metadata"], &record["consistency"]), (&json!("New"), &json!({"a": 1}), &json!("strict")));
    assert_eq!((&record["rate_limit"], &record["created_at"]), (&key.record["rate_limit"], &key.record["created_at"]));
    assert!(record.get("in_force_at").is_none(), "it only widens");
    assert_eq!(org.read(&key).value(), record);
    let entry = &org.audit()[0];
    assert_eq!(entry["action"], "key.updated");
    assert_eq!(entry["changes"]["name"], json!({"from": "Zapier", "to": "New"}));
    assert_eq!(entry["changes"]["permissions"], json!({"from": ["leads:read"], "to": ["leads:read", "leads:create"]}));
    assert_eq!(entry["changes"].as_object().unwrap().len(), 4);
    assert_eq!(given::ask(org.edge, &key.secret, json!({"permissions": "leads:create"}))["valid"], true, "in force at once");
}

#[test]
fn a_narrowing_edit_is_in_force_when_it_is_answered() {
    let edge = shared().edge();
    let org = given::org(edge, json!({"impersonation": true}));
    let key = org.key(json!({"permissions": ["leads:read", "leads:create"], "can_impersonate": true}));
    let question = json!({"permissions": "leads:create", "act_as": "user_42", "ip": "203.0.113.9"});
    assert_eq!(given::ask(edge, &key.secret, question.clone())["code"], "VALID");
    for (body, code) in [
        (json!({"can_impersonate": false}), "IMPERSONATION_NOT_ALLOWED"),
        (json!({"permissions": ["leads:read"]}), "INSUFFICIENT_PERMISSIONS"),
        (json!({"ip_allowlist": ["198.51.100.0/24"]}), "IP_NOT_ALLOWED"),
    ] {
        let edited = patch(&org, &key, body);
        assert!(edited.value()["in_force_at"].is_string(), "{}", edited.text());
        assert_eq!(given::ask(edge, &key.secret, question.clone())["code"], code);
    }
}

#[test]
fn a_lower_limit_counts_what_was_spent_before() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let key = org.key(json!({"rate_limit": {"limit": 10, "window_seconds": 3600}}));
    assert_eq!(given::ask(edge, &key.secret, json!({"cost": 6}))["rate_limit"]["remaining"], 4);
    assert_eq!(patch(&org, &key, json!({"rate_limit": {"limit": 7, "window_seconds": 3600}})).status, 200);
    assert_eq!(given::ask(edge, &key.secret, json!({}))["rate_limit"]["remaining"], 0);
    assert_eq!(given::code(edge, &key.secret), "RATE_LIMITED");
}

#[test]
fn an_edit_that_changes_nothing_leaves_no_version_and_no_entry() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    for body in [json!({}), json!({"name": " Zapier "}), json!({"permissions": ["leads:read", "leads:read"]})] {
        let edited = patch(&org, &key, body);
        assert_eq!((edited.status, edited.value()), (200, key.record.clone()));
    }
    assert_eq!(org.audit().len(), 2);
}

#[test]
fn what_the_policy_or_the_state_rules_out_is_refused() {
    let edge = shared().edge();
    let fixed = given::org(edge, json!({"editing": false}));
    let key = fixed.key(json!({}));
    let refused = patch(&fixed, &key, json!({"name": "b"}));
    assert_eq!((refused.status, given::text(&refused.value()["code"])), (403, "POLICY_FORBIDS".into()));

    let org = given::org(edge, json!({}));
    let key = org.key(json!({}));
    let expiry = patch(&org, &key, json!({"expires_at": "2999-01-01T00:00:00Z"}));
    assert_eq!((expiry.status, &expiry.value()["errors"][0]["pointer"]), (422, &json!("/expires_at")));
    let impersonation = patch(&org, &key, json!({"can_impersonate": true}));
    assert_eq!((impersonation.status, given::text(&impersonation.value()["code"])), (403, "POLICY_FORBIDS".into()));
    assert_eq!(patch(&org, &key, json!({"status": "revoked"})).status, 422);
    org.revoke(&key);
    let ended = patch(&org, &key, json!({"name": "b"}));
    assert_eq!((ended.status, given::text(&ended.value()["code"])), (409, "ILLEGAL_TRANSITION".into()));
    assert!(given::text(&ended.value()["detail"]).contains("revoked"));
    assert_eq!(org.audit().len(), 3);
}

#[test]
fn an_expiry_can_be_moved_where_the_policy_says_so_even_after_it_passed() {
    let edge = shared().edge();
    let org = given::org(edge, json!({"expiry_editable": true}));
    let end = given::now().plus_ms(400);
    let key = org.key(json!({"expires_at": end.to_string()}));
    while given::code(edge, &key.secret) != "EXPIRED" {
        assert!(given::now() < end.plus_ms(10_000));
    }
    let name_only = patch(&org, &key, json!({"name": "b"}));
    assert_eq!((name_only.status, given::text(&name_only.value()["code"])), (409, "ILLEGAL_TRANSITION".into()));
    let extended = patch(&org, &key, json!({"expires_at": null}));
    assert_eq!((extended.status, &extended.value()["status"]), (200, &json!("active")));
    assert_eq!(given::code(edge, &key.secret), "VALID");
}

#[test]
fn of_simultaneous_edits_one_wins_and_only_it_is_recorded() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    let path = org.path(&format!("/keys/{}", key.id));
    let operator = format!("Bearer {OPERATOR_TOKEN}");
    for (round, conditional) in [(1, true), (2, false)] {
        let tag = format!("\"{round}\"");
        let statuses: Vec<u16> = thread::scope(|scope| {
            let edits: Vec<_> = (0..6)
                .map(|index| {
                    let (path, operator, tag, edge) = (&path, &operator, &tag, org.edge);
                    scope.spawn(move || {
                        let mut headers = vec![("authorization", operator.as_str())];
                        if conditional {
                            headers.push(("if-match", tag.as_str()));
                        }
                        edge.json("PATCH", path, &headers, Some(&json!({"name": format!("by {round} {index}")}))).status
                    })
                })
                .collect();
            edits.into_iter().map(|edit| edit.join().unwrap()).collect()
        });
        let won = statuses.iter().filter(|status| **status == 200).count();
        let lost = statuses.iter().filter(|status| **status == if conditional { 412 } else { 409 }).count();
        assert_eq!(won + lost, 6, "{statuses:?}");
        if conditional {
            assert_eq!(won, 1, "{statuses:?}");
        }
        let entries = org.audit().iter().filter(|entry| entry["action"] == "key.updated").count() as u64;
        assert_eq!(org.read(&key).value()["version"], json!(1 + entries), "each change has its entry, and no other");
        if conditional {
            assert_eq!(entries, 1);
        }
    }
}

#[test]
fn reads_and_changes_may_name_the_version_that_is_known() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    let operator = format!("Bearer {OPERATOR_TOKEN}");
    let with = |method: &str, path: &str, tag: &str, body: Option<&Value>| {
        org.edge.json(method, path, &[("authorization", &operator), ("if-none-match", tag)], body)
    };
    for path in [org.path(&format!("/keys/{}", key.id)), org.path("")] {
        let known = with("GET", &path, "\"1\"", None);
        assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some("\"1\"")));
        assert_eq!(with("GET", &path, "\"2\"", None).status, 200);
        assert_eq!(with("PATCH", &path, "*", Some(&json!({"name": "b"}))).status, 412);
    }
    assert_eq!(org.audit().len(), 2);
}
