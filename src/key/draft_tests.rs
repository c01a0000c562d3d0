use super::*;
use crate::testing::fixtures;
use serde_json::json;

const NOW: Timestamp = fixtures::NOW;

fn read(body: Value) -> Result<KeyDraft, Vec<Fault>> {
    KeyDraft::read(&body, &fixtures::policy(json!({})), NOW)
}

fn pointers(body: Value, policy: Value) -> Vec<String> {
    let faults = KeyDraft::read(&body, &fixtures::policy(policy), NOW).err().unwrap_or_default();
    faults.into_iter().map(|fault| fault.pointer).collect()
}

#[test]
fn a_name_is_enough_and_the_policy_fills_in_the_rest() {
    let draft = read(json!({"name": " Zapier "})).unwrap();
    assert_eq!(draft.name, "Zapier");
    assert_eq!(draft.permissions, []);
    assert_eq!(draft.rate_limit, Some(RateLimit { limit: 60, window_seconds: 60 }));
    assert_eq!((draft.expires_at, draft.can_impersonate, draft.consistency), (None, false, Consistency::Leased));
}

#[test]
fn an_explicit_null_rate_is_no_limit_where_there_is_no_maximum() {
    assert_eq!(read(json!({"name": "a", "rate_limit": null})).unwrap().rate_limit, None);
    let capped = json!({"max_rate_limit": {"limit": 100, "window_seconds": 60}});
    assert_eq!(pointers(json!({"name": "a", "rate_limit": null}), capped.clone()), ["/rate_limit"]);
    assert_eq!(pointers(json!({"name": "a", "rate_limit": {"limit": 101, "window_seconds": 60}}), capped.clone()), ["/rate_limit"]);
    assert_eq!(pointers(json!({"name": "a", "rate_limit": {"limit": 100, "window_seconds": 60}}), capped), [""; 0]);
}

#[test]
fn every_bad_field_is_named_at_once() {
    let body = json!({
        "name": "", "permissions": ["leads:read", "leads:fly"], "rate_limit": {"limit": 1},
        "ip_allowlist": ["203.0.113.9/24", "10.0.0.0/8"], "expires_at": "yesterday", "can_impersonate": "yes",
        "metadata": [], "consistency": "weak", "scopes": []
    });
    let expected = [
        "/name",
        "/permissions/1",
        "/rate_limit/window_seconds",
        "/ip_allowlist/0",
        "/expires_at",
        "/can_impersonate",
        "/metadata",
        "/consistency",
        "/scopes",
    ];
    assert_eq!(pointers(body, json!({})), expected);
}

#[test]
fn an_expiry_must_lie_in_the_future_and_within_the_longest_life() {
    let with = |expires_at: &str| json!({"name": "a", "expires_at": expires_at});
    assert_eq!(pointers(with(&NOW.to_string()), json!({})), ["/expires_at"]);
    assert_eq!(pointers(with(&NOW.plus_ms(1).to_string()), json!({})), [""; 0]);
    let day = json!({"max_lifetime_seconds": 86400});
    assert_eq!(pointers(with(&NOW.plus_ms(86_400_001).to_string()), day.clone()), ["/expires_at"]);
    assert_eq!(pointers(with(&NOW.plus_ms(86_400_000).to_string()), day.clone()), [""; 0]);
    assert_eq!(pointers(json!({"name": "a"}), day), ["/expires_at"]);
}

#[test]
fn a_policy_may_require_a_permission() {
    let strict = json!({"require_permission": true});
    assert_eq!(pointers(json!({"name": "a"}), strict.clone()), ["/permissions"]);
    assert_eq!(pointers(json!({"name": "a", "permissions": []}), strict.clone()), ["/permissions"]);
    assert_eq!(pointers(json!({"name": "a", "permissions": ["leads:read"]}), strict), [""; 0]);
}

#[test]
fn repeated_permissions_and_addresses_count_once() {
    let draft =
        read(json!({"name": "a", "permissions": ["leads:read", "leads:read"], "ip_allowlist": ["10.0.0.1", "10.0.0.1/32"]})).unwrap();
    assert_eq!((draft.permissions.len(), draft.ip_allowlist.len()), (1, 1));
}

#[test]
fn metadata_is_bounded() {
    let metadata = |length: usize| json!({"name": "a", "metadata": {"note": "x".repeat(length)}});
    assert_eq!(pointers(metadata(4000), json!({})), [""; 0]);
    assert_eq!(pointers(metadata(4090), json!({})), ["/metadata"]);
    let nested = |depth: usize| (1..depth).fold(json!({}), |inner, _| json!({ "a": [inner] })["a"].clone());
    assert_eq!(pointers(json!({"name": "a", "metadata": {"a": nested(19)}}), json!({})), [""; 0]);
    assert_eq!(pointers(json!({"name": "a", "metadata": {"a": nested(20)}}), json!({})), ["/metadata"]);
    assert_eq!(pointers(json!({"name": "a", "metadata": {"note": fixtures::credential()}}), json!({})), ["/metadata"]);
}
