//! Keys that manage the keys of their own organization, and never more than they have.

use std::{thread, time::Duration};

use crate::{
    client::{Edge, Response},
    given::{self, Key, Org},
    runtime::{Fleet, Options, shared},
};
use serde_json::{Value, json};

fn managed() -> Org<'static> {
    managed_by(shared().edge())
}

fn managed_by(edge: &Edge) -> Org<'_> {
    given::org(
        edge,
        json!({
            "resources": [
                {"name": "leads", "actions": ["read", "create", "update", "delete"]},
                {"name": "api_keys", "title": "API keys", "actions": ["read", "write"]},
            ],
            "revocation": "reversible", "deletion": true, "expiry_editable": true, "impersonation": true,
            "playground": {"enabled": true, "permissions": ["leads:delete"]},
        }),
    )
}

fn with(org: &Org<'_>, key: &Key, method: &str, rest: &str, body: Option<Value>) -> Response {
    org.edge.json(method, &org.path(rest), &[("authorization", &format!("Bearer {}", key.secret))], body.as_ref())
}

/// 403 FORBIDDEN that names these fields.
fn assert_beyond(answer: &Response, pointers: &[&str]) {
    assert_eq!((answer.status, &answer.value()["code"]), (403, &json!("FORBIDDEN")), "{}", answer.text());
    let named: Vec<String> = answer.value()["errors"].as_array().unwrap().iter().map(|fault| given::text(&fault["pointer"])).collect();
    assert_eq!(named, pointers);
}

fn manager(org: &Org<'_>) -> Key {
    org.key(json!({"name": "Provisioner", "permissions": ["leads:read", "api_keys:read", "api_keys:write"]}))
}

#[test]
fn a_key_makes_reads_and_ends_the_keys_of_its_organization() {
    let org = managed();
    let manager = manager(&org);
    let made = with(&org, &manager, "POST", "/keys", Some(json!({"name": "For Ada", "permissions": ["leads:read"]})));
    assert_eq!(made.status, 201, "{}", made.text());
    let actor = json!({"type": "key", "id": manager.id, "name": "Provisioner"});
    assert_eq!((&made.value()["key"]["created_by"], &org.audit()[0]["actor"]), (&actor, &actor));
    let path = format!("/keys/{}", given::text(&made.value()["key"]["id"]));
    assert_eq!(with(&org, &manager, "GET", "/keys", None).value()["items"].as_array().unwrap().len(), 2);
    assert_eq!(with(&org, &manager, "GET", "/permissions", None).status, 200);
    assert_eq!(with(&org, &manager, "PATCH", &path, Some(json!({"name": "Ada's"}))).status, 200);
    assert_eq!(with(&org, &manager, "POST", &format!("{path}/rotate"), Some(json!({"overlap_seconds": 60}))).status, 200);
    assert_eq!(with(&org, &manager, "POST", &format!("{path}/rotation/complete"), None).status, 200);
    assert_eq!(with(&org, &manager, "POST", &format!("{path}/revoke"), None).value()["revoked_by"], actor);
    assert_eq!(with(&org, &manager, "POST", &format!("{path}/reactivate"), None).status, 200);
    assert_eq!(with(&org, &manager, "DELETE", &path, None).status, 204);
}

#[test]
fn it_needs_the_permission_for_each() {
    let org = managed();
    let (reader, writer) = (org.key(json!({"permissions": ["api_keys:read"]})), org.key(json!({"permissions": ["api_keys:write"]})));
    let body = || Some(json!({"name": "B"}));
    for (key, method, rest, body, scope) in [
        (&reader, "POST", "/keys".to_owned(), body(), "api_keys:write"),
        (&reader, "POST", format!("/keys/{}/revoke", writer.id), None, "api_keys:write"),
        (&writer, "GET", "/keys".to_owned(), None, "api_keys:read"),
    ] {
        let refused = with(&org, key, method, &rest, body);
        assert_eq!((refused.status, &refused.value()["code"]), (403, &json!("FORBIDDEN")), "{method} {rest}");
        assert!(refused.header("www-authenticate").unwrap().contains(&format!("error=\"insufficient_scope\", scope=\"{scope}\"")));
    }
    assert_eq!(with(&org, &reader, "GET", "/audit", None).status, 403, "the audit log is for people and backends");
}

