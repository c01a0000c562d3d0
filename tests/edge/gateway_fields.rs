use serde_json::json;

use crate::origin::{case, key, org, play, send, shared};

#[test]
fn nobody_can_say_who_they_are_but_latchkey() {
    let (origin, fleet) = shared();
    let org = org(fleet.edge());
    let key = org.key(json!({}));
    let bearer = format!("Bearer {}", key.secret);
    for spoofed in [
        vec![("Latchkey-Key-Id", "key_spoofed")],
        vec![("LATCHKEY-KEY-ID", "key_spoofed"), ("latchkey-key-id", "key_spoofed")],
        vec![("latchkey_key_id", "key_spoofed"), ("Latchkey_Key-Id", "key_spoofed"), ("latchkey.key.id", "key_spoofed")],
        vec![("Latchkey-Org-Id", "org_spoofed"), ("Latchkey-Role", "spoofed"), ("Latchkey-Service", "spoofed")],
        vec![("Connection", "close, Latchkey-Key-Id, latchkey-org-id, latchkey-actor-id")],
        vec![("Connection", "Latchkey-Permissions"), ("Connection", "latchkey_key_id"), ("Latchkey-Permissions", "spoofed")],
    ] {
        let case = case();
        let fields = [&spoofed[..], &[("Authorization", bearer.as_str()), ("X-Case", &case)][..]].concat();
        assert_eq!(send(fleet.edge(), "GET /v1/leads", &fields, "").status, 200, "{spoofed:?}");
        let seen = origin.seen(&case);
        let identity: Vec<(String, &str)> = seen.fields().into_iter().filter(|(name, _)| name.contains("latchkey")).collect();
        let expected = [
            ("latchkey-actor-id", key.id.as_str()),
            ("latchkey-actor-type", "key"),
            ("latchkey-key-id", &key.id),
            ("latchkey-key-name", "Zapier"),
            ("latchkey-org-id", &org.id),
            ("latchkey-permissions", "leads:read"),
        ];
        let mut told: Vec<(&str, &str)> = identity.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        told.sort_unstable();
        assert_eq!(told, expected, "{spoofed:?}");
        assert!(!seen.0.to_string().contains("spoofed"));
    }
}

#[test]
fn nothing_of_the_credential_reaches_the_origin() {
    let (origin, fleet) = shared();
    let key = key(fleet.edge());
    let secret = key.secret.rsplit('_').next().unwrap();
    let api_keys = origin.gateway(&[("ACCEPT_X_API_KEY", "true")]);
    let there = crate::origin::key(api_keys.edge());
    let secret_there = there.secret.rsplit('_').next().unwrap();
    for (edge, fields, secret) in [
        (fleet.edge(), vec![("Authorization", format!("Bearer {}", key.secret))], secret),
        (fleet.edge(), vec![("aUTHORIZATION", format!("bEARER  {}", key.secret)), ("Connection", "authorization".to_owned())], secret),
        (api_keys.edge(), vec![("X-API-Key", there.secret.clone())], secret_there),
        (api_keys.edge(), vec![("X-API-Key", String::new()), ("Authorization", format!("Bearer {}", there.secret))], secret_there),
    ] {
        let case = case();
        let mut all: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.push(("X-Case", &case));
        let answer = send(edge, "POST /v1/leads", &all, "hello");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = origin.seen(&case);
        assert!(!seen.0.to_string().contains(secret), "{}", seen.0);
        assert_eq!((seen.all("authorization").len(), answer.text().contains(secret)), (0, false));
        assert!(edge.base_url == fleet.edge().base_url || seen.all("x-api-key").is_empty());
    }
}

#[test]
fn fields_of_one_connection_end_with_it_in_both_directions() {
    let (origin, fleet) = shared();
    let key = key(fleet.edge());
    let (name, bearer) = (case(), format!("Bearer {}", key.secret));
    let said = json!({"fields": [["Connection", "close, X-Hop"], ["X-Hop", "1"], ["X-Stays", "1"], ["Keep-Alive", "timeout=7"], ["Proxy-Connection", "x"], ["Upgrade", "h2c"]], "body": "own"});
    let said = said.to_string();
    let fields = [
        ("Authorization", bearer.as_str()),
        ("X-Case", &name),
        ("X-Play", &said),
        ("Connection", "X-Hop , x-other"),
        ("X-Hop", "1"),
        ("X-Other", "1"),
        ("X-Stays", "1"),
        ("Keep-Alive", "timeout=7"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic abc"),
        ("TE", "trailers"),
        ("Trailer", "X-Sum"),
        ("Upgrade", "h2c"),
    ];
    let answer = send(fleet.edge(), "GET /v1/leads", &fields, "");
    assert_eq!((answer.status, answer.text()), (200, "own".to_owned()));
    let seen = origin.seen(&name);
    for name in ["x-hop", "x-other", "keep-alive", "proxy-connection", "proxy-authorization", "te", "trailer", "upgrade"] {
        assert_eq!(seen.all(name), [""; 0], "{name} went on");
        assert_eq!(answer.header(name), None, "{name} came back");
    }
    assert_eq!((seen.all("x-stays"), answer.header("x-stays")), (vec!["1"], Some("1")));
}

#[test]
fn no_cache_is_asked_in_the_origins_place() {
    let (origin, fleet) = shared();
    let key = key(fleet.edge());
    let said = json!({"fields": [["Cache-Control", "public, max-age=3600"]], "body": "own"});
    for name in [case(), case()] {
        let answer = play(fleet.edge(), &key, "GET /v1/logo.png", &name, &said, "");
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("public, max-age=3600")));
        assert!(origin.knows(&name), "each request reaches the origin");
        assert_eq!(origin.seen(&name).all("cache-control"), ["no-cache"], "what the platform makes of a request that no cache may answer");
    }
}

#[test]
fn large_fields_pass_and_a_key_among_them_is_refused() {
    let (origin, fleet) = shared();
    let key = key(fleet.edge());
    let (name, bearer, large) = (case(), format!("Bearer {}", key.secret), "x".repeat(64 * 1024));
    let answer = send(fleet.edge(), "GET /v1/leads", &[("Authorization", &bearer), ("X-Case", &name), ("X-Large", &large)], "");
    assert_eq!((answer.status, origin.seen(&name).all("x-large")[0].len()), (200, large.len()));
    let huge_key = format!("Bearer {large}");
    assert_eq!(send(fleet.edge(), "GET /v1/leads", &[("Authorization", &huge_key)], "").status, 401);
    let huge_user = send(fleet.edge(), "GET /v1/leads", &[("Authorization", &bearer), ("Latchkey-Act-As", &large)], "");
    assert_eq!(huge_user.status, 422);
    let many: Vec<(String, String)> = (0..300).map(|number| (format!("latchkey_{number}"), "spoofed".to_owned())).collect();
    let mut fields: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let name = case();
    fields.extend([("Authorization", bearer.as_str()), ("X-Case", &name)]);
    assert_eq!(send(fleet.edge(), "GET /v1/leads", &fields, "").status, 200);
    assert!(!origin.seen(&name).0.to_string().contains("spoofed"));
}
