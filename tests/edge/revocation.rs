use crate::{
    client::Response,
    given::{self, Org},
    portal,
    runtime::{Fleet, Options, shared},
    service_keys::service_key,
};
use serde_json::{Value, json};
use std::thread;

#[test]
fn a_revoked_key_is_refused_on_the_very_next_request_at_every_edge() {
    let fleet = Fleet::start(Options { edges: 3, faults: false, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    for round in 0..5 {
        let key = org.key(json!({}));
        for edge in &fleet.edges {
            assert_eq!(given::code(edge, &key.secret), "VALID");
        }
        let revoked =
            fleet.edges[round % 3].operator("POST", &org.path(&format!("/keys/{}/revoke", key.id)), Some(&json!({"reason": "leaked"})));
        assert_eq!(revoked.status, 200);
        for edge in &fleet.edges {
            let answer = given::ask(edge, &key.secret, json!({}));
            assert_eq!((&answer["code"], &answer["key"]["id"]), (&json!("REVOKED"), &json!(key.id)));
        }
    }
}

#[test]
fn a_revocation_is_recorded_and_repeating_it_changes_nothing() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    let path = org.path(&format!("/keys/{}/revoke", key.id));
    let first = org.edge.operator("POST", &path, Some(&json!({"reason": "  left in a gist "})));
    let record = first.value();
    assert_eq!((first.status, first.header("etag")), (200, Some("\"2\"")));
    assert_eq!((&record["status"], &record["revocation_reason"]), (&json!("revoked"), &json!("left in a gist")));
    assert_eq!(record["revoked_by"], json!({"type": "operator", "id": "operator", "name": "Operator"}));
    assert!(given::text(&record["in_force_at"]) >= given::text(&record["revoked_at"]));
    let again = org.edge.operator("POST", &path, Some(&json!({"reason": "other"})));
    assert_eq!((again.status, again.value()), (200, record));
    let revocations: Vec<_> = org.audit().into_iter().filter(|entry| entry["action"] == "key.revoked").collect();
    assert_eq!(revocations.len(), 1);
    assert_eq!(revocations[0]["changes"]["status"], json!({"from": "active", "to": "revoked"}));
}

#[test]
fn simultaneous_revocations_make_one_change_and_one_entry() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(|| org.revoke(&key).status)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 8]);
    assert_eq!(org.read(&key).value()["version"], 2);
    assert_eq!(org.audit().iter().filter(|entry| entry["action"] == "key.revoked").count(), 1);
}

#[test]
fn a_revocation_may_name_the_version_it_is_meant_for() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    let path = org.path(&format!("/keys/{}/revoke", key.id));
    let operator = format!("Bearer {}", crate::runtime::OPERATOR_TOKEN);
    let revoke = |tag: &str| org.edge.json("POST", &path, &[("authorization", &operator), ("if-match", tag)], None);
    let refused = revoke("\"7\"");
    assert_eq!((refused.status, given::text(&refused.value()["code"])), (412, "PRECONDITION_FAILED".into()));
    assert_eq!(refused.header("etag"), Some("\"1\""));
    assert_eq!(given::code(org.edge, &key.secret), "VALID");
    assert_eq!(revoke("\"1\"").status, 200);
    assert_eq!(org.audit().iter().filter(|entry| entry["action"] == "key.revoked").count(), 1);
}

/// A creation of a key whose body is held back until something has happened.
fn create_slowly(org: &Org<'_>, credential: &str, meanwhile: impl FnOnce()) -> Response {
    let body = json!({"name": "Spare", "permissions": ["leads:read"]}).to_string();
    let (path, origin, length) = (org.path("/keys"), &org.edge.base_url, body.len());
    let fields = format!("Host: {}\r\nOrigin: {origin}\r\n{credential}", origin.trim_start_matches("http://"));
    let fields = format!("{fields}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close");
    let (begin, end) = body.split_at(length / 2);
    let begun = || {
        // Long enough for whoever does not wait for the body to have judged by then.
        thread::sleep(std::time::Duration::from_millis(500));
        meanwhile();
    };
    org.edge.raw_in_two(format!("POST {path} HTTP/1.1\r\n{fields}\r\n\r\n{begin}").as_bytes(), begun, end.as_bytes())
}

/// Whoever holds a stolen key could keep requests open, and make themselves a new one after it was revoked.
#[test]
fn what_is_sent_slowly_is_judged_by_what_holds_when_all_of_it_is_here() {
    let edge = shared().edge();
    let resources = json!([{"name": "leads", "actions": ["read"]}, {"name": "api_keys", "actions": ["write"]}]);
    let org = given::org(edge, json!({"resources": resources}));
    let bearer = |secret: &str| format!("Authorization: Bearer {secret}");
    let operator = |method: &str, path: &str, body: Option<Value>| {
        let done = edge.operator(method, path, body.as_ref());
        assert!(done.status < 300, "{}", done.text());
    };
    let own = || org.key(json!({"permissions": ["leads:read", "api_keys:write"]}));
    assert_eq!(create_slowly(&org, &bearer(&own().secret), || {}).status, 201);

    let (revoked, narrowed, backend) = (own(), own(), service_key(edge, &["keys:write"], json!({})));
    let (ended, demoted) = (portal::ask(&org, "owner"), portal::ask(&org, "owner"));
    let cookie = |asked: &portal::Asked| format!("Cookie: {}", portal::sign_in(edge, &asked.link));
    let session = |asked: &portal::Asked| org.path(&format!("/portal-sessions/{}", asked.id));
    let reached = [
        create_slowly(&org, &bearer(&revoked.secret), || drop(org.revoke(&revoked))),
        create_slowly(&org, &bearer(&backend.secret), || {
            operator("POST", &format!("/v1/orgs/org_system/keys/{}/revoke", backend.id), None);
        }),
        create_slowly(&org, &cookie(&ended), || operator("DELETE", &session(&ended), None)),
        create_slowly(&org, &cookie(&demoted), || operator("PATCH", &session(&demoted), Some(json!({"role": "member"})))),
        create_slowly(&org, &bearer(&narrowed.secret), || {
            operator("PATCH", &org.path(&format!("/keys/{}", narrowed.id)), Some(json!({"permissions": ["api_keys:write"]})));
        }),
    ];
    assert_eq!(reached.map(|answer| answer.status), [401, 401, 401, 403, 403]);
    assert!(org.audit().iter().filter(|entry| entry["action"] == "key.created" && entry["target"]["name"] == "Spare").count() == 1);
}
