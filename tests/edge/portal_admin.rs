//! Asking for portal sessions, watching them, changing them.

use crate::{
    given::{self, Org, text},
    portal::ask,
    runtime::{OPERATOR_TOKEN, shared},
};
use serde_json::{Value, json};

fn path(org: &Org<'_>, rest: &str) -> String {
    org.path(&format!("/portal-sessions{rest}"))
}

fn pointers(problem: &Value) -> Vec<String> {
    problem["errors"].as_array().unwrap().iter().map(|error| text(&error["pointer"])).collect()
}

#[test]
fn a_creation_answers_with_the_link_and_shows_it_nowhere_else() {
    let org = given::org(shared().edge(), json!({}));
    let before = given::now();
    let made = org.edge.operator("POST", &path(&org, ""), Some(&json!({"user": {"id": "user_42"}, "role": "member"})));
    let answer = made.value();
    let id = text(&answer["id"]);
    assert_eq!((made.status, id.starts_with("prt_"), made.header("etag")), (201, true, Some("\"1\"")));
    assert_eq!(made.header("location"), Some(path(&org, &format!("/{id}")).as_str()));
    let end = latchkey::base::time::Timestamp::parse(answer["expires_at"].as_str().unwrap()).unwrap();
    assert!((3_600_000..3_620_000).contains(&(end.ms() - before.ms())), "an hour, where nothing else is asked for");
    let read = org.edge.operator("GET", &path(&org, &format!("/{id}")), None);
    let mut shown = read.value();
    assert!(shown["created_at"].take().is_string());
    assert_eq!(
        shown,
        json!({
            "id": id, "org_id": org.id, "user": {"id": "user_42", "name": "user_42"}, "role": "member", "status": "pending",
            "created_at": null, "created_by": {"type": "operator", "id": "operator", "name": "Operator"}, "opened_at": null,
            "expires_at": answer["expires_at"], "ended_at": null, "version": 1
        })
    );
    let token = text(&answer["url"]).rsplit('/').next().unwrap().to_owned();
    let digest = latchkey::token::digest::Digest::of(&token).hex();
    let log = json!(org.audit()).to_string();
    for secret in [token, digest] {
        assert!(!log.contains(&secret) && !read.text().contains(&secret));
    }
    let known = org.edge.json(
        "GET",
        &path(&org, &format!("/{id}")),
        &[("authorization", &format!("Bearer {OPERATOR_TOKEN}")), ("if-none-match", "\"1\"")],
        None,
    );
    assert_eq!(known.status, 304);
}

#[test]
fn bad_bodies_are_refused_with_every_fault_and_without_repeating_a_key() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({})).secret;
    let body = json!({"user": {"id": key, "name": key, "x": 1}, "role": key, "ttl_seconds": 0, "url": "x"});
    let refused = org.edge.operator("POST", &path(&org, ""), Some(&body));
    assert_eq!(refused.status, 422);
    assert_eq!(pointers(&refused.value()), ["/user/id", "/user/name", "/user/x", "/role", "/ttl_seconds", "/url"]);
    assert!(!refused.text().contains(&key));
    for (body, status) in [
        (json!({}), 422),
        (json!([]), 400),
        (json!({"user": "ada", "role": "owner"}), 400),
        (json!({"user": {"id": "a"}, "role": "king"}), 422),
    ] {
        assert_eq!(org.edge.operator("POST", &path(&org, ""), Some(&body)).status, status, "{body}");
    }
    let asked = ask(&org, "owner");
    for (body, status) in [(json!({"role": "king"}), 422), (json!({"role": 1}), 400), (json!({"user": {"id": "x"}}), 422)] {
        assert_eq!(org.edge.operator("PATCH", &path(&org, &format!("/{}", asked.id)), Some(&body)).status, status, "{body}");
    }
    assert_eq!(org.edge.operator("POST", "/v1/orgs/org_x/portal-sessions", Some(&json!({}))).status, 404);
    assert!(org.audit().iter().filter(|entry| entry["target"]["type"] == "portal_session").count() == 1, "only the good one");
}

