use crate::{
    given,
    runtime::{Fleet, Options, shared},
};
use serde_json::json;
use std::thread;

#[test]
fn a_key_is_limited_at_exactly_its_limit_under_concurrency() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({"rate_limit": {"limit": 20, "window_seconds": 3600}}));
    let codes: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(|| (0..10).map(|_| given::code(edge, &key.secret)).collect::<Vec<_>>())).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|code| *code == "VALID").count(), 20);
    assert_eq!(codes.iter().filter(|code| *code == "RATE_LIMITED").count(), 60);
}

#[test]
fn edges_share_one_limit() {
    let fleet = Fleet::start(Options { edges: 3, faults: false, ..Options::default() });
    let key = given::org(fleet.edge(), json!({})).key(json!({"rate_limit": {"limit": 15, "window_seconds": 3600}}));
    let valid: usize = thread::scope(|scope| {
        let secret = &key.secret;
        let workers: Vec<_> =
            fleet.edges.iter().map(|edge| scope.spawn(move || (0..10).filter(|_| given::code(edge, secret) == "VALID").count())).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(valid, 15);
}

#[test]
fn a_window_slides() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({"rate_limit": {"limit": 3, "window_seconds": 1}}));
    let mut admitted = Vec::new();
    let end = given::now().plus_ms(3_200);
    // Offered without pause for several windows; each admission lies between the moment before it was asked for and the
    // moment after it was answered.
    while given::now() < end {
        let asked = given::now();
        if given::code(edge, &key.secret) == "VALID" {
            admitted.push((asked, given::now()));
        }
    }
    assert!(admitted.len() > 3, "the window frees what it held");
    for four in admitted.windows(4) {
        let (first_asked, last_answered) = (four[0].0, four[3].1);
        assert!(last_answered.ms() - first_asked.ms() >= 1_000, "four admissions within one second");
    }
}

#[test]
fn a_cost_is_taken_whole_or_not_at_all() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({"rate_limit": {"limit": 10, "window_seconds": 3600}}));
    assert_eq!(given::ask(edge, &key.secret, json!({"cost": 7}))["rate_limit"]["remaining"], 3);
    let refused = given::ask(edge, &key.secret, json!({"cost": 4}));
    assert_eq!((&refused["code"], &refused["rate_limit"]["remaining"]), (&json!("RATE_LIMITED"), &json!(3)));
    assert!(refused["retry_after_ms"].as_u64().unwrap() <= 3_600_000);
    assert_eq!(given::ask(edge, &key.secret, json!({"cost": 3}))["rate_limit"]["remaining"], 0);
    let never = given::ask(edge, &key.secret, json!({"cost": 11}));
    assert_eq!((&never["code"], &never["retry_after_ms"]), (&json!("RATE_LIMITED"), &json!(null)));
}

#[test]
fn keys_of_an_organization_share_its_limit_all_or_nothing() {
    let edge = shared().edge();
    let org = given::org(edge, json!({"org_rate_limit": {"limit": 3, "window_seconds": 3600}}));
    let (one, two) = (org.key(json!({"rate_limit": {"limit": 2, "window_seconds": 3600}})), org.key(json!({})));
    assert_eq!((given::code(edge, &one.secret), given::code(edge, &one.secret)), ("VALID".into(), "VALID".into()));
    assert_eq!(given::code(edge, &one.secret), "RATE_LIMITED", "by its own limit");
    assert_eq!(given::code(edge, &two.secret), "VALID", "the refusal took nothing from the organization");
    let refused = given::ask(edge, &two.secret, json!({}));
    assert_eq!((&refused["code"], &refused["rate_limit"]["remaining"]), (&json!("RATE_LIMITED"), &json!(999)), "nor this one from the key");
}

#[test]
fn a_key_without_a_limit_is_never_limited() {
    let edge = shared().edge();
    let key = given::org(edge, json!({})).key(json!({"rate_limit": null}));
    for _ in 0..80 {
        let answer = given::ask(edge, &key.secret, json!({}));
        assert_eq!((&answer["code"], &answer["rate_limit"]), (&json!("VALID"), &json!(null)));
    }
}