#[test]
fn it_never_grants_more_than_it_has() {
    let org = managed();
    let bounded = org.key(json!({
        "permissions": ["leads:read", "api_keys:write"], "rate_limit": {"limit": 100, "window_seconds": 60},
        "ip_allowlist": ["203.0.113.0/24"], "expires_at": "2099-01-01T00:00:00Z",
    }));
    let bearer = format!("Bearer {}", bounded.secret);
    let headers = [("authorization", bearer.as_str()), ("cf-connecting-ip", "203.0.113.9")];
    let call = |method: &str, rest: &str, body: &Value| org.edge.json(method, &org.path(rest), &headers, Some(body));
    let within = json!({"name": "B", "permissions": ["leads:read"], "rate_limit": {"limit": 100, "window_seconds": 60},
        "ip_allowlist": ["203.0.113.9"], "expires_at": "2098-12-31T00:00:00Z"});
    assert_eq!(call("POST", "/keys", &within).status, 201);
    for (changes, pointers) in [
        (json!({"permissions": ["leads:read", "leads:delete"]}), vec!["/permissions/1"]),
        (json!({"can_impersonate": true}), vec!["/can_impersonate"]),
        (json!({"ip_allowlist": ["203.0.114.1"]}), vec!["/ip_allowlist"]),
        (json!({"rate_limit": null}), vec!["/rate_limit"]),
        (json!({"expires_at": null}), vec!["/expires_at"]),
        (json!({"ip_allowlist": [], "rate_limit": {"limit": 101, "window_seconds": 60}}), vec!["/ip_allowlist", "/rate_limit"]),
    ] {
        let mut body = within.clone();
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        assert_beyond(&call("POST", "/keys", &body), &pointers);
        body["hash"] = json!(format!("sha256:{}", latchkey::token::digest::Digest::of(&body.to_string()).hex()));
        body["prefix"] = json!("old_");
        let imported = call("POST", "/keys/import", &json!({"keys": [body]})).value();
        assert_eq!(imported["results"][0]["error"]["code"], "FORBIDDEN", "{imported}");
    }
    assert_beyond(&call("POST", "/playground-keys", &json!({})), &["/permissions/0", "/ip_allowlist"]);
    assert_eq!(org.audit().len(), 3, "the organization, the key, and the one key that it made");
}

#[test]
fn it_never_widens_itself_nor_learns_a_mightier_secret() {
    let org = managed();
    let manager = manager(&org);
    let mighty = org.key(json!({"permissions": ["leads:delete", "api_keys:write"], "can_impersonate": true}));
    let own = format!("/keys/{}", manager.id);
    for (patch, pointer) in [
        (json!({"permissions": ["leads:read", "api_keys:read", "api_keys:write", "leads:delete"]}), "/permissions/3"),
        (json!({"can_impersonate": true}), "/can_impersonate"),
        (json!({"rate_limit": {"limit": 1001, "window_seconds": 60}}), "/rate_limit"),
    ] {
        assert_beyond(&with(&org, &manager, "PATCH", &own, Some(patch)), &[pointer]);
    }
    let other = format!("/keys/{}", mighty.id);
    let beyond = ["/permissions/0", "/can_impersonate"];
    assert_beyond(&with(&org, &manager, "POST", &format!("{other}/rotate"), Some(json!({"overlap_seconds": 0}))), &beyond);
    assert_eq!(with(&org, &manager, "PATCH", &other, Some(json!({"permissions": ["leads:delete"]}))).status, 200, "it may narrow it");
    assert_eq!(with(&org, &manager, "POST", &format!("{other}/revoke"), None).status, 200, "and end it");
    assert_beyond(&with(&org, &manager, "POST", &format!("{other}/reactivate"), None), &beyond);
    let renewed = with(&org, &manager, "POST", &format!("{own}/rotate"), Some(json!({"overlap_seconds": 0})));
    assert_eq!(renewed.status, 200, "its own secret is no more than it has");
}

/// Each part may lie within the own key's and the whole be more than either has: deleting leads, and that from anywhere.
#[test]
fn it_widens_no_key_that_has_more_than_it_in_any_way() {
    let org = managed();
    let manager = manager(&org);
    let mighty = org.key(json!({
        "permissions": ["leads:delete"], "ip_allowlist": ["203.0.113.9"], "expires_at": "2098-12-31T00:00:00Z",
        "rate_limit": {"limit": 10, "window_seconds": 60},
    }));
    let path = format!("/keys/{}", mighty.id);
    for wider in [
        json!({"ip_allowlist": []}),
        json!({"ip_allowlist": ["203.0.113.0/24"]}),
        json!({"expires_at": null}),
        json!({"expires_at": "2098-12-31T00:00:01Z"}),
        json!({"rate_limit": {"limit": 11, "window_seconds": 60}}),
        json!({"permissions": ["leads:delete", "leads:read"]}),
    ] {
        assert_beyond(&with(&org, &manager, "PATCH", &path, Some(wider)), &["/permissions/0"]);
    }
    // Without what it has more, it may have all that the own key has.
    let within = json!({"permissions": ["leads:read"], "ip_allowlist": [], "expires_at": null});
    assert_eq!(with(&org, &manager, "PATCH", &path, Some(within)).status, 200);
}

