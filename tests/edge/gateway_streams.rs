use std::fs;

use serde_json::{Value, json};

use crate::{
    client::Edge,
    given::Key,
    origin::{Wire, case, head, key, play, problem, send, shared},
    runtime::Fleet,
};

/// The head of a request with that key.
fn head_of(key: &Key, line: &str, case: &str, play: &Value, more: &[(&str, &str)]) -> String {
    let (bearer, play) = (format!("Bearer {}", key.secret), play.to_string());
    let fields = [&[("Authorization", bearer.as_str()), ("X-Case", case), ("X-Play", &play)][..], more].concat();
    head(line, &fields)
}

fn is_well(edge: &Edge, key: &Key) {
    assert_eq!(play(edge, key, "GET /v1/leads", &case(), &json!({}), "").status, 200);
}

#[test]
fn the_origin_has_the_first_piece_before_the_client_sends_the_last() {
    let (origin, fleet) = shared();
    let (key, case) = (key(fleet.edge()), case());
    let mut wire = Wire::open(
        fleet.edge(),
        &head_of(&key, "POST /v1/leads", &case, &json!({"body": "done"}), &[("Transfer-Encoding", "chunked"), ("Connection", "close")]),
    );
    wire.write(b"5\r\nfirst\r\n");
    assert_eq!(origin.event(&case, "chunk"), json!({"bytes": 5}));
    wire.write(b"4\r\nlast\r\n0\r\n\r\n");
    assert_eq!(origin.event(&case, "end")["bytes"], 9);
    assert!(wire.read_head().starts_with("HTTP/1.1 200"));
    wire.read_until(b"done");
    assert_eq!(origin.seen(&case).all("transfer-encoding"), ["chunked"], "of no length that anybody knew");
}

#[test]
fn the_client_has_the_first_piece_before_the_origin_sends_the_last() {
    let (origin, fleet) = shared();
    let (key, case) = (key(fleet.edge()), case());
    let mut wire = Wire::open(fleet.edge(), &head_of(&key, "GET /v1/leads", &case, &json!({"steps": ["first", "last"]}), &[]));
    assert!(wire.read_head().starts_with("HTTP/1.1 200"), "the fields are there before any of the body");
    origin.go(&case);
    wire.read_until(b"first");
    origin.go(&case);
    wire.read_until(b"last\r\n0\r\n\r\n");
}

#[test]
fn a_body_goes_back_while_it_comes() {
    let (_, fleet) = shared();
    let key = key(fleet.edge());
    let mut wire =
        Wire::open(fleet.edge(), &head_of(&key, "POST /v1/leads", &case(), &json!({"echo": true}), &[("Transfer-Encoding", "chunked")]));
    wire.write(b"3\r\none\r\n");
    wire.read_until(b"one");
    wire.write(b"3\r\ntwo\r\n");
    wire.read_until(b"two");
    wire.write(b"0\r\n\r\n");
    wire.read_until(b"0\r\n\r\n");
}

#[test]
fn a_gibibyte_goes_either_way_in_little_memory() {
    const GIBIBYTE: usize = 1 << 30;
    const MOST_KIB: u64 = 100 * 1024;
    let origin = crate::origin::Origin::start();
    let fleet = origin.gateway(&[("GATEWAY_TIMEOUT_MS", "600000")]);
    let key = key(fleet.edge());
    is_well(fleet.edge(), &key);
    let before = forget_peak(&fleet);

    let up = case();
    let length = GIBIBYTE.to_string();
    let mut wire = Wire::open(
        fleet.edge(),
        &head_of(&key, "POST /v1/leads", &up, &json!({"body": "done"}), &[("Content-Length", &length), ("Connection", "close")]),
    );
    let block = vec![7; 256 * 1024];
    for _ in 0..GIBIBYTE / block.len() {
        wire.write(&block);
    }
    assert_eq!(origin.event(&up, "end")["bytes"], GIBIBYTE);
    wire.read_until(b"done");

    let mut wire =
        Wire::open(fleet.edge(), &head_of(&key, "GET /v1/leads", &case(), &json!({"source": GIBIBYTE}), &[("Connection", "close")]));
    assert!(wire.read_head().contains(&format!("Content-Length: {GIBIBYTE}")));
    assert_eq!(wire.count(usize::MAX), GIBIBYTE);

    let (peak, after) = (memory_kib(&fleet, "VmHWM"), memory_kib(&fleet, "VmRSS"));
    assert!(peak - before < MOST_KIB && after.saturating_sub(before) < MOST_KIB, "{before} KiB before, {peak} at most, {after} after");
}

