use crate::{
    client::Response,
    given,
    given::Key,
    runtime::{Fleet, Options, shared},
};
use serde_json::{Value, json};

fn auth(key: &Key, path: &str, headers: &[(&str, &str)]) -> Response {
    let bearer = format!("bearer {}", key.secret);
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend_from_slice(headers);
    shared().edge().send("GET", path, &all, None)
}

#[test]
fn a_good_key_is_answered_with_every_identity_field_and_no_body() {
    let org = given::org(shared().edge(), json!({}));
    let key = org
        .key(json!({"name": "Zäpier", "permissions": ["leads:read", "leads:create"], "rate_limit": {"limit": 60, "window_seconds": 60}}));
    let answer = auth(&key, "/v1/auth?permissions=leads:read&permissions=leads:create", &[]);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    for (name, value) in [
        ("latchkey-key-id", key.id.as_str()),
        ("latchkey-key-name", "Z%C3%A4pier"),
        ("latchkey-org-id", &org.id),
        ("latchkey-actor-type", "key"),
        ("latchkey-actor-id", &key.id),
        ("latchkey-permissions", "leads:read leads:create"),
        ("ratelimit", "\"key\";r=59;t=60"),
        ("ratelimit-policy", "\"key\";q=60;w=60"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let bare = org.key(json!({"permissions": []}));
    assert_eq!(auth(&bare, "/v1/auth", &[]).header("latchkey-permissions"), Some(""), "empty, but there");
}

#[test]
fn every_method_is_the_original_requests_own() {
    let key = given::org(shared().edge(), json!({})).key(json!({}));
    let bearer = format!("Bearer {}", key.secret);
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let answer = shared().edge().send(method, "/v1/auth", &[("authorization", &bearer)], None);
        assert_eq!(answer.status, 200, "{method}");
    }
}

#[test]
fn refusals_have_the_challenge_of_rfc_6750() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let (good, revoked) = (org.key(json!({})), org.key(json!({})));
    org.revoke(&revoked);
    let none = edge.get("/v1/auth");
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some("Bearer realm=\"latchkey\"")));

    let answer = auth(&revoked, "/v1/auth", &[]);
    let problem = answer.value();
    assert_eq!((answer.status, &problem["code"], &problem["key_prefix"]), (401, &json!("REVOKED"), &revoked.record["prefix"]));
    assert!(
        answer.header("www-authenticate").unwrap().starts_with("Bearer realm=\"latchkey\", error=\"invalid_token\", error_description=\"")
    );

    for (token, code) in [("nonsense", "MALFORMED"), ("sk_4fK2a9Qz_8dAbCdEfGhIjKlMnOpQrStUvWxYzAbCd", "MALFORMED")] {
        let answer = edge.send("GET", "/v1/auth", &[("authorization", &format!("Bearer {token}"))], None);
        assert_eq!((answer.status, given::text(&answer.value()["code"])), (401, code.into()));
        assert!(!answer.text().contains(token) && !format!("{:?}", answer.headers).contains(token), "the credential is not echoed");
    }

    let unfit = auth(&good, "/v1/auth?permission=leads:read", &[]);
    for (answer, code) in [(&none, "UNAUTHENTICATED"), (&answer, "REVOKED"), (&unfit, "VALIDATION_FAILED")] {
        assert_eq!((answer.header("latchkey-code"), given::text(&answer.value()["code"])), (Some(code), code.into()));
    }

    let lacking = auth(&good, "/v1/auth?permissions=leads:delete", &[]);
    assert_eq!((lacking.status, given::text(&lacking.value()["code"])), (403, "INSUFFICIENT_PERMISSIONS".into()));
    assert_eq!(lacking.header("www-authenticate"), Some("Bearer realm=\"latchkey\", error=\"insufficient_scope\", scope=\"leads:delete\""));

    let acting = auth(&good, "/v1/auth", &[("latchkey-act-as", "user_42")]);
    assert_eq!((acting.status, given::text(&acting.value()["code"])), (403, "IMPERSONATION_NOT_ALLOWED".into()));
}

