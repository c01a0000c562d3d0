//! WebSockets, and the origin as a service binding.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::{
    origin::{HOST, Seen, Wire, case, gateway_before, head, key, org, problem, send, shared},
    runtime::Fleet,
};

const WORKER: &str = "tests/edge/origin/bound.mjs";

fn bound() -> &'static Fleet {
    static BOUND: OnceLock<Fleet> = OnceLock::new();
    BOUND.get_or_init(|| gateway_before(&[("GATEWAY_TIMEOUT_MS", "1000")], Some(WORKER)))
}

fn handshake<'a>(bearer: &'a str, case: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("Authorization", bearer),
        ("X-Case", case),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
}

/// A short text as a client sends it (RFC 6455, section 5.2), under a mask of zeros.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

fn assert_echo(wire: &mut Wire) {
    for text in ["hello", "again"] {
        wire.write(&frame(text));
        let reply = [&[0x81, 5], text.as_bytes()].concat();
        assert_eq!(wire.read_until(text.as_bytes()), reply);
    }
    // The end, and its echo: 1000, all is well.
    wire.write(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);
    wire.read_until(&[0x88, 0x02, 0x03, 0xe8]);
}

#[test]
fn a_web_socket_is_opened_by_the_origin_and_carries_messages_both_ways() {
    let (origin, fleet) = shared();
    let (key, case) = (key(fleet.edge()), case());
    let bearer = format!("Bearer {}", key.secret);
    let fields = [&handshake(&bearer, &case)[..], &[("Sec-WebSocket-Protocol", "own.v1"), ("Latchkey-Key-Id", "key_spoofed")]].concat();
    let mut wire = Wire::open(fleet.edge(), &head("GET /v1/socket?x=1", &fields));
    let answer = wire.read_head().to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    for field in ["sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=", "sec-websocket-protocol: own.v1", "ratelimit: \"key\";r="] {
        assert!(answer.contains(field), "{field} is not in {answer}");
    }
    assert_echo(&mut wire);
    assert_eq!(origin.event(&case, "message"), json!({"text": "hello"}));
    assert_eq!(origin.event(&case, "closed"), json!({"code": 1000}));
    let seen = origin.seen(&case);
    assert_eq!((seen.url(), seen.all("latchkey-key-id")), ("/v1/socket?x=1", vec![key.id.as_str()]));
    assert!(!seen.0.to_string().contains(key.secret.rsplit('_').next().unwrap()));
}

#[test]
fn a_handshake_is_refused_as_any_request() {
    let (origin, fleet) = shared();
    let (key, name) = (key(fleet.edge()), case());
    let mut nobody = handshake("Bearer nonsense", &name);
    nobody.push(("Connection", "close"));
    assert_eq!(problem(&send(fleet.edge(), "GET /v1/socket", &nobody, "")), (401, "MALFORMED".to_owned()));
    assert!(!origin.knows(&name));
    let (name, bearer) = (case(), format!("Bearer {}", key.secret));
    let fields = [&handshake(&bearer, &name)[..], &[("X-Play", r#"{"status": 403}"#)]].concat();
    let mut wire = Wire::open(fleet.edge(), &head("GET /v1/socket", &fields));
    assert!(wire.read_head().starts_with("HTTP/1.1 403"), "the origin's own refusal");
    wire.read_until(b"no");
}

#[test]
fn a_bound_worker_gets_what_a_server_would() {
    let fleet = bound();
    let org = org(fleet.edge());
    let key = org.key(json!({"permissions": ["leads:read", "leads:create"]}));
    let bearer = format!("Bearer {}", key.secret);
    let fields =
        [("Authorization", bearer.as_str()), ("Latchkey_Key_Id", "spoofed"), ("X-Own", "1"), ("Connection", "x-hop"), ("X-Hop", "spoofed")];
    for (line, body) in [("POST /v1/a|b?c=%20d", "hello"), ("GET /v1/leads", "")] {
        let answer = send(fleet.edge(), line, &fields, body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.header("ratelimit").is_some() && answer.header("x-request-id").is_some());
        let seen = Seen(answer.value());
        let (method, target) = line.split_once(' ').unwrap();
        assert_eq!((seen.method(), seen.url()), (method, format!("http://{HOST}{target}").as_str()));
        assert_eq!((&seen.0["body"], seen.all("x-own"), seen.all("latchkey-key-id")), (&json!(body), vec!["1"], vec![key.id.as_str()]));
        assert_eq!((seen.all("cache-control"), seen.all("latchkey-org-id")), (vec![], vec![org.id.as_str()]));
        assert!(!answer.text().contains(key.secret.rsplit('_').next().unwrap()) && !answer.text().contains("spoofed"));
    }
    assert_eq!(problem(&send(fleet.edge(), "GET /v1/leads", &[], "")).0, 401);
    assert_eq!(problem(&send(fleet.edge(), "GET /v2/leads", &fields, "")).0, 403);
    let moved = send(fleet.edge(), "GET /v1/redirects", &fields, "");
    assert_eq!((moved.status, moved.header("location")), (302, Some("https://elsewhere.example/")));
}

#[test]
fn a_bound_worker_that_fails_is_502_and_one_that_hangs_504() {
    let fleet = bound();
    let key = key(fleet.edge());
    let bearer = format!("Bearer {}", key.secret);
    for (path, status, code) in [("/v1/fails", 502, "BAD_GATEWAY"), ("/v1/hangs", 504, "GATEWAY_TIMEOUT")] {
        let answer = send(fleet.edge(), &format!("GET {path}"), &[("Authorization", &bearer)], "");
        assert_eq!(problem(&answer), (status, code.to_owned()));
        assert!(!answer.text().contains("this worker failed"), "nothing of the cause is told");
    }
}

#[test]
fn a_web_socket_goes_through_to_a_bound_worker() {
    let key = key(bound().edge());
    let bearer = format!("Bearer {}", key.secret);
    let mut wire = Wire::open(bound().edge(), &head("GET /v1/socket", &handshake(&bearer, "")));
    let answer = wire.read_head();
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert_echo(&mut wire);
}

#[test]
fn the_binding_goes_before_the_url() {
    let nobody: Value = json!("http://127.0.0.1:1");
    let fleet = gateway_before(&[("ORIGIN_URL", nobody.as_str().unwrap())], Some(WORKER));
    let key = key(fleet.edge());
    let answer = send(fleet.edge(), "GET /v1/leads", &[("Authorization", &format!("Bearer {}", key.secret))], "");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(fleet.edge().get("/readyz").status, 200);
}
