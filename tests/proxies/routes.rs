//! What a request needs by the organization's routes: whatever the client writes, the API never gets a path that the key
//! was not judged for.

use serde_json::json;

use crate::{
    given,
    stand::{Passage, each, edge},
};

fn routed() -> given::Org<'static> {
    let resource = |name| json!({"name": name, "title": name, "description": "", "actions": ["read", "update"]});
    let routes = json!([{"path": "/open/*", "resource": "open"}, {"path": "/closed/*", "resource": "closed"}]);
    given::org(edge(), json!({"resources": [resource("open"), resource("closed")], "routes": routes}))
}

#[test]
fn method_and_path_of_the_original_request_say_what_is_needed() {
    let key = routed().key(json!({"permissions": ["open:read"]}));
    each(|stand, proxy| {
        let call = |method, path| stand.call(proxy, &key.secret, method, path, &[]);
        for (method, path) in [("GET", "/open"), ("GET", "/open/7?x=/closed"), ("HEAD", "/open/7")] {
            assert_eq!(call(method, path).answer.status, 200, "{method} {path}");
        }
        for (method, path, code) in [
            ("PUT", "/open/7", "INSUFFICIENT_PERMISSIONS"),
            ("GET", "/closed/7", "INSUFFICIENT_PERMISSIONS"),
            ("OPTIONS", "/open/7", "ROUTE_NOT_MAPPED"),
            ("GET", "/elsewhere", "ROUTE_NOT_MAPPED"),
        ] {
            let passage = call(method, path);
            assert_eq!((passage.refused(), passage.answer.header("latchkey-code")), (403, Some(code)), "{method} {path}");
        }
        // The client's own word about its request is worth nothing.
        for (method, path) in [("X-Original-Method", "X-Original-URI"), ("X-Forwarded-Method", "X-Forwarded-Uri")] {
            let lies = [(method, "GET"), (path, "/open/7")];
            assert_eq!(stand.call(proxy, &key.secret, "PUT", "/closed/7", &lies).refused(), 403);
        }
    });
}

#[test]
fn no_spelling_of_a_path_leads_past_its_route() {
    let key = routed().key(json!({"permissions": ["open:read"]}));
    each(|stand, proxy| {
        for path in [
            "/open/../closed",
            "/open/./../closed",
            "/open/%2e%2e/closed",
            "/open/%2E./closed",
            "/open/..;/closed",
            "/open/..;x=1/closed",
            "/open/..%2fclosed",
            "/open/..%2Fclosed",
            "/open/..%5cclosed",
            "/open/..\\closed",
            "/open/%252e%252e/closed",
            "/open%2f..%2fclosed",
            "//closed",
            "/open//../closed",
            "/open/%00/../closed",
            "/./closed",
            "/%2e/closed",
            "/%63losed",
            "/closed;/x",
            "/closed%2f",
            "/open/../../closed",
            "/open/%2e%2e%3bx/closed",
            "/closed%3f/../open",
            "/open?/../closed",
        ] {
            let fields = [format!("Authorization: Bearer {}", key.secret), "Connection: close".to_owned()];
            let passage = stand.raw(proxy, &format!("GET {path}"), &fields);
            for request in &passage.arrived {
                assert_eq!(first_segment(&request.target), "open", "{path} came as {}", request.target);
            }
            assert_eq!(passage.arrived.is_empty(), is_refused(&passage), "{path}: {}", passage.answer.status);
        }
    });
}

fn is_refused(passage: &Passage) -> bool {
    passage.answer.status >= 300
}

/// Where the most generous reader sees the path begin: encodings undone until none is left, backslashes taken for slashes,
/// what follows a semicolon ignored, steps taken.
fn first_segment(target: &str) -> String {
    let mut path = target.split('?').next().unwrap_or_default().to_owned();
    loop {
        let decoded = percent_decoded(&path);
        if decoded == path {
            break;
        }
        path = decoded;
    }
    let mut steps: Vec<&str> = Vec::new();
    let path = path.replace('\\', "/");
    for segment in path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()) {
        match segment {
            "" | "." => {}
            ".." => drop(steps.pop()),
            name => steps.push(name),
        }
    }
    steps.first().copied().unwrap_or_default().to_owned()
}

fn percent_decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(char::from(byte));
                decoded.push_str(&piece[2..]);
            }
            None => {
                decoded.push('%');
                decoded.push_str(piece);
            }
        }
    }
    decoded
}
