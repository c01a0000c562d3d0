//! Voice agents: every key is granted something, and nothing by implication.

use serde_json::{Value, json};

use crate::{
    given,
    story::{Customer, Role, assert_bad_field, edge, made, opens, refusal, wait_until_expired},
};

#[test]
fn voice_agents_grant_each_key_something_and_nothing_unsaid() {
    let customer = Customer::open("Voice agents", "voice-agents", json!({}));
    a_key_must_be_granted_something(&customer);
    every_resource_is_read_or_written_and_analytics_only_read(&customer);
    write_never_includes_read(&customer);
    keys_are_neither_edited_nor_deleted(&customer);
    ended_keys_are_listed_under_revoked_and_expired(&customer);
    customer.revokes_for_good(&customer.roomy_key("Leaked", &["calls:read"]));
    any_member_with_access_manages_keys(&customer);
    access_that_ends_is_over_at_once_and_the_key_stays(&customer);
    customer.offers_no_impersonation();
    customer.offers_no_playground();
}

fn a_key_must_be_granted_something(customer: &Customer) {
    assert_bad_field(&customer.org.create(&json!({"name": "Nothing said"})), "/permissions");
    assert_bad_field(&customer.org.create(&json!({"name": "Nothing granted", "permissions": []})), "/permissions");
    assert!(customer.list("").is_empty(), "no key came of it");
    let key = customer.roomy_key("Receptionist", &["agents:read"]);
    assert!(key.secret.starts_with("voice_"));
    let row = customer.row(&key);
    assert_eq!((&row["name"], &row["permissions"]), (&json!("Receptionist"), &json!(["agents:read"])));
    assert_eq!((&row["expires_at"], &row["ip_allowlist"], &row["last_used_at"]), (&Value::Null, &json!([]), &Value::Null));
    assert!(!row.to_string().contains(&key.secret), "the secret was shown once");
    assert_eq!(given::code(edge(), &key.secret), "VALID");
}

fn every_resource_is_read_or_written_and_analytics_only_read(customer: &Customer) {
    let catalog = customer.call("GET", "/permissions", None).value();
    let resources = catalog["resources"].as_array().unwrap();
    assert_eq!(resources.len(), 7);
    for resource in resources {
        let expected = if resource["name"] == "analytics" { json!(["read"]) } else { json!(["read", "write"]) };
        assert_eq!(resource["actions"], expected, "{}", resource["name"]);
    }
    let analytics = json!({"name": "Forger", "permissions": ["analytics:read", "analytics:write"]});
    assert_bad_field(&customer.org.create(&analytics), "/permissions/1");
    let dashboard = customer.roomy_key("Dashboard", &["analytics:read"]);
    assert_eq!(opens(&dashboard, &customer.permissions()), ["analytics:read"]);
    assert_eq!(given::ask(edge(), &dashboard.secret, json!({"permissions": "analytics:write"}))["code"], "INSUFFICIENT_PERMISSIONS");
}

fn write_never_includes_read(customer: &Customer) {
    let all = customer.permissions();
    let writes: Vec<&str> = all.iter().map(String::as_str).filter(|permission| permission.ends_with(":write")).collect();
    assert_eq!(writes.len(), 6);
    assert_eq!(opens(&customer.roomy_key("Importer", &writes), &all), writes);
    let (dialer, both) = (customer.roomy_key("Dialer", &["calls:write"]), json!({"permissions": ["calls:write", "calls:read"]}));
    let lacking = given::ask(edge(), &dialer.secret, both);
    assert_eq!((&lacking["code"], &lacking["missing"]), (&json!("INSUFFICIENT_PERMISSIONS"), &json!(["calls:read"])));
}

fn keys_are_neither_edited_nor_deleted(customer: &Customer) {
    let key = customer.roomy_key("Fixed", &["agents:read"]);
    for edit in [json!({"name": "Renamed"}), json!({"permissions": ["agents:write"]}), json!({"expires_at": null})] {
        customer.policy_forbids("PATCH", &key, Some(edit));
    }
    customer.policy_forbids("DELETE", &key, None);
}

fn ended_keys_are_listed_under_revoked_and_expired(customer: &Customer) {
    let running = customer.roomy_key("Running", &["calls:read"]);
    let revoked = customer.roomy_key("Campaign of spring", &["campaigns:read"]);
    let expires_at = given::now().plus_ms(2_500).to_string();
    let trial = customer.key(json!({
        "name": "Trial", "permissions": ["agents:read"], "expires_at": expires_at, "rate_limit": {"limit": 500, "window_seconds": 60}
    }));
    assert_eq!((&trial.record["expires_at"], given::code(edge(), &trial.secret)), (&json!(expires_at), "VALID".into()));
    customer.done("POST", &revoked, "/revoke", None);
    wait_until_expired(&trial);
    assert_eq!(customer.listed("?status=revoked,expired"), [trial.id.as_str(), revoked.id.as_str()], "newest first");
    assert_eq!(customer.listed("?status=revoked&status=expired&sort=name"), [revoked.id.as_str(), trial.id.as_str()]);
    assert_eq!(customer.listed("?status=revoked"), [revoked.id.as_str()]);
    assert_eq!(customer.listed("?status=expired"), [trial.id.as_str()]);
    let active = customer.listed("?status=active&limit=100");
    assert!(active.contains(&running.id) && !active.contains(&revoked.id) && !active.contains(&trial.id));
    assert_eq!(customer.listed("?q=campaign+of"), [revoked.id.as_str()], "ended keys are found as well");
}

fn any_member_with_access_manages_keys(customer: &Customer) {
    customer.has_roles(&[
        Role { name: "owner", manages: true, reads: &["keys:read", "audit:read"] },
        Role { name: "member", manages: true, reads: &["keys:read", "audit:read"] },
    ]);
    customer.lets_nobody_in_as("guest");
}

fn access_that_ends_is_over_at_once_and_the_key_stays(customer: &Customer) {
    let (leaving, staying) = (customer.member("Leo", "member"), customer.member("Sam", "member"));
    let key = made(&leaving.create("Leo's"));
    let (before, log) = (customer.org.read(&key).value(), customer.history(&key));
    let ended = customer.call("DELETE", &format!("/portal-sessions/{}", leaving.session), None);
    assert_eq!(ended.status, 204, "{}", ended.text());
    let revoke = format!("/keys/{}/revoke", key.id);
    for (method, path) in [("GET", "/keys"), ("POST", revoke.as_str())] {
        assert_eq!(refusal(&leaving.call(method, path, None)), (401, "INVALID_TOKEN".into()), "{method} {path}");
    }
    assert_eq!(refusal(&leaving.create("One more")), (401, "INVALID_TOKEN".into()));
    assert_eq!((customer.org.read(&key).value(), customer.history(&key)), (before, log), "a key is the customer's, not its maker's");
    let revoked = staying.call("POST", &revoke, None);
    assert_eq!((revoked.status, &revoked.value()["revoked_by"]), (200, &staying.actor), "any member may end it");
    assert_eq!(customer.row(&key)["created_by"], leaving.actor);
}
