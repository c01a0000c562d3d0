use crate::{
    given,
    runtime::{OPERATOR_TOKEN, shared},
};
use serde_json::{Value, json};

fn operator() -> String {
    format!("Bearer {OPERATOR_TOKEN}")
}

fn post(path: &str, content_type: &str, body: &[u8]) -> (u16, Value) {
    let answer = shared().edge().send("POST", path, &[("authorization", &operator()), ("content-type", content_type)], Some(body));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
    let problem = answer.value();
    assert_eq!(problem["status"], answer.status);
    for member in ["type", "title", "detail", "code", "request_id"] {
        assert!(problem[member].is_string(), "{member} in {problem}");
    }
    assert_eq!(answer.header("x-request-id"), problem["request_id"].as_str());
    (answer.status, problem)
}

#[test]
fn bodies_that_are_not_a_json_object_are_400() {
    let deep = "[".repeat(10_000);
    let deep_object = "{\"a\":".repeat(500);
    for body in [
        "",
        "{",
        "nul",
        "\"text\"",
        "[]",
        "5",
        "null",
        "{\"name\": \"a\"",
        "{'name': 'a'}",
        "{\"name\": \"\\ud800\"}",
        "{\"name\": 1e999}",
        "{\"name\": \"a\"} x",
        deep.as_str(),
        deep_object.as_str(),
        "\u{feff}{}",
    ] {
        let (status, problem) = post("/v1/orgs", "application/json", body.as_bytes());
        assert_eq!((status, &problem["code"]), (400, &json!("MALFORMED_REQUEST")), "{body:.40}");
    }
    for bytes in [&b"{\"name\": \"\xff\"}"[..], &[0, 159, 146, 150], &[0xfe, 0xff, 0, b'{', 0, b'}']] {
        assert_eq!(post("/v1/orgs", "application/json", bytes).0, 400);
    }
}

#[test]
fn wrong_shapes_are_400_and_wrong_values_422_each_with_pointers() {
    let org = given::org(shared().edge(), json!({}));
    let keys = org.path("/keys");
    for (path, body, status, pointers) in [
        ("/v1/orgs", json!({"name": 5}), 400, vec!["/name"]),
        ("/v1/orgs", json!({}), 422, vec!["/name"]),
        ("/v1/orgs", json!({"name": "a", "policy": []}), 400, vec!["/policy"]),
        (&keys, json!({"name": null}), 400, vec!["/name"]),
        (&keys, json!({"name": "a\u{0}b"}), 422, vec!["/name"]),
        (&keys, json!({"name": "x".repeat(101), "permissions": "leads:read"}), 400, vec!["/name", "/permissions"]),
        (
            &keys,
            json!({"name": "a", "ip_allowlist": ["203.0.113.9/24", "::1%lo", "010.0.0.1", 5]}),
            400,
            vec!["/ip_allowlist/0", "/ip_allowlist/1", "/ip_allowlist/2", "/ip_allowlist/3"],
        ),
        (&keys, json!({"name": "a", "expires_at": "2030-02-30T00:00:00Z"}), 422, vec!["/expires_at"]),
        (&keys, json!({"name": "a", "expires_at": "2000-01-01T00:00:00Z"}), 422, vec!["/expires_at"]),
        (
            &keys,
            json!({"name": "a", "rate_limit": {"limit": -1, "window_seconds": 1.5}}),
            422,
            vec!["/rate_limit/limit", "/rate_limit/window_seconds"],
        ),
        (&keys, json!({"name": "a", "metadata": {"x": "y".repeat(5000)}}), 422, vec!["/metadata"]),
        (&keys, json!({"name": "a", "secret": "mine"}), 422, vec!["/secret"]),
        ("/v1/verify", json!({}), 422, vec!["/key"]),
        (
            "/v1/verify",
            json!({"key": "x", "cost": 0, "ip": "1.2.3", "permissions": {"any": []}}),
            422,
            vec!["/permissions/any", "/ip", "/cost"],
        ),
    ] {
        let (got, problem) = post(path, "application/json", body.to_string().as_bytes());
        let named: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!((got, named), (status, pointers), "{body}");
    }
    assert_eq!(org.edge.operator("GET", &keys, None).value()["items"], json!([]), "nothing was made");
}

