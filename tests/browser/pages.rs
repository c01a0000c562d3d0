use serde_json::{Value, json};

use crate::{
    chromium::play,
    edge,
    given::{self, Org, code, text},
    runtime::OPERATOR_TOKEN,
};

/// A link for somebody with that role, and its session's path.
fn link(org: &Org<'_>, role: &str) -> (String, String) {
    let body = json!({"user": {"id": "user_42", "name": "Ada Lovelace"}, "role": role});
    let made = org.edge.operator("POST", &org.path("/portal-sessions"), Some(&body));
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.value();
    (text(&made["url"]), org.path(&format!("/portal-sessions/{}", text(&made["id"]))))
}

fn keys(org: &Org<'_>) -> Vec<Value> {
    org.edge.operator("GET", &org.path("/keys?limit=100"), None).value()["items"].as_array().unwrap().clone()
}

/// What was done, newest first, but for who came and went.
fn done(org: &Org<'_>) -> Vec<String> {
    let actions = org.audit().iter().map(|entry| text(&entry["action"])).collect::<Vec<_>>();
    actions.into_iter().filter(|action| action.starts_with("key.")).collect()
}

#[test]
fn a_key_is_made_copied_and_revoked() {
    let org = given::org(edge(), json!({}));
    let report = play("keys.mjs", "life", &json!({"link": link(&org, "owner").0, "name": "Zapier production"}));
    let key = &keys(&org)[0];
    assert_eq!((&key["id"], &key["name"]), (&report["id"], &json!("Zapier production")));
    assert_eq!((&key["status"], &key["revocation_reason"]), (&json!("revoked"), &json!("left the company")));
    assert_eq!(key["permissions"], json!(["leads:read", "leads:create"]));
    assert_eq!(key["created_by"], json!({"type": "member", "id": "user_42", "name": "Ada Lovelace"}));
    assert_eq!(code(org.edge, &text(&report["secret"])), "REVOKED", "the secret that was copied was the key's");
    assert_eq!(done(&org), ["key.revoked", "key.created"]);
}

#[test]
fn everything_works_by_keyboard_alone() {
    let org = given::org(edge(), json!({}));
    play("keys.mjs", "keyboard", &json!({"link": link(&org, "owner").0, "name": "Typed"}));
    let key = &keys(&org)[0];
    assert_eq!((&key["name"], &key["status"], &key["permissions"]), (&json!("Typed"), &json!("revoked"), &json!(["leads:read"])));
}

#[test]
fn a_session_that_ends_in_mid_dialog_loses_nothing_that_was_typed() {
    let org = given::org(edge(), json!({}));
    let ((first, session), (second, _)) = (link(&org, "owner"), link(&org, "owner"));
    let input = json!({"link": first, "second": second, "session": session, "operator": OPERATOR_TOKEN, "name": "Kept"});
    play("keys.mjs", "expired", &input);
    assert_eq!(keys(&org).len(), 1);
    assert_eq!((&keys(&org)[0]["name"], &keys(&org)[0]["ip_allowlist"]), (&json!("Kept"), &json!(["203.0.113.7"])));
}

#[test]
fn a_form_that_is_sent_twice_makes_one_key() {
    let org = given::org(edge(), json!({}));
    play("keys.mjs", "double", &json!({"link": link(&org, "owner").0}));
    assert_eq!(done(&org), ["key.created", "key.created"]);
}

#[test]
fn two_tabs_do_not_overwrite_each_other_unseen() {
    let org = given::org(edge(), json!({}));
    play("keys.mjs", "tabs", &json!({"link": link(&org, "owner").0}));
    assert_eq!(done(&org), ["key.revoked", "key.updated", "key.updated", "key.created"]);
}

#[test]
fn going_back_closes_a_dialog_and_then_goes_back() {
    let org = given::org(edge(), json!({}));
    play("keys.mjs", "back", &json!({"link": link(&org, "owner").0}));
    assert_eq!(done(&org), ["key.created"]);
}

#[test]
fn names_full_of_markup_and_of_another_direction_are_text() {
    let org = given::org(edge(), json!({}));
    let long = "a".repeat(100);
    let names = [
        "<img src=x onerror=alert(1)>\"'</title><script>alert(2)</script>",
        "مفتاح \u{202e} (production)",
        "&lt;b&gt; \u{202e}gpj.exe",
        long.as_str(),
    ];
    play("keys.mjs", "hostile", &json!({"link": link(&org, "owner").0, "names": names}));
}

