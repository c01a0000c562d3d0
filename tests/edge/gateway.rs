use serde_json::{Value, json};

use crate::{
    given,
    origin::{self, HOST, Seen, case, key, org, play, problem, send, shared},
    runtime::OPERATOR_TOKEN,
    usage::{activity, usage_when},
};

#[test]
fn a_request_that_may_pass_reaches_the_origin_as_it_was_sent() {
    let (origin, fleet) = shared();
    let org = org(fleet.edge());
    let key = org
        .key(json!({"name": "Zäpier", "permissions": ["leads:read", "leads:create"], "rate_limit": {"limit": 60, "window_seconds": 60}}));
    let (case, bearer) = (case(), format!("Bearer {}", key.secret));
    let said = json!({"status": 201, "fields": [["X-Own", "1"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]], "body": "made"}).to_string();
    let fields = [
        ("Authorization", bearer.as_str()),
        ("X-Case", &case),
        ("X-Play", &said),
        ("Content-Type", "application/x-own"),
        ("X-Two", "1"),
        ("X-Two", "2"),
        ("X-UTF8", "caf\u{e9}"),
        ("Cookie", "c=3"),
        ("Accept-Encoding", "br"),
        ("X-API-Key", "the origin's own"),
        ("User-Agent", "Own/1"),
    ];
    let answer = send(fleet.edge(), "POST /v1/leads?a=%20b&a=+&c", &fields, "hello");
    assert_eq!((answer.status, answer.text()), (201, "made".to_owned()));
    let cookies: Vec<&str> = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect();
    assert_eq!((answer.header("x-own"), cookies), (Some("1"), vec!["a=1", "b=2"]));
    assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), (Some("\"key\";r=59;t=60"), Some("\"key\";q=60;w=60")));
    assert!(answer.header("x-request-id").unwrap().starts_with("req_"));
    assert_eq!(answer.header("cache-control"), None, "what may be kept is the origin's to say");

    let seen = origin.seen(&case);
    assert_eq!((seen.method(), seen.url()), ("POST", "/v1/leads?a=%20b&a=+&c"));
    for (name, value) in [
        ("latchkey-key-id", key.id.as_str()),
        ("latchkey-key-name", "Z%C3%A4pier"),
        ("latchkey-org-id", &org.id),
        ("latchkey-actor-type", "key"),
        ("latchkey-actor-id", &key.id),
        ("latchkey-permissions", "leads:read leads:create"),
        ("content-type", "application/x-own"),
        ("content-length", "5"),
        ("cookie", "c=3"),
        ("accept-encoding", "br"),
        ("x-api-key", "the origin's own"),
        ("user-agent", "Own/1"),
        // As they came, read as Latin-1 by Node.
        ("x-utf8", "caf\u{c3}\u{a9}"),
    ] {
        assert_eq!(seen.all(name), [value], "{name}");
    }
    assert_eq!(seen.all("x-two"), ["1", "2"]);
    assert_eq!(seen.all("authorization"), [""; 0]);
    assert_eq!(origin.event(&case, "end")["sha256"], "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
}

