//! RakerOne: named capabilities, and keys that may act for a user where an admin said so.

use serde_json::{Value, json};

use crate::{
    given,
    story::{Customer, Role, assert_bad_field, door, edge, made, opens, refusal},
};

#[test]
fn automation_records_who_acted_and_through_which_key() {
    let customer = Customer::open("RakerOne", "automation", json!({}));
    capabilities_have_names_and_the_list_shows_them(&customer);
    a_key_needs_no_expiry(&customer);
    a_key_acts_as_itself_unless_it_may_impersonate(&customer);
    an_impersonating_key_acts_for_the_user_that_is_named(&customer);
    keys_are_neither_edited_nor_deleted(&customer);
    customer.revokes_for_good(&customer.roomy_key("Retired bot", &["workflows:run"]));
    a_revoked_key_impersonates_nobody(&customer);
    only_an_admin_manages_keys_or_sees_any(&customer);
    customer.offers_no_playground();
}

fn capabilities_have_names_and_the_list_shows_them(customer: &Customer) {
    let all = customer.permissions();
    for named in ["workflows:run", "runs:cancel", "approvals:decide", "files:download"] {
        assert!(all.iter().any(|permission| permission == named), "{named}");
    }
    let (runner, bare) = (customer.roomy_key("Nightly runner", &["workflows:run", "runs:read"]), customer.key(json!({"name": "Bare"})));
    assert!(runner.secret.starts_with("raker_"));
    let row = customer.row(&runner);
    assert_eq!((&row["name"], &row["permissions"]), (&json!("Nightly runner"), &json!(["workflows:run", "runs:read"])));
    assert_eq!(row["last_used_at"], Value::Null, "Never");
    assert!(!row.to_string().contains(&runner.secret), "the dialog that is closed was the last sight of it");
    assert_eq!(customer.row(&bare)["permissions"], json!([]), "No permissions");
    assert_eq!(opens(&runner, &all), ["workflows:run", "runs:read"], "a capability includes no other");
    assert!(opens(&bare, &all).is_empty());
    assert_eq!(given::code(edge(), &bare.secret), "VALID", "it is a key all the same");
    assert_bad_field(&customer.org.create(&json!({"name": "Unknown", "permissions": ["workflows:delete"]})), "/permissions/0");
}

fn a_key_needs_no_expiry(customer: &Customer) {
    let row = customer.row(&customer.key(json!({"name": "For good"})));
    assert_eq!((&row["expires_at"], &row["ip_allowlist"], &row["status"]), (&Value::Null, &json!([]), &json!("active")));
    assert_eq!(row["rate_limit"], json!({"limit": 60, "window_seconds": 60}));
}

fn a_key_acts_as_itself_unless_it_may_impersonate(customer: &Customer) {
    let key = customer.roomy_key("Invoice bot", &["workflows:run"]);
    assert_eq!(customer.row(&key)["can_impersonate"], false, "off unless somebody switches it on");
    let own = given::ask(edge(), &key.secret, json!({"permissions": "workflows:run"}));
    assert_eq!(own["actor"], json!({"type": "key", "id": key.id, "name": "Invoice bot", "via": null}));
    let posing = given::ask(edge(), &key.secret, json!({"permissions": "workflows:run", "act_as": "user_42"}));
    assert_eq!((&posing["valid"], &posing["code"], &posing["actor"]), (&json!(false), &json!("IMPERSONATION_NOT_ALLOWED"), &Value::Null));
    let own = door(&key, "/v1/auth?permissions=workflows:run", &[]);
    assert_eq!((own.status, own.header("latchkey-actor-type"), own.header("latchkey-actor-id")), (200, Some("key"), Some(key.id.as_str())));
    let posing = door(&key, "/v1/auth", &[("latchkey-act-as", "user_42")]);
    assert_eq!(refusal(&posing), (403, "IMPERSONATION_NOT_ALLOWED".into()));
}

