use crate::{client::Response, given, given::Key, runtime::shared};
use serde_json::{Value, json};

fn whoami(key: &Key, ip: Option<&str>) -> Response {
    let bearer = format!("Bearer {}", key.secret);
    let headers: Vec<(&str, &str)> =
        [("authorization", bearer.as_str())].into_iter().chain(ip.map(|ip| ("cf-connecting-ip", ip))).collect();
    shared().edge().send("GET", "/v1/whoami", &headers, None)
}

#[test]
fn the_holder_of_a_key_sees_what_a_verify_would_answer() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({"metadata": {"team": "crm"}}));
    let (own, mut asked) = (whoami(&key, None).value(), given::ask(edge, &key.secret, json!({"peek": true})));
    asked["request_id"] = own["request_id"].clone();
    for volatile in ["/rate_limit/reset_at", "/freshness"] {
        *asked.pointer_mut(volatile).unwrap() = own.pointer(volatile).unwrap().clone();
    }
    assert_eq!(own, asked);
    assert_eq!((&own["code"], &own["key"]["metadata"]), (&json!("VALID"), &json!({"team": "crm"})));
}

#[test]
fn asking_about_oneself_spends_nothing_and_tells_a_limit_that_is_used_up() {
    let edge = shared().edge();
    let key = given::org(edge, json!({"consistency": {"mode": "strict"}})).key(json!({"rate_limit": {"limit": 1, "window_seconds": 60}}));
    for _ in 0..5 {
        assert_eq!(whoami(&key, None).value()["rate_limit"]["remaining"], 1);
    }
    assert_eq!(given::code(edge, &key.secret), "VALID");
    let own = whoami(&key, None);
    let told = own.value();
    assert_eq!((own.status, &told["valid"], &told["code"]), (200, &json!(false), &json!("RATE_LIMITED")));
    assert_eq!(told["rate_limit"]["remaining"], 0);
}

#[test]
fn a_key_that_is_not_good_here_is_refused_as_everywhere() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    let (revoked, local) = (org.key(json!({})), org.key(json!({"ip_allowlist": ["203.0.113.9"]})));
    org.revoke(&revoked);
    let none = edge.get("/v1/whoami");
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some("Bearer realm=\"latchkey\"")));
    for (answer, status, code) in [
        (whoami(&revoked, None), 401, "REVOKED"),
        (whoami(&local, None), 403, "IP_NOT_ALLOWED"),
        (whoami(&local, Some("203.0.113.8")), 403, "IP_NOT_ALLOWED"),
        (whoami(&local, Some("203.0.113.9")), 200, "VALID"),
        (edge.send("GET", "/v1/whoami", &[("authorization", "Bearer nonsense")], None), 401, "MALFORMED"),
        (edge.send("GET", "/v1/whoami", &[("authorization", "Bearer a, Bearer b")], None), 400, "MALFORMED_REQUEST"),
    ] {
        let told: Value = answer.value();
        assert_eq!((answer.status, &told["code"]), (status, &json!(code)));
    }
    let head = edge.send("HEAD", "/v1/whoami", &[("authorization", &format!("Bearer {}", org.key(json!({})).secret))], None);
    assert_eq!((head.status, head.body.len()), (200, 0));
}