#[test]
fn a_limited_key_is_told_when_to_come_back() {
    let key = given::org(shared().edge(), json!({})).key(json!({"rate_limit": {"limit": 1, "window_seconds": 60}}));
    assert_eq!(auth(&key, "/v1/auth", &[]).status, 200);
    let limited = auth(&key, "/v1/auth", &[]);
    let seconds: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert_eq!((limited.status, given::text(&limited.value()["code"])), (429, "RATE_LIMITED".into()));
    assert!((1..=60).contains(&seconds));
    assert_eq!(limited.header("ratelimit").unwrap(), format!("\"key\";r=0;t={seconds}"));
    assert!(limited.value()["retry_after_ms"].as_u64().unwrap() <= seconds * 1000);
    let for_nginx = auth(&key, "/v1/auth?limited=403", &[]);
    assert_eq!((for_nginx.status, for_nginx.header("latchkey-code")), (403, Some("RATE_LIMITED")));
    assert_eq!(for_nginx.value()["status"], 403);
}

#[test]
fn the_address_is_the_one_that_the_platform_tells() {
    let key = given::org(shared().edge(), json!({})).key(json!({"ip_allowlist": ["203.0.113.0/24"]}));
    assert_eq!(auth(&key, "/v1/auth", &[("cf-connecting-ip", "203.0.113.9")]).status, 200);
    for (name, value) in [("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "203.0.113.9"), ("forwarded", "for=203.0.113.9")] {
        let answer = auth(&key, "/v1/auth", &[(name, value)]);
        assert_eq!((answer.status, given::text(&answer.value()["code"])), (403, "IP_NOT_ALLOWED".into()), "{name}");
    }
}

#[test]
fn more_than_one_credential_is_refused() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({}));
    let host = edge.base_url.trim_start_matches("http://");
    let twice = format!(
        "GET /v1/auth HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {0}\r\nAuthorization: Bearer {0}\r\nConnection: close\r\n\r\n",
        key.secret
    );
    let answer = edge.raw(twice.as_bytes());
    assert_eq!((answer.status, &answer.value()["code"]), (400, &json!("MALFORMED_REQUEST")));
    assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_request\""));
}

#[test]
fn where_x_api_key_counts_it_is_one_credential_or_too_many() {
    let vars = vec![("ACCEPT_X_API_KEY".to_owned(), "true".to_owned())];
    let fleet = Fleet::start(Options { vars, faults: false, ..Options::default() });
    let key = given::org(fleet.edge(), json!({})).key(json!({}));
    let bearer = ("authorization", format!("Bearer {}", key.secret));
    let api_key = |text: &str| ("x-api-key", text.to_owned());
    for (headers, status, code) in [
        (vec![api_key(&key.secret)], 200, None),
        (vec![api_key("nonsense")], 401, Some("MALFORMED")),
        (vec![bearer.clone(), api_key(&key.secret)], 400, Some("MALFORMED_REQUEST")),
        (vec![api_key(&key.secret), api_key(&key.secret)], 400, Some("MALFORMED_REQUEST")),
        // An empty field presents nothing, here as in `Authorization`.
        (vec![api_key(" ")], 401, Some("UNAUTHENTICATED")),
        (vec![bearer, api_key("")], 200, None),
    ] {
        let fields: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = fleet.edge().send("GET", "/v1/auth", &fields, None);
        let said = (answer.status != 200).then(|| given::text(&answer.value()["code"]));
        assert_eq!((answer.status, said.as_deref()), (status, code), "{:?}", headers.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }
}

#[test]
fn bad_questions_are_refused_before_anything_is_spent() {
    let key = given::org(shared().edge(), json!({})).key(json!({}));
    for (path, headers, pointer) in [
        ("/v1/auth?permissions=Leads", vec![], "/permissions"),
        ("/v1/auth?limited=429", vec![], "/limited"),
        ("/v1/auth?permission=leads:read", vec![], "/permission"),
        ("/v1/auth", vec![("latchkey-act-as", "two words")], "/Latchkey-Act-As"),
    ] {
        let answer = auth(&key, path, &headers);
        assert_eq!((answer.status, &answer.value()["errors"][0]["pointer"]), (422, &json!(pointer)), "{path}");
    }
    assert_eq!(given::ask(shared().edge(), &key.secret, json!({"peek": true}))["rate_limit"]["remaining"], 1000);
}

#[test]
fn problem_types_lead_to_a_page() {
    let edge = shared().edge();
    let problem: Value = edge.get("/v1/auth").value();
    let page = edge.get(given::text(&problem["type"]).strip_prefix(edge.base_url.as_str()).unwrap());
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains(problem["title"].as_str().unwrap()));
    assert_eq!(edge.get("/problems/NOPE").status, 404);
}
