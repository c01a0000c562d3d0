use std::net::TcpListener;

use serde_json::json;

use crate::{
    given,
    origin::{HOST, case, gateway_before, key, mapped, play, problem, send, shared},
    runtime::{Fleet, Options},
};

#[test]
fn an_origin_that_is_not_there_is_502() {
    // Whoever took this port has let go of it.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fleet = gateway_before(&[("ORIGIN_URL", &format!("http://{nobody}"))], None);
    assert_eq!(fleet.edge().get("/readyz").status, 200, "whether the origin is well is not asked");
    let key = key(fleet.edge());
    for (line, body) in [("GET /v1/leads", ""), ("POST /v1/leads", "hello")] {
        let answer = play(fleet.edge(), &key, line, "", &json!({}), body);
        assert_eq!(problem(&answer), (502, "BAD_GATEWAY".to_owned()));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.value()["type"], format!("http://{HOST}/.well-known/latchkey/problems/BAD_GATEWAY"));
        assert!(answer.header("ratelimit").is_some() && answer.header("x-request-id").is_some());
        assert!(!answer.text().contains(&nobody.to_string()), "where the origin is stays untold");
    }
    let head = play(fleet.edge(), &key, "HEAD /v1/leads", "", &json!({}), "");
    assert_eq!((head.status, head.body.len()), (502, 0));
    assert_eq!(send(fleet.edge(), "GET /v1/leads", &[], "").status, 401, "a key is asked for first");
}

#[test]
fn what_is_no_answer_is_502() {
    let (origin, fleet) = shared();
    let key = key(fleet.edge());
    for raw in [
        "",
        "nonsense\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        "HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Cut",
        "HTTP/1.1 600 What\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 999 What\r\nContent-Length: 1000\r\n\r\nabc",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        for then in ["end", "reset"] {
            let case = case();
            let answer = play(fleet.edge(), &key, "GET /v1/leads", &case, &json!({"raw": raw, "then": then}), "");
            assert_eq!(answer.status, 502, "{raw:?}, {then}: {}", answer.text());
            assert_eq!(problem(&answer).1, "BAD_GATEWAY");
            assert!(origin.knows(&case));
        }
    }
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown";
    let answer = play(fleet.edge(), &key, "GET /v1/leads", &case(), &json!({"raw": interim, "then": "end"}), "");
    assert_eq!((answer.status, answer.text()), (200, "own".to_owned()), "what comes before the answer is not it");
}

#[test]
fn settings_that_are_wrong_are_named_and_no_request_gets_past_them() {
    for settings in [
        vec![],
        vec![("ORIGIN_URL", "https://origin.example/path")],
        vec![("ORIGIN_URL", "https://origin.example"), ("GATEWAY_TIMEOUT_MS", "soon")],
        vec![("ORIGIN_URL", "https://origin.example"), ("GATEWAY_PREFLIGHT", "perhaps")],
        vec![("ORIGIN_URL", "https://origin.example"), ("GATEWAY_CORS_ORIGINS", "*")],
    ] {
        let fleet = gateway_before(&settings, None);
        let ready = fleet.edge().get("/readyz");
        assert_eq!((ready.status, &ready.value()["checks"]["settings"]), (503, &json!("failed")), "{settings:?}");
        let key = key(fleet.edge());
        let answer = play(fleet.edge(), &key, "GET /v1/leads", "", &json!({}), "");
        assert_eq!(problem(&answer), (502, "BAD_GATEWAY".to_owned()), "{settings:?}");
        let healthz = send(fleet.edge(), "GET /healthz", &[], "");
        assert_eq!(healthz.status, 502, "the host is the gateway's, whatever else is wrong");
        assert_eq!(fleet.edge().get("/healthz").status, 200);
    }
    let vars = vec![("ORIGIN_URL".to_owned(), "https://origin.example".to_owned())];
    let fleet = Fleet::start(Options { vars, faults: false, ..Options::default() });
    assert_eq!(fleet.edge().get("/readyz").status, 503, "an origin without a gateway");
}

#[test]
fn without_a_guard_the_policy_says_what_happens() {
    let (origin, _) = shared();
    let vars = vec![("GATEWAY_HOST".to_owned(), HOST.to_owned()), ("ORIGIN_URL".to_owned(), origin.url.clone())];
    let fleet = Fleet::start(Options { vars, ..Options::default() });
    let mut open = mapped();
    open["consistency"] = json!({"on_guard_failure": "allow"});
    let (closed, open) = (given::org(fleet.edge(), mapped()).key(json!({})), given::org(fleet.edge(), open).key(json!({})));
    for key in [&closed, &open] {
        assert_eq!(play(fleet.edge(), key, "GET /v1/leads", &case(), &json!({}), "").status, 200);
    }
    fleet.edge().faults(&json!({"guard": "fail", "org_guard": "fail"}));
    fleet.edge().kill_instance();
    let name = case();
    let refused = play(fleet.edge(), &closed, "GET /v1/leads", &name, &json!({}), "");
    assert_eq!((problem(&refused), origin.knows(&name)), ((503, "UNAVAILABLE".to_owned()), false));
    assert_eq!(refused.header("retry-after"), Some("1"));
    let name = case();
    let passed = play(fleet.edge(), &open, "GET /v1/leads", &name, &json!({}), "");
    assert_eq!(passed.status, 200, "{}", passed.text());
    assert_eq!(origin.seen(&name).all("latchkey-key-id"), [open.id.as_str()]);
    fleet.edge().faults(&json!({}));
    assert_eq!(play(fleet.edge(), &closed, "GET /v1/leads", &case(), &json!({}), "").status, 200);
}

#[test]
fn an_instance_that_dies_takes_no_later_request_with_it() {
    let (origin, _) = shared();
    let vars = vec![("GATEWAY_HOST".to_owned(), HOST.to_owned()), ("ORIGIN_URL".to_owned(), origin.url.clone())];
    let fleet = Fleet::start(Options { vars, ..Options::default() });
    let key = key(fleet.edge());
    assert_eq!(play(fleet.edge(), &key, "GET /v1/leads", &case(), &json!({}), "").status, 200);
    fleet.edge().kill_instance();
    assert_eq!(play(fleet.edge(), &key, "GET /v1/leads", &case(), &json!({}), "").status, 200);
}