#[test]
fn the_answer_comes_back_as_the_origin_gave_it() {
    let (_, fleet) = shared();
    let key = key(fleet.edge());
    let asked = |line: &str, said: Value| play(fleet.edge(), &key, line, &case(), &said, "");
    for status in [200, 206, 301, 302, 307, 401, 403, 404, 418, 429, 500, 503, 599] {
        let answer =
            asked("GET /v1/leads", json!({"status": status, "fields": [["Location", "https://elsewhere.example/x"]], "body": "own"}));
        assert_eq!((answer.status, answer.text()), (status, "own".to_owned()));
        assert_eq!(answer.header("location"), Some("https://elsewhere.example/x"), "{status}: no redirect is followed");
        assert_eq!(answer.header("www-authenticate"), None, "{status} is the origin's, not Latchkey's");
    }
    for status in [204, 205, 304] {
        let answer = asked("GET /v1/leads", json!({"status": status, "fields": [["ETag", "\"1\""]]}));
        assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (status, 0, Some("\"1\"")));
    }
    let head = asked("HEAD /v1/leads", json!({"fields": [["Content-Length", "12345"]]}));
    assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, Some("12345")));
    let named = asked("GET /v1/leads", json!({"fields": [["X-Request-Id", "theirs"], ["RateLimit", "\"own\";r=1"]]}));
    let all = |name: &str| {
        named.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(all("x-request-id"), "theirs");
    assert!(all("ratelimit").starts_with("\"own\";r=1, \"key\";r="), "{}", all("ratelimit"));
    let compressed = "\u{1f}\u{8b}\u{8}\0\0\0\0\0\0\u{3}\u{cb}\u{48}\u{cd}\u{c9}\u{c9}\u{7}\0\u{86}\u{a6}\u{10}\u{36}\u{5}\0\0\0";
    let raw = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n{compressed}");
    let answer = asked("GET /v1/leads", json!({"raw": raw, "then": "end"}));
    let sent: Vec<u8> = compressed.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect();
    assert_eq!((answer.header("content-encoding"), &answer.body), (Some("gzip"), &sent), "compressed or not, no byte is another");
}

#[test]
fn every_method_and_kind_of_body_passes() {
    let (origin, fleet) = shared();
    // Read, create, update and delete are what the methods of the policy's map stand for; others are not mapped.
    let key = key(fleet.edge());
    for (method, body) in [
        ("GET", ""),
        ("GET", "hello"),
        ("POST", "hello"),
        ("POST", ""),
        ("PUT", "hello"),
        ("PATCH", "hello"),
        ("DELETE", ""),
        ("DELETE", "hello"),
    ] {
        let case = case();
        let answer = play(fleet.edge(), &key, &format!("{method} /v1/leads/7"), &case, &json!({}), body);
        assert_eq!(answer.status, 200, "{method} with {body:?}: {}", answer.text());
        assert_eq!((origin.seen(&case).method(), &origin.event(&case, "end")["bytes"]), (method, &json!(body.len())), "{method}");
    }
    for method in ["OPTIONS", "TRACE", "PROPFIND"] {
        let case = case();
        let answer = play(fleet.edge(), &key, &format!("{method} /v1/leads"), &case, &json!({}), "");
        assert_eq!((problem(&answer), origin.knows(&case)), ((403, "ROUTE_NOT_MAPPED".to_owned()), false), "{method}");
    }
    // The platform's own answers.
    for (line, status) in [("NOSUCH /v1/x", 501), ("GET /v1/<x>", 400), ("GET /v1/`x`", 400), ("GET /v1/x?\"", 400), ("GET /v1/x?<y>", 400)]
    {
        let case = case();
        let answer = play(fleet.edge(), &key, line, &case, &json!({}), "");
        assert_eq!((answer.status, origin.knows(&case)), (status, false), "{line}");
    }
    let name = case();
    assert!(play(fleet.edge(), &key, "CONNECT api.example.test:80", &name, &json!({}), "").status >= 400);
    assert!(!origin.knows(&name));
}