#[test]
fn other_media_types_are_415() {
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "multipart/form-data; boundary=x"]
    {
        let (status, problem) = post("/v1/orgs", content_type, b"{\"name\": \"a\"}");
        assert_eq!((status, &problem["code"]), (415, &json!("UNSUPPORTED_MEDIA_TYPE")), "{content_type}");
    }
    let without = shared().edge().send("POST", "/v1/orgs", &[("authorization", &operator())], Some(b"{\"name\": \"a\"}"));
    assert_eq!(without.status, 415);
}

#[test]
fn a_body_over_64_kib_is_413_however_it_is_sent() {
    let large = |length: usize| format!("{{\"name\": \"{}\"}}", "x".repeat(length));
    let (status, problem) = post("/v1/orgs", "application/json", large(65_536).as_bytes());
    assert_eq!((status, &problem["code"]), (413, &json!("BODY_TOO_LARGE")));
    // Just below, it is read and its content judged.
    assert_eq!(post("/v1/orgs", "application/json", large(65_500).as_bytes()).0, 422);
    // In chunks, with no length to trust.
    let edge = shared().edge();
    let host = edge.base_url.trim_start_matches("http://");
    let mut request = format!(
        "POST /v1/orgs HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        operator()
    );
    for _ in 0..70 {
        request.push_str(&format!("400\r\n{}\r\n", "x".repeat(1024)));
    }
    request.push_str("0\r\n\r\n");
    assert_eq!(edge.raw(request.as_bytes()).status, 413);
}

#[test]
fn a_body_that_is_cut_off_changes_nothing() {
    let org = given::org(shared().edge(), json!({}));
    let host = org.edge.base_url.trim_start_matches("http://");
    let body = "{\"name\": \"half\"}";
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        org.path("/keys"),
        operator(),
        body.len() + 10
    );
    org.edge.cut_off(format!("{head}{body}").as_bytes());
    assert_eq!(org.edge.operator("GET", &org.path("/keys"), None).value()["items"], json!([]));
}

#[test]
fn methods_and_paths_are_answered_as_http_says() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let keys = org.path("/keys");
    let allowed = edge.send("OPTIONS", &keys, &[], None);
    assert_eq!((allowed.status, allowed.header("allow")), (204, Some("GET, HEAD, POST, OPTIONS")));
    for method in ["DELETE", "PUT", "PATCH"] {
        let answer = edge.operator(method, &keys, None);
        assert_eq!(
            (answer.status, &answer.value()["code"], answer.header("allow")),
            (405, &json!("METHOD_NOT_ALLOWED"), Some("GET, HEAD, POST, OPTIONS"))
        );
    }
    assert_eq!(edge.operator("GET", "/v1/verify", None).header("allow"), Some("POST, OPTIONS"));
    assert_eq!(edge.operator("PROPFIND", &keys, None).status, 501);
    let get = edge.operator("GET", &keys, None);
    let head = edge.operator("HEAD", &keys, None);
    assert_eq!((head.status, head.body.len(), head.header("content-type")), (200, 0, get.header("content-type")));
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/orgs/",
        "/v1/orgs/x/keys/",
        "/v2/orgs",
        "//v1/orgs",
        "/v1/orgs/x/keys/y/revoke/z",
        "/V1/ORGS",
        "/v1/auth/",
    ] {
        let answer = edge.operator("GET", path, None);
        assert_eq!((answer.status, &answer.value()["code"]), (404, &json!("NOT_FOUND")), "{path}");
    }
}

