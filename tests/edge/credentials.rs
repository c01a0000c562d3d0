//! What is read as a credential, and what is answered to what is none: to the byte, as a client may send it.

use crate::{given, runtime::shared};
use serde_json::json;

#[test]
fn each_way_to_send_a_credential_has_its_answer() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({})).secret;
    let host = edge.base_url.trim_start_matches("http://");
    let long = |length: usize| "a".repeat(length);
    let many: String = (0..2000).map(|number| format!("X-{number}: b\r\n")).collect();
    for (fields, status, code) in [
        (format!("Authorization: Bearer {key}"), 200, None),
        (format!("aUTHORIZATION: bEARER {key}"), 200, None),
        (format!("Authorization:   Bearer   {key}   "), 200, None),
        (format!("Authorization: \r\nAuthorization: Bearer {key}"), 200, None),
        (format!("X-A: {}\r\nAuthorization: Bearer {key}", long(64 * 1024)), 200, None),
        (format!("{many}Authorization: Bearer {key}"), 200, None),
        (format!("Authorization: Bearer {}", long(60_000)), 401, Some("MALFORMED")),
        (format!("Authorization: Bearer {key}é"), 401, Some("MALFORMED")),
        (format!("Authorization: Bearer {key} {key}"), 401, Some("MALFORMED")),
        (format!("Authorization: {key}"), 401, Some("UNAUTHENTICATED")),
        ("Authorization: Basic eDp5".to_owned(), 401, Some("UNAUTHENTICATED")),
        ("Authorization: ".to_owned(), 401, Some("UNAUTHENTICATED")),
        (format!("Proxy-Authorization: Bearer {key}"), 401, Some("UNAUTHENTICATED")),
        (format!("Cookie: authorization=Bearer {key}"), 401, Some("UNAUTHENTICATED")),
        (format!("Authorization: Bearer {key}, Bearer {key}"), 400, Some("MALFORMED_REQUEST")),
        (format!("Authorization: Bearer {key}\r\nAuthorization: Bearer {key}"), 400, Some("MALFORMED_REQUEST")),
        (format!("Authorization: Bearer {key}\r\nAuthorization: Basic eDp5"), 400, Some("MALFORMED_REQUEST")),
        // The platform's own refusals: folded over two lines (RFC 9112, section 5.2), a blank before the colon, a NUL.
        (format!("Authorization: Bearer\r\n {key}"), 400, None),
        (format!("Authorization : Bearer {key}"), 400, None),
        (format!("Authorization: Bearer {key}\0"), 400, None),
    ] {
        let answer = edge.raw(format!("GET /v1/auth HTTP/1.1\r\nHost: {host}\r\n{fields}\r\nConnection: close\r\n\r\n").as_bytes());
        let shown = fields.replace(&key, "KEY");
        assert_eq!((answer.status, answer.header("latchkey-code")), (status, code), "{shown:.80}");
        assert!(!answer.text().contains(&key), "{shown:.80}");
        assert_eq!(answer.header("www-authenticate").is_some(), code.is_some(), "{shown:.80}");
    }
}
