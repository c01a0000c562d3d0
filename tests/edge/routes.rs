use crate::{client::Response, given, given::Key, runtime::shared};
use serde_json::{Value, json};

fn mapped() -> Value {
    json!({
        "resources": [
            {"name": "leads", "title": "Leads", "description": "", "actions": ["read", "create", "update", "delete"]},
            {"name": "exports", "title": "Exports", "description": "", "actions": ["read"]},
        ],
        "routes": [
            {"path": "/v1/leads/*", "resource": "leads"},
            {"path": "/v1/leads/export", "resource": "exports"},
        ],
    })
}

fn auth(key: &Key, query: &str, fields: &[(&str, &str)]) -> Response {
    let bearer = format!("Bearer {}", key.secret);
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend_from_slice(fields);
    shared().edge().send("GET", &format!("/v1/auth{query}"), &headers, None)
}

fn outcome(answer: &Response) -> (u16, Option<String>) {
    (answer.status, answer.header("latchkey-code").map(str::to_owned))
}

#[test]
fn forward_auth_asks_for_what_the_route_of_the_original_request_needs() {
    let org = given::org(shared().edge(), mapped());
    let reader = org.key(json!({"permissions": ["leads:read"]}));
    let exporter = org.key(json!({"permissions": ["exports:read"]}));
    let denied = || (403, Some("INSUFFICIENT_PERMISSIONS".to_owned()));
    let unmapped = || (403, Some("ROUTE_NOT_MAPPED".to_owned()));
    for (key, method, target, expected) in [
        (&reader, "GET", "/v1/leads", (200, None)),
        (&reader, "HEAD", "/v1/leads/7?fields=name", (200, None)),
        (&reader, "POST", "/v1/leads", denied()),
        (&reader, "DELETE", "/v1/leads/7", denied()),
        (&reader, "GET", "/v1/leads/export", denied()),
        (&exporter, "GET", "/v1/leads/export", (200, None)),
        (&exporter, "POST", "/v1/leads/export", denied()),
        (&exporter, "GET", "/v1/leads/7", denied()),
        (&reader, "OPTIONS", "/v1/leads", unmapped()),
        (&reader, "GET", "/v1/calls", unmapped()),
        (&reader, "GET", "/V1/leads", unmapped()),
        (&reader, "GET", "/v1/leads/../calls", unmapped()),
        (&reader, "GET", "/v1/leads/%2e%2e/calls", unmapped()),
        (&reader, "GET", "/v1//leads", unmapped()),
        (&reader, "GET", "/v1/leads%2f..%2fcalls", unmapped()),
    ] {
        for (names, other) in
            [(["x-original-method", "x-original-uri"], "x-forwarded-uri"), (["x-forwarded-method", "x-forwarded-uri"], "x-original-uri")]
        {
            let fields = [(names[0], method), (names[1], target)];
            assert_eq!(outcome(&auth(key, "", &fields)), expected, "{method} {target}");
            // A client that adds the other field changes nothing to its advantage.
            let spoofed = [fields[0], fields[1], (other, "/v1/leads/7")];
            let answer = outcome(&auth(key, "", &spoofed));
            assert!(answer == expected || answer.0 == 403, "{method} {target} with {other}: {answer:?}");
        }
    }
    assert_eq!(outcome(&auth(&reader, "", &[])), (200, None), "nobody says what is asked for");
    assert_eq!(outcome(&auth(&reader, "", &[("x-original-uri", "/v1/leads")])), unmapped(), "nobody says with which method");
    let both = [("x-original-method", "DELETE"), ("x-original-uri", "/v1/leads")];
    assert_eq!(outcome(&auth(&reader, "?permissions=leads:read", &both)), (200, None), "asked for by name");
}

#[test]
fn without_routes_a_good_key_is_enough() {
    let key = given::org(shared().edge(), json!({})).key(json!({}));
    assert_eq!(outcome(&auth(&key, "", &[("x-original-method", "DELETE"), ("x-original-uri", "/anything")])), (200, None));
}

#[test]
fn routes_take_effect_with_the_policy_and_contradictions_are_refused() {
    let org = given::org(shared().edge(), mapped());
    let key = org.key(json!({}));
    let asked = [("x-original-method", "GET"), ("x-original-uri", "/v2/leads/7")];
    assert_eq!(auth(&key, "", &asked).status, 403);
    let change = |routes: Value| org.edge.operator("PATCH", &org.path(""), Some(&json!({"policy": {"routes": routes}})));
    let refused = change(json!([{"path": "/v2/*/notes", "resource": "leads"}, {"path": "/v2/leads/*", "resource": "leads"}]));
    assert_eq!(refused.status, 422, "{}", refused.text());
    let error = &refused.value()["errors"][0];
    assert_eq!(error["pointer"], "/policy/routes/1/path");
    assert!(error["detail"].as_str().unwrap().contains("/v2/leads/notes"), "it names the path that both match: {error}");
    assert_eq!(change(json!([{"path": "/v2/*/*", "resource": "leads"}])).status, 200);
    assert_eq!(auth(&key, "", &asked).status, 200);
}