#[test]
fn absurd_requests_get_an_answer_below_500() {
    let edge = shared().edge();
    let host = edge.base_url.trim_start_matches("http://");
    let long = "a".repeat(60_000);
    let lines = [
        format!("GET /v1/auth HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {long}\r\n"),
        format!("GET /v1/auth?{long} HTTP/1.1\r\nHost: {host}\r\n"),
        format!("GET /v1/orgs/{long} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\n", operator()),
        format!("GET /v1/auth HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer \u{e9}\u{e9}\r\n"),
        format!("GET /v1/auth HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer\u{9}\u{9}\r\n"),
        format!("GET /v1/auth HTTP/1.1\r\nHost: {host}\r\nAuthorization:\r\n"),
        format!("GET /v1/auth HTTP/1.1\r\nHost: {host}\r\nX-Bad: a\u{1}b\r\n"),
        format!("GET http://other.example/v1/auth HTTP/1.1\r\nHost: {host}\r\n"),
        "GET /v1/auth HTTP/1.1\r\n".to_owned(),
        format!("GET /v1/orgs/%zz%/keys?cursor=%ff&q=%00 HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\n", operator()),
        format!("FOO\u{7f}BAR /v1/auth HTTP/1.1\r\nHost: {host}\r\n"),
        format!("POST /v1/verify HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\nContent-Length: -5\r\n", operator()),
    ];
    for line in lines {
        let answer = edge.raw(format!("{line}Connection: close\r\n\r\n").as_bytes());
        assert!((200..500).contains(&answer.status), "{} for {line:.80}", answer.status);
    }
}

#[test]
fn a_member_named_twice_is_400() {
    let (status, problem) =
        post("/v1/orgs", "application/json", b"{\"name\": \"a\", \"policy\": {\"deletion\": true, \"deletion\": false}}");
    assert_eq!((status, &problem["code"]), (400, &json!("MALFORMED_REQUEST")));
}

#[test]
fn a_credential_in_the_wrong_place_is_neither_repeated_nor_kept() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let key = org.key(json!({}));
    let random_part = &key.secret[key.secret.len() - 30..];
    let named = |name: &str| json!({"name": "x", name: 1, "key": "y"});
    let answers = [
        edge.operator("POST", "/v1/verify", Some(&named(&key.secret))),
        edge.operator("POST", "/v1/verify", Some(&named(OPERATOR_TOKEN))),
        edge.operator("PATCH", &org.path(""), Some(&json!({"policy": {"roles": {(key.secret.as_str()): ["nonsense"]}}}))),
        edge.operator("GET", &format!("{}?{}=1", org.path("/keys"), key.secret), None),
        edge.operator("GET", &format!("{}?limit=1&q={}", org.path("/keys"), key.secret), None),
        edge.send("GET", &format!("/v1/auth?{}=1", key.secret), &[("authorization", &format!("Bearer {}", key.secret))], None),
        org.create(&json!({"name": format!("was {}", key.secret)})),
        org.create(&json!({"name": "a", "metadata": {"old": key.secret}})),
        edge.operator("POST", &org.path(&format!("/keys/{}/revoke", key.id)), Some(&json!({"reason": format!("leaked {}", key.secret)}))),
    ];
    for answer in answers {
        assert_eq!(answer.status, 422, "{}", answer.text());
        let shown = format!("{:?} {}", answer.headers, answer.text());
        assert!(!shown.contains(random_part) && !shown.contains(OPERATOR_TOKEN), "{shown}");
    }
    let headers = [("authorization", operator()), ("user-agent", format!("curl {}", key.secret))];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(edge.json("POST", &org.path("/keys"), &headers, Some(&json!({"name": "a"}))).status, 201);
    let audit = org.audit();
    assert_eq!(audit[0]["user_agent"], "curl [key]");
    assert!(!format!("{audit:?}").contains(random_part));
}

#[test]
fn metadata_is_never_too_deep_to_be_read_back() {
    let org = given::org(shared().edge(), json!({}));
    let nested = |depth: usize| format!("{{\"name\": \"a\", \"metadata\": {}1{}}}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for (depth, status) in [(20, 201), (21, 422), (125, 422)] {
        let headers = [("authorization", operator())];
        let headers = [(headers[0].0, headers[0].1.as_str()), ("content-type", "application/json")];
        let made = org.edge.send("POST", &org.path("/keys"), &headers, Some(nested(depth).as_bytes()));
        assert_eq!(made.status, status, "{depth}");
    }
    assert_eq!(org.audit().len(), 2);
}
