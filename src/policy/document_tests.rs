use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(value: &Value) -> Result<Policy, Vec<crate::base::document::Fault>> {
    let mut faults = Faults::default();
    let policy = Policy::read(&Field::new(value, "/policy"), &mut faults);
    faults.conclude(policy)
}

#[test]
fn an_empty_policy_is_the_default_of_the_contract() {
    let written = serde_json::to_value(read(&json!({})).unwrap()).unwrap();
    assert_eq!(
        written,
        json!({
            "key_prefix": "sk", "resources": [], "require_permission": false, "revocation": "permanent",
            "expiry_editable": false, "deletion": false, "editing": true, "impersonation": false,
            "default_rate_limit": {"limit": 60, "window_seconds": 60}, "max_rate_limit": null, "org_rate_limit": null,
            "max_lifetime_seconds": null,
            "consistency": {"mode": "leased", "lease_ms": 2000, "on_guard_failure": "deny"},
            "roles": {
                "owner": ["*"], "admin": ["keys:*", "audit:read", "usage:read", "playground:use"],
                "developer": ["keys:*", "usage:read", "playground:use"], "member": ["keys:read"]
            },
            "requires_feature": null,
            "method_actions": {"GET": "read", "HEAD": "read", "POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"},
            "routes": [],
            "playground": {
                "enabled": false, "name": "Docs playground (temp)", "permissions": [], "ttl_seconds": 3600,
                "max_active_per_member": 5, "allowed_origins": []
            }
        })
    );
}

#[test]
fn a_written_policy_reads_back_as_itself() {
    let policy = read(&json!({
        "key_prefix": "rak_live",
        "resources": [{"name": "leads", "title": "Leads", "description": "Lead records", "actions": ["read", "create"]}],
        "routes": [{"path": "/v1/leads/*", "resource": "leads"}, {"path": "/*", "resource": "leads"}],
        "playground": {"enabled": true, "permissions": ["leads:read"], "allowed_origins": ["https://docs.example.com"]},
        "default_rate_limit": null, "requires_feature": "developer_api", "max_lifetime_seconds": 86400
    }))
    .unwrap();
    let written = serde_json::to_value(&policy).unwrap();
    assert_eq!(read(&written), Ok(policy.clone()));
    assert_eq!(serde_json::from_value::<Policy>(written).unwrap(), policy);
}

#[test]
fn every_fault_is_named_at_its_place() {
    for (policy, pointer) in [
        (json!({"color": "red"}), "/policy/color"),
        (json!({"key_prefix": "SK"}), "/policy/key_prefix"),
        (json!({"resources": [{"name": "a", "actions": []}]}), "/policy/resources/0/actions"),
        (json!({"resources": [{"name": "a", "actions": ["r"]}, {"name": "a", "actions": ["r"]}]}), "/policy/resources/1/name"),
        (json!({"resources": [{"name": "a b", "actions": ["r"]}]}), "/policy/resources/0/name"),
        (json!({"revocation": "maybe"}), "/policy/revocation"),
        (json!({"default_rate_limit": {"limit": 0, "window_seconds": 60}}), "/policy/default_rate_limit/limit"),
        (json!({"max_rate_limit": {"limit": 10, "window_seconds": 60}}), "/policy/default_rate_limit"),
        (json!({"default_rate_limit": null, "max_rate_limit": {"limit": 10, "window_seconds": 60}}), "/policy/default_rate_limit"),
        (json!({"consistency": {"lease_ms": 30001}}), "/policy/consistency/lease_ms"),
        (json!({"consistency": {"mode": "eventual"}}), "/policy/consistency/mode"),
        (json!({"roles": {}}), "/policy/roles"),
        (json!({"routes": [{"path": "/x", "resource": "nope"}]}), "/policy/routes/0/resource"),
        (json!({"resources": [{"name": "a", "actions": ["r"]}], "routes": [{"path": "x", "resource": "a"}]}), "/policy/routes/0/path"),
        (json!({"resources": [{"name": "a", "actions": ["r"]}], "routes": [{"path": "/x*", "resource": "a"}]}), "/policy/routes/0/path"),
        (json!({"playground": {"permissions": ["leads:read"]}}), "/policy/playground/permissions/0"),
        (json!({"playground": {"allowed_origins": ["https://a.b/c"]}}), "/policy/playground/allowed_origins/0"),
        (json!({"playground": {"api_origins": ["https://a.b", "https://a.b:443"]}}), "/policy/playground/api_origins/1"),
        (json!({"method_actions": {"get": "read"}}), "/policy/method_actions/get"),
        (json!([]), "/policy"),
    ] {
        let faults = read(&policy).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), [pointer], "{policy}");
    }
}

proptest! {
    #[test]
    fn no_document_makes_the_reader_panic(name in "[a-z_]{1,20}", text in "\\PC{0,10}", number: i64) {
        for value in [json!(text), json!(number), json!(null), json!([text]), json!({ text.clone(): number })] {
            let _ = read(&json!({ name.clone(): value }));
        }
    }
}
