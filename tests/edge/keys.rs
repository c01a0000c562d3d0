use crate::{given, runtime::shared};
use latchkey::token::format::Key;
use serde_json::{Value, json};

#[test]
fn a_key_takes_the_policys_defaults() {
    let org = given::org(shared().edge(), json!({"default_rate_limit": {"limit": 7, "window_seconds": 10}}));
    let made = org.create(&json!({"name": "  Zapier production "}));
    let body = made.value();
    let key = &body["key"];
    assert_eq!(made.status, 201);
    assert_eq!(made.header("location").unwrap(), org.path(&format!("/keys/{}", given::text(&key["id"]))));
    assert_eq!(made.header("etag"), Some("\"1\""));
    assert_eq!(made.header("cache-control"), Some("no-store"));
    for (field, expected) in [
        ("org_id", json!(org.id)),
        ("name", json!("Zapier production")),
        ("kind", json!("standard")),
        ("permissions", json!([])),
        ("can_impersonate", json!(false)),
        ("rate_limit", json!({"limit": 7, "window_seconds": 10})),
        ("ip_allowlist", json!([])),
        ("expires_at", Value::Null),
        ("status", json!("active")),
        ("metadata", json!({})),
        ("consistency", json!("leased")),
        ("version", json!(1)),
        ("revoked_at", Value::Null),
        ("revoked_by", Value::Null),
        ("revocation_reason", Value::Null),
        ("last_used_at", Value::Null),
        ("created_by", json!({"type": "operator", "id": "operator", "name": "Operator"})),
    ] {
        assert_eq!(key[field], expected, "{field}");
    }
    assert_eq!(key["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(key["secrets"][0]["prefix"], key["prefix"]);
}

#[test]
fn the_secret_has_the_documented_shape_and_is_seen_once() {
    let org = given::org(shared().edge(), json!({"key_prefix": "rak_live"}));
    let key = org.key(json!({}));
    let parsed = Key::parse(&key.secret).expect("a well-formed key");
    assert!(key.secret.starts_with("rak_live_"));
    assert_eq!(key.record["prefix"], parsed.display_prefix());
    let random_part = &key.secret[key.secret.len() - 32..];
    for answer in [org.read(&key), org.edge.operator("GET", &org.path("/keys"), None), org.edge.operator("GET", &org.path("/audit"), None)]
    {
        assert_eq!(answer.status, 200);
        assert!(!answer.text().contains(random_part) && !answer.text().contains(&parsed.digest().hex()));
    }
}

#[test]
fn everything_that_a_creation_may_ask_for_is_kept() {
    let org = given::org(shared().edge(), json!({"impersonation": true}));
    let wanted = json!({
        "name": "ключ <b>\"x\"</b> \u{202e}abc", "permissions": ["leads:read", "leads:delete"], "rate_limit": null,
        "ip_allowlist": ["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"], "expires_at": "2999-01-01T02:00:00+02:00",
        "can_impersonate": true, "metadata": {"z": 1, "a": {"nested": [true, null]}}, "consistency": "strict"
    });
    let key = org.key(wanted.clone());
    let read = org.read(&key);
    assert_eq!(read.value(), key.record, "what was answered is what was stored");
    for field in ["name", "permissions", "rate_limit", "ip_allowlist", "can_impersonate", "metadata", "consistency"] {
        assert_eq!(key.record[field], wanted[field], "{field}");
    }
    assert_eq!(key.record["expires_at"], "2999-01-01T00:00:00.000Z");
}

#[test]
fn what_the_policy_rules_out_is_refused_at_its_place() {
    let org = given::org(
        shared().edge(),
        json!({
            "require_permission": true, "max_rate_limit": {"limit": 60, "window_seconds": 60}, "max_lifetime_seconds": 3600
        }),
    );
    let refused = org.create(&json!({"name": "a", "permissions": [], "rate_limit": null}));
    let pointers: Vec<String> = refused.value()["errors"].as_array().unwrap().iter().map(|error| given::text(&error["pointer"])).collect();
    assert_eq!((refused.status, pointers), (422, vec!["/permissions".into(), "/rate_limit".into(), "/expires_at".into()]));
    let forbidden = org.create(&json!({"name": "a", "permissions": ["leads:read"], "expires_at": given::now().plus_ms(1_800_000).to_string(), "can_impersonate": true}));
    assert_eq!((forbidden.status, given::text(&forbidden.value()["code"])), (403, "POLICY_FORBIDS".into()));
}

#[test]
fn an_organization_without_its_required_feature_can_neither_manage_nor_use_keys() {
    let edge = shared().edge();
    let body = |on: bool| json!({"name": "A", "features": {"developer_api": on}, "policy": given::policy(json!({"requires_feature": "developer_api"}))});
    let off = given::org_with(edge, body(false));
    let refused = off.create(&json!({"name": "a"}));
    assert_eq!((refused.status, given::text(&refused.value()["code"])), (403, "FEATURE_DISABLED".into()));
    let on = given::org_with(edge, body(true));
    assert_eq!(given::code(edge, &on.key(json!({})).secret), "VALID");
}

#[test]
fn a_key_of_another_organization_is_as_unknown_as_one_that_never_was() {
    let edge = shared().edge();
    let (mine, yours) = (given::org(edge, json!({})), given::org(edge, json!({})));
    let key = yours.key(json!({}));
    let never = "key_01m7ydpb88sa68m392maaxpmtq";
    for (method, suffix) in [("GET", ""), ("POST", "/revoke")] {
        let answer = |id: &str| {
            let answer = edge.operator(method, &mine.path(&format!("/keys/{id}{suffix}")), None);
            let mut body = answer.value();
            body["request_id"] = Value::Null;
            (answer.status, body)
        };
        assert_eq!(answer(&key.id), answer(never));
        assert_eq!(answer(never).0, 404);
    }
    assert_eq!(given::code(edge, &key.secret), "VALID");
}

#[test]
fn every_creation_leaves_one_audit_entry_with_its_origin() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({"name": "Audited"}));
    let audit = org.audit();
    let actions: Vec<&str> = audit.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["key.created", "org.created"]);
    assert_eq!(audit[0]["target"], json!({"type": "key", "id": key.id, "name": "Audited", "prefix": key.record["prefix"]}));
    assert_eq!(audit[0]["actor"]["type"], "operator");
    assert!(given::text(&audit[0]["request_id"]).starts_with("req_"));
}
