//! Run a Call: one owner, labeled keys, nothing is ever changed or taken out of the list.

use serde_json::{Value, json};

use crate::{
    given,
    story::{Customer, Role, assert_bad_field, door, edge, opens, refusal, wait_until_expired},
};

#[test]
fn field_service_keeps_every_key_it_ever_made_and_edits_none() {
    let customer = Customer::open("Run a Call", "field-service", json!({}));
    keys_show_their_label_and_the_live_prefix(&customer);
    permissions_are_read_or_write_as_each_resource_offers(&customer);
    an_allowlist_is_optional_and_holds(&customer);
    the_rate_is_exact_per_key_and_minute(&customer);
    an_expired_key_ends_by_itself_and_stays_in_the_list(&customer);
    keys_are_neither_edited_nor_deleted(&customer);
    customer.revokes_for_good(&customer.roomy_key("Old tablet", &["jobs:read"]));
    a_rotated_key_has_two_secrets_and_one_limit(&customer);
    only_the_owner_manages_keys_and_the_crew_sees_them(&customer);
    customer.offers_no_impersonation();
    customer.offers_no_playground();
}

fn keys_show_their_label_and_the_live_prefix(customer: &Customer) {
    let key = customer.key(json!({"name": "Dispatch board", "permissions": ["jobs:read", "jobs:write"]}));
    assert!(key.secret.starts_with("rak_live_"));
    let shown = "rak_live_".len() + 8 + 1 + 2;
    let row = customer.row(&key);
    assert_eq!((&row["name"], &row["prefix"]), (&json!("Dispatch board"), &json!(&key.secret[..shown])));
    assert_eq!((&row["permissions"], &row["status"]), (&json!(["jobs:read", "jobs:write"]), &json!("active")));
    assert_eq!(row["last_used_at"], Value::Null, "not used yet");
    assert_eq!(row["rate_limit"], json!({"limit": 30, "window_seconds": 60}), "the conservative default");
    assert!(!row.to_string().contains(&key.secret[shown..]), "the secret was shown once");
}

fn permissions_are_read_or_write_as_each_resource_offers(customer: &Customer) {
    let all = customer.permissions();
    assert_eq!(
        all,
        [
            "customers:read",
            "customers:write",
            "jobs:read",
            "jobs:write",
            "invoices:read",
            "invoices:write",
            "pricebook:read",
            "webhooks:write"
        ]
    );
    for beyond in ["pricebook:write", "webhooks:read", "jobs:delete"] {
        assert_bad_field(&customer.org.create(&json!({"name": "Too much", "permissions": ["jobs:read", beyond]})), "/permissions/1");
    }
    let key = customer.roomy_key("Bookkeeping", &["invoices:write", "pricebook:read"]);
    assert_eq!(opens(&key, &all), ["invoices:write", "pricebook:read"]);
}

fn an_allowlist_is_optional_and_holds(customer: &Customer) {
    let anywhere = customer.roomy_key("Prototype", &["jobs:read"]);
    assert_eq!(anywhere.record["ip_allowlist"], json!([]));
    assert_eq!(given::ask(edge(), &anywhere.secret, json!({"ip": "192.0.2.1"}))["code"], "VALID");
    let allowed = ["203.0.113.0/24", "2001:db8::/32"];
    let office = customer.key(json!({"name": "Production", "permissions": ["jobs:read"], "ip_allowlist": allowed}));
    for (ip, code) in [("203.0.113.9", "VALID"), ("2001:db8::7", "VALID"), ("203.0.114.9", "IP_NOT_ALLOWED")] {
        assert_eq!(given::ask(edge(), &office.secret, json!({"ip": ip}))["code"], code, "{ip}");
    }
    assert_eq!(given::code(edge(), &office.secret), "IP_NOT_ALLOWED", "an unknown address is not an allowed one");
    assert_eq!(door(&office, "/v1/auth", &[("cf-connecting-ip", "203.0.113.9")]).status, 200);
    let outside = door(&office, "/v1/auth", &[("cf-connecting-ip", "198.51.100.1")]);
    assert_eq!(refusal(&outside), (403, "IP_NOT_ALLOWED".into()));
}

fn the_rate_is_exact_per_key_and_minute(customer: &Customer) {
    let make = |name: &str| customer.key(json!({"name": name, "permissions": ["jobs:read"]}));
    let (busy, idle) = (make("Busy"), make("Idle"));
    for spent in 1..=30 {
        let answer = given::ask(edge(), &busy.secret, json!({"permissions": "jobs:read"}));
        assert_eq!((&answer["code"], &answer["rate_limit"]["remaining"]), (&json!("VALID"), &json!(30 - spent)));
    }
    let over = given::ask(edge(), &busy.secret, json!({"permissions": "jobs:read"}));
    assert_eq!(over["code"], "RATE_LIMITED");
    assert!((1..=60_000).contains(&over["retry_after_ms"].as_u64().unwrap()), "{over}");
    let at_the_door = door(&busy, "/v1/auth?permissions=jobs:read", &[]);
    assert_eq!(refusal(&at_the_door), (429, "RATE_LIMITED".into()));
    assert!((1..=60).contains(&at_the_door.header("retry-after").unwrap().parse::<u64>().unwrap()));
    assert_eq!(given::ask(edge(), &idle.secret, json!({}))["rate_limit"]["remaining"], 29, "each key has its own");
    let beyond = json!({"name": "Greedy", "rate_limit": {"limit": 601, "window_seconds": 60}});
    assert_bad_field(&customer.org.create(&beyond), "/rate_limit");
    assert_bad_field(&customer.org.create(&json!({"name": "Limitless", "rate_limit": null})), "/rate_limit");
}