#[test]
fn without_a_script_pages_do_the_same() {
    let org = given::org(edge(), json!({}));
    play("keys.mjs", "without-script", &json!({"link": link(&org, "owner").0}));
    assert_eq!(done(&org), ["key.revoked", "key.created"]);
}

#[test]
fn a_key_is_watched_edited_rotated_revoked_brought_back_and_deleted() {
    let org = given::org(edge(), json!({"revocation": "reversible", "deletion": true, "consistency": {"lease_ms": 500}}));
    let key = org.key(json!({}));
    for (permission, times) in [("leads:read", 3), ("leads:delete", 2)] {
        for _ in 0..times {
            given::ask(org.edge, &key.secret, json!({"permissions": [permission], "ip": "198.51.100.7"}));
        }
    }
    let usage = || org.edge.operator("GET", &org.path(&format!("/keys/{}/usage", key.id)), None).value()["last_24h"]["requests"].clone();
    while usage() != json!(5) {
        std::thread::yield_now();
    }
    let report = play("pages.mjs", "key", &json!({"link": link(&org, "owner").0}));
    assert_eq!(code(org.edge, &text(&report["rotated"])), "NOT_FOUND", "it is deleted");
    let expected = ["key.deleted", "key.reactivated", "key.revoked", "key.rotation_completed", "key.rotated", "key.updated", "key.created"];
    assert_eq!(done(&org), expected);
}

#[test]
fn lists_are_paged_sorted_and_searched_and_the_log_is_filtered() {
    let routes = json!([{"path": "/v1/leads/*", "resource": "leads"}]);
    let org = given::org(edge(), json!({"routes": routes, "console": {"labels": {"name": "Label", "permissions": "Scopes"}}}));
    for number in 1..=25 {
        org.key(json!({"name": format!("Key {number:02}"), "permissions": ["leads:read", "leads:update", "leads:create", "leads:delete"]}));
    }
    // What lists know of a key's use comes by the guard's alarm, half a minute after it.
    let used = org.key(json!({"name": "Key 00"}));
    for _ in 0..3 {
        given::ask(org.edge, &used.secret, json!({}));
    }
    while org.read(&used).value()["usage"]["last_24h"]["requests"] != json!(3) {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    play("pages.mjs", "lists", &json!({"link": link(&org, "owner").0}));
}

#[test]
fn pages_are_light_come_at_once_and_stand_still() {
    let org = given::org(edge(), json!({}));
    for number in 1..=20 {
        org.key(json!({"name": format!("Key {number:02}")}));
    }
    println!("{}", play("pages.mjs", "speed", &json!({"link": link(&org, "owner").0})));
}

#[test]
fn a_role_that_only_looks_sees_no_button_and_presses_none() {
    let org = given::org(edge(), json!({}));
    let key = org.key(json!({}));
    play("pages.mjs", "roles", &json!({"link": link(&org, "member").0}));
    assert_eq!((org.read(&key).value()["version"].clone(), done(&org)), (json!(1), vec!["key.created".to_owned()]));
}

#[test]
fn the_operator_manages_organizations_in_a_browser() {
    let org = given::org(edge(), json!({}));
    let id = text(&play("pages.mjs", "operator", &json!({"origin": org.edge.base_url, "token": OPERATOR_TOKEN})));
    let made = Org { edge: org.edge, id };
    let shown = made.edge.operator("GET", &made.path(""), None).value();
    assert_eq!((&shown["features"], &shown["policy"]["console"]["accent_color"]), (&json!({"developer_api": true}), &json!("#8a2be2")));
    let actor = json!({"type": "operator", "id": "operator", "name": "Operator"});
    assert!(made.audit().iter().all(|entry| entry["actor"] == actor));
}

#[test]
fn a_product_that_the_policy_names_shows_the_console_in_its_own_page() {
    let org = given::org(edge(), json!({}));
    play("pages.mjs", "frame", &json!({"origin": org.edge.base_url, "org": org.path(""), "operator": OPERATOR_TOKEN}));
    assert_eq!(keys(&org)[0]["name"], "From the product");
}
