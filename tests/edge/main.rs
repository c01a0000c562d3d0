//! Black-box tests against the built wasm on the real runtime. Nothing here is mocked.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may end with a panic; its message is the finding")]

mod client;
mod runtime;

use runtime::{Fleet, Options, shared};
use serde_json::json;

#[test]
fn built_worker_answers_on_the_real_runtime() {
    let answer = shared().edge().get("/readyz");
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert_eq!(answer.header("content-type"), Some("text/plain;charset=UTF-8"));
    assert_eq!(shared().scheduled().status, 200);
    let raw = shared().edge().raw(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!((raw.status, raw.text().as_str()), (200, "hello"));
    assert!(!raw.headers.is_empty());
    let malformed = shared().edge().raw(b"NONSENSE\r\n\r\n");
    assert_eq!(malformed.status, 400);
}

#[test]
fn edges_of_a_fleet_restart_on_their_state() {
    let mut fleet = Fleet::start(Options { edges: 3, keep_state: true, ..Options::default() });
    for edge in &fleet.edges {
        assert_eq!(edge.get("/").status, 200);
    }
    fleet.edges[1].faults(&json!({"kv": {"get": "fail"}, "guard": {"delay_ms": 50}}));
    assert_eq!(fleet.edges[1].calls("kv.get"), 0);
    fleet.restart();
    assert_eq!(fleet.edge().operator("POST", "/v1/orgs", Some(&json!({"name": "x"}))).status, 200);
}
