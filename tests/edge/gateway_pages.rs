//! Pages in browsers before the gateway: which may call, and what they may read.

use serde_json::json;

use crate::{
    client::Response,
    origin::{self, Origin, play, problem, send},
};

const DOCS: &str = "https://keys.example.com";
const OTHER: &str = "https://evil.example";

fn allowed(answer: &Response) -> (Option<&str>, Vec<&str>) {
    assert!(answer.header("access-control-allow-credentials").is_none());
    let vary = answer.headers.iter().filter(|(name, _)| name == "vary").map(|(_, value)| value.as_str()).collect();
    (answer.header("access-control-allow-origin"), vary)
}

#[test]
fn a_listed_page_is_told_what_it_may_ask_and_can_read_answers_and_refusals() {
    let behind = Origin::start();
    let fleet = behind.gateway(&[("GATEWAY_CORS_ORIGINS", &format!("https://docs.example.com {DOCS}"))]);
    let (edge, key) = (fleet.edge(), origin::key(fleet.edge()));
    let wanted = [("Origin", DOCS), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "authorization, x-own")];
    let told = send(edge, "OPTIONS /v1/leads", &wanted, "");
    assert_eq!((told.status, allowed(&told)), (204, (Some(DOCS), vec!["Origin"])));
    assert_eq!(told.header("access-control-allow-methods"), Some("PUT"));
    assert_eq!(told.header("access-control-allow-headers"), Some("authorization, x-own"));

    let bearer = format!("Bearer {}", key.secret);
    for (line, authorization, status) in
        [("GET /v1/leads", Some(bearer.as_str()), 200), ("GET /elsewhere", Some(&bearer), 403), ("GET /v1/leads", None, 401)]
    {
        let fields: Vec<(&str, &str)> = [("Origin", DOCS)].into_iter().chain(authorization.map(|value| ("Authorization", value))).collect();
        let answer = send(edge, line, &fields, "");
        assert_eq!((answer.status, allowed(&answer)), (status, (Some(DOCS), vec!["Origin"])), "{line}");
        assert!(answer.header("access-control-expose-headers").unwrap().contains("RateLimit"), "{line}");
    }
    for (fields, status) in [(vec![("Origin", OTHER), wanted[1]], 401), (vec![("Origin", "null"), wanted[1]], 401), (vec![wanted[1]], 401)]
    {
        let refused = send(edge, "OPTIONS /v1/leads", &fields, "");
        assert_eq!((refused.status, allowed(&refused)), (status, (None, vec!["Origin"])), "{fields:?}");
    }
    let answered = send(edge, "GET /v1/leads", &[("Origin", OTHER), ("Authorization", &bearer)], "");
    assert_eq!((answered.status, allowed(&answered)), (200, (None, vec!["Origin"])));
    let own = json!({"fields": [["Vary", "Accept, origin"]]}).to_string();
    let varying = send(edge, "GET /v1/leads", &[("Origin", DOCS), ("Authorization", &bearer), ("X-Play", &own)], "");
    assert_eq!(allowed(&varying), (Some(DOCS), vec!["Accept, origin"]), "said once");
}

#[test]
fn an_origin_that_speaks_for_itself_is_left_alone() {
    let behind = Origin::start();
    let fleet = behind.gateway(&[("GATEWAY_CORS_ORIGINS", DOCS)]);
    let key = origin::key(fleet.edge());
    let own = json!({"fields": [["Access-Control-Allow-Origin", "https://app.example"], ["Vary", "Accept"]]}).to_string();
    let bearer = format!("Bearer {}", key.secret);
    let fields = [("Origin", DOCS), ("Authorization", bearer.as_str()), ("X-Play", &own)];
    let answer = send(fleet.edge(), "GET /v1/leads", &fields, "");
    assert_eq!((answer.status, allowed(&answer)), (200, (Some("https://app.example"), vec!["Accept, Origin"])));
}

#[test]
fn without_the_setting_no_page_is_told_anything() {
    let (_, fleet) = origin::shared();
    let key = origin::key(fleet.edge());
    let refused = send(fleet.edge(), "GET /v1/leads", &[("Origin", DOCS)], "");
    assert_eq!((problem(&refused).0, allowed(&refused)), (401, (None, vec![])));
    let answer = play(fleet.edge(), &key, "GET /v1/leads", "", &json!({}), "");
    assert_eq!((answer.status, allowed(&answer)), (200, (None, vec![])));
}
