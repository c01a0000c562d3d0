//! Keys of backends: made by the operator, good for what they are permitted, with the life of any key.

use crate::{
    client::{Edge, Response},
    given::{self, Key},
    runtime::shared,
};
use serde_json::{Value, json};

pub fn service_key(edge: &Edge, permissions: &[&str], changes: Value) -> Key {
    let mut body = json!({"name": "Backend", "permissions": permissions});
    for (name, value) in changes.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let made = edge.operator("POST", "/v1/service-keys", Some(&body));
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.value();
    Key { id: given::text(&made["key"]["id"]), secret: given::text(&made["secret"]), record: made["key"].clone() }
}

fn with(edge: &Edge, key: &Key, method: &str, path: &str, body: Option<&Value>) -> Response {
    edge.json(method, path, &[("authorization", &format!("Bearer {}", key.secret))], body)
}

fn code(answer: &Response) -> (u16, String) {
    (answer.status, given::text(&answer.value()["code"]))
}

#[test]
fn a_service_key_is_a_key_of_the_reserved_organization() {
    let edge = shared().edge();
    let key = service_key(edge, &["verify"], json!({}));
    assert!(key.secret.starts_with("lks_"), "{}", key.record["prefix"]);
    assert_eq!((&key.record["org_id"], &key.record["rate_limit"]), (&json!("org_system"), &Value::Null));
    let made = edge.operator("POST", "/v1/service-keys", Some(&json!({"name": "B", "permissions": ["keys:read"]})));
    let id = given::text(&made.value()["key"]["id"]);
    assert_eq!(made.header("location"), Some(format!("/v1/orgs/org_system/keys/{id}").as_str()));
    for (body, pointer) in [
        (json!({"name": "B", "permissions": ["leads:read"]}), "/permissions/0"),
        (json!({"name": "B", "permissions": ["verify:verify"]}), "/permissions/0"),
        (json!({"name": "B"}), "/permissions"),
    ] {
        let refused = edge.operator("POST", "/v1/service-keys", Some(&body));
        assert_eq!((refused.status, &refused.value()["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}");
    }
}

#[test]
fn it_lives_and_ends_like_any_key() {
    let edge = shared().edge();
    let key = service_key(edge, &["verify"], json!({}));
    let customer = given::org(edge, json!({})).key(json!({}));
    let ask = |secret: &str| {
        let headers = [("authorization", format!("Bearer {secret}"))];
        edge.json("POST", "/v1/verify", &[(headers[0].0, &headers[0].1)], Some(&json!({"key": customer.secret})))
    };
    assert_eq!((ask(&key.secret).status, &ask(&key.secret).value()["valid"]), (200, &json!(true)));
    let path = format!("/v1/orgs/org_system/keys/{}", key.id);
    let rotated = edge.operator("POST", &format!("{path}/rotate"), Some(&json!({"overlap_seconds": 60})));
    let next = given::text(&rotated.value()["secret"]);
    assert_eq!((ask(&key.secret).status, ask(&next).status), (200, 200), "both work in the overlap");
    assert_eq!(edge.operator("POST", &format!("{path}/rotation/complete"), None).status, 200);
    assert_eq!((code(&ask(&key.secret)), ask(&next).status), ((401, "INVALID_TOKEN".into()), 200));
    let elsewhere = edge.operator("PATCH", &path, Some(&json!({"ip_allowlist": ["198.51.100.7"]})));
    assert_eq!(elsewhere.status, 200, "{}", elsewhere.text());
    assert_eq!(code(&ask(&next)), (403, "FORBIDDEN".into()));
    let bearer = format!("Bearer {next}");
    let from_there = edge.json(
        "POST",
        "/v1/verify",
        &[("authorization", &bearer), ("cf-connecting-ip", "198.51.100.7")],
        Some(&json!({"key": customer.secret})),
    );
    assert_eq!(from_there.status, 200);
    assert_eq!(edge.operator("POST", &format!("{path}/revoke"), None).status, 200);
    assert_eq!(code(&ask(&next)), (401, "INVALID_TOKEN".into()));
    assert_eq!(edge.operator("DELETE", &path, None).status, 204);
    assert_eq!(code(&ask(&next)), (401, "INVALID_TOKEN".into()));
}

#[test]
fn a_limited_service_key_is_told_when_to_come_back() {
    let edge = shared().edge();
    let key = service_key(edge, &["verify"], json!({"rate_limit": {"limit": 1, "window_seconds": 3600}}));
    let ask = || with(edge, &key, "POST", "/v1/verify", Some(&json!({"key": "x"})));
    assert_eq!((ask().status, ask().status), (200, 429));
    let limited = ask();
    assert_eq!(limited.value()["code"], "RATE_LIMITED");
    assert!(limited.header("retry-after").is_some_and(|text| text.parse::<u32>().is_ok_and(|seconds| seconds > 0)));
    assert_eq!(limited.header("ratelimit-policy"), Some("\"key\";q=1;w=3600"));
}

#[test]
fn what_it_does_is_recorded_under_its_name() {
    let edge = shared().edge();
    let key = service_key(edge, &["keys:write"], json!({"name": "Billing"}));
    let org = given::org(edge, json!({"deletion": true}));
    let made = with(edge, &key, "POST", &org.path("/keys"), Some(&json!({"name": "For a customer"})));
    assert_eq!(made.status, 201, "{}", made.text());
    let actor = json!({"type": "service", "id": key.id, "name": "Billing"});
    assert_eq!(made.value()["key"]["created_by"], actor);
    assert_eq!(org.audit()[0]["actor"], actor);
    let refused = with(edge, &key, "GET", &org.path("/keys"), None);
    assert_eq!(code(&refused), (403, "FORBIDDEN".into()), "write does not include read");
    assert!(refused.header("www-authenticate").unwrap().contains("error=\"insufficient_scope\", scope=\"keys:read\""));
}

#[test]
fn no_service_key_makes_or_sees_another() {
    let edge = shared().edge();
    let all = ["verify", "forward_auth", "portal:create", "orgs:read", "orgs:write", "keys:read", "keys:write", "audit:read", "usage:read"];
    let mighty = service_key(edge, &all, json!({}));
    let own = format!("/v1/orgs/org_system/keys/{}", mighty.id);
    for (method, path, body) in [
        ("POST", "/v1/service-keys", Some(json!({"name": "B", "permissions": ["verify"]}))),
        ("POST", "/v1/orgs/org_system/keys", Some(json!({"name": "B", "permissions": ["verify"]}))),
        ("GET", "/v1/orgs/org_system/keys", None),
        ("GET", "/v1/orgs/org_system", None),
        ("GET", "/v1/orgs/org_system/audit", None),
        ("PATCH", "/v1/orgs/org_system", Some(json!({"name": "Mine"}))),
        ("GET", own.as_str(), None),
        ("POST", &format!("{own}/rotate"), Some(json!({"overlap_seconds": 0}))),
        ("POST", &format!("{own}/revoke"), None),
    ] {
        assert_eq!(code(&with(edge, &mighty, method, path, body.as_ref())), (403, "FORBIDDEN".into()), "{method} {path}");
    }
    assert_eq!(with(edge, &mighty, "GET", "/v1/orgs", None).status, 200, "it is good for what it is permitted");
}

#[test]
fn the_reserved_organization_is_nobodys_to_change_and_in_no_list() {
    let edge = shared().edge();
    let refused = edge.operator("PATCH", "/v1/orgs/org_system", Some(&json!({"policy": {"editing": false}})));
    assert_eq!(code(&refused), (403, "POLICY_FORBIDS".into()));
    let catalog = edge.operator("GET", "/v1/orgs/org_system/permissions", None).value();
    assert_eq!(catalog["permissions"][0], "verify");
    let mut path = "/v1/orgs?limit=100".to_owned();
    loop {
        let page = edge.operator("GET", &path, None).value();
        assert!(page["items"].as_array().unwrap().iter().all(|org| org["id"] != "org_system"));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/orgs?limit=100&cursor={cursor}");
    }
}

#[test]
fn forwarded_addresses_count_only_from_a_proxy_that_proves_itself() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({"ip_allowlist": ["203.0.113.0/24"]}));
    let proxy = service_key(edge, &["forward_auth"], json!({}));
    let other = service_key(edge, &["verify"], json!({}));
    let ended = service_key(edge, &["forward_auth"], json!({}));
    assert_eq!(edge.operator("POST", &format!("/v1/orgs/org_system/keys/{}/revoke", ended.id), None).status, 200);
    // Who brings the key of an organization that is switched off has proven as little.
    let off = given::org(edge, json!({}));
    let disabled = off.key(json!({}));
    let switch = json!({"policy": {"requires_feature": "developer_api"}});
    assert_eq!(edge.operator("PATCH", &off.path(""), Some(&switch)).status, 200);
    let bearer = format!("Bearer {}", key.secret);
    let good = ("latchkey-service", proxy.secret.as_str());
    let inside = "203.0.113.9";
    for (headers, status) in [
        (vec![("x-real-ip", inside)], 403),
        (vec![("x-forwarded-for", inside)], 403),
        (vec![("x-real-ip", inside), ("latchkey-service", "nonsense")], 403),
        (vec![("x-real-ip", inside), ("latchkey-service", other.secret.as_str())], 403),
        (vec![("x-real-ip", inside), ("latchkey-service", ended.secret.as_str())], 403),
        (vec![("x-real-ip", inside), ("latchkey-service", key.secret.as_str())], 403),
        (vec![("x-real-ip", inside), ("latchkey-service", disabled.secret.as_str())], 403),
        (vec![("cf-connecting-ip", inside), ("latchkey-service", disabled.secret.as_str())], 200),
        (vec![("x-real-ip", inside), good], 200),
        (vec![("x-forwarded-for", inside), good], 200),
        (vec![("x-forwarded-for", "198.51.100.1, 203.0.113.9"), good], 200),
        (vec![("x-forwarded-for", "203.0.113.9, 198.51.100.1"), good], 403),
        (vec![("x-forwarded-for", inside), ("x-real-ip", "198.51.100.1"), good], 403),
        (vec![("x-real-ip", "::ffff:203.0.113.9"), good], 200),
        (vec![("x-real-ip", "nonsense"), ("cf-connecting-ip", inside), good], 403),
        (vec![("cf-connecting-ip", "198.51.100.1"), ("x-real-ip", inside), good], 200),
        (vec![("cf-connecting-ip", inside), ("latchkey-service", "nonsense")], 200),
        (vec![good], 403),
        // Latchkey's own field comes before those that others write too.
        (vec![("latchkey-client-ip", inside)], 403),
        (vec![("latchkey-client-ip", inside), ("x-real-ip", "198.51.100.1"), ("x-forwarded-for", "198.51.100.1"), good], 200),
        (vec![("latchkey-client-ip", "nonsense"), ("x-real-ip", inside), good], 403),
        // The platform wrote this one over the proxy's: it says no more than who connected.
        (vec![("cf-connecting-ip", "198.51.100.1"), ("x-real-ip", "198.51.100.1"), ("x-forwarded-for", inside), good], 200),
        (vec![("cf-connecting-ip", inside), ("x-real-ip", inside), good], 200),
    ] {
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(&headers);
        let answer = edge.send("GET", "/v1/auth", &all, None);
        assert_eq!(answer.status, status, "{headers:?}");
        if status == 403 {
            assert_eq!(answer.value()["code"], "IP_NOT_ALLOWED", "{headers:?}");
        }
    }
}
