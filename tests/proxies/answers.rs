//! What a client and the origin get: a good key, and each kind of refusal.

use serde_json::json;

use crate::{
    client::Response,
    given::{self, Key, Org},
    proxy::{Kind, Proxy},
    stand::{asking_for, each, edge, org},
    wire::Request,
};

/// The six fields that say who calls.
pub fn identity(org: &Org, key: &Key, actor: (&str, &str)) -> Vec<(&'static str, String)> {
    let fields = [
        ("latchkey-key-id", key.id.as_str()),
        ("latchkey-key-name", "Z%C3%A4pier"),
        ("latchkey-org-id", &org.id),
        ("latchkey-actor-type", actor.0),
        ("latchkey-actor-id", actor.1),
        ("latchkey-permissions", "leads:read"),
    ];
    fields.map(|(name, value)| (name, value.to_owned())).into()
}

#[test]
fn a_good_key_reaches_the_origin_with_its_identity_and_without_its_secret() {
    each(|stand, proxy| {
        let org = org();
        let key = org.key(json!({"name": "Zäpier", "rate_limit": {"limit": 60, "window_seconds": 60}}));
        let passage = stand.call(proxy, &key.secret, "GET", "/leads/7?page=2", &[("cookie", "a=b")]);
        let arrived = passage.arrived();
        assert_eq!((passage.answer.status, passage.answer.text().as_str()), (200, "from the origin"));
        assert_eq!((arrived.method.as_str(), arrived.target.as_str()), ("GET", "/leads/7?page=2"));
        for (name, value) in identity(&org, &key, ("key", &key.id)) {
            assert_eq!(arrived.values(name), [value], "{name}");
        }
        assert_eq!(arrived.names_like("latchkey-").len(), 6, "{:?}", arrived.headers);
        let sent = String::from_utf8_lossy(&arrived.raw).into_owned();
        assert!(!sent.contains(&key.secret) && arrived.values("authorization").is_empty(), "{sent}");
        assert_eq!(arrived.values("cookie"), ["a=b"], "what is not Latchkey's is the origin's");
        // Traefik tells the origin alone; the others tell the client.
        let (told, policy) = match proxy.kind {
            Kind::Traefik => (arrived.only("ratelimit"), arrived.only("ratelimit-policy")),
            _ => (passage.answer.header("ratelimit"), passage.answer.header("ratelimit-policy")),
        };
        assert_eq!((told, policy), (Some("\"key\";r=59;t=60"), Some("\"key\";q=60;w=60")));
    });
}

#[test]
fn latchkey_is_told_what_it_needs_and_nothing_else() {
    each(|stand, proxy| {
        let key = org().key(json!({}));
        let body = b"the body is the origin's".as_slice();
        let bearer = format!("Bearer {}", key.secret);
        let headers = [("authorization", bearer.as_str()), ("cookie", "a=b"), ("x-private", "c")];
        let passage = stand.send(proxy, "POST", "/leads?page=2", &headers, Some(body));
        assert_eq!(passage.answer.status, 200);
        let asked = stand.tap.asked_of(&key.secret);
        let [question] = asked.as_slice() else { panic!("asked {} times", asked.len()) };
        let target = if proxy.kind == Kind::Nginx { "/v1/auth?limited=403" } else { "/v1/auth" };
        assert_eq!((question.target.trim_end_matches('?'), question.only("host")), (target, Some(stand.tap.address.as_str())));
        assert!(question.body.is_empty(), "the body went to Latchkey");
        assert!(question.only("latchkey-service").is_some(), "{:?}", question.headers);
        assert_eq!(told(question), ("POST".to_owned(), "/leads?page=2".to_owned()));
        assert_eq!(question.values("cookie"), Vec::<&str>::new());
        // Caddy hands on all fields but those that it is told to leave out.
        assert_eq!(question.values("x-private").is_empty(), proxy.kind != Kind::Caddy);
    });
}

/// The method and target that Latchkey takes a question to be about: it reads these fields in this order.
pub fn told(question: &Request) -> (String, String) {
    let told = |names: [&str; 2]| {
        let name = names.into_iter().find(|name| !question.values(name).is_empty()).expect("it is told");
        question.only(name).expect("it is told once").to_owned()
    };
    (told(["x-original-method", "x-forwarded-method"]), told(["x-original-uri", "x-forwarded-uri"]))
}

/// What a refusal tells a client, as far as this proxy can: its status, challenge and code.
fn check(proxy: &Proxy, answer: &Response, status: u16, code: &str, challenge: Option<&str>) {
    assert_eq!(answer.status, status, "{code}: {}", answer.text());
    let given: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "www-authenticate").collect();
    assert_eq!(given.len(), usize::from(challenge.is_some()), "{code}: one challenge, or none: {given:?}");
    let sent = answer.header("www-authenticate").unwrap_or_default();
    assert!(sent.starts_with(challenge.unwrap_or_default()), "{code}: {sent}");
    assert_eq!(answer.header("latchkey-code"), Some(code));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{code}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{code}");
    assert!(answer.header("x-request-id").is_some_and(|id| id.starts_with("req_")), "{code}: {:?}", answer.headers);
    let problem = answer.value();
    assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)));
    // nginx drops the document of the answer, so its own says less.
    if proxy.kind != Kind::Nginx {
        assert!(given::text(&problem["type"]).contains("/problems/"), "{problem}");
        assert!(problem["detail"].is_string() && problem["request_id"].is_string(), "{problem}");
    }
}

const ANY: &str = "Bearer realm=\"latchkey\"";
const INVALID: &str = "Bearer realm=\"latchkey\", error=\"invalid_token\"";