#[test]
fn it_brings_no_mightier_key_back_by_giving_it_time() {
    let org = managed();
    let manager = manager(&org);
    let soon = given::now().plus_ms(1_500);
    let mighty = org.key(json!({"permissions": ["leads:delete"], "expires_at": soon.to_string()}));
    while given::now() <= soon {
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(given::code(org.edge, &mighty.secret), "EXPIRED");
    let more_time = json!({"expires_at": "2098-12-31T00:00:00Z"});
    assert_beyond(&with(&org, &manager, "PATCH", &format!("/keys/{}", mighty.id), Some(more_time)), &["/permissions/0"]);
    assert_eq!(given::code(org.edge, &mighty.secret), "EXPIRED");
}

/// It was let in before; what it asks is done after. Whoever has a stolen key and never stops asking would otherwise undo
/// each revocation, and take over each rotation.
#[test]
fn what_it_asks_of_itself_is_not_done_to_what_others_made_of_it_meanwhile() {
    let fleet = Fleet::start(Options { edges: 2, ..Options::default() });
    let [slow, quick] = &fleet.edges[..] else { panic!("two edges") };
    let org = Org { edge: quick, id: managed_by(quick).id };
    for (asked, body, done) in [("reactivate", None, "revoke"), ("rotate", Some(json!({"overlap_seconds": 0})), "rotate")] {
        let own = manager(&org);
        let path = |step: &str| org.path(&format!("/keys/{}/{step}", own.id));
        assert_eq!(slow.bearer(&own.secret, "GET", &org.path("/keys"), None).status, 200);
        slow.faults(&json!({"db": {"delay_ms": 700}}));
        let (its, others) = thread::scope(|scope| {
            let its = scope.spawn(|| slow.bearer(&own.secret, "POST", &path(asked), body.as_ref()));
            thread::sleep(Duration::from_millis(300));
            let others =
                quick.operator("POST", &path(done), Some(&if done == "rotate" { json!({"overlap_seconds": 0}) } else { json!({}) }));
            (its.join().unwrap(), others)
        });
        slow.faults(&json!({}));
        assert_eq!((others.status, its.status, &its.value()["code"]), (200, 409, &json!("CONFLICT")), "{asked}: {}", its.text());
        assert_eq!(org.read(&own).value()["version"], 2, "{asked}");
        assert_eq!(slow.bearer(&own.secret, "GET", &org.path("/keys"), None).status, 401, "{asked}");
    }
}

#[test]
fn where_the_catalog_does_not_offer_it_no_key_manages() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    assert_eq!(with(&org, &key, "GET", "/keys", None).status, 403);
    // Nor any longer where it was taken out of the catalog.
    let org = managed();
    let manager = manager(&org);
    assert_eq!(with(&org, &manager, "GET", "/keys", None).status, 200);
    let patch = json!({"policy": {"resources": [{"name": "leads", "actions": ["read", "delete"]}]}});
    assert_eq!(org.edge.operator("PATCH", &org.path(""), Some(&patch)).status, 200);
    assert_eq!(with(&org, &manager, "GET", "/keys", None).status, 403);
}

#[test]
fn another_organization_is_not_there() {
    let (own, other) = (managed(), managed());
    let (manager, stranger) = (manager(&own), manager(&other));
    let strip = |answer: Response| {
        let mut body = answer.value();
        body.as_object_mut().unwrap().remove("request_id");
        (answer.status, body)
    };
    for (method, rest, body) in [
        ("GET", "/keys".to_owned(), None),
        ("GET", format!("/keys/{}", stranger.id), None),
        ("POST", "/keys".to_owned(), Some(json!({"name": "B"}))),
        ("POST", format!("/keys/{}/revoke", stranger.id), None),
        ("GET", "/audit".to_owned(), None),
        ("PATCH", String::new(), Some(json!({"name": "Mine"}))),
    ] {
        let nowhere = Org { edge: own.edge, id: "org_01q9gd6e000w3ge1r70w3ge1r7".to_owned() };
        let foreign = strip(with(&other, &manager, method, &rest, body.clone()));
        assert_eq!(foreign.0, 404, "{method} {rest}");
        assert_eq!(foreign, strip(with(&nowhere, &manager, method, &rest, body)), "{method} {rest}");
    }
    let mine = with(&own, &manager, "GET", &format!("/keys/{}", stranger.id), None);
    assert_eq!(mine.status, 404, "a key of another organization under one's own");
}

#[test]
fn it_renews_its_own_secret_also_when_a_permission_of_it_left_the_catalog() {
    let org = managed();
    let manager = manager(&org);
    let fewer = json!({"policy": {"resources": [{"name": "api_keys", "actions": ["read", "write"]}], "playground": null}});
    assert_eq!(org.edge.operator("PATCH", &org.path(""), Some(&fewer)).status, 200);
    let renewed = with(&org, &manager, "POST", &format!("/keys/{}/rotate", manager.id), Some(json!({"overlap_seconds": 0})));
    assert_eq!(renewed.status, 200, "{}", renewed.text());
}
