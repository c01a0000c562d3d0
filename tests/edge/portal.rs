//! Portal links, sessions and cookies, as a browser meets them. What needs a clock that can be set is told by the unit
//! tests of `service/portal.rs`; what needs a real browser, by `tests/browser/`.

use std::thread;

use crate::{
    client::{Edge, Response},
    given::{self, Org, text},
    runtime::shared,
};
use latchkey::http::route_table::{Caller, Methods, ROUTES};
use serde_json::{Value, json};

/// A session that was asked for, with its link as a path of the edge.
pub struct Asked {
    pub id: String,
    pub link: String,
}

pub fn ask(org: &Org<'_>, role: &str) -> Asked {
    let body = json!({"user": {"id": "user_42", "name": "Ada <b>"}, "role": role, "ttl_seconds": 600});
    let made = org.edge.operator("POST", &org.path("/portal-sessions"), Some(&body));
    assert_eq!(made.status, 201, "{}", made.text());
    let url = text(&made.value()["url"]);
    let link = url.strip_prefix(org.edge.base_url.as_str()).expect("an address of this edge").to_owned();
    Asked { id: text(&made.value()["id"]), link }
}

/// The cookies of an answer, with their attributes.
fn set_cookies(answer: &Response) -> Vec<&str> {
    answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect()
}

/// Opens a link; the answer is the `Cookie` field that a browser would send from then on.
pub fn sign_in(edge: &Edge, link: &str) -> String {
    let answer = edge.get(link);
    assert_eq!(answer.status, 200, "{}", answer.text());
    set_cookies(&answer)[0].split(';').next().expect("a name and a value").to_owned()
}

fn as_member(org: &Org<'_>, cookie: &str, method: &str, path: &str, body: Option<&Value>) -> Response {
    org.edge.json(method, path, &[("cookie", cookie), ("origin", &org.edge.base_url)], body)
}

fn sessions(org: &Org<'_>, rest: &str) -> Response {
    org.edge.operator("GET", &org.path(&format!("/portal-sessions{rest}")), None)
}

