//! Test tokens for docs on other sites: what CORS lets which page do, and who may end a token.

use serde_json::{Value, json};

use latchkey::http::route_table::ROUTES;

use crate::{
    client::Response,
    coverage::{Target, method, path},
    given::{self, Org, text},
    portal,
    provider::{self, member},
    runtime::{Fleet, OPERATOR_TOKEN, Options, shared},
};

const DOCS: &str = "https://docs.example.com";

fn org(edge: &crate::client::Edge) -> Org<'_> {
    given::org(
        edge,
        json!({
            "playground": {"enabled": true, "permissions": ["leads:read"], "allowed_origins": [DOCS], "max_active_per_member": 20},
            "roles": {"owner": ["*"], "reader": ["playground:use"], "member": ["keys:read"]},
        }),
    )
}

fn ask(org: &Org<'_>, method: &str, rest: &str, origin: Option<&str>, token: Option<&str>) -> Response {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let fields: Vec<(&str, &str)> =
        bearer.as_deref().map(|bearer| ("authorization", bearer)).into_iter().chain(origin.map(|origin| ("origin", origin))).collect();
    org.edge.send(method, &org.path(rest), &fields, None)
}

fn allowed(answer: &Response) -> Option<&str> {
    assert!(answer.header("access-control-allow-credentials").is_none());
    answer.header("access-control-allow-origin")
}

#[test]
fn a_preflight_tells_listed_sites_what_they_may_ask_and_others_nothing() {
    let org = org(shared().edge());
    for rest in ["/playground-keys", "/playground-keys/key_01q9gd6e000w3ge1r70w3ge1r7/revoke"] {
        let told = ask(&org, "OPTIONS", rest, Some(DOCS), None);
        assert_eq!((told.status, allowed(&told), told.header("vary")), (204, Some(DOCS), Some("Origin")), "{rest}");
        assert_eq!(told.header("access-control-allow-methods"), Some("POST"));
        assert_eq!(told.header("access-control-allow-headers"), Some("Authorization, Content-Type, If-Match"));
        for origin in ["https://evil.example", "https://docs.example.com.evil.example", "http://docs.example.com", "null"] {
            let refused = ask(&org, "OPTIONS", rest, Some(origin), None);
            assert_eq!((refused.status, allowed(&refused), refused.header("vary")), (204, None, Some("Origin")), "{origin}");
            assert!(refused.header("access-control-allow-headers").is_none());
        }
        let plain = ask(&org, "OPTIONS", rest, None, None);
        assert_eq!((plain.status, allowed(&plain), plain.header("vary")), (204, None, Some("Origin")));
    }
    let nowhere = Org { edge: org.edge, id: "org_01q9gd6e000w3ge1r70w3ge1r7".to_owned() };
    assert_eq!(allowed(&ask(&nowhere, "OPTIONS", "/playground-keys", Some(DOCS), None)), None);
}

#[test]
fn no_other_route_crosses_origins() {
    let org = org(shared().edge());
    let target = Target::unknown();
    for route in ROUTES.iter().filter(|route| !route.operation.crosses_origins()) {
        for method in [method(route), "OPTIONS"] {
            let fields = [("origin", DOCS), ("authorization", &*format!("Bearer {OPERATOR_TOKEN}"))];
            let answer = org.edge.send(method, &path(route, &org.id, &target), &fields, None);
            assert_eq!(allowed(&answer), None, "{method} {}", route.path);
            assert!(answer.header("vary").is_none_or(|names| !names.contains("Origin")), "{method} {}", route.path);
        }
    }
}

#[test]
fn a_page_is_told_that_it_asks_too_often_and_never_loses_what_was_made() {
    let (provider, _) = provider::shared();
    let vars = provider.vars();
    let fleet = Fleet::start(Options { vars, rate_limits: vec![("DOCS", 2)], faults: false, ..Options::default() });
    let org = org(fleet.edge());
    let token = format!("Bearer {}", provider.token(&member(&org.id, "reader")));
    crate::floods::well_within_a_minute();
    let make = || {
        let fields = [("origin", DOCS), ("authorization", token.as_str()), ("cf-connecting-ip", "203.0.113.9")];
        org.edge.send("POST", &org.path("/playground-keys"), &fields, None)
    };
    for status in [201, 201, 429, 429] {
        let answer = make();
        assert_eq!((answer.status, allowed(&answer)), (status, Some(DOCS)), "{}", answer.text());
    }
}