#[test]
fn refusals_are_those_of_forward_auth_and_reach_no_origin() {
    let (origin, fleet) = shared();
    let org = org(fleet.edge());
    let (reader, revoked) = (org.key(json!({})), org.key(json!({})));
    org.revoke(&revoked);
    let limited = org.key(json!({"rate_limit": {"limit": 1, "window_seconds": 60}}));
    assert_eq!(play(fleet.edge(), &limited, "GET /v1/leads", &case(), &json!({}), "").status, 200);
    let narrow = org.key(json!({"ip_allowlist": ["203.0.113.0/24"]}));
    let bearer = |key: &given::Key| ("Authorization", format!("Bearer {}", key.secret));
    for (line, fields, status, code) in [
        ("GET /v1/leads", vec![], 401, "UNAUTHENTICATED"),
        ("GET /v1/leads", vec![("Authorization", "Bearer nonsense".to_owned())], 401, "MALFORMED"),
        ("GET /v1/leads", vec![("Authorization", format!("Bearer {OPERATOR_TOKEN}"))], 401, "MALFORMED"),
        ("GET /v1/leads", vec![bearer(&revoked)], 401, "REVOKED"),
        ("GET /v1/leads", vec![bearer(&reader), bearer(&reader)], 400, "MALFORMED_REQUEST"),
        ("DELETE /v1/leads/7", vec![bearer(&reader)], 403, "INSUFFICIENT_PERMISSIONS"),
        ("GET /v2/leads", vec![bearer(&reader)], 403, "ROUTE_NOT_MAPPED"),
        ("GET /healthz", vec![bearer(&reader)], 403, "ROUTE_NOT_MAPPED"),
        ("GET /v1/leads", vec![bearer(&narrow)], 403, "IP_NOT_ALLOWED"),
        ("GET /v1/leads", vec![bearer(&narrow), ("X-Forwarded-For", "203.0.113.9".to_owned())], 403, "IP_NOT_ALLOWED"),
        ("GET /v1/leads", vec![bearer(&reader), ("Latchkey-Act-As", "user_42".to_owned())], 403, "IMPERSONATION_NOT_ALLOWED"),
        ("GET /v1/leads", vec![bearer(&reader), ("Latchkey-Act-As", "two words".to_owned())], 422, "VALIDATION_FAILED"),
        ("GET /v1/leads", vec![bearer(&limited)], 429, "RATE_LIMITED"),
    ] {
        let case = case();
        let mut all: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.push(("X-Case", &case));
        let answer = send(fleet.edge(), line, &all, "");
        assert_eq!(problem(&answer), (status, code.to_owned()), "{line}");
        assert!(!origin.knows(&case), "{line}: {code} reached the origin");
        assert_eq!(
            answer.header("www-authenticate").is_some(),
            status == 401 || code == "INSUFFICIENT_PERMISSIONS" || status == 400,
            "{code}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("retry-after").is_some(), status == 429);
    }
    let allowed = [("Authorization", format!("Bearer {}", narrow.secret)), ("CF-Connecting-IP", "203.0.113.9".to_owned())];
    let allowed = allowed.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(send(fleet.edge(), "GET /v1/leads", &allowed, "").status, 200);
    let head = send(fleet.edge(), "HEAD /v1/leads", &[], "");
    assert_eq!((head.status, head.body.len()), (401, 0));
}

#[test]
fn who_may_act_for_a_user_does_so_before_the_origin() {
    let (origin, fleet) = shared();
    let org = given::org(fleet.edge(), json!({"routes": [{"path": "/v1/*", "resource": "leads"}], "impersonation": true}));
    let key = org.key(json!({"can_impersonate": true}));
    let (case, bearer) = (case(), format!("Bearer {}", key.secret));
    let answer = send(fleet.edge(), "GET /v1/x", &[("Authorization", &bearer), ("Latchkey-Act-As", "user_42"), ("X-Case", &case)], "");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = origin.seen(&case);
    assert_eq!((seen.all("latchkey-actor-type"), seen.all("latchkey-actor-id")), (vec!["user"], vec!["user_42"]));
    assert_eq!(seen.all("latchkey-act-as"), [""; 0]);
}

#[test]
fn organizations_have_routes_of_their_own_through_one_gateway() {
    let (_, fleet) = shared();
    let one = given::org(fleet.edge(), json!({"routes": [{"path": "/v1/leads/*", "resource": "leads"}]})).key(json!({}));
    let other = given::org(fleet.edge(), json!({"routes": [{"path": "/crm/*", "resource": "leads"}]})).key(json!({}));
    let none = given::org(fleet.edge(), json!({})).key(json!({}));
    for (key, path, status) in [
        (&one, "/v1/leads/7", 200),
        (&one, "/crm/leads", 403),
        (&other, "/v1/leads/7", 403),
        (&other, "/crm/leads", 200),
        (&none, "/v1/leads/7", 403),
    ] {
        assert_eq!(play(fleet.edge(), key, &format!("GET {path}"), &case(), &json!({}), "").status, status, "{path}");
    }
}

#[test]
fn a_path_that_can_be_read_in_two_ways_never_reaches_the_origin() {
    let (origin, fleet) = shared();
    let key = key(fleet.edge());
    for path in [
        "/v1//leads",
        "//v1/leads",
        "/v1/../admin",
        "/v1/./leads",
        "/v1/%2e%2e/admin",
        "/v1/%2E./x",
        "/v1/.%2e",
        "/v1/leads%2fx",
        "/v1/leads%2Fx",
        "/v1/leads%5cx",
        "/v1/leads\\x",
        "/v1/..;/admin",
        "/v1/.;x/leads",
        "/v1/%252e%252e/x",
        "/v1/x%00",
        "/v1/\u{e9}",
        "/v1/%0a",
    ] {
        let case = case();
        let answer = play(fleet.edge(), &key, &format!("GET {path}"), &case, &json!({}), "");
        assert_eq!((problem(&answer), origin.knows(&case)), ((403, "ROUTE_NOT_MAPPED".to_owned()), false), "{path}");
    }
}

#[test]
fn what_reaches_the_origin_is_what_was_asked_for() {
    let (origin, fleet) = shared();
    let key = key(fleet.edge());
    // What may stand in a path and in a query (RFC 3986), and what clients put there beside.
    for target in [
        "/v1/",
        "/v1/a.b",
        "/v1/...",
        "/v1/~a-_!$&'()*+,;=:@",
        "/v1/%41%7e",
        "/v1/%C3%A9",
        "/v1/a%20b",
        "/v1/x;y=1",
        "/v1/a|b",
        "/v1/[a]",
        "/v1/{a}^b",
        "/v1/\"a\"",
        "/v1/a?b=\u{e9}`",
        "/v1/a?",
        "/v1/a?b=/../c&d=%2F//&e=%zz",
        "/v1/a?x='y'|z[]",
        "/v1/a??",
    ] {
        let case = case();
        let answer = play(fleet.edge(), &key, &format!("GET {target}"), &case, &json!({}), "");
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        assert_eq!(percent_decoded(origin.seen(&case).url()), percent_decoded(target), "{target}");
    }
}

/// The platform may write a character that has no place in an address in its percent-encoded form.
fn percent_decoded(target: &str) -> String {
    [("%27", "'"), ("%7C", "|"), ("%5B", "["), ("%5D", "]"), ("%7B", "{"), ("%7D", "}"), ("%5E", "^"), ("%22", "\""), ("%C3%A9", "\u{e9}")]
        .into_iter()
        .fold(target.to_owned(), |target, (encoded, plain)| target.replace(encoded, plain))
}

#[test]
fn the_gateways_host_is_the_origins_but_for_the_pages_of_problems() {
    let (_, fleet) = shared();
    let refused = send(fleet.edge(), "GET /v1/leads", &[], "");
    let kind = given::text(&refused.value()["type"]);
    let path = kind.strip_prefix(&format!("http://{HOST}")).unwrap();
    assert_eq!(path, "/.well-known/latchkey/problems/UNAUTHENTICATED");
    let page = send(fleet.edge(), &format!("GET {path}"), &[], "");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains(refused.value()["title"].as_str().unwrap()));
    let told = send(fleet.edge(), &format!("GET {path}"), &[("Accept", "application/json")], "");
    assert_eq!((told.status, &told.value()["type"]), (200, &refused.value()["type"]));
    assert_eq!(send(fleet.edge(), "GET /.well-known/latchkey/problems/NOPE", &[], "").status, 404);
    assert_eq!(send(fleet.edge(), &format!("POST {path}"), &[], "").status, 405);
    let operator = format!("Bearer {OPERATOR_TOKEN}");
    for own in [
        "/healthz",
        "/readyz",
        "/v1/orgs",
        "/v1/auth",
        "/v1/verify",
        "/portal",
        "/problems/REVOKED",
        "/.well-known/latchkey/",
        "/.well-known/latchkey/healthz",
    ] {
        let answer = send(fleet.edge(), &format!("GET {own}"), &[("Authorization", &operator)], "");
        assert_eq!(problem(&answer), (401, "MALFORMED".to_owned()), "{own} is nothing here but a path of the origin's");
    }
    let elsewhere = fleet.edge().get("/healthz");
    assert_eq!((elsewhere.status, fleet.edge().get("/.well-known/latchkey/problems/REVOKED").status), (200, 404));
    for host in ["API.EXAMPLE.TEST", "api.example.test:8787"] {
        let answer = fleet.edge().raw(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(answer.status, 401, "{host}");
    }
}

#[test]
fn what_passes_is_counted_and_limited_as_any_use_of_the_key() {
    let (_, fleet) = shared();
    let org = org(fleet.edge());
    let key = org.key(json!({"rate_limit": {"limit": 3, "window_seconds": 60}}));
    let statuses: Vec<u16> = (0..4).map(|_| play(fleet.edge(), &key, "GET /v1/leads/7?secret=1", &case(), &json!({}), "").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(given::ask(fleet.edge(), &key.secret, json!({"peek": true}))["rate_limit"]["remaining"], 0);
    let value = usage_when(&org, &key, |value| value["last_24h"]["requests"] == 4);
    assert_eq!(value["last_24h"]["by_code"], json!({"VALID": 3, "RATE_LIMITED": 1}));
    for item in activity(&org, &key) {
        assert_eq!((&item["method"], &item["path"]), (&json!("GET"), &json!("/v1/leads/7")), "without its query");
    }
}

#[test]
fn preflights_need_a_key_unless_the_settings_let_them_pass() {
    let (origin, fleet) = shared();
    let asks = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "PUT")];
    let refused = send(fleet.edge(), "OPTIONS /v1/leads", &asks, "");
    assert_eq!(problem(&refused), (401, "UNAUTHENTICATED".to_owned()));

    let open = origin.gateway(&[("GATEWAY_PREFLIGHT", "pass"), ("ACCEPT_X_API_KEY", "true")]);
    let (name, said) = (case(), json!({"status": 204, "fields": [["Access-Control-Allow-Origin", "https://app.example"]]}).to_string());
    let spoofed = [("X-Case", name.as_str()), ("X-Play", &said), ("Latchkey-Key-Id", "key_x"), ("latchkey_org_id", "org_x")];
    let passed = send(open.edge(), "OPTIONS /v1/leads", &[&asks[..], &spoofed[..]].concat(), "");
    assert_eq!((passed.status, passed.header("access-control-allow-origin")), (204, Some("https://app.example")));
    assert_eq!(passed.header("ratelimit"), None);
    assert!(identity(&origin.seen(&name)).is_empty(), "nobody is known, and nobody says so");
    for (line, fields) in [
        ("GET /v1/leads", vec![asks[0], asks[1]]),
        ("OPTIONS /v1/leads", vec![asks[0]]),
        ("OPTIONS /v1/leads", vec![asks[1]]),
        ("OPTIONS /v1/leads", vec![asks[0], asks[1], ("Authorization", "Bearer nonsense")]),
        ("OPTIONS /v1/leads", vec![asks[0], asks[1], ("Authorization", "Basic abc")]),
        ("OPTIONS /v1/leads", vec![asks[0], asks[1], ("X-API-Key", "nonsense")]),
    ] {
        let case = origin::case();
        let answer = send(open.edge(), line, &[&fields[..], &[("X-Case", case.as_str())][..]].concat(), "");
        assert_eq!((answer.status, origin.knows(&case)), (401, false), "{line} {fields:?}");
    }
}

fn identity(seen: &Seen) -> Vec<String> {
    seen.fields().into_iter().map(|(name, _)| name.replace('_', "-")).filter(|name| name.starts_with("latchkey")).collect()
}