#[test]
fn a_link_opens_once_with_a_strict_cookie_and_goes_on_by_itself() {
    let org = given::org(shared().edge(), json!({}));
    let asked = ask(&org, "developer");
    let token = asked.link.strip_prefix("/portal/").unwrap();
    assert!(token.len() == 22 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let first = org.edge.get(&asked.link);
    assert_eq!(first.status, 200);
    assert!(first.text().contains("<meta http-equiv=\"refresh\" content=\"0;url=/portal\">"));
    let cookies = set_cookies(&first);
    let attributes = |cookie: &str| cookie.split("; ").skip(1).map(str::to_owned).collect::<Vec<_>>();
    let name = |cookie: &str| cookie.split('=').next().unwrap().to_owned();
    assert_eq!(cookies.iter().map(|cookie| name(cookie)).collect::<Vec<_>>(), ["__Host-latchkey", "latchkey-dev"]);
    for (cookie, secure) in [(cookies[0], true), (cookies[1], false)] {
        let attributes = attributes(cookie);
        assert_eq!(attributes.contains(&"Secure".to_owned()), secure, "{cookie}");
        for needed in ["Path=/", "HttpOnly", "SameSite=Strict"] {
            assert!(attributes.contains(&needed.to_owned()), "{cookie}");
        }
        let age = attributes.iter().find_map(|part| part.strip_prefix("Max-Age=")).unwrap().parse::<u32>().unwrap();
        assert!((590..=600).contains(&age), "{cookie}");
    }
    let again = org.edge.get(&asked.link);
    assert_eq!((again.status, set_cookies(&again)), (401, vec![]));
}

#[test]
fn of_ten_openings_at_once_exactly_one_signs_in() {
    let org = given::org(shared().edge(), json!({}));
    for _ in 0..5 {
        let asked = ask(&org, "developer");
        let mut statuses: Vec<u16> = thread::scope(|scope| {
            let calls: Vec<_> = (0..10).map(|_| scope.spawn(|| org.edge.get(&asked.link).status)).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [[200].as_slice(), &[401; 9]].concat());
        assert_eq!(
            org.audit()
                .iter()
                .filter(|entry| entry["target"]["id"] == json!(asked.id) && entry["action"] == "portal_session.opened")
                .count(),
            1
        );
    }
}

#[test]
fn looking_ahead_does_not_use_a_link_up() {
    let org = given::org(shared().edge(), json!({}));
    let asked = ask(&org, "developer");
    let head = org.edge.send("HEAD", &asked.link, &[], None);
    assert_eq!((head.status, set_cookies(&head)), (200, vec![]));
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("sec-fetch-dest", "image"),
        ("sec-fetch-dest", "iframe"),
        ("sec-fetch-dest", "empty"),
    ] {
        let ahead = org.edge.send("GET", &asked.link, &[(name, value)], None);
        assert_eq!((ahead.status, set_cookies(&ahead)), (403, vec![]), "{name}: {value}");
    }
    let really = org.edge.send("GET", &asked.link, &[("sec-fetch-dest", "document"), ("sec-fetch-site", "cross-site")], None);
    assert_eq!(really.status, 200);
    assert_eq!(org.edge.send("HEAD", &asked.link, &[], None).status, 401);
}

#[test]
fn a_used_an_ended_and_an_unknown_link_answer_the_same() {
    let org = given::org(shared().edge(), json!({}));
    let (used, ended) = (ask(&org, "developer"), ask(&org, "developer"));
    sign_in(org.edge, &used.link);
    assert_eq!(org.edge.operator("DELETE", &org.path(&format!("/portal-sessions/{}", ended.id)), None).status, 204);
    let answers =
        [used.link.as_str(), &ended.link, "/portal/0123456789012345678901", "/portal/x", "/portal/%00"].map(|link| org.edge.get(link));
    let shown = |answer: &Response| {
        let fields: Vec<_> = answer.headers.iter().filter(|(name, _)| name != "x-request-id" && name != "date").cloned().collect();
        (answer.status, fields, answer.body.clone())
    };
    for answer in &answers {
        assert_eq!(shown(answer), shown(&answers[0]));
    }
    assert_eq!(answers[0].status, 401);
    assert!(answers[0].header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
}

#[test]
fn pages_keep_a_browser_on_its_guard() {
    let org = given::org(shared().edge(), json!({}));
    let opened = org.edge.get(&ask(&org, "developer").link);
    let cookie = set_cookies(&opened)[0].split(';').next().unwrap().to_owned();
    let portal = org.edge.send("GET", "/portal", &[("cookie", &cookie)], None);
    assert!(portal.text().contains("Ada &#60;b&#62;") && !portal.text().contains("<b>"), "names are inert");
    for (name, page, status) in [
        ("opened", opened, 200),
        ("portal", portal, 200),
        ("signed out", org.edge.get("/portal"), 401),
        ("refused", org.edge.get("/portal/x"), 401),
        ("problem", org.edge.get("/problems/REVOKED"), 200),
    ] {
        assert_eq!(page.status, status, "{name}");
        let policy = page.header("content-security-policy").unwrap();
        let style = if name == "portal" { "style-src 'self';" } else { "style-src 'sha256-" };
        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'", style] {
            assert!(policy.contains(part), "{name}: {policy}");
        }
        // The console has a script of its own, in a file of its own.
        let scripts = page.text().matches("<script").count() - page.text().matches("<script type=\"module\" src=\"/_latchkey/").count();
        assert!(!policy.contains("unsafe") && scripts == 0 && page.text().contains("<html lang=\"en\">"), "{name}");
        for (field, value) in [
            ("strict-transport-security", "max-age=31536000"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(field), Some(value), "{name}");
        }
        assert_eq!(page.header("www-authenticate").is_some(), status == 401, "{name}");
    }
}

#[test]
fn a_member_does_what_the_role_gives_in_one_organization_and_is_recorded() {
    let (org, other) = (given::org(shared().edge(), json!({})), given::org(shared().edge(), json!({})));
    let cookie = sign_in(org.edge, &ask(&org, "developer").link);
    let made = as_member(&org, &cookie, "POST", &org.path("/keys"), Some(&json!({"name": "Mine"})));
    assert_eq!(made.status, 201, "{}", made.text());
    let member = json!({"type": "member", "id": "user_42", "name": "Ada <b>"});
    assert_eq!((&made.value()["key"]["created_by"], &org.audit()[0]["actor"]), (&member, &member));
    assert_eq!(as_member(&org, &cookie, "GET", &org.path("/audit"), None).status, 403, "developers don't read the log");
    assert_eq!(as_member(&org, &cookie, "POST", &org.path("/portal-sessions"), Some(&json!({}))).status, 403);
    for path in ["/keys", "/audit", ""] {
        let (theirs, nobodys) = (other.path(path), format!("/v1/orgs/org_x{path}"));
        let answers = [theirs, nobodys].map(|path| as_member(&org, &cookie, "GET", &path, None));
        assert_eq!((answers[0].status, answers[1].status), (404, 404), "{path}");
    }
    let token = format!("Bearer {}", cookie.split_once('=').unwrap().1);
    let as_token = org.edge.send("GET", &org.path("/keys"), &[("authorization", &token)], None);
    assert_eq!(as_token.status, 401, "a cookie is no token");
}

#[test]
fn a_change_needs_this_very_origin() {
    let org = given::org(shared().edge(), json!({}));
    let cookie = sign_in(org.edge, &ask(&org, "owner").link);
    let own = org.edge.base_url.as_str();
    let key = org.key(json!({}));
    let revoke = org.path(&format!("/keys/{}/revoke", key.id));
    let entries = org.audit().len();
    for fields in [
        vec![],
        vec![("sec-fetch-site", "same-origin")],
        vec![("origin", "null")],
        vec![("origin", "https://evil.example")],
        vec![("origin", "http://127.0.0.1:1")],
        vec![("origin", own), ("sec-fetch-site", "cross-site")],
        vec![("origin", own), ("sec-fetch-site", "same-site")],
        vec![("origin", own), ("sec-fetch-site", "none")],
    ] {
        let headers: Vec<(&str, &str)> = [("cookie", cookie.as_str())].into_iter().chain(fields.clone()).collect();
        for (method, path) in [("POST", revoke.as_str()), ("DELETE", &org.path(&format!("/keys/{}", key.id))), ("POST", "/portal/sign-out")]
        {
            let refused = org.edge.send(method, path, &headers, None);
            assert_eq!((refused.status, text(&refused.value()["code"])), (403, "FORBIDDEN".into()), "{path} {fields:?}");
            assert!(text(&refused.value()["detail"]).contains("browser's own session"));
        }
    }
    assert_eq!((org.read(&key).value()["status"].clone(), org.audit().len()), (json!("active"), entries), "nothing was done");
    assert_eq!(org.edge.send("GET", "/portal", &[("cookie", &cookie)], None).status, 200, "nobody was signed out");
    assert_eq!(
        org.edge.send("GET", &org.path("/keys"), &[("cookie", &cookie), ("origin", "https://evil.example")], None).status,
        200,
        "reads change nothing"
    );
    let headers = [("cookie", cookie.as_str()), ("origin", own), ("sec-fetch-site", "same-origin")];
    assert_eq!(org.edge.send("POST", &revoke, &headers, None).status, 200);
}

#[test]
fn no_route_at_all_takes_a_change_by_cookie_from_elsewhere() {
    let org = given::org(shared().edge(), json!({}));
    let cookie = sign_in(org.edge, &ask(&org, "owner").link);
    let changing = ROUTES.iter().filter(|route| matches!(route.caller, Caller::With(_) | Caller::Operator));
    for route in changing.filter(|route| route.methods != Methods::One("GET")) {
        let Methods::One(method) = route.methods else { panic!("{} takes every method by cookie", route.operation.id()) };
        let path = route.path.replace("{org}", &org.id).replace("{key}", "key_x").replace("{session}", "prt_x");
        for (cookie, origin, status) in [(&cookie, "https://evil.example", 403), (&dead(), org.edge.base_url.as_str(), 401)] {
            let refused = org.edge.json(method, &path, &[("cookie", cookie), ("origin", origin)], Some(&json!({})));
            assert_eq!(refused.status, status, "{} {}", route.operation.id(), refused.text());
            assert!(status != 403 || text(&refused.value()["detail"]).contains("Origin"), "{}", route.operation.id());
        }
    }
}

/// A cookie that is well-formed and nobody's.
fn dead() -> String {
    format!("__Host-latchkey={}", "0".repeat(43))
}

#[test]
fn signing_out_ends_the_session_and_takes_the_cookies_away() {
    let org = given::org(shared().edge(), json!({}));
    let asked = ask(&org, "owner");
    let cookie = sign_in(org.edge, &asked.link);
    let out = as_member(&org, &cookie, "POST", "/portal/sign-out", None);
    assert_eq!((out.status, out.header("location")), (303, Some("/portal")));
    assert!(set_cookies(&out).len() == 2 && set_cookies(&out).iter().all(|cookie| cookie.contains("=; ") && cookie.ends_with("Max-Age=0")));
    assert_is_over(&org, &cookie);
    let log = org.audit();
    assert_eq!((&log[0]["action"], &log[0]["actor"]["type"]), (&json!("portal_session.ended"), &json!("member")));
    assert_eq!(log[0]["target"], json!({"type": "portal_session", "id": asked.id, "name": "Ada <b>", "prefix": null}));
    assert_eq!(log[0]["changes"], json!({"status": {"from": "open", "to": "ended"}}));
    let again = as_member(&org, &cookie, "POST", "/portal/sign-out", None);
    assert_eq!((again.status, org.audit().len()), (401, log.len()));
}

/// Nothing can be done with the cookie, and every answer says so in its way.
fn assert_is_over(org: &Org<'_>, cookie: &str) {
    let api = as_member(org, cookie, "GET", &org.path("/keys"), None);
    assert_eq!((api.status, text(&api.value()["code"])), (401, "INVALID_TOKEN".into()));
    assert!(api.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    let page = org.edge.send("GET", "/portal", &[("cookie", cookie)], None);
    assert_eq!((page.status, set_cookies(&page).len()), (401, 2), "the dead cookie is taken away");
}

#[test]
fn the_backend_ends_a_session_at_once() {
    let org = given::org(shared().edge(), json!({}));
    let asked = ask(&org, "owner");
    let cookie = sign_in(org.edge, &asked.link);
    assert_eq!(as_member(&org, &cookie, "GET", &org.path("/keys"), None).status, 200);
    let path = org.path(&format!("/portal-sessions/{}", asked.id));
    assert_eq!(org.edge.operator("DELETE", &path, None).status, 204);
    assert_is_over(&org, &cookie);
    let entries = org.audit().len();
    assert_eq!((org.edge.operator("DELETE", &path, None).status, org.audit().len()), (204, entries), "repeating it changes nothing");
    let ended = sessions(&org, &format!("/{}", asked.id)).value();
    assert_eq!((&ended["status"], ended["ended_at"].is_string()), (&json!("ended"), true));
}

#[test]
fn changes_of_role_and_policy_hold_for_the_next_request() {
    let org = given::org(shared().edge(), json!({}));
    let asked = ask(&org, "owner");
    let cookie = sign_in(org.edge, &asked.link);
    let create = || as_member(&org, &cookie, "POST", &org.path("/keys"), Some(&json!({"name": "Mine"}))).status;
    let role = |role: &str| {
        let path = org.path(&format!("/portal-sessions/{}", asked.id));
        let changed = org.edge.operator("PATCH", &path, Some(&json!({ "role": role })));
        assert_eq!((changed.status, text(&changed.value()["role"])), (200, role.to_owned()), "{}", changed.text());
    };
    assert_eq!(create(), 201);
    role("member");
    assert_eq!(create(), 403);
    role("admin");
    assert_eq!(create(), 201);
    let roles = |roles: Value| {
        assert_eq!(org.edge.operator("PATCH", &org.path(""), Some(&json!({"policy": {"roles": roles}}))).status, 200);
    };
    roles(json!({"admin": ["keys:read"]}));
    assert_eq!((create(), as_member(&org, &cookie, "GET", &org.path("/keys"), None).status), (403, 200));
    roles(json!({"admin": null}));
    assert_eq!((create(), as_member(&org, &cookie, "GET", &org.path("/keys"), None).status), (403, 403), "the role is gone");
    assert!(org.edge.send("GET", "/portal", &[("cookie", &cookie)], None).text().contains("nothing yet"));
}
