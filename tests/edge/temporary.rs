use crate::{client::Response, given, given::Org, portal, runtime::shared};
use serde_json::{Value, json};
use std::thread;

fn policy(changes: Value) -> Value {
    let mut playground = json!({"enabled": true, "permissions": ["leads:read", "leads:create"]});
    for (name, value) in changes.as_object().unwrap() {
        playground[name] = value.clone();
    }
    json!({ "playground": playground })
}

fn make(org: &Org<'_>) -> Response {
    org.edge.operator("POST", &org.path("/playground-keys"), None)
}

#[test]
fn a_temporary_key_has_the_policys_name_permissions_and_hour() {
    let org = given::org(shared().edge(), policy(json!({})));
    let before = given::now();
    let made = make(&org);
    let (key, secret) = (made.value()["key"].clone(), given::text(&made.value()["secret"]));
    assert_eq!((made.status, &key["kind"], &key["name"]), (201, &json!("playground"), &json!("Docs playground (temp)")));
    assert_eq!(key["permissions"], json!(["leads:read", "leads:create"]));
    assert_eq!(made.header("location").unwrap(), org.path(&format!("/keys/{}", given::text(&key["id"]))));
    let time = |field: &str| latchkey::base::time::Timestamp::parse(key[field].as_str().unwrap()).unwrap();
    assert_eq!(time("expires_at").ms() - time("created_at").ms(), 3_600_000);
    assert!(time("created_at") >= before);
    assert_eq!(given::ask(org.edge, &secret, json!({"permissions": "leads:create"}))["code"], "VALID");
    let listed = org.edge.operator("GET", &org.path("/keys?kind=playground"), None).value();
    assert_eq!(listed["items"][0]["id"], key["id"]);
    let id = given::text(&key["id"]);
    for (method, path, body) in [("PATCH", "", json!({"name": "x"})), ("POST", "/rotate", json!({"overlap_seconds": 0}))] {
        let refused = org.edge.operator(method, &org.path(&format!("/keys/{id}{path}")), Some(&body));
        assert_eq!((refused.status, given::text(&refused.value()["code"])), (403, "POLICY_FORBIDS".into()));
    }
    assert_eq!(org.edge.operator("POST", &org.path(&format!("/keys/{id}/revoke")), None).status, 200);
    assert_eq!(given::code(org.edge, &secret), "REVOKED");
    let back = org.edge.operator("POST", &org.path(&format!("/keys/{id}/reactivate")), None);
    assert_eq!((back.status, given::text(&back.value()["code"])), (403, "POLICY_FORBIDS".into()), "it would get around the cap");
    assert_eq!(org.audit()[1]["action"], "playground_key.created");
}

#[test]
fn there_are_never_more_than_the_cap_even_when_asked_for_at_once() {
    let org = given::org(shared().edge(), policy(json!({"max_active_per_member": 3})));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| make(&org).status)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3, "{statuses:?}");
    let refused = make(&org);
    assert_eq!((refused.status, given::text(&refused.value()["code"])), (409, "TOO_MANY_PLAYGROUND_KEYS".into()));
    let listed = org.edge.operator("GET", &org.path("/keys?kind=playground"), None).value();
    let first = given::text(&listed["items"][0]["id"]);
    org.edge.operator("POST", &org.path(&format!("/keys/{first}/revoke")), None);
    assert_eq!(make(&org).status, 201, "a revoked one makes room");
    assert_eq!(org.audit().iter().filter(|entry| entry["action"] == "playground_key.created").count(), 4);
}

#[test]
fn where_there_are_none_there_are_none() {
    let org = given::org(shared().edge(), json!({}));
    let refused = make(&org);
    assert_eq!((refused.status, given::text(&refused.value()["code"])), (403, "POLICY_FORBIDS".into()));
    let wanting = org.edge.operator("POST", &org.path("/playground-keys"), Some(&json!({"permissions": ["leads:delete"]})));
    assert_eq!(wanting.status, 422, "what it may do is the policy's to say");
}

#[test]
fn the_cap_is_each_makers_own_also_where_ids_of_different_kinds_are_alike() {
    let org = given::org(shared().edge(), policy(json!({"max_active_per_member": 1})));
    assert_eq!((make(&org).status, make(&org).status), (201, 409));
    let body = json!({"user": {"id": "operator", "name": "Somebody"}, "role": "owner"});
    let asked = org.edge.operator("POST", &org.path("/portal-sessions"), Some(&body)).value();
    let cookie = portal::sign_in(org.edge, given::text(&asked["url"]).strip_prefix(&org.edge.base_url).unwrap());
    let as_member = || org.edge.send("POST", &org.path("/playground-keys"), &[("cookie", &cookie), ("origin", &org.edge.base_url)], None);
    assert_eq!((as_member().status, as_member().status), (201, 409));
}