fn an_impersonating_key_acts_for_the_user_that_is_named(customer: &Customer) {
    let made = json!({"name": "Assistant", "permissions": ["workflows:run"], "can_impersonate": true});
    let key = customer.key(made);
    assert_eq!(customer.row(&key)["can_impersonate"], true);
    let acting = given::ask(edge(), &key.secret, json!({"permissions": "workflows:run", "act_as": "user_42"}));
    assert_eq!(acting["code"], "VALID");
    assert_eq!((&acting["actor"]["type"], &acting["actor"]["id"]), (&json!("user"), &json!("user_42")));
    assert_eq!(acting["actor"]["via"], json!({"type": "key", "id": key.id, "name": "Assistant"}), "both names are known");
    let lacking = given::ask(edge(), &key.secret, json!({"permissions": "runs:cancel", "act_as": "user_42"}));
    assert_eq!(lacking["code"], "INSUFFICIENT_PERMISSIONS", "a user's name adds nothing to what the key may do");
    let alone = given::ask(edge(), &key.secret, json!({}));
    assert_eq!((&alone["actor"]["type"], &alone["actor"]["id"]), (&json!("key"), &json!(key.id)), "it may, it need not");

    let acting = door(&key, "/v1/auth?permissions=workflows:run", &[("latchkey-act-as", "user_42")]);
    for (name, value) in [
        ("latchkey-actor-type", "user"),
        ("latchkey-actor-id", "user_42"),
        ("latchkey-key-id", key.id.as_str()),
        ("latchkey-key-name", "Assistant"),
        ("latchkey-org-id", customer.org.id.as_str()),
    ] {
        assert_eq!((acting.status, acting.header(name)), (200, Some(value)), "{name}");
    }
}

fn keys_are_neither_edited_nor_deleted(customer: &Customer) {
    let key = customer.roomy_key("Fixed", &["runs:read"]);
    for edit in [json!({"name": "Renamed"}), json!({"can_impersonate": true}), json!({"permissions": ["runs:cancel"]})] {
        customer.policy_forbids("PATCH", &key, Some(edit));
    }
    customer.policy_forbids("DELETE", &key, None);
    assert_eq!(given::ask(edge(), &key.secret, json!({"act_as": "user_42"}))["code"], "IMPERSONATION_NOT_ALLOWED");
}

fn a_revoked_key_impersonates_nobody(customer: &Customer) {
    let key = customer.key(json!({"name": "Former assistant", "can_impersonate": true}));
    assert_eq!(given::ask(edge(), &key.secret, json!({"act_as": "user_42"}))["code"], "VALID");
    customer.done("POST", &key, "/revoke", None);
    assert_eq!(given::ask(edge(), &key.secret, json!({"act_as": "user_42"}))["code"], "REVOKED");
    let acting = door(&key, "/v1/auth", &[("latchkey-act-as", "user_42")]);
    assert_eq!(refusal(&acting), (401, "REVOKED".into()));
}

fn only_an_admin_manages_keys_or_sees_any(customer: &Customer) {
    customer.has_roles(&[
        Role { name: "admin", manages: true, reads: &["keys:read", "audit:read"] },
        Role { name: "member", manages: false, reads: &[] },
    ]);
    // What makes a key act for users is the admin's to give as well.
    let body = json!({"name": "Concierge", "permissions": ["workflows:run"], "can_impersonate": true});
    let (admin, member) = (customer.member("Ada", "admin"), customer.member("Mia", "member"));
    assert_eq!(refusal(&member.call("POST", "/keys", Some(body.clone()))), (403, "FORBIDDEN".into()));
    let key = made(&admin.call("POST", "/keys", Some(body)));
    assert_eq!((&key.record["created_by"], &key.record["can_impersonate"]), (&admin.actor, &json!(true)));
    assert_eq!(given::ask(edge(), &key.secret, json!({"act_as": "user_42"}))["actor"]["id"], "user_42");
    customer.lets_nobody_in_as("owner");
}
