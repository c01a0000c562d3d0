use std::net::TcpListener;

use serde_json::{Value, json};

use crate::{
    chromium::play,
    client::Edge,
    edge,
    given::{self, Org, text},
    origin::Origin,
    runtime::{Fleet, OPERATOR_TOKEN, Options},
};

/// An organization whose members may have test tokens.
pub fn with_playground(edge: &Edge) -> Org<'_> {
    let routes = json!([{"path": "/v1/leads", "resource": "leads"}]);
    given::org(edge, json!({"routes": routes, "playground": {"enabled": true, "permissions": ["leads:read"]}}))
}

/// A link for a developer of that organization.
pub fn link(org: &Org<'_>) -> Value {
    let body = json!({"user": {"id": "user_42", "name": "Ada Lovelace"}, "role": "developer"});
    org.edge.operator("POST", &org.path("/portal-sessions"), Some(&body)).value()["url"].clone()
}

/// What a scenario about the docs of `org` starts from, by a member of `of`.
fn given(org: &Org<'_>, of: &Org<'_>, sees: &str) -> Value {
    json!({"base": edge().base_url, "org": org.id, "link": link(of), "operator": OPERATOR_TOKEN, "sees": sees})
}

fn keys(org: &Org<'_>) -> Vec<Value> {
    org.edge.operator("GET", &org.path("/keys"), None).value()["items"].as_array().unwrap().clone()
}

#[test]
fn the_docs_show_this_api() {
    play("docs.mjs", "own", &json!({"base": edge().base_url, "screenshots": "docs"}));
}

#[test]
fn a_member_makes_a_token_tries_the_api_and_ends_it() {
    let org = with_playground(edge());
    play("docs.mjs", "token", &given(&org, &org, "List leads"));
    let keys = keys(&org);
    assert_eq!((keys.len(), &keys[0]["kind"], &keys[0]["status"]), (1, &json!("playground"), &json!("revoked")));
    assert_eq!((text(&keys[0]["created_by"]["id"]), text(&keys[0]["name"])), ("user_42".into(), "Docs playground (temp)".into()));
}

#[test]
fn a_token_that_is_over_is_refused_and_the_page_says_so() {
    let org = with_playground(edge());
    let brief = json!({"policy": {"playground": {"ttl_seconds": 60}}});
    assert_eq!(edge().operator("PATCH", &org.path(""), Some(&brief)).status, 200);
    play("docs.mjs", "expiry", &given(&org, &org, "List leads"));
    assert_eq!(keys(&org)[0]["status"], "expired");
}

#[test]
fn a_try_goes_through_the_gateway_and_its_refusals_are_read() {
    let behind = Origin::start();
    // The page's origin is a setting, so the port must be known before anything listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let vars = [("GATEWAY_HOST", "localhost".to_owned()), ("ORIGIN_URL", behind.url.clone())];
    let pages = ("GATEWAY_CORS_ORIGINS", format!("http://127.0.0.1:{port}"));
    let vars = vars.into_iter().chain([pages]).map(|(name, value)| (name.to_owned(), value)).collect();
    let fleet = Fleet::start(Options { port, vars, faults: false, assets: true, ..Options::default() });
    let playground = json!({"enabled": true, "permissions": ["leads:read"], "api_origins": [format!("http://localhost:{port}")]});
    let org = given::org(fleet.edge(), json!({"routes": [{"path": "/v1/leads", "resource": "leads"}], "playground": playground}));
    let mut given = given(&org, &org, "List leads");
    (given["base"], given["port"]) = (json!(fleet.edge().base_url), json!(port));
    play("docs.mjs", "gateway", &given);
}

#[test]
fn an_uploaded_description_is_shown() {
    let org = with_playground(edge());
    play("docs.mjs", "uploaded", &given(&org, &org, "List leads"));
}

#[test]
fn who_is_no_member_gets_no_token() {
    let org = with_playground(edge());
    play("docs.mjs", "outsider", &given(&org, &with_playground(edge()), "List leads"));
    assert_eq!(keys(&org).len(), 0);
}

#[test]
fn a_hostile_description_runs_nothing_and_fetches_nothing() {
    let org = with_playground(edge());
    play("docs.mjs", "hostile", &given(&org, &org, "click me"));
}

#[test]
fn a_description_that_would_stall_the_page_is_refused() {
    let org = with_playground(edge());
    let said = play("docs.mjs", "heavy", &given(&org, &org, ""));
    let said: Vec<String> = said.as_array().unwrap().iter().map(text).collect();
    for (told, expected) in said.iter().zip(["stand for too much", "nested too deep", "cannot", "is not JSON", "no OpenAPI 3.0 or 3.1"]) {
        assert!(told.contains(expected), "{told}");
    }
    assert_eq!(said.len(), 5);
}

#[test]
fn an_organization_without_docs_has_none_and_its_document_says_no_more() {
    let org = given::org(edge(), json!({}));
    for path in [format!("/docs/{}", org.id), format!("/docs/{}/openapi.json", org.id), "/docs/org_x".to_owned()] {
        let answer = edge().get(&path);
        assert_eq!((answer.status, text(&answer.value()["code"])), (404, "NOT_FOUND".into()), "{path}");
    }
}

#[test]
fn the_description_of_this_api_is_cached() {
    let first = edge().get("/openapi.json");
    assert_eq!((first.status, first.header("content-type")), (200, Some("application/json")));
    assert_eq!(first.header("cache-control"), Some("public, max-age=300"));
    let tag = first.header("etag").unwrap();
    let again = edge().send("GET", "/openapi.json", &[("if-none-match", tag)], None);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = edge().send("HEAD", "/openapi.json", &[], None);
    assert_eq!((head.status, head.header("etag"), head.body.len()), (200, Some(tag), 0));
    assert_eq!(edge().send("POST", "/openapi.json", &[], Some(b"{}")).status, 405);
}
