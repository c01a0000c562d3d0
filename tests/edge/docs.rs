//! Docs of an organization's own API: descriptions that were uploaded or are published elsewhere.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::{
    client::Response,
    given::{self, Org},
    runtime::{Fleet, OPERATOR_TOKEN, Options, shared},
};

const MAX_BYTES: usize = 2 * 1024 * 1024;

fn put(org: &Org<'_>, body: &[u8], fields: &[(&str, &str)]) -> Response {
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let mut all = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
    all.extend(fields);
    org.edge.send("PUT", &org.path("/openapi"), &all, Some(body))
}

fn shown(org: &Org<'_>, fields: &[(&str, &str)]) -> Response {
    org.edge.send("GET", &format!("/docs/{}/openapi.json", org.id), fields, None)
}

/// A description of so many bytes, full of characters of several bytes and of quotes.
fn description(bytes: usize) -> String {
    let (head, tail) = (r#"{"openapi": "3.1.0", "info": {"title": "Größe", "version": "1", "description": ""#, r#""}}"#);
    let mut text = head.to_owned();
    while text.len() + tail.len() + "'価'".len() <= bytes {
        text.push_str("'価'");
    }
    let rest = bytes - text.len() - tail.len();
    text + &"x".repeat(rest) + tail
}

#[test]
fn a_description_is_shown_byte_by_byte_as_it_was_uploaded() {
    let org = given::org(shared().edge(), json!({}));
    assert_eq!((shown(&org, &[]).status, org.edge.get(&format!("/docs/{}", org.id)).status), (404, 404));
    for bytes in [100, 32 * 1024 + 1, 64 * 1024 + 1, MAX_BYTES] {
        let text = description(bytes);
        let made = put(&org, text.as_bytes(), &[]);
        let digest = latchkey::token::digest::Digest::of(&text).hex();
        let expected = json!({"title": "Größe", "openapi": "3.1.0", "bytes": bytes, "sha256": digest, "shown": true});
        let first = bytes == 100;
        assert_eq!((made.status, made.value()), (if first { 201 } else { 200 }, expected), "{bytes}");
        assert_eq!(made.header("location").is_some(), first);
        let answer = shown(&org, &[]);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert!(answer.body == text.as_bytes(), "{bytes} bytes come back");
        let tag = format!("\"{digest}\"");
        assert_eq!((answer.header("etag"), answer.header("cache-control")), (Some(tag.as_str()), Some("public, max-age=60")));
        let known = shown(&org, &[("if-none-match", &tag)]);
        assert_eq!((known.status, known.body.len()), (304, 0));
    }
    let entries = org.audit();
    let change = &entries[0]["changes"]["openapi"];
    assert_eq!((&entries[0]["action"], entries.len()), (&json!("org.updated"), 5));
    assert_eq!(change["from"], entries[1]["changes"]["openapi"]["to"]);
    let gone = org.edge.operator("DELETE", &org.path("/openapi"), None);
    assert_eq!((gone.status, shown(&org, &[]).status), (204, 404));
    assert_eq!(org.edge.operator("DELETE", &org.path("/openapi"), None).status, 404);
    assert_eq!(org.audit().len(), 6, "what changed nothing left nothing");
}

#[test]
fn what_is_no_description_is_refused_and_what_was_there_stays() {
    let org = given::org(shared().edge(), json!({}));
    assert_eq!(put(&org, description(100).as_bytes(), &[]).status, 201);
    let secret = org.key(json!({})).secret;
    let with_key = json!({"openapi": "3.1.0", "x-example": secret}).to_string();
    let deep = format!("{}1{}", r#"{"openapi":"#.repeat(5000), "}".repeat(5000));
    for (body, status, code) in [
        ("openapi: 3.1.0".to_owned(), 400, "MALFORMED_REQUEST"),
        (deep, 400, "MALFORMED_REQUEST"),
        (String::new(), 400, "MALFORMED_REQUEST"),
        ("[]".to_owned(), 400, "MALFORMED_REQUEST"),
        (r#"{"swagger": "2.0"}"#.to_owned(), 422, "VALIDATION_FAILED"),
        (with_key, 422, "VALIDATION_FAILED"),
    ] {
        let refused = put(&org, body.as_bytes(), &[]);
        assert_eq!((refused.status, &refused.value()["code"]), (status, &json!(code)), "{}", refused.text());
        assert!(!refused.text().contains(&secret));
    }
    let yaml = org.edge.send(
        "PUT",
        &org.path("/openapi"),
        &[("authorization", &format!("Bearer {OPERATOR_TOKEN}")), ("content-type", "application/yaml")],
        Some(b"openapi: 3.1.0"),
    );
    assert_eq!(yaml.status, 415);
    let head = format!("PUT {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OPERATOR_TOKEN}\r\n", org.path("/openapi"));
    let too_long = org.edge.raw(format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{{", MAX_BYTES + 1).as_bytes());
    assert_eq!((too_long.status, &too_long.value()["code"]), (413, &json!("BODY_TOO_LARGE")), "by its announced length");
    assert_eq!(shown(&org, &[]).text(), description(100));
}

#[test]
fn of_somebody_unknown_no_large_body_is_taken() {
    let org = given::org(shared().edge(), json!({}));
    // The body never comes: whoever waited for it would not have answered.
    let head = format!("PUT {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n", org.path("/openapi"));
    let refused = org.edge.raw(format!("{head}Content-Length: {MAX_BYTES}\r\nConnection: close\r\n\r\n{{").as_bytes());
    assert_eq!((refused.status, shown(&org, &[]).status), (401, 404));
}

/// Somebody who publishes a description, and counts how often it is asked for.
fn publisher() -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/openapi.json", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let body = json!({"openapi": "3.1.0", "info": {"title": format!("Version {number}"), "version": "1"}}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    (url, asked)
}

#[test]
fn a_published_description_is_asked_for_once_and_goes_before_an_uploaded_one() {
    let org = given::org(shared().edge(), json!({}));
    assert_eq!(put(&org, description(100).as_bytes(), &[]).status, 201);
    let (url, asked) = publisher();
    let patch =
        |url: Value| org.edge.operator("PATCH", &org.path(""), Some(&json!({"policy": {"playground": {"openapi_url": url}}}))).status;
    assert_eq!(patch(json!(url)), 200);
    for _ in 0..5 {
        assert_eq!(shown(&org, &[]).value()["info"]["title"], "Version 1");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(put(&org, description(101).as_bytes(), &[]).value()["shown"], false);
    assert_eq!(shown(&org, &[]).value()["info"]["title"], "Version 1");
    assert_eq!(patch(Value::Null), 200);
    assert_eq!(shown(&org, &[]).text(), description(101), "at once");
}

#[test]
fn one_address_may_ask_for_docs_and_test_tokens_only_so_often() {
    let fleet = Fleet::start(Options { rate_limits: vec![("DOCS", 3)], ..Options::default() });
    let org = given::org(fleet.edge(), json!({"playground": {"enabled": true}}));
    assert_eq!(put(&org, description(100).as_bytes(), &[]).status, 201);
    crate::floods::well_within_a_minute();
    let (here, there) = (("cf-connecting-ip", "203.0.113.9"), ("cf-connecting-ip", "203.0.113.8"));
    for _ in 0..3 {
        assert_eq!(shown(&org, &[here]).status, 200);
    }
    let refused = shown(&org, &[here]);
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    assert_eq!((refused.header("cache-control"), &refused.value()["code"]), (Some("no-store"), &json!("RATE_LIMITED")));
    let cookie = crate::portal::sign_in(org.edge, &crate::portal::ask(&org, "owner").link);
    let own = org.edge.base_url.as_str();
    let make = |from| org.edge.send("POST", &org.path("/playground-keys"), &[("cookie", &cookie), ("origin", own), from], None).status;
    assert_eq!((make(here), make(there), shown(&org, &[there]).status), (429, 201, 200));
    let bearer = format!("Bearer {OPERATOR_TOKEN}");
    let backend = org.edge.send("POST", &org.path("/playground-keys"), &[("authorization", &bearer), here], None);
    assert_eq!(backend.status, 201, "a backend asks for many readers");
}

#[test]
fn a_database_that_fails_makes_docs_unavailable_and_loses_nothing() {
    let fleet = Fleet::start(Options::default());
    let org = given::org(fleet.edge(), json!({}));
    assert_eq!(put(&org, description(70_000).as_bytes(), &[]).status, 201);
    for fault in [json!({"db": "fail"}), json!({"db": {"batch": "fail"}})] {
        org.edge.faults(&fault);
        let failed = put(&org, description(80_000).as_bytes(), &[]);
        assert_eq!((failed.status, &failed.value()["code"]), (503, &json!("UNAVAILABLE")), "{fault}");
    }
    org.edge.faults(&json!({"db": "fail"}));
    assert_eq!(shown(&org, &[]).status, 503);
    org.edge.faults(&json!({"db": {"batch": "lose"}}));
    assert_eq!(put(&org, description(90_000).as_bytes(), &[]).status, 503);
    org.edge.faults(&json!({}));
    assert_eq!(shown(&org, &[]).text(), description(90_000), "it was stored; only the answer was lost");
    assert_eq!(put(&org, description(90_000).as_bytes(), &[]).status, 200, "repeating it is safe");
    assert_eq!(org.audit().len(), 3);
}

#[test]
fn of_two_uploads_at_once_the_later_one_is_refused_and_nothing_is_mixed() {
    let fleet = Fleet::start(Options::default());
    let org = given::org(fleet.edge(), json!({}));
    let (held, quick) = (description(200_000), description(100_000));
    // The first has read what is there and comes to write it late.
    org.edge.faults(&json!({"db": {"batch": {"delay_ms": 3000, "times": 1}}}));
    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(|| put(&org, held.as_bytes(), &[]));
        while org.edge.calls("db.batch") == 0 {}
        let second = put(&org, quick.as_bytes(), &[]);
        (first.join().unwrap(), second)
    });
    assert_eq!((first.status, &first.value()["code"], second.status), (409, &json!("CONFLICT"), 201));
    assert!(shown(&org, &[]).text() == quick, "all of it is the other's");
    assert_eq!(org.audit().len(), 2, "the refused one left nothing");
}

#[test]
fn an_upload_is_one_use_of_the_key_that_makes_it() {
    let org = given::org(shared().edge(), json!({}));
    let key = crate::service_keys::service_key(org.edge, &["orgs:write"], json!({"rate_limit": {"limit": 2, "window_seconds": 60}}));
    let bearer = format!("Bearer {}", key.secret);
    let send = |bytes: usize| {
        let fields = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        org.edge.send("PUT", &org.path("/openapi"), &fields, Some(description(bytes).as_bytes())).status
    };
    assert_eq!((send(100), send(200), send(300)), (201, 200, 429));
}
