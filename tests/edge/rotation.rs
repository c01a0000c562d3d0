use crate::{
    client::Response,
    given,
    given::{Key, Org},
    runtime::{Fleet, Options, shared},
};
use serde_json::{Value, json};
use std::thread;

fn rotate(org: &Org<'_>, key: &Key, body: Value) -> Response {
    org.edge.operator("POST", &org.path(&format!("/keys/{}/rotate", key.id)), Some(&body))
}

fn complete(org: &Org<'_>, key: &Key) -> Response {
    org.edge.operator("POST", &org.path(&format!("/keys/{}/rotation/complete", key.id)), None)
}

#[test]
fn both_secrets_work_during_the_overlap_and_share_one_limit() {
    let edge = shared().edge();
    let org = given::org(edge, json!({"key_prefix": "rak_live_v2"}));
    let key = org.key(json!({"rate_limit": {"limit": 5, "window_seconds": 3600}}));
    let rotated = rotate(&org, &key, json!({"overlap_seconds": 3600}));
    let (record, new) = (rotated.value()["key"].clone(), given::text(&rotated.value()["secret"]));
    assert_eq!((rotated.status, &record["id"], &record["version"]), (200, &json!(key.id), &json!(2)));
    assert_ne!(new, key.secret);
    let shown = latchkey::token::format::Key::parse(&new).unwrap().display_prefix();
    assert_eq!(
        (&record["prefix"], &record["secrets"][0]["prefix"], &record["secrets"][1]["prefix"]),
        (&json!(shown), &json!(shown), &key.record["prefix"])
    );
    for field in ["name", "permissions", "rate_limit", "created_at", "metadata"] {
        assert_eq!(record[field], key.record[field], "{field}");
    }
    let remaining = |secret: &str| given::ask(edge, secret, json!({}))["rate_limit"]["remaining"].clone();
    assert_eq!((remaining(&key.secret), remaining(&new), remaining(&key.secret)), (json!(4), json!(3), json!(2)));

    let again = rotate(&org, &key, json!({"overlap_seconds": 0}));
    assert_eq!((again.status, given::text(&again.value()["code"])), (409, "ROTATION_IN_PROGRESS".into()));

    let done = complete(&org, &key);
    assert_eq!(done.status, 200);
    assert!(done.value()["in_force_at"].is_string());
    assert_eq!((given::code(edge, &key.secret), given::code(edge, &new)), ("EXPIRED".into(), "VALID".into()));
    let nothing = complete(&org, &key);
    assert_eq!((nothing.status, given::text(&nothing.value()["code"])), (409, "ILLEGAL_TRANSITION".into()));
    let actions: Vec<String> = org.audit().iter().take(2).map(|entry| given::text(&entry["action"])).collect();
    assert_eq!(actions, ["key.rotation_completed", "key.rotated"]);
}

#[test]
fn without_an_overlap_the_old_secret_is_refused_at_every_edge_at_once() {
    let fleet = Fleet::start(Options { edges: 3, faults: false, ..Options::default() });
    let org = given::org(fleet.edge(), json!({}));
    let key = org.key(json!({}));
    fleet.edges.iter().for_each(|edge| assert_eq!(given::code(edge, &key.secret), "VALID"));
    let rotated = rotate(&org, &key, json!({"overlap_seconds": 0}));
    assert!(rotated.value()["in_force_at"].is_string());
    let new = given::text(&rotated.value()["secret"]);
    for edge in &fleet.edges {
        assert_eq!((given::code(edge, &key.secret), given::code(edge, &new)), ("EXPIRED".into(), "VALID".into()));
    }
    let third = given::text(&rotate(&org, &key, json!({"overlap_seconds": 0})).value()["secret"]);
    for edge in &fleet.edges {
        let codes = [&key.secret, &new, &third].map(|secret| given::code(edge, secret));
        assert_eq!(codes, ["NOT_FOUND", "EXPIRED", "VALID"], "the first secret left the record");
    }
}

#[test]
fn an_overlap_ends_by_itself_and_never_after_the_key() {
    let edge = shared().edge();
    let org = given::org(edge, json!({}));
    // A second of questions without a pause may be more than a rate admits.
    let key = org.key(json!({"rate_limit": null}));
    let new = given::text(&rotate(&org, &key, json!({"overlap_seconds": 1})).value()["secret"]);
    assert_eq!(given::code(edge, &key.secret), "VALID");
    let limit = given::now().plus_ms(10_000);
    while given::code(edge, &key.secret) != "EXPIRED" {
        assert!(given::now() < limit);
    }
    assert_eq!(given::code(edge, &new), "VALID");
    let end = given::now().plus_ms(3_600_000).to_string();
    let short = org.key(json!({"expires_at": end}));
    let rotated = rotate(&org, &short, json!({"overlap_seconds": 2_592_000})).value();
    assert_eq!(rotated["key"]["secrets"][1]["expires_at"], end);
}

#[test]
fn simultaneous_rotations_have_one_winner() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    let answers: Vec<Response> = thread::scope(|scope| {
        let calls: Vec<_> = (0..6).map(|_| scope.spawn(|| rotate(&org, &key, json!({"overlap_seconds": 60})))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 5, "{statuses:?}");
    assert_eq!(org.audit().iter().filter(|entry| entry["action"] == "key.rotated").count(), 1);
    assert_eq!(org.read(&key).value()["secrets"].as_array().unwrap().len(), 2);
}

#[test]
fn bad_rotations_are_refused() {
    let org = given::org(shared().edge(), json!({}));
    let key = org.key(json!({}));
    for (body, status) in [
        (json!({}), 422),
        (json!({"overlap_seconds": 2_592_001}), 422),
        (json!({"overlap_seconds": -1}), 422),
        (json!({"overlap_seconds": "1"}), 400),
        (json!({"overlap_seconds": 1, "secret": "x"}), 422),
    ] {
        assert_eq!(rotate(&org, &key, body.clone()).status, status, "{body}");
    }
    org.revoke(&key);
    let ended = rotate(&org, &key, json!({"overlap_seconds": 0}));
    assert_eq!((ended.status, given::text(&ended.value()["code"])), (409, "ILLEGAL_TRANSITION".into()));
}

#[test]
fn a_rotation_that_cannot_be_published_still_shows_its_secret_and_comes_into_force() {
    let fleet = Fleet::start(Options::default());
    let edge = fleet.edge();
    let org = given::org(edge, json!({}));
    let key = org.key(json!({}));
    assert_eq!(given::code(edge, &key.secret), "VALID");
    edge.faults(&json!({"guard": "fail"}));
    let rotated = rotate(&org, &key, json!({"overlap_seconds": 0}));
    assert_eq!((rotated.status, &rotated.value()["in_force_at"]), (200, &Value::Null));
    edge.faults(&json!({}));
    assert_eq!(given::code(edge, &given::text(&rotated.value()["secret"])), "VALID");
    assert_eq!(fleet.scheduled().status, 200);
    assert_eq!(given::code(edge, &key.secret), "EXPIRED");
}