#[test]
fn lists_show_one_users_sessions_page_by_page() {
    let org = given::org(shared().edge(), json!({}));
    let made: Vec<String> = (0..3).map(|_| ask(&org, "owner").id).collect();
    let other = org.edge.operator("POST", &path(&org, ""), Some(&json!({"user": {"id": "bob"}, "role": "owner"}))).value();
    let ids = |query: &str| {
        let page = org.edge.operator("GET", &path(&org, query), None).value();
        (page["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect::<Vec<_>>(), page["next_cursor"].clone())
    };
    assert_eq!(ids("?user=bob").0, [text(&other["id"])]);
    let (first, cursor) = ids("?user=user_42&limit=2");
    let (second, end) = ids(&format!("?user=user_42&limit=2&cursor={}", text(&cursor)));
    let newest_first: Vec<String> = made.iter().rev().cloned().collect();
    assert_eq!(([first, second].concat(), end), (newest_first, Value::Null));
    for bad in ["?user=a&user=b", "?who=a", "?limit=0"] {
        assert_eq!(org.edge.operator("GET", &path(&org, bad), None).status, 422, "{bad}");
    }
    assert_eq!(org.edge.operator("GET", &path(&org, &format!("?cursor={}", text(&cursor))), None).status, 400, "another list's cursor");
}

#[test]
fn versions_guard_changes_and_what_is_over_stays_over() {
    let org = given::org(shared().edge(), json!({}));
    let asked = ask(&org, "owner");
    let at = path(&org, &format!("/{}", asked.id));
    let operator = format!("Bearer {OPERATOR_TOKEN}");
    let patch = |role: &str, if_match: &str| {
        org.edge.json("PATCH", &at, &[("authorization", &operator), ("if-match", if_match)], Some(&json!({ "role": role })))
    };
    let stale = patch("member", "\"7\"");
    assert_eq!((stale.status, stale.header("etag")), (412, Some("\"1\"")));
    assert_eq!(patch("member", "\"1\"").header("etag"), Some("\"2\""));
    let unchanged = org.edge.operator("PATCH", &at, Some(&json!({})));
    assert_eq!((unchanged.status, unchanged.header("etag")), (200, Some("\"2\"")));
    let stale = org.edge.send("DELETE", &at, &[("authorization", &operator), ("if-match", "\"1\"")], None);
    assert_eq!(stale.status, 412);
    assert_eq!(org.edge.operator("DELETE", &at, None).status, 204);
    let over = org.edge.operator("PATCH", &at, Some(&json!({"role": "owner"})));
    assert_eq!((over.status, text(&over.value()["code"])), (409, "ILLEGAL_TRANSITION".into()));
    let log: Vec<Value> = org.audit().iter().map(|entry| entry["action"].clone()).take(3).collect();
    assert_eq!(log, ["portal_session.ended", "portal_session.updated", "portal_session.created"]);
}

#[test]
fn a_backend_needs_portal_create_and_another_organizations_session_is_not_there() {
    let edge = shared().edge();
    let (org, other) = (given::org(edge, json!({})), given::org(edge, json!({})));
    let key = |permission: &str| {
        let made = edge.operator("POST", "/v1/service-keys", Some(&json!({"name": "Backend", "permissions": [permission]})));
        format!("Bearer {}", text(&made.value()["secret"]))
    };
    let (allowed, forbidden) = (key("portal:create"), key("keys:write"));
    let body = json!({"user": {"id": "a"}, "role": "owner"});
    let create = |authorization: &str| edge.json("POST", &path(&org, ""), &[("authorization", authorization)], Some(&body));
    assert_eq!((create(&allowed).status, create(&forbidden).status), (201, 403));
    assert_eq!(org.audit()[0]["actor"]["type"], "service");
    let asked = ask(&org, "owner");
    for (method, body) in [("GET", None), ("PATCH", Some(json!({"role": "member"}))), ("DELETE", None)] {
        let theirs = edge.operator(method, &path(&other, &format!("/{}", asked.id)), body.as_ref());
        let nobodys = edge.operator(method, &path(&other, "/prt_01q9gd6e000w3ge1r70w3ge1r7"), body.as_ref());
        assert_eq!((theirs.status, nobodys.status), (404, 404), "{method}");
        assert_eq!(theirs.value()["detail"], nobodys.value()["detail"], "{method}");
    }
}