#[test]
fn a_page_of_a_listed_site_makes_and_ends_a_token_for_its_member() {
    let (provider, fleet) = provider::shared();
    let org = org(fleet.edge());
    let token = provider.token(&member(&org.id, "reader"));
    let made = ask(&org, "POST", "/playground-keys", Some(DOCS), Some(&token));
    assert_eq!((made.status, allowed(&made), made.header("vary")), (201, Some(DOCS), Some("Origin")), "{}", made.text());
    assert!(made.header("access-control-expose-headers").is_some_and(|fields| fields.contains("Retry-After")));
    let (id, secret) = (text(&made.value()["key"]["id"]), text(&made.value()["secret"]));
    assert_eq!(made.value()["key"]["created_by"]["type"], "member");
    assert_eq!(given::code(org.edge, &secret), "VALID");
    let ended = ask(&org, "POST", &format!("/playground-keys/{id}/revoke"), Some(DOCS), Some(&token));
    assert_eq!((ended.status, allowed(&ended), &ended.value()["status"]), (200, Some(DOCS), &json!("revoked")));
    assert_eq!(given::code(org.edge, &secret), "REVOKED");
    assert_eq!(org.audit()[0]["action"], "key.revoked");
    let elsewhere = ask(&org, "POST", "/playground-keys", Some("https://evil.example"), Some(&token));
    assert_eq!((elsewhere.status, allowed(&elsewhere)), (201, None), "a browser shows no page what it came to, and asked first");
}

#[test]
fn refusals_are_legible_to_the_page_that_asked() {
    let (provider, fleet) = provider::shared();
    let org = org(fleet.edge());
    let member = |role| provider.token(&member(&org.id, role));
    for (token, status) in [(None, 401), (Some("nonsense".to_owned()), 401), (Some(member("member")), 403)] {
        let refused = ask(&org, "POST", "/playground-keys", Some(DOCS), token.as_deref());
        assert_eq!((refused.status, allowed(&refused), refused.header("vary")), (status, Some(DOCS), Some("Origin")));
        assert!(refused.value()["detail"].is_string());
    }
}

#[test]
fn a_cookie_is_no_credential_for_another_site() {
    let org = org(shared().edge());
    let cookie = portal::sign_in(org.edge, &portal::ask(&org, "reader").link);
    let fields = [("cookie", cookie.as_str()), ("origin", DOCS)];
    let refused = org.edge.send("POST", &org.path("/playground-keys"), &fields, None);
    assert_eq!((refused.status, &refused.value()["code"]), (403, &json!("FORBIDDEN")));
}

#[test]
fn nobody_ends_what_is_not_a_token_of_their_own() {
    let org = org(shared().edge());
    let session = || portal::sign_in(org.edge, &portal::ask(&org, "reader").link);
    let as_reader = |cookie: &str, rest: &str| -> (u16, Value) {
        let own = org.edge.base_url.as_str();
        let answer = org.edge.send("POST", &org.path(rest), &[("cookie", cookie), ("origin", own)], None);
        (answer.status, answer.value())
    };
    let cookie = session();
    let (_, mine) = as_reader(&cookie, "/playground-keys");
    let operators = org.edge.operator("POST", &org.path("/playground-keys"), None).value();
    let (standard, mine) = (org.key(json!({})), text(&mine["key"]["id"]));
    let unknown = "key_01q9gd6e000w3ge1r70w3ge1r7".to_owned();
    for id in [text(&operators["key"]["id"]), standard.id.clone(), unknown] {
        let (status, problem) = as_reader(&cookie, &format!("/playground-keys/{id}/revoke"));
        assert_eq!((status, &problem["code"]), (404, &json!("NOT_FOUND")), "{id}");
    }
    assert_eq!(org.read(&standard).value()["status"], "active");
    let (status, ended) = as_reader(&session(), &format!("/playground-keys/{mine}/revoke"));
    assert_eq!((status, &ended["revocation_reason"]), (200, &Value::Null), "the same member in another session");
    let by_standard = org.edge.operator("POST", &org.path(&format!("/playground-keys/{}/revoke", standard.id)), None);
    assert_eq!(by_standard.status, 404, "also for the operator: this route is about temporary keys");
}