fn memory_kib(fleet: &Fleet, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", fleet.workerd())).expect("the runtime runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("Linux tells");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// From here on the peak is a new one (proc(5), `clear_refs`). How much is in memory now.
fn forget_peak(fleet: &Fleet) -> u64 {
    fs::write(format!("/proc/{}/clear_refs", fleet.workerd()), "5").expect("the runtime is ours");
    memory_kib(fleet, "VmRSS")
}

#[test]
fn whoever_leaves_is_left() {
    let (origin, fleet) = shared();
    let key = key(fleet.edge());
    let chunked = [("Transfer-Encoding", "chunked")];
    for (body, more, said) in [
        ("5\r\nhel", &chunked[..], json!({})),
        ("hel", &[("Content-Length", "5")][..], json!({})),
        ("", &[][..], json!({"steps": ["never"]})),
    ] {
        let case = case();
        let mut wire = Wire::open(fleet.edge(), &head_of(&key, "POST /v1/leads", &case, &said, more));
        wire.write(body.as_bytes());
        origin.seen(&case);
        drop(wire);
        assert_eq!(origin.event(&case, "gone"), json!({}), "{body:?}");
    }
    // Who goes on with what is no body has left, too.
    let case = case();
    let mut wire = Wire::open(fleet.edge(), &head_of(&key, "POST /v1/leads", &case, &json!({}), &chunked));
    wire.write(b"5\r\nhello\r\n");
    origin.event(&case, "chunk");
    wire.write(b"ZZ\r\n");
    assert_eq!(origin.event(&case, "gone"), json!({}));
    is_well(fleet.edge(), &key);
}

#[test]
fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    let (_, fleet) = shared();
    let key = key(fleet.edge());
    for (raw, whole) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", b"".as_slice()),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"0\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n", b"0\r\n\r\n"),
    ] {
        for then in ["end", "reset"] {
            let said = json!({"raw": raw, "then": then});
            let mut wire = Wire::open(fleet.edge(), &head_of(&key, "GET /v1/leads", &case(), &said, &[]));
            let head = wire.read_head();
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            let left = wire.read_to_end();
            assert!(left.len() < 10 + 10 && (whole.is_empty() || !left.ends_with(whole)), "{raw:?}, {then}: {left:?} looks complete");
        }
    }
    is_well(fleet.edge(), &key);
}

#[test]
fn an_origin_that_answers_early_is_heard() {
    let (origin, fleet) = shared();
    let (key, case) = (key(fleet.edge()), case());
    let said = json!({"early": true, "status": 413, "body": "too much"});
    let mut wire = Wire::open(fleet.edge(), &head_of(&key, "POST /v1/leads", &case, &said, &[("Content-Length", "1000000")]));
    wire.write(b"some");
    assert!(wire.read_head().starts_with("HTTP/1.1 413"));
    wire.read_until(b"too much");
    assert!(origin.knows(&case));
}

#[test]
fn whoever_asks_whether_to_go_on_is_told_to() {
    let (origin, fleet) = shared();
    let (key, name) = (key(fleet.edge()), case());
    let more = [("Content-Length", "5"), ("Expect", "100-continue"), ("Connection", "close")];
    let mut wire = Wire::open(fleet.edge(), &head_of(&key, "POST /v1/leads", &name, &json!({"body": "done"}), &more));
    assert!(wire.read_head().starts_with("HTTP/1.1 100"));
    wire.write(b"hello");
    assert!(wire.read_head().starts_with("HTTP/1.1 200"));
    wire.read_until(b"done");
    assert_eq!(origin.event(&name, "end")["bytes"], 5);
    // Who is refused is told so, and may keep the body.
    let refused = send(fleet.edge(), "POST /v1/leads", &[("Expect", "100-continue"), ("Content-Length", "5")], "");
    assert_eq!(problem(&refused), (401, "UNAUTHENTICATED".to_owned()));
}

#[test]
fn time_runs_until_the_answer_begins_and_no_longer() {
    let (origin, _) = shared();
    let fleet = origin.gateway(&[("GATEWAY_TIMEOUT_MS", "300")]);
    let (key, slow) = (key(fleet.edge()), case());
    let mut wire = Wire::open(fleet.edge(), &head_of(&key, "GET /v1/leads", &slow, &json!({"steps": ["first", "last"]}), &[]));
    wire.read_head();
    // As long as the time of another request takes to run out.
    let case = case();
    let late = play(fleet.edge(), &key, "GET /v1/leads", &case, &json!({"hang": true}), "");
    assert_eq!(problem(&late), (504, "GATEWAY_TIMEOUT".to_owned()));
    assert!(late.header("ratelimit").is_some(), "it has spent a token");
    assert_eq!(origin.event(&case, "gone"), json!({}), "the origin's connection is let go of");
    origin.go(&slow);
    wire.read_until(b"first");
    origin.go(&slow);
    wire.read_until(b"last\r\n0\r\n\r\n");
    is_well(fleet.edge(), &key);
}
