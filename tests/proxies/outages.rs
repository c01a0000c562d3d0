//! Whatever stands where Latchkey should, nothing reaches the origin without its word.

use serde_json::json;

use crate::{
    given,
    proxy::Kind,
    stand::{before, edge, org},
    tap::End,
};

/// What each proxy makes of nobody there.
pub fn status_when_down(kind: Kind) -> u16 {
    match kind {
        Kind::Nginx | Kind::Envoy => 503,
        Kind::Caddy => 502,
        Kind::Traefik => 500,
    }
}

#[test]
fn without_latchkey_nothing_reaches_the_origin() {
    let stand = before(End::Nobody);
    let key = org().key(json!({}));
    assert_eq!(given::code(edge(), &key.secret), "VALID");
    for proxy in &stand.proxies {
        for headers in [vec![], vec![("latchkey-key-id", "spoofed"), ("latchkey-code", "VALID")]] {
            let passage = stand.call(proxy, &key.secret, "GET", "/leads", &headers);
            assert_eq!(passage.refused(), status_when_down(proxy.kind), "{:?}", proxy.kind);
        }
    }
}

#[test]
fn an_answer_that_is_no_decision_lets_nothing_through() {
    let stand = before(End::Answering(""));
    let key = org().key(json!({}));
    for answer in [
        "",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nLatchkey-Key-Id: cut o",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    ] {
        stand.tap.turn_into(End::Answering(answer));
        for proxy in &stand.proxies {
            let passage = stand.call(proxy, &key.secret, "GET", "/leads", &[]);
            assert!(passage.refused() >= 300, "{:?} {answer:?}: {}", proxy.kind, passage.answer.status);
        }
    }
}

#[test]
fn a_latchkey_that_says_nothing_lets_nothing_through() {
    let stand = before(End::Answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"));
    stand.tap.turn_into(End::Silent);
    let key = org().key(json!({}));
    std::thread::scope(|scope| {
        // Traefik waits for half a minute, and its file cannot say how long: too long for a test.
        for proxy in stand.proxies.iter().filter(|proxy| proxy.kind != Kind::Traefik) {
            let (stand, key) = (&stand, &key);
            scope.spawn(move || {
                let passage = stand.call(proxy, &key.secret, "GET", "/leads", &[]);
                assert!((500..600).contains(&passage.refused()), "{:?}: {}", proxy.kind, passage.answer.status);
            });
        }
    });
}