#[test]
fn no_key_and_no_good_key_are_401_with_a_challenge() {
    let org = given::org(edge(), json!({"deletion": true}));
    let [revoked, deleted] = [org.key(json!({})), org.key(json!({}))];
    org.revoke(&revoked);
    assert_eq!(edge().operator("DELETE", &org.path(&format!("/keys/{}", deleted.id)), None).status, 204);
    let expired = org.key(json!({"expires_at": given::now().plus_ms(500).to_string()}));
    while given::code(edge(), &expired.secret) != "EXPIRED" {}
    each(|stand, proxy| {
        for (credential, code, challenge) in [
            (None, "UNAUTHENTICATED", ANY),
            (Some("Basic YTpi".to_owned()), "UNAUTHENTICATED", ANY),
            (Some("Bearer nonsense".to_owned()), "MALFORMED", INVALID),
            (Some("Bearer white space".to_owned()), "MALFORMED", INVALID),
            (Some(format!("Bearer {}", deleted.secret)), "NOT_FOUND", INVALID),
            (Some(format!("Bearer {}", revoked.secret)), "REVOKED", INVALID),
            (Some(format!("Bearer {}", expired.secret)), "EXPIRED", INVALID),
        ] {
            let headers: Vec<_> = credential.iter().map(|value| ("authorization", value.as_str())).collect();
            let passage = stand.send(proxy, "GET", "/leads", &headers, None);
            passage.refused();
            check(proxy, &passage.answer, 401, code, Some(challenge));
        }
    });
}

#[test]
fn a_good_key_that_may_not_is_403() {
    each(|stand, proxy| {
        let org = org();
        let far = org.key(json!({"ip_allowlist": ["203.0.113.0/24"]}));
        let passage = stand.call(proxy, &far.secret, "GET", "/leads", &[]);
        passage.refused();
        check(proxy, &passage.answer, 403, "IP_NOT_ALLOWED", None);

        let own = org.key(json!({}));
        let passage = stand.call(proxy, &own.secret, "GET", "/leads", &[("latchkey-act-as", "user_42")]);
        passage.refused();
        check(proxy, &passage.answer, 403, "IMPERSONATION_NOT_ALLOWED", None);
    });
}

#[test]
fn a_question_that_latchkey_cannot_read_is_the_clients_fault() {
    each(|stand, proxy| {
        let key = org().key(json!({}));
        let passage = stand.call(proxy, &key.secret, "GET", "/leads", &[("latchkey-act-as", "two words")]);
        let status = if proxy.kind == Kind::Nginx { 400 } else { 422 };
        assert_eq!((passage.refused(), passage.answer.header("latchkey-code")), (status, Some("VALIDATION_FAILED")));
    });
}

#[test]
fn a_key_without_a_limit_has_none_whatever_its_client_writes() {
    each(|stand, proxy| {
        let key = org().key(json!({"rate_limit": null}));
        let passage = stand.call(proxy, &key.secret, "GET", "/leads", &[("ratelimit", "spoofed"), ("ratelimit-policy", "spoofed")]);
        for name in ["ratelimit", "ratelimit-policy"] {
            assert_eq!((passage.answer.status, passage.answer.header(name)), (200, None), "{name}");
        }
    });
}

#[test]
fn who_may_act_for_users_is_told_to_the_origin_as_the_user() {
    each(|stand, proxy| {
        let org = given::org(edge(), json!({"impersonation": true}));
        let key = org.key(json!({"name": "Zäpier", "can_impersonate": true}));
        let passage = stand.call(proxy, &key.secret, "GET", "/leads", &[("latchkey-act-as", "user_42")]);
        let arrived = passage.arrived();
        for (name, value) in identity(&org, &key, ("user", "user_42")) {
            assert_eq!(arrived.values(name), [value], "{name}");
        }
        assert_eq!(arrived.names_like("latchkey-").len(), 6, "{:?}", arrived.headers);
    });
}

#[test]
fn a_limited_key_is_429_and_told_when_to_come_back() {
    each(|stand, proxy| {
        let key = org().key(json!({"rate_limit": {"limit": 1, "window_seconds": 60}}));
        assert_eq!(stand.call(proxy, &key.secret, "GET", "/leads", &[]).answer.status, 200);
        let limited = stand.call(proxy, &key.secret, "GET", "/leads", &[]);
        limited.refused();
        check(proxy, &limited.answer, 429, "RATE_LIMITED", None);
        let seconds: u64 = limited.answer.header("retry-after").expect("a time").parse().expect("a number");
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert_eq!(limited.answer.header("ratelimit"), Some(format!("\"key\";r=0;t={seconds}").as_str()));
        assert_eq!(limited.answer.header("ratelimit-policy"), Some("\"key\";q=1;w=60"));
        // A limit is told once: fields that are there twice make a List of two limits.
        for name in ["ratelimit", "retry-after", "latchkey-code"] {
            assert_eq!(limited.answer.headers.iter().filter(|(have, _)| have == name).count(), 1, "{name}");
        }
    });
}

#[test]
fn a_permission_is_asked_for_where_the_page_says() {
    let stand = asking_for("leads:delete");
    for proxy in &stand.proxies {
        let org = org();
        let (may, may_not) = (org.key(json!({"permissions": ["leads:delete"]})), org.key(json!({})));
        assert_eq!(stand.call(proxy, &may.secret, "GET", "/leads", &[]).answer.status, 200, "{:?}", proxy.kind);
        let passage = stand.call(proxy, &may_not.secret, "GET", "/leads", &[]);
        passage.refused();
        let challenge = "Bearer realm=\"latchkey\", error=\"insufficient_scope\", scope=\"leads:delete\"";
        check(proxy, &passage.answer, 403, "INSUFFICIENT_PERMISSIONS", Some(challenge));
    }
}