fn an_expired_key_ends_by_itself_and_stays_in_the_list(customer: &Customer) {
    let expires_at = given::now().plus_ms(3_000).to_string();
    let seasonal = customer.key(json!({
        "name": "Seasonal crew", "permissions": ["jobs:read"], "expires_at": expires_at, "rate_limit": {"limit": 500, "window_seconds": 60}
    }));
    assert_eq!(given::code(edge(), &seasonal.secret), "VALID");
    assert!(!customer.listed("?status=expired").contains(&seasonal.id));
    wait_until_expired(&seasonal);
    assert_eq!(customer.listed("?status=expired"), [seasonal.id.as_str()]);
    assert!(!customer.listed("?status=active&limit=100").contains(&seasonal.id));
    let row = customer.row(&seasonal);
    assert_eq!((&row["status"], &row["expires_at"], &row["revoked_at"]), (&json!("expired"), &json!(expires_at), &Value::Null));
    assert_eq!(refusal(&door(&seasonal, "/v1/auth", &[])), (401, "EXPIRED".into()));
    assert_eq!(refusal(&customer.step("POST", &seasonal, "/reactivate", None)), (409, "ILLEGAL_TRANSITION".into()));
    let past = json!({"name": "Late", "expires_at": given::now().plus_ms(-1_000).to_string()});
    assert_bad_field(&customer.org.create(&past), "/expires_at");
}

fn keys_are_neither_edited_nor_deleted(customer: &Customer) {
    let key = customer.key(json!({"name": "Fixed", "permissions": ["jobs:read"]}));
    for edit in [json!({"name": "Renamed"}), json!({"permissions": ["jobs:write"]}), json!({"expires_at": null}), json!({})] {
        customer.policy_forbids("PATCH", &key, Some(edit));
    }
    customer.policy_forbids("DELETE", &key, None);
    assert_eq!(given::code(edge(), &key.secret), "VALID");
}

fn a_rotated_key_has_two_secrets_and_one_limit(customer: &Customer) {
    let old =
        customer.key(json!({"name": "Website form", "permissions": ["jobs:write"], "rate_limit": {"limit": 4, "window_seconds": 60}}));
    let rotated = customer.done("POST", &old, "/rotate", Some(json!({"overlap_seconds": 3600})));
    let new = given::Key { id: old.id.clone(), secret: given::text(&rotated["secret"]), record: rotated["key"].clone() };
    assert!(new.secret.starts_with("rak_live_") && new.secret != old.secret);
    for kept in ["id", "name", "permissions", "rate_limit", "created_at", "expires_at"] {
        assert_eq!(new.record[kept], old.record[kept], "{kept} stays");
    }
    assert_eq!(new.record["prefix"], new.secret[..20], "the list shows the newest");
    let secrets = new.record["secrets"].as_array().unwrap();
    assert_eq!((secrets.len(), &secrets[1]["prefix"], &secrets[0]["expires_at"]), (2, &old.record["prefix"], &Value::Null));

    let remaining = |secret: &str| {
        let answer = given::ask(edge(), secret, json!({"permissions": "jobs:write"}));
        assert_eq!((&answer["code"], &answer["key"]["id"]), (&json!("VALID"), &json!(old.id)));
        answer["rate_limit"]["remaining"].as_u64().unwrap()
    };
    assert_eq!([remaining(&old.secret), remaining(&new.secret), remaining(&old.secret)], [3, 2, 1], "one counter for both");

    let again = customer.step("POST", &old, "/rotate", Some(json!({"overlap_seconds": 0})));
    assert_eq!(refusal(&again), (409, "ROTATION_IN_PROGRESS".into()));
    let completed = customer.done("POST", &old, "/rotation/complete", None);
    assert_eq!(given::code(edge(), &old.secret), "EXPIRED", "at once");
    assert_eq!(remaining(&new.secret), 0);
    assert_eq!((&completed["status"], &completed["prefix"]), (&json!("active"), &new.record["prefix"]));
    assert_eq!(refusal(&customer.step("POST", &old, "/rotation/complete", None)), (409, "ILLEGAL_TRANSITION".into()));
    assert_eq!(customer.history(&old), ["key.created", "key.rotated", "key.rotation_completed"]);
}

fn only_the_owner_manages_keys_and_the_crew_sees_them(customer: &Customer) {
    customer.has_roles(&[
        Role { name: "owner", manages: true, reads: &["keys:read", "audit:read"] },
        Role { name: "admin", manages: false, reads: &["keys:read", "audit:read"] },
        Role { name: "dispatcher", manages: false, reads: &["keys:read"] },
        Role { name: "technician", manages: false, reads: &["keys:read"] },
    ]);
    customer.lets_nobody_in_as("customer");
}
