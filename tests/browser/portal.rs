use crate::{
    chromium::play,
    edge,
    given::{self, Org, text},
};
use serde_json::{Value, json};

/// The address of a fresh link, on `host` in place of the edge's own.
pub fn link(org: &Org<'_>, name: &str, host: &str) -> String {
    let body = json!({"user": {"id": "user_42", "name": name}, "role": "owner"});
    let made = org.edge.operator("POST", &org.path("/portal-sessions"), Some(&body));
    assert_eq!(made.status, 201, "{}", made.text());
    text(&made.value()["url"]).replace("127.0.0.1", host)
}

#[test]
fn a_link_signs_in_a_real_browser_once_and_only_once() {
    for host in ["127.0.0.1", "localhost"] {
        let org = given::org(edge(), json!({}));
        let report = play(
            "portal.mjs",
            "sign-in",
            &json!({"link": link(&org, "Ada Lovelace", host), "name": "Ada Lovelace", "role": "owner", "organization": "Acme", "screenshots": host}),
        );
        println!("{host}: {report}");
        let done: Vec<String> = org.audit().iter().rev().map(|entry| text(&entry["action"])).collect();
        assert_eq!(done, ["org.created", "portal_session.created", "portal_session.opened", "portal_session.ended"], "{host} {report}");
        assert!(report["cookies"].as_array().unwrap().contains(&json!("latchkey-dev")), "{host} {report}");
    }
}

#[test]
fn a_foreign_page_changes_nothing_with_the_members_cookie() {
    let org = given::org(edge(), json!({}));
    let key = org.key(json!({}));
    let revoke = format!("{}{}", org.edge.base_url, org.path(&format!("/keys/{}/revoke", key.id)));
    let report = play("portal.mjs", "foreign", &json!({"link": link(&org, "Ada", "127.0.0.1"), "revoke": revoke}));
    // From the same site the cookie comes along, and the origin is what is refused; from another site not even that.
    assert_eq!(report, json!({"same-site": [403, 403], "cross-site": [401, 401]}));
    assert_eq!(org.read(&key).value()["status"], "active");
    let done: Vec<Value> = org.audit().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(done, ["portal_session.opened", "portal_session.created", "key.created", "org.created"]);
}

#[test]
fn a_name_full_of_markup_is_shown_as_it_is_written() {
    let name = "<img src=x onerror=alert(1)>\"'</title><script>alert(2)</script>";
    let org = given::org_with(edge(), json!({"name": name}));
    play(
        "portal.mjs",
        "sign-in",
        &json!({"link": link(&org, name, "127.0.0.1"), "name": name, "role": "owner", "organization": name, "screenshots": "markup"}),
    );
}
